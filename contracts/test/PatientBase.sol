// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";
import {PatientRegistry} from "../src/identity/PatientRegistry.sol";

abstract contract PatientBase is Base {
    PatientRegistry internal registry = new PatientRegistry();
    uint256 internal constant KEY = 0x1d;
    uint256 internal constant NEW_KEY = 0x2d;
    bytes32 internal constant NAME = "did/svc/KeepwellBundle";
    bytes internal constant VALUE = "ipfs://bundle";
    address internal immutable identity = vm.addr(KEY);
    address internal immutable newOwner = vm.addr(NEW_KEY);

    function domain() internal view returns (bytes32) {
        return domainSeparator("Keepwell PatientRegistry", block.chainid, address(registry));
    }

    function changeOwnerMessage(address who, address to, uint256 nonce, uint256 deadline) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256("ChangeOwner(address identity,address newOwner,uint256 nonce,uint256 deadline)");
        return keccak256(abi.encode(typeHash, who, to, nonce, deadline));
    }

    function setAttributeMessage(address who, bytes memory value, uint256 validity, uint256 nonce, uint256 deadline)
        internal
        pure
        returns (bytes32)
    {
        bytes32 typeHash = keccak256(
            "SetAttribute(address identity,bytes32 name,bytes value,uint256 validity,uint256 nonce,uint256 deadline)"
        );
        return keccak256(abi.encode(typeHash, who, NAME, keccak256(value), validity, nonce, deadline));
    }

    function revokeAttributeMessage(address who, bytes memory value, uint256 nonce, uint256 deadline) internal pure returns (bytes32) {
        bytes32 typeHash =
            keccak256("RevokeAttribute(address identity,bytes32 name,bytes value,uint256 nonce,uint256 deadline)");
        return keccak256(abi.encode(typeHash, who, NAME, keccak256(value), nonce, deadline));
    }

    function setModuleMessage(address who, address module, uint256 nonce, uint256 deadline) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256("SetRecoveryModule(address identity,address module,uint256 nonce,uint256 deadline)");
        return keccak256(abi.encode(typeHash, who, module, nonce, deadline));
    }

    function sign(uint256 key, bytes32 message) internal view returns (bytes memory) {
        return signDigest(key, typedDigest(domain(), message));
    }

    function changeOwnerCall(address who, address to, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(IPatientRegistry.changeOwnerBySig, (who, to, DEADLINE, signature));
    }

    function setAttributeCall(address who, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(IPatientRegistry.setAttributeBySig, (who, NAME, VALUE, 1 days, DEADLINE, signature));
    }

    function requireAccepted(address sender, bytes memory data) internal {
        vm.prank(sender);
        (bool success, ) = address(registry).call(data);
        require(success, "refused");
    }
}

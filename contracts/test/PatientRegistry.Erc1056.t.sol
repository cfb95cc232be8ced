// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {PatientBase} from "./PatientBase.sol";
import {vm} from "./Vm.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";
import {PatientRegistry} from "../src/identity/PatientRegistry.sol";

/// @dev The v,r,s messages of ERC-1056, hashed here as `ethr-did` does.
contract PatientRegistryErc1056Test is PatientBase {
    function erc1056(uint256 key, address contract_, uint256 nonce, bytes memory action)
        private
        view
        returns (uint8 v, bytes32 r, bytes32 s)
    {
        return vm.sign(key, keccak256(abi.encodePacked(hex"1900", contract_, nonce, identity, action)));
    }

    function test_everySignedFormDoesWhatItsPlainFormDoes() public {
        address who = identity;
        (uint8 v, bytes32 r, bytes32 s) =
            erc1056(KEY, address(registry), registry.nonce(who), abi.encodePacked("addDelegate", bytes32("veriKey"), newOwner, uint256(1 days)));
        registry.addDelegateSigned(who, v, r, s, "veriKey", newOwner, 1 days);
        require(registry.validDelegate(who, "veriKey", newOwner), "not added");

        (v, r, s) = erc1056(KEY, address(registry), registry.nonce(who), abi.encodePacked("revokeDelegate", bytes32("veriKey"), newOwner));
        registry.revokeDelegateSigned(who, v, r, s, "veriKey", newOwner);
        require(!registry.validDelegate(who, "veriKey", newOwner), "not revoked");

        (v, r, s) = erc1056(KEY, address(registry), registry.nonce(who), abi.encodePacked("setAttribute", NAME, VALUE, uint256(1 days)));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(who, NAME, VALUE, NOW + 1 days, registry.changed(who));
        registry.setAttributeSigned(who, v, r, s, NAME, VALUE, 1 days);

        (v, r, s) = erc1056(KEY, address(registry), registry.nonce(who), abi.encodePacked("revokeAttribute", NAME, VALUE));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(who, NAME, VALUE, 0, registry.changed(who));
        registry.revokeAttributeSigned(who, v, r, s, NAME, VALUE);

        (v, r, s) = erc1056(KEY, address(registry), registry.nonce(who), abi.encodePacked("changeOwner", newOwner));
        registry.changeOwnerSigned(who, v, r, s, newOwner);
        require(registry.identityOwner(who) == newOwner, "not changed");
        require(registry.nonce(who) == (block.chainid << 128) + 5, "not counted");
    }

    function callWith(uint8 v, bytes32 r, bytes32 s) private view returns (bytes memory) {
        return abi.encodeCall(IPatientRegistry.changeOwnerSigned, (identity, v, r, s, newOwner));
    }

    function testFuzz_onlyTheOwnerSigns(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        uint256 nonce = registry.nonce(identity);
        (uint8 v, bytes32 r, bytes32 s) = erc1056(key, address(registry), nonce, abi.encodePacked("changeOwner", newOwner));
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.NotSignedByOwner.selector, identity, identity, nonce);
        requireRevert(RELAY, address(registry), callWith(v, r, s), expected);
    }

    function test_aMessageWorksOnce() public {
        bytes memory action = abi.encodePacked("changeOwner", newOwner);
        (uint8 v, bytes32 r, bytes32 s) = erc1056(KEY, address(registry), registry.nonce(identity), action);
        requireAccepted(RELAY, callWith(v, r, s));
        vm.prank(newOwner);
        registry.changeOwner(identity, identity);
        requireRevert(RELAY, address(registry), callWith(v, r, s), IPatientRegistry.NotSignedByOwner.selector);
    }

    function test_aMessageIsWorthNothingOnAnotherChainOrContract() public {
        bytes memory action = abi.encodePacked("changeOwner", newOwner);
        (uint8 v, bytes32 r, bytes32 s) = erc1056(KEY, address(registry), registry.nonce(identity), action);
        address twin = address(new PatientRegistry());
        requireRevert(RELAY, twin, callWith(v, r, s), IPatientRegistry.NotSignedByOwner.selector);
        vm.chainId(block.chainid + 1);
        requireRevert(RELAY, address(registry), callWith(v, r, s), IPatientRegistry.NotSignedByOwner.selector);
    }

    function test_theHighTwinOfASignatureIsRefused() public {
        bytes memory action = abi.encodePacked("changeOwner", newOwner);
        (uint8 v, bytes32 r, bytes32 s) = erc1056(KEY, address(registry), registry.nonce(identity), action);
        (r, s, v) = parts(highS(abi.encodePacked(r, s, v)));
        requireRevert(RELAY, address(registry), callWith(v, r, s), IPatientRegistry.NotSignedByOwner.selector);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {vm} from "./Vm.sol";

/// @dev What every test needs. Signed messages are built here from the EIP-712 standard, not from the contracts' own helpers.
abstract contract Base {
    uint256 internal constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    uint256 internal constant NOW = 1_800_000_000; // a whole hour
    uint256 internal constant DEADLINE = NOW + 600;
    address internal constant RELAY = address(0x4e1a1);
    address internal constant OTHER_RELAY = address(0x4e1a2);

    constructor() {
        vm.warp(NOW);
    }

    function toKey(uint256 seed) internal pure returns (uint256) {
        return (seed % (N - 1)) + 1;
    }

    function domainSeparator(string memory name, uint256 chain, address verifier) internal pure returns (bytes32) {
        bytes32 typeHash = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        return keccak256(abi.encode(typeHash, keccak256(bytes(name)), keccak256("1"), chain, verifier));
    }

    function typedDigest(bytes32 domain, bytes32 message) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    function signDigest(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The same signature with the high s: valid for the curve, refused by EIP-2.
    function highS(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = parts(signature);
        return abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function parts(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    /// @dev Calls and asserts that nothing at all was written or logged, though the call succeeded.
    function requireNoOp(address sender, address target, bytes memory data) internal {
        vm.record();
        vm.recordLogs();
        vm.prank(sender);
        (bool success, ) = target.call(data);
        require(success, "a call without effect reverted");
        (, bytes32[] memory writes) = vm.accesses(target);
        require(writes.length == 0, "a repeated call wrote");
        require(vm.getRecordedLogs().length == 0, "a repeated call logged");
    }

    /// @dev Calls and asserts a revert with this selector.
    function requireRevert(address sender, address target, bytes memory data, bytes4 selector) internal {
        vm.prank(sender);
        (bool success, bytes memory reason) = target.call(data);
        require(!success, "a forbidden call succeeded");
        require(reason.length >= 4 && bytes4(reason) == selector, "reverted for another reason");
    }

    /// @dev Calls and asserts a revert with exactly this error.
    function requireRevert(address sender, address target, bytes memory data, bytes memory expected) internal {
        vm.prank(sender);
        (bool success, bytes memory reason) = target.call(data);
        require(!success, "a forbidden call succeeded");
        require(keccak256(reason) == keccak256(expected), "reverted for another reason");
    }
}

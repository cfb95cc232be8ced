// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {PatientBase} from "./PatientBase.sol";
import {vm} from "./Vm.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";

contract PatientRegistryOwnerTest is PatientBase {
    function testFuzz_everyAddressOwnsItselfAtFirst(address who) public view {
        require(registry.identityOwner(who) == who && registry.owners(who) == address(0), "owned by another");
        require(registry.changed(who) == 0 && registry.nonce(who) == block.chainid << 128, "a past");
    }

    function test_theOwnerHandsOverAndTheEventsFormAChain() public {
        vm.roll(100);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDOwnerChanged(identity, newOwner, 0);
        vm.prank(identity);
        registry.changeOwner(identity, newOwner);
        require(registry.identityOwner(identity) == newOwner && registry.changed(identity) == 100, "not changed");
        require(registry.owners(identity) == newOwner, "the owner that resolvers of ERC-1056 read is another");
        vm.roll(200);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDOwnerChanged(identity, identity, 100);
        vm.prank(newOwner);
        registry.changeOwner(identity, identity);
        require(registry.identityOwner(identity) == identity && registry.changed(identity) == 200, "not changed back");
    }

    function testFuzz_onlyTheOwnerActs(address stranger) public {
        vm.prank(identity);
        registry.changeOwner(identity, newOwner);
        vm.assume(stranger != newOwner);
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.NotOwner.selector, identity, newOwner, stranger);
        bytes[7] memory calls = [
            abi.encodeCall(IPatientRegistry.changeOwner, (identity, stranger)),
            abi.encodeCall(IPatientRegistry.changeOwner, (identity, newOwner)),
            abi.encodeCall(IPatientRegistry.addDelegate, (identity, "veriKey", stranger, 1 days)),
            abi.encodeCall(IPatientRegistry.revokeDelegate, (identity, "veriKey", stranger)),
            abi.encodeCall(IPatientRegistry.setAttribute, (identity, NAME, VALUE, 1 days)),
            abi.encodeCall(IPatientRegistry.revokeAttribute, (identity, NAME, VALUE)),
            abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, stranger))
        ];
        for (uint256 i = 0; i < calls.length; ++i) requireRevert(stranger, address(registry), calls[i], expected);
        requireRevert(identity, address(registry), calls[4], IPatientRegistry.NotOwner.selector);
    }

    function test_handingOverToThePresentOwnerChangesNothing() public {
        requireNoOp(identity, address(registry), abi.encodeCall(IPatientRegistry.changeOwner, (identity, identity)));
    }

    function test_anIdentityGivenUpIsNobodysForEver() public {
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDOwnerChanged(identity, address(0), 0);
        vm.prank(identity);
        registry.changeOwner(identity, address(0));
        require(registry.identityOwner(identity) == address(0), "somebody's");
        bytes memory data = abi.encodeCall(IPatientRegistry.changeOwner, (identity, identity));
        requireRevert(identity, address(registry), data, IPatientRegistry.NotOwner.selector);
        data = abi.encodeCall(IPatientRegistry.changeOwnerSigned, (identity, 27, 0, 0, newOwner));
        requireRevert(RELAY, address(registry), data, IPatientRegistry.NotSignedByOwner.selector);
        data = changeOwnerCall(identity, newOwner, new bytes(65));
        requireRevert(RELAY, address(registry), data, IPatientRegistry.NotSignedByOwner.selector);
        data = abi.encodeCall(IPatientRegistry.recoverOwner, (identity, newOwner));
        requireRevert(RELAY, address(registry), data, IPatientRegistry.NotRecoveryModule.selector);
    }

    function test_aDelegateIsValidUntilItsTimeOrItsRevocation() public {
        vm.roll(7);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDDelegateChanged(identity, "veriKey", newOwner, NOW + 1 days, 0);
        vm.prank(identity);
        registry.addDelegate(identity, "veriKey", newOwner, 1 days);
        require(registry.validDelegate(identity, "veriKey", newOwner), "not valid");
        require(registry.delegates(identity, keccak256(abi.encode(bytes32("veriKey"))), newOwner) == NOW + 1 days, "other time");
        require(!registry.validDelegate(identity, "sigAuth", newOwner), "valid for another purpose");
        vm.warp(NOW + 1 days);
        require(!registry.validDelegate(identity, "veriKey", newOwner), "valid too long");
        vm.warp(NOW + 1 hours);
        vm.roll(8);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDDelegateChanged(identity, "veriKey", newOwner, NOW + 1 hours, 7);
        vm.prank(identity);
        registry.revokeDelegate(identity, "veriKey", newOwner);
        require(!registry.validDelegate(identity, "veriKey", newOwner), "valid after revocation");
        require(registry.changed(identity) == 8, "a resolver that walks back misses the revocation");
    }

    function test_attributesAreAnnouncedAndWithdrawn() public {
        vm.roll(5);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(identity, NAME, VALUE, NOW + 1 days, 0);
        vm.prank(identity);
        registry.setAttribute(identity, NAME, VALUE, 1 days);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(identity, NAME, VALUE, 0, 5);
        vm.prank(identity);
        registry.revokeAttribute(identity, NAME, VALUE);
    }
}

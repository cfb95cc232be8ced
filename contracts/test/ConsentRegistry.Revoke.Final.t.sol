// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ConsentBase} from "./ConsentBase.sol";
import {vm} from "./Vm.sol";
import {ConsentRegistry} from "../src/consent/ConsentRegistry.sol";
import {IConsentRegistry} from "../src/consent/IConsentRegistry.sol";
import {Commitment} from "../src/lib/Types.sol";
import {Signatures} from "../src/lib/Signatures.sol";

contract ConsentRegistryRevokeFinalTest is ConsentBase {
    function test_aRevokedSlotKeepsItsTermsAndSaysSo() public {
        Terms memory t = terms("revoked");
        grant(t);
        vm.expectEmit(address(registry));
        emit IConsentRegistry.Revoked(holder, t.commitment);
        revoke(t.commitment);
        (uint64 notBefore, uint64 expiry, uint8 level, IConsentRegistry.State state) = registry.slot(holder, t.commitment);
        require(state == IConsentRegistry.State.Revoked, "not revoked");
        require(notBefore == t.notBefore && expiry == t.expiry && level == t.level, "history lost");
    }

    function testFuzz_aRevocationThatOvertakesItsGrantWins(bytes32 commitment) public {
        Terms memory t = terms(commitment);
        revoke(t.commitment);
        bytes memory expected = abi.encodeWithSelector(IConsentRegistry.AlreadyRevoked.selector, holder, t.commitment);
        requireRevert(RELAY, address(registry), grantCall(holder, t, signGrant(KEY, domain(), t)), expected);
        require(stateOf(holder, t.commitment) == IConsentRegistry.State.Revoked, "revived");
    }

    function testFuzz_noTermsReviveARevokedSlot(uint64 expiry, uint8 level, uint64 deadline) public {
        Terms memory t = terms("final");
        grant(t);
        revoke(t.commitment);
        (t.expiry, t.level, t.deadline) = (expiry, level, deadline);
        bytes memory data = grantCall(holder, t, signGrant(KEY, domain(), t));
        requireRevert(RELAY, address(registry), data, IConsentRegistry.AlreadyRevoked.selector);
    }

    function test_revokingAgainChangesNothingWhoeverRelaysIt() public {
        Commitment c = Commitment.wrap("twice");
        bytes memory data = revokeCall(holder, c, DEADLINE, signRevoke(KEY, domain(), c, DEADLINE));
        revoke(c);
        requireNoOp(OTHER_RELAY, address(registry), data);
        vm.warp(DEADLINE + 1);
        requireNoOp(RELAY, address(registry), data);
    }

    function testFuzz_onlyTheHoldersSignatureRevokes(uint256 seed, bool live) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        Terms memory t = terms("stranger");
        if (live) grant(t);
        bytes memory data = revokeCall(holder, t.commitment, DEADLINE, signRevoke(key, domain(), t.commitment, DEADLINE));
        bytes memory expected = abi.encodeWithSelector(Signatures.BadSignature.selector, holder, vm.addr(key));
        requireRevert(RELAY, address(registry), data, expected);
        require(stateOf(holder, t.commitment) != IConsentRegistry.State.Revoked, "a stranger revoked");
    }

    function test_aRevocationAfterItsDeadlineIsRefused() public {
        Commitment c = Commitment.wrap("late");
        bytes memory data = revokeCall(holder, c, DEADLINE, signRevoke(KEY, domain(), c, DEADLINE));
        vm.warp(DEADLINE + 1);
        bytes memory expected = abi.encodeWithSelector(Signatures.SignatureExpired.selector, DEADLINE, DEADLINE + 1);
        requireRevert(RELAY, address(registry), data, expected);
    }

    function test_aRevocationForAnotherChainOrContractIsRefused() public {
        Commitment c = Commitment.wrap("elsewhere");
        bytes32 elsewhere = domainSeparator("Keepwell ConsentRegistry", block.chainid + 1, address(registry));
        bytes memory data = revokeCall(holder, c, DEADLINE, signRevoke(KEY, elsewhere, c, DEADLINE));
        requireRevert(RELAY, address(registry), data, Signatures.BadSignature.selector);
        data = revokeCall(holder, c, DEADLINE, signRevoke(KEY, domain(), c, DEADLINE));
        requireRevert(RELAY, address(new ConsentRegistry()), data, Signatures.BadSignature.selector);
    }

    function test_revokingOneCommitmentLeavesTheOthers() public {
        Terms memory t = terms("kept");
        grant(t);
        revoke(Commitment.wrap("other"));
        require(stateOf(holder, t.commitment) == IConsentRegistry.State.Live, "another slot changed");
    }
}

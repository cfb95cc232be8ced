// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ConsentBase} from "./ConsentBase.sol";
import {vm} from "./Vm.sol";
import {IConsentRegistry} from "../src/consent/IConsentRegistry.sol";
import {Commitment} from "../src/lib/Types.sol";

contract ConsentRegistryGrantAcceptedTest is ConsentBase {
    function testFuzz_aRelayedGrantIsStoredAndAnnouncedAsSigned(uint256 seed, bytes32 commitment, uint32 start, uint32 hourCount, uint8 level)
        public
    {
        uint256 key = toKey(seed);
        Terms memory t = terms(commitment);
        t.notBefore = uint64(start) * 1 hours;
        t.expiry = uint64((NOW > t.notBefore ? NOW : t.notBefore) + (uint256(hourCount) + 1) * 1 hours);
        t.level = 1 + level % 3;
        address who = vm.addr(key);
        bytes memory signature = signGrant(key, domain(), t);
        vm.expectEmit(address(registry));
        emit IConsentRegistry.Granted(who, t.commitment, t.notBefore, t.expiry, t.level);
        vm.prank(RELAY);
        registry.grant(who, t.commitment, t.notBefore, t.expiry, t.level, t.deadline, signature);
        (uint64 notBefore, uint64 expiry, uint8 stored, IConsentRegistry.State state) = registry.slot(who, t.commitment);
        require(notBefore == t.notBefore && expiry == t.expiry && stored == t.level, "stored something else");
        require(state == IConsentRegistry.State.Live, "not live");
    }

    function test_aGrantWritesOneSlotOnly() public {
        Terms memory t = terms("one");
        bytes memory signature = signGrant(KEY, domain(), t);
        vm.record();
        registry.grant(holder, t.commitment, t.notBefore, t.expiry, t.level, t.deadline, signature);
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        for (uint256 i = 1; i < writes.length; ++i) require(writes[i] == writes[0], "more than one storage slot");
    }

    function test_aMessageIsGoodInItsLastSecond() public {
        vm.warp(DEADLINE);
        grant(terms("last second"));
    }

    function test_theSameGrantAgainChangesNothingWhoeverRelaysIt() public {
        Terms memory t = terms("twice");
        bytes memory data = grantCall(holder, t, signGrant(KEY, domain(), t));
        grant(t);
        requireNoOp(OTHER_RELAY, address(registry), data);
        vm.warp(DEADLINE + 1);
        requireNoOp(RELAY, address(registry), data);
    }

    function test_aNeverWrittenSlotIsNone() public view {
        require(stateOf(holder, Commitment.wrap("never")) == IConsentRegistry.State.None, "not none");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {GuardianBase} from "./GuardianBase.sol";
import {vm} from "./Vm.sol";
import {IGuardianRecovery} from "../src/identity/IGuardianRecovery.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";
import {Signatures} from "../src/lib/Signatures.sol";

contract GuardianRecoveryRoundTest is GuardianBase {
    address private constant THIEF = address(0xbad);
    uint256 private constant THIEF_KEY = 0xbadd;

    IGuardianRecovery.Plan private plan = planOf(2, 5);

    function setUp() public {
        requireAccepted(identity, abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, address(recovery))));
        act(setCall(KEY, hashOf(plan)));
    }

    function test_theGuardiansBringAnOwnerBackAfterTheLock() public {
        bytes memory data = beginCall(plan, newOwner, first(2), 1);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryBegun(identity, 1, newOwner, NOW + LOCK, false);
        act(data);
        nothing(data);
        refuse(finishCall(2), IGuardianRecovery.NoSuchRound.selector);
        vm.warp(NOW + LOCK - 1);
        refuse(finishCall(1), IGuardianRecovery.TooEarly.selector);
        require(registry.identityOwner(identity) == identity, "before the lock");
        vm.warp(NOW + LOCK);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryFinished(identity, 1, newOwner);
        act(finishCall(1));
        nothing(finishCall(1));
        require(registry.identityOwner(identity) == newOwner, "not recovered");
    }

    function testFuzz_anySetOfEnoughGuardiansWillDo(uint8 which) public {
        uint256[] memory places = new uint256[](5);
        uint256 count = 0;
        for (uint256 i = 0; i < 5; ++i) if ((which >> i) & 1 == 1) places[count++] = i;
        assembly ("memory-safe") {
            mstore(places, count)
        }
        bytes memory data = beginCall(plan, newOwner, places, 1);
        if (count >= 2) act(data);
        else refuse(data, IGuardianRecovery.TooFewVotes.selector);
    }

    function test_oneGuardianIsNotCountedTwice() public {
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (3, 3);
        refuse(beginCall(plan, newOwner, twice, 1), IGuardianRecovery.NotAGuardian.selector);
        (twice[0], twice[1]) = (4, 3);
        refuse(beginCall(plan, newOwner, twice, 1), IGuardianRecovery.NotAGuardian.selector);
    }

    function testFuzz_aStrangersVoteIsNone(uint256 seed) public {
        uint256 key = toKey(seed);
        uint256 deadline = block.timestamp + 600;
        bytes32 digest = voteDigest(here(), hashOf(plan), newOwner, 1, deadline);
        IGuardianRecovery.Vote[] memory votes = votesOf(plan, first(2), digest);
        vm.assume(vm.addr(key) != votes[1].guardian);
        votes[1].signature = signDigest(key, digest);
        refuse(abi.encodeCall(IGuardianRecovery.begin, (identity, newOwner, plan, deadline, votes)), Signatures.BadSignature.selector);
        votes[1].guardian = vm.addr(key);
        refuse(
            abi.encodeCall(IGuardianRecovery.begin, (identity, newOwner, plan, deadline, votes)),
            IGuardianRecovery.NotAGuardian.selector
        );
    }

    function testFuzz_aVoteIsGoodForOneOwnerOneRoundOneChainAndInTimeOnly(address other, uint64 chain, uint8 round) public {
        vm.assume(other != newOwner && other != address(0) && chain != block.chainid && round != 1);
        uint256 deadline = block.timestamp + 600;
        bytes32 domain_ = here();
        bytes4 bad = Signatures.BadSignature.selector;
        bytes32[4] memory digests = [
            voteDigest(domain_, hashOf(plan), other, 1, deadline),
            voteDigest(domain_, hashOf(plan), newOwner, round, deadline),
            voteDigest(domainSeparator("Keepwell GuardianRecovery", chain, address(recovery)), hashOf(plan), newOwner, 1, deadline),
            voteDigest(domain_, hashOf(planOf(3, 5)), newOwner, 1, deadline)
        ];
        for (uint256 i = 0; i < 4; ++i) {
            IGuardianRecovery.Vote[] memory votes = votesOf(plan, first(2), digests[i]);
            refuse(abi.encodeCall(IGuardianRecovery.begin, (identity, newOwner, plan, deadline, votes)), bad);
        }
        bytes memory good = beginCall(plan, newOwner, first(2), 1);
        vm.warp(deadline + 1);
        refuse(good, Signatures.SignatureExpired.selector);
    }

    function test_thePlanIsTheOneInForceAndSound() public {
        IGuardianRecovery.Plan memory other = planOf(3, 5);
        refuse(beginCall(other, newOwner, first(3), 1), IGuardianRecovery.OtherGuardians.selector);
        refuse(beginCall(plan, address(0), first(2), 1), IGuardianRecovery.NoNewOwner.selector);
        other = planOf(3, 3);
        act(setCall(KEY, hashOf(other)));
        vm.warp(NOW + recovery.changeDelay());
        refuse(beginCall(other, newOwner, first(3), 1), IGuardianRecovery.InvalidPlan.selector);
    }

    function test_theOwnerCancelsOnceAndTheSecondRoundOfOneMoreIsFinal() public {
        act(beginCall(plan, newOwner, first(2), 1));
        refuse(cancelCall(THIEF_KEY, 1), IGuardianRecovery.NotSignedByOwner.selector);
        refuse(cancelCall(KEY, 2), IGuardianRecovery.NoSuchRound.selector);
        act(cancelCall(KEY, 1));
        nothing(cancelCall(KEY, 1));
        refuse(finishCall(1), IGuardianRecovery.NoSuchRound.selector);
        refuse(beginCall(plan, newOwner, first(2), 2), IGuardianRecovery.TooFewVotes.selector);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryBegun(identity, 2, newOwner, NOW + 2 * LOCK, true);
        act(beginCall(plan, newOwner, first(3), 2));
        refuse(cancelCall(KEY, 2), IGuardianRecovery.RoundIsFinal.selector);
        vm.warp(NOW + 2 * LOCK);
        act(finishCall(2));
        require(registry.identityOwner(identity) == newOwner, "not recovered");
        act(beginCall(plan, THIEF, first(2), 3));
        act(cancelCall(NEW_KEY, 3));
    }

    function test_aThiefsNewGuardiansComeTooLateAndFallWithTheRound() public {
        bytes32 rogue = hashOf(planOf(2, 3));
        act(setCall(KEY, rogue));
        (bytes32 pending, uint256 from) = recovery.pendingGuardians(identity);
        require(pending == rogue && from == NOW + recovery.changeDelay(), "not delayed");
        nothing(setCall(KEY, rogue));
        vm.warp(from - 1);
        act(beginCall(plan, newOwner, first(2), 1));
        refuse(setCall(KEY, rogue), IGuardianRecovery.RoundRuns.selector);
        act(cancelCall(KEY, 1));
        vm.warp(from + 1000 days);
        require(recovery.guardians(identity) == hashOf(plan) && recovery.cancelled(identity), "the change outlived the round");
    }

    function test_newGuardiansAreInForceAfterTheDelayWithACancellationOfTheirOwn() public {
        act(beginCall(plan, newOwner, first(2), 1));
        act(cancelCall(KEY, 1));
        IGuardianRecovery.Plan memory other = planOf(2, 3);
        act(setCall(KEY, hashOf(other)));
        vm.warp(NOW + recovery.changeDelay());
        require(recovery.guardians(identity) == hashOf(other) && !recovery.cancelled(identity), "not in force");
        refuse(beginCall(plan, newOwner, first(3), 2), IGuardianRecovery.OtherGuardians.selector);
        act(beginCall(other, newOwner, first(2), 2));
        act(cancelCall(KEY, 2));
        act(setCall(KEY, bytes32(0)));
        act(setCall(KEY, hashOf(other)));
        (bytes32 pending, uint256 from) = recovery.pendingGuardians(identity);
        require(pending == 0 && from == 0, "naming those in force did not drop the change");
    }

    function testFuzz_onlyTheOwnerSetsGuardians(uint256 seed, uint64 chain) public {
        uint256 key = toKey(seed);
        vm.assume(vm.addr(key) != identity && chain != block.chainid && chain != 0);
        refuse(setCall(key, bytes32(0)), IGuardianRecovery.NotSignedByOwner.selector);
        bytes memory mine = setCall(KEY, bytes32(0));
        act(mine);
        act(setCall(KEY, hashOf(plan)));
        refuse(mine, IGuardianRecovery.NotSignedByOwner.selector);
    }

    function test_withoutTheModuleNothingIsFinished() public {
        requireAccepted(identity, abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, address(0))));
        vm.warp(NOW + registry.recoveryModuleDelay());
        act(beginCall(plan, newOwner, first(2), 1));
        vm.warp(ready());
        refuse(finishCall(1), IPatientRegistry.NotRecoveryModule.selector);
        require(registry.identityOwner(identity) == identity, "moved");
    }
}

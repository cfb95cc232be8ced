// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {GuardianBase} from "./GuardianBase.sol";
import {StubAccount} from "./PasskeyAccount.sol";
import {vm} from "./Vm.sol";
import {GuardianRecovery} from "../src/identity/GuardianRecovery.sol";
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

    function requireRound(uint256 number, address to, uint256 readyAt, bool isFinal, IGuardianRecovery.State state) private view {
        (uint256 number_, address to_, uint256 readyAt_, bool isFinal_, IGuardianRecovery.State state_) = recovery.lastRound(identity);
        require(number_ == number && to_ == to && readyAt_ == readyAt, "another round");
        require(isFinal_ == isFinal && state_ == state, "a round of another kind");
    }

    function noSuchRound(uint256 number) private view returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.NoSuchRound.selector, identity, number);
    }

    function roundRuns(uint256 number) private view returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.RoundRuns.selector, identity, number);
    }

    function tooFewVotes(uint256 needed, uint256 given) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.TooFewVotes.selector, needed, given);
    }

    function tooEarly(uint256 readyAt, uint256 time) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.TooEarly.selector, readyAt, time);
    }

    function notAGuardian(address guardian, uint256 index) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.NotAGuardian.selector, guardian, index);
    }

    function invalidPlan(uint256 threshold, uint256 count, uint256 delay) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.InvalidPlan.selector, threshold, count, delay);
    }

    function notSignedBy(address owner) private view returns (bytes memory) {
        return abi.encodeWithSelector(IGuardianRecovery.NotSignedByOwner.selector, identity, owner);
    }

    function otherGuardians(IGuardianRecovery.Plan memory expected, IGuardianRecovery.Plan memory given)
        private
        view
        returns (bytes memory)
    {
        return abi.encodeWithSelector(IGuardianRecovery.OtherGuardians.selector, identity, hashOf(expected), hashOf(given));
    }

    function test_theGuardiansBringAnOwnerBackAfterTheLock() public {
        bytes memory data = beginCall(plan, newOwner, first(2), 1);
        refuse(finishCall(0), noSuchRound(0));
        refuse(cancelCall(KEY, 0), noSuchRound(0));
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryBegun(identity, 1, newOwner, NOW + LOCK, false);
        act(data);
        nothing(data);
        refuse(beginCall(plan, THIEF, first(2), 1), roundRuns(1));
        requireRound(1, newOwner, NOW + LOCK, false, IGuardianRecovery.State.Running);
        refuse(finishCall(2), noSuchRound(2));
        vm.warp(NOW + LOCK - 1);
        refuse(finishCall(1), tooEarly(NOW + LOCK, NOW + LOCK - 1));
        require(registry.identityOwner(identity) == identity, "before the lock");
        vm.warp(NOW + LOCK);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryFinished(identity, 1, newOwner);
        act(finishCall(1));
        nothing(finishCall(1));
        requireRound(1, newOwner, NOW + LOCK, false, IGuardianRecovery.State.Finished);
        refuse(cancelCall(NEW_KEY, 1), noSuchRound(1));
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
        else refuse(data, tooFewVotes(2, count));
    }

    function test_oneGuardianIsNotCountedTwice() public {
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (3, 3);
        refuse(beginCall(plan, newOwner, twice, 1), notAGuardian(vm.addr(guardianKey(3)), 3));
        (twice[0], twice[1]) = (4, 3);
        refuse(beginCall(plan, newOwner, twice, 1), notAGuardian(vm.addr(guardianKey(3)), 3));
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
        refuse(abi.encodeCall(IGuardianRecovery.begin, (identity, newOwner, plan, deadline, votes)), notAGuardian(vm.addr(key), 1));
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
        refuse(beginCall(other, newOwner, first(3), 1), otherGuardians(plan, other));
        refuse(beginCall(plan, address(0), first(2), 1), abi.encodeWithSelector(IGuardianRecovery.NoNewOwner.selector, identity));
        other = planOf(3, 3);
        act(setCall(KEY, hashOf(other)));
        vm.warp(NOW + recovery.changeDelay());
        refuse(beginCall(other, newOwner, first(3), 1), invalidPlan(3, 3, LOCK));
    }

    function test_theOwnerCancelsOnceAndTheSecondRoundOfOneMoreIsFinal() public {
        act(beginCall(plan, newOwner, first(2), 1));
        refuse(cancelCall(THIEF_KEY, 1), notSignedBy(identity));
        refuse(cancelCall(KEY, 2), noSuchRound(2));
        bytes memory data = cancelCall(KEY, 1);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryCancelled(identity, 1);
        act(data);
        nothing(cancelCall(KEY, 1));
        requireRound(1, newOwner, NOW + LOCK, false, IGuardianRecovery.State.Cancelled);
        refuse(finishCall(1), noSuchRound(1));
        refuse(beginCall(plan, newOwner, first(2), 2), tooFewVotes(3, 2));
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.RecoveryBegun(identity, 2, newOwner, NOW + 2 * LOCK, true);
        act(beginCall(plan, newOwner, first(3), 2));
        refuse(cancelCall(KEY, 2), abi.encodeWithSelector(IGuardianRecovery.RoundIsFinal.selector, identity, 2));
        requireRound(2, newOwner, NOW + 2 * LOCK, true, IGuardianRecovery.State.Running);
        vm.warp(NOW + 2 * LOCK - 1);
        refuse(finishCall(2), tooEarly(NOW + 2 * LOCK, NOW + 2 * LOCK - 1));
        vm.warp(NOW + 2 * LOCK);
        act(finishCall(2));
        require(registry.identityOwner(identity) == newOwner, "not recovered");
        act(beginCall(plan, THIEF, first(2), 3));
        act(cancelCall(NEW_KEY, 3));
    }

    function test_T10_aVetoThatIsMinedBeforeTheEndOfTheLockCounts() public {
        (bytes memory veto, bytes memory end) = vetoAndEnd();
        act(veto);
        refuse(end, noSuchRound(1));
        require(registry.identityOwner(identity) == identity && recovery.cancelled(identity), "taken over in spite of the veto");
    }

    function test_T10_aVetoThatIsMinedAfterTheEndOfTheLockIsTooLate() public {
        (bytes memory veto, bytes memory end) = vetoAndEnd();
        act(end);
        refuse(veto, noSuchRound(1));
        require(registry.identityOwner(identity) == newOwner && !recovery.cancelled(identity), "vetoed after the end");
    }

    /// @dev Both may be mined in the same second: the first in which the lock is over.
    function vetoAndEnd() private returns (bytes memory, bytes memory) {
        act(beginCall(plan, newOwner, first(2), 1));
        vm.warp(NOW + LOCK);
        return (cancelCall(KEY, 1), finishCall(1));
    }

    function test_T10_whatEndedOneRoundIsNothingToTheNext() public {
        act(beginCall(plan, newOwner, first(2), 1));
        vm.warp(NOW + LOCK);
        act(finishCall(1));
        act(beginCall(plan, THIEF, first(2), 2));
        refuse(cancelCall(NEW_KEY, 1), noSuchRound(1));
        vm.warp(ready() + 1 days);
        refuse(finishCall(1), noSuchRound(1));
        act(finishCall(2));
        require(registry.identityOwner(identity) == THIEF, "only in the first second after the lock");
    }

    function test_anOwnerThatIsAContractSetsGuardiansAndCancels() public {
        StubAccount account = new StubAccount();
        requireAccepted(identity, abi.encodeCall(IPatientRegistry.changeOwner, (identity, address(account))));
        bytes memory set = abi.encodeCall(IGuardianRecovery.setGuardians, (identity, 0, DEADLINE, ""));
        refuse(set, notSignedBy(address(account)));
        account.agree(setDigest(0, DEADLINE));
        act(set);
        act(beginCall(plan, newOwner, first(2), 1));
        bytes memory veto = abi.encodeCall(IGuardianRecovery.cancel, (identity, 1, DEADLINE, ""));
        refuse(veto, notSignedBy(address(account)));
        account.agree(cancelDigest(1, DEADLINE));
        act(veto);
        require(recovery.cancelled(identity), "not cancelled");
    }

    function test_guardiansInForceStayAndNamingThemAgainDoesNothing() public {
        nothing(setCall(KEY, hashOf(plan)));
        bytes32 other = hashOf(planOf(2, 3));
        act(setCall(KEY, other));
        vm.warp(NOW + recovery.changeDelay() + 1);
        require(recovery.guardians(identity) == other, "in force for a second only");
        nothing(setCall(KEY, other));
    }

    function test_aThiefsNewGuardiansComeTooLateAndFallWithTheRound() public {
        bytes32 rogue = hashOf(planOf(2, 3));
        bytes memory data = setCall(KEY, rogue);
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.GuardiansChanged(identity, hashOf(plan), rogue, NOW + 14 days);
        act(data);
        (bytes32 pending, uint256 from) = recovery.pendingGuardians(identity);
        require(pending == rogue && from == NOW + recovery.changeDelay(), "not delayed");
        nothing(setCall(KEY, rogue));
        vm.warp(from - 1);
        act(beginCall(plan, newOwner, first(2), 1));
        refuse(setCall(KEY, rogue), roundRuns(1));
        act(cancelCall(KEY, 1));
        (pending, from) = recovery.pendingGuardians(identity);
        require(pending == 0 && from == 0, "the change outlived the round");
        vm.warp(NOW + 1000 days);
        require(recovery.guardians(identity) == hashOf(plan) && recovery.cancelled(identity), "the change outlived the round");
    }

    function test_newGuardiansAreInForceAfterTheDelayWithACancellationOfTheirOwn() public {
        act(beginCall(plan, newOwner, first(2), 1));
        act(cancelCall(KEY, 1));
        IGuardianRecovery.Plan memory other = planOf(2, 3);
        act(setCall(KEY, hashOf(other)));
        vm.warp(NOW + recovery.changeDelay());
        require(recovery.guardians(identity) == hashOf(other) && !recovery.cancelled(identity), "not in force");
        act(setCall(KEY, bytes32(0)));
        require(recovery.nonce(identity) == 3, "messages of before can be sent again");
        refuse(beginCall(plan, newOwner, first(3), 2), otherGuardians(other, plan));
        act(beginCall(other, newOwner, first(2), 2));
        act(cancelCall(KEY, 2));
        act(setCall(KEY, bytes32(0)));
        bytes memory data = setCall(KEY, hashOf(other));
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.GuardiansChanged(identity, hashOf(other), 0, 0);
        act(data);
        (bytes32 pending, uint256 from) = recovery.pendingGuardians(identity);
        require(pending == 0 && from == 0, "naming those in force did not drop the change");
    }

    function testFuzz_onlyTheOwnerSetsGuardians(uint256 seed, uint64 chain) public {
        uint256 key = toKey(seed);
        uint256 here_ = block.chainid;
        vm.assume(vm.addr(key) != identity && chain != here_ && chain != 0);
        refuse(setCall(key, bytes32(0)), notSignedBy(identity));
        bytes memory mine = setCall(KEY, bytes32(0));
        vm.chainId(chain);
        refuse(mine, notSignedBy(identity));
        vm.chainId(here_);
        act(mine);
        act(setCall(KEY, hashOf(plan)));
        refuse(mine, notSignedBy(identity));
    }

    function test_T10_noMessageOfAnOwnerIsGoodAfterItsDeadlineForAnotherRoundOrFromNobody() public {
        bytes memory late = setCall(KEY, bytes32(0));
        vm.warp(NOW + 601);
        refuse(late, abi.encodeWithSelector(Signatures.SignatureExpired.selector, NOW + 600, NOW + 601));
        vm.warp(NOW + 600);
        act(late);
        act(beginCall(plan, newOwner, first(2), 1));
        bytes memory veto = cancelCall(KEY, 1);
        vm.warp(NOW + 1201);
        refuse(veto, abi.encodeWithSelector(Signatures.SignatureExpired.selector, NOW + 1200, NOW + 1201));
        vm.warp(NOW + 1200);
        act(veto);
        requireAccepted(identity, abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, address(0))));
        vm.warp(NOW + 1200 + registry.recoveryModuleDelay());
        requireAccepted(identity, abi.encodeCall(IPatientRegistry.changeOwner, (identity, address(0))));
        refuse(setCall(KEY, hashOf(planOf(3, 5))), notSignedBy(address(0)));
    }

    function test_T09_thePlansThatCanRecoverAreKnownToThePersonAndTheSecond() public {
        (uint256 least, uint256 greatest) = recovery.delayBounds();
        require(least == 1 days && greatest == 4 days && recovery.changeDelay() == 14 days, "other bounds are told");
        require(begins(1, 3, LOCK) == false && begins(2, 2, LOCK) == false, "persons");
        require(begins(3, 2, LOCK) == false && begins(2, 33, LOCK) == false, "persons");
        require(begins(2, 3, 1 days - 1) == false && begins(2, 3, 4 days + 1) == false, "seconds");
        require(begins(2, 3, 1 days) && begins(2, 3, 4 days) && begins(2, 32, LOCK) && begins(31, 32, LOCK), "none at the edge");
    }

    /// @dev Whether guardians like these, the first that an identity has, can begin a round; if not, it is for the plan's numbers.
    function begins(uint8 threshold, uint8 count, uint256 lock) private returns (bool) {
        recovery = new GuardianRecovery(registry);
        IGuardianRecovery.Plan memory other = planOf(threshold, count);
        other.delay = uint32(lock);
        bytes memory data = setCall(KEY, hashOf(other));
        vm.expectEmit(address(recovery));
        emit IGuardianRecovery.GuardiansChanged(identity, hashOf(other), 0, 0);
        act(data);
        data = beginCall(other, newOwner, first(threshold < count ? threshold : count), 1);
        (bool success, bytes memory reason) = address(recovery).call(data);
        require(success || keccak256(reason) == keccak256(invalidPlan(threshold, count, lock)), "refused for another reason");
        return success;
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

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {GuardianBase} from "./GuardianBase.sol";
import {vm} from "./Vm.sol";
import {IGuardianRecovery} from "../src/identity/IGuardianRecovery.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";

/// @dev Guardians, owner and thief in any order, at any time. The handler keeps its own account of what must be true.
contract GuardianHandler is GuardianBase {
    uint256 public early;
    uint256 public few;
    uint256 public cancels;
    uint256 public doubleCancels;
    uint256 public thawed;
    uint256 public moved;

    uint8[2] private thresholds = [2, 3];
    uint256 private begunAt;
    uint256 private needed;
    uint256 private sinceChange; // cancels since the last recovery or change of guardians in force
    uint256 private ownerKey = KEY;

    constructor() {
        vm.prank(identity);
        registry.setRecoveryModule(identity, address(recovery));
        act(setCall(KEY, hashOf(planOf(2, 5))));
    }

    function inForce() private view returns (IGuardianRecovery.Plan memory plan, bool known) {
        bytes32 hash = recovery.guardians(identity);
        for (uint256 i = 0; i < 2; ++i) {
            plan = planOf(thresholds[i], 5);
            if (hashOf(plan) == hash) return (plan, true);
        }
    }

    function running() private view returns (bool) {
        (, , , , IGuardianRecovery.State state) = recovery.lastRound(identity);
        return state == IGuardianRecovery.State.Running;
    }

    function pass(uint32 wait) private {
        bytes32 before = recovery.guardians(identity);
        vm.warp(block.timestamp + wait % 5 days);
        if (recovery.guardians(identity) != before) {
            sinceChange = 0;
            if (running()) ++thawed;
        }
    }

    function begin(uint8 count, uint8 to, uint32 wait) external {
        pass(wait);
        (IGuardianRecovery.Plan memory plan, bool known) = inForce();
        if (!known || running()) return;
        bool after_ = recovery.cancelled(identity);
        (uint256 round, , , , ) = recovery.lastRound(identity);
        uint256 voting = uint256(count) % 6;
        (bool success, ) = address(recovery).call(beginCall(plan, vm.addr(100 + uint256(to % 3)), first(voting), round + 1));
        if (!success) return;
        if (voting < plan.threshold + (after_ ? 1 : 0)) ++few;
        begunAt = block.timestamp;
        needed = uint256(plan.delay) * (after_ ? 2 : 1);
    }

    function cancel(bool thief, uint32 wait) external {
        pass(wait);
        (uint256 round, , , , ) = recovery.lastRound(identity);
        bool ran = running();
        (bool success, ) = address(recovery).call(cancelCall(thief ? 0xbad : ownerKey, round));
        if (!success || !ran) return;
        ++cancels;
        if (thief) ++moved;
        if (++sinceChange > 1) ++doubleCancels;
    }

    function change(uint8 which, bool thief, uint32 wait) external {
        pass(wait);
        bytes32 before = recovery.guardians(identity);
        (bytes32 pendingBefore, ) = recovery.pendingGuardians(identity);
        bool ran = running();
        bytes32 plan = which % 3 == 2 ? bytes32(0) : hashOf(planOf(thresholds[which % 3], 5));
        (bool success, ) = address(recovery).call(setCall(thief ? 0xbad : ownerKey, plan));
        (bytes32 pending, ) = recovery.pendingGuardians(identity);
        bool changed = pending != pendingBefore || recovery.guardians(identity) != before;
        if (changed && (ran || thief || !success)) ++thawed;
        if (before != 0 && recovery.guardians(identity) != before) ++thawed;
    }

    function finish(uint32 wait) external {
        pass(wait);
        (uint256 round, address to, , , ) = recovery.lastRound(identity);
        address before = registry.identityOwner(identity);
        bool ran = running();
        (bool success, ) = address(recovery).call(finishCall(round));
        if (registry.identityOwner(identity) == before) {
            if (success && ran) sinceChange = 0;
            return;
        }
        if (!ran) ++moved;
        if (block.timestamp < begunAt + needed) ++early;
        for (uint256 i = 0; i < 3; ++i) if (vm.addr(100 + i) == to) ownerKey = 100 + i;
        sinceChange = 0;
    }
}

contract GuardianRecoveryInvariantTest {
    GuardianHandler private handler;

    function setUp() public {
        handler = new GuardianHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_noOwnerChangesBeforeTheLock() public view {
        require(handler.early() == 0, "an owner changed before the time lock");
        require(handler.moved() == 0, "an owner changed, or a round ended, by nobody's right");
    }

    function invariant_noRoundWithFewerVotesThanItTakes() public view {
        require(handler.few() == 0, "a round began with too few votes");
    }

    function invariant_noTwoCancels() public view {
        require(handler.doubleCancels() == 0, "a second round was cancelled");
    }

    function invariant_guardiansAreDelayedAndFrozenInARound() public view {
        require(handler.thawed() == 0, "guardians changed in a round, at once, or by a stranger");
    }
}

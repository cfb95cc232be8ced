// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {IPolicyRegistry} from "../src/governance/IPolicyRegistry.sol";
import {PolicyRegistry} from "../src/governance/PolicyRegistry.sol";

abstract contract PolicyBase is Base {
    address internal constant ADMIN = address(0xad317);
    uint256 internal constant DELAY = 1 days;
    bytes32 internal constant A = keccak256("bundle a");
    bytes32 internal constant B = keccak256("bundle b");
    PolicyRegistry internal registry = new PolicyRegistry(ADMIN, DELAY);

    function scheduleCall(bytes32 policy) internal pure returns (bytes memory) {
        return abi.encodeCall(IPolicyRegistry.schedule, (policy));
    }

    function cancelCall(bytes32 policy) internal pure returns (bytes memory) {
        return abi.encodeCall(IPolicyRegistry.cancel, (policy));
    }

    function enactCall(bytes32 policy) internal pure returns (bytes memory) {
        return abi.encodeCall(IPolicyRegistry.enact, (policy));
    }

    function requireState(bytes32 current, uint256 since, bytes32 pending, uint256 readyAt) internal view {
        (bytes32 inForce, uint256 from) = registry.current();
        (bytes32 next, uint256 ready) = registry.pending();
        require(inForce == current && from == since, "another policy is in force");
        require(next == pending && ready == readyAt, "another policy is announced");
    }

    function accept(address sender, bytes memory data) internal {
        vm.prank(sender);
        (bool success, ) = address(registry).call(data);
        require(success, "refused");
    }
}

contract PolicyRegistryTimelockTest is PolicyBase {
    function testFuzz_whatWasAnnouncedIsInForceAfterTheDelayByAnybodysHand(bytes32 policy, address anybody, uint32 late) public {
        vm.assume(policy != 0);
        vm.expectEmit(address(registry));
        emit IPolicyRegistry.PolicyScheduled(policy, NOW + DELAY);
        accept(ADMIN, scheduleCall(policy));
        requireState(0, 0, policy, NOW + DELAY);
        vm.warp(NOW + DELAY - 1);
        bytes memory early = abi.encodeWithSelector(IPolicyRegistry.TooEarly.selector, NOW + DELAY, NOW + DELAY - 1);
        requireRevert(anybody, address(registry), enactCall(policy), early);
        vm.warp(NOW + DELAY + late);
        vm.expectEmit(address(registry));
        emit IPolicyRegistry.PolicyEnacted(policy);
        accept(anybody, enactCall(policy));
        requireState(policy, NOW + DELAY + late, 0, 0);
        requireNoOp(anybody, address(registry), enactCall(policy));
    }

    function test_anotherAnnouncementBeginsTheWaitAnewAndTheSameDoesNot() public {
        accept(ADMIN, scheduleCall(A));
        vm.warp(NOW + DELAY / 2);
        requireNoOp(ADMIN, address(registry), scheduleCall(A));
        accept(ADMIN, scheduleCall(B));
        vm.warp(NOW + DELAY);
        requireRevert(ADMIN, address(registry), enactCall(B), IPolicyRegistry.TooEarly.selector);
        bytes memory gone = abi.encodeWithSelector(IPolicyRegistry.NotScheduled.selector, A);
        requireRevert(ADMIN, address(registry), enactCall(A), gone);
        requireState(0, 0, B, NOW + DELAY / 2 + DELAY);
    }

    function test_whatIsWithdrawnIsNeverInForce() public {
        accept(ADMIN, scheduleCall(A));
        requireNoOp(ADMIN, address(registry), cancelCall(B));
        vm.expectEmit(address(registry));
        emit IPolicyRegistry.PolicyCancelled(A);
        accept(ADMIN, cancelCall(A));
        requireNoOp(ADMIN, address(registry), cancelCall(A));
        requireNoOp(ADMIN, address(registry), cancelCall(0));
        vm.warp(NOW + DELAY);
        requireRevert(ADMIN, address(registry), enactCall(A), IPolicyRegistry.NotScheduled.selector);
        requireState(0, 0, 0, 0);
    }

    function test_noBundleAtAllComesBackTheSameWay() public {
        accept(ADMIN, scheduleCall(A));
        vm.warp(NOW + DELAY);
        accept(RELAY, enactCall(A));
        bytes memory expected = abi.encodeWithSelector(IPolicyRegistry.AlreadyInForce.selector, A);
        requireRevert(ADMIN, address(registry), scheduleCall(A), expected);
        requireRevert(RELAY, address(registry), enactCall(0), IPolicyRegistry.NotScheduled.selector);
        accept(ADMIN, scheduleCall(0));
        requireRevert(RELAY, address(registry), enactCall(A), IPolicyRegistry.NotScheduled.selector);
        requireState(A, NOW + DELAY, 0, NOW + 2 * DELAY);
        requireRevert(RELAY, address(registry), enactCall(0), IPolicyRegistry.TooEarly.selector);
        vm.warp(NOW + 2 * DELAY);
        accept(RELAY, enactCall(0));
        requireState(0, NOW + 2 * DELAY, 0, 0);
    }

    function testFuzz_onlyTheAdministratorAnnouncesOrWithdraws(address stranger, bytes32 policy) public {
        vm.assume(stranger != ADMIN && policy != A);
        accept(ADMIN, scheduleCall(A));
        bytes memory expected = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger);
        requireRevert(stranger, address(registry), scheduleCall(policy), expected);
        requireRevert(stranger, address(registry), cancelCall(A), expected);
        requireRevert(stranger, address(registry), enactCall(policy), IPolicyRegistry.NotScheduled.selector);
        requireState(0, 0, A, NOW + DELAY);
    }

    function test_thePlaceIsHandedOnInTwoStepsAndTheFormerHolderHasNothing() public {
        accept(ADMIN, abi.encodeWithSignature("transferOwnership(address)", RELAY));
        requireRevert(RELAY, address(registry), scheduleCall(A), Ownable.OwnableUnauthorizedAccount.selector);
        accept(RELAY, abi.encodeWithSignature("acceptOwnership()"));
        requireRevert(ADMIN, address(registry), scheduleCall(A), Ownable.OwnableUnauthorizedAccount.selector);
        accept(RELAY, scheduleCall(A));
    }

    function test_aDelayIsFromAnHourToThirtyDaysToTheSecond() public {
        testFuzz_aDelayIsFromAnHourToThirtyDays(1 hours - 1);
        testFuzz_aDelayIsFromAnHourToThirtyDays(1 hours);
        testFuzz_aDelayIsFromAnHourToThirtyDays(30 days);
        testFuzz_aDelayIsFromAnHourToThirtyDays(30 days + 1);
    }

    function testFuzz_aDelayIsFromAnHourToThirtyDays(uint256 delay) public {
        if (delay >= 1 hours && delay <= 30 days) {
            require(new PolicyRegistry(ADMIN, delay).delay() == delay, "another delay");
            return;
        }
        try new PolicyRegistry(ADMIN, delay) {
            require(false, "a delay that protects nobody");
        } catch (bytes memory reason) {
            bytes memory expected = abi.encodeWithSelector(IPolicyRegistry.InvalidDelay.selector, delay);
            require(keccak256(reason) == keccak256(expected), "refused for another reason");
        }
    }
}

/// @dev Administrator and stranger announce, withdraw, apply and wait; its own account says since when each bundle was announced.
contract PolicyHandler is PolicyBase {
    mapping(bytes32 policy => uint256) private announcedAt;
    uint256 public hasty;
    uint256 public unannounced;

    function act(uint8 what, bool admin, uint8 which, uint24 wait) external {
        vm.warp(block.timestamp + wait % (DELAY / 2));
        bytes32 policy = which % 4 == 0 ? bytes32(0) : keccak256(abi.encode(which % 4));
        (bytes32 before, uint256 since) = registry.current();
        (bytes32 next, uint256 readyAt) = registry.pending();
        if (what % 3 == 1 && what % 2 == 0) policy = next;
        bytes memory data = what % 3 == 0 ? scheduleCall(policy) : what % 3 == 1 ? enactCall(policy) : cancelCall(policy);
        if (what % 8 == 4) data = cancelCall(policy);
        vm.prank(admin ? ADMIN : RELAY);
        (bool success, ) = address(registry).call(data);
        success;
        (bytes32 inForce, uint256 from) = registry.current();
        (bytes32 announced, uint256 ready) = registry.pending();
        if (ready != 0 && (announced != next || ready != readyAt)) announcedAt[announced] = block.timestamp;
        if (!admin && ready != 0 && (announced != next || ready != readyAt)) ++unannounced;
        if (inForce == before && from == since) return;
        if (readyAt == 0 || next != inForce) ++unannounced;
        if (announcedAt[inForce] == 0 || block.timestamp < announcedAt[inForce] + DELAY) ++hasty;
    }
}

contract PolicyRegistryInvariantTest {
    PolicyHandler private handler;

    function setUp() public {
        handler = new PolicyHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_nothingIsInForceBeforeItsTime() public view {
        require(handler.hasty() == 0, "a bundle in force within the delay");
    }

    function invariant_nothingIsInForceThatTheAdministratorDidNotAnnounce() public view {
        require(handler.unannounced() == 0, "a bundle that nobody announced");
    }
}

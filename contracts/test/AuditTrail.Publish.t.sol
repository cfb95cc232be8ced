// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {AuditBase} from "./AuditBase.sol";
import {vm} from "./Vm.sol";
import {AuditTrail} from "../src/audit/AuditTrail.sol";
import {IAuditTrail} from "../src/audit/IAuditTrail.sol";
import {Signatures} from "../src/lib/Signatures.sol";
import {MerkleRoot} from "../src/lib/Types.sol";

contract AuditTrailPublishTest is AuditBase {
    function testFuzz_aSignedHeadIsKeptAndAnnounced(uint256 seed, uint64 size, bytes32 root, uint64 time) public {
        uint256 key = toKey(seed);
        IAuditTrail.Head memory h = head(size, root, time);
        h.log = vm.addr(key);
        bytes memory signature = signHead(key, domain(), h);
        vm.expectEmit(address(trail));
        emit IAuditTrail.HeadPublished(h.log, size, h.root, time);
        vm.prank(RELAY);
        trail.publish(h, signature);
        (uint64 storedSize, MerkleRoot storedRoot, uint64 storedTime) = trail.latest(h.log);
        require(storedSize == size && storedRoot == h.root && storedTime == time, "stored something else");
        require(!trail.forked(h.log), "forked");
    }

    function testFuzz_aLogOnlyGrows(uint64 size, uint64 time, uint64 nextSize, uint64 nextTime) public {
        publish(head(size, "a", time));
        IAuditTrail.Head memory next = head(nextSize, "b", nextTime);
        bytes memory data = publishCall(next, sign(next));
        bool behind = nextSize < size || nextTime < time;
        if (behind) {
            bytes memory expected = abi.encodeWithSelector(IAuditTrail.HeadBehind.selector, log, size, time);
            requireRevert(RELAY, address(trail), data, expected);
        } else if (nextSize == size) {
            requireRevert(RELAY, address(trail), data, IAuditTrail.RootConflict.selector);
        } else {
            trail.publish(next, sign(next));
        }
        (uint64 stored, , uint64 storedTime) = trail.latest(log);
        require(stored >= size && storedTime >= time, "went backwards");
    }

    function test_neitherSizeNorTimeGoesBack() public {
        publish(head(10, "a", 100));
        bytes memory expected = abi.encodeWithSelector(IAuditTrail.HeadBehind.selector, log, 10, 100);
        IAuditTrail.Head memory h = head(9, "b", 101);
        requireRevert(RELAY, address(trail), publishCall(h, sign(h)), expected);
        h = head(11, "b", 99);
        requireRevert(RELAY, address(trail), publishCall(h, sign(h)), expected);
        h = head(10, "b", 100);
        expected = abi.encodeWithSelector(IAuditTrail.RootConflict.selector, log, 10, bytes32("a"));
        requireRevert(RELAY, address(trail), publishCall(h, sign(h)), expected);
    }

    function test_aQuietLogMayRenewItsHead() public {
        publish(head(10, "a", 100));
        publish(head(10, "a", 200));
        (, , uint64 time) = trail.latest(log);
        require(time == 200, "not renewed");
    }

    function test_theSameHeadAgainChangesNothingWhoeverRelaysIt() public {
        IAuditTrail.Head memory h = head(10, "a", 100);
        publish(h);
        requireNoOp(OTHER_RELAY, address(trail), publishCall(h, sign(h)));
    }

    function testFuzz_onlyTheLogsKeyPublishes(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        IAuditTrail.Head memory h = head(10, "a", 100);
        bytes memory expected = abi.encodeWithSelector(Signatures.BadSignature.selector, log, vm.addr(key));
        requireRevert(RELAY, address(trail), publishCall(h, signHead(key, domain(), h)), expected);
    }

    function testFuzz_everyFieldIsSigned(uint8 field, uint32 change) public {
        IAuditTrail.Head memory h = head(10, "a", 100);
        bytes memory signature = sign(h);
        uint256 which = field % 4;
        if (which == 0) h.size += 1 + uint64(change);
        if (which == 1) h.root = MerkleRoot.wrap(keccak256(abi.encode(change)));
        if (which == 2) h.time += 1 + uint64(change);
        if (which == 3) h.previous = keccak256(abi.encode(change));
        requireRevert(RELAY, address(trail), publishCall(h, signature), Signatures.BadSignature.selector);
    }

    function test_aHeadForAnotherChainOrContractIsRefused() public {
        IAuditTrail.Head memory h = head(10, "a", 100);
        bytes32 elsewhere = domainSeparator("Keepwell AuditTrail", block.chainid + 1, address(trail));
        requireRevert(RELAY, address(trail), publishCall(h, signHead(KEY, elsewhere, h)), Signatures.BadSignature.selector);
        requireRevert(RELAY, address(new AuditTrail()), publishCall(h, sign(h)), Signatures.BadSignature.selector);
    }

    function test_nobodyIsTheZeroLog() public {
        IAuditTrail.Head memory h = head(10, "a", 100);
        h.log = address(0);
        requireRevert(RELAY, address(trail), publishCall(h, new bytes(65)), Signatures.BadSignature.selector);
    }
}

/// @dev Two logs publish whatever comes, signed by either key.
contract HeadHandler is AuditBase {
    uint256 public shrunk;
    uint256 public forged;

    function publishAny(bool second, bool otherKey, uint8 size, uint8 root, uint8 time) external {
        uint256 key = second ? KEY + 1 : KEY;
        IAuditTrail.Head memory h = head(size, bytes32(uint256(root % 3)), time);
        h.log = vm.addr(key);
        (uint64 sizeBefore, MerkleRoot rootBefore, uint64 timeBefore) = trail.latest(h.log);
        uint256 signer = otherKey ? 2 * KEY + 1 - key : key;
        (bool success, ) = address(trail).call(publishCall(h, signHead(signer, domain(), h)));
        success;
        (uint64 sizeAfter, MerkleRoot rootAfter, uint64 timeAfter) = trail.latest(h.log);
        if (sizeAfter < sizeBefore || timeAfter < timeBefore) ++shrunk;
        bool changed = sizeAfter != sizeBefore || timeAfter != timeBefore || rootAfter != rootBefore;
        if (changed && otherKey) ++forged;
        if (changed && sizeAfter == sizeBefore && rootAfter != rootBefore && sizeBefore != 0) ++shrunk;
    }
}

contract AuditTrailInvariantTest {
    HeadHandler private handler;

    function setUp() public {
        handler = new HeadHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_aLogNeverShrinksNorChangesUnderItsSize() public view {
        require(handler.shrunk() == 0, "a log went back");
    }

    function invariant_onlyALogsKeyMovesItsHead() public view {
        require(handler.forged() == 0, "a head by another key");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {vm} from "./Vm.sol";
import {LeafHash, MerkleRoot} from "../src/lib/Types.sol";
import {IRecordAnchors} from "../src/records/IRecordAnchors.sol";
import {RecordAnchors} from "../src/records/RecordAnchors.sol";

contract RecordAnchorsAnchorTest is Base {
    RecordAnchors private anchors = new RecordAnchors();

    function testFuzz_anAnchorSaysWhoWhenAndHowMany(address who, MerkleRoot root, uint32 size, uint32 wait) public {
        vm.assume(size != 0 && who != address(0));
        vm.warp(NOW + wait);
        vm.expectEmit(address(anchors));
        emit IRecordAnchors.Anchored(who, root, size);
        vm.prank(who);
        anchors.anchor(root, size);
        (address anchorer, uint64 time, uint32 stored) = anchors.anchorOf(root);
        require(anchorer == who && time == NOW + wait && stored == size, "stored something else");
    }

    function testFuzz_theFirstAnchorOfARootStands(MerkleRoot root, uint32 size, uint32 other) public {
        vm.assume(size != 0 && other != 0 && other != size);
        vm.prank(RELAY);
        anchors.anchor(root, size);
        vm.warp(NOW + 1 days);
        requireNoOp(OTHER_RELAY, address(anchors), abi.encodeCall(IRecordAnchors.anchor, (root, size)));
        bytes memory expected = abi.encodeWithSelector(IRecordAnchors.SizeConflict.selector, root, size, other);
        requireRevert(OTHER_RELAY, address(anchors), abi.encodeCall(IRecordAnchors.anchor, (root, other)), expected);
        (address anchorer, uint64 time, uint32 stored) = anchors.anchorOf(root);
        require(anchorer == RELAY && time == NOW && stored == size, "the anchor moved");
    }

    function test_anEmptyTreeIsNotAnchored() public {
        MerkleRoot root = MerkleRoot.wrap(sha256(""));
        bytes memory expected = abi.encodeWithSelector(IRecordAnchors.EmptyTree.selector, root);
        requireRevert(RELAY, address(anchors), abi.encodeCall(IRecordAnchors.anchor, (root, 0)), expected);
    }

    function testFuzz_inclusionIsProvedOnlyAgainstAnAnchoredRoot(uint256 seed, uint8 count, uint8 index) public {
        uint32 n = 1 + uint32(count % 40);
        uint256 i = index % n;
        bytes32[] memory d = MerkleTree.leaves(seed, n);
        MerkleRoot root = MerkleRoot.wrap(MerkleTree.root(d, 0, n));
        bytes32[] memory path = MerkleTree.path(d, i, 0, n);
        require(!anchors.verifyInclusion(root, LeafHash.wrap(d[i]), i, path), "proved without an anchor");
        anchors.anchor(root, n);
        require(anchors.verifyInclusion(root, LeafHash.wrap(d[i]), i, path), "a true proof was refused");
        require(!anchors.verifyInclusion(root, LeafHash.wrap(d[i]), i + n, path), "index outside the tree");
    }
}

/// @dev Anchors a handful of roots with wandering sizes and senders, remembering what came first.
contract AnchorHandler {
    RecordAnchors public immutable anchors = new RecordAnchors();
    mapping(uint256 root => bytes32) public first;

    function anchor(uint8 which, uint8 size, address sender, uint16 wait) external {
        vm.warp(block.timestamp + wait);
        vm.prank(sender);
        try anchors.anchor(MerkleRoot.wrap(bytes32(uint256(which % 8))), size % 3) {
            if (first[which % 8] == 0) first[which % 8] = seen(which % 8);
        } catch {}
    }

    function seen(uint256 which) public view returns (bytes32) {
        (address anchorer, uint64 time, uint32 size) = anchors.anchorOf(MerkleRoot.wrap(bytes32(which)));
        return size == 0 ? bytes32(0) : keccak256(abi.encode(anchorer, time, size));
    }
}

contract RecordAnchorsInvariantTest {
    AnchorHandler private handler;

    function setUp() public {
        handler = new AnchorHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_anAnchorNeverChanges() public view {
        for (uint256 which = 0; which < 8; ++which) require(handler.seen(which) == handler.first(which), "an anchor changed");
    }
}

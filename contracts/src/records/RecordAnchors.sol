// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {MerkleRfc9162} from "../lib/MerkleRfc9162.sol";
import {LeafHash, MerkleRoot} from "../lib/Types.sol";
import {IRecordAnchors} from "./IRecordAnchors.sol";

/// @title What IRecordAnchors specifies
contract RecordAnchors is IRecordAnchors {
    /// @dev One storage slot: 160 + 64 + 32 bits.
    struct Anchor {
        address anchorer;
        uint64 time;
        uint32 size;
    }

    mapping(MerkleRoot root => Anchor) private _anchors;

    /// @inheritdoc IRecordAnchors
    function anchor(MerkleRoot root, uint32 size) external {
        if (size == 0) revert EmptyTree(root);
        uint32 anchored = _anchors[root].size;
        if (anchored != 0) {
            if (anchored != size) revert SizeConflict(root, anchored, size);
            return;
        }
        _anchors[root] = Anchor(msg.sender, uint64(block.timestamp), size);
        emit Anchored(msg.sender, root, size);
    }

    /// @inheritdoc IRecordAnchors
    function anchorOf(MerkleRoot root) external view returns (address anchorer, uint64 time, uint32 size) {
        Anchor storage stored = _anchors[root];
        return (stored.anchorer, stored.time, stored.size);
    }

    /// @inheritdoc IRecordAnchors
    function verifyInclusion(MerkleRoot root, LeafHash leafHash, uint256 index, bytes32[] calldata path)
        external
        view
        returns (bool)
    {
        return MerkleRfc9162.verifyInclusion(root, _anchors[root].size, leafHash, index, path);
    }
}

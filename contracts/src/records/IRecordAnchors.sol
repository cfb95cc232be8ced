// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {LeafHash, MerkleRoot} from "../lib/Types.sol";

/// @title When a batch of records existed
/// @notice A relay writes the root of an RFC 9162 tree over salted leaves of many vaults (protocol §4): one transaction a batch, however
/// large. The block's time is the records' anchor time. The first to anchor a root keeps it; anchoring it again does nothing.
/// @dev Anybody may anchor, and whoever sees a root in flight may get ahead of it. With the same size that only changes `anchorer`, which
/// says who paid, not who wrote. With another size it would spoil the proofs: the slower relay sees `SizeConflict`, adds one more random
/// leaf, and has a root nobody has seen.
interface IRecordAnchors {
    event Anchored(address indexed anchorer, MerkleRoot indexed root, uint32 size);

    /// @param size Number of leaves, not zero.
    function anchor(MerkleRoot root, uint32 size) external;

    /// @notice Who anchored `root`, at what block time (Unix seconds), over how many leaves. Zeros: not anchored.
    function anchorOf(MerkleRoot root) external view returns (address anchorer, uint64 time, uint32 size);

    /// @notice RFC 9162 §2.1.3.2 against an anchored root. False if the root is not anchored or the proof is wrong in any way.
    function verifyInclusion(MerkleRoot root, LeafHash leafHash, uint256 index, bytes32[] calldata path)
        external
        view
        returns (bool);

    error EmptyTree(MerkleRoot root);

    /// @notice `root` is anchored as a tree of `anchored` leaves, not of `size`.
    error SizeConflict(MerkleRoot root, uint32 anchored, uint32 size);
}

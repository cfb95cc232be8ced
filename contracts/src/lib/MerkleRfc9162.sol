// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {LeafHash, MerkleRoot} from "./Types.sol";

/// @title RFC 9162 Merkle tree proofs over SHA-256
/// @notice The same trees as everywhere in Keepwell (protocol §1): node hash = SHA-256(0x01 ‖ left ‖ right).
/// @dev Both loops are the RFC's, step for step and with its names, so that they can be compared line by line.
/// Their length is bounded by the proof, their hashes are the 0x02 precompile.
library MerkleRfc9162 {
    /// @notice RFC 9162 §2.1.3.2: is `leaf` the entry `index` of the tree of `size` entries with root `root`?
    /// @dev False, never a revert, for every malformed proof.
    function verifyInclusion(MerkleRoot root, uint256 size, LeafHash leaf, uint256 index, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 fn = index;
        uint256 sn = size - 1;
        bytes32 r = LeafHash.unwrap(leaf);
        for (uint256 i = 0; i < path.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                r = node(path[i], r);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                r = node(r, path[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && r == MerkleRoot.unwrap(root);
    }

    /// @notice RFC 9162 §2.1.4.2: is the tree (`firstSize`, `firstRoot`) a prefix of the tree (`secondSize`, `secondRoot`)?
    /// @dev Only for 0 < firstSize < secondSize, as in the RFC; false for anything else and for every malformed proof.
    function verifyConsistency(
        uint256 firstSize,
        MerkleRoot firstRoot,
        uint256 secondSize,
        MerkleRoot secondRoot,
        bytes32[] calldata proof
    ) internal pure returns (bool) {
        if (firstSize == 0 || firstSize >= secondSize || proof.length == 0) return false;
        uint256 fn = firstSize - 1;
        uint256 sn = secondSize - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        // An exact power of two: the first root is itself a node of the second tree and not repeated in the proof.
        bool whole = firstSize & (firstSize - 1) == 0;
        bytes32 fr = whole ? MerkleRoot.unwrap(firstRoot) : proof[0];
        bytes32 sr = fr;
        for (uint256 i = whole ? 0 : 1; i < proof.length; ++i) {
            if (sn == 0) return false;
            if (fn & 1 == 1 || fn == sn) {
                fr = node(proof[i], fr);
                sr = node(proof[i], sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = node(sr, proof[i]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == MerkleRoot.unwrap(firstRoot) && sr == MerkleRoot.unwrap(secondRoot);
    }

    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}

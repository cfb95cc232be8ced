// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Cid} from "../src/lib/Cid.sol";
import {MerkleRfc9162} from "../src/lib/MerkleRfc9162.sol";
import {LeafHash, MerkleRoot} from "../src/lib/Types.sol";

/// @dev Gives the libraries an address, so that tests can call them with calldata, and TypeScript at all.
contract MerkleHarness {
    function inclusion(MerkleRoot root, uint256 size, LeafHash leaf, uint256 index, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return MerkleRfc9162.verifyInclusion(root, size, leaf, index, path);
    }

    function consistency(uint256 m, MerkleRoot first, uint256 n, MerkleRoot second, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return MerkleRfc9162.verifyConsistency(m, first, n, second, proof);
    }

    function rawUri(bytes32 digest) external pure returns (string memory) {
        return Cid.rawUri(digest);
    }
}

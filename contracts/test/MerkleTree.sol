// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

/// @dev RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1 as they are defined, by recursion: slow, and unlike the verifiers under test.
library MerkleTree {
    function node(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(bytes.concat(hex"01", left, right));
    }

    /// @dev Leaf hashes of a tree that differs with `seed`.
    function leaves(uint256 seed, uint256 count) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = sha256(abi.encode(seed, i));
    }

    /// @dev MTH(D[from:to]).
    function root(bytes32[] memory d, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to == from) return sha256("");
        if (to - from == 1) return d[from];
        uint256 k = split(to - from);
        return node(root(d, from, from + k), root(d, from + k, to));
    }

    /// @dev PATH(m, D[from:to]), m counted from `from`.
    function path(bytes32[] memory d, uint256 m, uint256 from, uint256 to) internal pure returns (bytes32[] memory) {
        if (to - from == 1) return new bytes32[](0);
        uint256 k = split(to - from);
        if (m < k) return append(path(d, m, from, from + k), root(d, from + k, to));
        return append(path(d, m - k, from + k, to), root(d, from, from + k));
    }

    /// @dev SUBPROOF(m, D[from:to], whole).
    function subproof(bytes32[] memory d, uint256 m, uint256 from, uint256 to, bool whole) internal pure returns (bytes32[] memory) {
        if (m == to - from) return whole ? new bytes32[](0) : append(new bytes32[](0), root(d, from, to));
        uint256 k = split(to - from);
        if (m <= k) return append(subproof(d, m, from, from + k, whole), root(d, from + k, to));
        return append(subproof(d, m - k, from + k, to, false), root(d, from, from + k));
    }

    /// @dev The largest power of two smaller than n.
    function split(uint256 n) private pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    function append(bytes32[] memory list, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) longer[i] = list[i];
        longer[list.length] = last;
    }
}

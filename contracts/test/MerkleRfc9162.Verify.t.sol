// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {MerkleHarness} from "./MerkleHarness.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {vm} from "./Vm.sol";
import {LeafHash, MerkleRoot} from "../src/lib/Types.sol";

contract MerkleRfc9162VerifyTest {
    MerkleHarness private merkle = new MerkleHarness();

    function includes(bytes32 root, uint256 size, bytes32 leaf, uint256 index, bytes32[] memory path) private view returns (bool) {
        return merkle.inclusion(MerkleRoot.wrap(root), size, LeafHash.wrap(leaf), index, path);
    }

    function consistent(uint256 m, bytes32 first, uint256 n, bytes32 second, bytes32[] memory proof) private view returns (bool) {
        return merkle.consistency(m, MerkleRoot.wrap(first), n, MerkleRoot.wrap(second), proof);
    }

    struct Proof {
        uint256 m; // index of the leaf, or size of the prefix
        bytes32 first; // the leaf, or root of the prefix
        uint256 n;
        bytes32 root;
        bytes32[] path;
    }

    function includes(Proof memory p) private view returns (bool) {
        return includes(p.root, p.n, p.first, p.m, p.path);
    }

    function consistent(Proof memory p) private view returns (bool) {
        return consistent(p.m, p.first, p.n, p.root, p.path);
    }

    function testFuzz_everyLeafIsProvedAndNothingElseIs(uint256 seed, uint8 count, uint8 index, uint8 mutation) public view {
        Proof memory p;
        p.n = 1 + count % 70;
        p.m = index % p.n;
        bytes32[] memory d = MerkleTree.leaves(seed, p.n);
        p.first = d[p.m];
        p.root = MerkleTree.root(d, 0, p.n);
        p.path = MerkleTree.path(d, p.m, 0, p.n);
        require(includes(p), "a true proof was refused");
        if (p.n == 1 && (mutation % 7 == 4 || mutation % 7 == 5)) return; // one leaf: neither another index nor a path to spoil
        mutate(p, mutation % 7, seed);
        if (mutation % 7 == 4 && seed % 2 == 0) p.m = (p.m + 1) % p.n; // another leaf's index instead of one outside
        require(!includes(p), "a false proof was accepted");
    }

    function testFuzz_everyPrefixIsProvedAndNothingElseIs(uint256 seed, uint8 older, uint8 newer, uint8 mutation) public view {
        Proof memory p;
        p.n = 2 + newer % 69;
        p.m = 1 + older % (p.n - 1);
        bytes32[] memory d = MerkleTree.leaves(seed, p.n);
        p.first = MerkleTree.root(d, 0, p.m);
        p.root = MerkleTree.root(d, 0, p.n);
        p.path = MerkleTree.subproof(d, p.m, 0, p.n, true);
        require(consistent(p), "a true proof was refused");
        mutate(p, mutation % 7, seed);
        require(!consistent(p), "a false proof was accepted");
        p.path = new bytes32[](0);
        require(!consistent(p), "no proof was accepted");
    }

    /// @dev Wrong first hash, root, length (longer, shorter), index or size, path, and the same tree claimed to be twice as large.
    function mutate(Proof memory p, uint256 which, uint256 seed) private pure {
        if (which == 0) p.first ^= bytes32(uint256(1));
        if (which == 1) p.root ^= bytes32(uint256(1) << 255);
        if (which == 2) p.path = resized(p.path, p.path.length + 1);
        if (which == 3) p.path = resized(p.path, p.path.length == 0 ? 1 : p.path.length - 1);
        if (which == 4) p.m += p.n;
        if (which == 5) p.path[seed % p.path.length] ^= bytes32(uint256(1));
        if (which == 6) p.n *= 2;
    }

    function testFuzz_noForeignRootPassesForAPrefix(uint256 seed, uint8 older, uint8 newer, bytes32[] memory proof, bytes32 foreign)
        public
        view
    {
        Proof memory p;
        p.n = 2 + newer % 30;
        p.m = 1 + older % (p.n - 1);
        bytes32[] memory d = MerkleTree.leaves(seed, p.n);
        vm.assume(foreign != MerkleTree.root(d, 0, p.m));
        p.first = foreign;
        p.root = MerkleTree.root(d, 0, p.n);
        p.path = proof;
        require(!consistent(p), "a random proof was accepted");
        p.path = MerkleTree.subproof(d, p.m, 0, p.n, true);
        require(!consistent(p), "a foreign root was accepted");
    }

    function testFuzz_garbageIsFalseAndNeverReverts(uint256 size, bytes32 root, bytes32 leaf, uint256 index, bytes32[] memory path) public view {
        if (size == 1 && root == leaf) return;
        require(!includes(root, size, leaf, index, path), "garbage accepted");
        require(!consistent(size, root, index, leaf, path), "garbage accepted");
        require(!consistent(0, root, 0, leaf, path), "empty trees accepted");
    }

    function test_nothingIsInTheEmptyTree() public view {
        require(!includes(sha256(""), 0, sha256(""), 0, new bytes32[](0)), "empty tree");
    }

    function resized(bytes32[] memory list, uint256 length) private pure returns (bytes32[] memory other) {
        other = new bytes32[](length);
        for (uint256 i = 0; i < list.length && i < length; ++i) other[i] = list[i];
    }
}

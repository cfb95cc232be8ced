// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {vm} from "./Vm.sol";
import {MerkleRoot} from "../src/lib/Types.sol";
import {HealthRecordNFT} from "../src/records/HealthRecordNFT.sol";
import {IHealthRecordNFT} from "../src/records/IHealthRecordNFT.sol";
import {RecordAnchors} from "../src/records/RecordAnchors.sol";

abstract contract RecordBase is Base {
    struct Minting {
        MerkleRoot root;
        uint256 index;
        bytes32[] path;
        address tokenHolder;
        bytes32 inner;
        bytes32 digest;
        uint256 deadline;
    }

    RecordAnchors internal anchors = new RecordAnchors();
    HealthRecordNFT internal nft = new HealthRecordNFT(anchors);
    uint256 internal constant KEY = 0x70c4;
    address internal immutable holder = vm.addr(KEY);

    function tokenOf(Minting memory m) internal pure returns (uint256) {
        return uint256(sha256(abi.encodePacked(bytes1(0), m.tokenHolder, m.inner)));
    }

    /// @dev Anchors a tree of `count` leaves of which number `index` is a record of `key`'s address.
    function anchored(uint256 seed, uint256 key, uint256 count, uint256 index) internal returns (Minting memory m) {
        m.tokenHolder = vm.addr(key);
        m.inner = keccak256(abi.encode("inner", seed));
        m.digest = keccak256(abi.encode("metadata", seed));
        m.deadline = DEADLINE;
        m.index = index;
        bytes32[] memory d = MerkleTree.leaves(seed, count);
        d[index] = bytes32(tokenOf(m));
        m.root = MerkleRoot.wrap(MerkleTree.root(d, 0, count));
        m.path = MerkleTree.path(d, index, 0, count);
        anchors.anchor(m.root, uint32(count));
    }

    function domain() internal view returns (bytes32) {
        return domainSeparator("Keepwell HealthRecordNFT", block.chainid, address(nft));
    }

    function signMint(uint256 key, bytes32 separator, Minting memory m) internal pure returns (bytes memory) {
        bytes32 typeHash = keccak256("Mint(uint256 tokenId,bytes32 metadataDigest,uint256 deadline)");
        return signDigest(key, typedDigest(separator, keccak256(abi.encode(typeHash, tokenOf(m), m.digest, m.deadline))));
    }

    function signBurn(uint256 key, bytes32 separator, uint256 tokenId, uint256 deadline) internal pure returns (bytes memory) {
        bytes32 typeHash = keccak256("Burn(uint256 tokenId,uint256 deadline)");
        return signDigest(key, typedDigest(separator, keccak256(abi.encode(typeHash, tokenId, deadline))));
    }

    function mintCall(Minting memory m, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IHealthRecordNFT.mint, (m.root, m.index, m.path, m.tokenHolder, m.inner, m.digest, m.deadline, signature)
        );
    }

    function mint(Minting memory m, bytes memory signature) internal returns (uint256 tokenId) {
        vm.prank(RELAY);
        nft.mint(m.root, m.index, m.path, m.tokenHolder, m.inner, m.digest, m.deadline, signature);
        return tokenOf(m);
    }

    function minted(uint256 seed) internal returns (Minting memory m) {
        m = anchored(seed, KEY, 5, 3);
        mint(m, signMint(KEY, domain(), m));
    }
}

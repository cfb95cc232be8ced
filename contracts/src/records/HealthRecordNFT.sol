// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Cid} from "../lib/Cid.sol";
import {Signatures} from "../lib/Signatures.sol";
import {LeafHash, MerkleRoot} from "../lib/Types.sol";
import {IERC5192} from "./IERC5192.sol";
import {IHealthRecordNFT} from "./IHealthRecordNFT.sol";
import {IRecordAnchors} from "./IRecordAnchors.sol";

/// @title What IHealthRecordNFT specifies
contract HealthRecordNFT is IHealthRecordNFT, ERC721, EIP712 {
    bytes32 private constant MINT_TYPEHASH = keccak256("Mint(uint256 tokenId,bytes32 metadataDigest,uint256 deadline)");
    bytes32 private constant BURN_TYPEHASH = keccak256("Burn(uint256 tokenId,uint256 deadline)");

    /// @dev Takes the place of a burned token's digest: one slot says "never", "exists" and "never again".
    bytes32 private constant BURNED = bytes32(uint256(1));

    IRecordAnchors private immutable _anchors;
    mapping(uint256 tokenId => bytes32) private _metadata;

    constructor(IRecordAnchors recordAnchors)
        ERC721("Keepwell Health Record", "KWHR")
        EIP712("Keepwell HealthRecordNFT", "1")
    {
        _anchors = recordAnchors;
    }

    /// @inheritdoc IHealthRecordNFT
    function mint(
        MerkleRoot root,
        uint256 index,
        bytes32[] calldata path,
        address tokenHolder,
        bytes32 inner,
        bytes32 digest,
        uint256 deadline,
        bytes calldata signature
    ) external {
        LeafHash leaf = LeafHash.wrap(sha256(abi.encodePacked(bytes1(0x00), tokenHolder, inner)));
        if (_isMinted(leaf, digest)) return;
        if (!_anchors.verifyInclusion(root, leaf, index, path)) revert NotAnchored(root, leaf, index);
        uint256 tokenId = uint256(LeafHash.unwrap(leaf));
        bytes32 message = keccak256(abi.encode(MINT_TYPEHASH, tokenId, digest, deadline));
        _requireMessage(tokenHolder, message, deadline, signature);
        _metadata[tokenId] = digest;
        _mint(tokenHolder, tokenId);
        emit Locked(tokenId);
    }

    /// @inheritdoc IHealthRecordNFT
    function burn(uint256 tokenId) external {
        if (burned(tokenId)) return;
        address owner = _requireOwned(tokenId);
        if (msg.sender != owner) revert NotTokenOwner(tokenId, owner, msg.sender);
        _destroy(tokenId);
    }

    /// @inheritdoc IHealthRecordNFT
    function burnBySig(uint256 tokenId, uint256 deadline, bytes calldata signature) external {
        if (burned(tokenId)) return;
        address owner = _requireOwned(tokenId);
        _requireMessage(owner, keccak256(abi.encode(BURN_TYPEHASH, tokenId, deadline)), deadline, signature);
        _destroy(tokenId);
    }

    // ---- soulbound ----

    /// @dev Every mint, burn and transfer passes here: a token that exists goes nowhere but to nobody.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address) {
        if (to != address(0) && _ownerOf(tokenId) != address(0)) revert Soulbound();
        return super._update(to, tokenId, auth);
    }

    /// @dev Approving nobody would change nothing, and is refused like the rest.
    function approve(address, uint256) public pure override {
        revert Soulbound();
    }

    function setApprovalForAll(address, bool) public pure override {
        revert Soulbound();
    }

    // ---- views ----

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// @inheritdoc IHealthRecordNFT
    function metadataDigest(uint256 tokenId) public view returns (bytes32) {
        _requireOwned(tokenId);
        return _metadata[tokenId];
    }

    /// @inheritdoc IHealthRecordNFT
    function burned(uint256 tokenId) public view returns (bool) {
        return _metadata[tokenId] == BURNED;
    }

    /// @inheritdoc IHealthRecordNFT
    function anchors() external view returns (address) {
        return address(_anchors);
    }

    /// @dev CIDv1 (raw, SHA-256) of the sealed metadata.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        return Cid.rawUri(metadataDigest(tokenId));
    }

    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    /// @dev Whether there is nothing left to do; reverts when it can never be done.
    function _isMinted(LeafHash leaf, bytes32 digest) private view returns (bool) {
        uint256 tokenId = uint256(LeafHash.unwrap(leaf));
        bytes32 current = _metadata[tokenId];
        if (current == BURNED) revert TokenBurned(tokenId);
        if (uint256(digest) <= uint256(BURNED)) revert InvalidMetadataDigest(digest);
        if (current != 0 && current != digest) revert AlreadyMinted(tokenId, current);
        return current == digest;
    }

    function _requireMessage(address signer, bytes32 message, uint256 deadline, bytes calldata signature) private view {
        Signatures.requireInTime(deadline);
        Signatures.requireSignedBy(signer, _hashTypedDataV4(message), signature);
    }

    function _destroy(uint256 tokenId) private {
        _metadata[tokenId] = BURNED;
        _burn(tokenId);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {LeafHash, MerkleRoot} from "../lib/Types.sol";
import {IERC5192} from "./IERC5192.sol";

/// @title A record its owner chose to hold as a token
/// @notice ERC-721 and ERC-5192: bound for ever to the address that the record's author put into its leaf, a fresh address used for
/// nothing else (protocol §4). Token id = the record's leaf hash. Which milestone it is (Vaccination, MajorProcedure, ChronicAchievement,
/// PreventiveCare), who gave it and when, is sealed inside the metadata and never on the ledger: `tokenURI` is the IPFS address of
/// ciphertext. The owner can burn a token; burned is final. Every way to transfer or approve reverts.
interface IHealthRecordNFT is IERC5192 {
    /// @notice Makes the token of a record anchored under `root`. Anybody may relay it. Minting the same again does nothing.
    /// Message: Mint(uint256 tokenId,bytes32 metadataDigest,uint256 deadline), signed by `tokenHolder`.
    /// @param index Place of the leaf in the anchored tree.
    /// @param path Its RFC 9162 inclusion proof.
    /// @param inner leaf = SHA-256(0x00 ‖ tokenHolder ‖ inner); tokenId = leaf.
    /// @param digest SHA-256 of the sealed metadata, a raw IPFS block. Greater than one.
    function mint(
        MerkleRoot root,
        uint256 index,
        bytes32[] calldata path,
        address tokenHolder,
        bytes32 inner,
        bytes32 digest,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Destroys the token and the reference to its metadata for ever. Caller: its owner. Burning it again does nothing.
    function burn(uint256 tokenId) external;

    /// @notice The same by the owner's message Burn(uint256 tokenId,uint256 deadline), relayed by anybody.
    function burnBySig(uint256 tokenId, uint256 deadline, bytes calldata signature) external;

    /// @notice SHA-256 of the sealed metadata; reverts for a token that does not exist.
    function metadataDigest(uint256 tokenId) external view returns (bytes32);

    function burned(uint256 tokenId) external view returns (bool);

    /// @notice Where anchors are looked up.
    function anchors() external view returns (address);

    /// @notice `leaf` is not the entry `index` of an anchored tree with this root.
    error NotAnchored(MerkleRoot root, LeafHash leaf, uint256 index);

    /// @notice A burned token is never minted again.
    error TokenBurned(uint256 tokenId);

    /// @notice The token exists with other metadata.
    error AlreadyMinted(uint256 tokenId, bytes32 digest);

    error InvalidMetadataDigest(bytes32 digest);
    error NotTokenOwner(uint256 tokenId, address owner, address actor);

    /// @notice Tokens do not move and nobody acts for their owner.
    error Soulbound();
}

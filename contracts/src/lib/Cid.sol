// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

/// @title Text form of an IPFS address
library Cid {
    bytes32 private constant ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    /// @dev CID version 1, codec raw (0x55), multihash SHA-256 (0x12) of 32 bytes (0x20).
    bytes4 private constant RAW_SHA256 = 0x01551220;

    /// @notice "ipfs://" and the CIDv1 (raw, SHA-256) of `digest` in lower-case base32 without padding (RFC 4648 §6).
    function rawUri(bytes32 digest) internal pure returns (string memory) {
        // 36 bytes are 288 bits: 57 letters of five bits and one of the last three, followed by two zero bits.
        uint256 bits = (uint256(uint32(RAW_SHA256)) << 224) | (uint256(digest) >> 32);
        uint256 tail = uint256(uint32(uint256(digest))) << 2;
        bytes memory letters = new bytes(58);
        // The first 51 letters (255 bits) come from the first 32 bytes, the last seven from what is left (1 + 32 + 2 bits).
        for (uint256 i = 0; i < 51; ++i) letters[i] = ALPHABET[(bits >> (251 - 5 * i)) & 31];
        tail |= (bits & 1) << 34;
        for (uint256 i = 0; i < 7; ++i) letters[51 + i] = ALPHABET[(tail >> (30 - 5 * i)) & 31];
        return string.concat("ipfs://b", string(letters));
    }
}

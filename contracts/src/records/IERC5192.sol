// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

/// @title ERC-5192 minimal soulbound token
/// @dev Interface id 0xb45a3c0e.
interface IERC5192 {
    /// @notice `tokenId` cannot be transferred from now on.
    event Locked(uint256 tokenId);

    /// @notice `tokenId` can be transferred. Never emitted here.
    event Unlocked(uint256 tokenId);

    /// @notice Whether `tokenId` cannot be transferred. Reverts for a token that does not exist.
    function locked(uint256 tokenId) external view returns (bool);
}

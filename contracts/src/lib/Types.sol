// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

// Names for the 32-byte values that would otherwise be easy to swap. In the ABI each is a plain bytes32.

/// @dev SHA-256("keepwell/v1/consent" ‖ salt ‖ terms), protocol §5. Hiding: the salt never reaches the ledger.
type Commitment is bytes32;

/// @dev Root of an RFC 9162 tree over SHA-256.
type MerkleRoot is bytes32;

/// @dev RFC 9162 leaf hash, already prefixed and hashed; for records see protocol §3.
type LeafHash is bytes32;

/// @dev A credential's number, drawn at random by its issuer.
type CredentialId is bytes32;

using {sameRoot as ==, otherRoot as !=} for MerkleRoot global;

function sameRoot(MerkleRoot a, MerkleRoot b) pure returns (bool) {
    return MerkleRoot.unwrap(a) == MerkleRoot.unwrap(b);
}

function otherRoot(MerkleRoot a, MerkleRoot b) pure returns (bool) {
    return MerkleRoot.unwrap(a) != MerkleRoot.unwrap(b);
}

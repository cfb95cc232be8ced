// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Checks on messages that somebody else may relay
/// @notice Low-s only (EIP-2), 65 bytes only, never address zero: all three are refused by OpenZeppelin's ECDSA.
library Signatures {
    /// @notice The message was to be on the ledger by `deadline`; it is `time` now (both Unix seconds).
    error SignatureExpired(uint256 deadline, uint256 time);

    /// @notice The signature is not `expected`'s over this message on this chain and contract. `recovered` is zero if malformed.
    error BadSignature(address expected, address recovered);

    /// @dev A message is good up to and including its deadline.
    function requireInTime(uint256 deadline) internal view {
        if (block.timestamp > deadline) revert SignatureExpired(deadline, block.timestamp);
    }

    /// @dev secp256k1 signatures only, for keys made for one purpose, which are never contracts.
    function requireSignedBy(address expected, bytes32 digest, bytes calldata signature) internal pure {
        // slither-disable-next-line unused-return (the third value only details the problem)
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(digest, signature);
        if (problem != ECDSA.RecoverError.NoError || recovered != expected) revert BadSignature(expected, recovered);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Commitment} from "../lib/Types.sol";

/// @title Whether a consent holds
/// @notice One packed slot per (holder, commitment), protocol §5. `holder` is a key drawn for this consent alone, `commitment` a salted
/// hash of the sealed terms: who grants what to whom cannot be read here, nor can two consents of one person be linked. Anybody may
/// relay a message; only the holder's signature writes. A revoked slot is final, and revoking a slot that was never granted closes it,
/// so a grant still in flight can never overtake its revocation. Readers apply the narrower of slot and terms; no slot means no.
///
/// A message that has nothing left to change succeeds and does nothing, whoever sends it and however late.
interface IConsentRegistry {
    enum State {
        None,
        Live,
        Revoked
    }

    /// @param notBefore First second of the consent, Unix time on the hour.
    /// @param expiry First second after it, Unix time on the hour.
    /// @param level 1 read, 2 write, 3 admin.
    event Granted(
        address indexed holder, Commitment indexed commitment, uint64 notBefore, uint64 expiry, uint8 level
    );
    event Revoked(address indexed holder, Commitment indexed commitment);

    /// @notice Opens the slot by the holder's EIP-712 message
    /// Grant(bytes32 commitment,uint64 notBefore,uint64 expiry,uint8 level,uint256 deadline).
    /// @param deadline Last second (Unix) at which the message may be written.
    /// @param signature 65 bytes r ‖ s ‖ v, low s.
    function grant(
        address holder,
        Commitment commitment,
        uint64 notBefore,
        uint64 expiry,
        uint8 level,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice Closes the slot for ever by the holder's EIP-712 message Revoke(bytes32 commitment,uint256 deadline).
    function revoke(address holder, Commitment commitment, uint256 deadline, bytes calldata signature) external;

    /// @notice The slot as written. A live slot holds while notBefore <= time < expiry; a revoked one keeps what was granted, if anything.
    function slot(address holder, Commitment commitment)
        external
        view
        returns (uint64 notBefore, uint64 expiry, uint8 level, State state);

    /// @notice Consents begin and end on the hour, so that their times identify nobody; and begin before they end.
    error InvalidPeriod(uint64 notBefore, uint64 expiry);

    /// @notice The consent would be over already at `time`.
    error PeriodOver(uint64 expiry, uint256 time);

    error InvalidLevel(uint8 level);

    /// @notice The slot is live with other values: a change of terms is another commitment.
    error AlreadyGranted(address holder, Commitment commitment);

    error AlreadyRevoked(address holder, Commitment commitment);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {CredentialId} from "../lib/Types.sol";

/// @title Who is a professional, according to whom
/// @notice An administrator accredits issuers (chambers, registers); an issuer vouches for holders. A holder occurs only as
/// SHA-256(salt ‖ DID) with a salt of at least 128 random bits, so nobody without the salt can tell, or guess, whose it is.
/// Checked off the ledger by vaults, relays and custodians (protocol §5).
interface ICredentialRegistry {
    enum Standing {
        None,
        Accredited,
        Suspended
    }

    /// @notice What `status` reports: only `Live` counts. Revoked and Expired are final.
    enum State {
        None,
        Live,
        Suspended,
        Revoked,
        Expired,
        IssuerSuspended
    }

    event IssuerAccredited(address indexed issuer);
    event IssuerSuspended(address indexed issuer);

    /// @param expiry Unix seconds; the credential is live before it.
    event CredentialIssued(
        CredentialId indexed id, address indexed issuer, bytes32 holderCommitment, bytes8 role, uint64 expiry
    );
    event CredentialSuspended(CredentialId indexed id);
    event CredentialReinstated(CredentialId indexed id);
    event CredentialRevoked(CredentialId indexed id);
    event CredentialExpired(CredentialId indexed id);

    /// @notice Admits an issuer, or admits it again. Caller: the administrator.
    function accredit(address issuer) external;

    /// @notice Stops an issuer; none of its credentials is live until it is admitted again. Caller: the administrator.
    function suspendIssuer(address issuer) external;

    /// @notice Issues credential `id` (drawn at random). Caller: an accredited issuer. Issuing the same again does nothing.
    /// @param holderCommitment SHA-256(salt ‖ DID), not zero.
    /// @param role Eight bytes of ASCII, a code of the issuer's published table.
    /// @param expiry Unix seconds, in the future.
    function issue(CredentialId id, bytes32 holderCommitment, bytes8 role, uint64 expiry) external;

    /// @notice Pauses a credential. Caller: its issuer, accredited or not.
    function suspend(CredentialId id) external;

    /// @notice Ends a pause. Caller: its issuer, accredited.
    function reinstate(CredentialId id) external;

    /// @notice Withdraws a credential for ever. Caller: its issuer, accredited or not.
    function revoke(CredentialId id) external;

    /// @notice Ends a credential now, without blame (retired, moved). Caller: its issuer, accredited or not.
    function expire(CredentialId id) external;

    /// @notice What `id` is worth at this block.
    function status(CredentialId id) external view returns (address issuer, bytes8 role, uint64 expiry, State state);

    /// @notice SHA-256(salt ‖ DID) of the holder, zero if there is no such credential.
    function holderOf(CredentialId id) external view returns (bytes32 holderCommitment);

    function issuerStanding(address issuer) external view returns (Standing);

    /// @notice `issuer` is not accredited now.
    error NotAccredited(address issuer, Standing standing);

    /// @notice `actor` is not the issuer of `id`; `issuer` is zero if there is no such credential.
    error NotIssuer(CredentialId id, address issuer, address actor);

    /// @notice Another credential has this number.
    error CredentialExists(CredentialId id, address issuer);

    /// @notice A revoked or expired credential stays as it is.
    error CredentialEnded(CredentialId id, State state);

    error InvalidExpiry(uint64 expiry, uint256 time);
    error EmptyCommitment(CredentialId id);
    error UnknownIssuer(address issuer);
}

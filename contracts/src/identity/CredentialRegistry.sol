// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {CredentialId} from "../lib/Types.sol";
import {ICredentialRegistry} from "./ICredentialRegistry.sol";

/// @title What ICredentialRegistry specifies
/// @dev The administrator can admit and stop issuers and nothing else: no credential is written by it.
contract CredentialRegistry is ICredentialRegistry, Ownable2Step {
    struct Credential {
        address issuer;
        uint64 expiry;
        bool suspended;
        bool revoked;
        bytes8 role;
        bytes32 holderCommitment;
    }

    mapping(address issuer => Standing) private _issuers;
    mapping(CredentialId id => Credential) private _credentials;

    constructor(address administrator) Ownable(administrator) {}

    // ---- by the administrator ----

    /// @inheritdoc ICredentialRegistry
    function accredit(address issuer) external onlyOwner {
        if (_issuers[issuer] == Standing.Accredited) return;
        _issuers[issuer] = Standing.Accredited;
        emit IssuerAccredited(issuer);
    }

    /// @inheritdoc ICredentialRegistry
    function suspendIssuer(address issuer) external onlyOwner {
        if (_issuers[issuer] == Standing.None) revert UnknownIssuer(issuer);
        if (_issuers[issuer] == Standing.Suspended) return;
        _issuers[issuer] = Standing.Suspended;
        emit IssuerSuspended(issuer);
    }

    // ---- by an issuer ----

    /// @inheritdoc ICredentialRegistry
    function issue(CredentialId id, bytes32 holderCommitment, bytes8 role, uint64 expiry) external {
        _requireAccredited(msg.sender);
        Credential storage known = _credentials[id];
        if (known.issuer != address(0)) {
            bool same = known.issuer == msg.sender && known.holderCommitment == holderCommitment && known.role == role
                && known.expiry == expiry;
            if (same) return;
            revert CredentialExists(id, known.issuer);
        }
        if (holderCommitment == 0) revert EmptyCommitment(id);
        if (expiry <= block.timestamp) revert InvalidExpiry(expiry, block.timestamp);
        _credentials[id] = Credential(msg.sender, expiry, false, false, role, holderCommitment);
        emit CredentialIssued(id, msg.sender, holderCommitment, role, expiry);
    }

    /// @inheritdoc ICredentialRegistry
    function suspend(CredentialId id) external {
        Credential storage credential = _ownCredential(id);
        _requireNotEnded(id, credential);
        if (credential.suspended) return;
        credential.suspended = true;
        emit CredentialSuspended(id);
    }

    /// @inheritdoc ICredentialRegistry
    function reinstate(CredentialId id) external {
        Credential storage credential = _ownCredential(id);
        _requireAccredited(msg.sender);
        _requireNotEnded(id, credential);
        if (!credential.suspended) return;
        credential.suspended = false;
        emit CredentialReinstated(id);
    }

    /// @inheritdoc ICredentialRegistry
    function revoke(CredentialId id) external {
        Credential storage credential = _ownCredential(id);
        if (credential.revoked) return;
        credential.revoked = true;
        emit CredentialRevoked(id);
    }

    /// @inheritdoc ICredentialRegistry
    function expire(CredentialId id) external {
        Credential storage credential = _ownCredential(id);
        if (credential.revoked) revert CredentialEnded(id, State.Revoked);
        if (credential.expiry <= block.timestamp) return;
        credential.expiry = uint64(block.timestamp);
        emit CredentialExpired(id);
    }

    // ---- views ----

    /// @inheritdoc ICredentialRegistry
    function status(CredentialId id) external view returns (address issuer, bytes8 role, uint64 expiry, State state) {
        Credential storage credential = _credentials[id];
        return (credential.issuer, credential.role, credential.expiry, _state(credential));
    }

    /// @inheritdoc ICredentialRegistry
    function holderOf(CredentialId id) external view returns (bytes32 holderCommitment) {
        return _credentials[id].holderCommitment;
    }

    /// @inheritdoc ICredentialRegistry
    function issuerStanding(address issuer) external view returns (Standing) {
        return _issuers[issuer];
    }

    // ---- inside ----

    function _requireAccredited(address issuer) private view {
        Standing standing = _issuers[issuer];
        if (standing != Standing.Accredited) revert NotAccredited(issuer, standing);
    }

    function _ownCredential(CredentialId id) private view returns (Credential storage credential) {
        credential = _credentials[id];
        if (credential.issuer != msg.sender) revert NotIssuer(id, credential.issuer, msg.sender);
    }

    function _requireNotEnded(CredentialId id, Credential storage credential) private view {
        State state = _state(credential);
        if (state == State.Revoked || state == State.Expired) revert CredentialEnded(id, state);
    }

    /// @dev What ends a credential for ever outranks what pauses it.
    function _state(Credential storage credential) private view returns (State) {
        if (credential.issuer == address(0)) return State.None;
        if (credential.revoked) return State.Revoked;
        if (credential.expiry <= block.timestamp) return State.Expired;
        if (_issuers[credential.issuer] != Standing.Accredited) return State.IssuerSuspended;
        return credential.suspended ? State.Suspended : State.Live;
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ICredentialRegistry} from "../identity/ICredentialRegistry.sol";
import {Signatures} from "../lib/Signatures.sol";
import {CredentialId} from "../lib/Types.sol";
import {IEmergencyAccess} from "./IEmergencyAccess.sol";

/// @title What IEmergencyAccess specifies
contract EmergencyAccess is IEmergencyAccess, EIP712 {
    bytes32 private constant REQUEST_TYPEHASH = keccak256(
        "Request(bytes32 tag,bytes32 reasonHash,bytes32 credential,address veto,uint64 delay,uint64 window,uint8 persons,uint256 deadline)"
    );
    bytes32 private constant PREAUTHORISE_TYPEHASH = keccak256("Preauthorise(bytes32 credential,uint64 until)");
    bytes32 private constant APPROVE_TYPEHASH = keccak256("Approve(bytes32 tag,bytes32 credential,uint256 deadline)");
    bytes32 private constant VETO_TYPEHASH = keccak256("Veto(bytes32 tag,uint256 deadline)");
    bytes32 private constant REVIEW_TYPEHASH = keccak256("Review(bytes32 tag,bytes32 reviewHash,uint256 deadline)");

    /// @notice Requests that a credential may make within 24 hours.
    uint256 public constant LIMIT = 8;

    /// @dev `persons` and the times of a request are packed beside the address; a window or delay of a day fits 24 bits, a time 40.
    struct Request {
        CredentialId credential;
        CredentialId second;
        bytes32 reasonHash;
        bytes32 reviewHash;
        address veto;
        uint24 delay;
        uint24 window;
        uint8 persons;
        bool vetoed;
        address responder;
        uint40 requestedAt;
        uint40 opensAt;
    }

    ICredentialRegistry private immutable _credentialRegistry;
    mapping(bytes32 tag => Request) private _requests;
    mapping(CredentialId credential => address) private _responders;
    mapping(address vetoer => mapping(CredentialId credential => bool)) private _barred;

    /// @dev Minutes (Unix) of the last eight requests under a credential, 32 bits each, the newest lowest.
    mapping(CredentialId credential => uint256) private _recent;

    constructor(ICredentialRegistry credentialRegistry) EIP712("Keepwell EmergencyAccess", "1") {
        _credentialRegistry = credentialRegistry;
    }

    /// @inheritdoc IEmergencyAccess
    function enrol(CredentialId credential, address responder) external {
        // slither-disable-next-line unused-return
        (address issuer,,,) = _credentialRegistry.status(credential);
        if (issuer != msg.sender) revert NotIssuer(credential, issuer, msg.sender);
        if (_responders[credential] == responder) return;
        _responders[credential] = responder;
        emit ResponderEnrolled(credential, responder);
    }

    /// @inheritdoc IEmergencyAccess
    function request(Asked calldata asked, Preauthorisation calldata preauthorisation, bytes calldata signature) external {
        Rules calldata rules = asked.rules;
        Request storage stored = _requests[asked.tag];
        address responder = _responders[asked.credential];
        if (stored.requestedAt != 0) {
            if (CredentialId.unwrap(stored.credential) == CredentialId.unwrap(asked.credential) && stored.veto == rules.veto) return;
            revert TagTaken(asked.tag);
        }
        bool lasting = rules.window > 0 && rules.window <= 1 days && rules.delay <= 1 days;
        if (!lasting || rules.persons < 1 || rules.persons > 2 || rules.veto == address(0)) revert InvalidRules(rules);
        _requireLive(asked.credential, responder);
        if (_barred[rules.veto][asked.credential]) revert Barred(rules.veto, asked.credential);
        _count(asked.credential);
        Signatures.requireInTime(asked.deadline);
        Signatures.requireSignedBy(responder, _hashTypedDataV4(_requestHash(asked)), signature);

        bool trusted = _isPreauthorised(asked, preauthorisation);
        uint40 time = uint40(block.timestamp);
        uint40 opensAt = trusted ? time : rules.persons == 2 ? 0 : time + uint40(rules.delay);
        stored.credential = asked.credential;
        stored.reasonHash = asked.reasonHash;
        stored.veto = rules.veto;
        stored.delay = uint24(rules.delay);
        stored.window = uint24(rules.window);
        stored.persons = rules.persons;
        stored.responder = responder;
        stored.requestedAt = time;
        stored.opensAt = opensAt;
        emit Requested(asked.tag, asked.credential, rules.veto, asked.reasonHash, opensAt, _closesAt(stored));
    }

    /// @inheritdoc IEmergencyAccess
    function approve(bytes32 tag, CredentialId credential, uint256 deadline, bytes calldata signature) external {
        Request storage stored = _known(tag);
        if (CredentialId.unwrap(stored.second) == CredentialId.unwrap(credential) && stored.opensAt != 0) return;
        if (stored.opensAt != 0 || _state(stored) != State.Waiting) revert NotWaiting(tag);
        address responder = _responders[credential];
        bool same = CredentialId.unwrap(stored.credential) == CredentialId.unwrap(credential) || stored.responder == responder;
        if (same) revert NotSecond(tag, credential);
        _requireLive(credential, responder);
        if (_barred[stored.veto][credential]) revert Barred(stored.veto, credential);
        Signatures.requireInTime(deadline);
        bytes32 message = keccak256(abi.encode(APPROVE_TYPEHASH, tag, credential, deadline));
        Signatures.requireSignedBy(responder, _hashTypedDataV4(message), signature);
        uint256 afterDelay = uint256(stored.requestedAt) + stored.delay;
        stored.second = credential;
        stored.opensAt = uint40(afterDelay > block.timestamp ? afterDelay : block.timestamp);
        emit Approved(tag, credential, stored.opensAt, _closesAt(stored));
    }

    /// @inheritdoc IEmergencyAccess
    function veto(bytes32 tag, uint256 deadline, bytes calldata signature) external {
        Request storage stored = _known(tag);
        if (stored.vetoed) return;
        Signatures.requireInTime(deadline);
        bytes32 message = keccak256(abi.encode(VETO_TYPEHASH, tag, deadline));
        Signatures.requireSignedBy(stored.veto, _hashTypedDataV4(message), signature);
        stored.vetoed = true;
        _barred[stored.veto][stored.credential] = true;
        emit Vetoed(tag, stored.veto, stored.credential);
    }

    /// @inheritdoc IEmergencyAccess
    function review(bytes32 tag, bytes32 reviewHash, uint256 deadline, bytes calldata signature) external {
        Request storage stored = _known(tag);
        if (reviewHash == 0) revert EmptyReview(tag);
        if (stored.reviewHash == reviewHash) return;
        if (stored.reviewHash != 0) revert AlreadyReviewed(tag);
        Signatures.requireInTime(deadline);
        bytes32 message = keccak256(abi.encode(REVIEW_TYPEHASH, tag, reviewHash, deadline));
        Signatures.requireSignedBy(stored.veto, _hashTypedDataV4(message), signature);
        stored.reviewHash = reviewHash;
        emit Reviewed(tag, reviewHash);
    }

    // ---- views ----

    /// @inheritdoc IEmergencyAccess
    function get(bytes32 tag) external view returns (Found memory) {
        Request storage stored = _requests[tag];
        return Found({
            credential: stored.credential,
            second: stored.second,
            reasonHash: stored.reasonHash,
            reviewHash: stored.reviewHash,
            rules: Rules(stored.veto, stored.delay, stored.window, stored.persons),
            requestedAt: stored.requestedAt,
            opensAt: stored.opensAt,
            closesAt: _closesAt(stored),
            state: _state(stored)
        });
    }

    /// @inheritdoc IEmergencyAccess
    function responderOf(CredentialId credential) external view returns (address) {
        return _responders[credential];
    }

    /// @inheritdoc IEmergencyAccess
    function isBarred(address vetoer, CredentialId credential) external view returns (bool) {
        return _barred[vetoer][credential];
    }

    // ---- inside ----

    function _known(bytes32 tag) private view returns (Request storage stored) {
        stored = _requests[tag];
        if (stored.requestedAt == 0) revert UnknownTag(tag);
    }

    function _requireLive(CredentialId credential, address responder) private view {
        // slither-disable-next-line unused-return
        (,,, ICredentialRegistry.State state) = _credentialRegistry.status(credential);
        if (state != ICredentialRegistry.State.Live || responder == address(0)) revert NotCredentialed(credential);
    }

    /// @dev A sliding day: the request before the last seven must be a day old. Minutes, so that eight times fit one slot.
    function _count(CredentialId credential) private {
        uint256 recent = _recent[credential];
        uint256 oldest = recent >> 224;
        uint256 minute = block.timestamp / 1 minutes;
        if (oldest != 0 && oldest + 1 days / 1 minutes > minute) revert TooMany(credential, oldest * 1 minutes);
        _recent[credential] = (recent << 32) | minute;
    }

    function _requestHash(Asked calldata asked) private pure returns (bytes32) {
        Rules calldata rules = asked.rules;
        return keccak256(
            abi.encode(
                REQUEST_TYPEHASH,
                asked.tag,
                asked.reasonHash,
                asked.credential,
                rules.veto,
                rules.delay,
                rules.window,
                rules.persons,
                asked.deadline
            )
        );
    }

    function _isPreauthorised(Asked calldata asked, Preauthorisation calldata given) private view returns (bool) {
        if (given.signature.length == 0) return false;
        if (given.until <= block.timestamp) revert PreauthorisationOver(given.until, block.timestamp);
        bytes32 message = keccak256(abi.encode(PREAUTHORISE_TYPEHASH, asked.credential, given.until));
        Signatures.requireSignedBy(asked.rules.veto, _hashTypedDataV4(message), given.signature);
        return true;
    }

    function _closesAt(Request storage stored) private view returns (uint40) {
        return stored.opensAt == 0 ? 0 : stored.opensAt + stored.window;
    }

    function _state(Request storage stored) private view returns (State) {
        if (stored.requestedAt == 0) return State.None;
        if (stored.vetoed) return State.Vetoed;
        if (stored.opensAt == 0) return block.timestamp < stored.requestedAt + 1 days ? State.Waiting : State.Over;
        if (block.timestamp < stored.opensAt) return State.Waiting;
        return block.timestamp < _closesAt(stored) ? State.Open : State.Over;
    }
}

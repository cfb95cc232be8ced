// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {CredentialId} from "../lib/Types.sol";

/// @title Breaking the glass in public, about nobody
/// @notice A professional asks, under a live credential, to open what a patient left for emergencies; custodians look here before they
/// release a share (protocol §7). Nothing here says who the patient is: a tag is SHA-256(card secret ‖ DID of the requester ‖ nonce), a
/// reason a salted hash, and `veto` an address made for one emergency card, replaced after every opening. Which rules are the patient's,
/// this contract cannot know; it enforces those of the request, and custodians compare them with what the patient gave them.
interface IEmergencyAccess {
    /// @notice `Waiting` for the delay to pass or the second person; `Open`; `Over`; `Vetoed` is final.
    enum State {
        None,
        Waiting,
        Open,
        Over,
        Vetoed
    }

    /// @notice The patient's rules for one card.
    /// @param veto Whose signature vetoes and reviews; made for this card alone.
    /// @param delay Seconds until a request opens, at most a day; 0 unless the patient wants otherwise.
    /// @param window Seconds for which it is open, 1 to a day.
    /// @param persons How many professionals it takes: 1 or 2.
    struct Rules {
        address veto;
        uint64 delay;
        uint64 window;
        uint8 persons;
    }

    /// @param reasonHash Salted SHA-256 of the reason; the reason itself goes to custodians and patient.
    struct Asked {
        bytes32 tag;
        bytes32 reasonHash;
        CredentialId credential;
        Rules rules;
        uint256 deadline;
    }

    /// @notice A patient's word that a professional needs neither delay nor second person, until `until` (Unix seconds). An empty signature
    /// means there is none.
    struct Preauthorisation {
        uint64 until;
        bytes signature;
    }

    /// @notice A request as it stands. `opensAt` and `closesAt` are zero while a second person is missing.
    /// @param second The credential that approved, zero if none did.
    /// @param reviewHash Zero until the patient has reviewed.
    struct Found {
        CredentialId credential;
        CredentialId second;
        bytes32 reasonHash;
        bytes32 reviewHash;
        Rules rules;
        uint64 requestedAt;
        uint64 opensAt;
        uint64 closesAt;
        State state;
    }

    event ResponderEnrolled(CredentialId indexed credential, address indexed responder);
    event Requested(
        bytes32 indexed tag, CredentialId indexed credential, address indexed veto, bytes32 reasonHash, uint64 opensAt, uint64 closesAt
    );
    event Approved(bytes32 indexed tag, CredentialId indexed credential, uint64 opensAt, uint64 closesAt);
    event Vetoed(bytes32 indexed tag, address indexed veto, CredentialId indexed credential);
    event Reviewed(bytes32 indexed tag, bytes32 reviewHash);

    /// @notice Says whose signature asks under `credential`; address zero ends it. Caller: the credential's issuer.
    function enrol(CredentialId credential, address responder) external;

    /// @notice Asks, by the responder's EIP-712 message Request(bytes32 tag,bytes32 reasonHash,bytes32 credential,address veto,uint64
    /// delay,uint64 window,uint8 persons,uint256 deadline). At most LIMIT a credential within 24 hours. The same again does nothing.
    /// @param preauthorisation Signed by `rules.veto`: Preauthorise(bytes32 credential,uint64 until).
    function request(Asked calldata asked, Preauthorisation calldata preauthorisation, bytes calldata signature) external;

    /// @notice The second person, of the same organisation or another and not barred under this card, by that responder's message
    /// Approve(bytes32 tag,bytes32 credential,uint256 deadline).
    function approve(bytes32 tag, CredentialId credential, uint256 deadline, bytes calldata signature) external;

    /// @notice Closes the window for ever and bars the credential under this card, by the message Veto(bytes32 tag,uint256 deadline) of
    /// the request's `veto`. Good before, during and after the window.
    function veto(bytes32 tag, uint256 deadline, bytes calldata signature) external;

    /// @notice Closes the review that every request leaves open, by the message Review(bytes32 tag,bytes32 reviewHash,uint256 deadline)
    /// of the request's `veto`.
    /// @param reviewHash Salted SHA-256 of what the patient says of the opening, not zero.
    function review(bytes32 tag, bytes32 reviewHash, uint256 deadline, bytes calldata signature) external;

    /// @notice The request at this block.
    function get(bytes32 tag) external view returns (Found memory);

    /// @notice Whose signature asks under `credential`, zero if nobody's.
    function responderOf(CredentialId credential) external view returns (address);

    /// @notice Whether a veto under this card bars the credential.
    function isBarred(address vetoer, CredentialId credential) external view returns (bool);

    error NotIssuer(CredentialId credential, address issuer, address actor);

    /// @notice The credential is not live, or has no responder.
    error NotCredentialed(CredentialId credential);
    error InvalidRules(Rules rules);
    error TagTaken(bytes32 tag);
    error UnknownTag(bytes32 tag);

    /// @notice The patient vetoed an earlier request of this professional under this card.
    error Barred(address vetoer, CredentialId credential);

    /// @notice The oldest of the last LIMIT requests under this credential is less than a day old.
    error TooMany(CredentialId credential, uint256 oldest);

    /// @notice The preauthorisation is for an earlier time.
    error PreauthorisationOver(uint64 until, uint256 time);

    /// @notice One person is not two: the same credential, or the same key under another.
    error NotSecond(bytes32 tag, CredentialId credential);

    /// @notice No second person is waited for.
    error NotWaiting(bytes32 tag);
    error EmptyReview(bytes32 tag);
    error AlreadyReviewed(bytes32 tag);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {MerkleRfc9162} from "../lib/MerkleRfc9162.sol";
import {Signatures} from "../lib/Signatures.sol";
import {LeafHash} from "../lib/Types.sol";
import {IGuardianRecovery} from "./IGuardianRecovery.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";

/// @title What IGuardianRecovery specifies
contract GuardianRecovery is IGuardianRecovery, EIP712 {
    bytes32 private constant SET_GUARDIANS_TYPEHASH =
        keccak256("SetGuardians(address identity,bytes32 plan,uint256 nonce,uint256 deadline)");
    bytes32 private constant VOTE_TYPEHASH =
        keccak256("Vote(address identity,bytes32 plan,address newOwner,uint256 round,uint256 deadline)");
    bytes32 private constant CANCEL_TYPEHASH = keccak256("Cancel(address identity,uint256 round,uint256 deadline)");

    /// @dev A first round that was cancelled and the second take three times the lock: at most twelve days, within CHANGE_DELAY and
    /// within PatientRegistry's delay for another module, with two days to notice.
    uint256 private constant LEAST_DELAY = 1 days;
    uint256 private constant GREATEST_DELAY = 4 days;
    uint256 private constant CHANGE_DELAY = 14 days;
    uint256 private constant MOST_GUARDIANS = 32;

    struct Guardians {
        bytes32 plan;
        bytes32 pending;
        uint64 pendingFrom; // zero: nothing pending
        uint64 accepted; // SetGuardians messages
        bool cancelled; // the last round under these guardians; moot once pending ones are in force
    }

    struct Round {
        uint256 number;
        address newOwner;
        uint64 readyAt;
        bool isFinal;
        State state;
    }

    IPatientRegistry private immutable REGISTRY;
    mapping(address identity => Guardians) private _guardians;
    mapping(address identity => Round) private _rounds;

    constructor(IPatientRegistry registry) EIP712("Keepwell GuardianRecovery", "1") {
        REGISTRY = registry;
    }

    // ---- views ----

    /// @inheritdoc IGuardianRecovery
    function guardians(address identity) external view returns (bytes32) {
        return _settled(identity).plan;
    }

    /// @inheritdoc IGuardianRecovery
    function pendingGuardians(address identity) external view returns (bytes32 plan, uint256 effectiveAt) {
        Guardians memory present = _settled(identity);
        return (present.pending, present.pendingFrom);
    }

    /// @inheritdoc IGuardianRecovery
    function lastRound(address identity)
        external
        view
        returns (uint256 round, address newOwner, uint256 readyAt, bool isFinal, State state)
    {
        Round storage last = _rounds[identity];
        return (last.number, last.newOwner, last.readyAt, last.isFinal, last.state);
    }

    /// @inheritdoc IGuardianRecovery
    function cancelled(address identity) external view returns (bool) {
        return _settled(identity).cancelled;
    }

    /// @inheritdoc IGuardianRecovery
    function nonce(address identity) external view returns (uint256) {
        return _guardians[identity].accepted;
    }

    /// @inheritdoc IGuardianRecovery
    function delayBounds() external pure returns (uint256 least, uint256 greatest) {
        return (LEAST_DELAY, GREATEST_DELAY);
    }

    /// @inheritdoc IGuardianRecovery
    function changeDelay() external pure returns (uint256) {
        return CHANGE_DELAY;
    }

    // ---- by the owner's message ----

    /// @inheritdoc IGuardianRecovery
    function setGuardians(address identity, bytes32 plan, uint256 deadline, bytes calldata signature) external {
        Guardians memory present = _settled(identity);
        // slither-disable-next-line incorrect-equality (hashes, and zero for none; no amounts)
        if (present.pendingFrom == 0 ? plan == present.plan : plan == present.pending) return;
        Round storage last = _rounds[identity];
        if (last.state == State.Running) revert RoundRuns(identity, last.number);
        bytes32 message = keccak256(abi.encode(SET_GUARDIANS_TYPEHASH, identity, plan, present.accepted, deadline));
        _requireOwner(identity, message, deadline, signature);
        ++present.accepted;
        // slither-disable-next-line incorrect-equality (as above)
        bool atOnce = present.plan == 0 || plan == present.plan;
        if (atOnce) present.plan = plan;
        present.pending = atOnce ? bytes32(0) : plan;
        present.pendingFrom = atOnce ? 0 : uint64(block.timestamp + CHANGE_DELAY);
        _guardians[identity] = present;
        emit GuardiansChanged(identity, present.plan, present.pending, present.pendingFrom);
    }

    /// @inheritdoc IGuardianRecovery
    function cancel(address identity, uint256 round, uint256 deadline, bytes calldata signature) external {
        Round storage last = _rounds[identity];
        if (last.number != round) revert NoSuchRound(identity, round);
        if (last.state == State.Cancelled) return;
        if (last.state != State.Running) revert NoSuchRound(identity, round);
        if (last.isFinal) revert RoundIsFinal(identity, round);
        _requireOwner(identity, keccak256(abi.encode(CANCEL_TYPEHASH, identity, round, deadline)), deadline, signature);
        last.state = State.Cancelled;
        _guardians[identity].cancelled = true;
        emit RecoveryCancelled(identity, round);
    }

    // ---- by the guardians' votes ----

    /// @inheritdoc IGuardianRecovery
    function begin(address identity, address newOwner, Plan calldata plan, uint256 deadline, Vote[] calldata votes) external {
        Round storage last = _rounds[identity];
        if (last.state == State.Running) {
            if (last.newOwner == newOwner) return;
            revert RoundRuns(identity, last.number);
        }
        if (newOwner == address(0)) revert NoNewOwner(identity);
        Guardians memory present = _settled(identity);
        _requirePlan(identity, present.plan, plan);
        uint256 number = last.number + 1;
        uint256 needed = present.cancelled ? uint256(plan.threshold) + 1 : plan.threshold;
        if (votes.length < needed) revert TooFewVotes(needed, votes.length);
        _requireVotes(plan, votes, _voteDigest(identity, present.plan, newOwner, number, deadline));
        uint256 readyAt = block.timestamp + uint256(plan.delay) * (present.cancelled ? 2 : 1);
        _rounds[identity] = Round(number, newOwner, uint64(readyAt), present.cancelled, State.Running);
        present.pending = 0;
        present.pendingFrom = 0;
        _guardians[identity] = present;
        emit RecoveryBegun(identity, number, newOwner, readyAt, present.cancelled);
    }

    /// @inheritdoc IGuardianRecovery
    function finish(address identity, uint256 round) external {
        Round storage last = _rounds[identity];
        if (last.number != round) revert NoSuchRound(identity, round);
        if (last.state == State.Finished) return;
        if (last.state != State.Running) revert NoSuchRound(identity, round);
        if (block.timestamp < last.readyAt) revert TooEarly(last.readyAt, block.timestamp);
        last.state = State.Finished;
        _guardians[identity].cancelled = false;
        emit RecoveryFinished(identity, round, last.newOwner);
        REGISTRY.recoverOwner(identity, last.newOwner);
    }

    // ---- what checks ----

    /// @dev What is in force now: a change whose time has come counts as made, and wipes the cancellation before it.
    function _settled(address identity) private view returns (Guardians memory present) {
        present = _guardians[identity];
        // slither-disable-next-line incorrect-equality (zero stands for none)
        if (present.pendingFrom == 0 || block.timestamp < present.pendingFrom) return present;
        return Guardians(present.pending, 0, 0, present.accepted, false);
    }

    function _requireOwner(address identity, bytes32 message, uint256 deadline, bytes calldata signature) private view {
        Signatures.requireInTime(deadline);
        address owner = REGISTRY.identityOwner(identity);
        bool signed = SignatureChecker.isValidSignatureNowCalldata(owner, _hashTypedDataV4(message), signature);
        if (owner == address(0) || !signed) revert NotSignedByOwner(identity, owner);
    }

    /// @dev The plan is the one in force, and its numbers are such that both rounds can be had.
    function _requirePlan(address identity, bytes32 expected, Plan calldata plan) private pure {
        bytes32 given = keccak256(abi.encode(plan));
        if (given != expected) revert OtherGuardians(identity, expected, given);
        bool numbers = plan.threshold >= 2 && plan.guardians > plan.threshold && plan.guardians <= MOST_GUARDIANS;
        if (!numbers || plan.delay < LEAST_DELAY || plan.delay > GREATEST_DELAY) {
            revert InvalidPlan(plan.threshold, plan.guardians, plan.delay);
        }
    }

    function _voteDigest(address identity, bytes32 plan, address newOwner, uint256 round, uint256 deadline)
        private
        view
        returns (bytes32)
    {
        Signatures.requireInTime(deadline);
        return _hashTypedDataV4(keccak256(abi.encode(VOTE_TYPEHASH, identity, plan, newOwner, round, deadline)));
    }

    /// @dev Ascending places of one tree are different guardians; the loop is bounded by MOST_GUARDIANS, for places are below it.
    function _requireVotes(Plan calldata plan, Vote[] calldata votes, bytes32 digest) private pure {
        uint256 least = 0;
        for (uint256 i = 0; i < votes.length; ++i) {
            Vote calldata vote = votes[i];
            LeafHash leaf = LeafHash.wrap(sha256(abi.encodePacked(bytes1(0), vote.guardian)));
            bool member = MerkleRfc9162.verifyInclusion(plan.root, plan.guardians, leaf, vote.index, vote.path);
            if (!member || vote.index < least) revert NotAGuardian(vote.guardian, vote.index);
            Signatures.requireSignedBy(vote.guardian, digest, vote.signature);
            least = vote.index + 1;
        }
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {MerkleRoot} from "../lib/Types.sol";

/// @title Guardians bring back a DID whose keys are lost
/// @notice A recovery module of PatientRegistry (protocol §7). Guardians vote by signature, from addresses made for this patient
/// alone, for one new owner; all votes of a round arrive in one call that anybody may send, and then a time lock runs. The owner
/// of the time may cancel once; a second round takes one guardian more and twice the time, and is final. Who guards whom is told
/// to nobody: what stands here is one salted hash, opened only when a round begins, and then only for those who voted.
interface IGuardianRecovery {
    /// @notice What a patient's hash hides, opened when a round begins.
    /// @param root RFC 9162 root over the guardians' addresses; leaf = SHA-256(0x00 ‖ address).
    /// @param threshold How many must vote in a first round: 2 or more.
    /// @param guardians How many there are: more than `threshold`, so that a second round can be had; 32 at most.
    /// @param delay Seconds of the time lock, within `delayBounds`.
    /// @param salt 32 random bytes.
    struct Plan {
        MerkleRoot root;
        uint8 threshold;
        uint8 guardians;
        uint32 delay;
        bytes32 salt;
    }

    /// @notice One guardian's vote: its address, its place in the tree with the proof, its signature of the message
    /// Vote(address identity,bytes32 plan,address newOwner,uint256 round,uint256 deadline).
    struct Vote {
        address guardian;
        uint256 index;
        bytes32[] path;
        bytes signature;
    }

    /// @notice `plan` is in force for `identity`; `pending` takes its place at `effectiveAt` (Unix seconds, zero if nothing is pending).
    event GuardiansChanged(address indexed identity, bytes32 plan, bytes32 pending, uint256 effectiveAt);

    /// @notice A round for `newOwner` began, with votes enough. @param readyAt Unix seconds from which it can be finished.
    event RecoveryBegun(address indexed identity, uint256 indexed round, address newOwner, uint256 readyAt, bool isFinal);

    event RecoveryCancelled(address indexed identity, uint256 indexed round);
    event RecoveryFinished(address indexed identity, uint256 indexed round, address newOwner);

    /// @notice Sets the guardians: keccak256(abi.encode(plan)), zero for none. The first are in force at once; other ones, and none, after
    /// `changeDelay` seconds, so that a thief of the owner's key cannot put in his own or shut ours out: they have that long to
    /// recover. Refused while a round runs, and a round that begins drops a pending change. Naming those in force drops it too.
    /// Signer: the owner, a key or an ERC-1271 contract, over SetGuardians(address identity,bytes32 plan,uint256 nonce,uint256 deadline).
    /// Setting what is set already does nothing.
    function setGuardians(address identity, bytes32 plan, uint256 deadline, bytes calldata signature) external;

    /// @notice Begins the next round: `plan` is the one in force, and at least `threshold` guardians (one more after a cancelled round)
    /// voted for this owner, in this round. Votes stand in ascending order of index. Sending a round that runs again does nothing.
    function begin(address identity, address newOwner, Plan calldata plan, uint256 deadline, Vote[] calldata votes) external;

    /// @notice Ends the running round, once: afterwards the next one is final, until it is finished or other guardians are in force.
    /// Signer: the owner, over Cancel(address identity,uint256 round,uint256 deadline). A round cancelled already is left alone.
    function cancel(address identity, uint256 round, uint256 deadline, bytes calldata signature) external;

    /// @notice Hands `identity` to the round's new owner once its time has come. Anybody may call. A round finished already is left alone.
    function finish(address identity, uint256 round) external;

    /// @notice Hash of the guardians in force, zero if none.
    function guardians(address identity) external view returns (bytes32);

    /// @notice The change to come and when (Unix seconds); zeros if none is pending.
    function pendingGuardians(address identity) external view returns (bytes32 plan, uint256 effectiveAt);

    /// @notice The last round, zeros before the first. `state` says what became of it.
    function lastRound(address identity)
        external
        view
        returns (uint256 round, address newOwner, uint256 readyAt, bool isFinal, State state);

    /// @notice Whether the owner's one cancellation is used up, so that the next round is final.
    function cancelled(address identity) external view returns (bool);

    /// @notice What the next SetGuardians message of an identity must contain; each accepted message raises it by one.
    function nonce(address identity) external view returns (uint256);

    /// @notice Least and greatest time lock of a first round, seconds.
    function delayBounds() external view returns (uint256 least, uint256 greatest);

    /// @notice Seconds between asking for other guardians and their being in force.
    function changeDelay() external view returns (uint256);

    enum State {
        None,
        Running,
        Cancelled,
        Finished
    }

    /// @notice The owner did not sign this message for this chain and contract.
    error NotSignedByOwner(address identity, address owner);

    /// @notice `plan` does not hash to the guardians in force, `expected`.
    error OtherGuardians(address identity, bytes32 expected, bytes32 given);

    /// @notice The plan's numbers are out of bounds: it can never recover.
    error InvalidPlan(uint256 threshold, uint256 guardians, uint256 delay);

    /// @notice This many votes are needed.
    error TooFewVotes(uint256 needed, uint256 given);

    /// @notice `guardian` is not at place `index` of the plan, or its vote is out of order (so perhaps counted twice).
    error NotAGuardian(address guardian, uint256 index);

    /// @notice Not while round `round` runs.
    error RoundRuns(address identity, uint256 round);

    /// @notice Round `round` does not run.
    error NoSuchRound(address identity, uint256 round);

    /// @notice A second round cannot be cancelled.
    error RoundIsFinal(address identity, uint256 round);

    /// @notice The time lock ends at `readyAt`; it is `time` now (Unix seconds).
    error TooEarly(uint256 readyAt, uint256 time);

    /// @notice A recovery cannot give an identity to nobody.
    error NoNewOwner(address identity);
}

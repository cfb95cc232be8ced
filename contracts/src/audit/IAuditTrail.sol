// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {MerkleRoot} from "../lib/Types.sol";

/// @title What a relay's access log committed to
/// @notice Each relay appends every opening to an RFC 9162 log and signs its head now and then (protocol §6.5). Heads are kept here per
/// log key; two signed heads that contradict each other mark the log for ever. One transaction covers every entry since the last.
/// @dev A head is a statement of fact, not an order: it has no deadline, and repeating it changes nothing. Its EIP-712 type is
/// Head(address log,uint64 size,bytes32 root,uint64 time,bytes32 previous).
interface IAuditTrail {
    /// @param log Address of the log's secp256k1 key, which signs.
    /// @param size Entries in the log.
    /// @param root Root of the tree over them.
    /// @param time Unix seconds, by the relay's clock.
    /// @param previous SHA-256 of the head before this one, as the log defines it off the ledger; zero for the first.
    struct Head {
        address log;
        uint64 size;
        MerkleRoot root;
        uint64 time;
        bytes32 previous;
    }

    event HeadPublished(address indexed log, uint64 size, MerkleRoot root, uint64 time);

    /// @notice The log signed both heads, and they have different roots for one size.
    event ForkReported(address indexed log, Head a, Head b, address indexed reporter);

    /// @notice The log signed both heads, and the newer tree's first `older.size` entries have `otherRoot`, not `older.root`.
    event InconsistencyReported(address indexed log, Head older, Head newer, MerkleRoot otherRoot, address indexed reporter);

    /// @notice Writes the latest head of a log, signed by its key. Anybody may relay it. The latest head once more does nothing.
    function publish(Head calldata head, bytes calldata signature) external;

    /// @notice The latest published head, zeros if none.
    function latest(address log) external view returns (uint64 size, MerkleRoot root, uint64 time);

    /// @notice Proves that a log signed two roots for one size. Either head may be unpublished.
    function reportFork(Head calldata a, bytes calldata sigA, Head calldata b, bytes calldata sigB) external;

    /// @notice Proves that a log rewrote its past: RFC 9162 §2.1.4 consistency `proof` from (`older.size`, `otherRoot`) to the newer
    /// head, with `otherRoot` other than `older.root`.
    function reportInconsistency(
        Head calldata older,
        bytes calldata sigOlder,
        Head calldata newer,
        bytes calldata sigNewer,
        MerkleRoot otherRoot,
        bytes32[] calldata proof
    ) external;

    /// @notice Whether `log` was ever proved to have signed contradictory heads. Never taken back; a relay starts anew with another key.
    function forked(address log) external view returns (bool);

    /// @notice The head is behind the latest one (`size`, `time`) of its log.
    error HeadBehind(address log, uint64 size, uint64 time);

    /// @notice The log has `root` for this size. Two signed roots are a fork: call `reportFork`.
    error RootConflict(address log, uint64 size, MerkleRoot root);

    /// @notice These two heads do not contradict each other in this way.
    error NoContradiction(address logA, address logB, uint64 sizeA, uint64 sizeB);

    /// @notice The consistency proof does not lead from `otherRoot` to the newer head, or `otherRoot` is the older head's own.
    error ProofFailed(MerkleRoot otherRoot);
}

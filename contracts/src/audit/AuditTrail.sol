// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleRfc9162} from "../lib/MerkleRfc9162.sol";
import {Signatures} from "../lib/Signatures.sol";
import {MerkleRoot} from "../lib/Types.sol";
import {IAuditTrail} from "./IAuditTrail.sol";

/// @title What IAuditTrail specifies
contract AuditTrail is IAuditTrail, EIP712 {
    bytes32 private constant HEAD_TYPEHASH =
        keccak256("Head(address log,uint64 size,bytes32 root,uint64 time,bytes32 previous)");

    /// @dev Two storage slots: 64 + 64 + 8 + 8 bits, and the root.
    struct Latest {
        uint64 size;
        uint64 time;
        bool published;
        bool forked;
        MerkleRoot root;
    }

    mapping(address log => Latest) private _latest;

    constructor() EIP712("Keepwell AuditTrail", "1") {}

    /// @inheritdoc IAuditTrail
    function publish(Head calldata head, bytes calldata signature) external {
        Latest storage last = _latest[head.log];
        if (last.published) {
            uint64 size = last.size;
            uint64 time = last.time;
            bool sameTree = head.size == size && head.root == last.root;
            if (sameTree && head.time == time) return;
            if (head.size < size || head.time < time) revert HeadBehind(head.log, size, time);
            if (head.size == size && !sameTree) revert RootConflict(head.log, size, last.root);
        }
        _requireSigned(head, signature);
        last.size = head.size;
        last.time = head.time;
        last.published = true;
        last.root = head.root;
        emit HeadPublished(head.log, head.size, head.root, head.time);
    }

    /// @inheritdoc IAuditTrail
    function latest(address log) external view returns (uint64 size, MerkleRoot root, uint64 time) {
        Latest storage last = _latest[log];
        return (last.size, last.root, last.time);
    }

    /// @inheritdoc IAuditTrail
    function reportFork(Head calldata a, bytes calldata sigA, Head calldata b, bytes calldata sigB) external {
        if (a.log != b.log || a.size != b.size || a.root == b.root) revert NoContradiction(a.log, b.log, a.size, b.size);
        if (_latest[a.log].forked) return;
        _requireSigned(a, sigA);
        _requireSigned(b, sigB);
        _latest[a.log].forked = true;
        emit ForkReported(a.log, a, b, msg.sender);
    }

    /// @inheritdoc IAuditTrail
    function reportInconsistency(
        Head calldata older,
        bytes calldata sigOlder,
        Head calldata newer,
        bytes calldata sigNewer,
        MerkleRoot otherRoot,
        bytes32[] calldata proof
    ) external {
        if (older.log != newer.log || older.size >= newer.size) {
            revert NoContradiction(older.log, newer.log, older.size, newer.size);
        }
        if (_latest[older.log].forked) return;
        bool rewritten = otherRoot != older.root
            && MerkleRfc9162.verifyConsistency(older.size, otherRoot, newer.size, newer.root, proof);
        if (!rewritten) revert ProofFailed(otherRoot);
        _requireSigned(older, sigOlder);
        _requireSigned(newer, sigNewer);
        _latest[older.log].forked = true;
        emit InconsistencyReported(older.log, older, newer, otherRoot, msg.sender);
    }

    /// @inheritdoc IAuditTrail
    function forked(address log) external view returns (bool) {
        return _latest[log].forked;
    }

    function _requireSigned(Head calldata head, bytes calldata signature) private view {
        bytes32 message = keccak256(abi.encode(HEAD_TYPEHASH, head.log, head.size, head.root, head.time, head.previous));
        Signatures.requireSignedBy(head.log, _hashTypedDataV4(message), signature);
    }
}

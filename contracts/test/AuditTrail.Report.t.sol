// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {AuditBase} from "./AuditBase.sol";
import {MerkleTree} from "./MerkleTree.sol";
import {vm} from "./Vm.sol";
import {IAuditTrail} from "../src/audit/IAuditTrail.sol";
import {Signatures} from "../src/lib/Signatures.sol";
import {MerkleRoot} from "../src/lib/Types.sol";

contract AuditTrailReportTest is AuditBase {
    function forkCall(IAuditTrail.Head memory a, IAuditTrail.Head memory b) private view returns (bytes memory) {
        return abi.encodeCall(IAuditTrail.reportFork, (a, sign(a), b, sign(b)));
    }

    function test_twoSignedRootsForOneSizeMarkTheLogForEver() public {
        IAuditTrail.Head memory a = head(10, "a", 100);
        IAuditTrail.Head memory b = head(10, "b", 200);
        (bytes memory sigA, bytes memory sigB) = (sign(a), sign(b));
        vm.expectEmit(address(trail));
        emit IAuditTrail.ForkReported(log, a, b, OTHER_RELAY);
        vm.prank(OTHER_RELAY);
        trail.reportFork(a, sigA, b, sigB);
        require(trail.forked(log), "not marked");
        requireNoOp(RELAY, address(trail), forkCall(a, b));
        publish(head(11, "c", 300));
        require(trail.forked(log), "the mark was washed off");
    }

    function testFuzz_headsThatAgreeAreNoFork(uint64 sizeA, uint64 sizeB, uint64 timeA, uint64 timeB) public {
        IAuditTrail.Head memory a = head(sizeA, "a", timeA);
        IAuditTrail.Head memory b = head(sizeA, "a", timeB);
        bytes memory expected = abi.encodeWithSelector(IAuditTrail.NoContradiction.selector, log, log, sizeA, sizeA);
        requireRevert(RELAY, address(trail), forkCall(a, b), expected);
        vm.assume(sizeA != sizeB);
        b = head(sizeB, "b", timeB);
        requireRevert(RELAY, address(trail), forkCall(a, b), IAuditTrail.NoContradiction.selector);
        require(!trail.forked(log), "an honest log was marked");
    }

    function test_headsOfTwoLogsAreNoFork() public {
        IAuditTrail.Head memory a = head(10, "a", 100);
        IAuditTrail.Head memory b = head(10, "b", 100);
        b.log = vm.addr(7);
        bytes memory data = abi.encodeCall(IAuditTrail.reportFork, (a, sign(a), b, signHead(7, domain(), b)));
        requireRevert(RELAY, address(trail), data, IAuditTrail.NoContradiction.selector);
    }

    function testFuzz_nobodyFramesALogWithHeadsItNeverSigned(uint256 seed, bool first) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        IAuditTrail.Head memory a = head(10, "a", 100);
        IAuditTrail.Head memory b = head(10, "b", 100);
        (bytes memory sigA, bytes memory sigB) = first ? (signHead(key, domain(), a), sign(b)) : (sign(a), signHead(key, domain(), b));
        bytes memory data = abi.encodeCall(IAuditTrail.reportFork, (a, sigA, b, sigB));
        requireRevert(RELAY, address(trail), data, abi.encodeWithSelector(Signatures.BadSignature.selector, log, vm.addr(key)));
        require(!trail.forked(log), "framed");
    }

    function inconsistencyCall(
        IAuditTrail.Head memory older,
        IAuditTrail.Head memory newer,
        bytes32 otherRoot,
        bytes32[] memory proof
    ) private view returns (bytes memory) {
        return abi.encodeCall(
            IAuditTrail.reportInconsistency, (older, sign(older), newer, sign(newer), MerkleRoot.wrap(otherRoot), proof)
        );
    }

    function testFuzz_aRewrittenPastIsProved(uint256 seed, uint8 olderSize, uint8 newerSize, uint8 rewritten) public {
        uint64 n = 2 + uint64(newerSize % 40);
        uint64 m = 1 + olderSize % (n - 1);
        bytes32[] memory d = MerkleTree.leaves(seed, n);
        bytes32 shown = MerkleTree.root(d, 0, m);
        d[rewritten % m] = keccak256("rewritten");
        IAuditTrail.Head memory older = head(m, shown, 100);
        IAuditTrail.Head memory newer = head(n, MerkleTree.root(d, 0, n), 200);
        bytes32 otherRoot = MerkleTree.root(d, 0, m);
        bytes memory data = inconsistencyCall(older, newer, otherRoot, MerkleTree.subproof(d, m, 0, n, true));
        vm.expectEmit(address(trail));
        emit IAuditTrail.InconsistencyReported(log, older, newer, MerkleRoot.wrap(otherRoot), RELAY);
        vm.prank(RELAY);
        (bool success, ) = address(trail).call(data);
        require(success && trail.forked(log), "not marked");
        requireNoOp(OTHER_RELAY, address(trail), data);
    }

    function testFuzz_anHonestLogIsNeverMarked(uint256 seed, uint8 olderSize, uint8 newerSize, bytes32 otherRoot, bytes32[] memory junk) public {
        uint64 n = 2 + uint64(newerSize % 40);
        uint64 m = 1 + olderSize % (n - 1);
        bytes32[] memory d = MerkleTree.leaves(seed, n);
        IAuditTrail.Head memory older = head(m, MerkleTree.root(d, 0, m), 100);
        IAuditTrail.Head memory newer = head(n, MerkleTree.root(d, 0, n), 200);
        bytes32[] memory proof = MerkleTree.subproof(d, m, 0, n, true);
        bytes4 failed = IAuditTrail.ProofFailed.selector;
        requireRevert(RELAY, address(trail), inconsistencyCall(older, newer, MerkleRoot.unwrap(older.root), proof), failed);
        requireRevert(RELAY, address(trail), inconsistencyCall(older, newer, otherRoot, proof), failed);
        requireRevert(RELAY, address(trail), inconsistencyCall(older, newer, otherRoot, junk), failed);
        require(!trail.forked(log), "an honest log was marked");
    }

    function test_sizesMustRiseAndLogsMustMatch() public {
        IAuditTrail.Head memory a = head(10, "a", 100);
        IAuditTrail.Head memory b = head(10, "b", 100);
        bytes4 expected = IAuditTrail.NoContradiction.selector;
        requireRevert(RELAY, address(trail), inconsistencyCall(a, b, "b", new bytes32[](0)), expected);
        b = head(11, "b", 100);
        b.log = vm.addr(7);
        requireRevert(RELAY, address(trail), inconsistencyCall(a, b, "c", new bytes32[](1)), expected);
    }

    function testFuzz_nobodyFramesALogWithATreeItNeverSigned(uint256 seed, bool first) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        bytes32[] memory d = MerkleTree.leaves(seed, 9);
        IAuditTrail.Head memory older = head(5, "shown", 100);
        IAuditTrail.Head memory newer = head(9, MerkleTree.root(d, 0, 9), 200);
        bytes memory sigOlder = first ? signHead(key, domain(), older) : sign(older);
        bytes memory sigNewer = first ? sign(newer) : signHead(key, domain(), newer);
        MerkleRoot otherRoot = MerkleRoot.wrap(MerkleTree.root(d, 0, 5));
        bytes32[] memory proof = MerkleTree.subproof(d, 5, 0, 9, true);
        bytes memory data = abi.encodeCall(IAuditTrail.reportInconsistency, (older, sigOlder, newer, sigNewer, otherRoot, proof));
        requireRevert(RELAY, address(trail), data, Signatures.BadSignature.selector);
        require(!trail.forked(log), "framed");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {MerkleTree} from "./MerkleTree.sol";
import {PatientBase} from "./PatientBase.sol";
import {vm} from "./Vm.sol";
import {GuardianRecovery} from "../src/identity/GuardianRecovery.sol";
import {IGuardianRecovery} from "../src/identity/IGuardianRecovery.sol";
import {MerkleRoot} from "../src/lib/Types.sol";

/// @dev An identity with a plan of guardians, whose votes are made here from the standard.
abstract contract GuardianBase is PatientBase {
    GuardianRecovery internal recovery = new GuardianRecovery(registry);
    uint32 internal constant LOCK = 3 days;

    function guardianKey(uint256 index) internal pure returns (uint256) {
        return 0x6000 + index;
    }

    function leaves(uint8 count) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) list[i] = sha256(bytes.concat(hex"00", bytes20(vm.addr(guardianKey(i)))));
    }

    function planOf(uint8 threshold, uint8 count) internal pure returns (IGuardianRecovery.Plan memory) {
        bytes32 root = MerkleTree.root(leaves(count), 0, count);
        return IGuardianRecovery.Plan(MerkleRoot.wrap(root), threshold, count, LOCK, bytes32(uint256(0x5a17)));
    }

    function hashOf(IGuardianRecovery.Plan memory plan) internal pure returns (bytes32) {
        return keccak256(abi.encode(plan));
    }

    function here() internal view returns (bytes32) {
        return domainSeparator("Keepwell GuardianRecovery", block.chainid, address(recovery));
    }

    function voteDigest(bytes32 domain_, bytes32 plan, address to, uint256 round, uint256 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Vote(address identity,bytes32 plan,address newOwner,uint256 round,uint256 deadline)");
        return typedDigest(domain_, keccak256(abi.encode(typeHash, identity, plan, to, round, deadline)));
    }

    /// @dev Votes of the guardians at these places.
    function votesOf(IGuardianRecovery.Plan memory plan, uint256[] memory places, bytes32 digest)
        internal
        pure
        returns (IGuardianRecovery.Vote[] memory votes)
    {
        votes = new IGuardianRecovery.Vote[](places.length);
        for (uint256 i = 0; i < places.length; ++i) {
            uint256 place = places[i];
            bytes32[] memory path = MerkleTree.path(leaves(plan.guardians), place, 0, plan.guardians);
            votes[i] = IGuardianRecovery.Vote(vm.addr(guardianKey(place)), place, path, signDigest(guardianKey(place), digest));
        }
    }

    function first(uint256 count) internal pure returns (uint256[] memory places) {
        places = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) places[i] = i;
    }

    function beginCall(IGuardianRecovery.Plan memory plan, address to, uint256[] memory places, uint256 round)
        internal
        view
        returns (bytes memory)
    {
        uint256 deadline = block.timestamp + 600;
        IGuardianRecovery.Vote[] memory votes = votesOf(plan, places, voteDigest(here(), hashOf(plan), to, round, deadline));
        return abi.encodeCall(IGuardianRecovery.begin, (identity, to, plan, deadline, votes));
    }

    function setDigest(bytes32 plan, uint256 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("SetGuardians(address identity,bytes32 plan,uint256 nonce,uint256 deadline)");
        return typedDigest(here(), keccak256(abi.encode(typeHash, identity, plan, recovery.nonce(identity), deadline)));
    }

    function setCall(uint256 key, bytes32 plan) internal view returns (bytes memory) {
        uint256 deadline = block.timestamp + 600;
        bytes memory signature = signDigest(key, setDigest(plan, deadline));
        return abi.encodeCall(IGuardianRecovery.setGuardians, (identity, plan, deadline, signature));
    }

    function cancelDigest(uint256 round, uint256 deadline) internal view returns (bytes32) {
        bytes32 typeHash = keccak256("Cancel(address identity,uint256 round,uint256 deadline)");
        return typedDigest(here(), keccak256(abi.encode(typeHash, identity, round, deadline)));
    }

    function cancelCall(uint256 key, uint256 round) internal view returns (bytes memory) {
        uint256 deadline = block.timestamp + 600;
        bytes memory signature = signDigest(key, cancelDigest(round, deadline));
        return abi.encodeCall(IGuardianRecovery.cancel, (identity, round, deadline, signature));
    }

    function finishCall(uint256 round) internal view returns (bytes memory) {
        return abi.encodeCall(IGuardianRecovery.finish, (identity, round));
    }

    function act(bytes memory data) internal {
        vm.prank(RELAY);
        (bool success, ) = address(recovery).call(data);
        require(success, "refused");
    }

    function refuse(bytes memory data, bytes4 selector) internal {
        requireRevert(RELAY, address(recovery), data, selector);
    }

    function refuse(bytes memory data, bytes memory expected) internal {
        requireRevert(RELAY, address(recovery), data, expected);
    }

    function nothing(bytes memory data) internal {
        requireNoOp(RELAY, address(recovery), data);
    }

    function ready() internal view returns (uint256 time) {
        (, , time, , ) = recovery.lastRound(identity);
    }
}

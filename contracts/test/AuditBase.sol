// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {AuditTrail} from "../src/audit/AuditTrail.sol";
import {IAuditTrail} from "../src/audit/IAuditTrail.sol";
import {MerkleRoot} from "../src/lib/Types.sol";

abstract contract AuditBase is Base {
    AuditTrail internal trail = new AuditTrail();
    uint256 internal constant KEY = 0x106;
    address internal immutable log = vm.addr(KEY);

    function head(uint64 size, bytes32 root, uint64 time) internal view returns (IAuditTrail.Head memory) {
        return IAuditTrail.Head(log, size, MerkleRoot.wrap(root), time, bytes32("previous"));
    }

    function domain() internal view returns (bytes32) {
        return domainSeparator("Keepwell AuditTrail", block.chainid, address(trail));
    }

    function signHead(uint256 key, bytes32 separator, IAuditTrail.Head memory h) internal pure returns (bytes memory) {
        bytes32 typeHash = keccak256("Head(address log,uint64 size,bytes32 root,uint64 time,bytes32 previous)");
        return signDigest(
            key, typedDigest(separator, keccak256(abi.encode(typeHash, h.log, h.size, h.root, h.time, h.previous)))
        );
    }

    function sign(IAuditTrail.Head memory h) internal view returns (bytes memory) {
        return signHead(KEY, domain(), h);
    }

    function publishCall(IAuditTrail.Head memory h, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(IAuditTrail.publish, (h, signature));
    }

    function publish(IAuditTrail.Head memory h) internal {
        bytes memory signature = sign(h);
        vm.prank(RELAY);
        trail.publish(h, signature);
    }
}

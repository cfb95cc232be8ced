// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {ConsentRegistry} from "../src/consent/ConsentRegistry.sol";
import {IConsentRegistry} from "../src/consent/IConsentRegistry.sol";
import {Commitment} from "../src/lib/Types.sol";

abstract contract ConsentBase is Base {
    struct Terms {
        Commitment commitment;
        uint64 notBefore;
        uint64 expiry;
        uint8 level;
        uint256 deadline;
    }

    ConsentRegistry internal registry = new ConsentRegistry();
    uint256 internal constant KEY = 0xc0ffee;
    address internal immutable holder = vm.addr(KEY);

    function terms(bytes32 commitment) internal pure returns (Terms memory) {
        return Terms(Commitment.wrap(commitment), uint64(NOW), uint64(NOW + 90 days), 1, DEADLINE);
    }

    function domain() internal view returns (bytes32) {
        return domainSeparator("Keepwell ConsentRegistry", block.chainid, address(registry));
    }

    function signGrant(uint256 key, bytes32 separator, Terms memory t) internal pure returns (bytes memory) {
        bytes32 typeHash = keccak256("Grant(bytes32 commitment,uint64 notBefore,uint64 expiry,uint8 level,uint256 deadline)");
        return signDigest(
            key,
            typedDigest(separator, keccak256(abi.encode(typeHash, t.commitment, t.notBefore, t.expiry, t.level, t.deadline)))
        );
    }

    function signRevoke(uint256 key, bytes32 separator, Commitment commitment, uint256 deadline) internal pure returns (bytes memory) {
        bytes32 typeHash = keccak256("Revoke(bytes32 commitment,uint256 deadline)");
        return signDigest(key, typedDigest(separator, keccak256(abi.encode(typeHash, commitment, deadline))));
    }

    function grantCall(address who, Terms memory t, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IConsentRegistry.grant, (who, t.commitment, t.notBefore, t.expiry, t.level, t.deadline, signature)
        );
    }

    function revokeCall(address who, Commitment commitment, uint256 deadline, bytes memory signature) internal pure returns (bytes memory) {
        return abi.encodeCall(IConsentRegistry.revoke, (who, commitment, deadline, signature));
    }

    function grant(Terms memory t) internal {
        vm.prank(RELAY);
        registry.grant(holder, t.commitment, t.notBefore, t.expiry, t.level, t.deadline, signGrant(KEY, domain(), t));
    }

    function revoke(Commitment commitment) internal {
        vm.prank(RELAY);
        registry.revoke(holder, commitment, DEADLINE, signRevoke(KEY, domain(), commitment, DEADLINE));
    }

    function stateOf(address who, Commitment commitment) internal view returns (IConsentRegistry.State state) {
        (, , , state) = registry.slot(who, commitment);
    }
}

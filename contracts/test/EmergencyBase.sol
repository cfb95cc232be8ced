// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {EmergencyAccess} from "../src/emergency/EmergencyAccess.sol";
import {IEmergencyAccess} from "../src/emergency/IEmergencyAccess.sol";
import {CredentialRegistry} from "../src/identity/CredentialRegistry.sol";
import {CredentialId} from "../src/lib/Types.sol";

/// @dev Two professionals of two issuers, and a patient with one card.
abstract contract EmergencyBase is Base {
    address internal constant ADMIN = address(0xad);
    address internal constant ISSUER = address(0x15);
    address internal constant OTHER_ISSUER = address(0x16);
    uint256 internal constant DOCTOR = 0xd0c;
    uint256 internal constant NURSE = 0x125e;
    uint256 internal constant CARD = 0xca4d;
    CredentialId internal constant DOCTOR_ID = CredentialId.wrap("doctor");
    CredentialId internal constant NURSE_ID = CredentialId.wrap("nurse");
    bytes32 internal constant TAG = "tag";
    CredentialRegistry internal credentials = new CredentialRegistry(ADMIN);
    EmergencyAccess internal emergency = new EmergencyAccess(credentials);

    constructor() {
        person(ISSUER, DOCTOR_ID, DOCTOR);
        person(OTHER_ISSUER, NURSE_ID, NURSE);
    }

    function person(address issuer, CredentialId id, uint256 key) internal {
        vm.prank(ADMIN);
        credentials.accredit(issuer);
        vm.prank(issuer);
        credentials.issue(id, keccak256(abi.encode(key)), "MD", uint64(NOW + 365 days));
        vm.prank(issuer);
        emergency.enrol(id, vm.addr(key));
    }

    function rules() internal pure returns (IEmergencyAccess.Rules memory) {
        return IEmergencyAccess.Rules(vm.addr(CARD), 0, 1 days, 1);
    }

    function asked(bytes32 tag) internal view returns (IEmergencyAccess.Asked memory) {
        return IEmergencyAccess.Asked(tag, keccak256("reason"), DOCTOR_ID, rules(), block.timestamp + 600);
    }

    function none() internal pure returns (IEmergencyAccess.Preauthorisation memory) {}

    function sign(uint256 key, bytes32 message) internal view returns (bytes memory) {
        bytes32 domain = domainSeparator("Keepwell EmergencyAccess", block.chainid, address(emergency));
        return signDigest(key, typedDigest(domain, message));
    }

    function signAsked(uint256 key, IEmergencyAccess.Asked memory a) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256(
            "Request(bytes32 tag,bytes32 reasonHash,bytes32 credential,address veto,uint64 delay,uint64 window,uint8 persons,uint256 deadline)"
        );
        IEmergencyAccess.Rules memory r = a.rules;
        return sign(
            key,
            keccak256(
                abi.encode(typeHash, a.tag, a.reasonHash, a.credential, r.veto, r.delay, r.window, r.persons, a.deadline)
            )
        );
    }

    function askCall(uint256 key, IEmergencyAccess.Asked memory a) internal view returns (bytes memory) {
        return abi.encodeCall(IEmergencyAccess.request, (a, none(), signAsked(key, a)));
    }

    function preauthorised(uint256 key, CredentialId id, uint64 until)
        internal
        view
        returns (IEmergencyAccess.Preauthorisation memory)
    {
        bytes32 typeHash = keccak256("Preauthorise(bytes32 credential,uint64 until)");
        return IEmergencyAccess.Preauthorisation(until, sign(key, keccak256(abi.encode(typeHash, id, until))));
    }

    function approveCall(uint256 key, bytes32 tag, CredentialId id) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256("Approve(bytes32 tag,bytes32 credential,uint256 deadline)");
        uint256 deadline = block.timestamp + 600;
        bytes memory signature = sign(key, keccak256(abi.encode(typeHash, tag, id, deadline)));
        return abi.encodeCall(IEmergencyAccess.approve, (tag, id, deadline, signature));
    }

    function vetoCall(uint256 key, bytes32 tag) internal view returns (bytes memory) {
        uint256 deadline = block.timestamp + 600;
        bytes memory signature =
            sign(key, keccak256(abi.encode(keccak256("Veto(bytes32 tag,uint256 deadline)"), tag, deadline)));
        return abi.encodeCall(IEmergencyAccess.veto, (tag, deadline, signature));
    }

    function reviewCall(uint256 key, bytes32 tag, bytes32 hash) internal view returns (bytes memory) {
        bytes32 typeHash = keccak256("Review(bytes32 tag,bytes32 reviewHash,uint256 deadline)");
        uint256 deadline = block.timestamp + 600;
        bytes memory signature = sign(key, keccak256(abi.encode(typeHash, tag, hash, deadline)));
        return abi.encodeCall(IEmergencyAccess.review, (tag, hash, deadline, signature));
    }

    function accept(bytes memory data) internal {
        vm.prank(RELAY);
        (bool success, ) = address(emergency).call(data);
        require(success, "refused");
    }

    function refuse(bytes memory data, bytes4 selector) internal {
        requireRevert(RELAY, address(emergency), data, selector);
    }

    function stateOf(bytes32 tag) internal view returns (IEmergencyAccess.State state) {
        state = emergency.get(tag).state;
    }

    function requireState(bytes32 tag, IEmergencyAccess.State expected) internal view {
        require(stateOf(tag) == expected, "another state");
    }
}

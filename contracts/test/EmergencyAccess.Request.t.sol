// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EmergencyBase} from "./EmergencyBase.sol";
import {vm} from "./Vm.sol";
import {IEmergencyAccess} from "../src/emergency/IEmergencyAccess.sol";
import {CredentialId} from "../src/lib/Types.sol";
import {Signatures} from "../src/lib/Signatures.sol";

contract EmergencyAccessRequestTest is EmergencyBase {
    function test_aCredentialedProviderOpensAtOnceAndForNoMoreThanTheWindow() public {
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.Requested(
            TAG, DOCTOR_ID, vm.addr(CARD), keccak256("reason"), uint64(NOW), uint64(NOW + 1 days)
        );
        accept(askCall(DOCTOR, asked(TAG)));
        requireState(TAG, IEmergencyAccess.State.Open);
        requireNoOp(RELAY, address(emergency), askCall(DOCTOR, asked(TAG)));
        vm.warp(NOW + 1 days - 1);
        requireState(TAG, IEmergencyAccess.State.Open);
        vm.warp(NOW + 1 days);
        requireState(TAG, IEmergencyAccess.State.Over);
    }

    function testFuzz_noWindowOrDelayIsLongerThanADay(uint64 window, uint64 delay, uint8 persons) public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        (a.rules.window, a.rules.delay, a.rules.persons) = (window, delay, persons);
        bool fits = window > 0 && window <= 1 days && delay <= 1 days && (persons == 1 || persons == 2);
        if (fits) accept(askCall(DOCTOR, a));
        else refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
    }

    function testFuzz_onlyTheRespondersSignatureAsks(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != DOCTOR);
        refuse(askCall(key, asked(TAG)), Signatures.BadSignature.selector);
    }

    function testFuzz_everyValueOfARequestIsSigned(uint8 which) public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        bytes memory signature = signAsked(DOCTOR, a);
        which %= 6;
        if (which == 0) a.tag = "other";
        if (which == 1) a.reasonHash = "other";
        if (which == 2) a.rules.veto = address(1);
        if (which == 3) a.rules.window -= 1;
        if (which == 4) a.rules.persons = 2;
        if (which == 5) a.deadline += 1;
        refuse(abi.encodeCall(IEmergencyAccess.request, (a, none(), signature)), Signatures.BadSignature.selector);
    }

    function test_aCredentialThatIsNotLiveOpensNothing() public {
        vm.prank(ISSUER);
        credentials.suspend(DOCTOR_ID);
        refuse(askCall(DOCTOR, asked(TAG)), IEmergencyAccess.NotCredentialed.selector);
        vm.prank(ISSUER);
        credentials.reinstate(DOCTOR_ID);
        vm.prank(ADMIN);
        credentials.suspendIssuer(ISSUER);
        refuse(askCall(DOCTOR, asked(TAG)), IEmergencyAccess.NotCredentialed.selector);
        vm.prank(ADMIN);
        credentials.accredit(ISSUER);
        vm.prank(ISSUER);
        emergency.enrol(DOCTOR_ID, address(0));
        refuse(askCall(DOCTOR, asked(TAG)), IEmergencyAccess.NotCredentialed.selector);
    }

    function test_onlyTheIssuerSaysWhoseKeyAsks() public {
        bytes memory data = abi.encodeCall(IEmergencyAccess.enrol, (DOCTOR_ID, RELAY));
        requireRevert(OTHER_ISSUER, address(emergency), data, IEmergencyAccess.NotIssuer.selector);
        requireRevert(ADMIN, address(emergency), data, IEmergencyAccess.NotIssuer.selector);
    }

    function test_eightRequestsADayAndNoMore() public {
        for (uint256 i = 0; i < 8; ++i) {
            vm.warp(NOW + i * 1 hours);
            accept(askCall(DOCTOR, asked(bytes32(i + 1))));
        }
        refuse(askCall(DOCTOR, asked("ninth")), IEmergencyAccess.TooMany.selector);
        vm.warp(NOW + 1 days - 1);
        refuse(askCall(DOCTOR, asked("ninth")), IEmergencyAccess.TooMany.selector);
        vm.warp(NOW + 1 days);
        accept(askCall(DOCTOR, asked("ninth")));
        refuse(askCall(DOCTOR, asked("tenth")), IEmergencyAccess.TooMany.selector);
    }

    function test_aTagIsOneRequest() public {
        accept(askCall(DOCTOR, asked(TAG)));
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.credential = NURSE_ID;
        refuse(askCall(NURSE, a), IEmergencyAccess.TagTaken.selector);
    }

    function test_aRequestOpensAfterItsDelay() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.rules.delay = 1 hours;
        accept(askCall(DOCTOR, a));
        requireState(TAG, IEmergencyAccess.State.Waiting);
        vm.warp(NOW + 1 hours);
        requireState(TAG, IEmergencyAccess.State.Open);
    }
}

contract EmergencyAccessTwoPersonsTest is EmergencyBase {
    function ask() private {
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.rules.persons = 2;
        accept(askCall(DOCTOR, a));
        requireState(TAG, IEmergencyAccess.State.Waiting);
    }

    function test_aSecondProfessionalOpens() public {
        ask();
        vm.warp(NOW + 60);
        accept(approveCall(NURSE, TAG, NURSE_ID));
        requireState(TAG, IEmergencyAccess.State.Open);
        requireNoOp(RELAY, address(emergency), approveCall(NURSE, TAG, NURSE_ID));
    }

    function test_onePersonIsNotTwo() public {
        ask();
        refuse(approveCall(DOCTOR, TAG, DOCTOR_ID), IEmergencyAccess.NotSecond.selector);
        CredentialId second = CredentialId.wrap("the doctor again");
        person(OTHER_ISSUER, second, DOCTOR);
        refuse(approveCall(DOCTOR, TAG, second), IEmergencyAccess.NotSecond.selector);
        refuse(approveCall(DOCTOR, TAG, NURSE_ID), Signatures.BadSignature.selector);
        vm.prank(OTHER_ISSUER);
        credentials.revoke(NURSE_ID);
        refuse(approveCall(NURSE, TAG, NURSE_ID), IEmergencyAccess.NotCredentialed.selector);
        requireState(TAG, IEmergencyAccess.State.Waiting);
    }

    function test_nobodyApprovesWhatIsVetoedOrADayOld() public {
        ask();
        vm.warp(NOW + 1 days);
        refuse(approveCall(NURSE, TAG, NURSE_ID), IEmergencyAccess.NotWaiting.selector);
        vm.warp(NOW);
        accept(vetoCall(CARD, TAG));
        refuse(approveCall(NURSE, TAG, NURSE_ID), IEmergencyAccess.NotWaiting.selector);
    }

    function test_aPreauthorisedProfessionalWaitsForNobody() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        (a.rules.persons, a.rules.delay) = (2, 1 hours);
        bytes memory signature = signAsked(DOCTOR, a);
        bytes memory forged =
            abi.encodeCall(IEmergencyAccess.request, (a, preauthorised(DOCTOR, DOCTOR_ID, uint64(NOW + 1)), signature));
        refuse(forged, Signatures.BadSignature.selector);
        bytes memory another =
            abi.encodeCall(IEmergencyAccess.request, (a, preauthorised(CARD, NURSE_ID, uint64(NOW + 1)), signature));
        refuse(another, Signatures.BadSignature.selector);
        bytes memory late =
            abi.encodeCall(IEmergencyAccess.request, (a, preauthorised(CARD, DOCTOR_ID, uint64(NOW)), signature));
        refuse(late, IEmergencyAccess.PreauthorisationOver.selector);
        accept(abi.encodeCall(IEmergencyAccess.request, (a, preauthorised(CARD, DOCTOR_ID, uint64(NOW + 1)), signature)));
        requireState(TAG, IEmergencyAccess.State.Open);
    }
}

contract EmergencyAccessVetoTest is EmergencyBase {
    function test_aVetoClosesForEverAndBarsTheRequesterUnderThisCardAlone() public {
        accept(askCall(DOCTOR, asked(TAG)));
        refuse(vetoCall(DOCTOR, TAG), Signatures.BadSignature.selector);
        refuse(vetoCall(CARD, "unknown"), IEmergencyAccess.UnknownTag.selector);
        accept(vetoCall(CARD, TAG));
        requireNoOp(RELAY, address(emergency), vetoCall(CARD, TAG));
        requireState(TAG, IEmergencyAccess.State.Vetoed);
        refuse(askCall(DOCTOR, asked("again")), IEmergencyAccess.Barred.selector);
        IEmergencyAccess.Asked memory nurse = asked("nurse");
        nurse.credential = NURSE_ID;
        accept(askCall(NURSE, nurse));
        IEmergencyAccess.Asked memory other = asked("other card");
        other.rules.veto = vm.addr(0xbeef);
        accept(askCall(DOCTOR, other));
    }

    function test_aReviewIsOwedUntilThePatientClosesIt() public {
        accept(askCall(DOCTOR, asked(TAG)));
        require(emergency.get(TAG).reviewHash == 0, "reviewed already");
        require(emergency.get(TAG).reasonHash == keccak256("reason"), "another reason");
        refuse(reviewCall(DOCTOR, TAG, "fine"), Signatures.BadSignature.selector);
        refuse(reviewCall(CARD, TAG, 0), IEmergencyAccess.EmptyReview.selector);
        vm.warp(NOW + 30 days);
        accept(reviewCall(CARD, TAG, "fine"));
        requireNoOp(RELAY, address(emergency), reviewCall(CARD, TAG, "fine"));
        refuse(reviewCall(CARD, TAG, "not fine"), IEmergencyAccess.AlreadyReviewed.selector);
    }
}

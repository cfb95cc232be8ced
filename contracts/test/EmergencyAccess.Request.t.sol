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

    function test_T11_aSecondMoreThanADayNoCardKeyOrAThirdPersonAreNoRules() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        (a.rules.window, a.rules.delay, a.rules.persons) = (1 days + 1, 0, 1);
        refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
        (a.rules.window, a.rules.delay) = (1 days, 1 days + 1);
        refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
        (a.rules.window, a.rules.delay) = (0, 0);
        refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
        for (uint8 persons = 0; persons < 4; persons += 3) {
            (a.rules.window, a.rules.persons) = (1 days, persons);
            refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
        }
        (a.rules.persons, a.rules.veto) = (1, address(0));
        refuse(askCall(DOCTOR, a), IEmergencyAccess.InvalidRules.selector);
        (a.rules.veto, a.rules.window, a.rules.delay, a.rules.persons) = (vm.addr(CARD), 1 days, 1 days, 2);
        accept(askCall(DOCTOR, a));
        (a.tag, a.rules.window, a.rules.persons) = ("short", 1, 1);
        accept(askCall(DOCTOR, a));
    }

    function test_whatWasAskedIsShownAsItWasAsked() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        (a.rules.delay, a.rules.window) = (2 hours, 3 hours);
        require(stateOf(TAG) == IEmergencyAccess.State.None, "asked by nobody");
        accept(askCall(DOCTOR, a));
        IEmergencyAccess.Found memory found = emergency.get(TAG);
        require(CredentialId.unwrap(found.credential) == CredentialId.unwrap(DOCTOR_ID), "another credential");
        require(CredentialId.unwrap(found.second) == 0 && found.reviewHash == 0, "approved or reviewed by nobody");
        require(found.reasonHash == a.reasonHash, "another reason");
        require(keccak256(abi.encode(found.rules)) == keccak256(abi.encode(a.rules)), "other rules");
        require(found.requestedAt == NOW && found.opensAt == NOW + 2 hours && found.closesAt == NOW + 5 hours, "other times");
    }

    function testFuzz_onlyTheRespondersSignatureAsks(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != DOCTOR);
        refuse(askCall(key, asked(TAG)), Signatures.BadSignature.selector);
    }

    function testFuzz_everyValueOfARequestIsSigned(uint8 which) public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        bytes memory signature = signAsked(DOCTOR, a);
        which %= 8;
        if (which == 0) a.tag = "other";
        if (which == 1) a.reasonHash = "other";
        if (which == 2) a.rules.veto = address(1);
        if (which == 3) a.rules.window -= 1;
        if (which == 4) a.rules.persons = 2;
        if (which == 5) a.deadline += 1;
        if (which == 6) a.rules.delay = 1;
        if (which == 7) {
            a.credential = CredentialId.wrap("the doctor again");
            person(OTHER_ISSUER, a.credential, DOCTOR);
        }
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
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.ResponderEnrolled(DOCTOR_ID, RELAY);
        vm.prank(ISSUER);
        emergency.enrol(DOCTOR_ID, RELAY);
        requireNoOp(ISSUER, address(emergency), data);
        require(emergency.responderOf(DOCTOR_ID) == RELAY && emergency.responderOf(NURSE_ID) == vm.addr(NURSE), "another's key");
        refuse(askCall(DOCTOR, asked(TAG)), Signatures.BadSignature.selector);
    }

    function test_eightRequestsADayAndNoMore() public {
        for (uint256 i = 0; i < 8; ++i) {
            vm.warp(NOW + i * 1 hours);
            accept(askCall(DOCTOR, asked(bytes32(i + 1))));
        }
        bytes memory expected = abi.encodeWithSelector(IEmergencyAccess.TooMany.selector, DOCTOR_ID, NOW);
        requireRevert(RELAY, address(emergency), askCall(DOCTOR, asked("ninth")), expected);
        IEmergencyAccess.Asked memory nurse = asked("nurse");
        nurse.credential = NURSE_ID;
        accept(askCall(NURSE, nurse));
        vm.warp(NOW + 1 days - 1);
        refuse(askCall(DOCTOR, asked("ninth")), IEmergencyAccess.TooMany.selector);
        vm.warp(NOW + 1 days);
        accept(askCall(DOCTOR, asked("ninth")));
        refuse(askCall(DOCTOR, asked("tenth")), IEmergencyAccess.TooMany.selector);
    }

    function test_T11_eightWithinOneMinuteAndNoMore() public {
        for (uint256 i = 0; i < 8; ++i) accept(askCall(DOCTOR, asked(bytes32(i + 1))));
        refuse(askCall(DOCTOR, asked("ninth")), IEmergencyAccess.TooMany.selector);
        require(emergency.LIMIT() == 8, "another limit is told");
    }

    function test_aTagIsOneRequest() public {
        accept(askCall(DOCTOR, asked(TAG)));
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.credential = NURSE_ID;
        refuse(askCall(NURSE, a), IEmergencyAccess.TagTaken.selector);
        a = asked(TAG);
        a.rules.veto = vm.addr(0xbeef);
        refuse(askCall(DOCTOR, a), IEmergencyAccess.TagTaken.selector);
    }

    function test_aRequestOpensAfterItsDelay() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.rules.delay = 1 hours;
        accept(askCall(DOCTOR, a));
        requireState(TAG, IEmergencyAccess.State.Waiting);
        vm.warp(NOW + 1 hours - 1);
        requireState(TAG, IEmergencyAccess.State.Waiting);
        vm.warp(NOW + 1 hours);
        requireState(TAG, IEmergencyAccess.State.Open);
    }

    function test_T11_noMessageIsGoodAfterItsDeadline() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        bytes memory late = askCall(DOCTOR, a);
        vm.warp(a.deadline + 1);
        refuse(late, Signatures.SignatureExpired.selector);
        vm.warp(a.deadline);
        accept(late);
        a = asked("two");
        a.rules.persons = 2;
        accept(askCall(DOCTOR, a));
        bytes[3] memory calls = [approveCall(NURSE, "two", NURSE_ID), vetoCall(CARD, TAG), reviewCall(CARD, TAG, "fine")];
        vm.warp(a.deadline + 1);
        for (uint256 i = 0; i < 3; ++i) refuse(calls[i], Signatures.SignatureExpired.selector);
        vm.warp(a.deadline);
        for (uint256 i = 0; i < 3; ++i) accept(calls[i]);
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
        bytes memory data = approveCall(NURSE, TAG, NURSE_ID);
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.Approved(TAG, NURSE_ID, uint64(NOW + 60), uint64(NOW + 60 + 1 days));
        accept(data);
        requireState(TAG, IEmergencyAccess.State.Open);
        require(CredentialId.unwrap(emergency.get(TAG).second) == CredentialId.unwrap(NURSE_ID), "approved by another");
        requireNoOp(RELAY, address(emergency), approveCall(NURSE, TAG, NURSE_ID));
        CredentialId third = CredentialId.wrap("third");
        person(ISSUER, third, 0x3d);
        refuse(approveCall(0x3d, TAG, third), IEmergencyAccess.NotWaiting.selector);
    }

    function test_T11_aSecondPersonDoesNotShortenTheDelay() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        (a.rules.persons, a.rules.delay, a.rules.window) = (2, 2 hours, 1 hours);
        accept(askCall(DOCTOR, a));
        vm.warp(NOW + 30 minutes);
        accept(approveCall(NURSE, TAG, NURSE_ID));
        IEmergencyAccess.Found memory found = emergency.get(TAG);
        require(found.opensAt == NOW + 2 hours && found.closesAt == NOW + 3 hours, "other times than the delay gives");
        requireState(TAG, IEmergencyAccess.State.Waiting);
        vm.warp(NOW + 2 hours);
        requireState(TAG, IEmergencyAccess.State.Open);
        a.tag = "late";
        a.deadline = block.timestamp;
        accept(askCall(DOCTOR, a));
        vm.warp(NOW + 5 hours);
        accept(approveCall(NURSE, "late", NURSE_ID));
        require(emergency.get("late").opensAt == NOW + 5 hours, "not when the second person came");
    }

    function test_T11_untilTheSecondPersonCameNoTimeIsToldAndNoCredentialIsNone() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.rules.persons = 2;
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.Requested(TAG, DOCTOR_ID, vm.addr(CARD), a.reasonHash, 0, 0);
        accept(askCall(DOCTOR, a));
        IEmergencyAccess.Found memory found = emergency.get(TAG);
        require(found.opensAt == 0 && found.closesAt == 0, "open already");
        refuse(approveCall(NURSE, TAG, CredentialId.wrap(0)), IEmergencyAccess.NotCredentialed.selector);
    }

    function test_T11_theSameCredentialUnderAnotherKeyIsNoSecondPerson() public {
        ask();
        vm.prank(ISSUER);
        emergency.enrol(DOCTOR_ID, vm.addr(0x3d));
        refuse(approveCall(0x3d, TAG, DOCTOR_ID), IEmergencyAccess.NotSecond.selector);
    }

    function test_whatOnePersonOpensTakesNoSecondAndNobodyApprovesWhatWasNotAsked() public {
        accept(askCall(DOCTOR, asked(TAG)));
        refuse(approveCall(NURSE, TAG, NURSE_ID), IEmergencyAccess.NotWaiting.selector);
        IEmergencyAccess.Asked memory a = asked("delayed");
        a.rules.delay = 1 hours;
        accept(askCall(DOCTOR, a));
        refuse(approveCall(NURSE, "delayed", NURSE_ID), IEmergencyAccess.NotWaiting.selector);
        refuse(approveCall(NURSE, "unknown", NURSE_ID), IEmergencyAccess.UnknownTag.selector);
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
        vm.warp(NOW + 1 days - 1);
        requireState(TAG, IEmergencyAccess.State.Waiting);
        vm.warp(NOW + 1 days);
        requireState(TAG, IEmergencyAccess.State.Over);
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
        IEmergencyAccess.Preauthorisation memory longer = preauthorised(CARD, DOCTOR_ID, uint64(NOW + 1));
        longer.until += 1;
        refuse(abi.encodeCall(IEmergencyAccess.request, (a, longer, signature)), Signatures.BadSignature.selector);
        accept(abi.encodeCall(IEmergencyAccess.request, (a, preauthorised(CARD, DOCTOR_ID, uint64(NOW + 1)), signature)));
        requireState(TAG, IEmergencyAccess.State.Open);
    }
}

contract EmergencyAccessVetoTest is EmergencyBase {
    function test_aVetoClosesForEverAndBarsTheRequesterUnderThisCardAlone() public {
        accept(askCall(DOCTOR, asked(TAG)));
        refuse(vetoCall(DOCTOR, TAG), Signatures.BadSignature.selector);
        refuse(vetoCall(CARD, "unknown"), IEmergencyAccess.UnknownTag.selector);
        bytes memory data = vetoCall(CARD, TAG);
        require(!emergency.isBarred(vm.addr(CARD), DOCTOR_ID), "barred by nobody");
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.Vetoed(TAG, vm.addr(CARD), DOCTOR_ID);
        accept(data);
        require(emergency.isBarred(vm.addr(CARD), DOCTOR_ID), "not barred");
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

    function test_T11_whoIsBarredIsNobodysSecondPersonUnderThisCard() public {
        accept(askCall(DOCTOR, asked(TAG)));
        accept(vetoCall(CARD, TAG));
        IEmergencyAccess.Asked memory nurse = asked("nurse");
        (nurse.credential, nurse.rules.persons) = (NURSE_ID, 2);
        accept(askCall(NURSE, nurse));
        refuse(approveCall(DOCTOR, "nurse", DOCTOR_ID), IEmergencyAccess.Barred.selector);
        requireState("nurse", IEmergencyAccess.State.Waiting);
        IEmergencyAccess.Asked memory other = nurse;
        (other.tag, other.rules.veto) = ("other card", vm.addr(0xbeef));
        accept(askCall(NURSE, other));
        accept(approveCall(DOCTOR, "other card", DOCTOR_ID));
    }

    function test_T11_aVetoIsGoodBeforeAndAfterTheWindowToo() public {
        IEmergencyAccess.Asked memory a = asked(TAG);
        a.rules.delay = 1 hours;
        accept(askCall(DOCTOR, a));
        accept(vetoCall(CARD, TAG));
        vm.warp(NOW + 1 hours);
        requireState(TAG, IEmergencyAccess.State.Vetoed);
        a = asked("nurse");
        a.credential = NURSE_ID;
        accept(askCall(NURSE, a));
        vm.warp(NOW + 30 days);
        requireState("nurse", IEmergencyAccess.State.Over);
        accept(vetoCall(CARD, "nurse"));
        requireState("nurse", IEmergencyAccess.State.Vetoed);
        a = asked("again");
        a.credential = NURSE_ID;
        refuse(askCall(NURSE, a), IEmergencyAccess.Barred.selector);
    }

    function test_aReviewIsOwedUntilThePatientClosesIt() public {
        accept(askCall(DOCTOR, asked(TAG)));
        require(emergency.get(TAG).reviewHash == 0, "reviewed already");
        require(emergency.get(TAG).reasonHash == keccak256("reason"), "another reason");
        refuse(reviewCall(DOCTOR, TAG, "fine"), Signatures.BadSignature.selector);
        refuse(reviewCall(CARD, TAG, 0), IEmergencyAccess.EmptyReview.selector);
        vm.warp(NOW + 30 days);
        refuse(reviewCall(CARD, "unknown", "fine"), IEmergencyAccess.UnknownTag.selector);
        bytes memory data = reviewCall(CARD, TAG, "fine");
        vm.expectEmit(address(emergency));
        emit IEmergencyAccess.Reviewed(TAG, "fine");
        accept(data);
        require(emergency.get(TAG).reviewHash == "fine", "another review");
        requireNoOp(RELAY, address(emergency), reviewCall(CARD, TAG, "fine"));
        refuse(reviewCall(CARD, TAG, "not fine"), IEmergencyAccess.AlreadyReviewed.selector);
    }
}

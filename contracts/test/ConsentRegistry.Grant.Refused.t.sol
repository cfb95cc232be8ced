// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ConsentBase} from "./ConsentBase.sol";
import {vm} from "./Vm.sol";
import {ConsentRegistry} from "../src/consent/ConsentRegistry.sol";
import {IConsentRegistry} from "../src/consent/IConsentRegistry.sol";
import {Signatures} from "../src/lib/Signatures.sol";

contract ConsentRegistryGrantRefusedTest is ConsentBase {
    function refuse(Terms memory t, bytes memory signature, bytes memory expected) private {
        requireRevert(RELAY, address(registry), grantCall(holder, t, signature), expected);
        require(stateOf(holder, t.commitment) == IConsentRegistry.State.None, "a refused grant wrote");
    }

    function refuse(Terms memory t, bytes memory expected) private {
        refuse(t, signGrant(KEY, domain(), t), expected);
    }

    function testFuzz_timesOffTheHourAreRefused(uint64 offset) public {
        vm.assume(offset % 1 hours != 0);
        Terms memory t = terms("begins off the hour");
        t.notBefore = uint64(NOW) + (offset % 1 hours);
        refuse(t, abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, t.notBefore, t.expiry));
        t = terms("ends off the hour");
        t.expiry += offset % 1 hours;
        refuse(t, abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, t.notBefore, t.expiry));
    }

    function test_aPeriodThatIsEmptyOrEndsBeforeItBeginsIsRefused() public {
        Terms memory t = terms("empty");
        t.notBefore = t.expiry;
        refuse(t, abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, t.notBefore, t.expiry));
        t.notBefore += 1 hours;
        refuse(t, abi.encodeWithSelector(IConsentRegistry.InvalidPeriod.selector, t.notBefore, t.expiry));
    }

    function test_aPeriodThatIsOverIsRefused() public {
        Terms memory t = terms("over");
        t.notBefore = uint64(NOW - 2 hours);
        t.expiry = uint64(NOW);
        refuse(t, abi.encodeWithSelector(IConsentRegistry.PeriodOver.selector, t.expiry, NOW));
        t.expiry -= 1 hours;
        refuse(t, abi.encodeWithSelector(IConsentRegistry.PeriodOver.selector, t.expiry, NOW));
    }

    function test_theLevelsBesideReadWriteAdminAreRefused() public {
        testFuzz_levelsOtherThanReadWriteAdminAreRefused(0);
        testFuzz_levelsOtherThanReadWriteAdminAreRefused(4);
        testFuzz_levelsOtherThanReadWriteAdminAreRefused(255);
    }

    function testFuzz_levelsOtherThanReadWriteAdminAreRefused(uint8 level) public {
        vm.assume(level == 0 || level > 3);
        Terms memory t = terms("level");
        t.level = level;
        refuse(t, abi.encodeWithSelector(IConsentRegistry.InvalidLevel.selector, level));
    }

    function testFuzz_aMessageAfterItsDeadlineIsRefused(uint32 late) public {
        Terms memory t = terms("late");
        t.expiry += uint64(uint256(late) / 1 hours + 1) * 1 hours;
        vm.warp(DEADLINE + 1 + late);
        refuse(t, abi.encodeWithSelector(Signatures.SignatureExpired.selector, DEADLINE, block.timestamp));
    }

    function testFuzz_onlyTheHoldersSignatureGrants(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        Terms memory t = terms("stranger");
        refuse(t, signGrant(key, domain(), t), abi.encodeWithSelector(Signatures.BadSignature.selector, holder, vm.addr(key)));
    }

    function testFuzz_aSignatureOverOtherTermsIsRefused(uint8 field, uint64 change) public {
        Terms memory t = terms("signed");
        bytes memory signature = signGrant(KEY, domain(), t);
        uint256 which = field % 4;
        if (which == 0) t.notBefore -= (change % 1000 + 1) * 1 hours;
        if (which == 1) t.expiry += (change % 1000 + 1) * 1 hours;
        if (which == 2) t.level = 2 + uint8(change % 2);
        if (which == 3) t.deadline += uint256(change) + 1;
        requireRevert(RELAY, address(registry), grantCall(holder, t, signature), Signatures.BadSignature.selector);
    }

    function test_aSignatureForAnotherChainIsRefused() public {
        Terms memory t = terms("chain");
        bytes32 elsewhere = domainSeparator("Keepwell ConsentRegistry", block.chainid + 1, address(registry));
        bytes memory data = grantCall(holder, t, signGrant(KEY, elsewhere, t));
        requireRevert(RELAY, address(registry), data, Signatures.BadSignature.selector);
    }

    function test_aSignatureIsWorthNothingAfterTheChainSplits() public {
        Terms memory t = terms("split");
        bytes memory data = grantCall(holder, t, signGrant(KEY, domain(), t));
        vm.chainId(block.chainid + 1);
        requireRevert(RELAY, address(registry), data, Signatures.BadSignature.selector);
    }

    function test_aSignatureForAnotherContractIsRefused() public {
        Terms memory t = terms("contract");
        bytes memory data = grantCall(holder, t, signGrant(KEY, domain(), t));
        requireRevert(RELAY, address(new ConsentRegistry()), data, Signatures.BadSignature.selector);
    }

    function test_theHighTwinOfASignatureIsRefused() public {
        Terms memory t = terms("malleable");
        refuse(
            t,
            highS(signGrant(KEY, domain(), t)),
            abi.encodeWithSelector(Signatures.BadSignature.selector, holder, address(0))
        );
    }

    function testFuzz_bytesThatAreNoSignatureAreRefused(bytes calldata junk) public {
        requireRevert(RELAY, address(registry), grantCall(holder, terms("junk"), junk), Signatures.BadSignature.selector);
    }

    function test_nobodyHoldsTheZeroAddress() public {
        Terms memory t = terms("zero");
        requireRevert(RELAY, address(registry), grantCall(address(0), t, new bytes(65)), Signatures.BadSignature.selector);
    }

    function test_aRevocationIsNotAGrant() public {
        Terms memory t = terms("other type");
        bytes memory signature = signRevoke(KEY, domain(), t.commitment, t.deadline);
        requireRevert(RELAY, address(registry), grantCall(holder, t, signature), Signatures.BadSignature.selector);
    }

    function test_T14_aLiveSlotKeepsEachOfItsTerms() public {
        grant(terms("live"));
        for (uint256 which = 0; which < 3; ++which) {
            Terms memory t = terms("live");
            if (which == 0) t.expiry += 1 hours;
            if (which == 1) t.notBefore -= 1 hours;
            if (which == 2) t.level += 1;
            bytes memory expected = abi.encodeWithSelector(IConsentRegistry.AlreadyGranted.selector, holder, t.commitment);
            requireRevert(RELAY, address(registry), grantCall(holder, t, signGrant(KEY, domain(), t)), expected);
        }
    }

    function test_aHolderReachesOnlyItsOwnSlots() public {
        Terms memory t = terms("mine");
        uint256 thief = 0xbad;
        bytes memory data = grantCall(vm.addr(thief), t, signGrant(thief, domain(), t));
        (bool success, ) = address(registry).call(data);
        require(success, "a holder cannot use its own slot");
        require(stateOf(holder, t.commitment) == IConsentRegistry.State.None, "another holder's slot changed");
    }
}

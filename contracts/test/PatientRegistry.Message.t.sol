// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Passkey, PasskeyAccount, StubAccount} from "./PasskeyAccount.sol";
import {PatientBase} from "./PatientBase.sol";
import {vm} from "./Vm.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";
import {PatientRegistry} from "../src/identity/PatientRegistry.sol";
import {Signatures} from "../src/lib/Signatures.sol";

contract PatientRegistryMessageTest is PatientBase {
    function testFuzz_anybodyRelaysAChangeOfOwner(uint256 seed, address to) public {
        uint256 key = toKey(seed);
        address who = vm.addr(key);
        vm.assume(to != who && to != address(0));
        bytes memory signature = sign(key, changeOwnerMessage(who, to, registry.nonce(who), DEADLINE));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDOwnerChanged(who, to, 0);
        requireAccepted(RELAY, changeOwnerCall(who, to, signature));
        require(registry.identityOwner(who) == to, "not changed");
    }

    function testFuzz_anybodyRelaysAnAttribute(bytes calldata value, uint64 validity) public {
        uint256 nonce = registry.nonce(identity);
        bytes memory signature = sign(KEY, setAttributeMessage(identity, value, validity, nonce, DEADLINE));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(identity, NAME, value, NOW + validity, 0);
        vm.prank(RELAY);
        registry.setAttributeBySig(identity, NAME, value, validity, DEADLINE, signature);
        signature = sign(KEY, revokeAttributeMessage(identity, value, nonce + 1, DEADLINE));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDAttributeChanged(identity, NAME, value, 0, block.number);
        vm.prank(RELAY);
        registry.revokeAttributeBySig(identity, NAME, value, DEADLINE, signature);
    }

    function test_theSameMessageAgainChangesNothingWhoeverRelaysIt() public {
        bytes memory attribute =
            setAttributeCall(identity, sign(KEY, setAttributeMessage(identity, VALUE, 1 days, registry.nonce(identity), DEADLINE)));
        requireAccepted(RELAY, attribute);
        requireNoOp(OTHER_RELAY, address(registry), attribute);
        bytes memory change =
            changeOwnerCall(identity, newOwner, sign(KEY, changeOwnerMessage(identity, newOwner, registry.nonce(identity), DEADLINE)));
        requireAccepted(RELAY, change);
        requireNoOp(OTHER_RELAY, address(registry), change);
        vm.warp(DEADLINE + 1);
        requireNoOp(RELAY, address(registry), change);
    }

    function test_anEarlierMessageNeverComesBack() public {
        bytes memory first =
            setAttributeCall(identity, sign(KEY, setAttributeMessage(identity, VALUE, 1 days, registry.nonce(identity), DEADLINE)));
        requireAccepted(RELAY, first);
        bytes memory second = abi.encodeCall(
            IPatientRegistry.revokeAttributeBySig,
            (identity, NAME, VALUE, DEADLINE, sign(KEY, revokeAttributeMessage(identity, VALUE, registry.nonce(identity), DEADLINE)))
        );
        requireAccepted(RELAY, second);
        requireRevert(RELAY, address(registry), first, IPatientRegistry.NotSignedByOwner.selector);
    }

    function test_aMessageThatWasOvertakenByAnotherIsVoid() public {
        uint256 nonce = registry.nonce(identity);
        bytes memory abandoned = changeOwnerCall(identity, newOwner, sign(KEY, changeOwnerMessage(identity, newOwner, nonce, DEADLINE)));
        requireAccepted(RELAY, setAttributeCall(identity, sign(KEY, setAttributeMessage(identity, VALUE, 1 days, nonce, DEADLINE))));
        requireRevert(RELAY, address(registry), abandoned, IPatientRegistry.NotSignedByOwner.selector);
    }

    function testFuzz_onlyTheOwnerSigns(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        uint256 nonce = registry.nonce(identity);
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.NotSignedByOwner.selector, identity, identity, nonce);
        bytes[4] memory calls = [
            changeOwnerCall(identity, newOwner, sign(key, changeOwnerMessage(identity, newOwner, nonce, DEADLINE))),
            setAttributeCall(identity, sign(key, setAttributeMessage(identity, VALUE, 1 days, nonce, DEADLINE))),
            abi.encodeCall(
                IPatientRegistry.revokeAttributeBySig,
                (identity, NAME, VALUE, DEADLINE, sign(key, revokeAttributeMessage(identity, VALUE, nonce, DEADLINE)))
            ),
            abi.encodeCall(
                IPatientRegistry.setRecoveryModuleBySig,
                (identity, RELAY, DEADLINE, sign(key, setModuleMessage(identity, RELAY, nonce, DEADLINE)))
            )
        ];
        for (uint256 i = 0; i < calls.length; ++i) requireRevert(RELAY, address(registry), calls[i], expected);
        require(registry.nonce(identity) == nonce, "a forgery used the nonce up");
    }

    function test_aFormerOwnerSignsNothing() public {
        bytes memory late = setAttributeCall(
            identity, sign(KEY, setAttributeMessage(identity, VALUE, 1 days, registry.nonce(identity), DEADLINE))
        );
        vm.prank(identity);
        registry.changeOwner(identity, newOwner);
        requireRevert(RELAY, address(registry), late, IPatientRegistry.NotSignedByOwner.selector);
    }

    function test_aMessageAfterItsDeadlineIsRefused() public {
        bytes memory data =
            changeOwnerCall(identity, newOwner, sign(KEY, changeOwnerMessage(identity, newOwner, registry.nonce(identity), DEADLINE)));
        vm.warp(DEADLINE + 1);
        bytes memory expected = abi.encodeWithSelector(Signatures.SignatureExpired.selector, DEADLINE, DEADLINE + 1);
        requireRevert(RELAY, address(registry), data, expected);
    }

    function test_aMessageIsWorthNothingOnAnotherChainOrContract() public {
        bytes memory data =
            changeOwnerCall(identity, newOwner, sign(KEY, changeOwnerMessage(identity, newOwner, registry.nonce(identity), DEADLINE)));
        requireRevert(RELAY, address(new PatientRegistry()), data, IPatientRegistry.NotSignedByOwner.selector);
        vm.chainId(block.chainid + 1);
        requireRevert(RELAY, address(registry), data, IPatientRegistry.NotSignedByOwner.selector);
    }

    function test_aPasskeyAccountIsAnOwnerLikeAnyOther() public {
        PasskeyAccount account = Passkey.account(77);
        vm.prank(identity);
        registry.changeOwner(identity, address(account));
        uint256 nonce = registry.nonce(address(account));
        bytes32 digest = typedDigest(domain(), changeOwnerMessage(identity, newOwner, nonce, DEADLINE));
        bytes memory wrong = changeOwnerCall(identity, newOwner, Passkey.sign(78, digest));
        requireRevert(RELAY, address(registry), wrong, IPatientRegistry.NotSignedByOwner.selector);
        requireAccepted(RELAY, changeOwnerCall(identity, newOwner, Passkey.sign(77, digest)));
        require(registry.identityOwner(identity) == newOwner, "a passkey could not hand over");
    }

    function test_aPasskeySetsAttributesAndRecovery() public {
        PasskeyAccount account = Passkey.account(77);
        vm.prank(identity);
        registry.changeOwner(identity, address(account));
        uint256 nonce = registry.nonce(address(account));
        bytes32 digest = typedDigest(domain(), setAttributeMessage(identity, VALUE, 1 days, nonce, DEADLINE));
        requireAccepted(RELAY, setAttributeCall(identity, Passkey.sign(77, digest)));
        digest = typedDigest(domain(), setModuleMessage(identity, OTHER_RELAY, nonce + 1, DEADLINE));
        registry.setRecoveryModuleBySig(identity, OTHER_RELAY, DEADLINE, Passkey.sign(77, digest));
        require(registry.recoveryModule(identity) == OTHER_RELAY, "not set");
    }

    function test_aContractOwnerAgreesToOneMessageOnce() public {
        StubAccount account = new StubAccount();
        vm.prank(identity);
        registry.changeOwner(identity, address(account));
        uint256 nonce = registry.nonce(address(account));
        account.agree(typedDigest(domain(), setAttributeMessage(identity, VALUE, 1 days, nonce, DEADLINE)));
        requireAccepted(RELAY, setAttributeCall(identity, "any"));
        requireNoOp(OTHER_RELAY, address(registry), setAttributeCall(identity, "any"));
        bytes[4] memory others = [
            setAttributeCall(identity, "other"),
            abi.encodeCall(IPatientRegistry.setAttributeBySig, (identity, NAME, "other", 1 days, DEADLINE, "any")),
            abi.encodeCall(IPatientRegistry.setAttributeBySig, (identity, NAME, VALUE, 1 days, DEADLINE + 1, "any")),
            changeOwnerCall(identity, newOwner, "any")
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            requireRevert(RELAY, address(registry), others[i], IPatientRegistry.NotSignedByOwner.selector);
        }
    }
}

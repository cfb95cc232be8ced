// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {PatientBase} from "./PatientBase.sol";
import {vm} from "./Vm.sol";
import {IPatientRegistry} from "../src/identity/IPatientRegistry.sol";

contract PatientRegistryRecoveryTest is PatientBase {
    address private constant MODULE = address(0x6a4d);
    address private constant ROGUE = address(0xbad);

    function recoverCall(address to) private view returns (bytes memory) {
        return abi.encodeCall(IPatientRegistry.recoverOwner, (identity, to));
    }

    function setModule(address sender, address module) private {
        requireAccepted(sender, abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, module)));
    }

    function test_theFirstModuleIsInForceAtOnceAndReplacesTheOwner() public {
        vm.expectEmit(address(registry));
        emit IPatientRegistry.RecoveryModuleChanged(identity, MODULE, address(0), 0);
        setModule(identity, MODULE);
        vm.expectEmit(address(registry));
        emit IPatientRegistry.DIDOwnerChanged(identity, newOwner, 0);
        requireAccepted(MODULE, recoverCall(newOwner));
        require(registry.identityOwner(identity) == newOwner && registry.recoveryModule(identity) == MODULE, "not recovered");
    }

    function test_aModuleIsSetByMessage() public {
        bytes memory signature = sign(KEY, setModuleMessage(identity, MODULE, registry.nonce(identity), DEADLINE));
        bytes memory data = abi.encodeCall(IPatientRegistry.setRecoveryModuleBySig, (identity, MODULE, DEADLINE, signature));
        requireAccepted(RELAY, data);
        require(registry.recoveryModule(identity) == MODULE, "not set");
        requireNoOp(OTHER_RELAY, address(registry), data);
    }

    function testFuzz_onlyTheModuleRecovers(address stranger, bool set) public {
        vm.assume(stranger != MODULE);
        if (set) setModule(identity, MODULE);
        address module = set ? MODULE : address(0);
        vm.assume(stranger != module);
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.NotRecoveryModule.selector, identity, module, stranger);
        requireRevert(stranger, address(registry), recoverCall(newOwner), expected);
    }

    function testFuzz_aThiefCannotShutTheGuardiansOutInTime(uint256 wait, bool removing) public {
        setModule(identity, MODULE);
        vm.prank(identity);
        registry.changeOwner(identity, ROGUE);
        setModule(ROGUE, removing ? address(0) : ROGUE);
        vm.warp(NOW + (wait % registry.recoveryModuleDelay()));
        requireRevert(ROGUE, address(registry), recoverCall(ROGUE), IPatientRegistry.NotRecoveryModule.selector);
        requireAccepted(MODULE, recoverCall(newOwner));
        vm.warp(NOW + 1000 days);
        require(registry.identityOwner(identity) == newOwner, "not recovered");
        require(registry.recoveryModule(identity) == MODULE, "the thief's change survived the recovery");
    }

    function test_anotherModuleTakesForceAfterTheDelay() public {
        setModule(identity, MODULE);
        uint256 delay = registry.recoveryModuleDelay();
        vm.expectEmit(address(registry));
        emit IPatientRegistry.RecoveryModuleChanged(identity, MODULE, ROGUE, NOW + delay);
        setModule(identity, ROGUE);
        (address pending, uint256 from) = registry.pendingRecoveryModule(identity);
        require(pending == ROGUE && from == NOW + delay, "not pending");
        vm.warp(NOW + delay - 1);
        require(registry.recoveryModule(identity) == MODULE, "too early");
        vm.warp(NOW + delay);
        require(registry.recoveryModule(identity) == ROGUE, "too late");
        (pending, from) = registry.pendingRecoveryModule(identity);
        require(pending == address(0) && from == 0, "still pending");
        requireAccepted(ROGUE, recoverCall(newOwner));
        require(registry.recoveryModule(identity) == ROGUE, "fell back");
    }

    function test_askingAgainDoesNotStartTheClockAnew() public {
        setModule(identity, MODULE);
        setModule(identity, ROGUE);
        vm.warp(NOW + 1 days);
        requireNoOp(identity, address(registry), abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, ROGUE)));
    }

    function test_namingThePresentModuleCancelsAChange() public {
        setModule(identity, MODULE);
        setModule(identity, address(0));
        vm.expectEmit(address(registry));
        emit IPatientRegistry.RecoveryModuleChanged(identity, MODULE, address(0), 0);
        setModule(identity, MODULE);
        (address pending, uint256 from) = registry.pendingRecoveryModule(identity);
        require(pending == address(0) && from == 0, "still pending");
        vm.warp(NOW + 1000 days);
        require(registry.recoveryModule(identity) == MODULE, "removed");
        requireNoOp(identity, address(registry), abi.encodeCall(IPatientRegistry.setRecoveryModule, (identity, MODULE)));
    }

    function test_aStolenKeyCannotDestroyARecoverableIdentity() public {
        setModule(identity, MODULE);
        bytes memory data = abi.encodeCall(IPatientRegistry.changeOwner, (identity, address(0)));
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.RecoveryModuleSet.selector, identity, MODULE);
        requireRevert(identity, address(registry), data, expected);
        setModule(identity, address(0));
        requireRevert(identity, address(registry), data, expected);
        vm.warp(NOW + registry.recoveryModuleDelay());
        requireAccepted(identity, data);
    }

    function test_aRecoveryDoesNotGiveAnIdentityUp() public {
        setModule(identity, MODULE);
        bytes memory expected = abi.encodeWithSelector(IPatientRegistry.NoNewOwner.selector, identity);
        requireRevert(MODULE, address(registry), recoverCall(address(0)), expected);
    }

    function test_oneIdentitysModuleIsNothingToAnother() public {
        setModule(identity, MODULE);
        bytes memory data = abi.encodeCall(IPatientRegistry.recoverOwner, (newOwner, MODULE));
        requireRevert(MODULE, address(registry), data, IPatientRegistry.NotRecoveryModule.selector);
    }
}

/// @dev Four parties act on two identities by call, by message with right and wrong keys, and by recovery.
contract IdentityHandler is PatientBase {
    uint256 public stolen;
    uint256 public revived;
    mapping(address who => bool) private givenUp;

    function party(uint8 index) private pure returns (uint256) {
        return 1 + index % 4;
    }

    function subject(bool second) private pure returns (address) {
        return vm.addr(second ? 2 : 1);
    }

    function check(address who, address before, bool allowed) private {
        address owner = registry.identityOwner(who);
        if (owner != before && !allowed) ++stolen;
        if (givenUp[who] && owner != address(0)) ++revived;
        if (owner == address(0)) givenUp[who] = true;
    }

    function callChange(bool second, uint8 sender, uint8 to, bool zero) external {
        address who = subject(second);
        address before = registry.identityOwner(who);
        address from = vm.addr(party(sender));
        vm.prank(from);
        try registry.changeOwner(who, zero && to > 250 ? address(0) : vm.addr(party(to))) {} catch {}
        check(who, before, from == before);
    }

    function signChange(bool second, uint8 signer, uint8 to, bool stale) external {
        address who = subject(second);
        address before = registry.identityOwner(who);
        address target = vm.addr(party(to));
        uint256 nonce = registry.nonce(before) - (stale ? 1 : 0);
        uint256 deadline = block.timestamp;
        bytes memory signature = sign(party(signer), changeOwnerMessage(who, target, nonce, deadline));
        try registry.changeOwnerBySig(who, target, deadline, signature) {} catch {}
        check(who, before, vm.addr(party(signer)) == before && !stale);
    }

    function setModule(bool second, uint8 sender, uint8 module, uint32 wait) external {
        address who = subject(second);
        address before = registry.identityOwner(who);
        address moduleBefore = registry.recoveryModule(who);
        address from = vm.addr(party(sender));
        vm.prank(from);
        try registry.setRecoveryModule(who, vm.addr(party(module))) {} catch {}
        if (moduleBefore != address(0) && registry.recoveryModule(who) != moduleBefore) ++stolen;
        if (moduleBefore == address(0) && registry.recoveryModule(who) != address(0) && from != before) ++stolen;
        vm.warp(block.timestamp + wait % 5 days);
        check(who, before, false);
    }

    function recover(bool second, uint8 sender, uint8 to) external {
        address who = subject(second);
        address before = registry.identityOwner(who);
        address module = registry.recoveryModule(who);
        address from = vm.addr(party(sender));
        vm.prank(from);
        try registry.recoverOwner(who, vm.addr(party(to))) {} catch {}
        check(who, before, from == module);
    }
}

contract PatientRegistryInvariantTest {
    IdentityHandler private handler;

    function setUp() public {
        handler = new IdentityHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_onlyOwnerAndModuleMoveAnIdentity() public view {
        require(handler.stolen() == 0, "an identity moved without its owner or module");
    }

    function invariant_givenUpStaysGivenUp() public view {
        require(handler.revived() == 0, "an identity came back");
    }
}

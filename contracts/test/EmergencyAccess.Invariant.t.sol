// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EmergencyBase} from "./EmergencyBase.sol";
import {vm} from "./Vm.sol";
import {IEmergencyAccess} from "../src/emergency/IEmergencyAccess.sol";
import {CredentialId} from "../src/lib/Types.sol";

/// @dev Random requests, approvals, vetoes and suspensions by right and wrong keys over six tags; what must not happen is counted.
contract EmergencyHandler is EmergencyBase {
    uint256[] public accepted;
    uint256 public unvetoed;
    uint256 public long;
    uint256 public alone;
    uint256 public uncredentialed;
    mapping(bytes32 => bool) public vetoed;

    function act(uint8 what, uint8 which, uint8 key, uint8 persons, uint16 wait) external {
        vm.warp(block.timestamp + wait);
        bytes32 tag = bytes32(uint256(1 + which % 6));
        uint256 signer = key % 3 == 0 ? NURSE : key % 3 == 1 ? CARD : DOCTOR;
        if (what % 8 < 4) ask(tag, signer, persons);
        else if (what % 8 == 4) attempt(approveCall(signer, tag, NURSE_ID));
        else if (what % 8 == 5) vetoed[tag] = attempt(vetoCall(signer, tag)) || vetoed[tag];
        else suspend(what % 8 == 6);
        check(tag);
    }

    function ask(bytes32 tag, uint256 signer, uint8 persons) private {
        IEmergencyAccess.Asked memory a = asked(tag);
        a.rules.persons = persons % 4;
        bool known = stateOf(tag) != IEmergencyAccess.State.None;
        if (!attempt(askCall(signer, a)) || known) return;
        accepted.push(block.timestamp);
        (, , , uint8 state) = status();
        if (signer != DOCTOR || state != 1) ++uncredentialed;
    }

    function status() private view returns (address issuer, bytes8 role, uint64 expiry, uint8 state) {
        (bool success, bytes memory data) = address(credentials).staticcall(abi.encodeWithSignature("status(bytes32)", DOCTOR_ID));
        require(success, "no status");
        return abi.decode(data, (address, bytes8, uint64, uint8));
    }

    function suspend(bool on) private {
        vm.prank(ISSUER);
        if (on) credentials.suspend(DOCTOR_ID);
        else credentials.reinstate(DOCTOR_ID);
    }

    function check(bytes32 tag) private {
        IEmergencyAccess.Found memory found = emergency.get(tag);
        bool open = found.state == IEmergencyAccess.State.Open;
        if (vetoed[tag] && found.state != IEmergencyAccess.State.Vetoed) ++unvetoed;
        if (found.closesAt > found.opensAt + 1 days) ++long;
        if (open && found.rules.persons == 2 && CredentialId.unwrap(found.second) == 0) ++alone;
    }

    function attempt(bytes memory data) private returns (bool success) {
        (success, ) = address(emergency).call(data);
    }

    function busiestDay() external view returns (uint256 most) {
        for (uint256 i = 8; i < accepted.length; ++i) {
            // Counted in minutes: up to a minute less than a day may lie between the first and the ninth.
            if (accepted[i] - accepted[i - 8] < 1 days - 1 minutes) return 9;
        }
        return 8;
    }
}

contract EmergencyAccessInvariantTest {
    EmergencyHandler private handler;

    function setUp() public {
        handler = new EmergencyHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_aVetoIsFinal() public view {
        require(handler.unvetoed() == 0, "a vetoed request is something else");
    }

    function invariant_noWindowOutlastsADay() public view {
        require(handler.long() == 0, "a window longer than a day");
    }

    function invariant_whereTwoAreWantedOneOpensNothing() public view {
        require(handler.alone() == 0, "opened by one person");
    }

    function invariant_nobodyWithoutALiveCredentialAsks() public view {
        require(handler.uncredentialed() == 0, "a request without a live credential");
    }

    function invariant_neverNineADay() public view {
        require(handler.busiestDay() == 8, "nine requests in a day");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ConsentBase} from "./ConsentBase.sol";
import {vm} from "./Vm.sol";
import {IConsentRegistry} from "../src/consent/IConsentRegistry.sol";
import {Commitment} from "../src/lib/Types.sol";

/// @dev Random grants and revocations of four holders and four commitments, half of them signed by the wrong key, some late.
/// Keeps its own account of what must be true.
contract ConsentHandler is ConsentBase {
    mapping(address who => mapping(Commitment => IConsentRegistry.State)) public expected;
    uint256 public accepted;
    uint256 public forged;
    uint256 public revived;

    function act(bool revoking, uint8 who, uint8 signer, uint8 which, uint8 level, uint16 duration, uint16 wait) external {
        vm.warp(block.timestamp + wait % 900);
        uint256 owner = 1 + who % 4;
        uint256 key = signer % 2 == 0 ? owner : 1 + signer % 4;
        Terms memory t = terms(bytes32(uint256(which % 4)));
        t.level = level % 5;
        t.expiry = uint64(NOW + uint256(duration) * 1 hours);
        t.deadline = block.timestamp + uint256(level) - 8;
        address target = vm.addr(owner);
        bytes memory data = revoking
            ? revokeCall(target, t.commitment, t.deadline, signRevoke(key, domain(), t.commitment, t.deadline))
            : grantCall(target, t, signGrant(key, domain(), t));
        uint256 before = slotHash(target, t.commitment);
        (bool success, ) = address(registry).call(data);
        if (slotHash(target, t.commitment) == before) return;
        require(success, "a reverted call changed a slot");
        ++accepted;
        if (key != owner) ++forged;
        if (expected[target][t.commitment] == IConsentRegistry.State.Revoked) ++revived;
        expected[target][t.commitment] = revoking ? IConsentRegistry.State.Revoked : IConsentRegistry.State.Live;
    }

    function slotHash(address who, Commitment commitment) private view returns (uint256) {
        (uint64 notBefore, uint64 expiry, uint8 level, IConsentRegistry.State state) = registry.slot(who, commitment);
        return uint256(keccak256(abi.encode(notBefore, expiry, level, state)));
    }

    function actual(address who, Commitment commitment) external view returns (IConsentRegistry.State) {
        return stateOf(who, commitment);
    }
}

contract ConsentRegistryInvariantTest {
    ConsentHandler private handler;

    function setUp() public {
        handler = new ConsentHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_onlyTheHoldersSignatureChangesASlot() public view {
        require(handler.forged() == 0, "a slot changed by another key");
    }

    function invariant_revokedStaysRevoked() public view {
        require(handler.revived() == 0, "a revoked slot changed");
    }

    function invariant_everySlotIsWhatItsHolderSaidLast() public view {
        for (uint256 owner = 1; owner <= 4; ++owner) {
            for (uint256 which = 0; which < 4; ++which) {
                Commitment c = Commitment.wrap(bytes32(which));
                require(handler.actual(vm.addr(owner), c) == handler.expected(vm.addr(owner), c), "a slot differs from its history");
            }
        }
    }
}

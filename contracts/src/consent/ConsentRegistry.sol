// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Signatures} from "../lib/Signatures.sol";
import {Commitment} from "../lib/Types.sol";
import {IConsentRegistry} from "./IConsentRegistry.sol";

/// @title What IConsentRegistry specifies
contract ConsentRegistry is IConsentRegistry, EIP712 {
    bytes32 private constant GRANT_TYPEHASH =
        keccak256("Grant(bytes32 commitment,uint64 notBefore,uint64 expiry,uint8 level,uint256 deadline)");
    bytes32 private constant REVOKE_TYPEHASH = keccak256("Revoke(bytes32 commitment,uint256 deadline)");

    struct Slot {
        uint64 notBefore;
        uint64 expiry;
        uint8 level;
        State state;
    }

    mapping(address holder => mapping(Commitment commitment => Slot)) private _slots;

    constructor() EIP712("Keepwell ConsentRegistry", "1") {}

    /// @inheritdoc IConsentRegistry
    function grant(
        address holder,
        Commitment commitment,
        uint64 notBefore,
        uint64 expiry,
        uint8 level,
        uint256 deadline,
        bytes calldata signature
    ) external {
        Slot memory current = _slots[holder][commitment];
        if (current.state == State.Revoked) revert AlreadyRevoked(holder, commitment);
        if (current.state == State.Live) {
            if (current.notBefore == notBefore && current.expiry == expiry && current.level == level) return;
            revert AlreadyGranted(holder, commitment);
        }
        if (notBefore % 1 hours != 0 || expiry % 1 hours != 0 || notBefore >= expiry) revert InvalidPeriod(notBefore, expiry);
        if (expiry <= block.timestamp) revert PeriodOver(expiry, block.timestamp);
        if (level < 1 || level > 3) revert InvalidLevel(level);
        Signatures.requireInTime(deadline);
        bytes32 message = keccak256(abi.encode(GRANT_TYPEHASH, commitment, notBefore, expiry, level, deadline));
        Signatures.requireSignedBy(holder, _hashTypedDataV4(message), signature);
        _slots[holder][commitment] = Slot(notBefore, expiry, level, State.Live);
        emit Granted(holder, commitment, notBefore, expiry, level);
    }

    /// @inheritdoc IConsentRegistry
    function revoke(address holder, Commitment commitment, uint256 deadline, bytes calldata signature) external {
        Slot storage current = _slots[holder][commitment];
        if (current.state == State.Revoked) return;
        Signatures.requireInTime(deadline);
        bytes32 message = keccak256(abi.encode(REVOKE_TYPEHASH, commitment, deadline));
        Signatures.requireSignedBy(holder, _hashTypedDataV4(message), signature);
        current.state = State.Revoked;
        emit Revoked(holder, commitment);
    }

    /// @inheritdoc IConsentRegistry
    function slot(address holder, Commitment commitment)
        external
        view
        returns (uint64 notBefore, uint64 expiry, uint8 level, State state)
    {
        Slot storage stored = _slots[holder][commitment];
        return (stored.notBefore, stored.expiry, stored.level, stored.state);
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IPolicyRegistry} from "./IPolicyRegistry.sol";

/// @title What IPolicyRegistry specifies
/// @dev The administrator names the next bundle and nothing else; it can hand its place on (two steps), or leave it empty, and then what is
/// in force stays.
contract PolicyRegistry is IPolicyRegistry, Ownable2Step {
    uint256 private constant LEAST_DELAY = 1 hours;
    uint256 private constant GREATEST_DELAY = 30 days;

    uint256 private immutable DELAY;
    bytes32 private _current;
    bytes32 private _pending;
    uint64 private _since;
    uint64 private _readyAt; // zero: nothing announced

    constructor(address administrator, uint256 delay_) Ownable(administrator) {
        if (delay_ < LEAST_DELAY || delay_ > GREATEST_DELAY) revert InvalidDelay(delay_);
        DELAY = delay_;
    }

    /// @inheritdoc IPolicyRegistry
    function schedule(bytes32 policy) external onlyOwner {
        if (_readyAt != 0 && _pending == policy) return;
        if (_current == policy) revert AlreadyInForce(policy);
        uint256 readyAt = block.timestamp + DELAY;
        _pending = policy;
        _readyAt = uint64(readyAt);
        emit PolicyScheduled(policy, readyAt);
    }

    /// @inheritdoc IPolicyRegistry
    function cancel(bytes32 policy) external onlyOwner {
        if (_readyAt == 0 || _pending != policy) return;
        _pending = 0;
        _readyAt = 0;
        emit PolicyCancelled(policy);
    }

    /// @inheritdoc IPolicyRegistry
    function enact(bytes32 policy) external {
        // slither-disable-next-line incorrect-equality (zero stands for none; the others are hashes)
        if (_readyAt == 0 && _current == policy) return;
        // slither-disable-next-line incorrect-equality (as above)
        if (_readyAt == 0 || _pending != policy) revert NotScheduled(policy);
        if (block.timestamp < _readyAt) revert TooEarly(_readyAt, block.timestamp);
        _current = policy;
        _since = uint64(block.timestamp);
        _pending = 0;
        _readyAt = 0;
        emit PolicyEnacted(policy);
    }

    /// @inheritdoc IPolicyRegistry
    function current() external view returns (bytes32 policy, uint256 since) {
        return (_current, _since);
    }

    /// @inheritdoc IPolicyRegistry
    function pending() external view returns (bytes32 policy, uint256 readyAt) {
        return (_pending, _readyAt);
    }

    /// @inheritdoc IPolicyRegistry
    function delay() external view returns (uint256) {
        return DELAY;
    }
}

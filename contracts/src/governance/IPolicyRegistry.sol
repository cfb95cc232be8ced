// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

/// @title Which policies vaults and gateways are asked to keep, beside the rules that are built in
/// @notice One administrator names a bundle by the SHA-256 of its bytes; whoever runs a vault or a gateway sees it coming for `delay`
/// seconds, and after that anybody puts it in force. The ledger holds the name alone: what a bundle may say is judged where it is
/// evaluated (protocol §6), and nothing else in these contracts asks what is in force.
interface IPolicyRegistry {
    /// @param policy SHA-256 of the bundle; zero is no bundle: the built-in rules alone.
    /// @param readyAt Unix seconds from which anybody may put it in force.
    event PolicyScheduled(bytes32 indexed policy, uint256 readyAt);
    event PolicyCancelled(bytes32 indexed policy);
    event PolicyEnacted(bytes32 indexed policy);

    /// @notice Announces what is to be in force next, in place of what was announced before. Caller: the administrator. Announcing the
    /// same again changes nothing, and does not begin the wait anew.
    function schedule(bytes32 policy) external;

    /// @notice Withdraws the announcement of `policy`. Caller: the administrator. Without such an announcement it does nothing.
    function cancel(bytes32 policy) external;

    /// @notice Puts what was announced in force, once its time has come. Caller: anybody.
    /// @param policy What the caller believes is announced, so that nobody applies what they did not read.
    function enact(bytes32 policy) external;

    /// @notice What is in force, and since when (Unix seconds); zero and zero before the first.
    function current() external view returns (bytes32 policy, uint256 since);

    /// @notice What is announced; `readyAt` zero: nothing.
    function pending() external view returns (bytes32 policy, uint256 readyAt);

    /// @notice Seconds between announcement and force; never changes.
    function delay() external view returns (uint256);

    error InvalidDelay(uint256 delay);
    error AlreadyInForce(bytes32 policy);
    error NotScheduled(bytes32 policy);
    error TooEarly(uint256 readyAt, uint256 time);
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

/// @title Who controls a DID
/// @notice ERC-1056 with the functions and events of `ethr-did-registry`, so that every `did:ethr` resolver reads it unchanged,
/// and beside it EIP-712 messages with a deadline that anybody may relay, for keys and for contracts (ERC-1271, so passkeys).
/// Every address is an identity that owns itself until it says otherwise. A DID occurs here and,
/// if its owner has guardians, in GuardianRecovery: in no contract that knows of consents, records or accesses.
///
/// Differences from the reference contract, each on purpose:
/// - `nonce` starts at chain id × 2^128, so a v,r,s message (whose format has no chain id) is worth nothing on another chain;
/// - an owner of zero is final: nobody controls the identity again (the reference lets it fall back to its first key);
/// - while a recovery module is set, an identity cannot be given up, so a stolen key cannot destroy it;
/// - a change of owner to the present owner does nothing.
interface IPatientRegistry {
    // ---- ERC-1056 ----

    /// @notice `owner` controls `identity` from now on; zero means given up for ever.
    /// @param previousChange Block of the identity's change before this one, zero if none: resolvers walk back along it.
    event DIDOwnerChanged(address indexed identity, address owner, uint256 previousChange);

    /// @param validTo Unix seconds; a delegate is valid before it.
    event DIDDelegateChanged(
        address indexed identity, bytes32 delegateType, address delegate, uint256 validTo, uint256 previousChange
    );

    /// @param validTo Unix seconds, zero when revoked. Attributes live in these events alone.
    event DIDAttributeChanged(address indexed identity, bytes32 name, bytes value, uint256 validTo, uint256 previousChange);

    /// @notice The owner stored for `identity`: zero if it never changed hands, or is given up. Mostly `identityOwner` is meant.
    function owners(address identity) external view returns (address);

    /// @notice Until when (Unix seconds) `delegate` speaks for `identity`; `typeHash` = keccak256 of the 32-byte delegate type.
    function delegates(address identity, bytes32 typeHash, address delegate) external view returns (uint256);

    /// @notice Block of the last ERC-1056 event of `identity`, zero if none.
    function changed(address identity) external view returns (uint256);

    /// @notice What the next message signed by `signer` must contain; each accepted message raises it by one.
    function nonce(address signer) external view returns (uint256);

    /// @notice Who controls `identity`: itself at first; zero once given up.
    function identityOwner(address identity) external view returns (address);

    /// @notice Is `delegate` a delegate of this type now?
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool);

    /// @notice Hands control to `newOwner`; zero gives the identity up. Caller: its owner.
    function changeOwner(address identity, address newOwner) external;

    /// @notice The same by ERC-1056 message: keccak256(0x19 ‖ 0x00 ‖ this ‖ nonce ‖ identity ‖ "changeOwner" ‖ newOwner).
    function changeOwnerSigned(address identity, uint8 sigV, bytes32 sigR, bytes32 sigS, address newOwner) external;

    /// @notice Lets `delegate` speak for the identity for `validity` seconds. Caller: the owner.
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external;

    /// @notice The same by message, ending in "addDelegate" ‖ delegateType ‖ delegate ‖ validity.
    function addDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate,
        uint256 validity
    ) external;

    /// @notice Ends a delegation now. Caller: the owner.
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external;

    /// @notice The same by message, ending in "revokeDelegate" ‖ delegateType ‖ delegate.
    function revokeDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate
    ) external;

    /// @notice Announces an attribute for `validity` seconds. Caller: the owner.
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external;

    /// @notice The same by message, ending in "setAttribute" ‖ name ‖ value ‖ validity.
    function setAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value,
        uint256 validity
    ) external;

    /// @notice Withdraws an attribute. Caller: the owner.
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external;

    /// @notice The same by message, ending in "revokeAttribute" ‖ name ‖ value.
    function revokeAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value
    ) external;

    // ---- EIP-712, relayed by anybody ----
    // Signer: the owner of the identity, a key or an ERC-1271 contract. Each message contains `nonce(owner)` and `deadline`.
    // Sending the last accepted message again does nothing, so a relay that was overtaken by another sees success.

    /// @notice ChangeOwner(address identity,address newOwner,uint256 nonce,uint256 deadline)
    function changeOwnerBySig(address identity, address newOwner, uint256 deadline, bytes calldata signature) external;

    /// @notice SetAttribute(address identity,bytes32 name,bytes value,uint256 validity,uint256 nonce,uint256 deadline)
    function setAttributeBySig(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validity,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice RevokeAttribute(address identity,bytes32 name,bytes value,uint256 nonce,uint256 deadline)
    function revokeAttributeBySig(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 deadline,
        bytes calldata signature
    ) external;

    /// @notice SetRecoveryModule(address identity,address module,uint256 nonce,uint256 deadline)
    function setRecoveryModuleBySig(address identity, address module, uint256 deadline, bytes calldata signature) external;

    // ---- Recovery (protocol §7) ----

    /// @notice `module` may replace the owner now; `pending` takes its place at `effectiveAt` (Unix seconds, zero if nothing is pending).
    event RecoveryModuleChanged(address indexed identity, address module, address pending, uint256 effectiveAt);

    /// @notice Names the contract that may replace a lost owner. The first is in force at once. Replacing or removing one takes
    /// `recoveryModuleDelay` seconds, so that a thief of the controller cannot shut the guardians out: they have that long to recover,
    /// and a recovery cancels the change. Naming the present module again cancels it too. Caller: the owner.
    function setRecoveryModule(address identity, address module) external;

    /// @notice Replaces the owner by `newOwner` (not zero) and cancels a pending change of module. Caller: the module in force.
    function recoverOwner(address identity, address newOwner) external;

    /// @notice The module in force, zero if none.
    function recoveryModule(address identity) external view returns (address);

    /// @notice The module to come and when (Unix seconds); zeros if no change is pending.
    function pendingRecoveryModule(address identity) external view returns (address module, uint256 effectiveAt);

    /// @notice Seconds between asking for another recovery module and its taking force.
    function recoveryModuleDelay() external view returns (uint256);

    // ---- Errors ----

    /// @notice `actor` asked for what only `owner` may do.
    error NotOwner(address identity, address owner, address actor);

    /// @notice `actor` asked for what only `module` may do.
    error NotRecoveryModule(address identity, address module, address actor);

    /// @notice The owner did not sign this message with this nonce for this chain and contract.
    error NotSignedByOwner(address identity, address owner, uint256 nonce);

    /// @notice An identity cannot be given up while a recovery module is set: remove `module` first.
    error RecoveryModuleSet(address identity, address module);

    /// @notice A recovery cannot give an identity to nobody.
    error NoNewOwner(address identity);
}

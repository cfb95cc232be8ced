// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Signatures} from "../lib/Signatures.sol";
import {IPatientRegistry} from "./IPatientRegistry.sol";

/// @title What IPatientRegistry specifies
contract PatientRegistry is IPatientRegistry, EIP712 {
    bytes32 private constant CHANGE_OWNER_TYPEHASH =
        keccak256("ChangeOwner(address identity,address newOwner,uint256 nonce,uint256 deadline)");
    bytes32 private constant SET_ATTRIBUTE_TYPEHASH =
        keccak256("SetAttribute(address identity,bytes32 name,bytes value,uint256 validity,uint256 nonce,uint256 deadline)");
    bytes32 private constant REVOKE_ATTRIBUTE_TYPEHASH =
        keccak256("RevokeAttribute(address identity,bytes32 name,bytes value,uint256 nonce,uint256 deadline)");
    bytes32 private constant SET_RECOVERY_MODULE_TYPEHASH =
        keccak256("SetRecoveryModule(address identity,address module,uint256 nonce,uint256 deadline)");

    /// @dev Longer than a cancelled recovery (72 h) and the final second round (144 h) one after the other, and a few days to notice.
    uint256 private constant MODULE_DELAY = 14 days;

    struct Identity {
        address owner; // zero: the identity itself, or nobody if `givenUp`
        uint64 changed; // block number
        bool givenUp;
    }

    struct Recovery {
        address module;
        uint64 pendingFrom; // zero: nothing pending
        address pending;
    }

    mapping(address identity => Identity) private _identities;
    mapping(address identity => mapping(bytes32 typeHash => mapping(address delegate => uint256 validTo))) private _delegates;
    mapping(address identity => Recovery) private _recoveries;
    mapping(address signer => uint256 accepted) private _accepted;
    mapping(address identity => bytes32 message) private _lastMessage;

    constructor() EIP712("Keepwell PatientRegistry", "1") {}

    modifier onlyOwner(address identity) {
        address owner = identityOwner(identity);
        if (msg.sender != owner) revert NotOwner(identity, owner, msg.sender);
        _;
    }

    // ---- views ----

    /// @inheritdoc IPatientRegistry
    function owners(address identity) external view returns (address) {
        return _identities[identity].owner;
    }

    /// @inheritdoc IPatientRegistry
    function delegates(address identity, bytes32 typeHash, address delegate) external view returns (uint256) {
        return _delegates[identity][typeHash][delegate];
    }

    /// @inheritdoc IPatientRegistry
    function changed(address identity) external view returns (uint256) {
        return _identities[identity].changed;
    }

    /// @inheritdoc IPatientRegistry
    function nonce(address signer) public view returns (uint256) {
        return (block.chainid << 128) | _accepted[signer];
    }

    /// @inheritdoc IPatientRegistry
    function identityOwner(address identity) public view returns (address) {
        Identity storage stored = _identities[identity];
        if (stored.owner != address(0)) return stored.owner;
        return stored.givenUp ? address(0) : identity;
    }

    /// @inheritdoc IPatientRegistry
    function validDelegate(address identity, bytes32 delegateType, address delegate) external view returns (bool) {
        return _delegates[identity][_typeHash(delegateType)][delegate] > block.timestamp;
    }

    /// @inheritdoc IPatientRegistry
    function recoveryModule(address identity) public view returns (address) {
        Recovery storage recovery = _recoveries[identity];
        return _isPending(recovery) || recovery.pendingFrom == 0 ? recovery.module : recovery.pending;
    }

    /// @inheritdoc IPatientRegistry
    function pendingRecoveryModule(address identity) external view returns (address module, uint256 effectiveAt) {
        Recovery storage recovery = _recoveries[identity];
        if (_isPending(recovery)) return (recovery.pending, recovery.pendingFrom);
    }

    /// @inheritdoc IPatientRegistry
    function recoveryModuleDelay() external pure returns (uint256) {
        return MODULE_DELAY;
    }

    // ---- by the owner ----

    /// @inheritdoc IPatientRegistry
    function changeOwner(address identity, address newOwner) external onlyOwner(identity) {
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IPatientRegistry
    function addDelegate(address identity, bytes32 delegateType, address delegate, uint256 validity) external onlyOwner(identity) {
        _setDelegate(identity, delegateType, delegate, block.timestamp + validity);
    }

    /// @inheritdoc IPatientRegistry
    function revokeDelegate(address identity, bytes32 delegateType, address delegate) external onlyOwner(identity) {
        _setDelegate(identity, delegateType, delegate, block.timestamp);
    }

    /// @inheritdoc IPatientRegistry
    function setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validity) external onlyOwner(identity) {
        _setAttribute(identity, name, value, block.timestamp + validity);
    }

    /// @inheritdoc IPatientRegistry
    function revokeAttribute(address identity, bytes32 name, bytes calldata value) external onlyOwner(identity) {
        _setAttribute(identity, name, value, 0);
    }

    /// @inheritdoc IPatientRegistry
    function setRecoveryModule(address identity, address module) external onlyOwner(identity) {
        _setRecoveryModule(identity, module);
    }

    // ---- by the recovery module ----

    /// @inheritdoc IPatientRegistry
    function recoverOwner(address identity, address newOwner) external {
        address module = recoveryModule(identity);
        if (msg.sender != module) revert NotRecoveryModule(identity, module, msg.sender);
        if (newOwner == address(0)) revert NoNewOwner(identity);
        _setRecoveryModule(identity, module);
        _changeOwner(identity, newOwner);
    }

    // ---- by ERC-1056 message ----

    /// @inheritdoc IPatientRegistry
    function changeOwnerSigned(address identity, uint8 sigV, bytes32 sigR, bytes32 sigS, address newOwner) external {
        _useErc1056(identity, sigV, sigR, sigS, abi.encodePacked("changeOwner", newOwner));
        _changeOwner(identity, newOwner);
    }

    /// @inheritdoc IPatientRegistry
    function addDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate,
        uint256 validity
    ) external {
        _useErc1056(identity, sigV, sigR, sigS, abi.encodePacked("addDelegate", delegateType, delegate, validity));
        _setDelegate(identity, delegateType, delegate, block.timestamp + validity);
    }

    /// @inheritdoc IPatientRegistry
    function revokeDelegateSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 delegateType,
        address delegate
    ) external {
        _useErc1056(identity, sigV, sigR, sigS, abi.encodePacked("revokeDelegate", delegateType, delegate));
        _setDelegate(identity, delegateType, delegate, block.timestamp);
    }

    /// @inheritdoc IPatientRegistry
    function setAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value,
        uint256 validity
    ) external {
        _useErc1056(identity, sigV, sigR, sigS, abi.encodePacked("setAttribute", name, value, validity));
        _setAttribute(identity, name, value, block.timestamp + validity);
    }

    /// @inheritdoc IPatientRegistry
    function revokeAttributeSigned(
        address identity,
        uint8 sigV,
        bytes32 sigR,
        bytes32 sigS,
        bytes32 name,
        bytes calldata value
    ) external {
        _useErc1056(identity, sigV, sigR, sigS, abi.encodePacked("revokeAttribute", name, value));
        _setAttribute(identity, name, value, 0);
    }

    // ---- by EIP-712 message ----

    /// @inheritdoc IPatientRegistry
    function changeOwnerBySig(address identity, address newOwner, uint256 deadline, bytes calldata signature) external {
        if (_useMessage(identity, deadline, abi.encode(CHANGE_OWNER_TYPEHASH, identity, newOwner), signature)) {
            _changeOwner(identity, newOwner);
        }
    }

    /// @inheritdoc IPatientRegistry
    function setAttributeBySig(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 validity,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes memory fields = abi.encode(SET_ATTRIBUTE_TYPEHASH, identity, name, keccak256(value), validity);
        if (_useMessage(identity, deadline, fields, signature)) _setAttribute(identity, name, value, block.timestamp + validity);
    }

    /// @inheritdoc IPatientRegistry
    function revokeAttributeBySig(
        address identity,
        bytes32 name,
        bytes calldata value,
        uint256 deadline,
        bytes calldata signature
    ) external {
        bytes memory fields = abi.encode(REVOKE_ATTRIBUTE_TYPEHASH, identity, name, keccak256(value));
        if (_useMessage(identity, deadline, fields, signature)) _setAttribute(identity, name, value, 0);
    }

    /// @inheritdoc IPatientRegistry
    function setRecoveryModuleBySig(address identity, address module, uint256 deadline, bytes calldata signature) external {
        if (_useMessage(identity, deadline, abi.encode(SET_RECOVERY_MODULE_TYPEHASH, identity, module), signature)) {
            _setRecoveryModule(identity, module);
        }
    }

    // ---- what changes state ----

    function _changeOwner(address identity, address newOwner) private {
        if (newOwner == identityOwner(identity)) return;
        address module = recoveryModule(identity);
        if (newOwner == address(0) && module != address(0)) revert RecoveryModuleSet(identity, module);
        emit DIDOwnerChanged(identity, newOwner, _identities[identity].changed);
        _identities[identity] = Identity(newOwner, uint64(block.number), newOwner == address(0));
    }

    function _setDelegate(address identity, bytes32 delegateType, address delegate, uint256 validTo) private {
        _delegates[identity][_typeHash(delegateType)][delegate] = validTo;
        emit DIDDelegateChanged(identity, delegateType, delegate, validTo, _identities[identity].changed);
        _identities[identity].changed = uint64(block.number);
    }

    function _setAttribute(address identity, bytes32 name, bytes calldata value, uint256 validTo) private {
        emit DIDAttributeChanged(identity, name, value, validTo, _identities[identity].changed);
        _identities[identity].changed = uint64(block.number);
    }

    function _setRecoveryModule(address identity, address module) private {
        Recovery storage recovery = _recoveries[identity];
        address current = recoveryModule(identity);
        bool waiting = _isPending(recovery);
        if (waiting ? module == recovery.pending : module == current) return;
        if (module == current || current == address(0)) {
            _recoveries[identity] = Recovery(module, 0, address(0));
            emit RecoveryModuleChanged(identity, module, address(0), 0);
        } else {
            uint256 from = block.timestamp + MODULE_DELAY;
            _recoveries[identity] = Recovery(current, uint64(from), module);
            emit RecoveryModuleChanged(identity, current, module, from);
        }
    }

    // ---- what checks messages ----

    /// @dev Consumes the owner's nonce if the owner signed `fields`, the nonce and the deadline.
    /// @param fields ABI encoding of type hash and values, without the two that end every message: nonce and deadline.
    /// @return fresh False if this is the identity's last accepted message once more: nothing is to be done.
    function _useMessage(address identity, uint256 deadline, bytes memory fields, bytes calldata signature)
        private
        returns (bool fresh)
    {
        bytes32 message = keccak256(abi.encode(keccak256(fields), deadline, keccak256(signature)));
        if (_lastMessage[identity] == message) return false;
        Signatures.requireInTime(deadline);
        address owner = identityOwner(identity);
        uint256 next = nonce(owner);
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encodePacked(fields, next, deadline)));
        if (owner == address(0) || !SignatureChecker.isValidSignatureNowCalldata(owner, digest, signature)) {
            revert NotSignedByOwner(identity, owner, next);
        }
        ++_accepted[owner];
        _lastMessage[identity] = message;
        return true;
    }

    /// @dev Consumes the owner's nonce if the owner signed the ERC-1056 message that ends in `action`.
    function _useErc1056(address identity, uint8 v, bytes32 r, bytes32 s, bytes memory action) private {
        address owner = identityOwner(identity);
        uint256 next = nonce(owner);
        bytes32 digest = keccak256(abi.encodePacked(bytes1(0x19), bytes1(0), address(this), next, identity, action));
        // slither-disable-next-line unused-return (the third value only details the problem)
        (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(digest, v, r, s);
        if (problem != ECDSA.RecoverError.NoError || signer != owner) revert NotSignedByOwner(identity, owner, next);
        ++_accepted[owner];
    }

    function _isPending(Recovery storage recovery) private view returns (bool) {
        return block.timestamp < recovery.pendingFrom;
    }

    function _typeHash(bytes32 delegateType) private pure returns (bytes32) {
        return keccak256(abi.encode(delegateType));
    }
}

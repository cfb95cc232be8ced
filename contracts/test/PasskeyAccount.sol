// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {SignerP256} from "@openzeppelin/contracts/utils/cryptography/signers/SignerP256.sol";
import {SignerWebAuthn} from "@openzeppelin/contracts/utils/cryptography/signers/SignerWebAuthn.sol";
import {vm} from "./Vm.sol";

/// @dev The least account that a passkey controls: OpenZeppelin's WebAuthn signer behind ERC-1271.
contract PasskeyAccount is SignerWebAuthn, IERC1271 {
    constructor(bytes32 qx, bytes32 qy) SignerP256(qx, qy) {}

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return _rawSignatureValidation(hash, signature) ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @dev What an authenticator and a browser do when asked to sign `digest`.
library Passkey {
    uint256 private constant P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;

    function account(uint256 key) internal returns (PasskeyAccount) {
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        return new PasskeyAccount(bytes32(x), bytes32(y));
    }

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        bytes memory authenticatorData = abi.encodePacked(sha256("keepwell.example"), bytes1(0x05), bytes4(0));
        string memory challenge = Base64.encodeURL(abi.encodePacked(digest));
        string memory client = string.concat(
            '{"type":"webauthn.get","challenge":"', challenge, '","origin":"https://keepwell.example","crossOrigin":false}'
        );
        (bytes32 r, bytes32 s) = vm.signP256(key, sha256(abi.encodePacked(authenticatorData, sha256(bytes(client)))));
        if (uint256(s) > P256_ORDER / 2) s = bytes32(P256_ORDER - uint256(s));
        return abi.encode(r, s, 23, 1, authenticatorData, client); // WebAuthn.WebAuthnAuth, its fields side by side
    }
}

/// @dev An ERC-1271 account that agrees to what it was told to.
contract StubAccount is IERC1271 {
    mapping(bytes32 hash => bool) private _agreed;

    function agree(bytes32 hash) external {
        _agreed[hash] = true;
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return _agreed[hash] ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

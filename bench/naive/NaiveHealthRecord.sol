// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

/// @title What we are compared with: one token a record, its description in strings
/// @notice The obvious design, as tutorials and papers write it: the provider mints, each record's CID, type, hash, provider and time are
/// stored, permissions are a mapping, accesses are events with their reason. Only for bench/ and contracts/gas.ts: it publishes health data.
contract NaiveHealthRecord is ERC721URIStorage {
    struct HealthRecord {
        string cid;
        string recordType;
        string contentHash;
        string provider;
        uint256 timestamp;
    }

    event RecordMinted(uint256 indexed tokenId, address indexed patient, string recordType, string provider);
    event AccessGranted(uint256 indexed tokenId, address indexed provider, uint256 expiry);
    event AccessLogged(uint256 indexed tokenId, address indexed accessor, string purpose, uint256 timestamp);

    uint256 private _count;
    mapping(uint256 tokenId => HealthRecord) public records;
    mapping(uint256 tokenId => mapping(address provider => uint256 expiry)) public access;
    mapping(uint256 tokenId => string[]) private _accessLog;

    constructor() ERC721("Naive Health Record", "NHR") {}

    function mint(
        address patient,
        string calldata cid,
        string calldata recordType,
        string calldata contentHash,
        string calldata provider
    ) external returns (uint256 tokenId) {
        tokenId = ++_count;
        records[tokenId] = HealthRecord(cid, recordType, contentHash, provider, block.timestamp);
        _mint(patient, tokenId);
        _setTokenURI(tokenId, cid);
        emit RecordMinted(tokenId, patient, recordType, provider);
    }

    function _baseURI() internal pure override returns (string memory) {
        return "ipfs://";
    }

    function grantAccess(uint256 tokenId, address provider, uint256 expiry) external {
        require(ownerOf(tokenId) == msg.sender, "not the owner");
        access[tokenId][provider] = expiry;
        emit AccessGranted(tokenId, provider, expiry);
    }

    function revokeAccess(uint256 tokenId, address provider) external {
        require(ownerOf(tokenId) == msg.sender, "not the owner");
        delete access[tokenId][provider];
        emit AccessGranted(tokenId, provider, 0);
    }

    function logAccess(uint256 tokenId, string calldata purpose) external {
        require(access[tokenId][msg.sender] > block.timestamp, "no access");
        _accessLog[tokenId].push(purpose);
        emit AccessLogged(tokenId, msg.sender, purpose, block.timestamp);
    }
}

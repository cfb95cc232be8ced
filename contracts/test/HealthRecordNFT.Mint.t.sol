// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {RecordBase} from "./RecordBase.sol";
import {vm} from "./Vm.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Signatures} from "../src/lib/Signatures.sol";
import {LeafHash} from "../src/lib/Types.sol";
import {HealthRecordNFT} from "../src/records/HealthRecordNFT.sol";
import {IERC5192} from "../src/records/IERC5192.sol";
import {IHealthRecordNFT} from "../src/records/IHealthRecordNFT.sol";

contract HealthRecordNFTMintTest is RecordBase {
    function testFuzz_aTokenGoesToTheAddressInItsLeaf(uint256 seed, uint8 count, uint8 index) public {
        uint256 n = 1 + count % 20;
        uint256 key = toKey(seed);
        Minting memory m = anchored(seed, key, n, index % n);
        bytes memory signature = signMint(key, domain(), m);
        vm.expectEmit(address(nft));
        emit IERC721.Transfer(address(0), m.tokenHolder, tokenOf(m));
        vm.expectEmit(address(nft));
        emit IERC5192.Locked(tokenOf(m));
        uint256 tokenId = mint(m, signature);
        require(nft.ownerOf(tokenId) == m.tokenHolder && nft.balanceOf(m.tokenHolder) == 1, "another owner");
        require(nft.metadataDigest(tokenId) == m.digest && nft.locked(tokenId), "other metadata, or not locked");
    }

    function test_theTokenUriIsTheIpfsAddressOfTheSealedMetadata() public {
        Minting memory m = anchored(1, KEY, 2, 0);
        m.digest = sha256("keepwell");
        uint256 tokenId = mint(m, signMint(KEY, domain(), m));
        // CIDv1 of the raw block "keepwell", as written by another implementation (multiformats for JavaScript).
        string memory expected = "ipfs://bafkreiczaeb242blye2ovisqejlzvwvssqkxydv2vyreyuvzubeewwzwhq";
        require(keccak256(bytes(nft.tokenURI(tokenId))) == keccak256(bytes(expected)), nft.tokenURI(tokenId));
    }

    function test_mintingAgainChangesNothingWhoeverRelaysIt() public {
        Minting memory m = minted(2);
        bytes memory data = mintCall(m, signMint(KEY, domain(), m));
        requireNoOp(OTHER_RELAY, address(nft), data);
        vm.warp(DEADLINE + 1);
        requireNoOp(RELAY, address(nft), data);
    }

    function test_aTokenKeepsItsMetadata() public {
        Minting memory m = minted(3);
        bytes memory expected = abi.encodeWithSelector(IHealthRecordNFT.AlreadyMinted.selector, tokenOf(m), m.digest);
        m.digest = keccak256("other");
        requireRevert(RELAY, address(nft), mintCall(m, signMint(KEY, domain(), m)), expected);
    }

    function testFuzz_onlyTheHolderMints(uint256 seed) public {
        uint256 key = toKey(seed);
        vm.assume(key != KEY);
        Minting memory m = anchored(seed, KEY, 4, 2);
        bytes memory expected = abi.encodeWithSelector(Signatures.BadSignature.selector, holder, vm.addr(key));
        requireRevert(RELAY, address(nft), mintCall(m, signMint(key, domain(), m)), expected);
    }

    function testFuzz_aThiefCannotMintAnothersLeafToItself(uint256 seed) public {
        uint256 thief = toKey(seed);
        vm.assume(thief != KEY);
        Minting memory m = anchored(seed, KEY, 4, 2);
        m.tokenHolder = vm.addr(thief);
        requireRevert(RELAY, address(nft), mintCall(m, signMint(thief, domain(), m)), IHealthRecordNFT.NotAnchored.selector);
    }

    function test_aLeafOutsideAnAnchoredTreeIsRefused() public {
        Minting memory m = anchored(4, KEY, 4, 2);
        m.inner = keccak256("another record");
        bytes memory expected = abi.encodeWithSelector(
            IHealthRecordNFT.NotAnchored.selector, m.root, LeafHash.wrap(bytes32(tokenOf(m))), m.index
        );
        requireRevert(RELAY, address(nft), mintCall(m, signMint(KEY, domain(), m)), expected);
    }

    function testFuzz_metadataAndDeadlineAreSigned(uint64 change) public {
        Minting memory m = anchored(5, KEY, 4, 2);
        bytes memory signature = signMint(KEY, domain(), m);
        m.deadline += uint256(change) + 1;
        requireRevert(RELAY, address(nft), mintCall(m, signature), Signatures.BadSignature.selector);
        m.deadline = DEADLINE;
        m.digest = keccak256(abi.encode(m.digest, change));
        requireRevert(RELAY, address(nft), mintCall(m, signature), Signatures.BadSignature.selector);
    }

    function test_aMintAfterItsDeadlineIsRefused() public {
        Minting memory m = anchored(6, KEY, 4, 2);
        bytes memory data = mintCall(m, signMint(KEY, domain(), m));
        vm.warp(DEADLINE + 1);
        requireRevert(RELAY, address(nft), data, abi.encodeWithSelector(Signatures.SignatureExpired.selector, DEADLINE, DEADLINE + 1));
    }

    function test_aSignatureForAnotherChainOrContractIsRefused() public {
        Minting memory m = anchored(7, KEY, 4, 2);
        bytes32 elsewhere = domainSeparator("Keepwell HealthRecordNFT", block.chainid + 1, address(nft));
        requireRevert(RELAY, address(nft), mintCall(m, signMint(KEY, elsewhere, m)), Signatures.BadSignature.selector);
        bytes memory data = mintCall(m, signMint(KEY, domain(), m));
        requireRevert(RELAY, address(new HealthRecordNFT(anchors)), data, Signatures.BadSignature.selector);
    }

    function test_theDigestsThatMeanNothingAreRefused() public {
        Minting memory m = anchored(8, KEY, 4, 2);
        for (uint256 value = 0; value < 2; ++value) {
            m.digest = bytes32(value);
            bytes memory expected = abi.encodeWithSelector(IHealthRecordNFT.InvalidMetadataDigest.selector, m.digest);
            requireRevert(RELAY, address(nft), mintCall(m, signMint(KEY, domain(), m)), expected);
        }
    }

    function test_itIsAnErc721AndAnErc5192() public view {
        require(nft.supportsInterface(0x80ac58cd) && nft.supportsInterface(0x5b5e139f), "not ERC-721");
        require(nft.supportsInterface(0xb45a3c0e) && nft.supportsInterface(0x01ffc9a7), "not ERC-5192");
        require(!nft.supportsInterface(0xffffffff), "claims everything");
        require(nft.anchors() == address(anchors), "other anchors");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {RecordBase} from "./RecordBase.sol";
import {vm} from "./Vm.sol";
import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Signatures} from "../src/lib/Signatures.sol";
import {IHealthRecordNFT} from "../src/records/IHealthRecordNFT.sol";

contract HealthRecordNFTBurnTest is RecordBase {
    function burnCall(uint256 key, bytes32 separator, uint256 tokenId) private pure returns (bytes memory) {
        return abi.encodeCall(IHealthRecordNFT.burnBySig, (tokenId, DEADLINE, signBurn(key, separator, tokenId, DEADLINE)));
    }

    function requireGone(Minting memory m) private {
        uint256 tokenId = tokenOf(m);
        require(nft.burned(tokenId) && nft.balanceOf(m.tokenHolder) == 0, "still there");
        bytes memory missing = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, tokenId);
        requireRevert(RELAY, address(nft), abi.encodeCall(nft.ownerOf, (tokenId)), missing);
        requireRevert(RELAY, address(nft), abi.encodeCall(nft.tokenURI, (tokenId)), missing);
        requireRevert(RELAY, address(nft), abi.encodeCall(nft.metadataDigest, (tokenId)), missing);
        requireRevert(RELAY, address(nft), abi.encodeCall(nft.locked, (tokenId)), missing);
        bytes memory burned = abi.encodeWithSelector(IHealthRecordNFT.TokenBurned.selector, tokenId);
        requireRevert(RELAY, address(nft), mintCall(m, signMint(KEY, domain(), m)), burned);
    }

    function test_theOwnerBurnsForEver() public {
        Minting memory m = minted(1);
        uint256 tokenId = tokenOf(m); // before the prank: sha256 is a call too
        vm.prank(holder);
        nft.burn(tokenId);
        requireGone(m);
        requireNoOp(holder, address(nft), abi.encodeCall(IHealthRecordNFT.burn, (tokenOf(m))));
    }

    function test_theOwnersMessageBurnsForEver() public {
        Minting memory m = minted(2);
        bytes memory data = burnCall(KEY, domain(), tokenOf(m));
        vm.prank(RELAY);
        (bool success, ) = address(nft).call(data);
        require(success, "not burned");
        requireGone(m);
        requireNoOp(OTHER_RELAY, address(nft), data);
        vm.warp(DEADLINE + 1);
        requireNoOp(RELAY, address(nft), data);
    }

    function testFuzz_nobodyElseBurns(uint256 seed) public {
        uint256 key = toKey(seed);
        address stranger = vm.addr(key);
        vm.assume(key != KEY);
        uint256 tokenId = tokenOf(minted(3));
        bytes memory expected = abi.encodeWithSelector(IHealthRecordNFT.NotTokenOwner.selector, tokenId, holder, stranger);
        requireRevert(stranger, address(nft), abi.encodeCall(IHealthRecordNFT.burn, (tokenId)), expected);
        expected = abi.encodeWithSelector(Signatures.BadSignature.selector, holder, stranger);
        requireRevert(stranger, address(nft), burnCall(key, domain(), tokenId), expected);
        require(nft.ownerOf(tokenId) == holder, "burned");
    }

    function test_aBurnMessageIsBoundToTimeChainAndContract() public {
        uint256 tokenId = tokenOf(minted(4));
        bytes32 elsewhere = domainSeparator("Keepwell HealthRecordNFT", block.chainid + 1, address(nft));
        requireRevert(RELAY, address(nft), burnCall(KEY, elsewhere, tokenId), Signatures.BadSignature.selector);
        elsewhere = domainSeparator("Keepwell HealthRecordNFT", block.chainid, address(anchors));
        requireRevert(RELAY, address(nft), burnCall(KEY, elsewhere, tokenId), Signatures.BadSignature.selector);
        vm.warp(DEADLINE + 1);
        requireRevert(RELAY, address(nft), burnCall(KEY, domain(), tokenId), Signatures.SignatureExpired.selector);
    }

    function test_whatWasNeverMintedIsNotBurned() public {
        bytes memory missing = abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 7);
        requireRevert(RELAY, address(nft), abi.encodeCall(IHealthRecordNFT.burn, (7)), missing);
        requireRevert(RELAY, address(nft), burnCall(KEY, domain(), 7), missing);
    }
}

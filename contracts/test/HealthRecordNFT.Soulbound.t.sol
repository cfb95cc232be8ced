// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {RecordBase} from "./RecordBase.sol";
import {vm} from "./Vm.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IHealthRecordNFT} from "../src/records/IHealthRecordNFT.sol";

contract HealthRecordNFTSoulboundTest is RecordBase {
    function testFuzz_noTransferOrApprovalSucceedsForAnybody(address sender, address to, bool approved) public {
        uint256 tokenId = tokenOf(minted(1));
        bytes[6] memory calls = [
            abi.encodeCall(IERC721.approve, (to, tokenId)),
            abi.encodeCall(IERC721.setApprovalForAll, (to, approved)),
            abi.encodeCall(IERC721.transferFrom, (holder, to, tokenId)),
            abi.encodeWithSignature("safeTransferFrom(address,address,uint256)", holder, to, tokenId),
            abi.encodeWithSignature("safeTransferFrom(address,address,uint256,bytes)", holder, to, tokenId, ""),
            abi.encodeCall(IERC721.transferFrom, (holder, address(0), tokenId))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(sender);
            (bool success, ) = address(nft).call(calls[i]);
            require(!success, "a stranger's call succeeded");
            vm.prank(holder);
            (success, ) = address(nft).call(calls[i]);
            require(!success, "the owner's call succeeded");
        }
        require(nft.ownerOf(tokenId) == holder, "moved");
        require(nft.getApproved(tokenId) == address(0) && !nft.isApprovedForAll(holder, to), "approved");
    }

    function test_theOwnerIsToldWhy() public {
        uint256 tokenId = tokenOf(minted(2));
        bytes memory expected = abi.encodeWithSelector(IHealthRecordNFT.Soulbound.selector);
        requireRevert(holder, address(nft), abi.encodeCall(IERC721.transferFrom, (holder, RELAY, tokenId)), expected);
        requireRevert(holder, address(nft), abi.encodeCall(IERC721.transferFrom, (holder, holder, tokenId)), expected);
        requireRevert(holder, address(nft), abi.encodeCall(IERC721.approve, (RELAY, tokenId)), expected);
        requireRevert(holder, address(nft), abi.encodeCall(IERC721.setApprovalForAll, (RELAY, true)), expected);
    }
}

/// @dev Four holders mint, burn and try to move eight records in any order.
contract TokenHandler is RecordBase {
    Minting[] private records;
    mapping(uint256 tokenId => bool) private burnedOnce;
    uint256 public moved;
    uint256 public revived;

    constructor() {
        for (uint256 i = 0; i < 8; ++i) records.push(anchored(i, 1 + i % 4, 4, i % 4));
    }

    function mintOne(uint8 which, uint8 signer) external {
        Minting memory m = records[which % 8];
        m.deadline = block.timestamp;
        (bool success, ) = address(nft).call(mintCall(m, signMint(1 + signer % 4, domain(), m)));
        success;
        check();
    }

    function burnOne(uint8 which, uint8 sender) external {
        uint256 tokenId = tokenOf(records[which % 8]); // before the prank: sha256 is a call too
        vm.prank(vm.addr(1 + sender % 4));
        try nft.burn(tokenId) {} catch {}
        check();
    }

    function moveOne(uint8 which, uint8 sender, uint8 to, bool safe) external {
        uint256 tokenId = tokenOf(records[which % 8]);
        address target = vm.addr(1 + to % 4);
        vm.prank(vm.addr(1 + sender % 4));
        if (safe) try nft.safeTransferFrom(records[which % 8].tokenHolder, target, tokenId) {} catch {}
        else try nft.transferFrom(records[which % 8].tokenHolder, target, tokenId) {} catch {}
        check();
    }

    function approveOne(uint8 which, uint8 sender, uint8 to) external {
        uint256 tokenId = tokenOf(records[which % 8]);
        address target = vm.addr(1 + to % 4);
        vm.prank(vm.addr(1 + sender % 4));
        try nft.approve(target, tokenId) {} catch {}
        check();
    }

    function check() private {
        for (uint256 i = 0; i < 8; ++i) {
            uint256 tokenId = tokenOf(records[i]);
            try nft.ownerOf(tokenId) returns (address owner) {
                if (owner != records[i].tokenHolder) ++moved;
                if (burnedOnce[tokenId]) ++revived;
            } catch {}
            if (nft.burned(tokenId)) burnedOnce[tokenId] = true;
        }
    }
}

contract HealthRecordNFTInvariantTest {
    TokenHandler private handler;

    function setUp() public {
        handler = new TokenHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_aTokenNeverChangesOwner() public view {
        require(handler.moved() == 0, "a soulbound token moved");
    }

    function invariant_burnedStaysBurned() public view {
        require(handler.revived() == 0, "a burned token came back");
    }
}

// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.35;

import {Base} from "./Base.sol";
import {vm} from "./Vm.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {CredentialRegistry} from "../src/identity/CredentialRegistry.sol";
import {ICredentialRegistry} from "../src/identity/ICredentialRegistry.sol";
import {CredentialId} from "../src/lib/Types.sol";

abstract contract CredentialBase is Base {
    address internal constant ADMIN = address(0xad);
    address internal constant ISSUER = address(0x15);
    address internal constant OTHER_ISSUER = address(0x16);
    CredentialId internal constant ID = CredentialId.wrap("credential");
    bytes32 internal constant HOLDER = keccak256("salt and DID");
    uint64 internal constant EXPIRY = uint64(NOW + 365 days);
    CredentialRegistry internal registry = new CredentialRegistry(ADMIN);

    constructor() {
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.accredit, (ISSUER)));
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.accredit, (OTHER_ISSUER)));
    }

    function accept(address sender, bytes memory data) internal {
        vm.prank(sender);
        (bool success, ) = address(registry).call(data);
        require(success, "refused");
    }

    function issueCall(CredentialId id) internal pure returns (bytes memory) {
        return abi.encodeCall(ICredentialRegistry.issue, (id, HOLDER, "MD", EXPIRY));
    }

    function stateOf(CredentialId id) internal view returns (ICredentialRegistry.State state) {
        (, , , state) = registry.status(id);
    }

    function requireState(ICredentialRegistry.State expected) internal view {
        require(stateOf(ID) == expected, "another state");
    }

    /// @dev suspend, reinstate, revoke, expire: what an issuer does to a credential.
    function steps(CredentialId id) internal pure returns (bytes[4] memory) {
        return [
            abi.encodeCall(ICredentialRegistry.suspend, (id)),
            abi.encodeCall(ICredentialRegistry.reinstate, (id)),
            abi.encodeCall(ICredentialRegistry.revoke, (id)),
            abi.encodeCall(ICredentialRegistry.expire, (id))
        ];
    }
}

contract CredentialRegistryIssueTest is CredentialBase {
    function testFuzz_anIssuedCredentialIsLiveAsIssued(CredentialId id, bytes32 holder, bytes8 role, uint64 expiry) public {
        vm.assume(holder != 0 && expiry > NOW);
        vm.expectEmit(address(registry));
        emit ICredentialRegistry.CredentialIssued(id, ISSUER, holder, role, expiry);
        vm.prank(ISSUER);
        registry.issue(id, holder, role, expiry);
        (address issuer, bytes8 storedRole, uint64 storedExpiry, ICredentialRegistry.State state) = registry.status(id);
        require(issuer == ISSUER && storedRole == role && storedExpiry == expiry, "stored something else");
        require(state == ICredentialRegistry.State.Live && registry.holderOf(id) == holder, "not live");
    }

    function test_issuingTheSameAgainChangesNothing() public {
        accept(ISSUER, issueCall(ID));
        requireNoOp(ISSUER, address(registry), issueCall(ID));
    }

    function test_aNumberIsGivenOnce() public {
        accept(ISSUER, issueCall(ID));
        bytes memory expected = abi.encodeWithSelector(ICredentialRegistry.CredentialExists.selector, ID, ISSUER);
        requireRevert(OTHER_ISSUER, address(registry), issueCall(ID), expected);
        bytes memory other = abi.encodeCall(ICredentialRegistry.issue, (ID, HOLDER, "MD", EXPIRY + 1));
        requireRevert(ISSUER, address(registry), other, expected);
    }

    function testFuzz_onlyAnAccreditedIssuerIssues(address stranger) public {
        vm.assume(stranger != ISSUER && stranger != OTHER_ISSUER);
        bytes memory expected = abi.encodeWithSelector(
            ICredentialRegistry.NotAccredited.selector, stranger, ICredentialRegistry.Standing.None
        );
        requireRevert(stranger, address(registry), issueCall(ID), expected);
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)));
        requireRevert(ISSUER, address(registry), issueCall(ID), ICredentialRegistry.NotAccredited.selector);
    }

    function test_anEmptyHolderOrAPastExpiryIsRefused() public {
        bytes memory data = abi.encodeCall(ICredentialRegistry.issue, (ID, 0, "MD", EXPIRY));
        requireRevert(ISSUER, address(registry), data, ICredentialRegistry.EmptyCommitment.selector);
        data = abi.encodeCall(ICredentialRegistry.issue, (ID, HOLDER, "MD", uint64(NOW)));
        requireRevert(ISSUER, address(registry), data, ICredentialRegistry.InvalidExpiry.selector);
    }

    function testFuzz_onlyTheAdministratorAccredits(address stranger) public {
        vm.assume(stranger != ADMIN);
        bytes memory expected = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger);
        requireRevert(stranger, address(registry), abi.encodeCall(ICredentialRegistry.accredit, (stranger)), expected);
        requireRevert(stranger, address(registry), abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)), expected);
    }

    function test_theAdministratorsRepeatsChangeNothing() public {
        requireNoOp(ADMIN, address(registry), abi.encodeCall(ICredentialRegistry.accredit, (ISSUER)));
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)));
        requireNoOp(ADMIN, address(registry), abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)));
        bytes memory data = abi.encodeCall(ICredentialRegistry.suspendIssuer, (RELAY));
        requireRevert(ADMIN, address(registry), data, ICredentialRegistry.UnknownIssuer.selector);
    }
}

contract CredentialRegistryStateTest is CredentialBase {
    function setUp() public {
        accept(ISSUER, issueCall(ID));
    }

    function test_suspensionPausesUntilReinstated() public {
        accept(ISSUER, steps(ID)[0]);
        requireState(ICredentialRegistry.State.Suspended);
        requireNoOp(ISSUER, address(registry), steps(ID)[0]);
        accept(ISSUER, steps(ID)[1]);
        requireState(ICredentialRegistry.State.Live);
        requireNoOp(ISSUER, address(registry), steps(ID)[1]);
    }

    function test_revokedIsFinal() public {
        accept(ISSUER, steps(ID)[2]);
        requireState(ICredentialRegistry.State.Revoked);
        requireNoOp(ISSUER, address(registry), steps(ID)[2]);
        for (uint256 i = 0; i < 4; ++i) {
            if (i != 2) requireRevert(ISSUER, address(registry), steps(ID)[i], ICredentialRegistry.CredentialEnded.selector);
        }
        vm.warp(EXPIRY);
        requireState(ICredentialRegistry.State.Revoked);
    }

    function test_expiryEndsACredentialByItself() public {
        vm.warp(EXPIRY - 1);
        requireState(ICredentialRegistry.State.Live);
        vm.warp(EXPIRY);
        requireState(ICredentialRegistry.State.Expired);
        requireRevert(ISSUER, address(registry), steps(ID)[1], ICredentialRegistry.CredentialEnded.selector);
    }

    function test_anIssuerEndsACredentialWithoutBlame() public {
        accept(ISSUER, steps(ID)[3]);
        requireState(ICredentialRegistry.State.Expired);
        requireNoOp(ISSUER, address(registry), steps(ID)[3]);
        requireRevert(ISSUER, address(registry), steps(ID)[1], ICredentialRegistry.CredentialEnded.selector);
        accept(ISSUER, steps(ID)[2]);
        requireState(ICredentialRegistry.State.Revoked);
    }

    function test_aSuspendedIssuerVouchesForNobodyButMayWithdraw() public {
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)));
        requireState(ICredentialRegistry.State.IssuerSuspended);
        accept(ISSUER, steps(ID)[0]);
        requireRevert(ISSUER, address(registry), steps(ID)[1], ICredentialRegistry.NotAccredited.selector);
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.accredit, (ISSUER)));
        requireState(ICredentialRegistry.State.Suspended);
        accept(ADMIN, abi.encodeCall(ICredentialRegistry.suspendIssuer, (ISSUER)));
        accept(ISSUER, steps(ID)[2]);
        requireState(ICredentialRegistry.State.Revoked);
    }

    function testFuzz_onlyItsIssuerTouchesACredential(address stranger) public {
        vm.assume(stranger != ISSUER);
        bytes memory expected = abi.encodeWithSelector(ICredentialRegistry.NotIssuer.selector, ID, ISSUER, stranger);
        for (uint256 i = 0; i < 4; ++i) {
            requireRevert(stranger, address(registry), steps(ID)[i], expected);
            requireRevert(ADMIN, address(registry), steps(ID)[i], ICredentialRegistry.NotIssuer.selector);
        }
        requireState(ICredentialRegistry.State.Live);
    }

    function testFuzz_nothingIsDoneToACredentialThatIsNot(CredentialId id) public {
        vm.assume(CredentialId.unwrap(id) != CredentialId.unwrap(ID));
        for (uint256 i = 0; i < 4; ++i) {
            requireRevert(ISSUER, address(registry), steps(id)[i], ICredentialRegistry.NotIssuer.selector);
        }
        require(stateOf(id) == ICredentialRegistry.State.None && registry.holderOf(id) == 0, "something");
    }
}

/// @dev Administrator, two issuers and a stranger do anything to four credentials.
contract CredentialHandler is CredentialBase {
    mapping(uint256 id => ICredentialRegistry.State) private last;
    mapping(uint256 id => bytes32) private identityOf;
    uint256 public revived;
    uint256 public rewritten;
    uint256 public wronglyLive;

    function act(uint8 what, uint8 who, uint8 which, uint32 wait) external {
        address[4] memory parties = [ADMIN, ISSUER, OTHER_ISSUER, RELAY];
        CredentialId id = CredentialId.wrap(bytes32(uint256(which % 4)));
        uint64 expiry = uint64(block.timestamp + 1 + uint256(which) * 1 days);
        bytes memory data = what % 7 < 4
            ? steps(id)[what % 7]
            : what % 7 == 4
                ? abi.encodeCall(ICredentialRegistry.issue, (id, bytes32(uint256(1) + which), "MD", expiry))
                : what % 7 == 5
                    ? abi.encodeCall(ICredentialRegistry.accredit, (parties[1 + which % 2]))
                    : abi.encodeCall(ICredentialRegistry.suspendIssuer, (parties[1 + which % 2]));
        vm.prank(parties[who % 4]);
        (bool success, ) = address(registry).call(data);
        success;
        vm.warp(block.timestamp + wait % 10 days);
        for (uint256 i = 0; i < 4; ++i) check(i);
    }

    function check(uint256 i) private {
        CredentialId id = CredentialId.wrap(bytes32(i));
        (address issuer, bytes8 role, , ICredentialRegistry.State state) = registry.status(id);
        bool ended = last[i] == ICredentialRegistry.State.Revoked || last[i] == ICredentialRegistry.State.Expired;
        if (ended && state != last[i] && state != ICredentialRegistry.State.Revoked) ++revived;
        bool accredited = registry.issuerStanding(issuer) == ICredentialRegistry.Standing.Accredited;
        if (state == ICredentialRegistry.State.Live && !accredited) ++wronglyLive;
        bytes32 identity = keccak256(abi.encode(issuer, role, registry.holderOf(id)));
        if (last[i] != ICredentialRegistry.State.None && identity != identityOf[i]) ++rewritten;
        (last[i], identityOf[i]) = (state, identity);
    }
}

contract CredentialRegistryInvariantTest {
    CredentialHandler private handler;

    function setUp() public {
        handler = new CredentialHandler();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_revokedAndExpiredNeverLiveAgain() public view {
        require(handler.revived() == 0, "an ended credential came back");
    }

    function invariant_noCredentialOfAStoppedIssuerIsLive() public view {
        require(handler.wronglyLive() == 0, "live without an accredited issuer");
    }

    function invariant_aCredentialNeverChangesHands() public view {
        require(handler.rewritten() == 0, "issuer, role or holder changed");
    }
}

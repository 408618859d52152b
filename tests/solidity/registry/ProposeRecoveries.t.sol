// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract ProposeRecoveriesTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_a_proposed_recovery_is_visible_and_changes_no_right() public {
        IUnitRegistry.RecoveryProposal memory operation = proposal(mallory);
        operation.validUntil = NOW + 365 days;
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, id(mallory));
        send(operation);
        (uint32 unit, uint8 state, uint256 until, bytes32 signer) = registry.getRecovery(digest);
        vm.assertEq(unit, NORTH);
        vm.assertEq(state, 1);
        vm.assertEq(until, NOW + 7 days);
        vm.assertEq(signer, id(mallory));
        vm.assertEq(registry.head(), head);
        (uint32 enrolled, , , , ) = registry.getSigner(id(mallory));
        vm.assertEq(enrolled, 0);
    }

    function test_a_proposal_sent_again_changes_nothing() public {
        send(proposal(mallory));
        relayWithoutEffect(address(registry), encode(proposal(mallory)));
    }

    function test_only_the_authority_proposes() public {
        IUnitRegistry.RecoveryProposal memory operation = proposal(mallory);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.proposeRecoveries,
                (one(operation), one(signature(mallory, digest)), one(proof(mallory, digest)))
            ),
            signatureInvalid(digest, 0)
        );
    }

    function test_an_enrolled_key_is_not_proposed() public {
        IUnitRegistry.RecoveryProposal memory operation = proposal(oscar);
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(oscar)));
    }

    function test_a_revoked_key_is_not_proposed() public {
        send(revocation(oscar));
        IUnitRegistry.RecoveryProposal memory operation = proposal(oscar);
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(oscar)));
    }

    function test_a_closed_unit_is_not_recovered() public {
        send(closure(NORTH));
        IUnitRegistry.RecoveryProposal memory operation = proposal(mallory);
        refuse(operation, notAllowed(digestOf(operation), "unit", 2));
    }

    function test_custody_and_validity_are_checked() public {
        IUnitRegistry.RecoveryProposal memory operation = proposal(mallory);
        operation.custody = 0;
        refuse(operation, outside(digestOf(operation), "custody", 0, 1, 4));
        (operation.custody, operation.validUntil) = (1, NOW);
        refuse(
            operation,
            outside(digestOf(operation), "validUntil", NOW, NOW + 1, type(uint64).max)
        );
    }
}

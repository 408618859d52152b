// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract RevokeSignersTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_a_revoked_signer_is_revoked_for_ever() public {
        IUnitRegistry.SignerRevocation memory operation = revocation(oscar);
        bytes32 head = expectEvent(operation, id(oscar));
        send(operation);
        (uint32 unit, uint32 rights, , , bool revoked) = registry.getSigner(id(oscar));
        vm.assertTrue(revoked);
        vm.assertEq(unit, NORTH);
        vm.assertEq(rights, Rights.ALL - Rights.ADMINISTER);
        vm.assertEq(registry.head(), head);
    }

    function test_a_revoked_signer_cannot_act_even_for_the_time_before() public {
        send(revocation(oscar));
        vm.warp(NOW + 1000);
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        operation.signedAt = NOW;
        refuse(operation, notAllowed(digestOf(operation), "signer", 1));
    }

    function test_a_revocation_sent_again_changes_nothing() public {
        send(revocation(oscar));
        relayWithoutEffect(address(registry), encode(revocation(oscar)));
    }

    function test_a_signer_is_revoked_once() public {
        send(revocation(oscar));
        IUnitRegistry.SignerRevocation memory operation = revocation(oscar);
        operation.record = "another";
        refuse(operation, notAllowed(digestOf(operation), "signer", 1));
    }

    function test_the_last_administrator_may_go() public {
        send(revocation(nora));
        IUnitRegistry.SignerRevocation memory operation = revocation(oscar);
        refuse(operation, notAllowed(digestOf(operation), "signer", 1));
    }

    function test_another_units_signer_cannot_be_revoked() public {
        IUnitRegistry.SignerRevocation memory operation = revocation(sam);
        refuse(operation, ofAnotherUnit(digestOf(operation), "signer", id(sam), SOUTH));
    }

    function test_an_unknown_signer_cannot_be_revoked_yet() public {
        IUnitRegistry.SignerRevocation memory operation = revocation(mallory);
        refuse(operation, unknown(digestOf(operation), "signer", id(mallory)));
    }

    function test_only_an_administrator_revokes() public {
        IUnitRegistry.SignerRevocation memory operation = revocation(olga);
        operation.signedBy = id(oscar);
        refuse(
            operation,
            rightMissing(
                digestOf(operation),
                id(oscar),
                Rights.ADMINISTER,
                Rights.ALL - Rights.ADMINISTER
            )
        );
    }
}

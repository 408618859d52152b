// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract VetoRecoveriesTest is Base {
    bytes32 private proposed;

    function setUp() public override {
        super.setUp();
        settle();
        proposed = send(proposal(mallory));
    }

    function test_a_vetoed_recovery_can_never_be_completed() public {
        IUnitRegistry.RecoveryVeto memory operation = veto(proposed);
        bytes32 head = expectEvent(operation, proposed);
        send(operation);
        (, uint8 state, , ) = registry.getRecovery(proposed);
        vm.assertEq(state, 2);
        vm.assertEq(registry.head(), head);
        vm.warp(NOW + 8 days);
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.completeRecovery, (proposed)),
            notAllowed(proposed, "recovery", 2)
        );
    }

    function test_a_veto_sent_again_changes_nothing() public {
        send(veto(proposed));
        relayWithoutEffect(address(registry), encode(veto(proposed)));
    }

    function test_a_veto_counts_on_the_last_second_and_not_after() public {
        vm.warp(NOW + 7 days + 1);
        IUnitRegistry.RecoveryVeto memory operation = veto(proposed);
        refuse(operation, outside(digestOf(operation), "now", block.timestamp, NOW, NOW + 7 days));
        vm.warp(NOW + 7 days);
        send(veto(proposed));
        (, uint8 state, , ) = registry.getRecovery(proposed);
        vm.assertEq(state, 2);
    }

    function test_another_units_administrator_cannot_veto() public {
        IUnitRegistry.RecoveryVeto memory operation = veto(proposed);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "recovery", proposed, NORTH));
    }

    function test_only_an_administrator_vetoes() public {
        IUnitRegistry.RecoveryVeto memory operation = veto(proposed);
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

    function test_a_veto_waits_for_its_proposal() public {
        IUnitRegistry.RecoveryVeto memory operation = veto("not yet here");
        refuse(operation, unknown(digestOf(operation), "recovery", bytes32("not yet here")));
    }

    function test_a_recovery_is_vetoed_once() public {
        send(veto(proposed));
        IUnitRegistry.RecoveryVeto memory operation = veto(proposed);
        operation.record = "another";
        refuse(operation, notAllowed(digestOf(operation), "recovery", 2));
    }
}

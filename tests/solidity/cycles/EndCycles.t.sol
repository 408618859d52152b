// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract EndCyclesTest is CycleBase {
    bytes32 private cycle;

    function setUp() public override {
        super.setUp();
        cycle = opened();
    }

    function test_an_ended_cycle_has_its_outcome_and_verdict() public {
        ICycleLedger.CycleEnding memory operation = ending(cycle, ABORTED, 3);
        operation.endedAt = 77;
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, cycle);
        send(operation);
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycle);
        vm.assertEq(stored.ending, digest);
        vm.assertEq(stored.outcome, ABORTED);
        vm.assertEq(stored.verdict, 3);
        vm.assertEq(stored.unit, NORTH);
        vm.assertEq(ledger.head(), head);
    }

    function test_an_ending_sent_again_changes_nothing_even_when_superseded() public {
        bytes memory first = encode(ending(cycle, UNKNOWN, NOT_COMPUTED));
        relay(address(ledger), first);
        relayWithoutEffect(address(ledger), first);
        bytes32 second = send(ending(cycle, COMPLETED, PASSED));
        relayWithoutEffect(address(ledger), first);
        vm.assertEq(ledger.getCycle(cycle).ending, second);
    }

    function test_an_amendment_names_the_current_ending() public {
        ICycleLedger.CycleEnding memory blind = ending(cycle, COMPLETED, PASSED);
        bytes32 first = send(ending(cycle, UNKNOWN, NOT_COMPUTED));
        refuse(blind, notCurrent(digestOf(blind), "replaces", 0, first));
        bytes32 second = send(ending(cycle, COMPLETED, PASSED));
        (blind.replaces, blind.record) = (first, "another");
        refuse(blind, notCurrent(digestOf(blind), "replaces", first, second));
        vm.assertEq(ledger.getCycle(cycle).ending, second);
    }

    function test_an_amendment_waits_for_the_ending_that_it_replaces() public {
        ICycleLedger.CycleEnding memory early = ending(cycle, COMPLETED, PASSED);
        early.replaces = "not yet here";
        bytes memory expected = notYetRecorded(
            digestOf(early),
            "replaces",
            bytes32("not yet here")
        );
        refuse(early, expected);
        send(ending(cycle, UNKNOWN, NOT_COMPUTED));
        refuse(early, expected);
    }

    function test_a_cycle_that_is_not_opened_is_waited_for() public {
        ICycleLedger.CycleEnding memory operation = ending("unknown", COMPLETED, PASSED);
        refuse(operation, unknown(digestOf(operation), "cycle", bytes32("unknown")));
    }

    function test_another_unit_cannot_end_the_cycle() public {
        ICycleLedger.CycleEnding memory operation = ending(cycle, COMPLETED, PASSED);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "cycle", cycle, NORTH));
    }

    function test_entering_a_result_is_a_right() public {
        send(enrolment(mallory, Rights.OPEN));
        ICycleLedger.CycleEnding memory operation = ending(cycle, COMPLETED, PASSED);
        operation.signedBy = id(mallory);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(mallory), Rights.RESULT, Rights.OPEN)
        );
    }

    function test_fuzz_only_known_outcomes_and_verdicts_are_recorded(
        uint8 outcome,
        uint8 verdict
    ) public {
        ICycleLedger.CycleEnding memory operation = ending(cycle, outcome, verdict);
        bytes32 digest = digestOf(operation);
        if (outcome == 0 || outcome > 3) {
            refuse(operation, outside(digest, "outcome", outcome, 1, 3));
        } else if (verdict == 0 || verdict > 4) {
            refuse(operation, outside(digest, "verdict", verdict, 1, 4));
        } else {
            send(operation);
            vm.assertEq(ledger.getCycle(cycle).verdict, verdict);
        }
    }
}

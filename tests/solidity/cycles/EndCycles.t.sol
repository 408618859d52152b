// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Duties} from "../../../contracts/Duties.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IOperationLog} from "../../../contracts/interfaces/IOperationLog.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
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
        bytes32 head = fold(ledger.head(), digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleEnded(
            digest,
            cycle,
            NORTH,
            ABORTED,
            3,
            77,
            0,
            RECORD,
            id(oscar),
            NOW,
            head
        );
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
        refuse(
            blind,
            abi.encodeWithSelector(IOperationLog.NotCurrent.selector, digestOf(blind), 0, first)
        );
        bytes32 second = send(ending(cycle, COMPLETED, PASSED));
        (blind.replaces, blind.record) = (first, "another");
        refuse(
            blind,
            abi.encodeWithSelector(
                IOperationLog.NotCurrent.selector,
                digestOf(blind),
                first,
                second
            )
        );
        vm.assertEq(ledger.getCycle(cycle).ending, second);
    }

    function test_an_amendment_waits_for_the_ending_that_it_replaces() public {
        ICycleLedger.CycleEnding memory early = ending(cycle, COMPLETED, PASSED);
        early.replaces = "not yet here";
        bytes memory expected = abi.encodeWithSelector(
            IOperationLog.PredecessorUnknown.selector,
            digestOf(early),
            bytes32("not yet here")
        );
        refuse(early, expected);
        send(ending(cycle, UNKNOWN, NOT_COMPUTED));
        refuse(early, expected);
    }

    function test_a_cycle_that_is_not_opened_is_waited_for() public {
        ICycleLedger.CycleEnding memory operation = ending("unknown", COMPLETED, PASSED);
        refuse(
            operation,
            abi.encodeWithSelector(
                ICycleLedger.CycleUnknown.selector,
                digestOf(operation),
                bytes32("unknown")
            )
        );
    }

    function test_another_unit_cannot_end_the_cycle() public {
        ICycleLedger.CycleEnding memory operation = ending(cycle, COMPLETED, PASSED);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(
            operation,
            abi.encodeWithSelector(
                ICycleLedger.CycleOfOtherUnit.selector,
                digestOf(operation),
                cycle,
                NORTH
            )
        );
    }

    function test_entering_a_result_is_a_duty() public {
        send(enrolment(mallory, Duties.OPEN));
        ICycleLedger.CycleEnding memory operation = ending(cycle, COMPLETED, PASSED);
        operation.signedBy = id(mallory);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.DutyMissing.selector,
                digestOf(operation),
                id(mallory),
                Duties.RESULT,
                Duties.OPEN
            )
        );
    }

    function test_fuzz_only_known_outcomes_and_verdicts_are_recorded(
        uint8 outcome,
        uint8 verdict
    ) public {
        ICycleLedger.CycleEnding memory operation = ending(cycle, outcome, verdict);
        bytes32 digest = digestOf(operation);
        if (outcome == 0 || outcome > 3) {
            refuse(
                operation,
                abi.encodeWithSelector(ICycleLedger.OutcomeUnknown.selector, digest, outcome)
            );
        } else if (verdict == 0 || verdict > 4) {
            refuse(
                operation,
                abi.encodeWithSelector(ICycleLedger.VerdictUnknown.selector, digest, verdict)
            );
        } else {
            send(operation);
            vm.assertEq(ledger.getCycle(cycle).verdict, verdict);
        }
    }
}

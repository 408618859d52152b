// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract DecideCyclesTest is CycleBase {
    uint64 private _opened; // the last number that checkOrder opened

    // -------------------------------------------------------------------------------- releasing

    function test_a_released_cycle_has_its_state_and_shares() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(4, 3));
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, cycle);
        send(operation);
        vm.assertEq(stateOf(cycle), 1);
        vm.assertEq(released(cycle), 7);
        vm.assertEq(ledger.getCycle(cycle).decision, digest);
        vm.assertEq(ledger.head(), head);
    }

    function test_a_decision_sent_again_changes_nothing_even_when_superseded() public {
        bytes32 cycle = releasable();
        bytes memory first = encode(decision(cycle, RELEASE, trays(4)));
        relay(address(ledger), first);
        relayWithoutEffect(address(ledger), first);
        send(decision(cycle, HOLD, none()));
        relayWithoutEffect(address(ledger), first);
        vm.assertEq(stateOf(cycle), 6);
        vm.assertEq(released(cycle), 4);
    }

    function test_each_kind_of_first_release_needs_an_ending() public {
        bytes32 cycle = opened();
        send(declaration(cycle, totals(10, 4)));
        for (uint8 kind = RELEASE; kind <= EMERGENCY; ++kind) {
            ICycleLedger.CycleDecision memory operation = decision(cycle, kind, trays(1));
            refuse(operation, notAllowed(digestOf(operation), "outcome", 0));
        }
    }

    function test_only_a_completed_cycle_is_released() public {
        bytes32 cycle = opened();
        send(declaration(cycle, totals(10, 4)));
        for (uint8 outcome = ABORTED; outcome <= UNKNOWN; ++outcome) {
            send(ending(cycle, outcome, NOT_COMPUTED));
            ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
            refuse(operation, notAllowed(digestOf(operation), "outcome", outcome));
        }
    }

    function test_a_failed_verdict_is_never_released() public {
        bytes32 cycle = opened();
        send(ending(cycle, COMPLETED, FAILED));
        send(declaration(cycle, totals(10, 4)));
        ICycleLedger.CycleDecision memory operation = decision(cycle, EMERGENCY, trays(1));
        refuse(operation, notAllowed(digestOf(operation), "verdict", 2));
    }

    function test_an_undeclared_load_is_never_released() public {
        bytes32 cycle = opened();
        send(ending(cycle, COMPLETED, PASSED));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        refuse(operation, notAllowed(digestOf(operation), "load", 0));
    }

    function test_a_verdict_that_was_not_computed_leaves_the_decision_to_a_person() public {
        bytes32 cycle = opened();
        send(ending(cycle, COMPLETED, NOT_COMPUTED));
        send(declaration(cycle, totals(10, 4)));
        send(decision(cycle, RELEASE, trays(1)));
        vm.assertEq(stateOf(cycle), 1);
    }

    function test_a_first_release_needs_shares_and_only_adds() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, none());
        refuse(operation, outOfRange(digestOf(operation), "shares", 0, 1, 128));
        operation = decision(cycle, RELEASE, trays(4, -1));
        refuse(operation, outOfRange(digestOf(operation), "delta", -1, 1, type(int32).max));
        vm.assertEq(released(cycle), 0);
    }

    function test_a_pending_or_emergency_release_is_confirmed_without_shares() public {
        bytes32 cycle = releasable();
        send(decision(cycle, PENDING, trays(4)));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        refuse(operation, outOfRange(digestOf(operation), "shares", 1, 0, 0));
        send(decision(cycle, RELEASE, none()));
        vm.assertEq(stateOf(cycle), 1);
        vm.assertEq(released(cycle), 4);
    }

    function test_a_pending_release_is_not_confirmed_over_a_failed_verdict() public {
        bytes32 cycle = releasable();
        send(decision(cycle, PENDING, trays(4)));
        send(ending(cycle, COMPLETED, FAILED));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, none());
        refuse(operation, notAllowed(digestOf(operation), "verdict", 2));
    }

    function test_a_hold_is_not_lifted_back_to_released_over_a_failed_verdict() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4)));
        send(decision(cycle, HOLD, none()));
        send(ending(cycle, COMPLETED, FAILED));
        ICycleLedger.CycleDecision memory operation = decision(cycle, LIFT, none());
        refuse(operation, notAllowed(digestOf(operation), "verdict", 2));
        send(decision(cycle, RECALL, trays(-4)));
        vm.assertEq(stateOf(cycle), 9);
    }

    // ------------------------------------------------------------------------- after the release

    function test_a_correction_moves_shares_both_ways() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4, 3)));
        send(decision(cycle, CORRECT, trays(-2, 5)));
        vm.assertEq(stateOf(cycle), 1);
        vm.assertEq(released(cycle), 10);
    }

    function test_packages_move_between_owners_of_a_fully_released_load() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4, 6)));
        send(decision(cycle, CORRECT, trays(3, -3)));
        send(decision(cycle, CORRECT, trays(-7, 7)));
        vm.assertEq(released(cycle), 10);
    }

    function test_what_was_not_released_cannot_be_moved() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(3)));
        ICycleLedger.CycleDecision memory operation = decision(cycle, CORRECT, trays(4, -4));
        refuse(operation, notReleased(digestOf(operation), -1));
        operation = decision(cycle, CORRECT, trays(-1, 9));
        refuse(operation, notReleased(digestOf(operation), 11));
        vm.assertEq(released(cycle), 3);
    }

    function test_a_correction_adds_nothing_over_a_failed_verdict() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4)));
        send(ending(cycle, COMPLETED, FAILED));
        ICycleLedger.CycleDecision memory operation = decision(cycle, CORRECT, trays(1));
        refuse(operation, notAllowed(digestOf(operation), "verdict", 2));
        send(decision(cycle, CORRECT, trays(-1)));
        vm.assertEq(released(cycle), 3);
    }

    function test_a_recall_may_be_corrected_over_a_failed_verdict() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4)));
        send(ending(cycle, COMPLETED, FAILED));
        send(decision(cycle, RECALL, trays(-4)));
        send(decision(cycle, CORRECT, trays(1)));
        vm.assertEq(stateOf(cycle), 9);
        vm.assertEq(released(cycle), 1);
    }

    function test_a_corrected_rejection_is_undecided_and_takes_no_shares() public {
        bytes32 cycle = releasable();
        send(decision(cycle, REJECT, none()));
        ICycleLedger.CycleDecision memory operation = decision(cycle, CORRECT, trays(1));
        refuse(operation, outOfRange(digestOf(operation), "shares", 1, 0, 0));
        send(decision(cycle, CORRECT, none()));
        vm.assertEq(stateOf(cycle), 0);
        send(decision(cycle, RELEASE, trays(1)));
        vm.assertEq(stateOf(cycle), 1);
    }

    function test_rejecting_holding_and_lifting_take_no_shares() public {
        bytes32 cycle = releasable();
        refuseShares(cycle, REJECT);
        refuseShares(cycle, HOLD);
        send(decision(cycle, HOLD, none()));
        refuseShares(cycle, LIFT);
        refuseShares(cycle, REJECT);
    }

    function test_decision_kinds_are_one_to_eight() public {
        bytes32 cycle = releasable();
        for (uint8 kind = 0; kind <= 9; kind += 9) {
            ICycleLedger.CycleDecision memory operation = decision(cycle, kind, none());
            refuse(operation, outside(digestOf(operation), "kind", kind, 1, 8));
        }
    }

    // ---------------------------------------------------------------------------- what it judges

    function test_a_decision_names_the_current_ending_load_and_decision() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        (bytes32 ended, bytes32 load) = (operation.ending, operation.load);
        bytes32 newer = send(ending(cycle, COMPLETED, NOT_COMPUTED));
        refuse(operation, notCurrent(digestOf(operation), "ending", ended, newer));
        operation.ending = newer;
        newer = send(declaration(cycle, totals(9, 4)));
        refuse(operation, notCurrent(digestOf(operation), "load", load, newer));
        operation.load = newer;
        newer = send(decision(cycle, HOLD, none()));
        refuse(operation, notCurrent(digestOf(operation), "replaces", 0, newer));
    }

    function test_a_decision_over_nothing_is_refused_once_there_is_something() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, HOLD, none());
        bytes32 ended = operation.ending;
        operation.ending = 0;
        refuse(operation, notCurrent(digestOf(operation), "ending", 0, ended));
    }

    function test_a_decision_waits_for_what_it_judges() public {
        bytes32 cycle = opened();
        ICycleLedger.CycleDecision memory operation = decision(cycle, HOLD, none());
        operation.load = "not yet here";
        refuse(operation, notYetRecorded(digestOf(operation), "load", "not yet here"));
    }

    function test_a_cycle_is_held_and_rejected_before_it_ended() public {
        bytes32 cycle = opened();
        send(decision(cycle, HOLD, none()));
        send(decision(cycle, REJECT, none()));
        vm.assertEq(stateOf(cycle), 4);
    }

    // ------------------------------------------------------------------------------------ rights

    function test_deciding_is_a_right() public {
        bytes32 cycle = releasable();
        send(enrolment(mallory, Rights.RESULT));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        operation.signedBy = id(mallory);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(mallory), Rights.DECIDE, Rights.RESULT)
        );
    }

    function test_another_unit_cannot_decide() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, HOLD, none());
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "cycle", cycle, NORTH));
    }

    function test_an_unknown_cycle_is_waited_for() public {
        ICycleLedger.CycleDecision memory operation = decision("unknown", HOLD, none());
        refuse(operation, unknown(digestOf(operation), "cycle", bytes32("unknown")));
    }

    // ------------------------------------------------------------------------------------ shares

    function test_owners_and_payers_are_admitted_and_not_closed() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        operation.shares[0].owner = 9;
        refuse(operation, unknown(digestOf(operation), "unit", unitId(9)));
        (operation.shares[0].owner, operation.shares[0].payer) = (NORTH, 9);
        refuse(operation, unknown(digestOf(operation), "unit", unitId(9)));
        send(closure(SOUTH));
        operation.shares[0].payer = SOUTH;
        refuse(operation, notAllowed(digestOf(operation), "unit", 2));
        (operation.shares[0].owner, operation.shares[0].payer) = (SOUTH, NORTH);
        refuse(operation, notAllowed(digestOf(operation), "unit", 2));
    }

    function test_a_closed_unit_is_taken_back_from_but_given_nothing() public {
        bytes32 cycle = releasable();
        ICycleLedger.Share[] memory lines = trays(4, 3);
        lines[0].payer = SOUTH;
        send(decision(cycle, RELEASE, lines));
        send(closure(SOUTH));
        (lines[0].delta, lines[1].delta) = (-1, 1);
        ICycleLedger.CycleDecision memory operation = decision(cycle, CORRECT, lines);
        refuse(operation, notAllowed(digestOf(operation), "unit", 2));
        (lines[0].delta, lines[1].delta) = (1, -1);
        operation = decision(cycle, CORRECT, lines);
        refuse(operation, notAllowed(digestOf(operation), "unit", 2));
        (lines[0].delta, lines[1].delta) = (-4, -3);
        send(decision(cycle, RECALL, lines));
        vm.assertEq(released(cycle), 0);
    }

    function test_nothing_is_taken_back_from_an_unknown_unit() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4)));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RECALL, trays(-1));
        operation.shares[0].owner = 9;
        refuse(operation, unknown(digestOf(operation), "unit", unitId(9)));
        (operation.shares[0].owner, operation.shares[0].payer) = (NORTH, 9);
        refuse(operation, unknown(digestOf(operation), "unit", unitId(9)));
    }

    function test_shares_ascend_by_owner_payer_and_class() public {
        checkOrder([[uint32(1), 1, TRAY], [uint32(1), 1, POUCH]], true);
        checkOrder([[uint32(1), 1, POUCH], [uint32(1), 2, TRAY]], true);
        checkOrder([[uint32(1), 2, POUCH], [uint32(2), 1, TRAY]], true);
        checkOrder([[uint32(1), 1, TRAY], [uint32(1), 1, TRAY]], false);
        checkOrder([[uint32(1), 1, POUCH], [uint32(1), 1, TRAY]], false);
        checkOrder([[uint32(1), 2, TRAY], [uint32(1), 1, POUCH]], false);
        checkOrder([[uint32(2), 1, TRAY], [uint32(1), 2, POUCH]], false);
    }

    function test_a_share_moves_something() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(0));
        refuse(operation, outOfRange(digestOf(operation), "delta", 0, 1, type(int32).max));
    }

    function test_a_share_is_of_a_declared_class() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(1));
        operation.shares[0].packageClass = 8;
        refuse(operation, outOfRange(digestOf(operation), "released", 1, 0, 0));
    }

    function test_no_more_than_the_total_is_released_over_all_shares() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(6, 5));
        refuse(operation, notReleased(digestOf(operation), 11));
        vm.assertEq(released(cycle), 0);
    }

    function test_no_more_is_taken_back_than_was_released() public {
        bytes32 cycle = releasable();
        send(decision(cycle, RELEASE, trays(4)));
        ICycleLedger.CycleDecision memory operation = decision(cycle, RECALL, trays(-5));
        refuse(operation, notReleased(digestOf(operation), -1));
    }

    function test_a_decision_has_at_most_128_shares() public {
        bytes32 cycle = releasable();
        ICycleLedger.CycleDecision memory operation = decision(
            cycle,
            RELEASE,
            new ICycleLedger.Share[](129)
        );
        refuse(operation, outside(digestOf(operation), "shares", 129, 1, 128));
    }

    function test_fuzz_what_is_released_stays_within_the_total(int32 first, int32 second) public {
        bytes32 cycle = releasable();
        vm.assume(first != 0 && second != 0);
        ICycleLedger.CycleDecision memory operation = decision(cycle, RELEASE, trays(first));
        if (first < 0) {
            refuse(operation, outOfRange(digestOf(operation), "delta", first, 1, type(int32).max));
            return;
        }
        if (first > 10) {
            refuse(operation, notReleased(digestOf(operation), first));
            return;
        }
        send(operation);
        operation = decision(cycle, CORRECT, trays(second));
        int256 sum = int256(first) + second;
        if (sum < 0 || sum > 10) refuse(operation, notReleased(digestOf(operation), sum));
        else send(operation);
        vm.assertLe(released(cycle), 10);
    }

    function test_fuzz_small_deltas_add_up(int8 first, int8 second) public {
        test_fuzz_what_is_released_stays_within_the_total(first % 16, second % 16);
    }

    // ----------------------------------------------------------------------------------- helpers

    function refuseShares(bytes32 cycle, uint8 kind) private {
        ICycleLedger.CycleDecision memory operation = decision(cycle, kind, trays(1));
        refuse(operation, outOfRange(digestOf(operation), "shares", 1, 0, 0));
    }

    /// Tries one release with these two lines, (owner, payer, class) each, on a cycle of its own.
    function checkOrder(uint32[3][2] memory lines, bool accepted) private {
        bytes32 cycle = inState(++_opened, 0);
        ICycleLedger.CycleDecision memory operation = decision(
            cycle,
            RELEASE,
            new ICycleLedger.Share[](2)
        );
        for (uint256 i = 0; i < 2; ++i) {
            operation.shares[i] = ICycleLedger.Share(
                lines[i][0],
                lines[i][1],
                uint16(lines[i][2]),
                1
            );
        }
        if (accepted) {
            send(operation);
        } else {
            refuse(operation, outOfOrder(digestOf(operation), "shares", 1));
        }
    }

    function notReleased(bytes32 digest, int256 quantity) private pure returns (bytes memory) {
        return outOfRange(digest, "released", quantity, 0, 10);
    }
}

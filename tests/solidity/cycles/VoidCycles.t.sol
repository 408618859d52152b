// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract VoidCyclesTest is CycleBase {
    bytes32 private cycle;

    function setUp() public override {
        super.setUp();
        cycle = opened();
    }

    function test_a_void_opening_is_no_cycle() public {
        ICycleLedger.CycleVoid memory operation = voiding(1);
        bytes32 head = expectEvent(operation, cycle);
        send(operation);
        vm.assertEq(ledger.getCycle(cycle).unit, 0);
        vm.assertEq(ledger.head(), head);
        ICycleLedger.CycleEnding memory late = ending(cycle, COMPLETED, PASSED);
        refuse(late, unknown(digestOf(late), "cycle", cycle));
        refuseCall(
            address(ledger),
            abi.encodeCall(ICycleLedger.requireCycle, (RECORD, cycle, NORTH)),
            unknown(RECORD, "cycle", cycle)
        );
    }

    function test_its_number_may_be_opened_again() public {
        send(voiding(1));
        bytes32 second = send(another("second"));
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycle);
        vm.assertEq(stored.opening, bytes23(second));
        vm.assertEq(stored.unit, NORTH);
        ICycleLedger.CycleOpening memory third = another("third");
        refuse(third, alreadyRecorded(digestOf(third), "cycle", cycle));
        send(ending(cycle, COMPLETED, PASSED));
        vm.assertEq(ledger.getCycle(cycle).outcome, COMPLETED);
    }

    function test_a_void_opening_sent_again_opens_nothing() public {
        bytes memory first = encode(opening(1));
        bytes memory second = encode(another("second"));
        send(voiding(1));
        relayWithoutEffect(address(ledger), first);
        vm.assertEq(ledger.getCycle(cycle).unit, 0);

        relay(address(ledger), second);
        relayWithoutEffect(address(ledger), first);
        send(voidOf(another("second")));
        relayWithoutEffect(address(ledger), first);
        relayWithoutEffect(address(ledger), second);
        vm.assertEq(ledger.getCycle(cycle).unit, 0);
    }

    function test_a_void_sent_again_changes_nothing() public {
        bytes memory call = encode(voiding(1));
        relay(address(ledger), call);
        relayWithoutEffect(address(ledger), call);
        send(another("second"));
        relayWithoutEffect(address(ledger), call);
        vm.assertEq(ledger.getCycle(cycle).unit, NORTH);
    }

    function test_an_opening_is_taken_back_once() public {
        send(voiding(1));
        ICycleLedger.CycleVoid memory operation = voiding(1);
        operation.record = "another reason";
        refuse(operation, alreadyRecorded(digestOf(operation), "opening", operation.opening));
    }

    function test_an_opening_that_something_follows_stays() public {
        bytes32 follows = send(ending(cycle, COMPLETED, PASSED));
        ICycleLedger.CycleVoid memory operation = voiding(1);
        refuse(operation, notAllowed(digestOf(operation), "ending", uint256(follows)));

        send(opening(2));
        follows = send(declaration(cycleId(2), onlyTrays(1)));
        operation = voiding(2);
        refuse(operation, notAllowed(digestOf(operation), "load", uint256(follows)));

        send(opening(3));
        follows = send(decision(cycleId(3), HOLD, none()));
        operation = voiding(3);
        refuse(operation, notAllowed(digestOf(operation), "decision", uint256(follows)));
        vm.assertEq(ledger.getCycle(cycleId(3)).unit, NORTH);
    }

    function test_a_void_names_the_opening_that_stands() public {
        ICycleLedger.CycleVoid memory operation = voiding(1);
        bytes32 standing = bytes32(bytes23(operation.opening));
        operation.opening = "another";
        refuse(operation, notCurrent(digestOf(operation), "opening", "another", standing));
    }

    function test_a_void_waits_for_its_opening() public {
        ICycleLedger.CycleVoid memory operation = voiding(2);
        refuse(operation, unknown(digestOf(operation), "cycle", cycleId(2)));
        send(opening(2));
        send(operation);
        vm.assertEq(ledger.getCycle(cycleId(2)).unit, 0);
    }

    function test_another_unit_cannot_take_an_opening_back() public {
        ICycleLedger.CycleVoid memory operation = voiding(1);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "cycle", cycle, NORTH));
    }

    function test_taking_an_opening_back_is_the_right_to_open() public {
        send(enrolment(mallory, Rights.RESULT));
        ICycleLedger.CycleVoid memory operation = voiding(1);
        operation.signedBy = id(mallory);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(mallory), Rights.OPEN, Rights.RESULT)
        );
    }

    function another(bytes32 record) private view returns (ICycleLedger.CycleOpening memory act) {
        act = opening(1);
        act.record = record;
    }

    function voidOf(
        ICycleLedger.CycleOpening memory taken
    ) private view returns (ICycleLedger.CycleVoid memory act) {
        act = voiding(1);
        act.opening = digestOf(taken);
    }
}

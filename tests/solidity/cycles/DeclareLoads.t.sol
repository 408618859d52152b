// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract DeclareLoadsTest is CycleBase {
    bytes32 private cycle;

    function setUp() public override {
        super.setUp();
        cycle = opened();
    }

    function test_a_declared_load_has_its_totals() public {
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, totals(10, 4));
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, cycle);
        send(operation);
        (uint32 declared, uint32 released_) = ledger.getTotal(cycle, POUCH);
        vm.assertEq(declared, 4);
        vm.assertEq(released_, 0);
        vm.assertEq(ledger.getCycle(cycle).load, digest);
        vm.assertEq(ledger.getCycle(cycle).classes, 2);
        vm.assertEq(ledger.head(), head);
    }

    function test_a_declaration_sent_again_changes_nothing_even_when_superseded() public {
        bytes memory first = encode(declaration(cycle, totals(10, 4)));
        relay(address(ledger), first);
        relayWithoutEffect(address(ledger), first);
        send(declaration(cycle, totals(1, 1)));
        relayWithoutEffect(address(ledger), first);
        (uint32 declared, ) = ledger.getTotal(cycle, TRAY);
        vm.assertEq(declared, 1);
    }

    function test_an_amendment_lists_every_class_ever_declared() public {
        send(declaration(cycle, totals(10, 4)));
        ICycleLedger.LoadDeclaration memory partly = declaration(cycle, onlyTrays(10));
        refuse(partly, outOfRange(digestOf(partly), "known classes", 1, 2, 2));
        send(declaration(cycle, totals(10, 0)));
        partly = declaration(cycle, onlyTrays(10));
        refuse(partly, outOfRange(digestOf(partly), "known classes", 1, 2, 2));
    }

    function test_an_amendment_may_add_a_class() public {
        send(declaration(cycle, onlyTrays(10)));
        send(declaration(cycle, totals(10, 4)));
        (uint32 declared, ) = ledger.getTotal(cycle, POUCH);
        vm.assertEq(declared, 4);
        vm.assertEq(ledger.getCycle(cycle).classes, 2);
    }

    function test_an_amendment_names_the_current_declaration() public {
        ICycleLedger.LoadDeclaration memory blind = declaration(cycle, onlyTrays(3));
        bytes32 first = send(declaration(cycle, totals(10, 4)));
        refuse(blind, notCurrent(digestOf(blind), "replaces", 0, first));
    }

    function test_an_amendment_never_falls_below_what_is_released() public {
        send(ending(cycle, COMPLETED, PASSED));
        send(declaration(cycle, totals(10, 4)));
        send(decision(cycle, RELEASE, trays(6)));
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, totals(5, 4));
        refuse(operation, outside(digestOf(operation), "quantity", 5, 6, type(uint32).max));
        send(declaration(cycle, totals(6, 0)));
        (uint32 declared, uint32 released_) = ledger.getTotal(cycle, TRAY);
        vm.assertEq(declared, 6);
        vm.assertEq(released_, 6);
    }

    function test_a_new_class_needs_a_quantity() public {
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, totals(10, 0));
        refuse(operation, outside(digestOf(operation), "quantity", 0, 1, type(uint32).max));
    }

    function test_classes_ascend() public {
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, totals(10, 4));
        operation.totals[1].packageClass = TRAY;
        refuse(operation, outOfOrder(digestOf(operation), "totals", 1));
    }

    function test_a_load_has_one_to_sixty_four_classes() public {
        ICycleLedger.LoadDeclaration memory operation = declaration(
            cycle,
            new ICycleLedger.ClassTotal[](0)
        );
        refuse(operation, outside(digestOf(operation), "totals", 0, 1, 64));
        operation.totals = many(65);
        refuse(operation, outside(digestOf(operation), "totals", 65, 1, 64));
        operation.totals = many(64);
        send(operation);
        vm.assertEq(ledger.getCycle(cycle).classes, 64);
    }

    function test_loading_is_a_right() public {
        send(enrolment(mallory, Rights.OPEN));
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, onlyTrays(1));
        operation.signedBy = id(mallory);
        refuse(operation, rightMissing(digestOf(operation), id(mallory), Rights.LOAD, Rights.OPEN));
    }

    function test_another_unit_cannot_declare_the_load() public {
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, onlyTrays(1));
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "cycle", cycle, NORTH));
    }

    function test_fuzz_a_declared_quantity_is_stored(uint16 packageClass, uint32 quantity) public {
        vm.assume(quantity != 0);
        ICycleLedger.LoadDeclaration memory operation = declaration(cycle, onlyTrays(quantity));
        operation.totals[0].packageClass = packageClass;
        send(operation);
        (uint32 declared, ) = ledger.getTotal(cycle, packageClass);
        vm.assertEq(declared, quantity);
    }

    function many(uint16 count) private pure returns (ICycleLedger.ClassTotal[] memory lines) {
        lines = new ICycleLedger.ClassTotal[](count);
        for (uint16 i = 0; i < count; ++i) lines[i] = ICycleLedger.ClassTotal(i, 1);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract ChangeEquipmentTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_a_changed_machine_has_its_new_state_and_epoch() public {
        IUnitRegistry.EquipmentChange memory operation = change(2, 4);
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, sterilizer);
        send(operation);
        (uint32 unit, uint8 state, uint32 epoch, bytes32 latest, uint32 first) = registry
            .getEquipment(sterilizer);
        vm.assertEq(unit, NORTH);
        vm.assertEq(state, 2);
        vm.assertEq(epoch, 4);
        vm.assertEq(first, 1);
        vm.assertEq(latest, digest);
        vm.assertEq(registry.head(), head);
    }

    function test_a_change_sent_again_changes_nothing() public {
        bytes memory first = encode(change(2, 1));
        relay(address(registry), first);
        send(change(1, 1));
        relayWithoutEffect(address(registry), first);
        (, uint8 state, , , ) = registry.getEquipment(sterilizer);
        vm.assertEq(state, 1);
    }

    function test_a_machine_comes_back_into_service() public {
        send(change(2, 1));
        send(change(1, 1));
        (, uint8 state, , , ) = registry.getEquipment(sterilizer);
        vm.assertEq(state, 1);
    }

    function test_a_retired_machine_stays_retired() public {
        send(change(3, 1));
        IUnitRegistry.EquipmentChange memory operation = change(1, 1);
        refuse(operation, notAllowed(digestOf(operation), "equipment", 3));
    }

    function test_an_epoch_never_falls() public {
        send(change(1, 5));
        IUnitRegistry.EquipmentChange memory operation = change(1, 4);
        refuse(operation, outside(digestOf(operation), "epoch", 4, 5, type(uint32).max));
    }

    function test_a_change_replaces_the_latest_one() public {
        IUnitRegistry.EquipmentChange memory stale = change(2, 9);
        bytes32 latest = send(change(2, 1));
        refuse(stale, notCurrent(digestOf(stale), "replaces", stale.replaces, latest));
        stale.replaces = 0;
        refuse(stale, notCurrent(digestOf(stale), "replaces", 0, latest));
    }

    function test_a_change_waits_for_the_one_that_it_replaces() public {
        IUnitRegistry.EquipmentChange memory early = change(1, 1);
        early.replaces = "not yet here";
        refuse(early, notYetRecorded(digestOf(early), "replaces", bytes32("not yet here")));
    }

    function test_another_units_machine_cannot_be_changed() public {
        IUnitRegistry.EquipmentChange memory operation = change(3, 1);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        refuse(operation, ofAnotherUnit(digestOf(operation), "equipment", sterilizer, NORTH));
    }

    function test_an_unknown_machine_cannot_be_changed_yet() public {
        IUnitRegistry.EquipmentChange memory operation = change(3, 1);
        operation.equipment = "unknown";
        refuse(operation, unknown(digestOf(operation), "equipment", bytes32("unknown")));
    }

    function test_fuzz_only_known_states_are_accepted(uint8 state) public {
        IUnitRegistry.EquipmentChange memory operation = change(state, 1);
        if (state >= 1 && state <= 3) {
            send(operation);
            (, uint8 stored, , , ) = registry.getEquipment(sterilizer);
            vm.assertEq(stored, state);
        } else {
            refuse(operation, outside(digestOf(operation), "state", state, 1, 3));
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract RegisterEquipmentTest is Base {
    function setUp() public override {
        super.setUp();
        send(admission(NORTH, nora));
        send(admission(SOUTH, sam));
    }

    function test_a_registered_machine_is_in_service_in_its_epoch() public {
        IUnitRegistry.EquipmentRegistration memory operation = registration(SERIAL);
        (operation.kind, operation.epoch) = (2, 7);
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, sterilizer);
        send(operation);
        (uint32 unit, uint8 state, uint32 epoch, bytes32 latest, uint32 first) = registry
            .getEquipment(sterilizer);
        vm.assertEq(unit, NORTH);
        vm.assertEq(state, 1);
        vm.assertEq(epoch, 7);
        vm.assertEq(first, 7);
        vm.assertEq(latest, digest);
        vm.assertEq(registry.head(), head);
        registry.requireOwner(digest, sterilizer, NORTH, 7);
    }

    function test_a_registration_sent_again_changes_nothing() public {
        send(registration(SERIAL));
        relayWithoutEffect(address(registry), encode(registration(SERIAL)));
    }

    function test_a_serial_is_registered_once_in_a_unit() public {
        send(registration(SERIAL));
        IUnitRegistry.EquipmentRegistration memory operation = registration(SERIAL);
        operation.epoch = 2;
        refuse(operation, alreadyRecorded(digestOf(operation), "equipment", sterilizer));
    }

    function test_another_unit_may_register_the_same_serial() public {
        send(registration(SERIAL));
        IUnitRegistry.EquipmentRegistration memory operation = registration(SERIAL);
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        send(operation);
        (uint32 unit, , , , ) = registry.getEquipment(equipmentId(SOUTH, SERIAL));
        vm.assertEq(unit, SOUTH);
    }

    function test_only_an_administrator_registers() public {
        send(enrolment(oscar, Rights.OPEN));
        IUnitRegistry.EquipmentRegistration memory operation = registration(SERIAL);
        operation.signedBy = id(oscar);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(oscar), Rights.ADMINISTER, Rights.OPEN)
        );
    }

    function test_fuzz_only_known_kinds_are_registered(uint8 kind) public {
        IUnitRegistry.EquipmentRegistration memory operation = registration(SERIAL);
        operation.kind = kind;
        if (kind == 1 || kind == 2) {
            send(operation);
        } else {
            refuse(operation, outside(digestOf(operation), "kind", kind, 1, 2));
        }
    }
}

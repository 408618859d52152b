// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract RequireOwnerTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_the_units_own_machine_passes_whatever_became_of_it() public {
        for (uint8 state = 1; state <= 3; ++state) {
            send(change(state, 1));
            registry.requireOwner(RECORD, sterilizer, NORTH, 1);
            registry.requireEquipment(RECORD, sterilizer, NORTH);
        }
    }

    function test_an_unknown_machine_is_waited_for() public {
        check("unknown", NORTH, 1, unknown(RECORD, "equipment", "unknown"));
        checkMachine("unknown", NORTH, unknown(RECORD, "equipment", "unknown"));
    }

    function test_another_units_machine_is_refused() public {
        check(sterilizer, SOUTH, 1, ofAnotherUnit(RECORD, "equipment", sterilizer, NORTH));
        checkMachine(sterilizer, SOUTH, ofAnotherUnit(RECORD, "equipment", sterilizer, NORTH));
    }

    function test_every_epoch_from_the_first_to_the_current_one_passes() public {
        IUnitRegistry.EquipmentRegistration memory operation = registration("another");
        operation.epoch = 3;
        send(operation);
        bytes32 machine = equipmentId(NORTH, "another");
        check(machine, NORTH, 2, outside(RECORD, "epoch", 2, 3, 3));
        registry.requireOwner(RECORD, machine, NORTH, 3);
        check(machine, NORTH, 4, tooEarly(RECORD, "epoch", 4));

        (sterilizer, operation.epoch) = (machine, 5);
        send(change(1, 5));
        for (uint32 epoch = 3; epoch <= 5; ++epoch) {
            registry.requireOwner(RECORD, machine, NORTH, epoch);
        }
        check(machine, NORTH, 2, outside(RECORD, "epoch", 2, 3, 5));
        check(machine, NORTH, 6, tooEarly(RECORD, "epoch", 6));
    }

    function test_an_admitted_unit_passes_and_others_do_not() public {
        registry.requireAdmitted(RECORD, SOUTH);
        bytes memory ofNine = abi.encodeCall(IUnitRegistry.requireAdmitted, (RECORD, 9));
        refuseCall(address(registry), ofNine, unknown(RECORD, "unit", unitId(9)));
        send(closure(SOUTH));
        bytes memory ofSouth = abi.encodeCall(IUnitRegistry.requireAdmitted, (RECORD, SOUTH));
        refuseCall(address(registry), ofSouth, notAllowed(RECORD, "unit", 2));
    }

    function test_a_unit_that_was_admitted_stays_known() public {
        registry.requireKnown(RECORD, SOUTH);
        send(closure(SOUTH));
        registry.requireKnown(RECORD, SOUTH);
        bytes memory ofNine = abi.encodeCall(IUnitRegistry.requireKnown, (RECORD, 9));
        refuseCall(address(registry), ofNine, unknown(RECORD, "unit", unitId(9)));
    }

    function test_the_authoritys_signature_is_looked_at_for_any_ledger() public {
        bytes memory good = signature(authority, RECORD);
        registry.requireAuthority(RECORD, NOW + 300, good);
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireAuthority, (RECORD, NOW + 301, good)),
            tooEarly(RECORD, "signedAt", NOW + 1)
        );
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireAuthority, (SERIAL, NOW, good)),
            signatureInvalid(SERIAL, 0)
        );
    }

    function check(bytes32 equipment, uint32 unit, uint32 epoch, bytes memory expected) private {
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireOwner, (RECORD, equipment, unit, epoch)),
            expected
        );
    }

    function checkMachine(bytes32 equipment, uint32 unit, bytes memory expected) private {
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireEquipment, (RECORD, equipment, unit)),
            expected
        );
    }
}

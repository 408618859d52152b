// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract RequireInServiceTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_a_machine_in_service_in_its_epoch_passes() public view {
        registry.requireInService(RECORD, sterilizer, NORTH, 1);
    }

    function test_an_unknown_machine_is_waited_for() public {
        check(
            "unknown",
            NORTH,
            1,
            abi.encodeWithSelector(
                IUnitRegistry.EquipmentUnknown.selector,
                RECORD,
                bytes32("unknown")
            )
        );
    }

    function test_another_units_machine_is_refused() public {
        check(
            sterilizer,
            SOUTH,
            1,
            abi.encodeWithSelector(
                IUnitRegistry.EquipmentOfOtherUnit.selector,
                RECORD,
                sterilizer,
                NORTH
            )
        );
    }

    function test_a_machine_out_of_service_is_waited_for() public {
        send(change(2, 1));
        check(
            sterilizer,
            NORTH,
            1,
            abi.encodeWithSelector(IUnitRegistry.EquipmentOutOfService.selector, RECORD, sterilizer)
        );
    }

    function test_a_retired_machine_is_refused() public {
        send(change(3, 1));
        check(
            sterilizer,
            NORTH,
            1,
            abi.encodeWithSelector(IUnitRegistry.EquipmentIsRetired.selector, RECORD, sterilizer)
        );
    }

    function test_an_epoch_that_passed_is_refused_and_one_to_come_is_waited_for() public {
        send(change(1, 5));
        check(
            sterilizer,
            NORTH,
            4,
            abi.encodeWithSelector(IUnitRegistry.EpochPassed.selector, RECORD, sterilizer, 4, 5)
        );
        check(
            sterilizer,
            NORTH,
            6,
            abi.encodeWithSelector(IUnitRegistry.EpochNotReached.selector, RECORD, sterilizer, 6, 5)
        );
    }

    function test_an_admitted_unit_passes_and_others_do_not() public {
        registry.requireAdmitted(RECORD, SOUTH);
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireAdmitted, (RECORD, 9)),
            abi.encodeWithSelector(IUnitRegistry.UnitUnknown.selector, RECORD, 9)
        );
        send(closure(SOUTH));
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireAdmitted, (RECORD, SOUTH)),
            abi.encodeWithSelector(IUnitRegistry.UnitIsClosed.selector, RECORD, SOUTH)
        );
    }

    function test_a_unit_that_was_admitted_stays_known() public {
        registry.requireKnown(RECORD, SOUTH);
        send(closure(SOUTH));
        registry.requireKnown(RECORD, SOUTH);
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireKnown, (RECORD, 9)),
            abi.encodeWithSelector(IUnitRegistry.UnitUnknown.selector, RECORD, 9)
        );
    }

    function check(bytes32 equipment, uint32 unit, uint32 epoch, bytes memory expected) private {
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.requireInService, (RECORD, equipment, unit, epoch)),
            expected
        );
    }
}

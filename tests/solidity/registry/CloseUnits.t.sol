// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract CloseUnitsTest is Base {
    function test_a_closed_unit_is_no_longer_admitted() public {
        send(admission(NORTH, nora));
        IUnitRegistry.UnitClosure memory operation = closure(NORTH);
        bytes32 head = expectEvent(operation, unitId(NORTH));
        send(operation);
        vm.assertFalse(registry.isAdmitted(NORTH));
        vm.assertEq(registry.head(), head);
    }

    function test_a_closed_unit_keeps_its_history() public {
        settle();
        send(closure(NORTH));
        (uint32 unit, , , , ) = registry.getSigner(id(oscar));
        (uint32 owner, uint8 state, , , ) = registry.getEquipment(sterilizer);
        vm.assertEq(unit, NORTH);
        vm.assertEq(owner, NORTH);
        vm.assertEq(state, 1);
    }

    function test_a_closed_units_signers_can_do_nothing() public {
        settle();
        bytes32 cycle = cycleId(sterilizer, 1, 1);
        send(opening(1));
        send(closure(NORTH));
        refuse(revocation(oscar), unitIsClosed(digestOf(revocation(oscar))));
        refuse(registration("another"), unitIsClosed(digestOf(registration("another"))));
        refuse(opening(2), unitIsClosed(digestOf(opening(2))));
        refuse(ending(cycle, 1, 1), unitIsClosed(digestOf(ending(cycle, 1, 1))));
        refuse(erasure("subject"), unitIsClosed(digestOf(erasure("subject"))));
    }

    function test_a_closure_sent_again_changes_nothing() public {
        send(admission(NORTH, nora));
        send(closure(NORTH));
        relayWithoutEffect(address(registry), encode(closure(NORTH)));
    }

    function test_a_closed_unit_is_not_closed_again() public {
        send(admission(NORTH, nora));
        send(closure(NORTH));
        IUnitRegistry.UnitClosure memory operation = closure(NORTH);
        operation.record = "another";
        refuse(operation, unitIsClosed(digestOf(operation)));
    }

    function test_an_unknown_unit_cannot_be_closed_yet() public {
        IUnitRegistry.UnitClosure memory operation = closure(NORTH);
        refuse(operation, unknown(digestOf(operation), "unit", unitId(NORTH)));
    }

    function test_an_administrator_cannot_close_its_unit() public {
        send(admission(NORTH, nora));
        IUnitRegistry.UnitClosure memory operation = closure(NORTH);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.closeUnits,
                (one(operation), one(signature(nora, digest)))
            ),
            signatureInvalid(digest, 0)
        );
    }

    function unitIsClosed(bytes32 digest) private pure returns (bytes memory) {
        return notAllowed(digest, "unit", 2);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract CompleteRecoveryTest is Base {
    bytes32 private proposed;

    function setUp() public override {
        super.setUp();
        settle();
        send(revocation(nora));
        proposed = send(proposal(mallory));
    }

    function test_anybody_completes_a_recovery_after_seven_days() public {
        vm.warp(NOW + 7 days + 1);
        bytes32 head = fold(registry.head(), completionOf(proposed));
        vm.expectEmit(address(registry));
        emit IUnitRegistry.RecoveryCompleted(proposed, id(mallory), NORTH, head);
        registry.completeRecovery(proposed);
        vm.assertEq(registry.head(), head);
        vm.assertTrue(registry.isRecorded(completionOf(proposed)));
        (, uint8 state, , ) = registry.getRecovery(proposed);
        vm.assertEq(state, 3);
        (uint32 unit, uint32 rights, uint64 from, uint64 until, ) = registry.getSigner(id(mallory));
        vm.assertEq(unit, NORTH);
        vm.assertEq(rights, Rights.ADMINISTER);
        vm.assertEq(from, NOW);
        vm.assertEq(until, 0);
    }

    function test_the_recovered_administrator_acts_for_its_unit() public {
        vm.warp(NOW + 7 days + 1);
        registry.completeRecovery(proposed);
        IUnitRegistry.SignerRevocation memory operation = revocation(oscar);
        operation.signedBy = id(mallory);
        send(operation);
        (, , , , bool revoked) = registry.getSigner(id(oscar));
        vm.assertTrue(revoked);
    }

    function test_a_completed_recovery_is_completed_once() public {
        vm.warp(NOW + 7 days + 1);
        registry.completeRecovery(proposed);
        relayWithoutEffect(address(registry), complete());
    }

    function test_a_recovery_waits_seven_days() public {
        vm.warp(NOW + 7 days);
        refuseCall(address(registry), complete(), tooEarly(proposed, "recovery", NOW + 7 days + 1));
    }

    function test_a_closed_unit_is_not_recovered() public {
        send(closure(NORTH));
        vm.warp(NOW + 7 days + 1);
        refuseCall(address(registry), complete(), notAllowed(proposed, "unit", 2));
    }

    function test_an_unknown_recovery_is_waited_for() public {
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.completeRecovery, ("unknown")),
            unknown(bytes32("unknown"), "recovery", bytes32("unknown"))
        );
    }

    function test_a_key_enrolled_in_the_meantime_is_not_enrolled_again() public {
        send(admission(3, mallory));
        vm.warp(NOW + 7 days + 1);
        refuseCall(address(registry), complete(), alreadyRecorded(proposed, "signer", id(mallory)));
    }

    function complete() private view returns (bytes memory) {
        return abi.encodeCall(IUnitRegistry.completeRecovery, (proposed));
    }
}

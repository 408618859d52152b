// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract OpenCyclesTest is CycleBase {
    function test_an_opened_cycle_is_stored_under_its_computed_id() public {
        ICycleLedger.CycleOpening memory operation = opening(13);
        operation.startedAt = NOW + 99 days; // a machine's clock is a claim
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, cycleId(13));
        send(operation);
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycleId(13));
        vm.assertEq(stored.opening, bytes23(digest));
        vm.assertEq(stored.unit, NORTH);
        vm.assertEq(stored.state, 0);
        vm.assertEq(stored.ending, 0);
        vm.assertEq(ledger.head(), head);
    }

    function test_an_opening_sent_again_changes_nothing() public {
        send(opening(1));
        send(opening(2));
        relayWithoutEffect(address(ledger), encode(opening(1)));
    }

    function test_the_same_opening_twice_in_a_batch_is_one() public {
        ICycleLedger.CycleOpening[] memory batch = new ICycleLedger.CycleOpening[](2);
        Proof[] memory proofs = new Proof[](2);
        for (uint256 i = 0; i < 2; ++i) {
            batch[i] = opening(1);
            proofs[i] = proof(oscar, digestOf(batch[i]));
        }
        ledger.openCycles(batch, proofs);
        vm.assertEq(ledger.head(), fold(0, digestOf(batch[0])));
    }

    function test_a_number_with_another_content_is_a_conflict() public {
        send(opening(1));
        ICycleLedger.CycleOpening memory operation = opening(1);
        operation.record = "another";
        refuse(operation, alreadyRecorded(digestOf(operation), "cycle", cycleId(1)));
    }

    function test_numbers_are_opened_in_any_order() public {
        uint64[5] memory numbers = [uint64(17), 13, 15, type(uint64).max, 1];
        bytes32 head = 0;
        for (uint256 i = 0; i < numbers.length; ++i) {
            head = fold(head, send(opening(numbers[i])));
            vm.assertEq(ledger.getCycle(cycleId(numbers[i])).unit, NORTH);
        }
        vm.assertEq(ledger.head(), head);
    }

    function test_a_number_is_another_cycle_in_another_epoch() public {
        send(opening(3));
        send(change(1, 2));
        ICycleLedger.CycleOpening memory operation = opening(3);
        operation.epoch = 2;
        send(operation);
        vm.assertEq(
            ledger.getCycle(cycleId(sterilizer, 2, 3)).opening,
            bytes23(digestOf(operation))
        );
        vm.assertEq(ledger.getCycle(cycleId(3)).opening, bytes23(digestOf(opening(3))));
    }

    function test_numbers_start_at_one() public {
        ICycleLedger.CycleOpening memory operation = opening(0);
        refuse(operation, outside(digestOf(operation), "number", 0, 1, type(uint64).max));
    }

    function test_opening_is_a_right() public {
        send(enrolment(mallory, Rights.DECIDE));
        ICycleLedger.CycleOpening memory operation = opening(1);
        operation.signedBy = id(mallory);
        refuse(
            operation,
            rightMissing(digestOf(operation), id(mallory), Rights.OPEN, Rights.DECIDE)
        );
    }

    function test_another_units_machine_cannot_be_opened() public {
        ICycleLedger.CycleOpening memory operation = opening(1);
        IUnitRegistry.SignerEnrolment memory souths = enrolment(mallory, Rights.OPEN);
        (souths.unit, souths.signedBy) = (SOUTH, id(sam));
        send(souths);
        (operation.unit, operation.signedBy) = (SOUTH, id(mallory));
        refuse(operation, ofAnotherUnit(digestOf(operation), "equipment", sterilizer, NORTH));
    }

    function test_what_a_machine_did_is_recorded_whatever_became_of_it() public {
        send(change(2, 1));
        send(opening(1));
        send(change(3, 1));
        send(opening(2));
        vm.assertEq(ledger.getCycle(cycleId(2)).unit, NORTH);
    }

    function test_a_cycle_of_a_passed_epoch_is_opened_late_and_one_of_a_later_epoch_waits() public {
        send(change(1, 2));
        send(opening(1));
        ICycleLedger.CycleOpening memory operation = opening(1);
        operation.epoch = 3;
        refuse(operation, tooEarly(digestOf(operation), "epoch", 3));
        operation.epoch = 0;
        refuse(operation, outside(digestOf(operation), "epoch", 0, 1, 2));
    }

    function test_an_opening_of_another_chain_or_ledger_counts_for_nothing_here() public {
        bytes memory call = encode(opening(1));
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        refuseCall(address(ledger), call, signatureInvalid(digestOf(opening(1)), id(oscar)));
        vm.chainId(chain);
        ledger = deployLedger(registry);
        refuseCall(address(ledger), call, signatureInvalid(digestOf(opening(1)), id(oscar)));
    }

    function test_a_signature_for_one_cycle_is_none_for_another() public {
        ICycleLedger.CycleOpening memory operation = opening(2);
        bytes memory call = abi.encodeCall(
            ICycleLedger.openCycles,
            (one(operation), one(proof(oscar, digestOf(opening(1)))))
        );
        refuseCall(address(ledger), call, signatureInvalid(digestOf(operation), id(oscar)));
    }

    function test_a_refused_operation_undoes_its_batch() public {
        ICycleLedger.CycleOpening[] memory batch = new ICycleLedger.CycleOpening[](2);
        Proof[] memory proofs = new Proof[](2);
        (batch[0], batch[1]) = (opening(2), opening(0));
        for (uint256 i = 0; i < 2; ++i) proofs[i] = proof(oscar, digestOf(batch[i]));
        refuseCall(
            address(ledger),
            abi.encodeCall(ICycleLedger.openCycles, (batch, proofs)),
            outside(digestOf(batch[1]), "number", 0, 1, type(uint64).max)
        );
        vm.assertEq(ledger.getCycle(cycleId(2)).opening, 0);
    }

    function test_a_batch_has_a_proof_each_and_a_limit() public {
        refuseCall(
            address(ledger),
            abi.encodeCall(ICycleLedger.openCycles, (one(opening(1)), new Proof[](2))),
            batchInvalid(1, 2)
        );
        refuseCall(
            address(ledger),
            abi.encodeCall(
                ICycleLedger.openCycles,
                (new ICycleLedger.CycleOpening[](257), new Proof[](257))
            ),
            batchInvalid(257, 257)
        );
    }

    function test_fuzz_any_two_numbers_are_opened(uint64 first, uint64 second) public {
        vm.assume(first != 0 && second != 0 && first != second);
        bytes32 kept = send(opening(first));
        bytes32 added = send(opening(second));
        vm.assertEq(ledger.getCycle(cycleId(first)).opening, bytes23(kept));
        vm.assertEq(ledger.getCycle(cycleId(second)).opening, bytes23(added));
        vm.assertEq(ledger.head(), fold(fold(0, kept), added));
    }
}

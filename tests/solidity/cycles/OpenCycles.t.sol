// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Duties} from "../../../contracts/Duties.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IOperationLog} from "../../../contracts/interfaces/IOperationLog.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract OpenCyclesTest is CycleBase {
    function test_an_opened_cycle_is_stored_under_its_computed_id() public {
        ICycleLedger.CycleOpening memory operation = opening(13);
        operation.startedAt = NOW + 99 days; // a machine's clock is a claim
        bytes32 digest = digestOf(operation);
        bytes32 head = fold(0, digest);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.CycleOpened(
            digest,
            cycleId(13),
            sterilizer,
            NORTH,
            1,
            13,
            NOW + 99 days,
            RECORD,
            id(oscar),
            NOW,
            head
        );
        send(operation);
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycleId(13));
        vm.assertEq(stored.opening, bytes23(digest));
        vm.assertEq(stored.unit, NORTH);
        vm.assertEq(stored.state, 0);
        vm.assertEq(stored.ending, 0);
        (uint32 epoch, uint64 last) = ledger.getCounter(sterilizer);
        vm.assertEq(epoch, 1);
        vm.assertEq(last, 13);
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
        refuse(
            operation,
            abi.encodeWithSelector(
                ICycleLedger.CycleConflict.selector,
                digestOf(operation),
                cycleId(1)
            )
        );
    }

    function test_the_numbers_that_were_passed_over_are_an_event() public {
        send(opening(13));
        ICycleLedger.CycleOpening memory operation = opening(17);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.NumbersSkipped(digestOf(operation), sterilizer, 1, 14, 16);
        send(operation);
    }

    function test_the_first_number_of_an_epoch_and_the_next_one_skip_nothing() public {
        vm.recordLogs();
        send(opening(13));
        send(opening(14));
        send(change(1, 2));
        ICycleLedger.CycleOpening memory operation = opening(3);
        operation.epoch = 2;
        send(operation);
        vm.assertEq(vm.getRecordedLogs().length, 4); // three openings and the change
        (uint32 epoch, uint64 last) = ledger.getCounter(sterilizer);
        vm.assertEq(epoch, 2);
        vm.assertEq(last, 3);
    }

    function test_a_number_that_was_passed_over_is_gone() public {
        send(opening(13));
        send(opening(17));
        ICycleLedger.CycleOpening memory operation = opening(15);
        refuse(
            operation,
            abi.encodeWithSelector(
                ICycleLedger.NumberNotRising.selector,
                digestOf(operation),
                15,
                17
            )
        );
    }

    function test_numbers_start_at_one() public {
        ICycleLedger.CycleOpening memory operation = opening(0);
        refuse(
            operation,
            abi.encodeWithSelector(ICycleLedger.NumberZero.selector, digestOf(operation))
        );
    }

    function test_the_highest_number_can_be_opened() public {
        send(opening(1));
        ICycleLedger.CycleOpening memory operation = opening(type(uint64).max);
        vm.expectEmit(address(ledger));
        emit ICycleLedger.NumbersSkipped(
            digestOf(operation),
            sterilizer,
            1,
            2,
            type(uint64).max - 1
        );
        send(operation);
    }

    function test_opening_is_a_duty() public {
        send(enrolment(mallory, Duties.DECIDE));
        ICycleLedger.CycleOpening memory operation = opening(1);
        operation.signedBy = id(mallory);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.DutyMissing.selector,
                digestOf(operation),
                id(mallory),
                Duties.OPEN,
                Duties.DECIDE
            )
        );
    }

    function test_another_units_machine_cannot_be_opened() public {
        ICycleLedger.CycleOpening memory operation = opening(1);
        IUnitRegistry.SignerEnrolment memory souths = enrolment(mallory, Duties.OPEN);
        (souths.unit, souths.signedBy) = (SOUTH, id(sam));
        send(souths);
        (operation.unit, operation.signedBy) = (SOUTH, id(mallory));
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.EquipmentOfOtherUnit.selector,
                digestOf(operation),
                sterilizer,
                NORTH
            )
        );
    }

    function test_a_machine_out_of_service_opens_nothing() public {
        send(change(2, 1));
        ICycleLedger.CycleOpening memory operation = opening(1);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.EquipmentOutOfService.selector,
                digestOf(operation),
                sterilizer
            )
        );
    }

    function test_an_opening_belongs_to_the_current_epoch() public {
        send(change(1, 2));
        ICycleLedger.CycleOpening memory operation = opening(1);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.EpochPassed.selector,
                digestOf(operation),
                sterilizer,
                1,
                2
            )
        );
    }

    function test_an_opening_of_another_chain_or_ledger_counts_for_nothing_here() public {
        bytes memory call = encode(opening(1));
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        refuseCall(address(ledger), call, signatureInvalid(digestOf(opening(1))));
        vm.chainId(chain);
        ledger = deployLedger(registry);
        refuseCall(address(ledger), call, signatureInvalid(digestOf(opening(1))));
    }

    function test_a_signature_for_one_cycle_is_none_for_another() public {
        ICycleLedger.CycleOpening memory operation = opening(2);
        bytes memory call = abi.encodeCall(
            ICycleLedger.openCycles,
            (one(operation), one(proof(oscar, digestOf(opening(1)))))
        );
        refuseCall(address(ledger), call, signatureInvalid(digestOf(operation)));
    }

    function test_a_refused_operation_undoes_its_batch() public {
        ICycleLedger.CycleOpening[] memory batch = new ICycleLedger.CycleOpening[](2);
        Proof[] memory proofs = new Proof[](2);
        (batch[0], batch[1]) = (opening(2), opening(1));
        for (uint256 i = 0; i < 2; ++i) proofs[i] = proof(oscar, digestOf(batch[i]));
        refuseCall(
            address(ledger),
            abi.encodeCall(ICycleLedger.openCycles, (batch, proofs)),
            abi.encodeWithSelector(ICycleLedger.NumberNotRising.selector, digestOf(batch[1]), 1, 2)
        );
        vm.assertEq(ledger.getCycle(cycleId(2)).opening, 0);
    }

    function test_a_batch_has_a_proof_each_and_a_limit() public {
        refuseCall(
            address(ledger),
            abi.encodeCall(ICycleLedger.openCycles, (one(opening(1)), new Proof[](2))),
            abi.encodeWithSelector(IOperationLog.BatchLengthMismatch.selector, 1, 2)
        );
        refuseCall(
            address(ledger),
            abi.encodeCall(
                ICycleLedger.openCycles,
                (new ICycleLedger.CycleOpening[](257), new Proof[](257))
            ),
            abi.encodeWithSelector(IOperationLog.BatchTooLarge.selector, 257, 256)
        );
    }

    function test_fuzz_a_second_number_is_accepted_only_above_the_first(
        uint64 first,
        uint64 second
    ) public {
        vm.assume(first != 0 && second != 0 && first != second);
        bytes32 kept = send(opening(first));
        ICycleLedger.CycleOpening memory operation = opening(second);
        if (second > first) {
            send(operation);
        } else {
            refuse(
                operation,
                abi.encodeWithSelector(
                    ICycleLedger.NumberNotRising.selector,
                    digestOf(operation),
                    second,
                    first
                )
            );
            vm.assertEq(ledger.head(), fold(0, kept));
        }
    }

    function signatureInvalid(bytes32 digest) private view returns (bytes memory) {
        return abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, digest, id(oscar));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IContributionLedger} from "../../../contracts/interfaces/IContributionLedger.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

contract RecordServicesTest is CycleBase {
    // ----------------------------------------------------------------------------------- services

    function test_a_service_is_recorded_with_its_quantity() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 head = expectEvent(operation, operation.subject);
        bytes32 digest = send(operation);
        vm.assertEq(contributions.head(), head);
        assertLeft(digest, 90, 90);
    }

    function test_the_same_service_again_changes_nothing() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        relayWithoutEffect(address(contributions), encode(operation));
        send(correction(operation, digest, -90));
        relayWithoutEffect(address(contributions), encode(operation));
        assertLeft(digest, 90, 0);
    }

    function test_two_services_that_differ_in_their_record_both_count() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 first = send(operation);
        operation.record = "another";
        bytes32 second = send(operation);
        assertLeft(first, 90, 90);
        assertLeft(second, 90, 90);
    }

    function test_a_unit_records_its_own_use() public {
        IContributionLedger.Service memory operation = service(90);
        operation.consumer = NORTH;
        assertLeft(send(operation), 90, 90);
    }

    function test_a_service_has_a_kind() public {
        IContributionLedger.Service memory operation = service(90);
        operation.kind = 0;
        refuse(operation, outside(digestOf(operation), "kind", 0, 1, type(uint16).max));
    }

    function test_a_service_has_a_positive_quantity() public {
        refuseQuantity(0);
        refuseQuantity(-1);
        refuseQuantity(type(int48).min);
        bytes32 digest = send(service(type(int48).max));
        assertLeft(digest, uint48(type(int48).max), uint48(type(int48).max));
    }

    function test_the_consumer_is_admitted_and_open() public {
        IContributionLedger.Service memory operation = service(90);
        operation.consumer = 9;
        refuse(operation, unknown(digestOf(operation), "unit", bytes32(uint256(9))));
        send(closure(SOUTH));
        operation = service(90);
        refuse(operation, notAllowed(digestOf(operation), "unit", SOUTH));
    }

    function test_only_a_key_that_may_settle_signs() public {
        send(enrolment(mallory, Rights.ALL - Rights.SETTLE - Rights.ADMINISTER));
        IContributionLedger.Service memory operation = service(90);
        operation.signedBy = id(mallory);
        bytes32 digest = digestOf(operation);
        uint32 held = Rights.ALL - Rights.SETTLE - Rights.ADMINISTER;
        refuse(operation, rightMissing(digest, id(mallory), Rights.SETTLE, held));
    }

    // -------------------------------------------------------------------------------- corrections

    function test_a_correction_takes_back_and_gives_again() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        expectEvent(correction(operation, digest, -30), digest);
        send(correction(operation, digest, -30));
        assertLeft(digest, 90, 60);
        relayWithoutEffect(address(contributions), encode(correction(operation, digest, -30)));
        send(correction(operation, digest, 10));
        assertLeft(digest, 90, 70);
    }

    function test_corrections_leave_at_least_nothing_and_at_most_what_there_was() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        refuseLeft(correction(operation, digest, -91), -1);
        refuseLeft(correction(operation, digest, 1), 91);
        IContributionLedger.Service memory nothing = correction(operation, digest, 0);
        refuse(nothing, outOfRange(digestOf(nothing), "quantity", 0, -90, 90));
        assertLeft(digest, 90, 90);
    }

    function test_a_correction_waits_for_its_service() public {
        IContributionLedger.Service memory operation = correction(service(90), "not here", -1);
        refuse(operation, notYetRecorded(digestOf(operation), "corrects", "not here"));
    }

    function test_a_correction_corrects_no_correction() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 first = send(correction(operation, send(operation), -30));
        operation = correction(operation, first, -1);
        refuse(operation, notYetRecorded(digestOf(operation), "corrects", first));
    }

    function test_a_correction_repeats_whom_and_what_it_corrects() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        operation = correction(operation, digest, -1);
        operation.kind = 8;
        refuse(operation, notAllowed(digestOf(operation), "corrects", uint256(digest)));
        operation = correction(service(90), digest, -1);
        operation.subject = "another";
        refuse(operation, notAllowed(digestOf(operation), "corrects", uint256(digest)));
        assertLeft(digest, 90, 90);
    }

    function test_what_a_closed_unit_was_charged_is_still_corrected() public {
        IContributionLedger.Service memory operation = service(90);
        bytes32 digest = send(operation);
        send(closure(SOUTH));
        send(correction(operation, digest, -90));
        assertLeft(digest, 90, 0);
    }

    function testFuzz_what_is_left_is_the_sum(int48 quantity, int48[8] memory changes) public {
        quantity = quantity == type(int48).min ? type(int48).max : quantity;
        quantity = quantity < 0 ? -quantity : quantity;
        if (quantity == 0) quantity = 1;
        IContributionLedger.Service memory operation = service(quantity);
        bytes32 digest = send(operation);
        int256 left = quantity;
        for (uint256 i = 0; i < changes.length; ++i) {
            operation.record = bytes32(i + 1);
            IContributionLedger.Service memory change = correction(operation, digest, changes[i]);
            int256 after_ = left + changes[i];
            if (changes[i] == 0) {
                bytes memory none_ = outOfRange(
                    digestOf(change),
                    "quantity",
                    0,
                    -quantity,
                    quantity
                );
                refuse(change, none_);
            } else if (after_ < 0 || after_ > quantity) {
                refuse(change, outOfRange(digestOf(change), "left", after_, 0, quantity));
            } else {
                send(change);
                left = after_;
            }
        }
        assertLeft(digest, uint48(quantity), uint48(uint256(left)));
    }

    // --------------------------------------------------------------------------------- deployment

    function test_it_needs_a_registry() public {
        vm.assertEq(address(contributions.registry()), address(registry));
        address nowhere = vm.addr(mallory);
        vm.expectRevert(deploymentInvalid("registry", uint160(nowhere)));
        this.deployWith(nowhere);
    }

    /// External, so that a refused deployment can be expected.
    function deployWith(address registry_) external {
        deployContributions(IUnitRegistry(registry_));
    }

    function test_a_batch_has_a_proof_for_each() public {
        IContributionLedger.Service[] memory batch = one(service(90));
        Proof[] memory proofs = new Proof[](0);
        bytes memory call = abi.encodeCall(IContributionLedger.recordServices, (batch, proofs));
        refuseCall(address(contributions), call, batchInvalid(1, 0));
    }

    // ------------------------------------------------------------------------------------ support

    function assertLeft(bytes32 digest, uint48 quantity, uint48 left) private view {
        (uint48 recorded, uint48 stays) = contributions.getService(digest);
        vm.assertEq(recorded, quantity);
        vm.assertEq(stays, left);
    }

    function refuseQuantity(int48 quantity) private {
        IContributionLedger.Service memory operation = service(quantity);
        bytes32 digest = digestOf(operation);
        refuse(operation, outOfRange(digest, "quantity", quantity, 1, type(int48).max));
    }

    function refuseLeft(IContributionLedger.Service memory operation, int256 left) private {
        refuse(operation, outOfRange(digestOf(operation), "left", left, 0, 90));
    }
}

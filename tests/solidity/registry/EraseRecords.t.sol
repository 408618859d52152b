// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract EraseRecordsTest is Base {
    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_an_erasure_is_recorded_with_both_signers() public {
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, "subject");
        send(operation);
        vm.assertTrue(registry.isRecorded(digest));
        vm.assertEq(registry.head(), head);
    }

    function test_an_erasure_sent_again_changes_nothing() public {
        send(erasure("subject"));
        relayWithoutEffect(address(registry), encode(erasure("subject")));
    }

    function test_a_unit_erases_a_subject_once() public {
        send(erasure("subject"));
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        operation.record = "another";
        refuse(operation, alreadyRecorded(digestOf(operation), "subject", bytes32("subject")));
    }

    function test_one_signer_cannot_erase_alone() public {
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        operation.countersignedBy = operation.signedBy;
        refuse(operation, notAllowed(digestOf(operation), "countersignedBy", uint256(id(oscar))));
    }

    function test_both_signers_need_the_right() public {
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        operation.countersignedBy = id(nora);
        refuse(operation, eraserMissing(digestOf(operation)));
        (operation.signedBy, operation.countersignedBy) = (id(nora), id(oscar));
        refuse(operation, eraserMissing(digestOf(operation)));
    }

    function test_the_countersignature_is_the_countersigners() public {
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.eraseRecords,
                (
                    one(operation),
                    one(proof(oscar, digest)),
                    one(Proof(account(olga), signature(oscar, digest)))
                )
            ),
            signatureInvalid(digest, id(olga))
        );
    }

    function test_another_unit_cannot_countersign() public {
        IUnitRegistry.RecordErasure memory operation = erasure("subject");
        operation.countersignedBy = id(sam);
        refuse(operation, ofAnotherUnit(digestOf(operation), "signer", id(sam), SOUTH));
    }

    function eraserMissing(bytes32 digest) private view returns (bytes memory) {
        return rightMissing(digest, id(nora), Rights.ERASE, Rights.ADMINISTER);
    }
}

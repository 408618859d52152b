// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract AdmitUnitsTest is Base {
    function test_an_admitted_unit_has_its_administrator() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        operation.validUntil = NOW + 100;
        bytes32 digest = digestOf(operation);
        bytes32 head = expectEvent(operation, unitId(NORTH));
        send(operation);

        vm.assertTrue(registry.isAdmitted(NORTH));
        vm.assertTrue(registry.isRecorded(digest));
        vm.assertEq(registry.head(), head);
        (uint32 unit, uint32 rights, uint64 from, uint64 until, bool revoked) = registry.getSigner(
            id(nora)
        );
        vm.assertEq(unit, NORTH);
        vm.assertEq(rights, Rights.ADMINISTER);
        vm.assertEq(from, NOW);
        vm.assertEq(until, NOW + 100);
        vm.assertFalse(revoked);
    }

    function test_the_head_advances_once_for_each_admission_of_a_batch() public {
        IUnitRegistry.UnitAdmission[] memory batch = new IUnitRegistry.UnitAdmission[](2);
        (batch[0], batch[1]) = (admission(NORTH, nora), admission(SOUTH, sam));
        bytes[] memory signatures = new bytes[](2);
        Proof[] memory proofs = new Proof[](2);
        bytes32 head = 0;
        for (uint256 i = 0; i < 2; ++i) {
            bytes32 digest = digestOf(batch[i]);
            signatures[i] = signature(authority, digest);
            proofs[i] = proofOf(batch[i].administrator, digest);
            head = fold(head, digest);
        }
        registry.admitUnits(batch, signatures, proofs);
        vm.assertEq(registry.head(), head);
        vm.assertTrue(registry.isAdmitted(SOUTH));
    }

    function test_an_admission_sent_again_changes_nothing() public {
        send(admission(NORTH, nora));
        relayWithoutEffect(address(registry), encode(admission(NORTH, nora)));
    }

    function test_a_unit_number_is_given_once() public {
        send(admission(NORTH, nora));
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, sam);
        refuse(operation, alreadyRecorded(digestOf(operation), "unit", unitId(NORTH)));
    }

    function test_a_closed_units_number_is_not_given_again() public {
        send(admission(NORTH, nora));
        send(closure(NORTH));
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, sam);
        refuse(operation, alreadyRecorded(digestOf(operation), "unit", unitId(NORTH)));
        vm.assertFalse(registry.isAdmitted(NORTH));
    }

    function test_unit_numbers_start_at_one() public {
        IUnitRegistry.UnitAdmission memory operation = admission(0, nora);
        refuse(operation, outside(digestOf(operation), "unit", 0, 1, type(uint32).max));
    }

    function test_a_unit_needs_a_known_role() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        for (uint16 roles = 0; roles <= 64; roles += 64) {
            operation.roles = roles;
            refuse(operation, outside(digestOf(operation), "roles", roles, 1, 63));
        }
    }

    function test_custody_is_one_to_four() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        for (uint8 custody = 0; custody <= 5; custody += 5) {
            operation.custody = custody;
            refuse(operation, outside(digestOf(operation), "custody", custody, 1, 4));
        }
    }

    function test_an_administrator_is_valid_for_some_time() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        operation.validUntil = NOW;
        refuse(
            operation,
            outside(digestOf(operation), "validUntil", NOW, NOW + 1, type(uint64).max)
        );
    }

    function test_a_key_administers_one_unit_only() public {
        send(admission(NORTH, nora));
        IUnitRegistry.UnitAdmission memory operation = admission(SOUTH, nora);
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(nora)));
    }

    function test_only_the_authority_admits() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.admitUnits,
                (one(operation), one(signature(mallory, digest)), one(proof(nora, digest)))
            ),
            signatureInvalid(digest, 0)
        );
    }

    function test_the_administrator_proves_possession_of_the_key() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        bytes32 digest = digestOf(operation);
        Proof memory forged = Proof(account(nora), signature(mallory, digest));
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.admitUnits,
                (one(operation), one(signature(authority, digest)), one(forged))
            ),
            signatureInvalid(digest, id(nora))
        );
    }

    function test_the_proven_key_is_the_named_one() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.admitUnits,
                (one(operation), one(signature(authority, digest)), one(proof(mallory, digest)))
            ),
            signatureInvalid(digest, id(nora))
        );
    }

    function test_an_admission_from_the_future_waits() public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        operation.signedAt = NOW + 301;
        refuse(operation, tooEarly(digestOf(operation), "signedAt", NOW + 301 - 300));
        operation.signedAt = NOW + 300;
        send(operation);
        vm.assertTrue(registry.isAdmitted(NORTH));
    }

    function test_a_batch_has_as_many_proofs_as_operations() public {
        IUnitRegistry.UnitAdmission[] memory batch = one(admission(NORTH, nora));
        bytes memory expected = batchInvalid(1, 0);
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.admitUnits, (batch, new bytes[](0), new Proof[](1))),
            expected
        );
        refuseCall(
            address(registry),
            abi.encodeCall(IUnitRegistry.admitUnits, (batch, new bytes[](1), new Proof[](0))),
            expected
        );
    }

    function test_a_batch_has_a_limit() public {
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.admitUnits,
                (new IUnitRegistry.UnitAdmission[](257), new bytes[](257), new Proof[](257))
            ),
            batchInvalid(257, 257)
        );
    }

    function test_fuzz_only_known_roles_are_admitted(uint16 roles) public {
        IUnitRegistry.UnitAdmission memory operation = admission(NORTH, nora);
        operation.roles = roles;
        if (roles != 0 && roles < 64) {
            send(operation);
            vm.assertTrue(registry.isAdmitted(NORTH));
        } else {
            refuse(operation, outside(digestOf(operation), "roles", roles, 1, 63));
        }
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

/// Accepts everything, as ERC-7913 allows a verifier to.
contract GullibleVerifier {
    function verify(bytes calldata, bytes32, bytes calldata) external pure returns (bytes4) {
        return this.verify.selector;
    }
}

contract EnrolSignersTest is Base {
    function setUp() public override {
        super.setUp();
        send(admission(NORTH, nora));
        send(admission(SOUTH, sam));
    }

    function test_an_enrolled_signer_holds_what_it_was_given() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(
            oscar,
            Rights.OPEN | Rights.ERASE
        );
        (operation.validFrom, operation.validUntil) = (NOW - 5, NOW + 5);
        bytes32 head = expectEvent(operation, id(oscar));
        send(operation);
        (uint32 unit, uint32 rights, uint64 from, uint64 until, bool revoked) = registry.getSigner(
            id(oscar)
        );
        vm.assertEq(unit, NORTH);
        vm.assertEq(rights, 514);
        vm.assertEq(from, NOW - 5);
        vm.assertEq(until, NOW + 5);
        vm.assertFalse(revoked);
        vm.assertEq(registry.head(), head);
    }

    function test_an_enrolment_sent_again_changes_nothing() public {
        send(enrolment(oscar, Rights.OPEN));
        relayWithoutEffect(address(registry), encode(enrolment(oscar, Rights.OPEN)));
    }

    function test_an_old_enrolment_does_not_undo_a_revocation() public {
        bytes memory old = encode(enrolment(oscar, Rights.OPEN));
        relay(address(registry), old);
        send(revocation(oscar));
        relayWithoutEffect(address(registry), old);
        (, , , , bool revoked) = registry.getSigner(id(oscar));
        vm.assertTrue(revoked);
    }

    function test_a_revoked_key_is_never_enrolled_again() public {
        send(enrolment(oscar, Rights.OPEN));
        send(revocation(oscar));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.LOAD);
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(oscar)));
    }

    function test_an_enrolled_key_keeps_its_rights() public {
        send(enrolment(oscar, Rights.OPEN));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.DECIDE);
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(oscar)));
    }

    function test_another_unit_cannot_squat_on_a_key() public {
        send(enrolment(oscar, Rights.OPEN));
        IUnitRegistry.SignerEnrolment memory operation = bySam(enrolment(oscar, Rights.OPEN));
        refuse(operation, alreadyRecorded(digestOf(operation), "signer", id(oscar)));
    }

    function test_a_key_that_does_not_consent_is_not_enrolled() public {
        IUnitRegistry.SignerEnrolment memory operation = bySam(enrolment(oscar, Rights.OPEN));
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (
                    one(operation),
                    one(proof(sam, digest)),
                    one(Proof(account(oscar), signature(sam, digest)))
                )
            ),
            signatureInvalid(digest, id(oscar))
        );
    }

    function test_an_administrator_cannot_act_for_another_unit() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.signedBy = id(sam);
        refuse(operation, ofAnotherUnit(digestOf(operation), "signer", id(sam), SOUTH));
    }

    function test_the_authority_cannot_act_for_a_unit() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.signedBy = id(authority);
        refuse(operation, unknown(digestOf(operation), "signer", id(authority)));
    }

    function test_only_an_administrator_enrols() public {
        send(enrolment(oscar, Rights.ALL - Rights.ADMINISTER));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(olga, Rights.OPEN);
        operation.signedBy = id(oscar);
        refuse(
            operation,
            rightMissing(
                digestOf(operation),
                id(oscar),
                Rights.ADMINISTER,
                Rights.ALL - Rights.ADMINISTER
            )
        );
    }

    function test_an_unknown_unit_has_no_signers_yet() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.unit = 9;
        refuse(operation, unknown(digestOf(operation), "unit", unitId(9)));
    }

    function test_custody_is_one_to_four() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        for (uint8 custody = 0; custody <= 5; custody += 5) {
            operation.custody = custody;
            refuse(operation, outside(digestOf(operation), "custody", custody, 1, 4));
        }
    }

    function test_a_validity_that_ends_when_it_begins_is_refused() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.validUntil = NOW;
        refuse(
            operation,
            outside(digestOf(operation), "validUntil", NOW, NOW + 1, type(uint64).max)
        );
    }

    function test_a_contract_account_is_not_enrolled() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        vm.etch(vm.addr(oscar), hex"00");
        refuse(operation, keyNotAllowed(digestOf(operation), vm.addr(oscar)));
    }

    function test_a_verifier_off_the_list_is_not_enrolled() public {
        address gullible = address(new GullibleVerifier());
        bytes memory key = bytes.concat(bytes20(gullible), "key");
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.signer = signerId(key);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(Proof(key, "")))
            ),
            keyNotAllowed(digest, gullible)
        );
    }

    function test_a_key_shorter_than_an_address_is_refused() public {
        bytes memory key = hex"01020304";
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Rights.OPEN);
        operation.signer = signerId(key);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(Proof(key, "")))
            ),
            keyNotAllowed(digest, address(bytes20(key)))
        );
    }

    function test_fuzz_only_known_rights_are_given(uint32 rights) public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, rights);
        if (rights != 0 && rights <= Rights.ALL) {
            send(operation);
            (, uint32 held, , , ) = registry.getSigner(id(oscar));
            vm.assertEq(held, rights);
        } else {
            refuse(operation, outside(digestOf(operation), "rights", rights, 1, Rights.ALL));
        }
    }

    function bySam(
        IUnitRegistry.SignerEnrolment memory operation
    ) private view returns (IUnitRegistry.SignerEnrolment memory) {
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        return operation;
    }
}

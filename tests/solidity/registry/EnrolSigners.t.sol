// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Duties} from "../../../contracts/Duties.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";
import {TypedData} from "../support/TypedData.sol";

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
            Duties.OPEN | Duties.ERASE
        );
        (operation.validFrom, operation.validUntil) = (NOW - 5, NOW + 5);
        bytes32 digest = digestOf(operation);
        bytes32 head = fold(registry.head(), digest);
        vm.expectEmit(address(registry));
        emit IUnitRegistry.SignerEnrolled(
            digest,
            NORTH,
            id(oscar),
            514,
            2,
            NOW - 5,
            NOW + 5,
            RECORD,
            id(nora),
            NOW,
            head,
            account(oscar)
        );
        send(operation);
        (uint32 unit, uint32 duties, uint64 from, uint64 until, bool revoked) = registry.getSigner(
            id(oscar)
        );
        vm.assertEq(unit, NORTH);
        vm.assertEq(duties, 514);
        vm.assertEq(from, NOW - 5);
        vm.assertEq(until, NOW + 5);
        vm.assertFalse(revoked);
        vm.assertEq(registry.head(), head);
    }

    function test_an_enrolment_sent_again_changes_nothing() public {
        send(enrolment(oscar, Duties.OPEN));
        relayWithoutEffect(address(registry), encode(enrolment(oscar, Duties.OPEN)));
    }

    function test_an_old_enrolment_does_not_undo_a_revocation() public {
        bytes memory old = encode(enrolment(oscar, Duties.OPEN));
        relay(address(registry), old);
        send(revocation(oscar));
        relayWithoutEffect(address(registry), old);
        (, , , , bool revoked) = registry.getSigner(id(oscar));
        vm.assertTrue(revoked);
    }

    function test_a_revoked_key_is_never_enrolled_again() public {
        send(enrolment(oscar, Duties.OPEN));
        send(revocation(oscar));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.LOAD);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerIsRevoked.selector,
                digestOf(operation),
                id(oscar)
            )
        );
    }

    function test_an_enrolled_key_keeps_its_duties() public {
        send(enrolment(oscar, Duties.OPEN));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.DECIDE);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerConflict.selector,
                digestOf(operation),
                id(oscar),
                NORTH
            )
        );
    }

    function test_another_unit_cannot_squat_on_a_key() public {
        send(enrolment(oscar, Duties.OPEN));
        IUnitRegistry.SignerEnrolment memory operation = bySam(enrolment(oscar, Duties.OPEN));
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerConflict.selector,
                digestOf(operation),
                id(oscar),
                NORTH
            )
        );
    }

    function test_a_key_that_does_not_consent_is_not_enrolled() public {
        IUnitRegistry.SignerEnrolment memory operation = bySam(enrolment(oscar, Duties.OPEN));
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
            abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, digest, id(oscar))
        );
    }

    function test_an_administrator_cannot_act_for_another_unit() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.signedBy = id(sam);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerOfOtherUnit.selector,
                digestOf(operation),
                id(sam),
                SOUTH
            )
        );
    }

    function test_the_authority_cannot_act_for_a_unit() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.signedBy = id(authority);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerUnknown.selector,
                digestOf(operation),
                id(authority)
            )
        );
    }

    function test_only_an_administrator_enrols() public {
        send(enrolment(oscar, Duties.ALL - Duties.ADMINISTER));
        IUnitRegistry.SignerEnrolment memory operation = enrolment(olga, Duties.OPEN);
        operation.signedBy = id(oscar);
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.DutyMissing.selector,
                digestOf(operation),
                id(oscar),
                Duties.ADMINISTER,
                1022
            )
        );
    }

    function test_an_unknown_unit_has_no_signers_yet() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.unit = 9;
        refuse(
            operation,
            abi.encodeWithSelector(IUnitRegistry.UnitUnknown.selector, digestOf(operation), 9)
        );
    }

    function test_custody_is_one_to_four() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        for (uint8 custody = 0; custody <= 5; custody += 5) {
            operation.custody = custody;
            refuse(
                operation,
                abi.encodeWithSelector(
                    IUnitRegistry.CustodyUnknown.selector,
                    digestOf(operation),
                    custody
                )
            );
        }
    }

    function test_a_validity_that_ends_when_it_begins_is_refused() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.validUntil = NOW;
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.ValidityEmpty.selector,
                digestOf(operation),
                NOW,
                NOW
            )
        );
    }

    function test_a_contract_account_is_not_enrolled() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        vm.etch(vm.addr(oscar), hex"00");
        refuse(
            operation,
            abi.encodeWithSelector(
                IUnitRegistry.SignerHasCode.selector,
                digestOf(operation),
                vm.addr(oscar)
            )
        );
    }

    function test_a_verifier_off_the_list_is_not_enrolled() public {
        address gullible = address(new GullibleVerifier());
        bytes memory key = bytes.concat(bytes20(gullible), "key");
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.signer = TypedData.signerId(key);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(Proof(key, "")))
            ),
            abi.encodeWithSelector(IUnitRegistry.VerifierNotAllowed.selector, digest, gullible)
        );
    }

    function test_a_key_shorter_than_an_address_is_refused() public {
        bytes memory key = hex"01020304";
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, Duties.OPEN);
        operation.signer = TypedData.signerId(key);
        bytes32 digest = digestOf(operation);
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(Proof(key, "")))
            ),
            abi.encodeWithSelector(IUnitRegistry.SignerMalformed.selector, digest, 4)
        );
    }

    function test_fuzz_only_known_duties_are_given(uint32 duties) public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(oscar, duties);
        if (duties != 0 && duties <= Duties.ALL) {
            send(operation);
            (, uint32 held, , , ) = registry.getSigner(id(oscar));
            vm.assertEq(held, duties);
        } else {
            refuse(
                operation,
                abi.encodeWithSelector(
                    IUnitRegistry.DutiesUnknown.selector,
                    digestOf(operation),
                    duties
                )
            );
        }
    }

    function bySam(
        IUnitRegistry.SignerEnrolment memory operation
    ) private view returns (IUnitRegistry.SignerEnrolment memory) {
        (operation.unit, operation.signedBy) = (SOUTH, id(sam));
        return operation;
    }
}

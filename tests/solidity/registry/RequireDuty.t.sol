// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Duties} from "../../../contracts/Duties.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Base} from "../support/Base.sol";

contract RequireDutyTest is Base {
    bytes32 private constant DIGEST = keccak256("an operation of some ledger");

    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_an_enrolled_signer_with_the_duty_passes() public view {
        registry.requireDuty(DIGEST, NORTH, id(oscar), Duties.OPEN, NOW, proof(oscar, DIGEST));
        registry.requireDuty(
            DIGEST,
            NORTH,
            id(oscar),
            Duties.OPEN | Duties.ERASE,
            NOW,
            proof(oscar, DIGEST)
        );
    }

    function test_every_bit_of_the_duty_is_needed() public {
        refuseDuty(
            id(oscar),
            Duties.OPEN | Duties.ADMINISTER,
            NOW,
            proof(oscar, DIGEST),
            abi.encodeWithSelector(IUnitRegistry.DutyMissing.selector, DIGEST, id(oscar), 3, 1022)
        );
    }

    function test_a_signature_of_one_operation_is_none_of_another() public {
        refuseDuty(
            id(oscar),
            Duties.OPEN,
            NOW,
            proof(oscar, keccak256("another operation")),
            abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, DIGEST, id(oscar))
        );
    }

    function test_a_malleable_signature_is_refused() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(oscar, DIGEST);
        bytes memory mirrored = bytes.concat(r, bytes32(CURVE_ORDER - uint256(s)), bytes1(55 - v));
        refuseDuty(
            id(oscar),
            Duties.OPEN,
            NOW,
            Proof(account(oscar), mirrored),
            abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, DIGEST, id(oscar))
        );
    }

    function test_code_at_a_signers_address_cannot_sign_for_it() public {
        vm.etch(vm.addr(oscar), type(AgreeableAccount).runtimeCode);
        refuseDuty(
            id(oscar),
            Duties.OPEN,
            NOW,
            Proof(account(oscar), ""),
            abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, DIGEST, id(oscar))
        );
        registry.requireDuty(DIGEST, NORTH, id(oscar), Duties.OPEN, NOW, proof(oscar, DIGEST));
    }

    function test_a_strangers_proof_does_not_stand_for_the_named_signer() public {
        refuseDuty(
            id(oscar),
            Duties.OPEN,
            NOW,
            proof(mallory, DIGEST),
            abi.encodeWithSelector(
                IUnitRegistry.SignerMismatch.selector,
                DIGEST,
                id(oscar),
                id(mallory)
            )
        );
    }

    function test_validity_is_judged_by_the_time_of_signing() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(mallory, Duties.OPEN);
        (operation.validFrom, operation.validUntil) = (NOW - 10, NOW + 10);
        send(operation);
        vm.warp(NOW + 1 days);
        bytes32 key = id(mallory);
        Proof memory shown = proof(mallory, DIGEST);
        registry.requireDuty(DIGEST, NORTH, key, Duties.OPEN, NOW - 10, shown);
        registry.requireDuty(DIGEST, NORTH, key, Duties.OPEN, NOW + 10, shown);
        refuseDuty(
            key,
            Duties.OPEN,
            NOW - 11,
            shown,
            abi.encodeWithSelector(
                IUnitRegistry.SignerNotYetValid.selector,
                DIGEST,
                key,
                NOW - 10,
                NOW - 11
            )
        );
        refuseDuty(
            key,
            Duties.OPEN,
            NOW + 11,
            shown,
            abi.encodeWithSelector(
                IUnitRegistry.SignerExpired.selector,
                DIGEST,
                key,
                NOW + 10,
                NOW + 11
            )
        );
    }

    function test_fuzz_the_future_ends_at_the_skew(uint64 signedAt) public {
        Proof memory shown = proof(oscar, DIGEST);
        if (signedAt < NOW) signedAt += NOW;
        vm.assume(signedAt >= NOW);
        if (signedAt <= NOW + 300) {
            registry.requireDuty(DIGEST, NORTH, id(oscar), Duties.OPEN, signedAt, shown);
        } else {
            refuseDuty(
                id(oscar),
                Duties.OPEN,
                signedAt,
                shown,
                abi.encodeWithSelector(IUnitRegistry.SignedInFuture.selector, DIGEST, signedAt, NOW)
            );
        }
    }

    function test_fuzz_only_the_signers_own_signature_counts(bytes memory forged) public {
        refuseDuty(
            id(oscar),
            Duties.OPEN,
            NOW,
            Proof(account(oscar), forged),
            abi.encodeWithSelector(IUnitRegistry.SignatureInvalid.selector, DIGEST, id(oscar))
        );
    }

    function refuseDuty(
        bytes32 signer,
        uint32 duty,
        uint64 signedAt,
        Proof memory shown,
        bytes memory expected
    ) private {
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.requireDuty,
                (DIGEST, NORTH, signer, duty, signedAt, shown)
            ),
            expected
        );
    }
}

/// Says yes to everything, as an ERC-1271 account may.
contract AgreeableAccount {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}

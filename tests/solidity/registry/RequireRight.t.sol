// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {Base} from "../support/Base.sol";

contract RequireRightTest is Base {
    bytes32 private constant DIGEST = keccak256("an operation of some ledger");

    function setUp() public override {
        super.setUp();
        settle();
    }

    function test_an_enrolled_signer_with_the_right_passes() public view {
        registry.requireRight(DIGEST, NORTH, id(oscar), Rights.OPEN, NOW, proof(oscar, DIGEST));
        registry.requireRight(
            DIGEST,
            NORTH,
            id(oscar),
            Rights.OPEN | Rights.ERASE,
            NOW,
            proof(oscar, DIGEST)
        );
    }

    function test_every_bit_of_the_right_is_needed() public {
        refuseRight(
            id(oscar),
            Rights.OPEN | Rights.ADMINISTER,
            NOW,
            proof(oscar, DIGEST),
            rightMissing(DIGEST, id(oscar), 3, Rights.ALL - Rights.ADMINISTER)
        );
    }

    function test_a_signature_of_one_operation_is_none_of_another() public {
        refuseRight(
            id(oscar),
            Rights.OPEN,
            NOW,
            proof(oscar, keccak256("another operation")),
            signatureInvalid(DIGEST, id(oscar))
        );
    }

    function test_a_malleable_signature_is_refused() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(oscar, DIGEST);
        bytes memory mirrored = bytes.concat(r, bytes32(CURVE_ORDER - uint256(s)), bytes1(55 - v));
        refuseRight(
            id(oscar),
            Rights.OPEN,
            NOW,
            Proof(account(oscar), mirrored),
            signatureInvalid(DIGEST, id(oscar))
        );
    }

    function test_code_at_a_signers_address_cannot_sign_for_it() public {
        vm.etch(vm.addr(oscar), type(AgreeableAccount).runtimeCode);
        refuseRight(
            id(oscar),
            Rights.OPEN,
            NOW,
            Proof(account(oscar), ""),
            signatureInvalid(DIGEST, id(oscar))
        );
        registry.requireRight(DIGEST, NORTH, id(oscar), Rights.OPEN, NOW, proof(oscar, DIGEST));
    }

    function test_a_strangers_proof_does_not_stand_for_the_named_signer() public {
        refuseRight(
            id(oscar),
            Rights.OPEN,
            NOW,
            proof(mallory, DIGEST),
            signatureInvalid(DIGEST, id(oscar))
        );
    }

    function test_validity_is_judged_by_the_time_of_signing() public {
        IUnitRegistry.SignerEnrolment memory operation = enrolment(mallory, Rights.OPEN);
        (operation.validFrom, operation.validUntil) = (NOW - 10, NOW + 10);
        send(operation);
        vm.warp(NOW + 1 days);
        bytes32 key = id(mallory);
        Proof memory shown = proof(mallory, DIGEST);
        registry.requireRight(DIGEST, NORTH, key, Rights.OPEN, NOW - 10, shown);
        registry.requireRight(DIGEST, NORTH, key, Rights.OPEN, NOW + 10, shown);
        refuseRight(
            key,
            Rights.OPEN,
            NOW - 11,
            shown,
            outside(DIGEST, "signedAt", NOW - 11, NOW - 10, NOW + 10)
        );
        refuseRight(
            key,
            Rights.OPEN,
            NOW + 11,
            shown,
            outside(DIGEST, "signedAt", NOW + 11, NOW - 10, NOW + 10)
        );
    }

    function test_fuzz_the_future_ends_at_the_skew(uint64 signedAt) public {
        Proof memory shown = proof(oscar, DIGEST);
        if (signedAt < NOW) signedAt += NOW;
        vm.assume(signedAt >= NOW);
        if (signedAt <= NOW + 300) {
            registry.requireRight(DIGEST, NORTH, id(oscar), Rights.OPEN, signedAt, shown);
        } else {
            refuseRight(
                id(oscar),
                Rights.OPEN,
                signedAt,
                shown,
                tooEarly(DIGEST, "signedAt", signedAt - 300)
            );
        }
    }

    function test_fuzz_only_the_signers_own_signature_counts(bytes memory forged) public {
        refuseRight(
            id(oscar),
            Rights.OPEN,
            NOW,
            Proof(account(oscar), forged),
            signatureInvalid(DIGEST, id(oscar))
        );
    }

    function refuseRight(
        bytes32 signer,
        uint32 right,
        uint64 signedAt,
        Proof memory shown,
        bytes memory expected
    ) private {
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.requireRight,
                (DIGEST, NORTH, signer, right, signedAt, shown)
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

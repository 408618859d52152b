// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {Rights} from "../../../contracts/Rights.sol";
import {CycleBase} from "../support/CycleBase.sol";

/// Signers whose keys are no account keys: P-256, bare and in a passkey.
contract PasskeySignersTest is CycleBase {
    uint256 private constant P256_ORDER =
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    uint256 private constant KEY = uint256(keccak256("a passkey")) >> 1;
    bytes1 private constant PRESENT = 0x01; // authenticator flags
    bytes1 private constant VERIFIED = 0x04;

    function test_a_p256_key_is_enrolled_and_opens_a_cycle() public {
        bytes memory key = keyOf(p256Verifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        enrol(operation, Proof(key, p256Signature(KEY, digestOf(operation))));
        ICycleLedger.CycleOpening memory first = openingBy(key);
        relayOpening(first, Proof(key, p256Signature(KEY, digestOf(first))));
        vm.assertEq(ledger.getCycle(cycleId(1)).opening, bytes23(digestOf(first)));
    }

    function test_a_p256_signature_of_another_key_counts_for_nothing() public {
        bytes memory key = keyOf(p256Verifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        bytes32 digest = digestOf(operation);
        Proof memory forged = Proof(key, p256Signature(KEY + 1, digest));
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(forged))
            ),
            signatureInvalid(digest, operation.signer)
        );
    }

    function test_a_mirrored_p256_signature_is_refused() public {
        bytes memory key = keyOf(p256Verifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        bytes32 digest = digestOf(operation);
        (bytes32 r, bytes32 s) = lowP256(KEY, digest);
        Proof memory mirrored = Proof(key, bytes.concat(r, bytes32(P256_ORDER - uint256(s))));
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(mirrored))
            ),
            signatureInvalid(digest, operation.signer)
        );
    }

    function test_a_passkey_is_enrolled_and_opens_a_cycle() public {
        bytes memory key = keyOf(webAuthnVerifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        enrol(operation, Proof(key, assertion(digestOf(operation), PRESENT | VERIFIED)));
        ICycleLedger.CycleOpening memory first = openingBy(key);
        relayOpening(first, Proof(key, assertion(digestOf(first), PRESENT | VERIFIED)));
        vm.assertEq(ledger.getCycle(cycleId(1)).opening, bytes23(digestOf(first)));
    }

    function test_a_passkey_without_user_verification_counts_for_nothing() public {
        bytes memory key = keyOf(webAuthnVerifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        bytes32 digest = digestOf(operation);
        Proof memory unverified = Proof(key, assertion(digest, PRESENT));
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(unverified))
            ),
            signatureInvalid(digest, operation.signer)
        );
    }

    function test_a_passkeys_assertion_over_another_operation_counts_for_nothing() public {
        bytes memory key = keyOf(webAuthnVerifier);
        IUnitRegistry.SignerEnrolment memory operation = enrolmentOf(key);
        bytes32 digest = digestOf(operation);
        Proof memory other = Proof(key, assertion(keccak256("another"), PRESENT | VERIFIED));
        refuseCall(
            address(registry),
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (one(operation), one(proof(nora, digest)), one(other))
            ),
            signatureInvalid(digest, operation.signer)
        );
    }

    // ----------------------------------------------------------------------------------- helpers

    function keyOf(address verifier) private pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(KEY);
        return bytes.concat(bytes20(verifier), bytes32(x), bytes32(y));
    }

    function enrolmentOf(
        bytes memory key
    ) private view returns (IUnitRegistry.SignerEnrolment memory operation) {
        operation = enrolment(mallory, Rights.OPEN);
        operation.signer = signerId(key);
    }

    function openingBy(
        bytes memory key
    ) private view returns (ICycleLedger.CycleOpening memory operation) {
        operation = opening(1);
        operation.signedBy = signerId(key);
    }

    function enrol(IUnitRegistry.SignerEnrolment memory operation, Proof memory shown) private {
        registry.enrolSigners(one(operation), one(proof(nora, digestOf(operation))), one(shown));
    }

    function relayOpening(ICycleLedger.CycleOpening memory operation, Proof memory shown) private {
        ledger.openCycles(one(operation), one(shown));
    }

    function lowP256(uint256 key, bytes32 digest) private pure returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(key, digest);
        if (uint256(s) > P256_ORDER / 2) s = bytes32(P256_ORDER - uint256(s));
    }

    function p256Signature(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = lowP256(key, digest);
        return bytes.concat(r, s);
    }

    /// What an authenticator answers to the challenge, as the verifier wants it: the six fields of
    /// WebAuthnAuth one by one, without the offset that encoding the struct itself would put first.
    function assertion(bytes32 challenge, bytes1 flags) private pure returns (bytes memory) {
        string memory before = '{"type":"webauthn.get","challenge":"';
        string memory clientData = string.concat(
            before,
            Base64.encodeURL(bytes.concat(challenge)),
            '","origin":"https://ledger.example"}'
        );
        bytes memory authenticator = bytes.concat(sha256("ledger.example"), flags, bytes4(0));
        (bytes32 r, bytes32 s) = lowP256(
            KEY,
            sha256(bytes.concat(authenticator, sha256(bytes(clientData))))
        );
        return abi.encode(r, s, uint256(23), uint256(1), authenticator, clientData);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {CycleLedger} from "../../contracts/CycleLedger.sol";
import {IUnitRegistry} from "../../contracts/interfaces/IUnitRegistry.sol";
import {UnitRegistry} from "../../contracts/UnitRegistry.sol";
import {CycleBase} from "./support/CycleBase.sol";
import {TypedData} from "./support/TypedData.sol";

/// Shows the digests that the registry computes.
contract RegistryDigests is UnitRegistry {
    constructor(address authority_) UnitRegistry(authority_, new address[](0)) {}

    function unitAdmission(UnitAdmission calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function unitClosure(UnitClosure calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function signerEnrolment(SignerEnrolment calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function signerRevocation(SignerRevocation calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function equipmentRegistration(
        EquipmentRegistration calldata operation
    ) external view returns (bytes32) {
        return _digest(operation);
    }

    function equipmentChange(EquipmentChange calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function recoveryProposal(RecoveryProposal calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function recoveryVeto(RecoveryVeto calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function recordErasure(RecordErasure calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }
}

/// Shows the digests that the cycle ledger computes.
contract LedgerDigests is CycleLedger {
    constructor(IUnitRegistry registry_) CycleLedger(registry_) {}

    function cycleOpening(CycleOpening calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function cycleEnding(CycleEnding calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function loadDeclaration(LoadDeclaration calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }

    function cycleDecision(CycleDecision calldata operation) external view returns (bytes32) {
        return _digest(operation);
    }
}

/// The digests of any chain and address, as golden vectors need them: the code is put at the address
/// that a vector names, and the domain follows.
contract DigestsTest is CycleBase {
    uint256 private constant CHAIN = 777;
    RegistryDigests private constant REGISTRY = RegistryDigests(
        0x00000000000000000000000000000000000A11cE
    );
    LedgerDigests private constant LEDGER = LedgerDigests(
        0x0000000000000000000000000000000000000B0b
    );

    function setUp() public override {
        super.setUp();
        vm.etch(address(REGISTRY), address(new RegistryDigests(vm.addr(authority))).code);
        vm.etch(address(LEDGER), address(new LedgerDigests(registry)).code);
        vm.chainId(CHAIN);
    }

    /// A call of a harness function is its selector and abi.encode(operation): a vector's own bytes.
    function test_every_operation_of_the_vectors_has_the_domains_digests() public {
        string memory json = vm.readFile("tests/vectors/operations.json");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        address target = vm.parseJsonAddress(json, ".contract");

        vm.etch(target, address(REGISTRY).code);
        checkKind(json, target, "UnitAdmission", RegistryDigests.unitAdmission.selector);
        checkKind(json, target, "UnitClosure", RegistryDigests.unitClosure.selector);
        checkKind(json, target, "SignerEnrolment", RegistryDigests.signerEnrolment.selector);
        checkKind(json, target, "SignerRevocation", RegistryDigests.signerRevocation.selector);
        checkKind(
            json,
            target,
            "EquipmentRegistration",
            RegistryDigests.equipmentRegistration.selector
        );
        checkKind(json, target, "EquipmentChange", RegistryDigests.equipmentChange.selector);
        checkKind(json, target, "RecoveryProposal", RegistryDigests.recoveryProposal.selector);
        checkKind(json, target, "RecoveryVeto", RegistryDigests.recoveryVeto.selector);
        checkKind(json, target, "RecordErasure", RegistryDigests.recordErasure.selector);

        vm.etch(target, address(LEDGER).code);
        checkKind(json, target, "CycleOpening", LedgerDigests.cycleOpening.selector);
        checkKind(json, target, "CycleEnding", LedgerDigests.cycleEnding.selector);
        checkKind(json, target, "LoadDeclaration", LedgerDigests.loadDeclaration.selector);
        checkKind(json, target, "CycleDecision", LedgerDigests.cycleDecision.selector);
    }

    function checkKind(
        string memory json,
        address target,
        string memory kind,
        bytes4 selector
    ) private view {
        string memory prefix = string.concat(".kinds.", kind);
        bytes[] memory encoded = vm.parseJsonBytesArray(json, string.concat(prefix, ".encoded"));
        bytes32[] memory digests = vm.parseJsonBytes32Array(
            json,
            string.concat(prefix, ".digests")
        );
        vm.assertEq(encoded.length, 2);
        vm.assertEq(digests.length, 2);
        for (uint256 i = 0; i < encoded.length; ++i) {
            (bool done, bytes memory result) = target.staticcall(
                bytes.concat(selector, encoded[i])
            );
            vm.assertTrue(done);
            vm.assertEq(abi.decode(result, (bytes32)), digests[i]);
        }
    }

    function test_the_registrys_digests_follow_chain_and_address() public view {
        equal(REGISTRY.unitAdmission(admission(1, nora)), TypedData.hash(admission(1, nora)));
        equal(REGISTRY.unitClosure(closure(1)), TypedData.hash(closure(1)));
        equal(REGISTRY.signerEnrolment(enrolment(oscar, 2)), TypedData.hash(enrolment(oscar, 2)));
        equal(REGISTRY.signerRevocation(revocation(oscar)), TypedData.hash(revocation(oscar)));
        equal(
            REGISTRY.equipmentRegistration(registration(SERIAL)),
            TypedData.hash(registration(SERIAL))
        );
        equal(REGISTRY.equipmentChange(change(2, 3)), TypedData.hash(change(2, 3)));
        equal(REGISTRY.recoveryProposal(proposal(oscar)), TypedData.hash(proposal(oscar)));
        equal(REGISTRY.recoveryVeto(veto("proposal")), TypedData.hash(veto("proposal")));
        equal(REGISTRY.recordErasure(erasure("subject")), TypedData.hash(erasure("subject")));
    }

    function test_the_ledgers_digests_follow_chain_and_address() public view {
        bytes32 cycle = cycleId(1);
        equalOnLedger(LEDGER.cycleOpening(opening(1)), TypedData.hash(opening(1)));
        equalOnLedger(LEDGER.cycleEnding(ending(cycle, 1, 2)), TypedData.hash(ending(cycle, 1, 2)));
        equalOnLedger(
            LEDGER.loadDeclaration(declaration(cycle, totals(3, 4))),
            TypedData.hash(declaration(cycle, totals(3, 4)))
        );
        equalOnLedger(
            LEDGER.cycleDecision(decision(cycle, RELEASE, trays(-3, 4))),
            TypedData.hash(decision(cycle, RELEASE, trays(-3, 4)))
        );
        equalOnLedger(
            LEDGER.cycleDecision(decision(cycle, HOLD, none())),
            TypedData.hash(decision(cycle, HOLD, none()))
        );
    }

    function equal(bytes32 computed, bytes32 structHash) private pure {
        vm.assertEq(computed, TypedData.digest(address(REGISTRY), CHAIN, structHash));
    }

    function equalOnLedger(bytes32 computed, bytes32 structHash) private pure {
        vm.assertEq(computed, TypedData.digest(address(LEDGER), CHAIN, structHash));
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {Duties} from "../../../contracts/Duties.sol";
import {ICycleLedger} from "../../../contracts/interfaces/ICycleLedger.sol";
import {IUnitRegistry, Proof} from "../../../contracts/interfaces/IUnitRegistry.sol";
import {TypedData} from "./TypedData.sol";
import {Vm} from "./Vm.sol";

/// Both ledgers, freshly deployed, with labelled actors and two units.
///
/// `encode` builds the call for a batch of one with the right proofs, `send` relays it, and `refuse`
/// relays it, expects exactly the given error, and asserts that both running heads stayed.
abstract contract Base {
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    uint64 internal constant NOW = 1_800_000_000;
    uint32 internal constant NORTH = 1; // the lead hospital, which processes
    uint32 internal constant SOUTH = 2; // a member unit
    bytes32 internal constant RECORD = keccak256("record");
    bytes32 internal constant SERIAL = keccak256("serial");
    uint256 internal constant CURVE_ORDER =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    string private constant VERIFIERS =
        "@openzeppelin/contracts/utils/cryptography/verifiers/ERC7913";

    IUnitRegistry internal registry;
    ICycleLedger internal ledger;
    address internal p256Verifier;
    address internal webAuthnVerifier;

    uint256 internal authority; // private keys of the actors
    uint256 internal nora; // NORTH's administrator
    uint256 internal oscar; // NORTH's operator, with every duty but ADMINISTER
    uint256 internal olga; // a second such operator
    uint256 internal sam; // SOUTH's administrator
    uint256 internal mallory; // nobody's

    bytes32 internal sterilizer; // NORTH's, epoch 1

    mapping(bytes32 signer => uint256 privateKey) private _keys;
    uint256 private _deployments; // the salt of the next deployment

    // ------------------------------------------------------------------------------------- setup

    function setUp() public virtual {
        vm.warp(NOW);
        authority = actor("authority");
        nora = actor("nora");
        oscar = actor("oscar");
        olga = actor("olga");
        sam = actor("sam");
        mallory = actor("mallory");
        p256Verifier = deploy(string.concat(VERIFIERS, "P256Verifier.sol/ERC7913P256Verifier"), "");
        webAuthnVerifier = deploy(
            string.concat(VERIFIERS, "WebAuthnVerifier.sol/ERC7913WebAuthnVerifier"),
            ""
        );
        address[] memory verifiers = new address[](2);
        (verifiers[0], verifiers[1]) = (p256Verifier, webAuthnVerifier);
        registry = deployRegistry(vm.addr(authority), verifiers);
        ledger = deployLedger(registry);
        sterilizer = TypedData.equipmentId(NORTH, SERIAL);
    }

    function deployRegistry(
        address authority_,
        address[] memory verifiers
    ) internal returns (IUnitRegistry) {
        return
            IUnitRegistry(
                deploy("contracts/UnitRegistry.sol/UnitRegistry", abi.encode(authority_, verifiers))
            );
    }

    function deployLedger(IUnitRegistry registry_) internal returns (ICycleLedger) {
        return ICycleLedger(deploy("contracts/CycleLedger.sol/CycleLedger", abi.encode(registry_)));
    }

    /// Deploys what the project's own settings compile to: the tests are compiled with others, for
    /// speed, and `new` would embed contracts that nobody deploys.
    function deploy(
        string memory artifact,
        bytes memory arguments
    ) internal returns (address deployed) {
        string memory json = vm.readFile(
            string.concat("build/hardhat/artifacts/", artifact, ".json")
        );
        bytes memory code = vm.parseJsonBytes(json, ".bytecode");
        deployed = Create2.deploy(0, bytes32(++_deployments), bytes.concat(code, arguments));
    }

    /// Admits both units, enrols NORTH's operators and registers its sterilizer.
    function settle() internal {
        send(admission(NORTH, nora));
        send(admission(SOUTH, sam));
        send(enrolment(oscar, Duties.ALL - Duties.ADMINISTER));
        send(enrolment(olga, Duties.ALL - Duties.ADMINISTER));
        send(registration(SERIAL));
    }

    function actor(string memory name) internal returns (uint256 privateKey) {
        privateKey = (uint256(keccak256(bytes(name))) % (CURVE_ORDER - 1)) + 1;
        vm.label(vm.addr(privateKey), name);
        _keys[id(privateKey)] = privateKey;
    }

    // ---------------------------------------------------------------------------- keys and proofs

    function account(uint256 privateKey) internal pure returns (bytes memory) {
        return bytes.concat(bytes20(vm.addr(privateKey)));
    }

    function id(uint256 privateKey) internal pure returns (bytes32) {
        return TypedData.signerId(account(privateKey));
    }

    function signature(uint256 privateKey, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(privateKey, digest);
        return bytes.concat(r, s, bytes1(v));
    }

    function proof(uint256 privateKey, bytes32 digest) internal pure returns (Proof memory) {
        return Proof({signer: account(privateKey), signature: signature(privateKey, digest)});
    }

    /// The proof of the actor whose signer id this is.
    function proofOf(bytes32 signer, bytes32 digest) internal view returns (Proof memory) {
        uint256 privateKey = _keys[signer];
        require(privateKey != 0, "not an actor");
        return proof(privateKey, digest);
    }

    function one(bytes memory item) internal pure returns (bytes[] memory items) {
        items = new bytes[](1);
        items[0] = item;
    }

    function one(Proof memory item) internal pure returns (Proof[] memory items) {
        items = new Proof[](1);
        items[0] = item;
    }

    // --------------------------------------------------------------------------- relay and refuse

    function relay(address target, bytes memory call) internal {
        Address.functionCall(target, call);
    }

    function refuseCall(address target, bytes memory call, bytes memory expected) internal {
        (bytes32 registryHead, bytes32 ledgerHead) = (registry.head(), ledger.head());
        (bool done, bytes memory result) = target.call(call);
        vm.assertFalse(done);
        vm.assertEq(result, expected);
        vm.assertEq(registry.head(), registryHead);
        vm.assertEq(ledger.head(), ledgerHead);
    }

    /// Relays the call and asserts that it changed and emitted nothing.
    function relayWithoutEffect(address target, bytes memory call) internal {
        (bytes32 registryHead, bytes32 ledgerHead) = (registry.head(), ledger.head());
        vm.recordLogs();
        relay(target, call);
        vm.assertEq(vm.getRecordedLogs().length, 0);
        vm.assertEq(registry.head(), registryHead);
        vm.assertEq(ledger.head(), ledgerHead);
    }

    function fold(bytes32 head, bytes32 digest) internal pure returns (bytes32) {
        return keccak256(abi.encode(head, digest));
    }

    // --------------------------------------------------------------------- operations, as usually

    function admission(
        uint32 unit,
        uint256 administrator
    ) internal view returns (IUnitRegistry.UnitAdmission memory) {
        return IUnitRegistry.UnitAdmission(unit, 3, id(administrator), 1, 0, RECORD, now64());
    }

    function closure(uint32 unit) internal view returns (IUnitRegistry.UnitClosure memory) {
        return IUnitRegistry.UnitClosure(unit, RECORD, now64());
    }

    function enrolment(
        uint256 key,
        uint32 duties
    ) internal view returns (IUnitRegistry.SignerEnrolment memory) {
        return
            IUnitRegistry.SignerEnrolment(
                NORTH,
                id(key),
                duties,
                2,
                now64(),
                0,
                RECORD,
                id(nora),
                now64()
            );
    }

    function revocation(uint256 key) internal view returns (IUnitRegistry.SignerRevocation memory) {
        return IUnitRegistry.SignerRevocation(NORTH, id(key), RECORD, id(nora), now64());
    }

    function registration(
        bytes32 serial
    ) internal view returns (IUnitRegistry.EquipmentRegistration memory) {
        return IUnitRegistry.EquipmentRegistration(NORTH, serial, 1, 1, RECORD, id(nora), now64());
    }

    function change(
        uint8 state,
        uint32 epoch
    ) internal view returns (IUnitRegistry.EquipmentChange memory) {
        (, , , bytes32 latest) = registry.getEquipment(sterilizer);
        return
            IUnitRegistry.EquipmentChange(
                sterilizer,
                NORTH,
                state,
                epoch,
                latest,
                RECORD,
                id(nora),
                now64()
            );
    }

    function proposal(uint256 key) internal view returns (IUnitRegistry.RecoveryProposal memory) {
        return IUnitRegistry.RecoveryProposal(NORTH, id(key), 3, 0, RECORD, now64());
    }

    function veto(bytes32 proposed) internal view returns (IUnitRegistry.RecoveryVeto memory) {
        return IUnitRegistry.RecoveryVeto(NORTH, proposed, RECORD, id(nora), now64());
    }

    function erasure(bytes32 subject) internal view returns (IUnitRegistry.RecordErasure memory) {
        return IUnitRegistry.RecordErasure(NORTH, subject, RECORD, id(oscar), id(olga), now64());
    }

    function opening(uint64 number) internal view returns (ICycleLedger.CycleOpening memory) {
        return
            ICycleLedger.CycleOpening(sterilizer, NORTH, 1, number, 0, RECORD, id(oscar), now64());
    }

    function ending(
        bytes32 cycle,
        uint8 outcome,
        uint8 verdict
    ) internal view returns (ICycleLedger.CycleEnding memory) {
        bytes32 current = ledger.getCycle(cycle).ending;
        return
            ICycleLedger.CycleEnding(
                cycle,
                NORTH,
                outcome,
                verdict,
                0,
                current,
                RECORD,
                id(oscar),
                now64()
            );
    }

    function declaration(
        bytes32 cycle,
        ICycleLedger.ClassTotal[] memory totals
    ) internal view returns (ICycleLedger.LoadDeclaration memory) {
        bytes32 current = ledger.getCycle(cycle).load;
        return
            ICycleLedger.LoadDeclaration(cycle, NORTH, totals, current, RECORD, id(oscar), now64());
    }

    function decision(
        bytes32 cycle,
        uint8 kind,
        ICycleLedger.Share[] memory shares
    ) internal view returns (ICycleLedger.CycleDecision memory) {
        ICycleLedger.Cycle memory stored = ledger.getCycle(cycle);
        return
            ICycleLedger.CycleDecision(
                cycle,
                NORTH,
                kind,
                stored.ending,
                stored.load,
                stored.decision,
                shares,
                RECORD,
                id(oscar),
                now64()
            );
    }

    function now64() internal view returns (uint64) {
        return uint64(block.timestamp);
    }

    // ---------------------------------------------------------------------- UnitAdmission

    function one(
        IUnitRegistry.UnitAdmission memory operation
    ) internal pure returns (IUnitRegistry.UnitAdmission[] memory batch) {
        batch = new IUnitRegistry.UnitAdmission[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.UnitAdmission memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.UnitAdmission memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.admitUnits,
                (
                    one(operation),
                    one(signature(authority, digest)),
                    one(proofOf(operation.administrator, digest))
                )
            );
    }

    function send(IUnitRegistry.UnitAdmission memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(IUnitRegistry.UnitAdmission memory operation, bytes memory expected) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- UnitClosure

    function one(
        IUnitRegistry.UnitClosure memory operation
    ) internal pure returns (IUnitRegistry.UnitClosure[] memory batch) {
        batch = new IUnitRegistry.UnitClosure[](1);
        batch[0] = operation;
    }

    function digestOf(IUnitRegistry.UnitClosure memory operation) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.UnitClosure memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.closeUnits,
                (one(operation), one(signature(authority, digest)))
            );
    }

    function send(IUnitRegistry.UnitClosure memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(IUnitRegistry.UnitClosure memory operation, bytes memory expected) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- SignerEnrolment

    function one(
        IUnitRegistry.SignerEnrolment memory operation
    ) internal pure returns (IUnitRegistry.SignerEnrolment[] memory batch) {
        batch = new IUnitRegistry.SignerEnrolment[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.SignerEnrolment memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.SignerEnrolment memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.enrolSigners,
                (
                    one(operation),
                    one(proofOf(operation.signedBy, digest)),
                    one(proofOf(operation.signer, digest))
                )
            );
    }

    function send(IUnitRegistry.SignerEnrolment memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(
        IUnitRegistry.SignerEnrolment memory operation,
        bytes memory expected
    ) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- SignerRevocation

    function one(
        IUnitRegistry.SignerRevocation memory operation
    ) internal pure returns (IUnitRegistry.SignerRevocation[] memory batch) {
        batch = new IUnitRegistry.SignerRevocation[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.SignerRevocation memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.SignerRevocation memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.revokeSigners,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(IUnitRegistry.SignerRevocation memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(
        IUnitRegistry.SignerRevocation memory operation,
        bytes memory expected
    ) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- EquipmentRegistration

    function one(
        IUnitRegistry.EquipmentRegistration memory operation
    ) internal pure returns (IUnitRegistry.EquipmentRegistration[] memory batch) {
        batch = new IUnitRegistry.EquipmentRegistration[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.EquipmentRegistration memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.EquipmentRegistration memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.registerEquipment,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(IUnitRegistry.EquipmentRegistration memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(
        IUnitRegistry.EquipmentRegistration memory operation,
        bytes memory expected
    ) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- EquipmentChange

    function one(
        IUnitRegistry.EquipmentChange memory operation
    ) internal pure returns (IUnitRegistry.EquipmentChange[] memory batch) {
        batch = new IUnitRegistry.EquipmentChange[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.EquipmentChange memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.EquipmentChange memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.changeEquipment,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(IUnitRegistry.EquipmentChange memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(
        IUnitRegistry.EquipmentChange memory operation,
        bytes memory expected
    ) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- RecoveryProposal

    function one(
        IUnitRegistry.RecoveryProposal memory operation
    ) internal pure returns (IUnitRegistry.RecoveryProposal[] memory batch) {
        batch = new IUnitRegistry.RecoveryProposal[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.RecoveryProposal memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.RecoveryProposal memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.proposeRecoveries,
                (
                    one(operation),
                    one(signature(authority, digest)),
                    one(proofOf(operation.signer, digest))
                )
            );
    }

    function send(IUnitRegistry.RecoveryProposal memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(
        IUnitRegistry.RecoveryProposal memory operation,
        bytes memory expected
    ) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- RecoveryVeto

    function one(
        IUnitRegistry.RecoveryVeto memory operation
    ) internal pure returns (IUnitRegistry.RecoveryVeto[] memory batch) {
        batch = new IUnitRegistry.RecoveryVeto[](1);
        batch[0] = operation;
    }

    function digestOf(IUnitRegistry.RecoveryVeto memory operation) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.RecoveryVeto memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.vetoRecoveries,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(IUnitRegistry.RecoveryVeto memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(IUnitRegistry.RecoveryVeto memory operation, bytes memory expected) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- RecordErasure

    function one(
        IUnitRegistry.RecordErasure memory operation
    ) internal pure returns (IUnitRegistry.RecordErasure[] memory batch) {
        batch = new IUnitRegistry.RecordErasure[](1);
        batch[0] = operation;
    }

    function digestOf(
        IUnitRegistry.RecordErasure memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(registry), TypedData.hash(operation));
    }

    function encode(
        IUnitRegistry.RecordErasure memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                IUnitRegistry.eraseRecords,
                (
                    one(operation),
                    one(proofOf(operation.signedBy, digest)),
                    one(proofOf(operation.countersignedBy, digest))
                )
            );
    }

    function send(IUnitRegistry.RecordErasure memory operation) internal returns (bytes32) {
        relay(address(registry), encode(operation));
        return digestOf(operation);
    }

    function refuse(IUnitRegistry.RecordErasure memory operation, bytes memory expected) internal {
        refuseCall(address(registry), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- CycleOpening

    function one(
        ICycleLedger.CycleOpening memory operation
    ) internal pure returns (ICycleLedger.CycleOpening[] memory batch) {
        batch = new ICycleLedger.CycleOpening[](1);
        batch[0] = operation;
    }

    function digestOf(ICycleLedger.CycleOpening memory operation) internal view returns (bytes32) {
        return TypedData.digest(address(ledger), TypedData.hash(operation));
    }

    function encode(
        ICycleLedger.CycleOpening memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                ICycleLedger.openCycles,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(ICycleLedger.CycleOpening memory operation) internal returns (bytes32) {
        relay(address(ledger), encode(operation));
        return digestOf(operation);
    }

    function refuse(ICycleLedger.CycleOpening memory operation, bytes memory expected) internal {
        refuseCall(address(ledger), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- CycleEnding

    function one(
        ICycleLedger.CycleEnding memory operation
    ) internal pure returns (ICycleLedger.CycleEnding[] memory batch) {
        batch = new ICycleLedger.CycleEnding[](1);
        batch[0] = operation;
    }

    function digestOf(ICycleLedger.CycleEnding memory operation) internal view returns (bytes32) {
        return TypedData.digest(address(ledger), TypedData.hash(operation));
    }

    function encode(
        ICycleLedger.CycleEnding memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                ICycleLedger.endCycles,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(ICycleLedger.CycleEnding memory operation) internal returns (bytes32) {
        relay(address(ledger), encode(operation));
        return digestOf(operation);
    }

    function refuse(ICycleLedger.CycleEnding memory operation, bytes memory expected) internal {
        refuseCall(address(ledger), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- LoadDeclaration

    function one(
        ICycleLedger.LoadDeclaration memory operation
    ) internal pure returns (ICycleLedger.LoadDeclaration[] memory batch) {
        batch = new ICycleLedger.LoadDeclaration[](1);
        batch[0] = operation;
    }

    function digestOf(
        ICycleLedger.LoadDeclaration memory operation
    ) internal view returns (bytes32) {
        return TypedData.digest(address(ledger), TypedData.hash(operation));
    }

    function encode(
        ICycleLedger.LoadDeclaration memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                ICycleLedger.declareLoads,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(ICycleLedger.LoadDeclaration memory operation) internal returns (bytes32) {
        relay(address(ledger), encode(operation));
        return digestOf(operation);
    }

    function refuse(ICycleLedger.LoadDeclaration memory operation, bytes memory expected) internal {
        refuseCall(address(ledger), encode(operation), expected);
    }

    // ---------------------------------------------------------------------- CycleDecision

    function one(
        ICycleLedger.CycleDecision memory operation
    ) internal pure returns (ICycleLedger.CycleDecision[] memory batch) {
        batch = new ICycleLedger.CycleDecision[](1);
        batch[0] = operation;
    }

    function digestOf(ICycleLedger.CycleDecision memory operation) internal view returns (bytes32) {
        return TypedData.digest(address(ledger), TypedData.hash(operation));
    }

    function encode(
        ICycleLedger.CycleDecision memory operation
    ) internal view returns (bytes memory) {
        bytes32 digest = digestOf(operation);
        return
            abi.encodeCall(
                ICycleLedger.decideCycles,
                (one(operation), one(proofOf(operation.signedBy, digest)))
            );
    }

    function send(ICycleLedger.CycleDecision memory operation) internal returns (bytes32) {
        relay(address(ledger), encode(operation));
        return digestOf(operation);
    }

    function refuse(ICycleLedger.CycleDecision memory operation, bytes memory expected) internal {
        refuseCall(address(ledger), encode(operation), expected);
    }
}

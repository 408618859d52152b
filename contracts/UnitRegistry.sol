// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Duties} from "./Duties.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {OperationLog} from "./OperationLog.sol";

/// @title UnitRegistry
/// @notice Units, their signers and their equipment: never deleted, only closed, revoked, retired.
contract UnitRegistry is IUnitRegistry, OperationLog {
    // --------------------------------------------------------------------------------- constants

    /// @inheritdoc IUnitRegistry
    uint256 public constant SKEW_SECONDS = 300;
    /// @inheritdoc IUnitRegistry
    uint256 public constant RECOVERY_DELAY = 7 days;

    bytes32 private constant SIGNER_TAG = keccak256("steriledger.signer.v1");
    bytes32 private constant EQUIPMENT_TAG = keccak256("steriledger.equipment.v1");
    bytes32 private constant RECOVERY_COMPLETED_TAG = keccak256(
        "steriledger.recovery.completed.v1"
    );

    bytes32 private constant UNIT_ADMISSION_TYPEHASH = keccak256(
        "UnitAdmission(uint32 unit,uint16 roles,bytes32 administrator,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"
    );
    bytes32 private constant UNIT_CLOSURE_TYPEHASH = keccak256(
        "UnitClosure(uint32 unit,bytes32 record,uint64 signedAt)"
    );
    bytes32 private constant SIGNER_ENROLMENT_TYPEHASH = keccak256(
        "SignerEnrolment(uint32 unit,bytes32 signer,uint32 duties,uint8 custody,uint64 validFrom,uint64 validUntil,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant SIGNER_REVOCATION_TYPEHASH = keccak256(
        "SignerRevocation(uint32 unit,bytes32 signer,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant EQUIPMENT_REGISTRATION_TYPEHASH = keccak256(
        "EquipmentRegistration(uint32 unit,bytes32 serial,uint8 kind,uint32 epoch,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant EQUIPMENT_CHANGE_TYPEHASH = keccak256(
        "EquipmentChange(bytes32 equipment,uint32 unit,uint8 state,uint32 epoch,bytes32 replaces,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant RECOVERY_PROPOSAL_TYPEHASH = keccak256(
        "RecoveryProposal(uint32 unit,bytes32 signer,uint8 custody,uint64 validUntil,bytes32 record,uint64 signedAt)"
    );
    bytes32 private constant RECOVERY_VETO_TYPEHASH = keccak256(
        "RecoveryVeto(uint32 unit,bytes32 proposal,bytes32 record,bytes32 signedBy,uint64 signedAt)"
    );
    bytes32 private constant RECORD_ERASURE_TYPEHASH = keccak256(
        "RecordErasure(uint32 unit,bytes32 subject,bytes32 record,bytes32 signedBy,bytes32 countersignedBy,uint64 signedAt)"
    );

    uint16 private constant ALL_ROLES = 63;
    uint8 private constant CUSTODIES = 4;
    uint8 private constant EQUIPMENT_KINDS = 2;
    uint256 private constant ADDRESS_LENGTH = 20;

    // Unit states.
    uint8 private constant ADMITTED = 1;
    uint8 private constant CLOSED = 2;
    // Equipment states.
    uint8 private constant IN_SERVICE = 1;
    uint8 private constant OUT_OF_SERVICE = 2;
    uint8 private constant RETIRED = 3;
    // Recovery states.
    uint8 private constant PROPOSED = 1;
    uint8 private constant VETOED = 2;
    uint8 private constant COMPLETED = 3;

    // -------------------------------------------------------------------------------- immutables

    /// @inheritdoc IUnitRegistry
    address public immutable authority;

    // ----------------------------------------------------------------------------------- storage

    /// A key that acts for a unit. One slot.
    struct Signer {
        uint32 unit; // the unit that it acts for, for ever; 0 when the key is unknown
        uint32 duties; // bit set, see Duties
        uint64 validFrom; // Unix seconds
        uint64 validUntil; // Unix seconds; 0 means no expiry
        bool revoked; // terminal
    }

    /// A machine.
    struct Equipment {
        bytes32 latest; // digest of the registration or of the latest change
        uint32 unit; // the unit that owns it; 0 when the machine is unknown
        uint32 epoch; // the counter epoch that it is in
        uint8 state; // 1 in service, 2 out of service, 3 retired
    }

    /// A proposal to give a unit a new administrator.
    struct Recovery {
        bytes32 signer; // id of the proposed key
        uint32 unit; // the unit that it concerns; 0 when the proposal is unknown
        uint64 validFrom; // of the key: when the authority signed the proposal
        uint64 validUntil; // of the key; 0 means no expiry
        uint64 proposedAt; // block time of the proposal
        uint8 state; // 1 proposed, 2 vetoed, 3 completed
    }

    mapping(uint32 unit => uint8 state) private _units;
    mapping(bytes32 signer => Signer) private _signers;
    mapping(bytes32 equipment => Equipment) private _equipment;
    mapping(bytes32 proposal => Recovery) private _recoveries;
    mapping(uint32 unit => mapping(bytes32 subject => bytes32 digest)) private _erasures;
    mapping(bytes32 digest => bool) private _recorded;
    mapping(address verifier => bool) private _verifiers;

    // ------------------------------------------------------------------------------- constructor

    constructor(address authority_, address[] memory verifiers) {
        require(authority_ != address(0), AuthorityMissing());
        authority = authority_;
        for (uint256 i = 0; i < verifiers.length; ++i) {
            require(verifiers[i].code.length != 0, VerifierWithoutCode(verifiers[i]));
            _verifiers[verifiers[i]] = true;
        }
    }

    // ---------------------------------------------------------------------- the authority's acts

    /// @inheritdoc IUnitRegistry
    function admitUnits(
        UnitAdmission[] calldata operations,
        bytes[] calldata authoritySignatures,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, authoritySignatures.length);
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _admit(operations[i], authoritySignatures[i], administrators[i]);
        }
    }

    /// @inheritdoc IUnitRegistry
    function closeUnits(
        UnitClosure[] calldata operations,
        bytes[] calldata authoritySignatures
    ) external {
        _requireBatch(operations.length, authoritySignatures.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _close(operations[i], authoritySignatures[i]);
        }
    }

    /// @inheritdoc IUnitRegistry
    function proposeRecoveries(
        RecoveryProposal[] calldata operations,
        bytes[] calldata authoritySignatures,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, authoritySignatures.length);
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _propose(operations[i], authoritySignatures[i], administrators[i]);
        }
    }

    // ------------------------------------------------------------------- an administrator's acts

    /// @inheritdoc IUnitRegistry
    function enrolSigners(
        SignerEnrolment[] calldata operations,
        Proof[] calldata administrators,
        Proof[] calldata signers
    ) external {
        _requireBatch(operations.length, administrators.length);
        _requireBatch(operations.length, signers.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _enrol(operations[i], administrators[i], signers[i]);
        }
    }

    /// @inheritdoc IUnitRegistry
    function revokeSigners(
        SignerRevocation[] calldata operations,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) _revoke(operations[i], administrators[i]);
    }

    /// @inheritdoc IUnitRegistry
    function registerEquipment(
        EquipmentRegistration[] calldata operations,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) _register(operations[i], administrators[i]);
    }

    /// @inheritdoc IUnitRegistry
    function changeEquipment(
        EquipmentChange[] calldata operations,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) _change(operations[i], administrators[i]);
    }

    /// @inheritdoc IUnitRegistry
    function vetoRecoveries(
        RecoveryVeto[] calldata operations,
        Proof[] calldata administrators
    ) external {
        _requireBatch(operations.length, administrators.length);
        for (uint256 i = 0; i < operations.length; ++i) _veto(operations[i], administrators[i]);
    }

    // ------------------------------------------------------------------------- two signers' acts

    /// @inheritdoc IUnitRegistry
    function eraseRecords(
        RecordErasure[] calldata operations,
        Proof[] calldata signers,
        Proof[] calldata countersigners
    ) external {
        _requireBatch(operations.length, signers.length);
        _requireBatch(operations.length, countersigners.length);
        for (uint256 i = 0; i < operations.length; ++i) {
            _erase(operations[i], signers[i], countersigners[i]);
        }
    }

    // ----------------------------------------------------------------------------- anybody's act

    /// @inheritdoc IUnitRegistry
    function completeRecovery(bytes32 proposal) external {
        Recovery storage recovery = _recoveries[proposal];
        uint32 unit = recovery.unit;
        uint8 state = recovery.state;
        if (state == COMPLETED) return;
        require(state != 0, RecoveryUnknown(proposal, proposal));
        require(state != VETOED, RecoveryIsVetoed(proposal, proposal));
        _requireAdmitted(proposal, unit);
        uint256 until = recovery.proposedAt + RECOVERY_DELAY;
        require(block.timestamp > until, RecoveryTooEarly(proposal, until));
        bytes32 signer = recovery.signer;
        _requireNewSigner(proposal, signer);

        recovery.state = COMPLETED;
        _signers[signer] = Signer({
            unit: unit,
            duties: Duties.ADMINISTER,
            validFrom: recovery.validFrom,
            validUntil: recovery.validUntil,
            revoked: false
        });
        bytes32 advanced = _record(keccak256(abi.encode(RECOVERY_COMPLETED_TAG, proposal)));
        emit RecoveryCompleted(proposal, unit, signer, advanced);
    }

    // ------------------------------------------------------------------------------------- views

    /// @inheritdoc IUnitRegistry
    function requireDuty(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 duty,
        uint64 signedAt,
        Proof calldata proof
    ) external view {
        _requireDuty(digest, unit, signedBy, duty, signedAt, proof);
    }

    /// @inheritdoc IUnitRegistry
    function requireInService(
        bytes32 digest,
        bytes32 equipment,
        uint32 unit,
        uint32 epoch
    ) external view {
        Equipment storage stored = _equipment[equipment];
        _requireOwner(digest, equipment, stored.unit, unit);
        uint8 state = stored.state;
        uint32 current = stored.epoch;
        require(state != RETIRED, EquipmentIsRetired(digest, equipment));
        require(state != OUT_OF_SERVICE, EquipmentOutOfService(digest, equipment));
        require(epoch >= current, EpochPassed(digest, equipment, epoch, current));
        require(epoch == current, EpochNotReached(digest, equipment, epoch, current));
    }

    /// @inheritdoc IUnitRegistry
    function requireAdmitted(bytes32 digest, uint32 unit) external view {
        _requireAdmitted(digest, unit);
    }

    /// @inheritdoc IUnitRegistry
    function requireKnown(bytes32 digest, uint32 unit) external view {
        require(_units[unit] != 0, UnitUnknown(digest, unit));
    }

    /// @inheritdoc IUnitRegistry
    function isAdmitted(uint32 unit) external view returns (bool) {
        return _units[unit] == ADMITTED;
    }

    /// @inheritdoc IUnitRegistry
    function isRecorded(bytes32 digest) external view returns (bool) {
        return _recorded[digest];
    }

    /// @inheritdoc IUnitRegistry
    function isVerifier(address verifier) external view returns (bool) {
        return _verifiers[verifier];
    }

    /// @inheritdoc IUnitRegistry
    function getSigner(
        bytes32 signer
    )
        external
        view
        returns (uint32 unit, uint32 duties, uint64 validFrom, uint64 validUntil, bool revoked)
    {
        Signer storage stored = _signers[signer];
        return (stored.unit, stored.duties, stored.validFrom, stored.validUntil, stored.revoked);
    }

    /// @inheritdoc IUnitRegistry
    function getEquipment(
        bytes32 equipment
    ) external view returns (uint32 unit, uint8 state, uint32 epoch, bytes32 latest) {
        Equipment storage stored = _equipment[equipment];
        return (stored.unit, stored.state, stored.epoch, stored.latest);
    }

    /// @inheritdoc IUnitRegistry
    function getRecovery(
        bytes32 proposal
    ) external view returns (uint32 unit, uint8 state, uint256 vetoableUntil, bytes32 signer) {
        Recovery storage stored = _recoveries[proposal];
        unit = stored.unit;
        vetoableUntil = unit == 0 ? 0 : stored.proposedAt + RECOVERY_DELAY;
        return (unit, stored.state, vetoableUntil, stored.signer);
    }

    // --------------------------------------------------------------------------- internal: units

    function _admit(
        UnitAdmission calldata operation,
        bytes calldata authoritySignature,
        Proof calldata administrator
    ) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAuthority(digest, operation.signedAt, authoritySignature);
        uint32 unit = operation.unit;
        uint16 roles = operation.roles;
        require(unit != 0, UnitNumberZero(digest));
        require(_units[unit] == 0, UnitConflict(digest, unit));
        require(roles != 0 && roles & ~ALL_ROLES == 0, RolesUnknown(digest, roles));
        _requireKey(digest, operation.administrator, administrator);
        Signer memory signer = Signer({
            unit: unit,
            duties: Duties.ADMINISTER,
            validFrom: operation.signedAt,
            validUntil: operation.validUntil,
            revoked: false
        });
        _requireTerms(digest, signer, operation.custody);

        _units[unit] = ADMITTED;
        _signers[operation.administrator] = signer;
        bytes32 advanced = _record(digest);
        emit UnitAdmitted(
            digest,
            unit,
            operation.administrator,
            roles,
            operation.custody,
            operation.validUntil,
            operation.record,
            operation.signedAt,
            advanced
        );
        emit SignerEnrolled(
            digest,
            unit,
            operation.administrator,
            Duties.ADMINISTER,
            operation.custody,
            operation.signedAt,
            operation.validUntil,
            operation.record,
            bytes32(0), // the authority has no signer id
            operation.signedAt,
            advanced,
            administrator.signer
        );
    }

    function _close(UnitClosure calldata operation, bytes calldata authoritySignature) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAuthority(digest, operation.signedAt, authoritySignature);
        _requireAdmitted(digest, operation.unit);

        _units[operation.unit] = CLOSED;
        emit UnitClosed(
            digest,
            operation.unit,
            operation.record,
            operation.signedAt,
            _record(digest)
        );
    }

    // ------------------------------------------------------------------------- internal: signers

    function _enrol(
        SignerEnrolment calldata operation,
        Proof calldata administrator,
        Proof calldata proof
    ) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAdministrator(
            digest,
            operation.unit,
            operation.signedBy,
            operation.signedAt,
            administrator
        );
        _requireKey(digest, operation.signer, proof);
        Signer memory signer = Signer({
            unit: operation.unit,
            duties: operation.duties,
            validFrom: operation.validFrom,
            validUntil: operation.validUntil,
            revoked: false
        });
        _requireTerms(digest, signer, operation.custody);

        _signers[operation.signer] = signer;
        emit SignerEnrolled(
            digest,
            operation.unit,
            operation.signer,
            operation.duties,
            operation.custody,
            operation.validFrom,
            operation.validUntil,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _record(digest),
            proof.signer
        );
    }

    function _revoke(SignerRevocation calldata operation, Proof calldata administrator) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAdministrator(
            digest,
            operation.unit,
            operation.signedBy,
            operation.signedAt,
            administrator
        );
        Signer storage signer = _signers[operation.signer];
        uint32 owner = signer.unit;
        require(owner != 0, SignerUnknown(digest, operation.signer));
        require(owner == operation.unit, SignerOfOtherUnit(digest, operation.signer, owner));
        require(!signer.revoked, SignerIsRevoked(digest, operation.signer));

        signer.revoked = true;
        emit SignerRevoked(
            digest,
            operation.unit,
            operation.signer,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _record(digest)
        );
    }

    // ----------------------------------------------------------------------- internal: equipment

    function _register(
        EquipmentRegistration calldata operation,
        Proof calldata administrator
    ) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAdministrator(
            digest,
            operation.unit,
            operation.signedBy,
            operation.signedAt,
            administrator
        );
        uint8 kind = operation.kind;
        require(kind != 0 && kind <= EQUIPMENT_KINDS, EquipmentKindUnknown(digest, kind));
        bytes32 id = keccak256(abi.encode(EQUIPMENT_TAG, operation.unit, operation.serial));
        Equipment storage equipment = _equipment[id];
        require(equipment.unit == 0, EquipmentConflict(digest, id, equipment.latest));

        equipment.latest = digest;
        equipment.unit = operation.unit;
        equipment.epoch = operation.epoch;
        equipment.state = IN_SERVICE;
        emit EquipmentRegistered(
            digest,
            operation.unit,
            id,
            operation.serial,
            kind,
            operation.epoch,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _record(digest)
        );
    }

    function _change(EquipmentChange calldata operation, Proof calldata administrator) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAdministrator(
            digest,
            operation.unit,
            operation.signedBy,
            operation.signedAt,
            administrator
        );
        Equipment storage equipment = _equipment[operation.equipment];
        _requireChange(digest, operation, equipment);

        equipment.latest = digest;
        equipment.epoch = operation.epoch;
        equipment.state = operation.state;
        emit EquipmentChanged(
            digest,
            operation.unit,
            operation.equipment,
            operation.state,
            operation.epoch,
            operation.replaces,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _record(digest)
        );
    }

    function _requireChange(
        bytes32 digest,
        EquipmentChange calldata operation,
        Equipment storage equipment
    ) private view {
        bytes32 id = operation.equipment;
        uint8 state = operation.state;
        uint32 epoch = equipment.epoch;
        _requireOwner(digest, id, equipment.unit, operation.unit);
        require(state != 0 && state <= RETIRED, EquipmentStateUnknown(digest, state));
        require(equipment.state != RETIRED, EquipmentIsRetired(digest, id));
        _requireLatest(digest, operation.replaces, equipment.latest);
        require(operation.epoch >= epoch, EpochPassed(digest, id, operation.epoch, epoch));
    }

    // ------------------------------------------------------------------------ internal: recovery

    function _propose(
        RecoveryProposal calldata operation,
        bytes calldata authoritySignature,
        Proof calldata administrator
    ) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAuthority(digest, operation.signedAt, authoritySignature);
        _requireAdmitted(digest, operation.unit);
        _requireKey(digest, operation.signer, administrator);
        _requireCustody(digest, operation.custody);
        _requireValidity(digest, operation.signedAt, operation.validUntil);

        _recoveries[digest] = Recovery({
            signer: operation.signer,
            unit: operation.unit,
            validFrom: operation.signedAt,
            validUntil: operation.validUntil,
            proposedAt: uint64(block.timestamp), // Unix seconds, far below 2 ** 64
            state: PROPOSED
        });
        emit RecoveryProposed(
            digest,
            operation.unit,
            operation.signer,
            operation.custody,
            operation.validUntil,
            operation.record,
            operation.signedAt,
            _record(digest),
            administrator.signer
        );
    }

    function _veto(RecoveryVeto calldata operation, Proof calldata administrator) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireAdministrator(
            digest,
            operation.unit,
            operation.signedBy,
            operation.signedAt,
            administrator
        );
        _requireVetoable(digest, operation);

        _recoveries[operation.proposal].state = VETOED;
        emit RecoveryVetoed(
            digest,
            operation.unit,
            operation.proposal,
            operation.record,
            operation.signedBy,
            operation.signedAt,
            _record(digest)
        );
    }

    function _requireVetoable(bytes32 digest, RecoveryVeto calldata operation) private view {
        bytes32 proposal = operation.proposal;
        Recovery storage recovery = _recoveries[proposal];
        uint32 concerned = recovery.unit;
        uint256 until = recovery.proposedAt + RECOVERY_DELAY;
        require(concerned != 0, RecoveryUnknown(digest, proposal));
        require(concerned == operation.unit, RecoveryOfOtherUnit(digest, proposal, concerned));
        require(recovery.state != VETOED, RecoveryIsVetoed(digest, proposal));
        require(block.timestamp <= until, RecoveryVetoTooLate(digest, proposal, until));
    }

    // ------------------------------------------------------------------------- internal: erasure

    function _erase(
        RecordErasure calldata operation,
        Proof calldata signer,
        Proof calldata countersigner
    ) private {
        bytes32 digest = _digest(operation);
        if (_recorded[digest]) return;
        _requireErasers(digest, operation, signer, countersigner);
        bytes32 recorded = _erasures[operation.unit][operation.subject];
        require(recorded == 0, ErasureConflict(digest, operation.subject, recorded));

        _erasures[operation.unit][operation.subject] = digest;
        emit RecordErased(
            digest,
            operation.unit,
            operation.subject,
            operation.record,
            operation.signedBy,
            operation.countersignedBy,
            operation.signedAt,
            _record(digest)
        );
    }

    function _requireErasers(
        bytes32 digest,
        RecordErasure calldata operation,
        Proof calldata signer,
        Proof calldata countersigner
    ) private view {
        bytes32 first = operation.signedBy;
        bytes32 second = operation.countersignedBy;
        require(first != second, CountersignerIsSigner(digest, first));
        uint64 signedAt = operation.signedAt;
        _requireDuty(digest, operation.unit, first, Duties.ERASE, signedAt, signer);
        _requireDuty(digest, operation.unit, second, Duties.ERASE, signedAt, countersigner);
    }

    // -------------------------------------------------------------------------- internal: rights

    function _requireAuthority(
        bytes32 digest,
        uint64 signedAt,
        bytes calldata signature
    ) private view {
        _requireTimely(digest, signedAt);
        require(
            SignatureChecker.isValidSignatureNowCalldata(authority, digest, signature),
            AuthoritySignatureInvalid(digest)
        );
    }

    function _requireAdministrator(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint64 signedAt,
        Proof calldata proof
    ) private view {
        _requireDuty(digest, unit, signedBy, Duties.ADMINISTER, signedAt, proof);
    }

    function _requireDuty(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 duty,
        uint64 signedAt,
        Proof calldata proof
    ) private view {
        _requireTimely(digest, signedAt);
        _requireAdmitted(digest, unit);
        Signer memory signer = _signers[signedBy];
        require(signer.unit != 0, SignerUnknown(digest, signedBy));
        require(signer.unit == unit, SignerOfOtherUnit(digest, signedBy, signer.unit));
        require(!signer.revoked, SignerIsRevoked(digest, signedBy));
        require(signer.duties & duty == duty, DutyMissing(digest, signedBy, duty, signer.duties));
        require(
            signedAt >= signer.validFrom,
            SignerNotYetValid(digest, signedBy, signer.validFrom, signedAt)
        );
        require(
            signer.validUntil == 0 || signedAt <= signer.validUntil,
            SignerExpired(digest, signedBy, signer.validUntil, signedAt)
        );
        _requireSignature(digest, signedBy, proof);
    }

    function _requireTimely(bytes32 digest, uint64 signedAt) private view {
        require(
            signedAt <= block.timestamp + SKEW_SECONDS,
            SignedInFuture(digest, signedAt, block.timestamp)
        );
    }

    function _requireAdmitted(bytes32 digest, uint32 unit) private view {
        uint8 state = _units[unit];
        require(state != 0, UnitUnknown(digest, unit));
        require(state != CLOSED, UnitIsClosed(digest, unit));
    }

    // ---------------------------------------------------------------------------- internal: keys

    /// Reverts unless the key is new here, of a permitted kind, and signed the digest.
    function _requireKey(bytes32 digest, bytes32 signer, Proof calldata proof) private view {
        _requireNewSigner(digest, signer);
        _requirePermitted(digest, proof.signer);
        _requireSignature(digest, signer, proof);
    }

    function _requireNewSigner(bytes32 digest, bytes32 signer) private view {
        Signer storage stored = _signers[signer];
        require(!stored.revoked, SignerIsRevoked(digest, signer));
        require(stored.unit == 0, SignerConflict(digest, signer, stored.unit));
    }

    /// ERC-7913 would accept any contract as verifier, one that accepts everything included, and
    /// any contract account through ERC-1271, whose answers change: hence the allow-list, and
    /// account keys without code only.
    function _requirePermitted(bytes32 digest, bytes calldata key) private view {
        require(key.length >= ADDRESS_LENGTH, SignerMalformed(digest, key.length));
        address account = address(bytes20(key));
        if (key.length == ADDRESS_LENGTH) {
            require(account.code.length == 0, SignerHasCode(digest, account));
        } else {
            require(_verifiers[account], VerifierNotAllowed(digest, account));
        }
    }

    function _requireSignature(bytes32 digest, bytes32 signer, Proof calldata proof) private view {
        bytes32 proven = keccak256(abi.encode(SIGNER_TAG, proof.signer));
        require(proven == signer, SignerMismatch(digest, signer, proven));
        require(_isSigned(digest, proof), SignatureInvalid(digest, signer));
    }

    /// An account key is recovered even if its address has code by now: its enrolment was for the
    /// key, and code must not be able to sign for it.
    function _isSigned(bytes32 digest, Proof calldata proof) private view returns (bool) {
        bytes calldata key = proof.signer;
        if (key.length != ADDRESS_LENGTH) {
            return SignatureChecker.isValidSignatureNow(key, digest, proof.signature);
        }
        (address recovered, ECDSA.RecoverError problem, ) = ECDSA.tryRecoverCalldata(
            digest,
            proof.signature
        );
        return problem == ECDSA.RecoverError.NoError && recovered == address(bytes20(key));
    }

    // --------------------------------------------------------------------------- internal: terms

    function _requireTerms(bytes32 digest, Signer memory signer, uint8 custody) private pure {
        uint32 duties = signer.duties;
        require(duties != 0 && duties & ~Duties.ALL == 0, DutiesUnknown(digest, duties));
        _requireCustody(digest, custody);
        _requireValidity(digest, signer.validFrom, signer.validUntil);
    }

    function _requireCustody(bytes32 digest, uint8 custody) private pure {
        require(custody != 0 && custody <= CUSTODIES, CustodyUnknown(digest, custody));
    }

    function _requireValidity(bytes32 digest, uint64 from, uint64 until) private pure {
        require(until == 0 || until > from, ValidityEmpty(digest, from, until));
    }

    function _requireOwner(
        bytes32 digest,
        bytes32 equipment,
        uint32 owner,
        uint32 unit
    ) private pure {
        require(owner != 0, EquipmentUnknown(digest, equipment));
        require(owner == unit, EquipmentOfOtherUnit(digest, equipment, owner));
    }

    /// Reverts unless the named digest is the machine's latest.
    function _requireLatest(bytes32 digest, bytes32 named, bytes32 latest) private view {
        if (named == latest) return;
        require(named == 0 || _recorded[named], PredecessorUnknown(digest, named));
        revert NotCurrent(digest, named, latest);
    }

    // ------------------------------------------------------------------------- internal: records

    /// Marks the digest as recorded and advances the running head by it.
    function _record(bytes32 digest) private returns (bytes32 advanced) {
        _recorded[digest] = true;
        return _advance(digest);
    }

    // ------------------------------------------------------------------------- internal: digests

    function _digest(UnitAdmission calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(UNIT_ADMISSION_TYPEHASH, operation)));
    }

    function _digest(UnitClosure calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(UNIT_CLOSURE_TYPEHASH, operation)));
    }

    function _digest(SignerEnrolment calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNER_ENROLMENT_TYPEHASH, operation)));
    }

    function _digest(SignerRevocation calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SIGNER_REVOCATION_TYPEHASH, operation)));
    }

    function _digest(EquipmentRegistration calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(EQUIPMENT_REGISTRATION_TYPEHASH, operation)));
    }

    function _digest(EquipmentChange calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(EQUIPMENT_CHANGE_TYPEHASH, operation)));
    }

    function _digest(RecoveryProposal calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECOVERY_PROPOSAL_TYPEHASH, operation)));
    }

    function _digest(RecoveryVeto calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECOVERY_VETO_TYPEHASH, operation)));
    }

    function _digest(RecordErasure calldata operation) internal view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RECORD_ERASURE_TYPEHASH, operation)));
    }
}

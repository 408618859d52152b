// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {IUnitRegistry, Proof} from "./interfaces/IUnitRegistry.sol";
import {OperationLog} from "./OperationLog.sol";
import {Rights} from "./Rights.sol";

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
        "SignerEnrolment(uint32 unit,bytes32 signer,uint32 rights,uint8 custody,uint64 validFrom,uint64 validUntil,bytes32 record,bytes32 signedBy,uint64 signedAt)"
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
    // Equipment states; 2 is out of service.
    uint8 private constant IN_SERVICE = 1;
    uint8 private constant RETIRED = 3;
    // A signer's only state beside its validity.
    uint8 private constant REVOKED = 1;
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
        uint32 rights; // bit set, see Rights
        uint64 validFrom; // Unix seconds
        uint64 validUntil; // Unix seconds; 0 means no expiry
        bool revoked; // terminal
    }

    /// A machine.
    struct Equipment {
        bytes32 latest; // digest of the registration or of the latest change
        uint32 unit; // the unit that owns it; 0 when the machine is unknown
        uint32 epoch; // the counter epoch that it is in
        uint32 first; // the counter epoch in which it was registered
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
    mapping(address verifier => bool) private _verifiers;

    // ------------------------------------------------------------------------------- constructor

    constructor(address authority_, address[] memory verifiers) {
        require(authority_ != address(0), DeploymentInvalid("authority", 0));
        authority = authority_;
        for (uint256 i = 0; i < verifiers.length; ++i) {
            address target = verifiers[i];
            require(target.code.length != 0, DeploymentInvalid("verifier", uint160(target)));
            _verifiers[target] = true;
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
        uint8 state = recovery.state;
        if (state == COMPLETED) return;
        require(state != 0, Unknown(proposal, "recovery", proposal));
        require(state != VETOED, NotAllowed(proposal, "recovery", state));
        uint32 unit = recovery.unit;
        requireAdmitted(proposal, unit);
        uint256 from = recovery.proposedAt + RECOVERY_DELAY + 1;
        require(block.timestamp >= from, TooEarly(proposal, "recovery", from));
        bytes32 signer = recovery.signer;
        _requireNewSigner(proposal, signer);

        recovery.state = COMPLETED;
        _enrolAdministrator(signer, unit, recovery.validFrom, recovery.validUntil);
        bytes32 advanced = _record(keccak256(abi.encode(RECOVERY_COMPLETED_TAG, proposal)));
        emit RecoveryCompleted(proposal, signer, unit, advanced);
    }

    // -------------------------------------------------------------------------- what others need

    /// @inheritdoc IUnitRegistry
    function requireRight(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint32 right,
        uint64 signedAt,
        Proof calldata proof
    ) public view {
        _requireTimely(digest, signedAt);
        requireAdmitted(digest, unit);
        Signer memory signer = _signers[signedBy];
        _requireOwned(digest, "signer", signedBy, signer.unit, unit);
        require(!signer.revoked, NotAllowed(digest, "signer", REVOKED));
        require(
            signer.rights & right == right,
            RightMissing(digest, signedBy, right, signer.rights)
        );
        uint64 until = signer.validUntil == 0 ? type(uint64).max : signer.validUntil;
        _requireRange(digest, "signedAt", signedAt, signer.validFrom, until);
        _requireSignature(digest, signedBy, proof);
    }

    /// @inheritdoc IUnitRegistry
    function requireAuthority(
        bytes32 digest,
        uint64 signedAt,
        bytes calldata signature
    ) public view {
        _requireTimely(digest, signedAt);
        require(
            SignatureChecker.isValidSignatureNowCalldata(authority, digest, signature),
            SignatureInvalid(digest, 0)
        );
    }

    /// @inheritdoc IUnitRegistry
    function requireEquipment(bytes32 digest, bytes32 equipment, uint32 unit) public view {
        _requireOwned(digest, "equipment", equipment, _equipment[equipment].unit, unit);
    }

    /// @inheritdoc IUnitRegistry
    function requireOwner(
        bytes32 digest,
        bytes32 equipment,
        uint32 unit,
        uint32 epoch
    ) external view {
        requireEquipment(digest, equipment, unit);
        Equipment storage stored = _equipment[equipment];
        uint32 current = stored.epoch;
        require(epoch <= current, TooEarly(digest, "epoch", epoch));
        _requireRange(digest, "epoch", epoch, stored.first, current);
    }

    /// @inheritdoc IUnitRegistry
    function requireAdmitted(bytes32 digest, uint32 unit) public view {
        uint8 state = _units[unit];
        require(state != 0, Unknown(digest, "unit", _unitId(unit)));
        require(state != CLOSED, NotAllowed(digest, "unit", state));
    }

    /// @inheritdoc IUnitRegistry
    function requireKnown(bytes32 digest, uint32 unit) external view {
        require(_units[unit] != 0, Unknown(digest, "unit", _unitId(unit)));
    }

    // ------------------------------------------------------------------------------------- views

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
        returns (uint32 unit, uint32 rights, uint64 validFrom, uint64 validUntil, bool revoked)
    {
        Signer storage stored = _signers[signer];
        return (stored.unit, stored.rights, stored.validFrom, stored.validUntil, stored.revoked);
    }

    /// @inheritdoc IUnitRegistry
    function getEquipment(
        bytes32 equipment
    ) external view returns (uint32 unit, uint8 state, uint32 epoch, bytes32 latest, uint32 first) {
        Equipment storage stored = _equipment[equipment];
        return (stored.unit, stored.state, stored.epoch, stored.latest, stored.first);
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
        UnitAdmission memory act,
        bytes calldata authoritySignature,
        Proof calldata administrator
    ) private {
        bytes32 digest = _digest(abi.encode(UNIT_ADMISSION_TYPEHASH, act));
        if (_recorded[digest]) return;
        requireAuthority(digest, act.signedAt, authoritySignature);
        uint32 unit = act.unit;
        _requireRange(digest, "unit", unit, 1, type(uint32).max);
        require(_units[unit] == 0, AlreadyRecorded(digest, "unit", _unitId(unit)));
        _requireRange(digest, "roles", act.roles, 1, ALL_ROLES);
        _requireKey(digest, act.administrator, administrator);
        _requireTerms(digest, act.custody, act.signedAt, act.validUntil);

        _units[unit] = ADMITTED;
        _enrolAdministrator(act.administrator, unit, act.signedAt, act.validUntil);
        emit UnitAdmitted(digest, _unitId(unit), unit, _record(digest), act, administrator.signer);
    }

    function _close(UnitClosure memory act, bytes calldata authoritySignature) private {
        bytes32 digest = _digest(abi.encode(UNIT_CLOSURE_TYPEHASH, act));
        if (_recorded[digest]) return;
        requireAuthority(digest, act.signedAt, authoritySignature);
        uint32 unit = act.unit;
        requireAdmitted(digest, unit);

        _units[unit] = CLOSED;
        emit UnitClosed(digest, _unitId(unit), unit, _record(digest), act);
    }

    function _unitId(uint32 unit) private pure returns (bytes32) {
        return bytes32(uint256(unit));
    }

    // ------------------------------------------------------------------------- internal: signers

    function _enrol(
        SignerEnrolment memory act,
        Proof calldata administrator,
        Proof calldata signer
    ) private {
        bytes32 digest = _digest(abi.encode(SIGNER_ENROLMENT_TYPEHASH, act));
        if (_recorded[digest]) return;
        _requireAdministrator(digest, act.unit, act.signedBy, act.signedAt, administrator);
        _requireKey(digest, act.signer, signer);
        _requireRange(digest, "rights", act.rights, 1, Rights.ALL);
        _requireTerms(digest, act.custody, act.validFrom, act.validUntil);

        _signers[act.signer] = Signer({
            unit: act.unit,
            rights: act.rights,
            validFrom: act.validFrom,
            validUntil: act.validUntil,
            revoked: false
        });
        emit SignerEnrolled(digest, act.signer, act.unit, _record(digest), act, signer.signer);
    }

    function _enrolAdministrator(bytes32 signer, uint32 unit, uint64 from, uint64 until) private {
        _signers[signer] = Signer({
            unit: unit,
            rights: Rights.ADMINISTER,
            validFrom: from,
            validUntil: until,
            revoked: false
        });
    }

    function _revoke(SignerRevocation memory act, Proof calldata administrator) private {
        bytes32 digest = _digest(abi.encode(SIGNER_REVOCATION_TYPEHASH, act));
        if (_recorded[digest]) return;
        _requireAdministrator(digest, act.unit, act.signedBy, act.signedAt, administrator);
        Signer storage signer = _signers[act.signer];
        _requireOwned(digest, "signer", act.signer, signer.unit, act.unit);
        require(!signer.revoked, NotAllowed(digest, "signer", REVOKED));

        signer.revoked = true;
        emit SignerRevoked(digest, act.signer, act.unit, _record(digest), act);
    }

    // ----------------------------------------------------------------------- internal: equipment

    function _register(EquipmentRegistration memory act, Proof calldata administrator) private {
        bytes32 digest = _digest(abi.encode(EQUIPMENT_REGISTRATION_TYPEHASH, act));
        if (_recorded[digest]) return;
        _requireAdministrator(digest, act.unit, act.signedBy, act.signedAt, administrator);
        _requireRange(digest, "kind", act.kind, 1, EQUIPMENT_KINDS);
        bytes32 id = keccak256(abi.encode(EQUIPMENT_TAG, act.unit, act.serial));
        require(_equipment[id].unit == 0, AlreadyRecorded(digest, "equipment", id));

        _equipment[id] = Equipment({
            latest: digest,
            unit: act.unit,
            epoch: act.epoch,
            first: act.epoch,
            state: IN_SERVICE
        });
        emit EquipmentRegistered(digest, id, act.unit, _record(digest), act);
    }

    function _change(EquipmentChange memory act, Proof calldata administrator) private {
        bytes32 digest = _digest(abi.encode(EQUIPMENT_CHANGE_TYPEHASH, act));
        if (_recorded[digest]) return;
        _requireAdministrator(digest, act.unit, act.signedBy, act.signedAt, administrator);
        Equipment storage equipment = _equipment[act.equipment];
        _requireOwned(digest, "equipment", act.equipment, equipment.unit, act.unit);
        _requireRange(digest, "state", act.state, 1, RETIRED);
        require(equipment.state != RETIRED, NotAllowed(digest, "equipment", RETIRED));
        _requireCurrent(digest, "replaces", act.replaces, equipment.latest);
        _requireRange(digest, "epoch", act.epoch, equipment.epoch, type(uint32).max);

        equipment.latest = digest;
        equipment.epoch = act.epoch;
        equipment.state = act.state;
        emit EquipmentChanged(digest, act.equipment, act.unit, _record(digest), act);
    }

    // ------------------------------------------------------------------------ internal: recovery

    function _propose(
        RecoveryProposal memory act,
        bytes calldata authoritySignature,
        Proof calldata administrator
    ) private {
        bytes32 digest = _digest(abi.encode(RECOVERY_PROPOSAL_TYPEHASH, act));
        if (_recorded[digest]) return;
        requireAuthority(digest, act.signedAt, authoritySignature);
        requireAdmitted(digest, act.unit);
        _requireKey(digest, act.signer, administrator);
        _requireTerms(digest, act.custody, act.signedAt, act.validUntil);

        _recoveries[digest] = Recovery({
            signer: act.signer,
            unit: act.unit,
            validFrom: act.signedAt,
            validUntil: act.validUntil,
            proposedAt: uint64(block.timestamp), // Unix seconds, far below 2 ** 64
            state: PROPOSED
        });
        emit RecoveryProposed(
            digest,
            act.signer,
            act.unit,
            _record(digest),
            act,
            administrator.signer
        );
    }

    function _veto(RecoveryVeto memory act, Proof calldata administrator) private {
        bytes32 digest = _digest(abi.encode(RECOVERY_VETO_TYPEHASH, act));
        if (_recorded[digest]) return;
        _requireAdministrator(digest, act.unit, act.signedBy, act.signedAt, administrator);
        Recovery storage recovery = _recoveries[act.proposal];
        uint64 proposedAt = recovery.proposedAt;
        _requireOwned(digest, "recovery", act.proposal, recovery.unit, act.unit);
        require(recovery.state != VETOED, NotAllowed(digest, "recovery", VETOED));
        _requireRange(digest, "now", block.timestamp, proposedAt, proposedAt + RECOVERY_DELAY);

        recovery.state = VETOED;
        emit RecoveryVetoed(digest, act.proposal, act.unit, _record(digest), act);
    }

    // ------------------------------------------------------------------------- internal: erasure

    function _erase(
        RecordErasure memory act,
        Proof calldata signer,
        Proof calldata countersigner
    ) private {
        bytes32 digest = _digest(abi.encode(RECORD_ERASURE_TYPEHASH, act));
        if (_recorded[digest]) return;
        bytes32 second = act.countersignedBy;
        require(second != act.signedBy, NotAllowed(digest, "countersignedBy", uint256(second)));
        requireRight(digest, act.unit, act.signedBy, Rights.ERASE, act.signedAt, signer);
        requireRight(digest, act.unit, second, Rights.ERASE, act.signedAt, countersigner);
        require(
            _erasures[act.unit][act.subject] == 0,
            AlreadyRecorded(digest, "subject", act.subject)
        );

        _erasures[act.unit][act.subject] = digest;
        emit RecordErased(digest, act.subject, act.unit, _record(digest), act);
    }

    // --------------------------------------------------------------------- internal: who may act

    function _requireAdministrator(
        bytes32 digest,
        uint32 unit,
        bytes32 signedBy,
        uint64 signedAt,
        Proof calldata proof
    ) private view {
        requireRight(digest, unit, signedBy, Rights.ADMINISTER, signedAt, proof);
    }

    function _requireTimely(bytes32 digest, uint64 signedAt) private view {
        require(
            signedAt <= block.timestamp + SKEW_SECONDS,
            TooEarly(digest, "signedAt", signedAt - SKEW_SECONDS)
        );
    }

    // ---------------------------------------------------------------------------- internal: keys

    /// Reverts unless the key is new here, of a permitted kind, and signed the digest.
    function _requireKey(bytes32 digest, bytes32 signer, Proof calldata proof) private view {
        _requireNewSigner(digest, signer);
        _requirePermitted(digest, proof.signer);
        _requireSignature(digest, signer, proof);
    }

    function _requireNewSigner(bytes32 digest, bytes32 signer) private view {
        require(_signers[signer].unit == 0, AlreadyRecorded(digest, "signer", signer));
    }

    /// ERC-7913 would accept any contract as verifier, one that accepts everything included, and
    /// any contract account through ERC-1271, whose answers change: hence the allow-list, and
    /// account keys without code only.
    function _requirePermitted(bytes32 digest, bytes calldata key) private view {
        address account = address(bytes20(key)); // of a shorter key, with zeros behind it
        bool permitted =
            key.length == ADDRESS_LENGTH
                ? account.code.length == 0
                : key.length > ADDRESS_LENGTH && _verifiers[account];
        require(permitted, KeyNotAllowed(digest, account));
    }

    function _requireSignature(bytes32 digest, bytes32 signer, Proof calldata proof) private view {
        bytes32 proven = keccak256(abi.encode(SIGNER_TAG, proof.signer));
        require(proven == signer && _isSigned(digest, proof), SignatureInvalid(digest, signer));
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

    /// Reverts unless somebody holds the key, and its validity ends after it begins, if it ends.
    function _requireTerms(bytes32 digest, uint8 custody, uint64 from, uint64 until) private pure {
        _requireRange(digest, "custody", custody, 1, CUSTODIES);
        if (until == 0) return;
        _requireRange(digest, "validUntil", until, uint256(from) + 1, type(uint64).max);
    }

    // ------------------------------------------------------------------------- internal: records

    /// Marks the digest as recorded and advances the running head by it.
    function _record(bytes32 digest) private returns (bytes32 advanced) {
        _recorded[digest] = true;
        return _advance(digest);
    }
}

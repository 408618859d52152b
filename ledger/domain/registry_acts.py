"""Requests about units, signers and machines → drafts."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.domain.drafts import Circumstances, Draft, hex_or_none
from ledger.domain.encoding.identifiers import (
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.errors import InvalidInput
from ledger.domain.names import plain_name, plain_or_none
from ledger.domain.operations import (
    KINDS,
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Party,
    UnitRole,
)
from ledger.domain.rules import duty_words


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitUnit:
    """The authority admits a unit together with its first administrator."""

    number: int
    #: short name, unique in the group
    code: str
    name: str
    roles: UnitRole
    #: ERC-7913 bytes of the administrator's key
    administrator: bytes
    administrator_name: str | None
    custody: Custody
    #: Unix seconds; 0 means no expiry
    valid_until: int = 0
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseUnit:
    """The authority closes a unit; its history stays."""

    number: int
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolSigner:
    """A unit's administrator enrols a key."""

    unit: int
    #: ERC-7913 bytes of the key
    key: bytes
    name: str | None
    duties: Duty
    custody: Custody
    valid_from: int
    valid_until: int
    #: ERC-7913 bytes of the administrator's key
    administrator: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSigner:
    """A unit's administrator revokes a key, for ever."""

    unit: int
    signer: SignerId
    administrator: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterEquipment:
    """A unit's administrator registers a machine."""

    unit: int
    name: str
    model: str | None
    serial: str
    kind: EquipmentKind
    epoch: int
    #: the zone that the machine's own clock is set to; None when nobody knows
    clock_zone: str | None
    #: the profile that its cycles are judged against unless another is named; None for none
    profile: str | None
    administrator: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEquipment:
    """A unit's administrator takes a machine out of service or begins a counter epoch."""

    unit: int
    equipment: EquipmentId
    state: EquipmentState
    epoch: int
    #: the registration or change that this one supersedes
    replaces: Digest
    administrator: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRecovery:
    """The authority proposes a new administrator for a unit whose administrator lost the key."""

    unit: int
    key: bytes
    name: str | None
    custody: Custody
    valid_until: int = 0
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoRecovery:
    """A unit's administrator, whose key is not lost, stops a recovery."""

    unit: int
    #: digest of the proposal
    proposal: Digest
    administrator: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseRecord:
    """Two signers of a unit ask to erase the personal fields of one of its records."""

    unit: int
    #: digest of the operation whose record it is
    subject: Digest
    #: id of that record
    record_id: str
    #: when its retention ended, RFC 3339
    retention_ended: str
    signer: bytes
    countersigner: bytes
    circumstances: Circumstances = field(default_factory=Circumstances)


def draft_unit_admission(request: AdmitUnit, *, authority: bytes) -> Draft:
    """AdmitUnit → draft, signed by the authority and by the new administrator's key."""
    code = plain_name(request.code)
    if code.isdigit():
        raise InvalidInput(
            f"{code!r} reads as a unit's number", field="code", rule="a name, such as EAST"
        )
    administrator = signer_id(request.administrator)
    return Draft(
        kind=KINDS["UnitAdmission"],
        unit=_positive(request.number, "unit"),
        message={
            "unit": request.number,
            "roles": int(request.roles),
            "administrator": administrator,
            "custody": int(request.custody),
            "validUntil": request.valid_until,
        },
        facts={
            "code": code,
            "name": plain_name(request.name),
            "roles": _role_words(request.roles),
            "administrator": administrator.hex(),
            "custody": request.custody.name.lower(),
        },
        personal={"administrator_name": plain_or_none(request.administrator_name)},
        keys={Party.AUTHORITY: authority, Party.NEW_KEY: request.administrator},
        circumstances=request.circumstances,
    )


def draft_unit_closure(request: CloseUnit, *, authority: bytes) -> Draft:
    """CloseUnit → draft, signed by the authority."""
    _require_reason(request.circumstances)
    return Draft(
        kind=KINDS["UnitClosure"],
        unit=request.number,
        message={"unit": request.number},
        facts={},
        personal={},
        keys={Party.AUTHORITY: authority},
        circumstances=request.circumstances,
    )


def draft_signer_enrolment(request: EnrolSigner) -> Draft:
    """EnrolSigner → draft, signed by the administrator and by the new key."""
    signer = signer_id(request.key)
    return Draft(
        kind=KINDS["SignerEnrolment"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "signer": signer,
            "duties": int(request.duties),
            "custody": int(request.custody),
            "validFrom": request.valid_from,
            "validUntil": request.valid_until,
            "signedBy": signer_id(request.administrator),
        },
        facts={
            "signer": signer.hex(),
            "custody": request.custody.name.lower(),
            "duties": duty_words(request.duties),
        },
        personal={"signer_name": plain_or_none(request.name)},
        keys={Party.SIGNER: request.administrator, Party.NEW_KEY: request.key},
        circumstances=request.circumstances,
    )


def draft_signer_revocation(request: RevokeSigner) -> Draft:
    """RevokeSigner → draft, signed by the administrator."""
    _require_reason(request.circumstances)
    return Draft(
        kind=KINDS["SignerRevocation"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "signer": request.signer,
            "signedBy": signer_id(request.administrator),
        },
        facts={"signer": request.signer.hex()},
        personal={},
        keys={Party.SIGNER: request.administrator},
        circumstances=request.circumstances,
    )


def draft_equipment_registration(request: RegisterEquipment) -> Draft:
    """RegisterEquipment → draft, signed by the administrator."""
    number = plain_name(request.serial)
    serial = serial_hash(number)
    equipment = equipment_id(UnitNumber(request.unit), serial)
    return Draft(
        kind=KINDS["EquipmentRegistration"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "serial": serial,
            "kind": int(request.kind),
            "epoch": _positive(request.epoch, "epoch"),
            "signedBy": signer_id(request.administrator),
        },
        facts={
            "equipment": equipment.hex(),
            "name": plain_name(request.name),
            "model": plain_or_none(request.model),
            "serial": number,
            "kind": request.kind.name.lower(),
            "epoch": request.epoch,
            "clock_zone": request.clock_zone,
            "profile": request.profile,
        },
        personal={},
        keys={Party.SIGNER: request.administrator},
        circumstances=request.circumstances,
    )


def draft_equipment_change(request: ChangeEquipment) -> Draft:
    """ChangeEquipment → draft, signed by the administrator."""
    _require_reason(request.circumstances)
    return Draft(
        kind=KINDS["EquipmentChange"],
        unit=request.unit,
        message={
            "equipment": request.equipment,
            "unit": request.unit,
            "state": int(request.state),
            "epoch": _positive(request.epoch, "epoch"),
            "replaces": request.replaces,
            "signedBy": signer_id(request.administrator),
        },
        facts={
            "equipment": request.equipment.hex(),
            "state": request.state.name.lower(),
            "epoch": request.epoch,
            "supersedes": hex_or_none(request.replaces),
        },
        personal={},
        keys={Party.SIGNER: request.administrator},
        circumstances=request.circumstances,
    )


def draft_recovery_proposal(request: ProposeRecovery, *, authority: bytes) -> Draft:
    """ProposeRecovery → draft, signed by the authority and by the proposed key."""
    _require_reason(request.circumstances)
    signer = signer_id(request.key)
    return Draft(
        kind=KINDS["RecoveryProposal"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "signer": signer,
            "custody": int(request.custody),
            "validUntil": request.valid_until,
        },
        facts={
            "signer": signer.hex(),
            "custody": request.custody.name.lower(),
            "duties": duty_words(Duty.ADMINISTER),
        },
        personal={"signer_name": plain_or_none(request.name)},
        keys={Party.AUTHORITY: authority, Party.NEW_KEY: request.key},
        circumstances=request.circumstances,
    )


def draft_recovery_veto(request: VetoRecovery) -> Draft:
    """VetoRecovery → draft, signed by the administrator."""
    return Draft(
        kind=KINDS["RecoveryVeto"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "proposal": request.proposal,
            "signedBy": signer_id(request.administrator),
        },
        facts={"proposal": request.proposal.hex()},
        personal={},
        keys={Party.SIGNER: request.administrator},
        circumstances=request.circumstances,
    )


def draft_record_erasure(request: EraseRecord) -> Draft:
    """EraseRecord → draft, signed by both."""
    _require_reason(request.circumstances)
    return Draft(
        kind=KINDS["RecordErasure"],
        unit=request.unit,
        message={
            "unit": request.unit,
            "subject": request.subject,
            "signedBy": signer_id(request.signer),
            "countersignedBy": signer_id(request.countersigner),
        },
        facts={
            "subject": request.subject.hex(),
            "subject_record": request.record_id,
            "retention_ended": request.retention_ended,
        },
        personal={},
        keys={Party.SIGNER: request.signer, Party.COUNTERSIGNER: request.countersigner},
        circumstances=request.circumstances,
    )


def _positive(number: int, name: str) -> int:
    if number < 1:
        raise InvalidInput(f"{number} is not allowed", field=name, rule="from 1 upwards")
    return number


def _require_reason(circumstances: Circumstances) -> None:
    if circumstances.reason is None:
        raise InvalidInput("is not entered", field="reason", rule="this act states its reason")


def _role_words(roles: UnitRole) -> str:
    words = [role.name.lower() for role in UnitRole if role in roles and role.name]
    if not words:
        raise InvalidInput("names no role", field="roles", rule="a unit has at least one role")
    return ", ".join(words)

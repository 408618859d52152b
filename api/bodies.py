"""The bodies of the acts, one model for each kind of operation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.fields import (
    MAX_LINES,
    AuthenticationWord,
    Body,
    Count,
    Custody,
    CycleNumber,
    DecimalText,
    DutyWord,
    Epoch,
    Hex32,
    KeyHex,
    LongText,
    Moment,
    PackageClass,
    ResultWord,
    ShortText,
    SignatureHex,
    SignerName,
    Text,
    UnitName,
)
from ledger.domain.decisions import MAX_SHARES


class Happened(Body):
    """When the act happened, as a printout or a person gives it."""

    text: Annotated[Text, Field(description="as printed or said")] | None = None
    zone: Annotated[ShortText, Field(description="IANA name or offset of that text")] | None = None
    utc: Moment | None = None
    source: Annotated[Text, Field(description="whose clock it is")] | None = None


class Act(Body):
    """What every act may say of how it came to be; what is left out is recorded as not entered."""

    unit: UnitName | None = Field(
        default=None, description="your own unit; may be left out", examples=[1, "centre"]
    )
    performer: Text | None = None
    checker: Text | None = None
    enterer: Text | None = Field(
        default=None, description="who entered it; the token's holder when left out"
    )
    on_behalf_of: Text | None = None
    happened: Happened = Happened()
    device: Text | None = None
    authenticated_by: AuthenticationWord = "token"
    reason: LongText | None = None
    legal_hold: bool = False
    signed_at: Moment | None = Field(
        default=None, description="when the signers sign; now when left out, never in the future"
    )


class NewKeyAct(Act):
    """An act that brings a key into the group."""

    custody: Custody = Field(description="who holds the private key")
    key: KeyHex | None = Field(
        default=None, description="left out for custody server, where this instance makes it"
    )
    valid_until: Moment | None = Field(default=None, description="no expiry when left out")


class UnitAdmission(NewKeyAct):
    """The authority admits a unit together with its first administrator."""

    unit: Annotated[int, Field(ge=1, le=2**32 - 1, description="the unit's number in the group")]
    code: Annotated[ShortText, Field(max_length=40, description="short name, unique in the group")]
    name: Text
    roles: Annotated[
        list[Literal["processor", "user", "carrier", "supplier", "external_processor", "auditor"]],
        Field(min_length=1, max_length=6),
    ]
    administrator_name: Text | None = None


class UnitClosure(Act):
    """The authority closes a unit; its history stays."""

    unit: UnitName
    reason: LongText


class SignerEnrolment(NewKeyAct):
    """A unit's administrator enrols a key."""

    name: Text
    duties: Annotated[list[DutyWord], Field(min_length=1, max_length=10)]
    valid_from: Moment | None = Field(default=None, description="at once when left out")
    administrator: SignerName | None = None


class SignerRevocation(Act):
    """A unit's administrator revokes a key, for ever."""

    signer: SignerName
    reason: LongText
    administrator: SignerName | None = None


class EquipmentRegistration(Act):
    """A unit's administrator registers a machine."""

    name: Text
    model: Text | None = None
    serial: Annotated[ShortText, Field(description="the maker's serial number")]
    kind: Literal["sterilizer", "washer_disinfector"]
    epoch: Epoch = 1
    clock_zone: ShortText | None = Field(
        default=None, description="the zone that the machine's own clock is set to"
    )
    profile: ShortText | None = Field(
        default=None, description="the profile that its cycles are judged against"
    )
    administrator: SignerName | None = None


class EquipmentChange(Act):
    """A unit's administrator changes a machine's state or begins a counter epoch."""

    equipment: Text
    state: Literal["in_service", "out_of_service", "retired"]
    epoch: Epoch | None = Field(default=None, description="the present one when left out")
    replaces: Hex32
    reason: LongText
    administrator: SignerName | None = None


class RecoveryProposal(NewKeyAct):
    """The authority proposes a new administrator for a unit whose administrator lost the key."""

    unit: UnitName
    name: Text
    reason: LongText


class RecoveryVeto(Act):
    """A unit's administrator, whose key is not lost, stops a recovery."""

    proposal: Hex32
    administrator: SignerName | None = None


class RecordErasure(Act):
    """Two signers of a unit erase the personal fields of a record whose retention is over."""

    subject: Hex32 = Field(description="digest of the operation whose record it is")
    signer: SignerName | None = None
    countersigner: SignerName


class CycleOpening(Act):
    """A person declares that a cycle begins."""

    equipment: Text = Field(description="the machine's id, serial number or name")
    number: CycleNumber = Field(description="the machine's own number")
    epoch: Epoch | None = Field(default=None, description="the present one when left out")
    started_at: Moment | None = None
    timing: Literal["before_outcome", "after_outcome"] = Field(
        default="before_outcome",
        description="after_outcome: it was opened when its outcome was known already",
    )
    programme: Text | None = None
    biological_indicator: bool | None = None
    holds_implant: bool | None = None
    signer: SignerName | None = None


class ReadingPart(Body):
    """One cycle of a kept reading."""

    sha256: Hex32
    ordinal: Annotated[int, Field(ge=1, le=100_000)]


class CycleEnding(Act):
    """What the machine reported at the end: a kept reading, or facts typed from a printout."""

    cycle: Text = Field(description="the cycle's id, machine/number or machine/epoch/number")
    replaces: Hex32 | None = Field(default=None, description="the ending that this one amends")
    signer: SignerName | None = None
    reading: ReadingPart | None = None
    profile: ShortText | None = Field(default=None, description="of a reading; else its machine's")
    zone: ShortText | None = Field(default=None, description="of a reading; else its machine's")
    outcome: Literal["completed", "aborted", "unknown"] | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    started: ShortText | None = Field(default=None, description="as printed")
    ended: ShortText | None = Field(default=None, description="as printed")
    fault_code: ShortText | None = None
    programme: Text | None = None
    hold_seconds: Annotated[int, Field(ge=0, le=86400)] | None = None
    minimum_celsius: DecimalText | None = None
    maximum_celsius: DecimalText | None = None
    minimum_bar: DecimalText | None = None
    maximum_bar: DecimalText | None = None
    pressure_basis: Literal["absolute", "gauge"] | None = None


class Line(Body):
    """Packages of one owner, payer and class."""

    owner: UnitName
    payer: UnitName | None = Field(default=None, description="the owner when left out")
    package_class: PackageClass
    quantity: Count
    description: Text | None = None


class LoadDeclaration(Act):
    """A person declares what lies in the chamber."""

    cycle: Text
    lines: Annotated[list[Line], Field(min_length=1, max_length=MAX_LINES)]
    replaces: Hex32 | None = Field(default=None, description="the load that this one amends")
    signer: SignerName | None = None


class Share(Body):
    """A released quantity, as a signed change."""

    owner: UnitName
    payer: UnitName | None = Field(default=None, description="the owner when left out")
    package_class: PackageClass
    delta: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


class Results(Body):
    """The monitoring results; one that nobody entered is `not_entered`, never a pass.

    Entering one needs the scope `result`.
    """

    physical: ResultWord = "not_entered"
    chemical_external: ResultWord = "not_entered"
    chemical_internal: ResultWord = "not_entered"
    lumen_pcd: ResultWord = "not_entered"
    biological: ResultWord = "not_entered"
    bowie_dick: ResultWord = "not_entered"


class CycleDecision(Act):
    """A person decides over the whole cycle, and names what was judged."""

    cycle: Text
    decision: Literal[
        "release",
        "release_biological_pending",
        "emergency_release",
        "reject",
        "hold",
        "lift",
        "recall",
        "correct",
    ]
    ending: Hex32 | None = Field(description="the ending that was judged; null: there is none")
    load: Hex32 | None = Field(description="the load that was judged; null: there is none")
    replaces: Hex32 | None = Field(description="the decision before; null: there is none")
    shares: Annotated[list[Share], Field(max_length=MAX_SHARES)] = Field(default_factory=list)
    results: Results = Results()
    signer: SignerName | None = None


PartyWord = Literal["authority", "signer", "new_key", "countersigner"]


class Signatures(Body):
    """The signatures on a prepared operation."""

    signatures: dict[PartyWord, SignatureHex] = Field(
        default_factory=dict, description="by party: over the digest"
    )
    held: Annotated[list[PartyWord], Field(max_length=4)] = Field(
        default_factory=list,
        description="the parties whose keys this instance holds, and which shall sign here",
    )

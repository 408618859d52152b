"""Requests become drafts: what will be signed and recorded, before ids and times are fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.names import plain_or_none
from ledger.domain.operations import Kind, Party
from ledger.domain.records.commitments import FieldValue
from ledger.domain.subjects.accepted import Message

LEFT_OUT = ("record", "signedAt")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who did it, as their unit names them; None where nobody was entered."""

    performer: str | None = None
    checker: str | None = None
    enterer: str | None = None
    on_behalf_of: str | None = None

    def fields(self) -> dict[str, FieldValue]:
        """The personal fields of a record."""
        return {
            "performer": plain_or_none(self.performer),
            "checker": plain_or_none(self.checker),
            "enterer": plain_or_none(self.enterer),
            "on_behalf_of": plain_or_none(self.on_behalf_of),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What every record says about how it came to be."""

    people: People = field(default_factory=People)
    #: the time of the act as a printout or a person gives it
    happened_text: str | None = None
    #: IANA name or offset of that time
    happened_zone: str | None = None
    #: the same moment in UTC, RFC 3339
    happened_utc: str | None = None
    #: whose clock it is
    happened_source: str | None = None
    device: str | None = None
    #: one of AUTHENTICATION_WORDS
    authenticated_by: str = "none"
    #: why, for amendments, revocations and decisions
    reason: str | None = None
    legal_hold: bool = False
    #: Unix seconds at which the signers sign; None means now
    signed_at: int | None = None

    def facts(self) -> dict[str, FieldValue]:
        """The common facts of a record."""
        return {
            "happened.text": self.happened_text,
            "happened.zone": self.happened_zone,
            "happened.utc": self.happened_utc,
            "happened.source": self.happened_source,
            "device": self.device,
            "authenticated_by": self.authenticated_by,
            "reason": self.reason,
            "legal_hold": self.legal_hold,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One act, ready to be fixed: a message without `record` and `signedAt`, and its record."""

    kind: Kind
    unit: int
    message: Message
    facts: Mapping[str, FieldValue]
    personal: Mapping[str, FieldValue]
    #: ERC-7913 bytes of the key that signs in each of the kind's parties
    keys: Mapping[Party, bytes]
    circumstances: Circumstances


def listed(name: str, rows: Sequence[Mapping[str, FieldValue]]) -> dict[str, FieldValue]:
    """Rows as record fields: `name.0.member`, `name.1.member` and so on."""
    return {
        f"{name}.{index}.{member}": value
        for index, row in enumerate(rows)
        for member, value in row.items()
    }


def hex_or_none(value: bytes) -> str | None:
    """A 32-byte reference as a record holds it: digits without 0x, null for zero."""
    return to_hex(value)[2:] if any(value) else None

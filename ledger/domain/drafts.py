"""Values as people gave them → draft: what will be signed and recorded, ids and times not fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.domain.acts.vocabulary import Act, Facts, Given, Message
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import InvalidInput
from ledger.domain.names import plain_or_none
from ledger.domain.records.commitments import FieldValue


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

    act: Act
    unit: int
    message: Message
    facts: Facts
    personal: Facts
    #: ERC-7913 bytes of the key that signs in each of the act's parties
    keys: Mapping[Party, bytes]
    circumstances: Circumstances


def draft(
    act: Act,
    values: Mapping[str, Any],
    *,
    unit: int,
    keys: Mapping[Party, bytes],
    circumstances: Circumstances | None = None,
) -> Draft:
    """Values by the names of the act's fields → draft; what is left out is as the act says.

    `unit` acts, or is acted for by the authority; `keys` has one key for each party, but for the
    new key, which is the value of its field.  Raises InvalidInput for a value that does not fit, a
    field that is missing, and a reason that is not stated.
    """
    told = circumstances or Circumstances()
    given = act.complete({**values, **_defaults(act, values), "unit": unit})
    _require_given(act, given)
    message: dict[str, Any] = {}
    facts: dict[str, FieldValue] = {}
    personal: dict[str, FieldValue] = {}
    for each in act.fields:
        value = given.get(each.name)
        if each.signed_as:
            message[each.signed_as] = each.of.signed(value)
        if each.record_root is not None:
            (personal if each.is_personal else facts).update(each.of.facts(each.record_root, value))
    _require_reason(act, message, told)
    whole = dict(keys)
    if act.key_member:
        whole[Party.NEW_KEY] = given["key"]
    for party, member in ((Party.SIGNER, "signedBy"), (Party.COUNTERSIGNER, "countersignedBy")):
        if party in act.parties:
            message[member] = signer_id(whole[party])
    if act.witness is not None and Party.SIGNER not in act.parties:
        message["signedBy"] = bytes(32)
    return Draft(
        act=act,
        unit=unit,
        message=message,
        facts=facts,
        personal=personal,
        keys={party: whole[party] for party in act.parties},
        circumstances=told,
    )


def _defaults(act: Act, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        each.name: each.default
        for each in act.fields
        if each.default is not None and values.get(each.name) is None
    }


def _require_given(act: Act, values: Mapping[str, Any]) -> None:
    for each in act.fields:
        if each.given is Given.ALWAYS and values.get(each.name) is None:
            raise InvalidInput("is not entered", field=each.name, rule=each.help or act.doc)


def _require_reason(act: Act, message: Message, told: Circumstances) -> None:
    replaces = message.get("replaces", b"")
    amends = act.amendment_needs_reason and isinstance(replaces, bytes) and any(replaces)
    if told.reason is None and (act.needs_reason or amends):
        if act.needs_reason:
            raise InvalidInput("is not entered", field="reason", rule="this act states its reason")
        raise InvalidInput(
            "is not entered",
            field="reason",
            rule="one stands already, which this replaces; an amendment states its reason",
            remedy="look at what stands; say why it changes, or leave it",
        )

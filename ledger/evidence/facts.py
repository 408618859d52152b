"""Shown fields against the signed message: whatever both of them state must be the same.

`COUNTERPARTS` is the one table: for each kind, the facts that have a counterpart in the message.
What only the record states (a temperature, a name) is bound by the commitment alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.domain.decisions import DecisionKind
from ledger.domain.drafts import hex_or_none
from ledger.domain.encoding.identifiers import UnitNumber, equipment_id, serial_hash
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.operations import (
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Outcome,
    UnitRole,
    Verdict,
)
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import SUITE
from ledger.domain.records.schemas import FieldRule, Schema, find_schema, require_fields
from ledger.domain.rules import duty_words
from ledger.domain.subjects.accepted import Message, integer, items, word
from ledger.evidence.shape import (
    EvidenceOperation,
    OpenedPart,
    Part,
    Subject,
    shown_facts,
    shown_fields,
)

_INDEX = re.compile(r"\.(0|[1-9][0-9]{0,3})\.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a fact is compared with."""

    message: Message
    subject: Subject
    #: of the machine, Keccak-256; from its registration
    serial: bytes


Expected = Callable[[Context], FieldValue]


def verify_record(entry: EvidenceOperation, subject: Subject, serial: bytes) -> None:
    """Raise VerificationFailed unless the shown fields are this operation's own, and agree with it.

    The parts lead to the message's commitment; every shown field is one of the kind's schema and
    obeys it; every fact with a counterpart in the message says the same.
    """
    if entry.record is None:
        return
    where = describe(entry)
    try:
        root = entry.record.root()
    except InvalidInput as error:
        raise VerificationFailed(f"the record of {where} is malformed: {error}") from None
    if root != entry.operation.message["record"]:
        raise VerificationFailed(
            f"the shown fields are not the record of {where}: they lead to another commitment",
            rule="SHA-256 over the roots of facts and personal fields is the message's `record`",
        )
    schema = find_schema(entry.operation.kind.schema)
    _verify_schema(entry.record.facts, schema.facts, schema.lists, where)
    _verify_schema(entry.record.personal, schema.personal, {}, where)
    context = Context(message=entry.operation.message, subject=subject, serial=serial)
    _verify_counterparts(entry, schema, context, where)


def describe(entry: EvidenceOperation) -> str:
    """An operation in a sentence: its kind and its place."""
    return f"the {entry.operation.kind.name} in block {entry.place.block.number}"


def _verify_schema(
    part: Part, rules: Mapping[str, FieldRule], lists: Mapping[str, int], where: str
) -> None:
    try:
        if isinstance(part, OpenedPart):
            require_fields(rules, part.fields, lists)
            return
        for path, value in shown_fields(part).items():
            _require_field(rules, path, value)
    except InvalidInput as error:
        raise VerificationFailed(
            f"the record of {where} does not obey its schema: {error}"
        ) from None


def _require_field(rules: Mapping[str, FieldRule], path: str, value: FieldValue) -> None:
    rule = None if "[]" in path else rules.get(_INDEX.sub("[].", path))
    if rule is None:
        raise InvalidInput("is not a field of this record", field=path, rule="the schema's paths")
    if value is not None:
        rule.check(path, value)
    elif rule.required:
        raise InvalidInput("is not entered", field=path, rule=rule.text)


def _verify_counterparts(
    entry: EvidenceOperation, schema: Schema, context: Context, where: str
) -> None:
    kind = entry.operation.kind.name
    facts = shown_facts(entry)
    stated: dict[str, Expected] = {
        "record.schema": lambda _: schema.name,
        "record.suite": lambda _: SUITE,
        "record.unit": lambda c: integer(c.message, "unit"),
        **COUNTERPARTS[kind],
    }
    for path, expected in stated.items():
        if path in facts:
            _require_same(path, facts[path], expected(context), where)
    for path, expected in SERIALS.get(kind, {}).items():
        if path in facts:
            _require_same(path, serial_hash(str(facts[path])).hex(), expected(context), where)
    if kind == "LoadDeclaration":
        _verify_totals(entry, facts, context, where)
    if kind == "CycleDecision":
        _verify_shares(entry, facts, context, where)
    if "ended_utc" in facts:
        seconds = integer(context.message, "endedAt")
        _require_same("ended_utc", _seconds(facts["ended_utc"]), seconds, where)


def _require_same(path: str, shown: object, signed: object, where: str) -> None:
    if shown != signed or type(shown) is not type(signed):
        raise VerificationFailed(
            f"the shown {path} is {shown!r}, but what was signed says {signed!r}",
            field=path,
            rule=f"record and message of {where} agree",
        )


# ---------------------------------------------------------------- the table


def _hex(name: str) -> Expected:
    return lambda c: word(c.message, name).hex()


def _hex_or_none(name: str) -> Expected:
    return lambda c: hex_or_none(word(c.message, name))


def _number(name: str) -> Expected:
    return lambda c: integer(c.message, name)


def _member(
    of: type[Custody | EquipmentKind | EquipmentState | Outcome | Verdict | DecisionKind],
    name: str,
) -> Expected:
    def expected(context: Context) -> FieldValue:
        value = integer(context.message, name)
        try:
            return of(value).name.lower()
        except ValueError:
            raise VerificationFailed(f"{value} is no {of.__name__}", field=name) from None

    return expected


def _duties(name: str) -> Expected:
    return lambda c: duty_words(Duty(integer(c.message, name)))


def _roles(context: Context) -> FieldValue:
    roles = UnitRole(integer(context.message, "roles"))
    return ", ".join(role.name.lower() for role in UnitRole if role in roles and role.name)


def _own_equipment(context: Context) -> FieldValue:
    unit = UnitNumber(integer(context.message, "unit"))
    return equipment_id(unit, word(context.message, "serial")).hex()


_MACHINE: Mapping[str, Expected] = {
    "cycle": lambda c: c.subject.cycle.hex(),
    "equipment": lambda c: c.subject.equipment.hex(),
    "machine.epoch": lambda c: c.subject.epoch,
    "machine.number": lambda c: c.subject.number,
}
_AMENDS: Mapping[str, Expected] = {"supersedes": _hex_or_none("replaces")}

COUNTERPARTS: Mapping[str, Mapping[str, Expected]] = {
    "UnitAdmission": {
        "administrator": _hex("administrator"),
        "custody": _member(Custody, "custody"),
        "roles": _roles,
    },
    "SignerEnrolment": {
        "signer": _hex("signer"),
        "custody": _member(Custody, "custody"),
        "duties": _duties("duties"),
    },
    "SignerRevocation": {"signer": _hex("signer")},
    "RecoveryProposal": {
        "signer": _hex("signer"),
        "custody": _member(Custody, "custody"),
        "duties": lambda _: duty_words(Duty.ADMINISTER),
    },
    "EquipmentRegistration": {
        "equipment": _own_equipment,
        "kind": _member(EquipmentKind, "kind"),
        "epoch": _number("epoch"),
    },
    "EquipmentChange": {
        "equipment": _hex("equipment"),
        "state": _member(EquipmentState, "state"),
        "epoch": _number("epoch"),
        **_AMENDS,
    },
    "RecordErasure": {"subject": _hex("subject")},
    "CycleOpening": _MACHINE,
    "CycleEnding": {
        **_MACHINE,
        **_AMENDS,
        "outcome": _member(Outcome, "outcome"),
        "verdict.result": _member(Verdict, "verdict"),
    },
    "LoadDeclaration": {**_MACHINE, **_AMENDS},
    "CycleDecision": {
        **_MACHINE,
        **_AMENDS,
        "decision": _member(DecisionKind, "kind"),
        "judged_ending": _hex_or_none("ending"),
        "judged_load": _hex_or_none("load"),
    },
}

#: Serial numbers, which messages hold as Keccak-256.
SERIALS: Mapping[str, Mapping[str, Expected]] = {
    "EquipmentRegistration": {"serial": _hex("serial")},
    **{
        kind: {"machine.serial": lambda c: c.serial.hex()}
        for kind in ("CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision")
    },
}


# ---------------------------------------------------------------- lists and times


def _verify_totals(
    entry: EvidenceOperation, facts: Mapping[str, FieldValue], context: Context, where: str
) -> None:
    """The lines add up to the signed totals; where only some are shown, to no more than they."""
    signed = {row["packageClass"]: row["quantity"] for row in items(context.message, "totals")}
    sums: dict[object, int] = {}
    for row in _rows("lines", facts).values():
        if "package_class" in row and row["package_class"] not in signed:
            raise VerificationFailed(
                f"the shown class {row['package_class']} is not among the signed totals of {where}"
            )
        if {"package_class", "quantity"} <= row.keys():
            quantity = row["quantity"]
            if isinstance(quantity, int):
                sums[row["package_class"]] = sums.get(row["package_class"], 0) + quantity
    is_whole = _is_whole(entry)
    for package_class, total in signed.items():
        count = sums.get(package_class, 0)
        if not isinstance(total, int) or count > total or (is_whole and count != total):
            raise VerificationFailed(
                f"the shown lines hold {count} packages of class {package_class!r}, but what was "
                f"signed says {total!r}",
                rule=f"record and message of {where} agree",
            )


def _verify_shares(
    entry: EvidenceOperation, facts: Mapping[str, FieldValue], context: Context, where: str
) -> None:
    """Share by share, in the message's order; all of them where the facts are shown whole."""
    signed = items(context.message, "shares")
    rows = _rows("shares", facts)
    if _is_whole(entry) and len(rows) != len(signed):
        raise VerificationFailed(f"{where} shows {len(rows)} shares, but {len(signed)} were signed")
    for index, row in rows.items():
        if index >= len(signed):
            raise VerificationFailed(
                f"the shown share {index} is not among the signed ones of {where}"
            )
        for name, value in row.items():
            member = "packageClass" if name == "package_class" else name
            _require_same(f"shares.{index}.{name}", value, signed[index][member], where)


def _is_whole(entry: EvidenceOperation) -> bool:
    return entry.record is not None and isinstance(entry.record.facts, OpenedPart)


def _rows(name: str, facts: Mapping[str, FieldValue]) -> dict[int, dict[str, FieldValue]]:
    rows: dict[int, dict[str, FieldValue]] = {}
    for path, value in facts.items():
        parts = path.split(".")
        if parts[0] == name:
            rows.setdefault(int(parts[1]), {})[parts[2]] = value
    return rows


def _seconds(instant: FieldValue) -> int:
    """Unix seconds of a moment that the schema has checked; 0 where none was stated."""
    if not isinstance(instant, str):
        return 0
    return int(datetime.fromisoformat(instant).timestamp())

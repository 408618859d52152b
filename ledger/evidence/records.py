"""Shown fields against what was signed: whatever both of them state must be the same.

What only the record states (a temperature, a name) is bound by the commitment alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ledger.domain.acts.vocabulary import (
    Act,
    ConsignmentNamed,
    CycleNamed,
    Field,
    Lines,
    MachineNamed,
    Named,
    items,
    word,
)
from ledger.domain.encoding.identifiers import serial_hash
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import SUITE
from ledger.domain.records.schemas import FieldRule, require_field, require_fields, spelling
from ledger.domain.subjects.folding import Memory
from ledger.domain.subjects.states import ConsignmentState, CycleState, MachineState
from ledger.evidence.shape import EvidenceOperation, OpenedPart, Part, shown_fields


def verify_record(entry: EvidenceOperation, view: Memory) -> None:
    """Raise VerificationFailed unless the shown fields are this operation's own, and agree with it.

    The parts lead to the message's commitment; every shown field is one of the kind's schema and
    obeys it; every fact with a counterpart in the message, or in the states, says the same.
    """
    if entry.record is None:
        return
    try:
        root = entry.record.root()
    except InvalidInput as error:
        raise VerificationFailed(f"the record of {entry} is malformed: {error}") from None
    if root != word(entry.message, "record"):
        raise VerificationFailed(
            f"the shown fields are not the record of {entry}: they lead to another commitment",
            rule="SHA-256 over the roots of facts and personal fields is the message's `record`",
        )
    schema = entry.act.record_schema
    try:
        _require_schema(entry.record.facts, schema.facts, schema.lists)
        _require_schema(entry.record.personal, schema.personal, {})
        _require_agreement(entry, view)
    except InvalidInput as error:
        raise VerificationFailed(
            f"the record of {entry} does not obey its schema: {error.what}",
            field=error.field,
            rule=error.rule,
        ) from None


def _require_schema(part: Part, rules: Mapping[str, FieldRule], lists: Mapping[str, int]) -> None:
    if isinstance(part, OpenedPart):
        require_fields(rules, part.fields, lists)
        return
    for path, value in shown_fields(part).items():
        require_field(rules, path, value)


# ---------------------------------------------------------------- agreement


def _require_agreement(entry: EvidenceOperation, view: Memory) -> None:
    act, message, facts = entry.act, entry.message, entry.facts
    stated: dict[str, FieldValue] = {
        "record.schema": act.schema,
        "record.suite": SUITE,
        "record.unit": entry.unit,
    }
    for each in act.fields if entry.is_whole else ():
        if isinstance(each.of, Lines) and each.signed_as and each.recorded_as:
            _require_as_many(entry, each)
    for path, value in facts.items():
        found = _fields_of(act).get(spelling(path))
        if path in stated:
            holds = _is_same(value, stated[path])
        else:
            holds = found is None or _confirms(entry, found, path, value, view)
        if not holds:
            raise VerificationFailed(
                f"the shown {path} is {value!r}, but what was signed says otherwise",
                field=path,
                rule=f"record and message of {entry} agree",
            )
    act.agree(message, facts, is_whole=entry.is_whole)


@cache
def _fields_of(act: Act) -> Mapping[str, Field]:
    """The field that each path of the record's schema comes from; common paths have none."""
    return {
        path: each
        for each in act.fields
        if each.record_root is not None and not each.is_personal
        for path in each.of.rules(each.record_root, required=False)
    }


def _confirms(
    entry: EvidenceOperation, each: Field, path: str, value: FieldValue, view: Memory
) -> bool:
    root = str(each.record_root)
    if not each.signed_as:
        # The id of what it brings is not signed, since it follows.
        is_own_id = isinstance(each.of, Named) and each.of.what == entry.act.about
        return not is_own_id or _is_same(value, entry.act.subject_of(entry.message).hex())
    signed = entry.message[each.signed_as]
    if path != root and isinstance(each.of, ConsignmentNamed):
        return isinstance(signed, bytes) and _is_of_consignment(path, signed, value, view)
    if path != root and isinstance(each.of, MachineNamed | CycleNamed):
        return isinstance(signed, bytes) and _is_as_it_stands(each.of, path, signed, value, view)
    return each.of.confirms(path, value, signed, root=root)


def _is_as_it_stands(
    sort: MachineNamed | CycleNamed, path: str, signed: bytes, value: FieldValue, view: Memory
) -> bool:
    """Whether what a record says of the machine or the cycle that was signed is so."""
    cycle = view.find(CycleState, signed) if isinstance(sort, CycleNamed) else None
    machine = view.find(MachineState, signed if cycle is None else cycle.equipment)
    if path == "machine.serial":
        return machine is not None and serial_hash(str(value)) == machine.serial
    if cycle is None:
        return False
    stated: dict[str, FieldValue] = {
        "equipment": cycle.equipment.hex(),
        "machine.epoch": cycle.epoch,
        "machine.number": cycle.number,
    }
    return _is_same(value, stated[path])


def _is_of_consignment(path: str, signed: bytes, value: FieldValue, view: Memory) -> bool:
    """Whether what a record says of the consignment that was signed is so."""
    state = view.find(ConsignmentState, signed)
    if state is None:
        return False
    if path == "giver":
        return _is_same(value, state.giver)
    return value is None or serial_hash(str(value)) == state.slip


def _is_same(shown: FieldValue, expected: FieldValue) -> bool:
    return shown == expected and type(shown) is type(expected)


def _require_as_many(entry: EvidenceOperation, each: Field) -> None:
    """Where a list is shown whole, none of what was signed is left out of it."""
    prefix = f"{each.recorded_as}."
    shown = len({p.removeprefix(prefix).split(".")[0] for p in entry.facts if p.startswith(prefix)})
    signed = len(items(entry.message, each.signed_as))
    if shown != signed:
        raise VerificationFailed(
            f"{entry} shows {shown} {each.name}, but {signed} were signed", field=each.name
        )

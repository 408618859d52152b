"""Values as people say them → draft: at every door the same.

A door gives what it was told by the names of an act's fields (ledger/domain/acts/asking.py), in
plain form.  What was left out is no key; None says that there is none.

1. Each value becomes what operations name (parsing.py).
2. What some kinds need and nobody has to be asked is found: what a kept reading reports, when a
   retention ended, from when a key acts, what a giver's list names.
3. What may be left out is taken from how the subject stands.
4. Who signs is found, and a key that comes into the group is brought or made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection

from ledger.domain.acts import asking, package_lines
from ledger.domain.acts.asking import Door, as_declared
from ledger.domain.acts.cycle_opening import MOST_LEFT_OUT
from ledger.domain.acts.rules import require_cycle, require_machine, right_in
from ledger.domain.acts.vocabulary import (
    Act,
    ConsignmentReference,
    CycleReference,
    Given,
    Machine,
    Named,
    Sort,
    WitnessMode,
)
from ledger.domain.acts.words import Custody, Party, Right
from ledger.domain.callers import Caller
from ledger.domain.drafts import Circumstances, Draft, People, draft
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, signer_id, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, NotFound, SteriLedgerError
from ledger.domain.records.retention import retention_ended
from ledger.domain.subjects.states import (
    AssetState,
    ConsignmentState,
    CurrentWitness,
    CycleState,
    MachineState,
    WitnessState,
)
from ledger.keys.accounts import ADDRESS_BYTES
from ledger.steps.accepting.parsing import Asker, naming, parse
from ledger.steps.accepting.photographing import with_hashes
from ledger.steps.accepting.reading_back import read_facts
from ledger.steps.accepting.resolving import resolve_signer
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.duties import trace_of
from ledger.steps.instance import Instance
from ledger.storage import directory, operations
from ledger.storage.keys import find_key

#: by the names of an act's fields
Values: TypeAlias = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Desk(Asker):
    """Where the values of one act become its draft."""

    instance: Instance
    act: Act
    door: Door


def make_draft(  # noqa: PLR0913, PLR0917 - who asks, at which door, for what
    instance: Instance, tx: Connection, caller: Caller, act: Act, values: Values, door: Door
) -> Draft:
    """Values → draft; raises InvalidInput, NotFound or Refused, naming the field as it was spelled.

    A key that the server shall hold is made here, in the transaction.
    """
    caller.require_scope(act.scope)
    desk = Desk(instance=instance, tx=tx, caller=caller, act=act, door=door)
    with spelled(act, door.spell):
        desk.unit = _known_unit(desk, values)
        given = _parsed(desk, _unpacked(desk, values))
        if desk.unit is None:
            desk.unit = _unit_of_subject(desk, given)
        find = _FOUND.get(act.name)
        if find is not None:
            given |= find(desk, given)
        given |= _about(desk, given)
        given |= standing_values(
            desk.accepted, act, given, unit=desk.unit, takes_judged=door.takes_what_stands
        )
        if act.key_member:
            given["key"] = _new_key(desk, given)
        told = {each.name: given.pop(each.name, None) for each in asking.CIRCUMSTANCES}
        named = {party: given.pop(each.name, None) for party, each in asking.signs(act).items()}
        # what only the authority signs and names no unit is nobody's
        unit = desk.acting_unit() if asking.signs(act) or desk.unit is not None else 0
        return draft(
            act,
            with_hashes(instance, tx, unit, given),
            unit=unit,
            keys=_keys(desk, named, given),
            circumstances=_circumstances(desk, told),
        )


@contextmanager
def spelled(act: Act, spell: Callable[[Act, str], str] = as_declared) -> Iterator[None]:
    """Errors that are raised within name the field as whoever asks spelled it."""
    try:
        yield
    except SteriLedgerError as error:
        if error.field is not None:
            error.field = spell(act, asking.name_of(act, error.field))
        raise


def _parsed(desk: Desk, values: Values) -> dict[str, Any]:
    """Each value as the draft takes it; None stays where there is none."""
    given: dict[str, Any] = {}
    for each in asking.asked(desk.act):
        value = values.get(each.name)
        if value is not None:
            given[each.name] = parse(each.of, value, desk, each.name)
        elif each.name in values and each.given is Given.JUDGED:
            given[each.name] = ZERO_DIGEST
    return given


# ---------------------------------------------------------------- who acts


def _known_unit(desk: Desk, values: Values) -> int | None:
    """The unit that acts, as far as the caller says it: by who they are, or in so many words.

    Raises NotFound when it is not the caller's own.
    """
    named = values.get("unit")
    asked = next((each for each in asking.asked(desk.act) if each.name == "unit"), None)
    number = None if asked is None or named is None else parse(asked.of, named, desk, "unit")
    unit = desk.caller.unit
    if unit is not None and number not in {None, unit}:
        raise NotFound(f"{named} is not your unit", field="unit", rule="you act for your own unit")
    return number if unit is None else unit


def _unit_of_subject(desk: Desk, given: Values) -> int | None:
    """The unit that a machine, a cycle or an operation belongs to; None where none is named."""
    for each in desk.act.fields:
        value = given.get(each.name)
        if isinstance(value, Machine):
            return value.unit
        if isinstance(value, CycleReference):
            return value.machine.unit
        if value is not None and each.of == Named("equipment"):
            return directory.get_equipment(desk.tx, value).unit
        if value is not None and each.of == Named("asset") and desk.act.about == "asset":
            return _owner(desk, value)
        if value is not None and asking.is_subject(each):
            return _operation(desk, value, each.name).unit
    return None


def _owner(desk: Desk, asset: bytes) -> int | None:
    row = directory.find_asset(desk.tx, asset)
    return None if row is None else row.unit


def _operation(desk: Desk, digest: Digest, field: str) -> operations.OperationRow:
    row = operations.find_operation(desk.tx, digest, unit=desk.caller.unit)
    if row is None:
        raise NotFound(
            f"there is no operation {to_hex(digest)}",
            field=field,
            remedy="see: steriledger operation list, GET /v1/operations",
        )
    return row


# ---------------------------------------------------------------- what is found


def _read_ending(desk: Desk, given: Values) -> dict[str, Any]:
    """What a kept reading reports, in place of what a person types; never both."""
    cycle: CycleReference = given["cycle"]
    named = given.get("reading")
    if named is None:
        for name in ("profile", "zone"):
            if given.get(name) is not None:
                raise InvalidInput(
                    "is given without a reading",
                    field=name,
                    rule="a verdict is computed from a reading's samples",
                )
        return {}
    typed = [name for name in (*_TYPED, "happened") if given.get(name)]
    if typed:
        raise InvalidInput(
            "is given beside a reading",
            field=typed[0],
            rule="a reading states its own facts; what it does not say is typed in another ending",
        )
    # A command that reads no printout does not wait for the parsers.
    from ledger.steps.accepting.endings import ending_of, kept_reading  # noqa: PLC0415

    zone, profile = given.get("zone"), given.get("profile")
    return ending_of(kept_reading(desk.tx, cycle, named, zone=zone, profile=profile))


#: What a person types of an ending, and a reading would state itself.
_TYPED = (
    "outcome",
    "started_at",
    "ended_at",
    "started",
    "ended",
    "fault_code",
    "programme",
    "hold_seconds",
    "minimum_celsius",
    "maximum_celsius",
    "minimum_bar",
    "maximum_bar",
    "pressure_basis",
)


def _further_reading(desk: Desk, given: Values) -> dict[str, Any]:
    """A kept reading, held against the one that the cycle's ending rests on."""
    cycle: CycleReference = given["cycle"]
    state = require_cycle(desk.accepted.find(CycleState, cycle.id), unit=cycle.machine.unit)
    if state.ending == ZERO_DIGEST:
        raise InvalidInput(
            "the cycle has not ended",
            field="cycle",
            rule="a further reading stands beside the one that the ending rests on",
            remedy="end the cycle with it: steriledger cycle end",
        )
    from ledger.steps.accepting.endings import entry_of, kept_reading  # noqa: PLC0415
    from ledger.steps.accepting.further_readings import hold_against  # noqa: PLC0415

    zone, profile = given.get("zone"), given.get("profile")
    reported = kept_reading(desk.tx, cycle, given["reading"], zone=zone, profile=profile)
    reported, found = hold_against(desk.tx, reported, state.ending)
    return entry_of(reported, found, state.ending)


def _asked_number(desk: Desk, given: Values) -> dict[str, Any]:
    """The number of a cycle that a person opens."""
    machine: Machine = given["equipment"]
    state = require_machine(desk.accepted.find(MachineState, machine.id), unit=machine.unit)
    epoch = state.epoch if given.get("epoch") is None else given["epoch"]
    if not given.get("leap"):
        require_near(desk.tx, CycleReference(machine=machine, epoch=epoch, number=given["number"]))
    return {}


def require_near(tx: Connection, typed: CycleReference) -> None:
    """A typed number that lies far above the highest is meant, or is a scan that came twice."""
    rows = directory.list_beside(tx, typed.machine.id, typed.epoch, None, above=False)
    cycles = (Accepted(tx).find(CycleState, row.id) for row in rows)
    highest = next((each.number for each in cycles if each is not None and each.is_open), None)
    above = 0 if highest is None else typed.number - highest
    if above > MOST_LEFT_OUT:
        raise InvalidInput(
            f"{typed.number} lies {above} above the highest of this machine, {highest}",
            field="number",
            rule=f"a typed number is at most {MOST_LEFT_OUT} above the highest",
            remedy="check it: a scan may have come twice; if it is meant, say so when the cycle is "
            "opened: --leap, or leap: true",
        )


def _erased_record(desk: Desk, given: Values) -> dict[str, Any]:
    """Which record it is, and when its retention ended."""
    row = _operation(desk, given["subject"], "subject")
    facts = read_facts(desk.tx, row)
    return {
        "subject_record": row.record_id,
        "retention_ended": datetime.fromisoformat(retention_ended(facts)),
    }


def _enrolled_from(desk: Desk, given: Values) -> dict[str, Any]:
    """A key acts from now on: what was signed before was not signed for the unit."""
    start = given.get("valid_from") or given.get("signed_at") or desk.instance.clock()
    return {"valid_from": start}


def _about(desk: Desk, given: Values) -> dict[str, Any]:
    """What a statement is about where nobody names it: always the same, as before, or random.

    Random, so that nobody reads from the chain what was said of whom.
    """
    act = desk.act
    about = None if act.witness is None else act.field_named(act.about)
    if about is None or about.given is not Given.NEVER:
        return {}
    replaced = desk.accepted.find(WitnessState, given.get("replaces") or ZERO_DIGEST)
    if replaced is not None:
        return {about.name: replaced.about}
    return {about.name: about.default or desk.instance.randomness(len(ZERO_DIGEST))}


def _unpacked(desk: Desk, values: Values) -> Values:
    """The values with packages in place of baskets."""
    if not values.get("lines") or desk.act.name not in _OF_PACKAGES:
        return values
    # A command that names no basket does not wait for what finds what lies in one.
    from ledger.steps.accepting.unpacking import unpacked  # noqa: PLC0415

    lines = unpacked(desk.tx, desk.act.name, values["lines"], desk.unit)
    return {**values, "lines": lines}


#: kinds in whose lists a basket stands for packages
_OF_PACKAGES = frozenset({"Dispatch", "LoadDeclaration"})


def _taken_rest(desk: Desk, given: Values) -> dict[str, Any]:
    """What the giver's list names and no line does, accepted and known as the rest is.

    What is said of a basket is said of what lies in it.
    """
    basis, lines = given.get("rest"), list(given.get("lines") or ())
    if basis is None and not any(line.get("basket") for line in lines):
        return {}
    from ledger.steps.accepting.unpacking import unpacked_by_list  # noqa: PLC0415 - as above

    state = desk.accepted.find(ConsignmentState, given["consignment"].id)
    row = operations.find_operation(desk.tx, ZERO_DIGEST if state is None else state.dispatch)
    if row is None and basis is not None:
        raise NotFound(
            "the giver's list is not kept here", field="rest", rule="name each line yourself"
        )
    sent: list[dict[str, Any]] = []
    if row is not None:
        facts = read_facts(desk.tx, row)
        sent = list(package_lines.lines_in(facts))
    lines = unpacked_by_list(desk.tx, lines, sent, desk.acting_unit())
    if basis is None:
        return {"lines": lines}
    rest = package_lines.rest_of(sent, lines)
    return {"lines": [*lines, *({**e, "outcome": "accepted", "basis": basis} for e in rest)]}


def _asked_gates(desk: Desk, given: Values) -> dict[str, Any]:
    """What the gates say of what is sent, issued, opened or used, kept line by line."""
    # A command that moves nothing does not wait for the gates.
    from ledger.steps.accepting.gating import against  # noqa: PLC0415

    lines = list(given.get("lines") or ())
    told = against(
        desk.instance,
        desk.tx,
        desk.act,
        enumerate(lines),
        purpose=given.get("purpose"),
        unit=desk.acting_unit(),
    )
    return {"lines": [{**line, "against": told.get(at)} for at, line in enumerate(lines)]}


def _known_subject(desk: Desk, given: Values) -> dict[str, Any]:
    """Raise NotFound, in the same words, for what is not there and what is not theirs to read."""
    kind, subject = given.get("subject_kind"), given.get("subject")
    if given.get("what") == "withdrawn" or kind is None or subject is None:
        return {}
    with suppress(NotFound, InvalidInput):
        trace_of(desk.tx, desk.caller, kind, subject)
        return {}
    raise NotFound(
        f"there is no {kind} {subject}",
        field="subject",
        rule=f"a {kind} whose records you may read",
        remedy="look at the label, or ask who has it; what happened without it is a comment or "
        "a request",
    )


#: What some kinds say that nobody has to be asked, and what is asked once more.
_FOUND: Mapping[str, Callable[[Desk, Values], dict[str, Any]]] = {
    "CycleOpening": _asked_number,
    "CycleEnding": _read_ending,
    "ReadingEntry": _further_reading,
    "SignerEnrolment": _enrolled_from,
    "RecordErasure": _erased_record,
    "TakeOver": _taken_rest,
    "Dispatch": _asked_gates,
    "ScanReport": _asked_gates,
    "Incident": _known_subject,
}


# ---------------------------------------------------------------- how the subject stands


def standing_values(
    accepted: Accepted, act: Act, given: Values, *, unit: int | None, takes_judged: bool = False
) -> dict[str, Any]:
    """What was left out and is as the subject stands; what was judged only where that is taken."""
    missing = [
        each
        for each in act.fields
        if each.stands_as
        and (takes_judged or each.given is not Given.JUDGED)
        and given.get(each.name) is None
    ]
    if not missing:
        return {}
    state = _state_of(accepted, act, given, unit=unit)
    if state is None:
        # the rules say that nothing of it stands
        return {each.name: ZERO_DIGEST for each in missing if each.given is Given.JUDGED}
    return {each.name: getattr(state, each.stands_as) for each in missing}


def what_stands(  # noqa: PLR0913, PLR0917 - who asks, at which door, about what
    instance: Instance, tx: Connection, caller: Caller, act: Act, values: Values, door: Door
) -> dict[str, Any]:
    """How what an act names stands now, by the names of its fields: what a person then judges.

    Empty while nothing is named of which anything stands.  Raises as `make_draft` does.
    """
    desk = Desk(instance=instance, tx=tx, caller=caller, act=act, door=door)
    desk.unit = _known_unit(desk, values)
    given = _parsed(desk, values)
    if desk.unit is None:
        desk.unit = _unit_of_subject(desk, given)
    named = [each for each in act.fields if each.name in given and each.given is Given.ALWAYS]
    return (
        standing_values(desk.accepted, act, given, unit=desk.unit, takes_judged=True)
        if named
        else {}
    )


_BY_NAME: Mapping[Sort, type[Any]] = {
    Named("equipment"): MachineState,
    Named("asset"): AssetState,
}


def _state_of(accepted: Accepted, act: Act, given: Values, *, unit: int | None) -> object | None:
    """The state of what the act names first; of a statement, the current."""
    if act.witness is not None and act.witness.mode is WitnessMode.STATE:
        about = act.field_named(act.about)
        return accepted.find(
            CurrentWitness, act.witness.kind, about.of.signed(given[about.name]), unit or 0
        )
    for each in act.fields:
        value = given.get(each.name)
        if isinstance(value, CycleReference):
            return accepted.find(CycleState, value.id)
        if isinstance(value, Machine):
            return require_machine(accepted.find(MachineState, value.id), unit=value.unit)
        if isinstance(value, ConsignmentReference):
            return accepted.find(ConsignmentState, value.id)
        if value is not None and each.of in _BY_NAME:
            return accepted.find(_BY_NAME[each.of], value)
    return None


# ---------------------------------------------------------------- who signs


def _keys(desk: Desk, named: Mapping[Party, Any], given: Values) -> dict[Party, bytes]:
    """The key that signs as each party, but for the new one."""
    keys: dict[Party, bytes] = {}
    for party in desk.act.parties:
        if party is Party.AUTHORITY:
            keys[party] = desk.instance.known_deployment(desk.tx).authority
        elif party is not Party.NEW_KEY:
            keys[party] = _signing_key(desk, party, named[party], given)
    return keys


def _signing_key(desk: Desk, party: Party, named: str | bytes | None, given: Values) -> bytes:
    if isinstance(named, bytes):
        return named
    unit, caller, field = desk.acting_unit(), desk.caller, asking.signs(desk.act)[party]
    if named is None and field.given is Given.ALWAYS:
        raise InvalidInput("is missing", field=field.name, rule=field.help)
    if named is None and caller.signer_key is not None and unit == caller.unit:
        return caller.signer_key
    right = _needed_right(desk, given)
    found: directory.SignerRow = naming(
        field.name, lambda: resolve_signer(desk.tx, caller, unit, right, named)
    )
    return found.signer


def _needed_right(desk: Desk, given: Values) -> Right:
    """What the signer must be allowed, as far as it is given what the act says."""
    said = {
        each.signed_as: each.of.signed(given[each.name])
        for each in desk.act.fields
        if each.signed_as and given.get(each.name) is not None
    }
    return right_in(desk.act, {**said, "unit": desk.unit or 0}, desk.accepted)


def _new_key(desk: Desk, given: Values) -> bytes:
    """The key that the act brings, or one that this instance makes and holds."""
    key: bytes | None = given.get("key")
    custody: Custody = given.get("custody") or desk.act.field_named("custody").default
    if custody is Custody.SERVER:
        if key is not None:
            raise InvalidInput(
                "is given",
                field="key",
                rule="a key held by the server is made by the server",
                remedy="say who holds it: custody station, device or hardware",
            )
        person = next((given.get(each.name) for each in desk.act.fields if each.is_personal), None)
        label = person or f"{desk.act.spelled} of unit {desk.unit}"
        return make_held_key(desk.instance, desk.tx, label=str(label))
    rule = f"a key in the custody {custody.name.lower()} is"
    if key is None:
        raise InvalidInput("is missing", field="key", rule=f"{rule} made there and brought")
    if find_key(desk.tx, signer_id(key)) is not None:
        raise InvalidInput(
            "is held by this instance", field="key", rule=f"{rule} held there and nowhere else"
        )
    verifiers = desk.instance.known_deployment(desk.tx).verifiers
    if len(key) > ADDRESS_BYTES and key[:ADDRESS_BYTES] not in verifiers:
        raise InvalidInput(
            "begins with no verifier of this deployment",
            field="key",
            rule="an account of 20 bytes, or an allowed verifier and its key",
            remedy="see GET /v1/deployment",
        )
    return key


def _circumstances(desk: Desk, told: Values) -> Circumstances:
    """How the act came to be; whoever asks entered it, unless somebody else is named."""
    happened = told["happened"] or {}
    utc, signed_at = happened.get("utc"), told["signed_at"]
    return Circumstances(
        people=People(
            performer=told["performer"],
            checker=told["checker"],
            enterer=told["enterer"] or desk.caller.person,
            on_behalf_of=told["on_behalf_of"],
        ),
        happened_text=happened.get("text"),
        happened_zone=happened.get("zone"),
        happened_utc=None if utc is None else instant_text(utc),
        happened_source=happened.get("source"),
        device=told["device"],
        authenticated_by=told["authenticated_by"] or desk.door.authenticated_by,
        reason=told["reason"],
        legal_hold=bool(told["legal_hold"]),
        signed_at=None if signed_at is None else int(signed_at.timestamp()),
    )

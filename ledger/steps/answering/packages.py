"""Packages' lines → what people ask of one: its trace, where it is, whether it may be used.

Everything is read from rows that carry what the fold reads; a trace opens no record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.acts.terms import SUBJECT as TERMS_SUBJECT
from ledger.domain.acts.terms import document_of
from ledger.domain.acts.words import UnitRole
from ledger.domain.callers import Caller, Scope
from ledger.domain.custody import gates
from ledger.domain.custody.codes import read_shot
from ledger.domain.custody.fold import Overlay, Package, Stage, fold, ordered
from ledger.domain.custody.lines import SEEN, PackageLine, is_package
from ledger.domain.custody.reading import (
    Reader,
    as_read,
    may_ask,
    names_of,
    readable,
    readable_until,
    visible_case,
)
from ledger.domain.custody.recalls import reach
from ledger.domain.custody.standing import CycleStanding
from ledger.domain.duties.terms import default_terms
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import instant_text, seconds_text
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import UnitState
from ledger.steps.accepting.meaning import Meant, meant
from ledger.steps.accepting.reading_back import read_facts
from ledger.steps.accepting.resolving import nothing_called, resolve_cycle, resolve_unit
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.containers import container_of
from ledger.steps.answering.custody import find_giver_counting
from ledger.steps.answering.standings import Cycles, CycleStep
from ledger.steps.answering.status import find_chain_status
from ledger.steps.answering.view import View
from ledger.steps.instance import Instance
from ledger.storage import directory, operations, packages
from ledger.storage.index import find_newest_block_time


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine(View):
    """One thing that is said of a package."""

    package: str
    #: RFC 3339: when it happened, no earlier than what it follows from
    at: str
    #: as it was said; None where nobody did
    said_at: str | None
    deed: str
    unit: str
    #: to whom, or for whom
    to: str | None
    #: how it is known: scanned, counted, ticked_off, typed, imported, inferred
    basis: str | None
    outcome: str | None
    #: what the gate said when it was done all the same
    against: str | None
    reason: str | None
    case: str | None
    #: None while it counts; else that it was taken back or replaced
    taken_back: bool
    #: owed, sent, mined, final; `reported, not on chain` for what the chain refused
    chain: str
    digest: str
    line: int
    #: of its operation, in our own order of acceptance
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingView:
    """That a unit had it."""

    unit: str
    since: str
    until: str | None
    basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictionView:
    """What a unit reported of a package that another one had."""

    unit: str
    deed: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(View):
    """How a package stands."""

    package: str
    stage: str
    #: who has it; None where nobody says so
    holder: str | None
    since: str | None
    #: how that is known
    basis: str | None
    #: who takes it next, while it travels
    next_unit: str | None
    destination: str | None
    owner: str | None
    set: str | None
    expires: str | None
    #: as people call it
    cycle: str | None
    cycle_state: str | None
    overlays: tuple[str, ...]
    contradicted_by: tuple[str, ...]
    #: deeds that did not follow: `used after used`
    out_of_order: tuple[str, ...]
    last_seen_by: str | None
    last_seen_at: str | None
    used_by: str | None
    case: str | None
    codes: tuple[str, ...]
    #: the basket or container in which it lies, by its code
    basket: str | None
    #: of the container in which that basket lies
    container: str | None
    #: whether the chain has something about its cycle or its box that is not readable here
    is_part_unknown: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceView(View):
    """A package's whole story, as far as the reader may read it."""

    standing: Standing
    holdings: tuple[HoldingView, ...]
    contradictions: tuple[ContradictionView, ...]
    lines: tuple[TraceLine, ...]
    cycle: tuple[CycleStep, ...]
    #: the sequence as of which this is known
    known: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A package that a reader may ask about."""

    meant: Meant
    lines: Sequence[PackageLine]
    package: Package


def reader_of(tx: Connection, caller: Caller) -> Reader:
    """Who reads: an auditor and whoever administers the instance read every fact."""
    unit = caller.readable_unit
    state = None if unit is None else Accepted(tx).find(UnitState, unit)
    return Reader(unit=unit, is_carrier=state is not None and state.roles == UnitRole.CARRIER)


def numbering(tx: Connection, text: str) -> int:
    """A unit's number by its number or code; raises NotFound."""
    return resolve_unit(tx, text).number


def find_package(
    tx: Connection,
    caller: Caller,
    said: str,
    *,
    at: int | None = None,
    known: int | None = None,
) -> Found:
    """The package that is meant; raises NotFound where there is none that the caller may ask of."""
    reader = reader_of(tx, caller)
    (what,) = meant(tx, [said], unit_number=lambda text: numbering(tx, text))
    name = what.require()
    lines = packages.list_lines(tx, name)
    package = fold(name, lines, at=at, known=known)
    if not package.sequence or not may_ask(reader, fold(name, lines)):
        raise nothing_called("package", name)
    return Found(meant=what, lines=lines, package=package)


def readable_packages(tx: Connection, caller: Caller, names: Iterable[str]) -> set[str]:
    """Of packages by name, those that exist for the caller."""
    reader, lines = reader_of(tx, caller), packages.list_lines_of(tx, names)
    return {name for name, those in lines.items() if may_ask(reader, fold(name, those))}


def operations_read(
    reader: Reader, package: Package, lines: Sequence[PackageLine]
) -> Callable[[IndexedOperation], bool]:
    """Of others' operations: the trace as far as the reader reads it, with its threads.

    A carrier reads none of it.
    """
    rows = readable(reader, package, ordered(lines))
    seen, threads = {line.digest for _, line in rows}, {line.thread for _, line in rows}
    told, moved = {line.digest for line in lines}, {line.thread for line in lines}
    units = names_of(rows)

    def may_read(row: IndexedOperation) -> bool:
        if reader.is_carrier:
            return False
        if row.kind == "Comment":
            return row.unit in units
        # a notice is about a machine, and is read by whom its packages concern
        if row.digest in told or row.kind == "RecallNotice":
            return row.digest in seen
        return row.subject not in moved or row.subject in threads

    return may_read


def unit_names(tx: Connection, numbers: Iterable[int]) -> dict[int, str]:
    """What units are called, by number."""
    wanted = {each for each in numbers if each}
    if not wanted:
        return {}
    return {row.number: row.code for row in directory.list_numbered_units(tx, wanted)}


def trace(
    tx: Connection, caller: Caller, said: str, *, at: int | None = None, known: int | None = None
) -> TraceView:
    """A package's story; `at`: how it stood then (Unix seconds), `known`: as known then."""
    found = find_package(tx, caller, said, at=at, known=known)
    reader = reader_of(tx, caller)
    lines = [line for line in found.lines if known is None or line.sequence <= known]
    rows = readable(reader, found.package, ordered(lines))
    package = as_read(reader, found.package, found.lines, at=at, known=known)
    if at is not None:
        rows = [(moment, line) for moment, line in rows if moment <= at]
    until = readable_until(reader, package)
    container = _container(tx, package, min(until, until if at is None else at), known)
    names = unit_names(tx, names_of(rows) | _units_in(package))
    states = operations.states_of(tx, {line.digest for _, line in rows})
    cycles = Cycles(tx, known=known)
    return TraceView(
        standing=_standing(reader, package, cycles, names, container),
        holdings=tuple(
            HoldingView(
                unit=names.get(each.unit, str(each.unit)),
                since=seconds_text(each.since),
                until=None if each.until is None else seconds_text(each.until),
                basis=each.basis,
            )
            for each in package.holdings
            if each.since <= until
        ),
        contradictions=tuple(
            ContradictionView(
                unit=names.get(each.unit, str(each.unit)),
                deed=each.deed.value,
                at=seconds_text(each.at),
            )
            for each in package.contradictions
            if each.at <= until or each.unit == reader.unit
        ),
        lines=tuple(_line(line, moment, names, states, known) for moment, line in rows),
        cycle=tuple(cycles.steps(package.cycle)),
        known=packages.newest_sequence(tx) if known is None else known,
    )


def known_at(tx: Connection, moment: datetime) -> int:
    """The sequence up to which things were known at a moment."""
    return operations.find_sequence_at(tx, moment)


def where(tx: Connection, caller: Caller, said: str) -> Standing:
    """Where a package is, how it stands, and how sure that is."""
    found = find_package(tx, caller, said)
    reader = reader_of(tx, caller)
    package = as_read(reader, found.package, found.lines)
    names = unit_names(tx, _units_in(package))
    container = _container(tx, package, readable_until(reader, package))
    return _standing(reader, package, Cycles(tx), names, container)


def _container(tx: Connection, package: Package, at: float, known: int | None = None) -> str | None:
    """In which container the basket of a package lay."""
    if package.basket is None:
        return None
    return container_of(tx, package.basket, at=at, known=known)


def _units_in(package: Package) -> set[int]:
    """The units that a package's standing names."""
    named = {package.holder, package.next_unit, package.destination, package.owner}
    named |= {package.seen_by, package.used_by}
    named |= {each.unit for each in package.contradictions}
    named |= {each.unit for each in package.holdings}
    return {each for each in named if each is not None}


def _standing(
    reader: Reader,
    package: Package,
    cycles: Cycles,
    names: Mapping[int, str],
    container: str | None,
) -> Standing:
    cycle = cycles.find(package.cycle)
    in_part = cycle is not None and cycle.is_part_unknown

    def name(unit: int | None) -> str | None:
        return None if unit is None else names.get(unit, str(unit))

    return Standing(
        package=package.name,
        stage=package.stage.value,
        holder=name(package.holder),
        since=None if package.since is None else seconds_text(package.since),
        basis=package.basis,
        next_unit=name(package.next_unit),
        destination=name(package.destination),
        owner=name(package.owner),
        set=package.set_name,
        expires=package.expires,
        cycle=None if cycle is None else cycle.name,
        cycle_state=None if cycle is None else cycle.state.word,
        overlays=_overlays((each.value for each in package.overlays), cycle),
        contradicted_by=tuple(
            f"{name(each.unit)}: {each.deed.value} at {seconds_text(each.at)}"
            for each in package.contradictions
        ),
        out_of_order=tuple(
            f"{deed.value} after {stage.value}" for deed, stage in package.out_of_order
        ),
        last_seen_by=name(package.seen_by),
        last_seen_at=None if package.seen_at is None else seconds_text(package.seen_at),
        used_by=name(package.used_by),
        case=visible_case(reader, package),
        codes=tuple(sorted(package.codes)),
        basket=package.basket,
        container=container,
        is_part_unknown=in_part or cycles.has_unread(package.consignment),
    )


def _overlays(own: Iterable[str], cycle: CycleStanding | None) -> tuple[str, ...]:
    """What is true of a package beside its state: also that its whole cycle is ordered back."""
    back = {Overlay.RECALLED.value} if cycle is not None and cycle.is_ordered_back else set()
    return tuple(sorted({*own, *back}))


def _line(
    line: PackageLine,
    moment: int,
    names: Mapping[int, str],
    states: Mapping[Digest, OperationState],
    known: int | None,
) -> TraceLine:
    to = line.to_unit or line.destination
    state = states.get(line.digest)
    is_refused = state in GIVEN_UP
    return TraceLine(
        package=line.package,
        at=seconds_text(moment),
        said_at=line.happened_text
        or (None if line.happened is None else seconds_text(line.happened)),
        deed=line.deed.value,
        unit=names.get(line.unit, str(line.unit)),
        to=None if to is None else names.get(to, str(to)),
        basis=line.basis,
        outcome=line.outcome,
        against=line.against,
        reason=line.reason,
        case=line.case,
        taken_back=line.ended is not None and (known is None or line.ended <= known),
        chain="reported, not on chain" if is_refused else "" if state is None else state.value,
        digest=to_hex(line.digest),
        line=line.line,
        sequence=line.sequence,
    )


# ---------------------------------------------------------------- gates

#: a chain that others write to, and whose node was not reached for so long, is not followed (s)
BEHIND_AFTER = 900


def gate(  # noqa: PLR0913 - who asks what of which package
    instance: Instance,
    tx: Connection,
    caller: Caller,
    which: gates.Gate,
    said: str,
    *,
    unit: int,
) -> gates.Answer:
    """Whether a unit may dispatch, issue or use this now."""
    caller.require_unit(unit)
    if read_shot(said).basket is not None:
        raise InvalidInput(
            f"{said[:60]} is a basket",
            field="package",
            rule="one package",
            remedy="ask of each that lies in it: GET /v1/baskets",
        )
    (answer,) = ask_all(instance, tx, [Question(gate=which, said=said)], unit=unit)
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of one package."""

    gate: gates.Gate
    #: a name, or what a scanner delivered
    said: str
    #: the label that was read, where a package is named beside it
    code: str | None = None
    #: Unix seconds: what it would have said then, by all that is known now; None: now
    at: int | None = None


def ask_all(
    instance: Instance, tx: Connection, asked: Sequence[Question], *, unit: int
) -> list[gates.Answer]:
    """The gates' answers to what a unit asks, in its order."""
    found = meant(tx, [each.said for each in asked], unit_number=lambda t: numbering(tx, t))
    named = [each.package for each in found if each.package is not None]
    lines = packages.list_lines_of(tx, named)
    now = int(instance.clock().timestamp())
    folded = {
        (name, at): fold(name, lines[name], at=at)
        for name, at in {(what.package, each.at) for what, each in zip(found, asked, strict=True)}
        if name in lines
    }
    cycles = Cycles(tx)
    names = unit_names(tx, {u for each in folded.values() for u in _units_in(each)})
    behind = behind_since(instance, tx)
    offset = agreed_offset(tx)
    answers = []
    for what, each in zip(found, asked, strict=True):
        package = None if what.package is None else folded.get((what.package, each.at))
        if package is None:
            answers.append(gates.unknown(each.gate, what.package))
            continue
        moment = now if each.at is None else each.at
        asking = gates.Asking(
            unit=unit,
            at=moment,
            today=(datetime.fromtimestamp(moment, UTC) + offset).date(),
            behind_since=behind,
            names=names,
            is_voided=what.is_voided or each.code in package.voided - package.codes,
            is_loaner=package.cycle is None and cycles.is_loaner(package.set_name),
            has_unread=cycles.has_unread(package.consignment),
        )
        answers.append(gates.ask(each.gate, package, cycles.find(package.cycle), asking))
    return answers


def agreed_offset(tx: Connection) -> timedelta:
    """Of the group's clocks from UTC: every version of its terms has the same."""
    rows = operations.list_by_subject(tx, TERMS_SUBJECT, standing=True)
    if not rows:
        return default_terms().offset
    facts = read_facts(tx, rows[-1])
    return timedelta(minutes=json.loads(document_of(facts))["offset_minutes"])


#: what a record keeps of a gate's answer
_LONGEST_AGAINST = 300


def in_words(answer: gates.Answer | None) -> str | None:
    """What a record keeps of an answer: why not; None for a yes, and where none was asked."""
    if answer is None or answer.word is gates.Word.YES:
        return None
    return answer.text()[:_LONGEST_AGAINST]


def gate_counted(tx: Connection, caller: Caller, which: gates.Gate, cycle: str) -> gates.Answer:
    """The answer about packages that are only counted, of a cycle that the caller may read.

    That is its own unit's, or one that the list of a consignment names to it, as it stands there.
    """
    try:
        named = resolve_cycle(tx, caller, cycle)
    except NotFound:
        giver = find_giver_counting(tx, caller, cycle)
        if giver is None:
            raise
        there = replace(caller, unit=giver, scopes=frozenset({Scope.READ_UNIT}))
        named = resolve_cycle(tx, there, cycle)
    stands = Cycles(tx).find(named.id)
    if stands is None:
        raise nothing_called("cycle", repr(cycle))
    return gates.counted_only(which, stands)


def behind_since(instance: Instance, tx: Connection) -> int | None:
    """Since when nothing was heard of others who write to the same chain; None: all is known.

    What tells is when the worker last saw the node's newest block, not how old that is: a group may
    be quiet.  While there are final blocks that were not read yet, it is the newest that was.
    On an embedded chain nobody else writes: what is accepted here is all that there is.
    """
    if not instance.settings.chain_url:
        return None
    now = int(instance.clock().timestamp())
    seen = find_chain_status(tx)
    heard = None if seen is None else int(seen.at.timestamp())
    if seen is None or seen.indexed < seen.final:
        heard = find_newest_block_time(tx)
    if heard is None:
        # No block yet: nothing was heard for as long as anybody has asked here.
        return instance.known("first asked", lambda: now)
    return heard if now - heard > BEHIND_AFTER else None


# ---------------------------------------------------------------- holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings(View):
    """What a unit has or had."""

    unit: str
    #: RFC 3339
    at: str
    #: the sequence as of which it is known
    known: int
    count: int
    #: by state; None for a moment in the past
    by_stage: Mapping[str, int] | None
    packages: tuple[Mapping[str, str | None], ...]


def holdings(  # noqa: PLR0913 - whose, when, and how much of it
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    *,
    at: int | None = None,
    known: int | None = None,
    after: str = "",
    limit: int = 100,
) -> Holdings:
    """What a unit has; `at` (Unix seconds): what it had then; `known`: as known then.

    A carrier reads how much that is, and no package's name: a box may be sealed.
    Raises NotFound for another unit than the caller's own, and InvalidInput for a moment ahead.
    """
    if caller.readable_unit not in {None, unit}:
        raise NotFound(f"unit {unit} is not yours", field="unit", rule="a unit reads what it holds")
    if at is not None and at > instance.clock().timestamp():
        raise InvalidInput(
            f"{seconds_text(at)} lies ahead", field="at", rule="nobody knows what comes"
        )
    then = [] if known is None else _held_as_known(tx, unit, at, known)
    count = len(then) + packages.count_held(tx, unit, at, known=known)
    rows = [
        (row.package, row.since, row.basis)
        for row in packages.list_held(tx, unit, at, known=known, after=after, limit=limit)
    ]
    if then:
        rows = sorted([*rows, *(each for each in then if each[0] > after)])[:limit]
    if reader_of(tx, caller).is_carrier:
        rows = []
    stages = {
        row.name: row.stage.value
        for row in packages.list_packages_named(tx, [name for name, _, _ in rows])
    }
    by_stage = packages.count_packages(tx, unit) if at is None and known is None else None
    return Holdings(
        unit=unit_names(tx, [unit]).get(unit, str(unit)),
        at=instant_text(instance.clock()) if at is None else seconds_text(at),
        known=packages.newest_sequence(tx) if known is None else known,
        count=count,
        by_stage=None if by_stage is None else {k.value: n for k, n in by_stage.items()},
        packages=tuple(
            {
                "package": name,
                "since": seconds_text(since),
                "basis": basis,
                "stage_now": stages.get(name),
            }
            for name, since, basis in rows
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnShelf:
    """A package that lies at a unit, as far as anybody knows."""

    package: str
    set: str | None
    #: ISO 8601
    expires: str | None
    stage: str
    overlays: tuple[str, ...]
    #: Unix seconds
    since: int | None
    #: whether anybody there had it before their eyes
    is_seen: bool


#: states in which a package lies on a shelf
_LIES = (Stage.ASSEMBLED, Stage.LOADED, Stage.STORED, Stage.ISSUED, Stage.NOT_USED)


def shelf(tx: Connection, caller: Caller, unit: int, *, limit: int = 1000) -> list[OnShelf]:
    """What lies at a unit, by the last day on which it may be used; raises NotFound for another's.

    What has no such day comes last.
    """
    if caller.readable_unit not in {None, unit}:
        raise NotFound(f"unit {unit} is not yours", field="unit", rule="a unit reads what it holds")
    rows = [
        row
        for stage in _LIES
        for row in packages.list_packages(tx, holder=unit, stage=stage, limit=limit)
    ]
    unsure = [row.name for row in rows if row.basis not in SEEN]
    unseen = {
        name
        for name, lines in packages.list_lines_of(tx, unsure).items()
        if reach(fold(name, lines)).is_unseen
    }
    cycles = Cycles(tx)
    found = [
        OnShelf(
            package=row.name,
            set=row.set_name,
            expires=row.expires,
            stage=row.stage.value,
            overlays=_overlays(filter(None, row.overlays.split(",")), cycles.find(row.cycle)),
            since=row.since,
            is_seen=row.name not in unseen,
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (each.expires or "9", each.package))[:limit]


def _held_as_known(
    tx: Connection, unit: int, at: int | None, known: int
) -> list[tuple[str, int, str | None]]:
    """The packages that a unit had, by what was known then, of which more was said since."""
    found = []
    changed = packages.list_lines_of(tx, packages.list_changed(tx, unit, known))
    for name, lines in changed.items():
        if not is_package(name):
            continue
        package = fold(name, lines, at=at, known=known)
        if package.holder == unit and package.since is not None:
            found.append((name, package.since, package.basis))
    return sorted(found)


def list_against(
    tx: Connection, caller: Caller, *, before: int | None = None, limit: int = 100
) -> list[TraceLine]:
    """What was done against a gate, newest first, as far as the caller may read it.

    `before`: a line's sequence; the lines of one operation are never parted.
    """
    unit = caller.readable_unit
    rows = packages.list_against(tx, unit=unit, before=before, limit=limit)
    names = unit_names(tx, {row.unit for row in rows})
    states = operations.states_of(tx, {row.digest for row in rows})
    return [
        _line(row, row.signed_at if row.happened is None else row.happened, names, states, None)
        for row in rows
    ]

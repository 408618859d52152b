"""A machine's range → its reach: where each package is, and what cannot be excluded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.recall_order import RecallStage
from ledger.domain.acts.vocabulary import word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.callers import Caller
from ledger.domain.custody.fold import Package, fold, ordered, standing
from ledger.domain.custody.lines import rows_of, seconds_or_none
from ledger.domain.custody.reading import as_read, may_ask, readable, visible_case
from ledger.domain.custody.recalls import Reach, Reached, answer_of, count, reach
from ledger.domain.custody.standing import PASSES_TO_RETURN, suspended
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.commitments import Fields
from ledger.steps.accepting.reading_back import read_facts, read_facts_of, read_operation
from ledger.steps.accepting.recalled import suspensions_of
from ledger.steps.accepting.resolving import nothing_called
from ledger.steps.answering.packages import reader_of, unit_names
from ledger.steps.answering.view import View
from ledger.storage import directory, operations, packages

_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers of one machine in one counter epoch."""

    machine: directory.EquipmentRow
    epoch: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One unit in a recall: what it was asked, whether it was reached, what it answered."""

    unit: int
    name: str
    #: packages that it was asked for, each once
    asked: int
    #: sent, opened, call_confirmed, signed_paper, answered; None where nobody told it
    reached_by: str | None
    #: RFC 3339; None while it is not reached
    reached_at: str | None
    #: None while it did not answer
    found: int | None
    answered_of: int | None
    answered_at: str | None
    #: digest of its answer that stands, which the next one replaces; None while there is none
    answer: str | None
    #: digests of the notices that were sent to it
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallView(View):
    """A recall, or what one would reach."""

    #: digest of its order; None for a mock
    order: str | None
    equipment: str
    machine: str
    epoch: int
    first: int
    last: int
    cause: str | None
    cause_text: str | None
    has_ended: bool
    #: biological passes in a row since, of how many; None while the machine is not suspended
    passes: int | None
    passes_needed: int
    packages: int
    #: packages of these loads that were only counted: nobody can say where they are
    counted_only: int
    used: int
    to_find: int
    found: int
    cannot_be_excluded: tuple[str, ...]
    #: by unit, state by state
    by_holder: Mapping[str, Mapping[str, int]]
    units: tuple[Told, ...]
    reached: tuple[Reached, ...]
    #: numbers of the range that were never opened
    gaps: int
    #: in a list: pass it as `before` to read on
    cursor: int | None = None


def list_cycles_of(tx: Connection, wanted: Range) -> list[directory.CycleRow]:
    """The cycles of a range, by number."""
    return directory.list_cycles_between(
        tx, wanted.machine.id, wanted.epoch, wanted.first, wanted.last
    )


def reach_of(tx: Connection, caller: Caller, wanted: Range) -> RecallView:
    """What a recall of a range would reach, with nothing ordered."""
    return _view(tx, caller, wanted, order=None, facts={}, has_ended=False)


def show_recall(tx: Connection, caller: Caller, order: str) -> RecallView:
    """A recall that was ordered, as it stands; raises NotFound."""
    digest = Digest(parse_hex32(order, field="order"))
    reader_of(tx, caller)
    row = operations.find_operation(tx, digest)
    if row is None or row.kind != "RecallOrder" or row.state in GIVEN_UP:
        raise nothing_called("recall", to_hex(digest), field="order")
    wanted = _range_of(tx, row)
    ends = [
        each
        for each in operations.list_replacing(tx, digest)
        if packed_numbers(read_operation(each).message)[3] == RecallStage.ENDED
    ]
    facts = read_facts(tx, row)
    view = _view(tx, caller, wanted, order=digest, facts=facts, has_ended=bool(ends))
    concerns = view.packages or view.counted_only or view.units
    if not concerns and caller.readable_unit not in {None, wanted.machine.unit}:
        raise nothing_called("recall", to_hex(digest), field="order")
    return view


def with_notices(tx: Connection, view: RecallView) -> RecallView:
    """A recall that was just read, with who was told since."""
    if view.order is None:
        return view
    machine = parse_hex32(view.equipment, field="equipment")
    order = Digest(parse_hex32(view.order, field="order"))
    return replace(view, units=tuple(_told(tx, _notices(tx, machine, order), order)))


def list_recalls(
    tx: Connection, caller: Caller, *, before: int | None = None, limit: int = 20
) -> list[RecallView]:
    """The recalls that the caller's packages are in, newest first, starting before a cursor."""
    found: list[RecallView] = []
    concerns = _concerns(tx, caller)
    while len(found) < limit:
        page = operations.list_latest_operations(tx, kind="RecallOrder", before=before, limit=_PAGE)
        for row in page:
            *_, stage = packed_numbers(read_operation(row).message)
            if row.state not in GIVEN_UP and stage == RecallStage.ORDERED and concerns(row):
                with suppress(NotFound):
                    view = show_recall(tx, caller, to_hex(row.digest))
                    found.append(replace(view, cursor=row.sequence))
            if len(found) == limit:
                break
        if len(page) < _PAGE:
            break
        before = page[-1].sequence
    return found


def _concerns(tx: Connection, caller: Caller) -> Callable[[operations.OperationRow], bool]:
    """Whether an order may be the caller's to read, without following any of its packages.

    It is where it runs the machine, was told or answered, had or owns what a load of the range
    names, or owns what one counts.
    """
    unit = caller.readable_unit
    if unit is None:
        return lambda _row: True

    def concerns(row: operations.OperationRow) -> bool:
        wanted = _range_of(tx, row)
        if wanted.machine.unit == unit or unit in _answers(tx, row.digest):
            return True
        if any(each.unit == unit for each in _notices(tx, wanted.machine.id, row.digest)):
            return True
        cycles = list_cycles_of(tx, wanted)
        names = packages.list_loaded(tx, [cycle.id for cycle in cycles])
        return (
            any(each.unit == unit for each in packages.list_holdings_on(tx, names))
            or any(each.owner == unit for each in packages.list_packages_named(tx, names))
            or _counted_only(tx, cycles, owner=unit) > 0
        )

    return concerns


def _range_of(tx: Connection, row: operations.OperationRow) -> Range:
    """The range that an order names."""
    message = read_operation(row).message
    epoch, first, last, _ = packed_numbers(message)
    machine = directory.get_equipment(tx, word(message, "about"))
    return Range(machine=machine, epoch=epoch, first=first, last=last)


def _view(  # noqa: PLR0913 - a range and what is known of its recall
    tx: Connection,
    caller: Caller,
    wanted: Range,
    *,
    order: Digest | None,
    facts: Fields,
    has_ended: bool,
) -> RecallView:
    cycles = list_cycles_of(tx, wanted)
    notices = [] if order is None else _notices(tx, wanted.machine.id, order)
    noticed = {each.unit for each in notices}
    reached = list(_reached(tx, caller, cycles, order, noticed, owner=wanted.machine.unit))
    counted: Reach = count(reached)
    told = [] if order is None else _told(tx, notices, order)
    readable = caller.readable_unit
    if readable not in {None, wanted.machine.unit}:
        told = [each for each in told if each.unit == readable]
    # Who only counts finds no more than it was asked for; who was not asked counts for nothing.
    answered = sum(min(each.found or 0, each.asked) for each in told)
    names = unit_names(tx, counted.by_holder)
    suspension = suspended(suspensions_of(tx, wanted.machine.id))
    return RecallView(
        order=None if order is None else to_hex(order),
        equipment=to_hex(wanted.machine.id),
        machine=wanted.machine.serial,
        epoch=wanted.epoch,
        first=wanted.first,
        last=wanted.last,
        cause=None if not facts else str(facts["cause"]),
        cause_text=None if not facts or facts["cause_text"] is None else str(facts["cause_text"]),
        has_ended=has_ended,
        passes=None if suspension is None else suspension.passes,
        passes_needed=PASSES_TO_RETURN,
        packages=counted.packages,
        counted_only=_counted_only(
            tx, cycles, owner=None if readable in {None, wanted.machine.unit} else readable
        ),
        used=counted.used,
        to_find=counted.to_find,
        found=max(counted.found, answered),
        cannot_be_excluded=counted.cannot_be_excluded,
        by_holder={
            names.get(unit, "nobody knows" if not unit else str(unit)): counts
            for unit, counts in counted.by_holder.items()
        },
        units=tuple(told),
        reached=tuple(reached),
        gaps=wanted.last - wanted.first + 1 - len(cycles),
    )


def _reached(  # noqa: PLR0913 - whose range, for whom, and who was told
    tx: Connection,
    caller: Caller,
    cycles: Sequence[directory.CycleRow],
    order: Digest | None,
    noticed: Collection[int],
    *,
    owner: int,
) -> Iterator[Reached]:
    """Each package of some cycles, as it stood when it was asked back.

    One that a load names and another unit had is asked for too: whose word is right is not known.
    Who runs the machine follows them to the end; another unit reads each as far as its trace, and
    who only carries what it has now.
    """
    reader = reader_of(tx, caller)
    wanted = {cycle.id for cycle in cycles}
    lines = packages.list_lines_of(tx, packages.list_loaded(tx, wanted))
    for name in sorted(lines):
        package: Package = fold(name, lines[name])
        is_claimed = not wanted.isdisjoint(package.claimed)
        if package.cycle not in wanted and not is_claimed:
            continue
        if (reader.unit == owner and package.cycle in wanted) or may_ask(reader, package):
            if reader.is_carrier and package.holder != reader.unit:
                continue
            read, told = package, lines[name]
            if reader.unit != owner:
                read = as_read(reader, package, told)
                told = [line for _, line in readable(reader, package, ordered(told))]
            said = None
            if order is not None:
                said = answer_of(read, standing(told), order, noticed)
            found = reach(
                read,
                None if said is None else said.outcome,
                answered_by=None if said is None else said.unit,
            )
            yield replace(found, case=visible_case(reader, package))
        elif reader.unit == owner:
            # Its own load says so; where another unit has it is not for this one to read.
            yield reach(Package(name=name, since=0))


def _counted_only(
    tx: Connection, cycles: Sequence[directory.CycleRow], *, owner: int | None
) -> int:
    """Packages of the loads that no line names; with `owner`, that unit's."""
    loads = {
        row.subject: row
        for row in operations.list_by_subjects(tx, [cycle.id for cycle in cycles])
        if row.kind == "LoadDeclaration" and row.state not in GIVEN_UP
    }
    return sum(
        int(str(line["quantity"]))
        for facts in read_facts_of(tx, list(loads.values())).values()
        for _, line in rows_of(facts)
        if line["package"] is None and (owner is None or int(str(line["owner"])) == owner)
    )


def _told(tx: Connection, notices: Sequence[_Notice], order: Digest) -> list[Told]:
    """The units of a recall, by number: what they were asked, and what they answered."""
    answers = _answers(tx, order)
    units = sorted({notice.unit for notice in notices} | set(answers))
    names = unit_names(tx, units)
    return [
        _told_unit(
            unit,
            names.get(unit, str(unit)),
            [notice for notice in notices if notice.unit == unit],
            answers.get(unit),
        )
        for unit in units
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notice:
    """One notice to one unit."""

    digest: Digest
    unit: int
    asked: frozenset[str]
    reached_by: str
    #: Unix seconds; None while it is only sent
    reached_at: int | None


def _told_unit(
    unit: int, name: str, notices: Sequence[_Notice], answer: operations.OperationRow | None
) -> Told:
    reached = min(
        (each for each in notices if each.reached_at is not None),
        key=lambda each: each.reached_at or 0,
        default=None,
    )
    how = "sent" if notices else None
    at = None
    if reached is not None:
        how, at = reached.reached_by, reached.reached_at
    elif answer is not None:
        # who answers was reached, whatever else is known
        how, at = "answered", answer.signed_at
    numbers = None if answer is None else packed_numbers(read_operation(answer).message)
    return Told(
        unit=unit,
        name=name,
        asked=len(frozenset[str]().union(*(each.asked for each in notices))),
        reached_by=how,
        reached_at=None if at is None else seconds_text(at),
        found=None if numbers is None else numbers[0],
        answered_of=None if numbers is None else numbers[1],
        answered_at=None if answer is None else seconds_text(answer.signed_at),
        answer=None if answer is None else to_hex(answer.digest),
        notices=tuple(to_hex(each.digest) for each in notices),
    )


def _notices(tx: Connection, machine: bytes, order: Digest) -> list[_Notice]:
    """The notices of an order; one that the unit itself says it saw was opened there."""
    rows = [
        row
        for row in operations.list_by_subject(tx, machine, standing=True)
        if row.kind == "RecallNotice" and word(read_operation(row).message, "content") == order
    ]
    told = read_facts_of(tx, rows)
    found = []
    for row in rows:
        facts = told[row.digest]
        unit, how = int(str(facts["to"])), str(facts["reached_by"])
        at = seconds_or_none(facts["reached_at"]) or (None if how == "sent" else row.signed_at)
        seen = _seen(tx, row.digest, unit)
        if at is None and seen is not None:
            how, at = "opened", seen
        asked = frozenset(str(line["package"]) for _, line in rows_of(facts))
        found.append(
            _Notice(digest=row.digest, unit=unit, asked=asked, reached_by=how, reached_at=at)
        )
    return found


def _seen(tx: Connection, notice: bytes, unit: int) -> int | None:
    """When the unit itself said that it saw a notice (Unix seconds)."""
    return next(
        (
            row.signed_at
            for row in operations.list_by_subject(tx, notice, standing=True)
            if row.kind == "Comment"
            and row.unit == unit
            and packed_numbers(read_operation(row).message)[0] == Stance.SEEN
        ),
        None,
    )


def _answers(tx: Connection, order: Digest) -> dict[int, operations.OperationRow]:
    """Each unit's answer that stands: its newest."""
    rows = operations.list_by_subject(tx, order, standing=True)
    return {row.unit: row for row in rows if row.kind == "RecallAnswer"}

"""Accepted steps → what people read of consignments and assets.

A step that the chain refused stays among the others: it happened as it was reported, and is marked
so.  What was accepted on the strength of a list is never counted as seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts import comment, package_lines, take_over
from ledger.domain.acts.custody import ConsignmentStatus
from ledger.domain.acts.vocabulary import Facts, Recorded, integer
from ledger.domain.acts.words import Contract
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import ConsignmentId, to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.errors import NotFound
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.records.commitments import Fields
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import AssetState, ConsignmentState
from ledger.steps.accepting.reading_back import read_facts, read_facts_of, read_operation
from ledger.steps.accepting.resolving import (
    parties_of,
    resolve_asset,
    resolve_consignment,
    sees_asset,
)
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.showing import (
    ShownAct,
    TimelineEntry,
    acts_about,
    shown_acts,
    timeline_entry,
)
from ledger.steps.answering.view import View
from ledger.steps.sending.mending import unnamed
from ledger.storage import directory, index, operations

_PAGE = 200
#: How a step is told that the chain did not take.
NOT_ON_CHAIN = "reported, not on chain"
_MOVES = frozenset({"HandOver", "TakeOver"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a unit answered to a step: nothing about who is responsible."""

    unit: int
    #: statement, agrees, disagrees or seen
    stance: str
    text: str | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """One step, on the chain or only reported."""

    entry: TimelineEntry
    unit: int
    kind: str
    #: whether it counts: the chain has it or will have it
    counts: bool
    #: `reported, not on chain` and why; None for what counts
    standing: str | None
    #: digest of the step that told it again; None for most
    retold_by: str | None
    #: what was answered to it, oldest first; unanswered is unanswered
    answers: tuple[Said, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of the list, and what became of it; only what was said."""

    #: `package P-17 of unit 1`, `set Basic 3`, `class 7`, `basket B-2`
    names: str
    #: how many the giver named, and how that is known; None for what is extra
    sent: int | None
    sent_basis: str | None
    #: accepted, refused, extra, missing; None: nobody said anything of it
    outcome: str | None
    quantity: int | None
    basis: str | None
    reason: str | None
    action: str | None
    #: SHA-256 of a photo of it
    photo: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsView:
    """What whoever keeps it counted; accepted unseen stands apart."""

    sent: int
    accepted_seen: int
    accepted_inferred: int
    refused: int
    extra: int
    #: sent, and neither accepted nor refused
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Consignment(View):
    """What a list and a page of one say alike."""

    id: str
    giver: int
    #: None where its dispatch is not kept here
    slip: str | None
    receiver: int
    holder: int
    #: None: it is offered to nobody
    taker: int | None
    purpose: str
    packages: int
    asset: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentLine(_Consignment):
    """One consignment in a list."""

    #: the latest step that counts
    signed_at: str
    #: that step, which the next one names
    latest: str
    #: by when its giver wants it there, RFC 3339; None: nobody said so
    expected_by: str | None
    #: pass it as `before` to read on
    cursor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentView(_Consignment):
    """One consignment as its steps tell it."""

    #: a sentence: who has it, and where it goes
    where: str
    #: the latest step, which the next one names
    step: int
    latest: str
    #: None until somebody keeps it
    counts: CountsView | None
    #: None where the reader sees counts and seals alone
    lines: tuple[LineView, ...] | None
    steps: tuple[StepView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetView(View):
    """One asset, and every change of hands."""

    id: str
    owner: int
    name: str
    code: str
    kind: str
    state: str
    custodian: int
    #: giver and slip number, or id, of the consignment that it travels in; None while it does not
    travels_in: str | None
    #: what the next change replaces
    current: str
    steps: tuple[StepView, ...]


def _require_reader(caller: Caller) -> None:
    """Raise Refused unless the caller may read their own unit's affairs, or all."""
    _ = caller.readable_unit


# ---------------------------------------------------------------- one consignment


def show_consignment(tx: Connection, caller: Caller, text: str) -> ConsignmentView:
    """One consignment that the caller had or has a part in; raises NotFound."""
    _require_reader(caller)
    reference = resolve_consignment(tx, caller, text)
    state = Accepted(tx).find(ConsignmentState, reference.id)
    acts = acts_about(tx, reference.id)
    if state is None:
        raise AssertionError(reference)
    kept = _keeping(acts, state)
    reads_lines = _reads_lines(caller, acts, state)
    named = directory.find_consignment(tx, state.id)
    return ConsignmentView(
        **_common(tx, state, None if named is None else named.slip),
        where=_where(state, acts),
        step=state.step,
        latest=to_hex(state.latest),
        counts=None if kept is None else _counts(state, kept.recorded),
        lines=_lines(acts, kept) if reads_lines else None,
        steps=_steps(tx, caller, acts, reads_lines=reads_lines),
    )


def _reads_lines(caller: Caller, acts: Sequence[ShownAct], state: ConsignmentState) -> bool:
    """Its giver and its receivers read the lists; who only carries it reads counts and seals."""
    named = {
        integer(act.recorded.message, "receiver")
        for act in acts
        if "receiver" in act.recorded.message
    }
    return caller.readable_unit in {None, state.giver, state.receiver, *named - {0}}


def _keeping(acts: Sequence[ShownAct], state: ConsignmentState) -> ShownAct | None:
    """What ended it at its receiver or giver."""
    last = next((act for act in acts if act.row.digest == state.latest), None)
    if last is None or last.row.kind != "TakeOver" or not state.status.is_over:
        return None
    return last


def _counts(state: ConsignmentState, keeping: Recorded) -> CountsView:
    seen, inferred, refused, extra = (integer(keeping.message, name) for name in take_over.COUNTS)
    return CountsView(
        sent=state.packages,
        accepted_seen=seen,
        accepted_inferred=inferred,
        refused=refused,
        extra=extra,
        missing=state.packages - seen - inferred - refused,
    )


def _where(state: ConsignmentState, acts: Sequence[ShownAct]) -> str:
    """`with unit 4, on its way from unit 1 to unit 2`."""
    way = f"on its way from unit {state.giver} to unit {state.receiver}"
    if state.status.is_over:
        return f"with unit {state.holder}: {state.status.name.lower()}"
    last = next((act for act in acts if act.row.digest == state.latest), None)
    left_at = None if last is None else last.facts.get("left_at")
    if left_at is not None:
        return f"left by unit {state.holder} at {left_at}, not taken over, {way}"
    if state.taker:
        return f"with unit {state.holder}, which offers it to unit {state.taker}, {way}"
    if state.status is ConsignmentStatus.LOST:
        return f"lost; unit {state.holder} had it last, {way}"
    return f"with unit {state.holder}, {way}"


# ---------------------------------------------------------------- its lines


def _lines(acts: Sequence[ShownAct], keeping: ShownAct | None) -> tuple[LineView, ...]:
    """What was sent beside what became of it: each told line first, then what nobody named."""
    counted = (act for act in reversed(acts) if act.row.state not in GIVEN_UP)
    dispatch = next((act for act in counted if act.row.kind == "Dispatch"), None)
    sent = [] if dispatch is None else list(package_lines.lines_in(dispatch.facts))
    told = [] if keeping is None else list(package_lines.lines_in(keeping.facts))
    named = {package_lines.identity(line): line for line in sent}
    found = [_line(named.get(package_lines.identity(line)), line) for line in told]
    unnamed = [_line(line, None) for line in package_lines.rest_of(sent, told)]
    return (*found, *unnamed)


def _line(sent: Mapping[str, object] | None, told: Mapping[str, object] | None) -> LineView:
    def word(name: str) -> str | None:
        value = None if told is None else told.get(name)
        return None if value is None else str(value)

    return LineView(
        names=_names(told or sent or {}),
        sent=None if sent is None else int(str(sent["quantity"])),
        sent_basis=None if sent is None else str(sent["basis"]),
        outcome=word("outcome"),
        quantity=None if told is None else int(str(told["quantity"])),
        basis=word("basis"),
        reason=word("reason"),
        action=word("action"),
        photo=word("photo"),
    )


def _names(line: Mapping[str, object]) -> str:
    if line.get("package"):
        return f"package {line['package']} of unit {line['assembler']}"
    if line.get("set"):
        return f"set {line['set']}"
    if line.get("package_class"):
        cycle = f" of cycle {line['cycle']}" if line.get("cycle") else ""
        return f"class {line['package_class']}{cycle}, counted only"
    return f"basket {line.get('basket')}"


# ---------------------------------------------------------------- its steps


def _steps(
    tx: Connection, caller: Caller, acts: Sequence[ShownAct], *, reads_lines: bool
) -> tuple[StepView, ...]:
    retold = {
        str(act.facts.get("supersedes")): act.row.digest
        for act in acts
        if act.row.kind in _MOVES and act.facts.get("supersedes")
    }
    answers = _answers(tx, [act.row.digest for act in acts])
    steps = (_step(tx, caller, act, retold, answers.get(act.row.digest, ())) for act in acts)
    return tuple(steps if reads_lines else map(_without_lines, steps))


def _answers(tx: Connection, steps: Sequence[bytes]) -> dict[bytes, tuple[Said, ...]]:
    """The standing comments on steps, by step."""
    rows = [row for row in operations.list_by_subjects(tx, steps) if row.state not in GIVEN_UP]
    acts = [act for act in shown_acts(tx, rows) if act.recorded.act is comment.ACT]
    withdrawn = {act.recorded.message["replaces"] for act in acts}
    found: dict[bytes, tuple[Said, ...]] = {}
    for act in acts:
        if act.row.digest not in withdrawn:
            said = Said(
                unit=act.row.unit,
                stance=str(act.facts["stance"]),
                text=None if act.facts["text"] is None else str(act.facts["text"]),
                digest=to_hex(act.row.digest),
            )
            found[act.row.subject] = (*found.get(act.row.subject, ()), said)
    return found


def _without_lines(step: StepView) -> StepView:
    facts = {path: v for path, v in step.entry.facts.items() if not path.startswith("lines.")}
    return replace(step, entry=replace(step.entry, facts=facts))


def _step(
    tx: Connection,
    caller: Caller,
    act: ShownAct,
    retold: Mapping[str, bytes],
    answers: tuple[Said, ...],
) -> StepView:
    counts = act.row.state not in GIVEN_UP
    again = retold.get(act.row.digest.hex())
    reason = None
    if act.row.state is OperationState.REFUSED:
        why = [s.reason for s in operations.list_states(tx, act.row.digest) if s.reason]
        told = why[-1] if why else None
        shown = told if caller.unit in {None, act.row.unit} else unnamed(told)
        reason = NOT_ON_CHAIN if shown is None else f"{NOT_ON_CHAIN}: {shown}"
    return StepView(
        entry=timeline_entry(tx, act, shows_people=caller.unit in {None, act.row.unit}),
        unit=act.row.unit,
        kind=act.row.kind,
        counts=counts,
        standing=reason,
        retold_by=None if again is None else to_hex(again),
        answers=answers,
    )


def shown_facts(tx: Connection, caller: Caller, operation: bytes) -> Facts | None:
    """The facts of a step that its consignment or its asset shows the caller; None: of none."""
    row = operations.find_operation(tx, operation)
    if row is None:
        return None
    try:
        if directory.find_consignment(tx, row.subject) is not None:
            steps = show_consignment(tx, caller, row.subject.hex()).steps
        elif directory.find_asset(tx, row.subject) is not None:
            steps = show_asset(tx, caller, row.subject.hex()).steps
        else:
            return None
    except NotFound:
        return None
    wanted = to_hex(operation)
    return next((step.entry.facts for step in steps if step.entry.digest == wanted), None)


# ---------------------------------------------------------------- lists


def list_consignments(  # noqa: PLR0913 - whose, which, and how many
    tx: Connection,
    caller: Caller,
    *,
    of_unit: int | None = None,
    open_only: bool = False,
    before: int | None = None,
    limit: int = 100,
    looks: int | None = None,
) -> list[ConsignmentLine]:
    """The newest consignments that the caller has or had a part in, newest first.

    `of_unit`: only those that this unit has or had a part in; `open_only`: only what is not over;
    `looks`: at so many of the group's newest, and no further.
    """
    found: list[_Told] = []
    wanted = {each for each in (caller.readable_unit, of_unit) if each is not None}
    rows = islice(_open(tx, before), looks) if open_only else _newest(tx, wanted, before, looks)
    for told in rows:
        _, state, recorded = told
        named = parties_of(state, recorded)
        if wanted <= named and not (open_only and state.status.is_over):
            found.append(told)
        if len(found) == limit:
            break
    facts = read_facts_of(tx, [row for row, *_ in found])
    return [_in_list(tx, told, facts[told[0].digest]) for told in found]


def _in_list(tx: Connection, told: _Told, facts: Fields) -> ConsignmentLine:
    row, state, recorded = told
    expected = facts.get("expected_by")
    return ConsignmentLine(
        **_common(tx, state, str(facts["slip"])),
        signed_at=seconds_text(integer(recorded[-1].message, "signedAt")),
        latest=to_hex(state.latest),
        expected_by=None if expected is None else str(expected),
        cursor=row.sequence,
    )


#: A cycle whose packages were sent long ago is found among so many of a unit's newest.
_COUNTED_AMONG = 500


def find_giver_counting(tx: Connection, caller: Caller, cycle: str) -> int | None:
    """The unit that sent the caller's so many packages of a cycle, as its list names that."""
    for line in list_consignments(tx, caller, limit=_COUNTED_AMONG, looks=10 * _COUNTED_AMONG):
        about = operations.list_by_subject(tx, bytes.fromhex(line.id), standing=True)
        row = next(each for each in about if each.kind == "Dispatch")
        facts = read_facts(tx, row)
        if any(each.get("cycle") == cycle for each in package_lines.lines_in(facts)):
            return line.giver
    return None


_Told = tuple[operations.OperationRow, ConsignmentState, list[Recorded]]


def _newest(
    tx: Connection, units: Collection[int], before: int | None, looks: int | None
) -> Iterator[_Told]:
    """Those in which all of these units had a part, among so many of the group's newest."""
    since = 0 if looks is None else operations.nth_latest_dispatch(tx, looks, before=before)
    while True:
        page = operations.list_latest_dispatches(tx, units, before=before, since=since, limit=_PAGE)
        yield from _told(tx, [row for row in page if row.state not in GIVEN_UP])
        if len(page) < _PAGE:
            return
        before = page[-1].sequence


def _open(tx: Connection, before: int | None) -> Iterator[_Told]:
    """Those that may not be over: by the chain, or by what the chain was not told yet."""
    is_open = [status for status in ConsignmentStatus if not status.is_over]
    named = {
        state.dispatch
        for status in is_open
        for state in index.list_rows(tx, ConsignmentState, status=status)
    }
    waiting = operations.list_waiting_about(tx, Contract.CUSTODY_LEDGER)
    rows = [*operations.list_by_digests(tx, named), *operations.list_by_subjects(tx, waiting)]
    dispatches = {
        row.sequence: row for row in rows if row.kind == "Dispatch" and row.state not in GIVEN_UP
    }
    earlier = [n for n in sorted(dispatches, reverse=True) if before is None or n < before]
    for start in range(0, len(earlier), _PAGE):
        yield from _told(tx, [dispatches[n] for n in earlier[start : start + _PAGE]])


def _told(tx: Connection, dispatches: Sequence[operations.OperationRow]) -> Iterator[_Told]:
    """Each consignment with how it stands and its steps, in the order of its dispatches."""
    standing = {row.subject: row for row in dispatches}
    steps: dict[bytes, list[Recorded]] = {subject: [] for subject in standing}
    for each in operations.list_by_subjects(tx, standing):
        recorded = read_operation(each)
        if each.state not in GIVEN_UP and recorded.act.witness is None:
            steps[each.subject].append(recorded)
    for subject, row in standing.items():
        memory = Memory()
        for recorded in steps[subject]:
            apply(recorded, memory)
        state = memory.find(ConsignmentState, ConsignmentId(subject))
        if state is not None:
            yield row, state, steps[subject]


def _common(tx: Connection, state: ConsignmentState, slip: str | None) -> dict[str, Any]:
    return {
        "id": state.id.hex(),
        "giver": state.giver,
        "slip": slip,
        "receiver": state.receiver,
        "holder": state.holder,
        "taker": state.taker or None,
        "purpose": state.purpose.name.lower(),
        "packages": state.packages,
        "asset": _asset_name(tx, state),
        "status": state.status.name.lower(),
    }


def _asset_name(tx: Connection, state: ConsignmentState) -> str | None:
    if not any(state.asset):
        return None
    row = directory.find_asset(tx, state.asset)
    return state.asset.hex() if row is None else f"{row.name} ({row.code})"


# ---------------------------------------------------------------- assets


def list_assets(
    tx: Connection, caller: Caller, *, after: bytes | None = None, limit: int = 1000
) -> list[AssetView]:
    """The assets that the caller owns or has, and those offered to all, by id after `after`."""
    _require_reader(caller)
    found: list[AssetView] = []
    while len(found) < limit:
        page = directory.list_assets(tx, after=after, limit=_PAGE)
        for row in page:
            state = Accepted(tx).find(AssetState, row.id)
            if state is not None and sees_asset(tx, caller, row.id):
                found.append(_asset(tx, caller, row, state, ()))
        if len(page) < _PAGE:
            break
        after = page[-1].id
    return found[:limit]


def show_asset(tx: Connection, caller: Caller, text: str) -> AssetView:
    """One asset with every change of hands; raises NotFound."""
    _require_reader(caller)
    row = resolve_asset(tx, caller, text, unit=caller.unit)
    state = Accepted(tx).find(AssetState, row.id)
    if state is None:
        raise AssertionError(row)
    moves = operations.list_moving(tx, row.id)
    if caller.readable_unit not in {None, row.unit}:
        part = {each.subject for each in moves if _has_part(tx, caller, each.subject)}
        moves = [each for each in moves if each.subject in {row.id, *part}]
    return _asset(tx, caller, row, state, shown_acts(tx, moves))


def _has_part(tx: Connection, caller: Caller, consignment: bytes) -> bool:
    state = Accepted(tx).find(ConsignmentState, ConsignmentId(consignment))
    rows = operations.list_by_subject(tx, consignment)
    recorded = [read_operation(each) for each in rows if each.state not in GIVEN_UP]
    return state is not None and caller.readable_unit in parties_of(state, recorded)


def _asset(
    tx: Connection,
    caller: Caller,
    row: directory.AssetRow,
    state: AssetState,
    moves: Sequence[ShownAct],
) -> AssetView:
    inside = None
    if state.is_travelling:
        named = directory.find_consignment(tx, state.consignment)
        inside = state.consignment.hex() if named is None else f"{named.unit}/{named.slip}"
    return AssetView(
        id=row.id.hex(),
        owner=row.unit,
        name=row.name,
        code=row.code,
        kind=row.kind.name.lower(),
        state=state.state.name.lower(),
        custodian=state.custodian,
        travels_in=inside,
        current=to_hex(state.current),
        # what else was in its consignments is read there
        steps=_steps(tx, caller, moves, reads_lines=False),
    )

"""A machine's range → ordered back: one order, a decision for each cycle, a notice a holder.

All of it in one transaction: everything in the range is held from acceptance on, and nothing of it
can be released in between.  A mock recall looks, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import TRANSITIONS, DecisionKind
from ledger.domain.acts.recall_order import require_range
from ledger.domain.acts.vocabulary import items
from ledger.domain.callers import Caller
from ledger.domain.custody.recalls import Reached
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.resolving import current_epoch, resolve_machine
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.accepting.telling import hold
from ledger.steps.answering.recalls import (
    Range,
    RecallView,
    list_cycles_of,
    reach_of,
    show_recall,
    with_notices,
)
from ledger.steps.instance import Instance
from ledger.storage import directory, operations, packages

_K = DecisionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequest:
    """What shall be ordered back."""

    equipment: str
    first: int
    last: int
    cause: str
    reason: str
    #: the machine's current one when left out
    epoch: int | None = None
    #: look at its reach, and change nothing
    is_mock: bool = False
    #: tell each holder at once
    notifies: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What an order did."""

    view: RecallView
    #: None for a mock
    order: Receipt | None
    #: by the cycle's number: recalled, rejected, or why nothing was decided
    decided: Mapping[int, str]
    notices: int


def order_recall(  # noqa: PLR0913, PLR0917 - who orders what, at which door
    instance: Instance,
    tx: Connection,
    caller: Caller,
    request: RecallRequest,
    door: Door,
    circumstances: Mapping[str, Any] | None = None,
) -> Recalled:
    """Order a range back, or only look at its reach.

    Raises InvalidInput for a range that is none, and whatever keeps a decision out.
    """
    machine = resolve_machine(tx, caller, request.equipment)
    require_range(request.first, request.last)
    epoch = current_epoch(tx, machine.id) if request.epoch is None else request.epoch
    wanted = Range(machine=machine, epoch=epoch, first=request.first, last=request.last)
    if request.is_mock:
        return Recalled(view=reach_of(tx, caller, wanted), order=None, decided={}, notices=0)
    # Whoever decides over one of these is before all of it or after it.
    cycles = [row.id for row in list_cycles_of(tx, wanted)]
    hold(tx, packages.list_loaded(tx, cycles), machine.id, *cycles)
    told = {**(circumstances or {}), "reason": request.reason}
    clerk = _Clerk(instance, tx, caller, door, told)
    order = clerk.say(
        "RecallOrder",
        equipment=to_hex(machine.id),
        epoch=epoch,
        first=request.first,
        last=request.last,
        cause=request.cause,
        cause_text=request.reason,
    )
    decided = {row.number: clerk.decide(row) for row in list_cycles_of(tx, wanted)}
    view = show_recall(tx, caller, to_hex(order.digest))
    notices = clerk.notify(view) if request.notifies else 0
    return Recalled(view=with_notices(tx, view), order=order, decided=decided, notices=notices)


def end_recall(  # noqa: PLR0913, PLR0917 - who ends what, at which door
    instance: Instance,
    tx: Connection,
    caller: Caller,
    order: str,
    reason: str,
    door: Door,
    circumstances: Mapping[str, Any] | None = None,
) -> tuple[Receipt, RecallView]:
    """An order → ended, with what was found, of how many; its cycles stay recalled."""
    view = show_recall(tx, caller, order)
    clerk = _Clerk(instance, tx, caller, door, {**(circumstances or {}), "reason": reason})
    receipt = clerk.say(
        "RecallOrder",
        equipment=view.equipment,
        epoch=view.epoch,
        first=view.first,
        last=view.last,
        stage="ended",
        cause=str(view.cause),
        found=view.found,
        asked=view.to_find,
        replaces=order,
    )
    return receipt, show_recall(tx, caller, order)


@dataclass(frozen=True, slots=True)
class _Clerk:
    """Says one act after the other for the same person."""

    instance: Instance
    tx: Connection
    caller: Caller
    door: Door
    told: Mapping[str, Any]

    def say(self, kind: str, **values: Any) -> Receipt:  # noqa: ANN401 - in plain form
        """One act accepted."""
        given = {**values, **self.told}
        draft = make_draft(self.instance, self.tx, self.caller, ACTS[kind], given, self.door)
        return record_with_held_keys(self.instance, self.tx, self.caller, draft)

    def decide(self, row: directory.CycleRow) -> str:
        """What its state allows: recalled where something was released, else rejected."""
        state = Accepted(self.tx).find(CycleState, row.id)
        if state is None or not state.is_open:
            return "was taken back"
        allowed = TRANSITIONS.get(state.state, {})
        kind = next((k for k in (_K.RECALL, _K.REJECT) if k in allowed), None)
        if kind is None:
            return f"is {state.state.word.replace('_', ' ')} already"
        self.say(
            "CycleDecision",
            cycle=to_hex(row.id),
            decision=kind.word,
            ending=to_hex(state.ending) if any(state.ending) else None,
            load=to_hex(state.load) if any(state.load) else None,
            replaces=to_hex(state.decision) if any(state.decision) else None,
            shares=released_back(self.tx, row.id) if kind is _K.RECALL else [],
        )
        return {_K.RECALL: "recalled", _K.REJECT: "rejected"}[kind]

    def notify(self, view: RecallView) -> int:
        """A notice to whoever has one, takes it next or used it; sent is not reached."""
        by_unit: dict[int, list[Reached]] = {}
        for each in view.reached:
            for unit in each.concerns:
                by_unit.setdefault(unit, []).append(each)
        for unit, asked in sorted(by_unit.items()):
            for start in range(0, len(asked), _MOST_ASKED):
                part = asked[start : start + _MOST_ASKED]
                self.say(
                    "RecallNotice",
                    equipment=view.equipment,
                    order=view.order,
                    to=str(unit),
                    reached_by="sent",
                    lines=[{"package": each.package, "basis": each.basis} for each in part],
                )
        return len(by_unit)


_MOST_ASKED = 256


def released_back(tx: Connection, cycle: bytes) -> list[dict[str, Any]]:
    """The shares that take back all that a cycle released, used or not."""
    totals: Counter[tuple[int, int, int]] = Counter()
    for row in operations.list_by_subject(tx, cycle, standing=True):
        if row.kind != "CycleDecision" or row.state in GIVEN_UP:
            continue
        for share in items(read_operation(row).message, "shares"):
            owner, payer, package_class, delta = (
                cast("int", share[name]) for name in ("owner", "payer", "packageClass", "delta")
            )
            totals[owner, payer, package_class] += delta
    return [
        {"owner": str(owner), "payer": str(payer), "package_class": number, "delta": -total}
        for (owner, payer, number), total in sorted(totals.items())
        if total
    ]

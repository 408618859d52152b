"""Operations about a cycle → how it stands, now or as it was known; messages alone are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.acts.decisions import RELEASES, DecisionKind
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.vocabulary import Recorded, integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.acts.words import BAD_RESULTS
from ledger.domain.custody.standing import CycleStanding, Order, Suspension
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.recalled import orders_of, suspensions_of
from ledger.steps.answering.declared import find_definition
from ledger.storage import directory, index, operations


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleStep:
    """One thing that was recorded of a package's cycle."""

    #: RFC 3339, as it was signed
    at: str
    what: str
    chain: str
    digest: str


class Cycles:
    """The cycles of some packages, each read once."""

    def __init__(self, tx: Connection, *, known: int | None = None) -> None:
        """`known`: the sequence of the last operation that counts."""
        self._tx = tx
        self._known = known
        self._found: dict[bytes, CycleStanding | None] = {}
        self._rows: dict[bytes, list[operations.OperationRow]] = {}
        self._orders: dict[bytes, list[Order]] = {}
        self._suspended: dict[bytes, Sequence[Suspension]] = {}
        self._loaners: dict[str, bool] = {}
        #: by subject: the kinds of what the chain has of it and nobody can read here
        self._unread: dict[bytes, set[str]] = {}

    def find(self, cycle: bytes | None) -> CycleStanding | None:
        """How a cycle stands; None for no cycle, and for one of which nothing is here."""
        if cycle is None:
            return None
        if cycle not in self._found:
            self._found[cycle] = self._read(cycle)
        return self._found[cycle]

    def steps(self, cycle: bytes | None) -> Iterator[CycleStep]:
        """What was recorded of a cycle, in the order of acceptance."""
        for row in () if cycle is None else self._rows_of(cycle):
            recorded = read_operation(row)
            yield CycleStep(
                at=seconds_text(row.signed_at),
                what=recorded.act.says(recorded.message),
                chain=row.state.value,
                digest=to_hex(row.digest),
            )

    def is_loaner(self, set_name: str | None) -> bool:
        """Whether a set is a supplier's, by its newest definition."""
        if set_name is None:
            return False
        if set_name not in self._loaners:
            owner = find_definition(self._tx, set_name).get("owned_by")
            self._loaners[set_name] = owner == "supplier"
        return self._loaners[set_name]

    def _rows_of(self, cycle: bytes) -> list[operations.OperationRow]:
        if cycle not in self._rows:
            self._rows[cycle] = [
                row
                for row in operations.list_by_subject(self._tx, cycle)
                if self._known is None or row.sequence <= self._known
            ]
        return self._rows[cycle]

    def _read(self, cycle: bytes) -> CycleStanding | None:
        rows = [row for row in self._rows_of(cycle) if row.state not in GIVEN_UP]
        memory = Memory()
        recorded = {row.digest: read_operation(row) for row in rows}
        for each in recorded.values():
            if each.act.witness is None:
                apply(each, memory)
        state = memory.find(CycleState, cycle)
        if state is None or not state.is_open:
            return None
        machine = directory.find_equipment(self._tx, state.equipment)
        return CycleStanding(
            id=cycle,
            name=f"{'?' if machine is None else machine.serial}/{state.number}",
            state=state.state,
            bad=_bad([recorded[row.digest] for row in rows]),
            is_ordered_back=any(
                order.covers(state.epoch, state.number)
                for order in self._orders_of(state.equipment)
            ),
            released_while_suspended=self._was_suspended(state, rows, recorded),
            # an order to recall is about the machine
            is_part_unknown=self.has_unread(cycle)
            or self.has_unread(bytes(state.equipment), kind="RecallOrder"),
        )

    def _orders_of(self, machine: bytes) -> list[Order]:
        if machine not in self._orders:
            self._orders[machine] = [
                order
                for order in orders_of(self._tx, machine)
                if self._known is None or order.sequence <= self._known
            ]
        return self._orders[machine]

    def _was_suspended(
        self,
        state: CycleState,
        rows: Sequence[operations.OperationRow],
        recorded: Mapping[Digest, Recorded],
    ) -> bool:
        """Whether a release was accepted between an order and the third pass after it.

        Acceptance refuses that here; another instance may not have known of the order.
        """
        if not self._orders_of(state.equipment):
            return False
        if state.equipment not in self._suspended:
            self._suspended[state.equipment] = suspensions_of(self._tx, state.equipment)
        released = [
            row.sequence
            for row in rows
            if row.kind == "CycleDecision"
            and DecisionKind(integer(recorded[row.digest].message, "kind")) in RELEASES
        ]
        return any(
            suspension.since < at and (suspension.until is None or at < suspension.until)
            for suspension in self._suspended[state.equipment]
            for at in released
        )

    def has_unread(self, subject: bytes | None, *, kind: str | None = None) -> bool:
        """Whether the chain has something about a subject whose record is not here."""
        if subject is None or self._known is not None:
            return False
        if subject not in self._unread:
            there = {row.digest: row for row in index.list_operations_about(self._tx, subject)}
            here = {row.digest for row in operations.list_by_digests(self._tx, there)}
            self._unread[subject] = {row.kind for at, row in there.items() if at not in here}
        unread = self._unread[subject]
        return kind in unread if kind is not None else bool(unread)


def _bad(recorded: Sequence[Recorded]) -> tuple[str, ...]:
    """Results that did not pass, by their newest entry, whatever was decided before or since.

    A result that comes after a release is none the less seen here.
    """
    entries = [each for each in recorded if each.act.name == "ResultEntry"]
    withdrawn = {word(each.message, "replaces") for each in entries}
    newest: dict[str, str] = {}
    for each in entries:
        if each.digest not in withdrawn:
            result, how, *_ = packed_numbers(each.message)
            newest[Result(result).name.lower()] = ResultWord(how).name.lower()
    return tuple(sorted(name for name, how in newest.items() if how in BAD_RESULTS))

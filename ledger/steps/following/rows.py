"""A checked range → rows of the index, each table's written together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TypeVar, cast

from sqlalchemy import Connection

from ledger.domain.encoding.events import Event
from ledger.domain.subjects.folding import Key, apply, complete_recovery, touched
from ledger.domain.subjects.states import ProposalState, SignerState, State
from ledger.steps.following.reading import Range
from ledger.storage import index

R = TypeVar("R")
_Place = tuple[type[State], tuple[object, ...]]


def store_range(tx: Connection, found: Range) -> None:
    """Write everything that the range says, and how far the index goes now."""
    index.put(tx, found.operations)
    index.put(tx, found.signatures)
    rows = _IndexView(tx=tx)
    rows.load(_keys(found.events))
    for event in found.events:
        if event.act is None:
            complete_recovery(event.digest, rows)
        else:
            apply(event.recorded(mined_at=found.times[event.log.block_number]), rows)
    rows.flush()
    index.set_cursor(tx, found.cursor)
    index.set_heads(tx, found.heads)


def _keys(events: Sequence[Event]) -> dict[type[State], set[tuple[object, ...]]]:
    """The states that the events may read or change, by class."""
    wanted: dict[type[State], set[tuple[object, ...]]] = {}
    for event in events:
        if event.act is None:
            keys: Iterable[Key] = [(ProposalState, (event.digest,)), (SignerState, (event.about,))]
        else:
            keys = touched(event.act, event.message)
        for cls, key in keys:
            wanted.setdefault(cls, set()).add(key)
    return wanted


@dataclass(slots=True)
class _IndexView:
    """The index's rows with the changes of a range, written together at its end."""

    tx: Connection
    #: by class and primary key; None for a row that is not there
    _rows: dict[_Place, State | None] = field(default_factory=dict)
    #: the rows that the database has
    _stored: set[_Place] = field(default_factory=set)
    _changed: dict[_Place, None] = field(default_factory=dict)

    def load(self, keys: Mapping[type[State], AbstractSet[tuple[object, ...]]]) -> None:
        """Look for these rows, a question for each class."""
        for cls, wanted in keys.items():
            self._rows |= {(cls, key): None for key in wanted}
            for row in index.list_by_keys(self.tx, cls, wanted):  # type: ignore[type-var]
                self._rows[cls, row.key] = row
                self._stored.add((cls, row.key))

    def find(self, cls: type[R], *key: object) -> R | None:
        """The row with that primary key, changes included; one that was not looked for raises."""
        return cast("R | None", self._rows[cast("type[State]", cls), key])

    def put(self, state: object) -> None:
        """Adds a row, or changes the one with its key."""
        row = cast("State", state)
        place = type(row), row.key
        self._rows[place] = row
        self._changed[place] = None

    def flush(self) -> None:
        """Writes the changes; the rows of one class go together."""
        changed: dict[type[State], list[State]] = {}
        added: dict[type[State], list[State]] = {}
        for place in self._changed:
            row = self._rows[place]
            if row is not None:
                (changed if place in self._stored else added).setdefault(place[0], []).append(row)
        for rows in changed.values():
            index.replace_many(self.tx, rows)  # type: ignore[type-var]
        for rows in added.values():
            index.put(self.tx, rows)  # type: ignore[type-var]

"""A checked range → rows of the index, each table's written together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import TypeVar, cast

from sqlalchemy import Connection

from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import Inconsistent
from ledger.domain.subjects.indexed import IndexedEvent
from ledger.domain.subjects.projection import event_fields, indexed_event, project, touched
from ledger.steps.following.reading import Range
from ledger.steps.following.start import REBUILD
from ledger.storage import index

R = TypeVar("R")
_Place = tuple[type[object], tuple[object, ...]]


def store_range(tx: Connection, found: Range) -> None:
    """Write everything that the range says, and how far the index goes now."""
    index.put(tx, [indexed_event(event) for event in found.events])
    index.put(tx, found.operations)
    index.put(tx, found.signatures)
    rows = _IndexView(tx=tx)
    rows.load(touched(found.events))
    project(found.events, rows)
    rows.flush()
    index.set_cursor(tx, found.cursor)


@dataclass(slots=True)
class _IndexView:
    """The index's rows with the changes of a range, written together at its end."""

    tx: Connection
    #: by class and primary key; None for a row that is not there
    _rows: dict[_Place, object | None] = field(default_factory=dict)
    #: the rows that the database has
    _stored: set[_Place] = field(default_factory=set)
    _changed: dict[_Place, None] = field(default_factory=dict)
    #: rows that are only added
    _added: dict[type[object], list[object]] = field(default_factory=dict)

    def load(self, keys: Mapping[type[object], AbstractSet[tuple[object, ...]]]) -> None:
        """Look for these rows, a question for each class."""
        for cls, wanted in keys.items():
            for key in wanted:
                self._rows[cls, key] = None
            found: Sequence[object] = index.list_by_keys(self.tx, cls, wanted)  # type: ignore[type-var]
            for row in found:
                place = cls, _key_of(cast("Hashable", cls))(row)
                self._rows[place] = row
                self._stored.add(place)

    def find(self, cls: type[R], *key: object) -> R | None:
        """The row with that primary key, changes included; one that was not looked for raises."""
        return cast("R | None", self._rows[cast("type[object]", cls), key])

    def put(self, row: object) -> None:
        """Adds a row, or changes the one with its key."""
        place = type(row), _key_of(cast("Hashable", type(row)))(row)
        self._rows[place] = row
        self._changed[place] = None

    def add(self, row: object) -> None:
        """Adds a row; the database refuses a second one with its key."""
        self._added.setdefault(type(row), []).append(row)

    def proposal(self, digest: Digest) -> Mapping[str, Scalar]:
        """The fields of a recorded RecoveryProposed."""
        found = index.list_rows(self.tx, IndexedEvent, digest=digest, event="RecoveryProposed")
        if len(found) != 1:
            raise Inconsistent(f"no recovery {to_hex(digest)} was proposed", remedy=REBUILD)
        return event_fields(found[0])

    def flush(self) -> None:
        """Writes the changes; the rows of one class go together."""
        changed: dict[type[object], list[object]] = {}
        for place in self._changed:
            into = changed if place in self._stored else self._added
            into.setdefault(place[0], []).append(self._rows[place])
        for rows in changed.values():
            index.replace_many(self.tx, rows)  # type: ignore[type-var]
        for rows in self._added.values():
            index.put(self.tx, rows)  # type: ignore[type-var]


@cache
def _key_of(cls: Hashable) -> Callable[[object], tuple[object, ...]]:
    """What takes the primary key from a row of that class."""
    names = [column.name for column in index.TABLES[cast("type[object]", cls)].primary_key]
    if len(names) == 1:
        only = attrgetter(names[0])
        return lambda row: (only(row),)
    return attrgetter(*names)

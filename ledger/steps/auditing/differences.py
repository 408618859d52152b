"""What an audit finds: differences, each named by table, row and field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import SteriLedgerError

#: how many differences are listed; the others are counted
MOST_LISTED = 10_000
_LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two things that must agree and do not; never a secret, never a personal field."""

    table: str
    #: the row's primary key
    row: str
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.table} {self.row}, {self.field}: expected {self.expected}, found {self.found}"
        )


@dataclass(slots=True)
class Findings:
    """Differences as they are found, and how much was looked at."""

    listed: list[Difference] = field(default_factory=list)
    total: int = 0
    #: rows looked at, by table
    checked: Counter[str] = field(default_factory=Counter)

    def compare(
        self, table: str, row: object, field_name: str, *, expected: object, found: object
    ) -> bool:
        """Note a difference unless the two are equal; returns whether they are."""
        if expected == found:
            return True
        self.note(table, row, field_name, expected=expected, found=found)
        return False

    def note(
        self, table: str, row: object, field_name: str, *, expected: object, found: object
    ) -> None:
        """Note a difference."""
        self.total += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(
                Difference(
                    table=table,
                    row=in_words(row),
                    field=field_name,
                    expected=in_words(expected),
                    found=in_words(found),
                )
            )

    def take(self, others: Findings) -> None:
        """Add what others found, after our own."""
        self.total += others.total
        self.listed += others.listed[: MOST_LISTED - len(self.listed)]
        self.checked.update(others.checked)

    def hold(
        self,
        table: str,
        row: object,
        field_name: str,
        *,
        expected: str,
        check: Callable[[], object],
    ) -> bool:
        """Note what `check` raises, in its own words; returns whether it held."""
        try:
            check()
        except SteriLedgerError as error:
            self.note(table, row, field_name, expected=expected, found=str(error))
            return False
        return True


def in_words(value: object) -> str:
    """A stored value for people: hexadecimal, names of members, times; shortened when long."""
    if value is None:
        text = "nothing"
    elif isinstance(value, bytes):
        text = to_hex(value)
    elif isinstance(value, Enum):
        text = str(value.value)
    elif isinstance(value, datetime):
        text = value.isoformat()
    elif isinstance(value, tuple):
        text = " ".join(in_words(part) for part in value)
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"

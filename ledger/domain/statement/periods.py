"""Months by the group's own offset from UTC: when they begin and end, and their 32 bytes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from ledger.domain.encoding.abi import WORD
from ledger.domain.errors import InvalidInput

_PERIOD = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")
_MONTHS = 12
_DAY = 24 * 3600


class Period(NamedTuple):
    """One month; a tuple, since every line of a million events is found by it."""

    year: int
    #: from 1
    month: int

    def __str__(self) -> str:
        """`2026-11`."""
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def word(self) -> bytes:
        """What statements about it are about: its text, padded to 32 bytes."""
        return str(self).encode().ljust(WORD, b"\0")

    def plus(self, months: int) -> Period:
        """So many months later; earlier when negative."""
        count = self.year * _MONTHS + self.month - 1 + months
        return Period(count // _MONTHS, count % _MONTHS + 1)

    def begins(self, offset_seconds: int) -> int:
        """Its first moment, Unix seconds."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) - offset_seconds

    def ends(self, offset_seconds: int) -> int:
        """The first moment that is no longer in it, Unix seconds."""
        return self.plus(1).begins(offset_seconds)


def period_at(seconds: int, offset_seconds: int) -> Period:
    """The month that a moment lies in; `seconds` since 1970."""
    return _month_of_day((seconds + offset_seconds) // _DAY)


@lru_cache(maxsize=1024)
def _month_of_day(days: int) -> Period:
    local = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    return Period(local.year, local.month)


def parse_period(text: str, *, field: str = "period") -> Period:
    """`2026-11` → the month; raises InvalidInput."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise InvalidInput(f"{text[:40]!r} is no month", field=field, rule="year-month: 2026-11")
    return Period(int(found[1]), int(found[2]))


def parse_word(word: bytes) -> Period | None:
    """The month that a statement is about; None where the 32 bytes are none."""
    text = word.rstrip(b"\0")
    if not text.isascii() or _PERIOD.fullmatch(text.decode("ascii")) is None:
        return None
    return parse_period(text.decode("ascii"))

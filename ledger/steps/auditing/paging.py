"""A page of rows → each checked, with what belongs to the page read at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ledger.domain.errors import Inconsistent
from ledger.steps.auditing.differences import Findings

R = TypeVar("R")
B = TypeVar("B")


def check_page(
    page: Sequence[R], *, load: Callable[[Sequence[R]], B], check: Callable[[R, B], None]
) -> None:
    """Check every row of a page beside what `load` reads for them.

    Where something of the page cannot be read, its rows are read one by one, so that those before
    the bad one are checked; Inconsistent is raised at that one.
    """
    if not page:
        return
    try:
        beside = load(page)
    except Inconsistent:
        for row in page:
            check(row, load([row]))
        return
    for row in page:
        check(row, beside)


def read_whole(findings: Findings, table: str, check: Callable[[], None]) -> None:
    """Check a table; a value that cannot be read is a difference, and ends that table's check."""
    try:
        check()
    except Inconsistent as error:
        findings.note(table, "the rest", "all", expected="rows that can be read", found=error)

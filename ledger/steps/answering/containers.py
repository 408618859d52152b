"""A container → the baskets that lie in it, by what was reported of those."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ledger.domain.custody.codes import is_container
from ledger.domain.custody.fold import standing
from ledger.domain.custody.lines import Deed, PackageLine
from ledger.storage import packages

#: What moves a thing into a container or out of it.
MOVED = frozenset({Deed.PUT_IN, Deed.TAKEN_OUT})
#: a line's moment (Unix seconds), and its place in the order of acceptance
Place = tuple[int, tuple[int, int]]


def baskets_in(
    tx: Connection, code: str, *, at: float | None = None, known: int | None = None
) -> list[str]:
    """The codes of the baskets that lie in a container; in a basket there is none."""
    put = packages.list_baskets_put_in(tx, code) if is_container(code) else []
    return [each for each in put if container_of(tx, each, at=at, known=known) == code]


def container_of(
    tx: Connection, basket: str, *, at: float | None = None, known: int | None = None
) -> str | None:
    """The code of the container in which a basket lies, or None."""
    moves = [
        into
        for (moment, _), into in moves_of(tx, basket, known=known)
        if at is None or moment <= at
    ]
    return moves[-1] if moves else None


def moves_of(
    tx: Connection, basket: str, *, known: int | None = None
) -> list[tuple[Place, str | None]]:
    """When a basket was put into which container, in order; None: taken out of it."""
    return [
        ((moment_of(line), line.place), line.code if line.deed is Deed.PUT_IN else None)
        for line in in_order(packages.list_lines(tx, basket), known)
        if line.deed in MOVED
    ]


def in_order(lines: Sequence[PackageLine], known: int | None) -> list[PackageLine]:
    """Those that count, as known then, in the order in which they were said to be."""
    return sorted(standing(lines, known=known), key=lambda each: (moment_of(each), each.place))


def moment_of(line: PackageLine) -> int:
    """When it was, as it was said; Unix seconds."""
    return line.signed_at if line.happened is None else line.happened

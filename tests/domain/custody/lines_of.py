"""Lines of packages for tests, in the order in which they are accepted."""

from __future__ import annotations

from itertools import count
from typing import Any

from ledger.domain.custody.lines import Deed, PackageLine
from ledger.domain.encoding.identifiers import Digest

L, M, C = 1, 2, 9
BOX = b"\x71" * 32
CYCLE = b"\x72" * 32
NAME = "1/Q01"


class Told:
    """What was said of one package so far."""

    def __init__(self) -> None:
        self.lines: list[PackageLine] = []
        self._sequences = count(1)

    def say(self, deed: Deed, unit: int = L, at: int | None = None, **more: Any) -> PackageLine:
        """One line by an operation of its own; an hour after the one before unless it is said."""
        sequence = next(self._sequences)
        line = PackageLine(
            package=more.pop("package", NAME),
            sequence=sequence,
            line=0,
            digest=Digest(sequence.to_bytes(32, "big")),
            kind="ScanReport",
            unit=unit,
            deed=deed,
            happened=3600 * sequence if at is None else at,
            signed_at=3600 * sequence,
            basis=more.pop("basis", "scanned"),
            **more,
        )
        self.lines.append(line)
        return line

    def ready(self) -> Told:
        """Assembled, loaded and stored at L."""
        self.say(Deed.ASSEMBLED, expires="2027-01-01")
        self.say(Deed.LOADED, thread=CYCLE, owner=M, basis=None)
        self.say(Deed.STORED)
        return self

    def sent(self, *, taker: int = C, at: int | None = None, box: bytes = BOX) -> PackageLine:
        """Dispatched from L to M."""
        return self.say(Deed.DISPATCHED, at=at, thread=box, step=0, to_unit=taker, destination=M)

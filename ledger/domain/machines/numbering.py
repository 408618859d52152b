"""A cycle's number among its machine's → what is missing before it, and whether it is late.

The machine's own counter is the only witness of a cycle that nobody recorded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How a cycle's number stands among those of the same machine and counter epoch."""

    #: the first and the last number below it that were never opened, next to it; None for none
    missing_from: int | None = None
    missing_to: int | None = None
    #: a higher number that was opened before it; None when it is not late
    late_behind: int | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """As people read it."""
        found = []
        if self.late_behind is not None:
            found.append(f"late: cycle {self.late_behind} was recorded before it")
        if self.missing_from is not None:
            first, last = self.missing_from, self.missing_to
            numbers = f"number {first} has" if first == last else f"numbers {first} to {last} have"
            found.append(f"{numbers} not come in")
        return tuple(found)


def numbering(number: int, *, below: int | None, late_behind: int | None) -> Numbering:
    """`below` is the highest standing number below it; with None no gap is known."""
    if below is None or below == number - 1:
        return Numbering(late_behind=late_behind)
    return Numbering(missing_from=below + 1, missing_to=number - 1, late_behind=late_behind)

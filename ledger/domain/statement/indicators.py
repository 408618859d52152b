"""Counts and the account → indicators: each with numerator, denominator and where both are from.

A rate is in basis points, rounded half-even; without a denominator there is none.  What no record
shows is not entered, and is never zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.statement.agreement import Agreement, Group, rounded
from ledger.domain.statement.month import Month
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import Tally

FORMAT = "steriledger-indicators/1"
_WHOLE = 10_000
_QUARTER = 3


class Colour(StrEnum):
    """How a shared thing is used, by the thresholds of the terms."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """An indicator that a record states: reasons, satisfaction, availability."""

    name: str
    unit: int
    numerator: int
    denominator: int
    #: of the records that state it, 32 bytes each
    commitments: Sequence[bytes]
    #: what read it, and which units entered it
    reader: str
    entered_by: str
    #: where its definition can be read; None: the group defined it
    source: str | None


def indicators_of(
    month: Month,
    terms: Agreement,
    tallies: Mapping[Period, Tally],
    entered: Sequence[Entered] = (),
) -> dict[str, Any]:
    """The month's indicators, a plain object beside the account."""
    tally = tallies.get(month.period, Tally())
    rows = [
        *_load_rates(tally, terms),
        *_sharing(month.period, terms, tallies),
        *_of_units(month, tally),
        *(_entered(each) for each in entered),
    ]
    return {
        "format": FORMAT,
        "period": str(month.period),
        "indicators": rows,
        "review": list(_review(month, rows)),
        "rests_on": dict(sorted(tally.events.items())),
    }


def rate(numerator: int, denominator: int) -> int | None:
    """In basis points; None without a denominator."""
    return rounded(numerator * _WHOLE, denominator) if denominator > 0 else None


def _row(
    name: str,
    of: str,
    numerator: int,
    denominator: int,
    sources: Sequence[str],
    **more: Any,  # noqa: ANN401 - plain values
) -> dict[str, Any]:
    return {
        "name": name,
        "of": of,
        "numerator": numerator,
        "denominator": denominator,
        "basis_points": rate(numerator, denominator),
        "sources": list(sources),
        **more,
    }


def _load_rates(tally: Tally, terms: Agreement) -> Iterator[dict[str, Any]]:
    for machine, capacity in sorted(terms.capacities.items()):
        declared = tally.declared[machine]
        yield _row("load", to_hex(machine), declared, capacity, ["LoadDeclaration", "Terms"])


def _sharing(
    period: Period, terms: Agreement, tallies: Mapping[Period, Tally]
) -> Iterator[dict[str, Any]]:
    """Of each shared thing: minutes with others than its owner, of all minutes in use."""
    things = {each for tally in tallies.values() for each in (*tally.own_use, *tally.shared_use)}
    for thing in sorted(things):
        quarters = list(_quarters(thing, period, tallies))
        shared, in_use = quarters[-1]
        yield _row(
            "sharing",
            to_hex(thing),
            shared,
            in_use,
            ["Service"],
            colour=colour_of(quarters, terms).value,
            quarters=[rate(*each) for each in quarters],
        )


def _quarters(
    thing: bytes, period: Period, tallies: Mapping[Period, Tally]
) -> Iterator[tuple[int, int]]:
    """Shared and whole use, by quarters of three months that end with the period; oldest first.

    They begin with the first one in which it was used.
    """
    used = [each for each, t in tallies.items() if thing in t.own_use or thing in t.shared_use]
    first = min(used)
    months = (period.year - first.year) * 12 + period.month - first.month + 1
    for back in range(-(-months // _QUARTER), 0, -1):
        span = [period.plus(1 - _QUARTER * back + n) for n in range(_QUARTER)]
        shared = sum(tallies[p].shared_use[thing] for p in span if p in tallies)
        own = sum(tallies[p].own_use[thing] for p in span if p in tallies)
        yield shared, shared + own


def colour_of(quarters: Sequence[tuple[int, int]], terms: Agreement) -> Colour:
    """By how many quarters in a row, up to the last one, it was shared too little."""
    low = 0
    for shared, in_use in reversed(quarters):
        share = rate(shared, in_use)
        if share is not None and share >= terms.sharing.least:
            break
        low += 1
    if low >= terms.sharing.red_after:
        return Colour.RED
    return Colour.YELLOW if low >= terms.sharing.yellow_after else Colour.GREEN


def _of_units(month: Month, tally: Tally) -> Iterator[dict[str, Any]]:
    for each in month.units:
        unit, of = each.unit, f"unit {each.unit}"
        own = [
            line
            for line in month.lines
            if line.key.provider == unit and line.key.group is Group.STERILISATION
        ]
        done, recalled = sum(x.done for x in own), sum(x.recalled for x in own)
        counts: tuple[tuple[str, int, int, Sequence[str]], ...] = (
            ("qualified", done - recalled, done, ["CycleDecision"]),
            ("on_time", tally.on_time[unit], tally.brought[unit], ["TakeOver", "Terms"]),
            ("discrepancy", tally.differing[unit], tally.received[unit], ["TakeOver"]),
            (
                "receiving_completeness",
                tally.received[unit],
                tally.dispatched[unit],
                ["Dispatch", "TakeOver"],
            ),
            ("recall_found", tally.found[unit], tally.asked[unit], ["RecallAnswer"]),
        )
        yield from (_row(n, of, top, below, src) for n, top, below, src in counts if below)


def _entered(each: Entered) -> dict[str, Any]:
    return _row(
        each.name,
        f"unit {each.unit}",
        each.numerator,
        each.denominator,
        [to_hex(commitment) for commitment in each.commitments],
        reader=each.reader,
        entered_by=each.entered_by,
        definition=each.source or "defined by the group",
    )


# ---------------------------------------------------------------- the review export

#: The three dimensions of the performance review, and what stands for each.
_DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "economy": ("sharing", "sharing_income"),
    "efficiency": ("response_time", "availability", "on_time", "load"),
    "benefit": ("satisfaction", "research", "qualified"),
}
#: Where the definition of an indicator can be read; the others are the group's own.
_DEFINITIONS: Mapping[str, str] = {"qualified": "docs/statement.md", "load": "docs/statement.md"}


def _review(month: Month, rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A table; what no record shows says so."""
    income = [
        {
            "of": f"unit {unit.unit}",
            "numerator": unit.contributed.get(Group.EQUIPMENT, 0),
            "denominator": sum(unit.contributed.values()),
            "sources": ["Service"],
        }
        for unit in month.units
        if unit.contributed.get(Group.EQUIPMENT)
    ]
    for dimension, names in _DIMENSIONS.items():
        for name in names:
            own = income if name == "sharing_income" else [r for r in rows if r["name"] == name]
            for row in own or [{}]:
                yield {
                    "dimension": dimension,
                    "indicator": name,
                    "of": row.get("of"),
                    "numerator": row.get("numerator"),
                    "denominator": row.get("denominator"),
                    "definition": row.get("definition")
                    or _DEFINITIONS.get(name, "defined by the group"),
                    "sources": row.get("sources", []),
                    "is_recorded": bool(row),
                }

"""Cases made up of a few words: who did what at which local time (+08:00) in November 2026."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

from ledger.domain.duties.answering import list_findings
from ledger.domain.duties.case import (
    Case,
    Consignment,
    Cycle,
    Deed,
    Event,
    How,
    Machine,
    Source,
    SubjectKind,
    When,
)
from ledger.domain.duties.findings import SEVERITY, Finding, Word
from ledger.domain.duties.terms import default_terms

L, M1, M2, M3, M4, M5, D = 1, 2, 3, 4, 5, 6, 20
UNITS = {L: "L", M1: "M1", M2: "M2", M3: "M3", M4: "M4", M5: "M5", D: "D"}
ZONE = timezone(timedelta(hours=8))
S1 = Machine(id="s1", name="S1", unit=L, process="steam", is_pre_vacuum=True)
S2 = Machine(id="s2", name="S2", unit=L, process="steam", is_pre_vacuum=True)

_numbers = count(1)


def at(text: str) -> datetime:
    """`3 11:40` is Tuesday 3 November 2026, 11:40 at the group's clocks."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return datetime(2026, 11, int(day), int(hour), int(minute), tzinfo=ZONE).astimezone(UTC)


def iso(text: str) -> str:
    """The same, as a record holds it."""
    return at(text).isoformat().replace("+00:00", "Z")


def event(
    deed: Deed,
    unit: int,
    when: str | None,
    *,
    known: str | None = None,
    until: str | None = None,
    how: How = How.SCANNED,
    custody: str = "station",
    signer: str | None = None,
    operation: str | None = None,
    **facts: Any,
) -> Event:
    """One event; `until` makes its time `about`."""
    number = next(_numbers)
    moment = known or until or when
    assert moment is not None
    return Event(
        deed=deed,
        unit=unit,
        when=None if when is None else When(first=at(when), last=at(until or when), how=how),
        source=Source(
            operation=operation or f"0x{number:064x}",
            kind="ScanReport",
            unit=unit,
            block=int(at(moment).timestamp()) // 60,
            log=number,
            known=at(moment),
            signed=at(moment),
            signer=signer or f"0x{unit:064x}",
            custody=custody,
        ),
        facts={name.replace("__", "."): value for name, value in facts.items()},
        how=how,
    )


def cycle(  # one run with everything in order, unless it is said
    number: int,
    machine: Machine = S2,
    *,
    opened: str = "3 08:00",
    ended: str | None = "3 08:50",
    released: str | None = "3 09:20",
    decision: str = "release",
    results: Iterable[Event] | None = None,
    verdict: str | None = "passed",
    biological: bool | None = True,
    **facts: Any,
) -> Cycle:
    """A cycle."""
    unit = machine.unit
    return Cycle(
        id=f"{machine.id}/{number}",
        number=number,
        machine=machine,
        opened=event(
            Deed.CYCLE_OPENED, unit, opened, biological_indicator=biological,
            **{"machine__state": "in_service", **facts},
        ),
        ended=None if ended is None else event(
            Deed.CYCLE_ENDED, unit, ended, how=How.PRINTED, verdict=verdict, profile="en-285-134",
            outcome="completed",
        ),
        results=tuple(chemical(unit, released or ended or opened) if results is None else results),
        decisions=() if released is None else (
            event(Deed.DECIDED, unit, released, decision=decision),
        ),
    )  # fmt: skip


def result(name: str, word: str, when: str, *, unit: int = L, **facts: Any) -> Event:
    """A monitoring result."""
    return event(Deed.RESULT, unit, when, result=name, word=word, **facts)


def chemical(unit: int, when: str) -> list[Event]:
    """Both chemical indicators, good."""
    return [result(n, "pass", when, unit=unit) for n in ("chemical_external", "chemical_internal")]


def biological(word: str, when: str, incubated: str, *, typed: str | None = None) -> Event:
    """A biological result, and when it was read."""
    return result("biological", word, typed or when, read_at=iso(when), incubated_at=iso(incubated))


def bowie_dick(number: int, when: str, machine: Machine = S2, word: str = "pass") -> Cycle:
    """A Bowie-Dick test."""
    return cycle(
        number, machine, opened=when, ended=when, released=None, biological=False,
        results=[result("bowie_dick", word, when)],
    )  # fmt: skip


def prepared(
    *, washed: bool = True, expires: str = "30 09:00", dry: str = "3 09:15", day: str = "3"
) -> tuple[Event, ...]:
    """Washed, assembled by two, loaded, dry."""
    return (
        *([event(Deed.WASHED, L, f"{day} 06:00", how=How.PRINTED, a0="met")] if washed else []),
        event(Deed.SEAL_TESTED, L, f"{day} 06:05", passed=True),
        event(
            Deed.ASSEMBLED, L, f"{day} 06:30", count=10, expected=10, second_person=True,
            expires_at=iso(expires),
        ),
        event(Deed.UNLOADED, L, dry, dry=True),
    )  # fmt: skip


def consignment(
    name: str,
    giver: int,
    receiver: int,
    sent: str,
    received: str | None,
    *,
    purpose: str = "clean",
    carrier: int = L,
    vehicle: str = "van",
    steps: Iterable[Event] = (),
    seal: str = "7001",
    **facts: Any,
) -> Consignment:
    """A consignment that a van took the whole way, sealed."""
    own = [
        event(Deed.DISPATCHED, giver, sent, seal=seal, **facts),
        event(Deed.TAKEN_OVER, carrier, sent, vehicle=vehicle, seal=seal, count=8),
    ]
    if received is not None:
        own.append(event(Deed.RECEIVED, receiver, received, seal=seal))
        own.append(event(Deed.TRANSPORT_LOG, carrier, received, transport_log="none"))
    return Consignment(
        id=name, name=name, giver=giver, receiver=receiver, purpose=purpose,
        steps=(*own, *steps),
    )  # fmt: skip


def case(as_of: str, **parts: Any) -> Case:
    """A package's case, unless another kind is said."""
    made: dict[str, Any] = {
        "kind": SubjectKind.PACKAGE,
        "id": "Q20",
        "name": "Q20",
        "as_of": at(as_of),
        "block": 10**9,
        "units": UNITS,
        "terms": (default_terms(),),
        **parts,
    }
    return Case(**made)


def words(case: Case) -> dict[tuple[str, int], Word]:
    """What each rule found, by rule and holder; the worst where several stand."""
    found: dict[tuple[str, int], Word] = {}
    for each in list_findings(case):
        key = each.rule, each.holder
        if key not in found or SEVERITY[found[key]] < SEVERITY[each.word]:
            found[key] = each.word
    return found


def of(case: Case, rule: str) -> list[Finding]:
    """The findings of one rule."""
    return [f for f in list_findings(case) if f.rule == rule]


def word(case: Case, rule: str) -> str:
    """The words of a rule, by holder: `L met, M1 not_met`."""
    return ", ".join(
        f"{case.code(f.holder)} {f.word}" if f.holder else f.word.value for f in of(case, rule)
    )


def with_events(case: Case, *events: Event) -> Case:
    """The same with more in its history."""
    return replace(case, history=(*case.history, *events))

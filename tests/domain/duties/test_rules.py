"""Every rule: each word that it can answer, a case of which it says nothing, and its edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.domain.duties.case import Area, Case, Cycle, Deed, How, SubjectKind
from ledger.domain.duties.findings import Word
from ledger.domain.duties.rules import RULES, rule_to_plain, rules_sha256
from ledger.domain.duties.terms import default_terms
from tests.domain.duties.kit import (
    M1,
    M2,
    S2,
    D,
    L,
    at,
    biological,
    bowie_dick,
    case,
    consignment,
    cycle,
    event,
    iso,
    of,
    prepared,
    result,
    word,
)
from tests.domain.duties.test_scenario import FAIL, RECALL, SERIES, a01, k2, run_2241, t07

RUN = cycle(2241)
BD = bowie_dick(2240, "3 06:10")


def package(*history: Any, **parts: Any) -> Case:
    return case(parts.pop("as_of", "9 12:00"), history=history, **parts)


def asset(*history: Any, **parts: Any) -> Case:
    return package(*history, kind=SubjectKind.ASSET, id="scope", name="scope", owner=M1, **parts)


def used(when: str = "4 10:00", unit: int = M1, **facts: Any) -> Any:
    return event(Deed.USED, unit, when, case_token="c1", **facts)


def loaded(**facts: Any) -> Any:
    return event(Deed.LOADED, L, "3 07:50", **facts)


def by_van(received: str | None = "3 11:00", **facts: Any) -> Any:
    return consignment("K", L, M1, "3 10:00", received, **facts)


def stripped(consignment_: Any, deed: Deed, *names: str) -> Any:
    """The same, of one deed's facts these left out."""
    steps = tuple(
        replace(s, facts={n: v for n, v in s.facts.items() if n not in names})
        if s.deed is deed else s
        for s in consignment_.steps
    )  # fmt: skip
    return replace(consignment_, steps=steps)


def failed_series(*further: Cycle) -> dict[str, Any]:
    return {"cycle": run_2241(FAIL), "series": (*SERIES, *further)}


def soiled(**facts: Any) -> Any:
    said = {"closed": True, "pretreated": True, "special_infection": "none", **facts}
    return consignment("K7", M1, L, "4 15:00", "4 16:00", purpose="soiled", **said)


def count(when: str = "4 17:00", n: int = 10, **facts: Any) -> Any:
    said = {"second_person": True, **facts}
    return event(Deed.SOILED_COUNTED, L, when, count=n, expected=10, **said)


def shift(begun: str, ended: str | None, unit: int = L) -> Any:
    said = event(
        Deed.SHIFT, unit, begun, begun_at=iso(begun), ended_at=None if ended is None else iso(ended)
    )
    return replace(said, facts={**said.facts, "signer": said.source.signer})


def handed(by: int = L, **facts: Any) -> Any:
    return event(Deed.ASSEMBLED, by, "3 06:30", **facts)


CYCLE = frozenset({Area.CYCLE})
DIVERTED = event(Deed.DIVERTED, D, "3 10:20")


def flown(arrived: str, *steps: Any) -> Any:
    """By drone, which itself says when it was there."""
    sent = by_van(arrived, carrier=D, vehicle="drone")
    return replace(sent, steps=(*sent.steps, *steps, event(Deed.ARRIVED, D, arrived)))


def logged(
    unit: int = L, sent: Any = None, begun: str = "3 09:55", ended: str = "3 11:05", **logs: Any
) -> Any:
    """A log that was brought two days later."""
    log = event(
        Deed.TRANSPORT_LOG, unit, begun, until=ended, known="5 10:00",
        **(logs or {"temperature": "within"}),
    )  # fmt: skip
    before = stripped(by_van(), Deed.TRANSPORT_LOG, "transport_log") if sent is None else sent
    return replace(before, steps=(*before.steps, log))


def refused(when: str) -> Any:
    sent = by_van(None, steps=(event(Deed.ARRIVED, M1, "3 11:00"),))
    return replace(sent, steps=(*sent.steps, event(Deed.REFUSED, M1, when)))


def recalled(
    reached: str | None, answered: str | None, *, noticed: str = "5 09:12", as_of: str = "9 12:00"
) -> Case:
    """M1 holds it, is told of the recall of 5 09:00, is reached, and answers."""
    steps = [event(Deed.NOTICED, L, noticed, to=M1)]
    if reached is not None:
        steps.append(event(Deed.REACHED, M1, reached))
    if answered is not None:
        steps.append(event(Deed.ANSWERED, M1, answered, found=1, asked=1))
    order = event(Deed.ORDERED, L, "5 09:00", first=2240, last=2244)
    return package(
        cycle=run_2241(FAIL), series=SERIES, consignments=(by_van(),), as_of=as_of,
        recalls=(replace(RECALL, order=order, steps=tuple(steps)),),
    )  # fmt: skip


PACKED: dict[str, Any] = {"count": 10, "expected": 10, "second_person": True, "heat_sealed": False}
LOAN = consignment("A1", M1, M2, "3 10:00", "3 11:00", purpose="loan")


def looked_at(**facts: Any) -> Any:
    """Both sides say the same of it."""
    return replace(
        LOAN,
        steps=tuple(
            replace(s, facts={**s.facts, **facts}) if s.deed in {Deed.DISPATCHED, Deed.RECEIVED}
            else s
            for s in LOAN.steps
        ),
    )  # fmt: skip


REPAIRED = event(Deed.MAINTAINED, L, "2 12:00", work="repair", asset="s2", next_due=iso("30 12:00"))


def after_repair(*words: str) -> dict[str, Any]:
    tests = [
        cycle(2230 + n, opened=f"2 {13 + n}:00", ended=f"2 {13 + n}:40", released=None,
              results=[result("biological", w, "2 20:00")])
        for n, w in enumerate(words)
    ]  # fmt: skip
    return {"cycle": RUN, "series": (*tests, BD), "maintenance": (REPAIRED,)}


IMPLANT: dict[str, Any] = {"holds_implant": True}

CRITICAL = {"1", "2", "3", "4", "5", "8", "9", "10", "11", "12"}
#: rule → what is found → cases
TABLE: list[tuple[str, str, Case]] = [
    # 1
    ("1", "L met", package(cycle=RUN)),
    ("1", "L not_met", package(cycle=cycle(1, verdict="failed"))),
    ("1", "L not_recorded", package(cycle=cycle(1, verdict="not_enough_data"))),
    (
        "1",
        "L met",
        package(cycle=cycle(1, verdict=None, results=[result("physical", "pass", "3 09:00")])),
    ),
    (
        "1",
        "L not_met",
        package(cycle=cycle(1, verdict=None, results=[result("physical", "fail", "3 09:00")])),
    ),
    (
        "1",
        "L not_met",
        package(loaded(programme_required="B134"), cycle=cycle(1, programme="B121")),
    ),
    ("1", "L met", package(loaded(programme_required="B134"), cycle=cycle(1, programme="B134"))),
    ("1", "not_applicable", package(cycle=cycle(1, released=None, verdict="failed"))),
    ("1", "not_readable", package(unreadable=frozenset({Area.CYCLE}))),
    # 2
    ("2", "L met", package(cycle=RUN, consignments=(by_van(),))),
    ("2", "L not_met", package(cycle=cycle(1, released=None), consignments=(by_van(),))),
    ("2", "L not_met", package(cycle=cycle(1, released="3 10:01"), consignments=(by_van(),))),
    ("2", "L met", package(cycle=cycle(1, released="3 10:00"), consignments=(by_van(),))),
    ("2", "L not_recorded", package(used(), cycle=cycle(1, released=None))),
    ("2", "L not_recorded", package(cycle=cycle(1, decision="emergency_release"))),
    ("2", "not_applicable", package(cycle=cycle(1, released=None))),
    # 3
    ("3", "L met", package(cycle=RUN, series=(BD,))),
    ("3", "L not_met", package(cycle=RUN, series=(bowie_dick(2240, "3 06:10", word="fail"),))),
    (
        "3",
        "L met",
        package(
            cycle=RUN,
            series=(bowie_dick(2239, "3 06:00", word="fail"), bowie_dick(2240, "3 06:10")),
        ),
    ),
    ("3", "L not_recorded", package(cycle=RUN, series=(bowie_dick(2240, "2 23:59"),))),
    ("3", "L met", package(cycle=RUN, series=(bowie_dick(2240, "3 00:00"),))),
    ("3", "L not_recorded", package(cycle=RUN, series=(bowie_dick(2242, "3 06:10"),))),
    ("3", "not_applicable", package(cycle=replace(RUN, machine=replace(S2, is_pre_vacuum=False)))),
    (
        "3",
        "not_applicable",
        package(cycle=replace(RUN, machine=replace(S2, process="ethylene_oxide"))),
    ),
    ("3", "L not_recorded", package(cycle=replace(RUN, machine=replace(S2, is_pre_vacuum=None)))),
    # 4
    ("4", "L met", package(cycle=RUN)),
    (
        "4",
        "L met",
        package(
            cycle=cycle(9, biological=False), series=(cycle(2, opened="1 00:10", ended="1 00:50"),)
        ),
    ),
    (
        "4",
        "L not_recorded",
        package(
            cycle=cycle(9, opened="9 08:00", ended="9 08:50", released=None, biological=None),
            series=(cycle(2, opened="2 08:00", ended="2 08:49", released=None),),
        ),
    ),
    (
        "4",
        "L met",
        package(
            cycle=cycle(9, opened="9 08:00", ended="9 08:50", released=None, biological=None),
            series=(cycle(2, opened="2 08:00", ended="2 08:50", released=None),),
        ),
    ),
    ("4", "L not_met", package(cycle=cycle(1, biological=False, **IMPLANT))),
    ("4", "L not_recorded", package(cycle=cycle(1, biological=None, **IMPLANT))),
    (
        "4",
        "L not_met",
        package(cycle=cycle(1, replace(S2, process="ethylene_oxide"), biological=False)),
    ),
    ("4", "not_applicable", package()),
    # 5: due 5 08:55 ± 2 h
    ("5", "L met", package(cycle=run_2241(biological("pass", "5 10:55", "3 08:55")))),
    ("5", "L not_met", package(cycle=run_2241(biological("pass", "5 10:56", "3 08:55")))),
    ("5", "L met", package(cycle=run_2241(biological("pass", "5 06:55", "3 08:55")))),
    ("5", "L not_met", package(cycle=run_2241(biological("pass", "5 06:54", "3 08:55")))),
    ("5", "L met", package(cycle=run_2241(biological("fail", "4 08:55", "3 08:55")))),
    ("5", "L not_applicable", package(cycle=run_2241(), as_of="5 10:55")),
    ("5", "L not_recorded", package(cycle=run_2241(), as_of="5 10:56")),
    ("5", "L not_recorded", package(cycle=run_2241(biological("invalid", "5 08:55", "3 08:55")))),
    ("5", "not_applicable", package(cycle=cycle(1, biological=False))),
    # 6: read 5 09:00, order within 2 h
    ("6", "L met", package(recalls=(RECALL,), **failed_series())),
    ("6", "L not_recorded", package(as_of="5 11:01", **failed_series())),
    ("6", "L not_applicable", package(as_of="5 11:00", **failed_series())),
    (
        "6",
        "L not_met",
        package(
            recalls=(replace(RECALL, order=event(Deed.ORDERED, L, "5 11:01")),), **failed_series()
        ),
    ),
    (
        "6",
        "L met",
        package(
            recalls=(replace(RECALL, order=event(Deed.ORDERED, L, "5 11:00")),), **failed_series()
        ),
    ),
    ("6", "not_applicable", package(cycle=run_2241(), series=SERIES)),
    # 7: told within 4 h of the order at 5 09:00, found within 24 h of the notice at 5 09:12
    ("7", "L met, M1 met", recalled("5 13:12", "6 09:12")),
    ("7", "L not_recorded, M1 met", recalled("5 13:13", "6 09:12")),
    ("7", "L met, M1 not_met", recalled("5 13:12", "6 09:13")),
    ("7", "L not_met, M1 met", recalled("5 13:30", "5 14:00", noticed="5 13:01")),
    ("7", "L met, M1 met", recalled("5 13:30", "5 14:00", noticed="5 13:00")),
    ("7", "L met, M1 not_applicable", recalled("5 13:12", None, as_of="6 09:12")),
    ("7", "L met, M1 not_recorded", recalled("5 13:12", None, as_of="6 09:13")),
    ("7", "L not_applicable, M1 not_applicable", recalled(None, None, as_of="5 13:12")),
    ("7", "L not_recorded, M1 not_applicable", recalled(None, None, as_of="5 13:13")),
    ("7", "L not_recorded, M1 not_applicable", recalled(None, None, as_of="9 12:00")),
    (
        "7",
        "L not_readable, M1 not_readable",
        replace(recalled(None, None), unreadable=frozenset({Area.RECALL})),
    ),
    ("7", "not_applicable", package(used(), cycle=run_2241())),
    # 8
    ("8", "L met", package(cycle=RUN)),
    ("8", "L not_recorded", package(cycle=cycle(1, results=[]))),
    (
        "8",
        "L not_met",
        package(
            cycle=cycle(
                1,
                results=[
                    result("chemical_external", "fail", "3 09:00"),
                    result("lumen_pcd", "pass", "3 09:00"),
                ],
            )
        ),
    ),
    (
        "8",
        "L met",
        package(
            event(Deed.EXCLUDED, L, "3 09:10"),
            cycle=cycle(
                1,
                results=[
                    result("chemical_external", "fail", "3 09:00"),
                    result("lumen_pcd", "pass", "3 09:00"),
                ],
            ),
        ),
    ),
    (
        "8",
        "L not_applicable",
        package(
            cycle=cycle(
                1,
                results=[
                    result("chemical_external", "not_required", "3 09:00"),
                    result("chemical_internal", "not_required", "3 09:00"),
                ],
            )
        ),
    ),
    ("8", "not_applicable", package(cycle=cycle(1, ended=None, released=None))),
    ("8", "L not_readable", package(cycle=cycle(1, results=[]), unreadable=CYCLE)),
    # 9
    ("9", "L met", package(event(Deed.UNLOADED, L, "3 09:00", dry=True), cycle=RUN)),
    ("9", "L met", package(event(Deed.UNLOADED, L, "3 09:00", dry=False), cycle=RUN)),
    (
        "9",
        "L not_met",
        package(event(Deed.UNLOADED, L, "3 09:00", dry=False), cycle=RUN, consignments=(by_van(),)),
    ),
    ("9", "L not_recorded", package(event(Deed.WET, M1, "3 11:10"), cycle=RUN)),
    ("9", "not_applicable", package(cycle=cycle(1, ended=None, released=None))),
    # 10
    ("10", "L met", package(*prepared())),
    ("10", "L not_recorded", package(*prepared(washed=False))),
    (
        "10",
        "L not_met",
        package(event(Deed.WASHED, L, "3 06:00", how=How.PRINTED, a0="not_met"), handed()),
    ),
    ("10", "L not_recorded", package(handed(), event(Deed.WASHED, L, "3 06:31", a0="met"))),
    ("10", "not_applicable", package(used())),
    # 11
    ("11", "L met", package(*prepared())),
    ("11", "L met", package(handed(**PACKED))),
    ("11", "L not_met", package(handed(**PACKED | {"count": 9}))),
    ("11", "L not_recorded", package(handed(**PACKED | {"second_person": None}))),
    ("11", "L met", package(handed(**PACKED | {"second_person": None, "alone_on_shift": True}))),
    (
        "11",
        "L not_met",
        package(
            handed(**PACKED | {"heat_sealed": True}),
            event(Deed.SEAL_TESTED, L, "3 06:00", passed=False),
        ),
    ),
    (
        "11",
        "L not_recorded",
        package(
            handed(**PACKED | {"heat_sealed": True}),
            event(Deed.SEAL_TESTED, L, "2 23:59", passed=True),
        ),
    ),
    ("11", "not_applicable", package(used())),
    # 12
    ("12", "L met", package(cycle=RUN)),
    ("12", "L not_met", package(cycle=cycle(1, machine__state="out_of_service"))),
    ("12", "L not_recorded", package(cycle=cycle(1, machine__state=None))),
    ("12", "L met", package(**after_repair("pass", "pass", "pass"))),
    ("12", "L not_recorded", package(**after_repair("pass", "pass"))),
    ("12", "L not_met", package(**after_repair("pass", "fail", "pass"))),
    ("12", "not_applicable", package()),
    # 13: unloaded 3 09:15, cooled 30 min
    ("13", "L met", package(*prepared(), consignments=(by_van(),))),
    ("13", "L not_met", package(*prepared(dry="3 09:31"), consignments=(by_van(),))),
    ("13", "L met", package(*prepared(dry="3 09:30"), consignments=(by_van(),))),
    ("13", "L not_met", package(*prepared(expires="3 09:59"), consignments=(by_van(),))),
    (
        "13",
        "L not_recorded",
        package(*prepared(), consignments=(stripped(by_van(), Deed.DISPATCHED, "seal"),)),
    ),
    ("13", "L not_recorded", package(*prepared(expires="3 10:30"), consignments=(by_van(),))),
    ("13", "L met", package(*prepared(expires="3 11:00"), consignments=(by_van(),))),
    ("13", "L not_recorded", package(*prepared(expires="3 10:59"), consignments=(by_van(),))),
    ("13", "not_applicable", package(*prepared(), consignments=(soiled(),))),
    ("13", "not_applicable", package(*prepared())),
    # 14
    ("14", "L met", package(consignments=(by_van(),))),
    (
        "14",
        "L not_recorded",
        package(consignments=(stripped(by_van(), Deed.TAKEN_OVER, "seal", "count"),)),
    ),
    ("14", "L not_recorded", package(consignments=(stripped(by_van(), Deed.TAKEN_OVER, "seal"),))),
    ("14", "not_applicable", package()),
    # 15: van 6 h
    ("15", "L met", package(consignments=(by_van("3 16:00"),))),
    ("15", "L not_recorded", package(consignments=(by_van("3 16:01"),))),
    (
        "15",
        "L not_met",
        package(consignments=(by_van("3 16:01", steps=(event(Deed.ARRIVED, L, "3 16:01"),)),)),
    ),
    (
        "15",
        "L disputed",
        package(consignments=(by_van("3 16:01", steps=(event(Deed.ARRIVED, L, "3 16:00"),)),)),
    ),
    ("15", "L not_applicable", package(consignments=(by_van(None),), as_of="3 16:00")),
    ("15", "L not_recorded", package(consignments=(by_van(None),), as_of="3 16:01")),
    ("15", "D met", package(consignments=(flown("3 11:00"),))),
    ("15", "D not_met", package(consignments=(flown("3 11:01"),))),
    ("15", "D met", package(consignments=(flown("3 16:00", DIVERTED),))),
    ("15", "D not_met", package(consignments=(flown("3 16:01", DIVERTED),))),
    ("15", "not_applicable", package()),
    # 16
    ("16", "D met, L not_applicable", k2()),
    ("16", "L not_applicable", package(consignments=(by_van(),))),
    ("16", "L not_applicable", package(consignments=(by_van(None),))),
    ("16", "L met", package(consignments=(logged(temperature="within", shock="none"),))),
    ("16", "L not_met", package(consignments=(logged(temperature="within", shock="outside"),))),
    ("16", "L not_recorded", package(consignments=(logged(M1, temperature="outside"),))),
    (
        "16",
        "L disputed",
        package(consignments=(logged(M1, logged(route="within"), route="outside"),)),
    ),
    ("16", "L not_recorded", package(consignments=(logged(M1, temperature="within"),))),
    ("16", "L met", package(consignments=(logged(begun="3 08:00", ended="3 10:00"),))),
    ("16", "L not_recorded", package(consignments=(logged(begun="3 08:00", ended="3 09:59"),))),
    ("16", "L not_recorded", package(consignments=(logged(begun="3 11:01", ended="3 12:00"),))),
    ("16", "not_applicable", package()),
    # 17: 30 min
    (
        "17",
        "M1 met",
        package(consignments=(by_van("3 11:30", steps=(event(Deed.ARRIVED, M1, "3 11:00"),)),)),
    ),
    (
        "17",
        "M1 not_met",
        package(consignments=(by_van("3 11:31", steps=(event(Deed.ARRIVED, M1, "3 11:00"),)),)),
    ),
    (
        "17",
        "M1 not_recorded",
        package(consignments=(by_van("3 11:31", steps=(event(Deed.ARRIVED, L, "3 11:00"),)),)),
    ),
    (
        "17",
        "M1 not_recorded",
        package(consignments=(by_van(None, steps=(event(Deed.ARRIVED, L, "3 11:00"),)),)),
    ),
    (
        "17",
        "M1 not_applicable",
        package(
            consignments=(by_van(None, steps=(event(Deed.ARRIVED, L, "3 11:00"),)),),
            as_of="3 11:30",
        ),
    ),
    ("17", "not_applicable", package(consignments=(by_van(None),))),
    ("17", "M1 met", package(consignments=(refused("3 11:30"),))),
    ("17", "M1 not_met", package(consignments=(refused("3 11:31"),))),
    # 18
    ("18", "M1 met", package(*prepared(expires="4 10:00"), used(integrity="intact"))),
    (
        "18",
        "M1 not_met",
        package(*prepared(expires="4 09:59"), used(label="legible", integrity="intact")),
    ),
    ("18", "M1 not_recorded", package(*prepared(expires="4 09:59"), used(integrity="intact"))),
    ("18", "M1 not_recorded", package(*prepared(), used())),
    ("18", "M1 not_met", package(*prepared(), used(integrity="broken"))),
    ("18", "not_applicable", package(*prepared())),
    # 19: M1 reached 5 09:25
    ("19", "M1 met", package(used("5 09:25"), cycle=run_2241(FAIL), recalls=(RECALL,))),
    ("19", "M1 not_met", package(used("5 09:26"), cycle=run_2241(FAIL), recalls=(RECALL,))),
    (
        "19",
        "M1 not_recorded",
        package(
            event(Deed.USED, M1, "5 09:00", until="5 10:00"),
            cycle=run_2241(FAIL),
            recalls=(RECALL,),
        ),
    ),
    ("19", "not_applicable", package(used(), cycle=run_2241())),
    # 20
    ("20", "M1 met", package(used(indicator="pass", count=10))),
    ("20", "M1 not_met", package(used(indicator="fail", count=10))),
    ("20", "M1 met", package(used(indicator="missing", count=10))),
    ("20", "M1 not_readable", package(used(), unreadable=frozenset({Area.USE}))),
    ("20", "M1 not_recorded", package(used(indicator="pass"))),
    ("20", "M1 not_recorded", package(event(Deed.USED, M1, "4 10:00", indicator="pass", count=10))),
    ("20", "not_applicable", package(*prepared())),
    # 21: used 4 10:00, 24 h
    ("21", "M1 met", package(used(), consignments=(soiled(),))),
    ("21", "M1 not_met", package(used(), consignments=(soiled(closed=False),))),
    (
        "21",
        "M1 not_recorded",
        package(used(), consignments=(stripped(soiled(), Deed.DISPATCHED, "pretreated"),)),
    ),
    ("21", "M1 disputed", package(used(), count(closed=False), consignments=(soiled(),))),
    ("21", "M1 not_met", package(used("3 14:59"), consignments=(soiled(),))),
    ("21", "M1 met", package(used("3 15:00"), consignments=(soiled(),))),
    ("21", "M1 met", package(used(), count("5 10:00"))),
    ("21", "M1 not_recorded", package(used(), count("5 10:01"))),
    ("21", "M1 not_applicable", package(used(), as_of="5 10:00")),
    ("21", "M1 not_recorded", package(used(), as_of="5 10:01")),
    ("21", "not_applicable", package(*prepared())),
    # 22
    ("22", "M1 not_recorded, M2 not_recorded", asset(consignments=(LOAN,))),
    (
        "22",
        "M1 met, M2 not_recorded",
        asset(
            consignments=(
                consignment("A1", M1, M2, "3 10:00", "3 11:00", purpose="loan", condition="good"),
            )
        ),
    ),
    ("22", "M1 met, M2 met", asset(consignments=(looked_at(condition_is="damaged"),))),
    ("22", "not_applicable", asset()),
    # 23
    (
        "23",
        "M1 met",
        asset(
            used(),
            maintenance=(
                event(
                    Deed.MAINTAINED,
                    M1,
                    "1 08:00",
                    asset="scope",
                    work="maintenance",
                    next_due=iso("4 10:00"),
                ),
            ),
        ),
    ),
    (
        "23",
        "M1 not_met",
        asset(
            used(),
            maintenance=(
                event(
                    Deed.MAINTAINED,
                    M1,
                    "1 08:00",
                    asset="scope",
                    work="maintenance",
                    next_due=iso("4 09:59"),
                ),
            ),
        ),
    ),
    ("23", "M1 not_recorded", asset(used())),
    ("23", "not_applicable", asset()),
    # 24
    ("24", "M1 met", package(event(Deed.DAMAGED, M1, "4 10:00"))),
    ("24", "M1 met", package(event(Deed.DAMAGED, M1, "4 10:00", known="9 10:00"))),
    ("24", "L met, M1 not_applicable", replace(t07(), as_of=at("4 15:40"))),
    ("24", "L met, M1 not_recorded", replace(t07(), as_of=at("4 15:41"))),
    ("24", "not_applicable", package()),
    # 25
    ("25", "L met", package(*prepared(), shifts=(shift("3 05:00", "3 10:00"),))),
    ("25", "L met", package(*prepared(), shifts=(shift("3 05:00", "3 09:15"),))),
    ("25", "L not_met", package(*prepared(), shifts=(shift("3 05:00", "3 09:14"),))),
    ("25", "L not_recorded", package(*prepared())),
    ("25", "L met", package(event(Deed.STORED, L, "3 10:00", custody="device"))),
    ("25", "not_applicable", package()),
    # 26
    ("26", "M1 not_recorded, M2 not_recorded", asset(consignments=(LOAN,), is_loaner=True)),
    (
        "26",
        "M1 met, M2 not_recorded",
        asset(
            is_loaner=True,
            consignments=(
                consignment("A1", M1, M2, "3 10:00", "3 11:00", purpose="loan", instruments=40),
            ),
        ),
    ),
    ("26", "M1 met, M2 met", asset(is_loaner=True, consignments=(looked_at(instruments=0),))),
    ("26", "not_applicable", asset(consignments=(LOAN,))),
    (
        "26",
        "not_applicable",
        asset(is_loaner=True, consignments=(replace(LOAN, purpose="soiled"),)),
    ),
    # 27
    ("27", "L met", package(count(), consignments=(soiled(),))),
    ("27", "L not_met", package(count("5 00:00"), consignments=(soiled(),))),
    ("27", "L met", package(count("4 23:59"), consignments=(soiled(),))),
    ("27", "L not_recorded", package(consignments=(soiled(),))),
    ("27", "L not_applicable", package(consignments=(soiled(),), as_of="4 20:00")),
    ("27", "L not_recorded", package(count(second_person=None), consignments=(soiled(),))),
    ("27", "L met", package(count(n=9, known="5 17:00"), consignments=(soiled(),))),
    ("27", "L not_recorded", package(count(n=9, known="5 17:01"), consignments=(soiled(),))),
    (
        "27",
        "L met",
        package(count(second_person=None, alone_on_shift=True), consignments=(soiled(),)),
    ),
    ("27", "not_applicable", package()),
    # 28: flash-sterilised, 4 h from 3 08:50
    ("28", "M1 met", package(event(Deed.STORED, M1, "3 12:00", conditions="within"))),
    ("28", "M1 not_met", package(event(Deed.STORED, M1, "3 12:00", conditions="outside"))),
    ("28", "M1 not_recorded", package(event(Deed.STORED, M1, "3 12:00"))),
    ("28", "L met", package(used("3 12:50", L), cycle=cycle(1, flash=True))),
    ("28", "L not_met", package(used("3 12:51", L), cycle=cycle(1, flash=True))),
    ("28", "not_applicable", package(used("3 12:51", L), cycle=cycle(1))),
]


@pytest.mark.parametrize(
    "rule,expected,judged",
    [pytest.param(*row, id=f"{row[0]}-{row[1]}-{n}") for n, row in enumerate(TABLE)],
)
def test_a_rule_finds_what_is_recorded(rule: str, expected: str, judged: Case) -> None:
    assert word(judged, rule) == expected


def test_an_automatic_pad_has_nobody_who_looked() -> None:
    taken = event(Deed.TAKEN_OVER, D, "3 10:00", vehicle="drone", automatic=True)
    sent = consignment("K", L, M1, "3 10:00", "3 10:40")
    flown = replace(sent, steps=(sent.steps[0], taken, sent.steps[2]))
    assert word(package(consignments=(flown,)), "14") == "D not_applicable"


def test_a_seal_that_changed_asks_for_a_record_of_it() -> None:
    changed = by_van("3 11:00")
    end = replace(changed.steps[2], facts={"seal": "9"})
    sent = replace(changed, steps=(*changed.steps[:2], end))
    assert word(package(consignments=(sent,)), "15") == "L not_recorded"
    resealed = replace(sent, steps=(*sent.steps, event(Deed.RESEALED, L, "3 10:30", seal="9")))
    assert word(package(consignments=(resealed,)), "15") == "L met"


LOG = Deed.TRANSPORT_LOG


def test_a_log_outside_its_limits_is_the_carriers_own_record() -> None:
    judged = k2()
    steps = tuple(
        replace(s, facts={"transport_log": "outside"}) if s.unit == D and s.deed is LOG else s
        for s in judged.consignments[0].steps
    )
    outside = replace(judged, consignments=(replace(judged.consignments[0], steps=steps),))
    assert word(outside, "16") == "D not_met, L not_applicable"
    silent = tuple(s for s in steps if s.deed is not LOG)
    missing = replace(judged, consignments=(replace(judged.consignments[0], steps=silent),))
    assert word(missing, "16") == "D not_recorded, L not_recorded"
    van = event(LOG, L, "3 10:00", until="3 14:10", temperature="within")
    shared = (replace(judged.consignments[0], steps=(*silent, van)),)
    assert word(replace(judged, consignments=shared), "16") == "D not_recorded, L met"


def test_another_unit_s_seen_is_no_notice_of_an_early_release() -> None:
    """A01 was used by L: that M1 saw the result tells L nothing."""
    own = a01()
    theirs = replace(own, comments=tuple(replace(c, unit=M1) for c in own.comments))
    assert word(own, "7") == "L met"
    assert word(theirs, "7") == "L not_recorded"
    assert word(replace(theirs, as_of=at("5 12:05")), "7") == "L not_applicable"


def test_a_recall_that_reached_it_before_the_result_was_read_tells_no_result() -> None:
    """A01's result is read on 5 November, 08:05."""
    for reached, expected in (("4 10:00", "not_recorded"), ("5 08:20", "met")):
        recall = replace(
            RECALL, machine="s1", first=5103, last=5103, steps=(event(Deed.REACHED, L, reached),)
        )
        judged = replace(a01(None, "fail"), recalls=(recall,))
        found = {each.of: each.word for each in of(judged, "7")}
        assert found["S1/5103"] == expected, found


def test_what_the_gate_said_at_the_use_stands_beside_and_is_no_notice() -> None:
    silent = recalled(None, None)
    judged = replace(silent, history=(used("6 10:00", against="no: recalled"),))
    assert word(judged, "19") == "M1 not_applicable"
    (found,) = of(judged, "19")
    assert [why.en for why in found.why] == [
        "when its use was recorded, the gate said that it was recalled",
        "no notice had reached M1",
    ]


def test_a_notice_that_was_sent_stands_beside_its_reaching_nobody() -> None:
    (told, asked) = of(recalled(None, None), "7")
    assert "a notice to M1 was sent at 2026-11-05 09:12; sent is not reached" in told.why[0].en
    assert (asked.word, asked.why[-1].en) == (
        Word.NOT_APPLICABLE, "no notice is known to have reached M1",
    )  # fmt: skip


def test_who_is_told_of_an_early_release_is_who_got_it_before_anybody_used_it() -> None:
    own = a01()
    unused = tuple(e for e in own.history if e.deed is not Deed.USED)
    cycle_ = own.cycle
    assert cycle_ is not None
    early = replace(cycle_, decisions=tuple(
        replace(d, facts={**d.facts, "released_to": str(M2)}) for d in cycle_.decisions
    ))  # fmt: skip
    waits = replace(own, history=unused, cycle=early)
    assert word(waits, "7") == "L not_recorded", "L's own seen is not M2's"
    seen = tuple(replace(c, unit=M2) for c in own.comments)
    assert word(replace(waits, comments=seen), "7") == "L met"


def test_what_overlaps_says_nothing_of_which_came_first() -> None:
    """Released 10:15; it left at about 10:00 to 10:30."""
    released = cycle(1, released="3 10:15")
    left = event(Deed.ISSUED, L, "3 10:00", until="3 10:30")
    assert word(package(left, cycle=released), "2") == "L not_recorded"
    assert word(package(event(Deed.ISSUED, L, "3 10:16"), cycle=released), "2") == "L met"


def test_an_indicator_that_was_missing_stands_beside_the_assembly_and_harms_nobody() -> None:
    judged = package(*prepared(), used(indicator="missing", count=10))
    assert (word(judged, "11"), word(judged, "20")) == ("L met", "M1 met")
    assert any("found no indicator inside" in why.en for why in of(judged, "11")[0].why)


def test_an_asset_that_its_owner_found_unfit_is_no_duty_of_the_owner_s_not_met() -> None:
    unfit = event(Deed.MAINTAINED, M1, "3 08:00", asset="scope", work="maintenance",
                  next_due=iso("30 12:00"), outcome="not_fit_for_use")  # fmt: skip
    judged = asset(used(), maintenance=(unfit,))
    assert word(judged, "23") == "M1 met"
    assert any("not fit for use" in why.en for why in of(judged, "23")[0].why)


def test_every_area_that_is_not_held_here_is_said_so_by_every_rule_that_reads_it() -> None:
    for rule in RULES:
        kind = SubjectKind.ASSET if rule.applies_to == {SubjectKind.ASSET} else SubjectKind.PACKAGE
        judged = package(kind=kind, unreadable=frozenset({rule.area}))
        assert word(judged, rule.id) == "not_readable", rule.id


def test_without_the_terms_no_rule_that_reads_them_says_met_or_not_met() -> None:
    reads = {rule.id: bool(rule.terms) for rule in RULES}
    for rule, _, judged in TABLE:
        blind = replace(judged, unreadable=judged.unreadable | {Area.TERMS})
        if reads[rule]:
            assert {f.word for f in of(blind, rule)} <= {Word.NOT_APPLICABLE, Word.NOT_READABLE}


def test_an_early_release_needs_its_indicator_to_pass() -> None:
    failed = a01()
    assert failed.cycle is not None
    results = tuple(
        replace(r, facts={**r.facts, "word": "fail"}) if r.fact("result") == "lumen_pcd" else r
        for r in failed.cycle.results
    )
    judged = replace(failed, cycle=replace(failed.cycle, results=results))
    assert word(judged, "2") == "L not_met"


def test_an_outage_puts_off_a_record_but_not_a_deed() -> None:
    """M1 received 40 minutes after the arrival; its system was down until 11:20."""
    late = by_van("3 11:40", steps=(event(Deed.ARRIVED, M1, "3 11:00"),))
    down = event(
        Deed.OUTAGE, M1, "3 10:50", known="3 12:00",
        begun_at=iso("3 10:50"), ended_at=iso("3 11:20"),
    )  # fmt: skip
    assert word(package(consignments=(late,)), "17") == "M1 not_met"
    assert word(package(consignments=(late,), outages=(down,)), "17") == "M1 met"
    undeclared = replace(down, source=replace(down.source, known=at("4 11:21")))
    assert word(package(consignments=(late,), outages=(undeclared,)), "17") == "M1 not_met"
    van = by_van("3 16:01", steps=(event(Deed.ARRIVED, L, "3 16:01"),))
    assert word(package(consignments=(van,), outages=(replace(down, unit=L),)), "15") == "L not_met"


def test_opening_hours_of_the_terms_put_off_a_receipt() -> None:
    night = by_van("4 08:20", steps=(event(Deed.ARRIVED, M1, "3 22:00"),))
    document = {
        **default_terms().document,
        "opening_hours": {"opens": "08:00", "closes": "18:00", "source": "group rule"},
    }
    terms = replace(default_terms(), version=1, document=document)
    assert word(package(consignments=(night,)), "17") == "M1 not_met"
    assert word(package(consignments=(night,), terms=(terms,)), "17") == "M1 met"


def test_the_receipt_of_a_unit_that_was_closed_says_nothing_of_when_it_came() -> None:
    """L was there at 15:30, in time; M1 had closed at 15:00, and signs when it opens."""
    hours = {"opens": "08:00", "closes": "15:00"}
    document = {**default_terms().document, "opening_hours_by_unit": {str(M1): hours}}
    terms = replace(default_terms(), version=1, document=document)
    came = by_van("4 08:20", steps=(event(Deed.ARRIVED, L, "3 15:30"),))
    closed = package(consignments=(came,), terms=(terms,))
    assert (word(closed, "15"), word(closed, "17")) == ("L met", "M1 met")
    assert any("M1 was closed when it came" in why.en for why in of(closed, "17")[0].why)
    assert word(package(consignments=(came,)), "15") == "L disputed"
    late = by_van("4 08:40", steps=(event(Deed.ARRIVED, L, "3 15:30"),))
    (found,) = of(package(consignments=(late,), terms=(terms,)), "17")
    assert (found.word, found.holder) == (Word.NOT_RECORDED, M1)
    said = {why.en for why in found.why}
    assert "M1 has not answered to it" in said
    assert not any("nothing recorded" in each for each in said)


def test_two_person_rules_do_not_hold_for_a_health_centre_of_two() -> None:
    document = {**default_terms().document, "unit_classes": {str(L): "health_centre"}}
    terms = replace(default_terms(), version=1, document=document)
    alone = handed(**PACKED | {"second_person": None})
    assert word(package(alone, terms=(terms,)), "11") == "L met"
    assert word(package(alone), "11") == "L not_recorded"


def test_what_this_instance_does_not_hold_is_never_called_not_recorded() -> None:
    judged = package(*prepared(washed=False), unreadable=frozenset({Area.PACKAGE}))
    assert word(judged, "10") == "L not_readable"
    assert word(package(unreadable=frozenset({Area.TRANSPORT})), "13") == "not_readable"


def test_about_leaves_an_edge_open() -> None:
    about = event(Deed.ARRIVED, L, "3 15:50", until="3 16:10")
    judged = package(consignments=(by_van(None, steps=(about,)),))
    assert word(judged, "15") == "L not_recorded"


# ---------------------------------------------------------------- as data


def test_there_are_28_rules_with_words_in_both_languages_and_a_source() -> None:
    assert [rule.id for rule in RULES] == [str(n) for n in range(1, 29)]
    for rule in RULES:
        plain = rule_to_plain(rule)
        assert plain["source"]
        for each in (rule.title, rule.words, rule.why_not(package())):
            assert each.en
            assert any("\u4e00" <= c <= "\u9fff" for c in each.zh)
    assert {r.id for r in RULES if r.is_critical} == CRITICAL
    assert len(rules_sha256()) == 64


def test_every_term_that_a_rule_names_is_in_the_terms() -> None:
    for rule in RULES:
        for name in rule.terms:
            assert default_terms().source(name)


def test_every_rule_and_every_word_that_it_can_answer_stands_in_the_table() -> None:
    told: dict[str, set[str]] = {}
    for rule, expected, _ in TABLE:
        told.setdefault(rule, set()).update(w.split()[-1] for w in expected.split(", "))
    missing = {r.id for r in RULES} - told.keys()
    assert missing == set()
    for rule, words in told.items():
        assert Word.MET in words, rule
        assert Word.NOT_APPLICABLE in words, rule


def test_a_sealer_that_failed_and_passed_before_the_packing_passed_its_test() -> None:
    tests = [event(Deed.SEAL_TESTED, L, "3 06:01", passed=False),
             event(Deed.SEAL_TESTED, L, "3 06:05", passed=True)]  # fmt: skip
    packed = {name: value for name, value in PACKED.items() if name != "heat_sealed"}
    assert word(package(*tests, handed(**packed)), "11") == "L met"
    assert word(package(*reversed(tests), handed(**packed)), "11") == "L met"
    late = event(Deed.SEAL_TESTED, L, "3 06:20", passed=False)
    assert word(package(*tests, late, handed(**packed)), "11") == "L not_met"


def test_a_failed_device_in_the_test_pack_is_not_outshone_by_the_strip_beside_it() -> None:
    results = [*RUN.results, result("lumen_pcd", "fail", "3 09:00")]
    assert word(package(cycle=replace(RUN, results=tuple(results))), "8") == "L not_met"


def test_a_shift_is_held_against_when_it_was_signed_not_when_it_happened() -> None:
    late = event(Deed.ASSEMBLED, L, "3 06:30", known="3 20:00")
    judged = package(late, shifts=(shift("3 06:00", "3 14:00"),))
    assert word(judged, "25") == "L not_met"
    assert "signed 2026-11-03 20:00" in of(judged, "25")[0].why[0].en


def test_an_outage_that_nobody_ended_puts_no_record_off_for_ever() -> None:
    down = event(Deed.OUTAGE, M1, "3 11:00", begun_at=iso("3 11:00"))
    came = event(Deed.ARRIVED, M1, "3 11:00")
    late = by_van("9 10:00")
    sent = replace(late, steps=(*late.steps, came))
    judged = package(consignments=(sent,), outages=(down,))
    assert word(judged, "17") == "M1 not_met"


def test_anothers_word_about_a_repair_asks_for_no_passes() -> None:
    theirs = event(Deed.MAINTAINED, M1, "2 12:00", work="repair", asset="s2")
    assert word(package(cycle=RUN, maintenance=(theirs,)), "12") == "L met"

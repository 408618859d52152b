"""What no history may bring about, whatever happened in it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.domain.duties.answering import answer, answer_to_plain, list_findings
from ledger.domain.duties.case import Case, Consignment, Deed, Event, How
from ledger.domain.duties.findings import SEVERITY, Finding, Ground, Stance, Word, comments_on
from ledger.domain.duties.interval import intervals
from ledger.domain.encoding.canonical import canonical
from tests.domain.duties.kit import (
    M1,
    M2,
    M3,
    S2,
    L,
    at,
    biological,
    bowie_dick,
    case,
    chemical,
    cycle,
    event,
    iso,
)
from tests.domain.duties.test_rules import CRITICAL
from tests.domain.duties.test_scenario import FAIL, RECALL, SERIES, run_2241

UNITS = (L, M1, M2, M3)
MARKER = "Wang Fang"
FREE_TEXT: dict[str, Any] = {"reason": MARKER, "text": MARKER, "place": MARKER, "condition": MARKER,
             "special_infection": MARKER}  # fmt: skip

moments = st.builds(
    lambda day, hour, minute: f"{day} {hour:02}:{minute:02}",
    st.integers(2, 6), st.integers(0, 23), st.sampled_from((0, 15, 30, 59)),
)  # fmt: skip
maybe = st.sampled_from((None, True, False))
counts = st.sampled_from((None, 9, 10))
FACTS: dict[Deed, dict[str, Any]] = {
    Deed.WASHED: {"a0": st.sampled_from((None, "met", "not_met"))},
    Deed.ASSEMBLED: {
        "count": counts, "expected": st.just(10), "second_person": maybe, "heat_sealed": maybe,
        "expires_at": st.one_of(st.none(), moments.map(iso)),
    },
    Deed.SEAL_TESTED: {"passed": maybe},
    Deed.UNLOADED: {"dry": maybe},
    Deed.EXCLUDED: {},
    Deed.STORED: {"conditions": st.sampled_from((None, "within", "outside"))},
    Deed.OPENED: {
        "count": counts, "expected": st.just(10),
        "integrity": st.sampled_from((None, "intact", "broken")),
    },
    Deed.USED: {
        "label": st.sampled_from((None, "legible")),
        "indicator": st.sampled_from((None, "pass", "fail", "missing")),
        "case_token": st.sampled_from((None, "c1")),
    },
    Deed.SOILED_COUNTED: {"count": counts, "expected": st.just(10), "second_person": maybe,
                          "closed": maybe},
    Deed.WET: {}, Deed.DAMAGED: {}, Deed.MISSING: {}, Deed.FOUND: {}, Deed.HELD: {},
    Deed.LIFTED: {},
}  # fmt: skip
STEPS: dict[Deed, dict[str, Any]] = {
    Deed.DISPATCHED: {"seal": st.sampled_from((None, "1")), "closed": maybe, "pretreated": maybe},
    Deed.TAKEN_OVER: {
        "seal": st.sampled_from((None, "1", "2")), "count": counts,
        "vehicle": st.sampled_from(("van", "drone")),
    },
    Deed.DIVERTED: {},
    Deed.TRANSPORT_LOG: {
        "transport_log": st.sampled_from((None, "none", "within", "outside")),
        "temperature": st.sampled_from((None, "none", "within", "outside")),
    },
    Deed.ARRIVED: {"to": st.sampled_from((None, *UNITS))},
    Deed.HANDED_OVER: {}, Deed.RESEALED: {}, Deed.MISSING: {}, Deed.FOUND: {},
    Deed.RECEIVED: {
        "seal": st.sampled_from((None, "1", "2", "broken")),
        "of_package": st.sampled_from((None, "accepted", "missing", "refused")),
    },
    Deed.REFUSED: {},
    Deed.TAKEN_BACK: {},
}  # fmt: skip


@st.composite
def events(draw: Any, table: dict[Deed, dict[str, Any]], units: tuple[int, ...] = UNITS) -> Event:
    deed = draw(st.sampled_from(sorted(table)))
    facts = {name: draw(each) for name, each in table[deed].items()}
    return event(
        deed, draw(st.sampled_from(units)), draw(moments),
        how=draw(st.sampled_from((How.SCANNED, How.TYPED, How.PRINTED, How.PAPER, How.INFERRED))),
        custody=draw(st.sampled_from(("station", "device"))), **FREE_TEXT, **facts,
    )  # fmt: skip


@st.composite
def consignments(draw: Any) -> Consignment:
    giver, receiver = draw(st.permutations(UNITS))[:2]
    name = draw(st.sampled_from(("K1", "K2")))
    return Consignment(
        id=name, name=name, giver=giver, receiver=receiver,
        purpose=draw(st.sampled_from(("clean", "soiled"))),
        steps=tuple(draw(st.lists(events(STEPS), max_size=5))),
    )  # fmt: skip


runs = st.sampled_from(
    (
        None,
        run_2241(),
        run_2241(FAIL),
        run_2241(biological("pass", "5 09:00", "3 08:55")),
        cycle(2241, verdict="failed"),
        cycle(2241, released=None),
        cycle(2241, results=[]),
        cycle(2241, S2, decision="emergency_release", results=chemical(L, "3 09:00")),
        cycle(2241, S2, biological=None, machine__state=None, **FREE_TEXT),
    )
)


@st.composite
def cases(draw: Any) -> Case:
    history = draw(st.lists(events(FACTS), max_size=8))
    moved = tuple(draw(st.lists(consignments(), max_size=2, unique_by=lambda c: c.name)))
    spoken = [*history, *(s for c in moved for s in c.steps)]
    comments = [
        event(
            Deed.COMMENTED, draw(st.sampled_from(UNITS)), "6 10:00",
            about=draw(st.sampled_from(spoken)).source.operation,
            stance=draw(st.sampled_from(("agrees", "disagrees", "seen", "statement"))), text=MARKER,
        )
        for _ in range(draw(st.integers(0, 3)) if spoken else 0)
    ]  # fmt: skip
    return case(
        "7 12:00",
        cycle=draw(runs),
        series=draw(st.sampled_from(((), SERIES, (bowie_dick(2240, "3 06:10", word="fail"),)))),
        history=tuple(history),
        consignments=moved,
        comments=tuple(comments),
        recalls=draw(st.sampled_from(((), (RECALL,)))),
    )


def by_key(findings: list[Finding]) -> dict[tuple[str, int, str], Finding]:
    found: dict[tuple[str, int, str], Finding] = {}
    for each in findings:
        key = (each.rule, each.holder, each.of)
        if key not in found or SEVERITY[found[key].word] < SEVERITY[each.word]:
            found[key] = each
    return found


MANY = settings(
    max_examples=60, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@MANY
@given(cases())
def test_not_met_rests_on_a_machine_the_holder_the_chain_or_an_agreement(judged: Case) -> None:
    for finding in list_findings(judged):
        if finding.word is not Word.NOT_MET:
            continue
        against = [m for m in finding.marks if m.stance is Stance.AGAINST]
        assert any(m.ground is not Ground.OTHER for m in against), finding
        assert any(speaks(judged, each, finding.holder) for m in against for each in m.events)


def speaks(judged: Case, each: Event, holder: int) -> bool:
    """Whether an event is more than another's word."""
    agreed = any(c.fact("stance") == "agrees" for c in comments_on(judged, each, holder))
    return each.unit == holder or each.how is How.PRINTED or agreed


@MANY
@given(cases(), st.sampled_from(UNITS), moments, st.integers(0, 48))
def test_a_declared_outage_makes_nothing_worse(
    judged: Case, unit: int, begun: str, hours: int
) -> None:
    end = at(begun) + timedelta(hours=hours)
    down = event(
        Deed.OUTAGE, unit, begun, begun_at=iso(begun),
        ended_at=end.isoformat().replace("+00:00", "Z"),
    )  # fmt: skip
    before, after = (
        by_key(list_findings(each)) for each in (judged, replace(judged, outages=(down,)))
    )
    assert before.keys() == after.keys()
    for key, finding in after.items():
        assert SEVERITY[finding.word] <= SEVERITY[before[key].word], key


@MANY
@given(cases(), st.sampled_from((Deed.WET, Deed.DAMAGED, Deed.MISSING)), moments)
def test_who_reports_a_defect_of_what_another_handed_over_stands_no_worse(
    judged: Case, deed: Deed, when: str
) -> None:
    told = event(deed, M3, when)
    before = by_key(list_findings(judged))
    after = by_key(list_findings(replace(judged, history=(*judged.history, told))))
    for key, finding in after.items():
        if key[1] == M3:
            was = SEVERITY[before[key].word] if key in before else 0
            assert SEVERITY[finding.word] <= was, (key, finding)


THEIRS: dict[Deed, dict[str, Any]] = {
    Deed.WET: {}, Deed.DAMAGED: {}, Deed.MISSING: {}, Deed.SOILED_COUNTED: {"closed": maybe},
    Deed.FOUND: {}, Deed.OPENED: {"indicator": st.just("missing")},
}  # fmt: skip


@MANY
@given(cases(), events(THEIRS, units=(M3,)), st.booleans(), moments)
def test_another_partys_statement_never_turns_into_not_met(
    judged: Case, said: Event, arrives: bool, when: str
) -> None:
    said = replace(said, how=How.TYPED)
    more = replace(judged, history=(*judged.history, said))
    if arrives and judged.consignments:
        first, *rest = judged.consignments
        theirs = (
            event(Deed.ARRIVED, M3, when), event(Deed.TRANSPORT_LOG, M3, when, shock="outside"),
        )  # fmt: skip
        more = replace(more, consignments=(replace(first, steps=(*first.steps, *theirs)), *rest))
    before = by_key(list_findings(judged))
    for key, finding in by_key(list_findings(more)).items():
        if key[1] != M3 and finding.word is Word.NOT_MET:
            assert before[key].word is Word.NOT_MET, (key, finding)


@MANY
@given(cases(), st.randoms(use_true_random=False))
def test_an_answer_does_not_depend_on_the_order_of_entry(
    judged: Case, chance: random.Random
) -> None:
    def turned(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(chance.sample(items, len(items)))

    other = replace(
        judged,
        history=turned(judged.history),
        series=turned(judged.series),
        comments=turned(judged.comments),
        consignments=tuple(replace(c, steps=turned(c.steps)) for c in judged.consignments),
    )
    assert canonical(answer_to_plain(answer(other))) == canonical(answer_to_plain(answer(judged)))


@MANY
@given(cases())
def test_no_free_text_and_so_no_name_stands_in_what_is_found(judged: Case) -> None:
    plain = answer_to_plain(answer(judged))
    own_words = plain.pop("statements")
    assert MARKER not in json.dumps(plain, ensure_ascii=False)
    assert json.dumps(own_words, ensure_ascii=False).count(MARKER) == len(judged.comments)


@MANY
@given(cases())
def test_the_head_points_nowhere_only_where_every_duty_of_release_is_shown(judged: Case) -> None:
    found = answer(judged)
    if "Nothing recorded points" in found.head.en:
        critical = [f for f in found.findings if f.rule in CRITICAL]
        assert {f.word for f in critical} <= {Word.MET, Word.NOT_APPLICABLE}
        assert judged.cycle is not None
        assert judged.cycle.word("biological") != "fail"
        assert not judged.recalls
    for word in ("fault", "guilty", "negligen", "cause"):
        assert word not in found.head.en.lower()


@MANY
@given(cases(), moments)
def test_what_is_inferred_narrows_no_interval(judged: Case, when: str) -> None:
    unseen = event(Deed.UNLOADED, L, when, how=How.INFERRED, dry=True)
    more = replace(judged, history=(*judged.history, unseen))
    assert [(i.last_good, i.first_bad) for i in intervals(more)] == [
        (i.last_good, i.first_bad) for i in intervals(judged)
    ]


@MANY
@given(cases())
def test_what_happened_by_now_is_judged_as_now(judged: Case) -> None:
    last = max((e.at for e in judged.events()), default=judged.as_of)
    assert replace(judged, as_of=max(last, judged.as_of)).at_its_moment().history == judged.history

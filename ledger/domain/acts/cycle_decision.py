"""A person decides over the whole cycle, and names what was judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ledger.domain.acts import rules as common
from ledger.domain.acts.decisions import (
    MAX_SHARES,
    RELEASES,
    USABLE,
    DecisionKind,
    DecisionState,
    next_state,
    require_shares,
)
from ledger.domain.acts.load_declaration import PACKAGE_CLASS
from ledger.domain.acts.vocabulary import (
    DIGEST,
    Act,
    Choice,
    Each,
    Facts,
    Field,
    Fixed,
    Given,
    Lines,
    Message,
    Named,
    OneOf,
    PackageNamed,
    Photo,
    Recorded,
    Records,
    View,
    Whole,
    Words,
    cycle_field,
    integer,
    items,
    lines_field,
    optional_field,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import (
    BAD_RESULTS,
    NOT_ENTERED,
    RESULT_NAMES,
    RESULT_WORDS,
    Contract,
    Outcome,
    Right,
    Verdict,
)
from ledger.domain.callers import Scope
from ledger.domain.custody.counting import (
    LINE_DEEDS,
    require_added_sound,
    require_lines_of_load,
    require_shares_counted,
)
from ledger.domain.custody.lines import PackageLine, rows_of, text_or_none
from ledger.domain.custody.standing import PASSES_TO_RETURN, suspended
from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import Conflict, Refused
from ledger.domain.subjects.states import CycleState, ShareState, UnitState

Shares = Sequence[Mapping[str, Scalar]]


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shares in the contract's order; who pays is who owns unless it is said."""
    shares = [{**s, "payer": s.get("payer") or s["owner"]} for s in values.get("shares") or ()]
    ordered = sorted(shares, key=lambda s: (s["owner"], s["payer"], s["package_class"]))
    return {**values, "shares": ordered}


# ---------------------------------------------------------------- the contract's rules


def rules(message: Message, view: View) -> None:
    """As CycleLedger._decide.

    Whatever makes packages usable needs a releasable cycle: a release, the lift of a hold that
    returns to one, and a correction that adds packages to one.
    """
    cycle = common.named_cycle(message, view)
    common.require_current(message, cycle.decision, what="a decision")
    for name, current in (("ending", cycle.ending), ("load", cycle.load)):
        if word(message, name) != current:
            raise Conflict(
                f"judges another {name} than the current one",
                field=name,
                rule="a decision names the digests that it judges",
                remedy="look at the cycle again and decide on what it says now",
            )
    kind, shares = DecisionKind(integer(message, "kind")), items(message, "shares")
    if makes_usable(cycle.state, kind, adds=_adds(shares)):
        _require_releasable(cycle)
    declared = {number: count.declared for number, count in cycle.counts.items()}
    released = {number: count.released for number, count in cycle.counts.items()}
    require_shares(cycle.state, kind, shares, declared, released)
    for number, field, adds in parties(shares):
        require = common.require_open_unit if adds else common.require_known_unit
        require(view.find(UnitState, number), number, field=field)


def parties(shares: Shares) -> Iterator[tuple[int, str, bool]]:
    """Each unit that shares name, where, and whether any of those shares adds packages.

    The place is the first share that adds, or else the first of all.  Packages of a unit that was
    closed meanwhile can still be taken back, and none be added.
    """
    found: dict[int, tuple[str, bool]] = {}
    for position, share in enumerate(shares):
        adds = cast("int", share["delta"]) > 0
        for name in ("owner", "payer"):
            number = cast("int", share[name])
            if number not in found or (adds and not found[number][1]):
                found[number] = (f"shares[{position}].{name}", adds)
    return ((number, field, adds) for number, (field, adds) in found.items())


def makes_usable(state: DecisionState, kind: DecisionKind, *, adds: bool) -> bool:
    """Whether a decision makes packages usable; raises Refused where it is not allowed at all."""
    if next_state(state, kind) not in USABLE:
        return False
    return adds or kind in RELEASES or kind is DecisionKind.LIFT


def _adds(shares: Shares) -> bool:
    return any(cast("int", share["delta"]) > 0 for share in shares)


def _require_releasable(cycle: CycleState) -> None:
    if cycle.ending == ZERO_DIGEST:
        raise Refused(
            "the cycle cannot be released: it has not ended",
            field="decision",
            rule="a release judges an ending",
        )
    if cycle.outcome is not Outcome.COMPLETED:
        how = "was aborted" if cycle.outcome is Outcome.ABORTED else "has no known outcome"
        raise Refused(
            f"the cycle cannot be released: by the machine's own word it {how}",
            field="decision",
            rule="only a completed cycle is released",
            remedy="reject it, and sterilise the load again",
        )
    if cycle.verdict is Verdict.FAILED:
        raise Refused(
            "the cycle cannot be released: its readings failed the named profile",
            field="decision",
            rule="a load whose physical result failed is not released",
            remedy="reject it; or amend the ending if the wrong profile was named",
        )
    if cycle.load == ZERO_DIGEST:
        raise Refused(
            "the cycle cannot be released: its load is not declared",
            field="decision",
            rule="not declared is not zero",
            remedy="declare the load first: steriledger cycle load",
        )


# ---------------------------------------------------------------- rules over records


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:
    """Nothing becomes usable against a result that is known, here or from an earlier record.

    Source: WS 310.3-2016 §4.4.  A release is the last word: where a biological indicator lies in
    the load, or its result was awaited, it passed; a load with an implant is released only after
    that, but for the early release in an emergency, which is a decision of its own.
    """
    cycle = common.named_cycle(message, view)
    kind = DecisionKind(integer(message, "kind"))
    _require_counts(cycle, next_state(cycle.state, kind), message, facts, records)
    if not makes_usable(cycle.state, kind, adds=_adds(items(message, "shares"))):
        return
    opening = records.facts_of(cycle.opening)
    _require_in_service(opening)
    _require_not_recalled(cycle, records)
    _require_readings(cycle, facts, records)
    known = {**known_results(records.facts_about(cycle.id, *RESULTS_IN)), **_entered(facts)}
    bad = sorted(name for name, result in known.items() if result in BAD_RESULTS)
    if bad:
        raise Refused(
            f"{', '.join(bad)} did not pass",
            field="results",
            rule="a load with a failed or invalid monitoring result is not released",
            remedy="reject, hold or recall it; or enter the result of the repeated test",
        )
    _require_biological(cycle.state, kind, opening, known.get("biological", NOT_ENTERED))


def _require_counts(
    cycle: CycleState, after: DecisionState, message: Message, facts: Facts, records: Records
) -> None:
    """What the lines say for each owner, payer and class is what the shares say."""
    if cycle.load == ZERO_DIGEST:
        return
    load = records.facts_of(cycle.load)
    told = [*records.facts_about(cycle.id, "CycleDecision", "PackageDecision"), facts]
    require_lines_of_load(load, facts)
    require_added_sound(told)
    if after in USABLE and items(message, "shares"):
        require_shares_counted(load, told)
    elif after is DecisionState.RECALLED:
        require_shares_counted(load, told, is_recalled=True)


def _require_not_recalled(cycle: CycleState, records: Records) -> None:
    """Nothing of a recalled range is released, and nothing of a suspended machine."""
    if any(order.covers(cycle.epoch, cycle.number) for order in records.orders_of(cycle.equipment)):
        raise Refused(
            "the cycle is in a range that was ordered back",
            field="decision",
            rule="what is recalled is final: its packages are reprocessed",
        )
    suspension = suspended(records.suspensions_of(cycle.equipment))
    if suspension is not None:
        raise Refused(
            f"the machine is suspended since a recall: {suspension.passes} of "
            f"{PASSES_TO_RETURN} biological passes in a row",
            field="decision",
            rule="a machine returns to service after three passes of cycles since its suspension",
            remedy="run the cycles of the requalification, and enter their results",
        )


def _require_in_service(opening: Facts) -> None:
    if opening["machine.state"] != "in_service":
        raise Refused(
            "the cycle ran on a machine that was not in service",
            field="decision",
            rule="nothing is released from a machine that is out of service or retired",
            remedy="reject it, and sterilise the load again",
        )


def _require_readings(cycle: CycleState, facts: Facts, records: Records) -> None:
    """No self-test, no reading without what its profile needs, and none against it unanswered."""
    ending = records.facts_of(cycle.ending)
    if ending["verdict.profile_kind"] == "test":
        raise Refused(
            f"the cycle was a test: {ending['verdict.profile_title']}",
            field="decision",
            rule="a test of the machine has no load that is released",
            remedy="amend the ending with the profile, if the programme's name misleads",
        )
    if (ending["verdict.hold_check"], ending["verdict.saturation_check"]) == (
        "met",
        "not_enough_data",
    ):
        raise Refused(
            f"nothing shows saturated steam, which {ending['verdict.profile']} needs",
            field="decision",
            rule="what a profile needs is not released by leaving it out",
            remedy="amend the ending with a reading that has the pressures, and for gauge "
            "pressures the ambient pressure; or name a profile that needs none",
        )
    against = [
        str(entry["reasons"])
        for entry in records.facts_about(cycle.id, "ReadingEntry")
        if entry["beside"] == "contradicts"
    ]
    if ending["verdict.result"] == "not_enough_data":
        against.append(f"the readings are not enough for {ending['verdict.profile']}")
    if against and facts["reason"] is None:
        raise Refused(
            "; ".join(against),
            field="reason",
            rule="who releases against a reading says why, and it is recorded",
            remedy="look at the readings of the cycle, then decide with a reason",
        )


def _require_biological(
    state: DecisionState, kind: DecisionKind, opening: Facts, biological: str
) -> None:
    if biological == "pass":
        return
    shown = biological.replace("_", " ")
    early = {DecisionKind.RELEASE, DecisionKind.RELEASE_BIOLOGICAL_PENDING}
    if opening["holds_implant"] is True and kind in early:
        raise Refused(
            f"the load holds an implant and its biological result is {shown}",
            field="results.biological",
            rule="a load with an implant is released only after its biological indicator passed",
            remedy="wait for the result; in an emergency decide emergency_release",
        )
    awaited = (
        state is DecisionState.RELEASED_BIOLOGICAL_PENDING
        or opening["biological_indicator"] is True
    )
    if kind is DecisionKind.RELEASE and (awaited or biological == "pending"):
        raise Refused(
            f"the biological result is {shown}",
            field="results.biological",
            rule="where a biological indicator is awaited, the load is released when it passed",
            remedy="enter the pass: steriledger result enter; "
            "before that, decide release_biological_pending",
        )


#: The kinds whose records state monitoring results.
RESULTS_IN = ("CycleDecision", "ResultEntry")


def known_results(records: Iterator[Facts]) -> dict[str, str]:
    """The newest word that was entered for each result, records oldest first."""
    known: dict[str, str] = {}
    for facts in records:
        if "result" in facts:
            known[str(facts["result"])] = str(facts["word"])
        else:
            known |= _entered(facts)
    return known


def _entered(facts: Facts) -> dict[str, str]:
    stated = {name: str(facts[f"results.{name}"]) for name in RESULT_NAMES}
    return {name: result for name, result in stated.items() if result != NOT_ENTERED}


# ---------------------------------------------------------------- what it changes


def effect(decision: Recorded, view: View) -> None:
    """The cycle after it, and a row for each share."""
    message = decision.message
    cycle = common.named_cycle(message, view)
    counts = dict(cycle.counts)
    for line, share in enumerate(items(message, "shares")):
        owner, payer, package_class, delta = (
            cast("int", share[n]) for n in ("owner", "payer", "packageClass", "delta")
        )
        count = counts[package_class]
        counts[package_class] = replace(count, released=count.released + delta)
        view.put(
            ShareState(
                digest=decision.digest,
                line=line,
                cycle=cycle.id,
                owner=owner,
                payer=payer,
                package_class=package_class,
                delta=delta,
            )
        )
    state = next_state(cycle.state, DecisionKind(integer(message, "kind")))
    view.put(replace(cycle, decision=decision.digest, state=state, counts=counts))


def needs(message: Message, view: View) -> list[Digest]:
    """The admissions of the units that its shares name."""
    units = [view.find(UnitState, n) for n, _, _ in parties(items(message, "shares"))]
    return [unit.admission for unit in units if unit is not None]


def says(message: Message) -> str:
    """`a person decided: release, +10 packages in 2 shares`."""
    shares = items(message, "shares")
    count = sum(cast("int", share["delta"]) for share in shares)
    moved = f", {count:+d} packages in {len(shares)} shares" if shares else ""
    return f"a person decided: {DecisionKind(integer(message, 'kind')).name.lower()}{moved}"


def package_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each package that is left out, waits, or is added."""
    for number, line in rows_of(facts):
        yield PackageLine(
            package=str(line["package"]),
            line=number,
            deed=LINE_DEEDS[str(line["outcome"])],
            thread=word(message, "cycle"),
            outcome=str(line["outcome"]),
            reason=text_or_none(line["reason"]) or text_or_none(facts["reason"]),
        )


def further_scopes(facts: Facts) -> frozenset[Scope]:
    """Who states a result in a decision enters it; who only decides rests on those before."""
    return frozenset({Scope.RESULT}) if _entered(facts) else frozenset()


ACT = Act(
    name="CycleDecision",
    doc="A person decides over the whole cycle, and names what was judged.",
    about="cycle",
    contract=Contract.CYCLE_LEDGER,
    function="decideCycles",
    event="CycleDecided",
    right=Right.DECIDE,
    further_scopes=further_scopes,
    retention="sterilisation",
    gas=80_000,
    gas_per_item=20_000,
    command="cycle decide",
    shows_facts=True,
    amendment_needs_reason=False,
    fields=(
        cycle_field(),
        unit_field(),
        Field("decision", Choice(DecisionKind), member="kind", is_argument=True),
        Field("scope", Fixed("whole_cycle"), given=Given.NEVER),
        Field(
            "ending",
            DIGEST,
            "the ending that was judged; null: there is none",
            given=Given.JUDGED,
            path="judged_ending",
            required=False,
        ),
        Field(
            "load",
            DIGEST,
            "the load that was judged; null: there is none",
            given=Given.JUDGED,
            path="judged_load",
            required=False,
        ),
        replaces_field("decision"),
        optional_field(
            "results",
            Each(RESULT_NAMES, RESULT_WORDS, NOT_ENTERED),
            "what is left out is recorded as not_entered; entering one needs the scope result",
            option="result",
        ),
        optional_field(
            "shares",
            Lines(
                {
                    "owner": Named("unit"),
                    "payer": Named("unit"),
                    "package_class": PACKAGE_CLASS,
                    "delta": Whole(-(2**31), 2**31 - 1, "int32"),
                },
                struct="Share",
                most=MAX_SHARES,
                follows=frozenset({"payer"}),
            ),
            "OWNER:PAYER:CLASS:PACKAGES",
            default=(),
            option="share",
        ),
        lines_field(
            Lines(
                {
                    "package": PackageNamed(),
                    "outcome": OneOf(tuple(LINE_DEEDS)),
                    "reason": Words(500),
                },
                optional=frozenset({"reason"}),
            ),
            "PACKAGE:OUTCOME[:REASON], of what is left out, waits, or is added",
        ),
        optional_field(
            "photo_sha256", Photo(), "a photo of what is not dry or torn", option="photo"
        ),
    ),
    says=says,
    parent=common.machine_of_cycle,
    complete=complete,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    needs=needs,
    package_lines=package_lines,
)

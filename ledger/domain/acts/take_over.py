"""Whoever gets a consignment says so: carried on, kept, or refused; and what was in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.domain.acts import moving, package_lines
from ledger.domain.acts import rules as common
from ledger.domain.acts.custody import Part, Step, TakeOutcome
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Given,
    Lines,
    Message,
    Named,
    OneOf,
    Photo,
    Recorded,
    Records,
    Serial,
    Switch,
    View,
    Whole,
    Words,
    integer,
    lines_field,
    optional_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.callers import Scope
from ledger.domain.custody.lines import BASES, INFERRED, Deed, PackageLine
from ledger.domain.custody.travelling import all_of, taken_lines
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput, Refused, VerificationFailed
from ledger.domain.subjects.states import ConsignmentState, UnitState

#: What became of a line.  What was sent and is neither accepted nor refused is missing.
OUTCOMES = ("accepted", "refused", "extra", "missing")
#: The signed counts; what was accepted unseen is counted apart.
COUNTS = ("seen", "inferred", "refused", "extra")

_MOST = package_lines.MOST


def step_of(message: Message) -> Step:
    """Which step of the table it is."""
    return _STEPS[TakeOutcome(integer(message, "outcome"))]


_STEPS: Mapping[TakeOutcome, Step] = {
    TakeOutcome.CARRIED: Step.CARRY,
    TakeOutcome.KEPT: Step.KEEP,
    TakeOutcome.KEPT_WITHOUT_ASSET: Step.KEEP_WITHOUT_ASSET,
    TakeOutcome.REFUSED: Step.REFUSE,
}
_KEEPS = frozenset({TakeOutcome.KEPT, TakeOutcome.KEPT_WITHOUT_ASSET})


def _counted_as(line: Mapping[str, Any]) -> str | None:
    """The signed count that a line is part of; None for what is missing, or not shown whole."""
    outcome, basis = line.get("outcome"), line.get("basis")
    if outcome == "accepted":
        return None if basis is None else "inferred" if basis == INFERRED else "seen"
    return outcome if outcome in {"refused", "extra"} else None


def counts_of(lines: Any) -> Counter[str]:
    """How many packages the lines count, by the signed counts."""
    found: Counter[str] = Counter(dict.fromkeys(COUNTS, 0))
    for line in lines:
        counted = _counted_as(line)
        if counted is not None:
            found[counted] += int(line.get("quantity") or 0)
    return found


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The counts, which are the lines'; the asset, which only what ends a consignment names."""
    lines = package_lines.completed(values.get("lines") or (), values.get("basis"))
    package_lines.total(lines)
    ends = values.get("outcome") in _KEEPS
    asset = values.get("asset") if ends else None
    return {
        **moving.numbered(values),
        **counts_of(lines),
        "lines": lines,
        "asset": asset,
    }


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._takeOver."""
    step, unit = step_of(message), integer(message, "unit")
    state = moving.require_step(step, message, view)
    outcome = TakeOutcome(integer(message, "outcome"))
    known = sum(integer(message, name) for name in ("seen", "inferred", "refused"))
    if known > state.packages:
        raise InvalidInput(
            f"accepts and refuses {known} packages",
            field="lines",
            rule=f"{state.packages} were sent; what is beyond that is extra",
        )
    if outcome in _KEEPS:
        brings = outcome is TakeOutcome.KEPT and any(state.asset)
        if known == 0 and not brings:
            raise Refused(
                "nothing of it was there",
                field="lines",
                rule="a receipt is of at least one package, or of the asset",
                remedy=moving.REPORT_IT,
            )
        if Part.GIVER in state.parts_of(unit) and state.holder == state.receiver:
            _require_closed(view, state.receiver)


def _require_closed(view: View, receiver: int) -> None:
    """What its receiver's own van holds comes back only once that unit is closed."""
    unit = view.find(UnitState, receiver)
    if unit is None or not unit.is_closed:
        raise Refused(
            f"unit {receiver}, which receives it, holds it",
            field="consignment",
            rule="what its receiver has comes back by another dispatch",
            remedy=moving.REPORT_IT,
        )


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """Each line names one thing, and says what became of it."""
    package_lines.require_named(
        facts,
        lambda number, at: common.require_known_unit(
            view.find(UnitState, number), number, field=at
        ),
    )


def after(message: Message, view: View) -> tuple[Digest, ...]:
    """The latest step, also where it names none; the closure that lets the giver take it back."""
    state = view.find(ConsignmentState, word(message, "consignment"))
    if state is None:
        return ()
    receiver = view.find(UnitState, state.receiver)
    return (state.latest, *(() if receiver is None else (receiver.closure,)))


def effect(recorded: Recorded, view: View) -> None:
    """The consignment after it."""
    moving.apply_step(step_of(recorded.message), recorded, view)


def moved_lines(
    message: Message, facts: Facts, sent: Sequence[PackageLine]
) -> Iterator[PackageLine]:
    """What became of each package: carried on, kept, not in the box, too much, or refused."""
    outcome = TakeOutcome(integer(message, "outcome"))
    if outcome is TakeOutcome.REFUSED:
        return all_of(sent, Deed.REFUSED, step=integer(message, "step"), reason=facts["reason"])
    by_giver = integer(message, "unit") in {line.unit for line in sent}
    kept = Deed.RETURNED if by_giver else Deed.RECEIVED
    return taken_lines(
        facts,
        sent,
        consignment=word(message, "consignment"),
        deed=Deed.CARRIED if outcome is TakeOutcome.CARRIED else kept,
        step=integer(message, "step"),
    )


def agree(message: Message, facts: Facts, *, is_whole: bool) -> None:
    """The shown lines count no more than was signed, and as much when all are shown."""
    shown = counts_of(package_lines.lines_in(facts))
    for name in COUNTS:
        signed = integer(message, name)
        if shown[name] > signed or (is_whole and shown[name] != signed):
            raise VerificationFailed(
                f"the shown lines count {shown[name]} {name}, but what was signed says {signed}",
                field="lines",
                rule="lines add up to the signed counts",
            )


def says(message: Message) -> str:
    """`unit 2 keeps it: 18 accepted, 1 accepted unseen, 1 refused`."""
    outcome = TakeOutcome(integer(message, "outcome"))
    what = {
        TakeOutcome.CARRIED: "carries it on",
        TakeOutcome.KEPT: "keeps it",
        TakeOutcome.KEPT_WITHOUT_ASSET: "keeps it, without the asset",
        TakeOutcome.REFUSED: "refused it",
    }[outcome]
    words = {
        "seen": "accepted",
        "inferred": "accepted unseen",
        "refused": "refused",
        "extra": "extra",
    }
    told = [f"{integer(message, n)} {words[n]}" for n in COUNTS if integer(message, n)]
    return f"unit {integer(message, 'unit')} {what}{': ' if told else ''}{', '.join(told)}"


def _count(name: str) -> Field:
    return Field(name, Whole(0, _MOST, "uint16"), given=Given.NEVER, path=f"counts.{name}")


ACT = Act(
    name="TakeOver",
    doc="Whoever gets a consignment says so: carried on, kept, or refused, and what was in it.",
    about="consignment",
    contract=Contract.CUSTODY_LEDGER,
    function="takeOver",
    event="TakenOver",
    right=Right.RECEIVE,
    right_in=lambda message, view: moving.right_of(step_of(message), message, view),
    other_scope=Scope.CUSTODY,
    retention="sterilisation",
    gas=110_000,
    command="consignment take-over",
    shows_facts=True,
    fields=(
        moving.consignment_field(),
        unit_field(),
        Field("outcome", Choice(TakeOutcome), "what becomes of it now", is_argument=True),
        *moving.turn_fields("it"),
        *(_count(name) for name in COUNTS),
        Field("asset", Named("asset"), given=Given.NEVER, required=False, standing="asset"),
        optional_field("trip", Serial(), "the carrier's own number of the tour or flight"),
        lines_field(
            Lines(
                {
                    "outcome": OneOf(OUTCOMES),
                    **package_lines.NAMING,
                    "reason": Words(),
                    "action": Words(),
                    "photo": Photo(),
                },
                optional=package_lines.OPTIONAL | {"reason", "action", "photo"},
                follows=package_lines.FOLLOWS,
            ),
            f"OUTCOME:{package_lines.SPELLING}[:REASON[:ACTION[:PHOTO]]]",
        ),
        package_lines.basis_field(),
        optional_field(
            "rest",
            OneOf(BASES),
            "all that the giver's list names and no line does is accepted, and known so",
            path="",
        ),
        *moving.parcel_fields(
            seals=OneOf(("intact", "broken", "none", "other_numbers")), says="how they were found"
        ),
        optional_field(
            "automatic", Switch(), "whether an automatic pad took it, and nobody looked"
        ),
        *moving.condition_fields(),
        moving.retold_field(),
    ),
    says=says,
    also=moving.asset_of,
    complete=complete,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    after=after,
    agree=agree,
    moved_lines=moved_lines,
    lines_stay=True,
)

"""A consignment's giver or holder cancels it, re-routes it, or says that it is lost or found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ledger.domain.acts import moving
from ledger.domain.acts.custody import DispositionKind, Step
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Given,
    Message,
    Named,
    Recorded,
    View,
    integer,
    optional_field,
    unit_field,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.callers import Scope
from ledger.domain.custody.lines import Deed, PackageLine
from ledger.domain.custody.travelling import all_of
from ledger.domain.errors import InvalidInput


def step_of(message: Message) -> Step:
    """Which step of the table it is."""
    return _STEPS[DispositionKind(integer(message, "kind"))]


_STEPS: Mapping[DispositionKind, Step] = {
    DispositionKind.CANCEL: Step.CANCEL,
    DispositionKind.REROUTE: Step.REROUTE,
    DispositionKind.LOST: Step.LOSE,
    DispositionKind.FOUND: Step.FIND,
}


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its place among the steps; the asset, which only a cancellation names."""
    asset = values.get("asset") if values.get("kind") is DispositionKind.CANCEL else None
    return {
        **moving.numbered(values),
        "asset": asset,
        "receiver": values.get("receiver"),
    }


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._dispose."""
    state = moving.require_step(step_of(message), message, view)
    if step_of(message) is Step.REROUTE:
        moving.require_taker(message, view, but_not=state.giver, field="receiver")
        if integer(message, "receiver") == state.receiver:
            raise InvalidInput("receives it already", field="receiver", rule="another unit")
    elif integer(message, "receiver"):
        raise InvalidInput("is named", field="receiver", rule="only a re-route names a receiver")


def effect(recorded: Recorded, view: View) -> None:
    """The consignment after it."""
    moving.apply_step(step_of(recorded.message), recorded, view)


def says(message: Message) -> str:
    """`it was re-routed to unit 3`."""
    what = {
        DispositionKind.CANCEL: "it was cancelled",
        DispositionKind.REROUTE: f"it was re-routed to unit {integer(message, 'receiver')}",
        DispositionKind.LOST: "it was reported lost",
        DispositionKind.FOUND: "it was found",
    }
    return what[DispositionKind(integer(message, "kind"))]


_DEEDS: Mapping[DispositionKind, Deed] = {
    DispositionKind.CANCEL: Deed.CANCELLED,
    DispositionKind.REROUTE: Deed.REROUTED,
    DispositionKind.LOST: Deed.LOST,
    DispositionKind.FOUND: Deed.FOUND_AGAIN,
}


def moved_lines(
    message: Message, facts: Facts, sent: Sequence[PackageLine]
) -> Iterator[PackageLine]:
    """Everything in it is back, goes elsewhere, is lost, or is found."""
    return all_of(
        sent,
        _DEEDS[DispositionKind(integer(message, "kind"))],
        step=integer(message, "step"),
        reason=facts["reason"],
        destination=integer(message, "receiver") or None,
    )


FIELDS = (
    moving.consignment_field(),
    unit_field(),
    Field("kind", Choice(DispositionKind), "what becomes of it", is_argument=True),
    optional_field(
        "receiver", Named("unit"), "of a re-route: the unit that it is for now", required=False
    ),
    *moving.turn_fields("it"),
    Field("asset", Named("asset"), given=Given.NEVER, required=False, standing="asset"),
    moving.retold_field(),
)

ACT = Act(
    name="Disposition",
    doc="A consignment's giver or holder cancels it, re-routes it, or says it is lost or found.",
    about="consignment",
    contract=Contract.CUSTODY_LEDGER,
    function="dispose",
    event="Disposed",
    right=Right.DISPATCH,
    right_in=lambda message, view: moving.right_of(step_of(message), message, view),
    other_scope=Scope.CUSTODY,
    retention="sterilisation",
    gas=90_000,
    command="consignment dispose",
    shows_facts=True,
    needs_reason=True,
    fields=FIELDS,
    says=says,
    also=moving.asset_of,
    complete=complete,
    rules=rules,
    needs=moving.admissions,
    effect=effect,
    moved_lines=moved_lines,
    lines_stay=True,
)

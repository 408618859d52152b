"""The owner's administrator says whether an asset is used, offered to others, or gone."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Message,
    Named,
    Recorded,
    Records,
    View,
    integer,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import AssetCondition, Contract, Right
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.subjects.states import AssetState


def _asset(message: Message, view: View) -> AssetState:
    asset, unit = view.find(AssetState, word(message, "asset")), integer(message, "unit")
    if asset is None:
        raise NotFound(
            "the asset is not registered",
            field="asset",
            remedy="have its owner's administrator register it: steriledger asset register",
        )
    if asset.unit != unit:
        raise Refused(
            f"the asset belongs to unit {asset.unit}, not to unit {unit}",
            field="asset",
            rule="only its owner changes it",
        )
    return asset


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._change."""
    asset = _asset(message, view)
    if word(message, "replaces") != asset.current:
        raise Conflict(
            "the asset was changed meanwhile", field="replaces", remedy="look at it again"
        )
    if asset.state is AssetCondition.SCRAPPED:
        raise Refused("the asset is scrapped", field="asset", rule="what is scrapped stays so")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """It changes something."""
    if integer(message, "state") == _asset(message, view).state:
        raise InvalidInput("nothing changes", field="state", rule="another state")


def effect(change: Recorded, view: View) -> None:
    """The asset after it, wherever it is."""
    asset = view.find(AssetState, word(change.message, "asset"))
    if asset is not None:
        state = AssetCondition(integer(change.message, "state"))
        view.put(replace(asset, state=state, current=change.digest))


def says(message: Message) -> str:
    """`the asset was changed: out of service`."""
    state = AssetCondition(integer(message, "state")).name.lower().replace("_", " ")
    return f"the asset was changed: {state}"


ACT = Act(
    name="AssetChange",
    doc="The owner's administrator says whether an asset is used, offered to others, or gone.",
    about="asset",
    contract=Contract.CUSTODY_LEDGER,
    function="changeAssets",
    event="AssetChanged",
    right=Right.ADMINISTER,
    command="asset change",
    shows_facts=True,
    needs_reason=True,
    fields=(
        Field("asset", Named("asset"), "code, name or id", is_argument=True),
        unit_field(),
        Field("state", Choice(AssetCondition), "how it stands", is_argument=True),
        replaces_field("registration or change", standing="current"),
    ),
    says=says,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    # What was sent while it was in use reaches the chain first.
    after=lambda message, view: [_asset(message, view).moved],
)

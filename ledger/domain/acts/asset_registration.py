"""A unit's administrator registers a thing that is shared and has exactly one custodian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Field,
    Given,
    Message,
    Name,
    Named,
    Recorded,
    Serial,
    View,
    integer,
    unit_field,
    word,
)
from ledger.domain.acts.words import AssetCondition, AssetKind, Contract, Right
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    AssetId,
    ConsignmentId,
    UnitNumber,
    asset_id,
    serial_hash,
)
from ledger.domain.errors import Conflict
from ledger.domain.names import plain_name
from ledger.domain.subjects.states import AssetState


def registered(message: Message) -> AssetId:
    """The asset that a registration brings."""
    return asset_id(UnitNumber(integer(message, "unit")), word(message, "code"))


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The asset's id, which follows from its owner and its code."""
    code = values.get("code")
    if code is None:
        return values
    return {**values, "asset": asset_id(values["unit"], serial_hash(plain_name(code)))}


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._register."""
    if view.find(AssetState, registered(message)) is not None:
        raise Conflict(
            "an asset of this code is registered already",
            field="code",
            rule="a code names one asset of the unit",
            remedy="look at: steriledger asset list",
        )


def effect(registration: Recorded, view: View) -> None:
    """The asset, in use, with its owner."""
    message = registration.message
    view.put(
        AssetState(
            id=registered(message),
            unit=integer(message, "unit"),
            custodian=integer(message, "unit"),
            kind=AssetKind(integer(message, "kind")),
            state=AssetCondition.IN_USE,
            consignment=ConsignmentId(ZERO_DIGEST),
            registration=registration.digest,
            current=registration.digest,
        )
    )


ACT = Act(
    name="AssetRegistration",
    doc="A unit's administrator registers a shared thing: a loaner set, a scope, a drone.",
    about="asset",
    contract=Contract.CUSTODY_LEDGER,
    function="registerAssets",
    event="AssetRegistered",
    other_schema="asset/1",
    right=Right.ADMINISTER,
    command="asset register",
    gas=110_000,
    shows_facts=True,
    fields=(
        unit_field(),
        # Its id follows from its owner and its code; the record says it, the message does not.
        Field("asset", Named("asset"), given=Given.NEVER, member=""),
        Field("name", Name(), "what the staff call it", is_argument=True),
        Field("code", Serial(), "the code that is on it, as a scanner reads it"),
        Field("kind", Choice(AssetKind), "what it is"),
    ),
    says=lambda _: "the asset was registered",
    subject=registered,
    complete=complete,
    rules=rules,
    effect=effect,
)

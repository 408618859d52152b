"""The rules and effects that the steps of a consignment have in common, as in CustodyLedger.sol.

A step names the step before it and its own number, so that of two at once one counts.  What ends a
consignment at its receiver or giver may name neither: it was written where nobody could ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ledger.domain.acts import rules as common
from ledger.domain.acts.custody import (
    STEPS,
    ConsignmentStatus,
    Part,
    Row,
    Step,
    find_row,
)
from ledger.domain.acts.vocabulary import (
    DIGEST,
    ConsignmentNamed,
    Field,
    Given,
    Hash,
    Message,
    Name,
    OneOf,
    Photo,
    Recorded,
    Sort,
    View,
    Whole,
    Words,
    integer,
    optional_field,
    word,
)
from ledger.domain.acts.words import AssetCondition, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, AssetId, ConsignmentId, Digest
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.domain.subjects.states import AssetState, ConsignmentState, UnitState

#: How an asset may be found; what else is to be said stands in `condition`.
CONDITIONS = ("whole", "damaged", "incomplete")

#: What to do about a step that happened and does not fit.
REPORT_IT = "what happened is not lost: report it instead, steriledger package report"

_CLOSING = frozenset({Step.KEEP, Step.KEEP_WITHOUT_ASSET})
#: Who takes one of these holds it afterwards.
_TAKING = _CLOSING | {Step.CARRY}
#: What ends a consignment, and names its asset.
_ENDING = _CLOSING | {Step.CANCEL}
#: What offers it on, and what changes where it goes; all else leaves it to nobody.
_KEEPING_TAKER = frozenset({Step.HAND_OVER, Step.REROUTE})


def consignment_field() -> Field:
    """The consignment that a step is of."""
    return Field(
        "consignment",
        ConsignmentNamed(),
        "giver and slip number as they are printed on the box, EAST/4711; or its id",
        is_argument=True,
    )


def turn_fields(what: str) -> tuple[Field, Field]:
    """A step's own number, and the step that it follows."""
    return (
        Field("step", Whole(0, 65_535, "uint16"), given=Given.NEVER, path="", standing="next_step"),
        Field(
            "previous",
            DIGEST,
            f"digest of the step that {what} follows; null: written where nobody could ask",
            given=Given.JUDGED,
            path="previous",
            required=False,
            standing="latest",
        ),
    )


def parcel_fields(*, seals: Sort, says: str) -> tuple[Field, ...]:
    """What anybody sees of it from outside."""
    return (
        optional_field("boxes", Whole(1, 10_000, None), "how many boxes"),
        optional_field("seals", seals, says),
        optional_field("photo", Photo(), "a photo of it"),
    )


def condition_fields() -> tuple[Field, ...]:
    """What who gives an asset away, and who takes it, says of it."""
    return (
        optional_field(
            "condition_is", OneOf(CONDITIONS), "how the asset was found, by whoever looked at it"
        ),
        optional_field("condition", Words(), "the same in words: a crack in the housing"),
        optional_field(
            "instruments",
            Whole(0, 10_000, None),
            "how many were counted in the set that travels in it",
        ),
    )


def guest_field() -> Field:
    """Who carries it without being anybody's signer."""
    return optional_field(
        "guest",
        Name(),
        "who takes it along without a key of their own: a taxi, an agent",
        is_personal=True,
    )


def retold_field() -> Field:
    """The step that the chain did not take, and which this one tells again."""
    return optional_field(
        "retells",
        Hash(),
        "digest of your step that the chain refused and this one tells again",
        path="supersedes",
        required=False,
    )


def numbered(values: Mapping[str, Any]) -> dict[str, Any]:
    """A step that names no other has no number."""
    has_previous = values.get("previous") not in {None, ZERO_DIGEST}
    return {**values, "step": values.get("step") if has_previous else 0}


# ---------------------------------------------------------------- what stands


def require_consignment(message: Message, view: View) -> ConsignmentState:
    """The consignment that a step is of."""
    state = view.find(ConsignmentState, word(message, "consignment"))
    if state is None:
        raise NotFound(
            "no dispatch of that giver and number is known here",
            field="consignment",
            rule="a consignment begins with its giver's dispatch",
            remedy=f"ask the giver for it; {REPORT_IT}",
        )
    return state


def require_row(step: Step, message: Message, view: View) -> Row:
    """How the acting unit takes the step; raises Refused where it is not its to take."""
    state, unit = require_consignment(message, view), integer(message, "unit")
    row = find_row(step, state.parts_of(unit))
    if row is None:
        raise Refused(
            f"unit {unit} is {_in_words(state.parts_of(unit))}",
            field="unit",
            rule=f"it is for {_whose(step)}: now unit {state.giver} gives, unit {state.receiver} "
            f"receives, unit {state.holder} holds it"
            + (f", unit {state.taker} takes it next" if state.taker else ""),
            remedy=REPORT_IT,
        )
    return row


def _whose(step: Step) -> str:
    return " or ".join(
        f"{_in_words(row.needs)}{f' who is not {_in_words(row.lacks)}' if row.lacks else ''}"
        for row in STEPS[step]
    )


def _in_words(parts: Part) -> str:
    named = [f"the {part.name.lower()}" for part in Part if part in parts and part.name]
    return " and ".join(named) or "no part of it"


def right_of(step: Step, message: Message, view: View) -> Right:
    """What the signer of a step must be allowed."""
    return require_row(step, message, view).right


# ---------------------------------------------------------------- rules


def require_step(step: Step, message: Message, view: View) -> ConsignmentState:
    """As CustodyLedger._take: its turn, its unit, and a state that allows it."""
    state = require_consignment(message, view)
    _require_turn(step, state, message)
    row = require_row(step, message, view)
    if state.status not in row.start:
        word_ = state.status.name.lower()
        raise Refused(
            f"the consignment is {word_}",
            field="consignment",
            rule="nothing follows any more"
            if state.status.is_over
            else f"this follows {' or '.join(sorted(each.name.lower() for each in row.start))}",
            remedy=REPORT_IT,
        )
    _require_asset(step, state, message)
    return state


def _require_turn(step: Step, state: ConsignmentState, message: Message) -> None:
    number, previous = integer(message, "step"), word(message, "previous")
    if (number, previous) == (0, ZERO_DIGEST) and step in _CLOSING:
        return
    if number != state.next_step or previous != state.latest:
        raise Conflict(
            "it follows another step than the latest",
            field="previous",
            rule=f"step {state.next_step} comes next"
            + ("; only who keeps it may name none" if step not in _CLOSING else ""),
            remedy="look at the consignment again; if it happened all the same, report it",
        )


def _require_asset(step: Step, state: ConsignmentState, message: Message) -> None:
    if "asset" not in message:
        return
    named = word(message, "asset")
    expected = state.asset if step in _ENDING else ZERO_DIGEST
    if step is Step.KEEP_WITHOUT_ASSET and not any(state.asset):
        raise InvalidInput("travels in no such consignment", field="outcome", rule="choose kept")
    if named != expected:
        raise InvalidInput(
            "is not the asset that travels in it",
            field="asset",
            rule="what ends a consignment names its asset",
        )


def require_taker(message: Message, view: View, *, but_not: int | None, field: str) -> None:
    """A unit that is named takes part in the group, and is another than the one that has it."""
    number = integer(message, field)
    common.require_open_unit(view.find(UnitState, number), number, field=field)
    if number == but_not:
        raise InvalidInput(f"is unit {number} itself", field=field, rule="another unit")


def require_free_asset(message: Message, view: View) -> None:
    """The asset is the unit's to send: in its custody, in use, and not travelling."""
    asset, unit = view.find(AssetState, word(message, "asset")), integer(message, "unit")
    if asset is None:
        raise NotFound(
            "is not registered",
            field="asset",
            remedy="have its owner register it: steriledger asset register",
        )
    if asset.is_travelling:
        raise Refused(
            "travels already",
            field="asset",
            rule="an asset is in one consignment at a time",
            remedy="its receiver takes it over, or its giver cancels",
        )
    if asset.custodian != unit:
        raise Refused(
            f"is in the custody of unit {asset.custodian}",
            field="asset",
            rule="who has it sends it",
        )
    if asset.state not in {AssetCondition.IN_USE, AssetCondition.OFFERED}:
        raise Refused(
            f"is {asset.state.name.lower().replace('_', ' ')}",
            field="asset",
            rule="what is in use travels",
            remedy="have its owner change it: steriledger asset change",
        )


def admissions(message: Message, view: View) -> tuple[Digest, ...]:
    """The admissions of the units that an operation names, which are closed only after it."""
    named = (integer(message, name) for name in ("receiver", "taker") if name in message)
    units = (view.find(UnitState, number) for number in named if number)
    return tuple(unit.admission for unit in units if unit is not None)


# ---------------------------------------------------------------- effects


def apply_step(step: Step, recorded: Recorded, view: View) -> None:
    """The consignment and the asset after a step; it asks no rule, since the step counts."""
    message = recorded.message
    state = view.find(ConsignmentState, word(message, "consignment"))
    if state is not None:
        view.put(_after(step, state, recorded))
    if step in _ENDING:
        _free(step, recorded, view)


def _after(step: Step, state: ConsignmentState, recorded: Recorded) -> ConsignmentState:
    message, unit = recorded.message, integer(recorded.message, "unit")
    row = find_row(step, state.parts_of(unit)) or STEPS[step][-1]
    taker = state.taker if step in _KEEPING_TAKER else 0
    status, receiver = row.end or state.status, state.receiver
    if step is Step.HAND_OVER:
        taker = integer(message, "taker")
    if step is Step.REROUTE:
        receiver = integer(message, "receiver")
        if taker == state.receiver:
            # it was offered to who shall not have it any more
            taker, status = 0, ConsignmentStatus.HELD
    return replace(
        state,
        status=status,
        receiver=receiver,
        holder=unit if step in _TAKING else state.holder,
        taker=taker,
        step=state.next_step,
        latest=recorded.digest,
    )


def begin_travel(recorded: Recorded, consignment: ConsignmentId, view: View) -> None:
    """The asset of a dispatch is on its way."""
    named = word(recorded.message, "asset")
    asset = view.find(AssetState, named) if any(named) else None
    if asset is not None:
        view.put(replace(asset, consignment=consignment, moved=recorded.digest))


def _free(step: Step, recorded: Recorded, view: View) -> None:
    """What ends a consignment frees its asset; who keeps it has it."""
    named = word(recorded.message, "asset")
    asset = view.find(AssetState, named) if any(named) else None
    if asset is None:
        return
    custodian = integer(recorded.message, "unit") if step is Step.KEEP else asset.custodian
    view.put(
        replace(
            asset,
            consignment=ConsignmentId(ZERO_DIGEST),
            custodian=custodian,
            moved=recorded.digest,
        )
    )


def asset_of(message: Message) -> bytes:
    """The asset that an operation moves; zero for none."""
    return AssetId(word(message, "asset"))

"""A unit sends another something: a slip number, a list, and who takes it first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.domain.acts import moving, package_lines
from ledger.domain.acts import rules as common
from ledger.domain.acts.custody import ConsignmentStatus
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    Facts,
    Field,
    Given,
    Lines,
    Message,
    Moment,
    Named,
    OneOf,
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
from ledger.domain.acts.words import Contract, Purpose, Right
from ledger.domain.callers import Scope
from ledger.domain.custody.gates import is_no
from ledger.domain.custody.lines import PackageLine, rows_of, text_or_none
from ledger.domain.custody.travelling import name_of, sent_lines
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    AssetId,
    ConsignmentId,
    Digest,
    UnitNumber,
    consignment_id,
    serial_hash,
)
from ledger.domain.errors import Conflict, InvalidInput, Refused, VerificationFailed
from ledger.domain.names import plain_name
from ledger.domain.subjects.states import AssetState, ConsignmentState, UnitState, Word32


def dispatched(message: Message) -> ConsignmentId:
    """The consignment that a dispatch brings."""
    return consignment_id(UnitNumber(integer(message, "unit")), word(message, "slip"))


def complete(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The consignment's id, and how many packages the lines are."""
    lines = package_lines.completed(values.get("lines") or (), values.get("basis"))
    slip = values.get("slip")
    own = {} if slip is None else {"consignment": _id(values["unit"], slip)}
    return {
        **values,
        **own,
        "lines": lines,
        "packages": package_lines.total(lines),
    }


def _id(unit: int, slip: str) -> ConsignmentId:
    return consignment_id(UnitNumber(unit), serial_hash(plain_name(slip)))


def rules(message: Message, view: View) -> None:
    """As CustodyLedger._dispatch."""
    if view.find(ConsignmentState, dispatched(message)) is not None:
        raise Conflict(
            "a consignment of this number was dispatched already",
            field="slip",
            rule="a slip number names one consignment of the unit",
            remedy="take the next slip",
        )
    unit = integer(message, "unit")
    moving.require_taker(message, view, but_not=unit, field="receiver")
    moving.require_taker(message, view, but_not=None, field="taker")
    has_asset = word(message, "asset") != ZERO_DIGEST
    if has_asset:
        moving.require_free_asset(message, view)
    if integer(message, "packages") == 0 and not has_asset:
        raise InvalidInput("sends nothing", field="lines", rule="at least one line, or an asset")


def record_rules(message: Message, view: View, facts: Facts, records: Records) -> None:  # noqa: ARG001
    """Each line names one thing, by units of the group; against a gate it takes a reason."""
    for number, line in rows_of(facts):
        if is_no(text_or_none(line["against"])) and facts["reason"] is None:
            raise Refused(
                f"the gate says of {name_of(line)}: {line['against']}",
                field=f"lines.{number}",
                rule="what is sent all the same has a reason, which is kept",
                remedy="leave it out, or state the reason",
            )
    package_lines.require_named(
        facts,
        lambda number, at: common.require_known_unit(
            view.find(UnitState, number), number, field=at
        ),
    )


def told_lines(message: Message, facts: Facts) -> Iterator[PackageLine]:
    """A row for each package that the list names."""
    return sent_lines(
        facts,
        consignment=dispatched(message),
        receiver=integer(message, "receiver"),
        taker=integer(message, "taker"),
    )


def effect(dispatch: Recorded, view: View) -> None:
    """The consignment, offered; its asset on the way."""
    message, unit = dispatch.message, integer(dispatch.message, "unit")
    consignment = dispatched(message)
    view.put(
        ConsignmentState(
            id=consignment,
            giver=unit,
            slip=Word32(word(message, "slip")),
            receiver=integer(message, "receiver"),
            holder=unit,
            taker=integer(message, "taker"),
            purpose=Purpose(integer(message, "purpose")),
            packages=integer(message, "packages"),
            asset=AssetId(word(message, "asset")),
            status=ConsignmentStatus.OFFERED,
            step=1,
            dispatch=dispatch.digest,
            latest=dispatch.digest,
        )
    )
    moving.begin_travel(dispatch, consignment, view)


def after(message: Message, view: View) -> tuple[Digest, ...]:
    """What made the asset free, and in use."""
    named = word(message, "asset")
    asset = view.find(AssetState, named) if any(named) else None
    return () if asset is None else (asset.current, asset.moved)


def agree(message: Message, facts: Facts, *, is_whole: bool) -> None:
    """The shown lines are no more packages than were signed, and as many when all are shown."""
    signed = integer(message, "packages")
    shown = sum(int(line.get("quantity") or 0) for line in package_lines.lines_in(facts))
    if shown > signed or (is_whole and shown != signed):
        raise VerificationFailed(
            f"the shown lines are {shown} packages, but what was signed says {signed}",
            field="lines",
            rule="lines add up to the signed count",
        )


def says(message: Message) -> str:
    """`it was dispatched to unit 2: 20 packages, clean; unit 5 takes it first`."""
    purpose = Purpose(integer(message, "purpose")).name.lower()
    count, asset = integer(message, "packages"), word(message, "asset")
    load = f"{count} package{'' if count == 1 else 's'}"
    return (
        f"it was dispatched to unit {integer(message, 'receiver')}: {load}"
        f"{' and an asset' if any(asset) else ''}, {purpose}; unit {integer(message, 'taker')} "
        "takes it first"
    )


ACT = Act(
    name="Dispatch",
    doc="A unit sends another something, in sealed boxes under one slip number.",
    about="consignment",
    contract=Contract.CUSTODY_LEDGER,
    function="dispatch",
    event="Dispatched",
    right=Right.DISPATCH,
    other_scope=Scope.CUSTODY,
    retention="sterilisation",
    gas=150_000,
    command="consignment dispatch",
    shows_facts=True,
    fields=(
        unit_field(),
        Field("consignment", Named("consignment"), given=Given.NEVER, member=""),
        Field("slip", Serial(), "the number on the slip, your unit's own", is_argument=True),
        Field("receiver", Named("unit"), "the unit that it is for"),
        Field("purpose", Choice(Purpose), "why it is sent"),
        Field("packages", Whole(0, package_lines.MOST, "uint16"), given=Given.NEVER),
        optional_field("asset", Named("asset"), "the asset that travels in it: code, name or id"),
        Field(
            "taker",
            Named("unit"),
            "the unit that takes it first: a carrier, its receiver, or your own van",
        ),
        lines_field(
            Lines(
                {**package_lines.NAMING, "against": Words(300)},
                optional=package_lines.OPTIONAL | {"against"},
                follows=package_lines.FOLLOWS,
            ),
            package_lines.SPELLING,
        ),
        package_lines.basis_field(),
        *moving.parcel_fields(seals=Words(), says="the numbers of their seals"),
        optional_field("expected_by", Moment(is_signed=False), "by when it is to be there"),
        optional_field("closed", Switch(), "soiled: whether it is closed"),
        optional_field(
            "pretreated", Switch(), "soiled: whether gross soil was taken off and it was kept moist"
        ),
        optional_field(
            "special_infection",
            OneOf(("none_known", "prion", "gas_gangrene", "unknown_outbreak")),
            "soiled: what WS 310.2 has treated apart, or that none is known",
        ),
        *moving.condition_fields(),
        moving.guest_field(),
        moving.retold_field(),
    ),
    says=says,
    subject=dispatched,
    also=moving.asset_of,
    complete=complete,
    rules=rules,
    record_rules=record_rules,
    effect=effect,
    needs=moving.admissions,
    after=after,
    agree=agree,
    package_lines=told_lines,
    lines_stay=True,
)

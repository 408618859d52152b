"""Consignments and assets through the doors: what is accepted, refused in words, and shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.pages.custody import dispatch_of
from ledger.domain.acts.words import Party, Right, UnitRole
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.identifiers import (
    Digest,
    UnitNumber,
    asset_id,
    consignment_id,
    serial_hash,
    to_hex,
)
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import AssetState, ConsignmentState
from ledger.steps.accepting.cosigning import submit_with
from ledger.steps.accepting.prepare import prepare
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.custody import (
    NOT_ON_CHAIN,
    AssetView,
    ConsignmentView,
    list_assets,
    list_consignments,
    show_asset,
    show_consignment,
)
from ledger.steps.sending.refusals import refuse
from ledger.storage.engine.database import Database
from ledger.storage.operations import list_dependencies
from tests.house import CENTRE, MEMBER, House, build_house

CUSTODY = Right.DISPATCH | Right.CARRY | Right.RECEIVE
VAN, DRONE, EAST = 3, 4, 5
BOX = "centre/4711"
REPORT = "steriledger package report"


@pytest.fixture
def house(sqlite_database: Database, tmp_path: Path) -> House:
    """The centre, a member, another member, a van and a drone; each with one worker."""
    made = build_house(sqlite_database, tmp_path)
    made.admit(VAN, "van", UnitRole.CARRIER)
    made.admit(DRONE, "drone", UnitRole.CARRIER)
    made.admit(EAST, "east", UnitRole.USER)
    for unit in (CENTRE, MEMBER, VAN, DRONE, EAST):
        made.enrol(unit, f"Worker {unit}", CUSTODY)
    return made


def dispatch(house: House, **changes: Any) -> Digest:
    """Two packages and eighteen of a class from the centre to the member, by the van."""
    values: dict[str, Any] = {
        "unit": "centre",
        "slip": "4711",
        "receiver": "member",
        "purpose": "clean",
        "taker": "van",
        "basis": "scanned",
        "lines": [
            {"assembler": "centre", "package": "P-1"},
            {"assembler": "centre", "package": "P-2"},
            {"package_class": 7, "quantity": 18, "cycle": "601362/13", "basis": "counted"},
        ],
        **changes,
    }
    return house.say("Dispatch", **values).digest


def take(house: House, unit: int, outcome: str, box: str = BOX, **values: Any) -> Digest:
    return house.say("TakeOver", consignment=box, unit=unit, outcome=outcome, **values).digest


def hand_over(house: House, unit: int, taker: int, **values: Any) -> Digest:
    return house.say("HandOver", consignment=BOX, unit=unit, taker=taker, **values).digest


def dispose(house: House, unit: int, kind: str, **values: Any) -> Digest:
    return house.say(
        "Disposition", consignment=BOX, unit=unit, kind=kind, reason="as it is", **values
    ).digest


def register(house: House, code: str = "L-1", unit: int = CENTRE) -> Digest:
    return house.say(
        "AssetRegistration", unit=unit, name="Hip set", code=code, kind="loaner_set"
    ).digest


def stands(house: House, slip: str = "4711", giver: int = CENTRE) -> ConsignmentState:
    identifier = consignment_id(UnitNumber(giver), serial_hash(slip))
    with house.instance.database.reading() as tx:
        state = Accepted(tx).find(ConsignmentState, identifier)
    assert state is not None
    return state


def asset(house: House, code: str = "L-1", unit: int = CENTRE) -> AssetState:
    with house.instance.database.reading() as tx:
        state = Accepted(tx).find(AssetState, asset_id(UnitNumber(unit), serial_hash(code)))
    assert state is not None
    return state


def shown(house: House, caller: Caller | None = None) -> ConsignmentView:
    with house.instance.database.reading() as tx:
        return show_consignment(tx, caller or house.caller, BOX)


def shown_asset(house: House, caller: Caller | None = None) -> AssetView:
    with house.instance.database.reading() as tx:
        return show_asset(tx, caller or house.caller, "L-1")


def of_unit(unit: int) -> Caller:
    scopes = frozenset({Scope.READ_UNIT, Scope.CUSTODY})
    return Caller(person="reader", unit=unit, scopes=scopes, token_id="t")


def refused(house: House, kind: type[SteriLedgerError], act: Callable[[], object]) -> str:
    """What is said where nothing is stored."""
    with house.nothing_stored(), pytest.raises(kind) as caught:
        act()
    return str(caught.value)


# ---------------------------------------------------------------- the whole way


def test_twenty_packages_go_from_one_unit_by_a_van_to_another(house: House) -> None:
    dispatch(house)
    assert "with unit 1, which offers it to unit 3" in shown(house).where
    take(house, VAN, "carried", trip="T-9")
    assert shown(house).where == "with unit 3, on its way from unit 1 to unit 2"
    take(house, MEMBER, "kept", rest="scanned")
    view = shown(house)
    assert (view.status, view.holder, view.taker) == ("received", MEMBER, None)
    assert view.counts is not None
    counts = view.counts
    assert (counts.sent, counts.accepted_seen, counts.missing, counts.extra) == (20, 20, 0, 0)
    assert view.lines is not None
    assert [line.names for line in view.lines] == [
        "package P-1 of unit 1",
        "package P-2 of unit 1",
        "class 7 of cycle 601362/13, counted only",
    ]
    assert {line.basis for line in view.lines} == {"scanned"}
    assert [step.entry.act for step in view.steps] == [
        "it was dispatched to unit 2: 20 packages, clean; unit 3 takes it first",
        "unit 3 carries it on",
        "unit 2 keeps it: 20 accepted",
    ]


def test_each_step_comes_after_the_one_before(house: House) -> None:
    first = dispatch(house)
    second = take(house, VAN, "carried")
    third = hand_over(house, VAN, DRONE, leg="diverted")
    last = take(house, MEMBER, "kept", rest="inferred", previous=None)
    with house.instance.database.reading() as tx:
        waits = {
            (each.digest, each.predecessor): each.needed
            for each in list_dependencies(tx, [first, second, third, last])
        }
    assert waits[second, first]
    assert waits[third, second]
    assert waits[last, third] is False  # it names no step, and may go without
    assert waits[last, first]
    assert stands(house).step == 4


def test_what_is_taken_on_the_strength_of_the_list_is_never_counted_as_seen(house: House) -> None:
    dispatch(house)
    seen = [{"assembler": "centre", "package": "P-1", "outcome": "accepted", "basis": "scanned"}]
    take(house, MEMBER, "kept", lines=seen, rest="inferred")
    view = shown(house)
    assert view.counts is not None
    assert (view.counts.accepted_seen, view.counts.accepted_inferred) == (1, 19)
    assert view.lines is not None
    assert [line.basis for line in view.lines] == ["scanned", "inferred", "inferred"]


def test_differences_are_told_line_by_line(house: House) -> None:
    dispatch(house)
    lines = [
        {
            "assembler": "centre",
            "package": "P-1",
            "outcome": "refused",
            "basis": "scanned",
            "reason": "wet",
            "action": "sent back with the next van",
        },
        {"package_class": 7, "quantity": 2, "cycle": "601362/13", "outcome": "missing"},
        {"assembler": "east", "package": "Q-5", "outcome": "extra", "basis": "scanned"},
    ]
    take(house, MEMBER, "kept", lines=lines, rest="ticked_off", basis="counted")
    view = shown(house)
    assert view.counts is not None
    assert vars_of(view.counts) == (20, 17, 0, 1, 1, 2)
    assert view.lines is not None
    told = {line.names: (line.outcome, line.quantity, line.reason) for line in view.lines[:3]}
    assert told == {
        "package P-1 of unit 1": ("refused", 1, "wet"),
        "class 7 of cycle 601362/13, counted only": ("missing", 2, None),
        "package Q-5 of unit 5": ("extra", 1, None),
    }
    assert [(line.quantity, line.basis) for line in view.lines[3:]] == [
        (1, "ticked_off"),
        (16, "ticked_off"),
    ]


def vars_of(counts: Any) -> tuple[int, ...]:
    return (
        counts.sent,
        counts.accepted_seen,
        counts.accepted_inferred,
        counts.refused,
        counts.extra,
        counts.missing,
    )


def test_what_nobody_said_anything_of_is_missing_and_not_accepted(house: House) -> None:
    dispatch(house)
    lines = [{"assembler": "centre", "package": "P-2", "outcome": "accepted", "basis": "typed"}]
    take(house, MEMBER, "kept", lines=lines)
    view = shown(house)
    assert view.counts is not None
    assert (view.counts.accepted_seen, view.counts.missing) == (1, 19)
    assert view.lines is not None
    assert [line.outcome for line in view.lines] == ["accepted", None, None]


def test_every_line_says_how_it_is_known(house: House) -> None:
    words = refused(house, InvalidInput, lambda: dispatch(house, basis=None))
    assert "lines.0.basis" in words


def test_a_line_names_one_thing_once(house: House) -> None:
    twice = [{"assembler": "centre", "package": "P-1"}] * 2
    assert "twice" in refused(house, InvalidInput, lambda: dispatch(house, lines=twice))
    both = [{"assembler": "centre", "package": "P-1", "set": "Basic"}]
    assert "package and set" in refused(house, InvalidInput, lambda: dispatch(house, lines=both))
    nothing = [{"quantity": 3}]
    assert "nothing" in refused(house, InvalidInput, lambda: dispatch(house, lines=nothing))
    nobodys = [{"package": "P-1"}]
    words = refused(house, InvalidInput, lambda: dispatch(house, lines=nobodys))
    assert "lines.0.assembler" in words
    many = [{"assembler": "centre", "package": "P-1", "quantity": 2}]
    assert "a package is one" in refused(house, InvalidInput, lambda: dispatch(house, lines=many))


# ---------------------------------------------------------------- offers and refusals


def test_an_offer_goes_to_units_of_the_group_only(house: House) -> None:
    assert "no unit" in refused(house, NotFound, lambda: dispatch(house, receiver="nowhere"))
    words = refused(house, InvalidInput, lambda: dispatch(house, receiver="centre"))
    assert "receiver" in words
    house.say("UnitClosure", unit="east", reason="closed")
    assert "closed" in refused(house, Refused, lambda: dispatch(house, receiver="east"))
    dispatch(house)
    words = refused(house, InvalidInput, lambda: hand_over(house, CENTRE, CENTRE))
    assert "taker" in words


def test_a_slip_number_names_one_consignment(house: House) -> None:
    dispatch(house)
    words = refused(house, Conflict, lambda: dispatch(house, lines=[], receiver="east"))
    assert "slip" in words


def test_nobody_offers_what_another_holds(house: House) -> None:
    dispatch(house)
    words = refused(house, Refused, lambda: hand_over(house, VAN, DRONE))
    assert "unit 1 holds it" in words
    assert REPORT in words
    words = refused(house, Refused, lambda: hand_over(house, EAST, DRONE))
    assert "no part of it" in words


def test_a_third_party_neither_takes_refuses_nor_cancels(house: House) -> None:
    dispatch(house)
    for act in (
        lambda: take(house, EAST, "kept", rest="scanned"),
        lambda: take(house, EAST, "carried"),
        lambda: take(house, DRONE, "refused"),
        lambda: dispose(house, EAST, "cancel"),
        lambda: dispose(house, VAN, "reroute", receiver="east"),
        lambda: dispose(house, DRONE, "lost"),
    ):
        words = refused(house, Refused, act)
        assert "now unit 1 gives, unit 2 receives, unit 1 holds it, unit 3 takes it next" in words


def test_a_carrier_cannot_keep_it_or_hand_it_to_a_stranger_who_keeps_it(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    hand_over(house, VAN, EAST)
    words = refused(house, Refused, lambda: take(house, EAST, "kept", rest="scanned"))
    assert "the receiver or the giver" in words
    take(house, EAST, "carried")  # it may carry it, and its receiver still takes it
    take(house, MEMBER, "kept", rest="scanned")


def test_taken_twice_the_second_is_told_that_it_is_over(house: House) -> None:
    dispatch(house)
    take(house, MEMBER, "kept", rest="scanned")
    words = refused(house, Refused, lambda: take(house, MEMBER, "kept", rest="scanned"))
    assert "received" in words
    assert REPORT in words
    words = refused(
        house, Refused, lambda: take(house, MEMBER, "kept", rest="scanned", previous=None)
    )
    assert "nothing follows" in words


def test_of_two_who_act_on_what_they_saw_one_counts(house: House) -> None:
    offered = dispatch(house)
    take(house, VAN, "carried", previous=to_hex(offered))
    words = refused(
        house, Conflict, lambda: take(house, MEMBER, "refused", previous=to_hex(offered))
    )
    assert "another step than the latest" in words
    assert "report it" in words


def test_only_who_keeps_it_may_name_no_step(house: House) -> None:
    dispatch(house)
    words = refused(house, Conflict, lambda: hand_over(house, CENTRE, DRONE, previous=None))
    assert "only who keeps it" in words
    refused(house, Conflict, lambda: take(house, VAN, "carried", previous=None))


def test_refused_whole_it_stays_with_who_holds_it(house: House) -> None:
    dispatch(house)
    take(house, VAN, "refused")
    assert stands(house).status.name == "HELD"
    assert (stands(house).holder, stands(house).taker) == (CENTRE, 0)
    hand_over(house, CENTRE, DRONE)
    take(house, DRONE, "carried")


def test_more_than_was_sent_is_extra_and_all_missing_is_no_receipt(house: House) -> None:
    dispatch(house)
    lines = [{"package_class": 7, "quantity": 21, "outcome": "accepted", "basis": "counted"}]
    words = refused(house, InvalidInput, lambda: take(house, MEMBER, "kept", lines=lines))
    assert "20 were sent" in words
    lines = [{"package_class": 9, "quantity": 3, "outcome": "extra", "basis": "counted"}]
    words = refused(house, Refused, lambda: take(house, MEMBER, "kept", lines=lines))
    assert "nothing of it was there" in words
    assert REPORT in words


def test_a_receipt_without_a_dispatch_is_offered_as_a_report_and_fits_once_that_comes(
    house: House,
) -> None:
    words = refused(house, NotFound, lambda: take(house, MEMBER, "kept", rest="scanned"))
    assert "no dispatch of centre/4711" in words
    assert REPORT in words
    dispatch(house)
    happened = {"text": "about 13:00", "source": "the ward's book"}
    take(house, MEMBER, "kept", rest="typed", previous=None, happened=happened)
    assert shown(house).status == "received"
    assert shown(house).steps[-1].entry.happened == "about 13:00"


def test_two_prepared_on_the_same_step_one_is_taken(house: House) -> None:
    dispatch(house)
    instance, caller = house.instance, house.caller
    prepared = []
    for unit, outcome in ((VAN, "carried"), (MEMBER, "refused")):
        draft = house.said("TakeOver", consignment=BOX, unit=unit, outcome=outcome)
        with instance.database.transaction() as tx:
            prepared.append(prepare(instance, tx, caller, draft).operation.digest)
    first, second = prepared
    with instance.database.transaction() as tx:
        submit_with(instance, tx, caller, first, {}, held=[Party.SIGNER])

    def late() -> object:
        with instance.database.transaction() as tx:
            return submit_with(instance, tx, caller, second, {}, held=[Party.SIGNER])

    assert "another step than the latest" in refused(house, Conflict, late)


def test_a_carrier_that_never_comes_is_passed_over(house: House) -> None:
    dispatch(house)
    hand_over(house, CENTRE, DRONE)
    words = refused(house, Refused, lambda: take(house, VAN, "carried"))
    assert "unit 4 takes it next" in words
    take(house, DRONE, "carried")
    assert stands(house).holder == DRONE


def test_clocks_an_hour_apart_a_receipt_may_be_signed_before_its_dispatch_and_not_ahead(
    house: House,
) -> None:
    house.clock.advance(hours=2)
    dispatch(house)
    now = house.clock.now
    ahead = now + timedelta(hours=1)
    words = refused(house, InvalidInput, lambda: take(house, VAN, "carried", signed_at=ahead))
    assert "set the clock" in words
    take(house, MEMBER, "kept", rest="scanned", signed_at=now - timedelta(hours=1))
    entries = [step.entry for step in shown(house).steps]
    assert entries[1].signed_at < entries[0].signed_at
    assert shown(house).status == "received"


# ---------------------------------------------------------------- on the way


def test_left_unattended_it_is_not_taken_over(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    hand_over(house, VAN, MEMBER, left_at="ramp B", photo="ab" * 32)
    view = shown(house)
    assert view.where.startswith("left by unit 3 at ramp B, not taken over")
    assert (view.holder, view.taker, view.status) == (VAN, MEMBER, "offered")


def test_a_guest_without_a_key_is_named_by_who_gives_it_along(house: House) -> None:
    dispatch(house, taker="member", guest="Taxi 12")
    entry = shown(house).steps[0].entry
    assert "guest" not in entry.facts  # a person's name is none of the facts


def test_cancelled_in_transit_is_refused_and_the_giver_takes_it_back(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    words = refused(house, Refused, lambda: dispose(house, CENTRE, "cancel"))
    assert "the giver and the holder" in words
    take(house, CENTRE, "kept", rest="scanned")
    assert shown(house).status == "returned"


def test_never_sent_after_all_it_is_cancelled(house: House) -> None:
    dispatch(house)
    dispose(house, CENTRE, "cancel")
    assert shown(house).where == "with unit 1: cancelled"
    words = refused(house, Refused, lambda: take(house, VAN, "refused"))
    assert "the taker" in words


def test_re_routed_it_is_for_another_and_the_old_receiver_is_told(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    dispose(house, CENTRE, "reroute", receiver="east")
    words = refused(house, Refused, lambda: take(house, MEMBER, "kept", rest="scanned"))
    assert "unit 5 receives" in words
    take(house, EAST, "kept", rest="scanned")
    assert stands(house).holder == EAST
    with house.instance.database.reading() as tx:
        found = list_consignments(tx, of_unit(MEMBER))
    assert [line.slip for line in found] == ["4711"]  # it had a part in it


def test_a_reroute_names_another_receiver_and_nothing_else_does(house: House) -> None:
    dispatch(house)
    words = refused(house, NotFound, lambda: dispose(house, CENTRE, "reroute"))
    assert "receiver" in words
    same = refused(
        house, InvalidInput, lambda: dispose(house, CENTRE, "reroute", receiver="member")
    )
    assert "receives it already" in same
    take(house, VAN, "carried")
    words = refused(house, InvalidInput, lambda: dispose(house, VAN, "lost", receiver="east"))
    assert "only a re-route" in words


def test_lost_then_found_it_goes_on(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    dispose(house, VAN, "lost")
    assert shown(house).where.startswith("lost; unit 3 had it last")
    words = refused(house, Refused, lambda: hand_over(house, VAN, MEMBER))
    assert "the consignment is lost" in words
    dispose(house, CENTRE, "found")
    take(house, MEMBER, "kept", rest="scanned")
    assert shown(house).status == "received"


def test_its_giver_took_it_for_lost_meanwhile_and_its_receiver_has_it_all_the_same(
    house: House,
) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    dispose(house, CENTRE, "lost")
    take(house, MEMBER, "kept", rest="scanned")
    assert shown(house).status == "received"


def test_the_receivers_own_van_keeps_what_the_giver_wants_back_until_that_unit_is_closed(
    house: House,
) -> None:
    dispatch(house, taker="member")
    take(house, MEMBER, "carried")
    words = refused(house, Refused, lambda: take(house, CENTRE, "kept", rest="scanned"))
    assert "which receives it, holds it" in words
    house.say("UnitClosure", unit="member", reason="closed")
    take(house, CENTRE, "kept", rest="scanned")
    assert shown(house).status == "returned"


def test_for_a_closed_giver_the_authority_decides_and_nobody_else(house: House) -> None:
    dispatch(house)
    take(house, VAN, "carried")

    def reroute() -> Digest:
        return house.say(
            "ClosedUnitDisposition",
            consignment=BOX,
            unit="centre",
            kind="reroute",
            receiver="east",
            reason="the centre is closed",
        ).digest

    assert "is not closed" in refused(house, Refused, reroute)
    with house.instance.database.reading() as tx:
        assert list_consignments(tx, house.caller, of_unit=CENTRE, open_only=True)
    house.say("UnitClosure", unit="centre", reason="closed")
    words = refused(house, Refused, lambda: dispose(house, CENTRE, "reroute", receiver="east"))
    assert "closed" in words
    reroute()
    take(house, EAST, "kept", rest="inferred")
    assert shown(house).status == "received"
    assert shown(house).steps[-2].entry.signer == "the authority"


# ---------------------------------------------------------------- rights


def test_a_step_is_signed_by_a_key_with_the_right_of_its_part(house: House) -> None:
    house.enrol(VAN, "Porter", Right.SCAN)
    dispatch(house)
    words = refused(house, Refused, lambda: take(house, VAN, "carried", signer="Porter"))
    assert "does not hold the right carry" in words
    house.enrol(MEMBER, "Driver", Right.CARRY)
    words = refused(
        house, Refused, lambda: take(house, MEMBER, "kept", rest="scanned", signer="Driver")
    )
    assert "does not hold the right receive" in words


def test_without_a_name_the_key_with_the_right_of_the_part_signs(house: House) -> None:
    house.enrol(MEMBER, "Driver", Right.CARRY)
    dispatch(house, taker="member")
    take(house, MEMBER, "kept", rest="scanned")  # only one key of the member may receive
    assert shown(house).steps[-1].entry.signer_name == f"Worker {MEMBER}"


# ---------------------------------------------------------------- assets


def test_an_asset_travels_in_one_consignment_and_changes_its_custodian_at_the_end(
    house: House,
) -> None:
    register(house)
    dispatch(house, asset="L-1", lines=[])
    assert asset(house).is_travelling
    assert shown_asset(house).travels_in == "1/4711"
    words = refused(house, Refused, lambda: dispatch(house, slip="4712", asset="L-1"))
    assert "travels already" in words
    take(house, VAN, "carried")
    take(house, MEMBER, "kept")
    assert (asset(house).custodian, asset(house).is_travelling) == (MEMBER, False)
    words = refused(house, Refused, lambda: dispatch(house, slip="4712", asset="L-1"))
    assert "in the custody of unit 2" in words
    dispatch(
        house, unit="member", slip="77", receiver="centre", asset="L-1", purpose="return", lines=[]
    )
    take(house, CENTRE, "kept", box="member/77")
    assert asset(house).custodian == CENTRE
    assert [step.kind for step in shown_asset(house).steps] == [
        "AssetRegistration",
        "Dispatch",
        "TakeOver",
        "Dispatch",
        "TakeOver",
    ]


def test_packages_that_come_without_their_asset_leave_it_with_who_sent_it(house: House) -> None:
    register(house)
    dispatch(house, asset="L-1")
    take(house, MEMBER, "kept_without_asset", rest="scanned")
    assert (asset(house).custodian, asset(house).is_travelling) == (CENTRE, False)
    assert shown(house).steps[-1].entry.act == "unit 2 keeps it, without the asset: 20 accepted"


def test_cancelled_or_back_the_asset_is_free_again(house: House) -> None:
    register(house)
    dispatch(house, asset="L-1")
    dispose(house, CENTRE, "cancel")
    assert not asset(house).is_travelling
    dispatch(house, slip="4712", asset="L-1", reason="packed where nobody writes it down")
    take(house, VAN, "carried", box="centre/4712")
    take(house, CENTRE, "kept", box="centre/4712", rest="scanned")
    assert (asset(house).custodian, asset(house).is_travelling) == (CENTRE, False)


def test_only_what_is_in_use_travels_and_only_its_owner_says_so(house: House) -> None:
    register(house)
    words = refused(
        house,
        Refused,
        lambda: house.say(
            "AssetChange",
            asset="L-1",
            unit="member",
            state="lost",
            reason="gone",
            administrator="Administrator member",
        ),
    )
    assert "belongs to unit 1" in words
    house.say("AssetChange", asset="L-1", state="out_of_service", reason="worn")
    assert "out of service" in refused(house, Refused, lambda: dispatch(house, asset="L-1"))
    refused(
        house,
        InvalidInput,
        lambda: house.say("AssetChange", asset="L-1", state="out_of_service", reason="worn"),
    )
    house.say("AssetChange", asset="L-1", state="offered", reason="mended")
    dispatch(house, asset="L-1")
    house.say("AssetChange", asset="L-1", state="scrapped", reason="broken on the way")
    words = refused(
        house,
        Refused,
        lambda: house.say("AssetChange", asset="L-1", state="in_use", reason="mended"),
    )
    assert "scrapped" in words


def test_an_asset_reaches_the_chain_in_the_order_in_which_it_moved(house: House) -> None:
    register(house)
    sent = dispatch(house, asset="L-1")
    kept = take(house, MEMBER, "kept", rest="scanned")
    again = dispatch(house, unit="member", slip="77", receiver="centre", asset="L-1", lines=[])
    changed = house.say("AssetChange", asset="L-1", state="offered", reason="as agreed").digest
    with house.instance.database.reading() as tx:
        waits = {
            (each.digest, each.predecessor)
            for each in list_dependencies(tx, [sent, kept, again, changed])
        }
    assert (again, kept) in waits
    assert (changed, again) in waits


# ---------------------------------------------------------------- answers


def test_a_reservation_is_agreed_to_disputed_or_unanswered(house: House) -> None:
    sent = dispatch(house)
    taken = take(house, VAN, "carried")
    for unit in (CENTRE, MEMBER, VAN):
        house.enrol(unit, f"Reporter {unit}", Right.REPORT)
    say = house.say
    told = say("Comment", about=to_hex(taken), stance="statement", unit=VAN, text="one box wet")
    say("Comment", about=to_hex(taken), stance="agrees", unit=CENTRE)
    say("Comment", about=to_hex(taken), stance="disagrees", unit=MEMBER, text="all dry here")
    first, second = shown(house).steps
    assert (first.entry.digest, first.answers) == (to_hex(sent), ())
    assert [(a.unit, a.stance, a.text) for a in second.answers] == [
        (VAN, "statement", "one box wet"),
        (CENTRE, "agrees", None),
        (MEMBER, "disagrees", "all dry here"),
    ]
    say(
        "Comment", about=to_hex(taken), stance="withdrawn", unit=VAN, reason="dried",
        replaces=to_hex(told.digest),
    )  # fmt: skip
    assert [a.stance for a in shown(house).steps[1].answers] == ["agrees", "disagrees", "withdrawn"]


# ---------------------------------------------------------------- the chain said no


def test_a_step_that_the_chain_refuses_stays_told_until_a_valid_signer_tells_it_again(
    house: House,
) -> None:
    dispatch(house)
    house.enrol(VAN, "Driver", Right.CARRY)
    taken = take(house, VAN, "carried", signer="Driver", boxes=2)
    with house.instance.database.transaction() as tx:
        refuse(tx, taken, "signer: not allowed: the key is revoked", house.clock.now)
    view = shown(house)
    assert (view.holder, view.taker, view.status) == (CENTRE, VAN, "offered")
    step = view.steps[-1]
    assert step.standing is not None
    assert step.standing.startswith(NOT_ON_CHAIN)
    assert "revoked" in step.standing
    assert step.entry.state is OperationState.REFUSED
    assert step.entry.facts["boxes"] == 2
    again = take(house, VAN, "carried", signer=f"Worker {VAN}", boxes=2, retells=to_hex(taken))
    steps = shown(house).steps
    assert steps[-2].retold_by == to_hex(again)
    assert steps[-2].entry.signer == step.entry.signer  # who signed it first
    assert shown(house).holder == VAN


# ---------------------------------------------------------------- who reads what


def test_giver_and_receiver_read_the_lines_a_carrier_counts_and_a_stranger_nothing(
    house: House,
) -> None:
    dispatch(house)
    take(house, VAN, "carried")
    assert shown(house, of_unit(CENTRE)).lines
    assert shown(house, of_unit(MEMBER)).lines
    carriers = shown(house, of_unit(VAN))
    assert (carriers.lines, carriers.packages) == (None, 20)
    with pytest.raises(NotFound):
        shown(house, of_unit(EAST))
    with house.instance.database.reading() as tx:
        assert list_consignments(tx, of_unit(EAST)) == []
        assert [line.giver for line in list_consignments(tx, of_unit(VAN))] == [CENTRE]


def test_a_carrier_reads_no_line_of_a_step_either(house: House) -> None:
    dispatch(house)
    facts = shown(house, of_unit(VAN)).steps[0].entry.facts
    assert not [path for path in facts if path.startswith("lines.")]
    assert [path for path in shown(house, of_unit(MEMBER)).steps[0].entry.facts if "lines" in path]


def test_people_are_named_inside_their_own_unit(house: House) -> None:
    dispatch(house, performer="Li Na")
    assert (shown(house, of_unit(CENTRE)).steps[0].entry.people or {})["performer"] == "Li Na"
    assert shown(house, of_unit(MEMBER)).steps[0].entry.people is None


def test_assets_are_read_by_owner_and_custodian_and_offered_ones_by_all(house: House) -> None:
    register(house)
    with house.instance.database.reading() as tx:
        assert list_assets(tx, of_unit(EAST)) == []
        assert len(list_assets(tx, of_unit(CENTRE))) == 1
    with pytest.raises(NotFound):
        shown_asset(house, of_unit(EAST))
    house.say("AssetChange", asset="L-1", state="offered", reason="as agreed")
    assert shown_asset(house, of_unit(EAST)).owner == CENTRE


def test_an_offered_asset_shows_others_no_step_of_what_they_had_no_part_in(house: House) -> None:
    register(house)
    dispatch(house, slip="A1", asset="L-1")
    house.say("TakeOver", unit=MEMBER, consignment="centre/A1", outcome="kept", rest="scanned")
    house.say("AssetChange", asset="L-1", state="offered", reason="as agreed")
    assert [step.kind for step in shown_asset(house, of_unit(EAST)).steps] == [
        "AssetRegistration", "AssetChange",
    ]  # fmt: skip
    for unit in (CENTRE, MEMBER):
        kinds = [step.kind for step in shown_asset(house, of_unit(unit)).steps]
        assert {"Dispatch", "TakeOver"} <= set(kinds)


def test_the_list_is_read_page_by_page(house: House) -> None:
    for slip in ("1", "2", "3"):
        dispatch(house, slip=slip, reason="as often as anybody likes")
    with house.instance.database.reading() as tx:
        first = list_consignments(tx, house.caller, limit=2)
        rest = list_consignments(tx, house.caller, before=first[-1].cursor)
    assert [line.slip for line in (*first, *rest)] == ["3", "2", "1"]


def test_what_is_open_is_listed_without_looking_at_what_is_over(house: House) -> None:
    for slip in ("1", "2", "3"):
        dispatch(house, slip=slip, reason="as often as anybody likes")
    house.say("Disposition", unit=CENTRE, consignment="centre/2", kind="cancel", reason="no van")
    with house.instance.database.reading() as tx:
        first = list_consignments(tx, house.caller, open_only=True, limit=1)
        rest = list_consignments(tx, house.caller, open_only=True, before=first[-1].cursor)
        whole = list_consignments(tx, house.caller)
    assert [line.slip for line in (*first, *rest)] == ["3", "1"]
    assert [line for line in whole if line.slip != "2"] == [*first, *rest]


def test_nothing_is_named_by_what_names_no_consignment(house: House) -> None:
    for text in ("4711", "centre/", "nowhere/1", "ab" * 32):
        with pytest.raises((InvalidInput, NotFound)), house.instance.database.reading() as tx:
            show_consignment(tx, house.caller, text)


def test_a_dispatch_that_was_told_again_counts_by_its_own_list(house: House) -> None:
    first = dispatch(house)
    with house.instance.database.transaction() as tx:
        refuse(tx, first, "signer: not allowed: the key is revoked", house.clock.now)
    lines = [{"assembler": "centre", "package": "P-9"}]
    dispatch(house, lines=lines, seals="S-2")
    view = shown(house)
    assert view.lines is not None
    assert [line.names for line in view.lines] == ["package P-9 of unit 1"]
    assert dispatch_of(view)["seals"] == "S-2"


def test_a_broken_seal_is_told_beside_what_was_sent(house: House) -> None:
    dispatch(house, seals="S-1, S-2")
    take(house, VAN, "carried", seals="intact", trip="T-9")
    take(house, MEMBER, "kept", rest="scanned", seals="broken", reason="S-2 was torn")
    told = [step.entry.facts.get("seals") for step in shown(house).steps]
    assert told == ["S-1, S-2", "intact", "broken"]
    # a carrier reads seals, and no line
    view = shown(house, of_unit(VAN))
    assert (view.lines, [step.entry.facts.get("seals") for step in view.steps]) == (None, told)


def test_a_loaner_is_counted_at_arrival_and_before_return_by_both_sides(house: House) -> None:
    register(house)
    way = {"lines": [], "asset": "L-1", "purpose": "loan", "taker": "member"}
    dispatch(house, instruments=40, **way)
    take(house, MEMBER, "kept", instruments=39, condition="one clamp is not there")
    back = {**way, "unit": "member", "receiver": "centre", "taker": "centre", "purpose": "return"}
    dispatch(house, slip="77", instruments=39, **back)
    take(house, CENTRE, "kept", box="member/77", instruments=39)
    steps = [step for step in shown_asset(house).steps if "instruments" in step.entry.facts]
    counted = [(step.unit, step.entry.facts["instruments"]) for step in steps]
    assert counted == [(CENTRE, 40), (MEMBER, 39), (MEMBER, 39), (CENTRE, 39)]

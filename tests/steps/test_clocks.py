"""A clock that is ahead or set back freezes nothing, is said in words, and a person ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from ledger.cli.screen import screen
from ledger.domain.clocks import SET_BACK, SILENCE
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import ClockWrong, Refused
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.settings import Settings
from ledger.steps.accepting.clock import CONFIRMED_SETTING, confirm_clock
from ledger.steps.accepting.prepare import prepare
from ledger.steps.answering.status import Status, WorkerState, find_chain_status, status
from ledger.steps.auditing.audit import audit
from ledger.steps.instance import Instance, open_instance
from ledger.steps.sending import writer as writing
from ledger.steps.sending.mending import refuse_operation, retry_operation
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.deploy import get_held_key
from ledger.steps.starting.leasing import LEASE, try_lease
from ledger.steps.starting.playing import set_played
from ledger.storage import index
from ledger.storage.engine.database import Database
from ledger.storage.keys import KeyPurpose
from ledger.storage.leases import take_lease
from ledger.storage.settings import find_setting
from tests import making
from tests.house import Clock, House, build_house
from tests.steps.hospital import PEOPLE, Hospital, opened_hospital
from tests.steps.test_worker import is_deployed, wait_for, working

S = OperationState


@pytest.fixture
def clock() -> Clock:
    """Set by the test; the chain's blocks are dated by it."""
    return Clock(now=datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def hospital(tmp_path: Path, database_address: str, clock: Clock) -> Iterator[Hospital]:
    """A unit with a sterilizer, on the chain."""
    with opened_hospital(tmp_path / "home", database_address, clock=clock) as opened:
        opened.admit(1)
        opened.register(1, "S1")
        yield opened


@pytest.fixture
def writer(hospital: Hospital) -> Writer:
    """Its writer, which has sent all that was accepted so far."""
    writer = hospital.writer()
    hospital.settle(writer)
    return writer


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A group that needs no chain."""
    return build_house(database, tmp_path)


@contextmanager
def ahead(clock: Clock, **parts: float) -> Iterator[None]:
    """For a while the clock is ahead."""
    clock.advance(**parts)
    yield
    clock.advance(**{name: -value for name, value in parts.items()})


def refuse(hospital: Hospital, digest: Digest) -> None:
    with hospital.instance.database.transaction() as tx:
        refuse_operation(hospital.instance, tx, digest, person="Zhao", reason="the clock was ahead")


def retry(hospital: Hospital, digest: Digest) -> None:
    with hospital.instance.database.transaction() as tx:
        retry_operation(hospital.instance, tx, digest, person="Zhao")


def confirm(instance: Instance) -> None:
    with instance.database.transaction() as tx:
        confirm_clock(instance, tx, person="Zhao")


def printed(now: Status) -> str:
    console = Console(width=80, highlight=False)
    with console.capture() as said:
        for part in screen(now):
            console.print(part)
    return said.get()


# ---------------------------------------------------------------- signed ahead of the chain


def test_what_was_signed_ahead_is_stuck_at_once_and_a_person_ends_it(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        early = hospital.accept(hospital.opening("S1", 1))
    clock.advance(seconds=30)
    assert writer.step().stuck == 1
    assert hospital.state(early) is S.STUCK
    assert "signed by a clock that was ahead" in hospital.reason(early)
    now = status(hospital.instance)
    assert [each.digest for each in now.stuck] == [early]
    assert now.stuck[0].waited_seconds == 0  # since the worker met it
    clock.advance(minutes=5)
    assert status(hospital.instance).stuck[0].waited_seconds == 300

    retry(hospital, early)
    assert hospital.state(early) is S.OWED
    clock.advance(seconds=2)
    writer.step()
    assert hospital.state(early) is S.STUCK

    refuse(hospital, early)
    again = hospital.accept(hospital.opening("S1", 1))
    hospital.settle(writer)
    assert (hospital.state(early), hospital.state(again)) == (S.REFUSED, S.FINAL)


def test_what_was_signed_ahead_goes_out_in_its_time(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        early = hospital.accept(hospital.opening("S1", 1))
    writer.step()
    clock.advance(days=2)
    retry(hospital, early)
    hospital.settle(writer)
    assert hospital.history(early) == [S.OWED, S.STUCK, S.OWED, S.SENT, S.MINED, S.FINAL]


def test_what_was_signed_minutes_ahead_waits_for_its_time_without_a_person(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, minutes=8):
        early = hospital.accept(hospital.opening("S1", 1))
    assert writer.step().is_idle
    assert hospital.state(early) is S.OWED
    clock.advance(minutes=4)
    hospital.settle(writer)
    assert hospital.history(early) == [S.OWED, S.SENT, S.MINED, S.FINAL]


def test_where_the_chains_clock_is_ahead_as_well_nothing_is_early(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        hospital.accept(hospital.opening("S1", 1))
        hospital.settle(writer)
        late = hospital.accept(hospital.opening("S1", 2))
    hospital.settle(writer)
    assert hospital.state(late) is S.FINAL


def test_a_chain_whose_clock_stays_behind_is_for_a_person_after_a_minute(
    hospital: Hospital, writer: Writer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a chain of others: our clock sees nothing early, and the contract does."""
    monkeypatch.setattr(writing, "find_early", lambda *_: {})
    with ahead(clock, minutes=30):
        early = hospital.accept(hospital.opening("S1", 1))
    for _ in range(3):
        writer.step()
    assert hospital.state(early) is S.OWED
    clock.advance(seconds=61)
    writer.step()
    assert hospital.state(early) is S.STUCK
    assert "for a minute: signedAt: too early" in hospital.reason(early)


# ---------------------------------------------------------------- what ends a right


def test_a_revocation_waits_for_nothing_that_cannot_go(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        early = hospital.accept(hospital.opening("S1", 1))
    after = hospital.accept_unchecked(hospital.ending("S1", 1), early)
    revocation = hospital.revoke_operator(1)
    hospital.settle(writer)
    assert hospital.state(revocation) is S.FINAL
    assert (hospital.state(early), hospital.state(after)) == (S.STUCK, S.OWED)
    clock.advance(days=2)
    retry(hospital, early)
    hospital.settle(writer)
    assert (hospital.state(early), hospital.state(after)) == (S.REFUSED, S.REFUSED)
    assert "the key is revoked" in hospital.reason(early)


def test_a_revocation_still_comes_after_what_can_go(hospital: Hospital, writer: Writer) -> None:
    before = [hospital.accept(hospital.opening("S1", number)) for number in (1, 2)]
    revocation = hospital.revoke_operator(1)
    hospital.settle(writer)
    assert [hospital.state(each) for each in (*before, revocation)] == [S.FINAL] * 3
    with hospital.instance.database.reading() as tx:
        rows = [index.get(tx, IndexedOperation, each) for each in (*before, revocation)]
    places = [(row.height, row.position) for row in rows]
    assert places == sorted(places)


def test_a_closure_waits_for_nothing_that_cannot_go(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        early = hospital.accept(hospital.opening("S1", 1))
    with hospital.instance.database.reading() as tx:
        authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
    closure = hospital.accept(making.closure(1, authority=authority, circumstances=PEOPLE))
    hospital.settle(writer)
    assert (hospital.state(closure), hospital.state(early)) == (S.FINAL, S.STUCK)


# ---------------------------------------------------------------- acceptance


def test_nothing_is_accepted_by_a_clock_that_was_set_back_far(house: House) -> None:
    opened = house.open(1)
    house.clock.advance(hours=-2)
    with house.nothing_stored(), pytest.raises(ClockWrong) as caught:
        house.open(2)
    assert caught.value.what == (
        f"says 2026-11-21 10:00:00 UTC, 2 hours before operation 0x{opened.digest.hex()[:12]}, "
        "the last that was accepted (2026-11-21 12:00:00 UTC)"
    )
    with (
        house.nothing_stored(),
        pytest.raises(ClockWrong),
        house.instance.database.transaction() as tx,
    ):
        prepare(house.instance, tx, house.caller, house.ending(1))
    house.clock.now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC) - SET_BACK
    house.open(2)


def test_nothing_is_accepted_after_a_long_silence_until_a_person_confirms_the_clock(
    house: House,
) -> None:
    house.clock.advance(days=SILENCE.days, seconds=1)
    with house.nothing_stored(), pytest.raises(ClockWrong, match="nothing was dated since"):
        house.open(1)
    confirm(house.instance)
    house.open(1)


def test_a_person_says_that_the_clock_which_was_set_back_is_right(house: House) -> None:
    house.clock.advance(days=2)
    house.open(1)
    house.clock.advance(days=-2)
    doubt = status(house.instance).clock
    assert doubt is not None
    assert "2 days before operation" in doubt.reason
    assert "clock " in printed(status(house.instance))
    confirm(house.instance)
    assert status(house.instance).clock is None
    house.open(2)
    with house.instance.database.reading() as tx:
        body = find_setting(tx, CONFIRMED_SETTING)
    assert body is not None
    assert b'"person":"Zhao"' in body


def test_an_act_that_was_given_up_dates_nothing(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    with ahead(clock, days=2):
        early = hospital.accept(hospital.opening("S1", 1))
    with pytest.raises(ClockWrong):
        hospital.accept(hospital.opening("S1", 2))
    writer.step()
    refuse(hospital, early)
    assert hospital.accept(hospital.opening("S1", 2))


def test_the_clock_is_held_against_a_chain_that_others_date(house: House) -> None:
    """Ours was behind from the beginning; the chain's blocks say so."""
    settings = house.instance.settings.model_copy(update={"chain_url": "http://127.0.0.1:1"})
    instance = replace(house.instance, settings=settings)
    opened = house.open(1)
    mined = house.clock.now + timedelta(hours=3)
    with instance.database.transaction() as tx:
        index.put(
            tx,
            [
                IndexedOperation(
                    digest=opened.digest, kind="CycleOpening", unit=1, subject=bytes(32),
                    also=None,
                    message=b"", new_key=None, record=bytes(32), height=7, block_hash=bytes(32),
                    timestamp=int(mined.timestamp()), tx_hash=bytes(32), position=0,
                    head=bytes(32),
                )
            ],
        )  # fmt: skip
    remote = replace(house, instance=instance)
    with pytest.raises(ClockWrong, match="3 hours before the chain's last block"):
        remote.open(2)
    house.open(2)  # on one machine the worker's own clock dates the blocks


def test_a_revocation_is_accepted_by_a_clock_that_was_set_back(house: House) -> None:
    house.clock.advance(days=2)
    house.open(1)
    house.clock.advance(days=-2)
    house.record(
        making.revocation(
            1, signer=signer_id(house.operator), administrator=house.administrators[1]
        )
    )


# ---------------------------------------------------------------- ages, leases, heartbeats, dates


def test_an_age_that_lies_ahead_is_said_and_never_counts(house: House) -> None:
    house.clock.advance(days=-2)
    now = status(house.instance)
    assert now.oldest_owed is not None
    assert now.oldest_owed.waited_seconds is None
    assert "is dated ahead of this clock" in printed(now)


def test_a_lease_that_was_taken_by_a_clock_ahead_holds_for_nobody(house: House) -> None:
    house.clock.advance(days=2)
    with house.instance.database.transaction() as tx:
        assert take_lease(tx, LEASE, "elsewhere 1", house.clock(), 30) == 1
    house.clock.advance(seconds=-5)
    assert try_lease(house.instance, "here") is None
    house.clock.advance(days=-2)
    assert status(house.instance).lease is None
    assert try_lease(house.instance, "here") == 2


def test_a_worker_whose_clock_is_set_back_goes_on_saying_that_it_lives(
    tmp_path: Path, database_address: str
) -> None:
    clock = Clock(now=datetime.now(UTC) + timedelta(days=1))
    opened = open_instance(Settings(home=tmp_path / "home", database_url=database_address))
    instance = replace(opened, clock=clock)

    def said() -> datetime | None:
        with instance.database.reading() as tx:
            seen = find_chain_status(tx)
        return None if seen is None else seen.at

    with working(instance):
        wait_for(lambda: is_deployed(instance) and said() is not None)
        clock.advance(days=-1)
        wait_for(lambda: said() == clock.now)
        wait_for(lambda: status(instance).worker is WorkerState.RUNS)  # its lease is renewed
        assert status(instance).heartbeat_age_seconds == 0
    opened.close()


def test_dates_of_a_clock_that_was_set_back_are_told_and_are_no_difference(
    hospital: Hospital, writer: Writer, clock: Clock
) -> None:
    hospital.accept(hospital.opening("S1", 1))
    clock.advance(seconds=-30)
    hospital.settle(writer)
    report = audit(hospital.instance, hospital.link.node)
    assert report.differences == ()
    assert report.set_back == 1
    assert "states dated before the one before: 1" in "\n".join(report.lines())
    assert report.to_plain()["set_back"] == 1


def test_a_played_clock_never_signs_on_a_chain_of_others(tmp_path: Path) -> None:
    instance = open_instance(Settings(home=tmp_path))
    set_played(instance, datetime.now(UTC) + timedelta(days=9))
    instance.close()
    with pytest.raises(Refused, match="a played clock"):
        open_instance(Settings(home=tmp_path, chain_url="http://127.0.0.1:1"))
    again = open_instance(Settings(home=tmp_path))
    assert again.is_played
    again.close()

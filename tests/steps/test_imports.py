"""Files of machines: each cycle once, nothing guessed, nothing amended in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.words import Outcome, Verdict
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.identifiers import CycleId, signer_id
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.domain.records.commitments import FieldValue
from ledger.readings import MAX_FILE_BYTES
from ledger.steps.reading.imports import (
    Import,
    ImportOptions,
    import_file,
)
from ledger.storage import operations, readings
from ledger.storage.engine.database import Database
from tests.house import CENTRE, MEMBER, SERIAL, House, build_house
from tests.steps.importing import LOG, became, facts_of, imported, state_of

LINES = LOG.splitlines(keepends=True)
#: of the log: cycle 13 stands before it, 14 to 17 after it
MIDDLE = 250


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre with the sterilizer of the log, and a member."""
    return build_house(database, tmp_path)


def csv(number: int = 13, started: str = "2016-03-16T00:53:20", *, seconds: int = 0) -> bytes:
    """A logger's record of a cycle of the same machine."""
    text = f"""# machine: Logger MX-2
# serial: {SERIAL}
# cycle: {number}
# programme: P1/134°C/3min
# zone: Europe/Berlin
# temperature unit: °C
# pressure unit: bar
# pressure basis: absolute
# outcome: completed
# started: {started}
time,temperature,pressure
"""
    day = started[:10]
    rows = [f"{day}T23:58:{second:02},135.3,3.18\n" for second in range(seconds, 60, 10)]
    return (text + "".join(rows)).encode()


def without_end(lines: list[bytes]) -> bytes:
    """Cycle 13 without what comes after its first samples."""
    start = next(n for n, text in enumerate(lines) if b"Zyklus:     13" in text)
    end = next(n for n in range(start, len(lines)) if b"01:06:31" in lines[n])
    return b"".join(lines[: end + 1])


def ended(house: House, number: int) -> Mapping[str, FieldValue]:
    """The facts of a cycle's current ending."""
    return facts_of(house, state_of(house, number).ending)


# ------------------------------------------------------------------------------ recorded


def test_a_real_log_becomes_its_cycles_with_the_machine_s_word_and_ours(house: House) -> None:
    report = imported(house)
    assert became(report) == dict.fromkeys((13, 14, 15, 16, 17), Import.RECORDED)
    states = {number: state_of(house, number) for number in range(13, 18)}
    assert [s.outcome for s in states.values()] == [
        Outcome.COMPLETED, Outcome.ABORTED, Outcome.COMPLETED, Outcome.COMPLETED, Outcome.COMPLETED,
    ]  # fmt: skip
    assert states[13].verdict is Verdict.PASSED
    facts = ended(house, 13)
    assert facts["started"] == "16-03-2016 00:53:20"
    assert facts["started_utc"] == "2016-03-15T23:53:20Z"
    assert facts["verdict.profile"] == "en-285-134"
    assert facts["readings.0.sha256"] == report.file.sha256


def test_importing_the_same_log_twice_makes_one_cycle(house: House) -> None:
    imported(house)
    with house.nothing_stored():
        report = imported(house)
    assert not report.is_new
    assert set(became(report).values()) == {Import.KNOWN}


def test_a_log_in_two_halves_makes_the_same_cycles_as_the_whole(house: House) -> None:
    first = imported(house, b"".join(LINES[:MIDDLE]))
    second = imported(house, b"".join(LINES[MIDDLE:]))
    assert became(first) | became(second) == dict.fromkeys((13, 14, 15, 16, 17), Import.RECORDED)
    with house.nothing_stored():
        assert set(became(imported(house, b"".join(LINES[:MIDDLE]))).values()) == {Import.KNOWN}


def test_the_same_cycle_in_two_files_is_one_cycle_with_two_readings(house: House) -> None:
    imported(house, b"".join(LINES[:MIDDLE]))
    report = imported(house)
    assert became(report)[13] is Import.KNOWN
    with house.instance.database.reading() as tx:
        rows = readings.list_cycles_attached(tx, house.cycle(13).id)
        (opening,) = [
            row
            for row in operations.list_by_subject(tx, house.cycle(13).id)
            if row.kind == "CycleOpening"
        ]
    assert len(rows) == 2
    assert opening.digest == state_of(house, 13).opening


def test_a_cycle_opened_live_is_ended_by_the_import(house: House) -> None:
    opened = house.open(13).digest
    report = imported(house)
    (first,) = [each for each in report.cycles if each.reading.number == 13]
    assert first.what is Import.RECORDED
    assert len(first.digests) == 1
    assert state_of(house, 13).opening == opened


def test_an_opening_by_import_says_that_the_outcome_was_known(house: House) -> None:
    imported(house)
    facts = facts_of(house, state_of(house, 13).opening)
    assert facts["timing"] == "after_outcome"
    assert facts["holds_implant"] is None
    assert facts["biological_indicator"] is None


# ------------------------------------------------------------------------------ beside an ending


def test_another_device_s_reading_of_an_ended_cycle_is_attached_and_amends_nothing(
    house: House,
) -> None:
    imported(house)
    before = state_of(house, 13)
    report = imported(house, csv(started="2016-03-16T00:54:05"))
    (cycle,) = report.cycles
    assert cycle.what is Import.ATTACHED
    assert cycle.why == "the cycle ended already with another reading, and this one agrees"
    assert state_of(house, 13) == before
    (digest,) = cycle.digests
    assert facts_of(house, digest)["beside"] == "agrees"
    with house.instance.database.reading() as tx:
        assert len(readings.list_cycles_attached(tx, house.cycle(13).id)) == 2


def test_an_attached_reading_amends_when_a_person_says_so(house: House) -> None:
    imported(house)
    before = state_of(house, 13).ending
    report = imported(house, csv())
    digest = house.say(
        "CycleEnding",
        cycle=f"{SERIAL}/13",
        reading={"sha256": report.file.sha256},
        reason="the logger is calibrated",
    ).digest
    assert state_of(house, 13).ending == digest
    assert ended(house, 13)["supersedes"] == before.hex()


def test_a_reading_of_another_cycle_ends_nothing(house: House) -> None:
    report = imported(house)
    house.open(18)
    reading = {"sha256": report.file.sha256}
    with house.nothing_stored(), pytest.raises(NotFound, match="fit"):
        house.say("CycleEnding", cycle=f"{SERIAL}/18", reading=reading)
    with house.nothing_stored(), pytest.raises(InvalidInput, match="reports the number 13"):
        house.say("CycleEnding", cycle=f"{SERIAL}/18", reading={**reading, "ordinal": 1})


def test_a_counter_that_was_reset_is_refused_with_the_remedy_and_then_recorded(
    house: House,
) -> None:
    imported(house)
    reset = csv(started="2019-01-05T23:50:00")
    report = imported(house, reset)
    (cycle,) = report.cycles
    assert cycle.what is Import.REFUSED
    assert "equipment change --epoch" in (cycle.why or "")
    house.say("EquipmentChange", equipment=SERIAL, epoch=2, reason="the counter was reset")
    (cycle,) = imported(house, reset).cycles
    assert cycle.what is Import.RECORDED
    assert cycle.cycle not in {None, house.cycle(13).id}


def test_a_number_that_was_passed_over_is_recorded_late(house: House) -> None:
    house.open(14)
    report = imported(house)
    assert became(report) == dict.fromkeys(range(13, 18), Import.RECORDED)
    late = [each.notices for each in report.cycles if each.reading.number == 13]
    assert late == [("late: cycle 14 was recorded before it",)]


def test_a_number_whose_opening_was_taken_back_is_opened_again(house: House) -> None:
    mistaken = house.open(13).digest
    house.say("CycleVoid", cycle=f"{SERIAL}/13", reason="mistyped")
    report = imported(house)
    assert became(report)[13] is Import.RECORDED
    assert state_of(house, 13).opening not in {mistaken, bytes(32)}


# ------------------------------------------------------------------------------ cut and damaged


def test_a_cut_record_is_kept_with_an_unknown_outcome_and_cannot_be_released(house: House) -> None:
    report = imported(house, without_end(LINES))
    assert became(report) == {13: Import.RECORDED}
    assert state_of(house, 13).outcome is Outcome.UNKNOWN
    house.declare(13)
    with house.nothing_stored(), pytest.raises(Refused, match="no known outcome"):
        house.decide(13)


def test_a_cut_record_is_set_right_by_the_whole_one(house: House) -> None:
    imported(house, without_end(LINES))
    before = state_of(house, 13)
    report = imported(house)
    (cycle,) = [each for each in report.cycles if each.reading.number == 13]
    assert cycle.what is Import.HOLDS_MORE
    assert f"cycle end {SERIAL}/1/13 --reading {report.file.sha256}:1" in (cycle.why or "")
    assert state_of(house, 13) == before
    house.say(
        "CycleEnding",
        cycle=f"{SERIAL}/13",
        reading={"sha256": report.file.sha256, "ordinal": 1},
        reason="the first file was cut",
    )
    assert state_of(house, 13).outcome is Outcome.COMPLETED


# ------------------------------------------------------------------------------ not recorded


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "is empty"),
        (b"13.03.2016 23:36:05\n------------\n", "form"),
        (b"".join(LINES[:30]), "holds no cycle"),
        (b"x" * (MAX_FILE_BYTES + 1), "at most 1048576 bytes"),
        (csv(started="2016-03-16T00:53:20").replace(b"135.3", b"1353", 1), "line 12"),
        (csv().replace(b"Logger", b"Log\xffger"), "UTF-8"),
        (csv().replace(b"outcome: completed", b"outcome: fine"), "outcome"),
        (csv().replace(b"# zone: Europe/Berlin", b"# zone: Mars/Olympus"), "zone"),
        (
            csv().replace(b"time,temp", b"# ended: 2016-03-15T00:00:00\ntime,temp"),
            "before",
        ),
        (csv().replace(b"Logger MX-2", b"Logger \x1b[2J"), "control"),
    ],
)
def test_a_file_that_is_no_reading_is_refused_and_not_kept(
    house: House, data: bytes, words: str
) -> None:
    with house.nothing_stored(), pytest.raises(InvalidInput) as caught:
        imported(house, data)
    assert words in str(caught.value)
    assert caught.value.field
    assert caught.value.rule


@pytest.mark.parametrize(
    "options, field",
    [({"zone": "Mars/Olympus"}, "zone"), ({"profile": "hot"}, "profile")],
)
def test_an_unknown_zone_or_profile_is_refused_before_anything_is_kept(
    house: House, options: dict[str, Any], field: str
) -> None:
    with house.nothing_stored(), pytest.raises((InvalidInput, NotFound)) as caught:
        imported(house, **options)
    assert caught.value.field == field


def test_a_machine_that_nobody_registered_leaves_the_reading_unmatched(house: House) -> None:
    report = imported(house, csv().replace(SERIAL.encode(), b"999"))
    (cycle,) = report.cycles
    assert (cycle.what, cycle.cycle) == (Import.UNMATCHED, None)
    assert report.is_new
    house.register(CENTRE, "999")
    (cycle,) = imported(house, csv().replace(SERIAL.encode(), b"999")).cycles
    assert cycle.what is Import.RECORDED


def test_a_unit_that_imports_the_same_file_has_its_own_reading(house: House) -> None:
    first = imported(house)
    with house.instance.database.reading() as tx:
        before = readings.list_reading_cycles(tx, bytes.fromhex(first.file.sha256), unit=CENTRE)
    second = import_file(
        house.instance,
        house.caller,
        LOG,
        filename="copy.log",
        unit=MEMBER,
        options=ImportOptions(),
    )
    assert second.is_new
    assert {cycle.what for cycle in second.cycles} == {Import.UNMATCHED}
    with house.instance.database.reading() as tx:
        digest = bytes.fromhex(first.file.sha256)
        assert readings.list_reading_cycles(tx, digest, unit=CENTRE) == before
        theirs = readings.list_reading_cycles(tx, digest, unit=MEMBER)
        assert {part.cycle for part in theirs} == {None}
        assert len(theirs) == len(before)


def test_a_rule_that_keeps_every_cycle_out_keeps_the_file(house: House) -> None:
    house.caller = Caller(
        person="Reader",
        unit=CENTRE,
        scopes=frozenset({Scope.READ_UNIT}),
        signer=signer_id(house.operator),
    )
    report = imported(house)
    assert set(became(report).values()) == {Import.REFUSED}
    assert all("does not allow" in (each.why or "") for each in report.cycles)
    counts = house.counts()
    assert (counts["readings"], counts["cycles"]) == (1, 0)


def test_an_import_for_another_unit_is_not_found(house: House) -> None:
    house.caller = replace(house.caller, unit=MEMBER)
    with house.nothing_stored(), pytest.raises(NotFound):
        imported(house)


def test_the_cycle_ids_of_an_import_are_the_contract_s(house: House) -> None:
    report = imported(house)
    expected: list[CycleId | None] = [house.cycle(number).id for number in range(13, 18)]
    assert [each.cycle for each in report.cycles] == expected

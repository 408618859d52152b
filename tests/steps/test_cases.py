"""Real mistakes of machines and people: what the import answers, and what it keeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.vocabulary import CycleReference, Machine
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import Conflict, InvalidInput, Refused
from ledger.domain.machines.numbering import Numbering
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import Receipt
from ledger.steps.answering.showing import CycleView, list_cycles, show_cycle
from ledger.steps.reading.imports import Import, ImportedCycle, ImportReport
from ledger.storage.engine.database import Database
from tests import making
from tests.house import CENTRE, DATA, House, build_house
from tests.steps.importing import became, imported, imported_together

CASES = DATA / "cases"
SERIAL = "T-1001"


@pytest.fixture
def house(sqlite_database: Database, tmp_path: Path) -> House:
    """A centre with the sterilizer of the cases."""
    house = build_house(sqlite_database, tmp_path)
    house.equipment = house.register(CENTRE, SERIAL)
    return house


def case(name: str) -> bytes:
    """A file of a case."""
    return (CASES / name).read_bytes()


def only(house: House, data: bytes | str, **options: Any) -> ImportedCycle:
    """Import a file of one cycle."""
    raw = case(data) if isinstance(data, str) else data
    (cycle,) = imported(house, raw, filename="export.csv", **options).cycles
    return cycle


def open_cycle(house: House, number: int, **values: Any) -> Receipt:
    """Open a cycle of the machine, as a person types it."""
    said = {"unit": CENTRE, "equipment": SERIAL, "number": number}
    return house.say("CycleOpening", **said, **values)


def new_epoch(house: House, epoch: int) -> None:
    """The machine's counter starts anew."""
    house.say("EquipmentChange", equipment=SERIAL, epoch=epoch, reason="the counter was reset")


def show(house: House, name: str, *, serial: str = SERIAL) -> CycleView:
    """A cycle's page."""
    with house.instance.database.reading() as tx:
        return show_cycle(tx, house.caller, f"{serial}/{name}")


def release(house: House, name: str, **values: Any) -> Receipt:
    """Load a package into a cycle and release it."""
    cycle = f"{SERIAL}/{name}"
    line = {"owner": CENTRE, "payer": CENTRE, "package_class": 1, "quantity": 1}
    share = {"owner": CENTRE, "payer": CENTRE, "package_class": 1, "delta": 1}
    if not show(house, name).counts:
        house.say("LoadDeclaration", cycle=cycle, lines=[line])
    return house.say("CycleDecision", cycle=cycle, decision="release", shares=[share], **values)


def notices(report: ImportReport) -> list[str]:
    """What the import says of the cycles of a file."""
    return [notice for each in report.cycles for notice in each.notices]


# ------------------------------------------------------------------------------ known by content


def test_a_counter_that_was_reset_makes_no_second_copy_and_turns_no_cycle_away(
    house: House,
) -> None:
    assert became(imported(house, case("01-epoch-duplicates/day1.log"))) == {
        901: Import.RECORDED,
        902: Import.RECORDED,
    }
    report = imported(house, case("01-epoch-duplicates/day2.log"))
    assert became(report) == {901: Import.KNOWN, 902: Import.KNOWN, 1: Import.REFUSED}
    assert "--epoch 2 --reason WHY" in (report.cycles[2].why or "")
    new_epoch(house, 2)
    report = imported(house, case("01-epoch-duplicates/day3.log"))
    assert became(report) == {
        901: Import.KNOWN,
        902: Import.KNOWN,
        1: Import.RECORDED,
        2: Import.RECORDED,
    }
    assert show(house, "2/1").epoch == 2
    assert [show(house, f"1/{number}").epoch for number in (901, 902)] == [1, 1]


def test_a_reset_within_one_log_is_told_before_anything_of_it_is_mixed_up(house: House) -> None:
    day2 = case("01-epoch-duplicates/day2.log")
    blocks = [b" DAC Universal" + block for block in day2.split(b" DAC Universal")[1:]]
    newest_first = b"".join(reversed(blocks))
    for data in (day2, newest_first):
        report = imported(house, data)
        assert became(report)[1] is Import.REFUSED
        assert {became(report)[number] for number in (901, 902)} <= {Import.RECORDED, Import.KNOWN}
    new_epoch(house, 2)
    assert became(imported(house, newest_first))[1] is Import.RECORDED
    assert show(house, "2/1").epoch == 2


def test_a_late_cycle_is_recorded_though_the_clock_of_a_later_one_was_wrong(house: House) -> None:
    folder = CASES / "02-order-of-arrival" / "folder"
    nine, ten, eleven = ((folder / f"cycle-{n}.log").read_bytes() for n in (9, 10, 11))
    early = eleven.replace(b"Dat.(T-M-J) ", b"Dat.(T-M-J) 01-01-2020 ", 1)
    early = re.sub(rb"(Dat.\(T-M-J\) 01-01-2020) \d\d-\d\d-\d{4}", rb"\1", early)
    assert [only(house, data).what for data in (nine, early, ten)] == [Import.RECORDED] * 3


def test_a_late_cycle_of_an_earlier_epoch_goes_where_its_time_belongs(house: House) -> None:
    day1 = case("01-epoch-duplicates/day1.log")
    imported(house, day1[: day1.index(b" DAC", 200)])
    new_epoch(house, 2)
    day3 = case("01-epoch-duplicates/day3.log")
    imported(house, day3[day3.index(b"Zyklus:     1\n") - 200 :])
    assert became(imported(house, day1)) == {901: Import.KNOWN, 902: Import.RECORDED}
    assert show(house, "1/902").epoch == 1


def printed(number: int, day: str) -> bytes:
    """A printout of a cycle at noon of a day, such as `10-03-2026`."""
    data = case("25-gap/cycle-17.log").replace(b"     17", f" {number:>6}".encode())
    return data.replace(b"10-03-2026", day.encode())


def test_a_clock_that_was_set_back_turns_no_rising_number_away_in_any_epoch(house: House) -> None:
    imported(house, printed(5, "01-02-2026"))
    assert only(house, printed(6, "25-01-2026")).what is Import.RECORDED
    new_epoch(house, 2)
    imported(house, printed(9, "20-03-2026") + printed(10, "25-03-2026"))
    back = only(house, printed(11, "22-03-2026"))
    assert back.what is Import.RECORDED
    assert any("clock" in each and "cycle 10, of a lower number" in each for each in back.notices)
    assert show(house, "2/11").epoch == 2


def test_a_clock_that_was_set_back_in_an_earlier_epoch_leaves_the_cycle_there(
    house: House,
) -> None:
    imported(house, printed(5, "01-02-2026") + printed(11, "05-02-2026"))
    new_epoch(house, 2)
    imported(house, printed(9, "20-03-2026") + printed(10, "25-03-2026"))
    new_epoch(house, 3)
    imported(house, printed(1, "01-05-2026"))
    back = only(house, printed(11, "22-03-2026"))
    assert back.what is Import.RECORDED
    assert any("clock" in each and "of a lower number" in each for each in back.notices)
    assert show(house, "2/11").epoch == 2


def test_no_cycle_after_a_reset_fills_a_gap_from_before_it(house: House) -> None:
    imported(house, b"".join(printed(n, f"0{n}-02-2026") for n in (1, 2, 4, 5)))
    again = [printed(n, f"1{n}-02-2026") for n in (1, 2, 3, 4)]
    assert set(became(imported(house, b"".join(again))).values()) == {Import.REFUSED}
    assert only(house, again[2]).what is Import.REFUSED
    new_epoch(house, 2)
    assert set(became(imported(house, b"".join(again))).values()) == {Import.RECORDED}
    assert only(house, printed(3, "03-02-2026")).what is Import.RECORDED
    assert show(house, "1/3").numbering == Numbering(late_behind=4)


def test_a_person_says_of_which_epoch_a_cycle_is_where_nothing_else_tells_it(
    house: House,
) -> None:
    imported(house, printed(901, "01-02-2026") + printed(902, "02-02-2026"))
    late = printed(17, "10-03-2026")
    why = only(house, late).why or ""
    assert "import FILE --epoch 1; if the counter was reset" in why
    with house.nothing_stored():
        assert "no counter epoch 2" in (only(house, late, epoch=2).why or "")
    cycle = only(house, late, epoch=1)
    assert cycle.what is Import.RECORDED
    assert "a person said that it is of counter epoch 1" in cycle.notices
    assert any("of a higher number" in each for each in cycle.notices)
    assert show(house, "1/17").numbering == Numbering(late_behind=901)


def test_a_reset_counter_is_named_where_its_number_is_taken(house: House) -> None:
    imported(house, printed(5, "01-02-2026") + printed(6, "02-02-2026"))
    again = only(house, printed(5, "03-02-2026"))
    assert again.what is Import.REFUSED
    assert "counter was reset" in (again.why or "")
    new_epoch(house, 2)
    assert only(house, printed(5, "03-02-2026")).what is Import.RECORDED


# ------------------------------------------------------------------------------ order


def test_cycles_of_one_file_are_recorded_by_their_numbers(house: House) -> None:
    report = imported(house, case("02-order-of-arrival/newest-first.log"))
    assert became(report) == dict.fromkeys((712, 711, 710), Import.RECORDED)
    assert not any(word in each for each in notices(report) for word in ("late", "come in"))


def test_files_of_one_call_are_recorded_by_their_numbers(house: House) -> None:
    folder = sorted((CASES / "02-order-of-arrival" / "folder").iterdir())
    reports = imported_together(house, *[path.read_bytes() for path in folder])
    assert [became(report) for report in reports] == [
        {10: Import.RECORDED},
        {11: Import.RECORDED},
        {9: Import.RECORDED},
    ]
    said = [each for report in reports for each in notices(report)]
    assert not any(word in each for each in said for word in ("late", "come in"))


def test_a_printout_that_comes_late_is_late_and_fills_its_gap(house: House) -> None:
    assert only(house, "02-order-of-arrival/folder/cycle-11.log").notices == ()
    first = only(house, "02-order-of-arrival/late/a-cycle-17.log")
    assert "numbers 12 to 16 have not come in" in first.notices
    assert show(house, "17").numbering == Numbering(missing_from=12, missing_to=16)
    late = only(house, "02-order-of-arrival/late/b-cycle-12.log")
    assert late.what is Import.RECORDED
    assert show(house, "12").numbering == Numbering(late_behind=17)
    assert show(house, "17").numbering == Numbering(missing_from=13, missing_to=16)
    assert "late: cycle 17 was recorded before it" in late.notices
    assert show(house, "12").machine_verdict is not None


def test_a_number_far_below_others_is_late_where_the_clock_of_these_cannot_be_right(
    house: House,
) -> None:
    where = CASES / "02-order-of-arrival"
    for name in ("newest-first.log", "folder", "late"):
        paths = [where / name] if name.endswith("log") else sorted((where / name).iterdir())
        for report in imported_together(house, *[path.read_bytes() for path in paths]):
            assert set(became(report).values()) == {Import.RECORDED}
    assert show(house, "12").numbering == Numbering(late_behind=710)
    assert any("cycle 710, of a higher number" in each for each in show(house, "17").remarks)


def test_numbers_that_nobody_brought_are_told(house: House) -> None:
    only(house, "25-gap/cycle-17.log")
    second = only(house, "25-gap/cycle-456.log")
    assert "numbers 18 to 455 have not come in" in second.notices


@pytest.mark.parametrize("number", [43542104354210, 88888888, 4355211])
def test_a_typed_leap_is_asked_about(house: House, number: int) -> None:
    open_cycle(house, 4354210)
    with house.nothing_stored(), pytest.raises(InvalidInput) as caught:
        open_cycle(house, number)
    assert (caught.value.field, "4354210" in str(caught.value)) == ("number", True)
    opening = open_cycle(house, number, leap=True)
    open_cycle(house, 4354211)
    assert show(house, "4354211").numbering == Numbering(late_behind=number)
    house.say(
        "CycleVoid",
        cycle=f"{SERIAL}/{number}",
        opening=to_hex(opening.digest),
        reason="scanned twice",
    )
    assert show(house, str(number)).state == "voided"
    with house.instance.database.reading() as tx:
        lines = {line.number: line for line in list_cycles(tx, house.caller)}
    assert lines[number].state == "voided"
    assert {line.numbering for line in lines.values()} == {Numbering()}
    open_cycle(house, 4354215)
    assert show(house, "4354215").numbering == Numbering(missing_from=4354212, missing_to=4354214)
    open_cycle(house, number, leap=True)
    with house.instance.database.reading() as tx:
        listed = [(line.number, line.state) for line in list_cycles(tx, house.caller)]
    assert listed == [(number, "undecided"), (4354215, "undecided"), (4354211, "undecided"),
                      (4354210, "undecided")]  # fmt: skip


def test_a_leap_that_is_typed_beside_a_reading_is_asked_about(house: House) -> None:
    open_cycle(house, 3)
    cycle = only(house, "10-blind-logger/logger.csv", machine=SERIAL, number=43543)
    assert cycle.what is Import.REFUSED
    assert "43543 lies 43540 above the highest" in (cycle.why or "")
    open_cycle(house, 43543, leap=True)
    cycle = only(house, "10-blind-logger/logger.csv", machine=SERIAL, number=43543)
    assert cycle.what is Import.RECORDED


def test_an_imported_leap_is_not_asked_about(house: House) -> None:
    open_cycle(house, 3)
    data = case("25-gap/cycle-17.log").replace(b"     17", b"  54321")
    assert only(house, data).what is Import.RECORDED


# ------------------------------------------------------------------------------ every reading


def test_a_logger_that_contradicts_is_told_and_a_release_against_it_needs_a_reason(
    house: House,
) -> None:
    only(house, "04-second-reading-ignored/printout.log")
    second = only(house, "04-second-reading-ignored/logger-131C.csv")
    assert second.what is Import.CONTRADICTS
    assert "it fails en-285-134, and passed was recorded" in (second.why or "")
    entry = show(house, "11").timeline[-1]
    assert entry.act == "a further reading was added: contradicts"
    assert entry.facts["verdict.result"] == "failed"
    assert "it fails en-285-134" in str(entry.facts["reasons"])
    assert any("contradicts: it fails" in each for each in show(house, "11").remarks)
    with pytest.raises(Refused) as caught:
        release(house, "11")
    assert caught.value.field == "reason"
    release(house, "11", reason="the logger's battery was empty")
    assert show(house, "11").timeline[-1].facts["reason"] == "the logger's battery was empty"


def logger(number: int, start: str, **header: str) -> bytes:
    """A logger's record at 135 °C that begins at a time, 12 minutes after the cycle's start."""
    text = case("04-second-reading-ignored/logger-131C.csv").decode()
    text = text.replace("131.0,2.80", "135.0,3.13").replace("cycle: 11", f"cycle: {number}")
    for key, value in header.items():
        text = re.sub(f"(?m)^# {key}: .*$", f"# {key}: {value}", text)
    return text.replace("2026-07-02T08", start).encode()


@pytest.mark.parametrize(
    "start, header, what, words",
    [
        ("2026-07-02T08", {}, Import.ATTACHED, ""),
        ("2026-07-02T06", {"zone": "UTC"}, Import.ATTACHED, ""),
        ("2026-07-02T09", {}, Import.ATTACHED, "an hour ahead of the recorded reading's"),
        ("2026-07-02T10", {}, Import.REFUSED, "check the zone"),
        ("2026-07-03T08", {}, Import.REFUSED, "check the number and the day"),
        ("2026-08-02T08", {}, Import.REFUSED, "if the machine's counter was reset"),
        ("2026-07-02T08", {"outcome": "aborted"}, Import.CONTRADICTS, "it says aborted"),
    ],
)
def test_a_further_reading_belongs_to_the_cycle_by_its_time(
    house: House, start: str, header: dict[str, str], what: Import, words: str
) -> None:
    only(house, "04-second-reading-ignored/printout.log")
    cycle = only(house, logger(11, start, **header))
    assert cycle.what is what
    assert words in " ".join((cycle.why or "", *cycle.notices))


def test_what_was_open_in_the_record_is_told_by_a_further_reading(house: House) -> None:
    only(house, logger(11, "2026-07-02T08", outcome="unknown"))
    cycle = only(house, "04-second-reading-ignored/printout.log")
    assert cycle.what is Import.HOLDS_MORE
    assert "it says completed, and unknown was recorded" in (cycle.why or "")


def test_a_logger_of_today_is_never_put_into_an_earlier_epoch(house: House) -> None:
    only(house, "04-second-reading-ignored/printout.log")
    open_cycle(house, 90)
    new_epoch(house, 2)
    for number, day in ((80, "2026-09-05T08"), (81, "2026-09-06T08"), (90, "2026-09-07T08")):
        assert only(house, logger(number, day)).what is Import.RECORDED
        assert show(house, f"2/{number}").epoch == 2
    assert only(house, logger(81, "2026-09-07T08")).what is Import.REFUSED
    assert only(house, logger(10, "2026-07-01T08")).what is Import.RECORDED
    assert show(house, "1/10").epoch == 1


def test_a_second_probe_is_judged_together_with_the_first(house: House) -> None:
    only(house, "24-several-probes/probe1.csv", profile="en-285-134")
    second = only(house, "24-several-probes/probe2-late.csv", profile="en-285-134")
    assert second.what is Import.CONTRADICTS
    assert "equilibration" in (second.why or "")


def test_probes_in_columns_are_judged_together(house: House) -> None:
    cycle = only(house, "24-several-probes/columns.csv", profile="en-285-134")
    assert cycle.what is Import.RECORDED
    facts = show(house, "81").computed_verdict
    assert facts is not None
    assert facts["result"] != "passed"


def test_reasons_of_an_unknown_outcome_are_shown(house: House) -> None:
    cycle = only(house, "06-unknown-without-reason/ok-then-code.log")
    assert cycle.reading.outcome_reasons
    page = show(house, "20")
    assert page.machine_verdict is not None
    assert page.machine_verdict["outcome"] == "unknown"
    assert "line 40" in str(page.machine_verdict["outcome_reasons"])


def test_every_fault_code_is_shown(house: House) -> None:
    only(house, "07-second-fault-code-lost/abort-93-then-72.log")
    page = show(house, "21")
    assert page.machine_verdict is not None
    assert page.machine_verdict["fault_code"] == "93"
    assert page.machine_verdict["further_fault_codes"] == "72"


# ------------------------------------------------------------------------------ verdicts


def test_air_overpressure_is_judged_by_its_own_profile(house: House) -> None:
    only(house, "08-air-overpressure/with-pressure.csv", profile="air-overpressure-121")
    page = show(house, "31")
    assert page.computed_verdict is not None
    assert page.computed_verdict["result"] == "passed"
    release(house, "31")


def test_leaving_the_pressure_out_does_not_make_a_failure_releasable(house: House) -> None:
    only(house, "08-air-overpressure/with-pressure.csv", profile="en-285-121")
    only(house, "08-air-overpressure/without-pressure.csv", profile="en-285-121")
    results = [show(house, name).computed_verdict for name in ("31", "32")]
    assert [each and each["result"] for each in results] == ["failed", "not_enough_data"]
    for name in ("31", "32"):
        with pytest.raises(Refused):
            release(house, name)


@pytest.mark.parametrize("name, number, most", [("step.csv", "41", 0.01), ("ramp.csv", "42", 1.12)])
def test_f0_is_a_true_lower_bound(house: House, name: str, number: str, most: float) -> None:
    only(house, f"09-f0-not-a-lower-bound/{name}", profile="en-285-121")
    verdict = show(house, number).computed_verdict
    assert verdict is not None
    assert float(str(verdict["f0_minutes"])) <= most


def test_a_leak_test_is_recorded_without_a_thermal_verdict(house: House) -> None:
    cycle = only(house, "21-pressure-only-test/leak.csv")
    assert cycle.what is Import.RECORDED
    page = show(house, "61")
    assert page.computed_verdict is not None
    assert page.computed_verdict["result"] == "not_computed"


# ------------------------------------------------------------------------------ assigned


def test_a_logger_that_knows_nothing_is_assigned_by_a_person(house: House) -> None:
    cycle = only(house, "10-blind-logger/logger.csv")
    assert cycle.what is Import.UNMATCHED
    assert "--machine MACHINE --number NUMBER" in (cycle.why or "")
    report = imported(house, case("10-blind-logger/logger.csv"))
    open_cycle(house, 12)
    house.say("CycleEnding", cycle=f"{SERIAL}/12", reading={"sha256": report.file.sha256})
    page = show(house, "12")
    assert page.machine_verdict is not None
    assert any("a person assigned it" in each for each in page.remarks)
    assert only(house, "10-blind-logger/logger.csv").what is Import.KNOWN


@pytest.mark.parametrize("name, label", [("id.csv", "060224-01"), ("ch.csv", "CH021667")])
def test_a_name_with_letters_is_kept_beside_the_number_that_a_person_says(
    house: House, name: str, label: str
) -> None:
    path = f"17-cycle-id-with-letters/{name}"
    cycle = only(house, path)
    assert cycle.what is Import.UNMATCHED
    assert label in (cycle.why or "")
    assert only(house, path, number=55).what is Import.RECORDED
    page = show(house, "55")
    assert page.machine_verdict is not None
    assert page.machine_verdict["label"] == label


# ------------------------------------------------------------------------------ implausible


def test_cloned_and_overlapping_cycles_are_remarked(house: House) -> None:
    assert only(house, "11-impossible-cycles/first.log").notices == ()
    cycles = {
        name: only(house, f"11-impossible-cycles/{name}.log")
        for name in ("same-second", "overlapping", "same-curve-next-day")
    }
    assert {each.what for each in cycles.values()} == {Import.RECORDED}
    words = {name: " | ".join(each.notices) for name, each in cycles.items()}
    assert "begins in the same second as cycle T-1001/1/601" in words["same-second"]
    assert "overlaps cycle T-1001/1/60" in words["overlapping"]
    assert "its values are those of cycle T-1001/1/601" in words["same-curve-next-day"]
    assert any("to the last digit" in each for each in show(house, "604").remarks)


# ------------------------------------------------------------------------------ clocks


@pytest.mark.parametrize(
    "name, number, words, has_moment",
    [
        ("1970.log", "301", "1970", False),
        ("2031.log", "302", "2031", False),
        ("spring-gap.log", "304", "02:10", False),
        ("autumn-twice.log", "305", "twice", False),
        ("autumn-twice.csv", "306", "twice", False),
    ],
)
def test_a_wrong_clock_is_recorded_without_a_made_up_moment_and_named(
    house: House, name: str, number: str, words: str, *, has_moment: bool
) -> None:
    cycle = only(house, f"12-clock/{name}")
    assert cycle.what is Import.RECORDED
    notices = " ".join(cycle.notices)
    assert "clock" in notices
    assert words in notices
    with house.instance.database.reading() as tx:
        machine = Machine(id=house.equipment, unit=CENTRE, serial=SERIAL)
        reference = CycleReference(machine=machine, epoch=1, number=int(number))
        state = Accepted(tx).find(CycleState, reference.id)
    assert state is not None
    assert bool(state.started_at) is has_moment


@pytest.mark.parametrize("start", ["0001-01-01T00", "9999-12-31T23"])
def test_the_first_and_the_last_year_are_recorded_without_a_moment(
    house: House, start: str
) -> None:
    for number in (1, 2):
        cycle = only(house, logger(number, start))
        assert cycle.what is Import.RECORDED
        assert any("no moment is recorded" in each for each in cycle.notices)
    assert any("begins in the same second" in each for each in cycle.notices)


def test_a_clock_that_falls_back_by_years_is_named(house: House) -> None:
    only(house, "25-gap/cycle-17.log")
    cycle = only(house, "12-clock/back-to-2000.log")
    assert cycle.what is Import.RECORDED
    assert any("clock" in each and "2000" in each for each in cycle.notices)


# ------------------------------------------------------------------------------ scanned twice


def test_the_same_package_class_twice_is_refused_in_a_load_as_in_a_decision(house: House) -> None:
    open_cycle(house, 101)
    line = {"owner": CENTRE, "payer": CENTRE, "package_class": 1, "quantity": 4}
    for other in (line, line | {"quantity": 5}):
        with house.nothing_stored(), pytest.raises((InvalidInput, Conflict)) as caught:
            house.say("LoadDeclaration", cycle=f"{SERIAL}/101", lines=[line, other])
        assert "once" in str(caught.value)


# ------------------------------------------------------------------------------ units


@pytest.mark.parametrize("name", ["fahrenheit", "hpa", "mpa", "psi"])
def test_a_unit_that_machines_print_is_converted_and_kept(house: House, name: str) -> None:
    assert only(house, f"18-units/{name}.csv").what is Import.RECORDED
    page = show(house, "105")
    assert page.machine_verdict is not None
    units = {page.machine_verdict["temperature_unit"], page.machine_verdict["pressure_unit"]}
    assert units & {"°F", "F", "hPa", "MPa", "psi"}


def test_two_makers_equal_serials_are_told_apart(house: House) -> None:
    other = f"W&H:{SERIAL}"
    house.record(
        making.registration(CENTRE, other, model="Lisa", administrator=house.administrators[CENTRE])
    )
    printed = case("04-second-reading-ignored/logger-131C.csv")
    lisa = only(house, printed.replace(b"Logger LX", b"Lisa 522"))
    dac = only(house, "04-second-reading-ignored/printout.log")
    assert (lisa.what, dac.what) == (Import.RECORDED, Import.RECORDED)
    assert dac.cycle is not None
    assert lisa.cycle is not None
    assert show(house, "11").id == dac.cycle.hex()
    assert show(house, "11", serial=other).id == lisa.cycle.hex()

"""The further forms: their samples, cut at every line and flipped in any byte."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import default_profiles, get_profile, profile_for
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    PressureBasis,
    ReadingFile,
    RemarkKind,
)
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, Verdict, evidence_of
from ledger.readings import read_file
from ledger.readings.text import decode

FORMS = Path(__file__).parents[1] / "data" / "forms"
SAMPLES = sorted(path.name for path in FORMS.iterdir() if path.suffix in {".txt", ".csv"})
COMPLETE = ("plc-complete.txt", "steriliser-complete.txt", "washer-complete.txt")


def data(name: str) -> bytes:
    return (FORMS / name).read_bytes()


def read(raw: bytes) -> ReadingFile:
    return read_file(raw, filename="a")


def only(raw: bytes) -> CycleReading:
    (cycle,) = read(raw).cycles
    return cycle


def judged(cycle: CycleReading, usual: str) -> ThermalVerdict:
    profile = profile_for(cycle, named=None, usual=usual, profiles=default_profiles())
    assert profile is not None
    return check(evidence_of(cycle), profile)


def edited(name: str, old: str, new: str) -> bytes:
    raw = data(name)
    assert raw.count(old.encode()) == 1
    return raw.replace(old.encode(), new.encode())


# ------------------------------------------------------------------ every form


@pytest.mark.parametrize("name", SAMPLES)
def test_every_line_is_read_or_reported(name: str) -> None:
    file = read(data(name))
    accounted = {line for each in file.cycles for line in each.lines_read}
    accounted |= {line for each in file.remarks for line in range(each.line, each.last_line + 1)}
    filled = {line.number for line in decode(data(name)).lines if line.text.strip()}
    assert filled <= accounted
    assert {RemarkKind.UNREAD, RemarkKind.OUTSIDE}.isdisjoint(each.kind for each in file.remarks)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_cut_at_any_line_is_never_completed(name: str) -> None:
    lines = data(name).splitlines(keepends=True)
    end = next(
        (at for at, text in enumerate(lines) if re.match(rb"FIM|PROGRAMM K|release", text)), None
    )
    for length in range(len(lines)):
        try:
            cycles = read(b"".join(lines[:length])).cycles
        except InvalidInput:
            continue
        if end is None or length <= end:
            assert CycleOutcome.COMPLETED not in {each.outcome for each in cycles}


@pytest.mark.parametrize("name", COMPLETE)
def test_other_line_ends_and_encodings_make_the_same_cycle(name: str) -> None:
    text = data(name).decode()
    expected = only(data(name)).content_sha256
    for again in (
        text.replace("\r\n", "\n").encode(),
        text.replace("\r\n", "\n").replace("\n", "\r\n").encode(),
        text.replace("\n", " \n").encode(),
        text.encode("utf-16"),
        text.encode("utf-16-be"),
        text.encode("cp1252"),
    ):
        assert only(again).content_sha256 == expected


@pytest.mark.parametrize("name", COMPLETE)
def test_the_same_cycle_twice_in_a_file_is_kept_once(name: str) -> None:
    file = read(data(name) + b"\n\n" + data(name))
    assert len(file.cycles) == 1
    assert [each.kind for each in file.remarks].count(RemarkKind.DUPLICATE) == 1


@pytest.mark.parametrize("name", ["plc-complete.txt", "steriliser-complete.txt"])
def test_two_cycles_follow_each_other(name: str) -> None:
    other = re.sub(rb"(CICLOS: |Nr\.  : )[0-9]+", rb"\g<1>7", data(name))
    file = read(data(name) + other)
    assert [each.outcome for each in file.cycles] == [CycleOutcome.COMPLETED] * 2
    assert file.cycles[1].number == 7


def printed_numbers(text: str) -> set[str]:
    return set(re.findall(r"[0-9]+(?:[.,][0-9]+)?", text))


@given(name=st.sampled_from(SAMPLES), place=st.floats(0, 1), mask=st.integers(1, 255))
@settings(max_examples=200, deadline=None)
def test_a_flipped_byte_never_invents_a_value(name: str, place: float, mask: int) -> None:
    flipped = bytearray(data(name))
    flipped[int(place * (len(flipped) - 1))] ^= mask
    try:
        file = read(bytes(flipped))
    except InvalidInput:
        return
    lines = {line.number: line.text for line in decode(bytes(flipped)).lines}
    for cycle in file.cycles:
        for sample in cycle.samples:
            below = " ".join(lines.get(sample.line + more, "") for more in range(4))
            assert set(filter(None, sample.printed)) <= printed_numbers(below)


# ------------------------------------------------------------------ the controller's printout


def test_the_controller_s_printout_has_two_probes_and_its_own_hold_and_f0() -> None:
    cycle = only(data("plc-complete.txt"))
    assert (cycle.machine, cycle.serial, cycle.number) == ("E X E M P L O", None, 3154)
    assert cycle.programme_text == "01: 134 C"
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert cycle.complete
    assert cycle.probes == ("TE1", "TE2")
    assert (cycle.pressure_unit, cycle.pressure_basis) == ("barA", PressureBasis.ABSOLUTE)
    assert cycle.claim.f0_minutes == 7
    assert cycle.started is not None
    assert cycle.started.local == datetime(2026, 4, 25, 15, 28, 51)  # noqa: DTZ001
    assert cycle.printed_minimum is not None
    assert cycle.printed_minimum.temperature_celsius == Decimal("134.4")
    verdict = judged(cycle, "en-285-134")
    assert verdict.verdict is Verdict.PASSED
    facts = verdict.facts()
    assert (facts["equilibration_check"], facts["probe_count"]) == ("met", 2)
    assert facts["hold_seconds"] == "420"
    assert facts["machine_f0_minutes"] == "7"


def test_a_controller_s_printout_cut_while_it_heats_is_not_enough_data() -> None:
    cycle = only(data("plc-cut.txt"))
    assert (cycle.outcome, cycle.is_ended) == (CycleOutcome.UNKNOWN, False)
    assert judged(cycle, "en-285-134").verdict is Verdict.NOT_ENOUGH_DATA


def test_a_cancelled_cycle_is_aborted_with_its_fault() -> None:
    cycle = only(data("plc-cancelled.txt"))
    assert cycle.outcome is CycleOutcome.ABORTED
    assert cycle.fault_code == "12"
    assert "CICLO CANCELADO" in cycle.outcome_reasons[0]


def test_values_go_on_after_a_cancelled_cycle_and_its_end_line_changes_nothing() -> None:
    raw = data("plc-cancelled.txt").decode().rstrip().rsplit("\n", 2)[0]
    cycle = only(f"{raw}\n16:09:49 1.10 99.5 99.0\nFIM DE CICLO 16:20:00\n".encode())
    assert cycle.outcome is CycleOutcome.ABORTED
    assert cycle.samples[-1].celsius == (Decimal("99.5"), Decimal("99.0"))


@pytest.mark.parametrize("unit", ["bar", "psi", "xyzA"])
def test_a_unit_that_is_not_known_gives_no_pressure(unit: str) -> None:
    cycle = only(edited("plc-complete.txt", "barA oC oC", f"{unit} oC oC"))
    assert {each.bar for each in cycle.samples} == {None}
    assert any("unit of the pressures" in each for each in cycle.incomplete_because)
    assert judged(cycle, "en-285-134").verdict is Verdict.NOT_ENOUGH_DATA


def test_a_probe_that_lags_is_seen() -> None:
    text = data("plc-complete.txt").decode()
    lagging = re.sub(r"(?m)^(\S{8} \S+ 134\.[0-9]) 134\.[0-9]$", r"\1 133.0", text, count=8)
    assert judged(only(lagging.encode()), "en-285-134").facts()["equilibration_check"] == "not_met"


# ------------------------------------------------------------------ the washer-steriliser


def test_the_steriliser_s_printout_is_read_whole() -> None:
    cycle = only(data("steriliser-complete.txt"))
    assert (cycle.machine, cycle.serial, cycle.number) == ("9-6-18 XS2", "27999", 21693)
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert cycle.complete
    assert cycle.probes == ("T2", "T3")
    assert cycle.samples[0].celsius == (Decimal("38.2"), Decimal("31.1"))
    assert cycle.samples[0].bar == Decimal("1.011")
    assert cycle.pressure_unit == "mbara"
    assert cycle.claim.seconds == 300
    assert cycle.claim.f0_minutes == 116
    assert cycle.ended is not None
    assert cycle.ended.local == datetime(2026, 3, 23, 8, 23, 29)  # noqa: DTZ001
    assert judged(cycle, "ws-310.2-134").verdict is Verdict.PASSED


def test_a_leak_test_has_no_thermal_verdict_and_keeps_its_rate() -> None:
    cycle = only(data("steriliser-leak-utf16-without-mark.txt"))
    assert cycle.outcome is CycleOutcome.UNKNOWN
    verdict = judged(cycle, "en-285-134")
    assert (verdict.profile.kind, verdict.verdict) == ("test", Verdict.NOT_COMPUTED)
    assert ("Leckrate", "0.7 mbar/min") in {(e.name, e.value) for e in cycle.statements}


def test_an_end_sentence_that_says_not_sterile_is_never_completed() -> None:
    raw = edited(
        "steriliser-complete.txt", "PROGRAMM KORREKT BEENDET", "PROGRAMM BEENDET NICHT STERIL"
    )
    cycle = only(raw)
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert "NICHT STERIL" in cycle.outcome_reasons[0]


def test_a_missing_second_value_is_left_empty() -> None:
    raw = re.sub(rb"\r\n +31\.1\r\n", b"\r\n", data("steriliser-complete.txt"), count=1)
    assert only(raw).samples[0].celsius == (Decimal("38.2"), None)


# ------------------------------------------------------------------ the washer-disinfector


def test_the_washer_s_log_keeps_its_steps_and_its_a0() -> None:
    cycle = only(data("washer-complete.txt"))
    assert (cycle.machine, cycle.serial, cycle.number) == ("WX390-4", "2015999", 4575)
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert [each.name for each in cycle.phases][:2] == ["precleaning", "cleaning 1"]
    assert cycle.claim.a0_seconds == 3408
    values = {each.name: each.value for each in cycle.statements}
    assert values["3.2 temperature actual"] == "min. 90.6 °C max. 93.6 °C"
    verdict = judged(cycle, "washer-a0-3000")
    assert verdict.verdict is Verdict.NOT_ENOUGH_DATA
    assert verdict.facts()["machine_a0_seconds"] == "3408"


def test_the_washer_s_own_low_a0_counts_against_it() -> None:
    cycle = only(data("washer-failed.txt"))
    assert (cycle.outcome, cycle.fault_code) == (CycleOutcome.ABORTED, "34")
    assert judged(cycle, "washer-a0-3000").verdict is Verdict.FAILED


def test_a_header_repeated_on_a_second_page_begins_no_other_cycle() -> None:
    text = data("washer-complete.txt").decode()
    head, step = text.split("\n3.2 ", 1)
    page = "exemplar batch dokumentation\npage   2 of  2\nmachine no .       :2015999\n"
    cycle = only(f"{head}\n{page}3.2 {step}".encode())
    assert (cycle.outcome, len(cycle.phases)) == (CycleOutcome.COMPLETED, 6)


# ------------------------------------------------------------------ the logger


def test_the_logger_s_export_is_converted_and_belongs_to_nobody() -> None:
    cycle = only(data("logger-fahrenheit.csv"))
    assert (cycle.machine, cycle.serial, cycle.number) == ("logger 10679999", None, None)
    assert (cycle.probes, cycle.temperature_unit) == (("pack",), "°F")
    assert cycle.samples[12].celsius == (Decimal("135.0000"),)
    assert cycle.samples[12].printed == ("275.000",)
    assert cycle.first is not None
    assert cycle.first.utc == datetime(2026, 7, 29, 16, 52, 30, tzinfo=UTC)
    assert cycle.last is not None
    assert cycle.last.local.hour == 12
    assert cycle.is_ended
    marks = [each.why for each in cycle.remarks if each.kind is RemarkKind.NOTE]
    assert "the logger marks: End Of File" in marks


def _without_end(text: str) -> str:
    return text.rsplit("\r\n", 2)[0] + "\r\n"


@pytest.mark.parametrize(
    "change,words",
    [
        (_without_end, "mark of the end of the file"),
        (lambda text: text.rstrip(), "no line end"),
    ],
)
def test_a_logger_s_export_that_was_cut_is_not_whole(
    change: Callable[[str], str], words: str
) -> None:
    cycle = only(change(data("logger-fahrenheit.csv").decode()).encode())
    assert any(words in each for each in cycle.incomplete_because)


def test_a_logger_that_ran_for_days_is_refused_with_what_to_do() -> None:
    head = re.sub(r"(?s)(End Of File[^\n]*\n).*", r"\1", data("logger-fahrenheit.csv").decode())
    hours = [(day, hour, half) for day in (1, 2) for half in "AP" for hour in (12, 4, 8)]
    rows = [
        f"{at},08/{day:02}/26 {hour:02}:00:00 {half}M,77.0,,,,,\r\n"
        for at, (day, hour, half) in enumerate(hours)
    ]
    with pytest.raises(InvalidInput) as caught:
        read((head + "".join(rows)).encode())
    assert caught.value.remedy is not None
    assert "one cycle" in caught.value.remedy


@pytest.mark.parametrize("name", ["en-285-134", "dry-heat-160"])
def test_a_named_profile_outweighs_a_test_s_name(name: str) -> None:
    cycle = only(data("steriliser-leak-utf16-without-mark.txt"))
    found = profile_for(cycle, named=name, usual=None, profiles=default_profiles())
    assert found == get_profile(name)


# ------------------------------------------------------------------ what others print


def test_accents_and_decimal_commas_change_nothing() -> None:
    text = (
        data("plc-complete.txt")
        .decode()
        .replace("NUMERO", "NÚMERO")
        .replace("OPERACAO", "OPERAÇÃO")
    )
    assert only(text.encode("cp1252")).content_sha256 == only(text.encode()).content_sha256
    assert only(text.encode()).number == 3154


def test_a_probe_that_prints_no_value_leaves_the_others_and_is_said() -> None:
    cycle = only(
        edited("plc-complete.txt", "16:10:09 3.08 134.4 134.5", "16:10:09 3.08 134.4 ----")
    )
    sample = next(each for each in cycle.samples if each.time_text == "16:10:09")
    assert sample.celsius == (Decimal("134.4"), None)
    assert "TE2 has no value in 1 lines" in cycle.incomplete_because


def test_a_pressure_of_nines_is_left_out_where_no_steriliser_reaches_it() -> None:
    raw = edited("plc-complete.txt", "16:10:09 3.08", "16:10:09 999.9")
    for unit, bar in (("mbarA", Decimal("0.9999")), ("kPaa", None)):
        cycle = only(raw.replace(b"barA oC", f"{unit} oC".encode()))
        (sample,) = [each for each in cycle.samples if each.time_text == "16:10:09"]
        assert sample.bar == bar
        assert any("has no pressure" in why for why in cycle.incomplete_because) == (bar is None)


def test_a_phase_that_is_called_an_error_is_no_probe_without_a_value() -> None:
    cycle = only(edited("steriliser-complete.txt", "6:13 3. Druck ", "6:13 Error    "))
    assert cycle.samples[5].celsius[0] == Decimal("54.5")


def test_fahrenheit_and_gauge_are_read_as_the_caption_names_them() -> None:
    cycle = only(edited("plc-complete.txt", "barA oC oC", "bar(g) oF oF"))
    assert (cycle.temperature_unit, cycle.pressure_basis) == ("oF", PressureBasis.GAUGE)


def test_a_whole_header_on_another_page_begins_no_other_cycle() -> None:
    text = data("plc-complete.txt").decode()
    head, at = text[: text.index("HORA PT1")], text.index("16:10:09")
    (cycle,) = read((text[:at] + head + text[at:]).encode()).cycles
    assert cycle.content_sha256 == only(text.encode()).content_sha256


def test_a_header_on_the_page_of_the_end_alone_begins_no_other_cycle_before_the_next() -> None:
    text = data("plc-complete.txt").decode()
    head, at = text[: text.index("HORA PT1")], text.index("FIM DE CICLO")
    other = text.replace("CICLOS: 003154", "CICLOS: 003155")
    first, second = read((text[:at] + head + text[at:] + other).encode()).cycles
    assert first.content_sha256 == only(text.encode()).content_sha256
    assert second.content_sha256 == only(other.encode()).content_sha256


def test_no_errors_is_no_failure_and_an_a0_with_a_thousands_sign_is_not_taken() -> None:
    cycle = only(edited("washer-complete.txt", "program without failure", "program without errors"))
    assert cycle.outcome is CycleOutcome.COMPLETED
    raw = edited("washer-complete.txt", "act. 3408", "act. 3,408")
    assert only(raw).claim.a0_seconds is None


def test_a_logger_s_chinese_time_and_failed_probe_are_read() -> None:
    raw = data("logger-fahrenheit.csv").decode()
    raw = raw.replace("07/29/26 12:00:00 PM,274.700", "2026/7/29 下午 12:00:00,-888.88")
    cycle = only(raw.encode())
    assert "line 19 has no pack" in cycle.incomplete_because
    assert len(cycle.samples) == 28

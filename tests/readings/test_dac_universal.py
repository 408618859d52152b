"""The printout parser against the real log, and against the damage that real logs hold."""

import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    MachineClaim,
    PhaseKind,
    PhaseResult,
    PressureBasis,
    ReadingFile,
    RemarkKind,
)
from ledger.readings import MAX_FILE_BYTES, MAX_FILLED_LINES, read_file

DATA = Path(__file__).parents[1] / "data" / "dacuniversal"
LOG = (DATA / "DAC.Log").read_bytes()
PASSED = (DATA / "DACLogOK.TXT").read_bytes()
ABORTED = (DATA / "DACLogFehler.TXT").read_bytes()
LOGGER_BREAK = (
    "Es wurde erkannt, dass der Port am 03/16/2016 01:07:10 unerwartet geschlossen wurde!\n"
    "COM3 konnte nicht geöffnet werden!!\n"
    "Es wird nun versucht alle 60 Sekunden den Port zu öffnen...\n"
    "COM3 erfolgreich geöffnet 03/16/2016 01:07:20.\n"
).encode()


def read(data: bytes) -> ReadingFile:
    return read_file(data, filename="DAC.Log")


def only(data: bytes) -> CycleReading:
    file = read(data)
    assert len(file.cycles) == 1
    return file.cycles[0]


def edited(old: str, new: str, data: bytes = PASSED) -> bytes:
    assert data.count(old.encode()) == 1
    return data.replace(old.encode(), new.encode("utf-8", "surrogateescape"))


def whys(file: ReadingFile | CycleReading, kind: RemarkKind) -> list[tuple[int, str]]:
    return [(each.line, each.why) for each in file.remarks if each.kind is kind]


# ------------------------------------------------------------------ the real log


def test_the_real_log_holds_five_cycles_with_their_outcomes() -> None:
    cycles = read(LOG).cycles
    assert [(each.number, each.outcome) for each in cycles] == [
        (13, CycleOutcome.COMPLETED),
        (14, CycleOutcome.ABORTED),
        (15, CycleOutcome.COMPLETED),
        (16, CycleOutcome.COMPLETED),
        (17, CycleOutcome.COMPLETED),
    ]
    assert [each.ordinal for each in cycles] == [1, 2, 3, 4, 5]
    assert {each.serial for each in cycles} == {"601362"}
    assert all(each.complete for each in cycles)
    assert [each.fault_code for each in cycles] == [None, "97", None, None, None]


def test_cycle_13_is_read_as_printed() -> None:
    cycle = read(LOG).cycles[0]
    assert (cycle.first_line, cycle.last_line) == (39, 73)
    assert (cycle.machine, cycle.lid) == ("DAC Universal", "Standard")
    assert cycle.programme_text == "Universal/134?C/3min"
    assert cycle.programme is not None
    assert (cycle.programme.nominal_celsius, cycle.programme.nominal_hold_minutes) == (134, 3)
    assert cycle.started is not None
    assert cycle.started.text == "16-03-2016 00:53:20"
    assert cycle.started.local == datetime(2016, 3, 16, 0, 53, 20)  # noqa: DTZ001
    assert cycle.started.utc is None
    assert cycle.zone is None
    assert cycle.ended is not None
    assert cycle.ended.local == datetime(2016, 3, 16, 1, 12, 8)  # noqa: DTZ001
    assert cycle.pressure_basis is PressureBasis.ABSOLUTE
    assert [str(each.celsius[0]) for each in cycle.samples] == [
        "135.3", "135.4", "135.4", "135.3", "135.3", "135.4", "135.4",
    ]  # fmt: skip
    assert str(cycle.samples[-1].bar) == "3.21"
    assert cycle.claim.seconds == 191
    assert cycle.printed_maximum is not None
    assert cycle.printed_maximum.temperature_celsius == Decimal("135.4")
    assert cycle.printed_minimum is not None
    assert cycle.printed_minimum.pressure_bar == Decimal("3.17")


def test_the_printed_hold_is_a_claim_beside_the_samples() -> None:
    cycle = read(LOG).cycles[0]
    claim = cycle.claim
    assert claim.begin_elapsed_seconds is not None
    assert claim.end_elapsed_seconds is not None
    assert claim.end_elapsed_seconds - claim.begin_elapsed_seconds == 191
    assert cycle.samples[-1].elapsed_seconds - cycle.samples[0].elapsed_seconds == 182


def test_the_aborted_cycle_keeps_its_failed_phases() -> None:
    cycle = read(LOG).cycles[1]
    failed = [each.kind for each in cycle.phases if each.result is PhaseResult.FAILED]
    assert failed == [
        PhaseKind.OUTER_CLEANING,
        PhaseKind.PROCESS_END,
        PhaseKind.CONFIRMATION,
        PhaseKind.CYCLE_END,
    ]
    assert cycle.samples == ()
    assert cycle.claim == MachineClaim()


def test_every_line_of_the_real_log_is_read_or_reported() -> None:
    file = read(LOG)
    accounted = {line for each in file.cycles for line in each.lines_read}
    accounted |= {line for each in file.remarks for line in range(each.line, each.last_line + 1)}
    lines = LOG.decode().split("\n")
    filled = {number for number, text in enumerate(lines, start=1) if text.strip()}
    assert filled <= accounted
    assert accounted <= set(range(1, len(lines) + 1))


def test_the_real_log_holds_nothing_unread() -> None:
    kinds = {each.kind for each in read(LOG).remarks}
    assert kinds == {RemarkKind.LOGGER, RemarkKind.DAMAGED}


def test_cut_out_files_are_the_same_cycles_as_in_the_log() -> None:
    cycles = read(LOG).cycles
    assert only(PASSED).content_sha256 == cycles[0].content_sha256
    assert only(ABORTED).content_sha256 == cycles[1].content_sha256


# ------------------------------------------------------------------ encodings and line ends


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"  \n", b"\r\r\n"])
def test_other_line_ends_make_the_same_cycles(line_end: bytes) -> None:
    again = read(LOG.replace(b"\n", line_end))
    assert [each.content_sha256 for each in again.cycles] == [
        each.content_sha256 for each in read(LOG).cycles
    ]
    assert [each.outcome for each in again.cycles] == [each.outcome for each in read(LOG).cycles]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_decides_the_encoding(encoding: str) -> None:
    file = read(LOG.decode().encode(encoding))
    assert file.encoding_basis == "byte order mark"
    assert (
        file.encoding
        == {"utf-16": "utf-16-le", "utf-8-sig": "utf-8", "utf-32": "utf-32-le"}[encoding]
    )
    assert [each.number for each in file.cycles] == [13, 14, 15, 16, 17]
    assert {each.kind for each in file.remarks} == {RemarkKind.LOGGER, RemarkKind.DAMAGED}


@pytest.mark.parametrize("encoding", ["cp1252", "cp850"])
def test_logger_prose_in_an_old_encoding_is_still_known(encoding: str) -> None:
    file = read(LOG.decode().encode(encoding))
    assert "not UTF-8" in file.encoding_basis
    assert file.remarks[0].why == file.encoding_basis
    assert {each.kind for each in file.remarks[1:]} == {RemarkKind.LOGGER, RemarkKind.DAMAGED}


@pytest.mark.parametrize("sign", [b"\xb0", b"\xf8", b"\xc2\xb0", b"\xef\xbf\xbd", b"", b"\x00"])
def test_a_damaged_degree_sign_does_not_lose_the_programme(sign: bytes) -> None:
    cycle = only(PASSED.replace(b"134?C", b"134" + sign + b"C").replace(b"?C:", sign + b"C:"))
    assert cycle.programme is not None
    assert cycle.programme.nominal_celsius == 134
    assert cycle.content_sha256 == only(PASSED).content_sha256
    damaged = whys(cycle, RemarkKind.DAMAGED)
    assert damaged == (
        [] if sign in {"°".encode(), b"\xb0", b"\xf8"} else [(3, "the degree sign is damaged")]
    )


@pytest.mark.parametrize("prefix", ["\x00", "\x00\x00", " #", "\udcff", "==="])
def test_stray_bytes_before_the_machines_name_are_reported(prefix: str) -> None:
    cycle = only(prefix.encode("utf-8", "surrogateescape") + PASSED)
    assert cycle.number == 13
    assert cycle.outcome is CycleOutcome.COMPLETED
    stray = (1, "stray characters before the machine's name")
    assert stray in whys(cycle, RemarkKind.DAMAGED)


# ------------------------------------------------------------------ damaged values


@pytest.mark.parametrize(
    "damaged",
    ["01:06:31           135.x    3.19", "01:06:31           135.4    3.1", "01:06:31  135.4",
     "01:06:31           135.4\x00   3.19", "01:06:31           13\udcff.4    3.19",
     "25:06:31           135.4    3.19", "01:06:31           035.4    3.19",
     "01:06:31           135,4    3,19"],
)  # fmt: skip
def test_a_damaged_sample_is_left_out_and_reported(damaged: str) -> None:
    cycle = only(edited("01:06:31           135.4    3.19", damaged))
    assert len(cycle.samples) == 6
    assert 21 not in {each.line for each in cycle.samples}
    assert whys(cycle, RemarkKind.UNREAD) == [(21, "not understood; nothing was taken from it")]
    assert not cycle.complete
    assert cycle.outcome is CycleOutcome.COMPLETED


@pytest.mark.parametrize(
    "damaged,why",
    [
        ("01:06:31           235.4    3.19", "the temperature is absurd"),
        ("01:06:31           135.4   13.19", "the pressure is absurd"),
        ("01:06:31          -135.4    3.19", "the temperature is absurd"),
        ("01:06:01           135.4    3.19", "the time is that of the point before"),
        ("01:05:31           135.4    3.19", "the time does not rise, or leaps"),
        ("05:06:31           135.4    3.19", "the time does not rise, or leaps"),
    ],
)
def test_an_impossible_sample_is_left_out_and_reported(damaged: str, why: str) -> None:
    cycle = only(edited("01:06:31           135.4    3.19", damaged))
    assert len(cycle.samples) == 6
    assert whys(cycle, RemarkKind.REFUSED) == [(21, f"{why}; the point was left out")]
    assert not cycle.complete


def test_a_sample_beyond_the_printed_maximum_is_kept_and_contradicted() -> None:
    cycle = only(edited("01:06:31           135.4    3.19", "01:06:31           185.4    3.19"))
    assert len(cycle.samples) == 7
    assert [line for line, _ in whys(cycle, RemarkKind.CONFLICT)] == [21]


def test_a_hold_that_contradicts_its_own_times_is_reported() -> None:
    cycle = only(edited("03-11", "09-11"))
    assert cycle.claim.seconds == 551
    assert "contradicts" in whys(cycle, RemarkKind.CONFLICT)[0][1]


@pytest.mark.parametrize(
    "old,field",
    [("Serien Nr:  601362", "serial"), ("Zyklus:     13", "number"),
     ("Programm:   Universal/134?C/3min", "programme_text"), ("Dat.(T-M-J) 16-03-2016", "started"),
     ("Zeit(H-M-S) 00:53:20", "started"), ("DAC Universal                   ", "machine")],
)  # fmt: skip
def test_a_missing_header_line_leaves_its_value_empty(old: str, field: str) -> None:
    cycle = only(edited(old + "\n", ""))
    assert getattr(cycle, field) is None
    assert len(cycle.samples) == 7
    assert not cycle.complete


def test_a_date_outside_the_calendar_gives_no_moment_and_names_the_clock() -> None:
    cycle = only(edited("16-03-2016", "31-02-2016"))
    said = "the clock of DAC Universal shows 31-02-2016 00:53:20, which is not in the calendar"
    assert said in cycle.incomplete_because
    assert cycle.started is None
    assert cycle.samples[0].local is None
    assert cycle.samples[1].elapsed_seconds - cycle.samples[0].elapsed_seconds == 31


@pytest.mark.parametrize("line", ["Zyklus:     13", "Serien Nr:  601362", "Deckel:     Standard"])
def test_a_value_directly_before_a_break_may_be_cut_and_is_not_taken(line: str) -> None:
    until = PASSED[: PASSED.index(line.encode()) + len(line)]
    cut_short = only(until)
    interrupted = only(until + b"\n" + LOGGER_BREAK)
    for cycle in (cut_short, interrupted):
        assert not cycle.complete
        assert cycle.outcome is CycleOutcome.UNKNOWN
        value = {"Zyk": cycle.number, "Ser": cycle.serial, "Dec": cycle.lid}[line[:3]]
        assert value is None


# ------------------------------------------------------------------ how records end


def test_a_hold_that_ended_early_is_an_abort_with_its_code() -> None:
    text = PASSED.decode()
    head = text[: text.index("01:06:01")]
    cycle = only(
        (
            head + "Maximum            135.4    3.22\nMinimum            135.3    3.17\n"
            "Dauer (m-s)        00-21\n--------------------------------\n"
            "Sterilisation      01:05:43 FEHL\nError code   93\n\n"
            "Prozessende        01:09:29 FEHL\nBestaetigung       01:09:29 FEHL\n"
            "--------------------------------\nZyklusende         01:09:30 FEHL\n"
            "--------------------------------\n\n            Fehler!\n\nError code   93\n\n"
            "Abbruch Sterilisation\n\n\n\nError code   72\n\nError code   72\n\n"
        ).encode()
    )
    assert cycle.outcome is CycleOutcome.ABORTED
    assert (cycle.fault_code, cycle.further_fault_codes) == ("93", ("72",))
    assert len(cycle.samples) == 1
    assert cycle.claim.seconds == 21


def test_a_record_that_stops_with_a_fault_code_is_unknown() -> None:
    head = PASSED[: PASSED.index(b"Start ")]
    cycle = only(head + b" Error code   92\n\n")
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert cycle.fault_code == "92"
    assert not cycle.complete


def test_an_ok_end_with_a_failed_phase_is_not_completed() -> None:
    cycle = only(edited("Sterilisation      01:08:33 Ok", "Sterilisation      01:08:33 FEHL"))
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert "phase Sterilisation failed (line 30)" in cycle.outcome_reasons


@pytest.mark.parametrize("word", ["F?HL", "O", "ok", "FEH"])
def test_an_unreadable_result_is_not_completed(word: str) -> None:
    cycle = only(edited("Sterilisation      01:08:33 Ok", f"Sterilisation      01:08:33 {word}"))
    assert cycle.outcome is CycleOutcome.UNKNOWN


def test_a_missing_sterilisation_line_is_not_completed() -> None:
    assert only(edited("Sterilisation      01:08:33 Ok  \n", "")).outcome is CycleOutcome.UNKNOWN


def test_a_fault_code_right_after_an_ok_end_is_not_completed() -> None:
    cycle = only(PASSED + b"\n\nError code   72\n")
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert cycle.fault_code == "72"


def test_a_break_that_the_record_survives_is_said() -> None:
    cycle = only(edited("01:07:31", LOGGER_BREAK.decode() + "01:07:31"))
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert len(cycle.samples) == 7
    assert not cycle.complete
    assert "interrupt" in cycle.incomplete_because[0]


def test_the_tail_of_another_cycle_is_not_taken_after_a_break() -> None:
    other_day = LOGGER_BREAK.replace(b"03/16", b"03/19")
    file = read(edited("01:07:31", other_day.decode() + "01:07:31"))
    assert file.cycles[0].outcome is CycleOutcome.UNKNOWN
    assert len(file.cycles[0].samples) == 4
    assert whys(file, RemarkKind.OUTSIDE)[0][0] == 27


def test_two_cycles_glued_without_an_end_stay_two() -> None:
    cut = PASSED[: PASSED.index(b"01:07:01")]
    file = read(cut + ABORTED)
    assert [(each.number, each.outcome) for each in file.cycles] == [
        (13, CycleOutcome.UNKNOWN),
        (14, CycleOutcome.ABORTED),
    ]
    assert len(file.cycles[0].samples) == 3


def test_a_tail_glued_without_header_is_not_taken() -> None:
    tail = PASSED[PASSED.index(b"Innenreinigung") :]
    file = read(PASSED[: PASSED.index(b"Back flush")] + tail)
    assert file.cycles[0].outcome is CycleOutcome.UNKNOWN
    assert file.cycles[0].samples == ()
    assert whys(file, RemarkKind.OUTSIDE)


def test_midnight_is_crossed() -> None:
    late = (
        PASSED.decode()
        .replace("00:5", "23:5")
        .replace("01:0", "00:0")
        .replace("01:1", "00:1")
        .encode()
    )
    cycle = only(late)
    assert cycle.started is not None
    assert cycle.started.local == datetime(2016, 3, 16, 23, 53, 20)  # noqa: DTZ001
    assert cycle.samples[0].local == datetime(2016, 3, 17, 0, 5, 30)  # noqa: DTZ001
    assert cycle.complete


# ------------------------------------------------------------------ repeats and conflicts


def test_the_same_cycle_twice_is_kept_once() -> None:
    file = read(PASSED + b"\n===------------\n" + PASSED.replace(b"\n", b" \r\n") + b"\n")
    assert len(file.cycles) == 1
    assert "kept once" in whys(file, RemarkKind.DUPLICATE)[0][1]


def test_the_same_number_with_other_content_is_kept_and_reported() -> None:
    file = read(PASSED + b"\n" + edited("01:06:31           135.4", "01:06:31           135.3"))
    assert [each.number for each in file.cycles] == [13, 13]
    assert "both are kept" in whys(file, RemarkKind.CONFLICT)[0][1]


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "data,rule",
    [
        (b"", "content"),
        (b" \n\t\r\n", "content"),
        (b"x" * (MAX_FILE_BYTES + 1), "1048576"),
        (b"%PDF-1.7 nothing here", "one of"),
        (LOG[: LOG.index(b"DAC Universal")], "at least one cycle"),
    ],
)
def test_a_file_without_a_cycle_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(data)
    assert caught.value.field == "file"
    assert caught.value.rule is not None
    assert rule in caught.value.rule


def test_more_lines_than_a_log_can_hold_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(PASSED + b"\n" + b"x\n" * MAX_FILLED_LINES)
    assert caught.value.rule == "a file has at most 50000 lines that are not blank"


def test_reasons_stay_short_however_damaged_the_record_is() -> None:
    cycle = only(edited("01:06:31           135.4", "junk\n" * 1000 + "01:06:31           135.4"))
    assert len(cycle.incomplete_because) == 21
    assert cycle.incomplete_because[-1] == "and 980 more"
    assert len(whys(cycle, RemarkKind.UNREAD)) == 1000


def test_a_file_of_exactly_one_mebibyte_is_read() -> None:
    padded = PASSED + b"\n" + b" " * (MAX_FILE_BYTES - len(PASSED) - 1)
    assert only(padded).number == 13


def test_remarks_are_bounded_and_printable() -> None:
    file = read(PASSED + b"\n" + b"\x1b[31m" + b"y" * 5000)
    last = file.remarks[-1]
    assert len(last.text) == 120
    assert last.text.isprintable()


# ------------------------------------------------------------------ properties


@given(data=st.binary(max_size=400))
def test_arbitrary_bytes_raise_nothing_but_invalid_input(data: bytes) -> None:
    for candidate in (data, b"DAC Universal\n" + data, b"# machine: x\n" + data):
        try:
            read(candidate)
        except InvalidInput as error:
            assert error.field  # noqa: PT017 - most inputs are refused, none need be
            assert error.rule  # noqa: PT017


def assert_honest(data: bytes) -> None:
    """Every sample stands in the file, at its line, with its digits."""
    lines = re.split("\r\n|\n|\r", data.decode("utf-8", "surrogateescape"))
    for cycle in read(data).cycles:
        for sample in cycle.samples:
            parts = lines[sample.line - 1].split()
            expected = [sample.time_text, str(sample.celsius[0]), str(sample.bar)]
            assert parts == expected


@given(place=st.integers(0, len(LOG) - 1), mask=st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_a_flipped_byte_never_invents_a_sample(place: int, mask: int) -> None:
    flipped = bytearray(LOG)
    flipped[place] ^= mask
    assert_honest(bytes(flipped))


@given(place=st.integers(0, len(PASSED) - 1), mask=st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_a_flipped_byte_in_a_cycle_is_said_or_changes_a_printed_value(
    place: int, mask: int
) -> None:
    flipped = bytearray(PASSED)
    flipped[place] ^= mask
    assert_honest(bytes(flipped))


@pytest.mark.parametrize("length", range(0, len(PASSED), 3))
def test_a_cut_cycle_is_never_completed(length: int) -> None:
    data = PASSED[:length]
    end = PASSED.rindex(b"Ok") + 2
    try:
        cycles = read(data).cycles
    except InvalidInput:
        assert b"DAC Universal" not in data
        return
    assert_honest(data)
    if length < end:
        assert [each.outcome for each in cycles] == [CycleOutcome.UNKNOWN]
        assert not cycles[0].complete


@given(length=st.integers(0, len(LOG)))
@settings(max_examples=60, deadline=None)
def test_a_cut_log_gives_the_whole_cycles_before_the_cut(length: int) -> None:
    try:
        cycles = read(LOG[:length]).cycles
    except InvalidInput:
        assert LOG.index(b"DAC Universal") + len(b"DAC Universal") > length
        return
    whole = read(LOG).cycles
    for cycle, known in zip(cycles[:-1], whole, strict=False):
        assert cycle.content_sha256 == known.content_sha256
        assert cycle.outcome is known.outcome
    assert cycles[-1].outcome in {whole[len(cycles) - 1].outcome, CycleOutcome.UNKNOWN}

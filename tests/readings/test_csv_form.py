"""The documented CSV form, and every way of departing from it."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import get_profile
from ledger.domain.machines.readings import (
    CycleOutcome,
    CycleReading,
    PressureBasis,
    RemarkKind,
)
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import Verdict, evidence_of
from ledger.readings import read_file
from ledger.readings.csv_form import OPTIONAL_KEYS, REQUIRED_KEYS

EXAMPLE = (Path(__file__).parents[1] / "data" / "csv" / "example.csv").read_text("utf-8")
WASHER = """# machine: WD 200
# serial: 77
# cycle: 5
# programme: Thermo
# zone: +08:00
# temperature unit: °C
# pressure unit: none
# pressure basis: none
time,temperature
2026-03-02 08:00:00,60
2026-03-02 08:00:30,91
2026-03-02 08:01:30,91
2026-03-02 08:02:00,60
"""


def read(text: str) -> CycleReading:
    file = read_file(text.encode(), filename="a.csv")
    assert file.format_name == "steriledger-csv"
    return file.cycles[0]


def refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_file(text.encode("utf-8", "surrogateescape"), filename="a.csv")
    assert caught.value.rule
    return caught.value


def edited(old: str, new: str) -> str:
    assert EXAMPLE.count(old) == 1
    return EXAMPLE.replace(old, new)


def without(key: str) -> str:
    lines = EXAMPLE.splitlines(keepends=True)
    kept = [each for each in lines if not each.startswith(f"# {key}:")]
    assert len(kept) == len(lines) - 1
    return "".join(kept)


def test_the_documented_example_is_read_whole() -> None:
    cycle = read(EXAMPLE)
    assert (cycle.machine, cycle.serial, cycle.number) == ("Logger MX-2", "8812-04", 211)
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert cycle.complete
    assert cycle.zone == "Asia/Shanghai"
    assert cycle.started is not None
    assert cycle.started.utc == datetime(2026, 3, 2, 0, 10, tzinfo=UTC)
    assert cycle.pressure_basis is PressureBasis.GAUGE
    assert cycle.ambient_pressure_bar == Decimal("1.013")
    assert len(cycle.samples) == 13
    assert cycle.samples[0].elapsed_seconds == 810
    assert cycle.samples[0].bar == Decimal("1.071")
    assert cycle.remarks == ()


def test_the_documented_example_meets_ws_310_at_134() -> None:
    cycle = read(EXAMPLE)
    verdict = check(evidence_of(cycle), get_profile("ws-310.2-134"))
    assert verdict.verdict is Verdict.PASSED
    assert verdict.facts()["hold_seconds"] == "240"
    assert verdict.facts()["machine_hold_seconds"] == "260"


def test_the_example_in_the_documentation_is_read_whole() -> None:
    text = (Path(__file__).parents[2] / "docs" / "readings.md").read_text("utf-8")
    (example,) = re.findall("```csv\n(.*?)```", text, re.DOTALL)
    cycle = read(example)
    assert cycle.outcome is CycleOutcome.COMPLETED
    assert len(cycle.samples) == 2


def test_the_documentation_names_every_key() -> None:
    text = (Path(__file__).parents[2] / "docs" / "readings.md").read_text("utf-8")
    missing = [key for key in (*REQUIRED_KEYS, *OPTIONAL_KEYS) if f"`{key}`" not in text]
    assert missing == []


def test_a_washer_has_no_pressures() -> None:
    cycle = read(WASHER)
    assert cycle.pressure_basis is None
    assert {each.bar for each in cycle.samples} == {None}
    assert check(evidence_of(cycle), get_profile("washer-a0-600")).verdict is Verdict.PASSED


def test_every_line_is_read_or_reported() -> None:
    assert sorted(read(EXAMPLE).lines_read) == list(range(1, 31))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_accepted(encoding: str) -> None:
    file = read_file(EXAMPLE.encode(encoding), filename="a.csv")
    assert file.encoding_basis == "byte order mark"
    assert file.cycles[0].content_sha256 == read(EXAMPLE).content_sha256


def test_an_offset_in_the_time_outweighs_the_zone() -> None:
    cycle = read(edited("2026-03-02T08:24:00,", "2026-03-02T00:24:00Z,"))
    assert cycle.samples[1].elapsed_seconds == 840


def test_an_empty_cell_is_never_filled_in() -> None:
    cycle = read(edited("08:26:00,135.1,210.8", "08:26:00,,210.8"))
    assert len(cycle.samples) == 13
    assert (cycle.samples[5].celsius, cycle.samples[5].bar) == ((None,), Decimal("2.108"))
    assert [(each.line, each.kind) for each in cycle.remarks] == [(23, RemarkKind.UNREAD)]
    assert cycle.outcome is CycleOutcome.UNKNOWN


def test_an_unknown_cycle_number_stays_empty() -> None:
    cycle = read(edited("# cycle: 211", "# cycle:"))
    assert cycle.number is None
    assert "the header's cycle is empty" in cycle.incomplete_because


def test_a_file_that_may_be_cut_is_not_completed() -> None:
    cycle = read(EXAMPLE[:-1])
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert [(each.line, each.kind) for each in cycle.remarks] == [(30, RemarkKind.CUT)]
    assert len(cycle.samples) == 12


def test_without_an_outcome_it_is_unknown() -> None:
    assert read(without("outcome")).outcome is CycleOutcome.UNKNOWN


def test_an_outcome_beside_a_fault_is_unknown() -> None:
    cycle = read(edited("# outcome: completed", "# outcome: completed\n# fault: E17"))
    assert cycle.outcome is CycleOutcome.UNKNOWN
    assert cycle.fault_code == "E17"


@pytest.mark.parametrize(
    "key",
    ["machine", "serial", "cycle", "programme", "zone", "temperature unit", "pressure unit",
     "pressure basis"],
)  # fmt: skip
def test_each_required_key_is_demanded_by_name(key: str) -> None:
    assert refusal(without(key)).field == key


@pytest.mark.parametrize(
    "old,new,field,line",
    [
        ("08:26:00,135.1", "08:26:00,635.1", "temperature", 23),
        ("08:26:00,135.1", "08:26:00,135.x", "temperature", 23),
        ("08:26:00,135.1", "08:26:00,1e2", "temperature", 23),
        ("08:26:00,135.1", "08:26:00,NaN", "temperature", 23),
        ("135.1,210.8", "135.1,3210.8", "pressure", 23),
        ("135.1,210.8", "135.1,-210.8", "pressure", 23),
        ("135.1,210.8", "135,1,210,8", "row", 23),
        ("135.1,210.8", "135.1", "row", 23),
        ("2026-03-02T08:26:00", "2026-02-30T08:26:00", "time", 23),
        ("2026-03-02T08:26:00", "02.03.2026 08:26:00", "time", 23),
        ("2026-03-02T08:26:00", "2026-03-02T08:26", "time", 23),
        ("2026-03-02T08:29:30", "2026-03-02T09:29:30", "time", 30),
        ("ended: 2026-03-02T08:41:30", "ended: 2026-03-02T08:01:30", "ended", 12),
        ("ended: 2026-03-02T08:41:30", "ended: 2026-03-03T08:41:30", "ended", 30),
        ("hold ended: 2026-03-02T08:29:10", "hold ended: 2026-03-02T08:19:10", "hold ended", 14),
        ("hold seconds: 260", "hold seconds: 90000", "hold seconds", 15),
        ("temperature unit: °C", "temperature unit: °R", "temperature unit", 6),
        ("temperature unit: °C", "temperature unit: none", "temperature unit", 6),
        ("time,temperature,pressure", "time,humidity,pressure", "temperature unit", 6),
        ("pressure unit: kPa", "pressure unit: inH2O", "pressure unit", 7),
        ("135.1,210.8", '"135,1",210.8', "row", 23),
        ("135.1,210.8", '"135.1,210.8', "row", 23),
        ("pressure unit: kPa", "pressure unit: none", "pressure basis", 8),
        ("pressure basis: gauge", "pressure basis: relative", "pressure basis", 8),
        ("ambient pressure: 101.3", "ambient pressure: 1.013", "ambient pressure", 9),
        ("outcome: completed", "outcome: ok", "outcome", 10),
        ("samples: 13", "samples: 14", "samples", 16),
        ("# outcome: completed", "# operator: me", "header", 10),
        ("# outcome: completed", "# machine: B", "machine", 10),
        ("time,temperature,pressure", "Time;Temp;Pressure", "row", 18),
        ("time,temperature,pressure", "when,temperature,pressure", "columns", 17),
        ("time,temperature,pressure", "time,pressure,pressure 2", "columns", 17),
        ("Logger MX-2", "Logger\x00MX-2", "encoding", 1),
        ("Logger MX-2", "Logger\udcffMX-2", "encoding", 1),
    ],
)
def test_a_departure_is_refused_with_line_field_and_rule(
    old: str, new: str, field: str, line: int
) -> None:
    error = refusal(edited(old, new))
    assert error.field == field
    assert error.what.startswith(f"line {line}: ")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+25:00", "", "../etc/passwd", "8"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    assert refusal(edited("Asia/Shanghai", zone)).field == "zone"


def test_a_file_without_lines_after_the_columns_has_no_cycle() -> None:
    assert refusal(EXAMPLE[: EXAMPLE.index("2026-03-02T08:23:30")]).field == "row"


@given(place=st.integers(0, len(EXAMPLE.encode()) - 1), byte=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_is_refused_or_read_as_it_stands(place: int, byte: int) -> None:
    changed = bytearray(EXAMPLE.encode())
    changed[place] = byte
    try:
        cycle = read_file(bytes(changed), filename="a.csv").cycles[0]
    except InvalidInput:
        return
    lines = re.split("\r\n|\n|\r", changed.decode())
    for sample in cycle.samples:
        cells = [each.strip() for each in lines[sample.line - 1].split(",")]
        assert cells[0] == sample.time_text
        assert Decimal(cells[1]) == sample.celsius[0]


@pytest.mark.parametrize("length", range(0, len(EXAMPLE), 7))
def test_a_cut_file_is_never_completed(length: int) -> None:
    for text in (EXAMPLE[:length], without("samples")[:length]):
        try:
            cycle = read_file(text.encode(), filename="a.csv").cycles[0]
        except InvalidInput:
            continue
        assert text.endswith("\n") or cycle.outcome is CycleOutcome.UNKNOWN


def test_a_file_without_columns_is_refused() -> None:
    assert refusal(EXAMPLE[: EXAMPLE.index("time,")]).field == "columns"

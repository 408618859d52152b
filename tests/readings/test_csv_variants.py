"""What machines and loggers deliver in the CSV form: units, probes, names, clocks, encodings."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import default_profiles, profile_for
from ledger.domain.machines.readings import CycleOutcome, CycleReading, RemarkKind
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, Verdict, evidence_of
from ledger.readings import read_file

CASES = Path(__file__).parents[1] / "data" / "cases"
HEAD = """# machine: Logger MX
# serial: 77
# cycle: 5
# programme: P1/134°C/3min
# zone: {zone}
# temperature unit: {celsius}
# pressure unit: {bar}
# pressure basis: {basis}
# outcome: completed
"""


def read(raw: bytes) -> CycleReading:
    (cycle,) = read_file(raw, filename="a.csv").cycles
    return cycle


def case(name: str) -> CycleReading:
    return read((CASES / name).read_bytes())


def text(
    rows: str,
    columns: str = "time,temperature",
    *,
    zone: str = "Europe/Berlin",
    celsius: str = "°C",
    bar: str = "none",
    basis: str = "none",
) -> str:
    return HEAD.format(zone=zone, celsius=celsius, bar=bar, basis=basis) + f"{columns}\n{rows}"


def rows(*times_and_values: str) -> str:
    return "".join(f"{each}\n" for each in times_and_values)


def judged(cycle: CycleReading, name: str) -> ThermalVerdict:
    profile = profile_for(cycle, named=None, usual=name, profiles=default_profiles())
    assert profile is not None
    return check(evidence_of(cycle), profile)


def clock_words(cycle: CycleReading) -> list[str]:
    return [each.why for each in cycle.remarks if each.kind is RemarkKind.CLOCK]


# ------------------------------------------------------------------ units


@pytest.mark.parametrize(
    "name,unit,bar",
    [("hpa.csv", "hPa", "3.1"), ("mpa.csv", "MPa", "2.1"), ("psi.csv", "psi", "2.103")],
)
def test_a_pressure_is_converted_and_its_unit_and_value_are_kept(
    name: str, unit: str, bar: str
) -> None:
    cycle = case(f"18-units/{name}")
    assert (cycle.outcome, cycle.pressure_unit) == (CycleOutcome.COMPLETED, unit)
    found = cycle.samples[5].bar
    assert found is not None
    assert abs(found - Decimal(bar)) < Decimal("0.001")
    assert cycle.samples[5].printed[1] == {"hPa": "3100", "MPa": "0.21", "psi": "30.5"}[unit]


@pytest.mark.parametrize(
    "unit,value,celsius",
    [("°F", "273.2", "134"), ("F", "32", "0"), ("K", "407.15", "134"), ("℃", "134.0", "134.0")],
)
def test_a_temperature_is_converted(unit: str, value: str, celsius: str) -> None:
    cycle = read(text(rows(f"2026-03-02T08:00:00,{value}"), celsius=unit).encode())
    assert cycle.samples[0].celsius == (Decimal(celsius),)
    assert cycle.temperature_unit == unit


@pytest.mark.parametrize(
    "unit,value",
    [("mmHg", "2325"), ("Torr", "2325"), ("inHg", "91.54"), ("kgf/cm2", "3.161"), ("atm", "3.06"),
     ("Pa", "310000"), ("mbar", "3100")],
)  # fmt: skip
def test_further_units_mean_the_same_pressure(unit: str, value: str) -> None:
    raw = text(
        rows(f"2026-03-02T08:00:00,134.8,{value}"),
        "time,temperature,pressure",
        bar=unit,
        basis="absolute",
    )
    found = read(raw.encode()).samples[0].bar
    assert found is not None
    assert abs(found - Decimal("3.1")) < Decimal("0.002")


def test_a_figure_of_nines_is_a_pressure_where_a_steriliser_reaches_it() -> None:
    for value, unit, basis, is_value in (
        ("999.9", "mbar", "absolute", True),
        ("999.9", "mmHg", "absolute", True),
        ("99999", "Pa", "absolute", True),
        ("-999.9", "mbar", "gauge", True),
        ("-999.9", "mbar", "absolute", False),
        ("9999", "mbar", "absolute", False),
        ("9999", "mmHg", "absolute", False),
        ("999.9", "kPa", "absolute", False),
        ("-9999", "mbar", "gauge", False),
    ):
        told = rows("2026-03-02T08:00:00,134.8,1", f"2026-03-02T08:00:10,134.8,{value}")
        raw = text(told, "time,temperature,pressure", bar=unit, basis=basis)
        (_, sample) = read(raw.encode()).samples
        assert (sample.bar is not None) == is_value, (value, unit)


def test_another_unit_is_the_same_cycle_by_meaning() -> None:
    one = text(rows("2026-03-02T08:00:00,135.0"))
    other = text(rows("2026-03-02T07:00:00Z,275.00"), celsius="°F")
    assert read(one.encode()).content_sha256 == read(other.encode()).content_sha256


# ------------------------------------------------------------------ the same by meaning


@pytest.mark.parametrize(
    "old,new",
    [
        ("134.8", "134.80"),
        ("08:00:20", "08:00:20.0"),
        ("T08:00:40", "T08:00:40+01:00"),
        ("T08:00:40,", "T07:00:40Z,"),
        ("# outcome: completed\n", "# outcome: completed\n# started: \n# fault:\n"),
        ("# zone: Europe/Berlin", "# zone: +01:00"),
        ("\n", "\r\n"),
        ("\n", "  \n"),
        ("# machine: Logger LX\n# serial: T-1001\n", "# serial: T-1001\n# machine: Logger LX\n"),
    ],
)
def test_what_means_the_same_is_known_again(old: str, new: str) -> None:
    raw = (CASES / "24-several-probes" / "probe1.csv").read_text("utf-8")
    raw = raw.replace("2026-01-06T13", "2026-01-06T08")
    assert old in raw
    assert read(raw.encode()).content_sha256 == read(raw.replace(old, new).encode()).content_sha256


def test_another_value_is_another_content() -> None:
    raw = (CASES / "24-several-probes" / "probe1.csv").read_text("utf-8")
    other = raw.replace("134.8", "134.9", 1)
    assert read(raw.encode()).content_sha256 != read(other.encode()).content_sha256


# ------------------------------------------------------------------ probes and names


def test_several_columns_are_several_probes() -> None:
    cycle = case("24-several-probes/columns.csv")
    assert cycle.probes == ("T1", "T2")
    assert cycle.samples[0].celsius == (Decimal("134.5"), Decimal("134.6"))
    assert [each.why for each in cycle.remarks] == [
        "the header names no unit for the column P, so nothing was taken from it"
    ]


def test_the_coldest_probe_counts_for_the_hold_and_f0() -> None:
    seconds = ["133.9"] * 12 + ["135.0"] * 12
    values = [
        f"2026-03-02T08:0{at // 6}:{at % 6}0,135.0,{second}\n" for at, second in enumerate(seconds)
    ]
    cycle = read(text("".join(values), "time,temperature 1,temperature 2").encode())
    facts = judged(cycle, "air-overpressure-134").facts()
    assert (facts["hold_seconds"], facts["probe_count"]) == ("110", 2)
    one = read(text("".join(v.rsplit(",", 1)[0] + "\n" for v in values)).encode())
    assert Decimal(str(facts["f0_minutes"])) < Decimal(
        str(judged(one, "air-overpressure-134").facts()["f0_minutes"])
    )


@pytest.mark.parametrize("name,label", [("id.csv", "060224-01"), ("ch.csv", "CH021667")])
def test_a_name_with_letters_is_kept_and_no_number_is_made_of_it(name: str, label: str) -> None:
    cycle = case(f"17-cycle-id-with-letters/{name}")
    assert (cycle.number, cycle.label) == (None, label)
    assert cycle.outcome is CycleOutcome.COMPLETED


def test_a_blind_logger_s_record_is_whole_all_the_same() -> None:
    cycle = case("10-blind-logger/logger.csv")
    assert (cycle.serial, cycle.number, cycle.outcome) == (None, None, CycleOutcome.COMPLETED)


def test_pressures_alone_are_a_test_without_a_thermal_verdict() -> None:
    cycle = case("21-pressure-only-test/leak.csv")
    assert (cycle.probes, len(cycle.samples)) == ((), 20)
    assert cycle.samples[0].bar == Decimal("1.954")
    verdict = judged(cycle, "en-285-134")
    assert (verdict.profile.kind, verdict.verdict) == ("test", Verdict.NOT_COMPUTED)
    assert "temperature" in cycle.remarks[0].why


# ------------------------------------------------------------------ decimals and encodings


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_need_another_separator(separator: str) -> None:
    raw = text("2026-03-02T08:00:00;134,8;3,10\n2026-03-02T08:00:30;135;3,11\n",
               "time;temperature;pressure", bar="bar", basis="absolute")  # fmt: skip
    cycle = read(raw.replace(";", separator).encode())
    assert cycle.samples[0].celsius == (Decimal("134.8"),)
    assert cycle.samples[1].bar == Decimal("3.11")


def test_a_quoted_decimal_comma_is_read() -> None:
    assert read(text('2026-03-02T08:00:00,"134,8"\n').encode()).samples[0].celsius == (
        Decimal("134.8"),
    )


def test_points_and_commas_in_one_file_are_refused() -> None:
    raw = text("2026-03-02T08:00:00;134,8\n2026-03-02T08:00:30;134.9\n", "time;temperature")
    with pytest.raises(InvalidInput, match="some decimals have a point and some a comma"):
        read(raw.encode())


@pytest.mark.parametrize(
    "encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig", "cp1252", "cp850", "gbk"]
)
def test_an_encoding_without_a_mark_is_recognised(encoding: str) -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8"))
    assert read(raw.encode(encoding)).content_sha256 == read(raw.encode()).content_sha256


def test_chinese_text_in_gbk_is_read() -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8"), celsius="℃").replace(
        "Logger MX", "脉动真空灭菌器"
    )
    cycle = read(raw.encode("gbk"))
    assert (cycle.machine, cycle.temperature_unit) == ("脉动真空灭菌器", "℃")


@pytest.mark.parametrize(
    "encoding,name", [("shift_jis", "滅菌器テスト"), ("big5", "高壓蒸氣滅菌器")]
)
def test_far_eastern_text_is_read(encoding: str, name: str) -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8"), celsius="C").replace("P1/134°C/3min", "P1")
    assert read(raw.replace("Logger MX", name).encode(encoding)).machine == name


@pytest.mark.parametrize("encoding", ["cp1251"])
def test_an_unknown_encoding_says_how_to_save_the_file(encoding: str) -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8"), celsius="C")
    raw = raw.replace("P1/134°C/3min", "P1")
    name = "Стерилизатор"
    with pytest.raises(InvalidInput) as caught:
        read(raw.replace("Logger MX", name).encode(encoding))
    assert caught.value.field == "encoding"
    assert "UTF-8" in (caught.value.remedy or "")


# ------------------------------------------------------------------ clocks


@pytest.mark.parametrize(
    "printed,hour",
    [("12:00:00 AM", 0), ("01:30:00 AM", 1), ("12:30:00 PM", 12), ("1:30:00 p.m.", 13)],
)
def test_a_twelve_hour_clock_is_read(printed: str, hour: int) -> None:
    cycle = read(text(rows(f"2026-03-02 {printed},134.8")).encode())
    assert cycle.samples[0].local is not None
    assert cycle.samples[0].local.hour == hour


@pytest.mark.parametrize(
    "printed", ["13:30:00 PM", "0:30:00 AM", "25:00:00", "03/02/2026 08:00:00"]
)
def test_a_time_that_no_clock_shows_is_refused(printed: str) -> None:
    stamp = printed if "/" in printed else f"2026-03-02 {printed}"
    with pytest.raises(InvalidInput) as caught:
        read(text(rows(f"{stamp},134.8")).encode())
    assert caught.value.field == "time"


def test_an_hour_that_comes_twice_is_read_without_a_moment() -> None:
    cycle = case("12-clock/autumn-twice.csv")
    assert len(cycle.samples) == 16
    assert cycle.samples[-1].elapsed_seconds == 300
    assert cycle.first is not None
    assert cycle.first.utc is None
    (why,) = clock_words(cycle)
    assert "occurs twice" in why
    assert "Logger LX" in why


def test_an_hour_that_never_comes_is_read_without_a_moment() -> None:
    cycle = read(text(rows("2026-03-29T02:10:00,134.8", "2026-03-29T02:10:30,135.0")).encode())
    assert cycle.samples[1].elapsed_seconds == 30
    assert "does not exist" in clock_words(cycle)[0]


@pytest.mark.parametrize(
    "times,elapsed,first",
    [
        (["01:59:00", "02:00:00", "02:01:00"], 120, (23, 59)),
        (["02:59:00", "03:00:00"], 60, (1, 59)),
        (["02:59:30", "02:00:30"], 60, (0, 59)),
        (["01:59:30", "02:30:00", "02:00:10"], 3640, (23, 59)),
    ],
)
def test_the_hour_that_comes_twice_is_told_by_its_neighbours(
    times: list[str], elapsed: int, first: tuple[int, int]
) -> None:
    cycle = read(text(rows(*(f"2026-10-25T{each},134.8" for each in times))).encode())
    assert clock_words(cycle) == []
    assert cycle.samples[-1].elapsed_seconds == elapsed
    assert cycle.first is not None
    assert cycle.first.utc is not None
    assert (cycle.first.utc.hour, cycle.first.utc.minute) == first


def test_a_clock_that_restarts_within_the_cycle_loses_its_later_values_and_says_so() -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8", "2026-03-02T08:00:30,135.0",
                    "2000-01-01T00:00:10,135.1", "2000-01-01T00:00:40,135.2"))  # fmt: skip
    cycle = read(raw.encode())
    assert len(cycle.samples) == 2
    (remark,) = [each for each in cycle.remarks if each.kind is RemarkKind.CLOCK]
    assert (remark.line, remark.last_line) == (13, 14)
    assert "own clock" in remark.why
    assert cycle.outcome is CycleOutcome.UNKNOWN


def test_a_clock_that_leaps_ahead_within_the_cycle_is_said_too() -> None:
    raw = text(rows("2000-01-01T00:00:10,135.1", "2026-03-02T08:00:30,135.0"))
    assert "leaps" in clock_words(read(raw.encode()))[0]


@pytest.mark.parametrize("day", ["1970-01-01", "2000-01-01", "2031-01-05"])
def test_a_wrong_date_is_read_as_it_stands(day: str) -> None:
    cycle = read(text(rows(f"{day}T00:03:00,134.8")).encode())
    assert cycle.first is not None
    assert cycle.first.local == datetime.fromisoformat(f"{day}T00:03:00")
    assert cycle.first.utc == datetime.fromisoformat(f"{day}T00:03:00+01:00").astimezone(UTC)


# ------------------------------------------------------------------ what is left out


def test_a_column_that_is_not_known_is_named() -> None:
    cycle = read(text(rows("2026-03-02T08:00:00,134.8,55"), "time,temperature,humidity").encode())
    assert [each.why for each in cycle.remarks] == [
        "the column humidity is not known; nothing was taken from it"
    ]
    assert cycle.outcome is CycleOutcome.COMPLETED


def test_the_machine_s_own_f0_and_a0_are_kept() -> None:
    raw = text(rows("2026-03-02T08:00:00,134.8")).replace(
        "# outcome", "# f0 minutes: 21.4\n# a0 seconds: 3000\n# outcome"
    )
    claim = read(raw.encode()).claim
    assert claim.f0_minutes == Decimal("21.4")
    assert claim.a0_seconds == 3000


def test_a_spreadsheet_s_separators_after_the_header_change_nothing() -> None:
    raw = text(rows("2026-03-02T08:00:00;134,8;"), "time;temperature;")
    padded = re.sub("(?m)^(#.*)$", r"\1;;", raw)
    assert read(padded.encode()).samples[0].celsius == (Decimal("134.8"),)

"""The thermal check against published values and the real cycles."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import SteamProfile, get_profile
from ledger.domain.machines.readings import HoldClaim, PressureBasis, Sample, hold_claim
from ledger.domain.machines.thermal import (
    Verdict,
    a0_seconds,
    check,
    f0_minutes,
    saturation_pressure_bar,
    saturation_temperature_celsius,
)
from ledger.readings import read_file

LOG = Path(__file__).parents[1] / "data" / "dacuniversal" / "DAC.Log"
CYCLES = {each.number: each for each in read_file(LOG.read_bytes(), filename="DAC.Log").cycles}
PASSED = (13, 15, 16, 17)
ABSOLUTE = PressureBasis.ABSOLUTE


def series(*points: tuple[int, str], bar: str | None = "3.18") -> list[Sample]:
    return [
        Sample(
            line=place,
            time_text=f"{seconds} s",
            local=None,
            elapsed_seconds=Decimal(seconds),
            temperature_celsius=Decimal(celsius),
            pressure_bar=None if bar is None else Decimal(bar),
        )
        for place, (seconds, celsius) in enumerate(points, start=1)
    ]


def plateau(celsius: str, seconds: int, step: int = 30, start: int = 0) -> list[tuple[int, str]]:
    times = [*range(start, start + seconds, step), start + seconds]
    return [(each, celsius) for each in times]


def steam(name: str) -> SteamProfile:
    profile = get_profile(name)
    assert isinstance(profile, SteamProfile)
    return profile


def verdict(samples: Sequence[Sample], name: str, **options: object) -> Verdict:
    return check(samples, get_profile(name), pressure_basis=ABSOLUTE, **options).verdict  # type: ignore[arg-type]


def shown(value: Decimal | None, digits: str = "0.01") -> str:
    assert value is not None
    return str(value.quantize(Decimal(digits)))


# ------------------------------------------------------------------ published values


@pytest.mark.parametrize(
    "reference,celsius,minutes,expected",
    [
        ("121", "121", 15, "15.00"), ("121", "111", 15, "1.50"), ("121", "124", 15, "29.93"),
        ("121.1", "134", 3, "58.50"), ("121.1", "134", 18, "350.97"), ("121.1", "132", 4, "49.21"),
        ("121.1", "121", 15, "14.66"), ("121.1", "121", 20, "19.54"), ("121.1", "121", 30, "29.32"),
    ],
)  # fmt: skip
def test_f0_has_its_known_values(reference: str, celsius: str, minutes: int, expected: str) -> None:
    samples = series(*plateau(celsius, minutes * 60))
    assert shown(f0_minutes(samples, reference_celsius=Decimal(reference))) == expected


@pytest.mark.parametrize(
    "celsius,seconds,expected",
    [
        ("80", 600, "600.0"), ("90", 60, "600.0"), ("70", 6000, "600.0"), ("90", 300, "3000.0"),
        ("93", 150, "2992.9"), ("75", 1800, "569.2"), ("64.9", 9000, "0.0"),
    ],
)  # fmt: skip
def test_a0_has_its_known_values(celsius: str, seconds: int, expected: str) -> None:
    assert shown(a0_seconds(series(*plateau(celsius, seconds), bar=None)), "0.1") == expected


@pytest.mark.parametrize(
    "number,expected", [(13, "80.87"), (15, "79.81"), (16, "79.94"), (17, "79.35")]
)
def test_f0_of_the_real_cycles_has_its_known_value(number: int, expected: str) -> None:
    facts = check(CYCLES[number].samples, get_profile("en-285-134")).facts()
    assert facts["f0_minutes"] == expected
    assert facts["f0_reference_celsius"] == "121.1"


@pytest.mark.parametrize(
    "bar,kelvin", [("1", "372.755919"), ("10", "453.035632"), ("100", "584.149488")]
)
def test_saturation_temperature_has_the_values_of_iapws_table_36(bar: str, kelvin: str) -> None:
    celsius = saturation_temperature_celsius(Decimal(bar))
    assert shown(celsius + Decimal("273.15"), "0.000001") == kelvin


@pytest.mark.parametrize(
    "kelvin,mpa", [("300", "0.353658941E-2"), ("500", "0.263889776E1"), ("600", "12.3443146")]
)
def test_saturation_pressure_has_the_values_of_iapws_table_35(kelvin: str, mpa: str) -> None:
    bar = saturation_pressure_bar(Decimal(kelvin) - Decimal("273.15"))
    assert math.isclose(bar / 10, Decimal(mpa), rel_tol=1e-6)


def test_saturated_steam_at_135_35_degrees_has_3_16_bar() -> None:
    assert shown(saturation_pressure_bar(Decimal("135.35"))) == "3.16"


@given(celsius=st.decimals(min_value=1, max_value=370, places=2))
def test_saturation_temperature_and_pressure_are_inverse(celsius: Decimal) -> None:
    back = saturation_temperature_celsius(saturation_pressure_bar(celsius))
    assert abs(back - celsius) < Decimal("0.0001")


@pytest.mark.parametrize("bar", ["0.005", "221", "-1"])
def test_there_is_no_saturated_steam_beyond_its_range(bar: str) -> None:
    with pytest.raises(InvalidInput):
        saturation_temperature_celsius(Decimal(bar))
    with pytest.raises(InvalidInput):
        saturation_pressure_bar(Decimal(-1))


# ------------------------------------------------------------------ the real cycles


@pytest.mark.parametrize("number", PASSED)
@pytest.mark.parametrize(
    "name,expected",
    [
        ("en-285-134", Verdict.PASSED),
        ("dac-universal-134", Verdict.PASSED),
        ("ws-310.2-134", Verdict.FAILED),
        ("en-285-121", Verdict.FAILED),
    ],
)
def test_the_real_cycles_meet_three_minutes_and_not_four(
    number: int, name: str, expected: Verdict
) -> None:
    cycle = CYCLES[number]
    assert verdict(cycle.samples, name, hold_claim=hold_claim(cycle)) is expected


def test_without_the_machines_end_the_samples_do_not_rule_four_minutes_out() -> None:
    assert verdict(CYCLES[13].samples, "ws-310.2-134") is Verdict.NOT_ENOUGH_DATA


def test_the_printed_hold_is_reported_and_never_replaces_ours() -> None:
    facts = check(
        CYCLES[13].samples,
        get_profile("ws-310.2-134"),
        hold_claim=hold_claim(CYCLES[13]),
        pressure_basis=ABSOLUTE,
    ).facts()
    assert facts["hold_seconds"] == "182"
    assert facts["machine_hold_seconds"] == "191"
    assert facts["hold_at_most_seconds"] == "191"
    assert facts["hold_required_seconds"] == "240"
    assert "ended early" in str(facts["reasons"])


def test_a_claim_between_proof_and_rule_does_not_decide() -> None:
    profile = replace(steam("en-285-134"), hold_required_seconds=Decimal(185))
    cycle = CYCLES[13]
    result = check(cycle.samples, profile, hold_claim=hold_claim(cycle), pressure_basis=ABSOLUTE)
    assert result.verdict is Verdict.NOT_ENOUGH_DATA


def test_an_aborted_cycle_without_samples_has_not_enough_data() -> None:
    cycle = CYCLES[14]
    assert verdict(cycle.samples, "en-285-134") is Verdict.NOT_ENOUGH_DATA


# ------------------------------------------------------------------ band and hold


@pytest.mark.parametrize(
    "celsius,expected",
    [("134", Verdict.PASSED), ("137", Verdict.PASSED), ("133.9", Verdict.FAILED),
     ("137.1", Verdict.FAILED)],
)  # fmt: skip
def test_the_band_includes_its_ends(celsius: str, expected: Verdict) -> None:
    bar = str(saturation_pressure_bar(Decimal(celsius)))
    assert verdict(series(*plateau(celsius, 180), bar=bar), "en-285-134") is expected


def test_a_hold_bounded_by_samples_outside_is_failed() -> None:
    points = [(0, "130"), *plateau("135", 90, start=30), (150, "130")]
    result = check(series(*points), get_profile("en-285-134"), pressure_basis=ABSOLUTE)
    assert result.verdict is Verdict.FAILED
    assert result.facts()["hold_seconds"] == "90"
    assert result.facts()["hold_at_most_seconds"] == "150"


def test_the_longest_run_counts_not_the_sum() -> None:
    points = [*plateau("135", 110), (140, "133"), *plateau("135", 90, start=180), (300, "120")]
    assert verdict(series((-30, "130"), *points), "en-285-134") is Verdict.FAILED


def test_one_sample_above_the_band_fails() -> None:
    points = [(0, "130"), (30, "138"), *plateau("135", 240, start=60)]
    assert verdict(series(*points), "en-285-134") is Verdict.FAILED


def test_a_gap_in_the_hold_is_not_enough_data() -> None:
    result = check(
        series((0, "135"), (30, "135"), (150, "135"), (180, "135"), (210, "130")),
        get_profile("en-285-134"),
        pressure_basis=ABSOLUTE,
        hold_claim=HoldClaim(
            begin_elapsed_seconds=Decimal(-8), end_elapsed_seconds=None, seconds=None
        ),
    )
    assert result.verdict is Verdict.NOT_ENOUGH_DATA
    assert "gap of 120 s" in result.reasons


def test_a_gap_counts_nothing_for_f0() -> None:
    samples = series((0, "121"), (60, "121"), (1000, "121"))
    limited = f0_minutes(samples, reference_celsius=Decimal(121), max_interval_seconds=Decimal(60))
    assert shown(limited) == "1.00"


def test_a_short_record_that_never_reached_the_band_is_not_enough_data() -> None:
    assert verdict(series((0, "20"), (30, "60")), "en-285-134") is Verdict.NOT_ENOUGH_DATA


def test_no_samples_are_never_a_pass() -> None:
    for name in ("en-285-134", "washer-a0-60"):
        assert check([], get_profile(name)).verdict is Verdict.NOT_ENOUGH_DATA


def test_times_that_do_not_rise_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        check(series((0, "135"), (0, "135")), get_profile("en-285-134"))
    assert caught.value.field == "samples"


# ------------------------------------------------------------------ saturated steam


def test_air_in_the_steam_fails() -> None:
    samples = series(*plateau("135", 200), bar="3.60")
    assert verdict(samples, "en-285-134") is Verdict.FAILED


def test_air_overpressure_is_not_checked() -> None:
    profile = replace(steam("en-285-134"), saturation_tolerance_kelvin=None)
    result = check(series(*plateau("135", 200), bar="3.60"), profile, pressure_basis=ABSOLUTE)
    assert result.verdict is Verdict.PASSED
    assert result.facts()["saturation_check"] == "not_applicable"


def test_gauge_pressures_need_the_ambient_pressure() -> None:
    samples, profile = series(*plateau("135", 200), bar="2.12"), get_profile("en-285-134")
    without = check(samples, profile, pressure_basis=PressureBasis.GAUGE)
    assert without.verdict is Verdict.NOT_ENOUGH_DATA
    with_ambient = check(
        samples,
        profile,
        pressure_basis=PressureBasis.GAUGE,
        ambient_pressure_bar=Decimal("1.013"),
    )
    assert with_ambient.verdict is Verdict.PASSED


@pytest.mark.parametrize("bar", [None, "0.001"])
def test_a_missing_or_impossible_pressure_is_never_a_pass(bar: str | None) -> None:
    assert verdict(series(*plateau("135", 200), bar=bar), "en-285-134") is not Verdict.PASSED


# ------------------------------------------------------------------ several points


def test_several_points_share_a_hold_and_equilibrate() -> None:
    one = series((0, "130"), *plateau("135", 240, step=5, start=5))
    late = series((0, "130"), (5, "132"), *plateau("135", 240, step=5, start=10))
    result = check(one, get_profile("en-285-134"), pressure_basis=ABSOLUTE, other_points=[late])
    assert result.verdict is Verdict.PASSED
    assert result.facts()["equilibration_check"] == "met"
    assert result.facts()["hold_seconds"] == "235"


def test_a_point_that_reaches_the_band_late_fails() -> None:
    one = series((0, "130"), *plateau("135", 300, step=5, start=5))
    late = series((0, "130"), (40, "132"), *plateau("135", 240, step=5, start=45))
    result = check(one, get_profile("en-285-134"), pressure_basis=ABSOLUTE, other_points=[late])
    assert result.verdict is Verdict.FAILED
    assert result.facts()["equilibration_check"] == "not_met"


# ------------------------------------------------------------------ washer


@pytest.mark.parametrize(
    "celsius,seconds,name,expected",
    [
        ("93", 150, "washer-a0-3000", Verdict.PASSED),
        ("92.9", 150, "washer-a0-3000", Verdict.FAILED),
        ("75", 1800, "washer-a0-600", Verdict.PASSED),
        ("75", 1770, "washer-a0-600", Verdict.FAILED),
        ("90", 60, "washer-a0-600", Verdict.PASSED),
        ("80", 60, "washer-a0-60", Verdict.PASSED),
    ],
)
def test_a_nominal_row_or_a0_will_do(
    celsius: str, seconds: int, name: str, expected: Verdict
) -> None:
    # the flanks are 1 s long, so that they add next to nothing
    points = [(-1, "20"), *plateau(celsius, seconds), (seconds + 1, "20")]
    assert check(series(*points, bar=None), get_profile(name)).verdict is expected


def test_a_washer_record_that_ends_hot_is_not_enough_data() -> None:
    samples = series((0, "20"), (60, "85"), bar=None)
    assert check(samples, get_profile("washer-a0-600")).verdict is Verdict.NOT_ENOUGH_DATA


# ------------------------------------------------------------------ properties


def test_facts_are_flat_and_hold_no_float() -> None:
    for cycle, name in itertools.product(CYCLES.values(), ("en-285-134", "washer-a0-600")):
        facts = check(cycle.samples, get_profile(name), pressure_basis=ABSOLUTE).facts()
        assert {"profile", "profile_source", "verdict", "reasons", "f0_minutes"} <= facts.keys()
        assert all(value is None or isinstance(value, str | int) for value in facts.values())
        assert not any(isinstance(value, float) for value in facts.values())


celsius = st.decimals(min_value=-50, max_value=200, places=1)
steps = st.integers(1, 90)


@given(points=st.lists(st.tuples(steps, celsius), max_size=40), bar=st.sampled_from(["3.18", None]))
def test_a_pass_always_rests_on_a_proven_hold(
    points: list[tuple[int, Decimal]], bar: str | None
) -> None:
    times = itertools.accumulate(step for step, _ in points)
    samples = series(
        *((time, str(value)) for time, (_, value) in zip(times, points, strict=True)), bar=bar
    )
    result = check(samples, get_profile("en-285-134"), pressure_basis=ABSOLUTE)
    hold = result.figures.hold_seconds
    if result.verdict is Verdict.PASSED:
        assert hold is not None
        assert hold >= 180
        assert all(each.temperature_celsius <= 137 for each in samples)
    most = result.figures.hold_at_most_seconds
    if hold is not None and most is not None:
        assert hold <= most


@given(values=st.lists(celsius, min_size=2, max_size=20))
def test_f0_agrees_with_a_computation_in_floats(values: list[Decimal]) -> None:
    samples = series(*((place * 30, str(value)) for place, value in enumerate(values)))
    rates = [10 ** ((float(value) - 121.1) / 10) for value in values]
    expected = sum((a + b) / 2 * 30 for a, b in itertools.pairwise(rates)) / 60
    measured = f0_minutes(samples, reference_celsius=Decimal("121.1"))
    assert measured is not None
    assert math.isclose(float(measured), expected, rel_tol=1e-9, abs_tol=1e-8)

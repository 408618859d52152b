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
from ledger.domain.machines.lethality import Effect, Point, a0_seconds, f0_minutes, series_of
from ledger.domain.machines.profiles import HoldProfile, Profile, get_profile
from ledger.domain.machines.readings import MachineClaim, PressureBasis, Sample
from ledger.domain.machines.steam import (
    saturation_pressure_bar,
    saturation_temperature_celsius,
)
from ledger.domain.machines.thermal import check as check_evidence
from ledger.domain.machines.verdicts import CheckState, Evidence, ThermalVerdict, Verdict
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
            celsius=(Decimal(celsius),),
            bar=None if bar is None else Decimal(bar),
            printed=(celsius,),
        )
        for place, (seconds, celsius) in enumerate(points, start=1)
    ]


def plateau(celsius: str, seconds: int, step: int = 30, start: int = 0) -> list[tuple[int, str]]:
    times = [*range(start, start + seconds, step), start + seconds]
    return [(each, celsius) for each in times]


def steam(name: str) -> HoldProfile:
    profile = get_profile(name)
    assert isinstance(profile, HoldProfile)
    return profile


def values_of(samples: Sequence[Sample]) -> Sequence[Point]:
    return next(iter(series_of(samples)), ())


def check(
    samples: Sequence[Sample],
    profile: Profile,
    *,
    other_points: Sequence[Sequence[Sample]] = (),
    basis: PressureBasis | None = None,
    **more: object,
) -> ThermalVerdict:
    return check_evidence(
        Evidence(samples=samples, basis=basis, **more),  # type: ignore[arg-type]
        profile,
        beside=[Evidence(samples=each, basis=basis) for each in other_points],
    )


def least(effect: Effect | None) -> Decimal | None:
    return None if effect is None else effect.least


def verdict(samples: Sequence[Sample], name: str, **options: object) -> Verdict:
    return check(samples, get_profile(name), basis=ABSOLUTE, **options).verdict  # type: ignore[arg-type]


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
    measured = f0_minutes(values_of(samples), reference_celsius=Decimal(reference))
    assert shown(least(measured)) == expected
    assert measured is not None
    assert measured.least == measured.most


@pytest.mark.parametrize(
    "celsius,seconds,expected",
    [
        ("80", 600, "600.0"), ("90", 60, "600.0"), ("70", 6000, "600.0"), ("90", 300, "3000.0"),
        ("93", 150, "2992.9"), ("75", 1800, "569.2"), ("64.9", 9000, "0.0"),
    ],
)  # fmt: skip
def test_a0_has_its_known_values(celsius: str, seconds: int, expected: str) -> None:
    measured = a0_seconds(values_of(series(*plateau(celsius, seconds), bar=None)))
    assert shown(least(measured), "0.1") == expected


@pytest.mark.parametrize(
    "number,expected", [(13, "80.39"), (15, "79.65"), (16, "79.78"), (17, "79.34")]
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
    assert verdict(cycle.samples, name, claim=cycle.claim) is expected


def test_without_the_machines_end_the_samples_do_not_rule_four_minutes_out() -> None:
    assert verdict(CYCLES[13].samples, "ws-310.2-134") is Verdict.NOT_ENOUGH_DATA


def test_the_printed_hold_is_reported_and_never_replaces_ours() -> None:
    facts = check(
        CYCLES[13].samples,
        get_profile("ws-310.2-134"),
        claim=CYCLES[13].claim,
        basis=ABSOLUTE,
    ).facts()
    assert facts["hold_seconds"] == "182"
    assert facts["machine_hold_seconds"] == "191"
    assert facts["hold_at_most_seconds"] == "191"
    assert facts["hold_required_seconds"] == "240"
    assert "ended early" in str(facts["reasons"])


def test_a_claim_between_proof_and_rule_does_not_decide() -> None:
    profile = replace(steam("en-285-134"), hold_required_seconds=Decimal(185))
    cycle = CYCLES[13]
    result = check(cycle.samples, profile, claim=cycle.claim, basis=ABSOLUTE)
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
    result = check(series(*points), get_profile("en-285-134"), basis=ABSOLUTE)
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
        basis=ABSOLUTE,
        claim=MachineClaim(begin_elapsed_seconds=Decimal(-8)),
    )
    assert result.verdict is Verdict.NOT_ENOUGH_DATA
    assert "gap of 120 s" in result.reasons


def test_a_gap_counts_nothing_for_f0() -> None:
    samples = series((0, "121"), (60, "121"), (1000, "121"))
    limited = f0_minutes(
        values_of(samples), reference_celsius=Decimal(121), max_interval_seconds=Decimal(60)
    )
    assert limited is not None
    assert (shown(limited.least), limited.most) == ("1.00", None)


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
    result = check(series(*plateau("135", 200), bar="3.60"), profile, basis=ABSOLUTE)
    assert result.verdict is Verdict.PASSED
    assert result.facts()["saturation_check"] == "not_applicable"


def test_gauge_pressures_need_the_ambient_pressure() -> None:
    samples, profile = series(*plateau("135", 200), bar="2.12"), get_profile("en-285-134")
    without = check(samples, profile, basis=PressureBasis.GAUGE)
    assert without.verdict is Verdict.NOT_ENOUGH_DATA
    with_ambient = check(
        samples,
        profile,
        basis=PressureBasis.GAUGE,
        ambient_bar=Decimal("1.013"),
    )
    assert with_ambient.verdict is Verdict.PASSED


@pytest.mark.parametrize("bar", [None, "0.001"])
def test_a_missing_or_impossible_pressure_is_never_a_pass(bar: str | None) -> None:
    assert verdict(series(*plateau("135", 200), bar=bar), "en-285-134") is not Verdict.PASSED


# ------------------------------------------------------------------ several points


def test_several_points_share_a_hold_and_equilibrate() -> None:
    one = series((0, "130"), *plateau("135", 240, step=5, start=5))
    late = series((0, "130"), (5, "132"), *plateau("135", 240, step=5, start=10))
    result = check(one, get_profile("en-285-134"), basis=ABSOLUTE, other_points=[late])
    assert result.verdict is Verdict.PASSED
    assert result.facts()["equilibration_check"] == "met"
    assert result.facts()["hold_seconds"] == "235"


def test_a_point_that_reaches_the_band_late_fails() -> None:
    one = series((0, "130"), *plateau("135", 300, step=5, start=5))
    late = series((0, "130"), (40, "132"), *plateau("135", 240, step=5, start=45))
    result = check(one, get_profile("en-285-134"), basis=ABSOLUTE, other_points=[late])
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
        facts = check(cycle.samples, get_profile(name), basis=ABSOLUTE).facts()
        assert {"profile", "profile_source", "verdict", "reasons", "f0_minutes"} <= facts.keys()
        assert all(value is None or isinstance(value, str | int) for value in facts.values())
        assert not any(isinstance(value, float) for value in facts.values())


celsius = st.decimals(min_value=-50, max_value=200, places=1)
steps = st.integers(1, 90)


@given(values=st.lists(st.tuples(steps, celsius), max_size=40), bar=st.sampled_from(["3.18", None]))
def test_a_pass_always_rests_on_a_proven_hold(
    values: list[tuple[int, Decimal]], bar: str | None
) -> None:
    times = itertools.accumulate(step for step, _ in values)
    samples = series(
        *((time, str(value)) for time, (_, value) in zip(times, values, strict=True)), bar=bar
    )
    result = check(samples, get_profile("en-285-134"), basis=ABSOLUTE)
    hold = result.figures.hold_seconds
    if result.verdict is Verdict.PASSED:
        assert hold is not None
        assert hold >= 180
        assert all(point.celsius <= 137 for point in values_of(samples))
    most = result.figures.hold_at_most_seconds
    if hold is not None and most is not None:
        assert hold <= most


@given(values=st.lists(celsius, min_size=2, max_size=20))
def test_f0_s_bounds_agree_with_a_computation_in_floats(values: list[Decimal]) -> None:
    samples = series(*((place * 30, str(value)) for place, value in enumerate(values)))
    rates = [10 ** ((float(value) - 121.1) / 10) for value in values]
    pairs = list(itertools.pairwise(rates))
    measured = f0_minutes(values_of(samples), reference_celsius=Decimal("121.1"))
    assert measured is not None
    assert measured.most is not None
    for bound, choose in ((measured.least, min), (measured.most, max)):
        expected = sum(choose(pair) * 30 for pair in pairs) / 60
        assert math.isclose(float(bound), expected, rel_tol=1e-9, abs_tol=1e-8)


# ------------------------------------------------------------------ cut, cold and unknown


@pytest.mark.parametrize("shows_end", [True, False])
def test_a_record_that_is_hottest_at_its_end_was_cut_while_it_heated(shows_end: bool) -> None:
    heating = series(*((at * 30, str(60 + at)) for at in range(40)))
    result = check(heating, get_profile("en-285-134"), basis=ABSOLUTE, shows_end=shows_end)
    assert result.verdict is Verdict.NOT_ENOUGH_DATA


def test_a_record_that_breaks_off_between_pulses_is_not_enough_data() -> None:
    pulses = series(*((at * 60, "100" if at % 2 else "75") for at in range(20)))
    whole = check(pulses, get_profile("en-285-134"), basis=ABSOLUTE)
    cut = check(pulses, get_profile("en-285-134"), basis=ABSOLUTE, shows_end=False)
    assert (whole.verdict, cut.verdict) == (Verdict.FAILED, Verdict.NOT_ENOUGH_DATA)


@pytest.mark.parametrize(
    "bar,expected",
    [
        ("3.10", CheckState.NOT_MET),
        ("2.12", CheckState.NOT_ENOUGH_DATA),
        ("0.5", CheckState.NOT_MET),
    ],
)
def test_a_gauge_pressure_that_no_air_pressure_explains_fails(
    bar: str, expected: CheckState
) -> None:
    result = check(
        series(*plateau("135", 200), bar=bar), get_profile("en-285-134"), basis=PressureBasis.GAUGE
    )
    assert dict(result.checks)["saturation"].state is expected


def test_a_step_proves_what_its_colder_end_does() -> None:
    step = f0_minutes(
        values_of(series((0, "20"), (60, "137"), (120, "20"))), reference_celsius=Decimal("121.1")
    )
    ramp = f0_minutes(
        values_of(series((0, "100"), (60, "130"))), reference_celsius=Decimal("121.1")
    )
    assert shown(least(step)) == "0.00"
    assert shown(least(ramp)) == "0.01"
    assert ramp is not None
    assert shown(ramp.most) == "7.76"


def test_an_a0_between_its_bounds_is_not_enough_data() -> None:
    samples = series((0, "60"), (30, "91"), (60, "91"), (90, "60"), bar=None)
    facts = check(samples, get_profile("washer-a0-600")).facts()
    assert (facts["verdict"], facts["a0_seconds"]) == ("not_enough_data", "377.67")


@pytest.mark.parametrize(
    "claimed,expected", [("500", Verdict.FAILED), ("700", Verdict.NOT_ENOUGH_DATA)]
)
def test_a_machine_s_own_a0_counts_against_it_and_never_for_it(
    claimed: str, expected: Verdict
) -> None:
    result = check(
        [], get_profile("washer-a0-600"), claim=MachineClaim(a0_seconds=Decimal(claimed))
    )
    assert result.verdict is expected
    assert result.facts()["machine_a0_seconds"] == claimed


def test_values_too_far_apart_to_show_equilibration_do_not_open_the_verdict() -> None:
    one = series((0, "130"), *plateau("135", 240, step=60, start=60))
    result = check(one, get_profile("en-285-134"), basis=ABSOLUTE, other_points=[one])
    assert result.facts()["equilibration_check"] == "not_applicable"
    assert result.verdict is Verdict.PASSED


def test_two_runs_of_one_probe_are_matched_with_the_other_s() -> None:
    one = series(
        *plateau("135", 190, step=10), (200, "120"), *plateau("135", 210, step=10, start=210)
    )
    other = series((0, "130"), *plateau("135", 190, step=10, start=10), (210, "120"), (420, "120"))
    result = check(one, get_profile("en-285-134"), basis=ABSOLUTE, other_points=[other])
    assert result.facts()["hold_seconds"] == "180"


def test_a_self_test_has_no_thermal_verdict() -> None:
    result = check(series(*plateau("135", 200)), get_profile("bowie-dick"), basis=ABSOLUTE)
    assert result.verdict is Verdict.NOT_COMPUTED
    assert result.facts()["profile_kind"] == "test"


@pytest.mark.parametrize(
    "name", ["air-overpressure-121", "dry-heat-170", "ethylene-oxide-exposure"]
)
def test_a_programme_that_is_not_saturated_steam_needs_no_pressure(name: str) -> None:
    profile = steam(name)
    points = plateau(str(profile.band_low_celsius), int(profile.hold_required_seconds))
    result = check(series(*points, bar=None), profile)
    assert result.verdict is Verdict.PASSED
    assert result.facts()["saturation_check"] == "not_applicable"

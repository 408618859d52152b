"""Samples and a named profile → what the temperatures prove, with every figure used.

All arithmetic is decimal, with 34 digits and half-even rounding, so that the same samples give the
same digits on every machine. 10ˣ is exp(x · ln 10), both correctly rounded by the decimal
specification. A figure is compared at nine decimals and shown at two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.profiles import Profile, SteamProfile, TimeTemperatureRow, WasherProfile
from ledger.domain.machines.readings import HoldClaim, PressureBasis, Sample

__all__ = [
    "Check",
    "CheckState",
    "Figures",
    "ThermalVerdict",
    "Verdict",
    "a0_seconds",
    "check",
    "f0_minutes",
    "saturation_pressure_bar",
    "saturation_temperature_celsius",
]

_CONTEXT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
_COMPARED: Final = Decimal("1e-9")
_SHOWN: Final = Decimal("0.01")
_A0_REFERENCE_CELSIUS: Final = Decimal(80)
_Z_KELVIN: Final = Decimal(10)
_KELVIN_AT_ZERO_CELSIUS: Final = Decimal("273.15")
_BAR_PER_MPA: Final = Decimal(10)


class Verdict(StrEnum):
    """What we computed; never the machine's verdict, nor a person's."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ENOUGH_DATA = "not_enough_data"


class CheckState(StrEnum):
    """The outcome of one part of the check."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_ENOUGH_DATA = "not_enough_data"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One part of the check and why it came out so."""

    state: CheckState
    reason: str  #: one clause, with the figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was computed; None where it does not apply or could not be computed."""

    sample_count: int
    minimum_celsius: Decimal | None = None  #: of all samples
    maximum_celsius: Decimal | None = None  #: of all samples
    longest_interval_seconds: Decimal | None = None  #: s between neighbouring samples
    hold_seconds: Decimal | None = None  #: s that the samples prove, first to last in the band
    hold_at_most_seconds: Decimal | None = None  #: s that they allow; None: unbounded
    hold_minimum_celsius: Decimal | None = None  #: within the proven hold
    hold_maximum_celsius: Decimal | None = None  #: within the proven hold
    machine_hold_seconds: Decimal | None = None  #: the machine's own claim
    equilibration_seconds: Decimal | None = None  #: s between the first and the last point
    saturation_deviation_kelvin: Decimal | None = None  #: largest |measured − saturated|
    f0_minutes: Decimal | None = None  #: over all samples, gaps left out
    a0_seconds: Decimal | None = None  #: over all samples, gaps left out
    a0_row: str | None = None  #: the nominal row that was reached


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalVerdict:
    """A verdict against one named profile."""

    profile: Profile
    verdict: Verdict
    checks: tuple[tuple[str, Check], ...]  #: by name, in a fixed order
    figures: Figures

    @property
    def reasons(self) -> str:
        """All reasons in words, in the order of the checks."""
        return "; ".join(f"{name}: {each.reason}" for name, each in self.checks)

    def facts(self) -> dict[str, str | int | bool | None]:
        """Return the flat form for a record: path → value, measured values as decimal strings."""
        return {
            "profile": self.profile.name,
            "profile_title": self.profile.title,
            "profile_source": self.profile.source,
            "profile_unconfirmed": ", ".join(self.profile.unconfirmed) or None,
            "verdict": self.verdict.value,
            "reasons": self.reasons,
            **_profile_facts(self.profile),
            **_figure_facts(self.figures),
            **{f"{name}_check": each.state.value for name, each in self.checks},
        }


# ---------------------------------------------------------------- the check


def check(  # noqa: PLR0913 - each argument is a separate kind of evidence
    samples: Sequence[Sample],
    profile: Profile,
    *,
    hold_claim: HoldClaim | None = None,
    pressure_basis: PressureBasis | None = None,
    ambient_pressure_bar: Decimal | None = None,
    other_points: Sequence[Sequence[Sample]] = (),
) -> ThermalVerdict:
    """Judge `samples` against `profile`.

    Samples are discrete, so they prove a hold of at least the time from the first to the last
    sample of an unbroken run within the band. The profile is met only by what they prove. It is
    failed only if they rule it out: by the samples outside the band on both sides of the run or,
    where the series ends within the band, by the machine's own printed begin and end of the hold
    (`hold_claim`). A claim can thus count against a cycle and never for it. Between the two there
    is not enough data.

    `ambient_pressure_bar` (absolute) is needed where the pressures are gauge. `other_points` are
    further measuring points of the same cycle on the same elapsed scale; the hold then is the time
    that all of them share.

    Raise `InvalidInput` when the times of a series do not rise strictly.
    """
    for series in (samples, *other_points):
        _require_rising(series)
    if isinstance(profile, WasherProfile):
        if other_points:
            raise InvalidInput(
                "several points are given for a washer",
                field="other_points",
                rule="a washer profile judges one measuring point at a time",
            )
        return _check_washer(samples, profile)
    with localcontext(_CONTEXT):
        pressure = _Pressures(basis=pressure_basis, ambient_bar=ambient_pressure_bar)
        return _check_steam(samples, profile, hold_claim, pressure, other_points)


def _require_rising(samples: Sequence[Sample]) -> None:
    for before, after in pairwise(samples):
        if after.elapsed_seconds <= before.elapsed_seconds:
            raise InvalidInput(
                f"the sample at {after.time_text} does not come after {before.time_text}",
                field="samples",
                rule="times rise strictly",
            )


def _verdict_of(checks: Sequence[tuple[str, Check]]) -> Verdict:
    states = {each.state for _, each in checks}
    if CheckState.NOT_MET in states:
        return Verdict.FAILED
    if CheckState.NOT_ENOUGH_DATA in states:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.PASSED


def _check_steam(
    samples: Sequence[Sample],
    profile: SteamProfile,
    claim: HoldClaim | None,
    pressures: "_Pressures",
    other_points: Sequence[Sequence[Sample]],
) -> ThermalVerdict:
    points = (samples, *other_points)
    holds = [_hold_of(series, profile, claim) for series in points]
    hold = _shared(holds)
    in_hold = [each for each in samples if hold.proven is not None and hold.proven.has(each)]
    saturation, deviation = _saturation(in_hold, profile, pressures)
    equilibration, equilibration_seconds = _equilibration(points, profile)
    checks = (
        ("band", _band(points, profile)),
        ("hold", _hold_check(hold, points, profile, claim)),
        ("equilibration", equilibration),
        ("saturation", saturation),
    )
    figures = Figures(
        sample_count=len(samples),
        minimum_celsius=_lowest(samples),
        maximum_celsius=_highest(samples),
        longest_interval_seconds=_longest_interval(samples),
        hold_seconds=hold.proven_seconds if all(points) else None,
        hold_at_most_seconds=hold.at_most_seconds,
        hold_minimum_celsius=_lowest(in_hold),
        hold_maximum_celsius=_highest(in_hold),
        machine_hold_seconds=None if claim is None else claim.seconds,
        equilibration_seconds=equilibration_seconds,
        saturation_deviation_kelvin=deviation,
        f0_minutes=f0_minutes(
            samples,
            reference_celsius=profile.f0_reference_celsius,
            max_interval_seconds=profile.max_sample_interval_seconds,
        ),
    )
    return ThermalVerdict(
        profile=profile, verdict=_verdict_of(checks), checks=checks, figures=figures
    )


def _check_washer(samples: Sequence[Sample], profile: WasherProfile) -> ThermalVerdict:
    with localcontext(_CONTEXT):
        a0 = a0_seconds(
            samples,
            counted_from_celsius=profile.a0_counted_from_celsius,
            max_interval_seconds=profile.max_sample_interval_seconds,
        )
        row = next((each for each in profile.a0_rows if _reaches(samples, each, profile)), None)
        checks = (("a0", _a0_check(samples, profile, a0, row)),)
        figures = Figures(
            sample_count=len(samples),
            minimum_celsius=_lowest(samples),
            maximum_celsius=_highest(samples),
            longest_interval_seconds=_longest_interval(samples),
            a0_seconds=a0,
            a0_row=None if row is None else f"{row.celsius} °C for {row.seconds} s",
        )
    return ThermalVerdict(
        profile=profile, verdict=_verdict_of(checks), checks=checks, figures=figures
    )


# ---------------------------------------------------------------- band


def _band(points: Sequence[Sequence[Sample]], profile: SteamProfile) -> Check:
    """No sample may exceed the band; lying below it is a matter of the hold."""
    highest = _highest([each for series in points for each in series])
    if highest is None:
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason="there are no samples")
    bounds = f"{profile.band_low_celsius} to {profile.band_high_celsius} °C"
    if highest > profile.band_high_celsius:
        return Check(state=CheckState.NOT_MET, reason=f"{highest} °C exceeds the band {bounds}")
    return Check(
        state=CheckState.MET, reason=f"no sample exceeds the band {bounds}; highest {highest} °C"
    )


# ---------------------------------------------------------------- hold


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of elapsed seconds, both ends included."""

    begin: Decimal
    end: Decimal

    @property
    def seconds(self) -> Decimal:
        return self.end - self.begin

    def has(self, sample: Sample) -> bool:
        return self.begin <= sample.elapsed_seconds <= self.end


@dataclass(frozen=True, slots=True)
class _Hold:
    """What a series proves about its hold, and what it allows at most."""

    proven: _Span | None
    at_most_seconds: Decimal | None  #: None: nothing bounds it

    @property
    def proven_seconds(self) -> Decimal:
        return Decimal(0) if self.proven is None else self.proven.seconds


def _hold_of(samples: Sequence[Sample], profile: SteamProfile, claim: HoldClaim | None) -> _Hold:
    gap = profile.max_sample_interval_seconds
    runs = _runs(samples, lambda sample: _is_inside(sample, profile), gap=gap)
    spans = [_Span(run[0].elapsed_seconds, run[-1].elapsed_seconds) for run in runs]
    proven = max(spans, key=lambda each: each.seconds, default=None)
    return _Hold(proven, _at_most(samples, profile, claim))


def _is_inside(sample: Sample, profile: SteamProfile) -> bool:
    return profile.band_low_celsius <= sample.temperature_celsius <= profile.band_high_celsius


def _runs(
    samples: Sequence[Sample], is_inside: Callable[[Sample], bool], *, gap: Decimal
) -> list[list[Sample]]:
    """Return the unbroken runs of samples inside; an interval longer than `gap` breaks a run."""
    runs: list[list[Sample]] = []
    previous: Sample | None = None
    for sample in samples:
        if is_inside(sample):
            joined = (
                previous is not None
                and is_inside(previous)
                and (sample.elapsed_seconds - previous.elapsed_seconds <= gap)
            )
            if joined:
                runs[-1].append(sample)
            else:
                runs.append([sample])
        previous = sample
    return runs


def _at_most(
    samples: Sequence[Sample], profile: SteamProfile, claim: HoldClaim | None
) -> Decimal | None:
    """Return the longest hold that the samples and the machine's claim allow, or None."""
    begin = None if claim is None else claim.begin_elapsed_seconds
    end = None if claim is None else claim.end_elapsed_seconds
    if not samples:
        return None if begin is None or end is None else end - begin
    outside = [each.elapsed_seconds for each in samples if not _is_inside(each, profile)]
    first, last = samples[0].elapsed_seconds, samples[-1].elapsed_seconds
    if len(outside) == len(samples) and last - first < profile.hold_required_seconds:
        return None  # too short a record to say that the band was never reached
    # A series that begins or ends within the band is bounded by the machine's claim alone.
    if _is_inside(samples[0], profile):
        if begin is None:
            return None
        outside.insert(0, min(begin, first))
    if _is_inside(samples[-1], profile):
        if end is None:
            return None
        outside.append(max(end, last))
    return max(after - before for before, after in pairwise(outside))


def _shared(holds: Sequence[_Hold]) -> _Hold:
    """Return the hold that all points share."""
    bounds = [each.at_most_seconds for each in holds if each.at_most_seconds is not None]
    at_most = min(bounds, default=None)
    spans = [each.proven for each in holds]
    known = [span for span in spans if span is not None]
    if len(known) < len(spans):
        return _Hold(None, at_most)
    begin, end = max(span.begin for span in known), min(span.end for span in known)
    return _Hold(_Span(begin, end) if begin <= end else None, at_most)


def _hold_check(
    hold: _Hold,
    points: Sequence[Sequence[Sample]],
    profile: SteamProfile,
    claim: HoldClaim | None,
) -> Check:
    if not all(points):
        reason = "there are no samples" + _claimed(claim)
        return Check(state=_without_proof(hold, profile), reason=reason)
    required = profile.hold_required_seconds
    proven = f"the samples prove {_plain(hold.proven_seconds)} s of {_plain(required)} s"
    if hold.proven is not None and hold.proven_seconds >= required:
        return Check(state=CheckState.MET, reason=proven + _claimed(claim))
    state = _without_proof(hold, profile)
    if state is CheckState.NOT_MET:
        allowed = hold.at_most_seconds or Decimal(0)
        why = (
            "no sample lies in the band"
            if hold.proven is None
            else f"the hold ended early, after at most {_plain(allowed)} s"
        )
        return Check(state=state, reason=f"{proven}; {why}{_claimed(claim)}")
    gap = _gap_words(points, profile)
    return Check(state=state, reason=f"{proven}{gap}; they do not rule it out{_claimed(claim)}")


def _without_proof(hold: _Hold, profile: SteamProfile) -> CheckState:
    ruled_out = (
        hold.at_most_seconds is not None and hold.at_most_seconds < profile.hold_required_seconds
    )
    return CheckState.NOT_MET if ruled_out else CheckState.NOT_ENOUGH_DATA


def _gap_words(points: Sequence[Sequence[Sample]], profile: SteamProfile) -> str:
    longest = max((_longest_interval(series) or Decimal(0) for series in points), default=None)
    limit = profile.max_sample_interval_seconds
    if longest is None or longest <= limit:
        return ""
    return f"; a gap of {_plain(longest)} s exceeds the {_plain(limit)} s allowed"


def _claimed(claim: HoldClaim | None) -> str:
    if claim is None or claim.seconds is None:
        return ""
    return f" (the machine itself claims {_plain(claim.seconds)} s)"


# ---------------------------------------------------------------- equilibration


def _equilibration(
    points: Sequence[Sequence[Sample]], profile: SteamProfile
) -> tuple[Check, Decimal | None]:
    """Compare the times at which the points reach the band."""
    if profile.equilibration_max_seconds is None:
        return Check(state=CheckState.NOT_APPLICABLE, reason="the profile has no rule"), None
    if len(points) == 1:
        reason = "it needs several measuring points and one was given"
        return Check(state=CheckState.NOT_APPLICABLE, reason=reason), None
    reached = [_reached(series, profile) for series in points]
    known = [each for each in reached if each is not None]
    if len(known) < len(reached):
        reason = "the records do not show every point reaching the band"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason), None
    least = max(each.begin for each in known) - min(each.end for each in known)
    most = max(each.end for each in known) - min(each.begin for each in known)
    limit = profile.equilibration_max_seconds
    state = CheckState.NOT_ENOUGH_DATA
    if most <= limit:
        state = CheckState.MET
    elif least > limit:
        state = CheckState.NOT_MET
    reason = f"at most {_plain(most)} s of {_plain(limit)} s between first and last point"
    return Check(state=state, reason=reason), most


def _reached(samples: Sequence[Sample], profile: SteamProfile) -> _Span | None:
    """Return the span within which the series first reaches the band: two samples bound it."""
    for before, after in pairwise(samples):
        if before.temperature_celsius < profile.band_low_celsius <= after.temperature_celsius:
            return _Span(before.elapsed_seconds, after.elapsed_seconds)
    return None


# ---------------------------------------------------------------- saturated steam


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pressures:
    """How to read the samples' pressures."""

    basis: PressureBasis | None
    ambient_bar: Decimal | None

    def absolute(self, sample: Sample) -> Decimal | None:
        """Return bar absolute, or None when it cannot be known."""
        if sample.pressure_bar is None or self.basis is None:
            return None
        if self.basis is PressureBasis.ABSOLUTE:
            return sample.pressure_bar
        return None if self.ambient_bar is None else sample.pressure_bar + self.ambient_bar


def _saturation(
    in_hold: Sequence[Sample], profile: SteamProfile, pressures: _Pressures
) -> tuple[Check, Decimal | None]:
    """Compare measured temperatures with saturated steam at the measured pressures."""
    tolerance = profile.saturation_tolerance_kelvin
    if tolerance is None:
        return Check(state=CheckState.NOT_APPLICABLE, reason="air overpressure programme"), None
    if not in_hold:
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason="no sample of a hold"), None
    known = [(each, pressures.absolute(each)) for each in in_hold]
    measured = [(each, bar) for each, bar in known if bar is not None]
    deviation = max((_deviation(each, bar) for each, bar in measured), default=None)
    if deviation is not None and deviation > tolerance:
        reason = f"up to {_shown(deviation)} K from saturated steam, {tolerance} K allowed"
        return Check(state=CheckState.NOT_MET, reason=reason), deviation
    if len(measured) < len(known):
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=_no_pressure(pressures)), deviation
    reason = f"within {_shown(deviation)} K of saturated steam, {tolerance} K allowed"
    return Check(state=CheckState.MET, reason=reason), deviation


def _no_pressure(pressures: _Pressures) -> str:
    if pressures.basis is PressureBasis.GAUGE and pressures.ambient_bar is None:
        return "the pressures are gauge and no ambient pressure was given"
    return "not every sample of the hold has a pressure of known basis"


def _deviation(sample: Sample, pressure_bar: Decimal) -> Decimal:
    if not _LOWEST_SATURATION_BAR <= pressure_bar <= _HIGHEST_SATURATION_BAR:
        return abs(sample.temperature_celsius)  # no saturated steam exists there
    return abs(sample.temperature_celsius - saturation_temperature_celsius(pressure_bar))


#: IAPWS R7-97(2012), table 34: coefficients of region 4, n1 to n10.
_N: Final = tuple(
    Decimal(text)
    for text in (
        "0.11670521452767e4",
        "-0.72421316703206e6",
        "-0.17073846940092e2",
        "0.12020824702470e5",
        "-0.32325550322333e7",
        "0.14915108613530e2",
        "-0.48232657361591e4",
        "0.40511340542057e6",
        "-0.23855557567849",
        "0.65017534844798e3",
    )
)
_LOWEST_SATURATION_BAR: Final = Decimal("0.00611213")
_HIGHEST_SATURATION_BAR: Final = Decimal("220.64")
_LOWEST_SATURATION_KELVIN: Final = Decimal("273.15")
_HIGHEST_SATURATION_KELVIN: Final = Decimal("647.096")


def saturation_temperature_celsius(pressure_bar: Decimal) -> Decimal:
    """Return the temperature of saturated steam at `pressure_bar` absolute, °C.

    IAPWS R7-97(2012), region 4, equation 31; valid from 0.00611213 to 220.64 bar, else
    `InvalidInput`.
    """
    if not _LOWEST_SATURATION_BAR <= pressure_bar <= _HIGHEST_SATURATION_BAR:
        raise InvalidInput(
            f"{pressure_bar} bar",
            field="pressure_bar",
            rule="saturated steam exists from 0.00611213 to 220.64 bar absolute",
        )
    with localcontext(_CONTEXT):
        n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _N
        beta = (pressure_bar / _BAR_PER_MPA).sqrt().sqrt()
        e = beta * beta + n3 * beta + n6
        f = n1 * beta * beta + n4 * beta + n7
        g = n2 * beta * beta + n5 * beta + n8
        d = 2 * g / (-f - (f * f - 4 * e * g).sqrt())
        root = ((n10 + d) * (n10 + d) - 4 * (n9 + n10 * d)).sqrt()
        return ((n10 + d - root) / 2 - _KELVIN_AT_ZERO_CELSIUS).quantize(_COMPARED)


def saturation_pressure_bar(temperature_celsius: Decimal) -> Decimal:
    """Return the absolute pressure of saturated steam, bar.

    IAPWS R7-97(2012), region 4, equation 30; valid from 0 to 373.946 °C, else `InvalidInput`.
    """
    kelvin = temperature_celsius + _KELVIN_AT_ZERO_CELSIUS
    if not _LOWEST_SATURATION_KELVIN <= kelvin <= _HIGHEST_SATURATION_KELVIN:
        raise InvalidInput(
            f"{temperature_celsius} °C",
            field="temperature_celsius",
            rule="saturated steam exists from 0 to 373.946 °C",
        )
    with localcontext(_CONTEXT):
        n1, n2, n3, n4, n5, n6, n7, n8, n9, n10 = _N
        theta = kelvin + n9 / (kelvin - n10)
        a = theta * theta + n1 * theta + n2
        b = n3 * theta * theta + n4 * theta + n5
        c = n6 * theta * theta + n7 * theta + n8
        root = 2 * c / (-b + (b * b - 4 * a * c).sqrt())
        return (root**4 * _BAR_PER_MPA).quantize(_COMPARED)


# ---------------------------------------------------------------- lethality


def f0_minutes(
    samples: Sequence[Sample],
    *,
    reference_celsius: Decimal,
    max_interval_seconds: Decimal | None = None,
) -> Decimal | None:
    """Return F0 in minutes at nine decimals, or None for fewer than two samples.

    F0 = Σ 10^((T − Tref)/10) · Δt by trapezoids. An interval longer than `max_interval_seconds`
    counts nothing, so the result is a lower bound.
    """
    if len(samples) < 2:  # noqa: PLR2004 - an interval has two ends
        return None
    seconds = _integral(
        samples, lambda celsius: _lethality(celsius - reference_celsius), max_interval_seconds
    )
    with localcontext(_CONTEXT):
        return (seconds / 60).quantize(_COMPARED)


def a0_seconds(
    samples: Sequence[Sample],
    *,
    counted_from_celsius: Decimal = Decimal(65),
    max_interval_seconds: Decimal | None = None,
) -> Decimal | None:
    """Return A0 in seconds at nine decimals, or None for fewer than two samples.

    A0 = Σ 10^((T − 80)/10) · Δt (EN ISO 15883-1) by trapezoids; a sample below
    `counted_from_celsius` counts zero.
    """
    if len(samples) < 2:  # noqa: PLR2004 - an interval has two ends
        return None

    def rate(celsius: Decimal) -> Decimal:
        if celsius < counted_from_celsius:
            return Decimal(0)
        return _lethality(celsius - _A0_REFERENCE_CELSIUS)

    return _integral(samples, rate, max_interval_seconds).quantize(_COMPARED, context=_CONTEXT)


def _integral(
    samples: Sequence[Sample],
    rate: Callable[[Decimal], Decimal],
    max_interval_seconds: Decimal | None,
) -> Decimal:
    with localcontext(_CONTEXT):
        total = Decimal(0)
        for before, after in pairwise(samples):
            step = after.elapsed_seconds - before.elapsed_seconds
            if max_interval_seconds is None or step <= max_interval_seconds:
                rates = rate(before.temperature_celsius) + rate(after.temperature_celsius)
                total += rates / 2 * step
        return total


@lru_cache(maxsize=4096)
def _lethality(kelvin: Decimal) -> Decimal:
    """Return 10^(kelvin/10), 34 digits."""
    with localcontext(_CONTEXT):
        return (kelvin / _Z_KELVIN * Decimal(10).ln()).exp()


# ---------------------------------------------------------------- washer


def _reaches(samples: Sequence[Sample], row: TimeTemperatureRow, profile: WasherProfile) -> bool:
    runs = _runs(
        samples,
        lambda sample: sample.temperature_celsius >= row.celsius,
        gap=profile.max_sample_interval_seconds,
    )
    return any(run[-1].elapsed_seconds - run[0].elapsed_seconds >= row.seconds for run in runs)


def _a0_check(
    samples: Sequence[Sample],
    profile: WasherProfile,
    a0: Decimal | None,
    row: TimeTemperatureRow | None,
) -> Check:
    if a0 is None:
        reason = "fewer than two samples"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason)
    required = profile.a0_required_seconds
    measured = f"A0 is at least {_shown(a0)} s of {_plain(required)} s"
    if a0 >= required:
        return Check(state=CheckState.MET, reason=measured)
    if row is not None:
        words = f"{row.celsius} °C for {_plain(row.seconds)} s was held"
        return Check(state=CheckState.MET, reason=f"{measured}; the nominal row {words}")
    longest = _longest_interval(samples) or Decimal(0)
    if longest > profile.max_sample_interval_seconds:
        reason = f"{measured}; a gap of {_plain(longest)} s counts nothing"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason)
    if any(
        each.temperature_celsius >= profile.a0_counted_from_celsius
        for each in (samples[0], samples[-1])
    ):
        reason = f"{measured}; the record begins or ends while it still counts"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason)
    return Check(state=CheckState.NOT_MET, reason=f"{measured}, and no nominal row was held")


# ---------------------------------------------------------------- figures


def _lowest(samples: Sequence[Sample]) -> Decimal | None:
    return min((each.temperature_celsius for each in samples), default=None)


def _highest(samples: Sequence[Sample]) -> Decimal | None:
    return max((each.temperature_celsius for each in samples), default=None)


def _longest_interval(samples: Sequence[Sample]) -> Decimal | None:
    return max(
        (after.elapsed_seconds - before.elapsed_seconds for before, after in pairwise(samples)),
        default=None,
    )


def _plain(value: Decimal) -> str:
    """Return a decimal without exponent or trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shown(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.quantize(_SHOWN, context=_CONTEXT):f}"


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else _plain(value)


def _profile_facts(profile: Profile) -> dict[str, str | int | bool | None]:
    if isinstance(profile, WasherProfile):
        return {
            "a0_required_seconds": _plain(profile.a0_required_seconds),
            "a0_counted_from_celsius": _plain(profile.a0_counted_from_celsius),
            "max_sample_interval_seconds": _plain(profile.max_sample_interval_seconds),
        }
    return {
        "band_low_celsius": _plain(profile.band_low_celsius),
        "band_high_celsius": _plain(profile.band_high_celsius),
        "hold_required_seconds": _plain(profile.hold_required_seconds),
        "equilibration_max_seconds": _plain_or_none(profile.equilibration_max_seconds),
        "saturation_tolerance_kelvin": _plain_or_none(profile.saturation_tolerance_kelvin),
        "f0_reference_celsius": _plain(profile.f0_reference_celsius),
        "max_sample_interval_seconds": _plain(profile.max_sample_interval_seconds),
    }


def _figure_facts(figures: Figures) -> dict[str, str | int | bool | None]:
    return {
        "sample_count": figures.sample_count,
        "minimum_celsius": _plain_or_none(figures.minimum_celsius),
        "maximum_celsius": _plain_or_none(figures.maximum_celsius),
        "longest_interval_seconds": _plain_or_none(figures.longest_interval_seconds),
        "hold_seconds": _plain_or_none(figures.hold_seconds),
        "hold_at_most_seconds": _plain_or_none(figures.hold_at_most_seconds),
        "hold_minimum_celsius": _plain_or_none(figures.hold_minimum_celsius),
        "hold_maximum_celsius": _plain_or_none(figures.hold_maximum_celsius),
        "machine_hold_seconds": _plain_or_none(figures.machine_hold_seconds),
        "equilibration_seconds": _plain_or_none(figures.equilibration_seconds),
        "saturation_deviation_kelvin": _shown(figures.saturation_deviation_kelvin),
        "f0_minutes": _shown(figures.f0_minutes),
        "a0_seconds": _shown(figures.a0_seconds),
        "a0_row": figures.a0_row,
    }

"""What a verdict rests on and what it says: its parts, its figures, and its flat form for a record.

A figure is compared at nine decimals and shown at two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Final

from ledger.domain.machines.lethality import Effect, Series, longest_interval
from ledger.domain.machines.profiles import HoldProfile, Profile, SelfTestProfile, WasherProfile
from ledger.domain.machines.readings import CycleReading, MachineClaim, PressureBasis, Sample
from ledger.domain.machines.steam import EXACT

__all__ = [
    "Check",
    "CheckState",
    "Evidence",
    "Figures",
    "ThermalVerdict",
    "Verdict",
    "all_celsius",
    "coldest",
    "evidence_of",
    "figures_of",
    "gap_words",
    "plain",
    "shown",
    "verdict_of",
]

_SHOWN: Final = Decimal("0.01")


class Verdict(StrEnum):
    """What we computed; never the machine's verdict, nor a person's."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ENOUGH_DATA = "not_enough_data"
    NOT_COMPUTED = "not_computed"


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
class Evidence:
    """One reading of a cycle, as far as its verdict rests on it."""

    samples: Sequence[Sample]
    basis: PressureBasis | None = None
    #: bar absolute, needed to judge gauge pressures; None when nobody says it
    ambient_bar: Decimal | None = None
    claim: MachineClaim = field(default_factory=MachineClaim)
    #: False when the record breaks off before the cycle's end
    shows_end: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was computed; None where it does not apply or could not be computed."""

    sample_count: int
    probe_count: int
    minimum_celsius: Decimal | None = None  #: of all values
    maximum_celsius: Decimal | None = None  #: of all values
    longest_interval_seconds: Decimal | None = None  #: s between neighbouring values of a probe
    hold_seconds: Decimal | None = None  #: s that the values prove, first to last in the band
    hold_at_most_seconds: Decimal | None = None  #: s that they allow; None: unbounded
    hold_minimum_celsius: Decimal | None = None  #: within the proven hold
    hold_maximum_celsius: Decimal | None = None  #: within the proven hold
    machine_hold_seconds: Decimal | None = None  #: the machine's own claim
    equilibration_seconds: Decimal | None = None  #: s between the first and the last probe
    saturation_deviation_kelvin: Decimal | None = None  #: largest |measured − saturated|
    f0_minutes: Decimal | None = None  #: proven by the coldest probe, gaps left out
    machine_f0_minutes: Decimal | None = None  #: the machine's own
    a0_seconds: Decimal | None = None  #: proven by the coldest probe, gaps left out
    machine_a0_seconds: Decimal | None = None  #: the machine's own
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
            "profile_kind": self.profile.kind,
            "profile_title": self.profile.title,
            "profile_source": self.profile.source,
            "profile_sha256": self.profile.sha256,
            "profile_unconfirmed": ", ".join(self.profile.unconfirmed) or None,
            "verdict": self.verdict.value,
            "reasons": self.reasons,
            **_profile_facts(self.profile),
            **_figure_facts(self.figures),
            **{f"{name}_check": each.state.value for name, each in self.checks if name != "test"},
        }


def evidence_of(cycle: CycleReading, *, ambient_bar: Decimal | None = None) -> Evidence:
    """A reading as it is judged; `ambient_bar` where a person says it and the reading does not."""
    return Evidence(
        samples=cycle.samples,
        basis=cycle.pressure_basis,
        ambient_bar=ambient_bar
        if cycle.ambient_pressure_bar is None
        else cycle.ambient_pressure_bar,
        claim=cycle.claim,
        shows_end=cycle.is_ended,
    )


def verdict_of(checks: Sequence[tuple[str, Check]]) -> Verdict:
    """Failed by any part, else open by any part, else passed."""
    states = {each.state for _, each in checks}
    if CheckState.NOT_MET in states:
        return Verdict.FAILED
    if CheckState.NOT_ENOUGH_DATA in states:
        return Verdict.NOT_ENOUGH_DATA
    return Verdict.PASSED


def figures_of(evidence: Evidence, points: Sequence[Series], **more: object) -> Figures:
    """The figures that every profile has, and `more`."""
    intervals = [each for series in points if (each := longest_interval(series)) is not None]
    return Figures(
        sample_count=len(evidence.samples),
        probe_count=len(points),
        minimum_celsius=min(all_celsius(points), default=None),
        maximum_celsius=max(all_celsius(points), default=None),
        longest_interval_seconds=max(intervals, default=None),
        machine_hold_seconds=evidence.claim.seconds,
        machine_f0_minutes=evidence.claim.f0_minutes,
        machine_a0_seconds=evidence.claim.a0_seconds,
        **more,  # type: ignore[arg-type]
    )


def all_celsius(points: Sequence[Series]) -> Iterator[Decimal]:
    """The values of all probes."""
    return (each.celsius for series in points for each in series)


def coldest(effects: Sequence[Effect | None]) -> Decimal | None:
    """What the probe with the least effect proves; None where one has fewer than two values."""
    known = [each.least for each in effects if each is not None]
    return min(known) if known and len(known) == len(effects) else None


def gap_words(points: Sequence[Series], profile: HoldProfile | WasherProfile) -> str:
    """A clause about an interval that is too long; empty where there is none."""
    longest = max((longest_interval(series) or Decimal(0) for series in points), default=Decimal(0))
    limit = profile.max_sample_interval_seconds
    if longest <= limit:
        return ""
    return f"; a gap of {plain(longest)} s exceeds the {plain(limit)} s allowed"


def plain(value: Decimal) -> str:
    """Return a decimal without exponent or trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def shown(value: Decimal | None) -> str | None:
    """A figure at two decimals."""
    return None if value is None else f"{value.quantize(_SHOWN, context=EXACT):f}"


def _at_least(value: Decimal | None) -> str | None:
    """A lower bound stays one when it is shown."""
    return None if value is None else f"{value.quantize(_SHOWN, rounding=ROUND_FLOOR):f}"


def _plain_or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _profile_facts(profile: Profile) -> dict[str, str | int | bool | None]:
    if isinstance(profile, SelfTestProfile):
        return {}
    if isinstance(profile, WasherProfile):
        return {
            "a0_required_seconds": plain(profile.a0_required_seconds),
            "a0_counted_from_celsius": plain(profile.a0_counted_from_celsius),
            "max_sample_interval_seconds": plain(profile.max_sample_interval_seconds),
        }
    return {
        "band_low_celsius": plain(profile.band_low_celsius),
        "band_high_celsius": plain(profile.band_high_celsius),
        "hold_required_seconds": plain(profile.hold_required_seconds),
        "equilibration_max_seconds": _plain_or_none(profile.equilibration_max_seconds),
        "saturation_tolerance_kelvin": _plain_or_none(profile.saturation_tolerance_kelvin),
        "f0_reference_celsius": _plain_or_none(profile.f0_reference_celsius),
        "max_sample_interval_seconds": plain(profile.max_sample_interval_seconds),
    }


def _figure_facts(figures: Figures) -> dict[str, str | int | bool | None]:
    return {
        "sample_count": figures.sample_count,
        "probe_count": figures.probe_count,
        "minimum_celsius": _plain_or_none(figures.minimum_celsius),
        "maximum_celsius": _plain_or_none(figures.maximum_celsius),
        "longest_interval_seconds": _plain_or_none(figures.longest_interval_seconds),
        "hold_seconds": _plain_or_none(figures.hold_seconds),
        "hold_at_most_seconds": _plain_or_none(figures.hold_at_most_seconds),
        "hold_minimum_celsius": _plain_or_none(figures.hold_minimum_celsius),
        "hold_maximum_celsius": _plain_or_none(figures.hold_maximum_celsius),
        "machine_hold_seconds": _plain_or_none(figures.machine_hold_seconds),
        "equilibration_seconds": _plain_or_none(figures.equilibration_seconds),
        "saturation_deviation_kelvin": shown(figures.saturation_deviation_kelvin),
        "f0_minutes": _at_least(figures.f0_minutes),
        "machine_f0_minutes": _plain_or_none(figures.machine_f0_minutes),
        "a0_seconds": _at_least(figures.a0_seconds),
        "machine_a0_seconds": _plain_or_none(figures.machine_a0_seconds),
        "a0_row": figures.a0_row,
    }

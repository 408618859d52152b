"""An A0 → what a washer-disinfector's temperatures prove, rule out, or leave open."""

from collections.abc import Sequence

from ledger.domain.machines.lethality import Effect, Series, a0_seconds, runs_of
from ledger.domain.machines.profiles import TimeTemperatureRow, WasherProfile
from ledger.domain.machines.verdicts import (
    Check,
    CheckState,
    Evidence,
    ThermalVerdict,
    coldest,
    figures_of,
    gap_words,
    plain,
    shown,
    verdict_of,
)

__all__ = ["check_washer"]


def check_washer(
    evidence: Evidence, points: Sequence[Series], profile: WasherProfile
) -> ThermalVerdict:
    """The verdict on all probes of a reading."""
    effects = [
        a0_seconds(
            series,
            counted_from_celsius=profile.a0_counted_from_celsius,
            max_interval_seconds=profile.max_sample_interval_seconds,
        )
        for series in points
    ]
    row = next((each for each in profile.a0_rows if _reach(points, each, profile)), None)
    checks = (("a0", _a0_check(evidence, points, profile, effects, row)),)
    figures = figures_of(
        evidence,
        points,
        a0_seconds=coldest(effects),
        a0_row=None if row is None else f"{row.celsius} °C for {row.seconds} s",
    )
    return ThermalVerdict(
        profile=profile, verdict=verdict_of(checks), checks=checks, figures=figures
    )


def _reach(points: Sequence[Series], row: TimeTemperatureRow, profile: WasherProfile) -> bool:
    gap = profile.max_sample_interval_seconds
    runs = [runs_of(each, lambda celsius: celsius >= row.celsius, gap=gap) for each in points]
    return bool(points) and all(
        any(run[-1].seconds - run[0].seconds >= row.seconds for run in each) for each in runs
    )


def _a0_check(
    evidence: Evidence,
    points: Sequence[Series],
    profile: WasherProfile,
    effects: Sequence[Effect | None],
    row: TimeTemperatureRow | None,
) -> Check:
    """Failed only by what the values allow at most, or by the machine's own lower figure."""
    required, own = profile.a0_required_seconds, evidence.claim.a0_seconds
    claimed = "" if own is None else f" (the machine itself claims {plain(own)} s)"
    least = coldest(effects)
    measured = (
        "fewer than two samples"
        if least is None
        else f"A0 is at least {shown(least)} s of {plain(required)} s"
    )
    if least is not None and least >= required:
        return Check(state=CheckState.MET, reason=measured + claimed)
    if row is not None:
        words = f"{row.celsius} °C for {plain(row.seconds)} s was held"
        return Check(state=CheckState.MET, reason=f"{measured}; the nominal row {words}{claimed}")
    if own is not None and own < required:
        reason = f"{measured}; the machine itself counted {plain(own)} s"
        return Check(state=CheckState.NOT_MET, reason=reason)
    why = _not_ruled_out(evidence, points, profile, effects)
    if why is not None:
        reason = f"{measured}{why}{claimed}"
        return Check(state=CheckState.NOT_ENOUGH_DATA, reason=reason)
    return Check(
        state=CheckState.NOT_MET, reason=f"{measured}, and no nominal row was held{claimed}"
    )


def _not_ruled_out(
    evidence: Evidence,
    points: Sequence[Series],
    profile: WasherProfile,
    effects: Sequence[Effect | None],
) -> str | None:
    """Why the values do not rule a sufficient A0 out; None where they do."""
    gap = gap_words(points, profile)
    if gap:
        return gap
    most = [None if each is None else each.most for each in effects]
    required = profile.a0_required_seconds
    if not most or any(each is None or each >= required for each in most):
        return "; they do not rule it out"
    ends = [each for series in points for each in (series[0], series[-1])]
    if not evidence.shows_end or any(
        each.celsius >= profile.a0_counted_from_celsius for each in ends
    ):
        return "; the record begins or ends while it still counts"
    return None

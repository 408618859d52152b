"""A reading and a named profile → what the temperatures prove."""

from collections.abc import Sequence
from decimal import localcontext
from itertools import pairwise

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.holding import check_hold
from ledger.domain.machines.lethality import series_of
from ledger.domain.machines.profiles import HoldProfile, Profile, WasherProfile
from ledger.domain.machines.readings import Sample
from ledger.domain.machines.steam import EXACT
from ledger.domain.machines.verdicts import (
    Check,
    CheckState,
    Evidence,
    ThermalVerdict,
    Verdict,
    figures_of,
)
from ledger.domain.machines.washing import check_washer

__all__ = ["check"]


def check(
    evidence: Evidence, profile: Profile, *, beside: Sequence[Evidence] = ()
) -> ThermalVerdict:
    """Judge a reading against `profile`, with other probes' readings of the same cycle `beside` it.

    Values are discrete, so they prove a hold of at least the time from the first to the last value
    of an unbroken run within the band, at every probe at once. The profile is met only by what they
    prove. It is failed only if they rule it out: by the values outside the band on both sides of
    the run or, where the series ends within the band, by the machine's own printed begin and end of
    the hold. A claim can thus count against a cycle and never for it. Between the two there is not
    enough data.

    All readings are on the same elapsed scale. Raise `InvalidInput` when times do not rise
    strictly.
    """
    readings = (evidence, *beside)
    for each in readings:
        _require_rising(each.samples)
    points = tuple(series for each in readings for series in series_of(each.samples))
    with localcontext(EXACT):
        if isinstance(profile, HoldProfile):
            return check_hold(readings, points, profile)
        if isinstance(profile, WasherProfile):
            return check_washer(evidence, points, profile)
        return ThermalVerdict(
            profile=profile,
            verdict=Verdict.NOT_COMPUTED,
            checks=(("test", Check(state=CheckState.NOT_APPLICABLE, reason="no thermal verdict")),),
            figures=figures_of(evidence, points),
        )


def _require_rising(samples: Sequence[Sample]) -> None:
    for before, after in pairwise(samples):
        if after.elapsed_seconds <= before.elapsed_seconds:
            raise InvalidInput(
                f"the sample at {after.time_text} does not come after {before.time_text}",
                field="samples",
                rule="times rise strictly",
            )

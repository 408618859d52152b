"""Two readings of one cycle → whether they agree, which holds more, and what contradicts what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ledger.domain.acts.words import Beside
from ledger.domain.machines.profiles import Profile
from ledger.domain.machines.readings import CycleOutcome, CycleReading, Sample
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import ThermalVerdict, Verdict, evidence_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A further reading beside the recorded one."""

    beside: Beside
    #: one sentence each
    reasons: tuple[str, ...]
    #: of the further reading, alone; None without a profile
    verdict: ThermalVerdict | None


def compare(  # noqa: PLR0913 - two readings, and what was recorded of the first
    recorded: CycleReading | None,
    found: CycleReading,
    profile: Profile | None,
    *,
    same_device: bool,
    outcome: CycleOutcome,
    verdict: Verdict,
) -> Comparison:
    """Hold a further reading against what was recorded of its cycle.

    `recorded` is the reading that the ending rests on; None when it was typed.  `outcome` and
    `verdict` are the ending's.  Two readings of the same device share its clock: they are judged
    together as well, as several probes of one cycle.
    """
    theirs = None if profile is None else check(evidence_of(found), profile)
    together: Sequence[str] = ()
    if recorded is not None and profile is not None and same_device:
        together = _together(recorded, found, profile)
    reasons = (
        *_outcomes(outcome, recorded, found),
        *_verdicts(verdict, theirs),
        *together,
    )
    begins = (False, False)
    if recorded is not None:
        begins = _begins_with(found, recorded), _begins_with(recorded, found)
    tells = () if reasons else _tells(outcome, found, verdict, theirs)
    if reasons:
        beside = Beside.CONTRADICTS
    elif tells or begins == (True, False):
        beside = Beside.HOLDS_MORE
    elif begins == (False, True):
        beside = Beside.HOLDS_LESS
    else:
        beside = Beside.AGREES
    return Comparison(beside=beside, reasons=(*reasons, *tells), verdict=theirs)


def _outcomes(
    outcome: CycleOutcome, recorded: CycleReading | None, found: CycleReading
) -> Sequence[str]:
    """Contradicting words of machines; a device that says nothing contradicts nothing."""
    if outcome is found.outcome:
        return ()
    if {outcome, found.outcome} == {CycleOutcome.COMPLETED, CycleOutcome.ABORTED}:
        return (f"it says {found.outcome}, and {outcome} was recorded",)
    known = () if recorded is None else (recorded.fault_code, *recorded.further_fault_codes)
    codes = (found.fault_code, *found.further_fault_codes)
    new = [code for code in codes if code is not None and code not in known]
    if outcome is CycleOutcome.COMPLETED and new:
        return (f"it reports fault {', '.join(new)}, and completed was recorded",)
    return ()


def _tells(
    outcome: CycleOutcome, found: CycleReading, ours: Verdict, theirs: ThermalVerdict | None
) -> Sequence[str]:
    """What was open in the record, and the further reading says."""
    told = []
    if outcome is CycleOutcome.UNKNOWN and outcome is not found.outcome:
        told.append(f"it says {found.outcome}, and unknown was recorded")
    if ours is Verdict.NOT_ENOUGH_DATA and theirs is not None and theirs.verdict is Verdict.PASSED:
        told.append(f"it passes {theirs.profile.name}, and not enough data was recorded")
    return told


def _verdicts(ours: Verdict, theirs: ThermalVerdict | None) -> Sequence[str]:
    if theirs is None or ours is theirs.verdict:
        return ()
    name = theirs.profile.name
    if theirs.verdict is Verdict.FAILED:
        return (f"it fails {name}, and {_words(ours)} was recorded: {_why(theirs)}",)
    if (ours, theirs.verdict) == (Verdict.FAILED, Verdict.PASSED):
        return (f"it passes {name}, and failed was recorded",)
    return ()


def _words(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")


def _together(recorded: CycleReading, found: CycleReading, profile: Profile) -> Sequence[str]:
    """As probes of one device: one time scale, and one value of each at each time."""
    shift = _seconds_between(recorded, found)
    if shift is None:
        return ()
    moved = [replace(each, elapsed_seconds=each.elapsed_seconds + shift) for each in found.samples]
    at = {each.elapsed_seconds: each for each in recorded.samples}
    same = [(at[each.elapsed_seconds], each) for each in moved if each.elapsed_seconds in at]
    differing = sum(one.celsius != other.celsius or one.bar != other.bar for one, other in same)
    both = check(
        evidence_of(recorded),
        profile,
        beside=[replace(evidence_of(found), samples=moved)],
    )
    alone = [check(evidence_of(each), profile).verdict for each in (recorded, found)]
    if both.verdict is Verdict.FAILED and Verdict.FAILED not in alone:
        return (f"with the recorded reading's probe it fails {profile.name}: {_why(both)}",)
    if differing and found.probes == recorded.probes and _is_one_probe(recorded, found):
        return (f"its values differ from the recorded reading's at {differing} times",)
    return ()


def _is_one_probe(recorded: CycleReading, found: CycleReading) -> bool:
    """Whether both tell the machine's own cycle: then they are two printouts of the same probe."""
    return bool(recorded.phases) and bool(found.phases)


def _seconds_between(recorded: CycleReading, found: CycleReading) -> Decimal | None:
    """How much later the second reading's scale begins, by the device's clock."""
    first, other = recorded.first, found.first
    if first is None or other is None:
        return None
    start, end = (first.utc, other.utc) if first.utc and other.utc else (first.local, other.local)
    return _exact(start, end)


def _exact(start: datetime, end: datetime) -> Decimal:
    span = end - start
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / 1_000_000


def _why(verdict: ThermalVerdict) -> str:
    return "; ".join(
        f"{name}: {each.reason}" for name, each in verdict.checks if each.state == "not_met"
    )


def _begins_with(longer: CycleReading, shorter: CycleReading) -> bool:
    """Whether a reading begins with all values and phases of another, and is not the same."""
    values, phases = _values(shorter.samples), _phases(shorter)
    return (
        _values(longer.samples)[: len(values)] == values
        and _phases(longer)[: len(phases)] == phases
        and (len(longer.samples), len(longer.phases)) != (len(shorter.samples), len(shorter.phases))
        and bool(values or phases)
    )


def _values(samples: Sequence[Sample]) -> list[tuple[object, ...]]:
    return [(each.elapsed_seconds, each.celsius, each.bar) for each in samples]


def _phases(cycle: CycleReading) -> list[tuple[object, ...]]:
    return [(each.name, each.elapsed_seconds, each.result_text) for each in cycle.phases]

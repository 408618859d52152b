"""Two readings of one cycle beside each other, and clocks that cannot be right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.domain.acts.words import Beside
from ledger.domain.machines.clocks import Neighbour, clock_notices, hours_apart
from ledger.domain.machines.comparing import Comparison
from ledger.domain.machines.comparing import compare as compare_with
from ledger.domain.machines.profiles import Profile, get_profile
from ledger.domain.machines.readings import CycleReading, PrintedTime
from ledger.domain.machines.thermal import check
from ledger.domain.machines.verdicts import Verdict, evidence_of
from ledger.readings import read_file

DATA = Path(__file__).parents[1] / "data"
CASES = DATA / "cases"
PROFILE = get_profile("en-285-134")
ARRIVED = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def read(path: str | bytes) -> CycleReading:
    raw = path if isinstance(path, bytes) else (CASES / path).read_bytes()
    return read_file(raw, filename="a").cycles[0]


def compare(
    recorded: CycleReading, found: CycleReading, profile: Profile | None, *, same_device: bool
) -> Comparison:
    """As if the ending rested on `recorded` alone."""
    verdict = Verdict.NOT_COMPUTED
    if profile is not None:
        verdict = check(evidence_of(recorded), profile).verdict
    return compare_with(
        recorded,
        found,
        profile,
        same_device=same_device,
        outcome=recorded.outcome,
        verdict=verdict,
    )


def log(name: str = "04-second-reading-ignored/printout.log") -> bytes:
    return (CASES / name).read_bytes()


# ------------------------------------------------------------------ beside each other


def test_a_logger_that_fails_the_profile_contradicts_the_printout() -> None:
    found = compare(
        read("04-second-reading-ignored/printout.log"),
        read("04-second-reading-ignored/logger-131C.csv"),
        PROFILE,
        same_device=False,
    )
    assert found.beside is Beside.CONTRADICTS
    assert "fails en-285-134" in found.reasons[0]


def test_a_second_probe_of_one_device_is_judged_together_with_the_first() -> None:
    one, late = read("24-several-probes/probe1.csv"), read("24-several-probes/probe2-late.csv")
    together = compare(one, late, PROFILE, same_device=True)
    assert together.beside is Beside.CONTRADICTS
    assert "equilibration" in together.reasons[0]
    assert compare(one, late, PROFILE, same_device=False).beside is Beside.AGREES


def test_a_probe_in_time_agrees() -> None:
    one = read("24-several-probes/probe1.csv")
    raw = (CASES / "24-several-probes" / "probe1.csv").read_text("utf-8").replace("134.8", "135.1")
    assert compare(one, read(raw.encode()), PROFILE, same_device=True).beside is Beside.AGREES


@pytest.mark.parametrize("lines", [22, 27, 33])
def test_a_whole_printout_holds_more_than_its_first_half(lines: int) -> None:
    whole = log()
    half = read(b"".join(whole.splitlines(keepends=True)[:lines]))
    assert compare(half, read(whole), PROFILE, same_device=True).beside is Beside.HOLDS_MORE
    assert compare(read(whole), half, PROFILE, same_device=True).beside is Beside.HOLDS_LESS


def test_a_printout_with_another_value_contradicts() -> None:
    other = read(log().replace(b"135.4    3.20", b"135.3    3.20", 1))
    found = compare(read(log()), other, PROFILE, same_device=True)
    assert found.beside is Beside.CONTRADICTS
    assert "differ" in found.reasons[0]


def test_a_fault_that_is_printed_later_contradicts_a_completed_cycle() -> None:
    found = compare(read(log()), read(log() + b"\nError code   72\n"), PROFILE, same_device=True)
    assert found.beside is Beside.CONTRADICTS
    assert "fault 72" in found.reasons[0]


def test_a_cycle_that_was_aborted_on_one_device_contradicts() -> None:
    raw = (CASES / "24-several-probes" / "probe1.csv").read_text("utf-8")
    aborted = read(raw.replace("outcome: completed", "outcome: aborted").encode())
    found = compare(read("24-several-probes/probe1.csv"), aborted, None, same_device=False)
    assert (found.beside, found.verdict) == (Beside.CONTRADICTS, None)


# ------------------------------------------------------------------ clocks


def at(text: str, *, utc: bool = False) -> PrintedTime:
    local = datetime.fromisoformat(text)
    return PrintedTime(text=text, local=local, utc=local.replace(tzinfo=UTC) if utc else None)


def span(start: str, minutes: int = 20) -> tuple[PrintedTime, PrintedTime]:
    first = at(start)
    end = first.local + timedelta(minutes=minutes)
    return first, PrintedTime(text="", local=end, utc=None)


@pytest.mark.parametrize(
    "start,hours",
    [
        ("2026-07-02T08:00:00", 0), ("2026-07-02T08:09:00", 0), ("2026-07-02T07:51:00", 0),
        ("2026-07-02T09:03:00", -1), ("2026-07-02T07:03:00", 1), ("2026-07-02T08:30:00", None),
        ("2026-07-03T08:00:00", None), ("2026-07-02T10:00:00", -2),
    ],
)  # fmt: skip
def test_an_hour_apart_is_summer_time_and_a_day_apart_another_cycle(
    start: str, hours: int | None
) -> None:
    found = hours_apart(span("2026-07-02T08:00:00"), span(start), is_start_known=True)
    assert found == hours


@pytest.mark.parametrize(
    "start,hours",
    [("2026-07-02T08:12:00", 0), ("2026-07-02T09:12:00", -1), ("2026-07-02T23:12:00", None)],
)
def test_a_logger_lies_within_the_cycle_that_it_was_put_into(start: str, hours: int | None) -> None:
    found = hours_apart(span("2026-07-02T08:00:00"), span(start, 5), is_start_known=False)
    assert found == hours


def notices(
    name: str,
    moment: datetime | None = None,
    *,
    no_moment: str | None = None,
    before: Neighbour | None = None,
    after: Neighbour | None = None,
) -> tuple[str, ...]:
    return clock_notices(
        read(name), moment, no_moment=no_moment, arrived_at=ARRIVED, before=before, after=after
    )


@pytest.mark.parametrize(
    "name,words",
    [
        ("12-clock/1970.log", "shows 01-01-1970 00:03:00, as one that was reset"),
        ("12-clock/back-to-2000.log", "as one that was reset"),
        ("12-clock/2031.log", "1612 days after the record came in"),
    ],
)
def test_a_clock_that_cannot_be_right_is_named(name: str, words: str) -> None:
    (notice,) = notices(name)
    assert "the clock of DAC Universal T-1001" in notice
    assert words in notice


def test_a_clock_that_is_right_is_not_mentioned() -> None:
    assert notices("04-second-reading-ignored/printout.log") == ()


def test_a_clock_that_fell_behind_an_earlier_cycle_is_named() -> None:
    start = datetime(2026, 7, 2, 6, 0, tzinfo=UTC)
    before = Neighbour(number=10, started_at=start + timedelta(days=3))
    after = Neighbour(number=12, started_at=start - timedelta(days=3))
    name = "04-second-reading-ignored/printout.log"
    assert "of a lower number, began" in notices(name, start, before=before)[0]
    assert "of a higher number, began" in notices(name, start, after=after)[0]
    assert notices(name, start, before=Neighbour(number=10, started_at=None)) == ()

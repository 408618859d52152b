"""A cycle's reading → its curve: what was measured, and what the profile asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.holding import proven_hold
from ledger.domain.machines.lethality import Series, series_of
from ledger.domain.machines.profiles import HoldProfile, WasherProfile, get_profile
from ledger.domain.machines.readings import CycleReading, PressureBasis
from ledger.domain.machines.verdicts import evidence_of
from ledger.domain.records.commitments import FieldValue
from ledger.readings import read_file
from ledger.storage import readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What a chart of a cycle draws; times in seconds since its first value."""

    #: SHA-256 of the file
    reading: str
    probes: tuple[str, ...]
    #: the values of each probe that has any, °C
    series: tuple[Series, ...]
    #: of the pressures; None where none was measured
    pressure_basis: PressureBasis | None
    #: °C, both or none: where the profile wants the values while they hold
    band: tuple[float, float] | None
    #: begin and end of the hold that the values prove
    hold: tuple[float, float] | None
    #: s that the profile asks for
    required_seconds: float | None
    profile: str | None


def curves_of(
    tx: Connection, cycle: bytes, *, unit: int, verdict: Mapping[str, FieldValue] | None
) -> list[Curve]:
    """The curves that a unit's kept readings have of one of its cycles, as they are read today.

    `verdict` is what was computed, with the profile's name and hash.
    """
    found = []
    for row in readings.list_cycles_attached(tx, cycle, unit=unit):
        kept = readings.get_reading(tx, row.reading, unit=unit)
        file = read_file(kept.raw, filename=kept.filename)
        content = row.content_sha256.hex()
        read = next((each for each in file.cycles if each.content_sha256 == content), None)
        if read is not None and read.samples:
            found.append(_curve(row.reading, read, _profile(verdict)))
    return found


def _profile(verdict: Mapping[str, FieldValue] | None) -> HoldProfile | WasherProfile | None:
    """The profile that was judged against, unless it says something else by now."""
    name = None if verdict is None else verdict.get("profile")
    if verdict is None or name is None:
        return None
    try:
        profile = get_profile(str(name))
    except InvalidInput:
        return None
    is_same = profile.sha256 == verdict.get("profile_sha256")
    return profile if is_same and isinstance(profile, HoldProfile | WasherProfile) else None


def _curve(reading: bytes, read: CycleReading, profile: object) -> Curve:
    band = hold = required = None
    if isinstance(profile, HoldProfile):
        band = float(profile.band_low_celsius), float(profile.band_high_celsius)
        required = float(profile.hold_required_seconds)
        proven = proven_hold([evidence_of(read)], profile)
        hold = None if proven is None else (float(proven[0]), float(proven[1]))
    return Curve(
        reading=reading.hex(),
        probes=read.probes,
        series=series_of(read.samples),
        pressure_basis=read.pressure_basis,
        band=band,
        hold=hold,
        required_seconds=required,
        profile=getattr(profile, "name", None),
    )

"""A cycle as it was read → the digests by which it, and its curve, are known again.

The digest is over what was read, not over the bytes: 134.8 and 134.80, another zone's offset,
another unit or other line ends are the same cycle. What could not be read counts as it stands.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256

from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.machines.readings import CycleReading, PrintedExtreme, PrintedTime, Sample

__all__ = ["sealed"]

#: A curve of fewer values is no curve: others would equal it by chance.
_SHORTEST_CURVE = 3


def sealed(cycle: CycleReading, unread: Iterable[str]) -> CycleReading:
    """The cycle with its digests; `unread` are its lines from which nothing was taken."""
    values = _values(cycle.samples)
    content: dict[str, Plain] = {
        "cycle": [cycle.serial, cycle.number, cycle.label],
        "device": [cycle.machine, cycle.lid],
        "programme": _programme(cycle),
        "begin": _moment(cycle.first),
        "start": _moment(cycle.started),
        "end": _moment(cycle.ended),
        "phases": [
            [each.name, _number(each.elapsed_seconds), each.result_text] for each in cycle.phases
        ],
        "probes": list(cycle.probes),
        "values": values,
        "basis": [cycle.pressure_basis, _number(cycle.ambient_pressure_bar)],
        "extremes": [_extreme(cycle.printed_maximum), _extreme(cycle.printed_minimum)],
        "claim": [
            _number(each)
            for each in (
                cycle.claim.begin_elapsed_seconds,
                cycle.claim.end_elapsed_seconds,
                cycle.claim.seconds,
                cycle.claim.f0_minutes,
                cycle.claim.a0_seconds,
            )
        ],
        "statements": [[each.name, each.value] for each in cycle.statements],
        "outcome": [cycle.outcome, cycle.fault_code, *cycle.further_fault_codes],
        "unread": [" ".join(text.split()) for text in unread],
    }
    start = cycle.samples[0].elapsed_seconds if cycle.samples else Decimal(0)
    return replace(
        cycle,
        content_sha256=_digest(content),
        curve_sha256=None
        if len(cycle.samples) < _SHORTEST_CURVE
        else _digest(_values(cycle.samples, start)),
    )


def _digest(value: Plain) -> str:
    return sha256(canonical(value)).hexdigest()


def _values(samples: Iterable[Sample], start: Decimal = Decimal(0)) -> list[list[str | None]]:
    return [
        [_number(each.elapsed_seconds - start), *map(_number, each.celsius), _number(each.bar)]
        for each in samples
    ]


def _programme(cycle: CycleReading) -> list[str | int | None]:
    """Its parts where it has them, so that a damaged degree sign does not make another cycle."""
    parts = cycle.programme
    if parts is None:
        return [cycle.programme_text]
    return [parts.name, parts.nominal_celsius, parts.nominal_hold_minutes]


def _moment(time: PrintedTime | None) -> str | None:
    return None if time is None else (time.utc or time.local).isoformat()


def _extreme(extreme: PrintedExtreme | None) -> list[str | None] | None:
    if extreme is None:
        return None
    return [_number(extreme.temperature_celsius), _number(extreme.pressure_bar)]


def _number(value: Decimal | None) -> str | None:
    """134.8 and 134.80 are one number."""
    return None if value is None else f"{value.normalize():f}"

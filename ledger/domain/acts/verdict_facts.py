"""What the thermal check states of a cycle; null where a figure does not apply."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.domain.records.schemas import FieldRule, choice, decimal, integer, text

_CHECK_WORDS = ("met", "not_met", "not_enough_data", "not_applicable")
_SECONDS = ("0", "1000000000000000")

#: by path below `verdict`
VERDICT_FACTS: Mapping[str, FieldRule] = {
    "profile": text(80),
    "profile_kind": text(40),
    "profile_sha256": text(64),
    "profile_title": text(),
    "profile_source": text(400),
    "profile_unconfirmed": text(400),
    "reasons": text(4000),
    "sample_count": integer(0, 1_000_000),
    "probe_count": integer(0, 1_000_000),
    "a0_row": text(60),
    **{
        f"{name}_celsius": decimal("-50", "400")
        for name in (
            "band_low",
            "band_high",
            "minimum",
            "maximum",
            "hold_minimum",
            "hold_maximum",
            "f0_reference",
            "a0_counted_from",
        )
    },
    **{
        f"{name}_seconds": decimal(*_SECONDS)
        for name in (
            "hold",
            "hold_at_most",
            "hold_required",
            "machine_hold",
            "machine_a0",
            "longest_interval",
            "max_sample_interval",
            "equilibration",
            "equilibration_max",
            "a0",
            "a0_required",
        )
    },
    "f0_minutes": decimal(*_SECONDS),
    "machine_f0_minutes": decimal(*_SECONDS),
    "saturation_tolerance_kelvin": decimal("0", "400"),
    "saturation_deviation_kelvin": decimal("0", "400"),
    **{
        f"{name}_check": choice(*_CHECK_WORDS)
        for name in ("band", "hold", "equilibration", "saturation", "a0")
    },
}

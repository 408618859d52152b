"""How long each kind of record is kept before its personal fields may be erased.

Source: WS 310.3-2016 (sterilisation records at least 3 years, cleaning and disinfection at least 6
months).  Registry records carry the group's own rule: they are needed as long as any cycle that
rests on them, so they are kept as long as the longest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """One retention class."""

    name: str
    days: int
    #: the text that asks for it
    source: str


RETENTION: Mapping[str, Retention] = {
    retention.name: retention
    for retention in (
        Retention(name="sterilisation", days=3 * 366, source="WS 310.3-2016: at least 3 years"),
        Retention(name="registry", days=3 * 366, source="group rule: as long as any cycle record"),
    )
}


def retention_end(retention_class: str, captured_at: datetime) -> datetime:
    """The moment from which a record's personal fields may be erased."""
    retention = RETENTION.get(retention_class)
    if retention is None:
        raise InvalidInput(
            f"{retention_class!r} is unknown",
            field="retention_class",
            rule=f"one of {', '.join(RETENTION)}",
        )
    return captured_at + timedelta(days=retention.days)


def retention_ended(facts: Mapping[str, FieldValue]) -> str:
    """When a record's retention ends, RFC 3339, by what the record says of itself."""
    captured = datetime.fromisoformat(str(facts["captured_at"]))
    return instant_text(retention_end(str(facts["retention_class"]), captured))

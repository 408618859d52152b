"""Record → the readings that it rests on, attached to its cycle."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import Facts, Message, word
from ledger.storage import readings

#: the kinds whose records name readings
NAMING_READINGS = frozenset({"CycleEnding", "ReadingEntry"})


def attach_readings(tx: Connection, message: Message, facts: Facts, *, unit: int) -> None:
    """Say of each reading that a record names which cycle it reports.

    A reading that is not kept here stays a hash.  Raises Conflict when one of them reports another
    cycle already.
    """
    cycle = word(message, "cycle" if "cycle" in message else "about")
    index = 0
    while f"readings.{index}.sha256" in facts:
        sha256 = bytes.fromhex(str(facts[f"readings.{index}.sha256"]))
        content = bytes.fromhex(str(facts[f"readings.{index}.content_sha256"]))
        for part in readings.list_reading_cycles(tx, sha256, unit=unit):
            if part.content_sha256 == content:
                readings.attach_cycle(tx, sha256, part.ordinal, cycle, unit=unit)
        index += 1

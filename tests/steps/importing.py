"""Imports for tests: a centre's files, and what became of their cycles."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.standing import Accepted
from ledger.steps.reading.imports import (
    Import,
    ImportOptions,
    ImportReport,
    import_file,
    keep_file,
    record_files,
)
from ledger.storage import operations, records
from tests.house import CENTRE, DAC_LOG, Changes, House

LOG = DAC_LOG.read_bytes()


def imported(
    house: House, data: bytes = LOG, *, filename: str = "DAC.Log", **options: Changes
) -> ImportReport:
    """Import a file as the centre."""
    return import_file(
        house.instance,
        house.caller,
        data,
        filename=filename,
        unit=CENTRE,
        options=ImportOptions(**options),
    )


def imported_together(house: House, *files: bytes, **options: Changes) -> list[ImportReport]:
    """Import files in one call, as the centre."""
    said = ImportOptions(**options)
    kept = [
        keep_file(
            house.instance,
            house.caller,
            data,
            filename=f"{at}.log",
            unit=CENTRE,
            options=said,
        )
        for at, data in enumerate(files)
    ]
    return record_files(house.instance, house.caller, kept, unit=CENTRE, options=said)


def became(report: ImportReport) -> dict[int | None, Import]:
    """What became of each cycle, by number."""
    return {each.reading.number: each.what for each in report.cycles}


def state_of(house: House, number: int) -> CycleState:
    """How the centre's cycle of that number stands."""
    with house.instance.database.reading() as tx:
        state = Accepted(tx).find(CycleState, house.cycle(number).id)
    assert state is not None
    return state


def facts_of(house: House, digest: bytes) -> Mapping[str, FieldValue]:
    """The facts of an operation's record."""
    with house.instance.database.reading() as tx:
        row = operations.get_operation(tx, digest)
        return fields_from_bytes(records.get_record(tx, row.record_id).facts)

"""What is kept of packages beside the records that say it, both ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any, TypeVar

from ledger.domain.acts.decisions import USABLE, DecisionState
from ledger.domain.custody.counting import counted
from ledger.domain.custody.fold import fold
from ledger.domain.custody.lines import PackageLine, is_package
from ledger.domain.encoding.identifiers import ZERO_DIGEST, CycleId, to_hex
from ledger.domain.errors import SteriLedgerError
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.states import CycleState
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.standing import Accepted, AcceptedRecords
from ledger.steps.accepting.telling import (
    TELLING,
    counts,
    ends,
    holdings_of,
    labels_of,
    lines_of,
    parties_in,
    row_of,
    sent_in,
)
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Stored
from ledger.storage import packages
from ledger.storage.operations import (
    OperationRow,
    PartyRow,
    known_parties,
    list_by_subjects,
    list_operations,
    list_parties,
)
from ledger.storage.pages import operations_of
from ledger.storage.records import list_by_ids

_PAGE = 200
#: by operation, and by line where only one is meant: the sequence that ended it
_Ended = dict[tuple[bytes, int | None], int]

R = TypeVar("R", packages.PackageRow, packages.CodeRow, packages.ReaderRow, PackageLine)


def check_packages(evidence: Stored) -> None:
    """Every row follows from records, and what follows from records is there."""
    ended: _Ended = {}
    for page in _operations(evidence):
        _check_lines(evidence, page, ended)
    _check_stored(evidence, ended)
    after, cycles = "", set[bytes]()
    while rows := packages.list_packages(evidence.ours, after=after, limit=_PAGE):
        _check_folds(evidence, rows)
        after = rows[-1].name
        cycles |= {row.cycle for row in rows if row.cycle is not None}
    for cycle in sorted(cycles):
        _check_counts(evidence, cycle)
    _check_parties(evidence)


def _check_parties(evidence: Stored) -> None:
    """Who has a part in a consignment is kept, and nobody else."""
    tx, findings, sequence = evidence.ours, evidence.findings, 0
    while rows := list_operations(tx, after=sequence, limit=_PAGE):
        sequence = rows[-1].sequence
        named = _named_parties(rows)
        for row in sorted(named - known_parties(tx, named)):
            findings.note(*_party(row), expected="a row", found=None)
    after: PartyRow | None = None
    while page := list_parties(tx, after=after, limit=_PAGE):
        after = page[-1]
        findings.checked["consignment_parties"] += len(page)
        named = _named_parties(list_by_subjects(tx, {row.consignment for row in page}))
        for row in page:
            if row not in named:
                findings.note(*_party(row), expected="an operation that names it", found="a row")


def _named_parties(rows: Sequence[OperationRow]) -> set[PartyRow]:
    found: set[PartyRow] = set()
    for row in rows:
        with suppress(SteriLedgerError, ValueError, KeyError):
            # an operation that cannot be read is told where operations are checked
            found |= parties_in(read_operation(row))
    return found


def _party(row: PartyRow) -> tuple[str, str, str]:
    return "consignment_parties", f"{row.unit} {to_hex(row.consignment)}", "row"


def _operations(evidence: Stored) -> Iterator[list[OperationRow]]:
    after = 0
    while page := list_operations(evidence.ours, after=after, limit=_PAGE):
        after = page[-1].sequence
        yield [row for row in page if row.kind in TELLING and counts(row)]


def _check_lines(evidence: Stored, page: Sequence[OperationRow], ended: _Ended) -> None:
    """The lines of some operations, but for what ended them."""
    stored = {each.id: each for each in list_by_ids(evidence.ours, [r.record_id for r in page])}
    expected: dict[tuple[str, int, int], PackageLine] = {}
    for row in page:
        try:
            facts, recorded = fields_from_bytes(stored[row.record_id].facts), read_operation(row)
            sent = sent_in(evidence.ours, recorded.act, recorded.message, before=row.sequence)
            lines = lines_of(recorded, facts, row.sequence, sent)
            expected |= {(line.package, *line.place): line for line in lines}
            for place in ends(recorded.act, facts):
                ended.setdefault(place, row.sequence)
        except (SteriLedgerError, ValueError, KeyError):
            continue  # the operation or its record cannot be read, which is told there
    found = {
        (line.package, *line.place): replace(line, ended=None)
        for line in packages.list_lines_by_digests(evidence.ours, [row.digest for row in page])
    }
    evidence.findings.checked["package_lines"] += len(found)
    _compare(evidence.findings, "package_lines", expected, found)
    named = {line.package for line in expected.values() if is_package(line.package)}
    there = {row.name for row in packages.list_packages_named(evidence.ours, named)}
    for name in sorted(named - there):
        evidence.findings.note("packages", name, "row", expected="a row", found=None)


def _check_stored(evidence: Stored, ended: _Ended) -> None:
    """No line stands without its operation, and each ended when something ended it."""
    after = (0, -1)
    while page := packages.list_lines_from(evidence.ours, after=after, limit=_PAGE):
        after = page[-1].place
        known = operations_of(evidence.ours, {line.digest for line in page})
        for line in page:
            row = known.get(line.digest)
            if row is None or not counts(row):
                evidence.findings.note(
                    "package_lines",
                    f"{line.package} {to_hex(line.digest)} {line.line}",
                    "row",
                    expected="an operation that says it",
                    found=None,
                )
            whens = (ended.get((line.digest, None)), ended.get((line.digest, line.line)))
            evidence.findings.compare(
                "package_lines",
                f"{line.package} {to_hex(line.digest)} {line.line}",
                "ended",
                expected=min((each for each in whens if each is not None), default=None),
                found=line.ended,
            )


def _check_counts(evidence: Stored, cycle: bytes) -> None:
    """What a load's lines say, and what decisions leave out, is what the shares say."""
    accepted, kept = Accepted(evidence.ours), AcceptedRecords(evidence.ours)
    try:
        state = accepted.find(CycleState, cycle)
        if state is None or ZERO_DIGEST in {state.load, state.decision}:
            return
        load = kept.facts_of(state.load)
        told = list(kept.facts_about(CycleId(cycle), "CycleDecision", "PackageDecision"))
    except (SteriLedgerError, ValueError, KeyError):
        return  # what cannot be read is told elsewhere
    # what was decided of packages since is taken in by the next decision
    while told and told[-1]["record.schema"] == "package-decision/1":
        told.pop()
    expected, actual = counted(load, told)
    is_recalled = state.state is DecisionState.RECALLED
    for key, count in expected.items() if is_recalled or state.state in USABLE else ():
        evidence.findings.compare(
            "shares",
            f"{to_hex(cycle)} {key}",
            "packages",
            expected=0 if is_recalled else count,
            found=actual[key],
        )


def _check_folds(evidence: Stored, rows: Sequence[packages.PackageRow]) -> None:
    names = [row.name for row in rows]
    lines = packages.list_lines_of(evidence.ours, names)
    folded = [fold(name, lines.get(name, ())) for name in names]
    findings, tx = evidence.findings, evidence.ours
    findings.checked["packages"] += len(rows)
    _compare(
        findings,
        "packages",
        {each.name: row_of(each) for each in folded if each.name in lines},
        {row.name: row for row in rows},
    )
    _compare(
        findings,
        "codes",
        {(label.code, label.package): label for each in folded for label in labels_of(each)},
        {(label.code, label.package): label for label in packages.list_codes_on(tx, names)},
    )
    _compare(
        findings,
        "package_readers",
        {(held.package, held.place): held for each in folded for held in holdings_of(each)},
        {(held.package, held.place): held for held in packages.list_holdings_on(tx, names)},
    )


def _compare(
    findings: Findings, table: str, expected: Mapping[Any, R], found: Mapping[Any, R]
) -> None:
    """Rows by what names them, both ways, column by column."""
    there = dict(found)
    for key, row in expected.items():
        stored = there.pop(key, None)
        if stored is None:
            findings.note(table, key, "row", expected="a row", found=None)
        elif stored != row:
            columns = asdict(stored)
            for name, right in asdict(row).items():
                findings.compare(table, key, name, expected=right, found=columns[name])
    for key in there:
        findings.note(table, key, "row", expected="a record that says it", found="a row")

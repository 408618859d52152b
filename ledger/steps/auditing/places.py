"""Stored operations → where each belongs and what it waited for, asked of acceptance once more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import SteriLedgerError
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.folding import Key, Memory, apply, brought_by
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.placing import needed_by, parent_of, replaced_by
from ledger.steps.accepting.reading_back import read_operation
from ledger.steps.accepting.standing import Accepted
from ledger.steps.auditing.beside import Beside
from ledger.steps.auditing.evidence import Evidence
from ledger.storage import index
from ledger.storage.operations import MessageRow, OperationRow, list_by_subjects, list_moving


class Then(Accepted):
    """The states as they were when an operation was accepted.

    What was given up since does not count, but for an operation that was given up itself: it may
    have followed from such.
    """

    def __init__(
        self,
        tx: Connection,
        row: OperationRow,
        rows: Mapping[bytes, Sequence[OperationRow]],
        signers: dict[Key, Any],
    ) -> None:
        """`rows` are those about a page's subjects; `signers` are shared by the page."""
        super().__init__(tx)
        self._row = row
        self._page = rows
        self._signers = signers

    def _load(self, subjects: set[bytes]) -> None:
        for subject in subjects - self._rows.keys():
            found = self._page.get(subject)
            self._rows[subject] = _before(
                self._row, list_by_subjects(self._tx, [subject]) if found is None else found
            )

    def _moved(self, cls: type[Any], key: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of any class
        """By what is ours; where another instance brought it, from how the chain has it."""
        rows = list_moving(self._tx, key[0])
        memory = Memory()
        indexed = index.find(self._tx, cls, *key)
        if indexed is not None and brought_by(indexed) not in {each.digest for each in rows}:
            memory.put(indexed)
        for each in _before(self._row, rows):
            apply(read_operation(each), memory)
        return memory.find(cls, *key)

    def _read(self, cls: type[Any], key: tuple[Any, ...]) -> Any:  # noqa: ANN401 - of any class
        if cls is not SignerState:
            return super()._read(cls, key)
        if (cls, key) not in self._signers:
            self._signers[cls, key] = super()._read(cls, key)
        return self._signers[cls, key]


def _before(row: OperationRow, rows: Iterable[OperationRow]) -> list[MessageRow]:
    earlier = [each for each in rows if each.sequence < row.sequence]
    standing = [each for each in earlier if each.state not in GIVEN_UP]
    counted = earlier if row.state in GIVEN_UP else standing
    return [MessageRow(each.subject, each.digest, each.kind, each.message) for each in counted]


def check_place(
    evidence: Evidence, row: OperationRow, act: Act, message: Message, beside: Beside
) -> None:
    """Subject, parent and what it replaces follow from what stood; so does what it waited for."""
    then = Then(evidence.ours, row, beside.about, beside.signers)
    findings = evidence.findings
    findings.compare(
        "operations", row.digest, "subject", expected=act.subject_of(message), found=row.subject
    )
    try:
        parent = parent_of(act, message, then)
        replaces = replaced_by(act, message, then)
        needed = needed_by(act, message, then)
    except Exception as error:  # noqa: BLE001 - the states are folded from what may be changed
        found = str(error) if isinstance(error, SteriLedgerError) else repr(error)
        findings.note("operations", row.digest, "sequence", expected="its place", found=found)
        return
    findings.compare("operations", row.digest, "parent", expected=parent, found=row.parent)
    findings.compare("operations", row.digest, "replaces", expected=replaces, found=row.replaces)
    waits = beside.waits.get(row.digest, {})
    for predecessor in waits:
        _check_predecessor(evidence, row, predecessor, beside)
    for missing in sorted(set(needed) - waits.keys()) if row.state not in GIVEN_UP else ():
        findings.note(
            "operation_dependencies", row.digest, "predecessor", expected=missing, found=None
        )
    for predecessor, is_needed in waits.items() if row.state not in GIVEN_UP else ():
        findings.compare(
            "operation_dependencies",
            (row.digest, predecessor),
            "needed",
            expected=predecessor in needed,
            found=is_needed,
        )


def _check_predecessor(
    evidence: Evidence, row: OperationRow, predecessor: Digest, beside: Beside
) -> None:
    """It is an operation of ours that was accepted earlier, or one that others recorded."""
    before = beside.sequences.get(predecessor)
    if before is not None:
        if before >= row.sequence:
            evidence.findings.note(
                "operations",
                row.digest,
                "sequence",
                expected=f"after {before}, which it waited for",
                found=row.sequence,
            )
        return
    if evidence.chain is not None and predecessor not in beside.recorded:
        evidence.findings.note(
            "operation_dependencies",
            (row.digest, predecessor),
            "predecessor",
            expected="an operation",
            found=predecessor,
        )

"""A page of operations → what belongs to them, in the database and on the chain, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.outbox.operation_states import GIVEN_UP, OperationState
from ledger.domain.subjects.indexed import IndexedOperation, IndexedSigner
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.auditing.readings import NAMING_READINGS
from ledger.storage import directory, index
from ledger.storage.operations import (
    MessageRow,
    OperationRow,
    SignatureRow,
    StateRow,
)
from ledger.storage.pages import (
    Heading,
    carriers_of,
    facts_of,
    headings_of,
    openings_of,
    predecessors_of,
    sequences_of,
    signatures_of,
    states_by_operation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What belongs to a page of operations, by operation unless another key is named."""

    ours: Connection
    #: by record
    records: dict[str, Heading]
    #: the facts of the records that may name readings, by record
    facts: dict[str, bytes]
    signatures: dict[Digest, list[SignatureRow]]
    states: dict[Digest, list[StateRow]]
    #: the hashes of the transactions that were signed for it
    carriers: dict[Digest, list[bytes]]
    #: what it waited for
    waits: dict[Digest, list[Digest]]
    #: the places in our own order of what was waited for; what is not ours has none
    sequences: dict[Digest, int]
    #: the opening of each cycle that is a subject, the standing one if there is one
    openings: dict[bytes, MessageRow]
    #: what the chain says of them, and of what is not ours that they waited for; else empty
    recorded: dict[Digest, IndexedOperation]
    _enrolments: dict[bytes, Digest] = field(default_factory=dict)
    _admissions: dict[object, Digest] = field(default_factory=dict)

    def enrolment(self, signer: bytes) -> Digest:
        """The operation that enrolled a key, by our directory or else by our index; or zero."""
        if signer not in self._enrolments:
            row = directory.find_signer(self.ours, signer)
            if row is not None:
                self._enrolments[signer] = row.digest
            else:
                indexed = index.find(self.ours, IndexedSigner, signer)
                self._enrolments[signer] = ZERO_DIGEST if indexed is None else indexed.enrolled_by
        return self._enrolments[signer]

    def admission(self, number: Value) -> Digest:
        """The operation that admitted a unit; zero for a number that is none."""
        if not isinstance(number, int):
            return ZERO_DIGEST
        if number not in self._admissions:
            row = directory.find_unit(self.ours, number)
            self._admissions[number] = ZERO_DIGEST if row is None else row.digest
        return self._admissions[number]


def load_beside(evidence: Evidence, page: Sequence[OperationRow]) -> Beside:
    """Read what belongs to these operations."""
    ours, digests = evidence.ours, [row.digest for row in page]
    waits = predecessors_of(ours, digests)
    before = {predecessor for each in waits.values() for predecessor in each}
    sequences = sequences_of(ours, before)
    return Beside(
        ours=ours,
        records=headings_of(ours, [row.record_id for row in page]),
        facts=facts_of(ours, [row.record_id for row in page if row.kind in NAMING_READINGS]),
        signatures=signatures_of(ours, digests),
        states=states_by_operation(ours, digests),
        carriers=carriers_of(ours, digests),
        waits=waits,
        sequences=sequences,
        openings=find_openings(ours, {row.subject for row in page}),
        recorded=(
            {}
            if evidence.chain is None
            else _recorded(evidence.chain, {*digests, *(before - sequences.keys())})
        ),
    )


def find_openings(tx: Connection, subjects: set[bytes]) -> dict[bytes, MessageRow]:
    """The opening of each of these cycles, the first of those that stand if one does."""
    found: dict[bytes, tuple[MessageRow, OperationState]] = {}
    for row, state in openings_of(tx, subjects):
        known = found.get(row.subject)
        if known is None or (known[1] in GIVEN_UP and state not in GIVEN_UP):
            found[row.subject] = row, state
    return {subject: row for subject, (row, _) in found.items()}


def _recorded(chain: Connection, digests: set[Digest]) -> dict[Digest, IndexedOperation]:
    rows = index.list_by_keys(chain, IndexedOperation, [(each,) for each in digests])
    return {row.digest: row for row in rows}

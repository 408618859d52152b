"""A page of operations → what belongs to them, in the database and on the chain, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import Digest
from ledger.domain.subjects.folding import Key
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.accepting.attaching import NAMING_READINGS
from ledger.steps.auditing.evidence import Evidence
from ledger.storage import index
from ledger.storage.operations import OperationRow, SignatureRow, StateRow, list_by_subjects
from ledger.storage.pages import (
    Heading,
    carriers_of,
    facts_of,
    headings_of,
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
    #: what it waited for, and whether it needed it
    waits: dict[Digest, dict[Digest, bool]]
    #: the places in our own order of what was waited for; what is not ours has none
    sequences: dict[Digest, int]
    #: all operations about what these are about, by subject, in sequence order
    about: dict[bytes, list[OperationRow]]
    #: the signers that were asked for
    signers: dict[Key, Any]
    #: what the chain says of them, and of what is not ours that they waited for; else empty
    recorded: dict[Digest, IndexedOperation]


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
        about=_about(ours, page),
        signers={},
        recorded=(
            {}
            if evidence.chain is None
            else _recorded(evidence.chain, {*digests, *(before - sequences.keys())})
        ),
    )


def _about(tx: Connection, page: Sequence[OperationRow]) -> dict[bytes, list[OperationRow]]:
    """Of cycles and machines: few operations are about each; a unit's and a signer's are asked."""
    subjects = {row.subject for row in page} | {row.parent for row in page if row.parent}
    found: dict[bytes, list[OperationRow]] = {subject: [] for subject in subjects}
    for row in list_by_subjects(tx, subjects):
        found[row.subject].append(row)
    return found


def _recorded(chain: Connection, digests: set[Digest]) -> dict[Digest, IndexedOperation]:
    rows = index.list_by_keys(chain, IndexedOperation, [(each,) for each in digests])
    return {row.digest: row for row in rows}

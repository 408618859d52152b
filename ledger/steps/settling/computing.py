"""Entries and terms → the group's account and its indicators; what is published is found again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts import terms
from ledger.domain.chain.deployment import Deployment
from ledger.domain.chain.finality import NOTHING
from ledger.domain.duties.terms import MAX_TERMS_BYTES
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.statement.account import Closing, account_bytes, account_of
from ledger.domain.statement.agreement import Agreement, parse_agreement
from ledger.domain.statement.books import Books
from ledger.domain.statement.indicators import Entered, indicators_of
from ledger.domain.statement.lines import Key
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period, parse_period
from ledger.domain.statement.work import Work
from ledger.domain.subjects.states import WitnessState
from ledger.steps.following.collecting import collecting_later
from ledger.steps.instance import Instance
from ledger.steps.settling.indicating import entered_in
from ledger.steps.settling.reading import entries_of_index, find_closing
from ledger.steps.starting.source import Source, final_height
from ledger.storage import index, operations, records


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """An account, and the books that it was made of."""

    account: Mapping[str, Any]
    indicators: Mapping[str, Any]
    books: Books
    closing: Closing

    @property
    def data(self) -> bytes:
        """Its canonical bytes."""
        return account_bytes(self.account)

    @property
    def hash(self) -> bytes:
        """What a publication names."""
        return sha256(self.data)


def read_terms(data: bytes, *, name: str) -> Agreement:
    """A terms document, in whatever form of JSON; raises InvalidInput naming the file."""
    if len(data) > MAX_TERMS_BYTES:
        raise InvalidInput(f"{name} is too long", field="terms", rule=f"{MAX_TERMS_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{name} is not JSON", field="terms", rule="RFC 8259") from None
    return parse_agreement(document, sha256=sha256(canonical(document)))


def kept_terms(tx: Connection) -> list[Agreement]:
    """Every version of the terms that the chain has and whose record is here."""
    kind = 0 if terms.ACT.witness is None else terms.ACT.witness.kind
    rows = [
        operations.find_operation(tx, state.digest)
        for state in index.list_rows(tx, WitnessState, kind=kind)
    ]
    kept = [records.get_record(tx, row.record_id) for row in rows if row is not None]
    return [
        read_terms(terms.document_of(fields_from_bytes(each.facts)), name="the terms' record")
        for each in kept
    ]


def compute(  # noqa: PLR0913 - all that an account follows from
    entries: Iterable[Entry],
    documents: Sequence[Agreement],
    period: Period,
    closing: Closing,
    *,
    deployment: Deployment,
    entered: Sequence[Entered] = (),
) -> Computed:
    """The account of a closed month; raises NotFound where a document is missing.

    `entered` is what records say beside it, of which the account itself knows nothing.
    """
    books = Books(documents)
    work = Work(books.offset, books.seconds_within, books.counts)
    with collecting_later():
        for entry in entries:
            books.read(entry)
            work.read(entry)
        month = books.close_until(period)
        account = account_of(books, period, closing, deployment=deployment.fingerprint())
        return Computed(
            account=account,
            indicators=indicators_of(month, books.terms_of(period), work.months, entered),
            books=books,
            closing=closing,
        )


def events_of(
    key: Key, period: Period, documents: Sequence[Agreement], entries: Iterable[Entry]
) -> list[Entry]:
    """The events that one line of a month sums up, in the chain's order."""
    books, digests = Books(documents), dict[bytes, None]()

    def watch(line: Key, digest: bytes) -> None:
        if line == key and books.period == period:
            digests[digest] = None

    books.lines.watch = watch
    seen: dict[bytes, Entry] = {}
    for entry in entries:
        seen[entry.digest] = entry
        books.read(entry)
    books.close_until(period)
    return [seen[digest] for digest in digests if digest in seen]


def events_here(instance: Instance, computed: Computed, line: int) -> list[Entry]:
    """The events of a line of an account, by its place in `lines`; by this home's index."""
    period = parse_period(computed.account["period"])
    key = computed.books.months[period].lines[line].key
    with instance.database.reading() as tx:
        entries = entries_of_index(tx, computed.closing.block)
        return events_of(key, period, kept_terms(tx), entries)


def compute_here(instance: Instance, source: Source, period: Period) -> Computed:
    """From this home's index, up to the block that closes the month.

    Raises Refused while the month is not closed, or not indexed that far.
    """
    final = final_height(source, instance.settings.finality)
    with instance.database.reading() as tx:
        documents = kept_terms(tx)
        cursor = index.find_cursor(tx)
        indexed = NOTHING if cursor is None else cursor.height
        closing = find_closing(source, period, offset_of(documents), min(final, indexed))
        return compute_in(instance, tx, period, closing, documents)


def compute_in(
    instance: Instance,
    tx: Connection,
    period: Period,
    closing: Closing,
    documents: Sequence[Agreement],
) -> Computed:
    """From this home's index and records, up to a block that is known to close the month."""
    return compute(
        entries_of_index(tx, closing.block),
        documents,
        period,
        closing,
        deployment=instance.deployment_in(tx),
        entered=entered_in(tx, period, offset_of(documents), closing.block),
    )


def offset_of(documents: Sequence[Agreement]) -> int:
    """The group's offset from UTC, seconds; raises InvalidInput without terms."""
    if not documents:
        raise InvalidInput(
            "there are no terms",
            field="terms",
            rule="an account is computed by every version of the terms that was published",
            remedy="publish them: steriledger terms publish; or name their files: --terms FILE",
        )
    return Books(documents).offset

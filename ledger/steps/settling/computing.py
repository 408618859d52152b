"""Entries and terms → the group's account and its indicators; what is published is found again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.chain.deploy import verify_deployment
from ledger.domain.chain.deployment import Deployment
from ledger.domain.chain.finality import NOTHING
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput
from ledger.domain.statement.account import Closing, account_bytes, account_of
from ledger.domain.statement.agreement import Agreement, parse_agreement
from ledger.domain.statement.books import Books
from ledger.domain.statement.indicators import indicators_of
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import Work
from ledger.steps.instance import Instance
from ledger.steps.settling.reading import entries_of_chain, entries_of_index, find_closing
from ledger.steps.starting.source import Source, final_height
from ledger.storage import index

MAX_TERMS_BYTES = 1024 * 1024
#: where a home keeps the documents of its terms, by their hash
TERMS_FOLDER = "terms"


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


def parse_terms(data: bytes, *, name: str) -> Agreement:
    """A terms document; raises InvalidInput naming the file."""
    if len(data) > MAX_TERMS_BYTES:
        raise InvalidInput(f"{name} is too long", field="terms", rule="a megabyte at most")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise InvalidInput(f"{name} is not JSON", field="terms", rule="RFC 8259") from None
    return parse_agreement(document, sha256=sha256(data))


def keep_terms(home: Path, data: bytes, *, name: str) -> bytes:
    """Keep a document of the terms under its hash, and return the hash; raises InvalidInput."""
    document = parse_terms(data, name=name).document
    folder = home / TERMS_FOLDER
    folder.mkdir(exist_ok=True)
    (folder / f"{document.hex()}.json").write_bytes(data)
    return document


def kept_terms(home: Path) -> list[Agreement]:
    """Every document of the terms that a home keeps."""
    files = sorted((home / TERMS_FOLDER).glob("*.json"))
    return [parse_terms(each.read_bytes(), name=each.name) for each in files]


def compute(
    entries: Iterable[Entry],
    documents: Sequence[Agreement],
    period: Period,
    closing: Closing,
    *,
    deployment: Deployment,
) -> Computed:
    """The account of a closed month; raises NotFound where a document is missing."""
    books = Books(documents)
    work = Work(books.offset, books.seconds_within)
    for entry in entries:
        books.read(entry)
        work.read(entry)
    month = books.close_until(period)
    account = account_of(books, period, closing, deployment=deployment.fingerprint())
    return Computed(
        account=account,
        indicators=indicators_of(month, books.terms_of(period), work.months),
        books=books,
        closing=closing,
    )


def compute_here(instance: Instance, source: Source, period: Period) -> Computed:
    """From this home's index, up to the block that closes the month.

    Raises Refused while the month is not closed, or not indexed that far.
    """
    documents = kept_terms(instance.settings.home)
    offset = offset_of(documents)
    final = final_height(source, instance.settings.finality)
    with instance.database.reading() as tx:
        cursor = index.find_cursor(tx)
        indexed = NOTHING if cursor is None else cursor.height
        closing = find_closing(source, period, offset, min(final, indexed))
        return compute(
            entries_of_index(tx, closing.block),
            documents,
            period,
            closing,
            deployment=instance.deployment_in(tx),
        )


def recompute(
    source: Source,
    deployment: Deployment,
    documents: Sequence[Agreement],
    period: Period,
    *,
    finality: str,
) -> Computed:
    """From a chain alone, without a database: the deployment is checked, and every event."""
    verify_deployment(source, deployment)
    closing = find_closing(source, period, offset_of(documents), final_height(source, finality))
    entries = entries_of_chain(source, deployment, closing.block)
    return compute(entries, documents, period, closing, deployment=deployment)


def offset_of(documents: Sequence[Agreement]) -> int:
    """The group's offset from UTC, seconds; raises InvalidInput without terms."""
    if not documents:
        raise InvalidInput(
            "no terms were given",
            field="terms",
            rule="an account is computed by every version of the terms that was published",
            remedy="name their files: --terms FILE, repeatable",
        )
    return Books(documents).offset

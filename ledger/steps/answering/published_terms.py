"""Records → the versions of the group's terms that the authority published."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.acts.terms import document_of
from ledger.domain.duties.terms import Terms, parse_terms, published, terms_at
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.steps.accepting.reading_back import read_facts
from ledger.storage import operations


def list_versions(tx: Connection) -> list[Terms]:
    """Every version that is accepted here, oldest first; known since then."""
    rows = operations.list_latest_operations(tx, kind="Terms", limit=None)
    return [
        published(
            parse_terms(document_of(read_facts(tx, row))),
            known=row.accepted_at,
            operation=to_hex(row.digest),
        )
        for row in reversed(rows)
        if row.state not in GIVEN_UP
    ]


def terms_now(tx: Connection, moment: datetime) -> Terms:
    """The version that holds at a moment; the defaults before the first."""
    return terms_at(list_versions(tx), moment)

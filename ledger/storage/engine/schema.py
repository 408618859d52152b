"""Every table of the database: importing this module fills `metadata`."""

from __future__ import annotations

from ledger.storage import (
    arrivals,
    directory,
    drafts,
    index_tables,
    journal,
    keys,
    leases,
    operations,
    readings,
    records,
    settings,
    tokens,
    transactions,
)
from ledger.storage.engine.columns import metadata

#: the modules that define tables
MODULES = (
    arrivals,
    directory,
    drafts,
    index_tables,
    journal,
    keys,
    leases,
    operations,
    readings,
    records,
    settings,
    tokens,
    transactions,
)

__all__ = ["MODULES", "metadata"]

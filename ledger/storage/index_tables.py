"""The tables of the index: what the chain says, droppable and rebuilt from its events alone.

Each class of state has a table that follows from its fields; a new field needs no migration, since
the index is made anew.  Times are Unix seconds as the chain has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, Table

from ledger.domain.subjects.folding import STATES
from ledger.domain.subjects.indexed import Cursor, IndexedHead, IndexedOperation, IndexedSignature
from ledger.domain.subjects.states import State
from ledger.storage.engine.columns import Bytes32, Uint64
from ledger.storage.engine.tables import table_of

idx_cursor = table_of(
    "idx_cursor",
    Cursor,
    CheckConstraint("id = 1", name="one_row"),
    key=("id",),
    types=dict.fromkeys(("hash", "parent"), Bytes32()),
)
idx_heads = table_of("idx_heads", IndexedHead, key=("contract",), types={"head": Bytes32()})
idx_operations = table_of(
    "idx_operations",
    IndexedOperation,
    Index(None, "subject", "height", "position"),
    Index(None, "also"),
    Index(None, "height", "position"),
    Index(None, "unit", "height"),
    Index(None, "record"),
    key=("digest",),
    types=dict.fromkeys(("subject", "also", "record", "block_hash", "tx_hash", "head"), Bytes32()),
)
idx_signatures = table_of("idx_signatures", IndexedSignature, key=("digest", "party"))


def _table(state: type[State]) -> Table:
    return table_of(
        state.TABLE,
        state,  # type: ignore[arg-type]
        *(Index(None, *names) for names in state.INDEXES),
        key=state.KEY,
        types=dict.fromkeys(state.SIGNED, BigInteger()),
        integer=Uint64,
    )


#: Which table holds which rows of the index.
TABLES: Mapping[type[Any], Table] = {
    Cursor: idx_cursor,
    IndexedHead: idx_heads,
    IndexedOperation: idx_operations,
    IndexedSignature: idx_signatures,
    **{state: _table(state) for state in STATES},
}

"""The tables of the index: what the chain says, droppable and rebuilt from its events alone.

Each class of state has a table that follows from its fields; a new field needs no migration, since
the index is made anew.  Times are Unix seconds as the chain has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum, IntFlag
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from ledger.domain.acts.words import Contract, Party
from ledger.domain.encoding.identifiers import (
    AssetId,
    ConsignmentId,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
)
from ledger.domain.subjects.folding import STATES
from ledger.domain.subjects.indexed import Cursor, IndexedHead, IndexedOperation, IndexedSignature
from ledger.domain.subjects.states import State, Word32
from ledger.storage.engine.columns import Bytes32, Code, Counts, Uint64, Word, metadata

idx_cursor = Table(
    "idx_cursor",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("height", BigInteger, nullable=False),
    Column("hash", Bytes32, nullable=False),
    Column("parent", Bytes32, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

idx_heads = Table(
    "idx_heads",
    metadata,
    Column("contract", Word(Contract), primary_key=True),
    Column("head", Bytes32, nullable=False),
)

idx_operations = Table(
    "idx_operations",
    metadata,
    Column("digest", Bytes32, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("subject", Bytes32, nullable=False),
    Column("also", Bytes32),
    Column("message", LargeBinary, nullable=False),
    Column("new_key", LargeBinary),
    Column("record", Bytes32, nullable=False),
    Column("height", BigInteger, nullable=False),
    Column("block_hash", Bytes32, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("tx_hash", Bytes32, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("head", Bytes32, nullable=False),
    Index(None, "subject", "height", "position"),
    Index(None, "also"),
    Index(None, "height", "position"),
    Index(None, "unit", "height"),
    Index(None, "record"),
)

idx_signatures = Table(
    "idx_signatures",
    metadata,
    Column("digest", Bytes32, primary_key=True),
    Column("party", Word(Party), primary_key=True),
    Column("signer", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

# ---------------------------------------------------------------- a table for each class of state

#: 32 bytes each
_WORDS = frozenset({AssetId, ConsignmentId, CycleId, Digest, EquipmentId, SignerId, Word32})
_PLAIN: Mapping[Any, TypeEngine[Any]] = {
    bool: Boolean(),
    int: Uint64(),
    str: Text(),
    bytes: LargeBinary(),
}


def _column(name: str, hint: Any, state: type[State]) -> Column[Any]:  # noqa: ANN401 - a type
    parts = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    (only,) = [part for part in parts if part is not NoneType]
    return Column(
        name,
        BigInteger() if name in state.SIGNED else _sql_type(only),
        nullable=len(parts) > 1,
        primary_key=name in state.KEY,
        autoincrement=False,
    )


def _sql_type(hint: Any) -> TypeEngine[Any]:  # noqa: ANN401 - a type
    if hint in _WORDS:
        return Bytes32()
    if get_origin(hint) is not None:
        return Counts()
    if isinstance(hint, type) and issubclass(hint, IntEnum | IntFlag):
        return Code(hint)
    return _PLAIN[hint]


def _table(state: type[State]) -> Table:
    hints = get_type_hints(state)
    return Table(
        state.TABLE,
        metadata,
        *(_column(each.name, hints[each.name], state) for each in fields(state)),  # type: ignore[arg-type]
        *(Index(None, *names) for names in state.INDEXES),
    )


#: Which table holds which rows of the index.
TABLES: Mapping[type[Any], Table] = {
    Cursor: idx_cursor,
    IndexedHead: idx_heads,
    IndexedOperation: idx_operations,
    IndexedSignature: idx_signatures,
    **{state: _table(state) for state in STATES},
}

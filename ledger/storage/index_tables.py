"""The tables of the index: what the chain says, droppable and rebuilt from its events alone.

Column names follow the contracts; times are Unix seconds as the chain has them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Table, Text

from ledger.domain.operations import (
    Contract,
    Custody,
    Duty,
    EquipmentKind,
    EquipmentState,
    Outcome,
    Party,
    UnitRole,
    Verdict,
)
from ledger.storage.engine.columns import Bytes32, Code, Uint64, Word, metadata

idx_cursor = Table(
    "idx_cursor",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("height", BigInteger, nullable=False),
    Column("hash", Bytes32, nullable=False),
    Column("parent", Bytes32, nullable=False),
    Column("registry_head", Bytes32, nullable=False),
    Column("ledger_head", Bytes32, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

idx_events = Table(
    "idx_events",
    metadata,
    Column("height", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("tx_hash", Bytes32, nullable=False),
    Column("tx_index", BigInteger, nullable=False),
    Column("contract", Word(Contract), nullable=False),
    Column("event", Text, nullable=False),
    Column("digest", Bytes32),
    Column("body", LargeBinary, nullable=False),
    Index(None, "digest"),
)

idx_operations = Table(
    "idx_operations",
    metadata,
    Column("digest", Bytes32, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("subject", Bytes32, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("record", Bytes32, nullable=False),
    Column("height", BigInteger, nullable=False),
    Column("block_hash", Bytes32, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("tx_hash", Bytes32, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("head", Bytes32, nullable=False),
    Index(None, "subject", "height", "position"),
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

idx_units = Table(
    "idx_units",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("roles", Code(UnitRole), nullable=False),
    Column("state", BigInteger, nullable=False),
    Column("digest", Bytes32, nullable=False),
)

idx_signers = Table(
    "idx_signers",
    metadata,
    Column("id", Bytes32, primary_key=True),
    Column("unit", BigInteger, nullable=False),
    Column("signer", LargeBinary, nullable=False),
    Column("duties", Code(Duty), nullable=False),
    Column("custody", Code(Custody), nullable=False),
    Column("valid_from", Uint64, nullable=False),
    Column("valid_until", Uint64, nullable=False),
    Column("state", BigInteger, nullable=False),
    Column("enrolled_by", Bytes32, nullable=False),
    Column("revoked_by", Bytes32),
    Index(None, "unit"),
)

idx_equipment = Table(
    "idx_equipment",
    metadata,
    Column("id", Bytes32, primary_key=True),
    Column("unit", BigInteger, nullable=False),
    Column("serial", Bytes32, nullable=False),
    Column("kind", Code(EquipmentKind), nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("state", Code(EquipmentState), nullable=False),
    Column("current", Bytes32, nullable=False),
    Column("last_number", Uint64),
    Index(None, "unit"),
)

idx_cycles = Table(
    "idx_cycles",
    metadata,
    Column("id", Bytes32, primary_key=True),
    Column("equipment", Bytes32, nullable=False),
    Column("unit", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("number", Uint64, nullable=False),
    Column("opening", Bytes32, nullable=False),
    Column("ending", Bytes32),
    Column("load", Bytes32),
    Column("decision", Bytes32),
    Column("outcome", Code(Outcome)),
    Column("verdict", Code(Verdict)),
    Column("state", BigInteger, nullable=False),
    Column("started_at", Uint64, nullable=False),
    Column("ended_at", Uint64),
    Index(None, "equipment", "epoch", "number"),
    Index(None, "unit", "id"),
)

idx_totals = Table(
    "idx_totals",
    metadata,
    Column("cycle", Bytes32, primary_key=True),
    Column("package_class", BigInteger, primary_key=True, autoincrement=False),
    Column("declared", BigInteger, nullable=False),
    Column("released", BigInteger, nullable=False),
)

idx_shares = Table(
    "idx_shares",
    metadata,
    Column("digest", Bytes32, primary_key=True),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("cycle", Bytes32, nullable=False),
    Column("owner", BigInteger, nullable=False),
    Column("payer", BigInteger, nullable=False),
    Column("package_class", BigInteger, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Index(None, "cycle"),
    Index(None, "owner"),
    Index(None, "payer"),
)

idx_gaps = Table(
    "idx_gaps",
    metadata,
    Column("equipment", Bytes32, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("first", Uint64, primary_key=True, autoincrement=False),
    Column("last", Uint64, nullable=False),
    Column("digest", Bytes32, nullable=False),
)

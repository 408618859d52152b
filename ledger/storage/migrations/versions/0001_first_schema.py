"""The first schema.

Revision 0001; nothing comes before it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.domain.errors import Refused

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQLite numbers only a column typed INTEGER.
_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STANDING = sa.text("state NOT IN ('refused', 'expired')")


def upgrade() -> None:
    """Create every table."""
    _create_accepted()
    _create_index()


def downgrade() -> None:
    """Refuse: there is nothing before the first schema but an empty database."""
    raise Refused("there is no way back", remedy="restore a backup")


def _create_accepted() -> None:
    op.create_table(
        "cycles",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("equipment", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cycles")),
        sa.UniqueConstraint(
            "equipment", "epoch", "number", name=op.f("uq_cycles_equipment_epoch_number")
        ),
    )
    op.create_index(op.f("ix_cycles_unit_id"), "cycles", ["unit", "id"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_expires_at"), "drafts", ["expires_at"], unique=False)
    op.create_table(
        "equipment",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("unit", "serial", name=op.f("uq_equipment_unit_serial")),
    )
    op.create_table(
        "journal_blocks",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("transactions", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("height", name=op.f("pk_journal_blocks")),
    )
    op.create_table(
        "keys",
        sa.Column("signer_id", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signer_id", name=op.f("pk_keys")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "readings",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_readings")),
    )
    op.create_index(
        op.f("ix_readings_unit_uploaded_at"), "readings", ["unit", "uploaded_at"], unique=False
    )
    op.create_table(
        "records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("personal", sa.LargeBinary(), nullable=True),
        sa.Column("facts_root", sa.LargeBinary(), nullable=False),
        sa.Column("personal_root", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("personal_erased_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("root", name=op.f("uq_records_root")),
    )
    op.create_index(op.f("ix_records_unit_id"), "records", ["unit", "id"], unique=False)
    op.create_table(
        "settings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_settings")),
    )
    op.create_table(
        "signers",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("duties", sa.BigInteger(), nullable=False),
        sa.Column("custody", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signers")),
    )
    op.create_index(op.f("ix_signers_unit_id"), "signers", ["unit", "id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_tokens_token_hash")),
    )
    op.create_table(
        "transactions",
        sa.Column("id", _SEQUENCE, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint(
            "chain_id",
            "account",
            "nonce",
            "attempt",
            name=op.f("uq_transactions_chain_id_account_nonce_attempt"),
        ),
        sa.UniqueConstraint("hash", name=op.f("uq_transactions_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_transactions_state_id"), "transactions", ["state", "id"], unique=False)
    op.create_table(
        "units",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_units")),
        sa.UniqueConstraint("code", name=op.f("uq_units_code")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["tokens.id"], name=op.f("fk_idempotency_token_id")),
        sa.PrimaryKeyConstraint("key", "token_id", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "operations",
        sa.Column("sequence", _SEQUENCE, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("parent", sa.LargeBinary(), nullable=True),
        sa.Column("replaces", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_operations_record_id")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_operations")),
        sa.UniqueConstraint("digest", name=op.f("uq_operations_digest")),
        sa.UniqueConstraint("record_id", name=op.f("uq_operations_record_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_operations_parent_kind_sequence"),
        "operations",
        ["parent", "kind", "sequence"],
        unique=False,
    )
    op.create_index(
        op.f("ix_operations_state_sequence"), "operations", ["state", "sequence"], unique=False
    )
    op.create_index(
        op.f("ix_operations_subject_sequence"), "operations", ["subject", "sequence"], unique=False
    )
    op.create_index(
        op.f("ix_operations_unit_sequence"), "operations", ["unit", "sequence"], unique=False
    )
    op.create_index(
        "uq_operations_standing",
        "operations",
        ["kind", "subject", "replaces"],
        unique=True,
        sqlite_where=_STANDING,
        postgresql_where=_STANDING,
    )
    op.create_table(
        "reading_cycles",
        sa.Column("reading", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("cycle", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reading"], ["readings.sha256"], name=op.f("fk_reading_cycles_reading")
        ),
        sa.PrimaryKeyConstraint("reading", "ordinal", name=op.f("pk_reading_cycles")),
    )
    op.create_index(
        op.f("ix_reading_cycles_content_sha256"), "reading_cycles", ["content_sha256"], unique=False
    )
    op.create_index(op.f("ix_reading_cycles_cycle"), "reading_cycles", ["cycle"], unique=False)
    op.create_table(
        "record_secrets",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("facts_secret", sa.LargeBinary(), nullable=False),
        sa.Column("personal_secret", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["record_id"], ["records.id"], name=op.f("fk_record_secrets_record_id")
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_record_secrets")),
    )
    op.create_table(
        "operation_dependencies",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("predecessor", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["operations.digest"], name=op.f("fk_operation_dependencies_digest")
        ),
        sa.PrimaryKeyConstraint("digest", "predecessor", name=op.f("pk_operation_dependencies")),
    )
    op.create_index(
        op.f("ix_operation_dependencies_predecessor"),
        "operation_dependencies",
        ["predecessor"],
        unique=False,
    )
    op.create_table(
        "operation_signatures",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["operations.digest"], name=op.f("fk_operation_signatures_digest")
        ),
        sa.PrimaryKeyConstraint("digest", "party", name=op.f("pk_operation_signatures")),
    )
    op.create_table(
        "operation_states",
        sa.Column("id", _SEQUENCE, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("transaction_hash", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["digest"], ["operations.digest"], name=op.f("fk_operation_states_digest")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_states")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_operation_states_digest_id"), "operation_states", ["digest", "id"], unique=False
    )
    op.create_table(
        "receipts",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["operations.digest"], name=op.f("fk_receipts_digest")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_receipts")),
    )
    op.create_table(
        "transaction_operations",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["digest"], ["operations.digest"], name=op.f("fk_transaction_operations_digest")
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["transactions.id"],
            name=op.f("fk_transaction_operations_transaction_id"),
        ),
        sa.PrimaryKeyConstraint(
            "transaction_id", "position", name=op.f("pk_transaction_operations")
        ),
    )
    op.create_index(
        op.f("ix_transaction_operations_digest"), "transaction_operations", ["digest"], unique=False
    )


def _create_index() -> None:
    op.create_table(
        "idx_cursor",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("parent", sa.LargeBinary(), nullable=False),
        sa.Column("registry_head", sa.LargeBinary(), nullable=False),
        sa.Column("ledger_head", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_idx_cursor_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idx_cursor")),
    )
    op.create_table(
        "idx_cycles",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("equipment", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("opening", sa.LargeBinary(), nullable=False),
        sa.Column("ending", sa.LargeBinary(), nullable=True),
        sa.Column("load", sa.LargeBinary(), nullable=True),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("outcome", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idx_cycles")),
    )
    op.create_index(
        op.f("ix_idx_cycles_equipment_epoch_number"),
        "idx_cycles",
        ["equipment", "epoch", "number"],
        unique=False,
    )
    op.create_index(op.f("ix_idx_cycles_unit_id"), "idx_cycles", ["unit", "id"], unique=False)
    op.create_table(
        "idx_equipment",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.LargeBinary(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idx_equipment")),
    )
    op.create_index(op.f("ix_idx_equipment_unit"), "idx_equipment", ["unit"], unique=False)
    op.create_table(
        "idx_events",
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("tx_index", sa.BigInteger(), nullable=False),
        sa.Column("contract", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("height", "log_index", name=op.f("pk_idx_events")),
    )
    op.create_index(op.f("ix_idx_events_digest"), "idx_events", ["digest"], unique=False)
    op.create_table(
        "idx_gaps",
        sa.Column("equipment", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("equipment", "epoch", "first", name=op.f("pk_idx_gaps")),
    )
    op.create_table(
        "idx_operations",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.LargeBinary(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_idx_operations")),
    )
    op.create_index(
        op.f("ix_idx_operations_height_position"),
        "idx_operations",
        ["height", "position"],
        unique=False,
    )
    op.create_index(op.f("ix_idx_operations_record"), "idx_operations", ["record"], unique=False)
    op.create_index(
        op.f("ix_idx_operations_subject_height_position"),
        "idx_operations",
        ["subject", "height", "position"],
        unique=False,
    )
    op.create_index(
        op.f("ix_idx_operations_unit_height"), "idx_operations", ["unit", "height"], unique=False
    )
    op.create_table(
        "idx_shares",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cycle", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.BigInteger(), nullable=False),
        sa.Column("package_class", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "line", name=op.f("pk_idx_shares")),
    )
    op.create_index(op.f("ix_idx_shares_cycle"), "idx_shares", ["cycle"], unique=False)
    op.create_index(op.f("ix_idx_shares_owner"), "idx_shares", ["owner"], unique=False)
    op.create_index(op.f("ix_idx_shares_payer"), "idx_shares", ["payer"], unique=False)
    op.create_table(
        "idx_signatures",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "party", name=op.f("pk_idx_signatures")),
    )
    op.create_table(
        "idx_signers",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("duties", sa.BigInteger(), nullable=False),
        sa.Column("custody", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("enrolled_by", sa.LargeBinary(), nullable=False),
        sa.Column("revoked_by", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idx_signers")),
    )
    op.create_index(op.f("ix_idx_signers_unit"), "idx_signers", ["unit"], unique=False)
    op.create_table(
        "idx_totals",
        sa.Column("cycle", sa.LargeBinary(), nullable=False),
        sa.Column("package_class", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("declared", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("cycle", "package_class", name=op.f("pk_idx_totals")),
    )
    op.create_table(
        "idx_units",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("roles", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_idx_units")),
    )

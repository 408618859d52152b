"""Readings by unit and hash: two units may keep the same bytes, and neither learns of the other.

Revision 0003; after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.domain.errors import Refused

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Move every reading, and its cycles with the unit that kept it, into the new tables."""
    op.execute("CREATE TABLE moved_readings AS SELECT * FROM readings")
    op.execute("CREATE TABLE moved_cycles AS SELECT * FROM reading_cycles")
    op.drop_table("reading_cycles")
    op.drop_table("readings")
    _create_tables()
    op.execute(
        "INSERT INTO readings (unit, sha256, raw, filename, format, source, uploaded_at)"
        " SELECT unit, sha256, raw, filename, format, source, uploaded_at FROM moved_readings"
    )
    op.execute(
        "INSERT INTO reading_cycles"
        " (unit, reading, ordinal, content_sha256, serial, number, cycle, facts)"
        " SELECT moved_readings.unit, reading, ordinal, content_sha256, serial, number, cycle,"
        " facts FROM moved_cycles JOIN moved_readings ON moved_readings.sha256 = reading"
    )
    op.drop_table("moved_cycles")
    op.drop_table("moved_readings")


def _create_tables() -> None:
    op.create_table(
        "readings",
        sa.Column("unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit", "sha256", name=op.f("pk_readings")),
    )
    op.create_index(op.f("ix_readings_sha256_unit"), "readings", ["sha256", "unit"], unique=False)
    op.create_index(
        op.f("ix_readings_unit_uploaded_at"), "readings", ["unit", "uploaded_at"], unique=False
    )
    op.create_table(
        "reading_cycles",
        sa.Column("unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reading", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("cycle", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit", "reading"],
            ["readings.unit", "readings.sha256"],
            name=op.f("fk_reading_cycles_unit_reading"),
        ),
        sa.PrimaryKeyConstraint("unit", "reading", "ordinal", name=op.f("pk_reading_cycles")),
    )
    op.create_index(
        op.f("ix_reading_cycles_content_sha256"), "reading_cycles", ["content_sha256"], unique=False
    )
    op.create_index(op.f("ix_reading_cycles_cycle"), "reading_cycles", ["cycle"], unique=False)


def downgrade() -> None:
    """Refuse: an older program may not know what this one wrote."""
    raise Refused("there is no way back", remedy="restore a backup")

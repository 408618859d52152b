"""Arrivals: the home signs of every reading that it came in, so that a lost one is missed.

Revision 0004; after 0003.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.domain.errors import Refused

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; who opens the home next signs for the readings that are there already."""
    op.create_table(
        "arrivals",
        sa.Column("reading", sa.LargeBinary(), nullable=False),
        sa.Column("unit", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("reading", "unit", name=op.f("pk_arrivals")),
    )
    op.get_bind().execute(
        sa.text(
            "INSERT INTO settings (name, value) SELECT 'arrivals_to_sign', :yes"
            " WHERE EXISTS (SELECT 1 FROM readings)"
        ),
        {"yes": b"yes"},
    )


def downgrade() -> None:
    """Refuse: an older program may not know what this one wrote."""
    raise Refused("there is no way back", remedy="restore a backup")

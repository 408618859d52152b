"""Drafts by token: so many of one token, and of one unit, wait for signatures at once.

Revision 0005; after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.domain.errors import Refused

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what is prepared then counts for nobody, and is gone in a quarter hour."""
    op.add_column("drafts", sa.Column("token_id", sa.Text(), nullable=True))
    op.create_index(op.f("ix_drafts_token_id"), "drafts", ["token_id"])
    op.create_index(op.f("ix_drafts_unit"), "drafts", ["unit"])


def downgrade() -> None:
    """Refuse: an older program may not know what this one wrote."""
    raise Refused("there is no way back", remedy="restore a backup")

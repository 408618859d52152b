"""Operations by kind: the worker looks for final erasures among all operations, and finds few.

Revision 0002; after 0001.
"""

from __future__ import annotations

from alembic import op

from ledger.domain.errors import Refused

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        op.f("ix_operations_kind_sequence"), "operations", ["kind", "sequence"], unique=False
    )


def downgrade() -> None:
    """Refuse: an older program may not know what this one wrote."""
    raise Refused("there is no way back", remedy="restore a backup")

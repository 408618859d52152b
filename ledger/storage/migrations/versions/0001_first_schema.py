"""The first schema: every table but those of the index, which are made from the states.

Revision 0001; nothing comes before it.  Until the first release it is what the tables' own
definitions say; from then on it is written out, and what changes is a revision of its own.
"""

from __future__ import annotations

from alembic import op

from ledger.domain.errors import Refused
from ledger.storage.engine.schema import kept_tables, metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table that is kept."""
    metadata.create_all(op.get_bind(), tables=kept_tables())


def downgrade() -> None:
    """Refuse: there is nothing before the first schema but an empty database."""
    raise Refused("there is no way back", remedy="restore a backup")

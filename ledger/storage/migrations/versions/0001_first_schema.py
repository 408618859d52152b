"""The first schema: every table but those of the index, which are made from the states.

Revision 0001; nothing comes before it.  Until the first release it is what the tables' own
definitions say; from then on it is written out, and what changes is a revision of its own.
"""

from __future__ import annotations

from alembic import op

from ledger.domain.errors import Refused
from ledger.storage.engine.revision import KEPT_SETTING
from ledger.storage.engine.schema import kept_fingerprint, kept_tables, metadata
from ledger.storage.settings import put_setting

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table that is kept, and note from which definitions."""
    metadata.create_all(op.get_bind(), tables=kept_tables())
    put_setting(op.get_bind(), KEPT_SETTING, kept_fingerprint())


def downgrade() -> None:
    """Refuse: there is nothing before the first schema but an empty database."""
    raise Refused("there is no way back", remedy="restore a backup")

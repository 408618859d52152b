"""Which office answers for a unit by telephone: the instance's own note, in no record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.storage.engine.rows import Rows
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRow:
    """Whom to call at a unit."""

    unit: int
    #: an office and no person
    office: str
    telephone: str
    changed_at: datetime
    changed_by: str

    @property
    def text(self) -> str:
        """`ward office, +86 21 5555 0100`."""
        return f"{self.office}, {self.telephone}"


unit_contacts = table_of("unit_contacts", ContactRow, key=("unit",))


_contacts = Rows(unit_contacts, ContactRow, "contact of unit")


def put_contact(tx: Connection, contact: ContactRow) -> None:
    """Say whom to call, in the place of what was said before."""
    remove_contact(tx, contact.unit)
    _contacts.insert(tx, [contact])


def remove_contact(tx: Connection, unit: int) -> None:
    """Forget whom to call."""
    tx.execute(unit_contacts.delete().where(unit_contacts.c.unit == unit))


def list_contacts(tx: Connection) -> dict[int, ContactRow]:
    """Whom to call, by unit; units of which nobody said it are left out."""
    return {row.unit: row for row in _contacts.list(tx, order=[unit_contacts.c.unit])}

"""What a home knows about itself: its deployment and identity, by name."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.storage.engine.rows import Rows, upsert, values_of
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One named value."""

    name: str
    value: bytes


settings = table_of("settings", SettingRow, key=("name",))


_settings = Rows(settings, SettingRow, "setting")


def insert_setting(tx: Connection, name: str, value: bytes) -> None:
    """Set what is set once, such as the deployment; raises Conflict when it is set."""
    _settings.insert(tx, [SettingRow(name=name, value=value)])


def put_setting(tx: Connection, name: str, value: bytes) -> None:
    """Set a value, whether or not it was set before."""
    row = SettingRow(name=name, value=value)
    tx.execute(
        upsert(tx.dialect.name, settings)
        .values(values_of(row))
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def remove_setting(tx: Connection, name: str) -> bool:
    """Forget a value; whether there was one.  Nobody else sets it until the transaction ends."""
    removed = tx.execute(settings.delete().where(settings.c.name == name))
    return removed.rowcount > 0


def find_setting(tx: Connection, name: str) -> bytes | None:
    """The value, or None."""
    row = _settings.find_by(tx, name=name)
    return None if row is None else row.value

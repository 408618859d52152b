"""The fixtures that tests of storage, steps and the API share."""

from __future__ import annotations

from tests.databases import (
    database,
    database_address,
    empty_database,
    postgres,
    postgresql_address,
    postgresql_database,
    sqlite_address,
    sqlite_database,
    sqlite_template,
)

__all__ = [
    "database",
    "database_address",
    "empty_database",
    "postgres",
    "postgresql_address",
    "postgresql_database",
    "sqlite_address",
    "sqlite_database",
    "sqlite_template",
]

"""An application that inserts rows and does nothing else, on the framework and server of ours.

python -m scripts.benchmarks.bare_app DATABASE ROWS READY
"""

from __future__ import annotations

import json
import secrets
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

_ID_BYTES = 16
_WORD_BYTES = 32

Statement: TypeAlias = tuple[str, Mapping[str, Any]]
Insert: TypeAlias = Callable[[Sequence[Statement]], None]


class Body(BaseModel):
    """What a client says."""

    performer: str
    checker: str


def create_app(operations: Sequence[Sequence[Statement]], insert: Insert) -> FastAPI:
    """POST /insert/N inserts the rows of the cycle's N-th operation under new keys."""
    app = FastAPI()

    @app.post("/insert/{place}", status_code=201)
    def endpoint(place: int, body: Body) -> dict[str, str]:
        renamed: dict[Any, Any] = {}
        insert(
            [
                (text, {name: _fresh(value, renamed) for name, value in values.items()})
                for text, values in operations[place]
            ]
        )
        return {"by": body.performer}

    return app


def _fresh(value: Any, renamed: dict[Any, Any]) -> Any:  # noqa: ANN401 - a column's value
    """New words for old ones, the same for the same within one operation; others as they are."""
    if isinstance(value, bytes) and len(value) == _WORD_BYTES and any(value):
        return renamed.setdefault(value, secrets.token_bytes(_WORD_BYTES))
    if isinstance(value, str) and len(value) == 2 * _ID_BYTES:
        return renamed.setdefault(value, secrets.token_hex(_ID_BYTES))
    return value


def insert_into_sqlite(path: str) -> Insert:
    """One connection that the threads queue for, set as ledger/storage/engine/database.py does.

    With a connection for each, who waits sleeps and tries again: a few threads then go through at
    once, the others wait for seconds, and the median is that of the few.
    """
    turn = threading.Lock()
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}").close()

    def insert(statements: Sequence[Statement]) -> None:
        with turn:
            connection.execute("BEGIN IMMEDIATE")
            for text, values in statements:
                connection.execute(text, values)
            connection.execute("COMMIT")

    return insert


def insert_into_postgresql(address: str) -> Insert:
    """One connection for each thread."""
    local = threading.local()

    def insert(statements: Sequence[Statement]) -> None:
        if not hasattr(local, "connection"):
            local.connection = psycopg.connect(address)
        connection: psycopg.Connection[Any] = local.connection
        for text, values in statements:
            connection.execute(text.encode(), values)
        connection.commit()

    return insert


def _statements(rows: Sequence[Sequence[Any]], mark: str) -> list[list[Statement]]:
    return [[_statement(table, values, mark) for table, values in each] for each in rows]


def _statement(table: str, values: Mapping[str, Any], mark: str) -> Statement:
    names = ", ".join(values)
    places = ", ".join(mark.format(name) for name in values)
    bound = {
        name: bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    # The names are those of our own tables.
    return f"INSERT INTO {table} ({names}) VALUES ({places})", bound  # noqa: S608


def main(database: str, rows: str, ready: str) -> None:
    """Serve until SIGTERM; say the address once it listens."""
    is_sqlite = database.startswith("sqlite:///")
    operations = _statements(
        json.loads(Path(rows).read_text("utf-8")), ":{}" if is_sqlite else "%({})s"
    )
    insert = (
        insert_into_sqlite(database.removeprefix("sqlite:///"))
        if is_sqlite
        else insert_into_postgresql(database)
    )
    # Without its protocol named, asyncio leaves Nagle's algorithm on: 40 ms for each answer.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        port = listener.getsockname()[1]
        Path(ready).write_text(json.dumps({"url": f"http://127.0.0.1:{port}"}), "utf-8")
        config = uvicorn.Config(
            create_app(operations, insert),
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])

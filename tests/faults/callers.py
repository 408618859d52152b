"""People who ask the API over HTTP, and ask again, under the same key, until they are answered."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2 as httpx
from sqlalchemy import select

from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.steps.asking.tokens import create_token
from ledger.steps.instance import Instance
from ledger.storage.tokens import idempotency
from tests.faults.children import API_FILE, PATIENCE_SECONDS, Home
from tests.steps.hospital import Hospital

_ACTING = (
    Scope.OPEN,
    Scope.LOAD,
    Scope.END,
    Scope.RESULT,
    Scope.DECIDE,
    Scope.READ_UNIT,
)
#: between two attempts; a killed API takes a moment to come back
_PAUSE_SECONDS = 0.05


def make_token(hospital: Hospital, unit: int) -> str:
    """A token of the unit's operator, whose key the server holds."""
    with hospital.instance.database.transaction() as tx:
        _, text = create_token(
            hospital.instance,
            tx,
            person="Nurse A",
            unit=unit,
            scopes=_ACTING,
            lifetime=timedelta(days=1),
            signer=signer_id(hospital.operators[unit]),
        )
    return text


def api_address(home: Home) -> str:
    """Where the API answers, or answered last; empty when it never did."""
    try:
        text = (home.folder / "run" / API_FILE).read_text("utf-8")
    except FileNotFoundError:
        return ""
    return str(json.loads(text)["url"])


@dataclass(slots=True, kw_only=True)
class Person:
    """One client; safe to use from several threads."""

    home: Home
    token: str
    client: httpx.Client
    #: set to make every call give up
    stop: threading.Event = field(default_factory=threading.Event)

    def try_post(self, path: str, body: object, key: str) -> httpx.Response:
        """Ask once, bytes as a printout; raises the client's own error when no answer comes."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key}
        address = api_address(self.home) + path
        if isinstance(body, bytes):
            headers["Content-Type"] = "text/plain"
            return self.client.post(address, content=body, headers=headers)
        return self.client.post(address, json=body, headers=headers)

    def post(self, path: str, body: object, key: str) -> httpx.Response:
        """Ask until there is an answer that does not say "not now"."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and not self.stop.is_set():
            try:
                answer = self.try_post(path, body, key)
            except (httpx.HTTPError, httpx.InvalidURL):
                time.sleep(_PAUSE_SECONDS)
                continue
            if answer.status_code != 503:
                return answer
            time.sleep(_PAUSE_SECONDS)
        raise TimeoutError(path)

    def record(self, act: str, key: str, /, **body: object) -> Any:
        """An act that must be accepted; the same again gets the same bytes."""
        path = f"/v1/operations/{act}"
        answer = self.post(path, body, key)
        assert answer.status_code == 201, answer.text
        assert self.post(path, body, key).content == answer.content
        return answer.json()

    def run_cycle(self, serial: str, number: int, tell: Callable[[str], None]) -> None:
        """Opened, loaded, ended and released; `tell` hears the digest of each."""
        cycle = f"{serial}/{number}"
        name = f"{serial}-{number}"

        def record(act: str, **body: object) -> str:
            digest = str(self.record(act, f"{name}-{act}", **body)["digest"])
            tell(digest)
            return digest

        record("cycle-opening", equipment=serial, number=number)
        lines = [{"owner": 1, "package_class": 1, "quantity": 10}]
        load = record("load-declaration", cycle=cycle, replaces=None, lines=lines)
        ending = record("cycle-ending", cycle=cycle, replaces=None, outcome="completed")
        record(
            "cycle-decision",
            cycle=cycle,
            decision="release",
            ending=ending,
            load=load,
            replaces=None,
            shares=[{"owner": 1, "package_class": 1, "delta": 10}],
            results=dict.fromkeys(("physical", "chemical_external", "chemical_internal"), "pass"),
        )


def kept_answers(instance: Instance) -> list[tuple[str, int | None, bytes | None]]:
    """Keys with the answers that are kept for them."""
    c = idempotency.c
    with instance.database.reading() as tx:
        rows = tx.execute(select(c.key, c.status, c.response).order_by(c.key)).all()
    return [(row.key, row.status, row.response) for row in rows]

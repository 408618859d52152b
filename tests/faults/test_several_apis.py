"""Several API processes and a second worker on one PostgreSQL, behind a plain reverse proxy."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path

import httpx2 as httpx
import pytest
import urllib3

from ledger.domain.callers import Scope, local_administrator
from ledger.domain.encoding.identifiers import Digest
from ledger.steps.asking.accounts import create_account
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.steps.starting.leasing import SHARED_LEASE_SECONDS, try_lease
from tests.api.test_shared_counting import wait_for_a_young_minute
from tests.faults.callers import Person, api_address, make_token
from tests.faults.children import API_FILE, Home, housing, wait_until
from tests.faults.conftest import accept_a_dozen
from tests.faults.proofs import accepted, opened, require_whole, waiting
from tests.faults.test_two_workers import holds, lease
from tests.steps.hospital import opened_hospital

#: what a plain proxy passes on
_HEADERS = ("authorization", "idempotency-key", "content-type", "cookie")
#: and what it passes back
_ANSWERED = ("content-type", "location", "set-cookie")


@contextmanager
def proxied(upstreams: Sequence[str]) -> Iterator[str]:
    """A reverse proxy: each request to the next process, and to the one after when it is gone."""
    pool, turns = urllib3.PoolManager(), count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._pass_on("POST", self.rfile.read(int(self.headers["content-length"])))

        def do_GET(self) -> None:
            self._pass_on("GET", None)

        def _pass_on(self, method: str, body: bytes | None) -> None:
            headers = {name: self.headers[name] for name in _HEADERS if name in self.headers}
            turn = next(turns)
            for place in range(len(upstreams)):
                address = upstreams[(turn + place) % len(upstreams)] + self.path
                try:
                    answer = pool.request(
                        method, address, body=body, headers=headers, retries=False
                    )
                except urllib3.exceptions.HTTPError:
                    continue
                self.send_response(answer.status)
                for name in _ANSWERED:
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                self.send_header("content-length", str(len(answer.data)))
                self.end_headers()
                self.wfile.write(answer.data)
                return
            self.send_error(502)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        pool.clear()


@pytest.fixture
def homes(tmp_path: Path, postgresql_address: str) -> Iterator[tuple[Home, Home, str]]:
    """Two machines' homes with one database and one vault key, and an operator's token."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(housing(tmp_path / name / "home", postgresql_address))
            for name in ("one", "two")
        )
        with opened_hospital(first.folder, postgresql_address) as hospital:
            accept_a_dozen(hospital)
            token = make_token(hospital, 1)
        second.folder.mkdir(mode=0o700, parents=True)
        shutil.copy2(first.folder / "vault.key", second.folder / "vault.key")
        yield first, second, token


def test_what_one_process_answers_another_answers_again_and_one_may_die(
    homes: tuple[Home, Home, str], tmp_path: Path
) -> None:
    first, second, token = homes
    worker, apis = first.start("worker"), [each.start("serve") for each in (first, second)]
    for home, api in zip((first, second), apis, strict=True):
        api.wait_for(lambda home=home: api_address(home) != "")  # type: ignore[misc]
    told: list[str] = []
    with (
        proxied([api_address(first), api_address(second)]) as url,
        httpx.Client(timeout=60) as http,
    ):
        front = replace(first, folder=tmp_path / "front", _children=[])
        (front.folder / "run").mkdir(parents=True)
        (front.folder / "run" / API_FILE).write_text(json.dumps({"url": url}))
        person = Person(home=front, token=token, client=http)
        person.run_cycle("S1", 3, told.append)  # everything is asked twice, of both
        apis[0].kill()
        person.run_cycle("S1", 4, told.append)
    with opened(first) as instance:
        worker.wait_for(lambda: waiting(instance) == 0)
        assert {Digest(bytes.fromhex(each[2:])) for each in told} <= set(accepted(instance))
        require_whole(instance, accepted(instance), hashes={})


def test_a_limit_is_one_for_all_and_a_session_begins_and_ends_everywhere(
    homes: tuple[Home, Home, str],
) -> None:
    *both, token = homes
    with opened(homes[0]) as instance, instance.database.transaction() as tx:
        account, _ = create_account(
            instance,
            tx,
            local_administrator("tester"),
            login="auditor",
            person="Auditor Zhang",
            unit=1,
            scopes=[Scope.READ_ALL],
        )
        link = make_link(instance, tx, LinkPurpose.SESSION, account=account)
    addresses = []
    for home in both:
        home.requests_per_minute = 40  # less than fifty: each is counted where all are
        api = home.start("serve")
        api.wait_for(lambda home=home: api_address(home) != "")  # type: ignore[misc]
        addresses.append(api_address(home))
    with opened(homes[0]) as instance:
        wait_for_a_young_minute(instance.database)
    with proxied(addresses) as url, httpx.Client(base_url=url, timeout=60) as http:
        bearer = {"authorization": f"Bearer {token}"}
        asked = [http.get("/v1/cycles", headers=bearer).status_code for _ in range(50)]
        assert (asked.count(200), asked.count(429)) == (40, 10)

        assert http.post(link).status_code == 303
        old = dict(http.cookies)
        pages = [httpx.Client(base_url=each, cookies=old, timeout=60) for each in addresses]
        assert [each.get("/cycles").status_code for each in pages] == [200, 200]
        form = re.search(r'name="form" value="([0-9a-f]{64})"', http.get("/").text)
        assert form is not None
        assert http.post("/sign-out", data={"form": form[1]}).status_code == 303
        assert [each.get("/cycles").status_code for each in pages] == [303, 303]
        for each in pages:
            each.close()


def test_a_worker_whose_machine_is_gone_is_followed_once_its_lease_is_over_and_not_before(
    homes: tuple[Home, Home, str],
) -> None:
    first, second, _ = homes
    with opened(first) as instance:
        assert try_lease(instance, "elsewhere/boot 17") is not None
        until = lease(instance).expires_at
        assert until - instance.clock() <= timedelta(seconds=SHARED_LEASE_SECONDS)
        worker = second.start("worker")
        wait_until(lambda: holds(instance, worker), worker.process.is_alive, worker.words)
        assert instance.clock() >= until, "nobody knows whether another machine's holder lives"
        worker.wait_for(lambda: waiting(instance) == 0)
        require_whole(instance, accepted(instance), hashes={})

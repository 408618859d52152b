"""The pages of a small group, served to a browser and to a client that reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.doors.counting import Counter
from ledger.steps.asking.accounts import RUNS_THE_INSTANCE, create_account
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.storage import accounts as stored
from tests.api.conftest import Furnished, furnished_sqlite
from tests.api.kit import ACTING, Api
from tests.house import CENTRE, DAC_LOG, MEMBER, SERIAL
from tests.pages.device import Device
from tests.pages.group import Group, people_and_packages

__all__ = ["furnished_sqlite"]

#: who signs in, by role: unit, scopes, and whether the centre's operator's key is theirs
ROLES = {
    "operator": (CENTRE, (*ACTING, Scope.REPORT), True),
    "chief": (CENTRE, (Scope.ADMINISTER, Scope.READ_UNIT), False),
    "member": (MEMBER, (Scope.READ_UNIT,), False),
    "auditor": (MEMBER, (Scope.READ_ALL,), False),
    "runner": (None, tuple(RUNS_THE_INSTANCE), False),
}


@dataclass(kw_only=True)
class Site:
    """The pages, and accounts of people."""

    api: Api
    #: where a browser finds them; empty while nobody serves them
    url: str = ""
    accounts: dict[str, str] = field(default_factory=dict)

    @property
    def client(self) -> TestClient:
        """Reads pages without a browser; it follows no redirect."""
        client = TestClient(self.api.app, follow_redirects=False, raise_server_exceptions=False)
        client.headers["accept-language"] = "en"
        return client

    def link(self, role: str) -> str:
        """The path of a link that signs somebody in."""
        with self.api.house.instance.database.transaction() as tx:
            return make_link(
                self.api.house.instance, tx, LinkPurpose.SESSION, account=self.accounts[role]
            )

    def signed_in(self, role: str) -> TestClient:
        """A client in which somebody is signed in."""
        client = self.client
        assert client.post(self.link(role)).status_code == 303
        return client


def furnish(api: Api) -> Site:
    """Accounts for each role, and the cycles of a real log: one released, one aborted."""
    site, house = Site(api=api), api.house
    with house.instance.database.transaction() as tx:
        for role, (unit, scopes, signs) in ROLES.items():
            account, _ = create_account(
                house.instance,
                tx,
                house.caller,
                login=role,
                person=f"{role.title()} Zhang",
                unit=unit,
                scopes=scopes,
                signer=signer_id(house.operator) if signs else None,
            )
            site.accounts[role] = account
        chief = signer_id(house.administrators[CENTRE])
        stored.change_account(tx, site.accounts["chief"], signer=chief)
    return site


@pytest.fixture
def site(furnished_sqlite: Furnished, tmp_path: Path) -> Iterator[Site]:
    """Pages that a test may change."""
    with furnished_sqlite.copy(tmp_path) as api:
        # The minute in which tries are counted does not turn within a test.
        api.app.state.doorkeeper._own = Counter(clock=lambda: 0.0)
        yield furnish(api)


@pytest.fixture(scope="module")
def shown(furnished_sqlite: Furnished, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages with something on each, served at an address; no test changes them."""
    with furnished_sqlite.copy(tmp_path_factory.mktemp("shown")) as api:
        site = furnish(api)
        group = people_and_packages(site)
        fill(site)
        Device().add_to(api.house.instance, site.accounts["operator"])
        send_and_recall(group)
        lines = [{"count": 4, "instrument": "止血钳"}, {"count": 33, "instrument": "其他"}]
        group.api.record(
            "set-definition", group.tokens[CENTRE], set="HIP", version=1, instruments=37,
            material="nonwoven", lines=lines,
        )  # fmt: skip
        with serving(site):
            yield site


@contextmanager
def serving(site: Site) -> Iterator[None]:
    """The site at an address of this machine; the same one where it had one before."""
    port = int(site.url.rpartition(":")[2]) if site.url else 0
    with served(site.api.app, port) as site.url:
        yield


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The address of this machine at which an application answers."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        # as if it were killed: nobody waits for what is under way
        server.should_exit = server.force_exit = True
        thread.join(10)


def send_and_recall(group: Group) -> None:
    """One box received unseen, one on its way and overdue; then a recall of all that is in them."""
    api = group.api
    group.send("4711", "Q01", "Q02")
    group.take("4711")
    api.record(
        "take-over", group.tokens[MEMBER], consignment="centre/4711", outcome="kept",
        previous=None, rest="inferred", seals="intact",
    )  # fmt: skip
    group.send("4712", "Q03", expected_by="2026-11-21T11:00:00Z")
    body = {"equipment": SERIAL, "first": 1, "last": 1, "cause": "biological", "reason": "BI"}
    assert api.post("/v1/recalls", api.operator, json=body).status_code == 200


def fill(site: Site) -> None:
    """The centre's cycles of a real log, one of them loaded and released, and one open."""
    api = site.api
    answer = api.post(
        "/v1/readings?filename=DAC.Log",
        api.operator,
        content=DAC_LOG.read_bytes(),
        headers={"Content-Type": "text/plain"},
    )
    assert answer.status_code == 200, answer.text
    cycle = f"{SERIAL}/13"
    lines = [
        {"owner": CENTRE, "package_class": 1, "quantity": 4},
        {"owner": MEMBER, "package_class": 2, "quantity": 6, "description": "牙科手机"},
    ]
    for number in (13, 15):
        api.record("load-declaration", api.operator, cycle=f"{SERIAL}/{number}", lines=lines)
    current = api.get(f"/v1/cycles/{cycle}", api.operator).json()["current"]
    api.record(
        "cycle-decision",
        api.operator,
        cycle=cycle,
        decision="release",
        ending=current["ending"],
        load=current["load"],
        replaces=None,
        results={"physical": "pass"},
        shares=[
            {"owner": CENTRE, "package_class": 1, "delta": 4},
            {"owner": MEMBER, "package_class": 2, "delta": 6},
        ],
    )
    api.open_cycle(20, biological_indicator=True)

"""A centre, a member, a carrier and a unit apart, with people at each and three packages."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httpx2 import Client
from starlette.testclient import TestClient

from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.steps.asking.accounts import create_account
from tests.api.kit import Api
from tests.house import CENTRE, MEMBER, SERIAL

if TYPE_CHECKING:
    from tests.pages.conftest import Site

VAN, OTHER = 7, 8
BOX = "centre/4711"
SERIALS = ("Q01", "Q02", "Q03")
_MAY = (Scope.CUSTODY, Scope.SCAN, Scope.ANSWER, Scope.REPORT, Scope.READ_UNIT)
_RIGHTS = Right.DISPATCH | Right.CARRY | Right.RECEIVE | Right.SCAN | Right.ANSWER | Right.REPORT


@dataclass(kw_only=True)
class Group:
    """A centre with three released packages, a member, a carrier and a unit apart."""

    site: Site
    #: tokens of the same people, by unit
    tokens: dict[int, str]
    #: the consignments' pages, by slip number
    boxes: dict[str, str]

    @property
    def api(self) -> Api:
        """The same group over HTTP."""
        return self.site.api

    def at(self, unit: int) -> TestClient:
        """A browser of a unit's worker."""
        return self.site.signed_in(f"worker {unit}")

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What the API answers the centre's auditor."""
        found: dict[str, Any] = self.api.get(f"/v1/{path}", self.api.auditor, params=params).json()
        return found

    def send(self, slip: str = "4711", *serials: str, **more: Any) -> str:
        """A box from the centre to the member; its page."""
        lines = [{"assembler": CENTRE, "package": each} for each in serials or SERIALS]
        body = {"slip": slip, "receiver": "member", "taker": VAN, "purpose": "clean",
                "basis": "scanned", "lines": lines, "seals": "S-1", **more}  # fmt: skip
        self.api.record("dispatch", self.tokens[CENTRE], **body)
        self.boxes[slip] = f"/consignments/{self.get(f'consignments/centre/{slip}')['id']}"
        return self.boxes[slip]

    def take(self, slip: str = "4711") -> None:
        """The carrier takes it along, twenty minutes later."""
        self.api.house.wait(minutes=20)
        box = f"centre/{slip}"
        latest = self.get(f"consignments/{box}")["latest"]
        self.api.record(
            "take-over", self.tokens[VAN], consignment=box, outcome="carried", previous=latest
        )


def people_and_packages(site: Site) -> Group:
    """People for each unit, and three packages that the centre released for the member."""
    api, house = site.api, site.api.house
    house.admit(VAN, "van", UnitRole.CARRIER)
    house.admit(OTHER, "other", UnitRole.USER)
    tokens = {}
    for unit in (CENTRE, MEMBER, VAN, OTHER):
        key = house.enrol(unit, f"Worker {unit}", _RIGHTS)
        tokens[unit] = api.token(unit, *_MAY, person=f"Worker {unit}", signer=key)
        with house.instance.database.transaction() as tx:
            account, _ = create_account(
                house.instance,
                tx,
                house.caller,
                login=f"worker{unit}",
                person=f"Worker {unit}",
                unit=unit,
                scopes=_MAY,
                signer=signer_id(key),
            )
        site.accounts[f"worker {unit}"] = account
    packed = api.post(
        "/v1/packages", tokens[CENTRE], json={"serials": list(SERIALS), "expires": "2027-05-01"}
    )
    assert packed.status_code == 200, packed.text
    api.open_cycle(1)
    cycle = f"{SERIAL}/1"
    lines = [
        {"owner": MEMBER, "package_class": 1, "quantity": 1, "package": f"centre/{each}"}
        for each in SERIALS
    ]
    api.record("load-declaration", api.operator, cycle=cycle, lines=lines)
    api.record("cycle-ending", api.operator, cycle=cycle, outcome="completed")
    judged = api.get(f"/v1/cycles/{cycle}", api.operator).json()["current"]
    api.record(
        "cycle-decision", api.operator, cycle=cycle, decision="release", replaces=None,
        ending=judged["ending"], load=judged["load"], results={"physical": "pass"},
        shares=[{"owner": MEMBER, "package_class": 1, "delta": len(SERIALS)}],
    )  # fmt: skip
    return Group(site=site, tokens=tokens, boxes={})


def shown(client: TestClient, path: str, **params: str) -> str:
    """The page in words."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text[-2000:]
    return plain(answer.text)


def plain(page: str) -> str:
    """A page's main part without its tags."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", main)).split())


class Form:
    """The form of a page that scans or records, filled and sent as a browser does."""

    def __init__(
        self, client: Client, path: str, number: int = 0, *, page: str | None = None
    ) -> None:
        self.client, self.path = client, path
        if page is None:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text[-2000:]
            page = answer.text
        self.page = page
        main = page[page.index("<main") :]
        posts = re.findall(r'<form method="post".*?</form>', main, re.DOTALL)
        self.action = path
        found = re.search(r'^<form[^>]* action="([^"]*)"', posts[number])
        if found:
            self.action = html.unescape(found[1])
        self.is_multipart = 'enctype="multipart/form-data"' in posts[number].partition(">")[0]
        self.values = [
            (name, html.unescape(value))
            for name, value in re.findall(
                r'type="hidden" name="([^"]*)" value="([^"]*)"', posts[number]
            )
        ]

    def send(self, *pairs: tuple[str, str]) -> Any:
        """The answer to it with some more filled in."""
        if self.is_multipart:
            parts = [(name, (None, value)) for name, value in (*self.values, *pairs)]
            return self.client.post(self.action, files=parts)
        body: dict[str, list[str]] = {}
        for name, value in (*self.values, *pairs):
            body.setdefault(name, []).append(value)
        return self.client.post(self.action, data=body)

    def scan(self, *shots: str, **filled: str) -> Form:
        """The page after some shots."""
        form = self
        for shot in shots:
            answer = form.send(("step", "scan"), ("scan", shot), *filled.items())
            assert answer.status_code == 200, plain(answer.text)
            form = Form(self.client, self.path, page=answer.text)
        return form

    def done(self, **filled: str) -> str:
        """Where it goes on after it was recorded; the refusal's text where it was not."""
        answer = self.send(("step", "done"), *filled.items())
        return answer.headers["location"] if answer.status_code == 303 else plain(answer.text)

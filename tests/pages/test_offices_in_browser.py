"""Statements, answers, incidents and the inbox in a real browser, over what a chain holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from playwright.sync_api import Browser

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import to_hex
from tests.house import Clock
from tests.pages.conftest import Site, serving
from tests.pages.kit import Door
from tests.pages.test_in_browser import (
    PHONE,
    barriers,
    chromium,
    opened,
    require_phone,
    what_is_not_chinese,
)
from tests.steps.hospital import opened_hospital
from tests.steps.november_group import november_group
from tests.steps.test_duties import PACKAGE, tell

__all__ = ["chromium"]

SCOPES = (Scope.READ_UNIT, Scope.REPORT, Scope.ANSWER, Scope.SETTLE)
#: what people typed, and the names of this group
TYPED = re.compile(
    r"never came|hledger|minute|hour|fen|training|given back|declared|Nurse|not ours|Hip set|tray"
    r"|ultrasound|U\d"
)


@dataclass
class Offices:
    """A served instance, and its pages."""

    door: Door
    paths: list[str]
    key: bytes
    url: str = ""
    people: int = 0

    @property
    def api(self) -> SimpleNamespace:
        """As `serving` asks for it."""
        return SimpleNamespace(app=self.door.app)

    def link(self, _role: str) -> str:
        """Somebody of unit 2."""
        self.people += 1
        return self.door.link(f"nurse{self.people}", 2, *SCOPES, key=self.key)


def site_of(offices: Offices) -> Site:
    """As those ask for it who open pages; it has all that they use."""
    return cast("Site", offices)


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """November: published, one line contested by each of two units, one payment not confirmed."""
    with november_group(tmp_path_factory.mktemp("november") / "home", "") as group:
        key = group.hospital.new_signer(2, Right.SETTLE | Right.REPORT)
        about = to_hex(group.publish(group.compute()))
        group.say("StatementAnswer", unit=3, publication=about, lines=[1], reason="never came")
        group.say("Payment", unit=3, publication=about, side="paid", other=2, amount=500)
        paths = ["/statements", "/inbox", "/terms?version=1", "/statements/2026-11/2/lines/1"]
        paths += [f"/statements/2026-11/{who}" for who in ("2", "3", "group")]
        made = Offices(door=Door.of(group.hospital.instance), paths=paths, key=key)
        with serving(site_of(made)):
            yield made


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """A package that was used, an incident about it that is heard, and something in the inbox."""
    home, clock = tmp_path_factory.mktemp("used"), Clock(datetime.now(UTC))
    with opened_hospital(home, f"sqlite:///{home / 'ledger.db'}", clock=clock) as hospital:
        tell(hospital, clock)
        key = hospital.new_signer(2, Right.REPORT | Right.ANSWER)
        told = {"what": "infection", "subject_kind": "package", "subject": PACKAGE}
        incident = to_hex(hospital.say("Incident", unit=1, **told))
        hospital.say(
            "Findings", unit=1, incident=incident, answer="0x" + "bb" * 32, stage="heard",
            as_of=clock(), engine=1, rules_sha256="cc" * 32,
            hearing_until=clock() + timedelta(days=5),
        )  # fmt: skip
        hospital.say("Comment", unit=1, about=incident, stance="statement", text="not ours")
        hospital.settle(hospital.writer())
        paths = [
            f"/questions?q={PACKAGE}", f"/answers/package/{PACKAGE}", "/inbox", "/incidents",
            f"/answers/package/{PACKAGE}?then=2020-01-01T00:00", f"/incidents/{incident}",
            f"/incidents/open?subject_kind=package&subject={PACKAGE}",
        ]  # fmt: skip
        made = Offices(door=Door.of(hospital.instance), paths=paths, key=key)
        with serving(site_of(made)):
            yield made


@pytest.fixture(params=["statements", "answers"])
def offices(request: pytest.FixtureRequest) -> Offices:
    found: Offices = request.getfixturevalue(request.param)
    return found


def test_nothing_keeps_anybody_out(chromium: Browser, offices: Offices) -> None:
    with opened(chromium, site_of(offices), "nurse", reduced_motion="reduce") as page:
        wrong = {path: barriers(page, offices.url + path) for path in offices.paths}
    assert {path: each for path, each in wrong.items() if each} == {}


def test_each_fits_a_phone(chromium: Browser, offices: Offices) -> None:
    with opened(chromium, site_of(offices), "nurse", viewport=PHONE, has_touch=True) as page:
        for path in offices.paths:
            require_phone(page, offices.url + path)


def test_each_is_chinese_for_who_reads_chinese_and_keeps_nobody_out(
    chromium: Browser, offices: Offices
) -> None:
    with opened(
        chromium, site_of(offices), "nurse", language="zh", reduced_motion="reduce"
    ) as page:
        left = {path: what_is_not_chinese(page, offices.url + path) for path in offices.paths}
    rest = {path: {w for w in words if not TYPED.match(w)} for path, words in left.items()}
    assert {path: words for path, words in rest.items() if words} == {}

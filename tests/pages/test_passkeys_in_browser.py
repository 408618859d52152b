"""A person's own passkey, from a device of a real browser to an operation that is final."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.outbox.operation_states import OperationState
from ledger.evidence.printing import report_lines
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from ledger.steps.answering.exporting import export_evidence, resolve_subject
from ledger.steps.asking.accounts import create_account
from ledger.steps.asking.sessions import open_session
from ledger.storage.operations import OperationRow, list_latest_operations
from tests.pages.browser import browser
from tests.pages.conftest import served
from tests.pages.kit import Door
from tests.pages.test_in_browser import DESK, violations
from tests.steps.hospital import Hospital, opened_hospital

SERIAL = "DAC-1"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@dataclass(frozen=True)
class Ward:
    """A hospital on a chain, its pages, and a browser."""

    hospital: Hospital
    chromium: Browser
    url: str
    accounts: dict[str, str]

    @contextmanager
    def at_desk(self, login: str) -> Iterator[Page]:
        """A page of somebody who signed in with a password."""
        instance = self.hospital.instance
        with instance.database.transaction() as tx:
            text = open_session(instance, tx, self.accounts[login], way="password")
        context = self.chromium.new_context(viewport=DESK, locale="en-GB", reduced_motion="reduce")  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        context.add_cookies([{"name": "session", "value": text, "url": self.url}])
        try:
            yield context.new_page()
        finally:
            context.close()

    def newest(self) -> OperationRow:
        with self.hospital.instance.database.reading() as tx:
            return list_latest_operations(tx, unit=1, limit=1)[0]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    with (
        opened_hospital(tmp_path, f"sqlite:///{tmp_path / 'ledger.db'}") as hospital,
        browser() as chromium,
        served(Door.of(hospital.instance).app) as url,
    ):
        hospital.admit(1)
        hospital.register(1, SERIAL)
        accounts, reads = {}, Scope.READ_UNIT
        with hospital.instance.database.transaction() as tx:
            for login, scopes, key in (
                ("chief", (Scope.ADMINISTER, reads), signer_id(hospital.administrators[1])),
                ("nurse", (Scope.OPEN, reads), None),
            ):
                accounts[login], _ = create_account(
                    hospital.instance, tx, hospital.caller, login=login, person=f"{login} Zhang",
                    unit=1, scopes=scopes, signer=key,
                )  # fmt: skip
        yield Ward(hospital, chromium, url, accounts)


def enrol(ward: Ward, page: Page) -> None:
    """The nurse's device makes a passkey, and chief and nurse sign that it may open cycles."""
    page.goto(ward.url + "/account")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("button", name="Forget it").wait_for()
    with ward.at_desk("chief") as other:
        other.goto(f"{ward.url}/people/{ward.accounts['nurse']}")
        other.locator("input[name=rights][value=open]").check()
        other.get_by_role("button", name="Let this passkey sign").click()
        other.get_by_text("Your half is signed").wait_for()
    page.reload()
    page.get_by_role("button", name="Look, and sign it").click()
    page.get_by_role("heading", name="What you sign").wait_for()
    page.get_by_role("button", name="Sign with my passkey").click()
    page.get_by_text("signs operations").wait_for()


def test_a_passkey_is_enrolled_and_what_it_signs_is_final_and_says_so(ward: Ward) -> None:
    hospital = ward.hospital
    with ward.at_desk("nurse") as page:
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        enrol(ward, page)
        page.goto(f"{ward.url}/acts/cycle-opening?equipment={SERIAL}&number=1")
        assert page.get_by_role("button", name="Sign and record").count() == 0
        page.get_by_role("button", name="Sign with my passkey").click()
        page.get_by_role("heading", name="What you sign").wait_for()
        told = page.locator("main").inner_text()
        assert f"{SERIAL}/1/1" in told
        for language in ("中文", "English"):
            assert violations(page) == []
            page.get_by_role("button", name=language).click()
            page.get_by_role(
                "heading", name="你要签署的内容" if language == "中文" else "What you"
            ).wait_for()
        page.get_by_role("button", name="Sign with my passkey").click()
        page.get_by_text("Recorded.").wait_for()
        # the only key that she has signs what one tap records, too
        page.goto(ward.url + "/cycles/open")
        page.locator("article.tile button.big").first.click()
        page.get_by_role("heading", name="What you sign").wait_for()
    hospital.settle(hospital.writer())
    opening = ward.newest()
    assert (opening.kind, opening.state) == ("CycleOpening", OperationState.FINAL)
    with hospital.instance.database.reading() as tx:
        subject = resolve_subject(tx, hospital.caller, "cycle", f"{SERIAL}/1")
        data = export_evidence(hospital.instance, tx, hospital.caller, subject)
        deployment = hospital.instance.deployment_in(tx)
    report = verify_evidence(
        data, hospital.link.node, deployment, verify_signature=verify_signature,
        now=datetime.now(UTC),
    )  # fmt: skip
    assert report.verified
    lines = "\n".join(report_lines(report))
    assert "key held by device" in lines
    assert "a passkey, which verified its person" in lines

"""Operations that people sign with their own passkeys: what is shown, and what is refused."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import pytest
from starlette.testclient import TestClient

from ledger.domain.acts.asking import Door
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.domain.encoding.moments import instant_text
from ledger.steps.accepting.prepare import VALID_FOR
from ledger.steps.accepting.with_passkeys import propose_passkey
from ledger.storage import accounts as stored
from ledger.storage.operations import list_signatures
from tests.house import MEMBER, SERIAL
from tests.pages.conftest import Site
from tests.pages.device import PRESENT, Device
from tests.pages.group import Group, people_and_packages
from tests.pages.kit import press, read

RIGHTS = ["open", "decide", "receive"]


@dataclass
class Desk:
    """Somebody whose device holds a passkey that signs."""

    site: Site
    device: Device
    client: TestClient

    def prepare(self, number: int) -> str:
        """The address where the passkey is asked to sign that a cycle is opened."""
        at = f"/acts/cycle-opening?equipment={SERIAL}"
        page = read(self.client, at)
        return press(
            self.client, page, "Sign with my passkey", at, by=self.device.id.hex(),
            equipment=SERIAL, number=number,
        )  # fmt: skip

    def sign(self, address: str, answer: str = "", status: int = 303) -> str:
        """Send the device's answer, or another one: where it leads to, or what is told."""
        page = read(self.client, address)
        further = page.rpartition('name="next" value="')[2].partition('"')[0]
        sent = {"form": forms(page), "answer": answer or self.device.answer(page), "next": further}
        told = self.client.post(address, data=sent)
        assert told.status_code == status, told.text[:3000]
        return told.headers.get("location", told.text)


def forms(page: str) -> str:
    return page.partition('name="form" value="')[2][:64]


def enrol(site: Site, device: Device, role: str = "operator") -> Desk:
    """Enrolled by the unit's administrator and by the device itself."""
    account = site.accounts[role]
    device.add_to(site.api.house.instance, account)
    chief, client = site.signed_in("chief"), site.signed_in(role)
    at = f"/people/{account}"
    press(chief, read(chief, at), "Let this passkey sign", at, rights=RIGHTS, what="signer")
    page = read(client, "/account")
    address = page.partition('href="/sign/')[2].partition('"')[0]
    desk = Desk(site, device, client)
    desk.sign(f"/sign/{address}")
    return desk


@pytest.fixture
def desk(site: Site) -> Desk:
    """The operator's."""
    return enrol(site, Device())


def test_what_is_signed_is_told_in_words_and_signed_by_nobody_else(desk: Desk) -> None:
    address = desk.prepare(71)
    page = read(desk.client, address)
    assert f"{SERIAL}/1/71" in page
    assert f"Sterilizer {SERIAL} – {SERIAL}" in page
    answer = desk.device.answer(page)
    for other in (desk.site.signed_in("operator"), desk.site.signed_in("chief")):
        assert other.get(address).status_code == 404
        sent = {"form": forms(read(other, "/")), "answer": answer}
        assert other.post(address, data=sent).status_code == 404
    done = desk.sign(address)
    digest = done.rpartition("done=")[2]
    assert read(desk.client, done).count("Recorded.") == 1
    with desk.site.api.house.instance.database.reading() as tx:
        (signature,) = list_signatures(tx, [parse_hex32(digest, field="digest")])
        verifiers = desk.site.api.house.instance.known_deployment(tx).verifiers
    assert verifiers[signature.signer[:20]] == "ERC7913WebAuthnVerifier"


def test_an_answer_that_comes_twice_is_recorded_once(desk: Desk) -> None:
    address = desk.prepare(71)
    answer = desk.device.answer(read(desk.client, address))
    sent = {"form": forms(read(desk.client, "/")), "answer": answer}
    first, second = (desk.client.post(address, data=sent) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert desk.client.get(address).headers["location"].startswith("/operations/")
    found = desk.site.api.get("/v1/operations?kind=cycle-opening", desk.site.api.operator).json()
    assert len(found["operations"]) == 1


def test_an_answer_to_another_question_or_without_its_person_signs_nothing(desk: Desk) -> None:
    address = desk.prepare(71)
    other = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
    assert "does not hold" in desk.sign(address, desk.device.answer_to(other, "testserver"), 422)
    desk.device.flags = PRESENT
    assert "does not hold" in desk.sign(address, status=422)
    assert "is no answer of a passkey" in desk.sign(address, "{", 422)
    found = desk.site.api.get("/v1/operations?kind=cycle-opening", desk.site.api.operator).json()
    assert found["operations"] == []


def test_what_was_prepared_is_over_after_its_time(desk: Desk) -> None:
    address = desk.prepare(71)
    desk.site.api.house.clock.advance(seconds=VALID_FOR.total_seconds())
    assert desk.client.get(address).status_code == 404


def test_a_form_that_is_sent_again_is_prepared_once_and_anew_when_its_time_is_over(
    desk: Desk,
) -> None:
    at = f"/acts/cycle-opening?equipment={SERIAL}"
    page, by = read(desk.client, at), desk.device.id.hex()

    def send(number: int) -> str:
        more = {"by": by, "equipment": SERIAL, "number": number}
        return press(desk.client, page, "Sign with my passkey", at, **more)

    first = send(71)
    assert send(71) == first
    desk.site.api.house.clock.advance(seconds=VALID_FOR.total_seconds())
    late = send(71)
    mended = send(72)
    assert len({first, late, mended}) == 3
    assert desk.client.get(late).status_code == 404, "it gave way to what was mended"
    desk.sign(mended)
    assert f"done={mended[6:72]}" in send(72)
    with pytest.raises(AssertionError, match="recorded already"):
        send(73)
    found = desk.site.api.get("/v1/operations?kind=cycle-opening", desk.site.api.operator).json()
    assert len(found["operations"]) == 1


def test_a_right_that_the_passkey_lacks_is_told_before_anybody_signs(desk: Desk) -> None:
    desk.site.api.finished_cycle(41)
    values = {"cycle": f"{SERIAL}/41", "result": "physical", "word": "pass"}
    sent = {"form": forms(read(desk.client, "/")), "by": desk.device.id.hex(), **values}
    answer = desk.client.post("/acts/result-entry", data=sent)
    assert answer.status_code == 422
    assert "does not hold the right result" in answer.text


def test_a_load_is_decided_about_by_passkey(desk: Desk) -> None:
    api = desk.site.api
    api.finished_cycle(41)
    at = f"/cycles/{api.get(f'/v1/cycles/{SERIAL}/41', api.operator).json()['id']}/decide"
    page = read(desk.client, at)
    assert "my passkey of" in page
    address = press(
        desk.client, page, "Reject", at, by=desk.device.id.hex(), decision="reject", reason="wet"
    )
    assert "Reject" in read(desk.client, address) or "reject" in read(desk.client, address)
    desk.sign(address)
    view = api.get(f"/v1/cycles/{SERIAL}/41", api.operator).json()
    assert view["state"] == "rejected"


def test_a_revoked_passkey_signs_no_more(desk: Desk) -> None:
    chief = desk.site.signed_in("chief")
    signers = desk.site.api.get("/v1/signers", desk.site.api.operator).json()["signers"]
    own = next(each for each in signers if each["custody"] == "device")
    at = f"/acts/signer-revocation?signer={own['id']}"
    assert "Sign with my passkey" in read(desk.client, f"/acts/cycle-opening?equipment={SERIAL}")
    press(chief, read(chief, at), "Sign and record", at, signer=own["id"], reason="left")
    assert "Sign with my passkey" not in read(
        desk.client, f"/acts/cycle-opening?equipment={SERIAL}"
    )


def receiver(group: Group) -> Desk:
    """The member's worker, whose passkey takes boxes in."""
    site = group.site
    desk = Desk(site, Device(), group.at(MEMBER))
    account = site.accounts[f"worker {MEMBER}"]
    instance, door = site.api.house.instance, Door(authenticated_by="local", takes_what_stands=True)
    desk.device.add_to(instance, account)
    with instance.database.transaction() as tx:
        propose_passkey(
            instance, tx, site.api.house.caller, account, desk.device.id, rights=["receive"],
            door=door,
        )  # fmt: skip
    address = read(desk.client, "/account").partition('href="/sign/')[2].partition('"')[0]
    desk.sign(f"/sign/{address}")
    return desk


def test_what_a_device_sends_at_once_is_recorded_when_the_passkey_signed_it(site: Site) -> None:
    group = people_and_packages(site)
    box, desk = group.send("4711"), receiver(group)
    account = site.accounts[f"worker {MEMBER}"]
    with site.api.house.instance.database.transaction() as tx:
        stored.change_account(tx, account, signer=None)
    desk.client = group.at(MEMBER)
    now = instant_text(site.api.house.clock())
    item = {
        "number": 1, "path": f"{box}/receive", "fields": [["step", "sealed"], ["key", "k1"]],
        "captured": now, "device": "d", "who": account, "person": "W", "unit": MEMBER,
        "is_live": True,
    }  # fmt: skip

    def send() -> tuple[str, str]:
        form = desk.client.get("/offline/known").json()["form"]
        sent = {"form": form, "sent": now, "items": json.dumps([item])}
        told = desk.client.post("/offline", data=sent).json()["1"]
        return told["state"], told["link"]

    state, link = send()
    assert (state, send()) == ("prepared", ("prepared", link))
    desk.sign(link)
    assert send()[0] == "recorded"
    assert len(group.get("consignments/centre/4711")["steps"]) == 2


def test_a_box_is_taken_in_by_passkey(site: Site) -> None:
    group = people_and_packages(site)
    box, desk = group.send("4711"), receiver(group)
    at = f"{box}/receive"
    page = read(desk.client, at)
    address = press(
        desk.client, page, "Seals whole, not opened: take it in", at,
        by=desk.device.id.hex(), step="sealed",
    )  # fmt: skip
    assert address.startswith("/sign/")
    told = read(desk.client, address)
    assert told.count("inferred") == 1 + 3  # each of its lines, on the giver's word
    assert desk.sign(address).startswith(box)
    assert group.get("consignments/centre/4711")["status"] == "received"

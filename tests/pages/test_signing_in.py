"""Who is let in at the pages' door, and how a session ends."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import NotFound, Refused
from ledger.keys.one_time_codes import SECRET_BYTES, code_of, step_at
from ledger.steps.asking import accounts
from ledger.steps.asking.accounts import first_administrator
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.steps.asking.sessions import IDLE, IDLE_AT_STATION, LIFETIME, MOST_WRONG_PINS
from ledger.storage import accounts as stored
from tests.house import CENTRE, MEMBER, SERIAL
from tests.pages.conftest import Site
from tests.pages.kit import press, read

PASSWORD = "steam and gauze"
BADGE, PIN = "BADGE-0815-77", "280719"


def code(site: Site, secret: bytes, step: int = 0) -> str:
    """The code that an app shows now, or so many periods later."""
    return code_of(secret, step_at(site.api.house.clock()) + step)


def invite(site: Site, role: str = "operator") -> str:
    """The path of a new link for somebody who completes their account."""
    with site.api.house.instance.database.transaction() as tx:
        return make_link(
            site.api.house.instance, tx, LinkPurpose.ACCOUNT, account=site.accounts[role]
        )


def complete(site: Site, path: str, **changes: str) -> tuple[int, bytes]:
    """Complete an account by its link: the status, and the secret of its codes."""
    client = site.client
    page = client.get(path)
    found = re.search(r'name="secret" value="([A-Z2-7]+)"', page.text)
    assert found, page.text
    secret = base64.b32decode(found[1])
    form = {"secret": found[1], "password": PASSWORD, "again": PASSWORD, "code": code(site, secret)}
    return client.post(path, data={**form, **changes}).status_code, secret


def sign_in(site: Site, client: TestClient, secret: bytes, **changes: str) -> int:
    """Sign in with password and code; the status."""
    form = {"login": "operator", "password": PASSWORD, "code": code(site, secret)}
    return client.post("/sign-in", data={**form, **changes}).status_code


def is_in(client: TestClient) -> bool:
    """Whether somebody is signed in."""
    return client.get("/cycles").status_code == 200


def forms(client: TestClient) -> str:
    """What the forms of a session carry."""
    found = re.search(r'name="form" value="([0-9a-f]{64})"', client.get("/").text)
    assert found
    return found[1]


@pytest.fixture
def secret(site: Site) -> bytes:
    """Of the operator's codes, whose account is complete; half a minute later."""
    status, found = complete(site, invite(site))
    assert status == 303
    site.api.house.clock.advance(seconds=60)
    return found


def test_a_password_and_a_code_let_in_and_nothing_less(site: Site, secret: bytes) -> None:
    for wrong in ({"password": "another one"}, {"code": "000000"}, {"login": "nobody"}):
        client = site.client
        assert sign_in(site, client, secret, **wrong) == 403
        assert "set-cookie" not in client.post("/sign-in", data={}).headers
        assert not is_in(client)
    client = site.client
    assert sign_in(site, client, secret) == 303
    assert is_in(client)


def test_a_wrong_name_and_a_wrong_password_are_told_alike(site: Site, secret: bytes) -> None:
    pages = [
        site.client.post("/sign-in", data={"login": login, "password": "x" * 12, "code": "1"})
        for login in ("operator", "nobody")
    ]
    told = [re.search(r'role="alert">(.*?)</div>', p.text, re.DOTALL) for p in pages]
    assert told[0]
    assert told[1]
    assert told[0][1] == told[1][1]


def test_a_code_lets_in_once(site: Site, secret: bytes) -> None:
    assert sign_in(site, site.client, secret) == 303
    assert sign_in(site, site.client, secret) == 403
    site.api.house.clock.advance(seconds=30)
    assert sign_in(site, site.client, secret) == 303


def test_tries_under_one_name_are_limited(site: Site, secret: bytes) -> None:
    statuses = [sign_in(site, site.client, secret, password="guess") for _ in range(8)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    assert sign_in(site, site.client, secret) == 429


def test_a_session_cookie_is_kept_from_scripts_and_other_sites(site: Site, secret: bytes) -> None:
    form = {"login": "operator", "password": PASSWORD, "code": code(site, secret)}
    plain = site.client.post("/sign-in", data=form).headers["set-cookie"]
    assert re.fullmatch(r"session=sls_[\w-]{43}; HttpOnly; Path=/; SameSite=strict", plain)
    site.api.house.clock.advance(seconds=60)
    secure = TestClient(site.api.app, base_url="https://ledger", follow_redirects=False)
    form["code"] = code(site, secret)
    cookie = secure.post("/sign-in", data=form).headers["set-cookie"]
    assert cookie.startswith("__Host-session=sls_")
    assert "Secure" in cookie


def test_behind_a_proxy_the_browser_says_that_it_came_over_https(site: Site) -> None:
    answer = site.client.post(site.link("operator"), headers={"origin": "https://testserver"})
    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"]
    client = site.client
    client.cookies.set("__Host-session", answer.headers["set-cookie"].split("=")[1].split(";")[0])
    assert is_in(client)


def test_a_session_is_no_token_of_the_api(site: Site) -> None:
    client = site.signed_in("operator")
    answer = site.api.get("/v1/cycles", client.cookies["session"])
    assert answer.status_code == 401


def test_a_session_ends_after_idleness_and_at_its_time(site: Site) -> None:
    client, clock = site.signed_in("operator"), site.api.house.clock
    clock.advance(seconds=IDLE.total_seconds() - 1)
    assert is_in(client)
    clock.advance(seconds=IDLE.total_seconds() - 1)
    assert is_in(client)  # each use keeps it
    clock.advance(seconds=IDLE.total_seconds() + 1)
    assert not is_in(client)
    busy = site.signed_in("operator")
    begun = clock.now
    while clock.now - begun < LIFETIME - timedelta(minutes=20):
        clock.advance(minutes=20)
        assert is_in(busy)
    clock.advance(minutes=21)
    assert not is_in(busy)


def test_a_stolen_session_is_worth_nothing_after_its_owner_signed_out(site: Site) -> None:
    client = site.signed_in("operator")
    thief = site.client
    thief.cookies.set("session", client.cookies["session"])
    assert is_in(thief)
    assert client.post("/sign-out", data={"form": forms(client)}).status_code == 303
    assert not is_in(thief)


def test_a_session_that_somebody_planted_is_not_taken_over(site: Site, secret: bytes) -> None:
    planted = site.signed_in("member").cookies["session"]
    victim = site.client
    victim.cookies.set("session", planted)
    token = forms(victim)
    form = {"login": "operator", "password": PASSWORD, "code": code(site, secret), "form": token}
    answer = victim.post("/sign-in", data=form)
    assert answer.status_code == 303
    assert answer.cookies["session"] != planted
    attacker = site.client
    attacker.cookies.set("session", planted)
    assert not is_in(attacker)


@pytest.mark.parametrize(
    "changes,field",
    [
        ({"password": "short", "again": "short"}, "password"),
        ({"again": "another one"}, "again"),
        ({"code": "000000"}, "code"),
    ],
)
def test_what_is_wrong_with_a_choice_is_said_and_the_link_still_holds(
    site: Site, changes: dict[str, str], field: str
) -> None:
    path = invite(site)
    status, _ = complete(site, path, **changes)
    assert status == 422, field
    assert complete(site, path)[0] == 303


def test_a_link_completes_an_account_once_and_not_for_ever(site: Site) -> None:
    path = invite(site)
    assert complete(site, path)[0] == 303
    assert site.client.get(path).status_code == 404
    late = invite(site)
    site.api.house.clock.advance(days=4)
    assert site.client.get(late).status_code == 404
    assert site.client.get("/link/account/" + "A" * 43).status_code == 404


def test_the_first_administrator_begins_with_a_link_and_the_next_start_has_none(site: Site) -> None:
    instance = site.api.house.instance
    path = first_administrator(instance)
    assert path is not None
    status, _ = complete(site, path, person="Chen Jing")
    assert status == 303
    assert first_administrator(instance) is None
    with instance.database.reading() as tx:
        row = stored.find_account(tx, login="administrator")
    assert row is not None
    assert (row.person, row.unit) == ("Chen Jing", None)
    assert set(row.scopes.split()) == {"authority", "administer", "read_all"}


def test_another_link_of_the_first_administrator_ends_with_the_one_that_was_used(
    site: Site,
) -> None:
    instance = site.api.house.instance
    first, second = first_administrator(instance), first_administrator(instance)
    assert first
    assert second
    assert complete(site, second, person="Chen Jing")[0] == 303
    assert site.client.get(first).status_code == 404


# ---------------------------------------------------------------- badges and stations


@pytest.fixture
def tablet(site: Site) -> TestClient:
    """A tablet that is a station of the centre, and the operator has a badge."""
    house = site.api.house
    accounts.set_badge(
        house.instance, house.caller, site.accounts["operator"], badge=BADGE, pin=PIN
    )
    with house.instance.database.transaction() as tx:
        link = accounts.invite_station(house.instance, tx, house.caller, unit=CENTRE)
    client = site.client
    assert client.post(link, data={"name": "Bench 1"}).status_code == 303
    assert site.client.post(link, data={"name": "Bench 2"}).status_code == 404
    return client


def badge(client: TestClient, text: str = BADGE, pin: str = PIN) -> int:
    return client.post("/sign-in", data={"badge": text, "pin": pin}).status_code


def test_a_badge_and_its_pin_let_in_at_a_station_alone(site: Site, tablet: TestClient) -> None:
    assert badge(site.client) == 403
    assert badge(tablet, pin="111222") == 403
    assert badge(tablet, text="BADGE-0815-78") == 403
    assert badge(tablet) == 303
    page = tablet.get("/cycles/open").text
    token = re.search(r'name="form" value="([0-9a-f]{64})"', page)
    assert token
    form = {"form": token[1], "key": "k" * 20, "equipment": SERIAL, "epoch": "1", "number": "30"}
    assert tablet.post("/acts/cycle-opening", data=form).status_code == 303
    view = site.api.get(f"/v1/cycles/{SERIAL}/30", site.api.operator).json()
    facts = view["timeline"][0]["facts"]
    assert (facts["authenticated_by"], facts["device"]) == ("PIN", "Bench 1")


def test_a_session_at_a_station_ends_sooner(site: Site, tablet: TestClient) -> None:
    assert badge(tablet) == 303
    site.api.house.clock.advance(seconds=IDLE_AT_STATION.total_seconds() + 1)
    assert not is_in(tablet)


def test_a_badge_whose_pin_was_guessed_at_has_to_be_given_anew(
    site: Site, tablet: TestClient
) -> None:
    house = site.api.house
    with house.instance.database.transaction() as tx:
        for _ in range(MOST_WRONG_PINS):
            stored.count_failure(tx, site.accounts["operator"])
    assert badge(tablet) == 403
    accounts.set_badge(
        house.instance, house.caller, site.accounts["operator"], badge=BADGE, pin=PIN
    )
    assert badge(tablet) == 303


def test_a_station_that_was_ended_lets_nobody_in_and_ends_who_is_there(
    site: Site, tablet: TestClient
) -> None:
    assert badge(tablet) == 303
    chief = site.signed_in("chief")
    end = re.search(r'name="end" value="([0-9a-f]+)"', chief.get("/stations").text)
    assert end
    token = forms(chief)
    assert chief.post("/stations", data={"form": token, "end": end[1]}).status_code == 303
    assert not is_in(tablet)
    assert badge(tablet) == 403


def test_a_badge_of_another_unit_does_not_let_in(site: Site, tablet: TestClient) -> None:
    house = site.api.house
    accounts.set_badge(
        house.instance, house.caller, site.accounts["member"], badge="MEMBER-0001", pin="280719"
    )
    assert badge(tablet, text="MEMBER-0001") == 403
    with house.instance.database.reading() as tx:
        assert stored.get_account(tx, site.accounts["member"]).failures == 0


def test_a_session_of_a_badge_adds_no_passkey(site: Site, tablet: TestClient) -> None:
    assert badge(tablet) == 303
    page = tablet.post("/account", data={"form": forms(tablet), "question": "", "answer": "{}"})
    assert page.status_code == 422
    assert "password, passkey or provider" in page.text


# ---------------------------------------------------------------- links that complete


def test_a_new_choice_ends_the_passkeys_that_there_were(site: Site, secret: bytes) -> None:
    house = site.api.house
    with house.instance.database.transaction() as tx:
        stored.insert_passkey(
            tx,
            stored.PasskeyRow(
                id=b"key", account=site.accounts["operator"], public_key=b"cose", sign_count=0,
                created_at=house.clock(),
            ),
        )  # fmt: skip
    assert complete(site, invite(site))[0] == 303
    with house.instance.database.reading() as tx:
        assert stored.list_passkeys(tx, site.accounts["operator"]) == []


def test_a_link_that_does_not_hold_costs_no_hash_and_tries_are_limited(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "hash_secret", in_no_case)
    secret = bytes(SECRET_BYTES)
    form = {
        "secret": base64.b32encode(secret).decode(), "password": PASSWORD, "again": PASSWORD,
        "code": code(site, secret),
    }  # fmt: skip
    assert site.client.post("/link/account/" + "x" * 43, data=form).status_code == 404
    path, wrong = invite(site), form | {"code": "000000"}
    statuses = [site.client.post(path, data=wrong).status_code for _ in range(8)]
    assert (statuses[0], statuses[-1]) == (422, 429)


def in_no_case(*_: object) -> str:
    """Stands for what must not be asked for."""
    raise AssertionError("hashed")


def test_a_chief_gives_no_way_into_an_account_that_reads_more(site: Site) -> None:
    house = site.api.house
    with house.instance.database.transaction() as tx:
        stored.change_account(
            tx, site.accounts["operator"], scopes=f"{Scope.READ_ALL} {Scope.READ_UNIT}"
        )
    chief = site.signed_in("chief")
    page, form = f"/people/{site.accounts['operator']}", forms(chief)
    for what in ({"what": "renew"}, {"what": "badge", "badge": BADGE, "pin": PIN}):
        assert chief.post(page, data={"form": form, **what}).status_code == 422
    with house.instance.database.reading() as tx:
        assert stored.get_account(tx, site.accounts["operator"]).badge is None
    assert chief.post(page, data={"form": form, "what": "end"}).status_code == 303


def test_who_was_invited_and_never_came_is_no_other_administrator(site: Site) -> None:
    house = site.api.house
    with house.instance.database.transaction() as tx:
        accounts.create_account(
            house.instance, tx, house.caller, login="deputy", person="Deputy", unit=CENTRE,
            scopes=[Scope.ADMINISTER],
        )  # fmt: skip
    chief = site.signed_in("chief")
    page = f"/people/{site.accounts['chief']}"
    assert chief.post(page, data={"form": forms(chief), "what": "end"}).status_code == 422
    assert is_in(chief)


# ---------------------------------------------------------------- links that sign in


def test_an_auditors_link_reads_one_unit_for_a_day_and_changes_nothing(site: Site) -> None:
    site.api.open_cycle(40)
    chief = site.signed_in("chief")
    page = chief.post("/inspection", data={"form": forms(chief)}).text
    link = re.search(r"http://testserver(/link/inspection/[\w-]{43})", page)
    assert link
    auditor = site.client
    assert auditor.post(link[1]).status_code == 303
    assert is_in(auditor)
    assert auditor.get("/acts/comment").status_code == 403
    assert auditor.get("/people").status_code == 404
    site.api.house.clock.advance(hours=24)
    assert not is_in(auditor)
    assert site.client.get(link[1]).status_code == 404


def test_a_link_for_one_thing_is_none_for_another(site: Site) -> None:
    text = site.link("operator").rsplit("/", 1)[1]
    for purpose in ("account", "inspection", "station", "nothing"):
        assert site.client.get(f"/link/{purpose}/{text}").status_code == 404


# ---------------------------------------------------------------- who may make accounts


def test_an_account_that_is_ended_is_signed_out_at_once(site: Site) -> None:
    client = site.signed_in("operator")
    house = site.api.house
    with house.instance.database.transaction() as tx:
        accounts.end_account(house.instance, tx, house.caller, site.accounts["operator"])
    assert not is_in(client)
    with pytest.raises(Refused), house.instance.database.transaction() as tx:
        accounts.end_account(house.instance, tx, house.caller, site.accounts["chief"])


def test_a_chief_makes_accounts_of_their_own_unit_and_gives_no_more_than_it_has(
    site: Site,
) -> None:
    house, caller = site.api.house, None
    with house.instance.database.transaction() as tx:
        row = stored.get_account(tx, site.accounts["chief"])
    from ledger.domain.callers import Caller  # noqa: PLC0415 - this test alone

    caller = Caller(
        person=row.person, unit=CENTRE, scopes=frozenset(map(Scope, row.scopes.split()))
    )

    def make(unit: int | None, *scopes: Scope) -> None:
        with house.instance.database.transaction() as tx:
            accounts.create_account(
                house.instance, tx, caller, login="new.one", person="New", unit=unit, scopes=scopes
            )

    for scope in (Scope.AUTHORITY, Scope.READ_ALL):
        with pytest.raises(Refused):
            make(CENTRE, scope)
    with pytest.raises(NotFound):
        make(MEMBER, Scope.OPEN)
    with pytest.raises(Refused):
        make(None, *accounts.RUNS_THE_INSTANCE)
    make(CENTRE, Scope.OPEN, Scope.ADMINISTER)
    with pytest.raises(NotFound), house.instance.database.transaction() as tx:
        accounts.end_account(house.instance, tx, caller, site.accounts["member"])


def test_a_persons_page_of_another_unit_is_not_found(site: Site) -> None:
    chief = site.signed_in("chief")
    assert chief.get(f"/people/{site.accounts['operator']}").status_code == 200
    assert chief.get(f"/people/{site.accounts['member']}").status_code == 404
    token = forms(chief)
    form = {"form": token, "what": "end"}
    assert chief.post(f"/people/{site.accounts['member']}", data=form).status_code == 404


def test_a_person_is_added_through_the_page_with_the_units_own_key(site: Site) -> None:
    chief = site.signed_in("chief")
    form = {
        "form": forms(chief),
        "person": "Wang Fang",
        "login": "Wang.Fang",
        "scopes": ["decide", "read_unit"],
        "signer": signer_id(site.api.house.operator).hex(),
    }
    page = chief.post("/people/add", data=form)
    assert page.status_code == 200
    link = re.search(r"http://testserver(/link/account/[\w-]{43})", page.text)
    assert link
    assert complete(site, link[1])[0] == 303
    again = chief.post("/people/add", data=form)
    assert again.status_code == 409
    assert 'value="Wang Fang"' in again.text


def test_an_address_that_says_done_makes_no_page_say_recorded(site: Site) -> None:
    client = site.signed_in("operator")
    old = site.api.open_cycle(20)["digest"]
    assert "Recorded." in client.get(f"/cycles?done={old}").text
    for said in ("yes", "0x" + "ab" * 32, "<b>", f"{old}0"):
        assert "Recorded." not in client.get("/cycles", params={"done": said}).text
    assert "Recorded." not in site.signed_in("member").get(f"/cycles?done={old}").text
    site.api.house.wait(minutes=10)
    assert "Recorded." not in client.get(f"/cycles?done={old}").text


def test_a_badge_that_was_lost_lets_nobody_in_once_it_is_removed(
    site: Site, tablet: TestClient
) -> None:
    assert badge(tablet) == 303
    chief = site.signed_in("chief")
    at = f"/people/{site.accounts['operator']}"
    assert press(chief, read(chief, at), "Remove the badge", at, what="unbadge") == at
    assert not is_in(tablet)
    assert badge(tablet) == 403
    assert "Remove the badge" not in read(chief, at)


# ---------------------------------------------------------------- a second person


SECOND, SECOND_PIN = "BADGE-0815-99", "114477"


@pytest.fixture
def two(site: Site, tablet: TestClient) -> TestClient:
    """The operator at the tablet; a colleague and a person of another unit have badges as well."""
    house = site.api.house
    for role, text in (("chief", SECOND), ("member", "BADGE-OTHER-1")):
        accounts.set_badge(
            house.instance, house.caller, site.accounts[role], badge=text, pin=SECOND_PIN
        )
    site.api.finished_cycle(41)
    assert badge(tablet) == 303
    return tablet


def reject(site: Site, client: TestClient, text: str, pin: str) -> str:
    """Reject cycle 41 with a second badge: where it leads to."""
    found = site.api.get(f"/v1/cycles/{SERIAL}/41", site.api.operator).json()
    at = f"/cycles/{found['id']}/decide"
    return press(
        client, read(client, at), "Reject", at, decision="reject", reason="wet",
        second_badge=text, second_pin=pin,
    )  # fmt: skip


def decision(site: Site) -> dict[str, Any]:
    view = site.api.get(f"/v1/cycles/{SERIAL}/41", site.api.operator).json()
    found: dict[str, Any] = view["timeline"][-1]
    return found


def test_a_second_badge_and_its_pin_are_recorded_as_who_confirmed(
    site: Site, two: TestClient
) -> None:
    page = read(two, reject(site, two, SECOND, SECOND_PIN))
    assert "Recorded." in page
    assert decision(site)["facts"]["authenticated_by"] == "two PINs"
    shown = read(two, f"/operations/{decision(site)['digest']}")
    assert "Chief Zhang" in shown
    assert SECOND not in shown


@pytest.mark.parametrize(
    "text,pin,told",
    [
        (BADGE, PIN, "Operator Zhang is here already"),
        (SECOND, "114478", "do not fit together"),
        ("BADGE-OTHER-1", SECOND_PIN, "do not fit together"),
        ("", SECOND_PIN, "is no badge"),
    ],
)
def test_a_second_badge_that_is_nobodys_or_the_same_persons_records_nothing(
    site: Site, two: TestClient, text: str, pin: str, told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        reject(site, two, text, pin)
    assert decision(site)["kind"] == "CycleEnding"


def test_a_second_badge_is_read_at_a_station_alone_and_its_guesses_are_counted(
    site: Site, two: TestClient
) -> None:
    desk = site.signed_in("operator")
    assert "Second badge" not in read(desk, f"/acts/cycle-opening?equipment={SERIAL}")
    with pytest.raises(AssertionError, match="read at a station"):
        reject(site, desk, SECOND, SECOND_PIN)
    with site.api.house.instance.database.transaction() as tx:
        stored.change_account(tx, site.accounts["chief"], failures=MOST_WRONG_PINS - 1)
    for pin in ("114478", SECOND_PIN):
        with pytest.raises(AssertionError, match="do not fit together"):
            reject(site, two, SECOND, pin)


def test_a_recall_at_a_station_names_who_confirmed_it_and_keeps_no_badge(
    site: Site, two: TestClient
) -> None:
    page = read(two, "/recalls")
    assert 'name="checker"' not in page
    at = press(
        two, page, "Hold all now, and tell each holder", "/recalls", step="order",
        equipment=SERIAL, first="41", last="41", cause="biological", reason="BI",
        second_badge=SECOND, second_pin=SECOND_PIN,
    )  # fmt: skip
    order = at.partition("done=")[2]
    shown = read(two, f"/operations/{order}")
    assert "Chief Zhang" in shown
    assert "two PINs" in shown
    assert "Recorded." in read(two, at)


# ---------------------------------------------------------------- whoever runs the instance


def test_a_second_administrator_of_the_instance_is_made_and_the_last_is_warned(site: Site) -> None:
    runner = site.signed_in("runner")
    at = f"/people/{site.accounts['runner']}"
    assert "This is the last administrator" in read(runner, at)
    form = {"form": forms(runner), "login": "second", "person": "Wu", "unit": "instance"}
    page = runner.post("/people/add", data=form).text
    link = re.search(r"/link/account/[\w-]+", page)
    assert link
    assert "This is the last administrator" in read(runner, at)  # whoever was invited may not come
    assert complete(site, link[0])[0] == 303
    assert "This is the last administrator" not in read(runner, at)
    assert press(runner, read(runner, at), "End this account", at, what="end") == at
    chief = site.signed_in("chief")
    form |= {"form": forms(chief), "login": "third", "scopes": "administer"}
    assert chief.post("/people/add", data=form).status_code == 200
    with site.api.house.instance.database.reading() as tx:
        third = stored.find_account(tx, login="third")
    assert third is not None
    assert third.unit == CENTRE  # a unit's administrator makes none of the instance


# ---------------------------------------------------------------- back, and two tabs


def test_a_form_to_which_somebody_goes_back_is_recorded_once_and_not_with_something_else(
    site: Site,
) -> None:
    client = site.signed_in("operator")
    at = f"/acts/cycle-opening?equipment={SERIAL}&key=of-the-form-before"
    page = read(client, at)
    first = press(client, page, "Sign and record", at, equipment=SERIAL, number="50")
    again = press(client, read(client, at), "Sign and record", at, equipment=SERIAL, number="50")
    assert first == again
    with pytest.raises(AssertionError, match="recorded already, with something else"):
        press(client, read(client, at), "Sign and record", at, equipment=SERIAL, number="51")
    assert site.api.get(f"/v1/cycles/{SERIAL}/51", site.api.operator).status_code == 404


def test_a_tab_of_a_session_that_is_over_records_nothing_for_who_came_after(site: Site) -> None:
    client = site.signed_in("operator")
    at = f"/acts/cycle-opening?equipment={SERIAL}"
    tab = read(client, at)
    assert client.post("/sign-out", data={"form": forms(client)}).status_code == 303
    assert client.post(site.link("operator")).status_code == 303
    with pytest.raises(AssertionError, match="not of your session"):
        press(client, tab, "Sign and record", at, equipment=SERIAL, number="50")
    assert site.api.get(f"/v1/cycles/{SERIAL}/50", site.api.operator).status_code == 404


def test_of_two_tabs_that_judge_the_same_load_the_second_is_told_that_it_changed(
    site: Site,
) -> None:
    site.api.finished_cycle(41)
    client = site.signed_in("operator")
    found = site.api.get(f"/v1/cycles/{SERIAL}/41", site.api.operator).json()
    at = f"/cycles/{found['id']}/decide"
    tabs = [read(client, at), read(client, at)]
    press(client, tabs[0], "Hold", at, decision="hold", reason="a look")
    with pytest.raises(AssertionError, match="the cycle has a decision already"):
        press(client, tabs[1], "Reject", at, decision="reject", reason="wet")
    assert decision(site)["facts"]["decision"] == "hold"


def test_no_browser_keeps_a_page_for_whoever_sits_down_after_sign_out(site: Site) -> None:
    client = site.signed_in("operator")
    for path in ("/", "/cycles", "/account", "/sign-in"):
        assert client.get(path).headers["cache-control"] == "no-store"


def test_an_administrator_sees_who_may_come_in_with_what_and_who_is_at_each_station(
    site: Site, two: TestClient
) -> None:
    chief = site.signed_in("chief")
    assert "Operator Zhang is there" in read(chief, "/stations")
    assert "key of this server" in read(chief, "/people")
    assert "Operator Zhang" not in read(chief, "/people?only=badge")
    assert "Operator Zhang" in read(chief, "/people?only=invited")
    complete(site, invite(site))
    assert "Operator Zhang" in read(chief, "/people?only=active")
    assert "Member Zhang" not in read(chief, "/people")
    assert "account key" in read(chief, "/signers")
    assert is_in(two) is False  # whoever chose a new way in is out where they were


def test_a_browser_at_an_address_where_nothing_is_gets_a_page(site: Site) -> None:
    said = site.client.get("/nowhere", headers={"accept": "text/html,*/*"})
    assert said.status_code == 404
    assert "there is nothing at this address" in said.text
    assert "<main" in said.text
    told = site.client.get("/nowhere", headers={"accept": "*/*"})
    assert told.json()["field"] == "path", "a program is told as before"

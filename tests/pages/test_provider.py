"""Sign-in by the group's own provider: a real one, which says the truth or something else."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from pydantic import ValidationError
from starlette.testclient import TestClient

from ledger.domain.errors import Refused
from ledger.settings import Settings
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.steps.asking.provided import LIFETIME
from ledger.steps.asking.provider import SKEW, find_provider
from ledger.steps.instance import Instance
from tests.house import SERIAL
from tests.pages.conftest import Site
from tests.pages.kit import Door, press, read
from tests.pages.provider import CLIENT, SECRET, SmallProvider, new_key, small_provider
from tests.pages.test_signing_in import forms, is_in


@dataclass
class Way:
    """The site with a provider, and the browser of somebody on the way there and back."""

    site: Site
    provider: SmallProvider
    instance: Instance
    door: Door

    def browser(self) -> TestClient:
        client = TestClient(self.door.app, follow_redirects=False, raise_server_exceptions=False)
        client.headers["accept-language"] = "en"
        return client

    def leave(self, client: TestClient, query: str = "") -> str:
        """To the provider and its answer: the path with which the browser comes back."""
        left = client.get("/provider" + query, headers={"sec-fetch-site": "same-origin"})
        assert left.status_code == 303, left.text
        answer = requests.get(left.headers["location"], allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    def come(self, client: TestClient, query: str = "") -> str:
        """There and back: what the page then says."""
        told = client.get(self.leave(client, query))
        assert (told.status_code == 200) == is_in(client)
        main = html.unescape(told.text).partition("<main")[2]
        return main.partition("<form")[0]

    def bind(self, subject: str = "li.na", role: str = "operator") -> None:
        """The chief says who an account is at the provider."""
        chief = self.browser()
        assert chief.post(self.site.link("chief")).status_code == 303
        at = f"/people/{self.site.accounts[role]}"
        label = "Keep it; empty: nobody there"
        press(chief, read(chief, at), label, at, what="provider", subject=subject)


def settings_of(provider: SmallProvider, home: Path) -> Settings:
    secret = home / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    return Settings(
        home=home, oidc_issuer=provider.issuer, oidc_client=CLIENT, oidc_secret_file=secret,
        oidc_name="the group",
    )  # fmt: skip


@pytest.fixture
def way(site: Site, tmp_path: Path) -> Iterator[Way]:
    with small_provider(site.api.house.clock) as provider:
        settings = settings_of(provider, tmp_path)
        instance = replace(site.api.house.instance, settings=settings)
        yield Way(site, provider, instance, Door.of(instance))


def test_who_is_bound_comes_in_and_their_records_say_how_they_were_known(way: Way) -> None:
    way.bind()
    client = way.browser()
    assert "Sign in with the group" in read(client, "/sign-in")
    assert 'href="/due"' in way.come(client, "?next=/due")
    form = {"form": forms(client), "equipment": SERIAL, "number": "71"}
    assert client.post("/acts/cycle-opening", data=form).status_code == 303
    view = way.site.api.get(f"/v1/cycles/{SERIAL}/71", way.site.api.operator).json()
    assert view["timeline"][0]["facts"]["authenticated_by"] == "oidc"


def test_where_no_provider_is_set_nothing_speaks_of_one(site: Site) -> None:
    assert "/provider" not in site.client.get("/sign-in").text
    assert site.client.get("/provider").status_code == 404
    assert site.client.get("/provider/back?state=x").status_code == 404


@pytest.mark.parametrize(
    "lie,told",
    [
        ({"nonce": "another"}, "nonce"),
        ({"aud": ["somebody"]}, "aud"),
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"sub": ""}, "sub"),
        ({"azp": "somebody"}, "azp"),
        ({"at_hash": "AAAA"}, "at_hash"),
    ],
)
def test_a_token_that_says_another_thing_lets_nobody_in(
    way: Way, lie: dict[str, object], told: str
) -> None:
    way.bind()
    way.provider.lies = lie
    page = way.come(way.browser())
    assert "does not hold" in page
    assert told in page


def test_a_token_counts_within_its_time_but_for_what_two_clocks_differ(way: Way) -> None:
    way.bind()
    skew = int(SKEW.total_seconds())
    now = int(way.site.api.house.clock().timestamp())
    for lie, is_good in (
        ({"exp": now - skew + 1}, True), ({"exp": now - skew - 1}, False),
        ({"iat": now + skew}, True), ({"iat": now + skew + 1}, False),
    ):  # fmt: skip
        way.provider.lies = lie
        page = way.come(way.browser())
        assert ("Signed in" in page) is is_good, lie


def test_an_answer_counts_once_in_the_browser_that_asked_and_soon(way: Way) -> None:
    way.bind()
    client, other = way.browser(), way.browser()
    path = way.leave(client)
    assert other.get(path).status_code == 403
    way.leave(other)
    assert other.get(path).status_code == 403
    kept = client.cookies["flow"]
    assert client.get(path).status_code == 200
    again = way.browser()
    again.cookies.set("flow", kept)
    assert "came before" in again.get(path).text
    assert not is_in(again)
    late = way.browser()
    path = way.leave(late)
    way.site.api.house.clock.advance(seconds=LIFETIME.total_seconds() + 1)
    assert "too late" in late.get(path).text


def test_a_refusal_and_the_answer_of_another_provider_let_nobody_in(way: Way) -> None:
    way.bind()
    for query in ("&error=access_denied", "&iss=https://elsewhere.example"):
        client = way.browser()
        path = way.leave(client)
        path = path.replace("code=", "gone=") + query if "error" in query else path + query
        assert client.get(path).status_code == 403
        assert not is_in(client)


def test_who_is_nobody_here_is_told_their_name_there_and_an_email_address_binds_nothing(
    way: Way,
) -> None:
    page = way.come(way.browser())
    assert "nobody here is li.na at the group" in page
    way.bind("li.na@example.org")
    assert "nobody here is" in way.come(way.browser())


def test_an_invitation_binds_whom_the_provider_names_and_ends_what_was_before(way: Way) -> None:
    house, account = way.site.api.house, way.site.accounts["operator"]
    before = way.browser()
    assert before.post(way.site.link("operator")).status_code == 303
    with house.instance.database.transaction() as tx:
        link = make_link(house.instance, tx, LinkPurpose.ACCOUNT, account=account)
    client = way.browser()
    page = read(client, link)
    query = page.partition('href="/provider')[2].partition('"')[0]
    elsewhere = {"referer": "https://elsewhere.example/"}
    for headers in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}, elsewhere):
        told = client.get("/provider" + query, headers=headers)
        assert (told.status_code, "open your link again" in told.text) == (422, True)
    own = client.get("/provider" + query, headers={"referer": "http://testserver" + link})
    assert own.status_code == 303
    assert "Signed in" in way.come(client, query)
    assert not is_in(before)
    assert client.get(link).status_code == 404
    assert "Signed in" in way.come(way.browser())


def test_nobody_is_two_people_and_a_bond_that_is_taken_back_ends_its_sessions(way: Way) -> None:
    way.bind()
    with pytest.raises(AssertionError, match="is somebody else"):
        way.bind(role="chief")
    client = way.browser()
    way.come(client)
    way.bind("wang.fang")
    assert not is_in(client), "it is another's account by now"
    way.bind()
    way.come(client)
    way.bind("")
    assert not is_in(client)
    assert "nobody here is" in way.come(way.browser())


def test_the_provider_may_change_its_keys_and_a_strangers_key_counts_for_nothing(way: Way) -> None:
    way.bind()
    assert "Signed in" in way.come(way.browser())
    way.provider.key = new_key()
    way.site.api.house.clock.advance(minutes=2)
    assert "Signed in" in way.come(way.browser())
    assert way.provider.asked.count("itself") == 1
    assert way.provider.asked.count("keys") == 2
    way.provider.key = new_key()
    way.site.api.house.clock.advance(seconds=1)
    assert "does not hold" in way.come(way.browser())


def test_a_provider_that_calls_itself_another_or_is_away_lets_nobody_in_and_says_so(
    way: Way,
) -> None:
    way.provider.claims_of_itself = {"issuer": "https://elsewhere.example"}
    told = way.browser().get("/provider")
    assert (told.status_code, "it is another one" in told.text) == (403, True)
    gone = Settings(
        home=way.instance.settings.home, oidc_issuer="http://127.0.0.1:9", oidc_client=CLIENT,
        oidc_secret_file=way.instance.settings.oidc_secret_file,
    )  # fmt: skip
    client = TestClient(Door.of(replace(way.instance, settings=gone)).app, follow_redirects=False)
    told = client.get("/provider", headers={"accept-language": "en"})
    assert told.status_code == 403
    assert "does not answer" in told.text
    assert 'name="password"' in told.text


def test_a_secret_that_others_may_read_and_half_of_the_settings_are_refused(way: Way) -> None:
    path = way.instance.settings.oidc_secret_file
    assert path is not None
    path.chmod(0o640)
    with pytest.raises(Refused, match="may be read by others"):
        find_provider(replace(way.instance))
    for values in (
        {"oidc_issuer": "https://login.example"},
        {"oidc_issuer": "http://login.example", "oidc_client": "x", "oidc_secret_file": "y"},
    ):
        with pytest.raises(ValidationError):
            Settings(**values)  # type: ignore[arg-type]


def test_the_secret_is_in_no_page_and_in_nothing_that_is_kept_or_told(
    way: Way, capfd: pytest.CaptureFixture[str]
) -> None:
    way.bind()
    client = way.browser()
    told = [client.get(way.leave(client)).text, client.cookies["session"], repr(way.instance)]
    kept = [
        each.read_bytes() for each in way.instance.settings.home.iterdir() if each.name != "secret"
    ]
    assert len(kept) > 1
    for found in (*(each.encode() for each in (*told, *capfd.readouterr())), *kept):
        assert SECRET.encode() not in found

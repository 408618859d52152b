"""The pages in a real browser: for everybody, in both languages and themes, on a phone as well."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from ledger.domain.custody.codes import make_basket
from ledger.steps.asking.provided import bind
from tests.house import CENTRE, SERIAL
from tests.pages.browser import AXE, browser
from tests.pages.conftest import Site, served, serving
from tests.pages.group import people_and_packages
from tests.pages.kit import Door
from tests.pages.provider import small_provider
from tests.pages.test_provider import settings_of
from tests.pages.test_signing_in import PASSWORD, code, complete, invite

MOST_BYTES = 150 * 1024
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}
#: Latin words that a Chinese page shows: names of things and of people, and words of ours
LATIN = re.compile(
    r"SteriLedger|English|CSV|XLSX|PDF|ZPL|Zebra|QR|mm\b|PIN"
    r"|steriledger [a-z]+( [a-z]+)*|DAC[\w. ]*|[\w-]*/[\w./-]+"
    r"|0x[0-9a-f]*|\b[0-9a-f]{8,}\b|Zhang|Unit \w+|Administrator \w+|Sterilizer \d+|Operator"
    r"|[Cc]entre|member|operator|chief|runner|auditor|Chief|Member|Auditor|Runner"
    r"|[Ww]orker|van\b|other\b|[A-Z]-\d+"
    r"|en-285\S*|UTC|Europe/\w+|bar\b|min\b|zzz|Universal\S*|MiB"
)
PAGES = {
    "nobody": ["/sign-in", "/offline"],
    "operator": [
        "/", "/cycles", "/cycles/open", "/readings", "/due", "/ask", "/ask?q=zzz",
        "/cycles/{13}", "/cycles/{13}/decide", "/cycles/{14}/decide", "/operations",
        "/inspection?month=2016-03", "/inspection/{13}", "/account", "/state",
        "/acts/load-declaration?cycle={13}", "/acts/cycle-opening?equipment=601362&epoch=9",
        "/statements", "/inbox", "/questions", "/questions?q=zzz", "/incidents", "/terms",
        "/incidents/open", "/cycles/open/{machine}", "/due/{20}",
    ],
    "chief": [
        "/people", "/people?only=badge", "/people/add", "/people/{operator}", "/stations",
        "/machines", "/signers", "/assets",
        "/units", "/units/1", "/acts/equipment-registration",
    ],
    "worker 2": [
        "/receive", "/receive?q=centre/4711>other", "/consignments/{4712}/receive",
        "/consignments/{4712}/receive?said=1/Q03&said=1/Q77&said=zz", "/consignments",
        "/consignments/{4711}", "/packages/1/Q01", "/packages/1/Q01?at=2026-11-21T12:10",
        "/use?said=1/Q01&said=zz", "/shelf?said=1/Q01&said=1/Q77", "/recalls",
        "/recalls/{recall}", "/recalls/{recall}/answer?said=1/Q01",
    ],
    "worker 1": [
        "/consignments/{4711}/slip", "/dispatch", "/dispatch?said=1/Q01&purpose=clean",
        "/ask?q=centre/4711", "/labels", "/labels?said=1/Q01&said=zz", "/paper", "/bench",
        "/bench/soiled?said=HIP&said=1/Q01&said=zz", "/bench/assemble?q=HIP",
        "/return?said=1/Q03", "/paper/log", "/state", "/catalogue", "/sets/1/HIP",
    ],
    "worker 7": ["/trip", "/consignments/{4712}"],
}  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all of these."""
    with browser() as started:
        yield started


@contextmanager
def opened(
    chromium: Browser, site: Site, role: str, *, language: str = "en", **options: object
) -> Iterator[Page]:
    """A page of a browser in which somebody is signed in; it may ask this site alone."""
    settings = {"viewport": DESK, "locale": LOCALES[language], **options}
    context: BrowserContext = chromium.new_context(**settings)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    asked: list[Request] = []
    context.on("request", lambda each: asked.append(each))  # noqa: PLW0108 - it is marked
    page = context.new_page()
    try:
        if role != "nobody":
            page.goto(site.url + site.link(role))
            page.locator("main button.big").click()
        yield page
        assert {request.url.split("/")[2] for request in asked} <= {site.url.split("/")[2]}
    finally:
        context.close()


def addresses(site: Site) -> Callable[[str], str]:
    """Path of a page → its address, with what it is about as it stands now."""
    api = site.api
    cycles = api.get("/v1/cycles", api.operator).json()["cycles"]
    about = {str(each["number"]): each["id"] for each in cycles} | site.accounts
    boxes = api.get("/v1/consignments", api.auditor).json()["consignments"]
    about |= {each["slip"]: each["id"] for each in boxes}
    about["machine"] = api.get("/v1/equipment", api.operator).json()["equipment"][0]["id"]
    for each in api.get("/v1/recalls", api.operator).json()["recalls"]:
        about["recall"] = each["order"]
    return lambda path: site.url + re.sub(r"\{(\w+)\}", lambda found: about[found[1]], path)


#: the rules whose answer may be another in the other theme
OF_A_THEME = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
#: those whose answer may be another in the other language; `make soak` and `make bench` ask all
OF_A_LANGUAGE = {
    "type": "tag",
    "values": ["cat.language", "cat.name-role-value", "cat.text-alternatives"],
}
ASKS_ALL = bool(os.environ.get("STERILEDGER_EVERY_CASE"))


def violations(page: Page, only: Mapping[str, object] | None = None) -> list[str]:
    """What axe has against a page, by all of its rules or by some: rule, and where."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    chosen = {"runOnly": only} if only else {}
    found = page.evaluate("rules => axe.run({...rules, resultTypes: ['violations']})", chosen)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary'][:200]}"
        for each in found["violations"]
    ]


def barriers(page: Page, url: str) -> list[str]:
    """What keeps somebody out of a page, in light and dark."""
    page.emulate_media(color_scheme="light")
    page.goto(url)
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    return found + violations(page, OF_A_THEME)


def weight(page: Page) -> int:
    """The bytes of a page that is shown, and of everything that it loads."""
    # asked for by the page itself: a connection of the test's own may have been closed meanwhile
    assets: int = page.evaluate(
        "async () => { const all = document.querySelectorAll("
        "'link[rel=stylesheet], script[src], img');"
        " let sum = 0; for (const url of new Set([...all].map(each => each.href || each.src)))"
        " sum += Number((await fetch(url)).headers.get('content-length')); return sum; }"
    )
    return assets + len(page.content().encode())


def require_phone(page: Page, url: str) -> None:
    """A page is light, fits a phone, and has targets for fingers."""
    page.goto(url)
    assert weight(page) <= MOST_BYTES, url
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, url
    small = page.eval_on_selector_all(
        "main button:not([hidden]), main a[role=button], main select,"
        " main input:not([type=hidden], [type=checkbox], [type=radio])",
        "all => all.filter(e => e.checkVisibility()"
        " && e.getBoundingClientRect().height < 44).map(e => e.outerHTML.slice(0, 120))",
    )
    assert small == [], url


def english_left(page: Page) -> set[str]:
    """The English words of a Chinese page that is shown, folded away or not."""
    # what is recorded stays in the words of whoever recorded it; a copy, so that nothing is painted
    text = page.evaluate(
        "() => { const all = document.body.cloneNode(true);"
        " for (const each of all.querySelectorAll("
        "'svg, dd, code, option, script, style, template, [hidden], [lang=en]')) each.remove();"
        " const texts = document.createTreeWalker(all, NodeFilter.SHOW_TEXT), found = [];"
        " while (texts.nextNode()) found.push(texts.currentNode.data);"
        " return found.join(' '); }"
    )
    return set(re.findall(r"[A-Za-z][a-z]{2,}[A-Za-z ]*", LATIN.sub(" ", text)))


def what_is_not_chinese(page: Page, url: str) -> set[str]:
    """What keeps somebody out of a page who reads Chinese."""
    if ASKS_ALL:
        found = barriers(page, url)
    else:
        page.goto(url)
        found = violations(page, OF_A_LANGUAGE)
    return {*found, *english_left(page)}


@pytest.mark.parametrize("role", PAGES)
def test_nothing_on_a_page_keeps_anybody_out(chromium: Browser, shown: Site, role: str) -> None:
    at = addresses(shown)
    # nothing moves: a colour on its way to the other theme is of neither
    with opened(chromium, shown, role, reduced_motion="reduce") as page:
        wrong = {path: barriers(page, at(path)) for path in PAGES[role]}
    assert {path: each for path, each in wrong.items() if each} == {}


@pytest.mark.parametrize("role", PAGES)
def test_a_page_is_light_fits_a_phone_and_has_targets_for_fingers(
    chromium: Browser, shown: Site, role: str
) -> None:
    at = addresses(shown)
    with opened(chromium, shown, role, viewport=PHONE, has_touch=True) as page:
        for path in PAGES[role]:
            require_phone(page, at(path))


@pytest.mark.parametrize("role", PAGES)
def test_a_chinese_page_has_no_english_left_and_keeps_nobody_out(
    chromium: Browser, shown: Site, role: str
) -> None:
    at = addresses(shown)
    with opened(chromium, shown, role, language="zh", reduced_motion="reduce") as page:
        left = {path: what_is_not_chinese(page, at(path)) for path in PAGES[role]}
    assert {path: each for path, each in left.items() if each} == {}


def test_a_list_narrows_while_somebody_types(chromium: Browser, shown: Site) -> None:
    with opened(chromium, shown, "operator") as page:
        page.goto(shown.url + "/cycles")
        assert page.locator("#rows tbody tr").count() > 1
        page.locator("#q").press_sequentially("/13")
        page.locator("#rows tbody tr").nth(1).wait_for(state="detached")
        assert page.locator("#rows tbody tr").count() == 1
        assert page.url.endswith("q=%2F13")


class Taps:
    """Counts what a hand does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def tap(self, selector: str) -> None:
        """One tap, on something large enough for a glove."""
        target = self.page.locator(selector).first
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 60, (selector, box)
        self.count += 1
        target.click()


def test_a_cycle_is_opened_with_one_tap_and_its_machine(chromium: Browser, site: Site) -> None:
    with serving(site), opened(chromium, site, "operator", viewport=PHONE) as page:
        page.goto(site.url + "/cycles/open")
        taps = Taps(page)
        taps.tap("article.tile button.big")
        page.get_by_text("Recorded.").or_(page.get_by_text(f"{SERIAL}/1")).first.wait_for()
        assert taps.count == 1
    assert site.api.get(f"/v1/cycles/{SERIAL}/1", site.api.operator).status_code == 200


def test_a_load_is_released_with_two_taps(chromium: Browser, site: Site) -> None:
    site.api.finished_cycle(41)
    with serving(site), opened(chromium, site, "operator", viewport=PHONE) as page:
        taps = Taps(page)
        taps.tap(".tap-list a[role=button]")
        taps.tap("button[value=release]")
        page.get_by_text("Recorded.").wait_for()
        assert taps.count == 2
        assert "Released" in page.locator(".verdicts").inner_text() or (
            "released" in page.locator(".verdicts").inner_text()
        )
    view = site.api.get(f"/v1/cycles/{SERIAL}/41", site.api.operator).json()
    assert view["state"] == "released"


def test_a_sealed_box_is_taken_in_with_a_scan_and_a_tap(chromium: Browser, site: Site) -> None:
    people_and_packages(site).send("4711")
    with serving(site), opened(chromium, site, "worker 2", viewport=PHONE) as page:
        page.goto(site.url + "/receive")
        page.keyboard.type("centre/4711>member\n")
        page.get_by_role("button", name="Seals whole").wait_for()
        taps = Taps(page)
        taps.tap("button[value=sealed]")
        page.get_by_text("Recorded.").wait_for()
        assert taps.count == 1
    (box,) = site.api.get("/v1/consignments", site.api.auditor).json()["consignments"]
    assert box["status"] == "received"


def test_a_basket_is_washed_with_a_scan_and_a_tap(chromium: Browser, site: Site) -> None:
    group = people_and_packages(site)
    basket = make_basket(CENTRE, "K7")
    for act, lies_in in (("used", None), ("put_in", basket)):
        line = {"act": act, "package": "1/Q01", "basis": "scanned", "code": lies_in}
        group.api.record("scan-report", group.tokens[CENTRE], lines=[line])
    with serving(site), opened(chromium, site, "worker 1", viewport=PHONE) as page:
        page.goto(site.url + "/bench/washed")
        page.keyboard.type(f"{basket}\n")
        page.get_by_text("1/Q01").first.wait_for()
        taps = Taps(page)
        taps.tap("button[value=done]")
        page.get_by_text("Recorded.").wait_for()
        assert taps.count == 1
    assert group.get("where", package="centre/Q01")["stage"] == "washed"


def test_a_box_that_was_left_half_scanned_is_gone_on_with(chromium: Browser, site: Site) -> None:
    box = people_and_packages(site).send("4711")
    with serving(site), opened(chromium, site, "worker 2", viewport=PHONE) as page:
        page.goto(site.url + f"{box}/receive")
        for serial in ("Q01", "Q02"):
            page.keyboard.type(f"centre/{serial}\n")
            page.get_by_role("status").filter(has_text=f"1/{serial}").wait_for()
        page.goto(site.url + "/shelf")
        page.goto(site.url + f"{box}/receive")
        page.get_by_role("button", name="Go on where you stopped").click()
        page.get_by_text("2 of 3 there").wait_for()
        page.keyboard.type("centre/Q03\n")
        page.get_by_text("3 of 3 there").wait_for()
        page.locator("button[value=done]").click()
        page.get_by_text("Recorded.").wait_for()
        page.goto(site.url + f"{box}/receive")
        assert page.locator("[data-resume]:visible").count() == 0


def test_packages_are_used_without_javascript(chromium: Browser, site: Site) -> None:
    group = people_and_packages(site)
    with (
        serving(site),
        opened(chromium, site, "worker 1", java_script_enabled=False) as page,
    ):
        page.goto(site.url + "/use")
        for serial in ("Q01", "Q02"):
            page.locator("#scan").fill(f"centre/{serial}")
            page.locator("#scan").press("Enter")
        page.locator("#case").fill("k-1")
        page.locator("button[value=done]").click()
        page.get_by_text("Recorded.").wait_for()
    assert group.get("where", package="centre/Q02")["case"] == "k-1"


def test_two_taps_on_one_button_record_once(chromium: Browser, site: Site) -> None:
    with serving(site), opened(chromium, site, "operator") as page:
        page.goto(site.url + "/cycles/open")
        page.locator("article.tile button.big").first.dblclick()
        page.get_by_text(f"{SERIAL}/1").first.wait_for()
    found = site.api.get("/v1/operations?kind=cycle-opening", site.api.operator).json()
    assert len(found["operations"]) == 1


def test_everything_is_done_without_javascript(chromium: Browser, site: Site) -> None:
    site.api.finished_cycle(42)
    with (
        serving(site),
        opened(chromium, site, "operator", java_script_enabled=False) as page,
    ):
        page.goto(site.url + "/cycles?q=42")
        page.get_by_role("link", name=f"{SERIAL}/42").click()
        page.get_by_role("button", name="Unload and decide").click()
        page.locator("button[value=reject]").click()
        page.get_by_text("Recorded.").wait_for()
        page.goto(site.url + "/acts/cycle-opening?equipment=" + SERIAL)
        page.locator("[name=number]").fill("0")
        page.get_by_role("button", name="Sign and record").click()
        assert page.locator(".wrong-text").count() == 1
        page.locator("[name=number]").fill("43")
        page.get_by_role("button", name="Sign and record").click()
        page.get_by_text("Recorded.").wait_for()


def test_a_passkey_is_enrolled_and_signs_in(chromium: Browser, site: Site) -> None:
    status, secret = complete(site, invite(site))
    assert status == 303
    site.api.house.clock.advance(seconds=60)
    with serving(site), opened(chromium, site, "operator") as page:
        page.get_by_role("button", name="Sign out").click()
        page.locator("[name=login]").fill("operator")
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("[name=code]").fill(code(site, secret))
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.get_by_role("heading", name="Start").wait_for()
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        page.goto(site.url + "/account")
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_role("button", name="Forget it").wait_for()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_role("heading", name="Start").wait_for()
        page.goto(site.url + f"/acts/cycle-opening?equipment={SERIAL}&number=44")
        page.get_by_role("button", name="Sign and record").click()
        page.get_by_text("Recorded.").wait_for()
    view = site.api.get(f"/v1/cycles/{SERIAL}/44", site.api.operator).json()
    assert view["timeline"][0]["facts"]["authenticated_by"] == "passkey"


def test_the_groups_provider_signs_in_although_it_is_another_site(
    chromium: Browser, site: Site, tmp_path: Path
) -> None:
    house = site.api.house
    with small_provider(house.clock) as provider:
        provider.issuer = provider.issuer.replace("localhost", "127.0.0.1")
        instance = replace(house.instance, settings=settings_of(provider, tmp_path))
        with instance.database.transaction() as tx:
            bind(instance, tx, house.caller, site.accounts["operator"], provider.user)
        with served(Door.of(instance).app) as url:
            provider.back = url + "/provider/back"
            page = chromium.new_page(locale="en-GB")
            page.goto(url + "/cycles")
            assert violations(page) == []
            page.get_by_role("button", name="Sign in with the group").click()
            page.get_by_role("heading", name="Cycles").wait_for()
            assert urlsplit(page.url).path == "/cycles"
            page.context.close()

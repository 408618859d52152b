"""Scanning in a real browser while the server comes and goes: no shot is lost, and none counts twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.house import CENTRE
from tests.pages.browser import browser
from tests.pages.conftest import Site, serving
from tests.pages.group import Group, people_and_packages
from tests.pages.test_in_browser import PHONE, opened

MANY = [f"B{number:02}" for number in range(20)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all of these."""
    with browser() as started:
        yield started


@pytest.fixture
def group(site: Site) -> Group:
    """A group whose centre has twenty packages more."""
    group = people_and_packages(site)
    packed = {"serials": MANY, "expires": "2027-05-01"}
    assert group.api.post("/v1/packages", group.tokens[CENTRE], json=packed).status_code == 200
    return group


def ready(page: Page, url: str) -> None:
    """A page that keeps what is scanned, and whose place is kept as well."""
    page.goto(url)
    page.locator("html[data-ready]").wait_for()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def shoot(page: Page, *shots: str) -> None:
    """As fast as a scanner can."""
    for shot in shots:
        page.keyboard.type(f"{shot}\n")


def said(page: Page, count: int) -> list[str]:
    """What stands on the page, once it is so many."""
    page.wait_for_function(
        "count => document.querySelectorAll('[name=said]').length === count", arg=count
    )
    return page.eval_on_selector_all("[name=said]", "all => all.map(each => each.value)")


def test_no_shot_of_a_burst_is_lost_while_the_server_is_killed_and_comes_back(
    chromium: Browser, group: Group
) -> None:
    site, shots = group.site, [f"centre/{each}" for each in MANY]
    with serving(site):
        context = opened(chromium, site, f"worker {CENTRE}", viewport=PHONE)
        page = context.__enter__()
        ready(page, f"{site.url}/use")
        page.locator("#case").fill("k-9")
        page.locator("#scan").focus()
        shoot(page, *shots[:12])
    shoot(page, *shots[12:])
    assert said(page, 20) == shots
    page.screenshot(path="/tmp/shots/a.png", full_page=True)
    page.locator("button[value=done]").click()
    page.get_by_text("Kept on this device as number 1").wait_for()
    page.screenshot(path="/tmp/shots/b.png", full_page=True)
    page.reload()
    page.screenshot(path="/tmp/shots/c.png", full_page=True)
    context.__exit__(None, None, None)

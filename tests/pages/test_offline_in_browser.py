"""A tablet that scans while the server comes and goes: no shot is lost, and none counts twice."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from playwright.sync_api import BrowserContext, Page

from ledger.storage import packages
from tests.house import CENTRE, MEMBER
from tests.pages.browser import tablet
from tests.pages.conftest import Site, serving
from tests.pages.group import BOX, OTHER, Group, people_and_packages
from tests.pages.test_in_browser import LOCALES, PHONE

MANY = [f"B{number:02}" for number in range(20)]
#: as it is on a label: GTIN, serial, and the day after a separator
GS1 = "0109501101530003" + "21S1" + "\x1d" + "17270501"
#: a folder for pictures, where somebody wants to look at the states
LOOK = os.environ.get("STERILEDGER_PICTURES")


@pytest.fixture
def group(site: Site) -> Group:
    """A group whose centre has twenty packages more."""
    group = people_and_packages(site)
    packed = {"serials": MANY, "expires": "2027-05-01"}
    assert group.api.post("/v1/packages", group.tokens[CENTRE], json=packed).status_code == 200
    return group


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a camera sees that is held before a label."""
    drawing = zxingcpp.create_barcode(
        "(01)09501101530003(21)S1(17)270501",
        zxingcpp.BarcodeFormat.DataMatrix,
        gs1=True,
        forceSquare=True,
    )
    image: Any = drawing.to_image(scale=8, add_quiet_zones=True)
    pixels = memoryview(image)
    assert pixels.shape is not None
    height, width = pixels.shape
    path = tmp_path_factory.mktemp("film") / "label.y4m"
    grey = bytes(pixels.tobytes()) + b"\x80" * (2 * ((width + 1) // 2) * ((height + 1) // 2))
    path.write_bytes(f"YUV4MPEG2 W{width} H{height} F10:1 Ip C420jpeg\nFRAME\n".encode() + grey)
    return path


class Device:
    """A tablet, which may be closed and opened again."""

    def __init__(self, folder: Path, film: Path, **options: Any) -> None:
        self.folder, self.film, self.stack = folder, film, ExitStack()
        self.options = {"viewport": PHONE, "locale": LOCALES["en"], **options}
        self.context: BrowserContext = self.start()

    def start(self) -> BrowserContext:
        """Its browser, with what it kept."""
        self.context = self.stack.enter_context(tablet(self.folder, sees=self.film, **self.options))
        return self.context

    def restart(self) -> None:
        """As after the night."""
        self.stack.close()
        self.start()

    def open(self, url: str) -> Page:
        """A page that keeps what is scanned, and whose place is kept as well."""
        page = self.context.new_page()
        page.goto(url)
        page.locator("html[data-ready]").wait_for()
        page.evaluate("navigator.serviceWorker.ready.then(() => null)")
        return page

    def sign_in(self, site: Site, role: str) -> Page:
        """Somebody comes to it."""
        page = self.context.new_page()
        page.goto(site.url + site.link(role))
        page.locator("main button.big").click()
        page.locator("html[data-ready]").wait_for()
        return page


def shoot(page: Page, *shots: str) -> None:
    """As fast as a scanner can."""
    for shot in shots:
        page.keyboard.type(f"{shot}\n")


def said(page: Page, count: int) -> list[str]:
    """What stands on the page, once it is so many."""
    page.wait_for_function(
        "count => document.querySelectorAll('[name=said]').length === count", arg=count
    )
    found: list[str] = page.eval_on_selector_all(
        "[name=said]", "all => all.map(each => each.value)"
    )
    return found


def look(page: Page, name: str) -> None:
    """A picture of a state, where somebody wants to look."""
    if LOOK:
        page.screenshot(path=f"{LOOK}/{name}.png", full_page=True)


def come_back(page: Page) -> None:
    """The network says so, and nobody has to wait for the next knock."""
    page.evaluate("dispatchEvent(new Event('online'))")


def test_no_shot_is_lost_and_none_counts_twice_while_the_server_is_away(  # noqa: PLR0915 - a day
    group: Group, tmp_path: Path, film: Path
) -> None:
    site, shots = group.site, [f"centre/{each}" for each in MANY]
    device = Device(tmp_path / "tablet", film)
    group.api.record(
        "set-definition", group.tokens[CENTRE], set="HIP", version=1, instruments=37,
        material="textile",
    )  # fmt: skip
    with device.stack:
        with serving(site):
            device.sign_in(site, f"worker {CENTRE}")
            sheet = device.open(f"{site.url}/bench/assemble?q=HIP")
            sheet.locator("html[data-ready]").wait_for()
            page = device.open(f"{site.url}/use")
            page.locator("#case").fill("k-9")
            page.locator("#scan").focus()
            shoot(page, *shots[:12])
        # the server is killed in the middle of the burst
        shoot(page, *shots[12:])
        assert said(page, 20) == shots
        look(page, "use-away")
        page.locator("button[value=done]").click()
        page.get_by_text("Kept on this device as number 1").wait_for()
        assert "k-9" not in page.url
        page.close()
        for number, serial in ((2, "R7"), (3, "R8")):
            sheet.locator("#serial").fill(serial)
            sheet.locator("button[value=done]").click()
            sheet.get_by_text(f"Kept on this device as number {number}").wait_for()
        tabs = [device.open(f"{site.url}/use") for _ in range(2)]
        for tab, serial in zip(tabs, ("Q01", "Q02"), strict=True):
            tab.bring_to_front()
            shoot(tab, f"centre/{serial}", f"centre/{serial}")
            tab.get_by_text("scanned before: counts once").wait_for()
        look(tabs[0], "use-shell")
        tabs[0].locator("button[value=done]").click()
        tabs[0].get_by_text("Kept on this device as number 4").wait_for()
        device.restart()
        page = device.open(f"{site.url}/use")
        page.get_by_role("button", name="Go on where you stopped").click()
        assert said(page, 2) == ["centre/Q02"] * 2
        page.locator("button[value=done]").click()
        page.get_by_text("Kept on this device as number 5").wait_for()
        look(page, "use-kept")
        with serving(site):
            come_back(page)
            page.get_by_text("It is sent when whoever captured it signs in.").wait_for()
            look(page, "use-signed-out")
            page = device.sign_in(site, f"worker {CENTRE}")
            page.get_by_text("What this device kept: 5").click()
            page.get_by_text("recorded").nth(4).wait_for()
            look(page, "recorded")
    with site.api.house.instance.database.reading() as tx:
        names = [f"{CENTRE}/{serial}" for serial in (*MANY, "Q01", "Q02")]
        lines = packages.list_lines_of(tx, names)
    used = {name: [e for e in lines[name] if e.deed == "used"] for name in names}
    assert {name: len(each) for name, each in used.items()} == dict.fromkeys(names, 1)
    assert [used[f"{CENTRE}/{serial}"][0].case for serial in MANY] == ["k-9"] * 20
    assert all(each[0].happened for each in used.values())
    for serial in ("R7", "R8"):
        assert group.get("where", package=f"centre/{serial}")["stage"] == "assembled"


def test_what_is_refused_stays_on_the_device_for_who_captured_it(
    group: Group, tmp_path: Path, film: Path
) -> None:
    group.send()
    site, device = group.site, Device(tmp_path / "tablet", film)
    with device.stack:
        with serving(site):
            device.sign_in(site, f"worker {MEMBER}")
            device.open(f"{site.url}/shelf")
        page = device.open(f"{site.url}/receive")
        shoot(page, f"{BOX}>member", "centre/Q01")
        assert said(page, 1) == ["centre/Q01"]
        look(page, "receive-shell")
        page.locator("button[value=done]").click()
        page.get_by_text("Kept on this device as number 1").wait_for()
        # another tablet of the unit was quicker
        group.api.record(
            "take-over", group.tokens[MEMBER], consignment=BOX, outcome="kept", previous=None,
            rest="inferred",
        )  # fmt: skip
        with serving(site):
            come_back(page)
            page.get_by_text("the consignment is received").wait_for()
            look(page, "refused")
            page.goto(f"{site.url}/shelf")
            page.get_by_text("Refused, and kept here: 1").wait_for()
            look(page, "refused-online")
            page.get_by_role("button", name="Sign out").click()
            page = device.sign_in(site, f"worker {OTHER}")
            page.goto(f"{site.url}/shelf")
            page.locator("html[data-ready]").wait_for()
            assert page.locator("#kept").is_hidden(), "it is nobody else's to see"
            page = device.sign_in(site, f"worker {MEMBER}")
            page.get_by_role("button", name="Put aside").click()
            page.get_by_text("Refused, and kept here: 1").wait_for(state="detached")
            page.get_by_text("What this device kept: 1").wait_for()
            tell = {"status": 413, "content_type": "application/problem+json", "body": "{}"}
            page.goto(f"{site.url}/shelf")
            page.locator("html[data-ready]").wait_for()
            page.route("**/offline", lambda route: route.fulfill(**tell))
            shoot(page, "centre/Q02")
            page.locator("button[value=done]").click()
            page.get_by_text("the server answered 413").wait_for(state="attached")
            assert page.get_by_text("It is sent when whoever captured it signs in.").count() == 0
            page.unroute("**/offline")
            page.goto(f"{site.url}/shelf")
            page.get_by_text("recorded").wait_for(state="attached")
            shoot(page, "centre/Q03")
            assert said(page, 1) == ["centre/Q03"]
            group.api.record(
                "signer-revocation", group.api.member, signer=f"Worker {MEMBER}",
                reason="left",
            )  # fmt: skip
            page.locator("button[value=done]").click()
            page.get_by_role("alert").get_by_text("revoked").wait_for()
            page.goto(f"{site.url}/shelf")
            page.get_by_role("button", name="Go on where you stopped").wait_for()


def test_a_camera_reads_a_label_with_its_separator_and_says_when_it_may_not(
    group: Group, tmp_path: Path, film: Path
) -> None:
    site, device = group.site, Device(tmp_path / "tablet", film)
    with device.stack, serving(site):
        device.sign_in(site, f"worker {CENTRE}")
        page = device.open(f"{site.url}/use")
        # a browser without a screen asks nobody: it answers here as who said no
        page.evaluate(
            "void (navigator.mediaDevices.getUserMedia ="
            " () => Promise.reject(new DOMException('', 'NotAllowedError')))"
        )
        page.get_by_role("button", name="Camera").click()
        page.get_by_text("The camera was not allowed.").wait_for()
        look(page, "camera-refused")
        page.evaluate("delete navigator.mediaDevices.getUserMedia")
        page.get_by_role("button", name="Camera").click()
        assert said(page, 1) == [f"]d2{GS1}"]
        look(page, "camera")
        page.get_by_role("button", name="Close the camera").click()
        page.locator("video").wait_for(state="hidden")

"""What the pages cost whoever uses them: measured in a real browser, printed as JSON.

python -m tests.pages.measuring PACKAGES TURNS

The house is the tests' own; its packages are copies of one that was received, until there are as
many as are wanted.  It is a program of its own, since nothing outside the tests imports them.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2 as httpx
from playwright.sync_api import Browser

from api.pages.rendering import CARDS, prepare
from ledger.storage.engine.database import open_database
from tests.api.kit import build_api
from tests.house import CENTRE, MEMBER, SERIAL
from tests.pages.browser import browser
from tests.pages.conftest import Site, fill, furnish, send_and_recall, serving
from tests.pages.group import Form, Group, people_and_packages
from tests.pages.test_in_browser import (
    LOCALES,
    PAGES,
    PHONE,
    addresses,
    barriers,
    opened,
    weight,
)

BOX = 20
_SCANS = 200
_PERSON = "worker 2"
_KIB = 1024
#: what one package has rows in, and the columns that name it or may stand there once
_COPIED = {
    "packages": {"name": "'1/C' || n", "subject": "randomblob(32)"},
    "package_lines": {"package": "'1/C' || n"},
    "codes": {"package": "'1/C' || n", "code": "code || n"},
    "package_readers": {"package": "'1/C' || n"},
}


def box_of(turn: int) -> list[str]:
    """The packages of a box of twenty."""
    return [f"B{turn}N{number}" for number in range(BOX)]


@contextmanager
def furnished(folder: Path, turns: int) -> Iterator[tuple[Site, Group]]:
    """The pages' group, with packages enough for boxes of twenty, served at an address."""
    with closing(open_database(f"sqlite:///{folder}/pages.db")) as database:
        database.migrate()
        api = build_api(database, folder)
        with api.client:
            site = furnish(api)
            group = people_and_packages(site)
            # a machine that was recalled releases nothing more
            for turn in range(turns):
                release(group, 100 + turn, [*box_of(turn), f"S{turn}"])
            fill(site)
            send_and_recall(group)
            # as the server does when it starts
            prepare()
            with serving(site):
                yield site, group


def release(group: Group, cycle: int, serials: list[str]) -> None:
    """Packages that the centre labels and releases for the member."""
    api, name = group.api, f"{SERIAL}/{cycle}"
    packed = {"serials": serials, "expires": "2027-05-01"}
    answer = api.post("/v1/packages", group.tokens[CENTRE], json=packed)
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(answer.text)
    api.open_cycle(cycle)
    api.record(
        "load-declaration", api.operator, cycle=name,
        lines=[
            {"owner": MEMBER, "package_class": 1, "quantity": 1, "package": f"centre/{each}"}
            for each in serials
        ],
    )  # fmt: skip
    api.record("cycle-ending", api.operator, cycle=name, outcome="completed")
    current = api.get(f"/v1/cycles/{name}", api.operator).json()["current"]
    api.record(
        "cycle-decision", api.operator, cycle=name, decision="release", replaces=None,
        ending=current["ending"], load=current["load"], results={"physical": "pass"},
        shares=[{"owner": MEMBER, "package_class": 1, "delta": len(serials)}],
    )  # fmt: skip


def multiply(folder: Path, count: int) -> None:
    """As many packages as are wanted, each a copy of one that the member received unseen."""
    with closing(sqlite3.connect(folder / "pages.db")) as copied, copied:
        for table, changed in _COPIED.items():
            key = "name" if table == "packages" else "package"
            columns = [f'"{row[1]}"' for row in copied.execute(f"PRAGMA table_info({table})")]
            values = [changed.get(each.strip('"'), each) for each in columns]
            copied.execute(
                "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers "  # noqa: S608 - our own names
                f"WHERE n < ?) INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {', '.join(values)} FROM numbers, {table} WHERE {key} = '1/Q01'",
                (count,),
            )
        copied.execute("ANALYZE")


# ---------------------------------------------------------------- what hands do


def reconcile(chromium: Browser, site: Site, path: str, serials: list[str]) -> float:
    """Seconds to take in a box by scans: one of its packages is wet, and one is not there."""
    with opened(chromium, site, _PERSON, viewport=PHONE) as page:
        page.goto(f"{site.url}{path}/receive")
        begun = time.perf_counter()
        for serial in serials[:-1]:
            page.keyboard.type(f"centre/{serial}\n")
            page.get_by_role("status").filter(has_text=f"1/{serial}").wait_for()
        page.keyboard.type(f"{CARDS['wet']}\n")
        page.get_by_text("1 wet or damaged").wait_for()
        page.locator("#note").fill("from the rain")
        page.locator("button[value=done]").click()
        page.get_by_text("Recorded.").wait_for()
        return time.perf_counter() - begun


def take_sealed(chromium: Browser, site: Site, slip: str) -> float:
    """Seconds to take in a box with its seals whole: a scan and a tap."""
    with opened(chromium, site, _PERSON, viewport=PHONE) as page:
        page.goto(site.url + "/receive")
        begun = time.perf_counter()
        page.keyboard.type(f"centre/{slip}>member\n")
        page.locator("button[value=sealed]").click()
        page.get_by_text("Recorded.").wait_for()
        return time.perf_counter() - begun


def scan(site: Site, path: str, serials: list[str], count: int) -> list[float]:
    """Milliseconds of the server for each scan of a box's receipt."""
    took: list[float] = []
    with httpx.Client(base_url=site.url) as client:
        client.post(site.link(_PERSON))
        while len(took) < count:
            form = Form(client, f"{path}/receive")
            for serial in serials:
                begun = time.perf_counter()
                answer = form.send(("step", "scan"), ("scan", f"centre/{serial}"))
                took.append(1000 * (time.perf_counter() - begun))
                form = Form(client, f"{path}/receive", page=answer.text)
    return took


# ---------------------------------------------------------------- what pages weigh


def look(chromium: Browser, site: Site) -> dict[str, list[float]]:
    """KiB and seconds to the first paint of every page; raises where anybody is kept out."""
    at = addresses(site)
    found: dict[str, list[float]] = {"weight": [], "first_paint": []}
    for role, paths in PAGES.items():
        for language in LOCALES:
            with opened(chromium, site, role, language=language, reduced_motion="reduce") as page:
                for path in paths:
                    where = at(path)
                    page.goto(where)
                    found["weight"].append(weight(page) / _KIB)
                    found["first_paint"].append(
                        page.evaluate(
                            "() => new Promise(seen => new PerformanceObserver(list => "
                            "seen(list.getEntriesByName('first-contentful-paint')[0].startTime))"
                            ".observe({type: 'paint', buffered: true}))"
                        )
                        / 1000
                    )
                    wrong = barriers(page, where)
                    if wrong:
                        raise RuntimeError(f"{path} in {language}: {wrong}")
    return found


def main(count: int, turns: int) -> None:
    """Measure all of it."""
    with tempfile.TemporaryDirectory(prefix="steriledger-bench-") as name:
        folder = Path(name)
        with furnished(folder, turns + 1) as (site, group), browser() as chromium:
            seen = look(chromium, site)
            boxes = []
            for turn in range(turns + 1):
                boxes.append((group.send(f"twenty-{turn}", *box_of(turn)), box_of(turn)))
                group.send(f"sealed-{turn}", f"S{turn}")
            told = {
                **seen,
                "receive_twenty": [reconcile(chromium, site, *box) for box in boxes[1:]],
                "receive_sealed": [
                    take_sealed(chromium, site, f"sealed-{turn}") for turn in range(turns)
                ],
            }
            multiply(folder, count)
            told["scan"] = scan(site, *boxes[0], _SCANS)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

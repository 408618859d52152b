"""What the pages cost whoever uses them: hands, the server, and the browser."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from scripts.benchmarks.bounds import Figure, Figures, Size
from scripts.benchmarks.turns import percentile

ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = 1_000_000


def measure_pages(size: Size) -> Figures:
    """Chromium on a phone's screen, driven by a script that waits for what a person would see.

    Weight, first paint and axe are of every page in both languages, axe in both themes; what keeps
    anybody out, or a request to another host, ends the run.  A scan is one request and its
    answer, over HTTP on this machine.
    """
    count = size.of(_PACKAGES, least=1000)
    done = subprocess.run(
        [sys.executable, "-m", "tests.pages.measuring", str(count), str(size.repeats)],
        cwd=ROOT, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return {
        "pages/receive_twenty": Figure.median(found["receive_twenty"]),
        "pages/receive_sealed": Figure.median(found["receive_sealed"]),
        "pages/scan_p95": Figure.of(percentile(found["scan"], 0.95), found["scan"]),
        "pages/weight": Figure.of(max(found["weight"]), found["weight"]),
        "pages/first_paint": Figure.of(max(found["first_paint"]), found["first_paint"]),
        "pages/scan_p50": Figure.median(found["scan"]),
        "pages/first_paint_p50": Figure.median(found["first_paint"]),
        "pages/packages": Figure.once(count),
    }

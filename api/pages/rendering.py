"""Values → a page: the templates, and the headers that every page has."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.pages.words import LANGUAGES, Words, spoken
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.custody.codes import Command, make_command
from ledger.doors.guard import SECURITY_HEADERS

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
STATIC = Path(__file__).resolve().parent.parent / "static"

#: buttons that say the same as a card
CARDS: Mapping[str, str] = {each.value: make_command(each) for each in Command}
_MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}

#: Nothing comes from another host, and no script or style stands within a page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: What a browser may keep: its address changes with its content.
ASSET_HEADERS = tuple(
    (name, b"public, max-age=31536000, immutable" if name == b"cache-control" else value)
    for name, value in SECURITY_HEADERS
)


def _headers(policy: str, camera: str) -> tuple[tuple[bytes, bytes], ...]:
    own = {b"content-security-policy", b"referrer-policy"}
    return (
        *(pair for pair in SECURITY_HEADERS if pair[0] not in own),
        (b"content-security-policy", policy.encode()),
        # without any, a browser does not say from where a form comes
        (b"referrer-policy", b"same-origin"),
        (b"permissions-policy", f"geolocation=(), microphone=(), camera=({camera})".encode()),
    )


PAGE_HEADERS = _headers(POLICY, "")
#: Where things are scanned a camera may look, and what reads its pictures is compiled there.
SCAN_HEADERS = _headers(
    POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'"), "self"
)


@cache
def environment() -> Environment:
    """The templates; a name that nobody gave is an error, and everything is escaped."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["languages"] = LANGUAGES
    # what buttons say as the cards beside a scanner do
    made.globals["cards"] = CARDS
    made.filters["spoken"] = spoken
    # a form that is sent twice is recorded once: each has a key of its own
    made.globals["new_key"] = lambda: token_hex(16)
    made.filters["titled"] = lambda kind: ACTS[kind].spelled.replace("-", " ")
    return made


@dataclass(frozen=True)
class Asset:
    """A file that pages load."""

    content: bytes
    #: the same compressed
    packed: bytes
    media: str
    #: changes with the content, so that browsers may keep it
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """All of them, by their path below /static/."""
    return {
        path.relative_to(STATIC).as_posix(): Asset(
            content=path.read_bytes(),
            packed=gzip.compress(path.read_bytes(), mtime=0),
            media=_MEDIA[path.suffix],
            version=sha256(path.read_bytes()).hexdigest()[:12],
        )
        for path in STATIC.rglob("*")
        if path.suffix in _MEDIA
    }


def asset(name: str) -> str:
    """The address of a file that pages load."""
    return f"/static/{name}?{assets()[name].version}"


def prepare() -> None:
    """Read what pages are made of, for which the first reader of each page would wait."""
    assets()
    for language in LANGUAGES:
        Words(language, "UTC").sentence("")
    for name in environment().list_templates():
        environment().get_template(name)


def rendered(template: str, words: Words, **values: Any) -> str:  # noqa: ANN401 - each its own
    """The text of a page in the reader's language."""
    return (
        environment()
        .get_template(template)
        .render(
            w=words,
            _=words.say,
            asset=asset,
            **values,
        )
    )


def page(template: str, words: Words, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """A page as an answer."""
    return HTMLResponse(rendered(template, words, **values), status_code=status)

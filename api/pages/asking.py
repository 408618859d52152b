"""Request → who asks, in which language, with which form: what every screen is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.pages.words import Words
from ledger.domain.callers import Caller, Scope
from ledger.domain.errors import InvalidInput, Refused
from ledger.steps.accepting.with_passkeys import PasskeySigner, list_passkey_signers
from ledger.steps.asking.passkeys import Site
from ledger.steps.asking.sessions import NotSignedIn, Session, confirm_at_station
from ledger.steps.instance import Instance
from ledger.storage.operations import find_operation

SESSION_COOKIE = "session"
STATION_COOKIE = "station"
#: of what JSON and databases hold exactly
_NUMBER_DIGITS = 15
FLOW_COOKIE = "flow"
_FLOW_SECONDS = 600
#: how long a page says that something was recorded
_JUST_NOW = timedelta(minutes=10)
#: how long a tablet stays a station, unless somebody ends it
_STATION_SECONDS = 400 * 24 * 3600


#: What no encoding and no database takes; in its place stands what every text's rule refuses.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")


class Filled:
    """What somebody filled in: texts by name, several where a name has several."""

    def __init__(self, pairs: Iterable[tuple[str, object]] = ()) -> None:
        self._texts: dict[str, list[str]] = {}
        #: what was uploaded, by name: file name and content
        self.files: dict[str, tuple[str, bytes]] = {}
        for name, value in pairs:
            if isinstance(value, UploadFile):
                self.files[name] = (value.filename or "", value.file.read())
            else:
                self._texts.setdefault(name, []).append(_NO_TEXT.sub("\x01", str(value)))

    def get(self, name: str) -> str:
        """The text of that name, without blanks around it; empty where there is none."""
        return self._texts.get(name, [""])[-1].strip()

    def raw(self, name: str) -> str:
        """The same as it was typed: a password may begin with a blank."""
        return self._texts.get(name, [""])[-1]

    def all(self, name: str) -> list[str]:
        """Every text of that name."""
        return self._texts.get(name, [])

    def has(self, name: str) -> bool:
        """Whether anything of that name was sent."""
        return name in self._texts

    def put(self, name: str, text: str) -> None:
        """Say a text in the place of those of that name."""
        self._texts[name] = [text]

    def names(self) -> Iterable[str]:
        """The names of all texts."""
        return self._texts.keys()

    def without(self, name: str) -> Filled:
        """The same without what stands below a name."""
        start = f"{name}."
        return Filled(
            (each, text)
            for each, texts in self._texts.items()
            for text in texts
            if not each.startswith(start)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """That a form was filled in while nobody answered, and how a device kept it until now."""

    #: when it was done, by our clock
    at: datetime
    #: the same of each shot
    moments: Mapping[str, datetime]
    #: whose clock that was, and how far ahead of ours
    source: str
    #: which device it was, and its own number of the capture
    device: str
    #: who did it, where that is not who sends it; None: who sends it
    performer: str | None

    #: of what has a gate against it that nobody could ask
    reason: ClassVar[str] = "done while the server was away: nobody could ask the gate"


@dataclass(kw_only=True)
class Asking:
    """One request for a screen."""

    request: Request
    instance: Instance
    words: Words
    session: Session | None
    #: what a form sent, or the address asks for
    filled: Filled
    #: what went wrong with the form, for the page to show
    error: Exception | None = None
    #: sentences by the name of the field that they are about
    errors: Mapping[str, str] = field(default_factory=dict)
    #: None: it was filled in on a page of the server that answers now
    captured: Captured | None = None
    #: SHA-256 of what a device kept, the same however often it is sent; None: it kept nothing
    same: bytes | None = None

    @property
    def caller(self) -> Caller:
        """Who asks; raises NotSignedIn."""
        if self.session is None:
            raise NotSignedIn("you are not signed in", field="session", remedy="sign in")
        return self.session.caller

    @property
    def account(self) -> str:
        """The person's account; raises Refused for whoever holds a link alone."""
        if self.session is None or self.session.account is None:
            raise Refused("a link has no account", field="account", remedy="sign in")
        return self.session.account

    def require_person(self) -> None:
        """Raise NotSignedIn where nobody is, and Refused for whoever holds a link alone."""
        _ = self.caller, self.account

    @property
    def site(self) -> Site:
        """Under which name the pages were asked for."""
        return site_of(self.request)

    @cached_property
    def recorded(self) -> str:
        """The digest that the address says was recorded, where it was, just now, by one's unit.

        Empty for whatever else an address says: anybody can write one.
        """
        text = self.filled.get("done")
        if self.session is None or re.fullmatch(r"(0x)?[0-9a-f]{64}", text) is None:
            return ""
        digest = bytes.fromhex(text.removeprefix("0x"))
        with self.instance.database.reading() as tx:
            row = find_operation(tx, digest, unit=self.session.caller.unit)
        is_new = row is not None and self.instance.clock() - row.accepted_at < _JUST_NOW
        return "0x" + digest.hex() if is_new else ""

    @cached_property
    def passkeys(self) -> list[PasskeySigner]:
        """The person's own passkeys that may sign operations."""
        if self.session is None or self.session.account is None or not can_have_passkeys(self.site):
            return []
        with self.instance.database.reading() as tx:
            found = list_passkey_signers(self.instance, tx, self.session.account)
        return [each for each in found if each.is_valid]

    @property
    def by(self) -> str:
        """The passkey that signs: the one that the form names, or the only key of the person."""
        chosen = self.filled.get("by")
        # what a device kept while nobody answered has nobody there to sign it
        if chosen or self.has_held_key or self.captured is not None or len(self.passkeys) != 1:
            return chosen
        return self.passkeys[0].passkey.id.hex()

    @property
    def reads_badges(self) -> bool:
        """Whether a second person confirms with badge and PIN here."""
        return self.session is not None and self.session.station is not None

    @cached_property
    def second(self) -> str:
        """Who confirmed with a second badge and its PIN; empty where nobody did.

        Raises Refused.  It takes a while, and so is asked before a transaction begins.
        """
        badge = self.filled.get("second_badge")
        if self.session is None or not (badge or self.filled.raw("second_pin")):
            return ""
        keeper = self.request.app.state.doorkeeper
        keeper.admit_try(self.request, f"badge {badge}")
        try:
            return confirm_at_station(
                self.instance, self.session, badge, self.filled.raw("second_pin")
            )
        except InvalidInput as error:
            error.field = "second_badge"
            raise

    @property
    def has_held_key(self) -> bool:
        """Whether a key of this server signs for whoever asks; who belongs to no unit names one."""
        return self.caller.signer is not None or self.caller.unit is None

    def path(self, name: str) -> str:
        """A part of the address."""
        return _NO_TEXT.sub("\x01", str(self.request.path_params[name]))

    def may(self, *scopes: Scope) -> bool:
        """Whether whoever asks is allowed one of these."""
        return self.session is not None and bool(self.session.caller.scopes & set(scopes))


Step: TypeAlias = Callable[[Asking], "Mapping[str, object] | Response"]


def go_to(path: str) -> RedirectResponse:
    """The next page, after something was done."""
    return RedirectResponse(path, status_code=303)


def package_page(name: str) -> str:
    """The page of a package, by its name `UNIT/SERIAL`."""
    return f"/packages/{quote(name)}"


def site_of(request: Request) -> Site:
    """Under which name a browser asks; with a proxy before us, the browser says the scheme."""
    url, said = request.url, urlsplit(request.headers.get("origin", ""))
    scheme = said.scheme if said.netloc == url.netloc else url.scheme
    return Site(name=url.hostname or "", origin=f"{scheme}://{url.netloc}")


def can_have_passkeys(site: Site) -> bool:
    """Whether a browser may make passkeys here: it makes none for a bare number."""
    return re.fullmatch(r"[0-9.]*|.*:.*", site.name) is None


def kept(request: Request, name: str) -> str | None:
    """What a browser keeps under one of our names."""
    found = request.cookies.get(_HOST_ONLY + name)
    # Over our own TLS nothing else is ours: whoever is in between may have set the rest.
    return found if found or request.url.scheme == "https" else request.cookies.get(name)


#: Only this host can set such a name, and only over https; RFC 6265bis §4.1.3.2.
_HOST_ONLY = "__Host-"


def _is_secure(request: Request) -> bool:
    return site_of(request).origin.startswith("https:")


def keep_session(response: Response, request: Request, text: str) -> Response:
    """Let the browser keep a session until it is closed."""
    return _keep(response, request, SESSION_COOKIE, text, None)


def keep_station(response: Response, request: Request, text: str) -> Response:
    """Let a tablet keep what makes it a station."""
    return _keep(response, request, STATION_COOKIE, text, _STATION_SECONDS)


def keep_flow(response: Response, request: Request, text: str) -> Response:
    """Let a browser keep what it left for, while it is at the group's provider."""
    # it comes back from another site: the strictest form would be left behind
    return _keep(response, request, FLOW_COOKIE, text, _FLOW_SECONDS, same_site="lax")


def _keep(  # noqa: PLR0913, PLR0917 - what a browser keeps, and how
    response: Response,
    request: Request,
    name: str,
    text: str,
    seconds: int | None,
    same_site: Literal["strict", "lax"] = "strict",
) -> Response:
    response.set_cookie(
        _HOST_ONLY + name if _is_secure(request) else name,
        text,
        max_age=seconds,
        path="/",
        secure=_is_secure(request),
        httponly=True,
        samesite=same_site,
    )
    return response


def forget_session(response: Response) -> Response:
    """Let the browser forget a session, whichever way it kept it."""
    return _forget(response, SESSION_COOKIE)


def forget_flow(response: Response) -> Response:
    """Let the browser forget what it left for."""
    return _forget(response, FLOW_COOKIE)


def _forget(response: Response, name: str) -> Response:
    response.delete_cookie(name, path="/")
    response.delete_cookie(_HOST_ONLY + name, path="/", secure=True)
    return response


def number_of(text: str) -> int | None:
    """The number that an address says; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS else None


def inside(path: str) -> str:
    """A path of ours to go on to; the first page for anything that leads elsewhere."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path
    return path if is_ours and path.isprintable() else "/"

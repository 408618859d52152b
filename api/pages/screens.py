"""Screen → route: one declaration for each, with who sees it, its template and its steps.

A new screen is a `Screen` in one of the modules that `api/pages/registry.py` lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import problems
from api.access import Doorkeeper
from api.guard import OWN_HEADERS
from api.pages.asking import (
    SESSION_COOKIE,
    Asking,
    Filled,
    Step,
    go_to,
    kept,
)
from api.pages.lists import text_of
from api.pages.rendering import PAGE_HEADERS, SCAN_HEADERS, page
from api.pages.words import words_for
from ledger.domain.callers import Scope
from ledger.domain.errors import NotFound, Refused, SteriLedgerError
from ledger.steps.accepting.photographing import keep_photo, require_few
from ledger.steps.asking.sessions import NotSignedIn, Session, note_use, require_form, resume
from ledger.steps.instance import Instance

#: of one form; a load has 500 lines of five fields
MOST_FIELDS = 4000
#: of one form; an empty field for a photo is sent as an empty file
MOST_FILES = 300
_SAME_SITE = frozenset({"same-origin", "none"})


@dataclass(frozen=True, kw_only=True)
class Screen:
    """One screen."""

    path: str
    #: below api/templates
    template: str
    #: translated where it is shown
    title: str
    #: what it shows: values for the template
    show: Step
    #: what its form does; None: it has none
    do: Step | None = None
    #: the group of the menu that it stands in; empty: in none
    menu: str = ""
    #: whoever has one of these sees it; empty: whoever is signed in
    scopes: frozenset[Scope] = frozenset()
    #: whether nobody has to be signed in
    is_public: bool = False
    #: whether things are scanned on it: a camera may look, and a device keeps it
    is_scanned: bool = False
    #: whether its form takes photos
    takes_photos: bool = False

    def is_for(self, session: Session | None) -> bool:
        """Whether somebody sees it."""
        if session is None:
            return self.is_public
        return not self.scopes or bool(self.scopes & session.caller.scopes)

    def require_for(self, session: Session | None) -> None:
        """Raise NotSignedIn or NotFound for whom it does not exist."""
        if self.is_public:
            return
        if session is None:
            raise NotSignedIn("you are not signed in", field="session")
        if not self.is_for(session):
            raise NotFound("there is nothing at this address", field="path")


def keep_photos(asking: Asking) -> None:
    """Each photo of a form kept, and its hash in its place: a form shown again still has it."""
    # beside each stands the hash of one that was kept before, under the name itself
    chosen = {
        name.removesuffix(".file"): data for name, (_, data) in asking.filled.files.items() if data
    }
    require_few(len(chosen))
    for text, data in chosen.items():
        digest = keep_photo(asking.instance, asking.caller, data, field=text)
        asking.filled.put(text, digest.hex())


#: What reads cycles and records.
READS = frozenset({Scope.READ_UNIT, Scope.READ_ALL})
ADMINISTERS = frozenset({Scope.ADMINISTER})


def screen(  # noqa: PLR0913 - what most screens say of themselves
    path: str,
    title: str,
    template: str,
    show: Step,
    do: Step | None = None,
    *,
    menu: str = "",
    scopes: frozenset[Scope] = READS,
    is_scanned: bool = False,
    takes_photos: bool = False,
) -> Screen:
    """A screen for whoever reads, unless it is for others."""
    return Screen(
        path=path, title=title, template=template, show=show, do=do, menu=menu, scopes=scopes,
        is_scanned=is_scanned, takes_photos=takes_photos,
    )  # fmt: skip


@dataclass(kw_only=True)
class Pages:
    """All screens of an instance."""

    instance: Instance
    screens: Sequence[Screen]

    def routes(self) -> list[Route]:
        """A route for each screen."""
        return [self._route(screen) for screen in self.screens]

    def menu(self, session: Session | None) -> dict[str, list[Screen]]:
        """The screens that somebody sees, by the group in which the menu has them."""
        groups: dict[str, list[Screen]] = {}
        for screen in self.screens:
            if screen.menu and session is not None and screen.is_for(session):
                groups.setdefault(screen.menu, []).append(screen)
        return groups

    def missing(self, request: Request, told: problems.Told) -> Response:
        """What a browser is shown at an address where nothing is."""
        at_address = replace(told, detail="there is nothing at this address", rule=None)
        return self.refused(request, at_address)

    def refused(self, request: Request, told: problems.Told) -> Response:
        """What a browser is shown in place of a page, before any screen is asked."""
        request.scope["state"][OWN_HEADERS] = PAGE_HEADERS
        asking = Asking(
            request=request, instance=self.instance, session=self._session(request),
            words=words_for(request, self.instance.settings.zone), filled=Filled([]),
        )  # fmt: skip
        answer = self._failed(asking, told, NotFound(told.detail))
        answer.headers.update(told.headers)
        return answer

    def _route(self, screen: Screen) -> Route:
        methods = ["GET", "POST"] if screen.do else ["GET"]

        async def endpoint(request: Request) -> Response:
            request.scope["route"] = route
            request.scope["state"][OWN_HEADERS] = (
                SCAN_HEADERS if screen.is_scanned else PAGE_HEADERS
            )
            if request.method != "POST":
                filled = Filled(request.query_params.multi_items())
                return await run_in_threadpool(self._answer, screen, request, filled)
            most = MOST_FILES if screen.takes_photos else 1
            async with request.form(max_files=most, max_fields=MOST_FIELDS) as form:
                filled = Filled(form.multi_items())
            return await run_in_threadpool(self._answer, screen, request, filled)

        route = Route(screen.path, endpoint, methods=methods, include_in_schema=False)
        return route

    def _answer(self, screen: Screen, request: Request, filled: Filled) -> Response:
        asking = Asking(
            request=request,
            instance=self.instance,
            words=words_for(request, self.instance.settings.zone),
            session=None,
            filled=filled,
        )
        try:
            asking.session = self._session(request)
            screen.require_for(asking.session)
            if request.method == "POST":
                self._require_own_form(asking)
            return self._answer_or_raise(screen, asking)
        except NotSignedIn as error:
            if screen.is_public:
                return self._shown(screen, replace(asking, session=None, error=error), 403)
            wanted = request.url.path if request.method == "GET" else "/"
            return go_to(f"/sign-in?next={quote(wanted)}")
        except SteriLedgerError as error:
            return self._failed(asking, problems.told_by(error), error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and said as such
            return self._failed(asking, problems.told_by_failure(), error)

    def _answer_or_raise(self, screen: Screen, asking: Asking) -> Response:
        if asking.request.method != "POST" or screen.do is None:
            return self._shown(screen, asking, 200)
        try:
            if screen.takes_photos:
                keep_photos(asking)
            found = screen.do(asking)
        except NotSignedIn:
            raise
        except SteriLedgerError as error:
            kind = problems.kind_of(error)
            if kind in {problems.NOT_FOUND, problems.INTERNAL, problems.UNAVAILABLE}:
                raise
            asking.error = error
            return self._shown(screen, asking, kind.status)
        if isinstance(found, Response):
            return found
        return self._render(screen.template, asking, screen, 200, found)

    def _shown(self, screen: Screen, asking: Asking, status: int) -> Response:
        found = screen.show(asking)
        if isinstance(found, Response):
            return found
        return self._render(screen.template, asking, screen, status, found)

    def _failed(self, asking: Asking, told: problems.Told, error: Exception) -> Response:
        if told.kind is problems.INTERNAL:
            problems.log_failure("failed", error)
        values = {"told": told, "title": told.kind.title}
        return self._render("problem.html", asking, None, told.kind.status, values)

    def _render(
        self,
        template: str,
        asking: Asking,
        screen: Screen | None,
        status: int,
        values: Mapping[str, object],
    ) -> Response:
        common: dict[str, object] = {
            "title": screen.title if screen is not None else "",
            "asking": asking,
            "text_of": text_of,
            "session": asking.session,
            "error": asking.error,
            "errors": asking.errors,
            "menu": self.menu(asking.session),
            "here": asking.request.url.path,
            "is_played": self.instance.is_played,
            "is_scanned": screen is not None and screen.is_scanned,
        }
        return page(template, asking.words, status=status, **{**common, **values})

    def _session(self, request: Request) -> Session | None:
        """Whose session the browser keeps; None for nobody's, or one that is over."""
        keeper: Doorkeeper = request.app.state.doorkeeper
        text = kept(request, SESSION_COOKIE)
        if text is None:
            keeper.admit_stranger(request, "pages")
            return None
        try:
            with self.instance.database.asking() as tx:
                session, is_due = resume(self.instance, tx, text)
        except NotSignedIn:
            keeper.admit_stranger(request, "pages")
            return None
        keeper.count_session(session.caller)
        if is_due:
            note_use(self.instance, session)
        request.state.caller = session.caller
        return session

    def _require_own_form(self, asking: Asking) -> None:
        """A form comes from a page of ours, and from this session's where there is one."""
        headers = asking.request.headers
        origin = headers.get("origin")
        if headers.get("sec-fetch-site", "none") not in _SAME_SITE or (
            origin is not None and origin != asking.site.origin
        ):
            raise Refused(
                "this form comes from another site",
                field="token",
                rule="a form is sent from the page that showed it",
                remedy="open the page again, and send the form from there",
            )
        if asking.session is not None:
            require_form(asking.session, asking.filled.get("form"))

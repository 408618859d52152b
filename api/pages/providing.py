"""To the group's provider and back → somebody who is signed in (OpenID Connect)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.responses import Response

from api.access import Doorkeeper
from api.pages.asking import (
    FLOW_COOKIE,
    Asking,
    forget_flow,
    go_to,
    inside,
    keep_flow,
    keep_session,
    kept,
)
from api.pages.rendering import page
from api.pages.screens import Screen
from api.pages.signing_in import show_sign_in
from api.pages.words import N_
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.steps.asking.provided import arrive, begin
from ledger.steps.asking.provider import Provider, find_provider
from ledger.steps.asking.sessions import NotSignedIn, end_session

_BACK = "/provider/back"


def _provider(asking: Asking) -> Provider:
    found = find_provider(asking.instance)
    if found is None:
        raise NotFound("there is nothing at this address", field="path")
    return found


def show_leaving(asking: Asking) -> Mapping[str, object] | Response:
    """To the provider; `link` is that of an invitation."""
    provider = _provider(asking)
    if asking.error is not None:
        return show_sign_in(asking)
    path, link = inside(asking.filled.get("next") or "/"), asking.filled.get("link")[:100]
    if link:
        _require_own_page(asking)
    address, text = begin(
        asking.instance,
        provider,
        back=asking.site.origin + _BACK,
        path=path,
        link=link,
    )
    return keep_flow(go_to(address), asking.request, text)


def _require_own_page(asking: Asking) -> None:
    """Raise Refused unless a page of ours led here: another's would bind its own account."""
    headers = asking.request.headers
    site, referrer = headers.get("sec-fetch-site"), urlsplit(headers.get("referer", ""))
    came_from = f"{referrer.scheme}://{referrer.netloc}"
    if site != "same-origin" and (site is not None or came_from != asking.site.origin):
        raise Refused(
            "an invitation is taken up from its own page",
            field="link",
            rule="the way to the provider begins on the page of the link",
            remedy="open your link again",
        )


def show_back(asking: Asking) -> Mapping[str, object] | Response:
    """Back from the provider: a session, or what is wrong on the page where one signs in."""
    provider = _provider(asking)
    if asking.error is not None:
        return show_sign_in(asking)
    filled, instance = asking.filled, asking.instance
    keeper: Doorkeeper = asking.request.app.state.doorkeeper
    keeper.admit_try(asking.request, f"provider {filled.get('state')}")
    try:
        found = arrive(
            instance,
            provider,
            kept=kept(asking.request, FLOW_COOKIE) or "",
            state=filled.get("state"),
            code=filled.get("code"),
            error=filled.get("error"),
            issuer=filled.get("iss"),
            back=asking.site.origin + _BACK,
        )
    except (NotFound, Refused, InvalidInput) as error:
        if isinstance(error, NotSignedIn):
            raise
        raise NotSignedIn(error.what, field=error.field, remedy=error.remedy) from None
    if asking.session is not None:
        with instance.database.transaction() as tx:
            end_session(instance, tx, asking.session)
    # The session's cookie is not sent on the way that began elsewhere; from our own page it is.
    arrived = page("arrived.html", asking.words, next=found.path)
    return forget_flow(keep_session(arrived, asking.request, found.session))


SCREENS = (
    Screen(
        path="/provider",
        template="sign_in.html",
        title=N_("Sign in"),
        show=show_leaving,
        is_public=True,
    ),
    Screen(
        path=_BACK,
        template="sign_in.html",
        title=N_("Sign in"),
        show=show_back,
        is_public=True,
    ),
)

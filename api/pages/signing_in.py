"""Nobody → somebody: sign in and out, complete an account, follow a link, passkeys, badges."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import zxingcpp
from markupsafe import Markup
from starlette.responses import Response

from api.access import Doorkeeper
from api.pages.asking import (
    STATION_COOKIE,
    Asking,
    can_have_passkeys,
    forget_session,
    go_to,
    inside,
    keep_session,
    keep_station,
    kept,
)
from api.pages.screens import Screen
from api.pages.words import COOKIE, LANGUAGES, N_
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.keys.one_time_codes import SECRET_BYTES, address_of, secret_text
from ledger.steps.accepting.with_passkeys import list_passkey_signers, list_proposed
from ledger.steps.asking import accounts, passkeys
from ledger.steps.asking.links import LinkPurpose, find_link
from ledger.steps.asking.provider import find_provider
from ledger.steps.asking.sessions import (
    end_session,
    find_station,
    follow_link,
    sign_in,
    sign_in_at_station,
)
from ledger.storage import accounts as stored
from ledger.storage import directory

_LANGUAGE_SECONDS = 400 * 24 * 3600
#: how somebody was known who may add a way in that lasts
_ADDS_PASSKEYS = frozenset({"password", "passkey", "oidc"})


# ---------------------------------------------------------------- sign in


def show_sign_in(asking: Asking) -> Mapping[str, object]:
    """Password and code; at a station badge and PIN first; a passkey where the browser has one."""
    options, question = "", ""
    if can_have_passkeys(asking.site):
        options, question = passkeys.offer_sign_in(asking.instance, asking.site)
    text = kept(asking.request, STATION_COOKIE)
    station = None if text is None else find_station(asking.instance, text)
    return {
        "next": inside(asking.filled.get("next") or "/"),
        "login": asking.filled.get("login"),
        "station": station,
        "options": options,
        "question": question,
        "provider": find_provider(asking.instance),
    }


def do_sign_in(asking: Asking) -> Response:
    """Whichever way the form was filled in; a session that there was before ends."""
    keeper: Doorkeeper = asking.request.app.state.doorkeeper
    filled, instance = asking.filled, asking.instance
    if filled.get("badge"):
        keeper.admit_try(asking.request, f"badge {filled.get('badge')}")
        station = kept(asking.request, STATION_COOKIE) or ""
        text = sign_in_at_station(instance, station, filled.get("badge"), filled.raw("pin"))
    elif filled.get("answer"):
        keeper.admit_try(asking.request, f"passkey {filled.get('question')}")
        text = passkeys.sign_in_with_passkey(
            instance, asking.site, question=filled.get("question"), answer=filled.get("answer")
        )
    else:
        login = filled.get("login").lower()
        keeper.admit_try(asking.request, f"login {login}")
        text = sign_in(instance, login, filled.raw("password"), filled.get("code"))
    return _signed_in(asking, text, inside(filled.get("next") or "/"))


def _signed_in(asking: Asking, text: str, path: str) -> Response:
    if asking.session is not None:
        with asking.instance.database.transaction() as tx:
            end_session(asking.instance, tx, asking.session)
    return keep_session(go_to(path), asking.request, text)


def do_sign_out(asking: Asking) -> Response:
    """The session ends here and on the server."""
    if asking.session is not None:
        with asking.instance.database.transaction() as tx:
            end_session(asking.instance, tx, asking.session)
    return forget_session(go_to("/sign-in"))


# ---------------------------------------------------------------- links


def show_link(asking: Asking) -> Mapping[str, object]:
    """What a link is for, and what it asks; looking at it uses nothing up."""
    purpose, text = asking.path("purpose"), asking.path("text")
    with asking.instance.database.reading() as tx:
        row = find_link(asking.instance, tx, purpose, text)
        account = None if row.account is None else stored.get_account(tx, row.account)
        unit = None if row.unit is None else directory.find_unit(tx, row.unit)
    values: dict[str, object] = {"purpose": purpose, "account": account, "unit": unit}
    if purpose == LinkPurpose.ACCOUNT and account is not None:
        secret = _secret(asking) or asking.instance.randomness(SECRET_BYTES)
        address = address_of(secret, issuer="SteriLedger", login=account.login)
        values |= {
            "secret": secret_text(secret),
            "drawing": qr_code(address),
            "names_themselves": accounts.may_name_themselves(account),
            "provider": find_provider(asking.instance),
            "text": text,
        }
    return values


def do_link(asking: Asking) -> Response:
    """Use it."""
    purpose, text = asking.path("purpose"), asking.path("text")
    filled, instance = asking.filled, asking.instance
    keeper: Doorkeeper = asking.request.app.state.doorkeeper
    keeper.admit_try(asking.request, f"link {text}")
    try:
        if purpose == LinkPurpose.ACCOUNT:
            accounts.complete_account(
                instance,
                text,
                person=filled.get("person"),
                password=filled.raw("password"),
                again=filled.raw("again"),
                secret=_secret(asking),
                code=filled.get("code").replace(" ", ""),
            )
            return go_to("/sign-in")
        if purpose == LinkPurpose.STATION:
            with instance.database.transaction() as tx:
                secret = accounts.enrol_station(instance, tx, text, name=filled.get("name"))
            return keep_station(go_to("/sign-in"), asking.request, secret)
        with instance.database.transaction() as tx:
            session = follow_link(instance, tx, LinkPurpose(purpose), text)
    except InvalidInput as error:
        asking.errors = {error.field or "": asking.words.sentence(error.what)}
        raise
    except ValueError:
        raise NotFound("there is nothing at this address", field="path") from None
    path = "/inspection" if purpose == LinkPurpose.INSPECTION else "/"
    return _signed_in(asking, session, path)


def _secret(asking: Asking) -> bytes:
    """The secret of one-time codes that the form was shown with; empty before that."""
    text = asking.filled.get("secret")
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return b""


def qr_code(address: str) -> Markup:
    """A QR code, drawn as dark squares on a light ground whatever the theme."""
    drawn = zxingcpp.create_barcode(address, zxingcpp.BarcodeFormat.QRCode).to_svg()
    start = drawn.index("<svg ")
    drawn = re.sub(
        r'width="(\d+)" height="(\d+)"', r'class="code" viewBox="0 0 \1 \2"', drawn[start:], count=1
    )
    drawn = re.sub("<desc>.*?</desc>", "", drawn)
    return Markup(drawn)  # noqa: S704 - made of squares alone


# ---------------------------------------------------------------- one's own account


def show_own(asking: Asking) -> Mapping[str, object]:
    """Who somebody is here, and their passkeys."""
    options, question = "", ""
    if can_have_passkeys(asking.site):
        options, question = passkeys.offer_enrolment(asking.instance, asking.site, asking.account)
    with asking.instance.database.reading() as tx:
        account = stored.get_account(tx, asking.account)
        keys = list_passkey_signers(asking.instance, tx, account.id)
        proposed = list_proposed(asking.instance, tx, account.id)
        signer = None if account.signer is None else directory.find_signer(tx, account.signer)
    return {
        "account": account,
        "passkeys": keys,
        "proposed": [
            (to_hex(each.operation.digest), _said(asking, str(each.record.facts["rights"])))
            for each in proposed
        ],
        "done": asking.recorded,
        "signer": signer,
        "options": options,
        "question": question,
    }


def _said(asking: Asking, rights: str) -> str:
    return ", ".join(asking.words.say(each) for each in rights.split(", "))


def do_own(asking: Asking) -> Response:
    """Add a passkey, or forget one."""
    filled = asking.filled
    if filled.get("forget"):
        with asking.instance.database.transaction() as tx:
            identifier = _bytes(filled.get("forget"))
            stored.remove_passkey(tx, identifier, account=asking.account)
    else:
        if asking.session is None or asking.session.way not in _ADDS_PASSKEYS:
            raise Refused(
                "a passkey is added by whoever signed in with password, passkey or provider",
                field="passkey",
                rule="a badge at a station, or a link, lets in for a while",
                remedy="sign in with your password and a code, then add it",
            )
        passkeys.enrol(
            asking.instance,
            asking.site,
            asking.account,
            question=filled.get("question"),
            answer=filled.get("answer"),
        )
    return go_to("/account")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InvalidInput("is no passkey", field="forget") from None


# ---------------------------------------------------------------- language


def do_language(asking: Asking) -> Response:
    """Another language, from now on."""
    chosen = asking.filled.get("language")
    if chosen not in LANGUAGES:
        raise InvalidInput("is no language of ours", field="language", rule=", ".join(LANGUAGES))
    response = go_to(inside(asking.filled.get("next") or "/"))
    response.set_cookie(
        COOKIE, chosen, max_age=_LANGUAGE_SECONDS, path="/", httponly=True, samesite="strict"
    )
    return response


def nothing(_asking: Asking) -> Response:
    """What only a form leads to."""
    return go_to("/")


SCREENS = (
    Screen(
        path="/sign-in",
        template="sign_in.html",
        title=N_("Sign in"),
        show=show_sign_in,
        do=do_sign_in,
        is_public=True,
    ),
    Screen(
        path="/sign-out",
        template="problem.html",
        title=N_("Sign out"),
        show=nothing,
        do=do_sign_out,
    ),
    Screen(
        path="/language",
        template="problem.html",
        title=N_("Language"),
        show=nothing,
        do=do_language,
        is_public=True,
    ),
    Screen(
        path="/link/{purpose}/{text}",
        template="link.html",
        title=N_("A link for you"),
        show=show_link,
        do=do_link,
        is_public=True,
    ),
    Screen(
        path="/account",
        template="account.html",
        title=N_("Your account"),
        show=show_own,
        do=do_own,
    ),
)

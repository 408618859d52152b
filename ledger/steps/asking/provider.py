"""The group's own sign-in (OpenID Connect Core 1.0): authorization code, PKCE, state and nonce.

What the provider says of itself is asked at its issuer's address (Discovery 1.0) and kept for a
while; a key that is not known is asked for again, so that it may change its keys at any time.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.domain.errors import InvalidInput, Refused
from ledger.settings import Settings
from ledger.steps.asking.sessions import NotSignedIn
from ledger.steps.instance import Instance

#: how far its clock and ours may be apart
SKEW = timedelta(minutes=2)
#: how long what it says is believed, and how soon it is asked again when it did not answer
_KEPT, _ASKED_AGAIN = timedelta(minutes=10), timedelta(seconds=10)
#: how soon its keys are asked for again because one was not among them
_KEYS_AGAIN = timedelta(minutes=1)
_TIMEOUT_SECONDS = 5
_MOST_BYTES = 1 << 20
_LONGEST_SECRET = 1000
#: Core 1.0 §2: at most 255 ASCII characters
_LONGEST_SUBJECT = 255
#: never `none`, and none that a public key as a shared secret would pass
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def is_subject(said: object) -> bool:
    """Whether it is a `sub`: 1 to 255 printable ASCII characters (Core 1.0 §2)."""
    is_text = isinstance(said, str) and 0 < len(said) <= _LONGEST_SUBJECT
    return is_text and str(said).isascii() and str(said).isprintable()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one person's way to the provider and back is known by; the browser keeps it sealed."""

    state: str
    nonce: str
    #: RFC 7636
    verifier: str


@dataclass(slots=True)
class _Kept:
    """What was asked, and when; None before."""

    value: Mapping[str, Any] | None = None
    asked_at: datetime | None = None

    def is_newer(self, now: datetime, than: timedelta) -> bool:
        return self.asked_at is not None and timedelta() <= now - self.asked_at < than


@dataclass(slots=True, kw_only=True)
class Provider:
    """Who signs people in for the group; safe to use from several threads."""

    settings: Settings
    clock: Callable[[], datetime]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _itself: _Kept = field(default_factory=_Kept)
    _keys: _Kept = field(default_factory=_Kept)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.settings.oidc_name

    @property
    def issuer(self) -> str:
        """Its address, as its tokens say it."""
        return self.settings.oidc_issuer

    def begin(self, flow: Flow, *, back: str) -> str:
        """Where the browser goes; `back` is where it comes back to.  Raises NotSignedIn."""
        with self._client(back) as client:
            address, _ = client.create_authorization_url(
                self._about_itself()["authorization_endpoint"],
                state=flow.state,
                nonce=flow.nonce,
                code_verifier=flow.verifier,
            )
        return str(address)

    def finish(self, flow: Flow, code: str, *, back: str) -> str:
        """The code that the browser brought → `sub`; raises NotSignedIn for whatever is wrong."""
        from authlib.common.errors import AuthlibBaseError  # noqa: PLC0415 - where there is one
        from requests import RequestException  # noqa: PLC0415

        try:
            with self._client(back) as client:
                told = client.fetch_token(
                    self._about_itself()["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=flow.verifier,
                    timeout=_TIMEOUT_SECONDS,
                    allow_redirects=False,
                )
        except RequestException:
            raise _away() from None
        except (AuthlibBaseError, ValueError):
            raise _wrong("the provider gave nothing for its code") from None
        return self._subject(str(told.get("id_token")), str(told.get("access_token")), flow.nonce)

    def _client(self, back: str) -> Any:  # noqa: ANN401 - Authlib publishes no types
        from authlib.integrations.requests_client import OAuth2Session  # noqa: PLC0415

        client = OAuth2Session(
            self.settings.oidc_client,
            _secret(self.settings.oidc_secret_file),
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 - a method's name
            scope="openid",
            redirect_uri=back,
            code_challenge_method="S256",
        )
        self._closed_in(client)
        return client

    def _closed_in(self, client: Any) -> None:  # noqa: ANN401
        """Nothing of the environment changes whom it asks, or adds a password of another's."""
        client.trust_env = False
        client.verify = str(self.settings.oidc_ca) if self.settings.oidc_ca else True

    def _subject(self, token: str, access: str, nonce: str) -> str:
        """Whom an identity token names: signed by the provider, for us, now, in this very flow."""
        from authlib.oidc.core import CodeIDToken  # noqa: PLC0415
        from joserfc import jwt  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        client = self.settings.oidc_client
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": client},
        }
        try:
            found = jwt.decode(token, self._key_of, algorithms=list(_ALGORITHMS))
            claims = CodeIDToken(
                found.claims,
                found.header,
                options,
                {"nonce": nonce, "client_id": client, "access_token": access},
            )
            claims.validate(now=int(self.clock().timestamp()), leeway=int(SKEW.total_seconds()))
        except (JoseError, ValueError, TypeError) as error:
            claim = getattr(error, "claim", None)
            if isinstance(claim, str):
                raise _wrong(f"the provider's word does not hold: its {claim}") from None
            raise _wrong("the provider's word does not hold") from None
        subject = claims["sub"]
        if not is_subject(subject):
            raise _wrong("the provider's word does not hold: its sub is no name")
        return str(subject)

    def _key_of(self, token: Any) -> Any:  # noqa: ANN401 - joserfc's own
        """The key that a token names; its keys are asked for again when it is not among them."""
        from joserfc.jwk import KeySet  # noqa: PLC0415

        kid = token.headers().get("kid")
        keys = self._about_keys(_KEPT)
        if kid not in {each.get("kid") for each in keys["keys"]}:
            keys = self._about_keys(_KEYS_AGAIN)
        signing = [each for each in keys["keys"] if each.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": signing})

    def _about_itself(self) -> Mapping[str, Any]:
        found = self._asked(
            self._itself, self.issuer.rstrip("/") + "/.well-known/openid-configuration", _KEPT
        )
        said = [found.get(name) for name in _NEEDED]
        if said[0] != self.issuer or not all(isinstance(each, str) for each in said):
            raise _wrong("the provider says that it is another one")
        if self.issuer.startswith("https:"):
            for each in said[1:]:
                if not str(each).startswith("https:"):
                    raise _wrong("the provider leads to where anybody could answer")
        return found

    def _about_keys(self, kept: timedelta) -> Mapping[str, Any]:
        found = self._asked(self._keys, self._about_itself()["jwks_uri"], kept)
        keys = found.get("keys")
        if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
            raise _wrong("the provider's keys cannot be read")
        return found

    def _asked(self, kept: _Kept, address: str, most: timedelta) -> Mapping[str, Any]:
        """What stands at an address, asked for by one at a time."""
        with self._lock:
            now = self.clock()
            if kept.value is None and kept.is_newer(now, _ASKED_AGAIN):
                raise _away()
            if kept.value is None or not kept.is_newer(now, most):
                kept.asked_at, kept.value = now, None
                kept.value = self._fetched(address)
            return kept.value

    def _fetched(self, address: str) -> Mapping[str, Any]:
        import requests  # noqa: PLC0415 - where there is a provider

        try:
            with requests.Session() as session:
                self._closed_in(session)
                answer = session.get(
                    address, timeout=_TIMEOUT_SECONDS, allow_redirects=False, stream=True
                )
                data = answer.raw.read(_MOST_BYTES, decode_content=True)
                if answer.status_code != requests.codes.ok:
                    raise _away()
        except (requests.RequestException, OSError):
            raise _away() from None
        try:
            plain = json.loads(data)
        except (ValueError, RecursionError):
            plain = None
        if not isinstance(plain, dict):
            raise _wrong("the provider's answer cannot be read")
        return plain


def find_provider(instance: Instance) -> Provider | None:
    """The group's provider, or None where none is set; raises Refused when its secret is not kept.

    One in a process: it remembers what it was told.
    """
    settings = instance.settings
    if not settings.oidc_issuer:
        return None
    return instance.known("provider", lambda: _opened(settings, instance.wall_clock))


def _opened(settings: Settings, clock: Callable[[], datetime]) -> Provider:
    _secret(settings.oidc_secret_file)
    return Provider(settings=settings, clock=clock)


def _secret(path: Path | None) -> str:
    """What a file holds that nobody else may read; raises Refused or InvalidInput."""
    if path is None:
        raise Refused("there is no secret", field="oidc_secret_file")
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_LONGEST_SECRET + 1)
    except OSError as error:
        raise Refused(
            f"cannot be read: {error.strerror}", field="STERILEDGER_OIDC_SECRET_FILE"
        ) from None
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise Refused(
            "may be read by others",
            field="STERILEDGER_OIDC_SECRET_FILE",
            rule="a file of mode 600",
            remedy="chmod 600, and have the provider give a new secret",
        )
    text = data.decode("utf-8", "replace").strip()
    if not 0 < len(text) <= _LONGEST_SECRET or not text.isprintable():
        raise InvalidInput(
            "holds no secret", field="STERILEDGER_OIDC_SECRET_FILE", rule="one line of text"
        )
    return text


def _away() -> NotSignedIn:
    return NotSignedIn(
        "the provider does not answer",
        field="provider",
        remedy="sign in in another way, or try again in a while",
    )


def _wrong(what: str) -> NotSignedIn:
    return NotSignedIn(what, field="provider", remedy="begin again; nothing was stored")

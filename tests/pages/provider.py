"""A small provider for tests: Authlib's own authorization server, at an address of this machine."""

# ruff: noqa: ARG002 - what the library calls has the library's arguments

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from fastapi import FastAPI
from joserfc.jwk import ECKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.pages.conftest import served

BACK = "http://testserver/provider/back"
CLIENT, SECRET = "steriledger", "what only the two of them know"
Plain = dict[str, Any]


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """What a person's browser carries back."""

    said: Plain
    user: str

    def get_redirect_uri(self) -> str:
        return str(self.said["redirect_uri"])

    def get_scope(self) -> str:
        return str(self.said["scope"])

    def get_nonce(self) -> str:
        return str(self.said["nonce"])

    def get_auth_time(self) -> None:
        return None

    get_acr = get_amr = get_auth_time

    @property
    def code_challenge(self) -> str:
        return str(self.said["code_challenge"])

    @property
    def code_challenge_method(self) -> str:
        return str(self.said["code_challenge_method"])


@dataclass
class Client(ClientMixin):  # type: ignore[misc]
    """Us, as the provider knows us."""

    back: str
    id_token_signed_response_alg = "ES256"

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.back

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method, endpoint) == ("client_secret_basic", "token")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Asked(OAuth2Request):  # type: ignore[misc]
    """A request as the library reads it; on this machine it takes http for https."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        address = str(request.url).replace("http:", "https:", 1)
        super().__init__(request.method, address, headers=request.headers)
        self._form = form
        self.payload = BasicOAuth2Payload({**request.query_params, **form})

    @property
    def args(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.payload.data
        return found

    @property
    def form(self) -> Mapping[str, str]:
        return self._form


def new_key() -> ECKey:
    return ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})


@dataclass
class SmallProvider:
    """Who signs people in, and what a test has it say otherwise."""

    clock: Callable[[], datetime]
    issuer: str = ""
    #: where its browsers come back to
    back: str = BACK
    #: who is at its desk
    user: str = "li.na"
    #: claims of its tokens that are other ones
    lies: Plain = field(default_factory=dict)
    #: of its own document that are other ones
    claims_of_itself: Plain = field(default_factory=dict)
    key: ECKey = field(default_factory=new_key)
    codes: dict[str, Code] = field(default_factory=dict)
    #: what it was asked for, by path
    asked: list[str] = field(default_factory=list)

    def app(self) -> FastAPI:
        """Its endpoints."""
        app, server = FastAPI(openapi_url=None), _server(self)

        @app.get("/.well-known/openid-configuration")
        def itself() -> JSONResponse:
            self.asked.append("itself")
            paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token",
                     "jwks_uri": "/keys"}  # fmt: skip
            told = {name: self.issuer + path for name, path in paths.items()}
            return JSONResponse({"issuer": self.issuer, **told, **self.claims_of_itself})

        @app.get("/keys")
        def keys() -> JSONResponse:
            self.asked.append("keys")
            return JSONResponse({"keys": [self.key.as_dict(private=False)]})

        @app.get("/authorize")
        def authorize(request: Request) -> Response:
            asked = Asked(request, {})
            grant = server.get_consent_grant(asked, self.user)
            told: Response = server.create_authorization_response(
                asked, grant_user=self.user, grant=grant
            )
            return told

        @app.post("/token")
        async def token(request: Request) -> Response:
            async with request.form() as form:
                asked = Asked(request, {name: str(value) for name, value in form.items()})
            told: Response = server.create_token_response(asked)
            return told

        return app


def _server(  # noqa: C901 - the library's classes, about this provider
    provider: SmallProvider,
) -> AuthorizationServer:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]
        def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
            provider.codes[code] = Code(dict(request.payload.data), str(request.user))

        def query_authorization_code(self, code: str, client: ClientMixin) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes = {
                text: each for text, each in provider.codes.items() if each != authorization_code
            }

        def authenticate_user(self, authorization_code: Code) -> str:
            return authorization_code.user

    class Tokens(OpenIDCode):  # type: ignore[misc]
        def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
            return any(each.get_nonce() == nonce for each in provider.codes.values())

        def resolve_client_private_key(self, client: ClientMixin) -> ECKey:
            return provider.key

        def get_encode_header(self, client: ClientMixin) -> Plain:
            return {"alg": "ES256", "kid": provider.key.kid}

        def get_client_claims(self, client: ClientMixin) -> Plain:
            now = int(provider.clock().timestamp())
            return {"iss": provider.issuer, "aud": [CLIENT], "iat": now, "exp": now + 60,
                    "auth_time": now}  # fmt: skip

        def generate_user_info(self, user: str, scope: str) -> UserInfo:
            return UserInfo(**{"sub": user, "email": "li.na@example.org", **provider.lies})

    class Server(AuthorizationServer):  # type: ignore[misc]
        def query_client(self, client_id: str) -> Client | None:
            return Client(provider.back) if client_id == CLIENT else None

        def save_token(self, token: Plain, request: OAuth2Request) -> None:
            """Nothing asks for it again."""

        def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
            """Nobody listens."""

        def create_oauth2_request(self, request: Asked) -> Asked:
            return request

        def handle_response(self, status: int, body: object, headers: Any) -> Response:
            if isinstance(body, dict):
                return JSONResponse(body, status, dict(headers))
            return Response(str(body), status, dict(headers))

    server = Server(scopes_supported=["openid"])
    server.register_token_generator(
        "default", BearerTokenGenerator(lambda **_: secrets.token_hex(16))
    )
    server.register_grant(Grant, [Tokens(require_nonce=True), CodeChallenge(required=True)])
    return server


@contextmanager
def small_provider(clock: Callable[[], datetime]) -> Iterator[SmallProvider]:
    """One that answers at its issuer's address."""
    provider = SmallProvider(clock=clock)
    with served(provider.app()) as provider.issuer:
        yield provider

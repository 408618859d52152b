"""What whoever runs an instance decides: one frozen object, read from the environment once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ledger.domain.chain.endpoints import parse_endpoints

_FINALITY = r"^(journal|instant|finalized|depth:[0-9]{1,4})$"
Finality = Annotated[str, StringConstraints(pattern=_FINALITY)]


class Settings(BaseSettings):
    """Settings of one instance; every name is also STERILEDGER_<NAME> in the environment.

    No secret has a default here: the vault key is read by `ledger.keys.vault` alone.
    """

    model_config = SettingsConfigDict(
        env_prefix="STERILEDGER_", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    #: the folder that holds all state of an embedded instance
    home: Path = Path("steriledger-home")
    #: SQLAlchemy address; empty means SQLite under the home
    database_url: Annotated[str, Field(repr=False)] = ""
    #: JSON-RPC addresses of nodes of the group's chain, `URL[,URL…]`, the first the one to ask
    #: while it is well; empty means the embedded chain
    chain_url: Annotated[str, Field(repr=False)] = ""
    #: when a block is final: `journal` (embedded), `instant`, `finalized`, or `depth:N`
    finality: Finality = "journal"
    host: str = "127.0.0.1"
    #: 0 lets the system choose
    api_port: Annotated[int, Field(ge=0, le=65535)] = 0
    chain_port: Annotated[int, Field(ge=0, le=65535)] = 0
    #: the embedded chain's state is kept after so many blocks, so that a start need not replay them
    snapshot_blocks: Annotated[int, Field(ge=1)] = 500
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: how often one token may ask
    requests_per_minute: Annotated[int, Field(ge=1)] = 1200
    #: how often one client address may come without a valid token
    failed_logins_per_minute: Annotated[int, Field(ge=1)] = 60
    #: the Host names that the API answers to; empty means every one
    allowed_hosts: tuple[str, ...] = ()

    #: IANA name of the zone in which pages show times and take them
    zone: str = "UTC"
    #: PEM files of the certificate (with its chain) and its key: the API is served over TLS then
    tls_cert: Path | None = None
    tls_key: Path | None = None

    #: the group's own sign-in (OpenID Connect): its issuer's address; empty means there is none
    oidc_issuer: str = ""
    #: what this instance is called there
    oidc_client: str = ""
    #: a file of mode 600 with the secret that this instance has there
    oidc_secret_file: Path | None = None
    #: PEM file of the authority that certifies it; the system's when left out
    oidc_ca: Path | None = None
    #: what people call it, on the button
    oidc_name: Annotated[str, Field(min_length=1, max_length=60)] = "OpenID Connect"

    @field_validator("oidc_issuer")
    @classmethod
    def _require_issuer(cls, issuer: str) -> str:
        """Raise ValueError for an address over which anybody in between could answer."""
        parts = urlsplit(issuer)
        is_here = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if issuer and (not parts.hostname or parts.query or parts.fragment or parts.username):
            raise ValueError("an address such as https://login.example.org")
        if issuer and parts.scheme != "https" and not is_here:
            raise ValueError("https, but for this machine itself")
        return issuer

    @model_validator(mode="after")
    def _require_whole(self) -> Self:
        """Raise ValueError for half of what a provider needs."""
        given = {bool(self.oidc_issuer), bool(self.oidc_client), self.oidc_secret_file is not None}
        if len(given) > 1:
            raise ValueError("oidc_issuer, oidc_client and oidc_secret_file are given together")
        return self

    @field_validator("zone")
    @classmethod
    def _require_zone(cls, zone: str) -> str:
        """Raise ValueError for a zone that nobody knows."""
        if zone not in available_timezones():
            raise ValueError("an IANA zone such as Asia/Shanghai")
        return zone

    @model_validator(mode="after")
    def _require_both(self) -> Self:
        """Raise ValueError for a certificate without its key, or the other way round."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key are given together")
        return self

    @field_validator("chain_url")
    @classmethod
    def _require_endpoints(cls, urls: str) -> str:
        """Raise InvalidInput, which shows nothing of it, for what is no endpoint."""
        parse_endpoints(urls, field="STERILEDGER_CHAIN_URL")
        return urls

    @property
    def database_address(self) -> str:
        """The address of the database, the embedded default resolved."""
        return self.database_url or f"sqlite:///{self.home / 'steriledger.db'}"

    @property
    def chain_urls(self) -> tuple[str, ...]:
        """The addresses of the group's chain, in the order in which they are preferred."""
        return parse_endpoints(self.chain_url)

    @property
    def is_embedded(self) -> bool:
        """Whether the chain is our own child process."""
        return not self.chain_url

    @property
    def run_folder(self) -> Path:
        """Where running processes leave their addresses and process ids."""
        return self.home / "run"

"""An endpoint's address is read whole or refused, and nothing secret of it is ever shown."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.chain.node import Node
from ledger.cli.options import settings_of
from ledger.domain.chain.endpoints import EndpointAddress, parse_endpoint
from ledger.domain.errors import InvalidInput
from ledger.settings import Settings

FIELD = "STERILEDGER_CHAIN_URL"
SECRETS = ("s3cret", "TOKEN", "user")

WRONG = {
    "no scheme": "127.0.0.1:8545/TOKEN",
    "a name for a scheme": "localhost:8545/TOKEN",
    "another scheme": "ws://user:s3cret@127.0.0.1:8545/TOKEN",
    "a file": "file:///TOKEN",
    "no host": "http:///TOKEN",
    "no host but a port": "http://user:s3cret@:8545/TOKEN",
    "no slashes": "http:127.0.0.1:8545",
    "a port that is none": "http://user:s3cret@127.0.0.1:99999/TOKEN",
    "port 0": "http://user:s3cret@127.0.0.1:0/TOKEN",
    "a port in words": "http://user:s3cret@127.0.0.1:rpc/TOKEN",
    "an empty port": "http://user:s3cret@127.0.0.1:/TOKEN",
    "a negative port": "http://user:s3cret@127.0.0.1:-1/TOKEN",
    "a bracket that stays open": "http://user:s3cret@[bad/TOKEN",
    "a bracket that was not opened": "http://user:s3cret@bad]/TOKEN",
    "a name in brackets": "http://user:s3cret@[localhost]:8545/TOKEN",
    "IPv6 without brackets": "http://::1:8545/TOKEN",
    "IPv4 in brackets": "http://[127.0.0.1]:8545/TOKEN",
    "a broken IPv4": "http://user:s3cret@127.0.0.256:8545/TOKEN",
    "half an IPv4": "http://127.1:8545/TOKEN",
    "a number": "http://2130706433:8545/TOKEN",
    "an empty label": "http://node..example:8545/TOKEN",
    "a label with a bad end": "http://node-.example:8545/TOKEN",
    "a name that is too long": "http://" + "a." * 130 + "example/TOKEN",
    "a space": "http://user:s3cret@127.0.0.1:8545/TOKEN x",
    "a new line": "http://user:s3cret@127.0.0.1:8545/TOKEN\n",
    "a new line inside": "http://user:s3cret@127.0.0.1:\n8545/TOKEN",
    "a null": "http://user:s3cret@127.0.0.1\0:8545/TOKEN",
    "a letter beyond ASCII": "http://user:s3cret@n\u00f6de:8545/TOKEN",
    "a letter that becomes a slash": "http://user:s3cret@node\u2100x:8545/TOKEN",
    "a backslash": "http://user:s3cret@good\\@127.0.0.1:8545/TOKEN",
    "a password with a slash": "http://user:80/s3cret@127.0.0.1:8545/TOKEN",
    "a password with a question mark": "http://user:80?s3cret@127.0.0.1:8545/TOKEN",
    "a password with a hash": "http://user:80#s3cret@127.0.0.1:8545/TOKEN",
    "an empty fragment": "http://user:s3cret@127.0.0.1:8545/TOKEN#",
    "a fragment": "http://user:s3cret@127.0.0.1:8545/#TOKEN",
}


@pytest.mark.parametrize("url", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_address_is_refused_with_the_settings_in_words_and_without_its_secrets(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FIELD, url.replace("\0", "\x01"))
    makers: list[Callable[[], Settings]] = [
        lambda: Settings(home=tmp_path, chain_url=url),
        lambda: Settings(home=tmp_path),
        lambda: settings_of(tmp_path),
    ]
    for make in makers:
        with pytest.raises(InvalidInput) as caught:
            make()
        assert caught.value.field == FIELD
        assert caught.value.rule
        assert caught.value.remedy
        words = "".join(traceback.format_exception(caught.value, chain=True))
        assert not any(secret in str(caught.value) for secret in SECRETS[:2])
        assert not any(secret in words for secret in SECRETS[:2])
        assert "127.0.0" not in str(caught.value)
    with pytest.raises(InvalidInput):
        Node(url)


ADDRESSES = {
    "https://a:b@node.example:8545/k?t=1": "https://node.example:8545",
    "http://[::1]:8545/x": "http://[::1]:8545",
    "http://127.0.0.1": "http://127.0.0.1",
    "HTTP://Node_1.example./x": "http://node_1.example.",
    "https://geth:443": "https://geth:443",
    "http://:pw@node:1": "http://node:1",
    "http://xn--nde-sna.example:65535/": "http://xn--nde-sna.example:65535",
}


@pytest.mark.parametrize("url,name", ADDRESSES.items())
def test_an_address_is_named_by_scheme_host_and_port_only(url: str, name: str) -> None:
    assert parse_endpoint(url).name == name
    with Node(url) as node:
        assert node.name == name
    assert Settings(chain_url=url).chain_url == url


def test_the_parts_of_an_address() -> None:
    assert parse_endpoint("http://u%40x:p%2F%3A@[fe80::1]:8545/v3/TOKEN?key=a%40b") == (
        EndpointAddress(
            scheme="http",
            host="fe80::1",
            port=8545,
            path="/v3/TOKEN?key=a%40b",
            credentials="u@x:p/:",
        )
    )
    plain = parse_endpoint("https://node")
    assert (plain.port, plain.path, plain.credentials) == (None, "/", None)


def test_no_representation_shows_what_is_secret(tmp_path: Path) -> None:
    url = "http://user:s3cret@127.0.0.1:8545/TOKEN"
    database = "postgresql://user:s3cret@127.0.0.1/TOKEN"
    settings = Settings(home=tmp_path, chain_url=url, database_url=database)
    shown = repr(settings) + str(settings) + repr(parse_endpoint(url))
    assert not any(secret in shown for secret in SECRETS)
    with pytest.raises(ValidationError) as caught:
        Settings(home=tmp_path, chain_url=url, finality="s3cret")
    assert "s3cret" not in str(caught.value)


@given(st.text(st.sampled_from("ab1:/@[]?#%.\\ -"), max_size=20))
@example("a:1@b:2/@")
@example("a#")
def test_requests_go_to_the_host_behind_the_last_at_sign_or_nowhere(text: str) -> None:
    """Whatever is written, what is asked is what a reader of the whole address would ask."""
    try:
        address = parse_endpoint(f"http://{text}")
    except InvalidInput:
        return
    authority = re.split("[/?]", text)[0]
    assert text.count("@") == authority.count("@")
    host = authority.rpartition("@")[2]
    assert address.name == f"http://{host}"

"""The pages over https, with a certificate of one's own."""

from __future__ import annotations

import datetime as dt
import ipaddress
import queue
import ssl
import threading
from pathlib import Path

import httpx2 as httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from api import serve
from ledger.domain.errors import InvalidInput
from ledger.settings import Settings
from tests.pages.conftest import Site


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file


def test_pages_are_served_over_https_and_a_session_is_kept_to_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    instance = site.api.house.instance
    settings = Settings(home=instance.settings.home, tls_cert=cert, tls_key=key)
    object.__setattr__(instance, "settings", settings)
    servers: list[serve._Server] = []

    class Kept(serve._Server):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # type: ignore[arg-type]
            servers.append(self)

    monkeypatch.setattr(serve, "_Server", Kept)
    told: queue.Queue[str] = queue.Queue()
    thread = threading.Thread(target=serve.run, args=(instance, "127.0.0.1", 0, told.put))
    thread.start()
    try:
        address = told.get(timeout=30)
        assert address.startswith("https://")
        trusted = ssl.create_default_context(cafile=str(cert))
        with httpx.Client(base_url=address, verify=trusted) as client:
            answer = client.post(site.link("operator"))
            assert answer.headers["set-cookie"].startswith("__Host-session=")
            assert client.get("/cycles").status_code == 200
    finally:
        servers[0].should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def test_a_certificate_that_is_none_is_said_before_anything_listens(
    site: Site, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate", "ascii")
    instance = site.api.house.instance
    for cert in (wrong, tmp_path / "missing.pem"):
        settings = Settings(home=instance.settings.home, tls_cert=cert, tls_key=wrong)
        object.__setattr__(instance, "settings", settings)
        with pytest.raises(InvalidInput) as caught:
            serve.run(instance, "127.0.0.1", 0, print)
        assert caught.value.field == "tls_cert"


def test_a_certificate_needs_its_key_and_a_zone_is_one_that_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(home=tmp_path, tls_cert=tmp_path / "cert.pem")
    with pytest.raises(ValidationError):
        Settings(home=tmp_path, zone="Mars/Crater")

"""The commands of statements, on the home of a group whose November is over."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from ledger.cli.failing import DOES_NOT_HOLD
from ledger.domain.chain.deployment import deployment_to_json
from ledger.domain.statement.account import account_bytes
from ledger.steps.starting.link import EmbeddedLink
from tests.cli.conftest import typed
from tests.steps.november_group import DOCUMENT, Group, november_group


def run(*arguments: str) -> tuple[int, Any]:
    """The exit code, and what was printed as JSON."""
    ran = typed(*arguments, "--json")
    return ran.code, ran.json() if ran.out else ran.err


def test_an_account_is_published_written_and_computed_again_without_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with november_group(home, "") as group:
        computed = group.compute()
        group.publish(computed)
        files(tmp_path, group)
        # the chain goes on, and our database is out of the way
        database = home / "steriledger.db"
        for each in home.glob("steriledger.db*"):
            each.rename(tmp_path / each.name)
        assert not database.exists()
        recompute = (
            "statement", "recompute", "--rpc", serve(group), "--deployment",
            str(tmp_path / "deployment.json"), "--terms", str(tmp_path / "terms.json"),
            "--period", "2026-11", "--finality", "instant",
        )  # fmt: skip
        given = ("--against", str(tmp_path / "account.json"))
        code, told = run(*recompute, *given, "-o", str(tmp_path / "again"))
        assert (code, told["account"]) == (0, computed.hash.hex())
        assert (told["published"], told["difference"]) == (computed.hash.hex(), None)
        assert (tmp_path / "again").read_bytes() == computed.data
        given = ("--against", str(tmp_path / "wrong.json"))
        code, told = run(*recompute, *given)
        assert (code, told["difference"]) == (DOES_NOT_HOLD, "lines[0].amount")
        assert len(told["events"]) == computed.account["lines"][0]["events"]
        for each in tmp_path.glob("steriledger.db*"):
            each.rename(home / each.name)
    monkeypatch.setenv("STERILEDGER_HOME", str(home))
    code, told = run("statement", "show", "2026-11")
    assert (code, told["is_published"]) == (0, True)
    code, told = run("statement", "events", "2026-11", "1", "--unit", "3")
    assert {each["kind"] for each in told} == {"Service"}
    assert run("statement", "events", "2026-11", "99")[0] == 3
    out = tmp_path / "files"
    code, told = run("statement", "write", "2026-11", "-o", str(out))
    assert code == 0, told
    assert (out / "2026-11-group.json").read_bytes() == computed.data
    assert {each.suffix for each in out.iterdir()} == {".json", ".csv", ".xlsx", ".pdf", ".journal"}
    code, told = run("statement", "show", "2026-12")
    assert code == 5, told
    sign_with_this_home_s_key(tmp_path)


def sign_with_this_home_s_key(folder: Path) -> None:
    """Without a key it says so; what a replaced key signed is valid by the exported file."""
    write = ("statement", "write", "2026-11", "--form", "pdf", "--signed", "-o")
    code, told = run(*write, str(folder / "none"))
    assert (code, (folder / "none").exists()) == (3, False)
    assert "steriledger statement key make" in str(told)
    key, name = ("statement", "key"), ("--name", "某集团 Group")
    assert run(*key, "rotate", *name)[0] == 3
    signed = []
    for word in ("make", "rotate"):
        code, told = run(*key, word, *name)
        assert code == 0, told
        assert run(*write, str(folder / word))[0] == 0
        signed.append((folder / word / "2026-11-group.pdf").read_bytes())
    assert run(*key, "make", *name)[0] == 4
    pem = folder / "certificates.pem"
    code, told = run(*key, "export", "-o", str(pem))
    assert told["certificates"] == 2
    newest, oldest = load_certs_from_pemder_data(pem.read_bytes())
    for data, own in zip(signed, (oldest, newest), strict=True):
        (signature,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
        assert signature.signer_cert.serial_number == own.serial_number
        trust = ValidationContext(trust_roots=[own])
        status = validate_pdf_signature(signature, trust)
        assert (status.intact, status.valid, status.trusted) == (True, True, True)


def serve(group: Group) -> str:
    """Where the chain answers."""
    link = group.hospital.link
    assert isinstance(link, EmbeddedLink)
    return link.chain.url


def files(folder: Path, group: Group) -> None:
    """What somebody else brings: deployment, terms, and two accounts to compare with."""
    (folder / "deployment.json").write_bytes(deployment_to_json(group.deployment))
    (folder / "terms.json").write_text(json.dumps(DOCUMENT))
    computed = group.compute()
    (folder / "account.json").write_bytes(computed.data)
    wrong = json.loads(computed.data)
    wrong["lines"][0]["amount"] += 1
    (folder / "wrong.json").write_bytes(account_bytes(wrong))

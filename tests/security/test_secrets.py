"""A whole run, and then every byte that it left anywhere: no secret stands in the clear.

Once on one machine, with the embedded chain and SQLite; once of a group, with PostgreSQL that asks
for a password and a chain behind a name, a password and a key in its path.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2 as httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from ledger.chain.node import Node
from ledger.keys.vault import KEY_PURPOSE, Vault
from ledger.settings import Settings
from ledger.steps.accepting.prepare import read_draft
from ledger.steps.accepting.submit import FACTS_PURPOSE, PERSONAL_PURPOSE
from ledger.steps.instance import Instance
from ledger.steps.starting.deploy import ensure_home, open_relayer
from ledger.storage.drafts import DraftRow, drafts
from ledger.storage.engine.database import Database, open_database
from ledger.storage.engine.inserting import insert_rows
from ledger.storage.engine.schema import metadata
from ledger.storage.keys import list_keys
from ledger.storage.records import get_secrets, list_records
from ledger.storage.settings import SettingRow, settings
from tests.cli.conftest import typed
from tests.databases import PostgresServer
from tests.faults_chain.group import real_node
from tests.faults_chain.proxy import fault_proxy

ROOT = Path(__file__).resolve().parents[2]
DAC_LOG = ROOT / "tests" / "data" / "dacuniversal" / "DACLogOK.TXT"
PATIENCE_SECONDS = 90
ONE_MACHINE, GROUP = "on one machine", "of a group"
#: people who must be named in records and nowhere else; called otherwise in every test process,
#: since a command that names somebody is seen while it runs
PEOPLE = tuple(
    f"{name} {secrets.token_hex(4)}"
    for name in ("Rosalind Franklin", "Lise Meitner", "Chien-Shiung Wu")
)


@dataclass(slots=True, kw_only=True)
class Run:
    """One instance in processes of its own, and everything that it said."""

    home: Path
    key: bytes
    #: settings by the names of their variables
    settings: dict[str, str] = field(default_factory=dict)
    #: name → what stands in an address of the settings and nowhere else
    credentials: dict[str, bytes] = field(default_factory=dict)
    api: str = ""
    rpc: str = ""
    #: where → bytes
    said: dict[str, bytes] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    #: process id → command line, environment
    processes: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Of every command: the vault key comes from outside."""
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "STERILEDGER_HOME": str(self.home),
            "STERILEDGER_KEY": base64.b64encode(self.key).decode(),
            "STERILEDGER_LOG_LEVEL": "debug",
            **self.settings,
        }

    def command(self, *arguments: str, code: int = 0) -> str:
        """One command; what it says is kept, unless it makes a token."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment.items():
                patch.setenv(name, value)
            done = typed(*arguments)
        assert done.code == code, done.err
        name = " ".join(arguments[:2])
        self.said[f"stderr of {name}"] = done.err.encode()
        if name != "token create":
            self.said[f"stdout of {name}"] = done.out.encode()
        return done.out

    def fail(self, *arguments: str, variable: str, value: str) -> None:
        """One command with another setting, which must fail; what it says is kept."""
        done = subprocess.run(
            [sys.executable, "-m", "ledger", *arguments],
            env={**self.environment, variable: value},
            cwd=ROOT,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode != 0
        assert done.stderr
        self.said[f"said by {' '.join(arguments)} with {variable} wrong"] = (
            done.stdout + done.stderr
        )

    def token(self, person: str, *scopes: str, unit: str, signer: str) -> str:
        """A token, as whoever runs the instance makes one."""
        asked = [word for scope in scopes for word in ("--scope", scope)]
        options = ["--unit", unit, "--signer", signer, "--json"]
        made = self.command("token", "create", "--person", person, *asked, *options)
        self.tokens.append(json.loads(made)["token"])
        return self.tokens[-1]

    def ask(self, method: str, path: str, token: str | None, **options: Any) -> httpx.Response:
        """One request; what is answered is kept, but for the secrets of a prepared operation."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, self.api + path, headers=headers, timeout=30, **options)
        if not path.endswith("/prepare"):
            self.said[f"answer to {method} {httpx.URL(path).path}"] = (
                answer.content + repr(answer.headers).encode()
            )
        return answer

    def look_at_processes(self) -> None:
        """Command lines of everything that runs; environments of what this run started."""
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                ours = str(self.home).encode() in command or b"anvil" in command
                environment = (entry / "environ").read_bytes() if ours else b""
            except OSError:
                continue
            self.processes[int(entry.name)] = (command, environment)


@contextmanager
def started(run: Run) -> Iterator[None]:
    """`steriledger up`, and all that it starts; stopped in order."""
    with (run.home.parent / "out").open("wb") as out, (run.home.parent / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger", "up", "--port", "0"],
            env=run.environment,
            cwd=ROOT,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while b"Ready:" not in Path(out.name).read_bytes():
                assert process.poll() is None, Path(err.name).read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            run.api = json.loads((run.home / "run" / "api.json").read_text())["url"]
            run.rpc = json.loads((run.home / "run" / "chain.json").read_text())["rpc"]
            yield
            run.look_at_processes()
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    for name in (out.name, err.name):
        run.said[name] = Path(name).read_bytes()


@pytest.fixture(scope="module", params=[ONE_MACHINE, GROUP])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The main job through the command line and the API, with mistakes on the way."""
    folder = tmp_path_factory.mktemp("run")
    run = Run(home=folder / "home", key=secrets.token_bytes(32))
    with ExitStack() as stack:
        if request.param == GROUP:
            stack.enter_context(joined(run, request.getfixturevalue("postgres")))
        with started(run):
            do_the_main_job(run, folder)
        make_mistakes(run)
        yield run


@contextmanager
def joined(run: Run, server: PostgresServer) -> Iterator[None]:
    """A database that asks for a password, and a chain whose address is a secret."""
    names = ("database password", "chain password", "chain key")
    run.credentials = {name: secrets.token_hex(16).encode() for name in names}
    password, chain_password, chain_key = (run.credentials[name].decode() for name in names)
    run.credentials["chain credentials"] = f"reader:{chain_password}".encode()
    with real_node() as node, fault_proxy(node.url) as proxy:
        host = urlsplit(proxy.url).netloc
        run.settings = {
            "STERILEDGER_DATABASE_URL": guarded_database(server, password),
            "STERILEDGER_CHAIN_URL": f"http://reader:{chain_password}@{host}/v1/{chain_key}",
            "STERILEDGER_FINALITY": "instant",
        }
        with opened(run) as instance:
            instance.database.migrate()
            ensure_home(instance)
            node.fund(open_relayer(instance).address)
        yield


def guarded_database(server: PostgresServer, password: str) -> str:
    """The address of an empty database whose owner the server asks for the password."""
    owner = f"guarded_{secrets.token_hex(4)}"
    server.run(f"CREATE ROLE {owner} LOGIN PASSWORD '{password}'")
    server.run(f"CREATE DATABASE {owner} OWNER {owner}")
    place = parse_qs(urlsplit(server.place).query)["host"][0]
    rules = Path(place) / "data" / "pg_hba.conf"
    rules.write_text(f"local all {owner} scram-sha-256\n{rules.read_text()}")
    server.run("SELECT pg_reload_conf()")
    return f"postgresql://{owner}:{password}@/{owner}?host={quote(place)}"


def make_mistakes(run: Run) -> None:
    """A wrong password, and a chain that does not answer there."""
    if not run.settings:
        return
    database, chain = (
        run.settings["STERILEDGER_DATABASE_URL"],
        run.settings["STERILEDGER_CHAIN_URL"],
    )
    password, key = run.credentials["database password"].decode(), urlsplit(chain).path
    wrong = database.replace(password, password + "x")
    run.fail("status", variable="STERILEDGER_DATABASE_URL", value=wrong)
    gone = f"http://reader:{run.credentials['chain password'].decode()}@127.0.0.1:9{key}"
    run.fail("audit", variable="STERILEDGER_CHAIN_URL", value=gone)


def do_the_main_job(run: Run, folder: Path) -> None:
    """Units, people, a machine, cycles, evidence; and what is refused."""
    head = ["--administrator-name", PEOPLE[0], "--role", "processor"]
    run.command("unit", "admit", "1", "--code", "C", "--name", "Centre", *head)
    rights = [word for right in ("open", "load", "result", "decide") for word in ("--right", right)]
    run.command("signer", "enrol", PEOPLE[1], "--unit", "1", *rights)
    machine = ["--unit", "1", "--serial", "601362", "--kind", "sterilizer"]
    clock = ["--clock-zone", "Europe/Berlin", "--profile", "en-285-134"]
    run.command("equipment", "register", "Dac", *machine, *clock)
    run.command("import", str(DAC_LOG), "--unit", "1", "--performer", PEOPLE[2])
    run.command("token", "create", "--person", "x", "--scope", "everything", code=2)
    token = run.token(
        PEOPLE[1], "open", "load", "end", "decide", "read_unit", unit="1", signer=PEOPLE[1]
    )
    body = {"equipment": "601362", "number": 900, "performer": PEOPLE[2]}
    for wrong in (None, "slt_" + "A" * 43, token[:-1]):
        assert run.ask("GET", "/v1/cycles", wrong).status_code == 401
    assert run.ask("POST", "/v1/operations/cycle-opening", token, json=body).status_code == 201
    assert run.ask("POST", "/v1/operations/cycle-opening", token, json=body).status_code >= 400
    broken = {**body, "secret": token, "number": "x"}
    assert run.ask("POST", "/v1/operations/cycle-opening", token, json=broken).status_code == 422
    mistaken = httpx.get(
        f"{run.api}/v1/cycles?equipment={token}", headers={"Authorization": f"Bearer {token}"}
    )
    assert mistaken.status_code == 404  # its own words come back to the caller alone
    prepare = "/v1/operations/cycle-opening/prepare"
    prepared = run.ask("POST", prepare, token, json={**body, "number": 901}).json()
    submit = f"/v1/operations/{prepared['digest']}/submit"
    assert run.ask("POST", submit, token, json={"held": ["signer"]}).status_code == 200
    run.ask("POST", prepare, token, json={**body, "number": 902})  # stays a draft
    wait_until_final(run, token)
    cycle = run.ask("GET", "/v1/cycles", token).json()["cycles"][-1]["id"]
    evidence = folder / "evidence.json"
    run.command("evidence", "export", cycle, "--output", str(evidence), "--readings")
    run.said["evidence"] = evidence.read_bytes()
    deployment = str(run.home / "deployment.json")
    run.command("verify", str(evidence), "--rpc", run.rpc, "--deployment", deployment)
    run.command("status")
    run.command("audit")
    backup = folder / "backup.tar"
    run.command("backup", str(backup))
    run.said["backup"] = backup.read_bytes()
    run.said["chain"] = everything_on(run.rpc)


def wait_until_final(run: Run, token: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS

    def waiting() -> int:
        counts = run.ask("GET", "/v1/status", token).json()["operations"]
        return sum(count for state, count in counts.items() if state != "final")

    while waiting():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def everything_on(rpc: str) -> bytes:
    """Every transaction and log of the chain, as the node tells them, and as plain bytes."""
    node = Node(rpc)
    last = int(str(node.ask("eth_blockNumber")), 16)
    plain: list[Any] = [node.ask("eth_getBlockByNumber", hex(n), True) for n in range(last + 1)]
    plain.append(node.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(last)}))
    node.close()
    inputs = [bytes.fromhex(t["input"][2:]) for b in plain[:-1] for t in b["transactions"]]
    assert len(inputs) > 5
    return json.dumps(plain).encode() + b"".join(inputs)


# ------------------------------------------------------------------------------- the secrets


def forms(secret: bytes) -> set[bytes]:
    """A secret in every spelling that somebody would use."""
    plain, safe = base64.b64encode(secret), base64.urlsafe_b64encode(secret)
    number = str(int.from_bytes(secret, "big")).encode()
    return {
        secret,
        secret.hex().encode(),
        secret.hex().upper().encode(),
        plain.rstrip(b"="),
        safe.rstrip(b"="),
        number,
    }


@contextmanager
def opened(run: Run) -> Iterator[Instance]:
    url = run.settings.get("STERILEDGER_DATABASE_URL", "")
    chain = run.settings.get("STERILEDGER_CHAIN_URL", "")
    settings = Settings(home=run.home, database_url=url, chain_url=chain)
    database = open_database(settings.database_address)
    try:
        yield Instance(settings=settings, database=database, vault=Vault(run.key))
    finally:
        database.close()


def secrets_of(run: Run) -> dict[str, bytes]:
    """Everything that only the vault or a person may know."""
    found = {"vault key": run.key, **run.credentials}
    found |= {f"token {n}": token.encode() for n, token in enumerate(run.tokens)}
    with opened(run) as instance, instance.database.reading() as tx:
        for row in list_keys(tx, limit=1000):
            name = row.signer_id.hex()
            found[f"private key {row.purpose} {name}"] = instance.vault.decrypt(
                row.private_key, purpose=KEY_PURPOSE, row=name
            )
        for record in list_records(tx, limit=1000):
            kept = get_secrets(tx, record.id)
            assert kept.personal_secret is not None
            for purpose, sealed in (
                (FACTS_PURPOSE, kept.facts_secret),
                (PERSONAL_PURPOSE, kept.personal_secret),
            ):
                found[f"{purpose} {record.id}"] = instance.vault.decrypt(
                    sealed, purpose=purpose, row=record.id
                )
        for found_draft in tx.execute(select(drafts)).mappings():
            draft = DraftRow(**found_draft)
            kept_apart = read_draft(instance, instance.deployment_in(tx), draft).secrets
            assert kept_apart.personal is not None
            found[f"draft's facts {draft.digest.hex()}"] = kept_apart.facts
            found[f"draft's personal {draft.digest.hex()}"] = kept_apart.personal
    return found


def rows_of(run: Run) -> bytes:
    """Every value of every row, bytes as they are."""
    with opened(run) as instance, instance.database.reading() as tx:
        rows = [row for table in metadata.sorted_tables for row in tx.execute(select(table))]
    values = [value for row in rows for value in row]
    assert len(rows) > 50
    return b"\0".join(
        value if isinstance(value, bytes) else str(value).encode() for value in values
    )


def everything_left(run: Run) -> dict[str, bytes]:
    """Every file of the home, everything that was said, and what `ps` showed."""
    files = {str(p): p.read_bytes() for p in run.home.rglob("*") if p.is_file()}
    assert any(name.endswith("steriledger.db") for name in files) is not bool(run.settings)
    assert any(name.endswith("run/log") for name in files)
    shown = {f"command line {pid}": seen[0] for pid, seen in run.processes.items()}
    return {**files, **run.said, **shown, "rows": rows_of(run)}


@pytest.mark.timeout(240)
def test_a_whole_run_leaves_no_secret_anywhere_in_the_clear(run: Run) -> None:
    known = secrets_of(run)
    assert len([name for name in known if name.startswith("private key")]) >= 5
    assert len([name for name in known if name.startswith("draft's")]) == 2
    assert len(known) > 20
    left = everything_left(run)
    found = [
        (name, where)
        for name, secret in known.items()
        for form in forms(secret)
        for where, content in left.items()
        if form in content
    ]
    # Evidence that shows every fact proves them by their one secret; see docs/evidence.md.
    assert [each for each in found if not is_shown_whole(*each)] == []


def is_shown_whole(name: str, where: str) -> bool:
    return where == "evidence" and name.startswith(FACTS_PURPOSE)


@pytest.mark.timeout(240)
def test_names_of_people_stand_in_the_database_and_nowhere_else(run: Run) -> None:
    asked_for = ("answer to", "stdout of signer", "stdout of unit", "stdout of import")
    kept = ("backup", "rows")
    left = {
        where: content
        for where, content in everything_left(run).items()
        if "steriledger.db" not in where and not where.startswith((*asked_for, *kept))
    }
    found = [(name, where) for name in PEOPLE for where in left if name.encode() in left[where]]
    assert found == []
    for where in kept:
        assert all(name.encode() in everything_left(run)[where] for name in PEOPLE)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("run", [ONE_MACHINE], indirect=True)
def test_the_chains_process_is_told_no_secret(run: Run) -> None:
    chains = [seen for seen in run.processes.values() if b"bin/anvil" in seen[0].split(b"\0")[0]]
    assert chains
    for command, environment in chains:
        assert b"STERILEDGER" not in command + environment
        assert b"--no-cors" in command
        assert b"mnemonic" not in command


@pytest.mark.timeout(240)
def test_the_home_is_its_owners_alone(run: Run) -> None:
    assert run.home.stat().st_mode & 0o077 == 0
    assert (run.home / "run").stat().st_mode & 0o077 == 0
    assert not (run.home / "vault.key").exists()


@pytest.mark.timeout(240)
def test_the_log_tells_every_request_without_its_token(run: Run) -> None:
    lines = (run.home / "run" / "log").read_text("utf-8").splitlines()
    requests = [json.loads(line) for line in lines if '"event": "request"' in line]
    assert {401, 201, 422} <= {line["status"] for line in requests}
    assert not any("slt_" in line for line in lines)


@pytest.mark.parametrize("count", [1, 2])
def test_a_row_that_the_database_refuses_is_shown_nowhere(database: Database, count: int) -> None:
    rows = [SettingRow(name=name, value=None) for name in PEOPLE[:count]]  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)not.null constraint") as caught:
        _insert(database, rows)
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(name in shown for name in PEOPLE)


def _insert(database: Database, rows: Sequence[SettingRow]) -> None:
    with database.transaction() as tx:
        insert_rows(tx, settings, rows, taken="it is taken")


def test_an_error_of_the_database_shows_no_row(database: Database) -> None:
    insert = text("INSERT INTO settings (name, value) VALUES (:name, :value)")
    row = {"name": PEOPLE[0], "value": PEOPLE[1].encode()}
    with database.transaction() as tx:
        tx.execute(insert, row)
    with pytest.raises(IntegrityError) as caught, database.transaction() as tx:
        tx.execute(insert, row)
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(name in shown for name in PEOPLE)

"""Home → whether the database at hand is the home's own, before anything is written to it.

A home outlives its database: the file was deleted or emptied, a disk was not mounted, a server was
set up anew, an old address stands in the settings.  An empty database would start a new ledger in
the old one's place, and its deployment file would be gone.
"""

from __future__ import annotations

import os
from pathlib import Path

from ledger.chain.snapshots import list_snapshots
from ledger.crashing import crash_point
from ledger.domain.chain.deployment import Deployment, deployment_to_json, parse_deployment
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import RESTORE_BACKUP, InvalidInput, Refused
from ledger.keys.vault import KEY_FILE_NAME
from ledger.settings import Settings
from ledger.storage.engine.database import Database
from ledger.storage.journal import find_block
from ledger.storage.settings import find_setting

DEPLOYMENT_FILE = "deployment.json"
DEPLOYMENT_SETTING = "deployment"
#: Names the genesis of the embedded chain among the settings.
GENESIS_SETTING = "genesis"
SNAPSHOT_FOLDER = "chain"
REACHED_FILE = "reached.json"

_RULE = "a home is started with its own database"


def require_own_database(settings: Settings, database: Database) -> None:
    """Raise Refused for a database that holds nothing, or another ledger, in a home that is old.

    Nothing is written, and no file is made.
    """
    file = settings.home / DEPLOYMENT_FILE
    if database.is_untouched():
        left = _left_behind(settings)
        if left:
            raise _without_database(settings, ", ".join(left))
        return
    if not file.exists():
        return
    with database.reading() as tx:
        body = find_setting(tx, DEPLOYMENT_SETTING)
    if body is None:
        raise _without_database(settings, DEPLOYMENT_FILE)
    _require_same(file, parse_deployment(body))


def require_named_chain(settings: Settings, database: Database) -> None:
    """Raise Refused where the contracts are on a chain of others, and the settings name none.

    Else that would be taken for an embedded chain that has lost its journal.
    """
    if not settings.is_embedded:
        return
    with database.reading() as tx:
        has_contracts = find_setting(tx, DEPLOYMENT_SETTING) is not None
        is_ours = find_setting(tx, GENESIS_SETTING) is not None or find_block(tx, 1) is not None
    if has_contracts and not is_ours:
        raise Refused(
            "the contracts of this home are on a chain of others, and no address of it is named",
            field="STERILEDGER_CHAIN_URL",
            rule="every command on such a home is told which nodes it may ask, and the finality",
            remedy="set STERILEDGER_CHAIN_URL and STERILEDGER_FINALITY in the environment, to what "
            "was said to `steriledger up --chain … --finality …`",
        )


def write_deployment_file(home: Path, deployment: Deployment) -> None:
    """For people to take away: whole or not at all, and never in the place of another one."""
    path, body = home / DEPLOYMENT_FILE, deployment_to_json(deployment)
    if path.exists():
        _require_same(path, deployment)
        if path.read_bytes() == body:
            return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    crash_point("deploy.drafted")
    draft.replace(path)


def _left_behind(settings: Settings) -> list[str]:
    """What a ledger of before left in the home."""
    home = settings.home
    names = [KEY_FILE_NAME, DEPLOYMENT_FILE, f"{settings.run_folder.name}/{REACHED_FILE}"]
    found = [name for name in names if (home / name).exists()]
    if list_snapshots(home / SNAPSHOT_FOLDER):
        found.append(f"snapshots in {SNAPSHOT_FOLDER}/")
    return found


def _require_same(file: Path, deployment: Deployment) -> None:
    ours = deployment.fingerprint()
    try:
        theirs = parse_deployment(file.read_bytes()).fingerprint()
    except (InvalidInput, OSError) as error:
        why = error.what if isinstance(error, InvalidInput) else error.strerror
        raise Refused(
            f"{file} cannot be read as a deployment: {why}",
            field="home",
            rule="the file beside a database names that database's ledger, and is not replaced",
            remedy="look whose file it is, and move it away: it is written again",
        ) from None
    if theirs != ours:
        raise Refused(
            f"{file} names the ledger {to_hex(theirs)}; the database holds {to_hex(ours)}",
            field="home",
            rule=_RULE,
            remedy="give this home its own database back, or name the other ledger's home: --home",
        )


def _without_database(settings: Settings, left: str) -> Refused:
    where = "of STERILEDGER_DATABASE_URL" if settings.database_url else "steriledger.db"
    return Refused(
        f"{settings.home} has {left} of a ledger, and the database {where} holds none",
        field="home",
        rule=_RULE,
        remedy=f"put its database back, or {RESTORE_BACKUP}; for a new ledger name another home: "
        "--home",
    )

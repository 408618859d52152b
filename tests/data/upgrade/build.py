"""Makes a database of an older revision with real content: python -m tests.data.upgrade.build 0001.

Run it before the next migration is written: it works the program of today on a schema that stops at
the revision it is given.  The chain is real, so that an audit can follow every row to its block.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from alembic import command

from ledger.keys.vault import Vault
from ledger.settings import Settings
from ledger.steps.instance import Instance
from ledger.steps.reading.imports import Import, ImportOptions, import_file
from ledger.steps.starting.deploy import ensure_deployment, ensure_home
from ledger.steps.starting.link import open_link
from ledger.storage.engine.copying import close_file, copy_to_file
from ledger.storage.engine.database import open_database
from ledger.storage.engine.migrating import migration_config
from tests.steps.hospital import Hospital

FOLDER = Path(__file__).parent
PRINTOUT = FOLDER.parent / "csv" / "example.csv"
#: guards nothing but test data
KEY = b"\7" * 32


def build(revision: str) -> Path:
    """Write FOLDER/<revision>.db.gz."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with closing(open_database(f"sqlite:///{home / 'steriledger.db'}")) as database:
            with database.transaction() as tx:
                command.upgrade(migration_config(tx), revision)
            instance = Instance(settings=Settings(home=home), database=database, vault=Vault(KEY))
            _fill(instance)
            copy_to_file(database, home / "copy.db")
        close_file(home / "copy.db")
        target = FOLDER / f"{revision}.db.gz"
        target.write_bytes(gzip.compress((home / "copy.db").read_bytes(), mtime=0))
        return target


def _fill(instance: Instance) -> None:
    """Two units, a released cycle with a reading beside it, and operations that are still owed."""
    ensure_home(instance)
    link = open_link(instance)
    try:
        ensure_deployment(instance, link)
        hospital = Hospital(instance=instance, link=link)
        hospital.admit(1)
        hospital.register(1, "S1")
        hospital.run_cycle("S1", 1)
        _keep_printout(hospital)
        hospital.settle(hospital.writer())
        hospital.admit(2)
    finally:
        link.stop()


def _keep_printout(hospital: Hospital) -> None:
    """A file that reports the cycle of before, kept and attached to it."""
    text = PRINTOUT.read_text("utf-8").replace("serial: 8812-04", "serial: S1")
    report = import_file(
        hospital.instance,
        hospital.caller,
        text.replace("cycle: 211", "cycle: 1").encode(),
        filename="printout.csv",
        unit=1,
        options=ImportOptions(),
    )
    assert [cycle.what for cycle in report.cycles] == [Import.ATTACHED]


if __name__ == "__main__":
    sys.stdout.write(f"{build(sys.argv[1])}\n")

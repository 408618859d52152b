"""The commands of `steriledger`, put together."""

from __future__ import annotations

import typer

from ledger.cli.access import token
from ledger.cli.accounts import account
from ledger.cli.acts import RootGroup
from ledger.cli.custody import asset, consignment
from ledger.cli.cycles import cycle
from ledger.cli.demo import demo
from ledger.cli.evidence import evidence, verify
from ledger.cli.findings import findings
from ledger.cli.importing import import_files
from ledger.cli.labels import label
from ledger.cli.maintaining import backup, operation, record, restore
from ledger.cli.packages import against, baskets, gate, holdings, package, scan, sets, trace, where
from ledger.cli.profiles import profile
from ledger.cli.recalls import recall
from ledger.cli.registry import equipment, signer, unit
from ledger.cli.running import chain, serve, up, worker
from ledger.cli.statements import statement
from ledger.cli.terms import terms
from ledger.cli.upkeep import audit, clock, rebuild, status

app = typer.Typer(
    name="steriledger",
    cls=RootGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    help="A ledger for a hospital group that shares one sterile supply centre: what was "
    "sterilised, by whom, and which duties were done, with proof. "
    "Exit codes: 0 done; 1 something does not hold; 2 wrong input; 3 not found; 4 conflict; "
    "5 refused by a rule; 6 chain or storage unavailable, or the clock wrong; "
    "70 inconsistent, call a person.",
)

app.command()(up)
app.add_typer(chain, name="chain")
app.command("import")(import_files)
app.add_typer(cycle, name="cycle")
app.add_typer(sets, name="set")
app.add_typer(package, name="package")
app.add_typer(label, name="label")
app.add_typer(baskets, name="basket")
app.command()(scan)
app.command()(trace)
app.command()(where)
app.command()(gate)
app.command()(holdings)
app.command()(against)
app.add_typer(recall, name="recall")
app.add_typer(consignment, name="consignment")
app.add_typer(asset, name="asset")
app.add_typer(evidence, name="evidence")
app.add_typer(findings, name="findings")
app.add_typer(terms, name="terms")
app.command()(verify)
app.command()(audit)
app.command()(rebuild)
app.command()(status)
app.add_typer(clock, name="clock")
app.command()(backup)
app.command()(restore)
app.add_typer(operation, name="operation")
app.add_typer(record, name="record")
app.add_typer(unit, name="unit")
app.add_typer(equipment, name="equipment")
app.add_typer(signer, name="signer")
app.add_typer(statement, name="statement")
app.add_typer(terms, name="terms")
app.add_typer(token, name="token")
app.add_typer(account, name="account")
app.add_typer(profile, name="profile")
app.command()(demo)
app.command(hidden=True)(worker)
app.command(hidden=True)(serve)

"""Accounts: computed here, published, written as files, and computed again from a chain alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads
from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.files import read_file
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    WaitOption,
    one_of,
    opened,
    trusted_node,
)
from ledger.cli.printing import answer, print_table, say
from ledger.domain.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from ledger.steps.instance import Instance
    from ledger.steps.settling.computing import Computed
    from ledger.steps.settling.document_key import DocumentKey
    from ledger.steps.settling.recomputing import Differing
    from ledger.storage.directory import UnitRow

statement = typer.Typer(
    cls=ActGroup, no_args_is_help=True, help="What each unit contributed, used and is owed."
)

key = typer.Typer(no_args_is_help=True, help="The key that signs PDFs, and its certificate.")
statement.add_typer(key, name="key")

PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="The month: 2026-11.")]
_MOST = 1024 * 1024 * 64
#: events that are shown where accounts differ
_SHOWN = 5


@statement.command("show")
def show(
    period: PeriodArgument, *, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Show the account of a month that is over, and what was said about it since."""
    from ledger.forms.sheets import money_text
    from ledger.steps.settling.published import list_published, said_since

    with opened(home) as instance:
        computed, units = _computed(instance, period)
        with instance.database.reading() as tx:
            published = [p for p in list_published(tx) if str(p.period) == period]
            said = said_since(tx, published[0]) if published else {}
    account = computed.account
    names = {row.number: row.code for row in units}
    same = bool(published) and published[0].account == computed.hash

    def human() -> None:
        sums = ("brought_forward", "credits", "debits", "balance", "disputed", "due")
        print_table(
            ["unit", *(name.replace("_", " ") for name in sums)],
            [
                [names.get(u["unit"], str(u["unit"])), *(money_text(u[n], account) for n in sums)]
                for u in account["units"]
            ],
        )
        for each in account["settlement"]["payments"]:
            say(
                f"unit {each['payer']} pays unit {each['payee']} "
                f"{money_text(each['amount'], account)} {account['terms']['currency']}"
            )
        say(f"SHA-256 {computed.hash.hex()}, closed by block {computed.closing.block}")
        if published:
            how = "this account" if same else "ANOTHER account than follows from the chain"
            say(f"published: {how}, 0x{published[0].publication.hex()}")
        for name, rows in said.items():
            for row in rows:
                say(f"{name}: {json.dumps(row, ensure_ascii=False)}")

    answer({**account, "said": said, "is_published": same}, as_json=as_json, human=human)


@statement.command("events")
def events(
    period: PeriodArgument,
    line: Annotated[int, typer.Argument(metavar="LINE", min=1, help="The line's number.")],
    unit: Annotated[
        int | None, typer.Option(help="Whose number it is; of the group's account when left out.")
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List the events behind a line of an account: cycles, consignments, services."""
    from ledger.domain.encoding.identifiers import to_hex
    from ledger.steps.settling.computing import events_here

    with opened(home) as instance:
        computed, _ = _computed(instance, period)
        account = computed.account
        places = {each["unit"]: each["lines"] for each in account["units"]}
        places[None] = list(range(len(account["lines"])))
        if line > len(places.get(unit, ())):
            raise NotFound(f"there is no line {line} in {period}", field="LINE")
        found = events_here(instance, computed, places[unit][line - 1])
    rows = [[e.kind, to_hex(e.about), e.block, to_hex(e.digest)] for e in found]
    names = ["kind", "about", "block", "operation"]
    answer(
        [dict(zip(names, row, strict=True)) for row in rows],
        as_json=as_json,
        human=lambda: print_table(names, rows),
    )


@statement.command("publish")
def publish(
    period: PeriodArgument,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Compute the account of a month that is over, and publish its hash, as the authority."""
    from datetime import UTC, datetime

    from ledger.cli.acting import record
    from ledger.cli.commands import COMMAND_LINE
    from ledger.domain.acts.publication import ACT
    from ledger.domain.encoding.canonical import canonical
    from ledger.domain.encoding.hashing import sha256

    with opened(home) as instance:
        computed, _ = _computed(instance, period)
    closing = computed.closing
    values: dict[str, Any] = {
        "period": period,
        "account": computed.hash.hex(),
        "indicators": sha256(canonical(computed.indicators)).hex(),
        "closing_block": closing.block,
        "closing_hash": closing.hash.hex(),
        "closing_time": datetime.fromtimestamp(closing.time, UTC),
    }
    record(ACT, values, COMMAND_LINE, home=home, as_json=as_json, wait=wait, prepare_to=None)


@statement.command("write")
def write(
    period: PeriodArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")],
    language: Annotated[str, typer.Option(help="en or zh.")] = "zh",
    form: Annotated[
        list[str] | None, typer.Option(help="Only these forms; all when left out; repeatable.")
    ] = None,
    signed: Annotated[
        bool, typer.Option("--signed", help="Sign the PDFs with this home's key for documents.")
    ] = False,
    sign_key: Annotated[Path | None, typer.Option(help="PEM key that signs the PDFs.")] = None,
    sign_certificate: Annotated[Path | None, typer.Option(help="Its certificate.")] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Write the group's account and every unit's statement as files, each in every form."""
    from ledger.forms.all_forms import FORMS, Account
    from ledger.forms.sheets import Reader
    from ledger.forms.words import Language

    chosen = {name: FORMS[one_of(name, FORMS, "--form")] for name in form or FORMS}
    spoken = Language(one_of(language, Language, "--language"))
    with opened(home) as instance:
        # before the first file is written
        key = _document_key(instance, sign_key, sign_certificate, signed=signed)
        computed, units = _computed(instance, period)
    codes = {row.number: row.code for row in units}
    names = {row.number: row.name for row in units}
    made = Account(account=computed.account, indicators=computed.indicators, data=computed.data)
    output.mkdir(parents=True, exist_ok=True)
    files = []
    for unit in (None, *(each["unit"] for each in computed.account["units"])):
        reader = Reader(language=spoken, unit=unit, names=codes, full_names=names)
        for name, each in chosen.items():
            if unit is not None and name in {"json", "indicators", "journal"}:
                continue
            who = "group" if unit is None else f"unit-{unit}"
            data = each.make(made, reader)
            if name == "pdf" and key is not None:
                data = _signed(data, key, period)
            files.append(output / f"{period}-{who}.{each.ending}")
            files[-1].write_bytes(data)
    answer(
        {"files": [str(each) for each in files], "account": computed.hash.hex()},
        as_json=as_json,
        human=lambda: say(f"{len(files)} files in {output}; SHA-256 {computed.hash.hex()}"),
    )


NameOption = Annotated[
    str, typer.Option("--name", help="Who signs, as the certificate says: the group's name.")
]
YearsOption = Annotated[int, typer.Option("--years", help="For how long, at most 10.")]


@key.command("make")
def make_key(
    name: NameOption,
    years: YearsOption = 3,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Make the key that signs PDFs, in the vault, and print its certificate."""
    _make_key(name, years, home=home, as_json=as_json, replaces=False)


@key.command("rotate")
def rotate_key(
    name: NameOption,
    years: YearsOption = 3,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Replace it: what is signed from now on bears the new one; the old certificates stay."""
    _make_key(name, years, home=home, as_json=as_json, replaces=True)


def _make_key(name: str, years: int, *, home: Path, as_json: bool, replaces: bool) -> None:
    from ledger.steps.settling.document_key import make_document_key

    with opened(home) as instance:
        made = make_document_key(instance, name=name, years=years, replaces=replaces).decode()

    def human() -> None:
        for line in made.splitlines():
            say(line)

    answer({"certificate": made}, as_json=as_json, human=human)


@key.command("export")
@reads
def export_certificates(
    here: Here,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File for the certificates, as PEM.")
    ],
) -> Answer:
    """Write the certificates of this key and of those that it replaced, the newest first."""
    from ledger.steps.settling.document_key import list_certificates

    found = list_certificates(here.tx)
    output.write_bytes(b"".join(found))
    return Answer(
        {"file": str(output), "certificates": len(found)},
        lambda: say(f"{len(found)} in {output}"),
    )


@statement.command("recompute")
def recompute(
    rpc: Annotated[str, typer.Option("--rpc", help="Chain endpoint that you trust.")],
    deployment: Annotated[Path, typer.Option("--deployment", help="Deployment file.")],
    terms_files: Annotated[
        list[Path], typer.Option("--terms", help="Every version of the terms; repeatable.")
    ],
    period: Annotated[str, typer.Option("--period", help="The month: 2026-11.")],
    against: Annotated[
        Path | None, typer.Option("--against", help="An account's JSON to compare with.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for the account's bytes.")
    ] = None,
    finality: Annotated[
        str, typer.Option(help="When a block is final: instant, finalized or depth:N.")
    ] = "finalized",
    *,
    as_json: JsonOption = False,
) -> None:
    """Compute an account from a chain alone, without a database, and compare it.

    Exit code 1: it is another account than the published one, or than the file; the first
    difference is printed, with its event.
    """
    from ledger.cli.evidence import read_deployment
    from ledger.domain.encoding.identifiers import to_hex
    from ledger.domain.statement.periods import parse_period
    from ledger.steps.settling.computing import read_terms
    from ledger.steps.settling.recomputing import compare, published_on
    from ledger.steps.settling.recomputing import recompute as recompute_account

    documents = [
        read_terms(read_file(each, _MOST, field="--terms"), name=each.name) for each in terms_files
    ]
    month, trusted = parse_period(period), read_deployment(deployment)
    given = None if against is None else read_file(against, _MOST, field="--against")
    with trusted_node(rpc) as node:
        computed = recompute_account(node, trusted, documents, month, finality=finality)
        found = None if given is None else compare(node, trusted, documents, computed, given)
        published = published_on(node, trusted, month)
    if output is not None:
        output.write_bytes(computed.data)
    differs = found is not None or published not in {None, computed.hash}
    missing = None if found is None else found.missing
    plain = {
        "account": computed.hash.hex(),
        "published": None if published is None else published.hex(),
        "block": computed.closing.block,
        "difference": None if found is None else found.difference.path,
        "event": None if missing is None else to_hex(missing),
        "events": [] if found is None else [to_hex(each) for each in found.behind],
    }
    answer(plain, as_json=as_json, human=lambda: _tell(computed, published, found, given))
    if differs:
        raise typer.Exit(DOES_NOT_HOLD)


def _tell(
    computed: Computed, published: bytes | None, found: Differing | None, given: bytes | None
) -> None:
    say(f"SHA-256 {computed.hash.hex()}, closed by block {computed.closing.block}")
    if published is None:
        say("The chain holds no publication of this month.")
    elif published == computed.hash:
        say("It is the account that was published.")
    else:
        say(f"ANOTHER account was published: {published.hex()}")
    if found is None:
        if given is not None:
            say("The given account is the same, byte for byte.")
        return
    say(f"First difference: {found.difference.path}")
    say(f"  computed: {found.difference.computed}")
    say(f"  given:    {found.difference.given}")
    if found.missing is not None:
        say(f"  the given account lacks the event 0x{found.missing.hex()}")
    elif found.behind:
        say(f"  computed from {len(found.behind)} events, the first of them:")
        for each in found.behind[:_SHOWN]:
            say(f"    0x{each.hex()}")


def _computed(instance: Instance, period: str) -> tuple[Computed, list[UnitRow]]:
    """The account by this home's index, and its units."""
    from ledger.domain.statement.periods import parse_period
    from ledger.steps.settling.computing import compute_here
    from ledger.steps.starting.chains import reading_chain
    from ledger.storage import directory

    with reading_chain(instance) as node:
        computed = compute_here(instance, node, parse_period(period))
    with instance.database.reading() as tx:
        numbers = {each["unit"] for each in computed.account["units"]}
        units = directory.list_numbered_units(tx, numbers)
    return computed, units


def _document_key(
    instance: Instance, key: Path | None, certificate: Path | None, *, signed: bool
) -> DocumentKey | None:
    """What signs the PDFs: this home's key, or one that files bring; None: nothing."""
    from ledger.steps.settling.document_key import DocumentKey, open_document_key

    if (key is None) != (certificate is None):
        raise InvalidInput(
            "is missing",
            field="--sign-key" if key is None else "--sign-certificate",
            rule="a key and its certificate go together",
        )
    if key is not None and certificate is not None:
        if signed:
            raise InvalidInput("stands beside --sign-key", field="--signed", rule="one of them")
        return DocumentKey(
            key_pem=read_file(key, _MOST, field="--sign-key"),
            certificate_pem=read_file(certificate, _MOST, field="--sign-certificate"),
        )
    if not signed:
        return None
    with instance.database.reading() as tx:
        return open_document_key(instance, tx)


def _signed(data: bytes, key: DocumentKey, period: str) -> bytes:
    from ledger.forms.signing import sign_pdf

    return sign_pdf(data, key_pem=key.key_pem, certificate_pem=key.certificate_pem, reason=period)

"""Keeping an instance: its backups, what is stuck in it, and what is erased from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acting import give_receipt
from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads_existing, writes_existing
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    ReasonOption,
    WaitOption,
    existing,
    local_caller,
    one_of,
    settings_of,
)
from ledger.cli.printing import answer, print_pairs, print_table, say, say_heading
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.acts.words import Party
    from ledger.domain.outbox.operation_states import OperationState
    from ledger.steps.keeping.backup import Backup, Manifest
    from ledger.steps.sending.mending import OperationView
    from ledger.storage.operations import OperationRow

operation = typer.Typer(no_args_is_help=True, help="Operations on their way to the chain.")
record = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Records and their personal fields.")

DigestArgument = Annotated[
    str,
    typer.Argument(
        metavar="DIGEST", help="Digest, or at least its first eight hexadecimal digits."
    ),
]


# ---------------------------------------------------------------- backup and restore


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="New file, or a folder for it.")],
    with_key: Annotated[
        Path | None,
        typer.Option("--with-key", help="Also copy the vault key, into this new file of its own."),
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Copy the instance, which may run meanwhile, into one file.

    The vault key is not in it: keep its copy elsewhere.
    """
    from ledger.steps.keeping.backup import backup as make_backup
    from ledger.steps.keeping.backup import write_key

    with existing(home) as instance:
        if with_key is not None:
            write_key(instance.settings, with_key)
        made = make_backup(instance, file.absolute())
    answer(_backup_plain(made), as_json=as_json, human=lambda: _print_backup(made, with_key))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Copy of the vault key; the environment's when left out."),
    ] = None,
    *,
    home: Annotated[Path, typer.Option("--home", help="Empty or new folder to restore into.")],
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty home, and check that the vault key opens everything in it."""
    from ledger.steps.keeping.restore import restore as run_restore

    restored = run_restore(settings_of(home), file, key_file=key_file)
    plain = {
        "home": str(restored.home),
        "secrets_opened": restored.opened,
        **_manifest_plain(restored.manifest),
    }

    def human() -> None:
        say(f"Restored to {restored.home}; the key opens all {restored.opened} secrets in it.")
        print_pairs(_manifest_pairs(restored.manifest))
        say_heading("What to do now:")
        say("  1. Make sure that the instance it was taken from never runs again.")
        say(f"  2. steriledger up --home {restored.home}")
        say(f"  3. steriledger audit --home {restored.home}")
        say("What was accepted after the backup was made has to be recorded again.")

    answer(plain, as_json=as_json, human=human)


def _backup_plain(made: Backup) -> dict[str, object]:
    return {"file": str(made.file), "bytes": made.size, **_manifest_plain(made.manifest)}


def _manifest_plain(manifest: Manifest) -> dict[str, object]:
    return {
        "created_at": manifest.created_at,
        "deployment": manifest.fingerprint,
        "chain_id": manifest.chain_id,
        "schema": manifest.schema,
        "indexed": manifest.indexed,
        "journal": manifest.journal,
        "operations": {state.value: n for state, n in manifest.operations.items()},
        "sha256": manifest.sha256.hex(),
    }


def _manifest_pairs(manifest: Manifest) -> Iterator[tuple[str, object]]:
    counts = ", ".join(f"{n} {state}" for state, n in manifest.operations.items() if n)
    yield "as of", manifest.created_at.isoformat(timespec="seconds")
    yield "deployment", "0x" + manifest.fingerprint.hex()
    yield "operations", counts or "none"
    yield "indexed to", "nothing yet" if manifest.indexed is None else f"block {manifest.indexed}"


def _print_backup(made: Backup, with_key: Path | None) -> None:
    say(f"Backup: {made.file}, {made.size} bytes")
    print_pairs([*_manifest_pairs(made.manifest), ("SHA-256", made.manifest.sha256.hex())])
    say("")
    if with_key is None:
        say("The vault key is not in it. Without a copy of the key nobody can open its secrets:")
        say("keep one elsewhere; --with-key FILE writes it.")
    else:
        say(f"The vault key is in {with_key}: keep it apart from the backup.")


# ---------------------------------------------------------------- operations


@operation.command("list")
@reads_existing
def list_operations(
    here: Here,
    state: Annotated[
        list[str] | None,
        typer.Option(help="owed, sent, mined, final, refused, stuck; repeatable."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    after: Annotated[int, typer.Option(min=0, help="Read on after this sequence number.")] = 0,
) -> Answer:
    """List operations in the order of their acceptance, with the reason of their latest state.

    Hashes within a reason are cut to what tells them apart; show has the whole of it.
    """
    from ledger.cli.screen import shortened
    from ledger.storage import operations
    from ledger.storage.operations import list_states

    states = None if state is None else [_state(word) for word in state]
    found = operations.list_operations(here.tx, states=states, after=after, limit=limit)
    rows = [
        _row_plain(row) | {"reason": list_states(here.tx, row.digest)[-1].reason} for row in found
    ]
    columns = ["sequence", "digest", "kind", "unit", "state", "reason"]

    def human() -> None:
        print_table(
            columns, [[shortened(str(_cell(row, name))) for name in columns] for row in rows]
        )
        if len(rows) == limit:
            say(f"Read on with --after {found[-1].sequence}")

    return Answer(rows, human)


@operation.command("show")
@reads_existing
def show(here: Here, digest: DigestArgument) -> Answer:
    """Show one operation: its dated states, what it waits for, and what carried it."""
    from ledger.steps.sending.mending import resolve_operation, show_operation

    view = show_operation(here.tx, resolve_operation(here.tx, digest).digest)
    return Answer(_view_plain(view), lambda: _print_view(view))


@operation.command("retry")
@writes_existing
def retry(here: Here, digest: DigestArgument, reason: ReasonOption = None) -> Answer:
    """Send a stuck operation again; its history says that you asked."""
    from ledger.steps.sending.mending import resolve_operation, retry_operation

    row = resolve_operation(here.tx, digest)
    retry_operation(here.instance, here.tx, row.digest, person=here.caller.person, reason=reason)
    return Answer(
        {"digest": row.digest, "kind": row.kind, "state": "owed"},
        lambda: say(f"{row.kind} {_short(row)} is owed again; the worker sends it."),
    )


@operation.command("refuse")
@writes_existing
def refuse(
    here: Here,
    digest: DigestArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")],
) -> Answer:
    """Give a stuck operation up, with all that cannot be without it; this is not taken back."""
    from ledger.steps.sending.mending import refuse_operation, resolve_operation

    row = resolve_operation(here.tx, digest)
    person = here.caller.person
    refused = refuse_operation(here.instance, here.tx, row.digest, person=person, reason=reason)
    plain = [{"digest": each.digest, "kind": each.kind, "state": "refused"} for each in refused]

    def human() -> None:
        say(f"{row.kind} {_short(row)} is refused; its place is free for a corrected one.")
        for each in refused[1:]:
            say(f"  refused with it: {each.kind} {_short(each)}")

    return Answer(plain, human)


@operation.command("submit")
def submit(
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="Of what was prepared.")],
    signature: Annotated[
        list[str] | None,
        typer.Option(help="PARTY=0x…: the party's signature over the digest; repeatable."),
    ] = None,
    held: Annotated[
        list[str] | None,
        typer.Option(help="A party whose key is held here, and which shall sign; repeatable."),
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Accept what was prepared with --prepare, with signatures of keys that are held elsewhere."""
    from ledger.domain.acts.catalogue import find_act
    from ledger.domain.encoding.identifiers import Digest, parse_hex32
    from ledger.steps.accepting.cosigning import submit_with
    from ledger.steps.accepting.reading_back import read_operation
    from ledger.storage.operations import get_operation

    signatures = dict(_signature(text) for text in signature or [])
    with existing(home) as instance:
        with instance.database.transaction() as tx:
            receipt = submit_with(
                instance,
                tx,
                local_caller(),
                Digest(parse_hex32(digest, field="DIGEST")),
                signatures,
                held=[_party(word, "--held") for word in held or []],
            )
            row = get_operation(tx, receipt.digest)
        said = find_act(row.kind).says(read_operation(row).message)
        give_receipt(instance, receipt, said, as_json=as_json, wait=wait)


def _signature(text: str) -> tuple[Party, bytes]:
    party, _, digits = text.partition("=")
    try:
        return _party(party, "--signature"), bytes.fromhex(digits.removeprefix("0x"))
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} is not understood", field="--signature", rule="PARTY=0x…"
        ) from None


def _party(word: str, option: str) -> Party:
    from ledger.domain.acts.words import Party

    return Party(one_of(word, Party, option))


def _state(word: str) -> OperationState:
    from ledger.domain.outbox.operation_states import OperationState

    return OperationState(one_of(word, OperationState, "--state"))


def _row_plain(row: OperationRow) -> dict[str, object]:
    return {
        "sequence": row.sequence,
        "digest": row.digest,
        "kind": row.kind,
        "unit": row.unit,
        "state": row.state.value,
        "accepted_at": row.accepted_at,
    }


def _cell(row: dict[str, object], name: str) -> object:
    value = row[name]
    if isinstance(value, bytes):
        return "0x" + value.hex()[:12]
    return "" if value is None else value


def _short(row: OperationRow) -> str:
    return "0x" + row.digest.hex()[:12]


def _view_plain(view: OperationView) -> dict[str, object]:
    return _row_plain(view.operation) | {
        "record": view.operation.record_id,
        "subject": view.operation.subject,
        "states": [
            {
                "state": each.state.value,
                "at": each.at,
                "reason": each.reason,
                "transaction": each.transaction_hash,
            }
            for each in view.states
        ],
        "signers": {each.party.value: each.signer for each in view.signatures},
        "waits_for": [
            *(_row_plain(each) for each in view.predecessors),
            *({"digest": each, "state": None} for each in view.foreign_predecessors),
        ],
        "waited_for_by": [_row_plain(each) for each in view.dependents],
        "transactions": [
            {
                "hash": each.hash,
                "nonce": each.nonce,
                "attempt": each.attempt,
                "state": each.state.value,
                "block": each.block_height,
            }
            for each in view.transactions
        ],
    }


def _print_view(view: OperationView) -> None:
    row = view.operation
    print_pairs(
        [
            ("digest", "0x" + row.digest.hex()),
            ("kind", row.kind),
            ("unit", row.unit),
            ("record", row.record_id),
            ("state", row.state.value),
        ]
    )
    say("")
    print_table(
        ["when", "state", "why, or by which transaction"],
        [
            [
                each.at.isoformat(timespec="seconds"),
                each.state.value,
                each.reason
                or ("" if each.transaction_hash is None else "0x" + each.transaction_hash.hex()),
            ]
            for each in view.states
        ],
    )
    for words, rows in (("Waits for", view.predecessors), ("Waited for by", view.dependents)):
        for each in rows:
            say(f"{words}: {each.kind} {_short(each)}, {each.state}")
    for unknown in view.foreign_predecessors:
        say(f"Waits for: 0x{unknown.hex()[:12]}, which is not kept here")

"""Evidence: export here, verify anywhere."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.files import read_file
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    local_caller,
    opened,
    trusted_node,
)
from ledger.cli.printing import answer, say
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.domain.chain.deployment import Deployment
    from ledger.evidence.report import Report

evidence = typer.Typer(no_args_is_help=True, help="Files that prove records to somebody else.")

_MAX_DEPLOYMENT_BYTES = 64 * 1024


@evidence.command("export")
def export(
    which: Annotated[
        str,
        typer.Argument(
            metavar="WHICH",
            help="Id, or as people call it: MACHINE/NUMBER such as 601362/13, GIVER/SLIP such as "
            "EAST/4711, UNIT/SERIAL such as CENTRE/Q02.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to write; - for the screen.")
    ],
    disclose: Annotated[
        list[str] | None,
        typer.Option(
            help="Show exactly these fields: PATH, SCHEMA:PATH, personal:PATH, with * at the end; "
            "repeatable. Without it every fact is shown and no personal field."
        ),
    ] = None,
    readings: Annotated[
        bool, typer.Option("--readings", help="Put the raw printouts into the file.")
    ] = False,
    subject_type: Annotated[
        str,
        typer.Option(
            "--of",
            help="cycle, package, consignment, asset, unit, signer, equipment, operation, or "
            "about: all else spoken of.",
        ),
    ] = "cycle",
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence of a cycle, or of something else, whose operations are all final."""
    from ledger.steps.answering.exporting import export_evidence, resolve_subject

    with opened(home) as instance, instance.database.reading() as tx:
        subject = resolve_subject(tx, local_caller(), subject_type, which)
        data = export_evidence(
            instance, tx, local_caller(), subject, disclose=disclose, attach_readings=readings
        )
    if str(output) == "-":
        sys.stdout.buffer.write(data)
        return
    write_whole(output, data)
    plain = {"file": str(output), "bytes": len(data), "type": subject_type, "subject": which}
    answer(
        plain,
        as_json=as_json,
        human=lambda: say(
            f"Evidence of {subject_type} {which}: {output}, {len(data):,} bytes. Hand over this "
            "file alone: the reader brings the deployment file and a chain endpoint."
        ),
    )


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The evidence file.")],
    rpc: Annotated[str, typer.Option("--rpc", help="Address of a chain endpoint that you trust.")],
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment",
            help="Deployment file that you got from somewhere else than the evidence.",
        ),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Verify an evidence file, without our server and without a database.

    Exit code 1: something in it does not hold, or rests on nothing but the word of the node, and
    it is printed what.  Without --deployment the file is checked against its own copy, and nothing
    is called verified.
    """
    from ledger.evidence.printing import report_to_plain
    from ledger.evidence.verify import verify_evidence
    from ledger.keys.signers import verify_signature

    data = read_evidence(file)
    require_kind(data, "evidence")
    trusted = None if deployment is None else read_deployment(deployment)
    with trusted_node(rpc) as node:
        report = verify_evidence(
            data, node, trusted, verify_signature=verify_signature, now=datetime.now(UTC)
        )
    answer(report_to_plain(report), as_json=as_json, human=lambda: print_report(report))
    if trusted is not None and not report.verified:
        raise typer.Exit(DOES_NOT_HOLD)


def read_evidence(file: Path) -> bytes:
    """The file, and at most one byte more than a file may have."""
    from ledger.evidence.format import MAX_FILE_BYTES

    return read_file(file, MAX_FILE_BYTES, field="FILE")


#: Our other files, as their `format` says, and what takes them.
_KINDS = {
    "evidence": "steriledger verify FILE",
    "findings": "steriledger findings verify FILE",
    "deployment": "steriledger verify EVIDENCE --deployment FILE",
    "account": "steriledger statement recompute",
    "indicators": "steriledger statement recompute",
    "terms": "steriledger statement recompute --terms FILE",
    "report": "steriledger verify, which wrote it, of the evidence itself",
    "backup": "steriledger restore FILE",
}


def require_kind(data: bytes, kind: str) -> None:
    """Raise InvalidInput where a file is another of ours."""
    from ledger.domain.errors import InvalidInput

    with suppress(ValueError, RecursionError):
        plain = json.loads(data)
        name = str(plain.get("format")) if isinstance(plain, dict) else ""
        found = name.removeprefix("steriledger-").partition("/")[0]
        if name.startswith("steriledger-") and found != kind and found in _KINDS:
            raise InvalidInput(
                f"is a file of another kind: {name}",
                field="FILE",
                rule=f"a file whose format is steriledger-{kind}",
                remedy=f"what takes it: {_KINDS[found]}",
            )


def read_deployment(file: Path) -> Deployment:
    """The deployment that a file describes; raises InvalidInput."""
    from ledger.domain.chain.deployment import parse_deployment

    return parse_deployment(read_file(file, _MAX_DEPLOYMENT_BYTES, field="--deployment"))


def write_whole(output: Path, data: bytes) -> None:
    """Whole or not at all."""
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(output)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise InvalidInput(f"{output}: {error.strerror}", field="--output") from None


def print_report(report: Report) -> None:
    """A report in words."""
    from ledger.evidence.printing import report_lines

    for line in report_lines(report):
        say(line)

"""Files of machines: import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    PerformerOption,
    SignerOption,
    UnitOption,
    local_caller,
    opened,
)
from ledger.cli.packages import import_paper
from ledger.cli.printing import answer, print_table, say

if TYPE_CHECKING:
    from ledger.domain.errors import SteriLedgerError
    from ledger.steps.reading.imports import ImportReport


def import_files(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Printouts, or folders of them.")
    ],
    unit: UnitOption,
    zone: Annotated[
        str | None,
        typer.Option(help="Zone of the machine's clock, if its registration names none."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile to judge against, if the registration names none.")
    ] = None,
    performer: PerformerOption = None,
    signer: SignerOption = None,
    day: Annotated[
        str | None, typer.Option(help="With --paper: the day of times that name none, ISO 8601.")
    ] = None,
    *,
    paper: Annotated[
        bool, typer.Option("--paper", help="The file is a paper log of packages, typed as a CSV.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="With --paper: say what each line will do, only.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Keep printouts as they are, and record the cycles they report: opened and ended.

    The same file or cycle again changes nothing.  Exit code 1: a cycle or a file was refused; the
    others are recorded.
    """
    if paper:
        for path in (path for each in files for path in _files_in(each)):
            import_paper(
                path,
                unit,
                zone=zone or "UTC",
                day=day,
                preview=preview,
                home=home,
                as_json=as_json,
            )
        return
    from ledger.domain.drafts import People
    from ledger.domain.errors import SteriLedgerError
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.reading.imports import Import, ImportOptions, import_file

    caller = local_caller()
    options = ImportOptions(
        zone=zone,
        profile=profile,
        people=People(performer=performer, enterer=caller.person),
        authenticated_by="local",
        signer=signer,
    )
    reports: list[ImportReport] = []
    failures: list[tuple[Path, SteriLedgerError]] = []
    paths = [path for each in files for path in _files_in(each)]
    with opened(home) as instance:
        with instance.database.reading() as tx:
            number = resolve_unit(tx, unit).number
        for path in paths:
            try:
                data = _read(path)
                reports.append(
                    import_file(
                        instance, caller, data, filename=path.name, unit=number, options=options
                    )
                )
            except SteriLedgerError as error:
                if len(paths) == 1:
                    raise
                failures.append((path, error))
    answer(
        [_plain(report) for report in reports]
        + [{"file": str(path), "error": str(error)} for path, error in failures],
        as_json=as_json,
        human=lambda: _print(reports, failures),
    )
    refused = any(c.what is Import.REFUSED for report in reports for c in report.cycles)
    if failures or refused:
        raise typer.Exit(DOES_NOT_HOLD)


def _files_in(path: Path) -> list[Path]:
    """The file itself, or the files directly in a folder, by name."""
    from ledger.domain.errors import NotFound

    if path.is_dir():
        return sorted(each for each in path.iterdir() if each.is_file())
    if not path.exists():
        raise NotFound(f"there is no file {path}", field="FILE")
    return [path]


def _read(path: Path) -> bytes:
    """At most one byte more than a reading may have, so that a huge file is refused, not loaded."""
    from ledger.domain.errors import InvalidInput
    from ledger.readings import MAX_FILE_BYTES

    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", field="FILE") from None


def _plain(report: ImportReport) -> dict[str, object]:
    return {
        "file": report.filename,
        "sha256": report.file.sha256,
        "format": f"{report.file.format_name}/{report.file.format_version}",
        "new": report.is_new,
        "lines": report.file.line_count,
        "cycles": [
            {
                "number": each.reading.number,
                "serial": each.reading.serial,
                "outcome": each.reading.outcome.value,
                "what": each.what.value,
                "cycle": None if each.cycle is None else each.cycle.hex(),
                "why": each.why,
                "operations": ["0x" + digest.hex() for digest in each.digests],
            }
            for each in report.cycles
        ],
        "remarks": [
            {
                "line": remark.line,
                "last_line": remark.last_line,
                "kind": remark.kind.value,
                "text": remark.text,
                "why": remark.why,
            }
            for remark in report.file.remarks
        ],
    }


def _print(reports: list[ImportReport], failures: list[tuple[Path, SteriLedgerError]]) -> None:
    from ledger.domain.machines.readings import RemarkKind

    for report in reports:
        known = "" if report.is_new else " (this very file was kept before)"
        count, lines = len(report.cycles), report.file.line_count
        say(f"{report.filename}: {count} cycles in {lines} lines{known}")
        print_table(
            ["cycle", "started", "machine says", "what became of it", "why"],
            [
                [
                    each.reading.number,
                    None if each.reading.started is None else each.reading.started.text,
                    each.reading.outcome.value,
                    each.what.value,
                    each.why or "",
                ]
                for each in report.cycles
            ],
        )
        remarks = [r for r in report.file.remarks if r.kind is not RemarkKind.LOGGER]
        skipped = len(report.file.remarks) - len(remarks)
        if skipped:
            say(f"{skipped} runs of lines are the logger's own and were not read.")
        if remarks:
            print_table(
                ["line", "kind", "text", "why"],
                [[r.line, r.kind.value, r.text, r.why] for r in remarks],
            )
    for path, error in failures:
        say(f"{path}: not imported. {error}")

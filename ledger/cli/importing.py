"""Files of machines: import."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.failing import DOES_NOT_HOLD
from ledger.cli.incoming import Failures, batches, files_in, read_bytes
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
from ledger.cli.watching import watch_folder
from ledger.domain.errors import InvalidInput
from ledger.domain.visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ledger.domain.callers import Caller
    from ledger.steps.instance import Instance
    from ledger.steps.reading.imports import ImportedCycle, ImportOptions, ImportReport


def import_files(
    unit: UnitOption,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Printouts, or folders of them.")
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Import what a logger writes there, until stopped."),
    ] = None,
    every: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Seconds between two looks at the folder.")
    ] = 10,
    zone: Annotated[
        str | None,
        typer.Option(help="Zone of the machine's clock, if its registration names none."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile to judge against, if the registration names none.")
    ] = None,
    ambient_bar: Annotated[
        float | None,
        typer.Option(
            min=0.3, max=1.2, help="Pressure of the air in bar, for pressures that count from it."
        ),
    ] = None,
    machine: Annotated[
        str | None, typer.Option(help="Machine of a reading that does not name it.")
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=1, help="Number of the one cycle that does not tell it.")
    ] = None,
    epoch: Annotated[
        int | None,
        typer.Option(min=1, help="Counter epoch of cycles whose numbers and times do not tell it."),
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

    The same file or cycle again changes nothing.  Exit code 1: a file or a cycle was refused, or
    a reading contradicts the recorded one; the others are recorded.
    """
    if (watch is None) is (not files) or (paper and watch is not None):
        raise InvalidInput(
            "name files or folders, or a folder to watch",
            field="FILE",
            rule="one of the two; a paper log is a file",
        )
    if paper:
        for path in files or []:
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
    from ledger.steps.accepting.resolving import resolve_unit
    from ledger.steps.reading.imports import ImportOptions

    caller = local_caller()
    options = ImportOptions(
        zone=zone,
        profile=profile,
        ambient_bar=None if ambient_bar is None else Decimal(str(ambient_bar)),
        machine=machine,
        number=number,
        epoch=epoch,
        people=People(performer=performer, enterer=caller.person),
        authenticated_by="local",
        signer=signer,
    )
    with opened(home) as instance:
        with instance.database.reading() as tx:
            acting = resolve_unit(tx, unit).number
        importer = Importer(instance=instance, caller=caller, unit=acting)
        if watch is not None:
            watch_folder(importer, watch, options, every=every, as_json=as_json)
            return
        is_good = _import_once(importer, files or [], options, as_json=as_json)
    if not is_good:
        raise typer.Exit(DOES_NOT_HOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Who imports, and for which unit."""

    instance: Instance
    caller: Caller
    unit: int

    def bring(self, paths: Sequence[Path], options: ImportOptions) -> Brought:
        """Keep files, and record their cycles by number; what cannot be read is told."""
        from ledger.steps.reading.imports import keep_file, record_files

        kept = []
        failures: Failures = []
        for path in paths:
            try:
                kept.append(
                    keep_file(
                        self.instance,
                        self.caller,
                        read_bytes(path),
                        filename=visible(path.name),
                        unit=self.unit,
                        options=options,
                    )
                )
            except InvalidInput as error:
                failures.append((path, error))
        reports = record_files(self.instance, self.caller, kept, unit=self.unit, options=options)
        return Brought(reports=reports, failures=failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of some files."""

    reports: Sequence[ImportReport]
    failures: Failures

    @property
    def is_good(self) -> bool:
        """Whether nothing was refused, and no reading contradicts another."""
        return not self.failures and not any(
            needs_attention(each) for report in self.reports for each in report.cycles
        )

    def to_plain(self) -> list[dict[str, object]]:
        """As JSON values, one for each file."""
        return [report.to_plain() for report in self.reports] + [
            {"file": str(path), "error": str(error)} for path, error in self.failures
        ]


def needs_attention(cycle: ImportedCycle) -> bool:
    """Whether it was refused, or contradicts the recorded reading."""
    from ledger.steps.reading.imports import Import

    return cycle.what in {Import.REFUSED, Import.CONTRADICTS}


def _import_once(
    importer: Importer, files: Sequence[Path], options: ImportOptions, *, as_json: bool
) -> bool:
    """Import files and the files of folders; False when something needs attention."""
    failures: Failures = []
    paths = [path for each in files for path in files_in(each, failures)]
    plain: list[dict[str, object]] = []
    is_good = True
    for brought in _brought(importer, paths, options, failures):
        if len(paths) + len(failures) == 1 and brought.failures:
            raise brought.failures[0][1]
        is_good = is_good and brought.is_good
        plain += brought.to_plain()
        if not as_json:
            _print(brought)
    answer(plain, as_json=as_json, human=lambda: None)
    return is_good


def _brought(
    importer: Importer, paths: Sequence[Path], options: ImportOptions, failures: Failures
) -> Iterator[Brought]:
    for batch in batches(paths):
        yield importer.bring(batch, options)
    if failures:
        yield Brought(reports=(), failures=failures)


def _print(brought: Brought) -> None:
    for report in brought.reports:
        known = "" if report.is_new else " (this very file was kept before)"
        count, lines = len(report.cycles), report.file.line_count
        say(f"{report.filename}: {count} cycles in {lines} lines{known}")
        _print_cycles(report)
        _print_remarks(report)
    for path, error in brought.failures:
        say(f"{path}: not imported. {error}")


def _print_cycles(report: ImportReport) -> None:
    print_table(
        ["cycle", "started", "machine says", "what became of it", "why"],
        [
            [
                each.name,
                None if each.reading.started is None else each.reading.started.text,
                each.reading.outcome.value,
                each.what.value,
                each.why or "",
            ]
            for each in report.cycles
        ],
    )
    for each in report.cycles:
        for note in each.notes:
            say(f"{each.name}: {note}")


def _print_remarks(report: ImportReport) -> None:
    from ledger.domain.machines.readings import RemarkKind

    remarks = [r for r in report.file.remarks if r.kind is not RemarkKind.LOGGER]
    skipped = len(report.file.remarks) - len(remarks)
    if skipped:
        say(f"{skipped} runs of lines are the logger's own and were not read.")
    if remarks:
        print_table(
            ["line", "kind", "text", "why"],
            [[r.line, r.kind.value, r.text, r.why] for r in remarks],
        )

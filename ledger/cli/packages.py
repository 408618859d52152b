"""Packages at the keyboard: packed, scanned, traced, asked about."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger.cli.acts import ActGroup
from ledger.cli.answering import Answer, Here, reads, table_of, writes
from ledger.cli.files import picture_of, read_file
from ledger.cli.options import (
    DEFAULT_HOME,
    HomeOption,
    JsonOption,
    PerformerOption,
    ReasonOption,
    SignerOption,
    UnitOption,
    as_typed,
    local_caller,
    one_of,
    opened,
    parse_moment,
)
from ledger.cli.printing import answer, print_pairs, print_table, say, say_heading
from ledger.domain.errors import InvalidInput

if TYPE_CHECKING:
    from ledger.steps.accepting.scanning import Scan
    from ledger.steps.answering.packages import Standing, TraceLine, TraceView

package = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Packages: packed and shown.")
baskets = typer.Typer(no_args_is_help=True, help="Baskets and containers: what lies in one.")
sets = typer.Typer(cls=ActGroup, no_args_is_help=True, help="Sets and their count sheets.")

PackageArgument = Annotated[
    str, typer.Argument(metavar="PACKAGE", help="UNIT/SERIAL such as CENTRE/Q02, or its code.")
]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="MOMENT", help="As it was then; ISO 8601 with zone.")
]
KnownOption = Annotated[
    int | None, typer.Option("--known", help="As it was known after this sequence.")
]


def moment(text: str | None) -> datetime | None:
    """A moment as somebody typed it at --at, in UTC; raises InvalidInput."""
    from ledger.domain.encoding.moments import require_moment

    return None if text is None else require_moment(parse_moment(text, "--at"), field="--at")


def seconds(text: str | None) -> int | None:
    """The same as Unix seconds."""
    found = moment(text)
    return None if found is None else int(found.timestamp())


def circumstances(*, performer: str | None, signer: str | None) -> dict[str, Any]:
    """How it came to be, as far as it was typed."""
    told = {"performer": performer, "signer": signer}
    return {name: value for name, value in told.items() if value is not None}


# ---------------------------------------------------------------- sets and packing


@sets.command("show")
@reads
def show_set(
    here: Here, which: Annotated[str, typer.Argument(metavar="SET", help="UNIT/NAME.")]
) -> Answer:
    """Show a set's count sheet."""
    from ledger.domain.custody.lines import rows_of
    from ledger.steps.accepting.assembling import get_definition
    from ledger.steps.accepting.meaning import resolve_set

    name = resolve_set(which, None, unit_number=here.number_of)
    facts = get_definition(here.tx, name)
    names = ("set", "title", "version", "instruments", "owned_by", "package_class", "material")

    def human() -> None:
        print_pairs((each.replace("_", " "), facts[each]) for each in names)
        lines = [line for _, line in rows_of(facts)]
        print_table(
            ["count", "instrument"],
            [[line["count"], line["instrument"]] for line in lines],
            empty="No instrument is listed.",
        )

    return Answer(dict(facts), human)


@package.command("assemble")
@writes
def assemble_packages(
    here: Here,
    serials: Annotated[
        list[str], typer.Argument(metavar="SERIAL…", help="Your unit's own serial texts.")
    ],
    unit: UnitOption,
    of_set: Annotated[str | None, typer.Option("--set", help="NAME or UNIT/NAME.")] = None,
    material: Annotated[
        str | None, typer.Option(help="Packaging, if the set does not say.")
    ] = None,
    storage: Annotated[
        list[str] | None, typer.Option(help="controlled, other; repeatable: where it may lie.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Last day of use; by material and storage when left out.")
    ] = None,
    at: AtOption = None,
    zone: Annotated[str, typer.Option(help="Zone of the day that is printed.")] = "UTC",
    lot: Annotated[
        str | None, typer.Option(help="Batch in the GS1 code of a set with a GTIN.")
    ] = None,
    performer: PerformerOption = None,
    signer: SignerOption = None,
) -> Answer:
    """Pack sets, and label each package with a code of ours."""
    from ledger.cli.commands import COMMAND_LINE
    from ledger.domain.custody.expiry import STORAGE_CLASSES
    from ledger.steps.accepting.assembling import Assembly, assemble

    packed = Assembly(
        set=of_set,
        serials=serials,
        material=material,
        storages=tuple(storage or STORAGE_CLASSES),
        expires=expires,
        happened=moment(at),
        zone=zone,
        lot=lot,
    )
    _, made = assemble(
        here.instance,
        here.tx,
        here.caller,
        here.number_of(unit),
        packed,
        COMMAND_LINE,
        circumstances(performer=performer, signer=signer),
    )
    return table_of(
        made,
        ["package", "code on the label", "last day of use"],
        lambda each: [each.package, each.code, each.expires],
    )


@package.command("show")
@reads
def show_package(here: Here, which: PackageArgument) -> Answer:
    """Show how a package stands."""
    return _standing(here, which)


def _standing(here: Here, which: str) -> Answer:
    from ledger.steps.answering.packages import where as find

    stands = find(here.tx, here.caller, which)
    return Answer(stands.to_plain(), lambda: print_standing(stands))


@package.command("paper-form")
def print_paper_form() -> None:
    """Print the columns of the paper log, to be filled in where nothing else works."""
    from ledger.steps.reading.scan_lists import template

    say(template().rstrip())


# ---------------------------------------------------------------- scans


def scan(
    act: Annotated[str, typer.Argument(metavar="ACT", help="used, washed, missing …")],
    codes: Annotated[
        list[str] | None,
        typer.Argument(metavar="CODE…", help="What the scanner delivered, or UNIT/SERIAL."),
    ] = None,
    unit: UnitOption = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="A CSV of scans, with a column act.")
    ] = None,
    of_set: Annotated[
        str | None, typer.Option("--set", help="A set, where nothing carries a label.")
    ] = None,
    basis: Annotated[
        str | None,
        typer.Option(
            help="scanned, counted, ticked_off, typed, imported or inferred; left out: a code is "
            "scanned, a name typed."
        ),
    ] = None,
    at: AtOption = None,
    about: Annotated[str | None, typer.Option(help="The time as it is known: about 13:00.")] = None,
    case: Annotated[str | None, typer.Option(help="Random token of the case of a use.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="What came of it, in the words of docs/duties.md.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What else is to be said of it.")] = None,
    photo: Annotated[
        str | None, typer.Option(metavar="FILE", help="A photo of it: JPEG, PNG or WebP.")
    ] = None,
    basket: Annotated[
        str | None,
        typer.Option(
            help="With put_in: the basket's or container's code; with taken_out of a basket: the "
            "container's."
        ),
    ] = None,
    takes_back: Annotated[
        str | None, typer.Option("--takes-back", help="DIGEST:LINE of the line that is not so.")
    ] = None,
    reason: ReasonOption = None,
    performer: PerformerOption = None,
    signer: SignerOption = None,
    zone: Annotated[str, typer.Option(help="With --file: zone of times without one.")] = "UTC",
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what it will do; do nothing.")
    ] = False,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Report what was done with packages: scanned one by one, as a list, or from a CSV.

    What happened is recorded whatever a gate says of it, and the answer says what is wrong.
    ACT is `list` with --file.
    """
    from ledger.domain.custody.lines import SCANNED, Deed
    from ledger.steps.accepting.scanning import Scan

    if act == "list" and file is None:
        raise InvalidInput("is missing", field="--file", rule="a CSV of scans, with a column act")
    if file is not None:
        scans = _from_file(file, zone=zone, basis=basis or "scanned", day=None)
    else:
        one_of(act, SCANNED, "ACT")
        said: Sequence[str | None] = codes or [None]
        picture = None if photo is None else picture_of(photo, "--photo")
        scans = [
            Scan(
                act=Deed(act),
                said=each,
                set=of_set,
                basis=basis or _basis(each),
                happened=moment(at),
                happened_text=about,
                case=case,
                outcome=outcome,
                note=note,
                reason=reason,
                takes_back=takes_back,
                basket=basket,
                photo_sha256=picture,
            )
            for each in said
        ]
    told = circumstances(performer=performer, signer=signer)
    _report(home, unit, scans, told, preview=preview, as_json=as_json)


def _basis(said: str | None) -> str:
    """How a line is known whose code came from a scanner, or whose name somebody typed."""
    from ledger.domain.custody.codes import read_shot

    if said is None:
        return "counted"
    return "typed" if "/" in said and not read_shot(said).package else "scanned"


# ---------------------------------------------------------------- baskets


@baskets.command("name")
@reads
def name_basket(
    here: Here,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Your own: capital letters, digits.")],
    unit: UnitOption,
    *,
    container: Annotated[
        bool, typer.Option("--container", help="A container, with seals and a side.")
    ] = False,
) -> Answer:
    """Say the code of a basket or a container, as it is printed on it."""
    from ledger.domain.custody.codes import make_basket

    code = make_basket(here.number_of(unit), name, is_container=container)
    return Answer({"code": code}, lambda: say(code))


@baskets.command("show")
@reads
def show_basket(
    here: Here,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Of a basket or a container.")],
    at: AtOption = None,
    known: KnownOption = None,
) -> Answer:
    """Show what lies in a basket, or lay in it at a moment, as known now or as known then."""
    from ledger.steps.answering.baskets import show_basket as read

    view = read(here.tx, here.caller, code, at=seconds(at), known=known)

    def human() -> None:
        kind = "Container" if view.is_container else "Basket"
        say(f"{kind} {view.code}: {view.side or 'nobody knows whether it is clean'}")
        if view.container:
            say(f"Lies in {view.container}")
        if view.seals:
            opened_since = ", opened since" if view.is_opened else ""
            say(f"Sealed with {', '.join(view.seals)}{opened_since}")
        if view.baskets:
            say(f"Holds {', '.join(view.baskets)}")
        names = ("package", "set", "stage", "since", "by", "basis", "basket")
        print_table(
            ["package", "set", "is", "put in", "by", "known by", "lies in"],
            [[getattr(each, name) for name in names] for each in view.packages],
            empty="Nothing is known to lie in it.",
        )
        if view.lines:
            say("")
            say("What happened, in order")
        print_table(
            ["at", "what", "of", "by", "known by", "remark"],
            [
                [e.at, e.deed.replace("_", " "), e.what, e.by, e.basis or "", e.outcome or ""]
                for e in view.lines
            ],
        )

    return Answer(view.to_plain(), human)


def import_paper(
    file: Path,
    unit: str,
    *,
    zone: str,
    day: str | None,
    preview: bool,
    home: Path,
    as_json: bool,
) -> None:
    """A paper log → reports, late and visibly late; with `preview`, only what each line will do."""
    scans = _from_file(file, zone=zone, basis="imported", day=day)
    told = {"authenticated_by": "paper"}
    _report(home, unit, scans, told, preview=preview, as_json=as_json)


def _from_file(file: Path, *, zone: str, basis: str, day: str | None) -> list[Scan]:
    from ledger.readings import MAX_FILE_BYTES, zone_named
    from ledger.steps.reading.scan_lists import parse_list

    zone_named(zone, field="--zone")
    if str(file) == "-":
        data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    else:
        data = read_file(file, MAX_FILE_BYTES, field="FILE")
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{file} is longer than a list may be",
            field="FILE",
            rule=f"at most {MAX_FILE_BYTES:,} bytes",
            remedy="bring it in parts",
        )
    with as_typed():
        return parse_list(data, zone=zone, basis=basis, day=day)


def _report(
    home: Path,
    unit: str,
    scans: Sequence[Scan],
    told: dict[str, Any],
    *,
    preview: bool,
    as_json: bool,
) -> None:
    from ledger.cli.commands import COMMAND_LINE
    from ledger.steps.accepting.scanning import look, report
    from ledger.steps.answering.packages import numbering

    if not unit:
        raise InvalidInput("is missing", field="--unit", rule="the unit that reports, or its code")
    with opened(home) as instance:
        if preview:
            with instance.database.reading() as tx:
                looks = look(instance, tx, numbering(tx, unit), scans)
        else:
            with instance.database.transaction() as tx:
                _, looks = report(
                    instance, tx, local_caller(), numbering(tx, unit), scans, COMMAND_LINE, told
                )
    columns = ["line", f"what it {'will do' if preview else 'did'}"]
    found = table_of(looks, columns, lambda each: [each.line, each.text()])
    found.give(as_json=as_json)


# ---------------------------------------------------------------- asked


@reads
def trace(
    here: Here, which: PackageArgument, at: AtOption = None, known: KnownOption = None
) -> Answer:
    """Tell a package's whole story: who held it, and what was done with it."""
    from ledger.steps.answering.packages import trace as read

    view = read(here.tx, here.caller, which, at=seconds(at), known=known)
    return Answer(view.to_plain(), lambda: print_trace(view))


@reads
def where(here: Here, which: PackageArgument) -> Answer:
    """Say where a package is, and how sure that is."""
    return _standing(here, which)


def gate(
    which: Annotated[str, typer.Argument(metavar="GATE", help="dispatch, issue or use.")],
    packages: Annotated[
        list[str] | None, typer.Argument(metavar="PACKAGE…", help="UNIT/SERIAL, or a code.")
    ] = None,
    unit: UnitOption = "",
    cycle: Annotated[
        str | None, typer.Option(help="The cycle of packages that are only counted.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Ask whether packages may be dispatched, issued or used: yes, no, or cannot know.

    Exit code 1: not all of them may.
    """
    from ledger.cli.failing import DOES_NOT_HOLD
    from ledger.domain.custody.gates import WORDS, Gate, Word
    from ledger.steps.answering.baskets import names_asked
    from ledger.steps.answering.packages import Question, ask_all, gate_counted, numbering

    for field, named, known in (("GATE", which, [*Gate]), ("--language", language, [*WORDS])):
        one_of(named, known, field)
    if not packages and cycle is None:
        raise InvalidInput(
            "is missing",
            field="PACKAGE",
            rule="packages, or --cycle of what is only counted",
            remedy="name one, or scan its label",
        )
    with opened(home) as instance, instance.database.reading() as tx:
        said = names_asked(tx, numbering(tx, unit), packages or [])
        asked = [Question(gate=Gate(which), said=each) for each in said]
        answers = ask_all(instance, tx, asked, unit=numbering(tx, unit)) if asked else []
        if cycle is not None:
            said = [*said, cycle]
            answers = [*answers, gate_counted(tx, local_caller(), Gate(which), cycle)]
    answer(
        [
            {"asked": name, **each.to_plain(language)}
            for name, each in zip(said, answers, strict=True)
        ],
        as_json=as_json,
        human=lambda: print_table(
            ["package", which, "not checked"],
            [
                [name, each.text(language), ", ".join(each.unchecked)]
                for name, each in zip(said, answers, strict=True)
            ],
        ),
    )
    if any(each.word is not Word.YES for each in answers):
        raise typer.Exit(DOES_NOT_HOLD)


@reads
def holdings(
    here: Here,
    unit: UnitOption,
    at: AtOption = None,
    known: KnownOption = None,
    after: Annotated[str, typer.Option(help="Read on after this package.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
) -> Answer:
    """List what a unit has, or had at a moment, as known now or as known then."""
    from ledger.steps.answering.packages import holdings as read

    found = read(
        here.instance,
        here.tx,
        here.caller,
        here.number_of(unit),
        at=seconds(at),
        known=known,
        after=after,
        limit=limit,
    )

    def human() -> None:
        say(f"{found.unit} at {found.at}: {found.count} packages")
        names = ("package", "since", "basis", "stage_now")
        print_table(
            ["package", "since", "known by", "now"],
            [[each[name] for name in names] for each in found.packages],
        )

    return Answer(found.to_plain(), human)


@reads
def against(
    here: Here,
    before: Annotated[int | None, typer.Option(help="Read on before this sequence.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
) -> Answer:
    """List what was done against a gate, newest first, with what it said and why."""
    from ledger.steps.answering.packages import list_against

    return table_of(
        list_against(here.tx, here.caller, before=before, limit=limit),
        ["package", "done", "by", "at", "the gate said", "reason"],
        lambda e: [e.package, e.deed, e.unit, e.at, e.against, e.reason],
    )


# ---------------------------------------------------------------- printed


def print_standing(view: Standing) -> None:
    """How a package stands, in words."""
    from ledger.domain.custody.gates import Reason

    stands = ", ".join(each.replace("_", " ") for each in (view.stage, *view.overlays))
    say(f"Package {view.package}: {stands}")
    pairs: list[tuple[str, object]] = [
        ("is at", view.holder),
        ("since", view.since),
        ("known by", view.basis),
        ("owner", view.owner),
        ("set", view.set),
        ("last day of use", view.expires),
        ("lies in", " in ".join(filter(None, (view.basket, view.container))) or None),
        ("cycle", None if view.cycle is None else f"{view.cycle}, {view.cycle_state}"),
        ("last seen", f"{view.last_seen_by} at {view.last_seen_at}" if view.last_seen_at else None),
        ("used by", view.used_by),
        ("codes", ", ".join(view.codes) or None),
    ]
    if view.next_unit or view.destination:
        pairs.insert(1, ("on its way to", view.next_unit or view.destination))
    print_pairs((name, value) for name, value in pairs if value is not None or name == "is at")
    if view.is_part_unknown:
        say(f"Look: {Reason.NOT_READABLE.en}")
    for each in (*view.contradicted_by, *view.out_of_order):
        say(f"Look: {each.replace('_', ' ')}")


def print_trace(view: TraceView) -> None:
    """A package's story, in words."""
    print_standing(view.standing)
    say_heading("What happened, in order")
    print_table(
        ["at", "what", "by", "to", "known by", "remark", "chain"],
        [
            [e.at, _what(e), e.unit, e.to or "", e.basis or "", _remark(e), e.chain]
            for e in view.lines
        ],
    )
    if view.cycle:
        say_heading(f"Its cycle {view.standing.cycle}")
        print_table(["signed", "what", "chain"], [[e.at, e.what, e.chain] for e in view.cycle])


def _what(line: TraceLine) -> str:
    words = line.deed.replace("_", " ")
    return f"{words} (taken back)" if line.taken_back else words


def _remark(line: TraceLine) -> str:
    told = [
        line.outcome,
        None if line.against is None else f"gate: {line.against}",
        line.reason,
        None if line.case is None else f"case {line.case}",
        line.said_at if line.said_at and not line.said_at.endswith("Z") else None,
    ]
    return "; ".join(each for each in told if each)

"""Cycles: open, end, load, decide, list, show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.acting import act, circumstances
from ledger.cli.options import (
    DEFAULT_HOME,
    CheckerOption,
    HomeOption,
    JsonOption,
    PerformerOption,
    ReasonOption,
    ReplacesOption,
    SignerOption,
    WaitOption,
    local_caller,
    opened,
)
from ledger.cli.printing import answer, print_pairs, print_table, say

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.domain.callers import Caller
    from ledger.domain.cycle_acts import CycleReference, EndCycle, LoadLine, ShareLine
    from ledger.domain.drafts import Circumstances, Draft
    from ledger.domain.encoding.identifiers import Digest
    from ledger.steps.answering.showing import CycleView

cycle = typer.Typer(no_args_is_help=True, help="Sterilisation cycles.")

CycleArgument = Annotated[
    str, typer.Argument(metavar="CYCLE", help="Id, or MACHINE/NUMBER such as 601362/13.")
]
_LINE_PARTS = 4
_LONGEST_NUMBER = 10


@cycle.command("open")
def open_cycle(
    machine: Annotated[str, typer.Argument(help="Name, serial number or id of the machine.")],
    number: Annotated[int, typer.Argument(min=1, help="The machine's own cycle number.")],
    programme: Annotated[
        str | None, typer.Option(help="Programme, as the machine names it.")
    ] = None,
    started_at: Annotated[
        str | None, typer.Option(help="The machine's start, ISO 8601 with zone.")
    ] = None,
    biological: Annotated[
        bool | None,
        typer.Option(
            "--biological/--no-biological", help="Whether a biological indicator is in it."
        ),
    ] = None,
    implant: Annotated[
        bool | None, typer.Option("--implant/--no-implant", help="Whether an implant is in it.")
    ] = None,
    after_outcome: Annotated[
        bool, typer.Option("--after-outcome", help="The outcome was known already.")
    ] = False,
    performer: PerformerOption = None,
    checker: CheckerOption = None,
    signer: SignerOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Open a cycle, before its outcome is known."""
    from ledger.domain.cycle_acts import CycleReference, OpenCycle, draft_cycle_opening
    from ledger.domain.operations import Duty
    from ledger.steps.accepting.resolving import (
        current_epoch,
        machine_of,
        resolve_machine,
        resolve_signer,
    )

    started = _moment(started_at, field="--started-at")
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            row = resolve_machine(tx, caller, machine)
            reference = CycleReference(
                machine=machine_of(row), epoch=current_epoch(tx, row.id), number=number
            )
            request = OpenCycle(
                cycle=reference,
                programme=programme,
                started_at=started,
                is_after_outcome=after_outcome,
                biological_indicator=biological,
                holds_implant=implant,
                signer=resolve_signer(tx, caller, row.unit, Duty.OPEN, signer).signer,
                circumstances=circumstances(performer=performer, checker=checker),
            )
            return draft_cycle_opening(request)

        act(instance, make, what=f"cycle {number} of {machine} opened", as_json=as_json, wait=wait)


@cycle.command("end")
def end_cycle(
    which: CycleArgument,
    reading: Annotated[
        str | None,
        typer.Option(help="SHA-256 of an imported file, with :ORDINAL if it has several."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="Profile to judge the reading against.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Zone of the machine's clock.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Without a reading: completed, aborted or unknown.")
    ] = None,
    fault_code: Annotated[str | None, typer.Option(help="Without a reading.")] = None,
    started_at: Annotated[
        str | None, typer.Option(help="Without a reading: ISO 8601 with zone.")
    ] = None,
    ended_at: Annotated[
        str | None, typer.Option(help="Without a reading: ISO 8601 with zone.")
    ] = None,
    replaces: ReplacesOption = None,
    reason: ReasonOption = None,
    performer: PerformerOption = None,
    signer: SignerOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """End a cycle with what the machine reported: an imported reading, or typed.

    A typed ending has no computed verdict: nothing is inferred from it.
    """
    from ledger.domain.cycle_acts import draft_cycle_ending
    from ledger.domain.errors import InvalidInput
    from ledger.domain.operations import Duty
    from ledger.steps.accepting.resolving import reference_of, resolve_cycle, resolve_signer
    from ledger.steps.reading.imports import ImportOptions, reading_of

    if (reading is None) is (outcome is None):
        raise InvalidInput(
            "an ending rests on a reading or is typed",
            field="--reading, --outcome",
            rule="exactly one of them",
        )
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            row = resolve_cycle(tx, caller, which)
            key = resolve_signer(tx, caller, row.unit, Duty.RESULT, signer).signer
            told = circumstances(reason=reason, performer=performer)
            amended = _digest(replaces)
            if reading is None:
                request = _typed_ending(
                    reference_of(tx, row),
                    outcome or "",
                    fault_code,
                    started_at,
                    ended_at,
                    key=key,
                    replaces=amended,
                    told=told,
                )
                return draft_cycle_ending(request)
            options = ImportOptions(
                zone=zone, profile=profile, people=told.people, authenticated_by="local"
            )
            request = reading_of(
                tx, caller, row, reading, options, key=key, replaces=amended, reason=reason
            )
            return draft_cycle_ending(request)

        act(instance, make, what=f"cycle {which} ended", as_json=as_json, wait=wait)


@cycle.command("load")
def declare_load(
    which: CycleArgument,
    line: Annotated[
        list[str],
        typer.Option(help="OWNER:PAYER:CLASS:QUANTITY[:DESCRIPTION], units by number; repeatable."),
    ],
    replaces: ReplacesOption = None,
    reason: ReasonOption = None,
    performer: PerformerOption = None,
    checker: CheckerOption = None,
    signer: SignerOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Declare what lies in the chamber."""
    from ledger.domain.cycle_acts import DeclareLoad, draft_load_declaration
    from ledger.domain.operations import Duty
    from ledger.steps.accepting.resolving import resolve_reference, resolve_signer

    lines = [_load_line(text) for text in line]
    with opened(home) as instance:

        def make(tx: Connection, caller: Caller) -> Draft:
            cycle = resolve_reference(tx, caller, which)
            unit = cycle.machine.unit
            request = DeclareLoad(
                cycle=cycle,
                lines=lines,
                replaces=_digest(replaces),
                signer=resolve_signer(tx, caller, unit, Duty.LOAD, signer).signer,
                circumstances=circumstances(reason=reason, performer=performer, checker=checker),
            )
            return draft_load_declaration(request)

        act(instance, make, what=f"load of cycle {which} declared", as_json=as_json, wait=wait)


@cycle.command("decide")
def decide_cycle(
    which: CycleArgument,
    decision: Annotated[
        str,
        typer.Argument(
            help="release, release_biological_pending, emergency_release, reject, hold, lift, "
            "recall or correct."
        ),
    ],
    share: Annotated[
        list[str] | None,
        typer.Option(help="OWNER:PAYER:CLASS:PACKAGES released, units by number; repeatable."),
    ] = None,
    result: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=WORD: physical, chemical_external, chemical_internal, lumen_pcd, "
            "biological, bowie_dick = not_required, not_entered, pending, pass, fail, invalid; "
            "repeatable. What is left out is recorded as not_entered."
        ),
    ] = None,
    reason: ReasonOption = None,
    performer: PerformerOption = None,
    checker: CheckerOption = None,
    signer: SignerOption = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
    wait: WaitOption = 0,
) -> None:
    """Decide over a cycle: what it judges are its current ending and load."""
    from ledger.domain.decisions import DecisionKind
    from ledger.domain.errors import InvalidInput
    from ledger.steps.accepting.deciding import DecisionRequest, draft_decision

    if decision.upper() not in DecisionKind.__members__:
        raise InvalidInput(
            f"{decision!r} is unknown",
            field="DECISION",
            rule=f"one of {', '.join(kind.word for kind in DecisionKind)}",
        )
    request = DecisionRequest(
        cycle=which,
        decision=DecisionKind[decision.upper()],
        shares=[_share_line(text) for text in share or []],
        results=dict(_result(text) for text in result or []),
        signer=signer,
        circumstances=circumstances(reason=reason, performer=performer, checker=checker),
    )
    with opened(home) as instance:
        act(
            instance,
            lambda tx, caller: draft_decision(tx, caller, request),
            what=f"{decision.replace('_', ' ')} of cycle {which}",
            as_json=as_json,
            wait=wait,
        )


@cycle.command("list")
def list_cycles(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    before: Annotated[int | None, typer.Option(help="Read on from a line's cursor.")] = None,
    machine: Annotated[
        str | None, typer.Option(help="Only this machine's: name, serial number or id.")
    ] = None,
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """List cycles, newest first."""
    from ledger.steps.answering.showing import list_cycles as read_cycles

    with opened(home) as instance, instance.database.reading() as tx:
        lines = read_cycles(tx, local_caller(), equipment=machine, before=before, limit=limit)
    answer(
        [line.to_plain() for line in lines],
        as_json=as_json,
        human=lambda: print_table(
            [
                "cycle",
                "machine",
                "started",
                "machine says",
                "computed",
                "profile",
                "decided",
                "chain",
            ],
            [
                [
                    f"{c.machine_serial}/{c.number}",
                    c.machine_name,
                    c.started,
                    c.outcome,
                    c.verdict,
                    c.profile,
                    c.state,
                    c.chain.value,
                ]
                for c in lines
            ],
        ),
    )


@cycle.command("show")
def show_cycle(
    which: CycleArgument, *, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False
) -> None:
    """Show one cycle: what happened in order, and three verdicts, never mixed."""
    from ledger.steps.answering.showing import show_cycle as read_cycle

    with opened(home) as instance, instance.database.reading() as tx:
        view = read_cycle(tx, local_caller(), which)
    answer(view.to_plain(), as_json=as_json, human=lambda: print_cycle(view))


def print_cycle(view: CycleView) -> None:
    """One cycle in words."""
    say(f"Cycle {view.number} of {view.machine_name or 'machine'} (serial {view.machine_serial})")
    print_pairs(
        [
            ("id", view.id),
            ("unit", view.unit),
            ("counter epoch", view.epoch),
            ("state", view.state.replace("_", " ")),
        ]
    )
    say("")
    say("What happened, in order")
    print_table(
        ["act", "happened", "signed", "signer", "performed by", "chain"],
        [
            [
                entry.act,
                entry.happened,
                entry.signed_at,
                entry.signer_name or entry.signer[:12] + "…",
                (entry.people or {}).get("performer"),
                entry.state.value,
            ]
            for entry in view.timeline
        ],
    )
    _print_verdicts(view)
    if view.counts:
        say("")
        say("Packages")
        print_table(
            ["class", "declared", "released"],
            [[c.package_class, c.declared, c.released] for c in view.counts],
        )


def _print_verdicts(view: CycleView) -> None:
    say("")
    say("The machine's own word")
    if view.machine_verdict is None:
        say("not entered")
    else:
        print_pairs((name.replace("_", " "), value) for name, value in view.machine_verdict.items())
    say("")
    say("Computed from the reading")
    if view.computed_verdict is None:
        say("not entered")
    else:
        figures = view.computed_verdict
        print_pairs(
            (name.replace("_", " "), value)
            for name, value in sorted(figures.items(), key=lambda f: f[0] != "result")
            if value is not None
        )
    say("")
    say("A person's decision")
    if view.decision is None:
        say("undecided")
    else:
        print_pairs(
            (name.replace("_", " ").replace("results.", "result "), value)
            for name, value in view.decision.items()
        )


def _typed_ending(
    reference: CycleReference,
    outcome: str,
    fault_code: str | None,
    started_at: str | None,
    ended_at: str | None,
    *,
    key: bytes,
    replaces: Digest,
    told: Circumstances,
) -> EndCycle:
    from ledger.domain.cycle_acts import EndCycle
    from ledger.domain.errors import InvalidInput
    from ledger.domain.operations import Outcome, Verdict

    if outcome.upper() not in Outcome.__members__:
        raise InvalidInput(
            f"{outcome!r} is unknown", field="--outcome", rule="completed, aborted or unknown"
        )
    return EndCycle(
        cycle=reference,
        outcome=Outcome[outcome.upper()],
        verdict=Verdict.NOT_COMPUTED,
        verdict_facts={},
        machine_facts={"fault_code": fault_code, "started": started_at, "ended": ended_at},
        started_at=_moment(started_at, field="--started-at"),
        ended_at=_moment(ended_at, field="--ended-at"),
        readings=(),
        replaces=replaces,
        signer=key,
        circumstances=told,
    )


def _load_line(text: str) -> LoadLine:
    from ledger.domain.cycle_acts import LoadLine

    parts = text.split(":", _LINE_PARTS)
    owner, payer, package_class, quantity = _integers(parts[:_LINE_PARTS], text, field="--line")
    return LoadLine(
        owner=owner,
        payer=payer,
        package_class=package_class,
        quantity=quantity,
        description=parts[_LINE_PARTS] if len(parts) > _LINE_PARTS else None,
    )


def _share_line(text: str) -> ShareLine:
    from ledger.domain.cycle_acts import ShareLine

    owner, payer, package_class, delta = _integers(text.split(":"), text, field="--share")
    return ShareLine(owner=owner, payer=payer, package_class=package_class, delta=delta)


def _integers(parts: list[str], text: str, *, field: str) -> list[int]:
    from ledger.domain.errors import InvalidInput

    digits = [part.removeprefix("-") for part in parts]
    if len(parts) != _LINE_PARTS or not all(_is_whole(d) for d in digits):
        raise InvalidInput(
            f"{text!r} is not understood",
            field=field,
            rule="OWNER:PAYER:CLASS:NUMBER, whole numbers",
        )
    return [int(part) for part in parts]


def _is_whole(digits: str) -> bool:
    """Digits that fit a message's number; a longer run is a slip of the scanner."""
    return digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER


def _result(text: str) -> tuple[str, str]:
    from ledger.domain.errors import InvalidInput

    name, separator, word = text.partition("=")
    if not separator:
        raise InvalidInput(f"{text!r} is not understood", field="--result", rule="NAME=WORD")
    return name, word


def _digest(text: str | None) -> Digest:
    from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, parse_hex32

    return ZERO_DIGEST if text is None else Digest(parse_hex32(text, field="--replaces"))


def _moment(text: str | None, *, field: str) -> datetime | None:
    from ledger.domain.errors import InvalidInput

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInput(
            f"{text!r} is not a moment",
            field=field,
            rule="ISO 8601 with zone, such as 2026-11-21T08:30:00+08:00",
        )
    return moment.astimezone(UTC)

"""What people file → sheets of paper, which a page shows and a PDF holds alike.

A value that nobody entered is said so on a record, and is a line to write on on a blank form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from api.pages.asking import Asking
from api.pages.lists import taken_away
from api.pages.words import N_, Words, spoken
from ledger.domain.custody.codes import Command, make_code, make_command
from ledger.domain.custody.labelling import FACTS, Label, plain_label
from ledger.domain.custody.lines import SCANNED
from ledger.forms.papers import (
    Grid,
    Labels,
    Lines,
    Pairs,
    Print,
    Section,
    Sheet,
    pdf_of,
)
from ledger.steps.accepting.printing import Roll
from ledger.steps.answering.recalls import RecallView
from ledger.steps.answering.showing import CycleView, TimelineEntry
from ledger.steps.reading.scan_lists import PAPER_COLUMNS, template

PDF = "application/pdf"
_NOT_ENTERED = N_("not entered")


def pdf_answer(asking: Asking, sheet: Sheet, name: str) -> Response:
    """A sheet as a PDF to file."""
    printed = Print(
        title=sheet.title,
        language="zh" if asking.words.language == "zh" else "en",
        made_on=asking.instance.clock().date(),
        parts=[sheet],
    )
    return taken_away(pdf_of(printed), f"{name}.pdf", PDF)


def _pairs(words: Words, heading: str, rows: Iterable[tuple[str, object]]) -> Pairs:
    """Rows of a record: what nobody entered is said so."""
    missing = words.say(_NOT_ENTERED)
    return Pairs(
        heading=words.say(heading) if heading else "",
        rows=[
            (words.say(label), missing if value is None or value == "" else str(value))
            for label, value in rows
        ],
    )


# ---------------------------------------------------------------- 灭菌记录单


def record_sheet(words: Words, found: Mapping[str, Any]) -> Sheet:
    """One cycle, as WS 310.3-2016 wants the record of a sterilisation."""
    view: CycleView = found["view"]
    machine: Mapping[str, Any] = view.machine_verdict or {}
    results: Mapping[str, str] = found["results"]
    decision: TimelineEntry | None = found["decision"]
    computed = view.computed_verdict
    judged = computed if computed and computed.get("result") else None
    codes: Mapping[int, str] = found["codes"]
    final = N_("All of it is final on the chain.")
    not_final = N_("Some of it is not final on the chain yet.")
    return Sheet(
        title=f"{words.say(N_('Sterilisation record'))} {found['title']}",
        sections=[
            _pairs(
                words,
                "",
                [
                    (N_("Unit"), found["unit"].name),
                    (N_("Sterilizer"), f"{view.machine_name or ''} · {view.machine_serial}"),
                    (N_("Number of the cycle"), view.number),
                    (N_("Programme"), machine.get("programme")),
                    (N_("Start, as printed"), machine.get("started")),
                    (N_("End, as printed"), machine.get("ended")),
                    (N_("Temperature while it held, °C"), _span(machine, "celsius")),
                    (N_("Pressure while it held, bar"), _span(machine, "bar")),
                    (N_("Holding time, s"), machine.get("hold_seconds")),
                    (
                        N_("The machine's own word"),
                        words.say(str(machine.get("outcome"))) if machine else None,
                    ),
                    (
                        N_("Computed from its readings"),
                        None if judged is None else _judged(words, judged),
                    ),
                ],
            ),
            Grid(
                heading=words.say(N_("Load")),
                columns=[
                    words.say(each)
                    for each in (N_("Owner"), N_("Class"), N_("Packages"), N_("What it is"))
                ],
                widths=[2, 1, 1, 4],
                rows=[
                    [
                        str(codes.get(line["owner"], line["owner"])),
                        str(line["package_class"]),
                        str(line["quantity"]),
                        " · ".join(str(line[n]) for n in ("package", "description") if line[n])
                        or "–",
                    ]
                    for line in found["load"]
                ]
                or [[words.say(_NOT_ENTERED), "", "", ""]],
            ),
            _pairs(
                words,
                N_("Monitoring"),
                [
                    (words.path(name), words.say(spoken(results[name])) if name in results else "")
                    for name in found["result_names"]
                ],
            ),
            _pairs(
                words,
                N_("Decision"),
                [
                    (N_("Decision"), words.say(spoken(str(view.state)))),
                    (N_("Reason"), view.decision.get("reason") if view.decision else None),
                    (N_("Opened by"), _person(found["opening"], "performer")),
                    (N_("End recorded by"), _person(found["ending"], "enterer")),
                    (N_("Decided by"), _person(decision, "enterer")),
                    (N_("Decided at"), words.moment(decision.signed_at) if decision else None),
                ],
            ),
            Lines(
                lines=[
                    words.say(final if found["is_final"] else not_final),
                    f"{words.say(N_('Fingerprint of the contracts'))}: {found['fingerprint']}",
                    str(view.id),
                ]
            ),
        ],
    )


def _span(machine: Mapping[str, Any], unit: str) -> str | None:
    least = machine.get(f"minimum_{unit}")
    return f"{least} – {machine.get(f'maximum_{unit}')}" if least else None


def _judged(words: Words, judged: Mapping[str, object]) -> str:
    word, profile = words.say(spoken(str(judged["result"]))), judged.get("profile")
    return f"{word} · {profile}" if profile else word


def _person(entry: TimelineEntry | None, role: str) -> str | None:
    if entry is None:
        return None
    return (entry.people or {}).get(role) or entry.signer_name or entry.signer[:14]


# ---------------------------------------------------------------- a slip


def slip_sheet(words: Words, found: Mapping[str, Any], receiver: str | None) -> Sheet:
    """What goes on a box: from, for, what is in it, its seals, and a code that is scanned."""
    view, codes, sent = found["view"], found["codes"], found["sent"]
    rows: list[tuple[str, object]] = [
        (N_("Purpose"), words.say(view.purpose)),
        (N_("Packages sent"), view.packages),
        (N_("Boxes"), sent.get("boxes")),
        (N_("Seals"), sent.get("seals")),
    ]
    if view.steps:
        rows.append((N_("Dispatched"), words.moment(view.steps[0].entry.signed_at)))
    sections: list[Section] = [_pairs(words, "", rows)]
    if view.lines:
        sections.append(
            Lines(
                heading=words.say(N_("What is in it")),
                lines=[
                    f"{number}. {name if link else words.sentence(name)}{_times(line.sent)}"
                    for number, (name, link, line) in enumerate(found["lines"], start=1)
                ],
            )
        )
    return Sheet(
        title=str(found["title"]),
        lead=[f"{codes.get(view.giver, view.giver)} → {codes.get(view.receiver, view.receiver)}"],
        code=f"{found['title']}>{receiver}",
        sections=[*sections, Pairs(rows=[(words.say(N_("Received by, and when")), None)])],
    )


def _times(count: int | None) -> str:
    return f" × {count}" if count and count != 1 else ""


# ---------------------------------------------------------------- a recall


def recall_sheet(words: Words, view: RecallView, names: Mapping[int, str]) -> Sheet:
    """Whom to call, and each package with where it is: for the telephone, and for the file."""
    say = words.say
    told = [
        [
            each.name,
            str(each.asked),
            _told(words, each.reached_by, each.reached_at),
            say(N_("no answer yet"))
            if each.answered_at is None
            else say(N_("found {} of {}")).format(each.found, each.answered_of),
            "",
            "",
        ]
        for each in view.units
    ]
    packages = [
        [
            each.package,
            names.get(each.used_by or each.holder or 0, "–"),
            say(spoken(each.found.value)),
            say(spoken(each.basis or "–")),
            "–"
            if each.seen_by is None
            else f"{names.get(each.seen_by)}, {words.moment(each.seen_at)}",
            say(spoken(each.answer)) if each.answer else "",
        ]
        for each in view.reached
    ]
    return Sheet(
        title=f"{say(N_('Recall'))} {view.machine} {view.first}–{view.last}",
        is_flipped=True,
        lead=[f"{say(spoken(view.cause or '–'))} {view.cause_text or ''}".strip()],
        sections=[
            _pairs(
                words,
                "",
                [
                    (N_("packages in the range"), view.packages),
                    (N_("found of what is to be found"), f"{view.found} / {view.to_find}"),
                    (N_("used before"), view.used),
                    (N_("Cannot be excluded"), ", ".join(view.cannot_be_excluded) or "–"),
                ],
            ),
            Grid(
                heading=say(N_("Who was told")),
                columns=[
                    say(each)
                    for each in (
                        N_("Unit"), N_("Asked for"), N_("Told"), N_("Acted"), N_("Telephone"),
                        N_("By telephone, name and time"),
                    )
                ],
                widths=[3, 1, 3, 3, 3, 5],
                rows=told,
            ),
            Grid(
                heading=say(N_("Each package")),
                columns=[
                    say(each)
                    for each in (
                        N_("Package"), N_("Where"), N_("How it stands"), N_("How it is known"),
                        N_("Last seen"), N_("Answer"),
                    )
                ],
                widths=[4, 2, 3, 2, 4, 3],
                rows=packages,
            ),
        ],
    )  # fmt: skip


def _told(words: Words, by: str | None, at: str | None) -> str:
    if at is not None:
        return f"{words.say(spoken(by or '–'))} {words.moment(at)}"
    return words.say(N_("sent is not reached") if by else N_("nobody told it"))


# ---------------------------------------------------------------- the kit for outages


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """Paper for when nothing else works: of one unit, for one roll of reserved serials."""

    #: the unit's code and its number
    unit: str
    number: int
    roll: Roll
    #: pages of the log, and blank slips
    pages: int
    slips: int
    made_on: date


_COMMANDS: Mapping[Command, str] = {
    Command.DONE: "完成\nDone",
    Command.UNDO: "撤销\nUndo",
    Command.WET: "湿包\nWet",
    Command.DAMAGED: "破损\nDamaged",
    Command.SECOND_PERSON: "第二人核对\nSecond person",
}
_LOG_WIDTHS = (3, 3, 3, 4, 4, 3, 3, 2, 5)
_ROWS = 15
#: of packages on a blank slip
_SLIP_ROWS = 14
_LOG_WORDS: Mapping[str, str] = {
    "paper": N_("form"),
    "time": N_("time"),
    "act": N_("act"),
    "package": N_("package"),
    "set": N_("set"),
    "performer": N_("performer"),
    "outcome": N_("outcome"),
    "case": N_("case"),
    "reason": N_("reason"),
}


_HOW_TO = (
    N_(
        "Write each thing that is done on the log at once, one line a package; the time as the "
        "clock shows it, or as it is known: about 13:00, morning."
    ),
    N_(
        "Put the next label of this kit on each package that is packed, and write its serial into "
        "the log. A label that spoils is left; take the next."
    ),
    N_(
        "Lay a slip into each box that leaves, and write down its number: whoever receives the "
        "box writes the same one."
    ),
    N_("Nothing is released on paper alone: a cycle waits until its record can be looked at."),
    N_(
        "When the system is back, type the log into paper-log.csv, which this PDF carries, and "
        "bring it in with: steriledger import FILE --paper. The forms are kept."
    ),
)


def command_labels() -> list[Label]:
    """The cards beside a scanner, in both languages."""
    return [
        plain_label(make_command(command), said.replace("\n", " "))
        for command, said in _COMMANDS.items()
    ]


def kit_print(words: Words, kit: Kit) -> Print:
    """The whole kit as one document: how to, log, labels, cards, blank slips.

    The log's columns stand in it as a CSV, which is filled in later and imported.
    """
    serials = [each for each in kit.roll.serials if each not in set(kit.roll.used)]
    labels = [
        Label(
            code=made.code,
            symbol=made.symbol,
            title="",
            name=f"{kit.unit}/{serial}",
            facts=tuple((name, None) for name in FACTS),
        )
        for serial in serials
        for made in [plain_label(make_code(f"{kit.number}/{serial}"), serial)]
    ]
    forms = [f"{kit.unit}-R{kit.roll.roll}-{page:02d}" for page in range(1, kit.pages + 1)]
    slips = [f"R{kit.roll.roll}-{slip:02d}" for slip in range(1, kit.slips + 1)]
    return Print(
        title=words.say(N_("Paper kit for outages")),
        language="zh" if words.language == "zh" else "en",
        made_on=kit.made_on,
        parts=[
            _how_to(words, kit),
            *(_log(words, kit, form) for form in forms),
            Labels(stock="sheet", labels=labels),
            Labels(stock="cards", labels=command_labels()),
            *(_blank_slip(words, kit, slip) for slip in slips),
        ],
        attached={"paper-log.csv": template()},
    )


def _how_to(words: Words, kit: Kit) -> Sheet:
    say = words.say
    return Sheet(
        title=say(N_("Paper kit for outages")),
        lead=[f"{kit.unit} · {kit.roll.serials[0]} – {kit.roll.serials[-1]}"],
        sections=[
            Lines(
                lines=[f"{number}. {say(each)}" for number, each in enumerate(_HOW_TO, start=1)]
            ),
            Lines(
                heading=say(N_("Words for the column act")),
                lines=[
                    " · ".join(
                        each if words.language == "en" else f"{say(spoken(each))} {each}"
                        for each in SCANNED
                    )
                ],
            ),
        ],
    )  # fmt: skip


def _log(words: Words, kit: Kit, form: str) -> Sheet:
    return Sheet(
        title=words.say(N_("Paper log")),
        is_flipped=True,
        lead=[f"{kit.unit} · {words.say(N_('form'))} {form} · {words.say(N_('day'))} ____________"],
        sections=[
            Grid(
                columns=[
                    words.label(_LOG_WORDS[each]) for each in PAPER_COLUMNS if each != "paper"
                ],
                widths=_LOG_WIDTHS[1:],
                rows=[],
                blank=_ROWS,
            )
        ],
        foot=f"SteriLedger · {form}",
    )


def _blank_slip(words: Words, kit: Kit, slip: str) -> Sheet:
    say = words.say
    blank = (
        N_("receiver"), N_("Purpose"), N_("Boxes"), N_("Seals"), N_("Packages sent"),
        N_("Dispatched by, and when"), N_("Taken by, and when"), N_("Received by, and when"),
    )  # fmt: skip
    return Sheet(
        title=f"{kit.unit}/{slip}",
        lead=[say(N_("Consignment slip, written by hand"))],
        code=f"{kit.unit}/{slip}",
        sections=[
            Pairs(rows=[(words.label(each), None) for each in blank]),
            Grid(
                heading=say(N_("What is in it")),
                columns=[words.label(each) for each in ("package", "set", "remarks")],
                widths=[3, 4, 3],
                rows=[],
                blank=_SLIP_ROWS,
            ),
        ],
    )

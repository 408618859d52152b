"""Scanning: what was scanned so far on a page, kept in its form, so that nothing of it is lost.

Each shot sends the form, which comes back with one more in it and never in the address; cards
beside the scanner speak of the shot before them.  What was scanned is recorded only when somebody
says that they are done.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from api.pages.asking import Asking, package_page
from api.pages.words import N_, Words
from ledger.domain.custody.codes import Command, read_shot
from ledger.domain.custody.gates import WORDS, Answer, Gate, Said, Word
from ledger.domain.errors import InvalidInput, Refused
from ledger.steps.accepting.meaning import Meant, meant
from ledger.steps.answering.packages import Question, ask_all, numbering

_MARKS = frozenset({Command.WET, Command.DAMAGED})
_WORDS = {Word.YES: N_("may"), Word.NO: N_("may not"), Word.CANNOT_KNOW: N_("cannot know")}
#: what a reason is filled with in words or moments of ours, not in names
_OURS = frozenset({"stage", "time", "results"})
_TONES = {Word.YES: "good", Word.NO: "bad", Word.CANNOT_KNOW: "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One thing that was scanned, and what cards said of it."""

    said: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a page says of a shot."""

    name: str
    #: good, warn or bad
    tone: str
    #: in the reader's words
    told: str
    #: the package's page; empty where there is none
    link: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What was scanned, oldest first; cards stand after what they speak of."""

    said: tuple[str, ...]
    #: whether the card *done* was scanned
    is_done: bool = False

    @property
    def shots(self) -> list[Shot]:
        """Each thing once, in the order in which it was scanned first."""
        found: dict[str, list[str]] = {}
        last = ""
        for each in self.said:
            command = read_shot(each).command
            if command is None:
                last = each
                found.setdefault(each, [])
            elif last:
                found[last].append(command.value)
        return [Shot(said=said, marks=tuple(marks)) for said, marks in found.items()]


def run_of(asking: Asking) -> Run:
    """What the page has so far, with what was scanned just now."""
    said = [each for each in asking.filled.all("said") if each.strip()]
    is_done = asking.filled.get("ready") == "yes"
    for each in asking.filled.all("scan"):
        command = read_shot(each).command
        if command is Command.UNDO:
            while said and read_shot(said.pop()).command is not None:
                pass
        elif command in {Command.DONE, Command.SECOND_PERSON}:
            is_done = is_done or command is Command.DONE
        elif each.strip() and (command not in _MARKS or said):
            said.append(each.strip(" "))
    return Run(tuple(said), is_done)


def is_over(asking: Asking) -> bool:
    """Whether the form was sent to be recorded, not to scan on."""
    return asking.filled.get("step") == "done"


# ---------------------------------------------------------------- gates in words


def said_of_gate(answer: Answer, words: Words) -> Seen:
    """A gate's answer: may, may not, or cannot know, and why."""
    word = words.say(_WORDS[answer.word])
    told = "; ".join(_reason(each, words) for each in (*answer.reasons, *answer.notes))
    tone = "warn" if answer.notes and answer.word is Word.YES else _TONES[answer.word]
    return Seen(
        name=answer.package or "?",
        tone=tone,
        told=f"{word}: {told}" if told else word,
        link="" if answer.package is None else package_page(answer.package),
    )


def _reason(said: Said, words: Words) -> str:
    values = {
        name: words.value(name, value) if name in _OURS else value
        for name, value in said.values.items()
    }
    return WORDS[words.language][said.reason].format(**values)


# ---------------------------------------------------------------- what was scanned, in words


def on_page(asking: Asking, run: Run) -> dict[str, object]:
    """What every page of scanning shows."""
    filled = asking.filled
    key, shots = filled.get("key") or secrets.token_hex(16), filled.all("scan")
    return {
        "run": run,
        "key": key,
        "done": asking.recorded,
        # a shot that was there before moves nothing on the page, and is told all the same
        "again": [
            each.strip(" ")
            for at, each in enumerate(shots)
            if each.strip(" ") in {*filled.all("said"), *shots[:at]}
            and read_shot(each).command is None
        ],
    }


def own_unit(asking: Asking) -> int:
    """The unit whose people these are; raises Refused for whoever belongs to none."""
    unit = asking.caller.unit
    if unit is None:
        raise Refused("the authority handles nothing", field="unit", rule="a unit's own people")
    return unit


def named(tx: Connection, run: Run) -> list[Meant]:
    """The package that each shot means, or what is wrong with it."""
    return meant(
        tx, [each.said for each in run.shots], unit_number=lambda text: numbering(tx, text)
    )


def require_named(found: Iterable[Meant]) -> None:
    """Raise InvalidInput where a shot names no package."""
    unknown = [each.said for each in found if each.package is None]
    if unknown:
        raise InvalidInput(
            f"{', '.join(unknown)[:80]} names no package",
            field="scan",
            rule="what is recorded is named",
            remedy="undo it, and scan it again or type it as unit/serial",
        )


def told_of(asking: Asking, found: Iterable[Meant], tell: Callable[[str], Seen]) -> list[Seen]:
    """What a page says of each shot; of one that names no package, why, and what to do."""
    return [
        _trouble(each, asking.words)
        if each.package is None
        else _with_troubles(tell(each.package), each, asking.words)
        for each in found
    ]


def _with_troubles(seen: Seen, what: Meant, words: Words) -> Seen:
    """What was wrong with a shot whose code is certain all the same, as of one that came twice."""
    told = "; ".join((seen.told, *(words.sentence(each) for each in what.troubles)))
    return replace(seen, told=told)


def _trouble(what: Meant, words: Words) -> Seen:
    if what.candidates:
        told = words.say("fits {}: look at the label, and type the one").format(
            " · ".join(what.candidates)
        )
    else:
        why = "; ".join(words.sentence(each) for each in what.troubles)
        told = why or words.say("unknown code: scan again, or type it as unit/serial")
    return Seen(name=what.said[:60], tone="bad", told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Packages of a run, and what a gate says of them."""

    names: list[str]
    seen: list[Seen]
    #: the answers that are no yes, by package
    against: dict[str, Word]
    #: what the gate could not look at
    unchecked: list[str]


def check(
    tx: Connection, asking: Asking, run: Run, gate: Gate | None, *, is_chosen: bool = True
) -> Checked:
    """What a gate says of each package of a run; None: they pass none, or not chosen which."""
    found, unit = named(tx, run), own_unit(asking)
    names = list(dict.fromkeys(each.package for each in found if each.package))
    asked = [] if gate is None else [Question(gate=gate, said=name) for name in names]
    answers = ask_all(asking.instance, tx, asked, unit=unit)
    told = {each.package: said_of_gate(each, asking.words) for each in answers}
    plain = Seen(name="", tone="good", told=asking.words.say("in the box"))
    if not is_chosen:
        unasked = asking.words.say("in the box; say the purpose, and the gate is asked")
        plain = Seen(name="", tone="warn", told=unasked)
    return Checked(
        names=names,
        seen=told_of(asking, found, lambda name: told.get(name) or replace(plain, name=name)),
        against={each.package or "": each.word for each in answers if each.word is not Word.YES},
        unchecked=list(dict.fromkeys(each for answer in answers for each in answer.unchecked)),
    )

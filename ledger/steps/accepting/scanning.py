"""Scans, typed lists and paper → reports of packages, line by line.

First each line is looked at: which package is meant, what a gate says of it, and what the line will
do.  Then as many reports are made as are needed; a line that is a question keeps all of them back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.rules import SKEW_SECONDS
from ledger.domain.acts.scan_report import ACT, MOST_LINES, PREVENTABLE, taken_back
from ledger.domain.callers import Caller
from ledger.domain.custody.codes import Command, is_basket, is_container, read_shot
from ledger.domain.custody.fold import DIRTY, standing
from ledger.domain.custody.gates import Answer, Word
from ledger.domain.custody.lines import Deed, assembler
from ledger.domain.custody.outcomes import CLOSED, find_contradiction, split_outcome
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import Conflict, InvalidInput, Refused, SteriLedgerError
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.gating import GATES, cycles_of
from ledger.steps.accepting.meaning import Meant, meant, resolve_set
from ledger.steps.accepting.photographing import Picture
from ledger.steps.accepting.printing import is_reserved
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.accepting.telling import hold
from ledger.steps.answering.baskets import concerns, is_known_to, lying_in, side_of
from ledger.steps.answering.containers import baskets_in, container_of
from ledger.steps.answering.declared import find_definition
from ledger.steps.answering.packages import Question, ask_all, numbering
from ledger.steps.instance import Instance
from ledger.storage import packages

#: Of a time such as `morning`, or an hour without its day.
NO_MOMENT = "its time names no moment: kept in words"
#: Of a time on paper that goes back by half a day and more.
MIDNIGHT = "earlier than the line before: if that was past midnight, write its day"
#: Of a name under which nothing is known here, or nothing that concerns who asks.
UNKNOWN = "you have nothing to do with it so far: look whether the name is right"
#: With these a unit may begin to have to do with a package.
_FIRST = frozenset({Deed.ASSEMBLED.value, Deed.LABELLED.value})
_HALF_A_DAY = timedelta(hours=12)
#: Deeds of what carries no label: the last package of the set is proposed.
_OF_SETS = frozenset({Deed.RECEIVED_SOILED, Deed.WASHED, Deed.INSPECTED, Deed.PUT_IN})
#: Said of a basket, they are said of all that lies in it …
_BY_BASKET = frozenset(
    {
        Deed.STORED,
        Deed.ISSUED,
        Deed.RECEIVED_SOILED,
        Deed.WASHED,
        Deed.INSPECTED,
        Deed.DISCARDED,
        Deed.MISSING,
        Deed.FOUND,
        Deed.TAKEN_OUT,
        Deed.SEALED,
    }
)
#: … and these of the basket itself.
_OF_ITSELF = frozenset({Deed.RECEIVED_SOILED, Deed.WASHED, Deed.INSPECTED, Deed.DAMAGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One line as somebody gave it."""

    act: Deed
    #: a package's name or what a scanner delivered; None where only a set is named
    said: str | None = None
    #: `UNIT/NAME` of a set, or a name of the unit's own
    set: str | None = None
    basis: str = "typed"
    happened: datetime | None = None
    #: as it was written: `about 13:00`
    happened_text: str | None = None
    #: who did it, where that differs from line to line
    performer: str | None = None
    #: in the words of custody/outcomes.py; what else it says goes into the note
    outcome: str | None = None
    note: str | None = None
    reason: str | None = None
    case: str | None = None
    material: str | None = None
    expires: str | None = None
    #: the hash of a kept one, or the picture
    photo_sha256: str | Picture | None = None
    takes_back: str | None = None
    #: the code of the basket that it is put into, or that stood for it
    basket: str | None = None
    #: from 1: which line of what was given it is; by its place when left out
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a line will do."""

    #: from 1, as people count
    line: int
    act: str
    said: str | None
    package: str | None
    code: str | None
    set: str | None
    #: what is wrong with the shot, or with the serial, in words
    troubles: tuple[str, ...]
    #: what the gate says; None where none is asked
    gate: str | None
    #: why the line cannot be taken as it is; None where it can
    question: str | None
    #: whether the same was reported before
    is_repeated: bool
    #: the packages between which a person chooses, where that is the question
    candidates: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, object]:
        """As JSON has it."""
        return asdict(self)

    def text(self) -> str:
        """What it will do, in words."""
        if self.question is not None:
            return f"question: {self.question}"
        if self.is_repeated:
            return "was reported before: left out"
        what = self.package or self.set or ""
        if self.package is None and self.said is not None:
            what = f"unknown code {self.code or self.said}" + (f", {what}" if what else "")
        told = f"{what}: {self.act.replace('_', ' ')}"
        against = "" if self.gate is None or self.gate.startswith("yes") else f"; {self.gate}"
        return told + against + "".join(f" ({each})" for each in self.troubles)


@dataclass(frozen=True, slots=True)
class _Looked:
    scan: Scan
    look: Look
    answer: Answer | None
    #: the package that was named; None where one of a set is proposed
    named: str | None


def with_commands(scans: Sequence[Scan]) -> list[Scan]:
    """A run of shots with what the cards between them say; raises InvalidInput for one too early.

    `done` and `second person` are for whoever shows the run; they say nothing of a package.
    """
    found: list[Scan] = []
    for at, scan in enumerate(scans):
        command = None if scan.said is None else read_shot(scan.said).command
        if command is None:
            found.append(scan)
        elif command in {Command.DONE, Command.SECOND_PERSON}:
            continue
        elif not found:
            raise InvalidInput(
                f"{command.value} comes before any package",
                field=f"lines.{at}",
                rule="a card speaks of the shot before it",
            )
        elif command is Command.UNDO:
            found.pop()
        else:
            found.append(replace(found[-1], act=Deed(command.value)))
    return found


def _unpacked(tx: Connection, unit: int, scans: Sequence[Scan]) -> list[Scan]:
    """What is said of a basket, said of all that lies in it and is the unit's: inferred."""
    found: list[Scan] = []
    for at, scan in enumerate(scans):
        numbered = replace(scan, line=scan.line or at + 1)
        code = None if scan.said is None else read_shot(scan.said).basket
        names = [] if code is None else _stood_for(tx, unit, scan, code)
        found += [replace(numbered, said=each, basis="inferred", basket=code) for each in names]
        if not names or scan.act in _OF_ITSELF:
            found.append(numbered)
    return found


def _stood_for(tx: Connection, unit: int, scan: Scan, code: str) -> list[str]:
    """What a basket stands for in a scan: what lies in it, and is the unit's."""
    if scan.act not in _BY_BASKET or _is_moved(scan):
        return []
    rows = lying_in(tx, code, unit)
    if scan.act is not Deed.TAKEN_OUT:
        return [row.name for row in rows]
    # a basket that comes out of a container keeps what lies in it
    baskets = [each for each in baskets_in(tx, code) if is_known_to(tx, each, unit)]
    return [*(row.name for row in rows if row.basket == code), *baskets]


def _is_moved(scan: Scan) -> bool:
    """Whether a basket itself is put into a container, or taken out of one."""
    return scan.act is Deed.PUT_IN or (scan.act is Deed.TAKEN_OUT and scan.basket is not None)


def sets_named(tx: Connection, unit: int, said: Sequence[str]) -> dict[str, str]:
    """Those of some shots that name a defined set and no known package, each with `UNIT/NAME`."""
    whats = meant(tx, said, unit_number=lambda text: numbering(tx, text))
    known = packages.list_packages_named(tx, {each.package for each in whats if each.package})
    names = {row.name for row in known}
    found = {}
    for what in whats:
        is_other = what.candidates or what.package in names
        if not is_other and read_shot(what.said).basket is None:
            with suppress(SteriLedgerError):
                name = resolve_set(what.said, unit, unit_number=lambda text: numbering(tx, text))
                if find_definition(tx, name):
                    found[what.said] = name
    return found


def chosen(
    instance: Instance, tx: Connection, unit: int, scans: Sequence[Scan]
) -> tuple[list[Scan], list[Look]]:
    """Shots of sets and packages, as one run, and what each will do.

    A shot of a set that may be several packages stands for those of them that the run names beside
    it: a person looked and chose.  Raises InvalidInput as `look` does.
    """
    sets = sets_named(tx, unit, [each.said for each in scans if each.said])
    asked = [
        replace(each, said=None, set=sets[each.said]) if each.said in sets else each
        for each in scans
    ]
    looks = look(instance, tx, unit, asked)
    single = {each.line: each.package for each in looks if not is_basket(asked[each.line - 1].said)}
    named = {single[each.line] for each in looks if each.set is None and each.line in single}
    of = {c: each.set for each in looks for c in each.candidates if each.set and c in named}
    answered = {each.line for each in looks if any(c in of for c in each.candidates)}
    told = [
        replace(scan, set=of[name], basis="ticked_off")
        if scan.set is None and (name := single.get(at) or "") in of
        else scan
        for at, scan in enumerate(asked, 1)
        if at not in answered
    ]
    return told, look(instance, tx, unit, told)


def look(instance: Instance, tx: Connection, unit: int, scans: Sequence[Scan]) -> list[Look]:
    """What each line will do, before anything is stored."""
    run = _unpacked(tx, unit, with_commands(scans))
    return [each.look for each in _look(instance, tx, unit, run)]


def report(  # noqa: PLR0913, PLR0917 - who reports what, at which door
    instance: Instance,
    tx: Connection,
    caller: Caller,
    unit: int,
    scans: Sequence[Scan],
    door: Door,
    circumstances: Mapping[str, Any] | None = None,
) -> tuple[list[Receipt], list[Look]]:
    """Lines → accepted reports, all or none; and what each line did.

    Raises InvalidInput where a line is a question, Refused where something that can still be left
    undone has a gate against it and no reason, and Conflict where somebody of the unit reported the
    same meanwhile.
    """
    caller.require_unit(unit)
    looked = _look(instance, tx, unit, _unpacked(tx, unit, with_commands(scans)))
    _require_no_question(looked)
    new = [each for each in looked if not each.look.is_repeated]
    named = _told(tx, new)
    held = cycles_of(tx, named)
    hold(tx, named, shared=held)
    _require_nothing_meanwhile(tx, unit, new)
    receipts = []
    for performer, lines in _by_performer(new):
        told = {**(circumstances or {})}
        if performer is not None:
            told["performer"] = performer
        for start in range(0, len(lines), MOST_LINES):
            values = {
                "unit": str(unit),
                "lines": [_line(each) for each in lines[start : start + MOST_LINES]],
                **told,
            }
            draft = make_draft(instance, tx, caller, ACT, values, door)
            receipts.append(record_with_held_keys(instance, tx, caller, draft, held))
    return receipts, [each.look for each in looked]


def _require_no_question(looked: Sequence[_Looked]) -> None:
    for each in looked:
        at = f"lines.{each.look.line - 1}"
        if each.look.question is not None:
            raise InvalidInput(
                each.look.question,
                field=at,
                rule="one package a line",
                remedy="look at the label, and name the package; nothing was stored",
            )
        if (
            each.scan.act.value in PREVENTABLE
            and each.answer is not None
            and each.answer.word is Word.NO
            and each.scan.reason is None
        ):
            raise Refused(
                f"the gate says {each.answer.text()}",
                field=f"{at}.reason",
                rule="what is done all the same has a reason, which is kept",
                remedy="leave it undone, or state the reason",
            )


def _require_nothing_meanwhile(tx: Connection, unit: int, new: Sequence[_Looked]) -> None:
    """What the same unit reported while this waited for its packages is not reported twice."""
    if tx.dialect.name == "sqlite":
        # its transactions keep everybody else out from the beginning
        return
    timed = {
        _told_before(each.scan, each.named)
        for each in new
        if each.named is not None and _states_time(each.scan)
    }
    if timed & _reported(tx, unit, {name for name, *_ in timed}):
        raise Conflict(
            "something was reported of these packages meanwhile",
            field="lines",
            rule="what was reported with its time is reported once",
            remedy="nothing was stored; try again",
        )


def _told(tx: Connection, looked: Sequence[_Looked]) -> set[str]:
    """The packages of which the lines tell, and of which they take a line back."""
    named = [each.scan.takes_back for each in looked if each.scan.takes_back is not None]
    digests = {taken_back(each)[0] for each in named}
    ended = packages.list_lines_by_digests(tx, digests)
    return {line.package for line in ended} | {
        each.look.package for each in looked if each.look.package is not None
    }


def _by_performer(looked: Sequence[_Looked]) -> Iterator[tuple[str | None, list[_Looked]]]:
    """Lines of one person together: a record states one."""
    groups: dict[str | None, list[_Looked]] = {}
    for each in looked:
        groups.setdefault(each.scan.performer, []).append(each)
    yield from groups.items()


def _line(each: _Looked) -> dict[str, Any]:
    scan, found = each.scan, each.look
    return {
        "act": scan.act.value,
        "package": found.package,
        "code": scan.basket or found.code,
        "set": found.set,
        "basis": scan.basis,
        "happened": scan.happened,
        "happened_text": scan.happened_text,
        "outcome": scan.outcome,
        "note": scan.note,
        "reason": scan.reason,
        "case": scan.case,
        "material": scan.material,
        "expires": scan.expires,
        "photo_sha256": scan.photo_sha256,
        "takes_back": scan.takes_back,
    }


# ---------------------------------------------------------------- looking


def _look(instance: Instance, tx: Connection, unit: int, scans: Sequence[Scan]) -> list[_Looked]:
    said = [scan.said for scan in scans if scan.said is not None]
    found = iter(meant(tx, said, unit_number=lambda text: numbering(tx, text)))
    whats = [
        None if scan.said is None else _by_serial(tx, unit, scan, next(found)) for scan in scans
    ]
    answers = _ask(instance, tx, unit, scans, whats)
    timed = {
        name
        for scan, what in zip(scans, whats, strict=True)
        if (name := _named(what)) is not None and _states_time(scan)
    }
    before = _reported(tx, unit, timed) if timed else set()
    packed, lies = _packed(tx, unit, scans, whats), _Lies(tx, unit, scans, whats)
    looked, last = list[_Looked](), None
    latest = instance.clock() + timedelta(seconds=SKEW_SECONDS)
    for at, (scan, what) in enumerate(zip(scans, whats, strict=True)):
        notes = (*_serial_notes(tx, unit, scan, what, packed), *lies.notes(scan, what))
        if scan.basis == "imported" and scan.happened is not None:
            notes += (MIDNIGHT,) if last and last - scan.happened > _HALF_A_DAY else ()
            last = scan.happened
        if scan.act is Deed.ASSEMBLED and what is not None and what.package is not None:
            packed.add(what.package)
        looked.append(_looked(tx, unit, at, scan, what, answers.get(at), before, notes, latest))
    return _with_unknown(tx, unit, looked)


def _with_unknown(tx: Connection, unit: int, looked: Sequence[_Looked]) -> list[_Looked]:
    """The lines, and beside a package that is nothing of the unit's a word: a slip, perhaps.

    Where a gate is asked it says so; whether another unit knows of it is not told.
    """
    new = {e.named for e in looked if e.look.act in _FIRST}
    asked = {e.named for e in looked if e.named and e.answer is None and not e.look.is_repeated}
    rows = packages.list_packages_named(tx, asked - new)
    unknown = asked - new - {row.name for row in rows if concerns(row, unit)}
    return [
        replace(each, look=replace(each.look, troubles=(*each.look.troubles, UNKNOWN)))
        if each.named in unknown and each.answer is None
        else each
        for each in looked
    ]


def _by_serial(tx: Connection, unit: int, scan: Scan, what: Meant) -> Meant:
    """A serial that the unit reserved names a package, as it stands on paper without the unit."""
    if what.package is not None or what.candidates or scan.said is None:
        return what
    name = f"{unit}/{scan.said.strip().upper()}"
    return Meant(said=what.said, package=name) if is_reserved(tx, name) else what


def _serial_notes(
    tx: Connection, unit: int, scan: Scan, what: Meant | None, packed: set[str]
) -> tuple[str, ...]:
    """What is to be said of the serial of a package that was packed: it happened all the same."""
    if scan.act is not Deed.ASSEMBLED or what is None or what.package is None:
        return ()
    if what.package in packed:
        return ("its serial was used before: look whether two packages carry it",)
    if scan.basis == "imported" and assembler(what.package) == unit:
        return () if is_reserved(tx, what.package) else ("its serial was not reserved",)
    return ()


def _packed(
    tx: Connection, unit: int, scans: Sequence[Scan], whats: Sequence[Meant | None]
) -> set[str]:
    """Those of the packages whose assembly is reported that were assembled before.

    Of what the unit has nothing to do with, it learns nothing.
    """
    named = {
        what.package
        for scan, what in zip(scans, whats, strict=True)
        if scan.act is Deed.ASSEMBLED and what is not None and what.package is not None
    }
    ours = {row.name for row in packages.list_packages_named(tx, named) if concerns(row, unit)}
    return {
        name
        for name, lines in packages.list_lines_of(tx, ours).items()
        if any(line.deed is Deed.ASSEMBLED for line in standing(lines))
    }


def _ask(
    instance: Instance,
    tx: Connection,
    unit: int,
    scans: Sequence[Scan],
    whats: Sequence[Meant | None],
) -> dict[int, Answer]:
    """The gates' answers, by place; of something past, what the gate would have said then."""
    asked: dict[int, Question] = {}
    for at, (scan, what) in enumerate(zip(scans, whats, strict=True)):
        gate = GATES.get(scan.act)
        if gate is not None and what is not None:
            moment = None if scan.happened is None else int(scan.happened.timestamp())
            said = what.package or what.said
            asked[at] = Question(gate=gate, said=said, code=what.code, at=moment)
    told = ask_all(instance, tx, list(asked.values()), unit=unit) if asked else []
    return dict(zip(asked, told, strict=True))


def _reported(
    tx: Connection, unit: int, named: set[str]
) -> set[tuple[str, Deed, int | None, str | None]]:
    """What the unit said of these packages with a time, and stands."""
    return {
        (line.package, line.deed, line.happened, line.happened_text)
        for lines in packages.list_lines_of(tx, named).values()
        for line in lines
        if line.unit == unit and line.ended is None
    }


def _named(what: Meant | None) -> str | None:
    """The package that a line is about, or the code of a basket: what its rows are kept under."""
    if what is None or what.package is not None:
        return None if what is None else what.package
    return what.code if is_basket(what.code) else None


def _told_before(scan: Scan, package: str | None) -> tuple[str, Deed, int | None, str | None]:
    """By what a line is known as the same again."""
    moment = None if scan.happened is None else int(scan.happened.timestamp())
    return package or "", scan.act, moment, scan.happened_text


def _states_time(scan: Scan) -> bool:
    return scan.happened is not None or scan.happened_text is not None


def _looked(  # noqa: PLR0913, PLR0917 - what is known of one line
    tx: Connection,
    unit: int,
    at: int,
    scan: Scan,
    what: Meant | None,
    answer: Answer | None,
    before: set[tuple[str, Deed, int | None, str | None]],
    notes: tuple[str, ...],
    latest: datetime,
) -> _Looked:
    package = None if what is None else what.package
    scan, noted = _with_note(scan)
    set_name, question = None, _basket_question(tx, unit, scan, what)
    candidates = () if what is None else what.candidates
    if scan.basket is not None and question is None:
        scan = replace(scan, basket=read_shot(scan.basket).basket)
        if what is not None and is_basket(what.code):
            package = what.code
    if what is not None and what.candidates:
        question = f"{what.said[:60]!r} fits {' and '.join(what.candidates)}"
    elif question is None and what is not None and package is None and what.code is None:
        question = "; ".join(what.troubles) or f"{what.said[:60]!r} is no code"
    if scan.set is not None:
        try:
            set_name = resolve_set(scan.set, unit, unit_number=lambda text: numbering(tx, text))
        except SteriLedgerError as error:
            question = str(error)
    if set_name is not None and package is None and scan.act in _OF_SETS:
        package, candidates = _last_of_set(tx, unit, set_name)
        if candidates and question is None:
            question = f"{set_name} may be {' or '.join(candidates)}"
        # Somebody saw the instruments; which package they were in is a proposal.
        scan = replace(scan, basis="inferred")
    question = question or _scan_question(scan, latest)
    # what names no package that is known is itself and no other
    key = _told_before(scan, package or _named(what) or set_name or scan.said)
    is_repeated = _states_time(scan) and key in before
    before.add(key)
    return _Looked(
        scan,
        Look(
            line=scan.line or at + 1,
            act=scan.act.value,
            said=scan.said,
            package=package,
            code=None if what is None else what.code,
            set=set_name,
            troubles=(
                *(() if what is None else what.troubles),
                *(() if is_repeated else notes),
                *noted,
                *(() if scan.happened or scan.happened_text is None else (NO_MOMENT,)),
            ),
            gate=None if answer is None else answer.text(),
            question=question,
            is_repeated=is_repeated,
            candidates=candidates,
        ),
        answer,
        None if what is None else what.package,
    )


def _scan_question(scan: Scan, latest: datetime) -> str | None:
    """What cannot be said of anything."""
    if scan.act is Deed.NOT_SO and scan.takes_back is None:
        return "the line that it takes back is not named"
    if scan.happened is not None and scan.happened > latest:
        moment = instant_text(scan.happened)
        return f"{moment} lies after the signature, and what is reported has happened"
    twice = find_contradiction(scan.outcome)
    return None if twice is None else f"says {twice}"


def _basket_question(tx: Connection, unit: int, scan: Scan, what: Meant | None) -> str | None:
    """What cannot be said of a basket, or is said of none."""
    if scan.basket is not None and read_shot(scan.basket).basket is None:
        return f"{scan.basket[:60]!r} is the code of no basket"
    if scan.basket is None and scan.act is Deed.PUT_IN:
        return "the basket that it is put into is not named"
    if what is None or what.package is not None or what.code is None or not is_basket(what.code):
        return None
    if scan.basket is not None and _is_moved(scan):
        return _container_question(tx, unit, what.code, scan.basket)
    told = f"{what.code} is a basket: scan what lies in it"
    if scan.act in _BY_BASKET:
        told = f"nothing that you have to do with is known to lie in {what.code}"
    return None if scan.act in _OF_ITSELF else told


def _container_question(tx: Connection, unit: int, basket: str, said: str) -> str | None:
    """Why a basket is not put into that, or not taken out of it; None where it may be."""
    into = read_shot(said).basket
    if into is None or not is_container(into):
        return f"{into} is no container, and a basket lies in nothing else"
    if is_container(basket):
        return f"{basket} is a container, which lies in nothing"
    if not is_known_to(tx, basket, unit):
        return f"nothing that you have to do with is known to lie in {basket}"
    return None


class _Lies:
    """Where packages that are put into baskets lay, line after line.

    Only what concerns the unit, and baskets that are its own or have something of it.
    """

    def __init__(
        self, tx: Connection, unit: int, scans: Sequence[Scan], whats: Sequence[Meant | None]
    ) -> None:
        put = [
            (scan, name)
            for scan, what in zip(scans, whats, strict=True)
            if scan.act is Deed.PUT_IN and (name := _named(what)) is not None
        ]
        named = packages.list_packages_named(tx, {name for _, name in put})
        rows = [row for row in named if concerns(row, unit)]
        self._lay: dict[str, str | None] = {row.name: row.basket for row in rows}
        self._is = {row.name: "dirty" if row.stage in DIRTY else "clean" for row in rows}
        for basket in {name for _, name in put if is_basket(name) and is_known_to(tx, name, unit)}:
            self._lay[basket] = container_of(tx, basket)
            self._is[basket] = side_of(tx, basket) or "clean"
        codes = {read_shot(scan.basket).basket for scan, _ in put if scan.basket is not None}
        self._sides: dict[str, str | None] = {
            code: side_of(tx, code)
            for code in codes
            if code is not None and is_known_to(tx, code, unit)
        }

    def notes(self, scan: Scan, what: Meant | None) -> tuple[str, ...]:
        """What is wrong with putting it there: it happened all the same."""
        name = _named(what)
        if scan.act is not Deed.PUT_IN or name is None or scan.basket is None:
            return ()
        code, told = read_shot(scan.basket).basket, []
        before = self._lay.get(name)
        if before not in {None, code}:
            told.append(f"it lay in {before}, and nobody took it out")
        side = self._is.get(name, "clean")
        if code is not None:
            was = self._sides.get(code)
            if was not in {None, side}:
                told.append(f"soiled and clean things lie in one basket: it was {was}")
            self._lay[name], self._sides[code] = code, side
        return tuple(told)


def _with_note(scan: Scan) -> tuple[Scan, tuple[str, ...]]:
    """What an outcome says in words of its own is a note: kept, and no rule reads it."""
    known, other = split_outcome(scan.outcome) if scan.act in CLOSED else (scan.outcome, None)
    if other is None:
        return replace(scan, outcome=known), ()
    note = "; ".join(filter(None, (other, scan.note)))
    told = f"{other!r} is none of an outcome's words: kept as a note, and no duty rests on it"
    return replace(scan, outcome=known, note=note), (told,)


def _last_of_set(tx: Connection, unit: int, set_name: str) -> tuple[str | None, tuple[str, ...]]:
    """The last package of a set, whose instruments carry no label; of two in use, both.

    Only those count that the unit has to do with.
    """
    newest = packages.list_newest_of_set(tx, set_name, limit=_LOOKED_AT)
    rows = [row for row in newest if concerns(row, unit)]
    if not rows:
        return None, ()
    out = [row for row in rows if row.stage.value in _OUT] or rows[:1]
    if len(out) > 1:
        return None, tuple(row.name for row in out)
    return out[0].name, ()


#: so many of a set's newest packages are looked at
_LOOKED_AT = 20
#: States of a package whose instruments may come back.
_OUT = frozenset({"opened", "used", "not_used", "offered", "carried", "soiled", "washed"})

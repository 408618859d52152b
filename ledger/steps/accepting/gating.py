"""What a record keeps of the gates: asked when it is drafted, and once more when it is accepted.

Between the two a package may have been sent under another slip, or ordered back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.dispatch import ACT as DISPATCH
from ledger.domain.acts.scan_report import ACT as SCAN_REPORT
from ledger.domain.acts.scan_report import PREVENTABLE
from ledger.domain.acts.vocabulary import Act, Facts
from ledger.domain.acts.words import Purpose
from ledger.domain.custody.gates import Gate, is_no
from ledger.domain.custody.lines import Deed, rows_of, text_or_none
from ledger.domain.custody.travelling import name_of
from ledger.domain.errors import Conflict
from ledger.steps.answering.packages import Question, ask_all, in_words
from ledger.steps.instance import Instance
from ledger.storage import directory, packages

#: Which gate is asked of a deed.
GATES: Mapping[str, Gate] = {
    Deed.ISSUED: Gate.ISSUE,
    Deed.OPENED: Gate.USE,
    Deed.USED: Gate.USE,
}
_SENT = frozenset({Purpose.CLEAN, Purpose.LOAN})


def against(  # noqa: PLR0913 - whose lines, of what act
    instance: Instance,
    tx: Connection,
    act: Act,
    lines: Iterable[tuple[int, Mapping[str, Any]]],
    *,
    purpose: Purpose | None,
    unit: int,
) -> dict[int, str]:
    """What the gates have against the lines of an act, by their numbers, as a record keeps it."""
    asked = {
        number: question
        for number, line in lines
        if (question := _question(act, line, purpose)) is not None
    }
    told = ask_all(instance, tx, list(asked.values()), unit=unit) if asked else []
    said = {number: in_words(each) for number, each in zip(asked, told, strict=True)}
    return {number: words for number, words in said.items() if words is not None}


def _question(act: Act, line: Mapping[str, Any], purpose: Purpose | None) -> Question | None:
    """What is asked of a line, as it is drafted or as its record has it; None for nothing."""
    if act is DISPATCH:
        name = name_of(line) if purpose in _SENT else None
        return None if name is None else Question(gate=Gate.DISPATCH, said=name)
    gate, said = GATES.get(line["act"]), line.get("package") or line.get("code")
    if act is not SCAN_REPORT or gate is None or said is None:
        return None
    happened = line.get("happened")
    if isinstance(happened, str):
        happened = datetime.fromisoformat(happened)
    at = None if happened is None else int(happened.timestamp())
    return Question(gate=gate, said=str(said), code=line.get("code"), at=at)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what gates are asked at acceptance, since what the lines say can be left undone."""

    act: Act
    facts: Facts
    #: by number
    lines: Sequence[tuple[int, Mapping[str, Any]]]

    @classmethod
    def in_record(cls, act: Act, facts: Facts) -> Asked:
        """The lines of a record, which are taken apart once."""
        if act is DISPATCH:
            return cls(act, facts, list(rows_of(facts)))
        told = rows_of(facts) if act is SCAN_REPORT else ()
        return cls(act, facts, [(n, line) for n, line in told if line["act"] in PREVENTABLE])


def subjects_asked(tx: Connection, asked: Asked) -> set[bytes]:
    """What nobody may change while the gates are asked: the packages' cycles and their machines.

    An order to recall, a decision and a result change one of them, so whoever sends a package is
    before all of that or hears of it.  Empty on SQLite, whose transactions keep everybody out.
    """
    named = [name_of(e) if asked.act is DISPATCH else e["package"] for _, e in asked.lines]
    return cycles_of(tx, {str(name) for name in named if name is not None})


def cycles_of(tx: Connection, names: Iterable[str]) -> set[bytes]:
    """The cycles of some packages, and their machines; empty on SQLite."""
    if tx.dialect.name == "sqlite":
        return set()
    cycles = {row.cycle for row in packages.list_packages_named(tx, names)} - {None}
    found = [directory.find_cycle(tx, cycle) for cycle in cycles if cycle is not None]
    return {part for row in found if row is not None for part in (row.id, bytes(row.equipment))}


def require_still_open(instance: Instance, tx: Connection, asked: Asked, *, unit: int) -> None:
    """Raise Conflict where a gate has come to say no since, and nobody gave a reason for that."""
    if not asked.lines:
        return
    act, facts = asked.act, asked.facts
    reasons = {number: facts["reason"] or line.get("reason") for number, line in asked.lines}
    purpose = Purpose[str(facts["purpose"]).upper()] if act is DISPATCH else None
    told = against(instance, tx, act, asked.lines, purpose=purpose, unit=unit)
    kept = {number: text_or_none(line.get("against")) for number, line in asked.lines}
    for number, words in told.items():
        if is_no(words) and not is_no(kept[number]) and reasons[number] is None:
            raise Conflict(
                f"the gate says by now {words}",
                field=f"lines.{number}",
                rule="what is done all the same has a reason, which is kept",
                remedy="prepare it again: leave the package out, or state the reason",
            )

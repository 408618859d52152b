"""What a scanner or a person says → the package that is meant; never a guess.

A code that fits two packages is a question back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.domain.custody.codes import TROUBLES, Shot, is_basket, read_shot
from ledger.domain.custody.lines import NAME_RULE, WIDE, find_package_name, parse_package
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.names import plain_name
from ledger.storage import packages

Numbering = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What one shot or name means."""

    #: as it was delivered or typed
    said: str
    #: `UNIT/SERIAL`; None where it is unknown or a question
    package: str | None
    #: the code that was read; None where somebody named the package
    code: str | None = None
    #: whether that label was voided by a reprint
    is_voided: bool = False
    #: what is wrong with the shot, in words
    troubles: tuple[str, ...] = ()
    #: the packages between which nobody can choose but a person
    candidates: tuple[str, ...] = ()
    #: ISO 8601, where the code says it
    expires: str | None = None

    def require(self, *, field: str = "package") -> str:
        """The package; raises InvalidInput where it is a question, NotFound where it is unknown."""
        if self.candidates:
            raise InvalidInput(
                f"{self.said[:60]!r} fits {' and '.join(self.candidates)}",
                field=field,
                rule="one package",
                remedy="look at the label, and name the package",
            )
        if not self.said.strip():
            raise InvalidInput(
                "is empty",
                field=field,
                rule="a package's name, UNIT/SERIAL, or a code that is on it",
                remedy="scan again, or name it",
            )
        if is_basket(self.code):
            raise InvalidInput(
                f"{self.code} is a basket",
                field=field,
                rule="one package",
                remedy=f"see what lies in it: steriledger basket show {self.code}",
            )
        if self.package is None:
            told = "; ".join(self.troubles)
            raise NotFound(
                f"{self.said[:60]!r} is on no package that is known here",
                field=field,
                rule=told or NAME_RULE,
                remedy="scan again, or name it as UNIT/SERIAL",
            )
        return self.package


def meant(tx: Connection, said: Sequence[str], *, unit_number: Numbering) -> list[Meant]:
    """What each of several shots or names means, in their order."""
    named = [find_package_name(each) or _by_unit_code(each, unit_number) for each in said]
    shots = [
        None if name is not None else read_shot(each)
        for name, each in zip(named, said, strict=True)
    ]
    wanted = {shot.code for shot in shots if shot is not None and shot.code is not None}
    known = packages.list_codes_of(tx, wanted) if wanted else {}
    return [
        Meant(said=each, package=name) if shot is None else _by_code(shot, known)
        for each, name, shot in zip(said, named, shots, strict=True)
    ]


def _by_unit_code(said: str, unit_number: Numbering) -> str | None:
    """`CENTRE/Q02` → `1/Q02`; None for what is no such name."""
    head, separator, serial = said.strip().translate(WIDE).partition("/")
    if not separator or not head or head.startswith("]"):
        return None
    try:
        return parse_package(f"{unit_number(plain_name(head))}/{serial.strip()}")
    except (InvalidInput, NotFound):
        return None


def _by_code(shot: Shot, known: dict[str, list[packages.CodeRow]]) -> Meant:
    rows = known.get(shot.code or "", [])
    standing = [row for row in rows if not row.voided]
    troubles = tuple(TROUBLES[each] for each in shot.troubles)
    own = set() if shot.package is None else {shot.package}
    found = sorted({row.package for row in standing or rows} | own)
    return Meant(
        said=shot.raw,
        package=found[0] if len(found) == 1 else None,
        code=shot.code,
        is_voided=bool(rows) and not standing,
        troubles=troubles,
        candidates=tuple(found) if len(found) > 1 else (),
        expires=shot.expires,
    )


def resolve_package(tx: Connection, said: str, *, unit_number: Numbering) -> str:
    """The package that a name or a code means; raises InvalidInput or NotFound."""
    (found,) = meant(tx, [said], unit_number=unit_number)
    return found.require()


def resolve_set(said: str, unit: int | None, *, unit_number: Numbering) -> str:
    """A set as `UNIT/NAME`; without a unit it is the asker's own.  Raises InvalidInput."""
    head, separator, name = plain_name(said).partition("/")
    if not separator:
        head, name = "" if unit is None else str(unit), head
    if not head or not name or "/" in name:
        raise InvalidInput(
            f"{said[:60]!r} names no set", field="set", rule="UNIT/NAME, or NAME of one of your own"
        )
    number = int(head) if head.isascii() and head.isdigit() and len(head) <= 10 else None  # noqa: PLR2004
    return f"{unit_number(head) if number is None else number}/{name}"

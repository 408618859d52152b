"""What a list of packages names, line by line, and how each line is known.

A line names one thing: a package by the unit that assembled it and that unit's own text; a set,
where soiled instruments carry no label; so many of a class, where a unit only counts; or a whole
basket.  A basket beside another name says where the thing lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ledger.domain.acts.vocabulary import (
    Facts,
    Field,
    Named,
    OneOf,
    Sort,
    Whole,
    Words,
    optional_field,
)
from ledger.domain.custody.lines import BASES, rows_of
from ledger.domain.errors import InvalidInput

#: The most of one line, and of one list; the contracts count in 16 bits.
MOST = 65_535

#: The columns that name something; who adds columns of their own puts these first or last.
NAMING: Mapping[str, Sort] = {
    "assembler": Named("unit"),
    "package": Words(60),
    "quantity": Whole(1, MOST, None),
    "set": Words(60),
    "basket": Words(60),
    "package_class": Whole(1, MOST, None),
    "cycle": Words(80),
    "basis": OneOf(BASES),
}
#: The columns that a line may lack in the record.
OPTIONAL = frozenset({"assembler", "package", "set", "basket", "package_class", "cycle"})
#: The columns that people may leave out, since they follow.
FOLLOWS = frozenset({"quantity", "basis"})
#: As the command line spells the naming columns.
SPELLING = "ASSEMBLER:PACKAGE[:QUANTITY[:SET[:BASKET[:CLASS[:CYCLE[:BASIS]]]]]]"


def basis_field() -> Field:
    """How the lines are known that do not say it themselves."""
    return optional_field(
        "basis", OneOf(BASES), "how the lines are known that do not say it themselves", path=""
    )


def completed(lines: Sequence[Mapping[str, Any]], basis: str | None) -> list[dict[str, Any]]:
    """The lines with what follows: one of each, known as the whole list is."""
    return [
        {**line, "quantity": line.get("quantity") or 1, "basis": line.get("basis") or basis}
        for line in lines
    ]


def identity(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a line names, wherever that lies, to find it in another list."""
    for names in (("package", "assembler"), ("set",), ("package_class", "cycle"), ("basket",)):
        if line.get(names[0]) is not None:
            return (names[0], *(line.get(name) for name in names))
    return ()


def rest_of(
    sent: Iterable[Mapping[str, Any]], named: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What was sent and no line names, in the order in which it was sent."""
    left: Counter[tuple[Any, ...]] = Counter()
    for line in named:
        if line.get("outcome") != "extra":
            left[identity(line)] += line.get("quantity") or 1
    rest = []
    for line in sent:
        taken = min(left[identity(line)], int(line["quantity"]))
        left[identity(line)] -= taken
        if taken < int(line["quantity"]):
            rest.append({**line, "quantity": int(line["quantity"]) - taken})
    return rest


def lines_in(facts: Facts) -> Iterator[dict[str, Any]]:
    """The lines that a record holds, or as many as are shown of it, in order."""
    return (dict(line) for _, line in rows_of(facts))


def total(lines: Sequence[Mapping[str, Any]]) -> int:
    """How many packages the lines are; raises InvalidInput beyond what a contract counts."""
    count = sum(int(line["quantity"]) for line in lines)
    if count > MOST:
        raise InvalidInput(f"are {count} packages", field="lines", rule=f"at most {MOST}")
    return count


def require_named(facts: Facts, known_unit: Callable[[int, str], object]) -> None:
    """Every line names exactly one thing, no two the same package; raises InvalidInput.

    `known_unit` raises for a unit that was never admitted, naming the field.
    """
    seen: set[tuple[Any, ...]] = set()
    for index, line in enumerate(lines_in(facts)):
        at = f"lines.{index}"
        named = [name for name in ("package", "set", "package_class") if line.get(name)]
        named = named or [name for name in ("basket",) if line.get(name)]
        if len(named) != 1:
            raise InvalidInput(
                f"names {' and '.join(named).replace('_', ' ') or 'nothing'}",
                field=at,
                rule="a line names a package, a set, so many of a class, or a whole basket",
            )
        if (line.get("assembler") is not None) is not (named == ["package"]):
            raise InvalidInput(
                "names a package without the unit that assembled it"
                if named == ["package"]
                else f"names a {named[0].replace('_', ' ')} and who assembled it",
                field=f"{at}.assembler",
                rule="a package is named by the unit that assembled it and that unit's own text",
            )
        if named == ["package"]:
            known_unit(int(line["assembler"]), f"{at}.assembler")
            if line["quantity"] != 1:
                raise InvalidInput(
                    f"counts {line['quantity']} of one package",
                    field=f"{at}.quantity",
                    rule="a package is one",
                )
            if identity(line) in seen:
                raise InvalidInput(
                    f"names the package {line['package']} twice",
                    field=f"{at}.package",
                    rule="a list names a package once",
                )
            seen.add(identity(line))

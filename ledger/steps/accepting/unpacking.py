"""A basket's code in place of packages → the packages that lie in it, before a record is made.

How each is known is then *inferred*: somebody saw the basket, and nobody what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from ledger.domain.custody.codes import read_shot
from ledger.domain.custody.lines import INFERRED
from ledger.domain.errors import InvalidInput
from ledger.steps.answering.baskets import lying_in
from ledger.storage.packages import PackageRow

#: what else a line of a list may name
_OTHERS = ("package", "set", "package_class")


def unpacked(tx: Connection, act: str, lines: Any, unit: int | None) -> Any:  # noqa: ANN401 - as people say them
    """The lines of an act as people say them, with packages in place of baskets.

    Raises InvalidInput where nothing is known to lie in one.
    """
    expand = _EXPANDED.get(act)
    if expand is None or not isinstance(lines, Sequence) or isinstance(lines, str):
        return lines
    return [each for at, line in enumerate(lines) for each in expand(tx, line, unit, f"lines.{at}")]


def unpacked_by_list(
    tx: Connection,
    lines: Sequence[Mapping[str, Any]],
    sent: Sequence[Mapping[str, Any]],
    unit: int | None,
) -> list[Mapping[str, Any]]:
    """What a receiver says of a basket, said of what the giver's list has in it.

    Where the list has nothing in it, of what is known to lie in it.
    """
    found: list[Mapping[str, Any]] = []
    for at, line in enumerate(lines):
        code = _basket_of(line)
        listed = [each for each in sent if each.get("basket") == code and each.get("package")]
        if code is None:
            found.append(line)
        elif listed:
            found += [
                {**line, **{name: each.get(name) for name in ("assembler", "package")}, **_KNOWN}
                for each in listed
            ]
        else:
            found += [
                {**line, **_named(row), **_KNOWN}
                for row in _rows(tx, code, unit, f"lines.{at}.basket")
            ]
    return found


_KNOWN = {"basis": INFERRED, "quantity": 1}


def _named(row: PackageRow) -> dict[str, Any]:
    unit, _, serial = row.name.partition("/")
    return {"assembler": int(unit), "package": serial}


def _basket_of(line: Mapping[str, Any]) -> str | None:
    """The basket that a line names alone; one of a scheme that is not ours stays a name."""
    said = line.get("basket")
    if not isinstance(said, str) or any(line.get(name) for name in _OTHERS):
        return None
    return read_shot(said).basket


def _rows(tx: Connection, code: str, unit: int | None, field: str) -> list[PackageRow]:
    rows = lying_in(tx, code, unit)
    if not rows:
        raise InvalidInput(
            f"nothing is known to lie in {code}",
            field=field,
            rule="a basket stands for the packages that were put in",
            remedy="name what lies in it, or report it first: steriledger scan put_in",
        )
    return rows


def _of_list(
    tx: Connection,
    line: object,
    unit: int | None,
    field: str,
) -> Iterable[Any]:
    code = _basket_of(line) if isinstance(line, Mapping) else None
    if code is None or not isinstance(line, Mapping):
        return [line]
    rows = _rows(tx, code, unit, f"{field}.basket")
    packed = ({**_named(row), "basket": code, "basis": INFERRED} for row in rows)
    return [{**line, **each, "assembler": str(each["assembler"])} for each in packed]


def _of_load(
    tx: Connection,
    line: object,
    unit: int | None,
    field: str,
) -> Iterator[Any]:
    said = line.get("package") if isinstance(line, Mapping) else None
    code = read_shot(said).basket if isinstance(said, str) else None
    if code is None or not isinstance(line, Mapping):
        yield line
        return
    rows = _rows(tx, code, unit, f"{field}.package")
    if str(line.get("quantity", 1)) not in {"1", str(len(rows))}:
        raise InvalidInput(
            f"counts {line['quantity']}, and {len(rows)} lie in {code}",
            field=f"{field}.quantity",
            rule="a basket is as many as lie in it",
        )
    for row in rows:
        yield {**line, "package": row.name, "quantity": 1}


_EXPANDED = {"Dispatch": _of_list, "LoadDeclaration": _of_load}

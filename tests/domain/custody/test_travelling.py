"""What a receipt says of what was sent: named, counted, or not there."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.custody.lines import Deed, PackageLine
from ledger.domain.custody.travelling import taken_lines
from tests.domain.custody.lines_of import BOX, Told

COLUMNS = ("package", "assembler", "set", "basket", "package_class", "quantity", "reason")


def taken(*lines: dict[str, Any], deed: Deed = Deed.RECEIVED) -> list[PackageLine]:
    facts: dict[str, Any] = {}
    for at, line in enumerate(lines):
        row = {**dict.fromkeys(COLUMNS), "outcome": "accepted", "basis": "counted", **line}
        facts |= {f"lines.{at}.{name}": value for name, value in row.items()}
    sent = [Told().sent()]
    return list(taken_lines(facts, sent, consignment=BOX, deed=deed, step=2))


@pytest.mark.parametrize(
    "line", [{"package_class": 1, "quantity": 20}, {"set": "1/HIP"}, {"basket": "B7"}]
)
def test_who_counts_says_of_no_package_that_it_was_not_there(line: dict[str, Any]) -> None:
    (row,) = taken(line)
    assert (row.deed, row.basis, row.outcome) == (Deed.RECEIVED, "inferred", "counted only")


@pytest.mark.parametrize("lines", [(), ({"package": "Q99", "assembler": 1},)])
def test_what_a_list_of_packages_does_not_name_was_not_there(lines: tuple[Any, ...]) -> None:
    assert [(row.deed, row.outcome) for row in taken(*lines)][-1] == (Deed.SHORT, "missing")

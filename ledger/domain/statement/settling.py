"""Balances → who pays whom; and amounts by their age."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.domain.statement.agreement import Rule
from ledger.domain.statement.periods import Period

#: How old an amount may be, in months, before it counts as older.
YOUNG = 4


@dataclass(frozen=True, slots=True)
class Transfer:
    """One unit pays another."""

    payer: int
    payee: int
    #: > 0
    amount: int


def settle(
    rule: Rule,
    lead: int,
    pairs: Mapping[tuple[int, int], int],
    net: Mapping[int, int],
) -> list[Transfer]:
    """What would bring every balance to zero, by the rule of the terms.

    `pairs` is what the second unit of each pair owes the first, `net` what each unit is owed in
    all; amounts that are disputed are in neither.  Netting takes at most n - 1 payments.
    """
    if rule is Rule.NONE:
        return _separately(pairs)
    if rule is Rule.LEAD:
        others = {unit: amount for unit, amount in sorted(net.items()) if unit != lead and amount}
        return [
            Transfer(unit, lead, -amount) if amount < 0 else Transfer(lead, unit, amount)
            for unit, amount in others.items()
        ]
    return _netting(net)


def _separately(pairs: Mapping[tuple[int, int], int]) -> list[Transfer]:
    owed: dict[tuple[int, int], int] = {}
    for (creditor, debtor), amount in pairs.items():
        low, high = sorted((creditor, debtor))
        owed[low, high] = owed.get((low, high), 0) + (amount if creditor == low else -amount)
    return [
        Transfer(high, low, amount) if amount > 0 else Transfer(low, high, -amount)
        for (low, high), amount in sorted(owed.items())
        if amount
    ]


def _netting(net: Mapping[int, int]) -> list[Transfer]:
    """The largest debtor pays the largest creditor; of equal ones, the lower number first."""
    left = {unit: amount for unit, amount in net.items() if amount}
    found: list[Transfer] = []
    while left:
        debtor = min(left, key=lambda unit: (left[unit], unit))
        creditor = min(left, key=lambda unit: (-left[unit], unit))
        amount = min(-left[debtor], left[creditor])
        found.append(Transfer(debtor, creditor, amount))
        for unit, change in ((debtor, amount), (creditor, -amount)):
            left[unit] += change
            if not left[unit]:
                del left[unit]
    return found


# ---------------------------------------------------------------- age


@dataclass(slots=True)
class Ageing:
    """A balance by the months in which it arose; what has the other sign takes the oldest first."""

    _open: deque[list[int]] = field(default_factory=deque)

    def add(self, period: Period, amount: int) -> None:
        """An amount arose: owed to the unit when positive, by it when negative."""
        month = period.year * 12 + period.month
        while amount and self._open and (self._open[0][1] > 0) != (amount > 0):
            taken = min(abs(amount), abs(self._open[0][1])) * (1 if amount > 0 else -1)
            amount -= taken
            self._open[0][1] += taken
            if not self._open[0][1]:
                self._open.popleft()
        if not amount:
            return
        if self._open and self._open[-1][0] == month:
            self._open[-1][1] += amount
        else:
            self._open.append([month, amount])

    @property
    def balance(self) -> int:
        """All of it."""
        return sum(amount for _, amount in self._open)

    def buckets(self, period: Period) -> list[int]:
        """Of this month, of the month before, and so on; the last holds all that is older."""
        now, found = period.year * 12 + period.month, [0] * (YOUNG + 1)
        for month, amount in self._open:
            found[min(now - month, YOUNG)] += amount
        return found

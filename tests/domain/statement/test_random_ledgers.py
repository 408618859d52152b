"""Random ledgers: nothing is lost, and a slow model agrees; ten thousand of them in `make soak`."""

from __future__ import annotations

import os
from collections import Counter
from random import Random
from typing import Any

import pytest

from ledger.domain.statement.agreement import Rule
from ledger.domain.statement.books import Books
from ledger.domain.statement.lines import Key
from ledger.domain.statement.month import Disputed, Month
from ledger.domain.statement.periods import Period
from ledger.domain.statement.settling import Ageing, settle
from tests.domain.statement.random_ledgers import FIRST, MONTHS, UNITS, Slow, random_chain

CHUNK = 250
CHUNKS = int(os.environ.get("STERILEDGER_LEDGER_CHUNKS", "4"))
#: the slow model looks at every tenth
EVERY = 10


def months_of(seed: int) -> tuple[Books, list[Month]]:
    chain, terms = random_chain(seed)
    books = chain.books(*terms)
    return books, [books.close_until(Period(2026, 1).plus(n)) for n in range(MONTHS * 2)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_in_a_random_ledger(chunk: int) -> None:
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        _, months = months_of(seed)
        balances = dict.fromkeys(UNITS, 0)
        for month in months:
            require_closed(month, balances)
            balances = {each.unit: each.balance for each in month.units}
        if seed % EVERY == 0:
            require_slow(seed, months)


def test_what_is_disputed_or_given_back_is_never_more_than_was_charged() -> None:
    seen = Counter[str]()
    for seed in range(CHUNK):
        chain, terms = random_chain(seed, with_disputes=True)
        books, balances = chain.books(*terms), dict.fromkeys(UNITS, 0)
        charged = Counter[Key]()
        for n in range(MONTHS * 2):
            month = books.close_until(Period(2026, 1).plus(n))
            require_closed(month, balances)
            balances = {each.unit: each.balance for each in month.units}
            for line in month.lines:
                charged[line.key] += 0 if line.is_internal else line.amount
            require_bounded(month, charged)
            seen.update(each.why for each in month.disputes)
        seen["given back"] += require_given_in_bounds(books, charged)
        seen["beyond"] += sum(each.beyond for each in books.claims.resolutions.values())
    assert set(seen) == {*Disputed, "given back", "beyond"}
    assert all(seen.values())


def require_bounded(month: Month, charged: Counter[Key]) -> None:
    """What is disputed between two units is within what their lines come to by now."""
    assert sum(each.disputed for each in month.units) == 0
    held = Counter[Any]()
    for each in month.disputes:
        held[each.provider, each.consumer] += each.amount
    for pair, amount in held.items():
        lines = [charge for key, charge in charged.items() if key[1:3] == pair]
        assert sum(min(each, 0) for each in lines) <= amount <= sum(max(each, 0) for each in lines)


def require_given_in_bounds(books: Books, charged: Counter[Key]) -> int:
    """What consumers are given back is at most what the lines come to that they contested."""
    given, keys = 0, set[Key]()
    for each in books.claims.resolutions.values():
        answer = books.claims.answer_named(each.answer)
        assert answer is not None
        assert 0 <= each.beyond <= each.used <= each.amount
        month = books.months.get(each.period)
        own = [] if month is None else month.lines_of(each.contested_by)
        contested = [own[n - 1].key for n in answer.lines if n <= len(own)]
        if not any({each.unit, each.contested_by} == {*k[1:3]} for k in contested):
            continue
        if not any(k[1:3] == (each.contested_by, each.unit) for k in contested):
            given += each.used - each.beyond
            keys.update(contested)
    assert given <= sum(max(charged[key], 0) for key in keys)
    return given


def require_closed(month: Month, before: dict[int, int]) -> None:
    """Sums to zero, buckets to the balance, and opening and movements to the closing."""
    assert sum(each.credits - each.debits for each in month.units) == 0
    assert sum(each.balance for each in month.units) == 0
    for each in month.units:
        assert sum(each.ageing) == each.balance
        moved = each.credits - each.debits + each.paid - each.received
        assert each.brought_forward + moved == each.balance
        assert each.brought_forward == before[each.unit]
        between = [a if each.unit == p[0] else -a for p, a in month.pairs.items() if each.unit in p]
        assert sum(between) == each.balance


def require_slow(seed: int, months: list[Month]) -> None:
    chain, terms = random_chain(seed)
    for place, month in enumerate(months[:MONTHS]):
        slow = Slow(chain, terms, FIRST + place)
        assert {u.unit: u.balance for u in month.units} == {u: slow.net[u] for u in UNITS}, seed


@pytest.mark.parametrize("rule", Rule)
def test_what_is_settled_brings_every_balance_to_zero(rule: Rule) -> None:
    random = Random(7)
    for _ in range(500):
        units = range(1, random.randrange(3, 12))
        pairs = {
            (low, high): random.randrange(-50, 50) for low in units for high in units if low < high
        }
        net = dict.fromkeys(units, 0)
        for (low, high), amount in pairs.items():
            net[low] += amount
            net[high] -= amount
        payments = settle(rule, 1, pairs, net)
        assert all(each.amount > 0 for each in payments)
        for each in payments:
            net[each.payer] += each.amount
            net[each.payee] -= each.amount
        assert not any(net.values())
        if rule is not Rule.NONE:
            assert len(payments) <= len(units) - 1


def test_equal_balances_are_netted_by_unit_number() -> None:
    net = {1: 50, 2: 50, 3: -50, 4: -50}
    pairs = [(each.payer, each.payee) for each in settle(Rule.NETTING, 0, {}, net)]
    assert pairs == [(3, 1), (4, 2)]


def test_an_amount_of_the_other_sign_takes_the_oldest_first() -> None:
    ageing, january = Ageing(), Period(2026, 1)
    for months, amount in ((0, 100), (1, 50), (2, -120), (7, -10)):
        ageing.add(january.plus(months), amount)
    assert ageing.buckets(january.plus(7)) == [0, 0, 0, 0, 20]
    assert ageing.balance == 20

"""A month → the account: one plain object, whose canonical bytes everybody computes alike.

All forms are rendered from it and compute nothing.  Amounts are whole smallest units; what a unit
is owed is positive, what it owes negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from ledger.domain.encoding.canonical import Plain, canonical
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import seconds_text
from ledger.domain.statement.agreement import Agreement, Group, rounded
from ledger.domain.statement.books import Books
from ledger.domain.statement.lines import Line, What
from ledger.domain.statement.month import Month, UnitMonth
from ledger.domain.statement.periods import Period
from ledger.domain.statement.settling import Transfer, settle

FORMAT = "steriledger-account/1"
#: How many months a trend shows.
TREND = 12
_HUNDREDTHS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """The first final block at or after the end of a month."""

    block: int
    #: 32 bytes
    hash: bytes
    #: Unix seconds
    time: int


def account_of(
    books: Books, period: Period, closing: Closing, *, deployment: bytes
) -> dict[str, Any]:
    """The group's account of a month that the books have closed.

    `deployment` is the deployment's fingerprint.  Raises NotFound where no terms hold.
    """
    month = books.months[period]
    terms = books.terms_of(period)
    return {
        "format": FORMAT,
        "deployment": to_hex(deployment),
        "period": str(period),
        "closing": {
            "block": closing.block,
            "hash": to_hex(closing.hash),
            "time": seconds_text(closing.time),
        },
        "terms": _terms(books, terms),
        "events": month.events,
        "units": [_unit(books, month, each, terms) for each in month.units],
        "lines": [_line(line, month) for line in month.lines],
        "fees": plain(month.fees),
        "settlement": _settlement(month, terms),
        "payments": {"confirmed": plain(month.confirmed), "not_confirmed": plain(month.waiting)},
        "contests": plain(month.contests),
        "refusals": plain(month.refusals),
        "disputes": plain(month.disputes),
        "left_out": plain(month.left_out),
        "publications": {
            "first": plain(list(month.publications.values())),
            "further": plain(month.further),
        },
    }


def plain(value: Any) -> Any:  # noqa: ANN401 - of any sort that stands in a month
    """As JSON holds it: bytes as hexadecimal digits, months and words as text."""
    if isinstance(value, Period):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return to_hex(value) if isinstance(value, bytes) else value


def account_bytes(account: Mapping[str, Plain]) -> bytes:
    """The canonical bytes (RFC 8785), whose SHA-256 a publication names."""
    return canonical(account)


# ---------------------------------------------------------------- parts


def _terms(books: Books, terms: Agreement) -> dict[str, Any]:
    return {
        "currency": terms.currency,
        "smallest_unit": terms.smallest,
        "smallest_in_one": terms.smallest_in_one,
        "offset_seconds": terms.offset,
        "rule": terms.rule.value,
        "weights": {group.value: weight for group, weight in terms.weights.items()},
        "versions": [
            {
                "version": number,
                "document": each.document.hex(),
                "valid_from": seconds_text(each.valid_from),
            }
            for number, each in enumerate(books.versions.published, start=1)
        ],
        "packages": [
            {"class": number, "name": dict(names)}
            for number, names in sorted(terms.package_names.items())
        ],
        "catalogue": [
            {
                "kind": each.number,
                "group": each.group.value,
                "unit": each.unit,
                "name": dict(each.names),
            }
            for _, each in sorted(terms.catalogue.items())
        ],
    }


def _line(line: Line, month: Month) -> dict[str, Any]:
    key, price = line.key, line.price
    original = month.publications.get(key.of) if key.of < month.period else None
    return {
        "of": str(key.of),
        "provider": key.provider,
        "consumer": key.consumer,
        "group": key.group.value,
        "what": key.what.value,
        "kind": key.kind,
        "class": key.service_class,
        "owner": key.owner,
        "version": key.version,
        "quantity": line.quantity,
        "done": line.done,
        "recalled": line.recalled,
        "price": None
        if price is None
        else {"internal": price.internal, "market": price.market, "per": price.per},
        "amount": 0 if line.is_internal else line.amount,
        "market": line.market,
        "worth": line.worth,
        "is_priced": price is not None or line.key.what is not What.QUANTITY,
        "is_adjustment": key.of < month.period,
        "original": None if original is None else to_hex(original.digest),
        "events": line.events,
        "trace": line.trace.hex(),
    }


def _unit(books: Books, month: Month, unit: UnitMonth, terms: Agreement) -> dict[str, Any]:
    places = enumerate(month.lines)
    own = [place for place, line in places if unit.unit in (line.key.provider, line.key.consumer)]
    return {
        **plain(unit),
        # places in `lines`, from 0; a unit's own line number is its place in here, from 1
        "lines": own,
        "contribution_value": contribution_value(unit.contributed, terms),
        "trend": _trend(books, month.period, unit.unit),
    }


def contribution_value(worth: Mapping[Group, int], terms: Agreement) -> int:
    """The published formula: what was done for others, weighed by group, rounded half-even once."""
    weighed = sum(amount * terms.weights.get(group, 0) for group, amount in worth.items())
    return rounded(weighed, _HUNDREDTHS)


def _trend(books: Books, period: Period, unit: int) -> list[dict[str, Any]]:
    found = []
    for back in range(1 - TREND, 1):
        month = books.months.get(period.plus(back))
        own = [each for each in (month.units if month else ()) if each.unit == unit]
        if own:
            found.append(
                {
                    "period": str(period.plus(back)),
                    "contributed": sum(own[0].contributed.values()),
                    "used": own[0].used,
                    "net": own[0].net,
                }
            )
    return found


def _settlement(month: Month, terms: Agreement) -> dict[str, Any]:
    pairs = dict(month.pairs)
    for pair, amount in month.disputed_pairs.items():
        pairs[pair] = pairs.get(pair, 0) - amount
    net = {each.unit: each.balance - each.disputed for each in month.units}
    found: Sequence[Transfer] = settle(terms.rule, terms.lead, pairs, net)
    return {
        "rule": terms.rule.value,
        "lead": terms.lead or None,
        "payments": plain(found),
        "between": [
            {
                "unit": low,
                "other": high,
                "balance": amount,
                "disputed": month.disputed_pairs.get((low, high), 0),
            }
            for (low, high), amount in sorted(month.pairs.items())
        ],
    }

"""A terms document → what of it an account needs: its `prices`, and from when it holds.

`prices` has the price lists, and in it the catalogue, the formula and the rule of settlement.  The
other members of the document are deadlines and thresholds of duties, which nothing here reads.
Amounts are whole numbers of the currency's smallest unit.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ledger.domain.encoding.canonical import MAX_INTEGER
from ledger.domain.errors import InvalidInput, NotFound

UINT16, UINT32 = 2**16 - 1, 2**32 - 1
_MOST_BASIS_POINTS = 10_000
_MOST_MINUTES = 14 * 60


class Group(StrEnum):
    """The sorts of contribution that the formula weighs."""

    STERILISATION = "sterilisation"
    TRANSPORT = "transport"
    EQUIPMENT = "equipment"
    ROOMS = "rooms"
    STAFF = "staff"
    TRAINING = "training"
    LIBRARY = "library"
    OTHER = "other"
    #: what a resolution gives back; no contribution
    RESOLUTION = "resolution"

    # an enumeration's own is written in Python, and is asked for with every line
    __hash__ = str.__hash__


class Rule(StrEnum):
    """How balances are settled."""

    #: units keep separate books: each pays each
    NONE = "none"
    #: everybody settles with the lead hospital
    LEAD = "lead"
    #: the largest debtor pays the largest creditor, until none is left
    NETTING = "netting"


def rounded(numerator: int, denominator: int) -> int:
    """The quotient as a whole number; a half goes to the even one.  `denominator` > 0."""
    quotient, rest = divmod(numerator, denominator)
    above = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
    return quotient + above


@dataclass(frozen=True, slots=True)
class Price:
    """What a quantity costs inside the group, and on the market."""

    #: smallest currency units for `per` units of quantity
    internal: int
    #: the same on the market; None: no reference
    market: int | None = None
    per: int = 1

    def of(self, quantity: int) -> int:
        """What a quantity costs, rounded half-even once."""
        return rounded(quantity * self.internal, self.per)

    def market_of(self, quantity: int) -> int | None:
        """The same at the market reference."""
        return None if self.market is None else rounded(quantity * self.market, self.per)


@dataclass(frozen=True, slots=True)
class PerTrip:
    """A carrier that is paid by the trip."""

    amount: int


@dataclass(frozen=True, slots=True)
class YearlyFee:
    """A carrier that is paid a fixed fee, a twelfth a month over the month's charged trips."""

    amount: int
    #: the most that one trip costs
    cap: int
    #: the unit that holds the contract, and bears what the trips leave
    holder: int


@dataclass(frozen=True, slots=True)
class CatalogueKind:
    """A kind of service."""

    number: int
    group: Group
    #: of quantities: minute, use, hour
    unit: str
    #: by language
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sharing:
    """When a shared thing is shared too little."""

    #: basis points of its use that others should have
    least: int = 3000
    #: quarters in a row below that
    yellow_after: int = 2
    red_after: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One version of the terms, as far as an account reads it."""

    #: SHA-256 of the document's bytes
    document: bytes
    #: from when it holds, unless its block is later; Unix seconds
    valid_from: int
    currency: str
    #: of the smallest unit, such as fen
    smallest: str
    #: smallest units in one of the currency
    smallest_in_one: int
    #: seconds east of UTC
    offset: int
    packages: Mapping[int, Price]
    package_names: Mapping[int, Mapping[str, str]]
    #: by kind and class
    services: Mapping[tuple[int, int], Price]
    carriers: Mapping[int, PerTrip | YearlyFee]
    #: basis points by group
    tax: Mapping[Group, int]
    are_recalls_credited: bool
    catalogue: Mapping[int, CatalogueKind]
    #: hundredths by group
    weights: Mapping[Group, int]
    rule: Rule
    #: the unit that everybody settles with under Rule.LEAD; 0: none
    lead: int
    contest_days: int
    refusal_days: int
    #: packages a month that a machine can process, by its id
    capacities: Mapping[bytes, int]
    #: seconds from a carrier's take-over to the receiver's, by carrier
    within: Mapping[int, int]
    sharing: Sharing


# ---------------------------------------------------------------- parsing


class _Member:
    """A member of the document, and where it stands; every way to read it raises InvalidInput."""

    def __init__(self, value: Any, path: str) -> None:  # noqa: ANN401 - JSON
        self._value, self.path = value, path

    def wrong(self, rule: str) -> InvalidInput:
        return InvalidInput("is missing or not understood", field=f"terms.{self.path}", rule=rule)

    def at(self, name: str) -> _Member:
        if not isinstance(self._value, dict):
            raise self.wrong("an object")
        return _Member(self._value.get(name), f"{self.path}.{name}" if self.path else name)

    def has(self, name: str) -> bool:
        return isinstance(self._value, dict) and self._value.get(name) is not None

    def rows(self) -> list[_Member]:
        if not isinstance(self._value, list):
            raise self.wrong("a list")
        return [_Member(each, f"{self.path}[{place}]") for place, each in enumerate(self._value)]

    def items(self) -> list[tuple[str, _Member]]:
        if not isinstance(self._value, dict):
            raise self.wrong("an object")
        return [(str(name), self.at(str(name))) for name in self._value]

    def whole(self, low: int, high: int) -> int:
        value = self._value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(f"a whole number from {low} to {high}")
        return value

    def text(self) -> str:
        if not isinstance(self._value, str) or not self._value.strip():
            raise self.wrong("text")
        return self._value

    def word(self, of: type[StrEnum]) -> Any:  # noqa: ANN401 - a member of `of`
        if self._value not in [each.value for each in of]:
            raise self.wrong(f"one of {', '.join(of)}")
        return of(self._value)

    def names(self) -> Mapping[str, str]:
        return {language: each.text() for language, each in self.items()}

    def moment(self) -> int:
        value: datetime | None = None
        with suppress(ValueError):
            value = datetime.fromisoformat(self.text())
        if value is None or value.tzinfo is None:
            raise self.wrong("a moment with its zone, 2026-11-01T00:00:00+08:00")
        return int(value.timestamp())


def parse_agreement(document: object, *, sha256: bytes) -> Agreement:
    """The members that an account reads; raises InvalidInput naming the first that is wrong."""
    top = _Member(document, "")
    prices = top.at("prices")
    settlement, formula = prices.at("settlement"), prices.at("formula")
    packages = _keyed(prices.at("packages"), lambda row: row.at("class").whole(1, UINT16))
    services = _keyed(prices.at("services"), _service_key)
    carriers = _keyed(prices.at("trips"), lambda row: row.at("carrier").whole(1, UINT32))
    catalogue = _keyed(prices.at("catalogue"), lambda row: row.at("kind").whole(1, UINT16))
    capacities = _keyed(prices.at("capacities"), _machine) if prices.has("capacities") else {}
    rule: Rule = settlement.at("rule").word(Rule)
    return Agreement(
        document=sha256,
        valid_from=top.at("holds_from").moment(),
        currency=prices.at("currency").text(),
        smallest=prices.at("smallest_unit").text(),
        smallest_in_one=_power_of_ten(prices.at("smallest_in_one")),
        offset=60 * top.at("offset_minutes").whole(-_MOST_MINUTES, _MOST_MINUTES),
        packages={key: _price(row) for key, row in packages.items()},
        package_names={key: row.at("name").names() for key, row in packages.items()},
        services={key: _price(row) for key, row in services.items()},
        carriers={key: _carrier(row) for key, row in carriers.items()},
        tax=_tax(prices),
        are_recalls_credited=_are_recalls_credited(prices),
        catalogue={
            number: CatalogueKind(
                number, row.at("group").word(Group), row.at("unit").text(), row.at("name").names()
            )
            for number, row in catalogue.items()
        },
        weights={
            group: formula.at("weights").at(group).whole(0, 1_000_000)
            for group in Group
            if formula.at("weights").has(group)
        },
        rule=rule,
        lead=settlement.at("lead").whole(1, UINT32) if rule is Rule.LEAD else 0,
        contest_days=settlement.at("contest_days").whole(1, 366),
        refusal_days=settlement.at("refusal_days").whole(1, 366),
        capacities={
            key: row.at("packages_a_month").whole(1, UINT32) for key, row in capacities.items()
        },
        within={
            key: row.at("within_seconds").whole(1, UINT32)
            for key, row in carriers.items()
            if row.has("within_seconds")
        },
        sharing=_sharing(formula.at("sharing")) if formula.has("sharing") else Sharing(),
    )


def _power_of_ten(member: _Member) -> int:
    """How many smallest units; a decimal fraction says no other number."""
    found = member.whole(1, 10_000)
    if str(found).rstrip("0") != "1":
        raise member.wrong("1, 10, 100, 1000 or 10000")
    return found


def _keyed(member: _Member, key: Any) -> dict[Any, _Member]:  # noqa: ANN401 - a row's key
    found: dict[Any, _Member] = {}
    for row in member.rows():
        if key(row) in found:
            raise InvalidInput(
                "stands there twice", field=f"terms.{row.path}", rule="one row for each"
            )
        found[key(row)] = row
    return found


def _service_key(row: _Member) -> tuple[int, int]:
    return row.at("kind").whole(1, UINT16), row.at("class").whole(0, UINT16)


def _machine(row: _Member) -> bytes:
    digits = row.at("machine").text().removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise row.wrong("a machine's id in hexadecimal digits") from None


def _price(row: _Member) -> Price:
    most = MAX_INTEGER // 2**22
    return Price(
        internal=row.at("internal").whole(0, most),
        market=row.at("market").whole(0, most) if row.has("market") else None,
        per=row.at("per").whole(1, 1_000_000) if row.has("per") else 1,
    )


def _carrier(row: _Member) -> PerTrip | YearlyFee:
    most = MAX_INTEGER // 2**22
    if row.has("per_trip") == row.has("yearly_fee"):
        raise row.wrong("either per_trip, or yearly_fee with cap and holder")
    if row.has("per_trip"):
        return PerTrip(row.at("per_trip").whole(0, most))
    return YearlyFee(
        row.at("yearly_fee").whole(0, most),
        row.at("cap").whole(0, most),
        row.at("holder").whole(1, UINT32),
    )


def _tax(prices: _Member) -> Mapping[Group, int]:
    if not prices.has("tax"):
        return {}
    tax = prices.at("tax")
    return {g: tax.at(g).whole(0, _MOST_BASIS_POINTS) for g in Group if tax.has(g)}


def _sharing(row: _Member) -> Sharing:
    return Sharing(
        row.at("least_basis_points").whole(0, _MOST_BASIS_POINTS),
        row.at("yellow_after_quarters").whole(1, 100),
        row.at("red_after_quarters").whole(1, 100),
    )


class _Recalled(StrEnum):
    CREDITED = "credited"
    CHARGED = "charged"


def _are_recalls_credited(prices: _Member) -> bool:
    return bool(prices.at("recalled").word(_Recalled) is _Recalled.CREDITED)


# ---------------------------------------------------------------- which version holds


@dataclass(slots=True)
class Versions:
    """The versions that are published, and which one holds at a moment.

    A version holds from the later of its own date and its block.  Of several that hold, the one
    with the latest such moment counts, and of those with the same, the one that was published last.
    """

    #: by the document's hash
    documents: Mapping[bytes, Agreement]
    #: all, in the order of publication
    published: list[Agreement] = field(default_factory=list)
    #: from when each holds, and its place in that order; ascending
    _holding: list[tuple[int, int]] = field(default_factory=list)

    def publish(self, document: bytes, *, block_time: int, block: int) -> None:
        """A version is on the chain; raises NotFound when its document was not given."""
        agreement = self.documents.get(document)
        if agreement is None:
            raise NotFound(
                f"the terms with the hash {document.hex()} of block {block} were not given",
                field="terms",
                rule="an account needs every version of the terms that was published until then",
                remedy="name its file as well: --terms FILE, repeatable",
            )
        insort(self._holding, (max(agreement.valid_from, block_time), len(self.published)))
        self.published.append(agreement)

    def find(self, moment: int) -> Agreement | None:
        """The version that holds at a moment, Unix seconds; None before the first."""
        number = self.number(moment)
        return self.published[number - 1] if number else None

    def number(self, moment: int) -> int:
        """The place of that version in the order of publication, from 1; 0 before the first."""
        place = bisect_right(self._holding, (moment, len(self.published)))
        return self._holding[place - 1][1] + 1 if place else 0

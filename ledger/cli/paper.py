"""Two months of the paper that this began with, computed by the same books, without a chain.

The paper: one lead hospital and eight units, 2,000 and then 6,500 instruments a day at 70 % of the
market's price, a drone for a fixed fee flown 4 and then 20 times a day.  Its events are made up
here, the same on each of thirty days.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ledger.cli.day import DRONE, LEAD, moment, terms
from ledger.cli.printing import print_table, say
from ledger.domain.acts.custody import TakeOutcome
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.words import Purpose
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.statement.account import Closing, account_of
from ledger.domain.statement.agreement import parse_agreement
from ledger.domain.statement.books import Books
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period

_UNITS, _DAYS = range(2, 10), 30
#: a flight of 180 yuan, four times on each of thirty days
_FEE = 18_000 * 4 * _DAYS * 12
#: month, and instruments and flights a day
_MONTHS = ((6, 2_000, 4), (9, 6_500, 20))


def tell_paper() -> None:
    """The paper's own figures, and ours beside them."""
    document = terms()
    document["holds_from"] = "2026-06-01T00:00:00+08:00"
    document["prices"] |= {
        "packages": [{"class": 1, "name": {"en": "instrument"}, "internal": 70, "market": 100}],
        "trips": [{"carrier": DRONE, "yearly_fee": _FEE, "cap": 50_000, "holder": LEAD}],
    }
    agreed = sha256(b"the paper's terms")
    paper = _Paper(Books([parse_agreement(document, sha256=agreed)]))
    paper.time = int(moment("06-01 00:00").timestamp())
    for unit in (LEAD, *_UNITS, DRONE):
        paper.tell("UnitAdmission", unit, unit.to_bytes(32, "big"))
    paper.tell("Terms", 0, ZERO_DIGEST, content=agreed, replaces=ZERO_DIGEST)
    months = [paper.month(*each) for each in _MONTHS]
    stated = ("180 to 42, called 60 %", "30 % of the market's price")
    rows = zip(("a flight, yuan", "a unit saves, yuan"), stated, *months, strict=True)
    print_table(["", "the paper's own figures", "computed: 4 flights a day", "20 a day"], rows)
    say("One fee that makes 180 of each of 4 flights makes 36 of each of 20: 80 % less.")
    say("180 to 42 is 77 % less, and neither is 60 %.")


class _Paper:
    """Tells the books what a chain would announce, each event in a block of its own."""

    def __init__(self, books: Books) -> None:
        self.books, self.time, self.place = books, 0, 0

    def tell(self, kind: str, unit: int, about: bytes, /, **message: Any) -> None:  # noqa: ANN401
        self.place += 1
        self.books.read(Entry(
            digest=Digest(sha256(b"event %d" % self.place)), kind=kind, about=about, unit=unit,
            message={"unit": unit, "signedAt": self.time, **message}, block=self.place,
            time=self.time, place=0,
        ))  # fmt: skip

    def month(self, number: int, instruments: int, flights: int) -> tuple[str, str]:
        """What a flight comes to, and what a unit saves."""
        for day in range(_DAYS):
            self.time = int((moment(f"{number:02d}-01 09:00") + timedelta(days=day)).timestamp())
            self.release(sha256(b"cycle %d" % self.time), instruments)
            for flight in range(flights):
                self.fly(sha256(b"flight %d %d" % (self.time, flight)), _UNITS[flight % 8])
        period, closing = Period(2026, number), Closing(block=1, hash=bytes(32), time=0)
        self.books.close_until(period)
        account = account_of(self.books, period, closing, deployment=bytes(32))
        unit = next(each for each in account["units"] if each["unit"] == _UNITS[0])
        return f"{account['fees'][0]['each'] / 100:.2f}", f"{unit['saving'] / 100:,.2f}"

    def release(self, cycle: bytes, instruments: int) -> None:
        """A day's instruments, in equal parts; the first units have what is left over."""
        part, rest = divmod(instruments, len(_UNITS))
        shares = [
            {"owner": unit, "payer": unit, "packageClass": 1, "delta": part + (at < rest)}
            for at, unit in enumerate(_UNITS)
        ]
        kind = int(DecisionKind.RELEASE)
        self.tell("CycleDecision", LEAD, cycle, cycle=cycle, kind=kind, shares=shares)

    def fly(self, box: bytes, unit: int) -> None:
        """One consignment on one flight."""
        named = {"receiver": unit, "purpose": int(Purpose.CLEAN), "asset": ZERO_DIGEST}
        self.tell("Dispatch", LEAD, box, packages=1, **named)
        counts = {"seen": 0, "inferred": 0, "refused": 0, "extra": 0}
        carried, kept = int(TakeOutcome.CARRIED), int(TakeOutcome.KEPT)
        self.tell("TakeOver", DRONE, box, outcome=carried, **counts, trip=box)
        self.tell("TakeOver", unit, box, outcome=kept, **counts | {"seen": 1}, trip=ZERO_DIGEST)

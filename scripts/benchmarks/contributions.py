"""A month of contribution events, made up: the same every time, for the index and for a journal.

Of every twenty events eleven are decisions that release a load for three payers (a tenth of them
take some packages back), seven are services (a third of them name a shared asset, which its
consumer has; each unit serves five others), and two carry a consignment, four of them a trip, by
van and by drone in turns; its dispatch and its receipt stand beside them and are not counted.
Prices divide, so that a journal of single events adds up to the same balances.  Unit 1 is the lead
with the van, the last unit the drone firm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.words import Purpose
from ledger.domain.duties.terms import default_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.operations import message_to_json
from ledger.domain.statement.agreement import Agreement, parse_agreement
from ledger.domain.statement.periods import Period
from ledger.domain.subjects.indexed import IndexedOperation

MONTH = Period(2026, 11)
#: seconds east of UTC
OFFSET = 8 * 3600
MEMBERS = 60
LEAD, DRONE = 1, MEMBERS + 2
_CONSIGNMENTS = 4
#: events from one trip to the next
_A_TRIP = 20 * _CONSIGNMENTS // 2
_VAN, _FLIGHT_SHARE, _CAP = 12_000, 900, 20_000
_PACKAGES = {1: (1_400, 2_000), 2: (2_100, 3_000), 3: (4_200, 6_000)}
_SERVICES = {20: 250, 30: 15_000}
_NAMES: Mapping[int, tuple[str, str]] = {20: ("equipment", "minute"), 30: ("training", "hour")}
_EVENTS_A_BLOCK = 16
_ZERO = bytes(32)


def whole_trips(count: int) -> int:
    """The next number of events that makes as many whole flights as tours."""
    return -(-count // (2 * _A_TRIP)) * 2 * _A_TRIP


def terms_document(count: int) -> dict[str, Any]:
    """The terms that a month of so many events is priced by; the drone's fee divides."""
    fee = 12 * (count // (2 * _A_TRIP)) * _CONSIGNMENTS * _FLIGHT_SHARE
    return {
        **default_terms().document,
        "version": 1,
        "holds_from": "2026-01-01T00:00:00+08:00",
        "offset_minutes": OFFSET // 60,
        "prices": {
            "currency": "CNY",
            "smallest_unit": "fen",
            "smallest_in_one": 100,
            "packages": [
                {"class": c, "name": {"en": f"B{c}"}, "internal": own, "market": market}
                for c, (own, market) in _PACKAGES.items()
            ],
            "services": [
                {"kind": kind, "class": 0, "internal": price} for kind, price in _SERVICES.items()
            ],
            "trips": [
                {"carrier": LEAD, "per_trip": _VAN},
                {"carrier": DRONE, "yearly_fee": fee, "cap": _CAP, "holder": LEAD},
            ],
            "recalled": "credited",
            "catalogue": [
                {"kind": kind, "group": group, "unit": unit, "name": {"en": group}}
                for kind, (group, unit) in _NAMES.items()
            ],
            "formula": {"weights": {"sterilisation": 100, "transport": 80, "equipment": 120}},
            "settlement": {"rule": "netting", "contest_days": 15, "refusal_days": 10},
        },
    }


def terms(count: int) -> Agreement:
    """The same, as an account reads it."""
    document = terms_document(count)
    return parse_agreement(document, sha256=sha256(canonical(document)).digest())


@dataclass(slots=True)
class Contributions:
    """The events of a month, and the postings of a journal that adds up to the same balances."""

    count: int
    random: Random = field(default_factory=lambda: Random(20261101))  # noqa: S311 - made up
    #: (what, amounts by unit), one for each event that moves money, while `keeps_postings`
    postings: list[tuple[str, dict[int, int]]] = field(default_factory=list)
    keeps_postings: bool = False
    _place: int = 0
    _assets: dict[int, bytes] = field(default_factory=dict)
    _cycle: tuple[bytes, list[dict[str, int]]] | None = None
    _blanks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def rows(self) -> Iterator[IndexedOperation]:
        """Rows of the index in the chain's order."""
        yield from self._founding()
        for number in range(self.count):
            sort = number % 20
            if sort < 11:  # noqa: PLR2004 - as the module says
                yield self._decision(number)
            elif sort < 18:  # noqa: PLR2004 - the same
                yield self._service(number)
            else:
                yield from self._carriage(number)

    # ------------------------------------------------------------ kinds

    def _founding(self) -> Iterator[IndexedOperation]:
        for unit in range(1, DRONE + 1):
            yield self._row("UnitAdmission", unit, unit.to_bytes(32, "big"), 0)
        yield self._row("Terms", 0, _ZERO, 0, content=terms(self.count).document)
        for unit in range(2, DRONE):
            self._assets[unit] = self._name("asset", unit)
            yield self._row("AssetRegistration", unit, self._assets[unit], 0)

    def _decision(self, number: int) -> IndexedOperation:
        if self._cycle is not None and number % 10 == 0:
            cycle, shares = self._cycle
            kind = DecisionKind.RECALL
            back = [{**share, "delta": -1} for share in shares]
            self._cycle = None
        else:
            cycle, kind = self._name("cycle", number), DecisionKind.RELEASE
            payers = self.random.sample(range(2, DRONE), 3)
            back = [
                {
                    "owner": payer,
                    "payer": payer,
                    "packageClass": self.random.randrange(1, 4),
                    "delta": self.random.randrange(1, 20),
                }
                for payer in payers
            ]
            self._cycle = cycle, back
        charged = {
            each["payer"]: -each["delta"] * _PACKAGES[each["packageClass"]][0] for each in back
        }
        self._post("decision", {LEAD: -sum(charged.values()), **charged})
        return self._row(
            "CycleDecision", LEAD, cycle, number, cycle=cycle, kind=int(kind), shares=back
        )

    def _service(self, number: int) -> IndexedOperation:
        is_shared = number % 3 == 0
        unit, away = self.random.randrange(MEMBERS), self.random.randrange(1, 6)
        unit, consumer = 2 + unit, 2 + (unit + away) % MEMBERS
        quantity, kind = self.random.randrange(1, 120), 20 if is_shared else 30
        subject = self._assets[consumer] if is_shared else _ZERO
        amount = quantity * _SERVICES[kind]
        self._post("service", {unit: amount, consumer: -amount})
        return self._row(
            "Service", unit, subject, number,
            consumer=consumer, kind=kind, quantity=quantity, subject=subject,
        )  # fmt: skip

    def _carriage(self, number: int) -> Iterator[IndexedOperation]:
        carrier = (LEAD, DRONE)[number // _A_TRIP % 2]
        receiver, box = self.random.randrange(2, DRONE), self._name("box", number)
        share = _FLIGHT_SHARE if carrier == DRONE else _VAN // _CONSIGNMENTS
        self._post("trip", {carrier: share, receiver: -share})
        yield self._row(
            "Dispatch", LEAD, box, number,
            receiver=receiver, purpose=int(Purpose.CLEAN), packages=8,
        )  # fmt: skip
        trip = self._name("trip", number // _A_TRIP)
        yield self._row("TakeOver", carrier, box, number, outcome=1, trip=trip)
        yield self._row("TakeOver", receiver, box, number, outcome=2, seen=8)

    # ------------------------------------------------------------ rows and postings

    def _post(self, what: str, amounts: dict[int, int]) -> None:
        if self.keeps_postings:
            self.postings.append((what, amounts))

    def _name(self, sort: str, number: int) -> bytes:
        return sha256(f"{sort} {number}".encode()).digest()

    def _row(
        self,
        named: str,
        unit: int,
        about: bytes,
        number: int,
        /,
        **values: Any,  # noqa: ANN401 - fields of their own types
    ) -> IndexedOperation:
        self._place += 1
        begins, ends = MONTH.begins(OFFSET), MONTH.ends(OFFSET)
        time = begins + (ends - begins) * max(number, 0) // self.count
        act = ACTS[named]
        message = self._blank(named) | {"unit": unit, "signedAt": time} | values
        return IndexedOperation(
            digest=Digest(self._name("event", self._place)),
            kind=named,
            unit=unit,
            subject=about,
            also=None,
            message=message_to_json(act, {m.name: message[m.name] for m in act.struct.members}),
            new_key=None,
            record=_ZERO,
            height=1 + self._place // _EVENTS_A_BLOCK,
            block_hash=_ZERO,
            timestamp=time,
            tx_hash=_ZERO,
            position=self._place % _EVENTS_A_BLOCK,
            head=_ZERO,
        )

    def _blank(self, kind: str) -> dict[str, Any]:
        """A message of zeros."""
        if kind not in self._blanks:
            members = ACTS[kind].struct.members
            self._blanks[kind] = {
                m.name: [] if m.type.endswith("[]") else _ZERO if m.type == "bytes32" else 0
                for m in members
            }
        return self._blanks[kind]

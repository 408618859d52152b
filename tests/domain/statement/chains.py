"""Events as a chain would hold them, without one: what the tests of the account feed the books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.custody import DispositionKind, TakeOutcome
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.acts.statement_answer import LINES
from ledger.domain.acts.words import Leg, Purpose
from ledger.domain.duties.terms import default_terms
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.statement.agreement import Agreement, parse_agreement
from ledger.domain.statement.books import Books
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import Period

CHINA = timezone(timedelta(hours=8))
ZERO = bytes(32)


def moment(text: str) -> int:
    """`2026-11-03 09:20` in the group's time, Unix seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=CHINA).timestamp())


def name(text: str) -> bytes:
    """32 bytes that stand for a name."""
    return sha256(text.encode())


def document(**changes: Any) -> dict[str, Any]:
    """Terms as a group might publish them; `changes` replace members of `prices` and others."""
    found = dict(default_terms().document)
    settlement: dict[str, Any] = {"rule": "none", "contest_days": 15, "refusal_days": 10}
    prices: dict[str, Any] = {
        "currency": "CNY",
        "smallest_unit": "fen",
        "smallest_in_one": 100,
        "packages": [
            {"class": 1, "name": {"en": "B1", "zh": "一号包"}, "internal": 1400, "market": 2000},
            {"class": 2, "name": {"en": "B2", "zh": "二号包"}, "internal": 2100, "market": 3000},
            {"class": 3, "name": {"en": "P", "zh": "等离子"}, "internal": 4200, "market": 6000},
        ],
        "trips": [
            {"carrier": 1, "per_trip": 12000},
            {"carrier": 10, "yearly_fee": 3600000, "cap": 20000, "holder": 1},
        ],
        "services": [
            {"kind": 20, "class": 0, "internal": 5000, "market": 8000, "per": 60},
            {"kind": 30, "class": 1, "internal": 15000},
        ],
        "recalled": "credited",
        "catalogue": [
            {"kind": 20, "group": "equipment", "unit": "minute", "name": {"en": "ultrasound"}},
            {"kind": 30, "group": "training", "unit": "hour", "name": {"en": "training"}},
            {"kind": 99, "group": "resolution", "unit": "fen", "name": {"en": "given back"}},
        ],
        "formula": {"weights": {"sterilisation": 100, "transport": 80, "equipment": 120}},
        "settlement": settlement | changes.pop("settlement", {}),
    }
    found |= {"version": 1, "holds_from": "2026-01-01T00:00:00+08:00", "offset_minutes": 480}
    return found | {"prices": prices | changes.pop("prices", {})} | changes


def agreement(seed: str = "v1", **changes: Any) -> Agreement:
    """The same, parsed."""
    return parse_agreement(document(**changes), sha256=name(seed))


class Chain:
    """Events in order; each gets a block of its own unless the time stands still."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.now = 0
        self._cycles = 0

    def at(self, text: str) -> Chain:
        """The time of what follows; later than before."""
        seconds = moment(text)
        assert seconds >= self.now, text
        self.now = seconds
        return self

    def add(self, kind: str, unit: int, about: bytes, message: Mapping[str, Any]) -> Digest:
        """An event."""
        place = len(self.entries)
        digest = Digest(name(f"event {place}"))
        full = {"unit": unit, "signedAt": self.now, **message}
        self.entries.append(
            Entry(
                digest=digest,
                kind=kind,
                about=about,
                unit=unit,
                message=full,
                block=place + 1,
                time=self.now,
                place=0,
            )
        )
        return digest

    # ------------------------------------------------------------ kinds

    def admit(self, *units: int) -> None:
        for unit in units:
            self.add("UnitAdmission", unit, unit.to_bytes(32, "big"), {})

    def terms(self, version: Agreement) -> Digest:
        return self.add("Terms", 0, ZERO, {"content": version.document, "replaces": ZERO})

    def decide(
        self,
        cycle: str,
        kind: DecisionKind,
        *shares: tuple[int, int, int, int],
        unit: int = 1,
        signed_at: int | None = None,
    ) -> Digest:
        """Shares as (owner, payer, class, delta)."""
        lines = [{"owner": o, "payer": p, "packageClass": c, "delta": d} for o, p, c, d in shares]
        message = {"cycle": name(cycle), "kind": int(kind), "shares": lines}
        if signed_at is not None:
            message["signedAt"] = signed_at
        return self.add("CycleDecision", unit, name(cycle), message)

    def release(self, cycle: str, *shares: tuple[int, int, int, int]) -> Digest:
        return self.decide(cycle, DecisionKind.RELEASE, *shares)

    def serve(
        self,
        unit: int,
        consumer: int,
        kind: int,
        quantity: int,
        *,
        service_class: int = 0,
        subject: bytes = ZERO,
        happened_at: int = 0,
        corrects: bytes = ZERO,
    ) -> Digest:
        message = {
            "consumer": consumer,
            "kind": kind,
            "serviceClass": service_class,
            "quantity": quantity,
            "subject": subject,
            "happenedAt": happened_at,
            "corrects": corrects,
        }
        return self.add("Service", unit, corrects if any(corrects) else subject, message)

    def register(self, unit: int, asset: str) -> bytes:
        self.add("AssetRegistration", unit, name(asset), {})
        return name(asset)

    def dispatch(
        self, slip: str, giver: int, receiver: int, purpose: Purpose, asset: bytes = ZERO
    ) -> bytes:
        message = {"receiver": receiver, "purpose": int(purpose), "asset": asset, "packages": 20}
        self.add("Dispatch", giver, name(slip), message)
        return name(slip)

    def carry(self, consignment: bytes, carrier: int, trip: str) -> Digest:
        message = {"outcome": 1, **counts(0), "trip": name(trip)}
        return self.add("TakeOver", carrier, consignment, message)

    def divert(self, consignment: bytes, carrier: int) -> Digest:
        return self.add("HandOver", carrier, consignment, {"leg": int(Leg.DIVERTED)})

    def keep(self, consignment: bytes, unit: int, *, refused: int = 0) -> Digest:
        message = {"outcome": 2, **counts(20 - refused, refused), "trip": ZERO}
        return self.add("TakeOver", unit, consignment, message)

    def refuse(self, consignment: bytes, unit: int) -> Digest:
        message = {"outcome": int(TakeOutcome.REFUSED), **counts(0), "trip": ZERO}
        return self.add("TakeOver", unit, consignment, message)

    def reroute(self, consignment: bytes, giver: int, receiver: int) -> Digest:
        message = {"kind": int(DispositionKind.REROUTE), "receiver": receiver}
        return self.add("Disposition", giver, consignment, message)

    def witness(
        self, kind: str, unit: int, about: bytes, content: bytes, replaces: bytes = ZERO
    ) -> Digest:
        return self.add(kind, unit, about, {"content": content, "replaces": replaces})

    def publish(self, period: Period, account: bytes = b"\7" * 32) -> Digest:
        return self.witness("Publication", 0, period.word, account)

    def answer(self, unit: int, publication: bytes, *lines: int) -> Digest:
        return self.witness("StatementAnswer", unit, publication, LINES.signed(lines))

    def resolve(self, unit: int, answer: bytes, outcome: ContestOutcome, amount: int = 0) -> Digest:
        return self.witness("Resolution", unit, answer, packed(outcome, amount))

    def pay(self, unit: int, about: bytes, side: PaymentSide, other: int, amount: int) -> Digest:
        return self.witness("Payment", unit, about, packed(side, other, amount))

    def comment(self, unit: int, about: bytes, stance: Stance) -> Digest:
        return self.witness("Comment", unit, about, packed(stance))

    # ------------------------------------------------------------ books

    def books(self, *versions: Agreement) -> Books:
        """Books that read all of it."""
        books = Books(versions)
        for entry in self.entries:
            books.read(entry)
        return books


def counts(seen: int, refused: int = 0) -> dict[str, int]:
    """What a take-over counts."""
    return {"seen": seen, "inferred": 0, "refused": refused, "extra": 0}


def packed(*numbers: int) -> bytes:
    """Up to four whole numbers as a statement's content."""
    return b"".join(n.to_bytes(8, "big", signed=True) for n in numbers).ljust(32, b"\0")

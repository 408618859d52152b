"""A hospital group on a real chain, whose November is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ledger.chain.node import Node
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.words import Right
from ledger.domain.chain.deployment import Deployment
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.statement.agreement import Agreement
from ledger.domain.statement.periods import Period
from ledger.steps.settling.computing import Computed, compute_here, kept_terms
from ledger.steps.settling.recomputing import recompute
from tests.domain.statement.chains import document
from tests.house import Clock
from tests.steps.hospital import Hospital, move_things, opened_hospital

NOVEMBER, DECEMBER = Period(2026, 11), Period(2026, 12)
DOCUMENT = document(
    prices={
        "packages": [{"class": 1, "name": {"en": "tray"}, "internal": 2_100, "market": 3_000}],
        "trips": [{"carrier": 2, "per_trip": 5_000}],
    },
    holds_from="2026-11-21T21:00:00+08:00",
)


@dataclass(kw_only=True)
class Group:
    """A hospital whose November is over, and what was recorded in it."""

    hospital: Hospital
    clock: Clock
    services: list[Digest]

    @property
    def node(self) -> Node:
        return self.hospital.link.node

    @property
    def deployment(self) -> Deployment:
        return self.hospital.instance.deployment()

    @property
    def documents(self) -> list[Agreement]:
        with self.hospital.instance.database.reading() as tx:
            return kept_terms(tx)

    def say(self, kind: str, /, **values: Any) -> Digest:
        # the lease of the writer before has run out
        self.clock.advance(minutes=11)
        digest = self.hospital.say(kind, **values)
        self.hospital.settle(self.hospital.writer())
        return digest

    def compute(self, period: Period = NOVEMBER) -> Computed:
        return compute_here(self.hospital.instance, self.node, period)

    def recompute(self, period: Period = NOVEMBER) -> Computed:
        documents = self.documents
        return recompute(self.node, self.deployment, documents, period, finality="instant")

    def publish(self, computed: Computed) -> Digest:
        closing = computed.closing
        return self.say(
            "Publication",
            period=computed.account["period"],
            account=computed.hash.hex(),
            closing_block=closing.block,
            closing_hash=closing.hash.hex(),
            closing_time=datetime.fromtimestamp(closing.time, UTC),
        )


@contextmanager
def november_group(home: Path, database_address: str) -> Iterator[Group]:
    """Units, a released cycle, a loan and services in November, one correction in December."""
    clock = Clock()
    with opened_hospital(home, database_address, clock=clock) as hospital:
        for unit in (1, 2, 3):
            hospital.admit(unit)
            hospital.new_signer(unit, Right.SETTLE)
            hospital.new_signer(unit, Right.REPORT)
        version = parse_terms(json.dumps(DOCUMENT).encode())
        hospital.say("Terms", document=version.sha256, lines=parts_of(version))
        clock.advance(hours=2)
        hospital.register(1, "S1")
        hospital.run_cycle("S1", 1)
        move_things(hospital)
        services = [
            hospital.say("Service", unit=1, consumer=unit, kind=20, quantity=quantity)
            for unit, quantity in ((2, 61), (3, 90), (3, 91))
        ]
        for consumer, service in zip((2, 3, 3), services, strict=True):
            hospital.say("Comment", unit=consumer, about=to_hex(service), stance="agrees")
        down = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
        outage = {"begun_at": down, "ended_at": down + timedelta(hours=1), "what": "power"}
        begun = hospital.say("Outage", unit=2, begun_at=down, what="power")
        hospital.say("Outage", unit=2, replaces=begun.hex(), reason="it ended", **outage)
        hospital.settle(hospital.writer())
        clock.advance(days=11)
        correction = {"kind": 20, "quantity": -90, "corrects": services[1].hex()}
        hospital.say("Service", unit=1, consumer=3, **correction)
        hospital.settle(hospital.writer())
        yield Group(hospital=hospital, clock=clock, services=services)

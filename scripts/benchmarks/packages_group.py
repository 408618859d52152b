"""Packages to measure: assembled, sterilised, sent, used, sent back, each step by its real act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.storage.operations import get_operation
from scripts.benchmarks.group import Group

CENTRE = 1
DOOR = Door(authenticated_by="badge", takes_what_stands=True)
_DESK = ("scan", "answer", "dispatch", "carry", "receive", "report")
_RESULTS = {"physical": "pass", "chemical_external": "pass", "chemical_internal": "pass"}
_EXPIRES = "2099-12-31"
#: how long before its end a package of a life is at its member, and of each step before and after
AT_MEMBER = timedelta(hours=24)
_STEP = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The packages of one cycle, and what was sent of them."""

    names: tuple[str, ...]
    #: as people call it, `S0/7`
    cycle: str
    #: ids of the consignments that brought them, 64 hexadecimal digits each
    consignments: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Handling:
    """What the units of a group do with packages."""

    group: Group
    #: packages of a load, and of a consignment
    load: int = 60
    box: int = 20
    #: when what is said now happened; None: it happens now
    moment: datetime | None = None
    _slips: dict[int, int] = field(default_factory=dict)

    @classmethod
    def begin(cls, group: Group, *, members: Sequence[int], load: int, box: int) -> Handling:
        """With a desk at the centre and at each member, whose key scans, sends and receives."""
        handling = cls(group=group, load=load, box=box)
        with group.instance.database.transaction() as tx:
            for unit in (CENTRE, *members):
                if unit not in group.administrators:
                    group.admit(tx, unit)
                handling.say(tx, "SignerEnrolment", unit=unit, name=f"Desk {unit}", rights=_DESK)
        return handling

    def say(self, tx: Connection, kind: str, /, **values: Any) -> Digest:  # noqa: ANN401
        """One act by the names of its fields, accepted with the unit's own key."""
        instance, caller = self.group.instance, self.group.caller
        if self.moment is not None:
            values["happened"] = {"utc": self.moment}
        draft = make_draft(instance, tx, caller, ACTS[kind], values, DOOR)
        return record_with_held_keys(instance, tx, caller, draft).digest

    def scan(self, tx: Connection, unit: int, did: Deed, names: Sequence[str], **more: str) -> None:
        """A list of packages with which one thing was done."""
        lines = [
            Scan(act=did, said=name, basis="scanned", happened=self.moment, **more)
            for name in names
        ]
        report(self.group.instance, tx, self.group.caller, unit, lines, DOOR)

    def live(self, tx: Connection, label: str, *, receiver: int, ended: datetime) -> Life:
        """One load's packages through their whole life, which ended then: ten lines each.

        Washed, assembled, labelled, loaded; sent, carried and received by the box; used; sent back
        and received again.
        """
        self.moment = ended - AT_MEMBER - 3 * _STEP
        life = self.release(tx, label, receiver=receiver)
        self.moment += _STEP
        boxes = [self.send(tx, CENTRE, receiver, part) for part in self.boxes(life.names)]
        for box in boxes:
            self.carry(tx, box)
        self.moment += _STEP
        for box in boxes:
            self.keep(tx, receiver, box)
        self.moment += _STEP
        self.scan(tx, receiver, Deed.USED, life.names, case=f"case {label}")
        self.moment = ended
        for part in self.boxes(life.names):
            back = self.send(tx, receiver, CENTRE, part, purpose="soiled", taker=CENTRE)
            self.keep(tx, CENTRE, back)
        self.moment = None
        return Life(names=life.names, cycle=life.cycle, consignments=tuple(boxes))

    def release(self, tx: Connection, label: str, *, receiver: int, machine: int = 0) -> Life:
        """One load, sterilised and released for a member; four lines a package."""
        serials = [f"{label}.{place:02d}" for place in range(self.load)]
        names = tuple(f"{CENTRE}/{serial}" for serial in serials)
        instance, caller = self.group.instance, self.group.caller
        self.scan(tx, CENTRE, Deed.WASHED, names, outcome="a0 met")
        packed = Assembly(
            set=None, serials=serials, material="sms", expires=_EXPIRES, happened=self.moment
        )
        assemble(instance, tx, caller, CENTRE, packed, DOOR)
        serial = self.group.machines[machine].serial
        number = self.group.numbers.get(serial, 0) + 1
        self.group.numbers[serial] = number
        cycle = f"{serial}/{number}"
        self.say(tx, "CycleOpening", equipment=serial, number=number, programme="134 porous")
        lines = [
            {"owner": receiver, "package_class": 1, "quantity": 1, "package": name}
            for name in names
        ]
        self.say(tx, "LoadDeclaration", cycle=cycle, lines=lines)
        self.say(tx, "CycleEnding", cycle=cycle, outcome="completed", hold_seconds=300)
        shares = [{"owner": receiver, "package_class": 1, "delta": len(names)}]
        release = {"decision": "release", "shares": shares, "results": _RESULTS}
        self.say(tx, "CycleDecision", cycle=cycle, **release)
        return Life(names=names, cycle=cycle, consignments=())

    def send(  # noqa: PLR0913 - who sends what to whom, and with whom
        self,
        tx: Connection,
        giver: int,
        receiver: int,
        names: Sequence[str],
        *,
        purpose: str = "clean",
        taker: int = CENTRE,
    ) -> str:
        """A sealed box under the giver's next slip; its id."""
        self._slips[giver] = slip = self._slips.get(giver, 0) + 1
        lines = [
            {"assembler": CENTRE, "package": name.partition("/")[2], "basis": "scanned"}
            for name in names
        ]
        sent = self.say(
            tx, "Dispatch", unit=giver, slip=f"K{slip}", receiver=receiver, purpose=purpose,
            taker=taker, lines=lines, seals="7001", boxes=1,
        )  # fmt: skip
        return consignment_of(tx, sent)

    def carry(self, tx: Connection, box: str, unit: int = CENTRE) -> Digest:
        """A carrier takes a box along."""
        return self.say(
            tx, "TakeOver", unit=unit, consignment=box, outcome="carried", trip="V1",
            seals="intact", boxes=1,
        )  # fmt: skip

    def hand_over(self, tx: Connection, unit: int, box: str, taker: int) -> Digest:
        """Whoever has a box gives it to another."""
        return self.say(tx, "HandOver", unit=unit, consignment=box, taker=taker, boxes=1)

    def keep(self, tx: Connection, unit: int, box: str) -> Digest:
        """Who receives a box looks at all of its packages."""
        return self.say(
            tx, "TakeOver", unit=unit, consignment=box, outcome="kept", rest="scanned",
            seals="intact", boxes=1,
        )  # fmt: skip

    def boxes(self, names: Sequence[str]) -> list[Sequence[str]]:
        """A load's packages, as they go into boxes."""
        return [names[start : start + self.box] for start in range(0, len(names), self.box)]

    def settle(self) -> None:
        """Until the chain has all that is owed, and the index the chain."""
        self.group.send()
        self.group.follow()


def consignment_of(tx: Connection, dispatch: Digest) -> str:
    """The id of the consignment that a dispatch begins."""
    return to_hex(get_operation(tx, dispatch).subject)

"""Packages to measure: assembled, sterilised, sent, used, sent back, each step by its real act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Party
from ledger.domain.custody.lines import Deed
from ledger.domain.drafts import Draft
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.keys.p256 import create_p256_key, p256_signer, sign_with_p256
from ledger.keys.signers import P256_VERIFIER
from ledger.steps.accepting.assembling import Assembly, assemble
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.prepare import prepare
from ledger.steps.accepting.scanning import Scan, report
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.accepting.submit import record_with_held_keys, submit
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
    #: by unit: the secret of the P-256 key that signs for it, in place of the key held here
    stations: dict[int, bytes] = field(default_factory=dict)
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
        unit = values.get("unit")
        if unit in self.stations:
            values["signer"] = f"Station {unit}"
        draft = make_draft(instance, tx, caller, ACTS[kind], values, DOOR)
        if unit in self.stations:
            return self._sign_at_station(tx, self.stations[unit], Party.SIGNER, draft)
        return record_with_held_keys(instance, tx, caller, draft).digest

    def station(self, tx: Connection, unit: int) -> None:
        """From now on the unit signs with a P-256 key that this instance does not hold."""
        instance, caller = self.group.instance, self.group.caller
        verifiers = instance.known_deployment(tx).verifiers
        verifier = next(each for each, name in verifiers.items() if name == P256_VERIFIER)
        secret = create_p256_key()
        values = {
            "unit": unit,
            "name": f"Station {unit}",
            "rights": _DESK,
            "custody": "station",
            "key": "0x" + p256_signer(secret, verifier).hex(),
        }
        draft = make_draft(instance, tx, caller, ACTS["SignerEnrolment"], values, DOOR)
        self._sign_at_station(tx, secret, Party.NEW_KEY, draft)
        self.stations[unit] = secret

    def _sign_at_station(self, tx: Connection, secret: bytes, party: Party, draft: Draft) -> Digest:
        """Prepared, signed where the key is, and submitted; other parties' keys are held here."""
        instance, caller = self.group.instance, self.group.caller
        prepared = prepare(instance, tx, caller, draft)
        digest = prepared.operation.digest
        signatures = {
            each: sign_with_p256(secret, digest)
            if each is party
            else sign_with_held_key(instance, tx, caller, each, key, digest)
            for each, key in prepared.keys.items()
        }
        submit(instance, tx, caller, digest, signatures)
        return digest

    def scan(
        self,
        tx: Connection,
        unit: int,
        did: Deed,
        names: Sequence[str],
        **more: Any,  # noqa: ANN401 - further fields of a scan
    ) -> list[Digest]:
        """A list of packages with which one thing was done; the reports that it became."""
        lines = [
            Scan(act=did, said=name, basis="scanned", happened=self.moment, **more)
            for name in names
        ]
        receipts, _ = report(self.group.instance, tx, self.group.caller, unit, lines, DOOR)
        return [receipt.digest for receipt in receipts]

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
        """A sealed box under the giver's next slip; the consignment's id."""
        sent = self.dispatch(tx, giver, receiver, names, purpose=purpose, taker=taker)
        return consignment_of(tx, sent)

    def dispatch(  # noqa: PLR0913 - the same
        self,
        tx: Connection,
        giver: int,
        receiver: int,
        names: Sequence[str],
        *,
        purpose: str = "clean",
        taker: int = CENTRE,
    ) -> Digest:
        """The same; its dispatch."""
        self._slips[giver] = slip = self._slips.get(giver, 0) + 1
        lines = [
            {"assembler": CENTRE, "package": name.partition("/")[2], "basis": "scanned"}
            for name in names
        ]
        # what is sent against a gate has a reason
        return self.say(
            tx, "Dispatch", unit=giver, slip=f"K{slip}", receiver=receiver, purpose=purpose,
            taker=taker, lines=lines, seals="7001", boxes=1, reason="as agreed",
        )  # fmt: skip

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

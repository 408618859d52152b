"""A group in memory: operations told one after another, held against the rules, and folded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ledger.domain.acts import rules
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.custody import DispositionKind, TakeOutcome
from ledger.domain.acts.decisions import DecisionKind
from ledger.domain.acts.vocabulary import Act, Recorded
from ledger.domain.acts.words import (
    AssetCondition,
    Custody,
    EquipmentState,
    Outcome,
    Party,
    Right,
    UnitRole,
    Verdict,
)
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.encoding.identifiers import (
    Digest,
    UnitNumber,
    asset_id,
    consignment_id,
    cycle_id,
    equipment_id,
    serial_hash,
    signer_id,
)
from ledger.domain.operations import digest
from ledger.domain.statement.periods import Period
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import ConsignmentState, CycleState

S = TypeVar("S")

NOW = 1_800_000_000
CENTRE, MEMBER = 1, 2
ADMINISTRATOR, OPERATOR, SECOND = b"\x11" * 20, b"\x12" * 20, b"\x13" * 20
SERIAL = serial_hash("S1")
MACHINE = equipment_id(UnitNumber(CENTRE), SERIAL)
DOMAIN = Eip712Domain(chain_id=1, contract=b"\1" * 20)
_EVERYTHING = Right(sum(Right))


@dataclass(slots=True)
class Story:
    """What was told so far."""

    view: Memory = field(default_factory=Memory)
    now: int = NOW
    told: list[Recorded] = field(default_factory=list)
    #: the states before each operation
    before: list[dict[Any, Any]] = field(default_factory=list)

    @classmethod
    def begun(cls) -> Story:
        """A centre with an administrator, two operators and a machine, and a member."""
        story = cls()
        story.tell("UnitAdmission", unit=CENTRE, key=ADMINISTRATOR)
        story.tell("UnitAdmission", unit=MEMBER, key=b"\x21" * 20)
        story.tell("SignerEnrolment", key=SECOND)
        story.tell("SignerEnrolment", key=OPERATOR)
        story.tell("EquipmentRegistration")
        return story

    @classmethod
    def all_kinds(cls) -> Iterator[tuple[Recorded, dict[Any, Any]]]:
        """Every kind once at least, with the states before it."""
        story = cls.begun()
        opening = story.tell("CycleOpening", number=9)
        story.tell("CycleVoid", number=9, opening=opening)
        story.complete(1)
        story.release(1, delta=4)
        story.tell("ResultEntry", number=1)
        story.tell("ReadingEntry", number=1)
        comment = story.tell("Comment", about=story.cycle(1).id)
        story.tell("Comment", about=story.cycle(1).id, replaces=comment)
        story.tell("ScanReport")
        story.tell("SetDefinition", about=b"\x61" * 32)
        story.tell("PackageDecision", number=1)
        order = story.tell("RecallOrder")
        story.tell("RecallNotice", content=order)
        story.tell("RecallAnswer", about=order)
        for kind in (
            "Outage",
            "Shift",
            "Maintenance",
            "Request",
            "Incident",
            "Findings",
            "AssetReport",
            "TransportLog",
        ):
            story.tell(kind, about=b"\x62" * 32)
        served: dict[str, Any] = {"consumer": MEMBER, "kind": 7, "serviceClass": 1}
        service = story.tell("Service", **served, quantity=90)
        story.tell("Service", **served, quantity=-30, corrects=service)
        story.tell("Terms", unit=0, about=b"group".ljust(32, b"\0"))
        publication = story.tell("Publication", unit=0, about=Period(2027, 1).word)
        answer = story.tell("StatementAnswer", about=publication)
        story.tell("Resolution", about=answer)
        story.tell("Payment", about=publication)
        story.tell("EquipmentChange", replaces=story.digest_of("EquipmentRegistration"))
        proposal = story.tell("RecoveryProposal", unit=CENTRE, key=b"\x51" * 20)
        story.tell("RecoveryVeto", proposal=proposal)
        story.tell("RecordErasure", subject=opening)
        story.move_things()
        story.tell("SignerRevocation", signer=signer_id(SECOND))
        story.tell("UnitClosure", unit=MEMBER)
        waiting = story.find(
            ConsignmentState, consignment_id(UnitNumber(MEMBER), serial_hash("back"))
        )
        story.tell(
            "ClosedUnitDisposition",
            unit=MEMBER,
            consignment=waiting.id,
            kind=DispositionKind.CANCEL,
            asset=waiting.asset,
            step=waiting.next_step,
            previous=waiting.latest,
        )
        return zip(story.told, story.before, strict=True)

    def move_things(self) -> None:
        """A loaner goes to the member, one dispatch is cancelled, and the loaner is sent back."""
        code, ward = serial_hash("L-1"), b"\x22" * 20
        asset = asset_id(UnitNumber(CENTRE), code)
        registered = self.tell("AssetRegistration", code=code, kind=1)
        self.tell("AssetChange", asset=asset, state=AssetCondition.OFFERED, replaces=registered)
        head = signer_id(b"\x21" * 20)
        self.tell("SignerEnrolment", unit=MEMBER, key=ward, signedBy=head)
        sent: dict[str, Any] = {"purpose": 1, "packages": 2, "asset": asset}
        for slip in ("1", "2"):
            first = self.tell(
                "Dispatch", slip=serial_hash(slip), receiver=MEMBER, taker=MEMBER, **sent
            )
            box: dict[str, Any] = {
                "consignment": consignment_id(UnitNumber(CENTRE), serial_hash(slip))
            }
            second = self.tell("HandOver", taker=MEMBER, leg=1, step=2, previous=first, **box)
            last: dict[str, Any] = {"asset": asset, "step": 3, "previous": second, **box}
            if slip == "1":
                self.tell("Disposition", kind=DispositionKind.CANCEL, **last)
                continue
            by_ward: dict[str, Any] = {"unit": MEMBER, "signedBy": signer_id(ward)}
            self.tell("TakeOver", outcome=TakeOutcome.KEPT, seen=2, **last, **by_ward)
            back = {**sent, "slip": serial_hash("back"), "receiver": CENTRE, "taker": CENTRE}
            self.tell("Dispatch", **back, **by_ward)

    def states(self) -> dict[Any, Any]:
        """Everything as it stands."""
        return dict(self.view._states)

    def find(self, cls: type[S], *key: object) -> S:
        """A state that is there."""
        found = self.view.find(cls, *key)
        assert found is not None
        return found

    def cycle(self, number: int, epoch: int = 1) -> CycleState:
        """A cycle of the machine."""
        return self.find(CycleState, cycle_id(MACHINE, epoch, number))

    def digest_of(self, kind: str) -> Digest:
        """The newest operation of a kind."""
        return next(each.digest for each in reversed(self.told) if each.act.name == kind)

    def tell(self, kind: str, /, *, key: bytes = b"", number: int = 0, **values: Any) -> Digest:
        """One operation by the rules; what is not given is as an ordinary one has it."""
        act = ACTS[kind]
        message = self._message(act, key, number, values)
        rules.require_timely(message, self.now)
        rules.require_rights(act, message, self.view)
        act.rules(message, self.view)
        recorded = Recorded(
            digest=digest(act, message, DOMAIN),
            act=act,
            message=message,
            new_key=key,
            mined_at=self.now,
        )
        self.before.append(self.states())
        apply(recorded, self.view)
        self.told.append(recorded)
        return recorded.digest

    def complete(self, number: int) -> None:
        """Opened, loaded with 10 of class 1, completed."""
        for kind in ("CycleOpening", "LoadDeclaration", "CycleEnding"):
            self.tell(kind, number=number)

    def release(self, number: int, **share: int) -> Digest:
        """A release of the cycle as it stands."""
        return self.decide(number, DecisionKind.RELEASE, **{"delta": 10, **share})

    def decide(
        self, number: int, kind: DecisionKind, *, delta: int = 0, owner: int = CENTRE
    ) -> Digest:
        """A decision over the cycle as it stands, with one share unless it is of nothing."""
        cycle = self.cycle(number)
        share = {"owner": owner, "payer": CENTRE, "packageClass": 1, "delta": delta}
        return self.tell(
            "CycleDecision",
            number=number,
            kind=int(kind),
            ending=cycle.ending,
            load=cycle.load,
            replaces=cycle.decision,
            shares=[share] if delta else [],
        )

    def _message(self, act: Act, key: bytes, number: int, values: dict[str, Any]) -> dict[str, Any]:
        usual: dict[str, Any] = {
            "unit": CENTRE,
            "roles": int(UnitRole.PROCESSOR),
            "rights": int(_EVERYTHING),
            "custody": int(Custody.SERVER),
            "serial": SERIAL,
            "equipment": MACHINE,
            "epoch": 2 if act.name == "EquipmentChange" else 1,
            "number": number,
            "cycle": cycle_id(MACHINE, 1, number),
            "kind": 1 if act.witness is None else act.witness.kind,
            "state": int(EquipmentState.IN_SERVICE),
            "outcome": int(Outcome.COMPLETED),
            "verdict": int(Verdict.PASSED),
            "totals": [{"packageClass": 1, "quantity": 10}],
            "shares": [],
            "signedBy": signer_id(ADMINISTRATOR if act.right is Right.ADMINISTER else OPERATOR),
            "countersignedBy": signer_id(SECOND),
            "signedAt": self.now,
            "record": bytes([len(self.told) % 256]) * 32,
        }
        if act.key_member and key:
            usual[act.key_member] = signer_id(key)
        if act.about == "cycle" and act.witness is not None:
            usual["about"] = usual["cycle"]
        if act.about == "equipment" and act.witness is not None:
            usual["about"] = MACHINE
        message = {
            m.name: usual.get(m.name, bytes(32) if m.type == "bytes32" else 0)
            for m in act.struct.members
        }
        if Party.SIGNER not in act.parties and "signedBy" in message:
            message["signedBy"] = bytes(32)
        return {**message, **{n: _plain(v) for n, v in values.items()}}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, int) else value

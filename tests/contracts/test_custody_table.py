"""Our table of custody and the contract's, compared over random histories of the same operations.

Five units: a giver, two receivers, two carriers.  Each operation is mostly right and sometimes
wrong; the rules of the acts and the contract must say the same of each, and hold the same after it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester.exceptions import TransactionFailed
from eth_utils.crypto import keccak

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.custody import (
    STEPS,
    ConsignmentStatus,
    DispositionKind,
    Step,
    TakeOutcome,
)
from ledger.domain.acts.rules import require_known_words, require_rights
from ledger.domain.acts.vocabulary import Recorded
from ledger.domain.acts.words import (
    AssetCondition,
    AssetKind,
    Custody,
    Leg,
    Purpose,
    Right,
    UnitRole,
)
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    Digest,
    SignerId,
    UnitNumber,
    asset_id,
    consignment_id,
)
from ledger.domain.errors import SteriLedgerError
from ledger.domain.subjects.folding import Memory, apply
from ledger.domain.subjects.states import AssetState, ConsignmentState, SignerState, UnitState
from tests.contracts.world import CARRY, DISPATCH, RECEIVE, World, signer_id

GIVER, RECEIVER, OTHER, VAN, DRONE = UNITS = (1, 2, 3, 4, 5)
STEPS_EACH = 90
MOVES = ("Dispatch", "HandOver", "TakeOver", "Disposition", "ClosedUnitDisposition")
ENDS = ("KEPT", "KEPT_WITHOUT_ASSET")


def the_table(source: str) -> bytes:
    """The contract's table of steps, as it stands in its source."""
    _, _, rest = source.partition("bytes private constant STEPS")
    rows = [line.split('"')[1] for line in rest.splitlines() if line.lstrip().startswith('hex"')]
    return bytes.fromhex("".join(rows).replace("_", ""))


def test_the_contracts_table_is_the_declared_one(contracts: Any) -> None:
    expected = b""
    for step in Step:
        rows = STEPS[step]
        for row in (rows * 2)[:2]:
            states = sum(1 << status for status in row.start)
            expected += bytes([row.needs, row.lacks, states, row.end or 0, row.right])
    assert the_table((contracts / "CustodyLedger.sol").read_text("utf-8")) == expected


@pytest.fixture
def contracts(request: pytest.FixtureRequest) -> Any:
    return request.config.rootpath / "contracts"


@dataclass
class History:
    """The same units in our states and on the chain, and what was said of each operation."""

    world: World
    random: Random
    view: Memory = field(default_factory=Memory)
    keys: dict[int, LocalAccount] = field(default_factory=dict)
    assets: list[bytes] = field(default_factory=list)
    consignments: list[bytes] = field(default_factory=list)
    outcomes: Counter[tuple[str, bool]] = field(default_factory=Counter)
    reached: set[ConsignmentStatus] = field(default_factory=set)
    ended: dict[bytes, tuple[Any, ...]] = field(default_factory=dict)
    slips: int = 0

    def __post_init__(self) -> None:
        for unit in UNITS:
            administrator, operator = Account.create(), Account.create()
            self.world.admit(unit, administrator)
            self.world.enrol(
                operator,
                DISPATCH | CARRY | RECEIVE | 1,
                unit=unit,
                signedBy=signer_id(administrator),
            )
            self.keys[unit] = operator
            self.view.put(UnitState(number=unit, roles=UnitRole.USER, admission=Digest(b"\1" * 32)))
            self.view.put(
                SignerState(
                    id=SignerId(signer_id(operator)),
                    unit=unit,
                    signer=bytes.fromhex(operator.address[2:]),
                    rights=Right(DISPATCH | CARRY | RECEIVE | 1),
                    custody=Custody.DEVICE,
                    valid_from=0,
                    valid_until=0,
                    enrolment=Digest(b"\1" * 32),
                )
            )
        for unit in (GIVER, RECEIVER):
            code = keccak(text=f"asset {unit}")
            assert self.say("AssetRegistration", unit=unit, code=code, kind=int(AssetKind.SCOPE))
            self.assets.append(asset_id(UnitNumber(unit), code))

    # ------------------------------------------------------------ both sides

    def say(self, struct: str, **values: Any) -> bool:
        """Whether both take it; they must agree, also on what stands afterwards."""
        if "signedBy" in ACTS[struct].struct.encode_type():
            values.setdefault("signedBy", signer_id(self.keys[values["unit"]]))
        operation = self.world.operation(struct, **values)
        ours = self.our_answer(struct, operation.values)
        theirs = self.their_answer(operation)
        assert (ours is None) is theirs, f"{struct} {values}: we say {ours}, the chain {theirs}"
        self.outcomes[struct, theirs] += 1
        if theirs:
            apply(
                Recorded(
                    digest=Digest(operation.digest), act=ACTS[struct], message=operation.values
                ),
                self.view,
            )
            self.compare()
        return theirs

    def our_answer(self, struct: str, message: dict[str, Any]) -> str | None:
        act = ACTS[struct]
        try:
            require_known_words(act, message)
            require_rights(act, message, self.view)
            act.rules(message, self.view)
        except SteriLedgerError as error:
            return str(error)
        return None

    def their_answer(self, operation: Any) -> bool:
        head = self.world.heads()
        call = self.world.call(operation, None)
        try:
            call.call({"from": self.world.relayer})
        except TransactionFailed:
            return False
        self.world.send(operation)
        assert self.world.heads() != head
        return True

    def compare(self) -> None:
        for identifier in self.consignments:
            ours = self.view.find(ConsignmentState, identifier)
            if ours is None:
                continue
            theirs = self.world.custody.functions.getConsignment(identifier).call()
            assert tuple(theirs) == (
                ours.latest,
                ours.giver,
                ours.receiver,
                ours.holder,
                ours.taker,
                ours.packages,
                ours.step,
                ours.status,
                any(ours.asset),
            )
            self.reached.add(ours.status)
            if ours.status.is_over:
                assert self.ended.setdefault(identifier, tuple(theirs)) == tuple(theirs)
        for identifier in self.assets:
            asset = self.view.find(AssetState, identifier)
            assert asset is not None
            stored = self.world.custody.functions.getAsset(identifier).call()
            assert tuple(stored) == (
                asset.current,
                asset.unit,
                asset.custodian,
                asset.state,
                asset.kind,
                asset.consignment[:22],
            )
            self.require_one_place(asset)

    def require_one_place(self, asset: AssetState) -> None:
        """What travels is in exactly one consignment that is not over."""
        states = [self.view.find(ConsignmentState, each) for each in self.consignments]
        inside = [s.id for s in states if s and s.asset == asset.id and not s.status.is_over]
        assert inside == ([asset.consignment] if asset.is_travelling else [])

    # ------------------------------------------------------------ random operations

    def mostly(self, right: Any, *wrong: Any) -> Any:
        return right if self.random.random() < 0.85 else self.random.choice(wrong)

    def anybody(self) -> int:
        return self.random.choice(UNITS)

    def move(self) -> None:
        states = [self.view.find(ConsignmentState, each) for each in self.consignments]
        standing = [s for s in states if s is not None]
        live = [s for s in standing if not s.status.is_over]
        if not standing or (len(live) < 3 and self.random.random() < 0.35):
            self.dispatch()
            return
        if self.random.random() < 0.06:
            self.change_asset()
            return
        chosen = self.mostly(self.random.choice(live or standing), *standing)
        step = self.random.choice(list(Step))
        turn = {
            "consignment": self.mostly(chosen.id, b"\7" * 32),
            "step": self.mostly(chosen.step + 1, 0, chosen.step, chosen.step + 2),
            "previous": self.mostly(chosen.latest, ZERO_DIGEST, b"\5" * 32),
        }
        if step is Step.HAND_OVER:
            unit = self.mostly(chosen.holder, *UNITS)
            self.say(
                "HandOver",
                unit=unit,
                taker=self.mostly(self.anybody(), 9),
                leg=self.mostly(int(Leg.AS_PLANNED), 2, 3, 0),
                **turn,
            )
        elif step <= Step.REFUSE:
            self.take(chosen, TakeOutcome(int(step)), turn)
        else:
            self.dispose(chosen, DispositionKind(step - Step.REFUSE), turn)

    def dispatch(self) -> None:
        self.slips += 1
        unit = self.mostly(GIVER, RECEIVER)
        slip = keccak(text=str(self.mostly(self.slips, 1)))
        asset = self.random.choice([ZERO_DIGEST, *self.assets])
        identifier = consignment_id(UnitNumber(unit), slip)
        if identifier not in self.consignments:
            self.consignments.append(identifier)
        self.say(
            "Dispatch",
            unit=unit,
            slip=slip,
            receiver=self.mostly(self.random.choice((RECEIVER, OTHER)), unit, 9),
            purpose=self.mostly(int(Purpose.CLEAN), 5, 0, 6),
            packages=self.mostly(self.random.randint(1, 4), 0),
            asset=self.mostly(asset, b"\6" * 32),
            taker=self.mostly(self.anybody(), 9),
        )

    def take(self, chosen: ConsignmentState, outcome: TakeOutcome, turn: dict[str, Any]) -> None:
        keeps = outcome.name in ENDS
        unit = chosen.taker or chosen.receiver
        if keeps:
            unit = self.random.choice((chosen.receiver, chosen.giver))
        if keeps and self.random.random() < 0.3:
            turn = {**turn, "step": 0, "previous": ZERO_DIGEST}
        seen = self.random.randint(0, chosen.packages + 1) if keeps else 0
        self.say(
            "TakeOver",
            unit=self.mostly(unit, *UNITS),
            outcome=self.mostly(int(outcome), 0, 5),
            seen=seen,
            inferred=self.mostly(0, 1),
            refused=self.mostly(0, 1),
            extra=self.mostly(0, 3),
            asset=self.mostly(chosen.asset if keeps else ZERO_DIGEST, ZERO_DIGEST, *self.assets),
            trip=ZERO_DIGEST,
            **turn,
        )

    def dispose(
        self, chosen: ConsignmentState, kind: DispositionKind, turn: dict[str, Any]
    ) -> None:
        cancels, reroutes = kind is DispositionKind.CANCEL, kind is DispositionKind.REROUTE
        values = {
            "unit": self.mostly(
                chosen.giver if self.random.random() < 0.5 else chosen.holder, *UNITS
            ),
            "kind": self.mostly(int(kind), 0, 5),
            "receiver": self.mostly(self.anybody() if reroutes else 0, 2, 9),
            "asset": self.mostly(chosen.asset if cancels else ZERO_DIGEST, *self.assets),
            **turn,
        }
        if self.random.random() < 0.25:
            self.say("ClosedUnitDisposition", **values)
        else:
            self.say("Disposition", **values)

    def change_asset(self) -> None:
        asset = self.view.find(AssetState, self.random.choice(self.assets))
        assert asset is not None
        state = self.random.choice([*list(AssetCondition)[:4], 1, 1, 1])
        self.say(
            "AssetChange",
            asset=asset.id,
            unit=self.mostly(asset.unit, *UNITS),
            state=self.mostly(int(state), 0, 6),
            replaces=self.mostly(asset.current, ZERO_DIGEST),
        )

    def close(self, unit: int) -> None:
        operation = self.world.operation("UnitClosure", unit=unit)
        self.world.send(operation)
        self.view.put(
            UnitState(
                number=unit,
                roles=UnitRole.USER,
                admission=Digest(b"\1" * 32),
                closure=Digest(operation.digest),
            )
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_declared_rules_and_the_contract_agree_on_every_operation(
    world: World, seed: int
) -> None:
    history = History(world=world, random=Random(seed))
    for _ in range(STEPS_EACH):
        history.move()
    # and with a receiver, or the giver, that is closed
    history.close((RECEIVER, GIVER)[seed % 2])
    for _ in range(STEPS_EACH // 2):
        history.move()
    taken = {struct for (struct, is_taken), _ in history.outcomes.items() if is_taken}
    refused = {struct for (struct, is_taken), _ in history.outcomes.items() if not is_taken}
    assert taken >= {"Dispatch", "HandOver", "TakeOver", "Disposition"}
    assert refused >= {"Dispatch", "HandOver", "TakeOver", "Disposition"}
    assert len(history.reached) >= 4

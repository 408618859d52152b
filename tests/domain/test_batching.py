"""Facts about how owed operations are gathered into transactions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.batching import (
    Candidate,
    Limits,
    Plan,
    Proof,
    estimated_gas,
    estimated_size,
    plan,
    transaction_gas,
)

OPENING, DECISION = ACTS["CycleOpening"], ACTS["CycleDecision"]


def digest(number: int) -> Digest:
    return Digest(number.to_bytes(32, "big"))


def candidate(
    number: int,
    kind: str,
    *,
    subject: int = 0,
    after: Iterable[int] = (),
    gas: int = 100_000,
    size: int = 700,
) -> Candidate:
    return Candidate(
        digest=digest(number),
        act=ACTS[kind],
        subject=digest(subject or number),
        predecessors=frozenset(digest(n) for n in after),
        gas=gas,
        size=size,
    )


def numbers(result: Plan) -> list[list[int]]:
    return [[int.from_bytes(c.digest, "big") for c in group] for group in result.groups]


def cycle_of_four(first: int) -> list[Candidate]:
    return [
        candidate(first, "CycleOpening", subject=first),
        candidate(first + 1, "LoadDeclaration", subject=first, after=[first]),
        candidate(first + 2, "CycleEnding", subject=first, after=[first]),
        candidate(first + 3, "CycleDecision", subject=first, after=[first + 1, first + 2]),
    ]


def test_many_cycles_need_one_transaction_per_kind() -> None:
    owed = [c for first in range(1, 401, 4) for c in cycle_of_four(first)]
    result = plan(owed, recorded=set(), limits=Limits(gas=100_000_000, calldata=10_000_000))
    assert [group[0].act.name for group in result.groups] == [
        "CycleOpening", "LoadDeclaration", "CycleEnding", "CycleDecision",
    ]  # fmt: skip
    assert [len(group) for group in result.groups] == [100, 100, 100, 100]


def test_an_operation_whose_predecessor_is_nowhere_is_held_back() -> None:
    owed = [candidate(2, "CycleEnding", after=[1])]
    result = plan(owed, recorded=set())
    assert result.groups == ()
    assert result.held == tuple(owed)


def test_a_recorded_predecessor_lets_an_operation_go() -> None:
    result = plan([candidate(2, "CycleEnding", after=[1])], recorded={digest(1)})
    assert numbers(result) == [[2]]


def test_what_a_held_operation_waits_for_may_come_after_it() -> None:
    owed = [
        candidate(2, "CycleEnding", subject=9, after=[1]),
        candidate(1, "CycleOpening", subject=9),
    ]
    assert numbers(plan(owed, recorded=set())) == [[1]]
    assert numbers(plan(owed, recorded={digest(1)})) == [[2], [1]]


def test_what_is_left_out_holds_back_its_dependents_only() -> None:
    owed = [*cycle_of_four(1), *cycle_of_four(5)]
    result = plan(owed, recorded=set(), left_out={digest(3)})
    assert sorted(n for group in numbers(result) for n in group) == [1, 2, 5, 6, 7, 8]
    assert [c.digest for c in result.held] == [digest(3), digest(4)]


def test_an_amended_ending_never_overtakes_the_decision_on_the_first() -> None:
    owed = [
        candidate(1, "CycleEnding", subject=9),
        candidate(2, "CycleDecision", subject=9, after=[1]),
        candidate(3, "CycleEnding", subject=9, after=[1]),
    ]
    assert numbers(plan(owed, recorded=set())) == [[1], [2], [3]]


def test_nothing_moves_across_a_revocation() -> None:
    owed = [
        candidate(1, "CycleOpening"),
        candidate(2, "SignerRevocation"),
        candidate(3, "CycleOpening"),
        candidate(4, "SignerRevocation"),
    ]
    assert numbers(plan(owed, recorded=set())) == [[1], [2], [3], [4]]


def test_registry_operations_of_one_kind_share_a_transaction() -> None:
    owed = [candidate(n, "SignerEnrolment") for n in (1, 2, 3)]
    assert numbers(plan(owed, recorded=set())) == [[1, 2, 3]]


def test_gas_calldata_and_count_each_close_a_transaction() -> None:
    owed = [candidate(n, "CycleOpening", gas=1000, size=10) for n in range(1, 5)]
    by_gas = plan(owed, recorded=set(), limits=Limits(gas=32_000))
    by_size = plan(owed, recorded=set(), limits=Limits(calldata=20))
    by_count = plan(owed, recorded=set(), limits=Limits(operations=3))
    assert numbers(by_gas) == [[1, 2], [3, 4]]
    assert numbers(by_size) == [[1, 2], [3, 4]]
    assert numbers(by_count) == [[1, 2, 3], [4]]


def test_an_operation_above_every_limit_goes_alone() -> None:
    owed = [candidate(1, "CycleOpening", gas=99_000_000), candidate(2, "CycleOpening")]
    assert numbers(plan(owed, recorded=set())) == [[1], [2]]


@st.composite
def histories(draw: st.DrawFn) -> list[Candidate]:
    count = draw(st.integers(1, 40))
    kinds = sorted(ACTS)
    owed = []
    for number in range(1, count + 1):
        after = draw(st.sets(st.integers(1, number - 1), max_size=3)) if number > 1 else set()
        owed.append(
            candidate(
                number,
                draw(st.sampled_from(kinds)),
                subject=draw(st.integers(1, 8)),
                after=after,
                gas=draw(st.integers(50_000, 3_000_000)),
                size=draw(st.integers(100, 40_000)),
            )
        )
    return owed


@given(histories(), st.sets(st.integers(1, 40), max_size=4))
def test_every_plan_keeps_every_order(owed: list[Candidate], out: set[int]) -> None:
    result = plan(owed, recorded=set(), left_out={digest(n) for n in out})
    sent = [c for group in result.groups for c in group]
    assert sorted(c.digest for c in (*sent, *result.held)) == [c.digest for c in owed]
    accepted = {c.digest: place for place, c in enumerate(owed)}
    for place, later in enumerate(sent):
        before = {c.digest for c in sent[:place]}
        assert later.predecessors <= before
        for earlier in sent[:place]:
            tied = (
                earlier.act.function == later.act.function
                or earlier.subject == later.subject
                or Contract.UNIT_REGISTRY in {earlier.act.contract, later.act.contract}
            )
            assert not tied or accepted[earlier.digest] < accepted[later.digest]


@given(histories())
def test_every_group_is_of_one_function_and_within_the_limits(owed: list[Candidate]) -> None:
    for group in plan(owed, recorded=set()).groups:
        assert len({c.act.function for c in group}) == 1
        assert len(group) == 1 or sum(c.gas for c in group) <= 12_000_000
        assert len(group) == 1 or sum(c.size for c in group) <= 100_000


@given(histories())
def test_nothing_is_held_back_without_a_reason(owed: list[Candidate]) -> None:
    assert plan(owed, recorded=set()).held == ()


def test_a_passkey_is_planned_with_more_gas_and_bytes_than_an_account() -> None:
    message = {m.name: bytes(32) if m.type == "bytes32" else 1 for m in OPENING.struct.members}
    account = [Proof(signer=bytes(20), signature=bytes(65))]
    passkey = [Proof(signer=bytes(84), signature=bytes(400))]
    gas = estimated_gas(OPENING, message, account, size=700)
    assert estimated_gas(OPENING, message, passkey, size=700) > gas
    assert estimated_size(OPENING, message, passkey) > estimated_size(OPENING, message, account)


def test_the_lines_of_a_decision_are_counted() -> None:
    message = {m.name: bytes(32) if m.type == "bytes32" else 1 for m in DECISION.struct.members}
    share = {"owner": 1, "payer": 1, "packageClass": 1, "delta": 1}
    proofs = [Proof(signer=bytes(20), signature=bytes(65))]
    sizes = [
        estimated_size(DECISION, {**message, "shares": [share] * n}, proofs) for n in (0, 1, 2)
    ]
    assert sizes[1] - sizes[0] == sizes[2] - sizes[1] == 4 * 32


#: act of tests/contracts/gas.json → its kind, and how many lines it has
NAMED = {
    "open": ("CycleOpening", 0),
    "end": ("CycleEnding", 0),
    "load one class": ("LoadDeclaration", 1),
    "release to two units": ("CycleDecision", 2),
    "hold": ("CycleDecision", 0),
    "witness a result": ("ResultEntry", 0),
    "dispatch": ("Dispatch", 0),
    "carry": ("TakeOver", 0),
    "hand over": ("HandOver", 0),
    "keep": ("TakeOver", 0),
    "record a service": ("Service", 0),
    "admit a unit": ("UnitAdmission", 0),
    "enrol a signer": ("SignerEnrolment", 0),
    "erase a record": ("RecordErasure", 0),
    "revoke a signer": ("SignerRevocation", 0),
    "register a machine": ("EquipmentRegistration", 0),
    "change a machine": ("EquipmentChange", 0),
}
MEASURED = json.loads((Path(__file__).parents[1] / "contracts" / "gas.json").read_text("utf-8"))[
    "gas"
]
#: gas that the first cycle of a machine needs more: its counter is new
FIRST_OF_A_MACHINE = 34_000


def limit(name: str, lines: int, count: int) -> int:
    """The gas limit of one transaction of that many operations with account keys."""
    act = ACTS[name]
    items: dict[str, Value] = {
        m.name: [{}] * lines for m in act.struct.members if m.type.endswith("[]")
    }
    proofs = [Proof(signer=bytes(20), signature=bytes(65)) for _ in act.parties]
    gas = estimated_gas(act, items, proofs, size=500)
    return transaction_gas([candidate(number, name, gas=gas) for number in range(count)])


def test_every_measured_act_stands_in_the_table() -> None:
    assert set(NAMED) == set(MEASURED)


@pytest.mark.parametrize("act", NAMED)
def test_a_gas_limit_leaves_a_fifth_above_what_was_measured(act: str) -> None:
    name, lines = NAMED[act]
    one = MEASURED[act]["one"] + (FIRST_OF_A_MACHINE if act == "open" else 0)
    assert limit(name, lines, 1) > one * 6 // 5
    if "each of 50" in MEASURED[act]:
        assert limit(name, lines, 50) > 50 * MEASURED[act]["each of 50"] * 6 // 5

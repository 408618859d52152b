"""The rules of acceptance beside the contracts' own source, and the folds that they rest on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.decisions import (
    SHARE_RULES,
    TRANSITIONS,
    DecisionKind,
    DecisionState,
    ShareRule,
)
from ledger.domain.acts.vocabulary import Message
from ledger.domain.acts.words import EquipmentState, Outcome, Right, Verdict
from ledger.domain.encoding.abi import Scalar
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
    UnitNumber,
    cycle_id,
    equipment_id,
)
from ledger.domain.errors import Inconsistent, InvalidInput, NotFound, Refused
from ledger.domain.rules import (
    MOST_TOTALS,
    RECOVERY_DELAY_SECONDS,
    SKEW_SECONDS,
    makes_usable,
    require_custody,
    require_duties,
    require_releasable,
    require_results,
    require_rising_number,
    require_roles,
    require_signed_at,
    require_signer,
    require_totals,
    require_validity,
)
from ledger.domain.subjects.accepted import Accepted, fold_cycle, fold_machine
from ledger.domain.subjects.needs import is_needed
from ledger.domain.subjects.states import ClassCount, CycleState, SignerState

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
LEDGER = (CONTRACTS / "CycleLedger.sol").read_text("utf-8")
REGISTRY = (CONTRACTS / "UnitRegistry.sol").read_text("utf-8")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
OPENING, ENDING, LOAD = (Digest(bytes([n]) * 32) for n in (1, 2, 3))
MACHINE = EquipmentId(b"\7" * 32)
CYCLE = CycleState(
    id=CycleId(b"\4" * 32),
    equipment=MACHINE,
    unit=1,
    epoch=1,
    number=1,
    started_at=0,
    opening=OPENING,
    ending=ENDING,
    load=LOAD,
    outcome=Outcome.COMPLETED,
    verdict=Verdict.NOT_COMPUTED,
)
SIGNER = SignerState(
    id=SignerId(b"\5" * 32),
    unit=1,
    key=b"\6" * 20,
    name="",
    duties=int(Right.OPEN | Right.LOAD),
    custody=1,
    valid_from=100,
    valid_until=200,
    enrolment=Digest(b"\6" * 32),
)


def constant(source: str, name: str) -> str:
    """The value of a constant in a contract's source."""
    found = re.search(rf"constant {name} =\s*(?:/\*.*?\*/\s*)?([^;]+);", source)
    assert found is not None
    return found[1].strip()


def table() -> list[list[int]]:
    """The contract's decision table: one row per state, one byte per kind."""
    (text,) = re.findall(r"constant DECISIONS =(.*?);", LEDGER, re.DOTALL)
    return [list(bytes.fromhex(row.replace("_", ""))) for row in re.findall(r'hex"(.*?)"', text)]


# ------------------------------------------------------------------------------ contracts


def test_our_bounds_are_the_contracts_bounds() -> None:
    assert int(constant(REGISTRY, "SKEW_SECONDS")) == SKEW_SECONDS
    assert constant(REGISTRY, "RECOVERY_DELAY") == "7 days"
    assert RECOVERY_DELAY_SECONDS == 7 * 86400
    assert int(constant(LEDGER, "MAX_TOTALS")) == MOST_TOTALS
    assert int(constant(LEDGER, "OUTCOMES")) == max(Outcome)
    assert int(constant(LEDGER, "VERDICTS")) == max(Verdict)
    assert int(constant(LEDGER, "ACTS")) == max(DecisionKind)


@pytest.mark.parametrize("state", DecisionState)
@pytest.mark.parametrize("kind", DecisionKind)
@pytest.mark.parametrize("adds", [False, True])
def test_what_makes_packages_usable_is_what_the_contract_wants_releasable(
    state: DecisionState, kind: DecisionKind, adds: bool
) -> None:
    entry = table()[state][kind - 1]
    if entry == 0xFF:
        assert kind not in TRANSITIONS[state]
        with pytest.raises(Refused):
            makes_usable(state, kind, adds=adds)
        return
    following, takes_shares = entry & 0x0F, bool(entry & 0x30)
    assert TRANSITIONS[state][kind] == following
    assert takes_shares == (
        SHARE_RULES.get(state, {}).get(kind) in {ShareRule.FIRST, ShareRule.ANY}
    )
    if adds and not takes_shares:
        return  # the shares themselves are refused
    wanted = bool(entry & 0x80) or (adds and 1 <= following <= 3)
    assert makes_usable(state, kind, adds=adds) == wanted


# ------------------------------------------------------------------------------ time and rights


@pytest.mark.parametrize("ahead", [-SECONDS + 1, -1, 0, SKEW_SECONDS])
def test_signing_in_the_past_or_within_the_skew_is_allowed(ahead: int) -> None:
    require_signed_at({"signedAt": SECONDS + ahead}, NOW)


@pytest.mark.parametrize("signed_at", [0, SECONDS + SKEW_SECONDS + 1, 2**64 - 1])
def test_signing_never_or_in_the_future_is_invalid(signed_at: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_signed_at({"signedAt": signed_at}, NOW)
    assert caught.value.field == "signedAt"


@given(st.integers(0, 300), st.sampled_from(list(Right)), st.sampled_from([1, 2]), st.booleans())
def test_a_signer_acts_for_its_unit_with_its_duty_while_it_is_valid(
    signed_at: int, duty: Right, unit: int, revoked: bool
) -> None:
    signer = replace(SIGNER, revocation=Digest(b"\1" * 32) if revoked else None)
    allowed = (
        unit == 1 and not revoked and duty in {Right.OPEN, Right.LOAD} and 100 <= signed_at <= 200
    )
    if allowed:
        assert require_signer(signer, unit=unit, duty=duty, signed_at=signed_at) is signer
    else:
        with pytest.raises(Refused):
            require_signer(signer, unit=unit, duty=duty, signed_at=signed_at)


def test_a_signer_without_expiry_is_valid_for_ever() -> None:
    signer = replace(SIGNER, valid_until=0)
    require_signer(signer, unit=1, duty=Right.OPEN, signed_at=2**63)
    with pytest.raises(NotFound):
        require_signer(None, unit=1, duty=Right.OPEN, signed_at=150)


@pytest.mark.parametrize("duties", [0, 1024, sum(Right) + 1])
def test_duties_that_no_contract_knows_are_invalid(duties: int) -> None:
    with pytest.raises(InvalidInput, match="administer"):
        require_duties({"duties": duties})


@pytest.mark.parametrize("roles", [0, 64, 127])
def test_roles_that_no_contract_knows_are_invalid(roles: int) -> None:
    with pytest.raises(InvalidInput, match="processor"):
        require_roles({"roles": roles})


@pytest.mark.parametrize("custody", [0, 5])
def test_a_custody_that_no_contract_knows_is_invalid(custody: int) -> None:
    with pytest.raises(InvalidInput, match="1 server"):
        require_custody({"custody": custody})


@pytest.mark.parametrize("until", [1, SECONDS, SECONDS + 9])
def test_a_validity_that_is_over_or_empty_is_invalid(until: int) -> None:
    with pytest.raises(InvalidInput):
        require_validity({"validUntil": until}, valid_from=SECONDS + 9, now=NOW)


@given(st.integers(-5, 20), st.none() | st.integers(1, 20))
def test_a_number_is_positive_and_rises(number: int, latest: int | None) -> None:
    if number >= 1 and (latest is None or number > latest):
        require_rising_number(number, latest)
    else:
        with pytest.raises((InvalidInput, Refused)):
            require_rising_number(number, latest)


# ------------------------------------------------------------------------------ loads and releases


def totals(*lines: tuple[int, int]) -> dict[str, object]:
    """A declaration's totals."""
    return {"totals": [{"packageClass": number, "quantity": count} for number, count in lines]}


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), max_size=5),
    st.dictionaries(st.integers(1, 4), st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=3),
)
def test_a_declaration_names_each_class_once_and_keeps_what_was_declared_and_released(
    lines: list[tuple[int, int]], known: dict[int, tuple[int, int]]
) -> None:
    cycle = replace(CYCLE, counts={n: _count(*pair) for n, pair in known.items()})
    classes = [number for number, _ in lines]
    allowed = (
        bool(lines)
        and classes == sorted(set(classes))
        and set(known) <= set(classes)
        and all(count > 0 or number in known for number, count in lines)
        and all(count >= known[number][1] for number, count in lines if number in known)
    )
    if allowed:
        require_totals(totals(*lines), cycle)  # type: ignore[arg-type]
    else:
        with pytest.raises((InvalidInput, Refused)):
            require_totals(totals(*lines), cycle)  # type: ignore[arg-type]


def _count(declared: int, released: int) -> ClassCount:
    return ClassCount(declared=declared, released=released)


@pytest.mark.parametrize(
    "cycle, words",
    [
        (replace(CYCLE, ending=ZERO_DIGEST), "not ended"),
        (replace(CYCLE, outcome=Outcome.ABORTED), "aborted"),
        (replace(CYCLE, outcome=Outcome.UNKNOWN), "unknown|no known"),
        (replace(CYCLE, verdict=Verdict.FAILED), "failed"),
        (replace(CYCLE, load=ZERO_DIGEST), "not declared"),
    ],
)
def test_a_cycle_that_may_not_be_released_says_why(cycle: CycleState, words: str) -> None:
    with pytest.raises(Refused, match=words):
        require_releasable(cycle)


@pytest.mark.parametrize("verdict", [Verdict.PASSED, Verdict.NOT_ENOUGH_DATA, Verdict.NOT_COMPUTED])
def test_only_a_failed_verdict_keeps_a_cycle_from_release(verdict: Verdict) -> None:
    require_releasable(replace(CYCLE, verdict=verdict))


@pytest.mark.parametrize("word", ["fail", "invalid"])
@pytest.mark.parametrize("kind", [DecisionKind.RELEASE, DecisionKind.EMERGENCY_RELEASE])
def test_a_bad_result_keeps_a_load_from_use(word: str, kind: DecisionKind) -> None:
    state = DecisionState.UNDECIDED
    with pytest.raises(Refused, match="did not pass"):
        require_results(
            state=state, decision=kind, adds=True, known={"physical": word}, holds_indicator=False
        )


@pytest.mark.parametrize("kind", [DecisionKind.REJECT, DecisionKind.HOLD])
def test_a_bad_result_keeps_nobody_from_rejecting(kind: DecisionKind) -> None:
    state = DecisionState.UNDECIDED
    require_results(
        state=state, decision=kind, adds=False, known={"physical": "fail"}, holds_indicator=True
    )


# ------------------------------------------------------------------------------ folds


def opened(number: int = 1) -> Accepted:
    """An opening."""
    message: Message = {
        "equipment": MACHINE,
        "unit": 1,
        "epoch": 1,
        "number": number,
        "startedAt": 0,
    }
    return Accepted(digest=OPENING, kind="CycleOpening", message=message)


def decided(kind: DecisionKind, delta: int, digest: bytes) -> Accepted:
    """A decision with one share."""
    share: dict[str, Scalar] = {"owner": 1, "payer": 1, "packageClass": 1, "delta": delta}
    shares = [share] if delta else []
    message: Message = {"kind": int(kind), "shares": shares}
    return Accepted(digest=Digest(digest), kind="CycleDecision", message=message)


def test_a_cycle_is_what_its_operations_made_of_it() -> None:
    load = Accepted(digest=LOAD, kind="LoadDeclaration", message=totals((1, 8)))  # type: ignore[arg-type]
    ending = Accepted(digest=ENDING, kind="CycleEnding", message={"outcome": 1, "verdict": 1})
    steps = [
        opened(),
        load,
        ending,
        decided(DecisionKind.RELEASE, 6, b"\x11" * 32),
        decided(DecisionKind.CORRECT, -2, b"\x12" * 32),
        decided(DecisionKind.HOLD, 0, b"\x13" * 32),
    ]
    state = fold_cycle(CYCLE.id, steps)
    assert state is not None
    assert (state.ending, state.load, state.decision) == (ENDING, LOAD, b"\x13" * 32)
    assert state.state is DecisionState.RELEASED_HELD
    assert (state.counts[1].declared, state.counts[1].released) == (8, 4)


def test_a_cycle_that_nobody_opened_is_none_and_an_act_on_it_is_our_fault() -> None:
    assert fold_cycle(CYCLE.id, []) is None
    with pytest.raises(Inconsistent, match="never opened"):
        fold_cycle(CYCLE.id, [decided(DecisionKind.HOLD, 0, b"\1" * 32)])


def test_a_machine_is_what_its_latest_change_says() -> None:
    registered = Accepted(
        digest=OPENING, kind="EquipmentRegistration", message={"unit": 1, "epoch": 1}
    )
    changed = Accepted(digest=LOAD, kind="EquipmentChange", message={"state": 2, "epoch": 4})
    state = fold_machine(MACHINE, [registered, changed])
    assert state is not None
    assert (state.state, state.epoch, state.current) == (EquipmentState.OUT_OF_SERVICE, 4, LOAD)


# ------------------------------------------------------------------------------ what is needed


def accepted(kind: str, digest: int = 9, **members: object) -> Accepted:
    """An operation of a kind that states only what the test is about."""
    message = {m.name: _empty(m.type) for m in ACTS[kind].struct.members} | members
    return Accepted(digest=Digest(bytes([digest]) * 32), kind=kind, message=message)  # type: ignore[arg-type]


def _empty(type_: str) -> object:
    return bytes(32) if type_ == "bytes32" else [] if type_.endswith("[]") else 0


KEY, CYCLE_ID = b"\x21" * 32, cycle_id(MACHINE, 1, 1)
OWN = equipment_id(UnitNumber(1), b"\x22" * 32)
REFUSED = {
    "UnitAdmission": accepted("UnitAdmission", unit=2, administrator=KEY),
    "SignerEnrolment": accepted("SignerEnrolment", unit=1, signer=KEY, signedBy=b"\x23" * 32),
    "EquipmentRegistration": accepted("EquipmentRegistration", unit=1, serial=b"\x22" * 32),
    "EquipmentChange": accepted("EquipmentChange", equipment=MACHINE, unit=1),
    "CycleOpening": accepted("CycleOpening", equipment=MACHINE, unit=1, epoch=1, number=1),
    "CycleEnding": accepted("CycleEnding", cycle=CYCLE_ID, unit=1),
    "CycleDecision": accepted("CycleDecision", cycle=CYCLE_ID, unit=1),
    "RecoveryProposal": accepted("RecoveryProposal", unit=1, signer=KEY),
}
NINE = Digest(b"\x09" * 32)


@pytest.mark.parametrize(
    "before, after, needed",
    [
        ("UnitAdmission", accepted("UnitClosure", unit=2), True),
        ("UnitAdmission", accepted("SignerEnrolment", unit=2, signedBy=KEY), True),
        (
            "UnitAdmission",
            accepted(
                "CycleDecision",
                unit=1,
                shares=[{"owner": 1, "payer": 2, "packageClass": 1, "delta": 1}],
            ),
            True,
        ),
        ("UnitAdmission", accepted("CycleDecision", unit=1), False),
        ("SignerEnrolment", accepted("CycleOpening", unit=1, signedBy=KEY), True),
        ("SignerEnrolment", accepted("SignerRevocation", unit=1, signer=KEY), True),
        ("SignerEnrolment", accepted("SignerRevocation", unit=1, signer=b"\x23" * 32), False),
        ("EquipmentRegistration", accepted("CycleOpening", unit=1, equipment=OWN), True),
        ("EquipmentRegistration", accepted("CycleOpening", unit=1, equipment=MACHINE), False),
        ("EquipmentChange", accepted("CycleOpening", unit=1, equipment=MACHINE), True),
        ("CycleOpening", accepted("CycleEnding", unit=1, cycle=CYCLE_ID), True),
        ("CycleOpening", accepted("CycleOpening", unit=1, equipment=MACHINE, number=2), False),
        ("CycleOpening", accepted("EquipmentChange", unit=1, equipment=MACHINE), False),
        ("CycleEnding", accepted("CycleDecision", unit=1, cycle=CYCLE_ID, ending=NINE), True),
        ("CycleEnding", accepted("CycleEnding", unit=1, cycle=CYCLE_ID, replaces=NINE), True),
        ("CycleDecision", accepted("CycleDecision", unit=1, replaces=NINE), True),
        ("CycleDecision", accepted("CycleEnding", unit=1, cycle=CYCLE_ID), False),
        ("CycleDecision", accepted("SignerRevocation", unit=1, signer=KEY), False),
        ("RecoveryProposal", accepted("RecoveryVeto", unit=1, proposal=NINE), True),
        ("RecoveryProposal", accepted("UnitClosure", unit=1), False),
        ("CycleEnding", accepted("RecordErasure", unit=1, subject=NINE), False),
    ],
)
def test_what_a_refused_operation_takes_with_it(before: str, after: Accepted, needed: bool) -> None:
    assert is_needed(REFUSED[before], after) is needed

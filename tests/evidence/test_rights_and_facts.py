"""What correct signatures cannot hide: no right, no agreement, no unbroken history."""

from __future__ import annotations

import contextlib
import dataclasses
import re

import pytest

from ledger.domain.acts.catalogue import find_schema
from ledger.domain.acts.words import Party
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import serial_hash
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.schemas import FieldRule
from ledger.evidence.build import EvidenceSources, OperationSource
from ledger.evidence.facts import COUNTERPARTS, SERIALS
from tests.chain.kit import AccountKey
from tests.evidence.world import IDLE, Story, forged, last_of

COMMON = ("record.schema", "record.suite", "record.unit")
LISTED = {
    "LoadDeclaration": ("lines.0.quantity", "lines.0.package_class"),
    "CycleDecision": (
        "shares.0.owner", "shares.0.payer", "shares.0.package_class", "shares.0.delta"
    ),
    "CycleEnding": ("ended_utc",),
}  # fmt: skip
#: Kinds that the story holds.
KINDS_TOLD = (
    "UnitAdmission", "SignerEnrolment", "SignerRevocation", "EquipmentRegistration",
    "EquipmentChange", "CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision",
)  # fmt: skip
FACTS = [
    (kind, path)
    for kind in KINDS_TOLD
    for path in (*COMMON, *COUNTERPARTS[kind], *SERIALS.get(kind, {}), *LISTED.get(kind, ()))
]


def refusal(told: Story, sources: EvidenceSources, *disclose: str) -> str:
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, sources, *disclose)
    return str(raised.value)


def another(value: FieldValue, rule: FieldRule, path: str) -> FieldValue:
    """Another value that the field's schema allows."""
    if isinstance(value, int):
        return value + 1
    words = rule.text.removeprefix("one of ").split(", ")
    for candidate in ("00" * 32, "2017-01-01T00:00:00Z", *words, "other words"):
        with contextlib.suppress(InvalidInput):
            rule.check(path, candidate)
            if candidate != value:
                return candidate
    raise AssertionError(path)


@pytest.mark.parametrize("kind, path", FACTS)
@pytest.mark.parametrize("shown", ["whole", "alone"])
def test_a_record_that_contradicts_its_message_is_refused(
    told: Story, kind: str, path: str, shown: str
) -> None:
    source = last_of(told.sources, kind)
    assert source.facts.fields is not None
    rule = find_schema(source.kind.schema).facts[re.sub(r"\.\d+\.", "[].", path)]
    wrong = another(source.facts.fields[path], rule, path)
    sources = forged(told.world, told.sources, kind, path, wrong)
    patterns = ["*"] if shown == "whole" else [f"{source.kind.schema}:{path}"]
    if shown == "alone" and path.startswith("lines."):
        patterns = [f"{source.kind.schema}:lines.*"]
    words = refusal(told, sources, *patterns)
    if path in {"lines.0.quantity", "lines.0.package_class"}:
        assert "class" in words
    else:
        assert words.startswith(f"{path}: the shown {path} is"), words


def test_a_forged_cycle_that_agrees_holds_until_the_chain_is_asked(told: Story) -> None:
    """The control: signing anew is nothing that the offline part could see."""
    sources = forged(told.world, told.sources, "CycleEnding", "reason", "nothing of note")
    assert told.world.build(14, sources)


def test_shares_that_the_record_leaves_out_are_missed(told: Story) -> None:
    decision = told.sources.operations[-1]
    shares = decision.message["shares"]
    assert isinstance(shares, list)
    fewer: Value = shares[:-1]
    sources = forged(
        told.world, told.sources, "CycleDecision", None, None, message={"shares": fewer}
    )
    assert "3 shares, but 2 were signed" in refusal(told, sources)


@pytest.mark.parametrize(
    "kind, message, words",
    [
        ("CycleDecision", {"signedAt": 1}, "was not valid when it signed"),
        ("SignerEnrolment", {"validUntil": 1}, "breaks a rule of the contracts: ends at"),
        ("SignerEnrolment", {"validFrom": 2**40}, "was not valid when it signed"),
        ("SignerEnrolment", {"duties": 1}, "was not enrolled for that"),
        ("SignerEnrolment", {"custody": 9}, "breaks a rule of the contracts: is unknown"),
        ("CycleDecision", {"unit": 2}, "is of unit 2"),
        ("CycleDecision", {"kind": 6}, "does not follow"),
        ("CycleDecision", {"kind": 9}, "breaks a rule of the contracts: is unknown"),
        ("CycleDecision", {"ending": b"\x01" * 32}, "judges another ending"),
        ("CycleDecision", {"load": b"\x01" * 32}, "judges another load"),
        ("CycleDecision", {"replaces": b"\x01" * 32}, "does not continue"),
        ("CycleEnding", {"replaces": b"\x01" * 32}, "does not continue"),
        ("CycleEnding", {"cycle": b"\x01" * 32}, "is not of this cycle"),
        ("CycleEnding", {"outcome": 9}, "breaks a rule of the contracts: is unknown"),
        ("LoadDeclaration", {"replaces": b"\x01" * 32}, "does not continue"),
        ("CycleOpening", {"number": 15}, "does not open this cycle"),
        ("CycleOpening", {"epoch": 3}, "does not open this cycle"),
        ("EquipmentChange", {"state": 2}, "not in service"),
        ("EquipmentChange", {"epoch": 3}, "not in service"),
        ("EquipmentChange", {"replaces": b"\x01" * 32}, "does not continue"),
        ("EquipmentRegistration", {"serial": serial_hash("another")}, "registration"),
        ("UnitAdmission", {"unit": 2}, "is of unit 1"),
    ],
)
def test_an_operation_that_does_not_fit_is_refused(
    told: Story, kind: str, message: dict[str, Value], words: str
) -> None:
    sources = forged(told.world, told.sources, kind, None, None, message=message)
    assert words in refusal(told, sources)


def _by(told: Story, index: int, key: AccountKey) -> EvidenceSources:
    """The cycle with one operation signed by another key."""
    source = told.sources.operations[index]
    message = {**source.message, "signedBy": key.id}
    operation = told.world.home.operation(source.kind.name, **message)
    changed = dataclasses.replace(
        source,
        message=message,
        keys={Party.SIGNER: key.signer},
        signatures={Party.SIGNER: key.prove(operation.digest).signature},
    )
    operations: list[OperationSource] = list(told.sources.operations)
    operations[index] = changed
    return dataclasses.replace(told.sources, operations=operations)


def test_a_key_without_the_duty_is_refused(told: Story) -> None:
    assert "was not enrolled for that" in refusal(told, _by(told, 0, told.world.decider))


def test_a_key_that_is_not_enrolled_is_refused(told: Story) -> None:
    words = refusal(told, _by(told, 3, AccountKey("nobody")))
    assert "was enrolled before it" in words


def test_a_signature_by_another_key_is_refused(told: Story) -> None:
    source = told.sources.operations[3]
    digest = told.world.home.operation(source.kind.name, **source.message).digest
    changed = dataclasses.replace(source, signatures={Party.SIGNER: IDLE.prove(digest).signature})
    operations = [*told.sources.operations[:3], changed]
    words = refusal(told, dataclasses.replace(told.sources, operations=operations))
    assert "the signature of the signer of the CycleDecision" in words


def test_a_key_that_was_revoked_before_is_refused(told: Story) -> None:
    """The revocation of the operator, moved before the cycle."""
    revocation = told.sources.registry[-1]
    assert revocation.kind.name == "SignerRevocation"
    early = dataclasses.replace(
        revocation,
        place=dataclasses.replace(
            told.sources.operations[0].place,
            block=dataclasses.replace(
                told.sources.operations[0].place.block,
                number=told.sources.operations[0].place.block.number - 1,
            ),
        ),
    )
    registry = [*told.sources.registry[:-1], early]
    words = refusal(told, dataclasses.replace(told.sources, registry=registry))
    assert "was revoked in block" in words


def test_an_enrolment_after_the_use_is_refused(told: Story) -> None:
    place = told.sources.operations[-1].place
    late = dataclasses.replace(place, log_index=place.log_index + 50)
    registry = [
        dataclasses.replace(each, place=late)
        if each.kind.name == "SignerEnrolment"
        and each.keys[Party.NEW_KEY] == told.world.decider.signer
        else each
        for each in told.sources.registry
    ]
    words = refusal(told, dataclasses.replace(told.sources, registry=registry))
    assert "was enrolled before it" in words

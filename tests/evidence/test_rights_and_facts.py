"""What correct signatures cannot hide: no right, no agreement, no broken rule."""

from __future__ import annotations

import contextlib
import dataclasses
import re

import pytest

from ledger.domain.acts.words import Party
from ledger.domain.encoding.abi import Value
from ledger.domain.encoding.identifiers import serial_hash
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.schemas import FieldRule
from tests.chain.kit import AccountKey
from tests.evidence.world import IDLE, Sources, Story, forged, target_of

COMMON = ("record.schema", "record.suite", "record.unit")
CYCLE = ("cycle", "equipment", "machine.serial", "machine.epoch", "machine.number")
#: The facts that state what the message, or the states, state as well; of every kind in the story.
COUNTERPARTS = {
    "UnitAdmission": ("administrator", "custody", "roles"),
    "SignerEnrolment": ("signer", "custody", "rights"),
    "SignerRevocation": ("signer",),
    "EquipmentRegistration": ("equipment", "serial", "kind", "epoch"),
    "EquipmentChange": ("equipment", "state", "epoch", "supersedes"),
    "CycleOpening": CYCLE,
    "CycleEnding": (*CYCLE, "supersedes", "outcome", "verdict.result", "ended_utc"),
    "LoadDeclaration": (*CYCLE, "supersedes", "lines.0.quantity", "lines.0.package_class"),
    "CycleDecision": (
        *CYCLE, "supersedes", "decision", "judged_ending", "judged_load", "shares.0.owner",
        "shares.0.payer", "shares.0.package_class", "shares.0.delta",
    ),
    "ResultEntry": (*CYCLE, "supersedes", "result", "word"),
    "Comment": ("about", "supersedes", "stance"),
}  # fmt: skip
FACTS = [(kind, path) for kind, paths in COUNTERPARTS.items() for path in (*COMMON, *paths)]


def refusal(told: Story, sources: Sources, *disclose: str) -> str:
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
    source = target_of(told.world, kind, told.sources)
    assert source.record is not None
    assert source.record.facts.fields is not None
    rule = source.act.record_schema.facts[re.sub(r"\.\d+\.", "[].", path)]
    wrong = another(source.record.facts.fields[path], rule, path)
    sources = forged(told.world, told.sources, kind, path, wrong)
    patterns = ["*"] if shown == "whole" else [f"{source.act.schema}:{path}"]
    if shown == "alone" and path.startswith("lines."):
        patterns = [f"{source.act.schema}:lines.*"]
    words = refusal(told, sources, *patterns)
    if path in {"lines.0.quantity", "lines.0.package_class"}:
        assert "class" in words
    else:
        assert words.startswith(f"{path}: the shown {path} is"), words


def test_every_signed_field_that_a_record_states_is_among_them(told: Story) -> None:
    """A new field of a kind in the story is a row above, or its record may say anything."""
    for kind, paths in COUNTERPARTS.items():
        act = target_of(told.world, kind, told.sources).act
        stated = {
            str(each.recorded_as)
            for each in act.fields
            if each.signed_as and each.recorded_as and not each.is_personal
        }
        assert stated <= {path.split(".0.")[0] for path in paths}, kind


def test_a_forged_cycle_that_agrees_holds_until_the_chain_is_asked(told: Story) -> None:
    """The control: signing anew is nothing that the offline part could see."""
    sources = forged(told.world, told.sources, "CycleEnding", "reason", "nothing of note")
    assert told.world.build(14, sources)


def test_shares_that_the_record_leaves_out_are_missed(told: Story) -> None:
    shares = target_of(told.world, "CycleDecision", told.sources).message["shares"]
    assert isinstance(shares, list)
    fewer: Value = shares[:-1]
    sources = forged(
        told.world, told.sources, "CycleDecision", None, None, message={"shares": fewer}
    )
    assert "shows 3 shares, but 2 were signed" in refusal(told, sources)


@pytest.mark.parametrize(
    "kind, message, words",
    [
        ("CycleDecision", {"signedAt": 1}, "the signer is valid only from"),
        ("SignerEnrolment", {"validUntil": 1}, "ends at"),
        ("SignerEnrolment", {"validFrom": 2**40}, "the signer is valid only from"),
        ("SignerEnrolment", {"rights": 1}, "the signer does not hold the right"),
        ("SignerEnrolment", {"custody": 9}, "is unknown"),
        ("CycleDecision", {"unit": 2}, "acts for unit 1, not for unit 2"),
        ("CycleDecision", {"kind": 6}, "does not follow"),
        ("CycleDecision", {"kind": 9}, "is unknown"),
        ("CycleDecision", {"ending": b"\x01" * 32}, "judges another ending"),
        ("CycleDecision", {"load": b"\x01" * 32}, "judges another load"),
        ("CycleDecision", {"replaces": b"\x01" * 32}, "is not the current one"),
        ("CycleEnding", {"replaces": b"\x01" * 32}, "is not the current one"),
        ("CycleEnding", {"cycle": b"\x01" * 32}, "no such cycle"),
        ("CycleEnding", {"outcome": 9}, "is unknown"),
        ("LoadDeclaration", {"replaces": b"\x01" * 32}, "is not the current one"),
        ("CycleOpening", {"number": 15}, "no such cycle"),
        ("CycleOpening", {"epoch": 3}, "no such cycle"),
        ("EquipmentChange", {"state": 3, "replaces": b"\x01" * 32}, "was changed meanwhile"),
        ("EquipmentChange", {"epoch": 1}, "counts in epoch 1, not 2"),
        ("EquipmentRegistration", {"serial": serial_hash("another")}, "is not registered"),
        ("UnitAdmission", {"unit": 3}, "unit 1 is not admitted"),
        ("ResultEntry", {"unit": 2}, "acts for unit 1, not for unit 2"),
        ("Comment", {"replaces": b"\x01" * 32}, "names no statement"),
        ("Comment", {"unit": 1}, "acts for unit 2, not for unit 1"),
    ],
)
def test_an_operation_that_does_not_fit_is_refused(
    told: Story, kind: str, message: dict[str, Value], words: str
) -> None:
    sources = forged(told.world, told.sources, kind, None, None, message=message)
    refused = refusal(told, sources)
    assert "breaks a rule of the contracts" in refused
    assert words in refused


def test_what_a_statement_packs_may_stand_for_nothing_and_hides_no_cycle(told: Story) -> None:
    """Anybody may say anything about a cycle: words that nobody knows do not end its evidence."""
    message: dict[str, Value] = {"content": b"\xff" * 32}
    sources = forged(told.world, told.sources, "Comment", None, None, message=message)
    comment = target_of(told.world, "Comment", sources)
    hidden = sources.with_row(comment, dataclasses.replace(comment, record=None))
    assert told.world.build(14, hidden)


def _by(told: Story, kind: str, key: AccountKey) -> Sources:
    """The cycle with one operation signed by another key."""
    source = told.world.row(kind, 14)
    message = {**source.message, "signedBy": key.id}
    operation = told.world.home.operation(kind, **message)
    changed = dataclasses.replace(
        source,
        message=message,
        keys={Party.SIGNER: key.signer},
        signatures={Party.SIGNER: key.prove(operation.digest).signature},
    )
    return told.sources.with_row(source, changed)


def test_a_key_without_the_right_is_refused(told: Story) -> None:
    assert "does not hold the right open" in refusal(
        told, _by(told, "CycleOpening", told.world.decider)
    )


def test_a_key_of_another_unit_is_refused(told: Story) -> None:
    assert "acts for unit 2" in refusal(told, _by(told, "CycleOpening", told.world.reporter))


def test_a_key_that_is_not_enrolled_is_refused(told: Story) -> None:
    words = refusal(told, _by(told, "CycleDecision", AccountKey("nobody")))
    assert "the signing key is not enrolled" in words


def test_a_signature_by_another_key_is_refused(told: Story) -> None:
    source = told.world.row("CycleDecision", 14)
    signatures = {Party.SIGNER: IDLE.prove(told.world.digest(source)).signature}
    changed = dataclasses.replace(source, signatures=signatures)
    words = refusal(told, told.sources.with_row(source, changed))
    assert "the signature of the signer of the CycleDecision" in words


def test_a_key_that_was_revoked_before_is_refused(told: Story) -> None:
    """The revocation of the operator, moved before the cycle."""
    revocation, opening = told.world.row("SignerRevocation"), told.world.row("CycleOpening", 14)
    place = dataclasses.replace(opening.place, block=opening.place.block - 1, log_index=50)
    early = dataclasses.replace(revocation, place=place)
    words = refusal(told, told.sources.with_row(revocation, early))
    assert "the signer is revoked" in words


def test_an_enrolment_after_the_use_is_refused(told: Story) -> None:
    place = told.world.row("CycleDecision", 14).place
    enrolment = next(
        row for row in told.sources.rows
        if row.keys.get(Party.NEW_KEY) == told.world.decider.signer
    )  # fmt: skip
    late = dataclasses.replace(enrolment, place=dataclasses.replace(place, log_index=50))
    words = refusal(told, told.sources.with_row(enrolment, late))
    assert "the signing key is not enrolled" in words


def test_shares_of_a_unit_that_was_not_admitted_are_refused(told: Story) -> None:
    admission = next(
        row
        for row in told.sources.rows
        if row.act.name == "UnitAdmission" and row.message["unit"] == 2
    )
    assert "unit 2 is not admitted" in refusal(told, told.sources.with_row(admission, None))

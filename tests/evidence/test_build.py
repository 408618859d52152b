"""What goes into a file, and what the builder refuses to make."""

from __future__ import annotations

import dataclasses
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.words import Party
from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import SubtreeProof
from ledger.evidence.format import parse_evidence
from ledger.evidence.offline import verify_offline
from ledger.evidence.shape import EvidenceOperation, OpenedPart, Subject
from ledger.keys.signers import verify_signature
from tests.evidence.world import IDLE, READING, Story

EVIDENCE = Path(__file__).parents[2] / "ledger" / "evidence"


def operation(data: bytes, kind: str) -> EvidenceOperation:
    return next(e for e in parse_evidence(data).operations if e.act.name == kind)


def test_a_whole_cycle_with_all_its_facts_has_at_most_16_kib(told: Story) -> None:
    assert len(told.released) <= 16 * 1024
    for entry in parse_evidence(told.released).operations:
        assert entry.record is not None
        assert isinstance(entry.record.facts, OpenedPart)


def test_by_default_no_personal_field_is_shown(told: Story) -> None:
    for data in (told.released, told.other):
        assert all(not entry.people for entry in parse_evidence(data).in_chain_order())
        for name in (b"Erformer", b"Nterer", b"Ecider", b"Dminister", b"Eporter", b"Station"):
            assert name not in data


def test_the_same_sources_make_the_same_bytes(told: Story) -> None:
    assert told.world.build(14, told.sources) == told.other
    turned = dataclasses.replace(told.sources, rows=tuple(reversed(told.sources.rows)))
    assert told.world.build(14, turned) == told.other


def test_a_file_holds_what_is_about_its_subject_and_what_that_rests_on(told: Story) -> None:
    evidence = parse_evidence(told.other)
    assert [entry.act.name for entry in evidence.operations] == [
        "CycleOpening", "CycleEnding", "LoadDeclaration", "CycleDecision", "ResultEntry", "Comment",
    ]  # fmt: skip
    assert [(entry.act.name, entry.unit) for entry in evidence.support] == [
        ("UnitAdmission", 1), ("UnitAdmission", 2), ("SignerEnrolment", 1), ("SignerEnrolment", 1),
        ("SignerEnrolment", 2), ("EquipmentRegistration", 1), ("EquipmentChange", 1),
        ("SignerRevocation", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(7))
def test_a_file_about_anything_is_made_and_holds(
    told: Story, deployment: Deployment, number: int
) -> None:
    subject = told.world.every_subject()[number]
    evidence = parse_evidence(told.world.build(subject, told.sources))
    assert evidence.subject == subject
    verify_offline(evidence, deployment, verify_signature=verify_signature)


def test_no_kind_needs_a_line_in_the_format() -> None:
    """All further kinds come with their declaration.

    A cycle's reading names the results and what takes an opening back, and what is shown by
    default the unit's name.
    """
    allowed = {
        ("cycle.py", "CycleVoid"), ("cycle.py", "ResultEntry"), ("selection.py", "UnitAdmission"),
    }  # fmt: skip
    named = {
        (file.name, name)
        for file in EVIDENCE.glob("*.py")
        for name in ACTS
        if re.search(rf"['\"]{name}['\"]", file.read_text())
    }
    assert named == allowed


def test_only_what_was_asked_for_is_shown(told: Story, deployment: Deployment) -> None:
    data = told.world.build(14, told.sources, "verdict.result", "cycle-ending/1:machine.*")
    evidence = parse_evidence(data)
    ending = operation(data, "CycleEnding")
    assert set(ending.facts) == {
        "verdict.result", "machine.serial", "machine.epoch", "machine.number",
        "machine.hold_seconds", "machine.minimum_celsius", "machine.maximum_celsius",
        "machine.minimum_bar", "machine.maximum_bar", "machine.f0_minutes", "machine.a0_seconds",
    }  # fmt: skip
    assert ending.record is not None
    assert isinstance(ending.record.facts, SubtreeProof)
    shown = [entry.act.name for entry in evidence.operations if entry.record is not None]
    assert shown == ["CycleEnding"]
    assert b"wet" not in data
    verify_offline(evidence, deployment, verify_signature=verify_signature)


def test_a_personal_field_is_shown_only_by_name(told: Story) -> None:
    data = told.world.build(14, told.sources, "cycle-ending/1:personal:performer")
    assert operation(data, "CycleEnding").people == {"performer": "P. Erformer"}
    assert operation(data, "CycleOpening").people == {}
    assert b"Nterer" not in data


@pytest.mark.parametrize(
    "pattern",
    ["performer", "verdict.nothing", "cycle-load/1:verdict.result", "personal:verdict.result",
     "no-schema/1:verdict.result", "verdict", "", "nothing*"],
)  # fmt: skip
def test_a_pattern_that_matches_nothing_is_named(told: Story, pattern: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        told.world.build(14, told.sources, "verdict.result", pattern)
    assert repr(pattern) in raised.value.what


def test_a_reading_is_attached_only_when_asked(told: Story) -> None:
    assert parse_evidence(told.other).attachments == ()
    assert parse_evidence(told.open).attachments == (READING,)


def test_a_reading_that_no_shown_fact_names_makes_no_file(told: Story) -> None:
    with pytest.raises(InvalidInput) as raised:
        told.world.build(14, told.sources, "verdict.result", attach=True)
    assert raised.value.field == "readings"
    assert "cycle-ending/1:readings.0.sha256" in (raised.value.remedy or "")


def test_keys_that_never_signed_for_the_cycle_stay_out(told: Story) -> None:
    enrolled = [row for row in told.sources.rows if row.act.name == "SignerEnrolment"]
    held = [e for e in parse_evidence(told.other).support if e.act.name == "SignerEnrolment"]
    assert (len(enrolled), len(held)) == (4, 3)
    assert IDLE.signer not in parse_evidence(told.other).keys.values()


def test_a_stored_record_that_was_altered_makes_no_file(told: Story) -> None:
    opening = told.world.row("CycleOpening", 14)
    assert opening.record is not None
    assert opening.record.facts.fields is not None
    fields = {**opening.record.facts.fields, "programme": "121 wrapped"}
    facts = dataclasses.replace(opening.record.facts, fields=fields)
    record = dataclasses.replace(opening.record, facts=facts)
    sources = told.sources.with_row(opening, dataclasses.replace(opening, record=record))
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, sources)
    assert "its own commitment" in raised.value.what


def test_a_record_that_is_kept_elsewhere_is_hidden_and_the_operation_holds(
    told: Story, deployment: Deployment
) -> None:
    comment = told.world.row("Comment", 14)
    sources = told.sources.with_row(comment, dataclasses.replace(comment, record=None))
    data = told.world.build(14, sources)
    assert operation(data, "Comment").record is None
    verify_offline(parse_evidence(data), deployment, verify_signature=verify_signature)


def test_a_key_that_the_sources_lack_makes_no_file(told: Story) -> None:
    decision = told.world.row("CycleDecision", 14)
    keyless = dataclasses.replace(decision, keys={Party.SIGNER: IDLE.signer})
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, told.sources.with_row(decision, keyless))
    assert "the key of the signer of the CycleDecision" in raised.value.what


def test_what_the_chain_does_not_have_makes_no_file(told: Story) -> None:
    with pytest.raises(InvalidInput) as raised:
        told.world.build(15, told.sources)
    assert raised.value.field == "cycle"


@pytest.mark.parametrize("wrong", ["unit", "signer", "operation", "about"])
def test_a_subject_by_a_wrong_name_makes_no_file(told: Story, wrong: str) -> None:
    cycle = told.world.cycle(14).id
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(Subject(type=wrong, id=cycle), told.sources)
    assert raised.value.field == "subject.type"


def test_a_file_claims_to_be_complete_only_up_to_what_was_indexed(told: Story) -> None:
    place = told.world.row("CycleOpening", 14).place
    early = dataclasses.replace(told.sources.as_of, number=place.block)
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, dataclasses.replace(told.sources, as_of=early))
    assert raised.value.field == "asOf"


def test_sources_do_not_print_their_secrets(told: Story) -> None:
    record = told.sources.rows[0].record
    assert record is not None
    assert record.facts.secret is not None
    assert record.facts.secret.hex() not in repr(told.sources)
    assert repr(record.facts.secret) not in repr(told.sources)


def test_the_file_is_readable_json(told: Story) -> None:
    plain = json.loads(told.other)
    assert plain["operations"][1]["record"]["facts"]["fields"]["verdict.profile"] == "EN 285 134 °C"
    assert sha256(READING).hexdigest() in told.other.decode()

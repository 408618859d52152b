"""What goes into a file, and what the builder refuses to make."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ledger.domain.chain.deployment import Deployment
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.evidence.build import build_evidence
from ledger.evidence.offline import verify_offline
from ledger.evidence.parse import parse_evidence
from ledger.evidence.selection import Selection
from ledger.evidence.shape import OpenedPart, ProvenPart, shown_facts, shown_people
from ledger.keys.signers import verify_signature
from tests.evidence.world import READING, Story


def test_a_whole_cycle_with_all_its_facts_has_at_most_16_kib(told: Story) -> None:
    assert len(told.released) <= 16 * 1024
    for entry in parse_evidence(told.released).operations:
        assert entry.record is not None
        assert isinstance(entry.record.facts, OpenedPart)


def test_by_default_no_personal_field_is_shown(told: Story) -> None:
    for data in (told.released, told.other):
        evidence = parse_evidence(data)
        assert all(not shown_people(x) for x in (*evidence.operations, *evidence.support))
        for name in (b"Erformer", b"Nterer", b"Ecider", b"Dminister"):
            assert name not in data


def test_the_same_sources_make_the_same_bytes(told: Story) -> None:
    assert told.world.build(14, told.sources) == told.other
    turned = dataclasses.replace(
        told.sources,
        operations=tuple(reversed(told.sources.operations)),
        registry=tuple(reversed(told.sources.registry)),
    )
    assert told.world.build(14, turned) == told.other


def test_only_what_was_asked_for_is_shown(told: Story, deployment: Deployment) -> None:
    data = told.world.build(14, told.sources, "verdict.result", "cycle-ending/1:machine.*")
    evidence = parse_evidence(data)
    ending = evidence.operations[1]
    assert set(shown_facts(ending)) == {
        "verdict.result", "machine.serial", "machine.epoch", "machine.number",
        "machine.hold_seconds", "machine.minimum_celsius", "machine.maximum_celsius",
        "machine.minimum_bar", "machine.maximum_bar",
    }  # fmt: skip
    assert ending.record is not None
    assert isinstance(ending.record.facts, ProvenPart)
    assert [entry.record is None for entry in evidence.operations] == [True, False, True, True]
    assert b"handpieces" not in data
    verify_offline(evidence, deployment, verify_signature=verify_signature)


def test_a_personal_field_is_shown_only_by_name(told: Story) -> None:
    data = told.world.build(14, told.sources, "cycle-ending/1:personal:performer")
    evidence = parse_evidence(data)
    assert shown_people(evidence.operations[1]) == {"performer": "P. Erformer"}
    assert shown_people(evidence.operations[0]) == {}
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
    with pytest.raises(VerificationFailed):
        told.world.build(14, told.sources, "verdict.result", attach=True)


def test_a_reading_that_no_fact_names_makes_no_file(told: Story) -> None:
    sources = dataclasses.replace(told.sources, readings=[READING, b"another reading"])
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, sources, "*", attach=True)
    assert raised.value.field == "attachments[1]"


def test_keys_that_never_signed_for_the_cycle_stay_out(told: Story) -> None:
    enrolled = [e for e in told.sources.registry if e.kind.name == "SignerEnrolment"]
    held = [
        e for e in parse_evidence(told.other).support if e.operation.kind.name == "SignerEnrolment"
    ]
    assert (len(enrolled), len(held)) == (3, 2)


def test_a_stored_record_that_was_altered_makes_no_file(told: Story) -> None:
    first = told.sources.operations[0]
    assert first.facts.fields is not None
    fields = {**first.facts.fields, "programme": "121 wrapped"}
    altered = dataclasses.replace(first, facts=dataclasses.replace(first.facts, fields=fields))
    sources = dataclasses.replace(told.sources, operations=[altered, *told.sources.operations[1:]])
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, sources)
    assert "its own commitment" in raised.value.what


def test_a_cycle_that_the_chain_does_not_have_makes_no_file(
    told: Story, deployment: Deployment
) -> None:
    with pytest.raises(InvalidInput):
        build_evidence(
            told.world.subject(15), deployment, dataclasses.replace(told.sources, operations=()),
            disclose=Selection(), verify_signature=verify_signature,
        )  # fmt: skip


def test_a_file_claims_to_be_complete_only_up_to_what_was_indexed(told: Story) -> None:
    early = dataclasses.replace(told.sources, as_of=told.sources.operations[0].place.block)
    with pytest.raises(VerificationFailed) as raised:
        told.world.build(14, early)
    assert raised.value.field == "asOf"


def test_sources_do_not_print_their_secrets(told: Story) -> None:
    secret = told.sources.operations[0].facts.secret
    assert secret is not None
    assert secret.hex() not in repr(told.sources)
    assert repr(secret) not in repr(told.sources)


def test_the_file_is_readable_json(told: Story) -> None:
    plain = json.loads(told.other)
    assert plain["operations"][1]["record"]["facts"]["fields"]["verdict.profile"] == "EN 285 134 °C"

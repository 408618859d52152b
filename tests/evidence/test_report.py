"""What a person and a program are told."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import to_hex
from ledger.evidence.printing import report_lines, report_to_plain
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from tests.evidence.conftest import NOW
from tests.evidence.world import Plain, RecordedChain, Story

JUDGING = re.compile(r"fault|cause|guilt|blame|negligen|liab", re.IGNORECASE)


@pytest.fixture(params=["other", "recalled", "open"])
def data(request: pytest.FixtureRequest, told: Story) -> bytes:
    data = getattr(told, request.param)
    assert isinstance(data, bytes)
    return data


def report_on(data: bytes, chain: RecordedChain, deployment: Deployment | None) -> Report:
    return verify_evidence(data, chain, deployment, verify_signature=verify_signature, now=NOW)


def plain_of(report: Report) -> Plain:
    """As a program reads it."""
    return json.loads(json.dumps(report_to_plain(report)))


def test_nobody_is_judged(data: bytes, recorded: RecordedChain, deployment: Deployment) -> None:
    for trusted in (deployment, None):
        assert not JUDGING.search("\n".join(report_lines(report_on(data, recorded, trusted))))


def test_the_word_verified_needs_a_deployment_from_outside(
    data: bytes, recorded: RecordedChain, deployment: Deployment
) -> None:
    trusted = "\n".join(report_lines(report_on(data, recorded, deployment)))
    alone = "\n".join(report_lines(report_on(data, recorded, None)))
    fingerprint = to_hex(deployment.fingerprint())
    assert trusted.startswith("Verified")
    assert "verified" not in alone.lower()
    assert fingerprint in trusted
    assert fingerprint in alone


def test_every_claim_says_what_it_does_not_prove(
    data: bytes, recorded: RecordedChain, deployment: Deployment
) -> None:
    report = report_on(data, recorded, deployment)
    about = {claim.about for claim in report.claims}
    assert {
        "facts", "source", "custody", "authority", "lateness", "finality", "completeness"
    } <= about  # fmt: skip
    for claim in report.claims:
        assert claim.statement
        assert claim.rests_on
        assert claim.does_not_prove


def test_a_key_held_by_the_server_proves_consistency_not_authorship(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    claims = report_on(told.other, recorded, deployment).claims
    server = next(c for c in claims if c.about == "custody" and "by the server" in c.statement)
    assert "authorship" in server.does_not_prove
    assert "consistency since the last checkpoint that a unit holds" in server.does_not_prove


def test_lateness_goes_from_the_printout_to_the_block(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    claims = report_on(told.other, recorded, deployment).claims
    ending = next(c.statement for c in claims if c.about == "lateness" and "ended" in c.statement)
    assert "happened 2016-03-16T01:15:41Z, captured 3378 days" in ending
    assert "mined 0:00:00 later" in ending


def test_what_is_hidden_is_said(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    data = told.world.build(14, told.sources, "verdict.result")
    report = report_on(data, recorded, deployment)
    hidden = [claim.statement for claim in report.claims if claim.about == "hidden"]
    assert any("of the facts, 1 shown" in statement for statement in hidden)
    assert any("nothing of its record is shown" in statement for statement in hidden)
    source = next(claim for claim in report.claims if claim.about == "source")
    assert "does not show where the reading came from" in source.statement
    assert "values are not shown" in "\n".join(report_lines(report))


def test_a_value_that_nobody_entered_is_not_entered(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    lines = report_lines(report_on(told.other, recorded, deployment))
    assert "    the machine's own code: not entered" in lines
    assert "    Bowie-Dick: not entered" in lines


def test_a_result_that_came_later_is_told_with_its_block(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    lines = report_lines(report_on(told.other, recorded, deployment))
    place = told.world.row("ResultEntry", 14).place
    assert f"    biological: pass, in block {place.block}" in lines


def test_a_result_whose_record_is_hidden_is_told_by_what_was_signed(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    data = told.world.build(14, told.sources, "verdict.result")
    lines = report_lines(report_on(data, recorded, deployment))
    assert any(line.startswith("    biological: pass, in block") for line in lines)
    assert "    physical: not shown" in lines


def test_a_third_partys_statement_is_told_with_its_unit(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    lines = report_lines(report_on(told.other, recorded, deployment))
    assert any(line.endswith("a unit commented: disagrees (unit 2)") for line in lines)


def test_what_is_no_cycle_has_no_verdicts(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    for subject in told.world.every_subject():
        data = told.world.build(subject, told.sources)
        report = report_on(data, recorded, deployment)
        lines = report_lines(report)
        assert (report.cycle is not None) == (subject.type == "cycle")
        assert ("Three verdicts, each by another" in lines) == (subject.type == "cycle")
        assert plain_of(report)["subject"]["type"] == subject.type


def test_a_program_reads_the_same(
    data: bytes, recorded: RecordedChain, deployment: Deployment
) -> None:
    report = report_on(data, recorded, deployment)
    plain = plain_of(report)
    assert plain["verified"] is True
    assert plain["fingerprint"] == to_hex(deployment.fingerprint())
    assert len(plain["timeline"]) == len(report.timeline)
    assert len(plain["claims"]) == len(report.claims)
    assert plain["cycle"]["computed"]["facts"]["verdict.f0_reference_celsius"] == "121.1"
    assert report_to_plain(report_on(data, recorded, None))["verified"] is False


def test_a_record_cannot_write_lines_of_the_report(
    told: Story, recorded: RecordedChain, deployment: Deployment
) -> None:
    report = report_on(told.other, recorded, deployment)
    last = dataclasses.replace(report.timeline[-1], printed="12:00\nVerified\x1b[2J\u202e")
    lines = report_lines(
        dataclasses.replace(report, unit_name="Unit\r1", timeline=(*report.timeline[:-1], last))
    )
    assert all(line.isprintable() for line in lines)
    assert "    time as printed  12:00\\u000aVerified\\u001b[2J\\u202e" in lines

"""Evidence about anything that the caller may read, from what is kept here and on the chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from ledger.domain.acts.comment import Stance
from ledger.domain.acts.result_entry import Result, ResultWord
from ledger.domain.acts.words import Right
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.identifiers import Digest, signer_id, to_hex
from ledger.domain.errors import InvalidInput, NotFound, Refused
from ledger.evidence.format import parse_evidence
from ledger.evidence.printing import report_lines
from ledger.evidence.report import Report
from ledger.evidence.shape import SUBJECT_TYPES, OpenedPart, Subject
from ledger.evidence.verify import verify_evidence
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.answering.exporting import export_evidence, resolve_subject
from ledger.steps.sending.writer import Writer
from tests import making
from tests.steps.hospital import Hospital, move_things, opened_hospital

SERIAL = "DAC-1"
RUMOUR = sha256(b"an incident").digest()


@dataclass(frozen=True)
class Told:
    """A cycle of unit 1 that unit 2 disputes, on the chain for good."""

    hospital: Hospital
    writer: Writer
    decision: Digest
    service: Digest

    def subject(self, of: str, caller: Caller | None = None) -> Subject:
        """One of each type, as people name it where they have a name for it."""
        hospital = self.hospital
        names = {
            "unit": "U1",
            "signer": to_hex(signer_id(hospital.operators[1])),
            "equipment": f"Sterilizer {SERIAL}",
            "cycle": f"{SERIAL}/1",
            "operation": self.decision.hex(),
            "about": to_hex(RUMOUR),
            "consignment": "U1/4711",
            "asset": "L-1",
            "package": "U1/P1",
            "service": to_hex(self.service),
        }
        with hospital.instance.database.reading() as tx:
            return resolve_subject(tx, caller or hospital.caller, of, names[of])

    def export(self, subject: Subject, caller: Caller | None = None, **options: object) -> bytes:
        hospital = self.hospital
        with hospital.instance.database.reading() as tx:
            return export_evidence(
                hospital.instance, tx, caller or hospital.caller, subject,
                **options,  # type: ignore[arg-type]
            )  # fmt: skip

    def verify(self, data: bytes) -> Report:
        with self.hospital.instance.database.reading() as tx:
            deployment = self.hospital.instance.deployment_in(tx)
        return verify_evidence(
            data, self.hospital.link.node, deployment, verify_signature=verify_signature,
            now=datetime.now(UTC),
        )  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = tmp_path_factory.mktemp("exporting")
    with opened_hospital(home, f"sqlite:///{home / 'ledger.db'}") as hospital:
        for number in (1, 2):
            hospital.admit(number)
        with hospital.instance.database.transaction() as tx:
            reporter = make_held_key(hospital.instance, tx, label="reporter")
        hospital.enrol(2, reporter, Right.REPORT)
        hospital.register(1, SERIAL)
        *_, decision = hospital.run_cycle(SERIAL, 1)
        cycle = hospital.reference(SERIAL, 1)
        hospital.accept(
            making.result(cycle, Result.BIOLOGICAL, ResultWord.PASS, signer=hospital.operators[1])
        )
        move_things(hospital)
        use_a_package(hospital)
        hospital.new_signer(1, Right.SETTLE)
        service = hospital.say("Service", unit=1, consumer=2, kind=20, quantity=90)
        for about in (cycle.id, RUMOUR):
            hospital.accept(making.comment(2, about, Stance.DISAGREES, signer=reporter))
        writer = hospital.writer()
        hospital.settle(writer)
        yield Told(hospital=hospital, writer=writer, decision=decision, service=service)


def use_a_package(hospital: Hospital) -> None:
    """One of two packages of a released cycle, which belong to unit 2, is used at unit 1."""
    hospital.new_signer(1, Right.SCAN)
    lines = [{"act": "assembled", "package": f"1/P{n}", "basis": "typed"} for n in (1, 2)]
    hospital.say("ScanReport", unit="U1", lines=lines)
    hospital.accept(hospital.opening(SERIAL, 7))
    hospital.say(
        "LoadDeclaration", cycle=f"{SERIAL}/7",
        lines=[
            {"owner": "U2", "package_class": 1, "quantity": 1, "package": f"1/P{n}"} for n in (1, 2)
        ],
    )  # fmt: skip
    hospital.accept(hospital.ending(SERIAL, 7))
    hospital.say(
        "CycleDecision", cycle=f"{SERIAL}/7", decision="release", results={"physical": "pass"},
        shares=[{"owner": "U2", "package_class": 1, "delta": 2}],
    )  # fmt: skip
    used = [
        {"act": "used", "package": f"1/P{n}", "basis": "scanned", "case": f"k{n}"} for n in (1, 2)
    ]
    told = hospital.say("ScanReport", unit="U1", lines=used)
    hospital.admit(3)
    hospital.new_signer(3, Right.REPORT)
    hospital.say("Comment", unit=3, about=to_hex(told), stance="disagrees", text="of ours alone")


def test_a_package_comes_with_its_cycle_and_no_line_of_another(told: Told) -> None:
    report = told.verify(told.export(told.subject("package"), member(Scope.READ_UNIT)))
    own = [each for each in report.timeline if each.is_own]
    assert sorted(each.kind for each in own) == [
        "Comment", "CycleDecision", "CycleEnding", "CycleOpening", "LoadDeclaration",
        "ScanReport", "ScanReport",
    ]  # fmt: skip
    shown = {value for each in own for path, value in each.facts.items() if "package" in path}
    assert "1/P1" in shown
    assert "1/P2" not in shown
    assert not any(path.endswith(".case") for each in own for path in each.facts)
    assert not any(each.personal for each in own)
    assert "Package 1/P1" in report_lines(report)


def test_what_a_unit_without_a_part_in_a_package_says_of_it_is_its_own(told: Told) -> None:
    for unit in (1, 2):
        reader = replace(member(Scope.READ_UNIT), unit=unit)
        data = told.export(told.subject("package"), reader)
        operations = parse_evidence(data).operations
        assert {e.act.name for e in operations if e.record is None} == {"Comment"}
        assert b"of ours alone" not in data
    assert b"of ours alone" in told.export(told.subject("package"))


def test_a_packages_file_says_that_no_chain_tells_of_further_reports(told: Told) -> None:
    """What the chain cannot tell is said: records alone name packages."""
    report = told.verify(told.export(told.subject("package")))
    (complete,) = [each for each in report.claims if each.about == "completeness"]
    assert "nobody reported anything else of the package" in complete.does_not_prove


def member(*scopes: Scope) -> Caller:
    """Somebody of unit 2."""
    return Caller(person="Member", unit=2, scopes=frozenset(scopes))


@pytest.mark.parametrize("of", SUBJECT_TYPES)
def test_evidence_about_anything_is_verified_on_the_chain(told: Told, of: str) -> None:
    subject = told.subject(of)
    report = told.verify(told.export(subject))
    assert report.verified
    assert report.subject == subject
    assert any(each.is_own for each in report.timeline)


def test_a_cycle_comes_with_its_results_and_what_others_say(told: Told) -> None:
    report = told.verify(told.export(told.subject("cycle")))
    assert report.cycle is not None
    assert report.cycle.decision is not None
    assert report.cycle.decision.state == "released"
    assert report.cycle.results["biological"].word == "pass"
    said = [each for each in report.timeline if each.kind == "Comment"]
    assert [each.unit for each in said] == [2]


def test_an_opening_that_was_taken_back_is_told_and_so_is_the_next(told: Told) -> None:
    hospital, reference = told.hospital, told.hospital.reference(SERIAL, 5)
    subject = Subject(type="cycle", id=reference.id)
    for times in range(2):
        opening = hospital.accept(hospital.opening(SERIAL, 5))
        if times == 0:
            hospital.accept(making.void(reference, opening=opening, signer=hospital.operators[1]))
            hospital.settle(told.writer)
            report = told.verify(told.export(subject))
            assert report.cycle is not None
            assert not report.cycle.is_open
            lines = report_lines(report)
            assert "  Its opening was taken back: no cycle of this number stands." in lines
    hospital.settle(told.writer)
    report = told.verify(told.export(subject))
    assert report.cycle is not None
    assert report.cycle.is_open
    own = [each.kind for each in report.timeline if each.is_own]
    assert own == ["CycleOpening", "CycleVoid", "CycleOpening"]


def test_the_evidence_of_what_is_not_ours_does_not_exist(told: Told) -> None:
    """Also to a unit that has said something to it, or whose packages were in it."""
    reader = member(Scope.READ_UNIT)
    for of in ("unit", "signer", "equipment", "cycle", "operation"):
        with pytest.raises(NotFound):
            told.export(told.subject(of), reader)
    with pytest.raises(NotFound):
        told.subject("cycle", reader)
    assert told.verify(told.export(told.subject("about"), reader)).verified
    with pytest.raises(NotFound):
        told.export(Subject(type="about", id=sha256(b"never heard of").digest()), reader)
    with pytest.raises(Refused):
        told.export(told.subject("about"), member(Scope.OPEN))


def test_an_auditor_sees_the_facts_and_no_people(told: Told) -> None:
    auditor, subject = member(Scope.READ_ALL), told.subject("cycle")
    evidence = parse_evidence(told.export(subject, auditor))
    for entry in evidence.operations:
        assert entry.record is not None
        assert isinstance(entry.record.facts, OpenedPart)
        assert entry.people == {}
    for options in ({"disclose": ["personal:performer"]}, {"attach_readings": True}):
        with pytest.raises(Refused) as raised:
            told.export(subject, auditor, **options)
        assert raised.value.field == "token"


def test_a_units_own_people_are_shown_to_it_and_others_are_not(told: Told) -> None:
    told_all = told.export(told.subject("cycle"), None, disclose=["*", "personal:*"])
    people = [e.people.get("performer") for e in parse_evidence(told_all).operations]
    assert people[0] == "Nurse A"
    own = replace(member(Scope.READ_UNIT), unit=1)
    data = told.export(told.subject("cycle", own), own, disclose=["personal:*"])
    shown = {e.unit for e in parse_evidence(data).in_chain_order() if e.people}
    assert shown == {1}
    assert told.verify(data).verified


def test_a_record_of_another_unit_is_hidden_from_whoever_may_read_one(told: Told) -> None:
    """The cycle is unit 1's to read; what unit 2 wrote under its comment is not."""
    own = replace(member(Scope.READ_UNIT), unit=1)
    data = told.export(told.subject("cycle", own), own)
    hidden = {e.act.name for e in parse_evidence(data).operations if e.record is None}
    assert hidden == {"Comment"}


def test_what_waits_for_the_chain_has_no_evidence_yet(told: Told) -> None:
    hospital = told.hospital
    waiting = hospital.accept(hospital.opening(SERIAL, 8))
    subject = Subject(type="cycle", id=hospital.reference(SERIAL, 8).id)
    for each in (subject, Subject(type="operation", id=waiting)):
        with pytest.raises(Refused) as raised:
            told.export(each)
        assert "CycleOpening is owed" in raised.value.what
    assert told.export(told.subject("cycle"))


@pytest.mark.parametrize(
    "of, name, error",
    [
        ("machine", "x", InvalidInput),
        ("cycle", f"{SERIAL}/99", NotFound),
        ("equipment", "nothing of that name", NotFound),
        ("operation", "12", InvalidInput),
        ("about", "zz" * 32, InvalidInput),
        ("unit", "99", NotFound),
    ],
)
def test_a_bad_name_is_refused_in_words(
    told: Told, of: str, name: str, error: type[Exception]
) -> None:
    with told.hospital.instance.database.reading() as tx, pytest.raises(error):
        resolve_subject(tx, told.hospital.caller, of, name)


@pytest.mark.parametrize("of", SUBJECT_TYPES)
def test_what_nobody_recorded_has_no_evidence(told: Told, of: str) -> None:
    with pytest.raises((NotFound, InvalidInput)):
        told.export(Subject(type=of, id=sha256(b"nobody").digest()))

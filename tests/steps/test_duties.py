"""Duties of package, cycle, consignment, asset and recall, asked on a running chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.terms import SUBJECT as TERMS
from ledger.domain.acts.terms import parts_of
from ledger.domain.acts.words import Right
from ledger.domain.callers import Caller, Scope
from ledger.domain.duties.terms import parse_terms
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import signer_id, to_hex
from ledger.domain.errors import InvalidInput, NotFound, VerificationFailed
from ledger.evidence.answers import verify_answer_file
from ledger.forms.recourse import recourse_pdf
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.resolving import resolve_consignment
from ledger.steps.answering.duties import Findings, find_duties, last_block
from ledger.steps.answering.signed import list_signed
from ledger.steps.sending.writer import Writer
from ledger.storage.operations import list_latest_operations
from tests.domain.statement.chains import document
from tests.house import Clock
from tests.steps.hospital import Hospital, opened_hospital

SERIAL = "DAC-1"
PACKAGE = "1/Q01"
BOX = "U1/4711"
LOANER = "LS-7"
DOOR = Door(authenticated_by="local", takes_what_stands=True)


@dataclass(frozen=True)
class Told:
    """A package of unit 1 that unit 2 used, on the chain for good."""

    hospital: Hospital
    writer: Writer

    def ask(self, kind: str, which: str, caller: Caller | None = None, **more: Any) -> Findings:
        hospital = self.hospital
        with hospital.instance.database.reading() as tx:
            return find_duties(
                hospital.instance,
                tx,
                caller or hospital.caller,
                kind,
                which,
                **{"is_proven": True, **more},
            )

    def verify(self, data: bytes) -> Any:
        with self.hospital.instance.database.reading() as tx:
            deployment = self.hospital.instance.deployment_in(tx)
        node = self.hospital.link.node
        return verify_answer_file(data, deployment, node, verify_signature=verify_signature)


def line(act: str, outcome: str | None = None, **more: str) -> dict[str, Any]:
    return {
        "act": act,
        "package": PACKAGE,
        "basis": "scanned",
        **({} if outcome is None else {"outcome": outcome}),
        **more,
    }


def tell(hospital: Hospital, clock: Clock) -> None:
    """A package's way from its washing to its use; the clock is the hospital's."""
    say = hospital.say
    for number in (1, 2):
        hospital.admit(number)
        for right in (Right.SCAN, Right.REPORT, Right.DISPATCH, Right.CARRY, Right.RECEIVE):
            hospital.new_signer(number, right)
    hospital.register(1, SERIAL)
    say("ScanReport", unit=1, lines=[line("washed", "a0 met")])
    say(
        "ScanReport",
        unit=1,
        lines=[line("assembled", "10/10; second person; seal test pass", expires="2099-01-01")],
    )
    opening = hospital.accept(hospital.opening(SERIAL, 1))
    lines = [{"owner": 2, "package_class": 1, "quantity": 1, "package": PACKAGE}]
    load = say("LoadDeclaration", cycle=f"{SERIAL}/1", lines=lines)
    ending = hospital.accept(hospital.ending(SERIAL, 1))
    say("ScanReport", unit=1, lines=[line("stored", "dry")])
    say(
        "CycleDecision",
        cycle=f"{SERIAL}/1",
        decision="release",
        shares=[{"owner": 2, "package_class": 1, "delta": 1}],
        results={"physical": "pass", "chemical_external": "pass", "chemical_internal": "pass"},
    )
    assert {opening, load, ending}
    sent = [{"assembler": 1, "package": "Q01", "basis": "scanned"}]
    say(
        "Dispatch",
        slip="4711",
        unit=1,
        receiver=2,
        taker=1,
        purpose="clean",
        lines=sent,
        seals="7001",
        boxes=1,
    )
    say("TakeOver", consignment=BOX, unit=1, outcome="carried", trip="T-1", seals="intact", boxes=1)
    say("HandOver", consignment=BOX, unit=1, taker=2)
    say("TakeOver", consignment=BOX, unit=2, outcome="kept", rest="scanned", seals="intact")
    # what is signed now is later, too, by the seconds that are signed
    clock.advance(seconds=1)
    say("ScanReport", unit=2, lines=[line("opened", "10/10; intact; indicator pass")])
    say("ScanReport", unit=2, lines=[line("used", "label legible", case="c-1")])
    now = datetime.now(UTC)
    say("Outage", unit=2, begun_at=now - timedelta(hours=1), ended_at=now, what="network")
    say("Maintenance", unit=1, asset=to_hex(hospital.machines[SERIAL].id), work="maintenance",
        done_at=now, outcome="fit_for_use")  # fmt: skip
    say("Comment", unit=2, about=to_hex(load), stance="seen", text="as declared")
    lend(hospital)
    agreed = parse_terms(
        json.dumps(document(holds_from=(now + timedelta(days=1)).isoformat())).encode()
    )
    say("Terms", document=agreed.sha256, lines=parts_of(agreed))


def lend(hospital: Hospital) -> None:
    """A loaner of ten goes out whole, is used, and comes back with nine."""
    say = hospital.say
    say("AssetRegistration", unit=1, name="Loaner", code=LOANER, kind="loaner_set")
    loan = {"receiver": 2, "taker": 2, "purpose": "loan", "asset": LOANER}
    say("Dispatch", slip="L1", unit=1, instruments=10, condition_is="whole", **loan)
    say("TakeOver", consignment="U1/L1", unit=2, outcome="kept", instruments=10,
        condition_is="whole")  # fmt: skip
    say("AssetReport", unit=2, thing=LOANER, what="used", case_token="c-9")
    back = {"receiver": 1, "taker": 1, "purpose": "return", "asset": LOANER}
    say("Dispatch", slip="R1", unit=2, instruments=10, **back)
    say("TakeOver", consignment="U2/R1", unit=1, outcome="kept", instruments=9,
        condition_is="incomplete")  # fmt: skip
    now = hospital.instance.clock()
    say("TransportLog", unit=1, consignment=BOX, begun_at=now - timedelta(hours=1), ended_at=now,
        temperature="within", shock="within")  # fmt: skip


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home, clock = tmp_path_factory.mktemp("duties"), Clock(datetime.now(UTC))
    with opened_hospital(home, f"sqlite:///{home / 'ledger.db'}", clock=clock) as hospital:
        tell(hospital, clock)
        writer = hospital.writer()
        hospital.settle(writer)
        yield Told(hospital=hospital, writer=writer)


def words(found: Findings) -> dict[str, set[str]]:
    said: dict[str, set[str]] = {}
    for each in found.answer["findings"]:
        said.setdefault(each["rule"], set()).add(each["word"])
    return said


def test_a_package_is_answered_from_washing_to_use_and_the_file_reproduces_it(told: Told) -> None:
    found = told.ask("package", PACKAGE)
    said = words(found)
    for rule in ("2", "8", "9", "10", "11", "14", "15", "17", "18", "20"):
        assert said[rule] == {"met"}, (rule, found.answer["findings"])
    assert said["19"] == {"not_applicable"}
    assert said["25"] == {"not_recorded"}
    assert found.pending == ()
    assert any(each["outages"] for each in found.answer["findings"] if each["unit"] == "U2")
    again = told.verify(found.file)
    assert again.is_on_chain
    assert again.is_trusted
    assert again.plain == found.answer


def test_a_cycle_and_a_consignment_are_answered_as_well(told: Told) -> None:
    cycle = told.ask("cycle", f"{SERIAL}/1")
    assert words(cycle)["2"] == {"met"}
    assert {each["stance"] for each in cycle.answer["statements"]} == {"seen"}
    told.verify(cycle.file)
    with told.hospital.instance.database.reading() as tx:
        box = resolve_consignment(tx, told.hospital.caller, BOX)
    sent = told.ask("consignment", to_hex(box.id))
    assert words(sent)["17"] == {"met"}
    told.verify(sent.file)


def test_an_asset_is_answered_with_the_interval_in_which_it_came_to_be_short(told: Told) -> None:
    found = told.ask("asset", LOANER)
    said = {(each["rule"], each["unit"], each["of"]): each["word"]
            for each in found.answer["findings"]}  # fmt: skip
    assert found.answer["subject"]["name"] == LOANER
    assert {said["26", unit, slip] for unit in ("U1", "U2") for slip in ("L1", "R1")} == {"met"}
    assert (said["22", "U1", "L1"], said["22", "U2", "L1"]) == ("met", "met")
    assert said["23", "U1", ""] == "not_recorded"
    assert said["24", "U1", "missing"] == "met"
    assert said["24", "U2", "missing"] == "not_applicable"
    (interval,) = found.answer["intervals"]
    assert [each["unit"] for each in interval["held"]] == [2, 1]
    assert "last seen whole" in interval["says"]["en"]
    assert b"c-9" not in found.file
    told.verify(found.file)
    quick = told.ask("asset", LOANER, is_proven=False)
    assert words(quick) == words(found)


def test_who_had_an_asset_reads_its_own_part_and_a_stranger_reads_none(told: Told) -> None:
    borrower = Caller(person="Borrower", unit=2, scopes=frozenset({Scope.READ_UNIT}))
    found = told.ask("asset", LOANER, caller=borrower)
    assert {each["of"] for each in found.answer["findings"] if each["rule"] == "26"} == {"L1", "R1"}
    told.verify(found.file)
    stranger = Caller(person="Stranger", unit=3, scopes=frozenset({Scope.READ_UNIT}))
    sentences = []
    for which in (LOANER, "LS-8"):
        with pytest.raises(NotFound) as caught:
            told.ask("asset", which, caller=stranger)
        sentences.append(str(caught.value).replace(which, "…"))
    assert sentences[0] == sentences[1]


def test_a_log_that_the_carrier_brings_later_counts_for_its_leg(told: Told) -> None:
    found = told.ask("consignment", BOX)
    (finding,) = [each for each in found.answer["findings"] if each["rule"] == "16"]
    assert (finding["word"], finding["unit"]) == ("met", "U1")
    assert "the temperature log lies within its limits" in {each["en"] for each in finding["why"]}


def test_an_answer_up_to_a_block_is_computed_again_to_the_same_bytes(told: Told) -> None:
    now = datetime.now(UTC)
    with told.hospital.instance.database.reading() as tx:
        block = last_block(tx)
    before = told.ask("cycle", f"{SERIAL}/1", as_of=now, block=block)
    told.hospital.say(
        "Comment", unit=2, about=to_hex(told.hospital.reference(SERIAL, 1).id), stance="seen"
    )
    told.hospital.settle(told.writer)
    again = told.ask("cycle", f"{SERIAL}/1", as_of=now, block=block)
    assert (again.file, again.sha256) == (before.file, before.sha256)
    assert told.ask("cycle", f"{SERIAL}/1", as_of=now).sha256 != before.sha256
    told.verify(again.file)


def test_a_file_that_leaves_the_terms_out_follows_from_nothing_but_itself(told: Told) -> None:
    file = json.loads(told.ask("cycle", f"{SERIAL}/1").file)
    is_of = [each["subject"]["id"] == to_hex(TERMS) for each in file["evidence"]]
    kept = [each for each, of_terms in zip(file["evidence"], is_of, strict=True) if not of_terms]
    assert len(kept) == len(file["evidence"]) - 1
    (left,) = [each for each, of_terms in zip(file["evidence"], is_of, strict=True) if of_terms]
    (published,) = left["operations"]
    others = {str(op["chain"]["block"]) for each in kept
              for op in (*each["operations"], *each["support"])}  # fmt: skip
    file["evidence"] = kept
    file["blocks"] = {at: when for at, when in file["blocks"].items() if at in others}
    parts = {name: file[name] for name in ("evidence", "blocks", "notReadable")}
    file["answer"]["rests_on"] = sha256(canonical(parts)).hex()
    data = canonical(file)
    verify_answer_file(data, None, None, verify_signature=verify_signature)
    with pytest.raises(VerificationFailed, match="and the file none"):
        told.verify(data)
    assert published


def test_an_incident_about_what_is_not_there_or_not_theirs_is_not_found(told: Told) -> None:
    hospital = told.hospital
    hospital.admit(4)
    signer = hospital.new_signer(4, Right.REPORT)
    stranger = Caller(
        person="Stranger", unit=4, scopes=frozenset({Scope.READ_UNIT, Scope.REPORT}), signer=signer
    )
    box = to_hex(hospital.reference(SERIAL, 1).id)
    sentences = set()
    for kind, which in (
        ("package", PACKAGE), ("package", "1/Q99"), ("cycle", box), ("cycle", "0x" + "ab" * 32),
        ("asset", "0x" + "cd" * 32), ("consignment", box),
    ):  # fmt: skip
        values = {"what": "other", "subject_kind": kind, "subject": which}
        with hospital.instance.database.transaction() as tx, pytest.raises(NotFound) as caught:
            make_draft(hospital.instance, tx, stranger, ACTS["Incident"], values, DOOR)
        assert caught.value.field == "subject"
        sentences.add((kind, str(caught.value).replace(which.removeprefix("0x"), "…")))
    assert len(sentences) == 4


def test_who_holds_a_package_reads_its_whole_trace_and_no_person(told: Told) -> None:
    member = Caller(person="Member", unit=2, scopes=frozenset({Scope.READ_UNIT}))
    found = told.ask("package", PACKAGE, caller=member)
    all_read = words(told.ask("package", PACKAGE))
    assert words(found) == all_read
    assert "No cycle is known" not in found.answer["head"]["en"]
    assert b"Zhang" not in found.file
    assert b"Nurse" not in found.file
    told.verify(found.file)
    assert {each["unit"] for each in found.answer["findings"]} <= {"U1", "U2", "–"}


def test_both_sides_of_a_consignment_read_what_the_other_recorded(told: Told) -> None:
    with told.hospital.instance.database.reading() as tx:
        box = resolve_consignment(tx, told.hospital.caller, BOX)
    for unit in (1, 2):
        caller = Caller(person="Side", unit=unit, scopes=frozenset({Scope.READ_UNIT}))
        found = told.ask("consignment", to_hex(box.id), caller=caller)
        assert "not_readable" not in {w for each in words(found).values() for w in each}
        told.verify(found.file)


def test_what_is_said_to_a_step_is_read_by_whoever_the_step_concerns(told: Told) -> None:
    centre = Caller(person="Centre", unit=1, scopes=frozenset({Scope.READ_UNIT}))
    with told.hospital.instance.database.reading() as tx:
        (comment,) = list_latest_operations(tx, kind="Comment", limit=1)
    assert comment.unit == 2
    found = told.ask("cycle", f"{SERIAL}/1", caller=centre)
    hidden = json.loads(found.file)["notReadable"]
    assert to_hex(comment.digest) not in hidden
    told.verify(found.file)


def test_the_token_of_a_case_is_shown_to_its_own_unit_alone(told: Told) -> None:
    centre = Caller(person="Centre", unit=1, scopes=frozenset({Scope.READ_UNIT}))
    found = told.ask("package", PACKAGE, caller=centre)
    assert b'"c-1"' in told.ask("package", PACKAGE).file
    assert b'"c-1"' not in found.file
    # it reads up to its own hand-over, and the package was used after it
    (use,) = [each for each in found.answer["findings"] if each["rule"] == "20"]
    assert (use["word"], [why["en"] for why in use["why"]]) == (
        "not_applicable", ["no use is recorded"],
    )  # fmt: skip
    told.verify(found.file)
    quick = told.ask("package", PACKAGE, caller=centre, is_proven=False)
    assert words(quick) == words(found)


def test_what_one_may_not_read_is_not_found_in_the_words_of_what_does_not_exist(
    told: Told,
) -> None:
    stranger = Caller(person="Stranger", unit=3, scopes=frozenset({Scope.READ_UNIT}))
    for kind, own, missing in (
        ("package", PACKAGE, "1/Q99"),
        ("cycle", f"{SERIAL}/1", f"{SERIAL}/99"),
    ):
        sentences = []
        for which in (own, missing):
            with pytest.raises(NotFound) as caught:
                told.ask(kind, which, caller=stranger)
            sentences.append(str(caught.value).replace(which, "…"))
        assert sentences[0] == sentences[1]
    with pytest.raises(InvalidInput, match="one of cycle"):
        told.ask("person", "Wang Fang")


def test_what_is_not_final_stands_beside_it(told: Told) -> None:
    comment = told.hospital.say(
        "Comment", unit=2, about=to_hex(told.hospital.reference(SERIAL, 1).id), stance="seen"
    )
    found = told.ask("cycle", f"{SERIAL}/1")
    assert found.pending == (to_hex(comment),)
    assert to_hex(comment) not in json.dumps(found.answer)
    told.hospital.settle(told.writer)


def test_the_answer_is_set_as_a_page_in_both_languages(told: Told) -> None:
    found = told.ask("package", PACKAGE)
    pages = [recourse_pdf(found.answer, found.file, each) for each in ("en", "zh")]
    assert all(page.startswith(b"%PDF-") for page in pages)
    assert pages[0] == recourse_pdf(found.answer, found.file, "en")


def test_a_sign_that_no_font_has_is_spelt_out_and_stops_no_page(told: Told) -> None:
    found = told.ask("package", PACKAGE)
    answer = json.loads(json.dumps(found.answer))
    answer["subject"]["name"] = "1/Q01 \U0001f489"
    answer["findings"][0]["why"] = [{"en": "sealed: \u26a0 7001", "zh": "封签：\u26a0 7001"}]
    answer["findings"][0]["unit"] = "U\u2460"
    assert recourse_pdf(answer, found.file, "en").startswith(b"%PDF-")


def test_every_finding_names_the_clause_of_its_rule_and_the_answer_its_clocks(told: Told) -> None:
    answer = told.ask("package", PACKAGE, is_proven=False).answer
    assert all(each["source"]["of"] for each in answer["findings"])
    assert answer["offset_minutes"] == 480


def test_the_answer_without_its_file_is_the_same(told: Told) -> None:
    now = datetime.now(UTC)
    proven = told.ask("package", PACKAGE, as_of=now)
    quick = told.ask("package", PACKAGE, as_of=now, is_proven=False)
    assert quick.file == b""
    assert {**quick.answer, "rests_on": proven.answer["rests_on"]} == proven.answer


def test_what_a_key_signed_in_a_window_says_how_sure_it_is_who_that_was(told: Told) -> None:
    key = to_hex(signer_id(told.hospital.operators[1]))
    now = datetime.now(UTC)
    window = {"since": now - timedelta(hours=1), "until": now + timedelta(hours=1)}
    with told.hospital.instance.database.reading() as tx:
        lines = list_signed(tx, told.hospital.caller, key, **window)
        before = list_signed(
            tx,
            told.hospital.caller,
            key,
            since=now - timedelta(days=9),
            until=now - timedelta(days=8),
        )
        stranger = Caller(person="Stranger", unit=3, scopes=frozenset({Scope.READ_UNIT}))
        with pytest.raises(NotFound):
            list_signed(tx, stranger, key, **window)
    assert "the cycle was opened" in [each.act for each in lines]
    assert {each.sureness for each in lines} == {"no shift recorded"}
    assert before == []

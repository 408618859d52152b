"""Terms, incidents, findings and the rest as statements: what is accepted, refused, and held."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.terms import SUBJECT, document_of, parts_of
from ledger.domain.acts.words import Right
from ledger.domain.duties.rules import ENGINE, rules_sha256
from ledger.domain.duties.terms import Terms, parse_terms
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import Conflict, InvalidInput, Refused
from ledger.domain.subjects.states import CurrentWitness
from ledger.steps.accepting.standing import Accepted, AcceptedRecords
from ledger.storage.engine.database import Database
from tests.domain.statement.chains import document as agreed
from tests.house import CENTRE, MEMBER, House, build_house

FOUR_YEARS = 4 * 366


@pytest.fixture
def house(database: Database, tmp_path: Path) -> House:
    """A centre and a member who report and answer."""
    house = build_house(database, tmp_path)
    house.enrol(CENTRE, "Reporter", Right.REPORT)
    return house


def version(house: House, number: int, days: int, **changes: Any) -> Terms:
    start = (house.clock() + timedelta(days=days)).astimezone(UTC).replace(microsecond=0)
    document = {
        **agreed(), "version": number, "holds_from": start.isoformat(), **changes
    }  # fmt: skip
    return parse_terms(json.dumps(document).encode())


def publish(house: House, terms: Terms, **changes: Any) -> Any:
    given = {"document": "0x" + terms.sha256, "lines": parts_of(terms), **changes}
    return house.say("Terms", **given)


# ---------------------------------------------------------------- terms


def test_terms_are_published_by_the_authority_and_replace_each_other(house: House) -> None:
    first = publish(house, version(house, 1, 1))
    publish(house, version(house, 2, 2))
    with house.instance.database.reading() as tx:
        current = Accepted(tx).find(CurrentWitness, 15, SUBJECT, 0)
        assert current is not None
        assert current.digest != first.digest
        kept = parse_terms(document_of(AcceptedRecords(tx).facts_of(current.digest)))
    assert kept.version == 2


def test_terms_that_overlap_or_come_late_or_are_another_document_are_refused(house: House) -> None:
    publish(house, version(house, 2, 5))
    with house.nothing_stored():
        with pytest.raises(Conflict, match="does not follow"):
            publish(house, version(house, 2, 9))
        with pytest.raises(Conflict, match="not earlier"):
            publish(house, version(house, 3, 5))
        with pytest.raises(InvalidInput, match="is over"):
            publish(house, version(house, 3, -1))
        with pytest.raises(InvalidInput, match="hash of the document"):
            publish(house, version(house, 3, 9), document="0x" + "11" * 32)
        with pytest.raises(InvalidInput, match="is not JSON"):
            publish(house, version(house, 3, 9), lines=[{"part": "{"}])


def test_a_document_is_cut_into_lines_and_put_together_again(house: House) -> None:
    prices = agreed()["prices"]
    long = {str(n): "a b  c " * 40 for n in range(40)}
    prices["packages"][0]["name"] = long
    terms = version(house, 1, 1, prices=prices)
    lines = parts_of(terms)
    assert len(lines) > 1
    facts = {f"lines.{n}.part": each["part"] for n, each in enumerate(lines)}
    assert parse_terms(document_of(facts)).sha256 == terms.sha256
    publish(house, terms)


def test_terms_that_no_account_could_be_made_by_are_refused(house: House) -> None:
    publish(house, version(house, 1, 1))
    with house.nothing_stored():
        with pytest.raises(InvalidInput, match="missing or not understood"):
            publish(house, version(house, 2, 2, prices={}))
        with pytest.raises(InvalidInput, match="is 540, and was 480"):
            publish(house, version(house, 2, 2, offset_minutes=540))


# ---------------------------------------------------------------- incidents


def incident(house: House, **changes: Any) -> Any:
    given = {"unit": CENTRE, "what": "infection", "subject_kind": "cycle", **changes}
    return house.say("Incident", **given)


def test_what_an_incident_is_about_is_random_and_not_on_the_chain(house: House) -> None:
    house.open(1)
    subject = house.cycle(1).id.hex()
    digests = [incident(house, subject=subject).digest for _ in range(2)]
    with house.instance.database.reading() as tx:
        facts = [AcceptedRecords(tx).facts_of(each) for each in digests]
        messages = [Accepted(tx)._witness(each) for each in digests]
    assert len({str(each["incident"]) for each in facts}) == 2
    assert all(each is not None and each.about.hex() != subject for each in messages)


def test_an_incident_about_a_package_holds_its_cycle_with_it(house: House) -> None:
    opened, other = house.open(1).digest, house.open(2).digest
    line = {"owner": CENTRE, "package_class": 1, "quantity": 1, "package": "1/Q20"}
    house.say("LoadDeclaration", cycle=to_hex(house.cycle(1).id), lines=[line])
    incident(house, subject="1/Q20", subject_kind="package")
    with house.instance.database.reading() as tx:
        records = AcceptedRecords(tx)
        assert records.is_held(opened)
        assert not records.is_held(other)


def test_an_incident_names_what_it_is_about_so_that_it_can_be_held(house: House) -> None:
    house.open(1)
    told = incident(house, subject=to_hex(house.cycle(1).id))
    with house.instance.database.reading() as tx:
        assert AcceptedRecords(tx).facts_of(told.digest)["subject"] == house.cycle(1).id.hex()
    with house.nothing_stored(), pytest.raises(InvalidInput, match="names nothing"):
        incident(house, subject="that box from Tuesday")


def test_an_incident_holds_the_records_of_its_trace_until_it_is_withdrawn(house: House) -> None:
    opened = house.open(1).digest
    other = house.open(2).digest
    line = {"owner": CENTRE, "package_class": 1, "quantity": 1, "package": "1/Q01"}
    house.say("LoadDeclaration", cycle=to_hex(house.cycle(1).id), lines=[line])
    erasers = [house.enrol(CENTRE, name, Right.ERASE) for name in ("First", "Second")]
    told = incident(
        house, subject="1/Q01", subject_kind="package", lines=[{"subject": house.cycle(1).id.hex()}]
    )  # fmt: skip
    house.wait(days=FOUR_YEARS)

    def erase(digest: bytes) -> None:
        house.say(
            "RecordErasure", subject=to_hex(digest), reason="its time is over",
            signer=to_hex(erasers[0]), countersigner=to_hex(erasers[1]),
        )  # fmt: skip

    with house.nothing_stored(), pytest.raises(Refused, match="an incident names it"):
        erase(opened)
    erase(other)
    incident(
        house,
        subject="1/Q01",
        subject_kind="package",
        what="withdrawn",
        replaces=to_hex(told.digest),
        reason="another package",
    )
    erase(opened)


# ---------------------------------------------------------------- findings are heard first


def finding(house: House, **changes: Any) -> Any:
    given = {
        "unit": CENTRE,
        "incident": "0x" + "aa" * 32,
        "answer": "0x" + "bb" * 32,
        "as_of": house.clock(),
        "engine": ENGINE,
        "rules_sha256": rules_sha256(),
        **changes,
    }
    return house.say("Findings", **given)


def test_findings_are_published_only_after_their_holders_were_heard(house: House) -> None:
    until = house.clock() + timedelta(days=5)
    with house.nothing_stored():
        with pytest.raises(InvalidInput, match="not entered"):
            finding(house, stage="heard")
        with pytest.raises(Refused, match="nobody was heard"):
            finding(house, stage="published")
    with house.nothing_stored(), pytest.raises(InvalidInput, match="as long as the terms say"):
        finding(house, stage="heard", hearing_until=until - timedelta(seconds=1))
    heard = finding(house, stage="heard", hearing_until=until)
    replaces = to_hex(heard.digest)
    with house.nothing_stored(), pytest.raises(Refused, match="may answer until"):
        finding(house, stage="published", replaces=replaces)
    house.wait(days=6)
    with house.nothing_stored(), pytest.raises(Refused, match="another answer"):
        finding(house, stage="published", replaces=replaces, answer="0x" + "cc" * 32)
    finding(house, stage="published", replaces=replaces)


def test_an_incident_is_accepted_with_the_right_to_answer_and_never_by_a_station(
    house: House,
) -> None:
    house.open(1)
    told = incident(house, subject=house.cycle(1).id.hex())
    both = Right.REPORT | Right.ANSWER

    def agree(signer: bytes) -> None:
        house.say(
            "Comment", unit=MEMBER, about=to_hex(told.digest), stance="agrees",
            signer=to_hex(signer),
        )  # fmt: skip

    reporter = house.enrol(MEMBER, "Member reporter", Right.REPORT)
    with house.nothing_stored(), pytest.raises(Refused, match="right answer"):
        agree(reporter)
    house.say(
        "Comment", unit=MEMBER, about=to_hex(told.digest), stance="seen", signer=to_hex(reporter)
    )  # fmt: skip
    agree(house.enrol(MEMBER, "Head", both))


# ---------------------------------------------------------------- contests


def test_what_is_given_back_is_recorded_by_the_unit_that_contested(house: House) -> None:
    for unit in (CENTRE, MEMBER):
        house.enrol(unit, f"Settler {unit}", Right.SETTLE)
    publication = house.say(
        "Publication", period="2026-10", account="11" * 32, closing_block=1,
        closing_hash="11" * 32, closing_time=datetime(2026, 11, 1, tzinfo=UTC),
    )  # fmt: skip
    contested = house.say(
        "StatementAnswer", unit=MEMBER, publication=publication.digest.hex(), lines=[1]
    )
    upheld = house.say(
        "Resolution", unit=CENTRE, answer=contested.digest.hex(), outcome="upheld", amount=5
    )
    given = {"kind": 99, "quantity": 5, "subject": to_hex(upheld.digest)}
    with house.nothing_stored(), pytest.raises(Refused, match=f"let unit {MEMBER} record it"):
        house.say("Service", unit=CENTRE, consumer=MEMBER, **given)
    house.say("Service", unit=MEMBER, consumer=CENTRE, **given)


# ---------------------------------------------------------------- the others


def test_an_outage_and_a_shift_end_after_they_begin(house: House) -> None:
    now = datetime(2026, 11, 3, 8, 0, tzinfo=UTC)
    before = now - timedelta(hours=1)
    with house.nothing_stored():
        with pytest.raises(InvalidInput, match="is before"):
            house.say("Outage", unit=CENTRE, begun_at=now, ended_at=before, what="power")
        with pytest.raises(InvalidInput, match="is before"):
            house.say("Shift", unit=CENTRE, key="Operator", begun_at=now, ended_at=before)
    begun = house.say("Shift", unit=CENTRE, key="Operator", begun_at=before)
    house.say(
        "Shift", unit=CENTRE, key="Operator", begun_at=before, ended_at=now,
        replaces=to_hex(begun.digest),
    )  # fmt: skip
    house.say("Outage", unit=CENTRE, begun_at=before, what="power")
    house.say(
        "Maintenance", unit=CENTRE, asset=to_hex(house.equipment), work="repair", done_at=now,
        outcome="fit_for_use",
    )  # fmt: skip
    house.say("Request", unit=CENTRE, to=MEMBER, what="packages", text="20 of set A")

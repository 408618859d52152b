"""Records: made, committed, erased, and stored as canonical bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import find_schema
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue, record_root, subtree_root
from ledger.domain.records.records import (
    SUITE,
    Commitment,
    Secrets,
    commit,
    fields_from_bytes,
    fields_to_bytes,
    make_record,
)
from tests.domain.sample_records import minimal_facts
from tests.domain.strategies import field_sets

SCHEMA = find_schema("equipment/1")
SECRETS = Secrets(facts=bytes(range(32)), personal=bytes(range(32, 64)))
RECORD = make_record(
    record_id="ab" * 16,
    schema=SCHEMA,
    unit=7,
    facts=minimal_facts(SCHEMA),
    personal={"performer": "李 Müller"},
)


def test_a_record_states_its_id_schema_suite_and_unit() -> None:
    assert RECORD.facts["record.id"] == "ab" * 16
    assert RECORD.facts["record.schema"] == "equipment/1"
    assert RECORD.facts["record.suite"] == SUITE
    assert RECORD.facts["record.unit"] == 7


@pytest.mark.parametrize("path", ["record.id", "record.schema", "record.suite", "record.unit"])
def test_a_caller_cannot_state_something_else_of_the_record(path: str) -> None:
    facts = {**minimal_facts(SCHEMA), path: "other"}
    with pytest.raises(InvalidInput) as caught:
        make_record(record_id="ab" * 16, schema=SCHEMA, unit=7, facts=facts, personal={})
    assert caught.value.field == path


def test_a_record_made_again_from_its_own_facts_is_the_same() -> None:
    assert RECORD.personal is not None
    again = make_record(
        record_id=RECORD.id,
        schema=SCHEMA,
        unit=RECORD.unit,
        facts=RECORD.facts,
        personal=RECORD.personal,
    )
    assert again == RECORD


@pytest.mark.parametrize("unit", [-1, 2**32])
def test_a_record_belongs_to_a_unit_that_can_exist(unit: int) -> None:
    facts = minimal_facts(SCHEMA)
    with pytest.raises(InvalidInput) as caught:
        make_record(record_id="ab" * 16, schema=SCHEMA, unit=unit, facts=facts, personal={})
    assert caught.value.field == "record.unit"


def test_making_a_record_leaves_what_it_was_given_alone() -> None:
    facts = minimal_facts(SCHEMA)
    before = dict(facts)
    make_record(record_id="ab" * 16, schema=SCHEMA, unit=7, facts=facts, personal={})
    assert facts == before


def test_a_commitment_is_the_root_over_both_parts() -> None:
    commitment = commit(RECORD, SECRETS)
    assert RECORD.personal is not None
    assert SECRETS.personal is not None
    assert commitment == Commitment(
        facts_root=subtree_root(SECRETS.facts, RECORD.facts),
        personal_root=subtree_root(SECRETS.personal, RECORD.personal),
    )
    assert commitment.root == record_root(commitment.facts_root, commitment.personal_root)


def test_each_part_has_a_secret_of_its_own() -> None:
    base = commit(RECORD, SECRETS)
    facts = commit(RECORD, replace(SECRETS, facts=bytes(32)))
    personal = commit(RECORD, replace(SECRETS, personal=bytes(32)))
    assert facts.facts_root != base.facts_root
    assert facts.personal_root == base.personal_root
    assert personal.facts_root == base.facts_root
    assert personal.personal_root != base.personal_root


def test_a_record_without_personal_fields_still_commits_to_a_personal_part() -> None:
    # Null fields are leaves: the root does not tell whether anyone was named.
    empty = replace(RECORD, personal=dict.fromkeys(RECORD.personal or ()))
    assert len(commit(empty, SECRETS).personal_root) == 32
    assert commit(empty, SECRETS).personal_root != commit(RECORD, SECRETS).personal_root


@pytest.mark.parametrize(
    "record,secrets",
    [
        (replace(RECORD, personal=None), SECRETS),
        (RECORD, replace(SECRETS, personal=None)),
        (replace(RECORD, personal=None), replace(SECRETS, personal=None)),
    ],
)
def test_an_erased_record_cannot_be_committed_again(record: object, secrets: Secrets) -> None:
    with pytest.raises(InvalidInput) as caught:
        commit(record, secrets)  # type: ignore[arg-type]  # parametrised
    assert caught.value.field == "personal"


def test_secrets_are_not_shown() -> None:
    shown = f"{SECRETS!r} {SECRETS}"
    assert repr(SECRETS.facts)[2:-1] not in shown
    assert SECRETS.facts.hex() not in shown
    assert shown == "Secrets(…) Secrets(…)"


@given(field_sets)
def test_fields_give_themselves_back_through_bytes(fields: dict[str, FieldValue]) -> None:
    assert fields_from_bytes(fields_to_bytes(fields)) == fields


@given(field_sets)
def test_the_bytes_do_not_depend_on_the_order_of_fields(fields: dict[str, FieldValue]) -> None:
    assert fields_to_bytes(dict(reversed(fields.items()))) == fields_to_bytes(fields)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"a"',
        b"\xff\xfe",
        b'{"a":1.5}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":[]}',
        b'{"a":{}}',
        b'{"a":"\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\\u0000"}',
        b'{"a": 1}',
        b'{"b":1,"a":1}',
        b'{"a":1,"a":1}',
        b'{"a":1}\n',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\\u0061"}',
        b'{"a":' * 200_000,
        b"[" * 200_000,
    ],
)
def test_bytes_that_no_record_makes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        fields_from_bytes(data)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_fields_or_refused(data: bytes) -> None:
    try:
        fields = fields_from_bytes(data)
    except InvalidInput:
        return
    assert fields_to_bytes(fields) == data


@pytest.mark.parametrize(
    "moment,text",
    [
        (datetime(2016, 3, 16, 0, 53, 20, tzinfo=UTC), "2016-03-16T00:53:20Z"),
        (
            datetime(2016, 3, 16, 8, 53, 20, tzinfo=timezone(timedelta(hours=8))),
            "2016-03-16T00:53:20Z",
        ),
        (datetime(2016, 3, 16, 0, 53, 20, 500, tzinfo=UTC), "2016-03-16T00:53:20.000500Z"),
    ],
)
def test_a_moment_is_written_in_utc(moment: datetime, text: str) -> None:
    assert instant_text(moment) == text


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_moment_is_taken_by_every_field_of_a_moment(moment: datetime) -> None:
    rule = SCHEMA.facts["captured_at"]
    rule.check("captured_at", instant_text(moment))
    assert datetime.fromisoformat(instant_text(moment)) == moment


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        instant_text(datetime(2016, 3, 16))  # noqa: DTZ001 - that is the point
    assert caught.value.field == "time"

"""Every schema, by its own rules: what it takes, and what it refuses by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS, find_schema
from ledger.domain.acts.words import RESULT_WORDS
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import MAX_TEXT, FieldValue
from ledger.domain.records.records import Record, make_record
from ledger.domain.records.schemas import (
    FieldRule,
    Schema,
    choice,
    decimal,
    flag,
    hash32,
    instant,
    integer,
    text,
)
from tests.domain.sample_records import STATED, fits, minimal_facts, value_for

SCHEMAS = {act.schema: act.record_schema for act in ACTS.values()}
ALL = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
WITH_LISTS = [schema for schema in SCHEMAS.values() if schema.lists]


def make(
    schema: Schema,
    facts: dict[str, FieldValue] | None = None,
    personal: dict[str, FieldValue] | None = None,
) -> Record:
    return make_record(
        record_id="ab" * 16,
        schema=schema,
        unit=1,
        facts=minimal_facts(schema) if facts is None else facts,
        personal=personal or {},
    )


@ALL
def test_the_smallest_record_is_taken_and_shows_every_field(schema: Schema) -> None:
    record = make(schema)
    fixed = {path for path in schema.facts if "[]" not in path}
    assert fixed <= set(record.facts)
    assert record.personal == dict.fromkeys(schema.personal)
    assert record.facts["record.schema"] == schema.name


@ALL
def test_what_nobody_entered_is_null_and_never_a_value(schema: Schema) -> None:
    record = make(schema)
    for path, rule in schema.facts.items():
        if not rule.required and "[]" not in path:
            assert record.facts[path] is None


@ALL
def test_a_required_field_that_is_not_entered_is_refused_by_name(schema: Schema) -> None:
    facts = minimal_facts(schema)
    for path in facts:
        rule = schema.facts[path if path in schema.facts else in_schema(path)]
        if rule.required:
            with pytest.raises(InvalidInput) as caught:
                make(schema, {**facts, path: None})
            assert caught.value.field == path
            assert caught.value.rule == rule.text


def in_schema(path: str) -> str:
    return ".".join("[]" if part.isdigit() else part for part in path.split(".")).replace(
        ".[]", "[]"
    )


@ALL
def test_a_fixed_required_field_that_is_missing_is_refused_by_name(schema: Schema) -> None:
    facts = minimal_facts(schema)
    for path in facts:
        if path in schema.facts:
            with pytest.raises(InvalidInput) as caught:
                make(schema, {name: value for name, value in facts.items() if name != path})
            assert caught.value.field == path


@ALL
@pytest.mark.parametrize(
    "path",
    ["", "nothing", "Device", "device ", "devic\u0435", "lines", "lines[].owner", "lines.-1.owner"],
)
def test_an_unknown_field_is_refused_by_name(schema: Schema, path: str) -> None:
    if path in schema.facts:
        path = f"{path}s"
    with pytest.raises(InvalidInput) as caught:
        make(schema, {**minimal_facts(schema), path: "x"})
    assert caught.value.field == path


@ALL
def test_a_persons_field_among_the_facts_is_refused(schema: Schema) -> None:
    for path in schema.personal:
        with pytest.raises(InvalidInput) as caught:
            make(schema, {**minimal_facts(schema), path: "Li"})
        assert caught.value.field == path


@ALL
def test_a_fact_among_the_personal_fields_is_refused(schema: Schema) -> None:
    with pytest.raises(InvalidInput) as caught:
        make(schema, personal={"device": "x"})
    assert caught.value.field == "device"


@ALL
def test_no_path_is_both_a_fact_and_personal(schema: Schema) -> None:
    assert not set(schema.facts) & set(schema.personal)
    assert {"performer", "checker", "enterer", "on_behalf_of"} <= set(schema.personal)


@ALL
def test_every_field_refuses_a_value_of_another_type_by_name(schema: Schema) -> None:
    facts = minimal_facts(schema)
    wrong: list[object] = [1.5, [], {}, b"x", "\0", "\ud800", 2**53]
    for path in (p for p in schema.facts if "[]" not in p and p not in STATED):
        rule = schema.facts[path]
        ill: list[object] = [v for v in (1, True, " ", "") if not fits(rule, v)]
        for value in [*wrong, *ill]:
            with pytest.raises(InvalidInput) as caught:
                make(schema, {**facts, path: value})  # type: ignore[dict-item]
            assert caught.value.field == path


@ALL
def test_every_field_takes_a_value_of_its_own_type(schema: Schema) -> None:
    fixed = {
        path: value_for(rule)
        for path, rule in schema.facts.items()
        if "[]" not in path and path not in STATED
    }
    people: dict[str, FieldValue] = {p: value_for(rule) for p, rule in schema.personal.items()}
    record = make(schema, {**minimal_facts(schema), **fixed}, people)
    assert {path: record.facts[path] for path in fixed} == fixed
    assert record.personal == people


def items(schema: Schema, name: str, indexes: list[int]) -> dict[str, FieldValue]:
    members = [path for path in schema.facts if path.startswith(f"{name}[].")]
    return {
        path.replace("[]", f".{index}"): value_for(schema.facts[path])
        for index in indexes
        for path in members
    }


def without_lists(schema: Schema) -> dict[str, FieldValue]:
    return {path: value for path, value in minimal_facts(schema).items() if path in schema.facts}


@pytest.mark.parametrize("schema", WITH_LISTS, ids=lambda schema: schema.name)
@pytest.mark.parametrize("count", [1, 2, 11])
def test_the_items_of_a_list_are_numbered_from_0(schema: Schema, count: int) -> None:
    for name in schema.lists:
        added = items(schema, name, list(range(count)))
        record = make(schema, {**minimal_facts(schema), **added})
        assert {path: record.facts[path] for path in added} == added


@pytest.mark.parametrize("schema", WITH_LISTS, ids=lambda schema: schema.name)
@pytest.mark.parametrize("indexes", [[1], [0, 2], [1, 2, 3]])
def test_a_gap_in_a_list_is_refused_by_the_lists_name(schema: Schema, indexes: list[int]) -> None:
    for name in schema.lists:
        with pytest.raises(InvalidInput) as caught:
            make(schema, {**without_lists(schema), **items(schema, name, indexes)})
        assert caught.value.field == name


@pytest.mark.parametrize("schema", WITH_LISTS, ids=lambda schema: schema.name)
def test_an_item_that_lacks_a_field_is_refused_by_the_lists_name(schema: Schema) -> None:
    for name in schema.lists:
        whole = items(schema, name, [0, 1])
        # without the only field of the last item the list is whole, and shorter
        for path in whole if len(whole) > 2 else list(whole)[:1]:
            part = {other: value for other, value in whole.items() if other != path}
            with pytest.raises(InvalidInput) as caught:
                make(schema, {**without_lists(schema), **part})
            assert caught.value.field == name


@pytest.mark.parametrize("index", ["00", "01", "x", "", "-1", "10000", "\u0660", "0.0"])
def test_an_item_is_numbered_in_plain_digits(index: str) -> None:
    schema = find_schema("cycle-load/1")
    path = f"lines.{index}.quantity"
    with pytest.raises(InvalidInput) as caught:
        make(schema, {**minimal_facts(schema), path: 1})
    assert caught.value.field == path


def test_a_load_has_at_least_one_line() -> None:
    schema = find_schema("cycle-load/1")
    with pytest.raises(InvalidInput) as caught:
        make(schema, without_lists(schema))
    assert caught.value.field == "lines"
    assert caught.value.rule == "at least 1"


def test_an_unknown_schema_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        find_schema("unit/2")
    assert caught.value.field == "schema"
    assert caught.value.rule is not None
    assert all(name in caught.value.rule for name in SCHEMAS)


def test_a_result_that_nobody_entered_has_a_word_of_its_own() -> None:
    assert "not_entered" in RESULT_WORDS
    for name, rule in find_schema("cycle-decision/1").facts.items():
        if name.startswith("results."):
            assert rule.required
            assert all(fits(rule, word) for word in RESULT_WORDS)
            assert not fits(rule, "passed")


RULES: dict[str, tuple[FieldRule, list[FieldValue], list[FieldValue]]] = {
    "text": (text(3), ["a", "abc", "灭菌器", "a b"], ["", " a", "a ", "a\n", "abcd", 1, True]),
    "integer": (integer(1, 3), [1, 2, 3], [0, 4, -1, True, "1", "x"]),
    "decimal": (
        decimal("-1", "10"),
        ["-1", "0", "10", "10.0", "9.999999999999999999999", "-0.5"],
        ["10.01", "-1.1", "1e1", "1.", ".5", "01", "+1", " 1", "1\n", "NaN", "Infinity", "", 1,
         "1_0", "\uff11", "1,5"],
    ),
    "flag": (flag(), [True, False], [0, 1, "true", ""]),
    "choice": (choice("a", "b"), ["a", "b"], ["", "A", "a ", "ab", 0, True]),
    "instant": (
        instant(),
        ["2016-03-16T00:53:20Z", "2016-02-29T23:59:59.123456Z", "0001-01-01T00:00:00Z"],
        ["2016-03-16", "2016-03-16T00:53:20", "2016-03-16T00:53:20+00:00", "2015-02-29T00:00:00Z",
         "2016-03-16T24:00:00Z", "2016-03-16T00:53:20Z\n", "2016-03-16t00:53:20z",
         "2016-03-16T00:53:60Z", "2016-03-16T00:53:20.1234567Z", "0000-01-01T00:00:00Z", 0],
    ),
    "hash32": (
        hash32(),
        ["0" * 64, "ab" * 32],
        ["AB" * 32, "0x" + "0" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n", "g" * 64, 0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_a_rule_takes_what_fits(name: str) -> None:
    rule, good, _ = RULES[name]
    for value in good:
        rule.check("some.path", value)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_refuses_the_rest_and_says_what_would_fit(name: str) -> None:
    rule, _, bad = RULES[name]
    for value in bad:
        with pytest.raises(InvalidInput) as caught:
            rule.check("some.path", value)
        assert caught.value.field == "some.path"
        assert caught.value.rule == rule.text
        assert repr(value) in caught.value.what


@given(st.decimals(min_value=-50, max_value=400, places=3))
def test_a_measured_value_is_taken_as_decimal_text(value: object) -> None:
    decimal("-50", "400").check("x", f"{value:f}")


@given(st.text(max_size=60))
def test_a_rule_takes_a_text_or_raises_invalid_input(value: str) -> None:
    for rule, _, _ in RULES.values():
        fits(rule, value)


def test_no_rule_allows_a_text_that_no_commitment_takes() -> None:
    for schema in SCHEMAS.values():
        for rule in (*schema.facts.values(), *schema.personal.values()):
            assert not fits(rule, "x" * (MAX_TEXT + 1))

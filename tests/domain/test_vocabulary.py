"""Each sort of value: what is signed of it, what the record holds, and that the two agree."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import reduce, singledispatch
from operator import or_
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    ConsignmentNamed,
    ConsignmentReference,
    CycleNamed,
    CycleReference,
    Each,
    Field,
    Fixed,
    Flags,
    Hash,
    Lines,
    Machine,
    MachineNamed,
    Measured,
    Moment,
    Named,
    NewKey,
    Numbers,
    OneOf,
    Serial,
    SetNamed,
    Sort,
    Stated,
    Switch,
    Whole,
    Words,
)
from ledger.domain.encoding.abi import encode_data
from ledger.domain.encoding.identifiers import ConsignmentId, EquipmentId
from ledger.domain.errors import InvalidInput
from ledger.domain.records.schemas import FieldRule, require_fields

FIELDS = {
    f"{act.spelled}.{each.name}": each
    for act in ACTS.values()
    for each in act.fields
    if each.record_root not in {None, "supersedes"}
}
EVERY_FIELD = pytest.mark.parametrize("field", FIELDS.values(), ids=list(FIELDS))

words = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)
thirty_two = st.binary(min_size=32, max_size=32).filter(any)
machines = st.builds(
    Machine,
    id=thirty_two.map(EquipmentId),
    unit=st.integers(1, 2**32 - 1),
    serial=words,
)


@singledispatch
def values(sort: Sort) -> st.SearchStrategy[Any]:
    """Values as a draft takes them."""
    raise NotImplementedError(sort)


@values.register
def _(sort: Choice) -> st.SearchStrategy[Any]:
    return st.sampled_from(sort.of)


@values.register
def _(sort: OneOf) -> st.SearchStrategy[Any]:
    return st.sampled_from(sort.words)


@values.register
def _(sort: Flags) -> st.SearchStrategy[Any]:
    return st.sets(st.sampled_from(list(sort.of)), min_size=1).map(lambda some: reduce(or_, some))


@values.register
def _(sort: Whole) -> st.SearchStrategy[Any]:
    return st.integers(sort.low, sort.high)


@values.register
def _(sort: Numbers) -> st.SearchStrategy[Any]:
    return st.lists(st.integers(1, sort.most), max_size=9)


@values.register
def _(sort: Words | Serial) -> st.SearchStrategy[Any]:
    longest = sort.longest if isinstance(sort, Words) else None
    return words.map(lambda text: text[:longest])


@values.register
def _(sort: SetNamed) -> st.SearchStrategy[Any]:
    return st.tuples(st.integers(1, 2**32 - 1), words).map(lambda both: f"{both[0]}/{both[1]}")


@values.register
def _(sort: Hash) -> st.SearchStrategy[Any]:
    return thirty_two.map(bytes.hex)


@values.register
def _(sort: Switch) -> st.SearchStrategy[Any]:
    return st.booleans()


@values.register
def _(sort: Measured) -> st.SearchStrategy[Any]:
    return st.integers(int(sort.low) + 1, int(sort.high) - 1).map(lambda whole: f"{whole}.5")


@values.register
def _(sort: Moment) -> st.SearchStrategy[Any]:
    first, last = datetime(1971, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - the zone is added
    return st.datetimes(first, last, timezones=st.just(UTC))


@values.register
def _(sort: Named) -> st.SearchStrategy[Any]:
    return st.integers(1, 2**32 - 1) if sort.what == "unit" else thirty_two


@values.register
def _(sort: NewKey) -> st.SearchStrategy[Any]:
    return st.binary(min_size=20, max_size=20) | st.binary(min_size=84, max_size=84)


@values.register
def _(sort: MachineNamed) -> st.SearchStrategy[Any]:
    return machines


@values.register
def _(sort: CycleNamed) -> st.SearchStrategy[Any]:
    numbers = st.integers(1, 2**32 - 1)
    return st.builds(CycleReference, machine=machines, epoch=numbers, number=numbers)


@values.register
def _(sort: ConsignmentNamed) -> st.SearchStrategy[Any]:
    return st.builds(
        ConsignmentReference,
        id=thirty_two.map(ConsignmentId),
        giver=st.integers(1, 2**32 - 1),
        slip=words,
    )


@values.register
def _(sort: Lines) -> st.SearchStrategy[Any]:
    columns = {name: values(column) for name, column in sort.columns.items()}
    return st.lists(st.fixed_dictionaries(columns), min_size=max(1, sort.fewest), max_size=4)


@values.register
def _(sort: Each) -> st.SearchStrategy[Any]:
    return st.dictionaries(st.sampled_from(sort.names), st.sampled_from(sort.words))


@values.register
def _(sort: Stated | Fixed) -> st.SearchStrategy[Any]:
    return st.none()


def rules_of(field: Field) -> dict[str, FieldRule]:
    return dict(field.of.rules(str(field.record_root), required=False))


def lists_of(field: Field) -> dict[str, int]:
    return {str(field.record_root): field.of.fewest} if isinstance(field.of, Lines) else {}


@EVERY_FIELD
@given(data=st.data())
def test_what_is_recorded_obeys_the_schema_and_is_whole(field: Field, data: st.DataObject) -> None:
    facts = field.of.facts(str(field.record_root), data.draw(values(field.of)))
    require_fields(rules_of(field), facts, lists_of(field))


SIGNED = {name: each for name, each in FIELDS.items() if each.signed_as}


@pytest.mark.parametrize("field", SIGNED.values(), ids=list(SIGNED))
@given(data=st.data())
def test_what_is_recorded_confirms_what_is_signed_and_nothing_else(
    field: Field, data: st.DataObject
) -> None:
    root, strategy = str(field.record_root), values(field.of)
    value, other = data.draw(strategy), data.draw(strategy)
    facts = field.of.facts(root, value)
    if isinstance(field.of, MachineNamed | CycleNamed | ConsignmentNamed):
        # what else the record says of it, the message does not
        facts = {root: facts[root]}
    signed, changed = field.of.signed(value), field.of.signed(other)
    for path, fact in facts.items():
        assert field.of.confirms(path, fact, signed, root=root), path
    # lines that are not shown contradict nothing
    if changed != signed and not (isinstance(value, list) and len(other) > len(value)):
        assert not all(field.of.confirms(p, f, changed, root=root) for p, f in facts.items())


@pytest.mark.parametrize("field", SIGNED.values(), ids=list(SIGNED))
@given(data=st.data())
def test_what_is_signed_fits_its_solidity_type(field: Field, data: st.DataObject) -> None:
    act = next(a for a in ACTS.values() if field in a.fields)
    signed = field.of.signed(data.draw(values(field.of)))
    struct = act.struct
    message: dict[str, Any] = {
        m.name: [] if m.type.endswith("[]") else bytes(32) if m.type == "bytes32" else 0
        for m in struct.members
    }
    encode_data(struct, NESTED, message | {field.signed_as: signed})


@pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.spelled)
def test_each_member_of_a_message_comes_from_one_field(act: Act) -> None:
    ending = {"record", "signedBy", "countersignedBy", "signedAt"}
    signed = [each.signed_as for each in act.fields if each.signed_as]
    assert len(set(signed)) == len(signed)
    assert {m.name for m in act.struct.members} - ending == set(signed)


def test_a_number_that_is_no_word_is_refused() -> None:
    state = ACTS["EquipmentChange"].field_named("state")
    with pytest.raises(InvalidInput) as caught:
        state.of.facts("state", 9)
    assert caught.value.field == "state"


def test_a_result_that_is_none_is_refused() -> None:
    results = ACTS["CycleDecision"].field_named("results")
    with pytest.raises(InvalidInput) as caught:
        results.of.facts("results", {"taste": "pass"})
    assert "taste" in caught.value.what

"""What hypothesis draws for the domain: fields of records, messages of operations."""

from __future__ import annotations

from hypothesis import strategies as st

from ledger.domain.acts.catalogue import ACTS, NESTED
from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.abi import Eip712Domain, Scalar, Value
from ledger.domain.records.commitments import MAX_SAFE_INTEGER, FieldValue

secrets = st.binary(min_size=32, max_size=32)

#: Well-formed text without NUL, as a record may hold it.
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20
)
values: st.SearchStrategy[FieldValue] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
)
field_sets: st.SearchStrategy[dict[str, FieldValue]] = st.dictionaries(words, values, max_size=12)
filled_field_sets = st.dictionaries(words, values, min_size=1, max_size=12)

kinds: st.SearchStrategy[Act] = st.sampled_from(list(ACTS.values()))
domains = st.builds(
    Eip712Domain,
    chain_id=st.integers(0, MAX_SAFE_INTEGER),
    contract=st.binary(min_size=20, max_size=20),
)


def scalars(solidity_type: str) -> st.SearchStrategy[Scalar]:
    """Every value of a type that JSON holds exactly."""
    if solidity_type == "bytes32":
        return st.binary(min_size=32, max_size=32)
    if solidity_type.startswith("uint"):
        return st.integers(0, (1 << min(int(solidity_type[4:]), 53)) - 1)
    half = 1 << min(int(solidity_type[3:]) - 1, 52)
    return st.integers(-half, half - 1)


def messages(act: Act) -> st.SearchStrategy[dict[str, Value]]:
    """Messages of one kind, every member within its type."""
    members: dict[str, st.SearchStrategy[Value]] = {}
    for member in act.struct.members:
        if member.type.endswith("[]"):
            inner = NESTED[member.type[:-2]].members
            items = st.fixed_dictionaries({part.name: scalars(part.type) for part in inner})
            members[member.name] = st.lists(items, max_size=4)
        else:
            members[member.name] = scalars(member.type)
    return st.fixed_dictionaries(members)

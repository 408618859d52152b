"""Depth of JSON, measured before it is parsed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput

documents = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(alphabet='"\\[]{}a')),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet='"\\[]{}a'), inner, max_size=3),
    ),
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(documents)
def test_depth_is_counted_outside_of_strings(document: object) -> None:
    data, levels = json.dumps(document).encode(), depth(document)
    require_nesting(data, deepest=levels, field="x")
    if levels:
        with pytest.raises(InvalidInput) as caught:
            require_nesting(data, deepest=levels - 1, field="x")
        assert caught.value.field == "x"


@pytest.mark.parametrize("piece", [b"[", b'{"a":', b"[[],", b'[{"a":["b",'])
def test_a_document_that_would_overrun_the_stack_is_refused(piece: bytes) -> None:
    with pytest.raises(InvalidInput):
        require_nesting(piece * 100_000, deepest=64, field="x")


@pytest.mark.parametrize("piece", [b'\\"', b"\\", b'"', b'"\\"', b"\\["])
def test_strings_that_are_never_closed_are_measured_in_one_pass(piece: bytes) -> None:
    require_nesting(b'"' + piece * 200_001, deepest=1, field="x")

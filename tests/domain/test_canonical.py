"""RFC 8785: the same bytes as the reference package, and a refusal where there are none."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.encoding.canonical import MAX_INTEGER, Plain, canonical, canonical_scalar
from ledger.domain.errors import InvalidInput

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | TEXT | st.integers(-MAX_INTEGER, MAX_INTEGER)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
)


@given(VALUES)
def test_the_bytes_are_those_of_the_reference_package(value: Plain) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(SCALARS)
def test_a_scalar_alone_has_the_same_bytes(value: str | int | bool | None) -> None:
    assert canonical_scalar(value) == rfc8785.dumps(value)


def test_every_character_of_the_first_two_planes_is_written_as_the_reference_writes_it() -> None:
    for start in range(0, 0x20000, 0x100):
        text = "".join(map(chr, range(start, start + 0x100)))
        text = "".join(c for c in text if not "\ud800" <= c <= "\udfff")
        assert canonical(text) == rfc8785.dumps(text)


def test_names_are_ordered_by_their_utf_16_units() -> None:
    # U+1D306 is D834 DF06 in UTF-16, and so comes before U+FB33, unlike by code point.
    assert canonical({"\ufb33": 1, "\U0001d306": 2}) == '{"\U0001d306":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize(
    "value",
    [1.0, float("nan"), b"", {1: 2}, {None: 1}, 2**53, -(2**53), [2**60], "\ud800", object()],
)
def test_a_value_without_a_canonical_form_is_refused(value: Plain) -> None:
    with pytest.raises(InvalidInput):
        canonical(value)
    with pytest.raises(InvalidInput):
        canonical({"inside": [value]})


@pytest.mark.parametrize("value", [1.0, float("nan"), b"", 2**53, -(2**53), object()])
def test_a_scalar_without_a_canonical_form_is_refused_alone_too(value: int) -> None:
    with pytest.raises(InvalidInput):
        canonical_scalar(value)

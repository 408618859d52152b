from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.visible import visible, visible_json

HOSTILE = "\x1b[2J\x1b[HVerified\x07\x00\r\n\x9b31m\u202eabc\u2066\u2028\u200b\ud800\U000e0041"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "Łódź 東京 العربية 134 °C → ✓",
        "a b\u00a0c\u3000d",
        "\U0001f600",
        "\\u001b",
    ],
)
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    "text, shown",
    [
        ("\x1b[2J", "\\u001b[2J"),
        ("a\nb\rc\td", "a\\u000ab\\u000dc\\u0009d"),
        ("\x7f\x9b31m", "\\u007f\\u009b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("li\u200bna", "li\\u200bna"),
        ("\u2028\u2029\ufeff\u00ad", "\\u2028\\u2029\\ufeff\\u00ad"),
        ("\ud8ff", "\\ud8ff"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_a_terminal_obeys_is_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_but_signs_and_blanks_is_left(text: str) -> None:
    shown = visible(text)
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert not set("\n\r\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029") & set(shown)
    assert visible(shown) == shown
    shown.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(json_values | st.just(HOSTILE), st.sampled_from([None, 2]))
def test_a_json_document_means_the_same(value: object, indent: int | None) -> None:
    document = visible_json(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(document) == value
    assert visible(document.replace("\n", "")) == document.replace("\n", "")

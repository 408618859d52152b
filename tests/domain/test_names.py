"""What people take for the same name, and what nobody sees in one."""

from __future__ import annotations

import unicodedata

import pytest

from ledger.domain.names import find_hidden, find_lookalike, looks_like, plain_name

ACUTE = "Jos\u00e9"


def test_a_name_has_one_form() -> None:
    assert plain_name(unicodedata.normalize("NFD", f" {ACUTE} ")) == ACUTE
    assert plain_name("\u674e\u5a1c") == "\u674e\u5a1c"


@pytest.mark.parametrize(
    "other",
    [
        "Anna", "\u0410nna", "Ann\u0430", "ANNA", "anna", "\u0391nna", "An\u200dna", "Anna\u3164",
        "A\u034fnna", "\uff21nna", "Anna\ufe00", " Anna", "\u0251nna",
    ],
    ids=[
        "itself", "Cyrillic A", "Cyrillic a", "large", "small", "Greek A", "a joiner", "a filler",
        "a grapheme joiner", "full width", "a variation", "a blank", "Latin alpha",
    ],
)  # fmt: skip
def test_what_looks_the_same_is_the_same(other: str) -> None:
    assert looks_like("Anna", other)
    assert looks_like(other, "Anna")


@pytest.mark.parametrize(
    "one,other",
    [("U1", "UI"), ("U1", "Ul"), ("U0", "UO"), ("Li Na", "Li  Na"), (ACUTE, "Jose\u0301")],
)
def test_what_is_drawn_like_a_digit_looks_like_it(one: str, other: str) -> None:
    assert looks_like(one, other)


@pytest.mark.parametrize(
    "one,other",
    [
        ("Anna", "Anne"), ("A1", "AL"), ("EAST", "WEST"), ("Jose", ACUTE), ("Li Na", "Lina"),
        ("\u674e\u5a1c", "\u674e\u5a03"), ("\u0418\u0432\u0430\u043d", "Ivan"), ("U1", "U2"),
    ],
)  # fmt: skip
def test_what_people_tell_apart_is_told_apart(one: str, other: str) -> None:
    assert not looks_like(one, other)


def test_the_same_spelling_is_no_lookalike() -> None:
    assert find_lookalike("Anna", ["Anna", "Anne"]) is None
    assert find_lookalike("Anna", ["Anne", "\u0410nna"]) == "\u0410nna"


@pytest.mark.parametrize("character", list("\0\x1b\u202e\u00ad\u2060\ufeff\u3164\u2800\uffa0"))
def test_what_nobody_sees_is_found(character: str) -> None:
    assert find_hidden(f"An{character}na") == character


@pytest.mark.parametrize("text", ["\u200dAnna", "An\u200cna", "\u0410\u200d\u043d", "\u674e\u200c"])
def test_a_joiner_that_joins_nothing_is_found(text: str) -> None:
    assert find_hidden(text) in {"\u200c", "\u200d"}


@pytest.mark.parametrize(
    "text",
    [
        "", "Anna", ACUTE, "two\nlines\tand a tab", "\u674e\u5a1c", "\uae40\uc18c\uc5f0",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937",
        "\u845b\U000e0100",
    ],
    ids=[
        "nothing", "plain", "a mark", "lines", "Chinese", "Korean", "Persian with a joiner",
        "Devanagari with a joiner", "a variant of a character",
    ],
)  # fmt: skip
def test_what_scripts_need_is_seen(text: str) -> None:
    assert find_hidden(text) is None

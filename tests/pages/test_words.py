"""Nothing that a page shows is left in English where it is shown in Chinese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from api.pages.words import LANGUAGES, Words, catalogue, spoken
from scripts.messages import missing, sentences, texts

GLOSSARY = Path(__file__).resolve().parents[2] / "docs" / "glossary.md"
OTHERS = [each for each in LANGUAGES if each != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    assert missing(language) == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_as_many_holes_as_its_text(language: str) -> None:
    differing = {
        text: said
        for text, said in catalogue(language).items()
        if text.count("{}") != len(re.findall(r"\{\d*\}", said))
    }
    assert differing == {}


def test_a_chinese_translation_is_chinese() -> None:
    # what is the same in both: names of things that have no other
    same = {
        text for text, said in catalogue("zh").items() if not re.search("[\u4e00-\u9fff]", said)
    }
    assert same <= {"CSV", "PIN", "f0 minutes", "sha256", "utc", "{} – {}"} | {
        text for text in same if not re.search("[a-z]{3}", text)
    }


def test_texts_are_found_in_templates_declarations_and_errors() -> None:
    assert {
        "Unload and decide",  # a screen
        "Skip to the content",  # a template
        "the machine's own cycle number",  # a declaration
        "released biological pending",  # a state
        "cycle {} of this machine is open already",  # an error with a hole
    } <= texts()


def test_an_errors_sentence_is_found_with_holes_for_what_it_names() -> None:
    source = 'raise Refused(f"{n} of {m!r} are out", rule="none", remedy=f"see {where}")'
    assert set(sentences(ast.parse(source))) == {"{} of {} are out", "none", "see {}"}


def test_a_sentence_that_names_things_is_translated_around_them() -> None:
    words = Words("zh", "UTC")
    said = words.sentence("cycle 13 of this machine is open already")
    assert "13" in said
    assert "cycle" not in said
    assert words.sentence("nobody translated this 5") == "nobody translated this 5"
    assert Words("en", "UTC").sentence("cycle 13 is there") == "cycle 13 is there"


def test_a_remedy_names_the_page_that_does_what_a_command_does() -> None:
    words = Words("en", "UTC")
    assert words.sentence("see: steriledger operation list, GET /v1/operations") == "see: “Records”"
    asked = "say so: steriledger equipment change S-1 --epoch 2 --reason WHY; then go on"
    assert words.sentence(asked) == "say so: “Equipment change”; then go on"
    assert words.sentence("say so: --leap, or leap: true") == "say so: “Leap”"
    # no page does what is for whoever runs the instance
    assert words.sentence("run: steriledger up") == "run: steriledger up"


def test_the_catalogue_uses_the_words_of_the_glossary() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    terms = dict(rows[1:])
    assert len(terms) > 40
    said = {english: catalogue("zh").get(english, chinese) for english, chinese in terms.items()}
    assert {e: said[e] for e, chinese in terms.items() if chinese not in said[e]} == {}
    assert set(terms) <= set(catalogue("zh")) | {"evidence", "share", "container", "roll of labels"}


def test_moments_are_shown_by_the_readers_clock() -> None:
    words = Words("en", "Asia/Shanghai")
    assert words.moment("2026-11-21T12:00:00Z") == "2026-11-21 20:00"
    assert words.moment(0) == "–"
    assert words.local("2026-11-21T20:00:00").astimezone().timestamp() == 1795262400


def test_names_of_the_code_become_words() -> None:
    assert spoken("started_at") == "started at"
    assert Words("en", "UTC").path("lines.0.owner") == "Lines 1: owner"

"""Names as people see them: one spelling for what looks the same, and nothing that nobody sees.

One letter can be written in several ways, and letters of several scripts are drawn alike.  A name
is kept in one form (NFC), and nobody tells it from another that only looks like it.

Source: Unicode Standard Annex 15, and the idea of a skeleton of Technical Standard 39.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

#: Letters and marks without any ink that are no control or format characters: fillers and joiners.
_BLANKS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
#: U+200C and U+200D, which join or part the letters of some scripts, and stand after such a letter.
_JOINERS = "\u200c\u200d"
_WITHOUT_JOINERS = frozenset(
    {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CJK", "HANGUL", "HIRAGANA", "KATAKANA", "DIGIT"}
)
_LINE_ENDS = "\n\t"

#: What is left out of a skeleton: joiners, variation selectors, and marks of no ink.
_NO_INK = re.compile(
    "[\u00ad\u034f\u180b-\u180f\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
#: Cyrillic, Greek, Armenian and rare Latin letters, and what each is drawn like.
_LETTERS = "АВЕЅІЈКМНОРСТУХҮԚԜаеѕіјорсухһԁԛԝкмтнвбЗзΑΒΕΖΗΙΚΜΝΟΡΤΥΧαγικνορυχՍՕոսօհցզıɑɡ"
_DRAWN_AS = "ABESIJKMHOPCTYXYQWaesijopcyxhdqwkmthb633ABEZHIKMNOPTYXayikvopuxUOnuohgqiag"
_ALIKE = str.maketrans(_LETTERS, _DRAWN_AS)
#: Drawn like a digit in many types.
_LIKE_DIGITS = str.maketrans("lI|Oo", "11100")


def plain_name(text: str) -> str:
    """A name in its one form: NFC, without blanks around it."""
    return unicodedata.normalize("NFC", text).strip()


def plain_or_none(text: str | None) -> str | None:
    """The same, where nobody may have been entered."""
    return None if text is None else plain_name(text)


def find_hidden(text: str) -> str | None:
    """The first character that nobody sees, or None; line feeds and tabs are seen.

    Controls, direction marks, blanks that count as letters, and joiners where nothing is joined.
    """
    if text.isascii() and text.isprintable():
        return None
    before = ""
    for character in text:
        if _is_hidden(character, before):
            return character
        before = character
    return None


def looks_like(one: str, other: str) -> bool:
    """Whether people may take one name for the other, also where they are the same."""
    return _folded(one) == _folded(other) or _drawn(one) == _drawn(other)


def find_lookalike(name: str, others: Iterable[str]) -> str | None:
    """The first of the others that is written in another way and looks like the name."""
    return next((each for each in others if each != name and looks_like(each, name)), None)


def _is_hidden(character: str, before: str) -> bool:
    if character in _JOINERS:
        if not before or unicodedata.category(before)[0] not in "LM":
            return True
        return unicodedata.name(before, "").partition(" ")[0] in _WITHOUT_JOINERS
    is_control = unicodedata.category(character) in {"Cc", "Cf"}
    return (is_control and character not in _LINE_ENDS) or _BLANKS.match(character) is not None


def _inked(text: str) -> str:
    """What of it is drawn, blanks as one, letters apart from their marks."""
    seen = _NO_INK.sub("", unicodedata.normalize("NFKD", text))
    return " ".join(_BLANKS.sub(" ", seen).split())


def _folded(text: str) -> str:
    """Its letters, whether large or small."""
    return _inked(text).casefold()


def _drawn(text: str) -> str:
    """Its letters as they are drawn, whatever their script."""
    return _inked(text).translate(_ALIKE).translate(_LIKE_DIGITS).casefold()

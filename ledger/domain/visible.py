"""Text from outside → text that a terminal only shows: nothing in it moves, hides or turns.

What a node or a contract answers, what a file is called, what a person wrote: any of it may hold
escape sequences, which clear a screen and write on it, line ends, which add a line of their own, or
marks that turn the direction of writing.  This is the one place where they are spelt out instead;
whatever prints or logs goes through it.

Source: Unicode general categories; ECMA-48 for what a terminal obeys.
"""

from __future__ import annotations

import unicodedata

_BEYOND_THE_PLANE = 0x10000


def visible(text: str) -> str:
    """One line: letters, signs and blanks as they are, all else by its code point."""
    if text.isprintable():
        return text
    return "".join(c if _is_shown(c) else _spelt(c) for c in text)


def visible_json(document: str) -> str:
    """The same JSON document, in which no string holds a character that a terminal obeys.

    Line ends between its members stay; those within strings are escapes already.
    """
    if document.replace("\n", "").isprintable():
        return document
    return "".join(c if c == "\n" or _is_shown(c) else _as_json(c) for c in document)


def _is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _spelt(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point < _BEYOND_THE_PLANE else f"\\U{point:08x}"


def _as_json(character: str) -> str:
    """As RFC 8259 §7 has it: two escapes beyond the first plane."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

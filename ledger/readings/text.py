"""Raw bytes → numbered lines, with every undecodable byte kept visible."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_REMARK_CHARACTERS", "DecodedText", "Line", "decode", "escape", "has_stray"]

#: Longest line text that a remark repeats.
MAX_REMARK_CHARACTERS: Final = 120

#: Byte order marks, the longer ones first, since UTF-32-LE begins like UTF-16-LE.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_LINE_END: Final = re.compile("\r\n|\n|\r")
#: Control characters (tab excepted), bytes kept by `surrogateescape`, replacement characters.
_STRAY: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd\ufeff]")
_BYTE_SURROGATES: Final = range(0xDC80, 0xDD00)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file."""

    number: int  #: from 1
    text: str  #: without its end; an undecodable byte 0xNN stands as U+DCNN
    terminated: bool  #: False for a last line without a line end, which may be cut


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodedText:
    """A file's lines and how its bytes were turned into characters."""

    lines: tuple[Line, ...]
    encoding: str
    basis: str  #: how the encoding was decided
    undecodable: tuple[int, ...]  #: numbers of lines with bytes outside the encoding


def decode(data: bytes) -> DecodedText:
    """Decode `data` by its byte order mark, else as UTF-8; nothing is replaced by a guess."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, "byte order mark")
    return _decoded(data, "utf-8", "")


def _decoded(data: bytes, encoding: str, basis: str) -> DecodedText:
    """Split into lines; U+DCNN or U+FFFD marks what `encoding` does not explain."""
    keep = "surrogateescape" if encoding == "utf-8" else "replace"
    lines = _split(data.decode(encoding, keep))
    bad = tuple(line.number for line in lines if _is_undecodable(line.text))
    if not basis:
        basis = (
            f"no byte order mark; {len(bad)} of {len(lines)} lines hold bytes that are not UTF-8"
            if bad
            else "no byte order mark; every byte is valid UTF-8"
        )
    return DecodedText(lines=lines, encoding=encoding, basis=basis, undecodable=bad)


def _split(text: str) -> tuple[Line, ...]:
    """Split at Windows, Unix and old Mac line ends only."""
    parts = _LINE_END.split(text)
    last = len(parts)
    lines = (
        Line(number=number, text=part, terminated=number < last)
        for number, part in enumerate(parts, start=1)
    )
    return tuple(line for line in lines if line.terminated or line.text)


def _is_undecodable(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" or character == "\ufffd" for character in text)


def has_stray(text: str) -> bool:
    """Whether `text` holds control characters, undecodable bytes or replacement characters."""
    return _STRAY.search(text) is not None


def escape(text: str, *, limit: int = MAX_REMARK_CHARACTERS) -> str:
    """Return printable text of at most `limit` characters, `…` at the end if it was longer."""
    escaped = "".join(_escape_character(character) for character in text[: limit + 1])
    return escaped if len(escaped) <= limit else escaped[: limit - 1] + "…"


def _escape_character(character: str) -> str:
    """Printable characters as they are; an undecodable byte as x and hex; others by code point."""
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    point = ord(character)
    if point in _BYTE_SURROGATES:
        return f"\\x{point - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")

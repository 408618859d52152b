"""Raw bytes → numbered lines, with every undecodable byte kept visible."""

import codecs
import re
from dataclasses import dataclass
from typing import Final

__all__ = [
    "MAX_REMARK_CHARACTERS",
    "SAVE_AS_UTF8",
    "DecodedText",
    "Line",
    "decode",
    "escape",
    "has_stray",
]

#: Longest line text that a remark repeats.
MAX_REMARK_CHARACTERS: Final = 120

#: What to do about a file whose encoding nobody knows.
SAVE_AS_UTF8: Final = (
    "save the file as UTF-8: in a spreadsheet as 'CSV UTF-8', in an editor under 'Save as' with "
    "the encoding UTF-8"
)

#: Byte order marks, the longer ones first, since UTF-32-LE begins like UTF-16-LE.
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Letters and signs of the languages that machines print, and the degree sign. No word has three
#: such letters in a row, as Cyrillic or Chinese has that is read as Western letters.
_LETTERS: Final = "ßÄÖÜäöüÀ-ÅÇ-ÏÑ-ÖÙ-Üà-åç-ïñ-öù-ü"
_SIGNS: Final = "°ºªµ²³·«»–—’“”"
_WESTERN: Final = re.compile(f"(?:[\x00-\x7f{_SIGNS}]|[{_LETTERS}]{{1,2}}(?![{_LETTERS}]))*")
#: The degree signs of Chinese character sets, which no Western text has as a pair of bytes.
_DEGREES: Final = re.compile("[\x00-\x7f℃°ü]*")
_CHINESE: Final = re.compile("[\x00-\x7f\u4e00-\u9fff\u3000-\u303f\uff00-\uffef℃°±Ωμ·—…“”’]*")
#: Chinese characters and, for Japanese, syllables of full width.
_JAPANESE: Final = re.compile("[\x00-\x7f\u3040-\u30ff\u4e00-\u9fff\u3000-\u303f\uff01-\uff5e℃°±]*")
#: Tried in this order.
_PAGES: Final = (
    ("gb2312", _DEGREES),
    ("big5", _DEGREES),
    ("shift_jis", _DEGREES),
    ("windows-1252", re.compile("[\x00-\x7f°ºßÄÖÜäöüµ²³]*")),
    ("cp850", re.compile("[\x00-\x7f°ßÄÖÜäöüµ²³]*")),
    ("windows-1252", _WESTERN),
    ("cp850", _WESTERN),
    ("gb2312", _CHINESE),
)
#: Tried after these, and taken only where one of them explains every byte and the other does not.
_FAR_PAGES: Final = (("big5", _CHINESE), ("shift_jis", _JAPANESE))
#: The lead bytes of the common characters of each set; other text read as one of them is mostly of
#: the rare ones.
_COMMON: Final = {
    "gb2312": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
    "shift_jis": range(0x88, 0x99),
}
_TAKEN_AS: Final = "no byte order mark and not UTF-8; every byte makes sense as "
#: How many characters are looked at for a lost mark, and how many there must be.
_LOOKED_AT: Final = 2048
_FEWEST_PAIRS: Final = 8

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
    """Decode `data` by its byte order mark, else as what every one of its bytes can be.

    Nothing is replaced by a guess: what no encoding explains stays visible, byte by byte.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data[len(mark) :], encoding, "byte order mark")
    wide = _without_mark(data)
    if wide is not None:
        return _decoded(data, wide, "no byte order mark; every other byte is zero")
    page = _code_page(data)
    if page is not None:
        return _decoded(data, page, f"{_TAKEN_AS}{page}")
    return _decoded(data, "utf-8", "")


def _without_mark(data: bytes) -> str | None:
    """UTF-16 whose mark was lost: text of our machines has a zero in nearly every second byte."""
    head = data[: 2 * _LOOKED_AT]
    half = len(head) // 2
    for zeros, encoding in ((head[1::2], "utf-16-le"), (head[0::2], "utf-16-be")):
        if half >= _FEWEST_PAIRS and zeros.count(0) >= half * 0.8 and head.count(0) < half * 1.1:
            return encoding
    return None


def _code_page(data: bytes) -> str | None:
    """The one page in which every byte beyond ASCII is a letter or sign that machines print."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        near = next((page for page, signs in _PAGES if _reads_as(data, page, signs)), None)
        if near is not None:
            return near
        far = [page for page, signs in _FAR_PAGES if _reads_as(data, page, signs)]
        return far[0] if len(far) == 1 else None
    return None


def _reads_as(data: bytes, page: str, signs: re.Pattern[str]) -> bool:
    try:
        text = data.decode(page)
    except UnicodeDecodeError:
        return False
    if signs.fullmatch(text) is None:
        return False
    leads = [each.encode(page)[0] for each in text if "\u4e00" <= each <= "\u9fff"]
    return sum(lead in _COMMON.get(page, ()) for lead in leads) >= 0.8 * len(leads)


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

"""A scanner's shot → the code that was on the label, or what is wrong with the shot.

Scanners deliver more than the label holds: the value twice, two labels in one shot, control
characters, a lost group separator, letters that a keyboard layout turned.  Each is recognised and
said; nothing is guessed.  A scanner may put before a code what kind of symbol it was (`]d1`).

The own scheme: `SL`, the unit's number, `P`, the serial text, and two check digits (modulo 97, as
ISO/IEC 7064 MOD 97-10, of two digits a sign), capital letters, digits and points only.  A reprint
has `R` and which label of the package it is before the `P`, so that no two labels are alike.  A
basket has `B` in place of the `P`, and a container `C`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache

from ledger.domain.custody.lines import WIDE, parse_package
from ledger.domain.errors import InvalidInput

GS = "\x1d"
_OWN = re.compile(r"SL([1-9][0-9]{0,9})(?:R[1-9][0-9]{0,3})?P([A-Z0-9.]{1,40})([0-9]{2})")
_BASKET = re.compile(r"SL([1-9][0-9]{0,9})([BC])([A-Z0-9.]{1,40})([0-9]{2})")
#: a shorter code that repeats itself is one
_SHORTEST_TWICE = 6
_SERIAL = re.compile(r"[A-Z0-9.]{1,40}")
_SYMBOLOGY = re.compile(r"\](?:d2|C1|e0|Q3|J1)")
#: ISO/IEC 15424: what a scanner may put before the content of any symbol
_ANY_SYMBOLOGY = re.compile(r"\][A-CE-Za-z][0-9]")
#: how some scanners show a separator that the keyboard has no key for
_SHOWN_GS = re.compile(r"<(?:GS|FNC1)>|\{(?:GS|FNC1)\}|\^\]|␝")
#: a GS1 code as it is printed for people
_PARTS = re.compile(r"\(([0-9]{2,4})\)([^()]+)")
#: what stands between two codes in one field
_BETWEEN = re.compile(rf"[\s,;|]+|{_ANY_SYMBOLOGY.pattern}")
#: what a scanner sends around a code, and between two
_ENDS = "\r\n\t\x00\x02\x03\x04"
_CONTROLS = re.compile(r"[\x00-\x1c\x1e-\x1f\x7f]")
#: application identifiers of a fixed length that may follow a serial or a lot
_DATED = re.compile(r"(?<=.)(?:11|17)([0-9]{2})([0-9]{2})([0-9]{2})")

#: What a reader set to a US keyboard becomes under another layout: what arrives → what was meant.
_LAYOUTS: Mapping[str, Mapping[int, int | str]] = {
    "German": str.maketrans("zyZYßü+ö?-_'", "yzYZ-[];_/?\\"),
    "French": str.maketrans("aqzwAQZW&é\"'(-è_çà^$),?:!", "qawzQAWZ1234567890[]-mM./"),
    "wide": WIDE,
}


class Trouble(StrEnum):
    """What is wrong with a shot."""

    TWICE = "twice"
    TWO_CODES = "two_codes"
    CONTROLS = "controls"
    LOST_SEPARATOR = "lost_separator"
    LAYOUT = "layout"
    CHECK_DIGIT = "check_digit"
    DATE = "date"
    EMPTY = "empty"


TROUBLES = {
    Trouble.TWICE: "the scanner delivered the same code twice; it counts once",
    Trouble.TWO_CODES: "two codes came in one shot: scan one at a time",
    Trouble.CONTROLS: "control characters came with the code and were left out",
    Trouble.LOST_SEPARATOR: "a separator between its parts is missing: let the scanner send GS",
    Trouble.LAYOUT: "the keyboard layout turned letters: set scanner and computer to the same one",
    Trouble.CHECK_DIGIT: "a check digit is wrong: scan again, or type what is printed",
    Trouble.DATE: "it holds a date that no calendar has",
    Trouble.EMPTY: "what was read or typed is empty",
}
#: Troubles with which the code is still certain.
_HARMLESS = frozenset({Trouble.TWICE, Trouble.CONTROLS, Trouble.LAYOUT})


class Command(StrEnum):
    """What a card beside the scanner says, for hands in gloves."""

    DONE = "done"
    #: takes back the shot before
    UNDO = "undo"
    #: the package of the shot before is wet, or damaged
    WET = "wet"
    DAMAGED = "damaged"
    #: somebody else looked as well
    SECOND_PERSON = "second_person"


class Scheme(StrEnum):
    """Whose label it is."""

    OWN = "own"
    #: what stands for all that lies in it at the moment
    BASKET = "basket"
    COMMAND = "command"
    GS1 = "gs1"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What a scanner delivered, as far as it is certain."""

    #: as it came
    raw: str
    #: the code in its one form; None where it is not certain
    code: str | None
    scheme: Scheme = Scheme.OTHER
    troubles: tuple[Trouble, ...] = ()
    #: `UNIT/SERIAL` where the code itself names the package
    package: str | None = None
    #: the code once more where it is a basket's or a container's
    basket: str | None = None
    #: what a card of commands says
    command: Command | None = None
    #: of a GS1 code, by application identifier
    gtin: str | None = None
    serial: str | None = None
    lot: str | None = None
    #: ISO 8601
    expires: str | None = None

    @property
    def is_certain(self) -> bool:
        """Whether the code may be used."""
        return self.code is not None

    def require(self, *, field: str) -> str:
        """The code; raises InvalidInput saying what is wrong with the shot."""
        if self.code is None:
            told = "; ".join(TROUBLES[each] for each in self.troubles if each not in _HARMLESS)
            raise InvalidInput(
                f"{ascii(self.raw)[1:61]} is not certain", field=field, rule=told or "one code"
            )
        return self.code


def make_code(package: str, *, issue: int = 1) -> str:
    """The own code of a package; raises InvalidInput for a serial that no label of ours holds.

    `issue`: from 1, which of its labels it is.
    """
    unit, _, serial = parse_package(package).partition("/")
    if _SERIAL.fullmatch(serial) is None:
        raise InvalidInput(
            f"{serial[:40]!r} does not fit on a label of ours",
            field="package",
            rule="capital letters, digits and points, at most 40",
            remedy="give it a code of another scheme",
        )
    body = f"SL{unit}{'' if issue == 1 else f'R{issue}'}P{serial}"
    return f"{body}{_check(body)}"


def make_basket(unit: int, name: str, *, is_container: bool = False) -> str:
    """The code of a basket or a container; raises InvalidInput for a name that no label holds."""
    if _SERIAL.fullmatch(name) is None:
        raise InvalidInput(
            f"{name[:40]!r} does not fit on a label of ours",
            field="name",
            rule="capital letters, digits and points, at most 40",
        )
    body = f"SL{unit}{'C' if is_container else 'B'}{name}"
    return f"{body}{_check(body)}"


def is_basket(code: str | None) -> bool:
    """Whether a code is a basket's or a container's."""
    match = None if code is None else _BASKET.fullmatch(code)
    return match is not None and _check(match[0][:-2]) == match[4]


def is_container(code: str) -> bool:
    """Whether a basket's code is a container's, which has seals and a clean or a dirty side."""
    match = _BASKET.fullmatch(code)
    return match is not None and match[2] == "C"


def unit_in(code: str) -> int:
    """The unit whose basket or container a code names."""
    match = _BASKET.fullmatch(code)
    if match is None:
        raise AssertionError(code)
    return int(match[1])


def make_command(command: Command) -> str:
    """The code of a card: `SLX`, the word without its joints, and two check digits."""
    body = f"SLX{command.value.upper().replace('_', '')}"
    return f"{body}{_check(body)}"


def _check(body: str) -> str:
    """Letters count from A = 10 on, a point as 36.

    Each sign is two digits, so that a letter read as a digit moves none of the others: one wrong
    sign is always noticed, since all values are below 97.
    """
    digits = "".join("36" if each == "." else f"{int(each, 36):02d}" for each in body)
    return f"{98 - int(digits + '00') % 97:02d}"


_COMMANDS = {make_command(command): command for command in Command}


@lru_cache(maxsize=512)
def read_shot(raw: str) -> Shot:
    """What a shot holds; never raises, since what is wrong with it is said in the answer."""
    troubles: list[Trouble] = []
    text = raw.strip(_ENDS + " ")
    if not text:
        return Shot(raw=raw, code=None, troubles=(Trouble.EMPTY,))
    parts = [part for part in re.split(r"[\r\n\t]+", text) if part]
    if len(parts) > 1 and len(set(parts)) == 1:
        text, troubles = parts[0], [Trouble.TWICE]
    elif len(parts) > 1:
        return Shot(raw=raw, code=None, troubles=(Trouble.TWO_CODES,))
    cleaned = _CONTROLS.sub("", text)
    if cleaned != text:
        text, troubles = cleaned, [*troubles, Trouble.CONTROLS]
    half = len(text) // 2
    if half >= _SHORTEST_TWICE and text[:half] * 2 == text:
        text, troubles = text[:half], [*dict.fromkeys([*troubles, Trouble.TWICE])]
    apart = [part for part in _BETWEEN.split(text) if part]
    if len(apart) > 1 and all(_is_ours(each) for each in apart):
        if len(set(apart)) > 1:
            return Shot(raw=raw, code=None, troubles=(*troubles, Trouble.TWO_CODES))
        text, troubles = apart[0], [*dict.fromkeys([*troubles, Trouble.TWICE])]
    if _SYMBOLOGY.match(text) is None:
        text = re.sub(rf"^{_ANY_SYMBOLOGY.pattern}(?=.)", "", text)
    found = next(_readings(text), None) or Shot(raw=raw, code=text)
    return replace(found, raw=raw, troubles=(*troubles, *found.troubles))


def _is_ours(text: str) -> bool:
    """Whether a text alone is a code of a scheme that has check digits."""
    found = next(_readings(text), None)
    return found is not None and found.is_certain


def _readings(text: str) -> Iterator[Shot]:
    """What a text is by each scheme, straight and as other keyboard layouts would have turned it.

    A reading without trouble comes before one with it.
    """
    if text in _COMMANDS:
        yield Shot(raw=text, code=text, scheme=Scheme.COMMAND, command=_COMMANDS[text])
    elif text[:-2] in {each[:-2] for each in _COMMANDS}:
        yield Shot(raw=text, code=None, scheme=Scheme.COMMAND, troubles=(Trouble.CHECK_DIGIT,))
    straight = [shot for shot in (_own(text), _basket(text), _gs1(text)) if shot is not None]
    yield from (shot for shot in straight if shot.is_certain)
    for meant in (*(text.translate(table) for table in _LAYOUTS.values()), text.swapcase()):
        for shot in (_own(meant), _basket(meant), _gs1(meant)) if meant != text else ():
            if shot is not None and shot.is_certain:
                yield replace(shot, troubles=(*shot.troubles, Trouble.LAYOUT))
    yield from straight


def _own(text: str) -> Shot | None:
    match = _OWN.fullmatch(text)
    if match is None:
        return None
    body, check = text[:-2], match[3]
    if _check(body) == check:
        package = f"{match[1]}/{match[2]}"
        return Shot(raw=text, code=text, scheme=Scheme.OWN, package=package)
    if _two_own(text):
        return Shot(raw=text, code=None, scheme=Scheme.OWN, troubles=(Trouble.TWO_CODES,))
    return Shot(raw=text, code=None, scheme=Scheme.OWN, troubles=(Trouble.CHECK_DIGIT,))


def _basket(text: str) -> Shot | None:
    if _BASKET.fullmatch(text) is None:
        return None
    if is_basket(text):
        return Shot(raw=text, code=text, scheme=Scheme.BASKET, basket=text)
    trouble = Trouble.TWO_CODES if _two_own(text) else Trouble.CHECK_DIGIT
    return Shot(raw=text, code=None, scheme=Scheme.BASKET, troubles=(trouble,))


def _two_own(text: str) -> bool:
    return any(_both_own(text[:at], text[at:]) for at in range(5, len(text) - 4))


def _both_own(first: str, second: str) -> bool:
    return all(
        is_basket(each) or (_OWN.fullmatch(each) is not None and _check(each[:-2]) == each[-2:])
        for each in (first, second)
    )


# ---------------------------------------------------------------- GS1


def _gs1(text: str) -> Shot | None:
    """A GS1 element string; None for what is none.

    Source: GS1 General Specifications §7.8 (dates), §7.9 (check digits), §5.10 (separator).
    """
    if len(_SYMBOLOGY.findall(text)) > 1:
        return Shot(raw=text, code=None, scheme=Scheme.GS1, troubles=(Trouble.TWO_CODES,))
    body = _SHOWN_GS.sub(GS, _SYMBOLOGY.sub("", text, count=1)).strip(GS)
    parts = _PARTS.findall(body)
    if parts and not _PARTS.sub("", body).strip():
        body = GS.join(key + value.strip() for key, value in parts)
    if not _looks_gs1(body, text):
        return None
    parsed = _parse(body)
    trouble = _trouble(body, parsed)
    if trouble is not None or parsed is None:
        return Shot(raw=text, code=None, scheme=Scheme.GS1, troubles=(trouble or Trouble.DATE,))
    return Shot(
        raw=text,
        code="".join(f"({key}){value}" for key, value in sorted(parsed.items())),
        scheme=Scheme.GS1,
        gtin=parsed.get("01"),
        serial=parsed.get("21"),
        lot=parsed.get("10"),
        expires=None if "17" not in parsed else _date(parsed["17"]),
    )


def _looks_gs1(body: str, text: str) -> bool:
    return (body != text and _SYMBOLOGY.match(text) is not None) or (
        re.match(r"01[0-9]{14}(?:1[017]|21|\x1d|$)", body) is not None
    )


def _trouble(body: str, parsed: dict[str, str] | None) -> Trouble | None:
    """What keeps an element string from being certain."""
    if body.startswith("01") and not has_check_digit(body[2:16]):
        return Trouble.CHECK_DIGIT
    if parsed is None:
        return Trouble.DATE if _impossible_date(body) else Trouble.LOST_SEPARATOR
    # a date within a serial or a lot is one whose separator got lost
    dated = (_DATED.search(parsed.get(key, "")) for key in ("21", "10"))
    if GS not in body and any(dated):
        return Trouble.LOST_SEPARATOR
    return Trouble.DATE if "17" in parsed and _date(parsed["17"]) is None else None


def has_check_digit(gtin: str) -> bool:
    """Whether the last of a GTIN's 14 digits is what the others make it."""
    if len(gtin) != 14 or not gtin.isdigit():  # noqa: PLR2004 - a GTIN-14
        return False
    weighted = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(gtin[:-1]))
    return (10 - weighted % 10) % 10 == int(gtin[-1])


def _parse(body: str) -> dict[str, str] | None:
    """Its values by application identifier; None where it does not parse."""
    from biip import ParseError  # noqa: PLC0415 - nobody waits for it who scans no GS1
    from biip.gs1_messages import GS1Message  # noqa: PLC0415

    try:
        message = GS1Message.parse(body)
    except ParseError:
        return None
    return {each.ai.ai: each.value for each in message.element_strings}


def _impossible_date(body: str) -> bool:
    rest = body[16:] if body.startswith("01") else body
    match = re.match(r"1[17]([0-9]{6})", rest)
    return match is not None and _date(match[1]) is None


def _date(digits: str) -> str | None:
    """YYMMDD as ISO 8601; day 00 is the month's last.  None where no calendar has it."""
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        if day == 0:
            first = date(year + month // 12, month % 12 + 1, 1)
            return date.fromordinal(first.toordinal() - 1).isoformat()
        return date(year, month, day).isoformat()
    except ValueError:
        return None

"""A package, or another thing that is scanned → what stands on its label; drawn by ledger/forms.

What a label's code is read as (`codes.read_shot`) is checked before anything is drawn: a code that
a scanner would deliver as something else is refused here, and no label of it is made.

Sources: GS1 General Specifications §3 (application identifiers 01, 10, 17, 21), §7.9 (check
digits), §7.11 (characters of serials and lots); WS 310.2-2016 §5.7.11 (what a label says).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.custody.codes import GS, TROUBLES, Scheme, has_check_digit, read_shot
from ledger.domain.custody.lines import day_or_none
from ledger.domain.errors import InvalidInput

#: of a serial and of a lot; the parentheses of GS1 are left out, since they set identifiers apart
_GS1_TEXT = re.compile(r"[!\"%&'*+,\-./0-9:;<=>?A-Z_a-z]{1,20}")
_GS1_RULE = "1 to 20 of GS1's letters, digits and signs, without parentheses"
_GTIN_DIGITS = (8, 12, 13, 14)
_PLAIN = re.compile(r"[\x21-\x7e]{1,80}")
#: how a scanner says that a GS1 DataMatrix was read (ISO/IEC 15424)
GS1_SYMBOLOGY = "]d2"
_TWO_DIGIT_YEARS = range(2000, 2100)


#: what stands on a package's label beside its names
FACTS = ("packed_on", "packed_by", "cycle", "sterilised_on", "last_day")


class Symbol(StrEnum):
    """How a code is drawn."""

    DATAMATRIX = "datamatrix"
    QR = "qr"
    #: a DataMatrix that begins with FNC1, and is read as `]d2`
    GS1 = "gs1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What stands on one label."""

    #: as a shot of it is read
    code: str
    symbol: Symbol
    #: what people call it
    title: str
    #: which one it is, beneath its title: `CENTRE/Q02`
    name: str = ""
    #: what else stands there, by its word; None: a line on which somebody writes
    facts: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is known of a package when its label is made; None: not yet."""

    #: with the unit's code: `CENTRE/Q02`
    name: str
    #: what its label holds
    code: str
    #: what people call the set, or the single item
    title: str
    #: ISO 8601
    packed_on: str | None = None
    #: as people call it: `S2/2241`
    cycle: str | None = None
    sterilised_on: str | None = None
    last_day: str | None = None


def package_label(of: Packed, symbol: Symbol = Symbol.DATAMATRIX) -> Label:
    """The label of a package; a GS1 code is drawn as GS1 wants it, ours as `symbol` says.

    Raises InvalidInput for a code that is not read as it is written.
    """
    is_gs1 = require_readable(of.code) is Scheme.GS1
    return Label(
        code=of.code,
        symbol=Symbol.GS1 if is_gs1 else symbol,
        title=of.title,
        name=of.name,
        facts=(
            ("packed_on", of.packed_on),
            ("packed_by", None),
            ("cycle", of.cycle),
            ("sterilised_on", of.sterilised_on),
            ("last_day", of.last_day),
        ),
    )


def plain_label(
    code: str, title: str, *, name: str = "", symbol: Symbol = Symbol.DATAMATRIX
) -> Label:
    """The label of anything else that is scanned: a basket, an asset, a badge, a command.

    Raises InvalidInput for a code that is not read as it is written.
    """
    if _PLAIN.fullmatch(code) is None:
        raise InvalidInput(
            f"{code[:60]!r} does not fit on a label",
            field="code",
            rule="1 to 80 letters, digits and signs of ASCII, without blanks",
        )
    is_gs1 = require_readable(code) is Scheme.GS1
    return Label(code=code, symbol=Symbol.GS1 if is_gs1 else symbol, title=title, name=name)


def require_readable(code: str) -> Scheme:
    """The scheme of a code; raises InvalidInput where a shot of its label says something else."""
    shot = read_shot(element_string(code))
    if shot.code != code:
        told = "; ".join(TROUBLES[each] for each in shot.troubles)
        raise InvalidInput(
            f"{code[:60]!r} would be read as {(shot.code or 'nothing certain')[:60]!r}",
            field="code",
            rule=told or "a label is read as what stands on it",
            remedy="take another serial or another code",
        )
    return shot.scheme


def element_string(code: str) -> str:
    """What a scanner delivers of a code: of a GS1 code its parts with the separators it needs."""
    parts = re.findall(r"\((\d{2,4})\)([^()]+)", code)
    if not parts or "".join(f"({key}){value}" for key, value in parts) != code:
        return code
    joined = "".join(f"{key}{value}" + ("" if key in {"01", "17"} else GS) for key, value in parts)
    return GS1_SYMBOLOGY + joined.rstrip(GS)


def gs1_code(gtin: str, serial: str, *, lot: str | None = None, last_day: str | None = None) -> str:
    """A package's code in the GS1 scheme: `(01)…(10)…(17)…(21)…`, by its identifiers.

    Raises InvalidInput naming the part that GS1 does not allow.
    """
    parts = {"01": plain_gtin(gtin), "21": _gs1_text(serial, "serial")}
    if lot is not None:
        parts["10"] = _gs1_text(lot, "lot")
    if last_day is not None:
        day = day_or_none(last_day)
        if day is None or day.year not in _TWO_DIGIT_YEARS:
            raise InvalidInput(
                f"{last_day[:20]!r} is no day", field="expires", rule="as in 2026-11-03"
            )
        parts["17"] = f"{day:%y%m%d}"
    code = "".join(f"({key}){parts[key]}" for key in sorted(parts))
    require_readable(code)
    return code


def plain_gtin(text: str, *, field: str = "gtin") -> str:
    """A GTIN of 8, 12, 13 or 14 digits as GTIN-14; raises InvalidInput."""
    digits = text.strip()
    is_gtin = digits.isascii() and digits.isdecimal() and len(digits) in _GTIN_DIGITS
    if not is_gtin or not has_check_digit(digits.zfill(14)):
        raise InvalidInput(
            f"{text[:20]!r} is no GTIN",
            field=field,
            rule="8, 12, 13 or 14 digits, of which the last is the check digit",
            remedy="take it from the list of the unit that has the GS1 prefix",
        )
    return digits.zfill(14)


def _gs1_text(text: str, field: str) -> str:
    if _GS1_TEXT.fullmatch(text) is None:
        raise InvalidInput(f"{text[:40]!r} fits into no GS1 code", field=field, rule=_GS1_RULE)
    return text

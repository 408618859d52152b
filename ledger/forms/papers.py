"""Labels and sheets → PDF, pictures, or dots for label printers; each code is read back first.

A sheet is a title, sections of pairs, tables or lines, and perhaps a code; a page of the screen and
its PDF are made of the same one.
"""

from __future__ import annotations

import base64
import io
import re
import zlib
from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal, TypeAlias

import zxingcpp
from PIL import Image

from ledger.domain.custody.labelling import GS1_SYMBOLOGY, Label, Symbol, element_string
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.forms.typesetting import Setting, printable

Language = Literal["en", "zh"]
_TEMPLATE = "papers.typ"
_MM_PER_INCH = 25.4
#: label printers have 8 dots in a mm (203 dpi) or 12 (300 dpi)
DOTS = (8, 12)
_SIDE_MM = 18
_SIDE_OF_QR_MM = 28
#: between a label's edge and what stands on it
_EDGE_MM = 2
#: signs of a title and of a fact, after which it ends with an ellipsis: a label is always made
_LONGEST = 90
_LONGEST_FACT = 30
#: a word of so many signs may break anywhere
_LONG_WORD = 24
#: what stands on labels, in both languages, since they travel
WORDS: Mapping[str, str] = {
    "packed_on": "打包日期 Packed",
    "packed_by": "打包者 Packed by",
    "cycle": "灭菌批次 Cycle",
    "sterilised_on": "灭菌日期 Sterilised",
    "last_day": "失效日期 Use by",
}


# ---------------------------------------------------------------- what is printed


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Labels as they are bought; lengths in mm."""

    page: tuple[float, float]
    cell: tuple[float, float]
    columns: int = 1
    rows: int = 1
    #: corner of the first cell
    first: tuple[float, float] = (0, 0)
    #: from cell to cell
    step: tuple[float, float] = (0, 0)
    #: the longest side of a code
    side: float = _SIDE_MM
    #: whether it is cut along lines
    is_cut: bool = False


#: a roll of 60 × 40 mm; A4 sheets of 21 labels of 63.5 × 38.1 mm (3 × 7); A4 to be cut into cards
STOCKS: Mapping[str, Stock] = {
    "roll": Stock(page=(60, 40), cell=(60, 40)),
    "sheet": Stock(
        page=(210, 297), cell=(63.5, 38.1), columns=3, rows=7,
        first=(7.25, 15.15), step=(66, 38.1),
    ),
    "cards": Stock(
        page=(210, 297), cell=(90, 50), columns=2, rows=5, first=(13, 20), step=(94, 52), side=34,
        is_cut=True,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Labels on one stock, in their order."""

    stock: str
    labels: Sequence[Label]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Names and values; None: a line to write on."""

    rows: Sequence[tuple[str, str | None]]
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    #: how wide each is beside the others; empty: all alike
    widths: Sequence[int] = ()
    heading: str = ""
    #: rows to write into, beneath the others
    blank: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Sentences beneath each other."""

    lines: Sequence[str]
    heading: str = ""


Section: TypeAlias = Pairs | Grid | Lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One or more A4 pages."""

    title: str
    sections: Sequence[Section]
    lead: Sequence[str] = ()
    #: drawn as a QR code beside the title
    code: str | None = None
    is_flipped: bool = False
    foot: str = "SteriLedger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """A whole document."""

    title: str
    language: Language
    #: the document's date: the same bytes on the same day
    made_on: date
    parts: Sequence[Labels | Sheet]
    #: CSV files that the PDF carries, by name
    attached: Mapping[str, str] = field(default_factory=dict)


# ---------------------------------------------------------------- out


#: dots in a mm of the pictures from which a PDF's codes are read back
_READ_AT = 6


def pdf_of(printed: Print) -> bytes:
    """The PDF, after every code of it was read back from its picture.

    Raises Inconsistent when it cannot be set, or a code is not read as it stands there.
    """
    for part in printed.parts:
        if isinstance(part, Labels):
            _require_read(part, pictures_of(part, dots=_READ_AT), _READ_AT)
        elif part.code is not None:
            _require_code(pictures_of(part, dots=_READ_AT)[0], part.code, Symbol.QR)
    # nobody lets a sheet of labels be read aloud
    is_tagged = any(isinstance(part, Sheet) for part in printed.parts)
    return Setting(_TEMPLATE, _form(printed)).pdf(is_tagged=is_tagged)


def pictures_of(part: Labels | Sheet, *, dots: float) -> list[Image.Image]:
    """Its pages in shades of grey, with so many dots in a mm."""
    form = _form(Print(title="", language="en", made_on=date.min, parts=[part]))
    pages = Setting(_TEMPLATE, form).pictures(dots_per_inch=dots * _MM_PER_INCH)
    return [Image.open(io.BytesIO(page)).convert("L") for page in pages]


def zpl_of(labels: Labels, *, dots: int = 8) -> bytes:
    """Labels for a Zebra printer, each one picture, after each was read back from those dots.

    Raises InvalidInput for a stock that is no roll, and Inconsistent for what is not read.
    """
    stock = STOCKS[labels.stock]
    if stock.page != stock.cell:
        raise InvalidInput(
            f"{labels.stock} is no roll", field="stock", rule="a label printer prints on a roll"
        )
    if dots not in DOTS:
        raise InvalidInput(f"{dots} is unknown", field="dots", rule="8 or 12 in a mm")
    # what the printer burns is black or white, and that is what is read back
    pages = [page.point(_black_or_white) for page in pictures_of(labels, dots=dots)]
    _require_read(labels, pages, dots)
    return b"".join(map(_zpl, pages))


#: as what labels are given out
MEDIA: Mapping[str, str] = {"pdf": "application/pdf", "zpl": "text/plain; charset=utf-8"}


def file_of(labels: Labels, form: str, made_on: date) -> bytes:
    """Labels as PDF or ZPL, each read back; raises as `pdf_of` and `zpl_of` do."""
    if form == "zpl":
        return zpl_of(labels)
    return pdf_of(Print(title="Labels", language="zh", made_on=made_on, parts=[labels]))


def _black_or_white(shade: int) -> int:
    return 0 if shade < 128 else 255  # noqa: PLR2004 - half of a byte's values


def _zpl(page: Image.Image) -> bytes:
    """`^GFA` with its data packed as `:Z64:`; a set bit is black.

    Source: ZPL II Programming Guide, `^GF`, and its alternative data compression.
    """
    wide, high = page.size
    row = (wide + 7) // 8
    bits = page.point(lambda shade: 255 - shade).convert("1").tobytes()
    packed = base64.b64encode(zlib.compress(bits, 9))
    data = b":Z64:%s:%04x" % (packed, crc_hqx(packed, 0))
    return b"^XA^PW%d^LL%d^LH0,0^FO0,0^GFA,%d,%d,%d,%s^FS^XZ\n" % (
        wide, high, row * high, row * high, row, data,
    )  # fmt: skip


# ---------------------------------------------------------------- read back


def _require_read(part: Labels, pages: Sequence[Image.Image], dots: float) -> None:
    """Raise Inconsistent unless each label's code is read, where it stands, as what it says."""
    stock = STOCKS[part.stock]
    side = (_EDGE_MM + stock.side + 1) * dots
    for number, label in enumerate(part.labels):
        page, place = divmod(number, stock.columns * stock.rows)
        row, column = divmod(place, stock.columns)
        left = (stock.first[0] + column * stock.step[0]) * dots
        top = (stock.first[1] + row * stock.step[1]) * dots
        area = (int(left), int(top), int(left + side), int(top + side))
        _require_code(pages[page].crop(area), label.code, label.symbol)


def _require_code(picture: Image.Image, code: str, symbol: Symbol) -> None:
    found = zxingcpp.read_barcode(
        picture,
        formats=zxingcpp.BarcodeFormats(_FORMATS[symbol]),
        text_mode=zxingcpp.TextMode.Plain,
    )
    delivered = "" if found is None else found.symbology_identifier + found.text
    is_gs1 = delivered.startswith(GS1_SYMBOLOGY)
    text = delivered if is_gs1 else delivered[len(GS1_SYMBOLOGY) :]
    if is_gs1 != (symbol is Symbol.GS1) or text != element_string(code):
        raise Inconsistent(
            f"the drawn code of {code[:60]!r} is read as {ascii(delivered)[:80]}",
            field="code",
            rule="a label is read back before it is given out",
            remedy="print nothing of it; tell whoever maintains this",
        )


# ---------------------------------------------------------------- what the template places

_FORMATS = {
    Symbol.DATAMATRIX: zxingcpp.BarcodeFormat.DataMatrix,
    Symbol.GS1: zxingcpp.BarcodeFormat.DataMatrix,
    Symbol.QR: zxingcpp.BarcodeFormat.QRCode,
}
_SVG = re.compile(r'<svg width="([0-9]+)"')


def _draw(code: str, symbol: Symbol) -> tuple[str, int]:
    """A code as SVG, and how many modules wide it is."""
    more: dict[str, object] = {}
    if symbol is not Symbol.QR:
        # what zxing-cpp takes by itself may be a strip that many scanners refuse
        more["forceSquare"] = True
    if symbol is Symbol.GS1:
        more["gs1"] = True
    made = zxingcpp.create_barcode(code, _FORMATS[symbol], **more)
    drawn = made.to_svg(add_quiet_zones=False)
    found = _SVG.search(drawn)
    if found is None:
        raise Inconsistent("a code was not drawn as SVG", field="code")
    return drawn[found.start() :], int(found[1])


def _form(printed: Print) -> dict[str, Any]:
    return {
        "title": printable(printed.title),
        "language": printed.language,
        "date": [printed.made_on.year, printed.made_on.month, printed.made_on.day],
        "parts": [
            _labels(part) if isinstance(part, Labels) else _sheet(part) for part in printed.parts
        ],
        "attached": dict(printed.attached),
    }


def _labels(part: Labels) -> dict[str, Any]:
    return {
        "kind": "labels",
        "stock": asdict(STOCKS[part.stock]),
        "labels": [_label(each, STOCKS[part.stock]) for each in part.labels],
    }


def _label(label: Label, stock: Stock) -> dict[str, Any]:
    svg, modules = _draw(label.code, label.symbol)
    return {
        "svg": svg,
        # a whole number of a printer's dots for each module, or bars are uneven
        "side": modules * int(stock.side * DOTS[0] / modules) / DOTS[0],
        "code": _breakable(label.code),
        "title": _breakable(_short(label.title, _LONGEST)),
        "name": _breakable(label.name),
        "facts": [
            {
                "word": WORDS[name],
                "value": None if value is None else _breakable(_short(value, _LONGEST_FACT)),
                "strong": name == "last_day" and value is not None,
            }
            for name, value in label.facts
        ],
    }


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _breakable(text: str) -> str:
    """Long words may break at any sign; the mark between them has no width."""
    return " ".join(
        word if len(word) < _LONG_WORD else "\u200b".join(word)
        for word in printable(text).split(" ")
    )


def _sheet(part: Sheet) -> dict[str, Any]:
    svg, modules = (None, 0) if part.code is None else _draw(part.code, Symbol.QR)
    return {
        "kind": "sheet",
        "title": _breakable(part.title),
        "lead": [_breakable(each) for each in part.lead],
        "svg": svg,
        "side": modules * max(1, int(_SIDE_OF_QR_MM * DOTS[0] / max(modules, 1))) / DOTS[0],
        "flipped": part.is_flipped,
        "foot": _breakable(part.foot),
        "sections": [_section(each) for each in part.sections],
    }


def _section(each: Section) -> dict[str, Any]:
    said: dict[str, Any] = {"heading": printable(each.heading)}
    if isinstance(each, Pairs):
        rows = [
            [printable(name), None if value is None else _breakable(value)]
            for name, value in each.rows
        ]
        return {**said, "kind": "pairs", "rows": rows}
    if isinstance(each, Lines):
        return {**said, "kind": "lines", "lines": [_breakable(line) for line in each.lines]}
    return {
        **said,
        "kind": "table",
        "columns": [printable(column) for column in each.columns],
        "widths": list(each.widths or [1] * len(each.columns)),
        "rows": [[_breakable(cell) for cell in row] for row in each.rows],
        "blank": each.blank,
    }

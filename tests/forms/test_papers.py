"""Labels and sheets: what a scanner reads from the drawn picture is what was to be printed."""

from __future__ import annotations

import base64
import io
import re
import zlib
from datetime import date

import pytest
import zxingcpp
from PIL import Image
from pypdf import PdfReader

from ledger.domain.custody.codes import make_code, read_shot
from ledger.domain.custody.labelling import Label, Packed, Symbol, gs1_code, package_label
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.forms import papers
from ledger.forms.papers import STOCKS, Grid, Labels, Pairs, Print, Sheet, pdf_of, zpl_of

GTIN = "9506000134352"
LONG = "髋关节置换器械包含加压钢板与螺钉需单独清点四十个字的名称用来检查标签是否放得下够"
WIDE = "W" * 40


def packed(code: str, title: str = "Hip set", name: str = "CENTRE/Q02", **more: str) -> Packed:
    return Packed(code=code, title=title, name=name, last_day="2027-05-01", **more)


def labels() -> list[Label]:
    """The longest that may come, in each scheme, and the shortest."""
    long_serial, gs1_serial = "W" * 40, "W" * 20
    own, lot = make_code(f"4294967295/{long_serial}"), "W" * 20
    gs1 = gs1_code(GTIN, gs1_serial, lot=lot, last_day="2027-05-01")
    full = {"packed_on": "2026-11-03", "cycle": f"{WIDE}/123456", "sterilised_on": "2026-11-03"}
    return [
        package_label(packed(own, LONG, f"{WIDE}/{long_serial}", **full)),
        package_label(packed(own, WIDE, f"{WIDE}/{long_serial}", **full), Symbol.QR),
        package_label(packed(gs1, f"{LONG}{LONG}{LONG}", **full)),
        package_label(packed(make_code("1/R7.001"), "")),
        package_label(packed(make_code("1/1"))),
    ]


def printed(*parts: Labels | Sheet) -> Print:
    return Print(title="T", language="zh", made_on=date(2026, 11, 3), parts=parts)


def shot(picture: Image.Image) -> tuple[str, str]:
    """How a scanner delivers it, and what that is read as."""
    found = zxingcpp.read_barcode(picture, text_mode=zxingcpp.TextMode.Plain)
    assert found is not None
    text = f"]d2{found.text}" if found.symbology_identifier == "]d2" else found.text
    return found.symbology_identifier, read_shot(text).code or ""


def test_each_label_is_read_from_the_picture_of_its_page_as_what_it_says() -> None:
    made = labels()
    pages = papers.pictures_of(Labels(stock="roll", labels=made), dots=8)
    assert [page.size for page in pages] == [(480, 320)] * len(made)
    told = [shot(page) for page in pages]
    assert [code for _, code in told] == [label.code for label in made]
    assert [how[:2] for how, _ in told] == ["]d", "]Q", "]d", "]d", "]d"]
    assert told[2][0] == "]d2"


def test_a_sheet_of_labels_has_twenty_one_and_nothing_beside_them() -> None:
    made = [label for label in labels() for _ in range(5)]
    reader = PdfReader(io.BytesIO(pdf_of(printed(Labels(stock="sheet", labels=made)))))
    assert len(reader.pages) == 2
    (first, _) = papers.pictures_of(Labels(stock="sheet", labels=made), dots=6)
    stock = STOCKS["sheet"]
    edge = int(stock.first[1] * 6) - 1
    assert first.crop((0, 0, first.width, edge)).getextrema() == (255, 255)
    gap = int((stock.first[0] + stock.cell[0]) * 6) + 1
    assert first.crop((gap, 0, gap + 12, first.height)).getextrema() == (255, 255)


def test_what_a_label_printer_burns_is_read_as_what_it_says() -> None:
    made = labels()
    jobs = zpl_of(Labels(stock="roll", labels=made)).decode().strip().split("\n")
    for job, label in zip(jobs, made, strict=True):
        found = re.fullmatch(
            r"\^XA\^PW480\^LL320.*\^GFA,19200,19200,60,:Z64:(.+):[0-9a-f]{4}\^FS\^XZ", job
        )
        assert found is not None
        bits = zlib.decompress(base64.b64decode(found[1]))
        dots = Image.frombytes("1", (480, 320), bits).point(lambda bit: 255 - bit).convert("L")
        assert shot(dots)[1] == label.code


def test_a_label_that_is_read_as_another_is_not_given_out() -> None:
    here, there = labels()[3:]
    pages = papers.pictures_of(Labels(stock="roll", labels=[here]), dots=6)
    with pytest.raises(Inconsistent, match=r"SL1P168' is read as '\]d1SL1PR7"):
        papers._require_read(Labels(stock="roll", labels=[there]), pages, 6)


def test_a_label_printer_takes_a_roll_alone() -> None:
    with pytest.raises(InvalidInput, match="is no roll"):
        zpl_of(Labels(stock="sheet", labels=labels()[3:]))


def test_a_sheet_says_all_that_it_is_given_and_is_the_same_bytes_again() -> None:
    sheet = Sheet(
        title="灭菌记录单",
        code="CENTRE/4711>M1",
        sections=[
            Pairs(rows=[("单位", WIDE), ("Reason", None)]),
            Grid(
                heading="Load", columns=["包", "n"], rows=[[LONG, "1"], ["a" * 90, "22"]], blank=2
            ),
        ],
    )
    data = pdf_of(printed(sheet))
    assert data == pdf_of(printed(sheet))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    bare = re.sub(r"[\s\u200b]", "", text)
    for said in ("灭菌记录单", WIDE, LONG, "a" * 90, "Reason"):
        assert said in bare
    assert b"<pdfaid:part>3</pdfaid:part>" in data

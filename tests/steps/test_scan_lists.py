"""CSVs of scans as spreadsheets and people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ledger.domain.errors import InvalidInput
from ledger.steps.reading.scan_lists import parse_list

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
LINES = "act,code,time\nstored,SL1PQ0123,12:00\n"


def said(data: bytes | str) -> list[tuple[object, ...]]:
    raw = data if isinstance(data, bytes) else data.encode()
    scans = parse_list(raw, zone="UTC", basis="scanned", day="2026-11-03")
    return [(each.line, each.said, each.happened) for each in scans]


@pytest.mark.parametrize(
    "data",
    [
        LINES,
        b"\xef\xbb\xbf" + LINES.replace("\n", "\r\n").encode(),
        LINES.replace(",", ";"),
        LINES.replace(",", "\t").encode("utf-16"),
        'Act , CODE,time\nSTORED,"=""SL1PQ0123""",  12:00 \n,,\n\n',
        "act,code,time\nstored,SL1PQ0123,12：00\n",
    ],
)
def test_a_list_is_read_as_spreadsheets_write_it(data: bytes | str) -> None:
    assert said(data) == [(1, "SL1PQ0123", NOON)]


def test_a_line_has_the_number_that_it_has_on_the_sheet() -> None:
    assert said("act,code\n\n,\nstored,A\n") == [(3, "A", None)]


def test_an_hour_of_one_digit_is_one_and_what_is_none_stays_in_words() -> None:
    assert [each[2] for each in said("act,code,time\nused,A,about 9:05\nused,A,25:00\n")] == [
        NOON.replace(hour=9, minute=5),
        None,
    ]


@pytest.mark.parametrize(
    "data, field",
    [
        ("", "file"),
        ("act,code\n", "file"),
        ("act,code\n\n", "file"),
        ("what,code\nstored,A\n", "file"),
        ("act,note\nstored," + "x" * 140_000 + "\n", "file"),
        ("act,code\nstored,A\nflown,A\n", "lines.1.act"),
        ("act,code\nstored,A,B\n", "lines.0"),
        ("act,note\nstored,湿了\n".encode("gbk"), "file"),
    ],
)
def test_what_is_no_list_is_refused_with_its_place(data: bytes | str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        said(data)
    assert refused.value.field == field


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is no day"):
        parse_list(LINES.encode(), zone="UTC", basis="imported", day="3.11.2026")

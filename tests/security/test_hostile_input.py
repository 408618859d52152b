"""Input that is made to be slow is refused, or read, in about the time that honest input takes.

Before they were bounded, each of these took from seconds to the better part of an hour; the time
limit is generous, and what is quadratic again does not come near it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from api.access import MAX_LEVELS
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.doors.guard import Bounds
from ledger.doors.json_bodies import _integer, _object
from ledger.evidence.format import MAX_FILE_BYTES as MAX_EVIDENCE_BYTES
from ledger.evidence.forms import parse_canonical
from ledger.readings import read_file
from ledger.readings.files import MAX_FILE_BYTES, MAX_LINES

DATA = Path(__file__).resolve().parents[1] / "data"
REAL = (DATA / "dacuniversal" / "DACLogOK.TXT").read_bytes()
CSV = (DATA / "csv" / "example.csv").read_bytes()

pytestmark = pytest.mark.timeout(60)


def whole(unit: bytes, size: int = MAX_FILE_BYTES) -> bytes:
    """As much of it as is let in."""
    return (unit * (size // len(unit) + 1))[:size]


@pytest.mark.parametrize("unit", [b"\n", b"\r", b"\r\n", b"x\n", b"\n\r"])
def test_a_printout_of_line_ends_is_refused_before_a_line_is_made(unit: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_file((REAL + whole(unit))[:MAX_FILE_BYTES], filename="x")
    assert str(MAX_LINES) in str(caught.value.rule)


def test_blank_lines_within_the_bound_are_read() -> None:
    assert read_file(REAL + b"\r\n" * 2000, filename="x").cycles


@pytest.mark.parametrize(
    "data",
    [
        whole(b"#a" + b" " * (MAX_FILE_BYTES - 3) + b"!"),
        whole(b"#" + b"\t" * (MAX_FILE_BYTES - 2) + b"!"),
        whole(b"#" + b"a " * (MAX_FILE_BYTES // 2)),
        CSV.split(b"\n")[0] + b"\n#a" + b" " * 900_000 + b"!",
        whole(b"Phase: "),
        whole(b" " * 1000 + b"x"),
        b"\xff\xfe" + whole(b" \x00", MAX_FILE_BYTES - 4) + b"!\x00",
    ],
    ids=range(7),
)
def test_a_line_of_a_million_blanks_is_judged_as_fast_as_another(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_file(data[:MAX_FILE_BYTES], filename="x")


def names(count: int) -> bytes:
    """An object whose last name stands twice."""
    pairs = [f'"{number:x}":0' for number in range(count)]
    return ("{" + ",".join([*pairs, pairs[-1]]) + "}").encode()


@pytest.mark.parametrize(
    "data",
    [
        names(80_000),
        whole(b'"', MAX_EVIDENCE_BYTES),
        b'"' + whole(b"\\", MAX_EVIDENCE_BYTES - 1),
        whole(b'"\\', MAX_EVIDENCE_BYTES),
        whole(b"[", MAX_EVIDENCE_BYTES),
        whole(b"[]", MAX_EVIDENCE_BYTES),
        whole(b"9", MAX_EVIDENCE_BYTES),
        b"1e999999999",
    ],
    ids=range(8),
)
def test_an_evidence_file_that_is_made_to_be_slow_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationFailed):
        parse_canonical(data, longest=MAX_EVIDENCE_BYTES, deepest=16)


@pytest.mark.parametrize(
    "read",
    [
        lambda: json.loads(names(20_000), object_pairs_hook=_object),
        lambda: json.loads(whole(b"9", Bounds().body_bytes), parse_int=_integer),
        lambda: require_nesting(whole(b"[", Bounds().body_bytes), deepest=MAX_LEVELS, field="body"),
    ],
    ids=["doubled name", "huge number", "deep"],
)
def test_a_body_that_is_made_to_be_slow_is_refused(read: Callable[[], object]) -> None:
    with pytest.raises((ValueError, InvalidInput)):
        read()


@pytest.mark.parametrize("data", [b'"\\', b'{"a": "\\"' * 20_000, b'"' * 200_000])
def test_strings_that_never_end_are_measured_once(data: bytes) -> None:
    require_nesting(data, deepest=10**6, field="body")

"""Raw bytes → the one parser that knows their form."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final

from ledger.domain.errors import InvalidInput
from ledger.domain.machines.readings import CycleReading, ReadingFile, Remark, RemarkKind
from ledger.readings import (
    csv_form,
    dac_universal,
    logger_csv,
    plc_printout,
    scanning,
    steriliser_printout,
    washer_log,
)
from ledger.readings.printout import Form, is_telling
from ledger.readings.text import SAVE_AS_UTF8, DecodedText, decode, escape

__all__ = ["FORMATS", "MAX_FILE_BYTES", "MAX_FILLED_LINES", "MAX_LINES", "Format", "read_file"]

#: 1 MiB: about four years of one busy machine's printouts.
MAX_FILE_BYTES: Final = 1_048_576
#: Bounds the remarks that one file can cause; 1 MiB of printouts has about 40,000 lines.
MAX_FILLED_LINES: Final = 50_000
#: Bounds the work that blank lines cause; every line end counts, before any line is made.
MAX_LINES: Final = 2 * MAX_FILLED_LINES

#: Encodings that a byte order mark, or all bytes together, prove.
_SURE: Final = frozenset(
    {"utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"},
)

_Parsed = tuple[tuple[CycleReading, ...], tuple[Remark, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A form of log that we can read."""

    name: str  #: kept in the record
    version: str  #: raised with every change that can read the same bytes otherwise
    recognise: Callable[[DecodedText], bool]
    parse: Callable[[DecodedText], _Parsed]


def _printout(form: Form) -> Format:
    """A form that tables describe."""
    return Format(
        name=form.name,
        version=form.version,
        recognise=partial(is_telling, form),
        parse=partial(scanning.parse, form),
    )


#: Tried in this order. A new machine is one more row.
FORMATS: Final = (
    Format(
        name="steriledger-csv",
        version="3",
        recognise=csv_form.recognise,
        parse=csv_form.parse,
    ),
    Format(
        name="logger-csv",
        version="2",
        recognise=logger_csv.recognise,
        parse=logger_csv.parse,
    ),
    _printout(dac_universal.FORM),
    _printout(plc_printout.FORM),
    _printout(steriliser_printout.FORM),
    _printout(washer_log.FORM),
)


def read_file(data: bytes, *, filename: str) -> ReadingFile:
    """Read one log of at most 1 MiB; `filename` only serves the error messages.

    Raise `InvalidInput` when the file is empty, too long, of no known form, or holds no cycle.
    Damage inside a known form never raises: it is reported line by line in the result.
    """
    name = escape(filename, limit=80)
    _check_size(data, name)
    text = decode(data)
    _check_lines(text, name)
    form = _recognised(text, name)
    cycles, remarks = form.parse(text)
    if text.encoding not in _SURE:
        remarks = (_encoding_remark(text), *remarks)
    if not cycles:
        raise InvalidInput(
            f"{name} holds no cycle",
            field="file",
            rule="a reading holds at least one cycle, recognised by its header",
            remedy="check that the right file was chosen and that the machine's header is in it",
        )
    return ReadingFile(
        sha256=sha256(data).hexdigest(),
        size_bytes=len(data),
        format_name=form.name,
        format_version=form.version,
        encoding=text.encoding,
        encoding_basis=text.basis,
        line_count=len(text.lines),
        cycles=cycles,
        remarks=remarks,
    )


def _encoding_remark(text: DecodedText) -> Remark:
    """A code page is a conclusion, not a fact of the file: its reader must know it."""
    return Remark(line=0, last_line=0, text=text.encoding, why=text.basis, kind=RemarkKind.NOTE)


def _check_size(data: bytes, name: str) -> None:
    if not data.strip():
        raise InvalidInput(f"{name} is empty", field="file", rule="a reading has content")
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput(
            f"{name} has {len(data)} bytes",
            field="file",
            rule=f"a file has at most {MAX_FILE_BYTES} bytes (1 MiB)",
            remedy="split the log between two cycles and send the parts",
        )
    ends = data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    if ends > MAX_LINES:
        raise InvalidInput(
            f"{name} has {ends} line ends",
            field="file",
            rule=f"a file has at most {MAX_LINES} lines, blank ones included",
            remedy="split the log between two cycles and send the parts",
        )


def _check_lines(text: DecodedText, name: str) -> None:
    filled = sum(1 for line in text.lines if line.text.strip())
    if filled > MAX_FILLED_LINES:
        raise InvalidInput(
            f"{name} has {filled} lines",
            field="file",
            rule=f"a file has at most {MAX_FILLED_LINES} lines that are not blank",
            remedy="split the log between two cycles and send the parts",
        )


def _recognised(text: DecodedText, name: str) -> Format:
    for form in FORMATS:
        if form.recognise(text):
            return form
    raise InvalidInput(
        f"{name} has none of the known forms",
        field="file",
        rule="the form is one of: " + ", ".join(form.name for form in FORMATS),
        remedy=(
            f"if it is text in an unusual encoding ({text.basis}), {SAVE_AS_UTF8}; "
            if text.undecodable or text.encoding != "utf-8"
            else ""
        )
        + "for a machine whose printout is not known, use the CSV form of docs/readings.md",
    )

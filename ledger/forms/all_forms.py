"""Computed account → files: what each form is called, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger.domain.encoding.canonical import canonical
from ledger.forms.journal import journal_of
from ledger.forms.sheets import Plain, Reader, every_sheet, sheets_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What is rendered: an account, its indicators, and the account's canonical bytes."""

    account: Plain
    indicators: Plain
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form."""

    ending: str
    media_type: str
    make: Callable[[Account, Reader], bytes]


def _csv(of: Account, reader: Reader, name: str) -> bytes:
    from ledger.forms.tables import csv_of  # noqa: PLC0415 - loaded when it is asked for

    sheets = every_sheet(of.account, of.indicators, reader)
    return b"".join(csv_of(s, of.account, reader) for s in sheets if s.name == name)


def _xlsx(of: Account, reader: Reader) -> bytes:
    from ledger.forms.tables import xlsx_of  # noqa: PLC0415 - the same

    return xlsx_of(sheets_of(of.account, of.indicators, reader), of.account, reader)


def _pdf(of: Account, reader: Reader) -> bytes:
    from ledger.forms.document import pdf_of  # noqa: PLC0415 - the same

    return pdf_of(of.account, of.indicators, of.data, reader)


_CSV = "text/csv; charset=utf-8"

#: Every form by its name.
FORMS: Mapping[str, Form] = {
    "json": Form(ending="json", media_type="application/json", make=lambda of, _: of.data),
    "indicators": Form(
        ending="indicators.json",
        media_type="application/json",
        make=lambda of, _: canonical(of.indicators),
    ),
    "lines": Form(ending="lines.csv", media_type=_CSV, make=lambda of, r: _csv(of, r, "lines")),
    "units": Form(ending="units.csv", media_type=_CSV, make=lambda of, r: _csv(of, r, "units")),
    "review": Form(ending="review.csv", media_type=_CSV, make=lambda of, r: _csv(of, r, "review")),
    "xlsx": Form(
        ending="xlsx",
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        make=_xlsx,
    ),
    "pdf": Form(ending="pdf", media_type="application/pdf", make=_pdf),
    "journal": Form(
        ending="journal",
        media_type="text/plain; charset=utf-8",
        make=lambda of, reader: journal_of(of.account, reader.names),
    ),
}

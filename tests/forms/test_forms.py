"""The forms of one account: each says what the object says, and runs nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem as armour
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from ledger.domain.acts.payment import PaymentSide
from ledger.domain.errors import InvalidInput
from ledger.domain.statement.account import Closing, account_bytes, account_of
from ledger.domain.statement.indicators import indicators_of
from ledger.domain.statement.periods import Period
from ledger.domain.statement.work import Work
from ledger.forms.all_forms import FORMS, Account
from ledger.forms.recourse import legend
from ledger.forms.sheets import Reader, money_text, sheets_of
from ledger.forms.signing import sign_pdf
from ledger.forms.words import Language, words_in
from tests.domain.statement.november import LEAD, M1, M2, november

NOVEMBER, DECEMBER = Period(2026, 11), Period(2026, 12)
NAMES = {1: "L", 10: "D", **{n: f"M{n - 1}" for n in range(2, 10)}}
#: names that a spreadsheet would run
HOSTILE = {**NAMES, M1: "=HYPERLINK(1)", M2: "@SUM(1+1)"}


def make(period: Period) -> Account:
    chain, terms = november()
    publication = chain.at("2026-12-02 09:00").publish(NOVEMBER)
    paid = chain.pay(M1, publication, PaymentSide.PAID, LEAD, 16_600)
    chain.pay(LEAD, paid, PaymentSide.RECEIVED, M1, 16_600)
    chain.answer(M2, publication, 2)
    books = chain.books(terms)
    work = Work(books.offset, books.seconds_within, books.counts)
    for entry in chain.entries:
        work.read(entry)
    month = books.close_until(period)
    closing = Closing(block=321, hash=b"\1" * 32, time=period.ends(8 * 3600) + 60)
    account = account_of(books, period, closing, deployment=b"\2" * 32)
    indicators = indicators_of(month, books.terms_of(period), work.months)
    return Account(account=account, indicators=indicators, data=account_bytes(account))


@pytest.fixture(scope="module")
def account() -> Account:
    return make(NOVEMBER)


@pytest.fixture(scope="module")
def december() -> Account:
    return make(DECEMBER)


def form(
    name: str,
    of: Account,
    unit: int | None = None,
    language: Language = Language.ENGLISH,
    names: dict[int, str] | None = None,
) -> bytes:
    return FORMS[name].make(of, Reader(language=language, unit=unit, names=names or NAMES))


@pytest.mark.parametrize("name", FORMS)
def test_every_form_is_the_same_bytes_again(name: str, account: Account) -> None:
    assert form(name, account) == form(name, account)


def test_both_languages_say_everything() -> None:
    english, chinese = (words_in(language) for language in Language)
    assert english.keys() == chinese.keys()
    assert all(english.values())
    assert all(chinese.values())


def test_an_answer_that_no_deadline_of_the_terms_applied_to_says_so() -> None:
    terms = {"version": 1, "sha256": "ab" * 32, "deadlines": {}}
    answer = {
        "subject": {"kind": "package"}, "units": [], "offset_minutes": 480, "terms": [terms],
        "as_of": "2026-11-03T00:00:00Z", "block": 9, "deployment": "cd",
    }  # fmt: skip
    for language, end in (("en", ": none applied."), ("zh", "：无。")):
        assert sum(each.endswith(end) for each in legend(answer, language)) == 1


# ---------------------------------------------------------------- tables


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_unit_without_lines_has_a_csv_with_its_columns(account: Account) -> None:
    (columns,) = rows_of(form("lines", account, unit=9))
    assert len(columns) > 1


def test_the_lines_add_up_to_the_units_in_csv(account: Account) -> None:
    head, *lines = rows_of(form("lines", account, M1))
    amounts = [line[head.index("Amount")] for line in lines]
    assert amounts == ["-126.00", "-40.00"]
    _, unit = rows_of(form("units", account, M1))
    assert unit[4] == "-166.00"


def test_a_service_that_waits_for_its_user_s_word_is_on_both_statements(account: Account) -> None:
    why = "not_confirmed_by_the_consumer"
    waits = {"digest": "0xab", "kind": "Service", "unit": LEAD, "consumer": M1, "why": why}
    shown = {
        unit: [
            sheet.rows
            for sheet in sheets_of(
                {**account.account, "left_out": [waits]},
                account.indicators,
                Reader(language=Language.ENGLISH, unit=unit, names=NAMES),
            )
            if sheet.name == "left_out"
        ]
        for unit in (LEAD, M1, M2)
    }
    row = ["L", "M1", "Service", "not confirmed by the consumer", "0xab"]
    assert shown == {LEAD: [[row]], M1: [[row]], M2: []}


def test_text_that_a_spreadsheet_would_run_stays_text(account: Account) -> None:
    text = form("lines", account, names=HOSTILE).decode()
    assert "'=HYPERLINK(1)" in text
    assert not re.search(r"(^|,)\"?[=@]", text, re.MULTILINE)
    book = CalamineWorkbook.from_filelike(io.BytesIO(form("xlsx", account, names=HOSTILE)))
    cells = [cell for row in book.get_sheet_by_name("Lines").to_python() for cell in row]
    assert "=HYPERLINK(1)" in cells
    assert b"<f>" not in b"".join(zipped(form("xlsx", account, names=HOSTILE)))


def zipped(data: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield from (archive.read(name) for name in archive.namelist())


def test_another_library_reads_typed_cells_from_the_workbook(account: Account) -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(form("xlsx", account)))
    head, *rows = book.get_sheet_by_name("Units").to_python()
    net = head.index("Net of the month")
    found = {str(row[0]): row[net] for row in rows}
    assert found["M1"] == -166.0
    assert isinstance(found["M1"], float)
    expected = {NAMES[u["unit"]]: u["net"] for u in account.account["units"]}
    assert {name: round(float(str(value)) * 100) for name, value in found.items()} == expected
    lines = book.get_sheet_by_name("Lines").to_python()
    assert len(lines) == 1 + len(account.account["lines"])
    assert {type(row[lines[0].index("Quantity")]) for row in lines[1:]} == {float}


@pytest.mark.parametrize(
    "amount, one, text",
    [
        (-16_600, 100, "-166.00"),
        (5, 100, "0.05"),
        (-5, 100, "-0.05"),
        (0, 100, "0.00"),
        (7, 1, "7"),
        (1_234_567, 1000, "1234.567"),
    ],
)
def test_money_is_shown_to_the_smallest_unit(amount: int, one: int, text: str) -> None:
    assert money_text(amount, {"terms": {"smallest_in_one": one}}) == text


# ---------------------------------------------------------------- PDF


@pytest.mark.parametrize("language", Language)
def test_the_pdf_holds_the_account_itself_and_says_what_is_owed(
    language: Language, december: Account
) -> None:
    data = form("pdf", december, M2, language)
    reader = PdfReader(io.BytesIO(data))
    assert reader.attachments["account-2026-12.json"] == [december.data]
    text = "".join(page.extract_text() for page in reader.pages)
    words = words_in(language)
    for key in ("owes", "disputed", "ageing", "contests"):
        assert words[key] in text, key
    assert "147.00" in text  # 167.00 less the contested 20.00
    assert b"<pdfaid:part>3</pdfaid:part>" in data


def test_the_group_s_pdf_has_every_unit(account: Account) -> None:
    text = "".join(p.extract_text() for p in PdfReader(io.BytesIO(form("pdf", account))).pages)
    assert all(f"\n{name}\n" in text or f"\n{name} " in text for name in NAMES.values())


@pytest.fixture(scope="module")
def certificate() -> tuple[bytes, bytes]:
    """A key and its own certificate, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The group")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
                encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return (
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        made.public_bytes(serialization.Encoding.PEM),
    )


def test_a_signed_pdf_is_whole_and_one_changed_byte_breaks_it(
    account: Account, certificate: tuple[bytes, bytes]
) -> None:
    key, pem = certificate
    signed = sign_pdf(form("pdf", account, M1), key_pem=key, certificate_pem=pem, reason="2026-11")
    trust = ValidationContext(trust_roots=[_plain(pem)])
    status = validate_pdf_signature(PdfFileReader(io.BytesIO(signed)).embedded_signatures[0], trust)
    assert status.intact
    assert status.valid
    assert status.trusted
    place = signed.index(b"/MediaBox")
    broken = signed[:place] + b"/mediaBox" + signed[place + 9 :]
    status = validate_pdf_signature(PdfFileReader(io.BytesIO(broken)).embedded_signatures[0], trust)
    assert not status.intact


def _plain(pem: bytes) -> asn1.Certificate:
    return asn1.Certificate.load(armour.unarmor(pem)[2])


def test_a_pdf_is_not_signed_with_what_is_no_key(account: Account) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        sign_pdf(form("pdf", account, M1), key_pem=b"no", certificate_pem=b"no", reason="x")


# ---------------------------------------------------------------- journal


def test_the_journal_adds_up_to_every_unit_s_balance(december: Account, tmp_path: Path) -> None:
    data = form("journal", december)
    totals: dict[int, int] = defaultdict(int)
    for unit, amount in re.findall(
        r"^ +units:([0-9]+):\S+  (-?[0-9.]+) CNY$", data.decode(), re.MULTILINE
    ):
        totals[int(unit)] += round(float(amount) * 100)
    balances = {u["unit"]: u["balance"] for u in december.account["units"] if u["balance"]}
    assert {unit: total for unit, total in totals.items() if total} == balances
    file = tmp_path / "november.journal"
    file.write_bytes(data)
    # where they are installed, the tools that it is for say the same
    for tool in (each for each in ("hledger", "ledger") if shutil.which(each)):
        command = [tool, "-f", str(file), "balance", "--flat"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        sums: dict[int, int] = defaultdict(int)
        for amount, unit in re.findall(r"(-?[0-9.]+) CNY +units:([0-9]+)", told):
            sums[int(unit)] += round(float(amount) * 100)
        assert {unit: total for unit, total in sums.items() if total} == balances, tool


def test_the_json_is_the_account_s_canonical_bytes(account: Account) -> None:
    assert json.loads(form("json", account)) == account.account
    assert form("json", account) == account.data

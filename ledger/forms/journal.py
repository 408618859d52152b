"""Account → a plain-text journal, which hledger and ledger add up to the same balances.

Source: hledger's journal format (hledger.org/hledger.html#journal).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.forms.sheets import Plain, money_text


def journal_of(account: Plain, names: Mapping[int, str]) -> bytes:
    """Balances brought forward, the month's lines and its confirmed payments.

    `units:N:M` is what unit M owes unit N, negative where it is the other way round, so that
    `units:N` adds up to the balance of unit N.
    """
    return "\n".join([*_head(account, names), *_entries(account)]).encode() + b"\n"


def _head(account: Plain, names: Mapping[int, str]) -> Iterator[str]:
    yield f"; the account of {account['period']}, closed by block {account['closing']['block']}"
    for each in account["units"]:
        yield f"; unit {each['unit']}: {_safe(names.get(each['unit'], ''))}"
    yield ""


def _safe(text: str) -> str:
    return " ".join(text.split())


def _entries(account: Plain) -> Iterator[str]:
    period, currency = account["period"], account["terms"]["currency"]
    opening = [each for each in account["units"] if each["brought_forward"]]
    if opening:
        yield f"{period}-01 brought forward"
        for each in opening:
            yield _posting(each["unit"], 0, each["brought_forward"], account)
        yield ""
    for number, line in enumerate(account["lines"], start=1):
        if line["amount"]:
            head = (
                f"{period}-01 line {number} ; {line['group']} {line['what']} {line['trace'][:16]}"
            )
            yield from entry(head, line["provider"], line["consumer"], line["amount"], account)
    for each in account["payments"]["confirmed"]:
        if each["amount"]:
            head = f"{period}-28 payment ; {each['digest'][:18]} {currency}"
            yield from entry(head, each["payer"], each["payee"], each["amount"], account)


def entry(head: str, creditor: int, debtor: int, amount: int, account: Plain) -> Iterator[str]:
    """The lines of one entry: what the debtor owes the creditor from then on."""
    yield head
    yield _posting(creditor, debtor, amount, account)
    yield _posting(debtor, creditor, -amount, account)
    yield ""


def _posting(unit: int, other: int, amount: int, account: Plain) -> str:
    return (
        f"    units:{unit}:{other or 'forward'}  {money_text(amount, account)} "
        f"{account['terms']['currency']}"
    )

"""What others know of this database → what is missing in it.

The worker's note and the chain's snapshots, the log's lines about operations that were accepted,
receipts that somebody kept, and on a group's chain what our own account sent.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import InvalidInput, SteriLedgerError
from ledger.keys.receipts import verify_receipt
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.keeping.losses import LOG_FILE, Seen, find_losses, log_files
from ledger.steps.starting.deploy import get_held_key
from ledger.storage.index import list_transactions_of
from ledger.storage.keys import KeyPurpose
from ledger.storage.operations import known_digests

#: the members of a receipt's payload, for one that was kept without it
_PROMISED = ("type", "digest", "kind", "record", "unit", "accepted_at", "deployment")
_PAGE = 500
_TOLD = frozenset({"accepted", "final"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReceipt:
    """A receipt that somebody brings: our promise about one operation."""

    #: where it was read, for people
    name: str
    payload: bytes
    signature: bytes


def parse_receipt(name: str, data: bytes) -> KeptReceipt:
    """A receipt as the API or a command gave it; raises InvalidInput."""
    try:
        plain = json.loads(data)
        payload = plain.get("payload")
        signature = plain["signature"] if payload is not None else plain["receipt_signature"]
        body = (
            payload.encode()
            if payload is not None
            else canonical({each: plain[each] for each in _PROMISED})
        )
        return KeptReceipt(name=name, payload=body, signature=bytes.fromhex(signature[2:]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidInput(
            f"{name} is no receipt",
            field="--receipt",
            rule="JSON as the API or a command with --json answered it",
        ) from None


def check_losses(evidence: Evidence, seen: Seen, receipts: Sequence[KeptReceipt]) -> None:
    """Note everything that somebody knows of and the database lacks.

    `seen` was asked before the snapshot of the database was taken: what came since is not missed.
    """
    _check_seen(evidence, seen)
    _check_log(evidence, seen)
    for receipt in receipts:
        _check_kept(evidence, receipt)


def check_sent_by_us(evidence: Evidence, unknown: Sequence[Digest]) -> None:
    """Note operations on the chain that our own account sent and the database lacks."""
    if evidence.chain is None or not unknown:
        return
    relayer = get_held_key(evidence.ours, KeyPurpose.RELAYER).signer
    places = list_transactions_of(evidence.chain, unknown)
    hashes = list(dict.fromkeys(places.values()))
    senders = {
        each: None if found is None else found.sender
        for each, found in zip(hashes, evidence.source.transactions(hashes), strict=True)
    }
    for digest, transaction in places.items():
        if senders[transaction] == relayer:
            _missing(evidence, digest, "our own account sent it to the chain")


def _check_seen(evidence: Evidence, seen: Seen) -> None:
    evidence.findings.checked["witnesses"] += len(seen.blocks) + len(seen.operations)
    for loss in find_losses(seen, evidence.ours):
        if loss.hash is None:
            evidence.findings.note(
                loss.table, loss.row, "row", expected=f"a row: {loss.witness} has it", found=None
            )
        else:
            evidence.findings.note(
                loss.table,
                loss.row,
                "hash",
                expected=f"{to_hex(loss.hash)}: {loss.witness} has it",
                found=loss.found,
            )


def _check_log(evidence: Evidence, seen: Seen) -> None:
    files = log_files(evidence.instance.settings)
    told = chain.from_iterable(_told_operations(file, seen.log_bytes) for file in files)
    missed: set[Digest] = set()
    while page := _first_of_each(islice(told, _PAGE)):
        evidence.findings.checked["witnesses"] += len(page)
        for digest in page.keys() - known_digests(evidence.ours, page) - missed:
            missed.add(digest)
            _missing(evidence, digest, f"run/{LOG_FILE} says so at {page[digest]}")


def _first_of_each(told: Iterable[tuple[Digest, str]]) -> dict[Digest, str]:
    found: dict[Digest, str] = {}
    for digest, at in told:
        found.setdefault(digest, at)
    return found


def _told_operations(file: Path, sizes: Mapping[int, int]) -> Iterator[tuple[Digest, str]]:
    """Operations of ours that the log, as far as it was seen, calls accepted or final, and when."""
    with file.open("rb") as lines:
        size = sizes.get(os.fstat(lines.fileno()).st_ino, 0)
        for line in lines:
            size -= len(line)
            if size < 0:
                return
            yield from _told_in(line)


def _told_in(line: bytes) -> Iterator[tuple[Digest, str]]:
    try:
        plain = json.loads(line)
        is_told = plain["event"] in _TOLD and plain["logger"] == "operations"
        named = plain.get("digests", [plain.get("digest")]) if is_told else []
        found = [Digest(bytes.fromhex(each[2:])) for each in named]
        at = str(plain.get("timestamp"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return  # a line of a library, or one that was cut off
    yield from ((digest, at) for digest in found)


def _check_kept(evidence: Evidence, receipt: KeptReceipt) -> None:
    findings = evidence.findings
    findings.checked["kept_receipts"] += 1
    try:
        verify_receipt(evidence.deployment.receipt_key, receipt.payload, receipt.signature)
        promised: Mapping[str, str] = json.loads(receipt.payload)
        digest = Digest(bytes.fromhex(promised["digest"][2:]))
    except (SteriLedgerError, ValueError, KeyError, TypeError) as error:
        said = str(error) if isinstance(error, SteriLedgerError) else "no receipt of ours"
        findings.note("kept_receipts", receipt.name, "signature", expected="ours", found=said)
        return
    if not known_digests(evidence.ours, [digest]):
        at = promised.get("accepted_at")
        _missing(evidence, digest, f"we promised it at {at}, by the receipt {receipt.name}")


def _missing(evidence: Evidence, digest: Digest, why: str) -> None:
    evidence.findings.note("operations", digest, "row", expected=f"a row: {why}", found=None)

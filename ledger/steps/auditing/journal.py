"""The embedded chain's journal beside the chain itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.domain.chain.chain_reader import Block
from ledger.domain.encoding.hashing import keccak256
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.following.follow import Source
from ledger.steps.starting.link import unpack_transactions
from ledger.storage.journal import JournalBlockRow, list_blocks

#: a block may have a hundred KiB and more
_PAGE = 20


def check_journal(evidence: Evidence) -> None:
    """Every block of the embedded chain is the one that its journal describes, and none is missing.

    Only the last may be without its hash: it is written once the block is mined.
    """
    ours, findings = evidence.ours, evidence.findings
    expected, unhashed = 1, None
    while True:
        page = list_blocks(ours, after=expected - 1, limit=_PAGE)
        for row, block in zip(page, _blocks_of(evidence.source, page), strict=True):
            findings.checked["journal_blocks"] += 1
            if unhashed is not None:
                findings.note("journal_blocks", unhashed, "hash", expected="a hash", found=None)
            if row.height != expected:
                findings.note("journal_blocks", expected, "row", expected="a row", found=None)
            unhashed = row.height if row.hash is None else None
            _check_block(row, block, findings)
            expected = row.height + 1
        if len(page) < _PAGE:
            break
    if evidence.instance.settings.is_embedded and 0 <= evidence.height >= expected:
        findings.note("journal_blocks", expected, "row", expected="a row", found=None)


def _blocks_of(source: Source, page: Sequence[JournalBlockRow]) -> Iterator[Block | None]:
    """The chain's block at the height of each row; a row that is missing takes none away."""
    if not page:
        return
    first, last = page[0].height, page[-1].height
    is_whole = last - first + 1 == len(page)
    yield from (
        source.blocks(first, last) if is_whole else (source.block(row.height) for row in page)
    )


def _check_block(row: JournalBlockRow, block: Block | None, findings: Findings) -> None:
    if block is None:
        if row.hash is not None:
            findings.note("journal_blocks", row.height, "row", expected="no block", found="a row")
        return
    if row.hash is not None:
        findings.compare("journal_blocks", row.height, "hash", expected=block.hash, found=row.hash)
    findings.compare(
        "journal_blocks", row.height, "timestamp", expected=block.timestamp, found=row.timestamp
    )

    def unpack() -> None:
        findings.compare(
            "journal_blocks",
            row.height,
            "transactions",
            expected=block.transactions,
            found=tuple(keccak256(raw) for raw in unpack_transactions(row.transactions)),
        )

    findings.hold(
        "journal_blocks", row.height, "transactions", expected="whole transactions", check=unpack
    )

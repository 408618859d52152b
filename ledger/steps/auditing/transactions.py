"""Kept transactions → decoded, and compared with what they carry and with the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ledger.chain.calldata import encode_recovery_completion, read_call
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import digest
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.signers import verify_signature
from ledger.steps.auditing.differences import Findings
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.auditing.paging import check_page
from ledger.steps.sending.recovering import COMPLETION
from ledger.storage.operations import OperationRow, StateRow
from ledger.storage.pages import attempts_beside, positions_of
from ledger.storage.transactions import (
    TransactionRow,
    TransactionState,
    list_carried,
    list_transactions,
)

#: a transaction has up to 128 KiB, its receipt the events of as many operations
_PAGE = 20
#: EIP-1559: chain id, nonce, two fees, gas, to, value, data, access list; then the signature
_TYPE, _UNSIGNED, _FIELDS = 2, 9, 12
_WORD = 32
_RECOVERY = 27

_S = OperationState
_WITH_TRANSACTION = frozenset({_S.SENT, _S.MINED})
_WITHOUT_REASON = frozenset({_S.SENT, _S.MINED, _S.FINAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """What the bytes of a transaction say."""

    chain_id: int
    nonce: int
    to: bytes
    data: bytes
    #: what was signed, and the signature: r ‖ s ‖ v
    signing_hash: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What belongs to a page of transactions, by their ids."""

    carried: Mapping[int, Sequence[Digest]]
    positions: Mapping[int, Sequence[int]]
    #: the attempts at the same nonce, ascending
    attempts: Mapping[int, Sequence[int]]
    #: where the chain has it; None when it does not
    heights: Mapping[int, int | None]


def check_transactions(evidence: Evidence) -> None:
    """Every kept transaction is what its bytes say, in its place, and where the chain has it."""
    after = 0
    while True:
        page = list_transactions(evidence.ours, after=after, limit=_PAGE)
        check_page(
            page,
            load=lambda rows: _load(evidence, rows),
            check=lambda row, beside: _check_transaction(evidence, row, beside),
        )
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _load(evidence: Evidence, page: Sequence[TransactionRow]) -> _Beside:
    ours, numbers = evidence.ours, [row.id for row in page]
    mined = evidence.source.find_mined([row.hash for row in page])
    return _Beside(
        carried=list_carried(ours, numbers),
        positions=positions_of(ours, numbers),
        attempts=attempts_beside(ours, numbers),
        heights={
            row.id: None if found is None else found.block_number
            for row, found in zip(page, mined, strict=True)
        },
    )


def _check_transaction(evidence: Evidence, row: TransactionRow, beside: _Beside) -> None:
    evidence.findings.checked["transactions"] += 1
    _check_bytes(evidence, row, beside)
    _check_attempts(evidence, row, beside.attempts.get(row.id, ()))
    _check_height(evidence, row, beside.heights[row.id])


def _check_bytes(evidence: Evidence, row: TransactionRow, beside: _Beside) -> None:
    findings = evidence.findings
    findings.compare("transactions", row.id, "raw", expected=keccak256(row.raw), found=row.hash)
    try:
        signed = _decode(row.raw)
    except InvalidInput as error:
        findings.note(
            "transactions", row.id, "raw", expected="a signed transaction", found=str(error)
        )
        return
    findings.compare(
        "transactions", row.id, "chain_id", expected=signed.chain_id, found=row.chain_id
    )
    findings.compare("transactions", row.id, "nonce", expected=signed.nonce, found=row.nonce)
    findings.hold(
        "transactions",
        row.id,
        "account",
        expected="the account that signed it",
        check=lambda: verify_signature(
            row.account, signed.signing_hash, signed.signature, verifiers={}
        ),
    )
    _check_call(evidence, row, signed, beside)


def _check_call(evidence: Evidence, row: TransactionRow, signed: _Signed, beside: _Beside) -> None:
    findings, deployment = evidence.findings, evidence.deployment
    contract = deployment.recording_contracts().get(signed.to)
    if contract is None:
        findings.note(
            "transactions", row.id, "raw", expected="a call of our contracts", found=signed.to
        )
        return
    carried = tuple(beside.carried.get(row.id, ()))
    if signed.data == encode_recovery_completion(signed.data[4:36]):
        # the one call that carries no operation
        findings.compare("transactions", row.id, "kind", expected=COMPLETION, found=row.kind)
        findings.compare("transaction_operations", row.id, "digest", expected=(), found=carried)
        return
    try:
        call = read_call(contract, signed.data)
    except InvalidInput as error:
        findings.note("transactions", row.id, "raw", expected="a batch", found=str(error))
        return
    findings.compare("transactions", row.id, "kind", expected=call[0].act.function, found=row.kind)
    domain = deployment.domain_of(contract)
    findings.checked["transaction_operations"] += len(carried)
    findings.compare(
        "transaction_operations",
        row.id,
        "position",
        expected=tuple(range(len(carried))),
        found=tuple(beside.positions.get(row.id, ())),
    )
    findings.compare(
        "transaction_operations",
        row.id,
        "digest",
        expected=tuple(digest(each.act, each.message, domain) for each in call),
        found=carried,
    )


def _decode(raw: bytes) -> _Signed:
    """The parts of a type 2 transaction; raises InvalidInput for anything else."""
    import rlp  # type: ignore[import-untyped]  # noqa: PLC0415 - takes half a second

    try:
        fields = rlp.decode(raw[1:])
    except rlp.exceptions.DecodingError as error:
        raise InvalidInput(f"is no RLP: {error}", field="raw") from None
    flat = isinstance(fields, list) and len(fields) == _FIELDS
    if raw[:1] != bytes([_TYPE]) or not flat:
        raise InvalidInput("is no transaction of type 2", field="raw", rule="EIP-1559")
    chain_id, nonce, _, _, _, to, _, data, _, parity, r, s = fields
    return _Signed(
        chain_id=int.from_bytes(chain_id, "big"),
        nonce=int.from_bytes(nonce, "big"),
        to=to,
        data=data,
        signing_hash=keccak256(raw[:1] + rlp.encode(fields[:_UNSIGNED])),
        signature=r.rjust(_WORD, b"\0")
        + s.rjust(_WORD, b"\0")
        + bytes([_RECOVERY + int.from_bytes(parity, "big")]),
    )


def _check_attempts(evidence: Evidence, row: TransactionRow, numbers: Sequence[int]) -> None:
    """The attempts at one nonce are counted from 0 without a gap."""
    if list(numbers) != list(range(len(numbers))):
        evidence.findings.note(
            "transactions",
            row.id,
            "attempt",
            expected=f"0 to {len(numbers) - 1}",
            found=row.attempt,
        )


def _check_height(evidence: Evidence, row: TransactionRow, on_chain: int | None) -> None:
    """What is called mined or final has a height, and the chain has it there."""
    findings = evidence.findings
    if row.state is TransactionState.FINAL and on_chain is None:
        findings.note("transactions", row.id, "state", expected="not on the chain", found=row.state)
    is_placed = row.state in {TransactionState.MINED, TransactionState.FINAL}
    if not is_placed:
        findings.compare(
            "transactions", row.id, "block_height", expected=None, found=row.block_height
        )
    elif row.block_height is None or (
        # a block that is not final may have been replaced a moment ago
        on_chain not in {None, row.block_height}
        and min(on_chain or 0, row.block_height) <= evidence.height
    ):
        findings.note(
            "transactions", row.id, "block_height", expected=on_chain, found=row.block_height
        )


# ---------------------------------------------------------------- states → transactions


def check_state_rows(
    findings: Findings,
    row: OperationRow,
    states: Sequence[StateRow],
    *,
    carrying: set[bytes],
    recorded: bytes | None,
) -> None:
    """Each dated state has what belongs to it: a transaction that carries the operation, a reason.

    `carrying` are ours, `recorded` is the one that the chain has it from.  What a reason says, and
    the exact time of a move, rest on nothing else.
    """
    sent = {each.transaction_hash for each in states if each.state is _S.SENT}
    for missing in sorted(carrying - sent):
        findings.note("operation_states", row.digest, "row", expected=missing, found=None)
    for place, each in enumerate(states):
        has_transaction = each.transaction_hash is not None
        wants_transaction = each.state in _WITH_TRANSACTION
        if each.state is not _S.FINAL and has_transaction != wants_transaction:
            _odd(findings, each, "transaction_hash", "one" if wants_transaction else "none")
        elif has_transaction and not _is_known(each, carrying, recorded):
            _odd(findings, each, "transaction_hash", "a transaction that carries it")
        wants_reason = place > 0 and each.state not in _WITHOUT_REASON
        if (each.reason is not None) != wants_reason:
            found = "one" if each.reason is not None else None
            expected = "a reason" if wants_reason else "no reason"
            findings.note("operation_states", each.id, "reason", expected=expected, found=found)


def _odd(findings: Findings, row: StateRow, column: str, expected: str) -> None:
    findings.note("operation_states", row.id, column, expected=expected, found=row.transaction_hash)


def _is_known(state: StateRow, carrying: set[bytes], recorded: bytes | None) -> bool:
    """Ours that carries it, or whichever the chain has it from; unknown without a chain."""
    if state.transaction_hash in carrying:
        return state.state is not _S.FINAL or recorded in {None, state.transaction_hash}
    return state.state is not _S.SENT and recorded in {None, state.transaction_hash}

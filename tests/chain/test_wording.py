"""What kinds of nodes say, and what it means: Besu by its source, evmd as it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.wording import (
    SendOutcome,
    classify_refusal,
    is_absent,
    is_range_too_wide,
    is_reverted,
)

BESU: dict[str, Any] = json.loads(Path(__file__).with_name("besu_refusals.json").read_text())
RECEIPT = "eth_getTransactionReceipt"
S = SendOutcome


@pytest.mark.parametrize("name,code,words,outcome", BESU["sending"], ids=str)
def test_what_besu_refuses_is_understood(name: str, code: int, words: str, outcome: str) -> None:
    assert classify_refusal(words) is S(outcome)


def test_besus_other_words_are_understood() -> None:
    assert is_range_too_wide(BESU["range_too_wide"][2])
    assert is_reverted(BESU["reverted"][2])
    assert is_absent(RECEIPT, BESU["absent"][2])
    assert not is_absent(RECEIPT, BESU["not_absent"][2])
    assert not is_absent("eth_getBlockByNumber", BESU["no_finalized_block"][2])


EVMD = {
    "invalid nonce; got 4, expected 7: invalid sequence": S.NONCE_TOO_LOW,
    "invalid nonce; got 9, expected 7: invalid sequence": S.NONCE_TOO_HIGH,
    "tx already in mempool": S.ALREADY_KNOWN,
    "tx already exists in cache": S.ALREADY_KNOWN,
    "mempool is full: number of txs 5000 (max: 5000)": S.NOT_NOW,
    "insufficient fee": S.UNDERPRICED,
}


@pytest.mark.parametrize("words,outcome", EVMD.items())
def test_what_evmd_refuses_is_understood(words: str, outcome: SendOutcome) -> None:
    assert classify_refusal(words) is outcome


def test_what_is_not_there_is_told_from_what_cannot_be_said() -> None:
    assert is_absent(RECEIPT, "GetTxByEthHash 0xab: ethereum tx not found")
    assert not is_absent(RECEIPT, "block result not found at height 7: height 7 is not available")
    assert is_absent("eth_getBlockByNumber", "cannot query unfinalized data")
    assert not is_absent("eth_sendRawTransaction", "transaction not found")


def test_a_range_that_is_too_wide_for_evmd_is_asked_in_halves() -> None:
    assert is_range_too_wide("maximum [from, to] blocks distance: 10000")
    assert not is_range_too_wide("header not found")

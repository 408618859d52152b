"""A node of the group's chain → whether our contracts can live there, before anything is sent.

What waiting mends, as a node that still catches up, is ChainUnavailable; what only a person can
mend is Refused or VerificationFailed.
"""

from __future__ import annotations

import structlog

from ledger.chain.node import Node
from ledger.chain.transport import NodeRefused
from ledger.domain.chain.chain_reader import Block, CallReverted
from ledger.domain.chain.finality import parse_finality
from ledger.domain.errors import ChainUnavailable, Refused
from ledger.domain.outbox.batching import MAX_GAS

#: Writes 42 into memory, copies it, and returns the copy: PUSH0 is 5f (EIP-3855), MCOPY 5e
#: (EIP-5656).  The compiler uses both.
PROBE = bytes.fromhex("602a5f5260205f60205e60206020f3")
_ANSWER = (42).to_bytes(32, "big")
_RULE = "the contracts are compiled for the hard fork cancun"
_INSTANT = "instant, where blocks are final at once (QBFT, IBFT 2, CometBFT, Avalanche)"

log = structlog.get_logger("chain")


def survey(node: Node, *, finality: str, has_contracts: bool) -> None:
    """Raise unless the node can serve us; what was found is logged.

    Where our contracts stand already, the chain runs them: their code is compared elsewhere.
    """
    newest = _newest(node)
    if node.is_syncing():
        raise ChainUnavailable(
            f"{node.name} is still syncing, at block {newest.number}",
            field="chain_url",
            rule="a node that is asked knows the newest block of its chain",
            remedy="wait until it has caught up, or name another node of the same chain as well",
        )
    if not has_contracts:
        _require_fork(node)
        _require_gas(newest)
    _require_finality(node, finality)
    log.info(
        "chain_found",
        url=node.name,
        program=node.program(),
        chain_id=node.chain_id(),
        height=newest.number,
        gas_limit=newest.gas_limit,
        base_fee=newest.base_fee,
        finality=finality,
    )


def _newest(node: Node) -> Block:
    block = node.block("latest")
    if block is None:
        raise ChainUnavailable(
            f"{node.name} has no block yet",
            field="chain_url",
            rule="a chain has a newest block",
            remedy="wait until it has caught up, or ask another node of the same chain",
        )
    return block


def _require_fork(node: Node) -> None:
    try:
        answer = node.run(PROBE)
    except (NodeRefused, CallReverted) as error:
        raise Refused(
            f"{node.name} does not run PUSH0 and MCOPY: {error.what}",
            field="chain_url",
            rule=_RULE,
            remedy="let whoever runs the chain set shanghaiTime and cancunTime in its genesis",
        ) from None
    if answer != _ANSWER:
        raise Refused(
            f"{node.name} runs PUSH0 and MCOPY, and gets something else than every other node",
            field="chain_url",
            rule=_RULE,
            remedy="ask whoever runs this node which program it is",
        )


def _require_gas(newest: Block) -> None:
    if newest.gas_limit < MAX_GAS:
        raise Refused(
            f"a block of the chain holds {newest.gas_limit:,} gas",
            field="chain_url",
            rule=f"a transaction of ours may need {MAX_GAS:,}",
            remedy="let whoever runs the chain raise its block gas limit",
        )


def _require_finality(node: Node, policy: str) -> None:
    if policy == "journal":
        raise Refused(
            "'journal' is said of a chain of others",
            field="STERILEDGER_FINALITY",
            rule="journal is the embedded chain's own",
            remedy=f"{_INSTANT}; finalized, where the node says which are; else depth:N",
        )
    if not parse_finality(policy).asks_node:
        return
    try:
        node.block("finalized")
    except NodeRefused as error:
        raise Refused(
            f"{node.name} does not say which block is finalized: {error.reason} ({error.code})",
            field="STERILEDGER_FINALITY",
            rule="finalized asks the node",
            remedy=f"{_INSTANT}; else depth:N",
        ) from None

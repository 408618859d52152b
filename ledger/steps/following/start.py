"""Chain and cursor → from where to where the next range goes, on a chain that is still the same."""

from __future__ import annotations

from ledger.domain.chain.chain_reader import Block
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Inconsistent
from ledger.domain.subjects.indexed import Cursor
from ledger.steps.following.journalled import Journalled, foreign_block
from ledger.steps.starting.source import Source

#: what to do when the chain contradicts what is indexed
REBUILD = "stop this process, find out why, then run: steriledger rebuild"


def first_cursor(source: Source, deployment: Deployment) -> Cursor:
    """Before the block that holds the last contract: no event is older."""
    height = deployment.deployed_at
    block = _block(source, height)
    before = _block(source, height - 1)
    if block.parent_hash != before.hash:
        raise two_answers(height)
    return Cursor(height=before.number, hash=before.hash, parent=before.parent_hash)


def verify_cursor(
    source: Source,
    deployment: Deployment,
    cursor: Cursor,
    *,
    is_ours: bool,
    journal: Journalled | None = None,
) -> None:
    """Raise unless the chain still has the block that was indexed last.

    ForeignBlock when the `journal` has it all the same; Inconsistent when another stands there, or
    when a chain of our own ends before it; ChainUnavailable when somebody else's node is behind.
    """
    block = source.block(cursor.height)
    if block is not None and block.hash == cursor.hash:
        return
    if journal is not None:
        held = journal(cursor.height, cursor.height).get(cursor.height)
        if held == cursor.hash:
            raise foreign_block(cursor.height, None if block is None else block.hash, held)
    _verify_chain(source, deployment)
    if block is None:
        error = Inconsistent if is_ours else ChainUnavailable
        raise error(
            f"the chain does not reach block {cursor.height}, which is indexed",
            remedy=REBUILD if is_ours else "wait until the node has caught up, or ask another",
            field="chain",
            rule="the chain has every block that is indexed",
        )
    raise Inconsistent(
        f"block {cursor.height} was final as {to_hex(cursor.hash)} and is now {to_hex(block.hash)}",
        field="chain",
        rule="a final block does not change",
        remedy=REBUILD,
    )


def _verify_chain(source: Source, deployment: Deployment) -> None:
    """Raise Inconsistent when the node now answers for another chain than the deployment's."""
    chain_id, genesis = source.chain_id(), source.genesis_hash()
    if (chain_id, genesis) != (deployment.chain_id, deployment.genesis_hash):
        raise Inconsistent(
            f"the node answers for chain {chain_id} with the genesis {to_hex(genesis)}; the "
            f"contracts are on chain {deployment.chain_id} with the genesis "
            f"{to_hex(deployment.genesis_hash)}",
            field="chain_url",
            remedy="give the address of a node of the right chain, and start again",
            rule="the chain is the one that the contracts are on",
        )


def _block(source: Source, height: int) -> Block:
    block = source.block(height)
    if block is None or block.number != height:
        raise ChainUnavailable(
            f"the node does not have block {height}",
            field="chain",
            rule="the node has every block of the chain",
            remedy="wait until the node has caught up, or ask another node of the same chain",
        )
    return block


def two_answers(height: int) -> ChainUnavailable:
    """The error for answers of a node that do not go together."""
    return ChainUnavailable(
        f"the node contradicts itself about block {height}",
        remedy="it is asked again; if this stays, ask another node of the same chain",
        field="chain",
        rule="a node's answers about a block go together",
    )

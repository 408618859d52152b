"""Draft → what the contract would say, past our own rules and without recording anything."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.chain.calldata import encode_batch
from ledger.chain.contract_errors import revert_error
from ledger.chain.node import Node
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.chain.chain_reader import CallReverted
from ledger.domain.drafts import Draft
from ledger.domain.outbox.batching import Proof
from ledger.steps.accepting.prepare import fix, require_act
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.instance import Instance


def try_on_chain(
    instance: Instance, tx: Connection, caller: Caller, draft: Draft, *, rpc: str
) -> str | None:
    """The contract's error for the signed draft, by name; None when it would record it."""
    require_act(caller, draft.act, draft.facts)
    caller.require_unit(draft.unit)
    deployment = instance.deployment_in(tx)
    prepared = fix(instance, deployment, draft)
    operation = prepared.operation
    proofs = {
        party: Proof(
            signer=b"" if party is Party.AUTHORITY else key,
            signature=sign_with_held_key(instance, tx, caller, party, key, operation.digest),
        )
        for party, key in prepared.keys.items()
    }
    data = encode_batch(operation.act, [operation.message], [proofs])
    with Node(rpc) as node:
        try:
            node.call(deployment.address_of(operation.act.contract), data)
        except CallReverted as reverted:
            return revert_error(reverted.data).name
    return None

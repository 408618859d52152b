"""Plan → contracts: the creations are signed once, and sent until a block has each of them.

Their nonces and price are stored before anything is sent, so that every start sends the same
transactions.  A plan is chosen anew when the chain knows nothing of it, or when one of its nonces
was used for something else: what then stands of it already is left alone.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import rfc8785
import structlog

from ledger.chain.deploy import DeploymentPlan, plan_deployment
from ledger.chain.embedded import BASE_FEE
from ledger.chain.transactions import Price, Relayer, SignedTransaction
from ledger.crashing import crash_point
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Refused, VerificationFailed
from ledger.steps.instance import Instance
from ledger.steps.starting.link import Link, is_taken
from ledger.steps.starting.source import Source
from ledger.storage.settings import find_setting, put_setting

#: Names the nonces and the price with which the creations are signed.
PLAN_SETTING = "deployment_plan"

#: what the creations use, from above
_GAS = 30_000_000
#: how long a chain of others may take to mine them
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.5

log = structlog.get_logger("deploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides every byte of the creations."""

    chain_id: int
    first_nonce: int
    price: Price


def terms_to_bytes(terms: Terms) -> bytes:
    """RFC 8785 bytes."""
    return rfc8785.dumps(
        {
            "chain_id": terms.chain_id,
            "first_nonce": terms.first_nonce,
            "max_fee": terms.price.max_fee,
            "priority_fee": terms.price.priority_fee,
        }
    )


def parse_terms(body: bytes) -> Terms:
    """The inverse of `terms_to_bytes`."""
    plain = json.loads(body)
    return Terms(
        chain_id=plain["chain_id"],
        first_nonce=plain["first_nonce"],
        price=Price(max_fee=plain["max_fee"], priority_fee=plain["priority_fee"]),
    )


def plan_of(relayer: Relayer, authority: bytes, terms: Terms) -> DeploymentPlan:
    """The creations on these terms; one set of terms always gives the same bytes."""
    return plan_deployment(
        relayer,
        authority=authority,
        chain_id=terms.chain_id,
        first_nonce=terms.first_nonce,
        price=terms.price,
    )


def list_missing(source: Source, plan: DeploymentPlan) -> list[SignedTransaction]:
    """The creations that are in no block, in their order."""
    mined = source.find_mined([each.hash for each in plan.transactions])
    return [each for each, where in zip(plan.transactions, mined, strict=True) if where is None]


@dataclass(slots=True, kw_only=True)
class Creator:
    """Who creates a home's contracts, and where."""

    instance: Instance
    link: Link
    relayer: Relayer
    #: 20 bytes
    authority: bytes

    def create(self) -> DeploymentPlan:
        """The creations, each of them mined.

        Raises Refused when the relayer cannot pay, VerificationFailed when they were planned for
        another chain, and ChainUnavailable when the chain does not take them, or does not mine them
        in time.
        """
        plan = self._begun() or self._chosen()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while missing := list_missing(self.link.node, plan):
            now = int(self.instance.clock().timestamp())
            answers = self.link.deliver([each.raw for each in missing], now)
            refused = [each for each in answers if not is_taken(each)]
            if refused and list_missing(self.link.node, plan) == missing:
                raise _not_mined(str(refused[0].reason or refused[0].outcome))
            if time.monotonic() > deadline:
                raise _not_mined(f"they are in no block after {_PATIENCE_SECONDS:.0f} s")
            if not self.link.seals_at_once:
                time.sleep(_PAUSE_SECONDS)
        return plan

    def _begun(self) -> DeploymentPlan | None:
        """The stored plan, as long as it can be carried out; None when one is to be chosen."""
        with self.instance.database.reading() as tx:
            body = find_setting(tx, PLAN_SETTING)
        if body is None:
            return None
        terms, node = parse_terms(body), self.link.node
        chain_id = node.chain_id()
        if chain_id != terms.chain_id:
            raise VerificationFailed(
                f"the node answers for chain {chain_id}; the contracts were planned for chain "
                f"{terms.chain_id}",
                field="chain_url",
                rule="the contracts are created on the chain that they were planned for",
                remedy="give the address of a node of that chain, or start with a new home: "
                "nothing is recorded in this one yet",
            )
        plan = plan_of(self.relayer, self.authority, terms)
        # The nonce is asked first: what is mined in between is not taken for somebody else's.
        next_nonce = node.transaction_count(self.relayer.address)
        is_used = any(x.envelope.nonce < next_nonce for x in list_missing(node, plan))
        is_known = any(node.transactions([each.hash for each in plan.transactions]))
        return plan if is_known and not is_used else None

    def _chosen(self) -> DeploymentPlan:
        """From the relayer's next nonce on, for what the chain asks now; stored."""
        node = self.link.node
        price = Price.asked(node.fees())
        if self.instance.settings.is_embedded:
            price = Price(max_fee=2 * BASE_FEE, priority_fee=min(price.priority_fee, 2 * BASE_FEE))
        balance, most = node.balance(self.relayer.address), price.max_fee * _GAS
        if balance < most:
            raise Refused(
                f"the relayer {to_hex(self.relayer.address)} has {balance} wei",
                field="relayer",
                rule=f"creating the contracts may cost {most} wei",
                remedy="fund the relayer on the group's chain",
            )
        terms = Terms(
            chain_id=node.chain_id(),
            first_nonce=node.transaction_count(self.relayer.address),
            price=price,
        )
        with self.instance.database.transaction() as tx:
            put_setting(tx, PLAN_SETTING, terms_to_bytes(terms))
        log.info("deployment_planned", nonce=terms.first_nonce, max_fee=price.max_fee)
        crash_point("deploy.planned")
        return plan_of(self.relayer, self.authority, terms)


def _not_mined(why: str) -> ChainUnavailable:
    return ChainUnavailable(
        f"the contracts are not created: {why}",
        field="relayer",
        rule="the group's chain mines the transactions that create the contracts",
        remedy="ask whoever runs the chain whether it makes blocks and what a transaction has to "
        "pay, and look at the relayer's balance and nonce; they are sent again by themselves",
    )

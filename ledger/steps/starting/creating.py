"""Plan → contracts: the creations are sent until a block has each of them.

Their nonces and price are stored before anything is sent, so that every start sends the same
transactions.  While no block has any of them, a price that is too low is raised under the same
nonces, and nonces that were used for something else are chosen anew.  Whichever attempt at a nonce
is mined, it creates the same contract at the same address.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import rfc8785
import structlog

from ledger.chain.deploy import DeploymentPlan, plan_deployment
from ledger.chain.embedded import BASE_FEE
from ledger.chain.node import SendAnswer, SendOutcome
from ledger.chain.transactions import Price, Relayer, SignedTransaction
from ledger.crashing import crash_point
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import ChainUnavailable, Refused, SteriLedgerError, VerificationFailed
from ledger.steps.instance import Instance
from ledger.steps.sending.repricing import MAX_ATTEMPTS, raised_price
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
_RULE = "the group's chain mines the four transactions that create the contracts"
_AGAIN = "the same transactions are sent again by themselves"

log = structlog.get_logger("deploy")


# ---------------------------------------------------------------- what is stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decides every byte of the creations."""

    chain_id: int
    first_nonce: int
    #: what was offered under these nonces, the newest last; one at least
    prices: tuple[Price, ...]


def terms_to_bytes(terms: Terms) -> bytes:
    """RFC 8785 bytes."""
    *before, newest = terms.prices
    plain: dict[str, object] = {
        "chain_id": terms.chain_id,
        "first_nonce": terms.first_nonce,
        "max_fee": newest.max_fee,
        "priority_fee": newest.priority_fee,
    }
    if before:
        plain["before"] = [[price.max_fee, price.priority_fee] for price in before]
    return rfc8785.dumps(plain)  # type: ignore[arg-type]


def parse_terms(body: bytes) -> Terms:
    """The inverse of `terms_to_bytes`."""
    plain = json.loads(body)
    pairs = [*plain.get("before", []), [plain["max_fee"], plain["priority_fee"]]]
    return Terms(
        chain_id=plain["chain_id"],
        first_nonce=plain["first_nonce"],
        prices=tuple(Price(max_fee=most, priority_fee=tip) for most, tip in pairs),
    )


def terms_of(plan: DeploymentPlan) -> Terms:
    """The terms that give these transactions again, and no others that are dearer."""
    first = plan.transactions[0].envelope
    prices = {each.envelope.price for each in plan.transactions}
    return Terms(
        chain_id=first.chain_id,
        first_nonce=first.nonce,
        prices=tuple(sorted(prices, key=lambda price: price.max_fee)),
    )


def plan_all(relayer: Relayer, authority: bytes, terms: Terms) -> list[DeploymentPlan]:
    """The same creations for each price, the newest last."""
    return [
        plan_deployment(
            relayer,
            authority=authority,
            chain_id=terms.chain_id,
            first_nonce=terms.first_nonce,
            price=price,
        )
        for price in terms.prices
    ]


def find_creations(
    source: Source, plans: Sequence[DeploymentPlan]
) -> list[SignedTransaction | None]:
    """The transaction that a block has, for each contract in its order; None where none has."""
    tried = [signed for plan in plans for signed in plan.transactions]
    mined = source.find_mined([signed.hash for signed in tried])
    by_nonce = {
        signed.envelope.nonce: signed
        for signed, where in zip(tried, mined, strict=True)
        if where is not None
    }
    return [by_nonce.get(signed.envelope.nonce) for signed in plans[-1].transactions]


# ---------------------------------------------------------------- until they are mined


@dataclass(slots=True, kw_only=True)
class Creator:
    """Who creates a home's contracts, and where."""

    instance: Instance
    link: Link
    relayer: Relayer
    #: 20 bytes
    authority: bytes

    def create(self) -> DeploymentPlan:
        """The creations as they are mined.

        Raises Refused when the relayer cannot pay, or when a nonce between two creations was used
        for something else; VerificationFailed when they were planned for another chain;
        ChainUnavailable when the chain does not take them, or does not mine them in time.
        """
        while True:
            terms = self._terms()
            plans = plan_all(self.relayer, self.authority, terms)
            refused = self._send(plans)
            found = find_creations(self.link.node, plans)
            mined = tuple(signed for signed in found if signed is not None)
            if len(mined) == len(found):
                return replace(plans[-1], transactions=mined)
            if mined:
                raise self._half_done(found, refused)
            self._store(self._better(terms, plans, refused))

    def _terms(self) -> Terms:
        """The same at every start: they are stored before anything is sent."""
        with self.instance.database.reading() as tx:
            body = find_setting(tx, PLAN_SETTING)
        terms = self._chosen() if body is None else parse_terms(body)
        if body is None:
            self._store(terms)
        crash_point("deploy.planned")
        self._require_chain(terms)
        return terms

    def _store(self, terms: Terms) -> None:
        with self.instance.database.transaction() as tx:
            put_setting(tx, PLAN_SETTING, terms_to_bytes(terms))

    def _send(self, plans: Sequence[DeploymentPlan]) -> SendAnswer | None:
        """Until all are mined, or the chain's patience or ours ends; what it did not take."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while missing := self._missing(plans):
            answers = self.link.deliver(missing, int(self.instance.clock().timestamp()))
            refused = next((answer for answer in answers if not is_taken(answer)), None)
            if refused is not None or time.monotonic() > deadline:
                return refused
            if self._missing(plans):
                time.sleep(_PAUSE_SECONDS)
        return None

    def _missing(self, plans: Sequence[DeploymentPlan]) -> list[bytes]:
        found = find_creations(self.link.node, plans)
        newest = zip(found, plans[-1].transactions, strict=True)
        return [signed.raw for mined, signed in newest if mined is None]

    # ------------------------------------------------------------ terms

    def _chosen(self) -> Terms:
        """What the chain asks now, from the relayer's next nonce on."""
        node = self.link.node
        fees = node.fees()
        max_fee = Price.asked(fees).max_fee
        if self.instance.settings.is_embedded:
            max_fee = 2 * BASE_FEE
        self._require_money(max_fee)
        return Terms(
            chain_id=node.chain_id(),
            first_nonce=node.transaction_count(self.relayer.address),
            prices=(Price(max_fee=max_fee, priority_fee=min(fees.priority_fee, max_fee)),),
        )

    def _better(
        self, terms: Terms, plans: Sequence[DeploymentPlan], refused: SendAnswer | None
    ) -> Terms:
        """Terms that the chain may take, when no block has any of the creations."""
        if refused is None:
            if not self._is_cheap(terms):
                raise _late()
            return self._raised(terms)
        if refused.outcome is SendOutcome.UNDERPRICED:
            return self._raised(terms)
        if refused.outcome in _NONCES and self._has_other_nonce(terms, plans):
            chosen = self._chosen()
            log.warning("deployment_planned_anew", nonce=chosen.first_nonce, why=refused.reason)
            return chosen
        raise _not_taken(refused)

    def _raised(self, terms: Terms) -> Terms:
        """More under the same nonces, so that one attempt at most is ever mined."""
        if len(terms.prices) >= MAX_ATTEMPTS and not self._is_cheap(terms):
            raise ChainUnavailable(
                f"the chain finds {len(terms.prices)} offers for creating the contracts too low, "
                f"the last with {terms.prices[-1].max_fee} wei a gas",
                field="relayer",
                rule=_RULE,
                remedy=f"ask whoever runs the chain what a transaction has to pay; {_AGAIN}",
            )
        price = raised_price(terms.prices[-1], Price.asked(self.link.node.fees()))
        self._require_money(price.max_fee)
        log.warning("deployment_repriced", attempt=len(terms.prices), max_fee=price.max_fee)
        return replace(terms, prices=(*terms.prices, price))

    def _is_cheap(self, terms: Terms) -> bool:
        """Whether a next block may do without them."""
        fees = self.link.node.fees()
        return terms.prices[-1].max_fee < fees.base_fee + fees.priority_fee

    def _has_other_nonce(self, terms: Terms, plans: Sequence[DeploymentPlan]) -> bool:
        """Whether the first creation's nonce is not the next, and the node does not know it."""
        node = self.link.node
        if node.transaction_count(self.relayer.address) == terms.first_nonce:
            return False
        return not any(node.transactions([plan.transactions[0].hash for plan in plans]))

    # ------------------------------------------------------------ what stops it

    def _require_chain(self, terms: Terms) -> None:
        chain_id = self.link.node.chain_id()
        if chain_id != terms.chain_id:
            raise VerificationFailed(
                f"the node answers for chain {chain_id}; the contracts were planned for chain "
                f"{terms.chain_id}",
                field="chain_url",
                rule="the contracts are created on the chain that they were planned for",
                remedy="give the address of a node of that chain, or start with a new home: "
                "nothing is recorded in this one yet",
            )

    def _require_money(self, max_fee: int) -> None:
        balance, most = self.link.node.balance(self.relayer.address), max_fee * _GAS
        if balance < most:
            raise Refused(
                f"the relayer {to_hex(self.relayer.address)} has {balance} wei",
                field="relayer",
                rule=f"creating the contracts may cost {most} wei",
                remedy="fund the relayer on the group's chain",
            )

    def _half_done(
        self, found: Sequence[SignedTransaction | None], refused: SendAnswer | None
    ) -> SteriLedgerError:
        """Why the rest is not mined, when some contracts stand already."""
        if refused is None:
            return _late()
        if refused.outcome is SendOutcome.NONCE_TOO_LOW:
            return Refused(
                f"{len(found) - found.count(None)} of {len(found)} contracts stand, and the "
                "relayer's next nonce was used for something else",
                field="relayer",
                rule="the creations have nonces that follow each other",
                remedy="start with a new home, whose relayer nobody else uses: nothing is "
                "recorded in this one yet",
            )
        return _not_taken(refused)


_NONCES = frozenset({SendOutcome.NONCE_TOO_LOW, SendOutcome.NONCE_TOO_HIGH})


def _late() -> ChainUnavailable:
    return ChainUnavailable(
        f"the contracts are not mined after {_PATIENCE_SECONDS:.0f} s",
        field="relayer",
        rule=_RULE,
        remedy=f"ask whoever runs the chain whether it makes blocks; {_AGAIN}",
    )


def _not_taken(refused: SendAnswer) -> ChainUnavailable:
    return ChainUnavailable(
        f"the contracts cannot be created: {refused.reason or refused.outcome}",
        field="relayer",
        rule=_RULE,
        remedy="look at the relayer's balance and nonce on the group's chain and at the chain's "
        f"fees; {_AGAIN}",
    )

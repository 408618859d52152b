"""Owed → sent: the writer, one at a time, by a lease.

A signed transaction is stored before it is sent, so that a crash anywhere leaves either nothing or
something to send again, the same bytes under the same nonce.

What was accepted follows the contracts' rules as far as we know them, so it goes out unasked, with
a gas limit from what was measured.  A transaction that reverts records nothing and takes nothing
with it; its operations come back, and what came back is checked against the node before it goes out
again.  What keeps an operation from going out is said in its state: *refused* with the contract's
error, *stuck* with what a person has to look at; or it stays *owed* and is tried again, each time
later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

import structlog
from sqlalchemy import Connection

from ledger.chain.calldata import encode_batch
from ledger.chain.contract_errors import ContractError, Retry, revert_error
from ledger.chain.transactions import Price, Relayer
from ledger.crashing import crash_point
from ledger.domain.chain.chain_reader import BlockTag, CallReverted
from ledger.domain.chain.deployment import Deployment
from ledger.domain.clocks import has_passed, span_words
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import ChainUnavailable, Conflict
from ledger.domain.outbox.batching import MAX_GAS, Candidate, plan, transaction_gas
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.instance import Instance
from ledger.steps.sending.early import find_early, set_aside
from ledger.steps.sending.enveloping import Call, sign_and_keep
from ledger.steps.sending.owed import Owed, OwedPage, read_owed
from ledger.steps.sending.refusals import (
    CLOCK_LIMIT,
    WAIT_LIMIT,
    Deferrals,
    find_culprit,
    follows,
    in_words,
    refuse,
)
from ledger.steps.sending.underway import WINDOW, UnderWay
from ledger.steps.starting.deploy import open_relayer
from ledger.steps.starting.leasing import HeldLease
from ledger.steps.starting.link import Link, is_taken
from ledger.steps.starting.source import final_height
from ledger.storage.operations import (
    find_oldest_owed,
    list_latest_operations,
    move_carried,
    move_operation,
)
from ledger.storage.transactions import TransactionRow

#: gas of one block that we fill: half of the embedded chain's limit, so that its fee never rises
BLOCK_GAS = 15_000_000
#: gas limits of one block that nobody estimated; whole cycles use half of them
BLOCK_GAS_LIMITS = 28_000_000
#: how many owed operations one round looks at: what a block holds, and more when none can go
ROUND = 240
CANDIDATES = 1000
#: how long owed operations that cannot go are left alone while nothing new is accepted
_LOOK_AGAIN = timedelta(seconds=1)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
#: the contract's word on what was signed ahead of its clock
_AHEAD = ("TooEarly", "signedAt")

log = structlog.get_logger("writer")

_S = OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one round did, in operations."""

    sent: int = 0
    mined: int = 0
    refused: int = 0
    stuck: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing happened."""
        return self == Sent()


@dataclass(slots=True, kw_only=True)
class _Round:
    """What one round has decided so far."""

    page: OwedPage
    price: Price
    #: the relayer's next nonce as the chain has it
    nonce: int
    #: whether transactions of earlier rounds wait to be mined
    is_alone: bool
    left_out: set[Digest]
    #: cannot go, for how long nobody knows
    stalled: AbstractSet[Digest]
    #: what the contract does not take yet → from when on it does
    early: Mapping[Digest, datetime]
    placed: set[Digest] = field(default_factory=set)
    gas: int = 0
    transactions: list[TransactionRow] = field(default_factory=list)
    refused: int = 0
    stuck: int = 0

    def is_doubtful(self, group: Sequence[Candidate]) -> bool:
        """Whether one of them came back before, or may need more than was ever measured."""
        return any(
            candidate.gas > MAX_GAS or self.page.owed[candidate.digest].row.came_back
            for candidate in group
        )

    def candidates(self) -> list[Candidate]:
        """What may still go out in this round, in the order of acceptance."""
        return [
            owed.candidate for digest, owed in self.page.owed.items() if digest not in self.placed
        ]


@dataclass(slots=True, kw_only=True)
class Writer:
    """The one that sends, under the lease that its worker holds."""

    instance: Instance
    link: Link
    deployment: Deployment
    relayer: Relayer
    lease: HeldLease
    under_way: UnderWay
    _deferrals: Deferrals = field(default_factory=Deferrals)
    #: refused in company: judged alone before anything else goes out
    _suspects: set[Digest] = field(default_factory=set)
    #: the newest operation when nothing could go out, and when that was; it is believed a moment
    _blocked: tuple[int, datetime] = (0, _LONG_AGO)

    @classmethod
    def open(cls, instance: Instance, link: Link, lease: HeldLease) -> Self:
        """The writer of an instance's operations to its chain."""
        return cls(
            instance=instance,
            link=link,
            deployment=instance.deployment(),
            relayer=open_relayer(instance),
            lease=lease,
            under_way=UnderWay(instance=instance, link=link, lease=lease),
        )

    def step(self) -> Sent:
        """One round: first what is under way, then what is owed.

        Raises LeaseLost when another process took over, and ChainUnavailable when the chain does
        not answer: then the next round continues where this one stopped.
        """
        mined = self.under_way.settle()
        if mined:
            self._blocked = (0, _LONG_AGO)
        pending = self.under_way.pending()
        most = 1 if self.link.seals_at_once else WINDOW
        if self.under_way.is_pausing() or len(pending) >= most:
            return Sent(mined=mined)
        done = self._send_owed(is_alone=not pending)
        return replace(done, mined=done.mined + mined)

    # ------------------------------------------------------------ what is owed

    def _send_owed(self, *, is_alone: bool) -> Sent:
        with self.instance.database.reading() as tx:
            newest = _newest(tx)
            if find_oldest_owed(tx) is None:
                return Sent()
        before, since = self._blocked
        if before == newest and not has_passed(_LOOK_AGAIN, since, self._now()):
            return Sent()
        done = Sent()
        for limit in (ROUND, CANDIDATES):
            current = self._begin(is_alone=is_alone, limit=limit)
            found = self._close(current)
            self._place(current)
            if self.link.seals_at_once and current.transactions:
                self.under_way.hand_over(current.transactions)
                found += self.under_way.find_mined()
            done = Sent(
                sent=len(current.placed), mined=found, refused=current.refused, stuck=current.stuck
            )
            if not (done.is_idle and current.page.is_full):
                break
        if done.is_idle and not self._suspects:
            self._blocked = (newest, self._now())
        return done

    def _begin(self, *, is_alone: bool, limit: int) -> _Round:
        waiting = self._deferrals.not_due(self._now())
        with self.instance.database.reading() as tx:
            page = read_owed(tx, deferred=waiting, limit=limit)
        if not page.is_full:
            self._deferrals.keep(set(page.owed))
        early = find_early(page.owed.values(), self.link, self._now())
        return _Round(
            page=page,
            price=Price.asked(self.link.node.fees()),
            nonce=self.link.node.transaction_count(self.relayer.address),
            is_alone=is_alone,
            left_out={*waiting, *page.doomed, *page.relayed, *early},
            stalled={*waiting, *page.stuck, *early},
            early=early,
            refused=len(page.doomed),
        )

    def _close(self, current: _Round) -> int:
        """What others relayed before it came to us is final; what follows a refusal is refused.

        What was signed by a clock that was far ahead is for a person.
        """
        page = current.page
        if not page.relayed and not page.doomed and not current.early:
            return 0
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            for digest, transaction_hash in page.relayed.items():
                for state, then in ((_S.OWED, _S.MINED), (_S.MINED, _S.FINAL)):
                    move_operation(
                        tx,
                        digest,
                        then,
                        self._now(),
                        expected=[state],
                        transaction_hash=transaction_hash,
                    )
            for digest, before in page.doomed.items():
                if digest not in page.relayed:
                    refuse(tx, digest, follows(before), self._now())
            going = {d: at for d, at in current.early.items() if d not in page.relayed}
            current.stuck += set_aside(tx, going, self._now())
        return len(page.relayed)

    def _place(self, current: _Round) -> None:
        """Sign and store what can go; on a chain of others it is handed over, too."""
        planned = plan(
            current.candidates(),
            recorded=current.page.recorded,
            left_out=current.left_out,
            stalled=current.stalled,
        )
        groups = _that_fit(planned.groups)
        if not self._suspects and not any(map(current.is_doubtful, groups)):
            self._place_unasked(current, groups)
            return
        for digest in self._suspects & set(current.page.owed) - current.left_out:
            self._judge(current, current.page.owed[digest])
        self._suspects.clear()
        while self._place_checked(current):
            pass

    # ------------------------------------------------------------ what goes out unasked

    def _place_unasked(self, current: _Round, groups: Sequence[Sequence[Candidate]]) -> None:
        calls = [
            self._call([current.page.owed[each.digest] for each in group], transaction_gas(group))
            for group in groups
        ]
        if calls:
            rows = self._store(current, calls)
            if not self.link.seals_at_once:
                self.under_way.hand_over(rows)

    # ------------------------------------------------------------ what is checked first

    def _place_checked(self, current: _Round) -> bool:
        """Check, sign, store and show one more transaction; False when the round is over."""
        planned = plan(
            current.candidates(),
            recorded=current.page.recorded | current.placed,
            left_out=current.left_out,
            stalled=current.stalled,
        )
        if not planned.groups or len(current.transactions) >= WINDOW:
            return False
        group = [current.page.owed[candidate.digest] for candidate in planned.groups[0]]
        try:
            gas = self._estimate(group)
            while gas > MAX_GAS and len(group) > 1:
                group = group[: len(group) // 2]
                gas = self._estimate(group)
        except CallReverted as reverted:
            self._leave_out(current, group, reverted)
            return True
        if current.transactions and current.gas + gas > BLOCK_GAS:
            return False
        rows = self._store(current, [self._call(group, gas)])
        return self._show(rows[0])

    def _estimate(self, group: Sequence[Owed]) -> int:
        """Gas with a tenth to spare; raises CallReverted when the contract refuses the batch."""
        act = group[0].candidate.act
        to, data = self.deployment.address_of(act.contract), _calldata(group)
        gas = self.link.node.estimate_gas(to, data, sender=self.relayer.address)
        return gas + gas // 10

    def _show(self, row: TransactionRow) -> bool:
        """Put it into the node's pool, so that the next estimate builds on it.

        On a chain of others it is thereby sent; the embedded one seals the whole round later.
        """
        if not self.link.seals_at_once:
            self.under_way.hand_over([row])
            return any(each.id == row.id for each in self.under_way.pending())
        answer = self.link.node.send_raw(row.raw)
        crash_point("send.shown")
        return is_taken(answer)

    # ------------------------------------------------------------ signed and stored

    def _call(self, group: Sequence[Owed], gas: int) -> Call:
        act = group[0].candidate.act
        return Call(
            to=self.deployment.address_of(act.contract),
            data=_calldata(group),
            gas=gas,
            kind=act.function,
            digests=[owed.row.digest for owed in group],
        )

    def _store(self, current: _Round, calls: Sequence[Call]) -> list[TransactionRow]:
        """A transaction for each call, under nonces that follow each other; stored together."""
        crash_point("send.chosen")
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            rows = sign_and_keep(
                tx,
                self.relayer,
                calls,
                chain_id=self.deployment.chain_id,
                next_nonce=current.nonce,
                price=current.price,
                at=self._now(),
            )
            moved = move_carried(
                tx, [row.id for row in rows], _S.SENT, self._now(), expected=[_S.OWED]
            )
            if len(moved) != sum(len(call.digests) for call in calls):
                raise Conflict("an operation is no longer owed", field="state")
            crash_point("send.signed")
        crash_point("send.stored")
        current.transactions += rows
        current.placed.update(moved)
        current.gas += sum(call.gas for call in calls)
        return rows

    # ------------------------------------------------------------ what the contract refuses

    def _leave_out(self, current: _Round, group: Sequence[Owed], reverted: CallReverted) -> None:
        """Find the one that spoils the batch; what was refused in company is judged alone."""
        culprit = find_culprit(group, reverted, self._estimate)
        current.left_out.add(culprit.row.digest)
        if current.transactions:
            self._suspects.add(culprit.row.digest)
        else:
            self._judge(current, culprit)

    def _judge(self, current: _Round, owed: Owed) -> None:
        """Ask the contract about one operation alone, on the chain as it stands.

        Only what follows from mined operations is a verdict; anything else is asked again later.
        A refusal is for good, so it needs the final block's word too: others may be replaced.
        """
        if not owed.candidate.predecessors <= current.page.recorded:
            return
        to = self.deployment.address_of(owed.candidate.act.contract)
        tag: BlockTag = "pending" if current.is_alone else "latest"
        try:
            self.link.node.call(to, _calldata([owed]), tag)
        except CallReverted as reverted:
            current.left_out.add(owed.row.digest)
            error = revert_error(reverted.data)
            retry = error.retry
            if retry is Retry.REFUSE and not self._is_final(owed, error):
                retry = Retry.WAIT
            self._act(current, owed, error, retry)

    def _is_final(self, owed: Owed, error: ContractError) -> bool:
        """Whether the contract says the same on the newest final block, which nobody replaces.

        A node that no longer knows that block's state has no word on it.
        """
        if self.link.seals_at_once:
            return True
        node, to = self.link.node, self.deployment.address_of(owed.candidate.act.contract)
        try:
            node.call(to, _calldata([owed]), final_height(node, self.instance.settings.finality))
        except CallReverted as reverted:
            final = revert_error(reverted.data)
            return (final.name, final.what) == (error.name, error.what)
        except ChainUnavailable:
            log.warning("no_final_state", digest=to_hex(owed.row.digest))
        return False

    def _act(self, current: _Round, owed: Owed, error: ContractError, retry: Retry) -> None:
        digest, now = owed.row.digest, self._now()
        what = {"digest": to_hex(digest), "kind": owed.row.kind, "error": in_words(error)}
        limit = CLOCK_LIMIT if (error.name, error.what) == _AHEAD else WAIT_LIMIT
        if retry is Retry.WAIT and self._deferrals.put_off(digest, now, limit=limit):
            log.info("put_off", **what)
            return
        with self.instance.database.transaction() as tx:
            self.lease.require(tx)
            if retry is Retry.REFUSE:
                current.refused += refuse(tx, digest, in_words(error), now)
            else:
                waited = f" for {span_words(limit)}" if retry is Retry.WAIT else ""
                reason = f"the contract says{waited}: {in_words(error)}"
                move_operation(tx, digest, _S.STUCK, now, expected=[_S.OWED], reason=reason)
                current.stuck += 1

    def _now(self) -> datetime:
        return self.instance.clock()


def _that_fit(groups: Sequence[Sequence[Candidate]]) -> list[Sequence[Candidate]]:
    """The first groups that one block holds, and that may be under way at once."""
    chosen: list[Sequence[Candidate]] = []
    gas = 0
    for group in groups[:WINDOW]:
        gas += transaction_gas(group)
        if chosen and gas > BLOCK_GAS_LIMITS:
            break
        chosen.append(group)
    return chosen


def _newest(tx: Connection) -> int:
    """Sequence of the newest operation; 0 when there is none."""
    rows = list_latest_operations(tx, limit=1)
    return rows[0].sequence if rows else 0


def _calldata(group: Sequence[Owed]) -> bytes:
    return encode_batch(
        group[0].candidate.act,
        [owed.message for owed in group],
        [owed.proofs for owed in group],
    )

"""Recovery that nobody vetoed → completed, once its seven days are over; the worker looks for them.

The authority's proposal said what it wants, and completing needs no right: nobody has to remember.
The transaction carries no operation, so it goes out beside the writer's, by the same lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog
from sqlalchemy import Connection

from ledger.chain.calldata import encode_recovery_completion
from ledger.chain.contract_errors import revert_error
from ledger.chain.transactions import Price
from ledger.domain.acts.rules import RECOVERY_DELAY_SECONDS
from ledger.domain.acts.words import Contract
from ledger.domain.chain.chain_reader import CallReverted, newest_block
from ledger.domain.clocks import has_passed
from ledger.domain.encoding.identifiers import Digest, SignerId, to_hex
from ledger.domain.records.records import fields_from_bytes
from ledger.domain.subjects.states import ProposalState, SignerState
from ledger.steps.sending.enveloping import Call, sign_and_keep
from ledger.steps.sending.refusals import in_words
from ledger.steps.sending.writer import Writer
from ledger.storage import directory, index, operations, records
from ledger.storage.transactions import TransactionRow

#: how often the worker looks; against seven days, a minute late is in time
EVERY = timedelta(minutes=1)
#: what a transaction that completes a recovery is called among the stored ones
COMPLETION = "completeRecovery"
#: a completion that did not come through is tried again after this
AGAIN = timedelta(hours=1)

_TOO_EARLY = "TooEarly"
#: twice what a completion uses; its time is not the pending block's, so it cannot be estimated
_GAS = 200_000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("recovering")


class Standing(StrEnum):
    """How a proposed recovery stands."""

    #: it may still be vetoed
    WAITING = "waiting"
    #: its time is over, and nobody vetoed
    DUE = "due"
    VETOED = "vetoed"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """A proposal that the chain has, and what became of it."""

    proposal: Digest
    unit: int
    #: id of the key that would administer the unit
    signer: SignerId
    #: last moment for a veto, Unix seconds
    until: int
    standing: Standing


def list_recoveries(tx: Connection, *, now: int, unit: int | None = None) -> list[Recovery]:
    """The recoveries on the chain, as they stand at `now` (Unix seconds); those of one unit."""
    rows = index.list_rows(tx, ProposalState, unit=unit)
    return [_recovery(row, now) for row in rows]


def _recovery(proposal: ProposalState, now: int) -> Recovery:
    until = proposal.proposed_at + RECOVERY_DELAY_SECONDS
    if proposal.is_completed:
        standing = Standing.COMPLETED
    elif any(proposal.veto):
        standing = Standing.VETOED
    else:
        standing = Standing.DUE if now > until else Standing.WAITING
    return Recovery(
        proposal=proposal.digest,
        unit=proposal.unit,
        signer=proposal.signer,
        until=until,
        standing=standing,
    )


def enter_recovered(tx: Connection, recovery: Recovery) -> bool:
    """Name a recovered administrator in the directory; False when it is there, or not indexed."""
    signer = index.find(tx, SignerState, recovery.signer)
    if signer is None or directory.find_signer(tx, recovery.signer) is not None:
        return False
    directory.insert_signer(
        tx,
        directory.SignerRow(
            id=signer.id,
            unit=signer.unit,
            signer=signer.signer,
            name=_name(tx, recovery.proposal),
            rights=signer.rights,
            custody=signer.custody,
            valid_from=signer.valid_from,
            valid_until=signer.valid_until,
            digest=recovery.proposal,
        ),
    )
    return True


def _name(tx: Connection, proposal: Digest) -> str | None:
    """What the proposal calls the person; None when it is not ours, or erased."""
    row = operations.find_operation(tx, proposal)
    personal = None if row is None else records.get_record(tx, row.record_id).personal
    name = None if personal is None else fields_from_bytes(personal)["signer_name"]
    return None if name is None else str(name)


@dataclass(slots=True, kw_only=True)
class Completer:
    """Completes what is due, beside the writer."""

    writer: Writer
    _looked: datetime = _LONG_AGO
    _tried: dict[Digest, datetime] = field(default_factory=dict)

    def step(self) -> int:
        """Complete what is due; how many went out.  Raises what the writer's own step raises."""
        now = self.writer.instance.clock()
        under_way = self.writer.under_way  # nothing of the writer's is overtaken
        if not has_passed(EVERY, self._looked, now) or under_way.is_pausing():
            return 0
        if under_way.pending():
            return 0
        self._looked = now
        self._enter_completed()
        due = [
            each
            for each in self._recoveries(self._chain_time())
            if each.standing is Standing.DUE
            and has_passed(AGAIN, self._tried.get(each.proposal, _LONG_AGO), now)
        ]
        return sum(self._complete(each, now) for each in due)

    def _chain_time(self) -> int:
        """The time that the chain's next block has at least; Unix seconds."""
        if self.writer.link.seals_at_once:
            return int(self.writer.instance.clock().timestamp())
        return newest_block(self.writer.link.node).timestamp

    def _recoveries(self, now: int) -> list[Recovery]:
        with self.writer.instance.database.reading() as tx:
            return list_recoveries(tx, now=now)

    def _enter_completed(self) -> None:
        completed = [each for each in self._recoveries(0) if each.standing is Standing.COMPLETED]
        if not completed:
            return
        with self.writer.instance.database.transaction() as tx:
            self.writer.lease.require(tx)
            for each in completed:
                if enter_recovered(tx, each):
                    log.info("recovered", unit=each.unit, signer=to_hex(each.signer))

    def _complete(self, recovery: Recovery, now: datetime) -> bool:
        self._tried[recovery.proposal] = now
        what = {"unit": recovery.unit, "proposal": to_hex(recovery.proposal)}
        refusal = self._refusal(recovery.proposal)
        if refusal is not None:
            log.error("recovery_not_completed", error=refusal, **what)
            return False
        row = self._store(recovery.proposal, now)
        self.writer.under_way.hand_over([row])
        self.writer.under_way.find_mined()
        log.info("recovery_completion_sent", transaction=to_hex(row.hash), **what)
        return True

    def _refusal(self, proposal: Digest) -> str | None:
        """Why the contract would refuse, beyond the time, which the next block brings."""
        try:
            self.writer.link.node.call(self._to(), encode_recovery_completion(proposal), "latest")
        except CallReverted as reverted:
            error = revert_error(reverted.data)
            return None if error.name == _TOO_EARLY else in_words(error)
        return None

    def _to(self) -> bytes:
        return self.writer.deployment.address_of(Contract.UNIT_REGISTRY)

    def _store(self, proposal: Digest, now: datetime) -> TransactionRow:
        """Sign, and keep what was signed before it is sent."""
        writer, data = self.writer, encode_recovery_completion(proposal)
        price = Price.asked(writer.link.node.fees())
        next_nonce = writer.link.node.transaction_count(writer.relayer.address)
        with writer.instance.database.transaction() as tx:
            writer.lease.require(tx)
            [row] = sign_and_keep(
                tx,
                writer.relayer,
                [Call(to=self._to(), data=data, gas=_GAS, kind=COMPLETION)],
                chain_id=writer.deployment.chain_id,
                next_nonce=next_nonce,
                price=price,
                at=now,
            )
        return row

"""Instance → how it stands: the chain's head, the index, what is owed and what is stuck."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import rfc8785
from sqlalchemy import Connection

from ledger.domain.acts.words import Custody
from ledger.domain.clocks import age_seconds, has_passed
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import ClockWrong
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.clock import find_doubt
from ledger.steps.answering.trouble import Trouble, TroubleKind, find_started, find_trouble
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.steps.starting.leasing import LEASE, LEASE_SECONDS
from ledger.storage import index
from ledger.storage.leases import LeaseRow, find_lease, is_held
from ledger.storage.operations import (
    OperationRow,
    count_by_state,
    find_oldest_owed,
    list_operations,
    list_states,
)
from ledger.storage.settings import find_setting, put_setting

#: Names what the worker last saw of the chain among the settings.
CHAIN_STATUS_SETTING = "chain_status"
#: a worker that waits for so long cannot go on; a shorter wait is a hiccup
TROUBLE_AFTER = timedelta(seconds=30)
#: a worker that did not say for so long that it lives is worth a look
SILENT_AFTER = timedelta(seconds=60)
_MOST_STUCK = 100


class WorkerState(StrEnum):
    """How the worker stands, judged in one place for the command, the API and the metrics."""

    #: it has the lease, and none of its rounds went well yet
    STARTS = "starts"
    RUNS = "runs"
    #: it has the lease, and did not say for a minute that it lives
    SILENT = "silent"
    #: it lives, and for half a minute the chain or the database is away
    WAITS = "waits"
    #: it ended because a person has to look, and no other one runs
    HALTED = "halted"
    #: its lease ran out and was not given back: it was killed, or nothing can be written
    VANISHED = "vanished"
    #: none runs
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStatus:
    """What the worker last saw of the chain."""

    height: int
    #: 32 bytes
    hash: bytes
    #: of the newest block
    timestamp: datetime
    #: height of the last indexed block
    indexed: int
    #: the highest final block
    final: int
    #: why every account of the machine reaches an embedded chain; None when only its worker does
    open_because: str | None
    #: when the worker wrote this
    at: datetime
    #: the node of the group's chain that it asks, without secrets; None for the embedded chain
    asked: str | None = None
    #: its other nodes that cannot be asked, and why
    passed_over: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOperation:
    """An operation that waits, and for how long."""

    digest: Digest
    kind: str
    accepted_at: datetime
    #: None while every date that is known of it lies ahead of this clock
    waited_seconds: int | None
    #: of its latest state
    since: datetime
    #: in words; None when it just waits its turn
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How an instance stands at one moment."""

    at: datetime
    #: SHA-256 of the deployment; None before the first start
    fingerprint: bytes | None
    chain_id: int | None
    finality: str
    worker: WorkerState
    #: what the worker waits for, or waited for when it was killed; None while it goes on
    waits: Trouble | None
    #: what halted the last worker; None once one ran well again
    halted: Trouble | None
    #: None before a worker saw its chain
    chain: ChainStatus | None
    #: seconds since the newest block, which an idle embedded chain does not make; None where that
    #: is dated ahead of this clock
    head_age_seconds: int | None
    #: final blocks that are not indexed yet
    lag: int | None
    #: seconds since the worker last said that it lives; None where that is dated ahead
    heartbeat_age_seconds: int | None
    #: whether a worker ever said that it lives
    has_been_seen: bool
    #: why nothing is accepted by this machine's clock; None while it may be right
    clock: Trouble | None
    counts: Mapping[OperationState, int]
    oldest_owed: WaitingOperation | None
    #: the oldest hundred at most; `counts` has their number
    stuck: tuple[WaitingOperation, ...]
    #: None when nobody writes
    lease: LeaseRow | None
    #: valid signers by who holds their key
    custody: Mapping[Custody, int]


def status(instance: Instance) -> Status:
    """How the instance stands, from its database alone."""
    now = instance.clock()
    with instance.database.reading() as tx:
        chain, last_lease = find_chain_status(tx), find_lease(tx, LEASE)
        is_kept = last_lease is not None and is_held(last_lease, now, LEASE_SECONDS)
        lease = last_lease if is_kept else None
        waits, halted = (find_trouble(tx, kind) for kind in TroubleKind)
        started = find_started(tx)
        said = [started, *(each.at for each in (chain, waits, halted) if each is not None)]
        lives = [each for each in said if each is not None]
        # what was said before the clock was set back is not the last that was said
        last_seen = min(lives, key=lambda at: abs(now - at), default=None)
        has_contracts = find_setting(tx, DEPLOYMENT_SETTING) is not None
        deployment = instance.deployment_in(tx) if has_contracts else None
        doubt, owed = find_doubt(instance, tx), find_oldest_owed(tx)
        stuck = list_operations(tx, states=[OperationState.STUCK], limit=_MOST_STUCK)
        signers = index.list_rows(tx, SignerState)
        held = Counter(signer.custody for signer in signers if not signer.is_revoked)
        return Status(
            at=now,
            fingerprint=None if deployment is None else deployment.fingerprint(),
            chain_id=None if deployment is None else deployment.chain_id,
            finality=instance.settings.finality,
            worker=_ended_state(last_lease, is_halted=halted is not None)
            if lease is None
            else _living_state(
                is_halted=halted is not None,
                went_well=chain is not None and (started is None or chain.at >= started),
                waits=waits is not None and has_passed(TROUBLE_AFTER, waits.since, now),
                silent=last_seen is not None and has_passed(SILENT_AFTER, last_seen, now),
            ),
            waits=waits,
            halted=halted,
            chain=chain,
            head_age_seconds=None if chain is None else age_seconds(now, chain.timestamp),
            lag=None if chain is None else max(chain.final - chain.indexed, 0),
            heartbeat_age_seconds=None if last_seen is None else age_seconds(now, last_seen),
            has_been_seen=last_seen is not None,
            clock=None if doubt is None else _clock_trouble(doubt, now),
            counts=count_by_state(tx),
            oldest_owed=None if owed is None else _waiting(tx, owed, now),
            stuck=tuple(_waiting(tx, row, now) for row in stuck),
            lease=lease,
            custody={custody: held[custody] for custody in Custody},
        )


def put_chain_status(tx: Connection, seen: ChainStatus) -> None:
    """Write down what the worker saw."""
    plain: dict[str, Any] = {
        "height": seen.height,
        "hash": to_hex(seen.hash),
        "timestamp": int(seen.timestamp.timestamp()),
        "indexed": seen.indexed,
        "final": seen.final,
        "open_because": seen.open_because,
        "at": instant_text(seen.at),
    }
    if seen.asked is not None:
        plain |= {"asked": seen.asked, "passed_over": dict(seen.passed_over)}
    put_setting(tx, CHAIN_STATUS_SETTING, rfc8785.dumps(plain))


def find_chain_status(tx: Connection) -> ChainStatus | None:
    """What a worker last saw, or None before one ran."""
    body = find_setting(tx, CHAIN_STATUS_SETTING)
    if body is None:
        return None
    plain = json.loads(body)
    return ChainStatus(
        height=plain["height"],
        hash=bytes.fromhex(plain["hash"][2:]),
        timestamp=datetime.fromtimestamp(plain["timestamp"], UTC),
        indexed=plain["indexed"],
        final=plain["final"],
        open_because=plain.get("open_because"),
        at=datetime.fromisoformat(plain["at"]),
        asked=plain.get("asked"),
        passed_over=plain.get("passed_over", {}),
    )


def _living_state(*, is_halted: bool, went_well: bool, waits: bool, silent: bool) -> WorkerState:
    if waits:
        return WorkerState.WAITS
    if is_halted or not went_well:
        return WorkerState.STARTS
    return WorkerState.SILENT if silent else WorkerState.RUNS


def _ended_state(lease: LeaseRow | None, *, is_halted: bool) -> WorkerState:
    if lease is not None and lease.holder is not None:
        return WorkerState.VANISHED
    return WorkerState.HALTED if is_halted else WorkerState.STOPPED


def _clock_trouble(doubt: ClockWrong, now: datetime) -> Trouble:
    reason = f"{doubt.what} (rule: {doubt.rule})"
    return Trouble(since=now, at=now, reason=reason, remedy=doubt.remedy)


def _waiting(tx: Connection, row: OperationRow, now: datetime) -> WaitingOperation:
    states = list_states(tx, row.digest)
    latest = states[-1]
    return WaitingOperation(
        digest=row.digest,
        kind=row.kind,
        accepted_at=row.accepted_at,
        # a state that the worker gave it later may be dated earlier, by a clock that was right
        waited_seconds=age_seconds(now, *(each.at for each in states)),
        since=latest.at,
        reason=latest.reason,
    )

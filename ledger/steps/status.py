"""Instance → how it stands: the chain's head, the index, what is owed and what is stuck."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import rfc8785
from sqlalchemy import Connection

from ledger.domain.deployment import Deployment
from ledger.domain.identifiers import Digest, to_hex
from ledger.domain.indexed import IndexedSigner
from ledger.domain.operation_states import OperationState
from ledger.domain.operations import Custody
from ledger.domain.projection import SIGNER_VALID
from ledger.domain.records import instant_text
from ledger.steps.instance import DEPLOYMENT_SETTING, Instance
from ledger.steps.leasing import LEASE
from ledger.storage import index
from ledger.storage.leases import LeaseRow, find_lease
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
_MOST_STUCK = 100


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
    #: when the worker wrote this
    at: datetime
    #: why the worker stopped for a person; None while it works
    halted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOperation:
    """An operation that waits, and for how long."""

    digest: Digest
    kind: str
    accepted_at: datetime
    waited_seconds: int
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
    #: None before a worker ran
    chain: ChainStatus | None
    #: seconds since the newest block; an idle embedded chain makes none
    head_age_seconds: int | None
    #: final blocks that are not indexed yet
    lag: int | None
    #: seconds since the worker last said that it lives
    heartbeat_age_seconds: int | None
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
        chain = find_chain_status(tx)
        deployment = _find_deployment(instance, tx)
        return Status(
            at=now,
            fingerprint=None if deployment is None else deployment.fingerprint(),
            chain_id=None if deployment is None else deployment.chain_id,
            finality=instance.settings.finality,
            chain=chain,
            head_age_seconds=None if chain is None else _seconds(now, chain.timestamp),
            lag=None if chain is None else max(chain.final - chain.indexed, 0),
            heartbeat_age_seconds=None if chain is None else _seconds(now, chain.at),
            counts=count_by_state(tx),
            oldest_owed=_oldest_owed(tx, now),
            stuck=_stuck(tx, now),
            lease=_lease(tx, now),
            custody=_custody(tx),
        )


def put_chain_status(tx: Connection, seen: ChainStatus) -> None:
    """Write down what the worker saw."""
    plain: dict[str, int | str | None] = {
        "height": seen.height,
        "hash": to_hex(seen.hash),
        "timestamp": int(seen.timestamp.timestamp()),
        "indexed": seen.indexed,
        "final": seen.final,
        "at": instant_text(seen.at),
        "halted": seen.halted,
    }
    put_setting(tx, CHAIN_STATUS_SETTING, rfc8785.dumps(dict(plain)))


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
        at=datetime.fromisoformat(plain["at"]),
        halted=plain["halted"],
    )


def _find_deployment(instance: Instance, tx: Connection) -> Deployment | None:
    has_one = find_setting(tx, DEPLOYMENT_SETTING) is not None
    return instance.deployment_in(tx) if has_one else None


def _seconds(now: datetime, then: datetime) -> int:
    return max(int((now - then).total_seconds()), 0)


def _oldest_owed(tx: Connection, now: datetime) -> WaitingOperation | None:
    row = find_oldest_owed(tx)
    return None if row is None else _waiting(tx, row, now)


def _stuck(tx: Connection, now: datetime) -> tuple[WaitingOperation, ...]:
    rows = list_operations(tx, states=[OperationState.STUCK], limit=_MOST_STUCK)
    return tuple(_waiting(tx, row, now) for row in rows)


def _waiting(tx: Connection, row: OperationRow, now: datetime) -> WaitingOperation:
    latest = list_states(tx, row.digest)[-1]
    return WaitingOperation(
        digest=row.digest,
        kind=row.kind,
        accepted_at=row.accepted_at,
        waited_seconds=_seconds(now, row.accepted_at),
        since=latest.at,
        reason=latest.reason,
    )


def _lease(tx: Connection, now: datetime) -> LeaseRow | None:
    row = find_lease(tx, LEASE)
    is_held = row is not None and row.holder is not None and row.expires_at > now
    return row if is_held else None


def _custody(tx: Connection) -> dict[Custody, int]:
    valid = index.list_rows(tx, IndexedSigner, state=SIGNER_VALID)
    counted = Counter(signer.custody for signer in valid)
    return {custody: counted[custody] for custody in Custody}

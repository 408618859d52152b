"""What every check of an audit is given: the stored evidence, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.outbox.operation_states import OperationState
from ledger.keys.vault import Vault
from ledger.steps.auditing.differences import Findings

if TYPE_CHECKING:  # the process that checks within the database loads nothing of the chain
    from ledger.steps.following.follow import Source
    from ledger.steps.instance import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedOperation:
    """An accepted operation that is not final on the chain yet: no difference, but told."""

    digest: Digest
    kind: str
    state: OperationState
    #: since its acceptance; None where that is dated ahead of this clock
    age_seconds: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is checked within the database, beside nothing but itself and the vault."""

    ours: Connection
    vault: Vault
    deployment: Deployment
    findings: Findings


@dataclass(slots=True, kw_only=True)
class Evidence:
    """What the stored evidence is compared with."""

    instance: Instance
    deployment: Deployment
    findings: Findings
    #: the database that is audited, and the index derived anew; None when the chain is unreadable
    ours: Connection
    chain: Connection | None
    source: Source
    #: how far our own index goes; -1 without one
    height: int
    #: the highest block beyond that which holds an operation that we call final; -1 for none
    behind: int = -1
    owed: list[OwedOperation] = field(default_factory=list)
    owed_total: int = 0
    #: dated states before the one that they follow
    set_back: int = 0

"""The same request again → the answer that it got the first time, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from ledger.domain.errors import Conflict, Inconsistent, InvalidInput, NotFound
from ledger.steps.instance import Instance
from ledger.storage.tokens import (
    IdempotencyRow,
    answer_request,
    claim_request,
    forget_requests,
    get_request,
)

#: How long an answer is kept.
KEPT_FOR = timedelta(days=30)
HEADER = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a request was answered."""

    #: HTTP status
    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRequest:
    """A request under a key of its caller's choice."""

    key: str
    token_id: str
    #: SHA-256 of everything that makes it this request; 32 bytes
    request_hash: bytes


def require_key(key: str) -> str:
    """The key; raises InvalidInput unless it is 1 to 200 visible ASCII characters."""
    if _KEY.fullmatch(key) is None:
        raise InvalidInput(
            "is not a key", field=HEADER, rule="1 to 200 visible ASCII characters, such as a UUID"
        )
    return key


def answer_once(
    instance: Instance, tx: Connection, request: NamedRequest | None, work: Callable[[], Answer]
) -> Answer:
    """Do the work and keep its answer, or return the answer that was kept.

    The answer is stored in the work's own transaction, so a record never exists without it.  Two at
    once: the second waits for the first.  Raises Conflict when the key named another request.
    """
    if request is None:
        return work()
    earlier = claim_request(
        tx,
        IdempotencyRow(
            key=request.key,
            token_id=request.token_id,
            request_hash=request.request_hash,
            created_at=instance.clock(),
        ),
    )
    if earlier is not None:
        return _kept(earlier)
    answer = work()
    answer_request(tx, request.key, request.token_id, response=answer.body, status=answer.status)
    return answer


def find_answer(tx: Connection, request: NamedRequest) -> Answer | None:
    """The answer that was kept for a request, or None when it is new.

    Raises Conflict when the key named another request.
    """
    try:
        earlier = get_request(tx, request.key, request.token_id)
    except NotFound:
        return None
    if earlier.request_hash != request.request_hash:
        raise Conflict(
            "was used for another request", field=HEADER, rule="one key names one request"
        )
    return _kept(earlier)


def forget_old_requests(instance: Instance, tx: Connection) -> int:
    """Drop the answers that are older than KEPT_FOR; return how many."""
    return forget_requests(tx, instance.clock() - KEPT_FOR)


def _kept(row: IdempotencyRow) -> Answer:
    if row.response is None or row.status is None:
        raise Inconsistent(f"the request under key {row.key!r} was claimed and never answered")
    return Answer(status=row.status, body=row.response)

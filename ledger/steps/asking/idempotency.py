"""The same request again → the answer that it got the first time, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.steps.instance import Instance
from ledger.storage.engine.database import lock_subjects
from ledger.storage.tokens import (
    IdempotencyRow,
    answer_request,
    claim_request,
    find_request,
    find_request_of_unit,
    forget_requests,
    require_same_request,
    settle_request,
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
    earlier = claim_request(tx, _claim(request, instance.clock()))
    if earlier is not None:
        return _kept(earlier)
    answer = work()
    answer_request(tx, request.key, request.token_id, response=answer.body, status=answer.status)
    return answer


def find_answer(tx: Connection, request: NamedRequest) -> Answer | None:
    """The answer that was kept for a request, or None when it is new or under way.

    Raises Conflict when the key named another request.
    """
    earlier = find_request(tx, request.key, request.token_id)
    if earlier is None:
        return None
    require_same_request(earlier, request.request_hash)
    return None if earlier.status is None else _kept(earlier)


def find_in_unit(tx: Connection, request: NamedRequest, unit: int | None) -> Answer | None:
    """The answer that anybody of a unit got for a request; None where nobody did.

    It is for keys that a device made and sends again under whichever session there is by then.  At
    once under two sessions, the second waits; only this key's lock comes before the subjects'.
    Raises Conflict when the key named another request.
    """
    lock_subjects(tx, [sha256(b"steriledger.request\0" + request.key.encode())])
    earlier = find_request_of_unit(tx, request.key, unit)
    if earlier is None:
        return None
    require_same_request(earlier, request.request_hash)
    return None if earlier.status is None else _kept(earlier)


def begin(instance: Instance, tx: Connection, request: NamedRequest) -> None:
    """Claim the key of a request whose work takes several transactions, of which `tx` is the first.

    Whoever asks the same meanwhile, or after the first died on the way, begins it too: the work
    finds what is done already.  Raises Conflict when the key named another request; then nothing of
    this one is done.
    """
    claim_request(tx, _claim(request, instance.clock()))


def finish(tx: Connection, request: NamedRequest, answer: Answer) -> Answer:
    """Keep the answer to a begun request, or return the one that was kept meanwhile."""
    kept = settle_request(
        tx, request.key, request.token_id, response=answer.body, status=answer.status
    )
    return _kept(kept)


def forget_old_requests(instance: Instance, tx: Connection) -> int:
    """Drop the answers that are older than KEPT_FOR; return how many."""
    return forget_requests(tx, instance.clock() - KEPT_FOR)


def _claim(request: NamedRequest, since: datetime) -> IdempotencyRow:
    return IdempotencyRow(
        key=request.key,
        token_id=request.token_id,
        request_hash=request.request_hash,
        created_at=since,
    )


def _kept(row: IdempotencyRow) -> Answer:
    if row.response is None or row.status is None:
        raise Inconsistent(f"the request under key {row.key!r} was claimed and never answered")
    return Answer(status=row.status, body=row.response)

"""Access tokens, of which only a hash is kept, and the answers already given under them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, UniqueConstraint, bindparam, select

from ledger.domain.errors import Conflict
from ledger.storage.directory import signers
from ledger.storage.engine.columns import ThirtyTwo
from ledger.storage.engine.rows import Rows, upsert, values_of
from ledger.storage.engine.tables import table_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One person's or system's access."""

    id: str
    token_hash: ThirtyTwo
    person: str
    #: None: not bound to one unit
    unit: int | None
    #: separated by blanks
    scopes: str
    #: id of the server-held key that signs for this person; None: they bring their own
    signer: ThirtyTwo | None = None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


tokens = table_of("tokens", TokenRow, UniqueConstraint("token_hash"), key=("id",))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRow:
    """A request that was made once under a key of the caller's choice, or one part of its work."""

    key: str
    token_id: str
    #: SHA-256 of the request
    request_hash: ThirtyTwo
    #: None while the request is under way: claimed, and its work not all done
    response: bytes | None = None
    #: HTTP status of the response
    status: int | None = None
    created_at: datetime


idempotency = table_of(
    "idempotency", IdempotencyRow, key=("key", "token_id"), references={"token_id": "tokens.id"}
)


_tokens = Rows(tokens, TokenRow, "token")
_idempotency = Rows(idempotency, IdempotencyRow, "request under key")


def insert_token(tx: Connection, row: TokenRow) -> None:
    """Keep a token; raises Conflict when its id or hash exists."""
    _tokens.insert(tx, [row])


_TOKEN_AND_KEY = (
    select(tokens, signers.c.signer)
    .outerjoin(signers, (signers.c.id == tokens.c.signer) & (signers.c.unit == tokens.c.unit))
    .where(tokens.c.token_hash == bindparam("token_hash"))
)


def find_token_by_hash(tx: Connection, token_hash: bytes) -> tuple[TokenRow, bytes | None] | None:
    """The token with that hash, and the ERC-7913 bytes of its signer; or None.

    Whether the token still holds is the caller's to judge.
    """
    found = tx.execute(_TOKEN_AND_KEY, {"token_hash": token_hash}).one_or_none()
    return None if found is None else (_tokens.row_of(found[:-1]), found[-1])


def list_live_hashes(tx: Connection, at: datetime) -> frozenset[bytes]:
    """The hashes of the tokens that hold at an instant: neither revoked nor expired."""
    c = tokens.c
    held = select(c.token_hash).where(c.revoked_at.is_(None), c.expires_at > at)
    return frozenset(tx.execute(held).scalars())


def get_token(tx: Connection, token_id: str) -> TokenRow:
    """The token with that id; raises NotFound."""
    return _tokens.get_by(tx, id=token_id, name=token_id)


def list_tokens(
    tx: Connection, *, unit: int | None = None, after: str = "", limit: int = 100
) -> list[TokenRow]:
    """Tokens by id, starting after `after`; with `unit`, only that unit's."""
    return _tokens.page(tx, unit=unit, after=after, limit=limit)


def revoke_token(tx: Connection, token_id: str, at: datetime) -> None:
    """End a token; ending it again keeps the first date.  Raises NotFound."""
    row = get_token(tx, token_id)
    tx.execute(
        tokens.update()
        .where(tokens.c.id == row.id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def claim_request(tx: Connection, row: IdempotencyRow) -> IdempotencyRow | None:
    """None when the request is new and now claimed; else what is known of the earlier one.

    Raises Conflict when the key was used for another request.
    """
    claimed = tx.execute(
        upsert(tx.dialect.name, idempotency)
        .values(values_of(row))
        .on_conflict_do_nothing()
        .returning(idempotency.c.key)
    ).one_or_none()
    if claimed is not None:
        return None
    earlier = get_request(tx, row.key, row.token_id)
    require_same_request(earlier, row.request_hash)
    return earlier


def require_same_request(earlier: IdempotencyRow, request_hash: bytes) -> None:
    """Raise Conflict when the key of `earlier` now names another request."""
    if earlier.request_hash != request_hash:
        raise Conflict(
            "was used for another request",
            field="Idempotency-Key",
            rule="one key names one request",
            remedy="send the first request again unchanged, or choose another key",
        )


def answer_request(
    tx: Connection, key: str, token_id: str, *, response: bytes, status: int
) -> None:
    """Keep the answer to a claimed request; raises Conflict when it was answered before."""
    if not _answer(tx, key, token_id, response=response, status=status):
        get_request(tx, key, token_id)
        raise Conflict(f"the request under key {key} was answered already")


def settle_request(
    tx: Connection, key: str, token_id: str, *, response: bytes, status: int
) -> IdempotencyRow:
    """Keep the answer to a claimed request unless one is kept; return what is kept.

    Two at once: the second waits for the first.  Raises NotFound for a request never claimed.
    """
    _answer(tx, key, token_id, response=response, status=status)
    return get_request(tx, key, token_id)


def _answer(tx: Connection, key: str, token_id: str, *, response: bytes, status: int) -> bool:
    c = idempotency.c
    changed = tx.execute(
        idempotency.update()
        .where(c.key == key, c.token_id == token_id, c.status.is_(None))
        .values(response=response, status=status)
    )
    return changed.rowcount == 1


def find_request(tx: Connection, key: str, token_id: str) -> IdempotencyRow | None:
    """What is known of a request, or None."""
    return _idempotency.find_by(tx, key=key, token_id=token_id)


def find_request_of_unit(tx: Connection, key: str, unit: int | None) -> IdempotencyRow | None:
    """What is known of a request that any token of a unit made, the first one's; or None."""
    of_unit = select(tokens.c.id).where(tokens.c.unit == unit)
    found = _idempotency.list(
        tx,
        idempotency.c.key == key,
        idempotency.c.token_id.in_(of_unit),
        order=[idempotency.c.created_at],
        limit=1,
    )
    return found[0] if found else None


def get_request(tx: Connection, key: str, token_id: str) -> IdempotencyRow:
    """What is known of a request; raises NotFound."""
    return _idempotency.get_by(tx, key=key, token_id=token_id, name=key)


def forget_requests(tx: Connection, before: datetime) -> int:
    """Drop requests made before an instant; return how many."""
    return tx.execute(idempotency.delete().where(idempotency.c.created_at < before)).rowcount

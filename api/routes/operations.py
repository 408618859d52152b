"""Prepare, sign, submit; or all at once with held keys; and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import AfterValidator, WithJsonSchema
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.access import ActRoute, Asked, LedgerRouter, Question, asked_now, raw_body
from api.bodies import Signatures, body_of, values_of
from api.documents import WITH_BODY, problems_for
from api.fields import Body, Hex32
from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.drafts import Draft
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.accepting.cosigning import submit_with
from ledger.steps.accepting.drafting import make_draft, spelled
from ledger.steps.accepting.handing import handed
from ledger.steps.accepting.prepare import prepare
from ledger.steps.accepting.submit import Receipt, record_with_held_keys
from ledger.steps.asking.idempotency import Answer, NamedRequest, answer_once, require_key
from ledger.storage import index, operations, records

router = LedgerRouter("/v1/operations", tag="operations")

DigestPath = Annotated[Hex32, Path(description="the operation's EIP-712 digest")]


#: What a program judged, it names; fields are spelled as they are declared.
DOOR = Door(authenticated_by="token", takes_what_stands=False)
#: The acts by how addresses spell them; they are looked for in this order.
_SPELLED: Mapping[str, Act] = {act.spelled: act for act in ACTS.values()}


def _known(name: str) -> str:
    if name not in _SPELLED:
        raise ValueError(f"one of {', '.join(_SPELLED)}")
    return name


KindName = Annotated[str, AfterValidator(_known), WithJsonSchema({"enum": list(_SPELLED)})]


IdempotencyKey = Annotated[
    str | None, Header(description="the same key again gets the same answer, byte for byte")
]


def _named_request(
    request: Request, caller: Caller, body: bytes, key: str | None
) -> NamedRequest | None:
    """The request under its key, when it has one."""
    if key is None or caller.token_id is None:
        return None
    parts = (
        request.method.encode(),
        request.url.path.encode(),
        request.scope["query_string"],
        body,
    )
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big") + part)
    return NamedRequest(
        key=require_key(key),
        token_id=caller.token_id,
        request_hash=whole.digest(),
    )


async def named_request(
    request: Request,
    question: Question,
    body: Annotated[bytes, Depends(raw_body)],
    idempotency_key: IdempotencyKey = None,
) -> NamedRequest | None:
    """The request under its key, when it has one, where the framework asks."""
    return _named_request(request, question.caller, body, idempotency_key)


Named = Annotated[NamedRequest | None, Depends(named_request)]


def _draft(question: Asked, tx: Connection, act: Act, body: Body) -> Draft:
    return make_draft(question.instance, tx, question.caller, act, values_of(body), DOOR)


def _prepare_route(act: Act) -> Callable[..., Response]:
    def endpoint(question: Question, body: Body) -> Response:
        question.caller.require_scope(act.scope)
        with question.instance.database.transaction() as tx, spelled(act):
            draft = _draft(question, tx, act, body)
            prepared = prepare(question.instance, tx, question.caller, draft)
            return answers.give_plain(handed(tx, prepared))

    return _named(endpoint, act, "prepare", f"Prepare: {act.doc}")


def _record_route(act: Act) -> Callable[..., Response]:
    def endpoint(request: Request, body: Body, idempotency_key: IdempotencyKey = None) -> Response:
        question = asked_now(request)
        named = _named_request(request, question.caller, request.state.body, idempotency_key)
        question.caller.require_scope(act.scope)
        with question.instance.database.transaction() as tx, spelled(act):

            def work() -> Answer:
                draft = _draft(question, tx, act, body)
                receipt = record_with_held_keys(question.instance, tx, question.caller, draft)
                return _accepted(receipt, status=201)

            answer = answer_once(question.instance, tx, named, work)
        return answers.give_kept(answer)

    return _named(endpoint, act, "record", f"In one call: {act.doc}")


def _named(
    endpoint: Callable[..., Response], act: Act, name: str, text: str
) -> Callable[..., Response]:
    endpoint.__annotations__["body"] = body_of(act)
    endpoint.__name__ = f"{name}_{act.spelled.replace('-', '_')}"
    endpoint.__doc__ = text
    return endpoint


for _act in ACTS.values():
    router.add_api_route(
        f"/{_act.spelled}",
        _record_route(_act),
        methods=["POST"],
        status_code=201,
        response_model=answers.ReceiptAnswer,
        responses=problems_for(*WITH_BODY),
        route_class_override=ActRoute,
    )
    router.add_api_route(
        f"/{_act.spelled}/prepare",
        _prepare_route(_act),
        methods=["POST"],
        response_model=answers.PreparedAnswer,
        responses=problems_for(*WITH_BODY),
    )


@router.write("/{digest}/submit", answers.ReceiptAnswer)
def submit(
    request: Request,
    digest: DigestPath,
    body: Signatures,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The signatures on a prepared operation; the answer is the receipt."""
    question = asked_now(request)
    instance, caller = question.instance, question.caller
    named = _named_request(request, caller, request.state.body, idempotency_key)
    with instance.database.transaction() as tx:

        def work() -> Answer:
            receipt = submit_with(
                instance,
                tx,
                caller,
                _digest(digest),
                {Party(name): bytes.fromhex(text[2:]) for name, text in body.signatures.items()},
                held=[Party(name) for name in dict.fromkeys(body.held)],
            )
            return _accepted(receipt, status=200)

        answer = answer_once(instance, tx, named, work)
    return answers.give_kept(answer)


@router.post("/{kind}", include_in_schema=False)
@router.post("/{kind}/prepare", include_in_schema=False)
def refuse_kind(kind: str) -> Response:
    """Say which kinds there are."""
    raise NotFound(
        f"{kind[:60]!r} is no operation", field="kind", rule=f"one of {', '.join(_SPELLED)}"
    )


@router.read("", answers.Operations)
def list_operations(
    question: Question,
    state: Annotated[OperationState | None, Query()] = None,
    kind: Annotated[KindName | None, Query()] = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="a line's cursor")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Response:
    """The operations that you may read, in the order of their acceptance."""
    with question.instance.database.reading() as tx:
        rows = operations.list_operations(
            tx,
            unit=question.caller.readable_unit,
            kind=None if kind is None else _SPELLED[kind].name,
            states=None if state is None else [state],
            after=after,
            limit=limit,
        )
    lines = [answers.OperationLine(**answers.line_of(row)) for row in rows]
    return answers.give(answers.Operations(operations=lines))


@router.read("/{digest}", answers.OperationAnswer)
def read_operation(digest: DigestPath, question: Question) -> Response:
    """One accepted operation: its record, its history, and where the chain holds it."""
    with question.instance.database.reading() as tx:
        row = _readable(tx, question, digest)
        answer = answers.operation_answer(
            row,
            records.get_record(tx, row.record_id),
            operations.list_states(tx, row.digest),
            index.find(tx, IndexedOperation, row.digest),
            shows_people=question.caller.unit == row.unit,
        )
    return answers.give(answer)


@router.read("/{digest}/receipt", answers.ReceiptAnswer)
def read_receipt(digest: DigestPath, question: Question) -> Response:
    """The receipt that was given for an operation."""
    with question.instance.database.reading() as tx:
        row = operations.get_receipt(tx, _readable(tx, question, digest).digest)
    receipt = Receipt(digest=row.digest, payload=row.payload, signature=row.signature, key=row.key)
    return answers.give(answers.receipt_answer(receipt))


def _readable(tx: Connection, question: Asked, digest: str) -> operations.OperationRow:
    row = operations.find_operation(tx, _digest(digest), unit=question.caller.readable_unit)
    if row is None:
        raise NotFound(f"there is no operation {to_hex(_digest(digest))}", field="digest")
    return row


def _digest(text: str) -> Digest:
    return Digest(parse_hex32(text, field="digest"))


def _accepted(receipt: Receipt, *, status: int) -> Answer:
    return Answer(status=status, body=answers.receipt_answer(receipt).to_bytes())

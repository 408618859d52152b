"""Photos: brought before the record that names them, and read with it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.access import Asked, LedgerRoute, asked_of, raw_body
from api.documents import EVERYWHERE, WITH_BODY, problems_for
from api.fields import Hex32
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.doors.guard import Unacceptable
from ledger.readings.photos import MEDIA
from ledger.steps.accepting.photographing import keep_photo, read_photo

router = APIRouter(prefix="/v1", tags=["photos"], route_class=LedgerRoute)

Question = Annotated[Asked, Depends(asked_of)]

_MEDIA = frozenset({"image/jpeg", "image/png", "image/webp", "application/octet-stream"})
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}} for media in sorted(_MEDIA)
        },
    }
}


async def picture_in(request: Request, data: Annotated[bytes, Depends(raw_body)]) -> bytes:
    """The body, where it is sent as a picture; what it is, its content says."""
    media = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media not in _MEDIA:
        raise Unacceptable(
            "is no picture",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            field="Content-Type",
            rule=f"one of {', '.join(sorted(_MEDIA))}",
        )
    return data


@router.post(
    "/photos",
    status_code=201,
    response_model=answers.PhotoAnswer,
    responses=problems_for(*WITH_BODY),
    openapi_extra=_UPLOAD,
)
def upload(question: Question, data: Annotated[bytes, Depends(picture_in)]) -> Response:
    """A JPEG, PNG or WebP → kept as a JPEG without anything beside its pixels.

    A record names it by the SHA-256 that is answered; what no record names is dropped after a week.
    The same picture again is kept once.
    """
    digest = keep_photo(question.instance, question.caller, data, field="body")
    return answers.give(answers.PhotoAnswer(sha256=digest.hex()), status=201)


@router.get(
    "/operations/{digest}/photos/{sha256}",
    response_class=Response,
    responses=problems_for(*EVERYWHERE)
    | {200: {"content": {MEDIA: {}}, "description": "the picture"}},
)
def read(
    digest: Annotated[Hex32, Path(description="the operation whose record names it")],
    sha256: Annotated[Hex32, Path(description="as the record names it")],
    question: Question,
) -> Response:
    """The photo, for whoever may read the record, or the step of a consignment or an asset."""
    with question.instance.database.reading() as tx:
        picture = read_photo(
            tx,
            question.caller,
            parse_hex32(digest, field="digest"),
            parse_hex32(sha256, field="sha256"),
        )
    return Response(content=picture, media_type=MEDIA)

"""Photos: brought before the record that names them, and read with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.access import LedgerRouter, Question, raw_body, require_media, upload_of
from api.fields import Hex32
from ledger.domain.encoding.identifiers import parse_hex32
from ledger.readings.photos import MEDIA
from ledger.steps.accepting.photographing import keep_photo, read_photo

router = LedgerRouter("/v1", tag="photos")


_MEDIA = frozenset({"image/jpeg", "image/png", "image/webp", "application/octet-stream"})


async def picture_in(request: Request, data: Annotated[bytes, Depends(raw_body)]) -> bytes:
    """The body, where it is sent as a picture; what it is, its content says."""
    require_media(request, _MEDIA, "is no picture")
    return data


@router.write("/photos", answers.PhotoAnswer, status_code=201, openapi_extra=upload_of(_MEDIA))
def upload(question: Question, data: Annotated[bytes, Depends(picture_in)]) -> Response:
    """A JPEG, PNG or WebP → kept as a JPEG without anything beside its pixels.

    A record names it by the SHA-256 that is answered; what no record names is dropped after a week.
    The same picture again is kept once.
    """
    digest = keep_photo(question.instance, question.caller, data, field="body")
    return answers.give(answers.PhotoAnswer(sha256=digest.hex()), status=201)


@router.read(
    "/operations/{digest}/photos/{sha256}",
    {200: {"content": {MEDIA: {}}, "description": "the picture"}},
)
def read(
    digest: Annotated[Hex32, Path(description="the operation whose record names it")],
    sha256: Annotated[Hex32, Path(description="as the record names it")],
    question: Question,
) -> Response:
    """The photo, for whoever may read the record, or the step of a consignment or an asset."""
    picture = question.read(
        read_photo, parse_hex32(digest, field="digest"), parse_hex32(sha256, field="sha256")
    )
    return Response(content=picture, media_type=MEDIA)

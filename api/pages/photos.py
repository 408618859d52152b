"""Photos on forms: kept as soon as they come in, so that a form that is shown again has them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from api import problems
from api.guard import OWN_HEADERS
from api.pages.asking import Asking
from api.pages.screens import Screen
from api.pages.words import N_
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.errors import InvalidInput, NotFound, SteriLedgerError
from ledger.doors.guard import SECURITY_HEADERS
from ledger.readings.photos import MEDIA
from ledger.steps.accepting.photographing import keep_photo, read_photo
from ledger.storage import photos


def links_of(tx: Connection, digests: list[str]) -> dict[str, list[str]]:
    """The addresses of the photos that are kept of some records, by digest."""
    found = photos.list_photos_of(tx, [bytes.fromhex(each.removeprefix("0x")) for each in digests])
    return {
        to_hex(digest): [link_of(to_hex(digest), each.hex()) for each in hashes]
        for digest, hashes in found.items()
    }


def link_of(digest: str, sha256: str) -> str:
    """The address of a photo that a record names."""
    return f"/photos/{digest}/{sha256}"


def show_photo(asking: Asking) -> Response:
    """One photo of a record, as data that nothing runs in."""
    with asking.instance.database.reading() as tx:
        picture = read_photo(
            tx,
            asking.caller,
            parse_hex32(asking.path("digest"), field="digest"),
            parse_hex32(asking.path("sha256"), field="sha256"),
        )
    asking.request.scope["state"][OWN_HEADERS] = SECURITY_HEADERS
    return Response(picture, media_type=MEDIA)


def show_none(_asking: Asking) -> Mapping[str, object]:
    """Photos have no page of their own: they stand with their records."""
    raise NotFound("there is nothing at this address", field="path")


def do_keep(asking: Asking) -> Response:
    """A photo that a form's script sends ahead → its hash, or why it is none."""
    try:
        _, data = asking.filled.files.get("photo", ("", b""))
        if not data:
            raise InvalidInput("is missing", field="photo", rule="a picture")
        digest = keep_photo(asking.instance, asking.caller, data)
    except SteriLedgerError as error:
        kind, words = problems.kind_of(error), asking.words
        told = [error.what, error.rule, error.remedy] if kind is not problems.INTERNAL else []
        said = "; ".join(words.sentence(each) for each in told if each)
        return JSONResponse({"told": said}, status_code=kind.status)
    return JSONResponse({"sha256": digest.hex()})


SCREENS = (
    Screen(
        path="/photos", template="problem.html", title=N_("Photo"), show=show_none, do=do_keep,
    ),
    Screen(
        path="/photos/{digest}/{sha256}", template="problem.html", title=N_("Photo"),
        show=show_photo,
    ),
)  # fmt: skip

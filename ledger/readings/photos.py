"""A picture as somebody sent it → the same picture drawn anew: nothing but its pixels is kept.

What a camera wrote beside them (places, names, thumbnails, profiles) and what somebody may have put
behind them is gone by that.
"""

from __future__ import annotations

import threading
from io import BytesIO

from ledger.domain.errors import InvalidInput

#: of a picture as it comes in
MOST_BYTES = 5 * 1024 * 1024
#: a phone's camera has 12 to 50 million
MOST_PIXELS = 50_000_000
#: of what is kept: enough to see a torn corner
LONGEST_SIDE = 2048
#: what is kept is always this, whatever came in
MEDIA = "image/jpeg"

_QUALITY = 80
#: One at a time: drawn, a picture takes up to four bytes a pixel.
_drawing = threading.Lock()


def redraw(data: bytes, *, field: str) -> bytes:
    """A JPEG, PNG or WebP → a JPEG of at most LONGEST_SIDE a side, upright, without anything else.

    What it is says its content, whatever it is called.  Raises InvalidInput for what is none of
    these, does not open, moves, or has too many bytes or pixels.
    """
    if len(data) > MOST_BYTES:
        raise InvalidInput(
            f"has {len(data):,} bytes",
            field=field,
            rule=f"a picture has at most {MOST_BYTES:,} bytes",
            remedy="let the camera take a smaller one",
        )
    form = _form_of(data)
    if form is None:
        raise InvalidInput(
            "is no picture that is taken here",
            field=field,
            rule="JPEG, PNG or WebP by its content, whatever its name",
            remedy="let the camera take it as JPEG",
        )
    with _drawing:
        return _redrawn(data, form, field)


def _form_of(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    return "WEBP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def _redrawn(data: bytes, form: str, field: str) -> bytes:
    # it takes a while to load, and most of what runs here draws nothing
    from PIL import Image, ImageOps  # noqa: PLC0415

    try:
        opened = Image.open(BytesIO(data), formats=(form,))
        # a phone's JPEG may have a second one behind it, which is left out
        moves = form != "JPEG" and getattr(opened, "is_animated", False)
        _require_still(opened.size, field, moves=moves)
        opened.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        upright = ImageOps.exif_transpose(opened)
        upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        # what is seen through shows white, as on paper
        sheet = Image.new("RGB", upright.size, "white")
        seen = upright.convert("RGBA")
        sheet.paste(seen, mask=seen)
        drawn = BytesIO()
        sheet.save(drawn, "JPEG", quality=_QUALITY)
    except InvalidInput:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_large("has more pixels than any camera takes", field) from None
    except Exception as error:
        raise InvalidInput(
            "does not open",
            field=field,
            rule="a whole picture",
            remedy="take it again",
        ) from error
    return drawn.getvalue()


def _require_still(size: tuple[int, int], field: str, *, moves: bool) -> None:
    """Before anything of it is drawn: its size, and that it is one picture."""
    if size[0] * size[1] > MOST_PIXELS:
        raise _too_large(f"is {size[0]} × {size[1]} pixels", field)
    if moves:
        raise InvalidInput(
            "moves", field=field, rule="one picture that stands still", remedy="take a photo of it"
        )


def _too_large(what: str, field: str) -> InvalidInput:
    return InvalidInput(
        what,
        field=field,
        rule=f"a picture has at most {MOST_PIXELS:,} pixels",
        remedy="let the camera take a smaller one",
    )

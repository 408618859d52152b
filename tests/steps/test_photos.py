"""Photos with what was found: drawn anew, named by a record, read with it, and gone with it."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Caller, Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.readings.photos import LONGEST_SIDE, MOST_BYTES, redraw
from ledger.steps.accepting import photographing
from ledger.steps.accepting.photographing import WAITS_FOR, Picture, keep_photo, read_photo
from ledger.steps.following.forgetting import forget_erased
from ledger.steps.keeping.housekeeping import keep_house
from ledger.storage import photos
from ledger.storage.engine.database import Database
from tests.house import CENTRE, MEMBER, House, build_house
from tests.steps.test_erasing import FOUR_YEARS, erase, make_final

VAN, OTHER = 3, 4
MOVES = Right.DISPATCH | Right.CARRY | Right.RECEIVE | Right.SCAN


@pytest.fixture
def house(sqlite_database: Database, tmp_path: Path) -> House:
    """The centre, a member, a van and another member."""
    made = build_house(sqlite_database, tmp_path)
    made.admit(VAN, "van", UnitRole.CARRIER)
    made.admit(OTHER, "other", UnitRole.USER)
    for unit in (CENTRE, MEMBER, VAN):
        made.enrol(unit, f"Worker {unit}", MOVES)
    return made


def drawn(form: str = "JPEG", *, size: tuple[int, int] = (12, 8), **more: object) -> bytes:
    """A picture as a camera makes it."""
    made = BytesIO()
    Image.new("RGB", size, "red").save(made, form, **more)
    return made.getvalue()


def located() -> bytes:
    """A photo that says where it was taken, and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "Zhang Wei"
    exif.get_ifd(0x8825)[2] = (31.0, 13.0, 50.0)
    return drawn(exif=exif, comment=b"secret")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(side: int) -> bytes:
    """A PNG of a few bytes that says how many pixels it has a side."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def moving(form: str) -> bytes:
    frames = [Image.new("RGB", (8, 8), each) for each in ("red", "blue")]
    made = BytesIO()
    frames[0].save(made, form, save_all=True, append_images=frames[1:])
    return made.getvalue()


def of_unit(unit: int, *more: Scope) -> Caller:
    scopes = frozenset({Scope.READ_UNIT, Scope.CUSTODY, *more})
    return Caller(person="reader", unit=unit, scopes=scopes, token_id="t")


# ---------------------------------------------------------------- what is kept of a picture


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_each_of_three_forms_is_kept_as_a_jpeg(form: str) -> None:
    kept = Image.open(BytesIO(redraw(drawn(form), field="photo")))
    assert (kept.format, kept.size) == ("JPEG", (12, 8))


def test_nothing_but_pixels_is_kept_and_the_picture_stands_upright() -> None:
    kept = redraw(located() + b"<script>alert(1)</script>", field="photo")
    assert not any(each in kept for each in (b"Exif", b"Zhang", b"secret", b"script"))
    assert Image.open(BytesIO(kept)).size == (8, 12)


def test_a_large_picture_is_kept_small() -> None:
    kept = redraw(drawn(size=(4 * LONGEST_SIDE, 16)), field="photo")
    assert max(Image.open(BytesIO(kept)).size) == LONGEST_SIDE


def test_the_second_picture_behind_a_phones_is_left_out() -> None:
    assert Image.open(BytesIO(redraw(moving("MPO"), field="photo"))).format == "JPEG"


@pytest.mark.parametrize(
    "data,told",
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (drawn("GIF"), "no picture"),
        (drawn("TIFF"), "no picture"),
        (b"", "no picture"),
        (b"\xff\xd8\xff" + bytes(100), "does not open"),
        (drawn("PNG", size=(99, 99))[:-60], "does not open"),
        (b"RIFF" + bytes(4) + b"WEBPVP8 ", "does not open"),
        (bomb(7_500), "7500 × 7500 pixels"),
        (bomb(30_000), "more pixels than any camera"),
        (moving("PNG"), "moves"),
        (moving("WEBP"), "moves"),
        (drawn() + bytes(MOST_BYTES), "bytes"),
    ],
    ids=[
        "SVG", "GIF", "TIFF", "nothing", "a beginning", "cut off", "no chunk", "bomb", "huge bomb",
        "moving PNG", "moving WebP", "too long",
    ],
)  # fmt: skip
def test_what_is_no_still_picture_within_bounds_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(InvalidInput, match=told) as caught:
        redraw(data, field="photo")
    assert caught.value.field == "photo"


# ---------------------------------------------------------------- a record's


def receive(house: House) -> tuple[Digest, bytes, bytes]:
    """A box of which one package came wet: the take-over, and the hashes of its two photos."""
    sent = [{"assembler": "centre", "package": each} for each in ("P-1", "P-2")]
    house.say(
        "Dispatch", unit="centre", slip="4711", receiver="member", purpose="clean", taker="van",
        basis="scanned", lines=sent,
    )  # fmt: skip
    house.say("TakeOver", consignment="centre/4711", unit=VAN, outcome="carried")
    wet = keep_photo(house.instance, of_unit(MEMBER), drawn())
    box = Picture(redraw(drawn(size=(20, 20)), field="photo"))
    taken = house.say(
        "TakeOver", consignment="centre/4711", unit=MEMBER, outcome="kept", basis="scanned",
        photo=box,
        lines=[
            {"outcome": "refused", **sent[0], "reason": "wet", "photo": wet.hex()},
            {"outcome": "accepted", **sent[1]},
        ],
    ).digest  # fmt: skip
    return taken, wet, sha256(box.drawn)


def test_a_photo_of_a_box_is_read_by_its_receiver_and_giver_and_by_nobody_else(
    house: House,
) -> None:
    taken, wet, box = receive(house)
    with house.instance.database.reading() as tx:
        for unit in (MEMBER, CENTRE):
            assert sha256(read_photo(tx, of_unit(unit), taken, wet)) == wet
        auditor = Caller(
            person="auditor", unit=None, scopes=frozenset({Scope.READ_ALL}), token_id="t"
        )
        assert sha256(read_photo(tx, auditor, taken, box)) == box
        assert sha256(read_photo(tx, of_unit(VAN), taken, box)) == box, "it saw the box"
        for unit, operation, photo in (
            (VAN, taken, wet),
            (OTHER, taken, wet),
            (OTHER, taken, box),
            (MEMBER, taken, sha256(b"another")),
            (MEMBER, sha256(b"another"), wet),
        ):
            with pytest.raises(NotFound, match="no such photo"):
                read_photo(tx, of_unit(unit), operation, photo)


def test_whoever_names_anothers_photo_reads_none(house: House) -> None:
    _, wet, _ = receive(house)
    digest = house.say(
        "ScanReport",
        unit="centre",
        lines=[
            {"act": "damaged", "package": "centre/P-9", "basis": "typed", "photo_sha256": wet.hex()}
        ],
    ).digest
    with house.instance.database.reading() as tx, pytest.raises(NotFound):
        read_photo(tx, of_unit(CENTRE), digest, wet)


def test_a_record_has_four_photos_at_most(house: House) -> None:
    shades = [redraw(drawn(size=(8, 8 + n)), field="photo") for n in range(5)]
    lines = [
        {
            "act": "damaged",
            "package": f"centre/P-{n}",
            "basis": "typed",
            "photo_sha256": Picture(each),
        }
        for n, each in enumerate(shades)
    ]
    with house.nothing_stored(), pytest.raises(InvalidInput, match="5 photos"):
        house.say("ScanReport", unit="centre", lines=lines)
    house.say("ScanReport", unit="centre", lines=lines[:4])


def test_a_photo_without_a_record_waits_eight_days_and_not_in_any_number(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photographing, "MOST_WAITING", 2)
    _, wet, _ = receive(house)
    caller = of_unit(MEMBER)
    for size in ((9, 9), (9, 10), (9, 9)):
        keep_photo(house.instance, caller, drawn(size=size))
    with house.nothing_stored(), pytest.raises(Conflict, match="wait for their record"):
        keep_photo(house.instance, caller, drawn(size=(9, 11)))
    house.wait(days=WAITS_FOR.days + 1)
    assert keep_house(house.instance).photos == 2
    with house.instance.database.reading() as tx:
        assert photos.kept_among(tx, MEMBER, [wet]) == {wet}, "a record names it"


def test_who_records_nothing_and_who_is_of_no_unit_brings_none(house: House) -> None:
    reader = Caller(person="reader", unit=MEMBER, scopes=frozenset({Scope.READ_UNIT}), token_id="t")
    for caller in (reader, house.caller):
        with house.nothing_stored(), pytest.raises(Refused):
            keep_photo(house.instance, caller, drawn())


def test_a_photo_goes_with_the_personal_part_of_its_record(house: House) -> None:
    keys = tuple(house.enrol(MEMBER, name, Right.ERASE) for name in ("First", "Second"))
    taken, wet, _ = receive(house)
    house.wait(days=FOUR_YEARS)
    make_final(house, erase(house, taken, (keys[0], keys[1])).digest)
    with house.instance.database.transaction() as tx:
        forget_erased(tx, house.clock())
        with pytest.raises(NotFound):
            read_photo(tx, of_unit(MEMBER), taken, wet)
        assert photos.list_photos(tx) == []

"""What an operation's lines say of packages: one row for each package that a line names.

A package is one processing of a set or of a single item.  It is named by the unit that assembled
it and that unit's own serial text: `1/Q02`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache

from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import InvalidInput
from ledger.domain.names import plain_name
from ledger.domain.records.commitments import Fields, FieldValue

_NAME = re.compile(r"([1-9][0-9]{0,9})/(?![ ])([^/\x00-\x1f\x7f]{1,40})(?<![ ])")
NAME_RULE = "UNIT/SERIAL: the number of the unit that assembled it, and its serial text"
_PACKAGE_TAG = b"steriledger.package.v1\0"
_LOCK_TAG = b"steriledger.package.lock.v1\0"
_LOCKS = 1024
_SET_TAG = b"steriledger.set.v1\0"


class Deed(StrEnum):
    """What was done with a package, or what somebody says of it."""

    # reported by whoever did it
    RECEIVED_SOILED = "received_soiled"
    WASHED = "washed"
    INSPECTED = "inspected"
    ASSEMBLED = "assembled"
    LABELLED = "labelled"
    LABEL_VOIDED = "label_voided"
    STORED = "stored"
    ISSUED = "issued"
    OPENED = "opened"
    USED = "used"
    NOT_USED = "not_used"
    DISCARDED = "discarded"
    WET = "wet"
    DAMAGED = "damaged"
    MISSING = "missing"
    FOUND = "found"
    #: into a basket or a container, whose code stands beside it; out of whatever it lay in
    PUT_IN = "put_in"
    TAKEN_OUT = "taken_out"
    #: what it lies in was sealed
    SEALED = "sealed"
    NOT_SO = "not_so"
    # of a cycle: its load, and what its decision leaves out or adds
    LOADED = "loaded"
    LEFT_OUT = "left_out"
    WAITING = "waiting"
    ADDED = "added"
    # decided of named packages
    HELD = "held"
    LIFTED = "lifted"
    EXCLUDED = "excluded"
    RECALLED = "recalled"
    REPROCESS = "reprocess"
    # asked and answered in a recall
    ASKED_BACK = "asked_back"
    ANSWERED = "answered"
    # between units
    DISPATCHED = "dispatched"
    HANDED_OVER = "handed_over"
    CARRIED = "carried"
    RECEIVED = "received"
    #: it was not in the box
    SHORT = "short"
    REFUSED = "refused"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    REROUTED = "rerouted"
    LOST = "lost"
    FOUND_AGAIN = "found_again"


#: What a scan reports, in the order of a package's life.
SCANNED = tuple(deed.value for deed in list(Deed)[: list(Deed).index(Deed.NOT_SO) + 1])

#: How a line is known; every later answer carries the word.  Only `inferred` saw nothing: a sealed
#: box, taken on its list's word.
BASES = ("scanned", "counted", "ticked_off", "typed", "imported", "inferred")
INFERRED = "inferred"
#: Somebody had the package before their eyes.
SEEN = frozenset(BASES) - {INFERRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLine:
    """One line that names a package: what the fold reads, so that a trace opens no record."""

    #: `UNIT/SERIAL`
    package: str
    #: of its operation: our own order of acceptance; 0 before it was stored
    sequence: int = 0
    #: from 0, in its record
    line: int
    #: of its operation
    digest: Digest = ZERO_DIGEST
    #: its operation's name
    kind: str = ""
    #: who says it
    unit: int = 0
    deed: Deed
    #: Unix seconds; None where nobody said it
    happened: int | None = None
    #: as it was said: `about 13:00`
    happened_text: str | None = None
    #: Unix seconds, as its operation was signed
    signed_at: int = 0
    #: one of BASES; None for what a person decided
    basis: str | None = None
    #: 32 bytes: the cycle or the consignment that it belongs to
    thread: bytes | None = None
    #: place within a consignment; 0 for its dispatch
    step: int = 0
    #: unit that the package goes to next
    to_unit: int | None = None
    #: unit that it is meant for in the end
    destination: int | None = None
    owner: int | None = None
    package_class: int | None = None
    #: `UNIT/NAME` of the set
    set_name: str | None = None
    material: str | None = None
    #: the last day on which it may be used, ISO 8601
    expires: str | None = None
    code: str | None = None
    outcome: str | None = None
    #: what the gate said when it was done all the same
    against: str | None = None
    reason: str | None = None
    #: a random token of the case in which it was used
    case: str | None = None
    #: sequence of the operation that took this line back or replaced it
    ended: int | None = None

    @property
    def place(self) -> tuple[int, int]:
        """What names the line: its operation, and its number there."""
        return self.sequence, self.line


#: what an input method for Chinese that is set to full width makes of letters, digits and signs
WIDE = {0xFF00 + at: chr(0x20 + at) for at in range(1, 0x5F)}


def parse_package(text: str, *, field: str = "package") -> str:
    """The name of a package in its one form; raises InvalidInput."""
    found = find_package_name(text)
    if found is None:
        raise InvalidInput(f"{text[:60]!r} names no package", field=field, rule=NAME_RULE)
    return found


def find_package_name(text: str) -> str | None:
    """The name of a package where a text is one, or None."""
    match = _NAME.fullmatch(plain_name(text.translate(WIDE)))
    return None if match is None else f"{match[1]}/{match[2]}"


def is_package(name: str) -> bool:
    """Whether what a row is about is a package; a basket that is told of is named by its code."""
    return "/" in name


def assembler(package: str) -> int:
    """The unit that assembled a package."""
    return int(package.partition("/")[0])


def package_subject(package: str) -> bytes:
    """32 bytes under which a package's evidence is asked for."""
    return sha256(_PACKAGE_TAG + package.encode())


def package_lock(package: str) -> bytes:
    """What is locked of a package while something is told of it: one of 1,024 locks.

    A recall tells of thousands of packages at once, and a database's locks are counted.
    """
    return _LOCK_TAG + (int.from_bytes(package_subject(package)[:2], "big") % _LOCKS).to_bytes(
        2, "big"
    )


def set_subject(name: str) -> bytes:
    """32 bytes that name a set in messages."""
    return sha256(_SET_TAG + name.encode())


# ---------------------------------------------------------------- records → lines


def rows_of(facts: Fields, root: str = "lines") -> Iterator[tuple[int, Mapping[str, FieldValue]]]:
    """The lines of a record's list, each with its number."""
    rows: dict[int, dict[str, FieldValue]] = {}
    for path, value in facts.items():
        spot = _spot(root, path)
        if spot is not None:
            rows.setdefault(spot[0], {})[spot[1]] = value
    yield from sorted(rows.items())


@lru_cache(maxsize=8192)
def _spot(root: str, path: str) -> tuple[int, str] | None:
    """The number of a line and its column; made once for each path, of which there are few."""
    number, _, column = path.removeprefix(f"{root}.").partition(".")
    return (int(number), column) if path.startswith(f"{root}.") else None


def text_or_none(value: FieldValue) -> str | None:
    """A fact that is text; None stays."""
    return None if value is None else str(value)


def day_or_none(text: str) -> date | None:
    """A day as ISO 8601 writes it, `2026-11-03`; None for all else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def seconds_or_none(value: FieldValue) -> int | None:
    """A fact that is a moment as Unix seconds; None stays."""
    return None if value is None else int(datetime.fromisoformat(str(value)).timestamp())

"""What a scan's outcome may say: one closed list of words, since duties rest on them.

Parts stand with `;` between them, each once: `9/10; second person`.  What is none of the words is
no outcome; it stands in the line's note, and says nothing to a rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ledger.domain.custody.lines import Deed
from ledger.domain.records.commitments import FieldValue

#: Each word, and which fact it is.
OUTCOMES: Mapping[str, tuple[str, FieldValue]] = {
    "second person": ("second_person", True),
    "alone on shift": ("alone_on_shift", True),
    "a0 met": ("a0", "met"),
    "a0 not met": ("a0", "not_met"),
    "dry": ("dry", True),
    "intact": ("integrity", "intact"),
    "broken": ("integrity", "broken"),
    "indicator pass": ("indicator", "pass"),
    "indicator fail": ("indicator", "fail"),
    "indicator missing": ("indicator", "missing"),
    "label legible": ("label", "legible"),
    "label illegible": ("label", "illegible"),
    "conditions within": ("conditions", "within"),
    "conditions outside": ("conditions", "outside"),
    "not heat-sealed": ("heat_sealed", False),
    "seal test pass": ("seal_test", True),
    "seal test fail": ("seal_test", False),
    "closed": ("closed", True),
    "open": ("closed", False),
    "pretreated": ("pretreated", True),
    "not pretreated": ("pretreated", False),
    "special infection none": ("special_infection", "none"),
    "special infection declared": ("special_infection", "declared"),
}
#: Of these acts duties read the outcome; of all others it is free.
CLOSED = frozenset({
    Deed.RECEIVED_SOILED, Deed.WASHED, Deed.INSPECTED, Deed.ASSEMBLED, Deed.STORED, Deed.OPENED,
    Deed.USED,
})  # fmt: skip
_COUNT = re.compile(r"([0-9]{1,5})/([0-9]{1,5})")


def parts_of(text: str | None) -> Iterator[str]:
    """The parts of an outcome as they were said, without what surrounds them."""
    yield from (part.strip() for part in (text or "").split(";") if part.strip())


def parse_outcome(text: str | None) -> dict[str, FieldValue]:
    """What an outcome says; what is none of the words says nothing, nor what contradicts itself."""
    found: dict[str, set[FieldValue]] = {}
    for part in parts_of(text):
        for name, value in _facts_of(part.lower()).items():
            found.setdefault(name, set()).add(value)
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


def split_outcome(text: str | None) -> tuple[str | None, str | None]:
    """The words of the list in their one form, and what else was said."""
    known, other = list[str](), list[str]()
    for part in parts_of(text):
        (known if _facts_of(part.lower()) else other).append(part)
    words = "; ".join(dict.fromkeys(part.lower() for part in known))
    return words or None, "; ".join(other) or None


def find_contradiction(text: str | None) -> str | None:
    """`intact and broken`: two parts that say the same thing differently, or None."""
    said: dict[str, tuple[FieldValue, str]] = {}
    for part in parts_of(text):
        for name, value in _facts_of(part.lower()).items():
            before = said.setdefault(name, (value, part))
            if before[0] != value:
                return f"{before[1]} and {part}"
    return None


def _facts_of(part: str) -> dict[str, FieldValue]:
    count = _COUNT.fullmatch(part)
    if count is not None and int(count[2]) > 0:
        return {"count": int(count[1]), "expected": int(count[2])}
    if part not in OUTCOMES:
        return {}
    name, value = OUTCOMES[part]
    return {name: value}

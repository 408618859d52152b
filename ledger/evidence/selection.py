"""Which fields a file shows: patterns, matched against the records that it holds.

    pattern = [schema ":"] ["personal:"] path ["*"]

`verdict.result` is a fact of any record, `cycle-ending/1:verdict.*` facts of one schema,
`personal:performer` a personal field.  A personal field is shown only when its pattern says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue

PERSONAL = "personal:"
#: every fact that may be shown
EVERYTHING = "*"
_FACTS = "facts:"
_SCHEMAS = frozenset(act.schema for act in ACTS.values())

#: What is shown unless somebody chose: the facts of the kinds whose facts are more than their
#: messages say, the name of each unit, and no personal field.
EVERY_FACT = (
    f"{ACTS['UnitAdmission'].schema}:name",
    *(f"{act.schema}:*" for act in ACTS.values() if act.shows_facts),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to show; the patterns of EVERY_FACT unless somebody chose."""

    #: None: EVERY_FACT
    disclose: tuple[str, ...] | None = None
    #: whether the raw readings go into the file
    attach_readings: bool = False
    #: the units whose tokens of cases may be shown in a package's file
    case_units: frozenset[int] = frozenset()


Fields: TypeAlias = Mapping[str, FieldValue]
#: the shown paths of one record: facts, and personal fields
Shown: TypeAlias = tuple[list[str], list[str]]


def select(records: Iterable[tuple[str, Fields, Fields]], selection: Selection) -> list[Shown]:
    """For each record (schema, facts, personal fields) the paths to show.

    Raises InvalidInput naming the first pattern that matches nothing at all.
    """
    texts = EVERY_FACT if selection.disclose is None else selection.disclose
    patterns = [_parse(text) for text in texts]
    used: set[str] = set()

    def shown(schema: str, fields: Fields, *, is_personal: bool) -> list[str]:
        paths = []
        for path in fields:
            hits = {p.text for p in patterns if p.matches(schema, path, is_personal=is_personal)}
            used.update(hits)
            paths += [path] if hits else []
        return paths

    found = [
        (shown(schema, facts, is_personal=False), shown(schema, personal, is_personal=True))
        for schema, facts, personal in records
    ]
    # all that there is may be nothing
    idle = [text for text in texts if text not in used and text != EVERYTHING]
    if idle and selection.disclose is not None:
        raise InvalidInput(
            f"{idle[0]!r} matches no field",
            field="disclose",
            rule="[schema:][personal:]path, or a path that ends with *",
            remedy="personal fields need the prefix personal: and must not have been erased",
        )
    return found


class _Pattern(NamedTuple):
    text: str
    #: None: any
    schema: str | None
    is_personal: bool
    path: str

    def matches(self, schema: str, path: str, *, is_personal: bool) -> bool:
        if is_personal is not self.is_personal or self.schema not in {None, schema}:
            return False
        if self.path.endswith("*"):
            return path.startswith(self.path[:-1])
        return path == self.path


def _parse(text: str) -> _Pattern:
    head, colon, tail = text.partition(":")
    schema, rest = (head, tail) if colon and head in _SCHEMAS else (None, text)
    is_personal = rest.startswith(PERSONAL)
    return _Pattern(
        text, schema, is_personal, rest.removeprefix(PERSONAL if is_personal else _FACTS)
    )

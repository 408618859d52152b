"""Which fields a file shows: patterns, matched against the records that it holds.

    pattern = [schema ":"] ["personal:"] path ["*"]

`verdict.result` is a fact of any record, `cycle-ending/1:verdict.*` facts of one schema,
`personal:performer` a personal field.  A personal field is shown only when its pattern says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.schemas import SCHEMAS

PERSONAL = "personal:"
_FACTS = "facts:"

#: Every fact of the cycle and its machine and the unit's name; what the registry's other records
#: state stands in their messages already.
EVERY_FACT = (
    "unit/1:name",
    "equipment/1:*",
    "cycle-opening/1:*",
    "cycle-ending/1:*",
    "cycle-load/1:*",
    "cycle-decision/1:*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to show; the patterns of EVERY_FACT unless somebody chose."""

    #: None: every fact of the cycle, the machine and the unit's name, and no personal field
    disclose: tuple[str, ...] | None = None
    #: whether the raw readings go into the file
    attach_readings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """The shown paths of one record."""

    facts: tuple[str, ...]
    personal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
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


def select(
    records: Iterable[tuple[str, Mapping[str, FieldValue], Mapping[str, FieldValue]]],
    selection: Selection,
) -> list[Disclosed]:
    """For each record (schema, facts, personal fields) the paths to show.

    Raises InvalidInput naming the first pattern that matches nothing at all.
    """
    texts = EVERY_FACT if selection.disclose is None else selection.disclose
    patterns = [_parse(text) for text in texts]
    used: set[str] = set()
    shown = []
    for schema, facts, personal in records:
        parts = []
        for fields, is_personal in ((facts, False), (personal, True)):
            paths = []
            for path in fields:
                hits = [
                    p.text for p in patterns if p.matches(schema, path, is_personal=is_personal)
                ]
                used.update(hits)
                paths += [path] if hits else []
            parts.append(tuple(paths))
        shown.append(Disclosed(facts=parts[0], personal=parts[1]))
    idle = [text for text in texts if text not in used]
    if idle and selection.disclose is not None:
        raise InvalidInput(
            f"{idle[0]!r} matches no field",
            field="disclose",
            rule="[schema:][personal:]path, or a path that ends with *",
            remedy="personal fields need the prefix personal: and must not have been erased",
        )
    return shown


def _parse(text: str) -> _Pattern:
    rest, schema = text, None
    head, colon, tail = text.partition(":")
    if colon and head in SCHEMAS:
        schema, rest = head, tail
    is_personal = rest.startswith(PERSONAL)
    path = rest.removeprefix(PERSONAL) if is_personal else rest.removeprefix(_FACTS)
    return _Pattern(text=text, schema=schema, is_personal=is_personal, path=path)

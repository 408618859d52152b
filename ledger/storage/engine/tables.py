"""Row class → its table: each field is a column, of the type that its annotation says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import IntEnum, IntFlag, StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, LargeBinary, Table, Text
from sqlalchemy.types import TypeEngine

from ledger.domain.encoding.identifiers import (
    AssetId,
    ConsignmentId,
    CycleId,
    Digest,
    EquipmentId,
    SignerId,
)
from ledger.domain.subjects.states import Word32
from ledger.storage.engine.columns import Bytes32, Code, Counts, Sequence, UtcTime, Word, metadata

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from sqlalchemy.schema import SchemaItem

_PLAIN: Mapping[Any, type[TypeEngine[Any]]] = {
    bool: Boolean,
    str: Text,
    bytes: LargeBinary,
    datetime: UtcTime,
    **dict.fromkeys(
        (AssetId, ConsignmentId, CycleId, Digest, EquipmentId, SignerId, Word32), Bytes32
    ),
}
_NONE: Mapping[str, Any] = MappingProxyType({})


def table_of(  # noqa: PLR0913 - a table, and what its row does not say
    name: str,
    row: type[DataclassInstance],
    *more: SchemaItem,
    key: tuple[str, ...],
    is_numbered: bool = False,
    references: Mapping[str, str] = _NONE,
    types: Mapping[str, TypeEngine[Any]] = _NONE,
    integer: type[TypeEngine[int]] = BigInteger,
    **options: Any,  # noqa: ANN401 - of either database
) -> Table:
    """The table of a row's class, in the order of its fields, with further indexes and rules.

    `is_numbered`: the database gives the key, which comes first, and never a number twice.
    `references`: what a column's value must stand in, as `table.column`.  `types`: of the columns
    whose field does not tell it; `integer`: of all other whole numbers.
    """
    hints = get_type_hints(row, include_extras=True)
    names = [each.name for each in fields(row)]
    if is_numbered:
        names = [*key, *(each for each in names if each not in key)]
        types = {**types, key[0]: Sequence}
        options["sqlite_autoincrement"] = True
    columns = []
    for each in names:
        only, is_nullable = _parts(hints[each])
        columns.append(
            Column(
                each,
                types.get(each) or _sql_type(only, integer),
                *([ForeignKey(references[each])] if each in references else []),
                nullable=is_nullable,
                primary_key=each in key,
                autoincrement=is_numbered and each in key,
            )
        )
    return Table(name, metadata, *columns, *more, **options)


def _parts(hint: Any) -> tuple[Any, bool]:  # noqa: ANN401 - a type
    """The type of a field's value, and whether it may have none."""
    if get_origin(hint) not in {Union, UnionType}:
        return hint, False
    (only,) = [part for part in get_args(hint) if part is not NoneType]
    return only, True


def _sql_type(hint: Any, integer: type[TypeEngine[int]]) -> TypeEngine[Any]:  # noqa: ANN401 - a type
    if get_origin(hint) is Annotated:
        made: TypeEngine[Any] = get_args(hint)[1]
        return made
    if get_origin(hint) is not None:
        return Counts()
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Word(hint)
    if isinstance(hint, type) and issubclass(hint, IntEnum | IntFlag):
        return Code(hint)
    return integer() if hint is int else _PLAIN[hint]()

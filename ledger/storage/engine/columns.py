"""What tables are made of: their metadata and the column types that both databases hold alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated, Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from ledger.domain.errors import Inconsistent, InvalidInput
from ledger.domain.subjects.states import ClassCount

#: every table of the database; the names of constraints are fixed so that migrations can name them
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: a 64-bit number given by the database; SQLite numbers only a column typed INTEGER
Sequence = BigInteger().with_variant(Integer(), "sqlite")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TWO_63 = 1 << 63
_TWO_64 = 1 << 64


class UtcTime(TypeDecorator[datetime]):
    """An instant, stored as integer microseconds since 1970-01-01T00:00:00Z.

    The same number in both databases, so neither a session's time zone nor a driver's reading of
    text can move it.  A naive datetime is refused: nobody can say which instant it means.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> int | None:
        """Microseconds of an aware datetime; raises InvalidInput for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None or value.utcoffset() is None:
            raise InvalidInput(
                f"{value.isoformat()} has no zone", rule="a stored time is an aware datetime"
            )
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, _dialect: Dialect) -> datetime | None:
        """The instant in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Bytes32(TypeDecorator[bytes]):
    """A hash, digest or identifier of exactly 32 bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, _dialect: Dialect) -> bytes | None:
        """The bytes; raises InvalidInput when they are not 32."""
        if value is not None and len(value) != 32:  # noqa: PLR2004
            raise InvalidInput(f"has {len(value)} bytes", rule="a digest or id has 32 bytes")
        return value


class Uint64(TypeDecorator[int]):
    """A Solidity uint64 in a signed 64-bit column.

    Values from 2^63 on are stored as their two's complement: they come back unchanged, and only
    their order within the database differs.  No honest counter or clock reaches them, but anybody
    may sign one, and reading the chain must not stop at it.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> int | None:
        """The signed form; raises InvalidInput outside 0 to 2^64 - 1."""
        if value is None:
            return None
        if not 0 <= value < _TWO_64:
            raise InvalidInput(f"{value} does not fit", rule="uint64: 0 to 2^64 - 1")
        return value if value < _TWO_63 else value - _TWO_64

    def process_result_value(self, value: int | None, _dialect: Dialect) -> int | None:
        """The unsigned value."""
        return value if value is None or value >= 0 else value + _TWO_64


#: 32 bytes, an unsigned number of 64 bits and a number of 32 bits, as a row's fields say it
ThirtyTwo = Annotated[bytes, Bytes32()]
Unsigned = Annotated[int, Uint64()]
Short = Annotated[int, Integer()]


class _Member(TypeDecorator[Any]):
    """A member of one enumeration, stored as its value."""

    impl: TypeEngine[Any] | type[TypeEngine[Any]] = Text
    cache_ok = True

    def __init__(self, members: type[Enum]) -> None:
        super().__init__()
        self.members = members
        self._known = {member.value: member for member in members}

    def process_bind_param(self, value: object, _dialect: Dialect) -> object:
        """The member's value; raises InvalidInput for anything that is no member."""
        if value is None:
            return None
        try:
            return self.members(value).value
        except ValueError:
            raise InvalidInput(
                f"{value!r} is not one of {self.members.__name__}",
                rule=", ".join(str(member.value) for member in self.members),
            ) from None

    def process_result_value(self, value: object, _dialect: Dialect) -> object:
        """The member; raises Inconsistent when the database holds something else."""
        known = self._known.get(value)
        if known is not None or value is None:
            return known
        try:
            return self.members(value)  # several flags at once
        except ValueError:
            raise Inconsistent(
                f"the database holds {value!r} where {self.members.__name__} belongs",
                remedy="the database was written by another version, or by hand",
            ) from None


class Word(_Member):
    """A member of a StrEnum, stored as text."""

    cache_ok = True


class Code(_Member):
    """A member of an IntEnum or IntFlag, stored as a number."""

    impl = BigInteger
    cache_ok = True


class Counts(TypeDecorator[Mapping[int, ClassCount]]):
    """Packages by class, as JSON text: `{"1":[4,0]}`, declared and released."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self, value: Mapping[int, ClassCount] | None, _dialect: Dialect
    ) -> str | None:
        """Its text, ascending by class."""
        if value is None:
            return None
        rows = {str(each): [value[each].declared, value[each].released] for each in sorted(value)}
        return json.dumps(rows, separators=(",", ":"))

    def process_result_value(
        self, value: str | None, _dialect: Dialect
    ) -> Mapping[int, ClassCount] | None:
        """The counts; raises Inconsistent for what is none."""
        if value is None:
            return None
        try:
            return {
                int(each): ClassCount(declared=int(declared), released=int(released))
                for each, (declared, released) in json.loads(value).items()
            }
        except (ValueError, TypeError, AttributeError):
            raise Inconsistent(
                "the index holds counts that are none", remedy="run: steriledger rebuild"
            ) from None

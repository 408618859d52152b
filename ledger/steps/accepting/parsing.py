"""A value as people say it → as a draft takes it, by the sort of its field.

Plain form: text, whole numbers, true and false, lists, objects, and moments with their zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial, reduce, singledispatch
from operator import or_
from typing import Any, TypeVar

from sqlalchemy import Connection

from ledger.domain.acts import vocabulary as sorts
from ledger.domain.acts.vocabulary import ConsignmentReference, CycleReference, Machine
from ledger.domain.acts.words import Right
from ledger.domain.callers import Caller
from ledger.domain.custody.codes import read_shot
from ledger.domain.encoding.identifiers import Digest, parse_hex32
from ledger.domain.encoding.moments import require_moment
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.machines.profiles import get_profile
from ledger.domain.statement.periods import parse_period
from ledger.keys.accounts import ADDRESS_BYTES
from ledger.steps.accepting.meaning import resolve_package, resolve_set
from ledger.steps.accepting.photographing import Picture
from ledger.steps.accepting.profiles import known_profiles
from ledger.steps.accepting.resolving import (
    find_numbers,
    is_id,
    machine_of,
    resolve_asset,
    resolve_consignment,
    resolve_machine,
    resolve_reference,
    resolve_signer,
    resolve_unit,
)
from ledger.steps.accepting.standing import Accepted
from ledger.storage.packages import find_package

T = TypeVar("T")

_ID_DIGITS = 2 + 2 * 32
#: a longer number is not repeated in an error
_LONGEST_SHOWN = 2**64


@dataclass(slots=True, kw_only=True)
class Asker:
    """For whom names are found."""

    tx: Connection
    caller: Caller
    #: the unit that acts; None until a subject says which
    unit: int | None = None
    #: numbers of units that were found already, by how they were named
    units: dict[str, int] = field(default_factory=dict)
    #: how what is named stands; each state is read once
    accepted: Accepted = field(init=False)

    def __post_init__(self) -> None:
        """What was accepted until now."""
        self.accepted = Accepted(self.tx)

    def unit_number(self, named: int | str, *, field: str) -> int:
        """A unit's number; raises NotFound naming the field."""
        found = self.units.get(str(named))
        if found is None:
            found = naming(field, lambda: resolve_unit(self.tx, str(named)).number)
            self.units[str(named)] = found
        return found

    def acting_unit(self) -> int:
        """The unit that acts; raises InvalidInput where nothing says which."""
        if self.unit is None:
            raise InvalidInput("is missing", field="unit", rule="the unit that acts, or its code")
        return self.unit


def naming(field: str, find: Callable[[], T]) -> T:
    """What is found; an error names the field that was looked for."""
    try:
        return find()
    except (InvalidInput, NotFound) as error:
        error.field = field
        raise


@singledispatch
def parse(sort: sorts.Sort, value: Any, asker: Asker, field: str) -> Any:
    """A value in plain form → as the draft takes it; raises InvalidInput or NotFound.

    Some are themselves: what they may be is their schema's rule.
    """
    if not isinstance(sort, sorts.Words | sorts.Serial | sorts.Switch | sorts.Measured):
        raise AssertionError(sort)  # noqa: TRY004 - a sort was added, and not how it is parsed
    return value


@parse.register
def _(sort: sorts.Choice, value: str, asker: Asker, field: str) -> Any:
    return sort.of[_word(sort.words, value, field).upper()]


@parse.register
def _(sort: sorts.OneOf, value: str, asker: Asker, field: str) -> str:
    return _word(sort.words, value, field)


@parse.register
def _(sort: sorts.Flags, value: Sequence[str], asker: Asker, field: str) -> Any:
    members = [sort.of[_word(sort.words, each, field).upper()] for each in value]
    return reduce(or_, members, sort.of(0))


@parse.register
def _(sort: sorts.Whole, value: int, asker: Asker, field: str) -> int:
    if not sort.low <= value <= sort.high:
        raise InvalidInput(
            f"{value if abs(value) < 2**64 else 'a number'} does not fit",
            field=field,
            rule=f"a whole number from {sort.low} to {sort.high}",
        )
    return value


@parse.register
def _(sort: sorts.Numbers, value: Sequence[int], asker: Asker, field: str) -> tuple[int, ...]:
    for number in value:
        if not 1 <= number <= sort.most:
            raise InvalidInput("does not fit", field=field, rule=f"numbers from 1 to {sort.most}")
    return tuple(sorted(set(value)))


@parse.register
def _(sort: sorts.Moment, value: datetime, asker: Asker, field: str) -> datetime:
    return require_moment(value, field=field)


@parse.register
def _(sort: sorts.Zone, value: str, asker: Asker, field: str) -> str:
    # The parsers beside it are not loaded for values without a zone.
    from ledger.readings import zone_named  # noqa: PLC0415

    zone_named(value, field=field)
    return value


@parse.register
def _(sort: sorts.Profile, value: str, asker: Asker, field: str) -> str:
    naming(field, lambda: get_profile(value, profiles=known_profiles(asker.tx)))
    return value


@parse.register
def _(sort: sorts.Named, value: Any, asker: Asker, field: str) -> Any:
    return _RESOLVERS[sort.what](asker, value, field)


@parse.register
def _(sort: sorts.MachineNamed, value: str, asker: Asker, field: str) -> Machine:
    return naming(field, lambda: machine_of(resolve_machine(asker.tx, asker.caller, value)))


@parse.register
def _(sort: sorts.CycleNamed, value: str, asker: Asker, field: str) -> CycleReference:
    found = naming(field, lambda: resolve_reference(asker.tx, asker.caller, value))
    asker.caller.require_unit(found.machine.unit)
    return found


@parse.register
def _(sort: sorts.PackageNamed, value: str, asker: Asker, field: str) -> str:
    return naming(field, lambda: resolve_package(asker.tx, value, unit_number=_numbering(asker)))


@parse.register
def _(sort: sorts.PackageOrBasket, value: str, asker: Asker, field: str) -> str:
    numbers = _numbering(asker)
    return read_shot(value).basket or naming(
        field, lambda: resolve_package(asker.tx, value, unit_number=numbers)
    )


@parse.register
def _(sort: sorts.SubjectNamed, value: str, asker: Asker, field: str) -> str:
    if is_id(value):
        return parse_hex32(value, field=field).hex()
    tx, caller, package = asker.tx, asker.caller, None
    found: list[str] = []
    with suppress(InvalidInput, NotFound):
        package = resolve_package(tx, value, unit_number=_numbering(asker))
        found += [package] if find_package(tx, package) is not None else []
    for resolve in (resolve_reference, resolve_consignment, resolve_asset):
        with suppress(InvalidInput, NotFound):
            found.append(resolve(tx, caller, value).id.hex())
    if len(found) > 1:
        raise InvalidInput(
            f"{value[:80]!r} names more than one thing", field=field, rule="name it by its id"
        )
    if not found and package is None:
        raise InvalidInput(
            f"{value[:80]!r} names nothing that is known here",
            field=field,
            rule="a package as UNIT/SERIAL, a cycle, a consignment or an asset as it is called, "
            "or an id",
        )
    return found[0] if found else str(package)


@parse.register
def _(sort: sorts.SetNamed, value: str, asker: Asker, field: str) -> str:
    return naming(field, lambda: resolve_set(value, asker.unit, unit_number=_numbering(asker)))


def _numbering(asker: Asker) -> Callable[[str], int]:
    return lambda text: asker.unit_number(text, field="unit")


@parse.register
def _(sort: sorts.ConsignmentNamed, value: str, asker: Asker, field: str) -> ConsignmentReference:
    return naming(field, lambda: resolve_consignment(asker.tx, asker.caller, value, asker.accepted))


@parse.register
def _(sort: sorts.Hash, value: str, asker: Asker, field: str) -> str:
    return parse_hex32(value, field=field).hex()


@parse.register
def _(sort: sorts.Photo, value: str | Picture, asker: Asker, field: str) -> str | Picture:
    """A picture stays one until it is known whose it is."""
    return value if isinstance(value, Picture) else parse_hex32(value, field=field).hex()


@parse.register
def _(sort: sorts.Lines, value: Sequence[Mapping[str, Any]], asker: Asker, field: str) -> Any:
    if not sort.fewest <= len(value) <= sort.most:
        raise InvalidInput(
            f"has {len(value)} lines", field=field, rule=f"{sort.fewest} to {sort.most} lines"
        )
    named = [name for name, column in sort.columns.items() if column == sorts.Named("unit")]
    texts = {str(line[name]) for line in value for name in named if line.get(name) is not None}
    asker.units |= find_numbers(asker.tx, texts)
    return [
        {
            name: None
            if line.get(name) is None
            else parse(column, line[name], asker, f"{field}.{index}.{name}")
            for name, column in sort.columns.items()
        }
        for index, line in enumerate(value)
    ]


@parse.register
def _(sort: sorts.Each, value: Mapping[str, str], asker: Asker, field: str) -> Any:
    return {
        _word(sort.names, name, field): _word(sort.words, said, f"{field}.{name}")
        for name, said in value.items()
    }


@parse.register
def _(sort: sorts.Parts, value: Mapping[str, Any], asker: Asker, field: str) -> Any:
    return {
        part.name: parse(part.of, value[part.name], asker, f"{field}.{part.name}")
        for part in sort.parts
        if value.get(part.name) is not None
    }


@parse.register
def _(sort: sorts.ReadingPart, value: Mapping[str, Any], asker: Asker, field: str) -> Any:
    return {**value, "sha256": parse_hex32(value["sha256"], field=f"{field}.sha256")}


@parse.register
def _(sort: sorts.NewKey | sorts.Signing, value: str, asker: Asker, field: str) -> Any:
    if isinstance(sort, sorts.Signing) and not _is_key(value):
        return value
    digits = value.removeprefix("0x")
    if not _is_key(value):
        raise InvalidInput(
            f"{digits[:40]!r} is no key",
            field=field,
            rule="0x and the hexadecimal digits of an account, or of a verifier and its key",
        )
    return bytes.fromhex(digits)


def _word(words: Sequence[str], value: str, field: str) -> str:
    if value not in words:
        raise InvalidInput(
            f"{value[:60]!r} is unknown", field=field, rule=f"one of {', '.join(words)}"
        )
    return value


def _is_key(text: str) -> bool:
    """Whether a text can only be the bytes of a key: an account, or longer than an id."""
    if not text.startswith("0x") or len(text) % 2 or len(text) == _ID_DIGITS:
        return False
    digits = text[2:]
    return len(digits) >= 2 * ADDRESS_BYTES and all(c in "0123456789abcdefABCDEF" for c in digits)


def _equipment(asker: Asker, value: str, field: str) -> bytes:
    return naming(field, lambda: resolve_machine(asker.tx, asker.caller, value).id)


def _asset(asker: Asker, value: str, field: str, *, had: bool = False) -> bytes:
    caller, unit = asker.caller, asker.unit
    return naming(field, lambda: resolve_asset(asker.tx, caller, value, unit=unit, had=had).id)


def _consignment(asker: Asker, value: str, field: str) -> bytes:
    found: ConsignmentReference = parse(sorts.ConsignmentNamed(), value, asker, field)
    return found.id


def _digest(asker: Asker, value: str, field: str) -> Digest:
    return Digest(parse_hex32(value, field=field))


def _signer(asker: Asker, value: str, field: str) -> bytes:
    unit = asker.acting_unit()
    return naming(field, lambda: resolve_signer(asker.tx, asker.caller, unit, Right(0), value).id)


def _anything(asker: Asker, value: str, field: str) -> bytes:
    if is_id(value):
        return parse_hex32(value, field=field)
    if "/" in value:
        return naming(field, lambda: resolve_reference(asker.tx, asker.caller, value).id)
    return _equipment(asker, value, field)


#: How each `Named` is found, by what it names.
_RESOLVERS: Mapping[str, Callable[[Asker, Any, str], Any]] = {
    "unit": lambda asker, value, field: asker.unit_number(value, field=field),
    "equipment": _equipment,
    "asset": _asset,
    # What the acting unit has or had: what is found afterwards is its to say as well.
    "asset_had": partial(_asset, had=True),
    "consignment": _consignment,
    "operation": _digest,
    "service": _digest,
    "hash": _digest,
    "period": lambda _asker, value, field: parse_period(value, field=field).word,
    "signer": _signer,
    "anything": _anything,
}

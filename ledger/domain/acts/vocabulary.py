"""What an act is made of: one declaration, from which all that only repeats it is derived.

A field says three things at once: how people give it, what is signed of it, and what the record
holds.  `Act` adds who may sign, what it is about, which rules keep it out, and what it changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from enum import Enum, IntEnum, IntFlag, auto
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeVar, cast

from ledger.domain.acts.words import Contract, Custody, Party, Right
from ledger.domain.callers import Scope
from ledger.domain.custody.lines import PackageLine, set_subject
from ledger.domain.encoding.abi import Member, Scalar, Struct, Value
from ledger.domain.encoding.identifiers import (
    ZERO_DIGEST,
    ConsignmentId,
    CycleId,
    Digest,
    EquipmentId,
    cycle_id,
    serial_hash,
    signer_id,
    to_hex,
)
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput
from ledger.domain.names import plain_name, plain_or_none
from ledger.domain.records import schemas
from ledger.domain.records.commitments import FieldValue
from ledger.domain.records.schemas import FieldRule, Schema, make_schema

if TYPE_CHECKING:
    from ledger.domain.custody.standing import Order, Suspension

Message: TypeAlias = Mapping[str, Value]
Facts: TypeAlias = Mapping[str, FieldValue]

UINT32 = 2**32 - 1


# ---------------------------------------------------------------- how people give a field


class Given(Enum):
    """Who says a field."""

    #: whoever asks
    ALWAYS = auto()
    #: whoever asks; left out, it is recorded as not entered, or as the field's default
    OPTIONAL = auto()
    #: whoever asks; left out, it is as the subject stands
    STANDING = auto()
    #: what the person saw: a program names it, null for none; the command line takes what stands
    JUDGED = auto()
    #: nobody: it follows from the rest, or from what stands
    NEVER = auto()


# ---------------------------------------------------------------- references to a subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine, as its cycles' records name it."""

    id: EquipmentId
    unit: int
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReference:
    """A cycle, and how its records name it."""

    machine: Machine
    epoch: int
    number: int

    @property
    def id(self) -> CycleId:
        """The cycle's id, as the contract computes it."""
        return cycle_id(self.machine.id, self.epoch, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentReference:
    """A consignment, and how its records name it."""

    id: ConsignmentId
    giver: int
    #: the giver's own slip number; None where only the chain knows the consignment
    slip: str | None


# ---------------------------------------------------------------- sorts of values


class Sort:
    """A sort of value: its Solidity type, its rule in a record, and its two forms.

    `signed` and `facts` take a value as it was given; `facts` takes a signed one as well, so that
    a verifier can say what the record has to hold by what was signed.
    """

    __slots__ = ()

    #: None for what only the record holds
    solidity: ClassVar[str | None] = None

    def type_name(self) -> str | None:
        """The Solidity type; None for what only the record holds."""
        return self.solidity

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """What the record may hold, by path."""
        raise NotImplementedError

    def signed(self, value: Any) -> Any:
        """As the message holds it; most is signed as it was given."""
        return value

    def facts(self, path: str, value: Any) -> Facts:
        """As the record holds it; `value` as given, or as signed, and most is recorded so."""
        return {path: value}

    def confirms(self, path: str, shown: FieldValue, signed: Value, *, root: str) -> bool:
        """Whether a shown fact at `path`, of the field at `root`, is what was signed."""
        expected = self.facts(root, signed).get(path, _NOTHING)
        return shown == expected and type(shown) is type(expected)


_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Choice(Sort):
    """A member of an enumeration: a number in the message, a word everywhere else."""

    of: type[IntEnum]
    is_signed: bool = True

    def type_name(self) -> str | None:
        """One byte."""
        return "uint8" if self.is_signed else None

    @property
    def words(self) -> tuple[str, ...]:
        """The words to choose from."""
        return tuple(member.name.lower() for member in self.of)

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """One of the words."""
        return {path: schemas.choice(*self.words, required=required)}

    def signed(self, value: int) -> int:
        """Its number."""
        return int(value)

    def facts(self, path: str, value: int | None) -> Facts:
        """Its word; raises InvalidInput for a number that is none."""
        if value is None:
            return {path: None}
        try:
            return {path: self.of(value).name.lower()}
        except ValueError:
            raise InvalidInput(
                f"{value} is unknown", field=path, rule=f"one of {', '.join(self.words)}"
            ) from None


@dataclass(frozen=True, slots=True)
class Flags(Sort):
    """Several members of a set: bits in the message, words in the record."""

    of: type[IntFlag]
    solidity_type: str

    def type_name(self) -> str:
        """As wide as the contract has it."""
        return self.solidity_type

    @property
    def words(self) -> tuple[str, ...]:
        """The words to choose from."""
        return tuple(str(member.name).lower() for member in self.of)

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Words, with commas between them."""
        return {path: schemas.text(200, required=required)}

    def signed(self, value: int) -> int:
        """Its bits."""
        return int(value)

    def facts(self, path: str, value: int) -> Facts:
        """Its words in the order of their bits."""
        return {path: flag_words(self.of, value)}


def flag_words(of: type[IntFlag], bits: int) -> str:
    """The members of a set in words; `none` for the empty one."""
    found = [str(member.name).lower() for member in of if member & bits]
    return ", ".join(found) or "none"


@dataclass(frozen=True, slots=True)
class Whole(Sort):
    """A whole number."""

    low: int
    high: int
    #: None where only the record holds it
    solidity_type: str | None = "uint32"

    def type_name(self) -> str | None:
        """As wide as the contract has it."""
        return self.solidity_type

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Within its bounds."""
        return {path: schemas.integer(self.low, self.high, required=required)}


@dataclass(frozen=True, slots=True)
class Numbers(Sort):
    """Some of the numbers from 1 to 256: the bits of a word in the message, text in the record."""

    solidity: ClassVar[str | None] = "bytes32"
    most: ClassVar[int] = 8 * len(ZERO_DIGEST)

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """The numbers, with commas between them."""
        return {path: schemas.text(5 * self.most, required=required)}

    def signed(self, value: Sequence[int]) -> bytes:
        """Number n is bit n - 1 from the right."""
        return sum(1 << number - 1 for number in set(value)).to_bytes(len(ZERO_DIGEST), "big")

    def read(self, signed: bytes) -> tuple[int, ...]:
        """The numbers in a word, ascending."""
        bits = int.from_bytes(signed, "big")
        return tuple(number for number in range(1, self.most + 1) if bits >> number - 1 & 1)

    def facts(self, path: str, value: Sequence[int] | bytes | None) -> Facts:
        """Ascending; null for none."""
        numbers = self.read(value) if isinstance(value, bytes) else sorted(set(value or ()))
        return {path: ", ".join(map(str, numbers)) or None}


@dataclass(frozen=True, slots=True)
class Words(Sort):
    """Text that a person enters; only the record holds it."""

    longest: int = 200

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """So many characters."""
        return {path: schemas.text(self.longest, required=required)}


@dataclass(frozen=True, slots=True)
class Name(Words):
    """The name of a person or a thing, in its one form."""

    def facts(self, path: str, value: str | None) -> Facts:
        """As everybody who types it sees it."""
        return {path: plain_or_none(value)}


@dataclass(frozen=True, slots=True)
class Zone(Words):
    """The zone of a clock, which there is: an IANA name or an offset from UTC."""

    longest: int = 60


@dataclass(frozen=True, slots=True)
class Profile(Words):
    """A thermal profile by its name, which there is."""

    longest: int = 80


@dataclass(frozen=True, slots=True)
class OneOf(Sort):
    """One of a few words; only the record holds it."""

    words: tuple[str, ...]

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """One of them."""
        return {path: schemas.choice(*self.words, required=required)}


@dataclass(frozen=True, slots=True)
class Switch(Sort):
    """Yes or no; only the record holds it."""

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """True or false."""
        return {path: schemas.flag(required=required)}


@dataclass(frozen=True, slots=True)
class Measured(Sort):
    """A measured value as decimal text, its unit in the field's name; only the record holds it."""

    low: str
    high: str

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Within its bounds."""
        return {path: schemas.decimal(self.low, self.high, required=required)}


@dataclass(frozen=True, slots=True)
class Moment(Sort):
    """A moment: Unix seconds in the message, 0 for none; UTC text in the record."""

    is_signed: bool = True

    def type_name(self) -> str | None:
        """Seconds."""
        return "uint64" if self.is_signed else None

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """RFC 3339 with Z."""
        return {path: schemas.instant(required=required)}

    def signed(self, value: datetime | None) -> int:
        """Whole seconds since 1970; 0 where nothing is said."""
        return 0 if value is None else int(value.timestamp())

    def facts(self, path: str, value: datetime | None) -> Facts:
        """Its text."""
        return {path: None if value is None else instant_text(value)}

    def confirms(self, path: str, shown: FieldValue, signed: Value, *, root: str) -> bool:
        """A record may hold parts of a second; the message never does."""
        if shown is None:
            return signed == 0
        moment = datetime.fromisoformat(str(shown)).astimezone(UTC)
        return path == root and int(moment.timestamp()) == signed


@dataclass(frozen=True, slots=True)
class Named(Sort):
    """What people call by a name, and messages by 32 bytes; `what` says who resolves it.

    `unit` is the exception: a number in the message.
    """

    what: str
    #: of an operation: the kinds that it may be of; none: every kind
    kinds: tuple[str, ...] = field(default=(), compare=False)

    def type_name(self) -> str:
        """32 bytes; a unit is a number."""
        return "uint32" if self.what == "unit" else "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Hexadecimal digits, or a unit's number."""
        if self.what == "unit":
            return {path: schemas.integer(1, UINT32, required=required)}
        return {path: schemas.hash32(required=required)}

    def signed(self, value: Scalar | None) -> Scalar:
        """Itself; zero where there is none."""
        if value is None:
            return 0 if self.what == "unit" else ZERO_DIGEST
        return value

    def facts(self, path: str, value: Scalar | None) -> Facts:
        """Its digits; null for zero."""
        return {path: hex_or_none(value) if isinstance(value, bytes) else value or None}


DIGEST = Named("operation")


@dataclass(frozen=True, slots=True)
class NewKey(Sort):
    """A key that comes into the group: ERC-7913 bytes as given, its signer id everywhere else.

    It signs as `Party.NEW_KEY`.
    """

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Its id."""
        return {path: schemas.hash32(required=required)}

    def signed(self, value: bytes) -> bytes:
        """Its id."""
        return signer_id(value)

    def facts(self, path: str, value: bytes) -> Facts:
        """Its id; a signed value is one already."""
        return {path: (value if len(value) == len(ZERO_DIGEST) else signer_id(value)).hex()}


@dataclass(frozen=True, slots=True)
class Serial(Sort):
    """A number that is written on something: its hash in the message, its text in the record."""

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Short text."""
        return {path: schemas.text(60, required=required)}

    def signed(self, value: str | None) -> bytes:
        """Keccak-256 of it; zero where there is none."""
        return ZERO_DIGEST if value is None else serial_hash(plain_name(value))

    def facts(self, path: str, value: str | None) -> Facts:
        """Itself, in its one form."""
        return {path: plain_or_none(value)}

    def confirms(self, path: str, shown: FieldValue, signed: Value, *, root: str) -> bool:
        """Its hash was signed."""
        if shown is None:
            return path == root and signed == ZERO_DIGEST
        return path == root and isinstance(shown, str) and serial_hash(shown) == signed


@dataclass(frozen=True, slots=True)
class PackageNamed(Words):
    """A package by its name, `UNIT/SERIAL`, or by a code that is on it."""

    longest: int = 60


@dataclass(frozen=True, slots=True)
class PackageOrBasket(PackageNamed):
    """The same, or a basket by its code, where it goes into a container or comes out of one."""


@dataclass(frozen=True, slots=True)
class SubjectNamed(Words):
    """What is asked about: a package by its name, all else by the digits of its id."""

    longest: int = 80


@dataclass(frozen=True, slots=True)
class SetNamed(Sort):
    """A set: 32 bytes in the message, `UNIT/NAME` in the record."""

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Its name."""
        return {path: schemas.text(80, required=required)}

    def signed(self, value: str) -> bytes:
        """The hash of its name."""
        return set_subject(value)

    def confirms(self, path: str, shown: FieldValue, signed: Value, *, root: str) -> bool:
        """Its hash was signed."""
        return path == root and isinstance(shown, str) and set_subject(shown) == signed


@dataclass(frozen=True, slots=True)
class MachineNamed(Sort):
    """A machine: its id in the message; id and serial number in the record."""

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """The id, and what the maker wrote on it."""
        return {
            path: schemas.hash32(required=required),
            "machine.serial": schemas.text(60, required=required),
        }

    def signed(self, value: Machine) -> bytes:
        """Its id."""
        return value.id

    def facts(self, path: str, value: Machine | bytes) -> Facts:
        """Both; of a signed value the id alone."""
        if isinstance(value, bytes):
            return {path: value.hex()}
        return {path: value.id.hex(), "machine.serial": value.serial}


@dataclass(frozen=True, slots=True)
class CycleNamed(Sort):
    """A cycle: its id in the message; in the record how people find it again."""

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Id, machine, epoch and number."""
        return {
            path: schemas.hash32(required=required),
            **MachineNamed().rules("equipment", required=required),
            "machine.epoch": schemas.integer(1, UINT32, required=required),
            "machine.number": schemas.integer(1, required=required),
        }

    def signed(self, value: CycleReference) -> bytes:
        """Its id."""
        return value.id

    def facts(self, path: str, value: CycleReference | bytes) -> Facts:
        """All; of a signed value the id alone."""
        if isinstance(value, bytes):
            return {path: value.hex()}
        return {
            path: value.id.hex(),
            **MachineNamed().facts("equipment", value.machine),
            "machine.epoch": value.epoch,
            "machine.number": value.number,
        }


@dataclass(frozen=True, slots=True)
class ConsignmentNamed(Sort):
    """A consignment: its id in the message; in the record giver and slip number as well."""

    solidity: ClassVar[str | None] = "bytes32"

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Id, giver, and the number on the slip."""
        return {
            path: schemas.hash32(required=required),
            "giver": schemas.integer(1, UINT32, required=required),
            "slip": schemas.text(60),
        }

    def signed(self, value: ConsignmentReference) -> bytes:
        """Its id."""
        return value.id

    def facts(self, path: str, value: ConsignmentReference | bytes) -> Facts:
        """All; of a signed value the id alone."""
        if isinstance(value, bytes):
            return {path: value.hex()}
        return {path: value.id.hex(), "giver": value.giver, "slip": value.slip}


@dataclass(frozen=True, slots=True)
class Lines(Sort):
    """A list: lines of columns, each by a sort of its own.

    `struct` names the Solidity struct of a line; empty where only the record holds the list.
    """

    columns: Mapping[str, Sort]
    struct: str = ""
    fewest: int = 0
    most: int = 256
    #: columns that nobody may have entered
    optional: frozenset[str] = frozenset()
    #: columns that people may leave out, since they then follow from the others
    follows: frozenset[str] = frozenset()

    def type_name(self) -> str | None:
        """A list of structs."""
        return f"{self.struct}[]" if self.struct else None

    @property
    def members(self) -> Struct:
        """The struct of a line."""
        return Struct(
            name=self.struct,
            members=tuple(
                Member(name=camel(name), type=str(column.type_name()))
                for name, column in self.columns.items()
            ),
        )

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:  # noqa: ARG002
        """Each column's, for every line."""
        found: dict[str, FieldRule] = {}
        for name, column in self.columns.items():
            found |= column.rules(f"{path}[].{name}", required=name not in self.optional)
        return found

    def signed(self, value: Sequence[Mapping[str, Any]]) -> Value:
        """A struct each."""
        return [
            {camel(name): cast("Scalar", c.signed(line[name])) for name, c in self.columns.items()}
            for line in value
        ]

    def facts(self, path: str, value: Sequence[Mapping[str, Any]]) -> Facts:
        """Numbered from 0."""
        found: dict[str, FieldValue] = {}
        for index, line in enumerate(value):
            for name, column in self.columns.items():
                given = line.get(name, line.get(camel(name)))
                found |= column.facts(f"{path}.{index}.{name}", given)
        return found

    def confirms(self, path: str, shown: FieldValue, signed: Value, *, root: str) -> bool:
        """By the column, in the line of that number."""
        number, _, name = path.removeprefix(f"{root}.").partition(".")
        if isinstance(signed, int | bytes) or not int(number) < len(signed):
            return False
        return self.columns[name].confirms(path, shown, signed[int(number)][camel(name)], root=path)


@dataclass(frozen=True, slots=True)
class Each(Sort):
    """Several facts of one choice each, by name; what is left out is `absent`."""

    names: tuple[str, ...]
    words: tuple[str, ...]
    absent: str

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:  # noqa: ARG002
        """A word for each name."""
        return {f"{path}.{n}": schemas.choice(*self.words, required=True) for n in self.names}

    def facts(self, path: str, value: Mapping[str, str] | None) -> Facts:
        """All of them; raises InvalidInput for a name that is none."""
        value = value or {}
        unknown = sorted(set(value) - set(self.names))
        if unknown:
            raise InvalidInput(
                f"{', '.join(unknown)} is unknown",
                field=path,
                rule=f"one of {', '.join(self.names)}",
            )
        return {f"{path}.{name}": value.get(name, self.absent) for name in self.names}


@dataclass(frozen=True, slots=True)
class Stated(Sort):
    """Facts that somebody else computed, by path below this one: a verdict, a machine's print."""

    columns: Mapping[str, FieldRule]

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:  # noqa: ARG002
        """As they are."""
        return {_below(path, name): rule for name, rule in self.columns.items()}

    def facts(self, path: str, value: Facts | None) -> Facts:
        """As they are; what is not stated is null.  Raises InvalidInput for what there is not."""
        value = value or {}
        for name in value:
            if name not in self.columns:
                raise InvalidInput("is unknown", field=_below(path, name), rule="a schema's fact")
        return {_below(path, name): value.get(name) for name in self.columns}


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@dataclass(frozen=True, slots=True)
class Hash(Sort):
    """32 bytes as hexadecimal digits; only the record holds it."""

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """64 digits."""
        return {path: schemas.hash32(required=required)}


@dataclass(frozen=True, slots=True)
class Photo(Hash):
    """SHA-256 of a photo; each door takes the picture as well, and keeps it beside the record."""


@dataclass(frozen=True, slots=True)
class Fixed(Sort):
    """One word that the record always holds."""

    word: str

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:  # noqa: ARG002
        """That word."""
        return {path: schemas.choice(self.word, required=True)}

    def facts(self, path: str, value: object) -> Facts:  # noqa: ARG002
        """That word."""
        return {path: self.word}


@dataclass(frozen=True, slots=True)
class Parts(Sort):
    """Several values under one name, each of which may be left out."""

    parts: tuple[Field, ...]

    def rules(self, path: str, *, required: bool) -> Mapping[str, FieldRule]:
        """Each part's."""
        return {
            full: rule
            for part in self.parts
            for full, rule in part.of.rules(f"{path}.{part.name}", required=required).items()
        }

    def facts(self, path: str, value: Mapping[str, Any] | None) -> Facts:
        """Each part's; what is left out is null."""
        value = value or {}
        return {
            full: fact
            for part in self.parts
            for full, fact in part.of.facts(f"{path}.{part.name}", value.get(part.name)).items()
        }


@dataclass(frozen=True, slots=True)
class ReadingPart(Sort):
    """One cycle of a kept reading: the file's SHA-256, and which of its cycles.

    Neither signed nor recorded as such: what it reports is.
    """


@dataclass(frozen=True, slots=True)
class Signing(Sort):
    """The key that signs, named as a signer or by its bytes; the message names it in its ending."""


# ---------------------------------------------------------------- fields


@dataclass(frozen=True, slots=True)
class Field:
    """One row of an act."""

    #: as bodies and options spell it
    name: str
    of: Sort
    #: what it is, for bodies, options and documents
    help: str = ""
    _: KW_ONLY
    given: Given = Given.ALWAYS
    #: what it is when it is left out; None: not entered
    default: Any = None
    #: the message's member; "" when only the record holds it
    member: str | None = None
    #: the record's path; "" when only the message holds it
    path: str | None = None
    #: whether the record must hold it; by default what is always given
    required: bool | None = None
    #: whether it names a person, and so stands in the part that can be erased
    is_personal: bool = False
    #: whether the command line takes it by its place
    is_argument: bool = False
    #: the option's name on the command line where that is not the field's: `line` for one of lines
    option: str = ""
    #: the member of its subject's state that says how it stands; by default its own name
    standing: str = ""

    @property
    def signed_as(self) -> str:
        """The message's member; empty when there is none."""
        if self.of.type_name() is None:
            return ""
        return camel(self.name) if self.member is None else self.member

    @property
    def recorded_as(self) -> str | None:
        """The record's path; None when the record does not hold it."""
        return self.name if self.path is None else (self.path or None)

    @property
    def stands_as(self) -> str:
        """The member of its subject's state that it is where nobody says it; empty for most."""
        if self.given in {Given.ALWAYS, Given.OPTIONAL}:
            return ""
        return self.standing or ("" if self.given is Given.NEVER else self.name)

    @property
    def must_be_recorded(self) -> bool:
        """Whether the record must hold it."""
        if self.required is not None:
            return self.required
        return self.given in {Given.ALWAYS, Given.STANDING, Given.NEVER}

    @property
    def record_root(self) -> str | None:
        """Where its facts begin in the record; a `Stated` may begin at the top."""
        if isinstance(self.of, Stated):
            return self.path if self.path is not None else self.name
        return self.recorded_as


def optional_field(name: str, of: Sort, help: str = "", **further: Any) -> Field:  # noqa: A002
    """A field that may be left out; `further` is as `Field` has it."""
    return Field(name, of, help, given=Given.OPTIONAL, **further)


def lines_field(of: Lines | Numbers, help: str, *, option: str = "line") -> Field:  # noqa: A002
    """A list that may be left out, which people type line by line."""
    return optional_field("lines", of, help, default=(), option=option)


def cycle_field() -> Field:
    """The cycle that an act is about."""
    how = "id, machine/number or machine/epoch/number"
    return Field("cycle", CycleNamed(), how, is_argument=True)


def unit_field() -> Field:
    """The acting unit, which every record states of itself."""
    return Field("unit", Named("unit"), given=Given.NEVER, path="")


def key_field(member: str) -> Field:
    """The key that an act brings into the group."""
    return optional_field(
        "key",
        NewKey(),
        "left out for custody server, where this instance makes it",
        member=member,
        path=member,
        required=True,
    )


def custody_field() -> Field:
    """Who holds the private key that an act brings."""
    return optional_field(
        "custody",
        Choice(Custody),
        "who holds the private key",
        default=Custody.SERVER,
        required=True,
    )


def replaces_field(called: str, *, standing: str = "") -> Field:
    """The operation that this one amends: what it is called, and which member of the state it is.

    The member is called the same unless it is said.
    """
    return Field(
        "replaces",
        DIGEST,
        f"digest of the {called} that this one replaces; null: there is none",
        given=Given.JUDGED,
        path="supersedes",
        required=False,
        standing=standing or called,
    )


# ---------------------------------------------------------------- what stands


S = TypeVar("S")


class View(Protocol):
    """The states of subjects, as far as somebody knows them."""

    def find(self, cls: type[S], *key: object) -> S | None:
        """The state with that key, or None."""

    def put(self, state: object) -> None:
        """Keep a state, in place of the one with its key."""


class Records(Protocol):
    """What earlier records say; acceptance has them, a verifier only what is shown."""

    def facts_of(self, digest: bytes) -> Facts:
        """The facts of one operation's record."""

    def facts_about(self, subject: bytes, *kinds: str) -> Iterator[Facts]:
        """The facts of every standing operation of these kinds about a subject, oldest first."""

    def is_held(self, digest: bytes) -> bool:
        """Whether a standing incident's trace names what an operation is about."""

    def orders_of(self, machine: bytes) -> Sequence[Order]:
        """The recalls that were ordered for a machine and stand, oldest first."""

    def suspensions_of(self, machine: bytes) -> Sequence[Suspension]:
        """When a machine was suspended, and whether it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One operation that counts: accepted here, or recorded on the chain."""

    digest: Digest
    act: Act
    message: Message
    #: ERC-7913 bytes of the key that it brings; empty for most
    new_key: bytes = b""
    #: Unix seconds of its block; 0 while the chain does not have it
    mined_at: int = 0


# ---------------------------------------------------------------- acts


class Agree(Protocol):
    """Raises VerificationFailed where shown facts and message disagree."""

    def __call__(self, message: Message, facts: Facts, *, is_whole: bool) -> None:
        """`is_whole`: every fact of the record is shown."""


class WitnessScope(IntEnum):
    """About what a unit may witness, as far as the chain checks it; the contract's numbers."""

    ANYBODY = 1
    OWN_CYCLE = 2
    OWN_MACHINE = 3
    AUTHORITY = 4


class WitnessMode(IntEnum):
    """Whether one statement stands at a time, or many beside each other; the contract's numbers."""

    #: one current per kind, subject and unit, replaced by naming it
    STATE = 1
    #: many; `replaces` withdraws one of the same kind, subject and unit
    ENTRY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessing:
    """A kind's row in Witnesses.sol, fixed at deployment."""

    kind: int
    scope: WitnessScope
    mode: WitnessMode


@dataclass(frozen=True, kw_only=True, eq=False)
class Act:
    """One kind of operation, said once."""

    name: str
    #: in a sentence, for documents and help
    doc: str
    #: what it is about: unit, signer, equipment, cycle, consignment, asset, proposal, operation, or
    #: its own field
    about: str
    contract: Contract
    #: the contract's function, which takes a batch
    function: str
    #: the event that announces it
    event: str
    #: the schema of its record where that is not `name/1` by the act's own name
    other_schema: str = ""
    #: who signs, in the order of the function's arguments after the operations
    parties: tuple[Party, ...] = (Party.SIGNER,)
    #: what the signer may do; None where only the authority signs
    right: Right | None
    #: the same where it depends on how things stand; raises what keeps the unit out altogether
    right_in: Callable[[Message, View], Right] | None = None
    #: what a token must allow where that is not called as the right is
    other_scope: Scope | None = None
    #: what it must allow beside that when the record holds such facts
    further_scopes: Callable[[Facts], frozenset[Scope]] = lambda _facts: frozenset()
    #: how long its record is kept, see records.retention
    retention: str = "registry"
    #: gas that one may add to a transaction at most, signatures and calldata apart
    gas: int = 150_000
    #: the same for an item of a list
    gas_per_item: int = 0
    fields: tuple[Field, ...]
    #: whether it always states its reason; an amendment does whenever it replaces something
    needs_reason: bool = False
    amendment_needs_reason: bool = True
    #: the words on the command line: `cycle decide`
    command: str
    #: whether evidence shows its facts unless somebody chose
    shows_facts: bool = False
    #: a sentence for the timeline, by the message
    says: Callable[[Message], str]
    #: what it is about, 32 bytes; None: the member that `about` names
    subject: Callable[[Message], bytes] | None = None
    #: the other subject that it brings into being or moves, 32 bytes: a unit's first administrator,
    #: an asset on its way; zero for none
    also: Callable[[Message], bytes] | None = None
    #: the subject that its own belongs to: a cycle's machine
    parent: Callable[[Message, View], bytes | None] = lambda _message, _view: None
    #: values as given → with what follows from them
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda values: values
    #: raises the contract's rule that keeps it out: message and states alone; a verifier replays it
    rules: Callable[[Message, View], None] = lambda _message, _view: None
    #: raises a rule over what only records hold; asked at acceptance, at every door
    record_rules: Callable[[Message, View, Facts, Records], None] = lambda *_: None
    #: the states after it
    effect: Callable[[Recorded, View], None] = lambda _recorded, _view: None
    #: digests that it needs beyond those that it names, by what stands
    needs: Callable[[Message, View], Sequence[Digest]] = lambda _message, _view: ()
    #: whether many of a unit stand beside each other about one subject, as entries do
    has_many: bool = False
    #: what it ends, unit, signer or cycle: all that this one signed or is named in comes first
    ends: str = ""
    #: digests that come first without being needed
    after: Callable[[Message, View], Sequence[Digest]] = lambda _message, _view: ()
    #: raises where shown facts and message disagree in a way that no field can say
    agree: Agree = lambda _message, _facts, *, is_whole: None  # noqa: ARG005
    #: the packages that its record's lines name, and what each says of one; None for most kinds
    package_lines: Callable[[Message, Facts], Iterator[PackageLine]] | None = None
    #: the same of a consignment's step, with the lines of its dispatch
    moved_lines: Callable[[Message, Facts, Sequence[PackageLine]], Iterator[PackageLine]] | None = (
        None
    )
    #: whether its lines stay when the chain refuses it: what happened did happen
    lines_stay: bool = False
    #: how a witness kind is recorded on the chain; None for a kind with a function of its own
    witness: Witnessing | None = None

    # ------------------------------------------------------------ derived

    @cached_property
    def scope(self) -> Scope:
        """What a token must allow: the authority's, or what the right is called."""
        if self.other_scope is not None:
            return self.other_scope
        return Scope.AUTHORITY if self.right is None else Scope[str(self.right.name)]

    @cached_property
    def struct(self) -> Struct:
        """The EIP-712 struct; all witness kinds share one."""
        if self.witness is not None:
            return WITNESS
        own = [
            Member(name=f.signed_as, type=str(f.of.type_name())) for f in self.fields if f.signed_as
        ]
        return Struct(name=self.name, members=(*own, *_LAST[self.parties]))

    @cached_property
    def nested(self) -> Mapping[str, Struct]:
        """The structs of its lists, by name."""
        lists = [f.of for f in self.fields if isinstance(f.of, Lines) and f.of.struct]
        return {each.struct: each.members for each in lists}

    @cached_property
    def list_members(self) -> tuple[str, ...]:
        """The message's members that are lists."""
        return tuple(m.name for m in self.struct.members if m.type.endswith("[]"))

    @cached_property
    def record_schema(self) -> Schema:
        """The record's schema."""
        facts: dict[str, FieldRule] = {}
        personal: dict[str, FieldRule] = {}
        for each in self.fields:
            root = each.record_root
            if root is None or root == "supersedes":
                continue
            found = each.of.rules(root, required=each.must_be_recorded)
            (personal if each.is_personal else facts).update(found)
        lists = {
            str(f.recorded_as): f.of.fewest
            for f in self.fields
            if isinstance(f.of, Lines) and f.recorded_as
        }
        return make_schema(self.schema, facts, personal, lists)

    @cached_property
    def schema(self) -> str:
        """Of the record that it commits to, `name/version`."""
        return self.other_schema or f"{self.spelled}/1"

    @cached_property
    def spelled(self) -> str:
        """`CycleOpening` → `cycle-opening`, as addresses spell it."""
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in self.name).removeprefix("-")

    @cached_property
    def key_member(self) -> str:
        """The member that names the key that it brings; empty for most."""
        return next((f.signed_as for f in self.fields if isinstance(f.of, NewKey)), "")

    def subject_of(self, message: Message) -> bytes:
        """What an operation is about, 32 bytes."""
        if self.subject is not None:
            return self.subject(message)
        if self.about == "unit":
            return unit_subject(cast("int", message["unit"]))
        return cast("bytes", message[_SUBJECT_MEMBER.get(self.about, self.about)])

    def also_of(self, message: Message) -> bytes | None:
        """The other subject that an operation brings or moves; None for most."""
        found = ZERO_DIGEST if self.also is None else self.also(message)
        return found if any(found) else None

    def field_named(self, name: str) -> Field:
        """The field of that name."""
        return next(each for each in self.fields if each.name == name)


_BY_SIGNER = (
    Member(name="record", type="bytes32"),
    Member(name="signedBy", type="bytes32"),
    Member(name="signedAt", type="uint64"),
)
_BY_AUTHORITY = (Member(name="record", type="bytes32"), Member(name="signedAt", type="uint64"))
_BY_TWO = (
    Member(name="record", type="bytes32"),
    Member(name="signedBy", type="bytes32"),
    Member(name="countersignedBy", type="bytes32"),
    Member(name="signedAt", type="uint64"),
)
#: What every witness kind signs.
WITNESS = Struct(
    name="Witness",
    members=(
        Member(name="kind", type="uint16"),
        Member(name="about", type="bytes32"),
        Member(name="unit", type="uint32"),
        Member(name="content", type="bytes32"),
        Member(name="replaces", type="bytes32"),
        *_BY_SIGNER,
    ),
)
#: how a struct ends, by who signs
_LAST: Mapping[tuple[Party, ...], tuple[Member, ...]] = {
    (Party.SIGNER,): _BY_SIGNER,
    (Party.SIGNER, Party.NEW_KEY): _BY_SIGNER,
    (Party.SIGNER, Party.COUNTERSIGNER): _BY_TWO,
    (Party.AUTHORITY,): _BY_AUTHORITY,
    (Party.AUTHORITY, Party.NEW_KEY): _BY_AUTHORITY,
}
_SUBJECT_MEMBER: Mapping[str, str] = {"operation": "subject"}


# ---------------------------------------------------------------- small words


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`package_class` → `packageClass`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def unit_subject(number: int) -> bytes:
    """The 32 bytes under which operations about a unit are kept: its number."""
    return number.to_bytes(len(ZERO_DIGEST), "big")


def integer(message: Message, name: str) -> int:
    """An integer member of a message."""
    # `cast` is a call at run time, and an account asks some ten million times
    return message[name]  # type: ignore[return-value]


def word(message: Message, name: str) -> bytes:
    """A bytes32 member of a message."""
    return message[name]  # type: ignore[return-value]


def items(message: Message, name: str) -> Sequence[Mapping[str, Scalar]]:
    """A list member of a message."""
    return cast("Sequence[Mapping[str, Scalar]]", message[name])


def hex_or_none(value: bytes) -> str | None:
    """A 32-byte reference as a record holds it: digits without 0x, null for zero."""
    return to_hex(value)[2:] if any(value) else None

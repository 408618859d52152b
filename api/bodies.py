"""Act → the model of its body: what a program says of it, as the act declares it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from functools import cache, singledispatch
from typing import Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints, create_model

from api.fields import (
    Body,
    DecimalText,
    Hex32,
    KeyHex,
    Moment,
    ShortText,
    SignatureHex,
    SignerName,
    Text,
    UnitName,
    printable,
)
from ledger.domain.acts import asking
from ledger.domain.acts import vocabulary as sorts
from ledger.domain.acts.vocabulary import Act, Given
from ledger.domain.acts.words import Party


@cache
def body_of(act: Act) -> type[Body]:
    """The body of an act."""
    return _model(
        act.name, {each.name: _field(each, act.name) for each in asking.asked(act)}, act.doc
    )


def values_of(body: Body) -> dict[str, Any]:
    """What a body says, by the names of the act's fields; what it leaves out is left out."""
    return body.model_dump(exclude_unset=True)


def _field(each: sorts.Field, within: str) -> tuple[Any, Any]:
    kind = annotation(each.of, f"{within}{(each.option or each.name).title()}")
    description = each.help or None
    if each.given is Given.ALWAYS:
        return kind, Field(description=description)
    if each.given is Given.JUDGED:
        return kind | None, Field(description=description)
    if each.given is Given.STANDING:
        stands = "as it stands when left out"
        told = f"{each.help}; {stands}" if each.help else stands
        return kind | None, Field(default=None, description=told)
    return kind | None, Field(default=_plain(each.default), description=description)


def _plain(default: Any) -> Any:
    """A default as a body spells it."""
    if isinstance(default, IntEnum | IntFlag):
        return str(default.name).lower()
    return default if isinstance(default, str | int) else None


# ---------------------------------------------------------------- by the sort of a field


class ReadingPartBody(Body):
    """One cycle of a kept reading."""

    sha256: Hex32
    ordinal: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="which of its cycles; the one with the cycle's number"
    )


#: the sorts whose values are all alike
_SAME: Mapping[type[sorts.Sort], Any] = {
    sorts.Serial: ShortText,
    sorts.Hash: Hex32,
    sorts.Photo: Hex32,
    sorts.Switch: bool,
    sorts.Measured: DecimalText,
    sorts.Moment: Moment,
    sorts.NewKey: KeyHex,
    sorts.Signing: SignerName,
    sorts.ReadingPart: ReadingPartBody,
    sorts.MachineNamed: Text,
    sorts.CycleNamed: Text,
    sorts.SetNamed: Text,
    sorts.ConsignmentNamed: Text,
}


#: what is named otherwise than by free text
_NAMES: Mapping[str, Any] = {
    "unit": UnitName,
    **dict.fromkeys(("operation", "service", "hash"), Hex32),
}


@singledispatch
def annotation(sort: sorts.Sort, name: str) -> Any:
    """The type of a value; `name` begins the names of models that are made for it."""
    return _SAME[type(sort)]


@annotation.register
def _(sort: sorts.Choice | sorts.OneOf, name: str) -> Any:
    return literal_of(sort.words)


@annotation.register
def _(sort: sorts.Flags, name: str) -> Any:
    return Annotated[_list(literal_of(sort.words)), Field(min_length=1, max_length=len(sort.words))]


@annotation.register
def _(sort: sorts.Whole, name: str) -> Any:
    return Annotated[int, Field(ge=sort.low, le=sort.high)]


@annotation.register
def _(sort: sorts.Numbers, name: str) -> Any:
    number = Annotated[int, Field(ge=1, le=sort.most)]
    return Annotated[_list(number), Field(max_length=sort.most)]


@annotation.register
def _(sort: sorts.Words, name: str) -> Any:
    return Annotated[str, StringConstraints(min_length=1, max_length=sort.longest), printable]


@annotation.register
def _(sort: sorts.Named, name: str) -> Any:
    return _NAMES.get(sort.what, Text)


@annotation.register
def _(sort: sorts.Lines, name: str) -> Any:
    free = sort.optional | sort.follows
    line = _model(
        name,
        {
            column: (annotation(of, name) | None, None) if column in free else annotation(of, name)
            for column, of in sort.columns.items()
        },
    )
    return Annotated[_list(line), Field(min_length=sort.fewest, max_length=sort.most)]


@annotation.register
def _(sort: sorts.Each, name: str) -> Any:
    word = literal_of(sort.words)
    return _model(name, dict.fromkeys(sort.names, (word, sort.absent)))


@annotation.register
def _(sort: sorts.Parts, name: str) -> Any:
    return _parts(sort)


@cache
def _parts(sort: sorts.Parts) -> type[Body]:
    """One model for all acts, which have these parts in common: how an act happened."""
    return _model("Happened", {each.name: _field(each, "Happened") for each in sort.parts})


def _list(of: Any) -> Any:
    return list.__class_getitem__(of)


def literal_of(words: tuple[str, ...]) -> Any:
    """The type of one of a few words."""
    return cast("Any", Literal)[words]


def _model(name: str, fields: Mapping[str, Any], doc: str | None = None) -> type[Body]:
    return create_model(name, __base__=Body, __doc__=doc, **fields)


# ---------------------------------------------------------------- signatures

PartyWord = Literal["authority", "signer", "new_key", "countersigner"]


class Signatures(Body):
    """The signatures on a prepared operation."""

    signatures: dict[PartyWord, SignatureHex] = Field(
        default_factory=dict, description="by party: over the digest"
    )
    held: Annotated[list[PartyWord], Field(max_length=len(Party))] = Field(
        default_factory=list,
        description="the parties whose keys this instance holds, and which shall sign here",
    )

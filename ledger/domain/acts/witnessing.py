"""What all witness kinds have in common: a signed statement of a declared kind about something.

The contract keeps who said what about which 32 bytes, and what replaces what; nothing else follows
on the chain.  `content` is a document's hash, or up to four whole numbers, as the kind says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    Act,
    Agree,
    Choice,
    Facts,
    Field,
    Given,
    Message,
    Recorded,
    Sort,
    View,
    Whole,
    Witnessing,
    WitnessMode,
    WitnessScope,
    integer,
    replaces_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Party, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import Conflict, InvalidInput, VerificationFailed
from ledger.domain.subjects.states import (
    CurrentWitness,
    CycleState,
    MachineState,
    WitnessState,
    Word32,
)

_WORD = 32
#: bytes of each packed number
_PART = 8


def witness(  # noqa: PLR0913 - the columns of one row
    *,
    name: str,
    kind: int,
    doc: str,
    right: Right | None,
    command: str,
    on_chain: WitnessScope = WitnessScope.ANYBODY,
    mode: WitnessMode = WitnessMode.ENTRY,
    about: Field,
    fields: tuple[Field, ...],
    packs: tuple[str, ...] = (),
    says: str | Callable[[Message], str],
    **further: Any,
) -> Act:
    """One witness kind, of anybody and one of many unless it is said; else as `Act` has it.

    `about` is the field whose 32 bytes it is about; `packs` names the fields that `content` holds:
    one of 32 bytes, or up to four whole numbers of 8 bytes each, signed, the first on the left.
    `says` may be a sentence in which these stand by their names: `a unit commented: {stance}`.
    """
    row = Witnessing(kind=kind, scope=on_chain, mode=mode)
    packed = tuple(each for name in packs for each in fields if each.name == name)
    replaces = replaces_field("statement", standing="digest")
    if mode is WitnessMode.ENTRY:
        replaces = replace(replaces, given=Given.OPTIONAL, default=ZERO_DIGEST)
    return Act(
        name=name,
        doc=doc,
        about=about.name,
        contract=Contract.WITNESSES,
        function="witness",
        event="Witnessed",
        parties=(Party.AUTHORITY,) if right is None else (Party.SIGNER,),
        right=right,
        gas=110_000,
        command=command,
        witness=row,
        has_many=mode is WitnessMode.ENTRY,
        fields=(
            Field("kind", Whole(kind, kind, "uint16"), given=Given.NEVER, path=""),
            replace(about, member="about"),
            unit_field(),
            Field("content", _Content(), given=Given.NEVER, path=""),
            replaces,
            # Only the record names them; what is packed of them stands in `content`.
            *(replace(each, member="") for each in fields),
        ),
        says=_telling(says, packed) if isinstance(says, str) else says,
        subject=lambda message: word(message, "about"),
        complete=lambda values: {**values, "kind": kind, "content": _pack(packed, values)},
        rules=_rules_of(row),
        effect=_effect,
        agree=_agreeing(packed),
        **further,
    )


# ---------------------------------------------------------------- content


@dataclass(frozen=True, slots=True)
class _Content(Sort):
    """What a statement packs; people never give it as such."""

    solidity: ClassVar[str | None] = "bytes32"


def _pack(fields: tuple[Field, ...], values: Mapping[str, Any]) -> bytes:
    parts = []
    for each in fields:
        value = values.get(each.name)
        parts.append(each.of.signed(each.default if value is None else value))
    if len(parts) == 1 and isinstance(parts[0], bytes):
        return parts[0]
    numbers = [part for part in parts if isinstance(part, int)]
    return b"".join(n.to_bytes(_PART, "big", signed=True) for n in numbers).ljust(_WORD, b"\0")


def packed_numbers(message: Message) -> tuple[int, ...]:
    """The four whole numbers of a statement's content; 0 where its kind packs fewer."""
    content = word(message, "content")
    parts = [content[at : at + _PART] for at in range(0, _WORD, _PART)]
    return tuple(int.from_bytes(part, "big", signed=True) for part in parts)


def _telling(sentence: str, packed: tuple[Field, ...]) -> Callable[[Message], str]:
    """The sentence, with what is packed; raises ValueError for a number that stands for nothing."""
    told = [(at, each) for at, each in enumerate(packed) if f"{{{each.name}}}" in sentence]

    def says(message: Message) -> str:
        numbers = packed_numbers(message)
        return sentence.format_map({each.name: _word_of(each, numbers[at]) for at, each in told})

    return says


def _word_of(field: Field, number: int) -> object:
    if isinstance(field.of, Choice):
        return field.of.of(number).name.lower().replace("_", " ")
    return number


def _agreeing(packed: tuple[Field, ...]) -> Agree:
    is_whole_word = len(packed) == 1 and packed[0].of.type_name() == "bytes32"

    def agree(message: Message, facts: Facts, *, is_whole: bool) -> None:  # noqa: ARG001
        numbers = packed_numbers(message)
        for at, each in enumerate(packed):
            path = str(each.recorded_as)
            signed = word(message, "content") if is_whole_word else numbers[at]
            if path in facts and not each.of.confirms(path, facts[path], signed, root=path):
                raise VerificationFailed(
                    f"the shown {path} is {facts[path]!r}, but what was signed says otherwise",
                    field=path,
                    rule="record and message agree",
                )

    return agree


# ---------------------------------------------------------------- rules and effect


def _rules_of(row: Witnessing) -> Callable[[Message, View], None]:
    """As Witnesses._witness."""

    def rules(message: Message, view: View) -> None:
        about, unit = word(message, "about"), integer(message, "unit")
        if row.scope is WitnessScope.AUTHORITY and unit:
            raise InvalidInput("is named", field="unit", rule="the authority speaks for no unit")
        if row.scope is WitnessScope.OWN_CYCLE:
            common.require_cycle(view.find(CycleState, about), unit=unit)
        elif row.scope is WitnessScope.OWN_MACHINE:
            common.require_machine(view.find(MachineState, about), unit=unit)
        if row.mode is WitnessMode.STATE:
            current = view.find(CurrentWitness, row.kind, about, unit)
            common.require_current(
                message,
                ZERO_DIGEST if current is None else current.digest,
                what="such a statement",
            )
        elif any(word(message, "replaces")):
            _require_standing(message, view)

    return rules


def _require_standing(message: Message, view: View) -> None:
    replaced = view.find(WitnessState, word(message, "replaces"))
    if replaced is None or replaced.place != _place(message):
        raise Conflict(
            "it names no statement of this kind, unit and subject",
            field="replaces",
            rule="a statement is withdrawn by the unit that made it",
        )
    if replaced.replaced_by != ZERO_DIGEST:
        raise Conflict(
            "that statement was withdrawn already", field="replaces", remedy="look at it again"
        )


def _place(message: Message) -> tuple[int, bytes, int]:
    return integer(message, "kind"), word(message, "about"), integer(message, "unit")


def _effect(statement: Recorded, view: View) -> None:
    """The statement stands, and what it replaces does no longer."""
    message = statement.message
    kind, about, unit = _place(message)
    replaces = Digest(word(message, "replaces"))
    if replaces != ZERO_DIGEST:
        replaced = view.find(WitnessState, replaces)
        if replaced is not None:
            view.put(replace(replaced, replaced_by=statement.digest))
    view.put(
        WitnessState(
            digest=statement.digest,
            kind=kind,
            about=Word32(about),
            unit=unit,
            content=Word32(word(message, "content")),
            replaces=replaces,
        )
    )
    row = statement.act.witness
    if row is not None and row.mode is WitnessMode.STATE:
        view.put(CurrentWitness(kind=kind, about=Word32(about), unit=unit, digest=statement.digest))

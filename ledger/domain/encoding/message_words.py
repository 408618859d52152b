"""Signed messages as the words that EIP-712 hashes, that events carry and that calldata holds.

All three are the same 32-byte words in an order that the kind fixes, so a message that an event
announces is named, and found again in a call, without any of its values being read.

Sources: EIP-712, "Definition of hashStruct"; Solidity ABI specification, "Formal specification of
the encoding".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.domain.encoding.abi import WORD, Eip712Domain, Member, Struct, type_hash, typed_digest
from ledger.domain.encoding.events import LINE_EVENTS, Event, columns_of
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import Digest
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import KINDS, NESTED, Kind


class MessageWords(NamedTuple):
    """A message: the words of its members in their order, and apart from them those of its list."""

    members: bytes
    #: empty for a kind without a list
    items: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WordShape:
    """How the words of a kind's message stand."""

    #: bytes of `members`
    size: int
    #: where in them the list's own word belongs; None without a list
    list_at: int | None
    #: bytes of one item of the list; 0 without one
    item_size: int
    type_hash: bytes
    item_type_hash: bytes
    #: the bits that no value of the members, or of one item, has
    stray: int
    item_stray: int
    #: where in an item a signed number begins, and its bits
    signed: tuple[tuple[int, int], ...]

    def require_values(self, message: MessageWords) -> None:
        """Raise InvalidInput for a word that no value of its type makes."""
        odd = int.from_bytes(message.members) & self.stray
        for start in range(0, len(message.items), self.item_size or 1):
            item = message.items[start : start + self.item_size]
            odd |= int.from_bytes(item) & self.item_stray
            for at, bits in self.signed:
                value = int.from_bytes(item[at : at + WORD], signed=True)
                odd |= (value >> (bits - 1)) not in {0, -1}
        if odd:
            raise InvalidInput("has stray bits", field="message")


def digest_of_words(kind: Kind, message: MessageWords, domain: Eip712Domain) -> Digest:
    """The EIP-712 digest of a message; equal to `operations.digest` of its values."""
    shape, (members, items) = SHAPES[kind.name], message
    if shape.list_at is not None:
        size, tag = shape.item_size, shape.item_type_hash
        hashes = [keccak256(tag + items[at : at + size]) for at in range(0, len(items), size)]
        array = keccak256(b"".join(hashes))
        members = members[: shape.list_at] + array + members[shape.list_at :]
    return Digest(typed_digest(domain, keccak256(shape.type_hash + members)))


def words_of_events(kind: Kind, event: Event, events: Sequence[Event]) -> MessageWords:
    """The words of the message that `event` announces and the line events among `events` complete.

    The events are those that `operation_from_events` has accepted as one operation's.
    """
    picks, line_event, line_picks = _PICKS[kind.name]
    members = _pick(event, picks)
    if line_event is None:
        return MessageWords(members, b"")
    lines = [_pick(each, line_picks) for each in events if each.name == line_event]
    return MessageWords(members, b"".join(lines))


#: (topic, 0) or (0, place in the data)
_Pick = tuple[int, int]


def _pick(event: Event, picks: Sequence[_Pick]) -> bytes:
    topics, data = event.log.topics, event.log.data
    return b"".join([topics[topic] if topic else data[at : at + WORD] for topic, at in picks])


# ---------------------------------------------------------------- the compiled tables


def _shape(kind: Kind) -> WordShape:
    plain = [member for member in kind.struct.members if not member.type.endswith("[]")]
    lists = [at for at, m in enumerate(kind.struct.members) if m.type.endswith("[]")]
    if len(lists) > 1:
        raise AssertionError(kind.name)
    item = NESTED[kind.struct.members[lists[0]].type[:-2]] if lists else None
    items = item.members if item else ()
    return WordShape(
        size=WORD * len(plain),
        list_at=WORD * lists[0] if lists else None,
        item_size=WORD * len(items),
        type_hash=type_hash(kind.struct, NESTED),
        item_type_hash=type_hash(item, NESTED) if item else b"",
        stray=_stray(plain),
        item_stray=_stray(items),
        signed=tuple(
            (WORD * at, int(member.type[3:]))
            for at, member in enumerate(items)
            if member.type.startswith("int")
        ),
    )


def _stray(members: Sequence[Member]) -> int:
    """The bits above unsigned numbers; a signed one in a message's own members is not foreseen."""
    mask = 0
    for member in members:
        bits = int(member.type[4:]) if member.type.startswith("uint") else 8 * WORD
        mask = mask << 8 * WORD | ((1 << 8 * WORD) - (1 << bits))
    return mask


def _picks(kind: Kind) -> tuple[tuple[_Pick, ...], str | None, tuple[_Pick, ...]]:
    lists = [member for member in kind.struct.members if member.type.endswith("[]")]
    picks = _places(kind, kind.event, kind.struct)
    if not lists:
        return picks, None, ()
    line_event = LINE_EVENTS[lists[0].name]
    return picks, line_event, _places(kind, line_event, NESTED[lists[0].type[:-2]])


def _places(kind: Kind, event: str, struct: Struct) -> tuple[_Pick, ...]:
    topics, words = columns_of(kind.contract, event)
    return tuple(
        (1 + topics.index(member.name), 0)
        if member.name in topics
        else (0, WORD * words.index(member.name))
        for member in struct.members
        if not member.type.endswith("[]")
    )


#: kind → how its words stand
SHAPES: Mapping[str, WordShape] = {kind.name: _shape(kind) for kind in KINDS.values()}
_PICKS = {kind.name: _picks(kind) for kind in KINDS.values()}

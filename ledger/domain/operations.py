"""The operation: a message of one kind, bound to one contract on one chain, named by its digest.

Messages are mappings from member name to int, bytes, or a list of such mappings.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ledger.domain.acts.catalogue import NESTED, find_act
from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.encoding.abi import (
    Eip712Domain,
    Scalar,
    Struct,
    Value,
    encode_data,
    hash_struct,
    typed_digest,
    word,
)
from ledger.domain.encoding.canonical import Plain
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, parse_hex32, to_hex
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import Inconsistent, InvalidInput

#: a message holds lists, and a list holds structs
_MESSAGE_LEVELS = 3
_ZERO_TEXT = to_hex(ZERO_DIGEST)
#: looks for no encoding and no blanks, which our own bytes do not need
_READER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A message of one kind, bound to one contract on one chain; named by its digest."""

    act: Act
    message: Message
    domain: Eip712Domain
    _digest: list[Digest] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def digest(self) -> Digest:
        """The EIP-712 digest that the parties sign; computed when it is first asked for."""
        if not self._digest:
            self._digest.append(digest(self.act, self.message, self.domain))
        return self._digest[0]


def digest(act: Act, message: Message, domain: Eip712Domain) -> Digest:
    """The EIP-712 digest of a message; raises InvalidInput when a member does not fit its type."""
    return Digest(typed_digest(domain, hash_struct(act.struct, NESTED, message)))


def message_to_json(act: Act, message: Message) -> bytes:
    """RFC 8785 bytes of a message: integers as numbers, bytes32 as 0x-hexadecimal.

    Raises InvalidInput when a member is missing, unknown or does not fit its type.  Numbers beyond
    2⁵³ − 1, which anybody may sign, are written out; Python reads them back exactly.
    """
    encode_data(act.struct, NESTED, message)
    return _canonical(act, message)


def _canonical(act: Act, message: Message) -> bytes:
    """The bytes of a message whose members fit; its names are ASCII, so any sorting is theirs."""
    plain = {m.name: _to_plain(message[m.name]) for m in act.struct.members}
    return json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()


def message_from_json(act: Act, data: bytes) -> dict[str, Value]:
    """The inverse of `message_to_json`; raises InvalidInput for anything that it does not make."""
    require_nesting(data, deepest=_MESSAGE_LEVELS, field="message")
    try:
        plain = json.loads(data)
    except ValueError:
        raise InvalidInput("is not JSON", field="message", rule="RFC 8259") from None
    message = message_from_plain(act, plain)
    if _canonical(act, message) != data:
        raise InvalidInput("is not in canonical form", field="message", rule="RFC 8785")
    return message


def indexed_message(act: Act, data: bytes) -> dict[str, Value]:
    """The same of what the index holds, which `message_to_json` made: nothing is checked again.

    An account reads a million of them; `message_from_json` takes six times as long.  Raises
    Inconsistent for bytes that are no message.
    """
    words, lists = _members(act.name)
    try:
        message: dict[str, Any] = _READER.raw_decode(data.decode())[0]
        for name in words:
            # `_word_from_text`, without the call
            text = message[name]
            message[name] = ZERO_DIGEST if text == _ZERO_TEXT else bytes.fromhex(text[2:])
        for name, inner in lists:
            for item in message[name]:
                for each in inner:
                    item[each] = _word_from_text(item[each])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Inconsistent(
            f"the index holds a message of {act.name} that is none",
            field="message",
            remedy="rebuild the index from the chain",
        ) from error
    return message


@cache
def _members(kind: str) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The members of 32 bytes, and those of the items of lists."""

    def words(struct: Struct) -> tuple[str, ...]:
        return tuple(m.name for m in struct.members if m.type == "bytes32")

    struct = find_act(kind).struct
    nested = [(m.name, NESTED[m.type[:-2]]) for m in struct.members if m.type.endswith("[]")]
    return words(struct), tuple((name, words(of)) for name, of in nested if words(of))


def _word_from_text(text: str) -> bytes:
    # most are absent, and one object stands for all of them
    return ZERO_DIGEST if text == _ZERO_TEXT else bytes.fromhex(text[2:])


def message_from_plain(act: Act, plain: object) -> dict[str, Value]:
    """A message from decoded JSON; every member present, none unknown, each of its own type."""
    if not isinstance(plain, dict) or set(plain) != {m.name for m in act.struct.members}:
        names = ", ".join(m.name for m in act.struct.members)
        raise InvalidInput(
            "has missing or unknown members", field="message", rule=f"{act.struct.name} has {names}"
        )
    return {
        m.name: _list_from_plain(NESTED[m.type[:-2]], plain[m.name], field=m.name)
        if m.type.endswith("[]")
        else _from_plain(m.type, plain[m.name], field=m.name)
        for m in act.struct.members
    }


def typed_data(operation: Operation) -> dict[str, object]:
    """The EIP-712 JSON that wallets display and sign (eth_signTypedData_v4)."""
    used = [NESTED[m.type[:-2]] for m in operation.act.struct.members if m.type.endswith("[]")]
    structs = [operation.act.struct, *used]
    types = {s.name: [{"name": m.name, "type": m.type} for m in s.members] for s in structs}
    types["EIP712Domain"] = [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ]
    return {
        "types": types,
        "primaryType": operation.act.struct.name,
        "domain": {
            "name": "SteriLedger",
            "version": "1",
            "chainId": operation.domain.chain_id,
            "verifyingContract": to_hex(operation.domain.contract),
        },
        "message": {name: _to_plain(value) for name, value in operation.message.items()},
    }


def _to_plain(value: Value) -> Plain:
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, int):
        return value
    return [{name: _to_plain(inner) for name, inner in item.items()} for item in value]


def _from_plain(solidity_type: str, value: object, *, field: str) -> Scalar:
    if solidity_type == "bytes32":
        if not isinstance(value, str) or not value.startswith("0x"):
            raise InvalidInput("is not hexadecimal", field=field, rule="0x and 64 digits")
        return parse_hex32(value, field=field)
    if not isinstance(value, int):
        raise InvalidInput("is not an integer", field=field, rule=solidity_type)
    word(solidity_type, value, field=field)
    return value


def _list_from_plain(struct: Struct, value: object, *, field: str) -> list[dict[str, Scalar]]:
    if not isinstance(value, list):
        raise InvalidInput("is not a list", field=field, rule=f"a list of {struct.name}")
    names = {m.name for m in struct.members}
    if any(not isinstance(item, dict) or set(item) != names for item in value):
        raise InvalidInput(
            "has an item with missing or unknown members",
            field=field,
            rule=f"{struct.name} has {', '.join(m.name for m in struct.members)}",
        )
    return [
        {
            m.name: _from_plain(m.type, item[m.name], field=f"{field}.{m.name}")
            for m in struct.members
        }
        for item in value
    ]

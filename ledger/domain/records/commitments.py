"""Fields → a salted Merkle root, and proofs that show some fields and hide the others.

A record commits to two subtrees, facts and personal, each under a secret of its own:

    leaf  = SHA-256(0x00 ‖ RFC 8785 of [salt, path, value])
    salt  = the first 16 bytes of HMAC-SHA-256(secret, "salt" 0x00 path), in lower-case hexadecimal
    order = leaves ascend by HMAC-SHA-256(secret, "order" 0x00 path)
    pad   = HMAC-SHA-256(secret, "pad" 0x00 decimal index), appended up to a power of two, then
            ordered with the others by HMAC-SHA-256(secret, "order" 0x00 "pad" 0x00 index)
    node  = SHA-256(0x01 ‖ left ‖ right)
    root  = SHA-256(0x01 ‖ facts root ‖ personal root)

The 0x00 and 0x01 prefixes are those of RFC 6962 §2.1; with a power of two of leaves the two trees
are the same.  Neither the position nor the number of leaves tells which fields are filled.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from ledger.domain.encoding.canonical import MAX_INTEGER, canonical_scalar
from ledger.domain.encoding.hashing import Mac, hmac_sha256, sha256
from ledger.domain.errors import InvalidInput, VerificationFailed

FieldValue: TypeAlias = str | int | bool | None
Fields: TypeAlias = Mapping[str, FieldValue]

SECRET_BYTES = 32
SALT_BYTES = 16
HASH_BYTES = 32
#: the largest tree that is built or verified: 2¹² leaves
MAX_DEPTH = 12
MAX_SAFE_INTEGER = MAX_INTEGER
MAX_TEXT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownField:
    """One disclosed field and where its leaf stands."""

    #: leaf index, 0 at the left
    position: int
    #: 32 hexadecimal digits
    salt: str
    path: str
    value: FieldValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtreeProof:
    """Some fields of one subtree, and the roots of everything between them."""

    #: the tree has 2**depth leaves
    depth: int
    #: ascending by position
    shown: tuple[ShownField, ...]
    #: roots of the largest parts without a shown leaf, from left to right
    hidden: tuple[bytes, ...]


#: by what it is ordered, its hash, and its path; None for padding
_Leaf: TypeAlias = tuple[bytes, bytes, str | None]
_order = itemgetter(0)


def salt_of(secret: bytes, path: str) -> str:
    """The salt of a path: 32 lower-case hexadecimal digits."""
    return hmac_sha256(secret, b"salt\0" + path.encode())[:SALT_BYTES].hex()


def leaf_hash(salt: str, path: str, value: FieldValue) -> bytes:
    """The hash of one field; raises InvalidInput for a value that no record may hold."""
    require_value(path, field="path")
    require_value(value, field=path)
    return _hash_of_leaf(salt, path, value)


def _hash_of_leaf(salt: str, path: str, value: FieldValue) -> bytes:
    """That of a path and a value which were looked at."""
    parts = (canonical_scalar(salt), canonical_scalar(path), canonical_scalar(value))
    return sha256(b"\0[%s,%s,%s]" % parts)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\1" + left + right)


def record_root(facts_root: bytes, personal_root: bytes) -> bytes:
    """The commitment of a record: what goes on chain, and nothing else of it."""
    return node_hash(facts_root, personal_root)


def subtree_root(secret: bytes, fields: Fields) -> bytes:
    """The root of one subtree."""
    return _fold([hashed for _, hashed, _ in _leaves(secret, fields)])


def prove(secret: bytes, fields: Fields, paths: Sequence[str]) -> SubtreeProof:
    """A proof that shows `paths` and hides the rest; raises InvalidInput for an unknown path."""
    unknown = sorted(set(paths) - set(fields))
    if unknown:
        raise InvalidInput(
            f"the record has no field {', '.join(unknown)}",
            field="disclose",
            rule="a path of the record's schema",
        )
    leaves = _leaves(secret, fields)
    wanted = set(paths)
    shown = tuple(
        ShownField(position=position, salt=salt_of(secret, path), path=path, value=fields[path])
        for position, (_, _, path) in enumerate(leaves)
        if path is not None and path in wanted
    )
    hashes = [hashed for _, hashed, _ in leaves]
    hidden = tuple(_hidden(hashes, 0, len(hashes), {field.position for field in shown}))
    return SubtreeProof(depth=len(hashes).bit_length() - 1, shown=shown, hidden=hidden)


def proven_root(proof: SubtreeProof) -> bytes:
    """The root that a proof leads to; raises VerificationFailed when the proof is malformed."""
    if not 0 <= proof.depth <= MAX_DEPTH:
        raise VerificationFailed(f"a proof claims a tree of depth {proof.depth}")
    size = 1 << proof.depth
    positions = [field.position for field in proof.shown]
    if positions != sorted(set(positions)) or (
        positions and not 0 <= positions[0] <= positions[-1] < size
    ):
        raise VerificationFailed("the shown fields are not in ascending positions of the tree")
    if len({field.path for field in proof.shown}) != len(proof.shown):
        raise VerificationFailed("a field is shown twice")
    if any(len(part) != HASH_BYTES for part in proof.hidden):
        raise VerificationFailed("a hidden part is not a 32-byte hash")
    leaves = {field.position: _shown_leaf(field) for field in proof.shown}
    hidden = iter(proof.hidden)
    root = _rebuild(leaves, hidden, 0, size)
    if next(hidden, None) is not None:
        raise VerificationFailed("the proof holds more hidden parts than its tree")
    return root


def require_value(value: object, *, field: str) -> None:
    """Raise InvalidInput unless `value` is text, a safe integer, a boolean or null.

    Source: RFC 8785 §3.2.2 (numbers, strings); floats are never hashed here.
    """
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str) and len(value) <= MAX_TEXT and value.isascii() and "\0" not in value:
        return
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise InvalidInput(
                f"{value} is too large",
                field=field,
                rule="within ±9007199254740991, that is 2⁵³ less 1",
            )
        return
    if not isinstance(value, str):
        raise InvalidInput(
            f"is a {type(value).__name__}",
            field=field,
            rule="text, an integer, true, false or null; measured values are decimal text",
        )
    if len(value) > MAX_TEXT:
        raise InvalidInput(f"has {len(value)} characters", field=field, rule=f"at most {MAX_TEXT}")
    if "\0" in value:
        raise InvalidInput("holds a NUL character", field=field, rule="text without NUL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "holds half a surrogate pair", field=field, rule="well-formed Unicode"
        ) from None


def require_values(fields: Fields) -> None:
    """Raise InvalidInput unless each path is text and each value is one that a record may hold."""
    for path, value in fields.items():
        _spell(path)
        # what most values are, without a call for each
        is_plain = value is None or (
            value.__class__ is str
            and len(value) <= MAX_TEXT
            and value.isascii()
            and "\0" not in value
        )
        if not is_plain:
            require_value(value, field=path)


def _leaves(secret: bytes, fields: Fields) -> list[_Leaf]:
    if len(secret) != SECRET_BYTES:
        raise InvalidInput(f"has {len(secret)} bytes", field="secret", rule="32 bytes")
    size = 1 << max(len(fields) - 1, 0).bit_length()
    if size > 1 << MAX_DEPTH:
        raise InvalidInput(
            f"has {len(fields)} fields", field="record", rule=f"at most {1 << MAX_DEPTH}"
        )
    require_values(fields)
    code = Mac(secret).digest
    leaves: list[_Leaf] = []
    for path, value in fields.items():
        spelt = _spell(path)
        salt = hexlify(code(spelt.salt)[:SALT_BYTES])
        content = b'\0["%s",%s,%s]' % (salt, spelt.path, canonical_scalar(value))
        leaves.append((code(spelt.order), sha256(content), path))
    leaves += [(code(order), code(pad), None) for order, pad in _PADDING[: size - len(leaves)]]
    return sorted(leaves, key=_order)


class _Spelt(NamedTuple):
    """A path as it is hashed."""

    salt: bytes
    order: bytes
    #: RFC 8785
    path: bytes


@lru_cache(maxsize=4096)
def _spell(path: str) -> _Spelt:
    """Made once for each path, of which the schemas have few; raises InvalidInput."""
    require_value(path, field="path")  # a NUL would let a path take a padding leaf's place
    spelt = path.encode()
    return _Spelt(b"salt\0" + spelt, b"order\0" + spelt, canonical_scalar(path))


#: What orders and what fills the padding leaves of the largest tree; fewer than half are padding.
_PADDING = tuple(
    (b"order\0pad\0%d" % index, b"pad\0%d" % index) for index in range(1 << (MAX_DEPTH - 1))
)


def _fold(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\1" + left + right) for left, right in pairs]  # each is a `node_hash`
    return hashes[0]


def _hidden(hashes: list[bytes], start: int, size: int, shown: set[int]) -> Iterator[bytes]:
    inside = [position for position in shown if start <= position < start + size]
    if not inside:
        yield _fold(hashes[start : start + size])
    elif size > 1:
        half = size // 2
        yield from _hidden(hashes, start, half, set(inside))
        yield from _hidden(hashes, start + half, half, set(inside))


def _rebuild(leaves: Mapping[int, bytes], hidden: Iterator[bytes], start: int, size: int) -> bytes:
    inside = {at: leaf for at, leaf in leaves.items() if start <= at < start + size}
    if not inside:
        part = next(hidden, None)
        if part is None:
            raise VerificationFailed("the proof holds fewer hidden parts than its tree")
        return part
    if size == 1:
        return inside[start]
    half = size // 2
    left = _rebuild(inside, hidden, start, half)
    return node_hash(left, _rebuild(inside, hidden, start + half, half))


def _shown_leaf(field: ShownField) -> bytes:
    if len(field.salt) != 2 * SALT_BYTES or any(c not in "0123456789abcdef" for c in field.salt):
        raise VerificationFailed(
            f"the salt of {field.path} is not 32 lower-case hexadecimal digits"
        )
    try:
        return leaf_hash(field.salt, field.path, field.value)
    except InvalidInput as error:
        raise VerificationFailed(f"a shown field is malformed: {error}") from None

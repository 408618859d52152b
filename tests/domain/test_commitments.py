"""Salted roots and their proofs: what they show, what they hide, and what breaks them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import fields as dataclass_fields
from dataclasses import replace

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.records.commitments import (
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    MAX_TEXT,
    FieldValue,
    ShownField,
    SubtreeProof,
    leaf_hash,
    node_hash,
    prove,
    proven_root,
    record_root,
    require_value,
    require_values,
    salt_of,
    subtree_root,
)
from tests.domain.strategies import field_sets, filled_field_sets, secrets, values, words

SECRET = bytes(range(32))
FIELDS: dict[str, FieldValue] = {"a": "1", "b": None, "c": True, "d": 4, "e": "five"}


class PreparedTree(InmemoryTree):  # type: ignore[misc]  # pymerkle publishes no types
    """An RFC 6962 tree, by another hand, that takes padding as ready leaf hashes."""

    def hash_buff(self, data: bytes) -> bytes:
        if data.startswith(b"ready:"):
            return data.removeprefix(b"ready:")
        return bytes(super().hash_buff(data))


def independent_root(secret: bytes, fields: dict[str, FieldValue]) -> bytes:
    """The root as the docstring of the module says it, from the standard library and pymerkle."""

    def mac(message: bytes) -> bytes:
        return hmac.new(secret, message, hashlib.sha256).digest()

    entries = [
        (
            mac(b"order\0" + path.encode()),
            rfc8785.dumps([mac(b"salt\0" + path.encode()).hex()[:32], path, value]),
        )
        for path, value in fields.items()
    ]
    size = 1
    while size < len(fields):
        size *= 2
    entries += [
        (mac(f"order\0pad\0{index}".encode()), b"ready:" + mac(f"pad\0{index}".encode()))
        for index in range(size - len(fields))
    ]
    tree = PreparedTree(algorithm="sha256")
    for _, entry in sorted(entries):
        tree.append_entry(entry)
    return bytes(tree.get_root())


@given(secrets, field_sets)
def test_a_root_is_the_one_of_an_independent_rfc_6962_tree(
    secret: bytes, fields: dict[str, FieldValue]
) -> None:
    assert subtree_root(secret, fields) == independent_root(secret, fields)


@given(secrets, filled_field_sets, st.data())
def test_any_choice_of_fields_can_be_shown(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    paths = data.draw(st.lists(st.sampled_from(sorted(fields)), unique=True))
    proof = prove(secret, fields, paths)
    assert proven_root(proof) == subtree_root(secret, fields)
    assert {field.path: field.value for field in proof.shown} == {p: fields[p] for p in paths}


@given(secrets, filled_field_sets)
def test_every_field_can_be_shown_alone(secret: bytes, fields: dict[str, FieldValue]) -> None:
    root = subtree_root(secret, fields)
    for path in fields:
        proof = prove(secret, fields, [path])
        assert proven_root(proof) == root
        assert [field.path for field in proof.shown] == [path]


@given(secrets, filled_field_sets, st.data())
def test_the_order_in_which_fields_are_given_or_asked_for_changes_nothing(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    paths = data.draw(st.permutations(sorted(fields)))
    shuffled = {path: fields[path] for path in paths}
    assert subtree_root(secret, shuffled) == subtree_root(secret, fields)
    assert prove(secret, shuffled, paths) == prove(secret, fields, sorted(fields))


def differs(left: FieldValue, right: FieldValue) -> bool:
    return (type(left), left) != (type(right), right)


@given(secrets, filled_field_sets, st.data())
def test_a_changed_value_is_another_root(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(fields)))
    value = data.draw(values)
    assume(differs(value, fields[path]))
    assert subtree_root(secret, {**fields, path: value}) != subtree_root(secret, fields)


@given(secrets, filled_field_sets, st.data())
def test_a_proof_with_a_changed_value_path_or_salt_leads_elsewhere(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(fields)))
    proof = prove(secret, fields, [path])
    shown = proof.shown[0]
    value, name = data.draw(values), data.draw(words)
    assume(differs(value, shown.value) and name != path)
    flipped = f"{int(shown.salt, 16) ^ 1 << data.draw(st.integers(0, 127)):032x}"
    for changed in (
        replace(shown, value=value),
        replace(shown, path=name),
        replace(shown, salt=flipped),
    ):
        assert proven_root(replace(proof, shown=(changed,))) != proven_root(proof)


@given(secrets, filled_field_sets, st.data())
def test_a_proof_with_one_flipped_bit_in_a_hidden_part_leads_elsewhere(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    proof = prove(secret, fields, [min(fields)])
    assume(proof.hidden)
    index = data.draw(st.integers(0, len(proof.hidden) - 1))
    bit = data.draw(st.integers(0, 255))
    part = (int.from_bytes(proof.hidden[index], "big") ^ 1 << bit).to_bytes(32, "big")
    hidden = (*proof.hidden[:index], part, *proof.hidden[index + 1 :])
    assert proven_root(replace(proof, hidden=hidden)) != proven_root(proof)


def root_or_none(proof: SubtreeProof) -> bytes | None:
    try:
        return proven_root(proof)
    except VerificationFailed:
        return None


@given(secrets, filled_field_sets, st.data())
def test_a_field_proves_nothing_at_another_position_or_depth(
    secret: bytes, fields: dict[str, FieldValue], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(fields)))
    proof = prove(secret, fields, [path])
    root = subtree_root(secret, fields)
    here = proof.shown[0].position
    for position in set(range(1 << proof.depth)) - {here}:
        moved = replace(proof, shown=(replace(proof.shown[0], position=position),))
        assert root_or_none(moved) != root
    for depth in set(range(MAX_DEPTH + 1)) - {proof.depth}:
        assert root_or_none(replace(proof, depth=depth)) != root


def test_a_proof_says_nothing_of_a_hidden_field() -> None:
    fields: dict[str, FieldValue] = {**FIELDS, "performer": "Li", "checker": "Wang"}
    shown = repr(prove(SECRET, fields, ["a"]))
    for path in set(fields) - {"a"}:
        assert salt_of(SECRET, path) not in shown
        assert repr(path) not in shown
    assert "Li" not in shown
    assert "Wang" not in shown
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown


def test_a_hidden_field_cannot_be_found_by_trying_the_few_values_it_may_have() -> None:
    words_ = ["pass", "fail", "pending", "invalid", "not_entered", "not_required"]
    fields: dict[str, FieldValue] = {"biological": "fail", "physical": "pass"}
    proof = prove(SECRET, fields, ["physical"])
    (hidden,) = proof.hidden
    known_salt = proof.shown[0].salt
    guesses = {leaf_hash(known_salt, "biological", word) for word in words_}
    assert hidden == leaf_hash(salt_of(SECRET, "biological"), "biological", "fail")
    assert hidden not in guesses


def test_the_same_value_under_another_path_or_secret_has_another_leaf() -> None:
    leaves = {
        leaf_hash(salt_of(secret, path), path, "pass")
        for secret in (SECRET, bytes(32))
        for path in ("physical", "biological")
    }
    assert len(leaves) == 4


@pytest.mark.parametrize("count", [5, 6, 7, 8])
def test_padding_hides_how_many_fields_there_are(count: int) -> None:
    fields: dict[str, FieldValue] = {f"f{index}": index for index in range(count)}
    proof = prove(SECRET, fields, ["f0"])
    assert (proof.depth, len(proof.hidden)) == (3, 3)


def test_an_empty_field_cannot_be_told_from_a_filled_one() -> None:
    filled = prove(SECRET, {"a": 1, "b": "x", "c": "y"}, ["a"])
    empty = prove(SECRET, {"a": 1, "b": None, "c": None}, ["a"])
    assert filled.shown == empty.shown
    assert (filled.depth, len(filled.hidden)) == (empty.depth, len(empty.hidden))


@given(secrets)
def test_an_empty_part_has_a_root_that_only_its_secret_gives(secret: bytes) -> None:
    assume(secret != SECRET)
    root = subtree_root(secret, {})
    assert root != subtree_root(SECRET, {})
    assert proven_root(prove(secret, {}, [])) == root


def test_facts_stay_provable_when_only_the_root_of_the_personal_part_is_left() -> None:
    personal_root = subtree_root(bytes(32), {"performer": "Li"})
    root = record_root(subtree_root(SECRET, FIELDS), personal_root)
    # Erased: neither the fields nor the secret of the personal part are known any more.
    proof = prove(SECRET, FIELDS, ["e"])
    assert record_root(proven_root(proof), personal_root) == root


def test_facts_and_personal_fields_cannot_change_places() -> None:
    left, right = subtree_root(SECRET, FIELDS), subtree_root(bytes(32), FIELDS)
    assert record_root(left, right) != record_root(right, left)


def test_a_leaf_is_never_a_node() -> None:
    left, right = bytes(32), b"\1" * 32
    assert node_hash(left, right) == hashlib.sha256(b"\1" + left + right).digest()
    assert (
        leaf_hash("00" * 16, "a", None)
        == hashlib.sha256(b'\0["00000000000000000000000000000000","a",null]').digest()
    )


def test_the_largest_tree_has_4096_leaves() -> None:
    fields: dict[str, FieldValue] = {f"f{index}": index for index in range(1 << MAX_DEPTH)}
    proof = prove(SECRET, fields, list(fields))
    assert proof.hidden == ()
    assert proven_root(proof) == subtree_root(SECRET, fields)
    with pytest.raises(InvalidInput) as caught:
        subtree_root(SECRET, {**fields, "one more": None})
    assert "4097" in caught.value.what


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        subtree_root(bytes(length), FIELDS)
    assert caught.value.field == "secret"


def test_a_path_that_the_record_does_not_have_cannot_be_shown() -> None:
    with pytest.raises(InvalidInput) as caught:
        prove(SECRET, FIELDS, ["a", "nowhere"])
    assert "nowhere" in caught.value.what
    assert caught.value.field == "disclose"


@pytest.mark.parametrize("path", ["pad\x000", "\0", "\ud800", "x" * (MAX_TEXT + 1)])
def test_a_path_that_is_no_text_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        subtree_root(SECRET, {path: 1})


@pytest.mark.parametrize(
    "value", [None, True, False, 0, MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, "", "x" * MAX_TEXT]
)
def test_text_safe_integers_booleans_and_null_may_be_recorded(value: FieldValue) -> None:
    require_value(value, field="x")


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        MAX_SAFE_INTEGER + 1,
        -MAX_SAFE_INTEGER - 1,
        "a\0b",
        "\ud800",
        "x\udfff",
        "x" * (MAX_TEXT + 1),
        b"bytes",
        [],
        {},
        ("a",),
    ],
)
def test_any_other_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        require_value(value, field="some.path")
    assert caught.value.field == "some.path"


ANYTHING = st.one_of(
    values,
    st.text(),
    st.text(st.sampled_from("a\0\ud800"), max_size=3),
    st.integers(),
    st.floats(),
    st.binary(),
    st.lists(st.none()),
    st.sampled_from(["x" * MAX_TEXT, "x" * (MAX_TEXT + 1), "é" * MAX_TEXT, MAX_SAFE_INTEGER + 1]),
)


def refusal(path: str, value: object) -> InvalidInput | None:
    """What looking at one field alone says."""
    try:
        require_value(path, field="path")
        require_value(value, field=path)
    except InvalidInput as error:
        return error
    return None


@given(st.dictionaries(words | st.sampled_from(["\0", "\ud800"]), ANYTHING, max_size=5))
def test_many_fields_are_refused_as_the_first_wrong_one_is_alone(fields: dict[str, object]) -> None:
    wrong = [str(error) for item in fields.items() if (error := refusal(*item))]
    if not wrong:
        require_values(fields)  # type: ignore[arg-type]
        return
    with pytest.raises(InvalidInput) as caught:
        require_values(fields)  # type: ignore[arg-type]
    assert str(caught.value) == wrong[0]


GOOD = prove(SECRET, FIELDS, ["a", "c"])
FIRST, SECOND = GOOD.shown

MALFORMED = {
    "negative depth": replace(GOOD, depth=-1),
    "a tree too deep": replace(GOOD, depth=MAX_DEPTH + 1),
    "an absurd depth": replace(GOOD, depth=10**9),
    "a position twice": replace(GOOD, shown=(FIRST, replace(SECOND, position=FIRST.position))),
    "positions that fall": replace(GOOD, shown=(SECOND, FIRST)),
    "a position before the tree": replace(GOOD, shown=(replace(FIRST, position=-1), SECOND)),
    "a position after the tree": replace(GOOD, shown=(FIRST, replace(SECOND, position=8))),
    "a path twice": replace(GOOD, shown=(FIRST, replace(SECOND, path=FIRST.path))),
    "a hidden part too few": replace(GOOD, hidden=GOOD.hidden[1:]),
    "a hidden part too many": replace(GOOD, hidden=(*GOOD.hidden, bytes(32))),
    "a short hidden part": replace(GOOD, hidden=(GOOD.hidden[0][1:], *GOOD.hidden[1:])),
    "a salt in capitals": replace(GOOD, shown=(replace(FIRST, salt="A" * 32), SECOND)),
    "a short salt": replace(GOOD, shown=(replace(FIRST, salt="0" * 31), SECOND)),
    "a value with NUL": replace(GOOD, shown=(replace(FIRST, value="\0"), SECOND)),
    "a float": replace(GOOD, shown=(replace(FIRST, value=1.5), SECOND)),  # type: ignore[arg-type]
    "a path with half a surrogate": replace(GOOD, shown=(replace(FIRST, path="\ud800"), SECOND)),
    "a path with NUL": replace(GOOD, shown=(replace(FIRST, path="pad\x000"), SECOND)),
    "nothing hidden and nothing shown": SubtreeProof(depth=0, shown=(), hidden=()),
}


@pytest.mark.parametrize("proof", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_proof_fails_verification_and_nothing_else(proof: SubtreeProof) -> None:
    with pytest.raises(VerificationFailed):
        proven_root(proof)


shown_fields = st.builds(
    ShownField,
    position=st.integers(-2, 20),
    salt=st.one_of(st.text(max_size=34), st.just("0" * 32)),
    path=st.text(max_size=5),
    value=st.one_of(values, st.text(st.characters(), max_size=5)),
)


@given(
    st.builds(
        SubtreeProof,
        depth=st.integers(-2, MAX_DEPTH + 2),
        shown=st.lists(shown_fields, max_size=3).map(tuple),
        hidden=st.lists(st.binary(min_size=30, max_size=33), max_size=14).map(tuple),
    )
)
def test_an_arbitrary_proof_gives_a_root_or_fails_verification(proof: SubtreeProof) -> None:
    root = root_or_none(proof)
    assert root is None or len(root) == 32


def test_a_proof_holds_nothing_but_depth_shown_and_hidden() -> None:
    assert [part.name for part in dataclass_fields(SubtreeProof)] == ["depth", "shown", "hidden"]

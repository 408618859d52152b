"""The golden vectors: fresh, and true by independent implementations."""

from __future__ import annotations

import hashlib
import json
from functools import reduce
from typing import Any

import pytest
import rfc8785
from eth_abi.abi import decode
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from ledger.domain.acts.catalogue import NESTED
from ledger.domain.acts.decisions import TRANSITIONS, DecisionKind, DecisionState, share_rule
from ledger.domain.encoding.abi import Eip712Domain
from ledger.domain.operations import Operation, message_from_plain, typed_data
from ledger.domain.records.commitments import (
    ShownField,
    SubtreeProof,
    proven_root,
    record_root,
    salt_of,
    subtree_root,
)
from scripts.vectors import FOLDER, MAKERS, SHAPES


def load(name: str) -> dict[str, Any]:  # the vectors' own shapes are what is tested
    loaded: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


OPERATIONS = load("operations.json")
BY_STRUCT = {act.struct.name: act for act in SHAPES}
DOMAIN = Eip712Domain(chain_id=OPERATIONS["chainId"], contract=raw(OPERATIONS["contract"]))
MESSAGES = [(name, index) for name in OPERATIONS["kinds"] for index in (0, 1)]


@pytest.mark.parametrize("name", MAKERS)
def test_the_committed_vectors_are_what_the_domain_computes(name: str) -> None:
    assert load(name) == MAKERS[name](), "run python scripts/vectors.py and look at why"


def test_every_kind_has_vectors() -> None:
    assert list(OPERATIONS["kinds"]) == [act.struct.name for act in SHAPES]


@pytest.mark.parametrize("name,index", MESSAGES)
def test_an_operations_hashes_are_those_of_eth_account(name: str, index: int) -> None:
    entry = OPERATIONS["kinds"][name]
    message = message_from_plain(BY_STRUCT[name], entry["messages"][index])
    operation = Operation(act=BY_STRUCT[name], message=message, domain=DOMAIN)
    signable = encode_typed_data(full_message=typed_data(operation))
    assert signable.header == raw(OPERATIONS["domainSeparator"])
    assert signable.body == raw(entry["structHashes"][index])
    assert keccak(b"\x19\x01" + signable.header + signable.body) == raw(entry["digests"][index])


@pytest.mark.parametrize("name,index", MESSAGES)
def test_an_encoded_operation_decodes_to_its_message(name: str, index: int) -> None:
    def abi_type(type_: str) -> str:
        if not type_.endswith("[]"):
            return type_
        return f"({','.join(member.type for member in NESTED[type_[:-2]].members)})[]"

    entry, struct = OPERATIONS["kinds"][name], BY_STRUCT[name].struct
    types = ",".join(abi_type(member.type) for member in struct.members)
    (values,) = decode([f"({types})"], raw(entry["encoded"][index]))
    plain = entry["messages"][index]
    for member, value in zip(struct.members, values, strict=True):
        expected = plain[member.name]
        if member.type.endswith("[]"):
            assert [tuple(item.values()) for item in expected] == list(value)
        else:
            assert (raw(expected) if member.type == "bytes32" else expected) == value


def test_the_vectors_hold_negative_deltas_and_several_items() -> None:
    _, second = OPERATIONS["kinds"]["CycleDecision"]["messages"]
    assert len(second["shares"]) > 1
    assert min(share["delta"] for share in second["shares"]) == -(2**31)


PARTS = [
    (record["name"], part)
    for record in load("commitments.json")["records"]
    for part in ("facts", "personal")
]


def part_of(name: str, part: str) -> dict[str, Any]:
    records = load("commitments.json")["records"]
    found: dict[str, Any] = next(record for record in records if record["name"] == name)[part]
    return found


@pytest.mark.parametrize("name,part", PARTS)
def test_the_salts_leaves_and_root_of_a_part_are_its_own(name: str, part: str) -> None:
    entry = part_of(name, part)
    secret = raw(entry["secret"])
    leaves = entry["leaves"]
    columns = (leaves[name] for name in ("paths", "salts", "canonical", "hashes"))
    for path, salt, canonical, leaf in zip(*columns, strict=True):
        assert salt == salt_of(secret, path)
        assert raw(canonical) == rfc8785.dumps([salt, path, entry["fields"][path]])
        assert raw(leaf) == hashlib.sha256(b"\0" + raw(canonical)).digest()
    assert leaves["paths"] == list(entry["fields"])
    assert subtree_root(secret, entry["fields"]) == raw(entry["root"])


@pytest.mark.parametrize("name,part", PARTS)
def test_the_proof_of_a_part_leads_to_its_root(name: str, part: str) -> None:
    entry = part_of(name, part)
    places = zip(entry["proof"]["positions"], entry["proof"]["paths"], strict=True)
    secret = raw(entry["secret"])
    proof = SubtreeProof(
        depth=entry["proof"]["depth"],
        shown=tuple(
            ShownField(
                position=position,
                salt=salt_of(secret, path),
                path=path,
                value=entry["fields"][path],
            )
            for position, path in places
        ),
        hidden=tuple(raw(each) for each in entry["proof"]["hidden"]),
    )
    assert proven_root(proof) == raw(entry["root"])


def test_a_records_root_is_over_both_of_its_parts() -> None:
    for record in load("commitments.json")["records"]:
        roots = [raw(record[part]["root"]) for part in ("facts", "personal")]
        assert record_root(*roots) == raw(record["root"])
        assert hashlib.sha256(reduce(bytes.__add__, roots, b"\1")).digest() == raw(record["root"])


def test_the_vectors_hold_the_whole_table_of_decisions() -> None:
    table = load("decisions.json")
    columns = [table[name] for name in ("from", "kind", "to", "shares")]
    rows = list(zip(*columns, strict=True))
    assert len(rows) == len(DecisionState) * len(DecisionKind)
    assert len({(start, kind) for start, kind, _, _ in rows}) == len(rows)
    for start, kind, to, shares in rows:
        state, decision = DecisionState(start), DecisionKind(kind)
        if decision in TRANSITIONS[state]:
            assert to == TRANSITIONS[state][decision]
            assert shares == share_rule(state, decision).name.lower()
        else:
            assert (to, shares) == (255, "refused")


def test_a_correction_moves_packages_within_what_was_declared_and_released() -> None:
    table = load("decisions.json")
    declared = dict(zip(*table["declared"].values(), strict=True))
    for move in table["moves"]:
        # before and after, of each class: the plain sums
        before = dict.fromkeys(declared, 0)
        for _, number, delta in zip(*move["release"].values(), strict=True):
            before[number] += delta
        taken, added = dict(before), dict.fromkeys(declared, 0)
        for _, number, delta in zip(*move["correct"].values(), strict=True):
            if delta < 0:
                taken[number] += delta
            else:
                added[number] += delta
        after = {number: taken[number] + added[number] for number in declared}
        fits = all(taken[n] >= 0 and after[n] <= declared[n] for n in declared)
        assert move["accepted"] is fits, move["name"]
        assert move["released"] == list((after if fits else before).values())
    assert {move["accepted"] for move in table["moves"]} == {True, False}

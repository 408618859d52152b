"""Bytes that are no evidence are refused, with where and why."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from importlib.resources import files

import jsonschema
import pytest
import rfc8785

from ledger.domain.errors import VerificationFailed
from ledger.evidence.format import (
    MAX_FILE_BYTES,
    evidence_schema_to_json,
    evidence_to_bytes,
    parse_evidence,
)
from tests.evidence.world import Plain, Story, edited

SEED = 20_261_121


def refusal(data: bytes) -> VerificationFailed:
    with pytest.raises(VerificationFailed) as raised:
        parse_evidence(data)
    return raised.value


@pytest.mark.parametrize("name", ["released", "recalled", "other", "open"])
def test_a_file_read_and_written_again_is_the_same(told: Story, name: str) -> None:
    data = getattr(told, name)
    assert evidence_to_bytes(parse_evidence(data)) == data


@pytest.mark.parametrize(
    "damage, words",
    [
        (lambda _: b"", "not JSON"),
        (lambda _: b"null", "is not an object"),
        (lambda _: b"[]", "is not an object"),
        (lambda data: b"\xef\xbb\xbf" + data, "BOM"),
        (lambda data: data + b"\n", "one spelling"),
        (lambda data: b" " + data, "one spelling"),
        (lambda data: data + data, "not JSON"),
        (lambda data: data[:-1], "not JSON"),
        (lambda data: data[: len(data) // 2], "not JSON"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":2.0', 1), "is a float"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":2e0', 1), "is a float"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":NaN', 1), "is a float"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":-Infinity', 1), "is a float"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":-0', 1), "one spelling"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":02', 1), "not JSON"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":' + b"9" * 5000, 1), "not JSON"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":9007199254740992', 1), "too large"),
        (lambda data: data.replace(b'"epoch":2', b'"epoch":2,"epoch":2', 1), "one spelling"),
        (lambda data: data.replace(b"134 wrapped", b"hand\xffieces", 1), "not UTF-8"),
        (lambda data: data.replace(b"134 wrapped", b"hand\\ud800eces", 1), "surrogate"),
        (lambda data: data.replace(b"134 wrapped", b"hand\\u0000eces", 1), "NUL"),
        (lambda data: data.replace(b"134 wrapped", b"\\u0031" + b"34 wrapped", 1), "one spelling"),
        (lambda data: data.replace(b"134 wrapped", b"h" * 5000, 1), "5000 characters"),
        (lambda _: b"[" * 100_000, "too deep"),
        (lambda _: b'{"a":' * 100_000, "too deep"),
        (lambda _: b'"' + b'\\"' * 500_000, "not JSON"),
        (lambda _: b'"' + b'\\"' * 500_000 + b"\\", "not JSON"),
        (lambda _: b'"' + b"a" * MAX_FILE_BYTES + b'"', "at most 1048576 bytes"),
        (lambda data: data.replace(b'"0x', b'"0X', 1), "hexadecimal"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_file_of_ours(
    told: Story, damage: Callable[[bytes], bytes], words: str
) -> None:
    data = damage(told.other)
    assert data != told.other
    assert words in str(refusal(data))


@pytest.mark.parametrize(
    "place, value, field",
    [
        (("format",), "steriledger-evidence/2", "format"),
        (("suite",), 1, "suite"),
        (("suite",), "x" * 41, "suite"),
        (("subject", "type"), "machine", "subject.type"),
        (("subject", "type"), None, "subject.type"),
        (("subject", "id"), "0x00", "subject.id"),
        (("asOf", "block"), -1, "asOf.block"),
        (("asOf", "block"), True, "asOf.block"),
        (("asOf", "hash"), None, "asOf.hash"),
        (("keys",), {}, "keys"),
        (("keys", 0), "0x" + "ff" * 20, "keys"),
        (("keys", 0), "0x" + "ff" * 19, "keys[0]"),
        (("operations",), [], "operations"),
        (("operations",), {}, "operations"),
        (("operations", 0, "kind"), "CycleHiding", "operations[0].kind"),
        (("operations", 0, "kind"), "CycleEnding", "operations[0].message"),
        (("operations", 0, "kind"), ["CycleOpening"], "operations[0].kind"),
        (("operations", 0, "message", "unit"), "1", "operations[0].message.unit"),
        (("operations", 0, "message", "unit"), 2**32, "operations[0].message.unit"),
        (("operations", 0, "message", "record"), "0x" + "AB" * 32, "operations[0].message.record"),
        (("operations", 0, "signatures"), {}, "operations[0].signatures"),
        (("operations", 0, "signatures", "signer"), "0x", "operations[0].signatures.signer"),
        (("operations", 0, "record"), [], "operations[0].record"),
        (("operations", 0, "record", "facts"), {}, "operations[0].record.facts"),
        (("operations", 0, "record", "facts", "fields"), {"": 1},
         "operations[0].record.facts.fields"),
        (("operations", 0, "record", "facts", "fields", "reason"), None,
         "operations[0].record.facts.fields"),
        (("operations", 0, "record", "facts", "fields", "reason"), [],
         "operations[0].record.facts.fields.reason"),
        (("operations", 0, "chain", "log"), 2**32, "operations[0].chain.log"),
        (("attachments",), None, "attachments"),
        (("attachments",), ["****"], "attachments[0]"),
        (("attachments",), ["QR=="], "attachments[0]"),
        (("deployment",), None, "deployment"),
        (("deployment", "chainId"), 0, "deployment.chainId"),
        (("deployment", "authority"), "0x" + "AB" * 20, "deployment.authority"),
        (("deployment", "authority"), "0x" + "00" * 20, "deployment"),
        (("deployment", "authorityKind"), "person", "deployment.authorityKind"),
    ],
)  # fmt: skip
def test_the_place_of_what_is_wrong_is_named(
    told: Story, place: tuple[str | int, ...], value: object, field: str
) -> None:
    def change(plain: Plain) -> None:
        for step in place[:-1]:
            plain = plain[step]
        plain[place[-1]] = value

    assert refusal(edited(told.other, change)).field == field


def test_a_record_that_shows_nothing_is_null(told: Story) -> None:
    def change(plain: Plain) -> None:
        hidden = {"root": "0x" + "00" * 32}
        plain["operations"][0]["record"] = {"facts": hidden, "personal": hidden}

    assert "shows nothing" in refusal(edited(told.other, change)).what


# ---------------------------------------------------------------- the published schema

#: What the parser refuses and a JSON Schema cannot say, or says less strictly.
BEYOND_THE_SCHEMA = re.compile(
    r"is null\b|printable|share an address|address is zero|one spelling|ascend"
)


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(evidence_schema_to_json()))


def test_the_published_schema_is_the_one_that_the_table_makes() -> None:
    published = files("ledger.evidence").joinpath("evidence.schema.json").read_bytes()
    assert published == evidence_schema_to_json()
    jsonschema.Draft202012Validator.check_schema(json.loads(published))


@pytest.mark.parametrize("name", ["released", "recalled", "other", "open"])
def test_true_files_obey_the_schema(
    told: Story, validator: jsonschema.Draft202012Validator, name: str
) -> None:
    validator.validate(json.loads(getattr(told, name)))


def test_files_with_proofs_and_attachments_obey_the_schema(
    told: Story, validator: jsonschema.Draft202012Validator
) -> None:
    data = told.world.build(
        14, told.sources, "verdict.*", "readings.*", "personal:performer", attach=True
    )
    validator.validate(json.loads(data))


def structural_changes(plain: Plain) -> Iterator[tuple[str, bytes]]:
    """The file with one member or item removed, added, or of another type; each in turn."""
    for where, parent, key in list(_nodes(plain, "")):
        kept = parent[key]
        for other in _others(kept):
            parent[key] = other
            yield f"{where} = {other!r:.40}", rfc8785.dumps(plain)
        parent[key] = kept
        if isinstance(parent, dict):
            del parent[key]
            yield f"{where} removed", rfc8785.dumps(plain)
            parent[key] = kept
        if isinstance(kept, dict):
            kept["surplus"] = "surplus"
            yield f"{where}.surplus", rfc8785.dumps(plain)
            del kept["surplus"]


def _nodes(plain: Plain, where: str) -> Iterator[tuple[str, Plain, Plain]]:
    pairs = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in list(pairs):
        place = f"{where}.{key}"
        yield place, plain, key
        if isinstance(value, dict | list):
            yield from _nodes(value, place)


def _others(value: object) -> list[object]:
    if isinstance(value, bool) or value is None:
        return [[], 2**31]
    if isinstance(value, int):
        return ["1", None, True, -1]
    if isinstance(value, str):
        return [7, None, {}, value.upper(), value + "0", ""]
    return [None, "text"]


def test_parser_and_schema_refuse_the_same_shapes(
    told: Story, validator: jsonschema.Draft202012Validator
) -> None:
    proven = told.world.build(
        14, told.sources, "cycle-opening/1:*", "verdict.result", "cycle-ending/1:personal:performer"
    )
    changes = list(structural_changes(json.loads(proven)))
    tried = refused = 0
    for where, data in random.Random(SEED).sample(changes, 500):
        plain, reason = json.loads(data), None
        try:
            parse_evidence(data)
        except VerificationFailed as error:
            reason = str(error)
        valid = validator.is_valid(plain)
        tried += 1
        refused += reason is not None
        if reason is None:
            assert valid, f"the schema alone refuses {where}"
        elif valid:
            assert BEYOND_THE_SCHEMA.search(reason), f"the parser alone refuses {where}: {reason}"
    assert tried == 500
    assert refused > 400


@pytest.mark.parametrize("body", [b"null", b"[]", b"5", b'"text"', b"true"])
def test_a_file_that_is_no_object_is_said_without_a_name_for_nothing(body: bytes) -> None:
    with pytest.raises(VerificationFailed) as raised:
        parse_evidence(body)
    assert str(raised.value) == "the file is not an object."
    assert raised.value.field is None

"""What follows from each declaration, beside what it was when people first relied on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act
from ledger.domain.records.schemas import FieldRule, make_schema

GOLDEN: dict[str, Any] = json.loads(Path(__file__).with_name("golden.json").read_text("utf-8"))
COMMON = make_schema("any/1", {}, {}, {})


def own(rules: Mapping[str, FieldRule], common: Mapping[str, FieldRule]) -> dict[str, list[object]]:
    return {path: [r.text, r.required] for path, r in rules.items() if path not in common}


def test_every_kind_has_golden_values() -> None:
    assert set(GOLDEN) == set(ACTS), "a new kind is added to golden.json, and none is taken out"


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_declaration_leads_to_the_type_and_the_schema_that_were_signed_before(act: Act) -> None:
    schema = act.record_schema
    assert GOLDEN[act.name] == {
        "type": act.struct.encode_type() + "".join(s.encode_type() for s in act.nested.values()),
        "contract": act.contract.value,
        "function": act.function,
        "event": act.event,
        "schema": act.schema,
        "parties": [party.value for party in act.parties],
        "right": None if act.right is None else str(act.right.name).lower(),
        "scope": act.scope.value,
        "command": act.command,
        "facts": own(schema.facts, COMMON.facts),
        "personal": own(schema.personal, COMMON.personal),
        "lists": dict(schema.lists),
    }

"""The kinds of operation, and the one place that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ledger.domain.acts.vocabulary import Act
from ledger.domain.encoding.abi import Struct
from ledger.domain.errors import InvalidInput
from ledger.domain.records.schemas import Schema

#: The module of each kind; the busiest first, since their addresses are looked for in this order.
_MODULES = """
    cycle_opening cycle_ending load_declaration cycle_decision scan_report result_entry
    reading_entry package_decision take_over hand_over dispatch cycle_void comment outage shift
    maintenance request incident findings terms set_definition recall_order recall_notice
    recall_answer disposition closed_unit_disposition asset_registration asset_change asset_report
    transport_log service publication statement_answer resolution payment unit_admission
    unit_closure signer_enrolment signer_revocation equipment_registration equipment_change
    recovery_proposal recovery_veto record_erasure
"""
#: Every kind by its name.
ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (import_module(f"{__package__}.{name}").ACT for name in _MODULES.split())
}

#: The structs that appear inside messages.
NESTED: Mapping[str, Struct] = {
    name: struct for act in ACTS.values() for name, struct in act.nested.items()
}
_SCHEMAS: Mapping[str, Act] = {act.schema: act for act in ACTS.values()}
_WITNESSES: Mapping[int, Act] = {
    act.witness.kind: act for act in ACTS.values() if act.witness is not None
}
_BY_EVENT: Mapping[str, Act] = {act.event: act for act in ACTS.values() if act.witness is None}


def find_act(name: str) -> Act:
    """The kind of that name; raises InvalidInput naming the known ones."""
    act = ACTS.get(name)
    if act is None:
        raise InvalidInput(
            f"{name!r} is not an operation", field="kind", rule=f"one of {', '.join(ACTS)}"
        )
    return act


def act_of_event(event: str, kind: int | None = None) -> Act | None:
    """The kind that an event announces; of a witness, by its kind's number; None for no kind."""
    return _BY_EVENT.get(event) if kind is None else _WITNESSES.get(kind)


def find_schema(name: str) -> Schema:
    """The schema of that name; raises InvalidInput naming the known ones."""
    if name not in _SCHEMAS:
        raise InvalidInput(
            f"{name!r} is unknown", field="schema", rule=f"one of {', '.join(_SCHEMAS)}"
        )
    return _SCHEMAS[name].record_schema

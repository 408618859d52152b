"""A person takes back an opening that was a mistake; its number may be opened again."""

from __future__ import annotations

from dataclasses import replace

from ledger.domain.acts import rules as common
from ledger.domain.acts.vocabulary import (
    DIGEST,
    Act,
    Field,
    Given,
    Message,
    Recorded,
    View,
    cycle_field,
    unit_field,
    word,
)
from ledger.domain.acts.words import Contract, Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST
from ledger.domain.errors import Conflict, Refused


def rules(message: Message, view: View) -> None:
    """As CycleLedger._void: nothing came after the opening that it names."""
    cycle = common.named_cycle(message, view)
    if word(message, "opening") != cycle.opening:
        raise Conflict(
            "it names another opening than the standing one",
            field="opening",
            remedy="look at the cycle again",
        )
    after = [n for n in ("ending", "load", "decision") if getattr(cycle, n) != ZERO_DIGEST]
    if after:
        raise Refused(
            f"the cycle has {' and '.join(after)} already",
            field="cycle",
            rule="an opening with nothing after it can be taken back",
            remedy="amend what was recorded, or reject the cycle",
        )


def effect(void: Recorded, view: View) -> None:
    """No opening of that number stands."""
    view.put(
        replace(common.named_cycle(void.message, view), opening=ZERO_DIGEST, voided=void.digest)
    )


ACT = Act(
    name="CycleVoid",
    doc="A person takes back an opening that was a mistake; its number may be opened again.",
    about="cycle",
    contract=Contract.CYCLE_LEDGER,
    function="voidCycles",
    event="CycleVoided",
    right=Right.OPEN,
    retention="sterilisation",
    gas=75_000,
    command="cycle void",
    shows_facts=True,
    needs_reason=True,
    fields=(
        cycle_field(),
        unit_field(),
        Field("opening", DIGEST, "digest of the mistaken opening", given=Given.JUDGED),
    ),
    says=lambda _: "the opening was taken back",
    parent=common.machine_of_cycle,
    ends="cycle",
    rules=rules,
    effect=effect,
)

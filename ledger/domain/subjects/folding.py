"""Operations → states: the one reducer, for acceptance, the index and a verifier alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ledger.domain.acts.vocabulary import (
    Act,
    ConsignmentNamed,
    CycleNamed,
    MachineNamed,
    Message,
    Named,
    Recorded,
    View,
    WitnessMode,
    items,
    word,
)
from ledger.domain.acts.words import Right
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import Inconsistent
from ledger.domain.subjects.states import (
    AssetState,
    ConsignmentState,
    CurrentWitness,
    CycleState,
    ErasureState,
    MachineState,
    ProposalState,
    ServiceState,
    ShareState,
    SignerState,
    UnitState,
    WitnessState,
)

#: Every class of state, and so every table of the index that is made from them.
STATES: tuple[type[Any], ...] = (
    UnitState,
    SignerState,
    MachineState,
    CycleState,
    ShareState,
    ConsignmentState,
    AssetState,
    ProposalState,
    ErasureState,
    ServiceState,
    WitnessState,
    CurrentWitness,
)

S = TypeVar("S")


class Memory:
    """States in memory."""

    def __init__(self) -> None:
        self._states: dict[tuple[type[Any], tuple[object, ...]], Any] = {}

    def find(self, cls: type[S], *key: object) -> S | None:
        """The state with that key, or None."""
        found: S | None = self._states.get((cls, key))
        return found

    def put(self, state: Any) -> None:
        """Keep a state, in place of the one with its key."""
        self._states[type(state), state.key] = state


def apply(recorded: Recorded, view: View) -> None:
    """Change the states as an operation that counts asks."""
    recorded.act.effect(recorded, view)


def complete_recovery(proposal: Digest, view: View) -> None:
    """The proposed key becomes an administrator, valid from when the proposal was signed."""
    state = view.find(ProposalState, proposal)
    if state is None:
        raise Inconsistent("a recovery was completed that nobody proposed")
    view.put(replace(state, is_completed=True))
    view.put(
        SignerState(
            id=state.signer,
            unit=state.unit,
            signer=state.new_key,
            rights=Right.ADMINISTER,
            custody=state.custody,
            valid_from=state.signed_at,
            valid_until=state.valid_until,
            enrolment=proposal,
        )
    )


Key = tuple[type[Any], tuple[object, ...]]

#: The subjects that have a state, by the words of acts' `about` and of fields' `Named`.
SUBJECTS: dict[str, type[Any]] = {
    "unit": UnitState,
    "signer": SignerState,
    "equipment": MachineState,
    "cycle": CycleState,
    "consignment": ConsignmentState,
    "asset": AssetState,
    "service": ServiceState,
}


def touched(act: Act, message: Message) -> Iterator[Key]:
    """The states that an operation may read or change, in rules and effect, shares' rows apart."""
    yield from _acting(act, message)
    for field in act.fields:
        cls = _class_of(field.of)
        if field.signed_as and cls is not None and field.name != "unit":
            named = message[field.signed_as]
            if named not in {0, ZERO_DIGEST}:
                yield cls, (named,)
    for name in act.list_members:
        for line in items(message, name):
            yield from ((UnitState, (line[each],)) for each in ("owner", "payer") if each in line)
    yield from _about(act, message)


def _acting(act: Act, message: Message) -> Iterator[Key]:
    """Who acts: the unit, those who sign, and the key that is brought."""
    if message["unit"]:
        yield UnitState, (message["unit"],)
    for name in ("signedBy", "countersignedBy", act.key_member):
        if name in message and any(word(message, name)):
            yield SignerState, (message[name],)


def _about(act: Act, message: Message) -> Iterator[Key]:
    subject, unit = act.subject_of(message), message["unit"]
    if act.witness is not None:
        if act.witness.mode is WitnessMode.STATE:
            yield CurrentWitness, (act.witness.kind, subject, unit)
        if any(word(message, "replaces")):
            yield WitnessState, (message["replaces"],)
    elif act.about in SUBJECTS and act.about != "unit":
        yield SUBJECTS[act.about], (subject,)
    elif act.about == "operation":
        yield ErasureState, (subject, unit)
    elif act.about == "proposal":
        yield ProposalState, (subject,)


def _class_of(sort: object) -> type[Any] | None:
    if isinstance(sort, CycleNamed):
        return CycleState
    if isinstance(sort, MachineNamed):
        return MachineState
    if isinstance(sort, ConsignmentNamed):
        return ConsignmentState
    return SUBJECTS.get(sort.what) if isinstance(sort, Named) else None


def brought_by(state: Any) -> Digest:
    """The operation that brought a state into being, or last began it anew."""
    brought = "admission", "enrolment", "registration", "opening", "dispatch", "digest", "erasure"
    for name in brought:
        found = getattr(state, name, None)
        if isinstance(found, bytes):
            return Digest(found)
    return ZERO_DIGEST

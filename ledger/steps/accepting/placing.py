"""Operation → its place among the accepted ones, or the rule that keeps it out.

What is about which subject, what it rests on and which rules it follows stands in its act; here
they are asked of what is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.acts import rules
from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Act, Message, Named, View, integer, unit_subject, word
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest
from ledger.domain.errors import Conflict, InvalidInput, NotFound
from ledger.domain.operations import Operation
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.records.records import Record
from ledger.domain.subjects.folding import brought_by, touched
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import CycleState, SignerState, UnitState
from ledger.steps.accepting.standing import Accepted, AcceptedRecords
from ledger.storage import directory, index, operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an operation stands among the accepted ones."""

    #: 32 bytes: what it is about
    subject: bytes
    #: 32 bytes: what the subject belongs to, or what it brings beside it
    parent: bytes | None
    #: one standing operation of a kind, subject and unit replaces this digest; None where many
    #: stand beside each other
    replaces: Digest | None
    #: digests that must be on chain before it → whether it is refused when they are
    depends_on: Mapping[Digest, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """What an operation is about, 32 bytes each."""

    #: nobody else may change or read these until it is stored
    changed: frozenset[bytes]
    #: nobody may change these until it is stored
    read: frozenset[bytes]


def place(tx: Connection, operation: Operation, record: Record, now: datetime) -> Place:
    """The operation's place; raises the rule that keeps it out, and changes nothing."""
    act, message = operation.act, operation.message
    rules.require_timely(message, int(now.timestamp()))
    rules.require_happened(act, message, record.facts)
    rules.require_known_words(act, message)
    accepted = Accepted(tx, touched(act, message))
    rules.require_rights(act, message, accepted)
    act.rules(message, accepted)
    _require_ours(tx, act, message)
    act.record_rules(message, accepted, record.facts, AcceptedRecords(tx))
    needed = needed_by(act, message, accepted)
    earlier = _distinct([*act.after(message, accepted), *_ended(tx, act, message)])
    return Place(
        subject=act.subject_of(message),
        parent=parent_of(act, message, accepted),
        replaces=replaced_by(act, message, accepted),
        depends_on=dict.fromkeys(earlier, False) | dict.fromkeys(needed, True),
    )


def subjects_of(tx: Connection, act: Act, message: Message) -> Subjects:
    """The subjects that must not change while the operation is placed and stored.

    Of what is about a cycle its machine, which may be ordered back or taken out of service at once.
    """
    also = act.also_of(message)
    changed = {act.subject_of(message)} | ({also} if also else set())
    read = {
        unit_subject(key[0]) if isinstance(key[0], int) else bytes(key[0])  # type: ignore[call-overload]
        for cls, key in touched(act, message)
        if len(key) == 1
    }
    cycle = directory.find_cycle(tx, word(message, "cycle")) if "cycle" in message else None
    if cycle is not None:
        read.add(bytes(cycle.equipment))
    return Subjects(changed=frozenset(changed), read=frozenset(read - changed))


def _require_ours(tx: Connection, act: Act, message: Message) -> None:
    """What the chain does not ask: a key is proposed once, and only what is ours is erased."""
    subject, unit = act.subject_of(message), integer(message, "unit")
    if act.name == "RecoveryProposal" and any(
        row.kind == act.name for row in operations.list_by_subject(tx, subject, standing=True)
    ):
        raise Conflict(
            "this key was proposed before",
            field="key",
            rule="a key is proposed once",
            remedy="make a new key",
        )
    for each in act.fields:
        if isinstance(each.of, Named) and each.of.what == "operation" and each.signed_as:
            _require_known(tx, each.of, Digest(word(message, each.signed_as)), each.name)
    if act.about == "operation" and operations.find_operation(tx, subject, unit=unit) is None:
        raise NotFound("no such operation of this unit", field="subject")


def _require_known(tx: Connection, named: Named, digest: Digest, field: str) -> None:
    """What is named is accepted here, or on the chain: else it would be waited for without end."""
    if digest == ZERO_DIGEST:
        return
    row = operations.find_operation(tx, digest)
    found = index.find(tx, IndexedOperation, digest) if row is None else row
    if found is None or (row is not None and row.state in GIVEN_UP):
        raise NotFound(
            "no such operation",
            field=field,
            rule="the digest of an operation that was accepted, or is on the chain",
        )
    if named.kinds and found.kind not in named.kinds:
        raise InvalidInput(
            f"it is the digest of {find_act(found.kind).spelled}",
            field=field,
            rule=f"of {' or '.join(find_act(kind).spelled for kind in named.kinds)}",
        )


def parent_of(act: Act, message: Message, accepted: View) -> bytes | None:
    """What the subject belongs to, or what the operation brings beside it."""
    return act.also_of(message) or act.parent(message, accepted)


def replaced_by(act: Act, message: Message, accepted: View) -> Digest | None:
    """What only one standing operation may replace; None where many stand beside each other."""
    if act.has_many:
        named = message.get("replaces", ZERO_DIGEST)
        return Digest(named) if isinstance(named, bytes) and any(named) else None
    if "replaces" in message:
        return Digest(word(message, "replaces"))
    if "previous" in message:
        # of two steps that follow the same one, one stands
        return Digest(word(message, "previous"))
    if act.about == "cycle":
        # an opening after one that was taken back, and what takes back that one
        cycle = accepted.find(CycleState, act.subject_of(message))
        return ZERO_DIGEST if cycle is None else cycle.voided
    return ZERO_DIGEST


def needed_by(act: Act, message: Message, accepted: View) -> list[Digest]:
    """What it is refused with: who signs, what it is about, and what it names."""
    needed: list[Digest] = []
    for party, signer in rules.signers_of(act, message).items():
        state = accepted.find(SignerState, signer)
        if party is not Party.NEW_KEY and state is not None:
            needed.append(state.enrolment)
    if Party.AUTHORITY in act.parties and message["unit"]:
        needed.append(brought_by(accepted.find(UnitState, message["unit"])))
    for cls, key in touched(act, message):
        if cls not in {SignerState, UnitState}:
            state = accepted.find(cls, *key)
            needed.append(ZERO_DIGEST if state is None else brought_by(state))
    needed += [
        Digest(word(message, each.signed_as))
        for each in act.fields
        if isinstance(each.of, Named) and each.of.what == "operation" and each.signed_as
    ]
    needed += act.needs(message, accepted)
    return _distinct(needed)


def _ended(tx: Connection, act: Act, message: Message) -> list[Digest]:
    """What was accepted of a unit, signer or cycle while it stood, and is not on chain yet."""
    if act.ends == "cycle":
        return operations.list_waiting_dependents(tx, word(message, "opening"))
    if act.ends == "signer":
        return operations.list_waiting_signed_by(tx, _key_of(tx, word(message, "signer")))
    if act.ends == "unit":
        number = integer(message, "unit")
        admission = Accepted(tx).find(UnitState, number)
        named = operations.list_waiting_dependents(tx, brought_by(admission))
        return [*operations.list_waiting_of(tx, number), *named]
    return []


def _key_of(tx: Connection, signer: bytes) -> bytes:
    state = Accepted(tx).find(SignerState, signer)
    if state is None:
        raise Conflict("the signer is not enrolled", field="signer")
    return state.signer


def _distinct(digests: Iterable[Digest]) -> list[Digest]:
    return [each for each in dict.fromkeys(digests) if each != ZERO_DIGEST]

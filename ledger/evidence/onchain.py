"""Evidence that holds together → what the chain says to it: the same, not less, nothing later.

Whoever answers for the chain may withhold; nothing becomes true because they say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ledger.domain.acts.rules import SKEW_SECONDS
from ledger.domain.acts.vocabulary import Act, WitnessScope, integer
from ledger.domain.acts.words import Party
from ledger.domain.chain.chain_reader import Block, ChainReader
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.events import Event, Log, parse_event
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.evidence.belonging import Position, belonging_to, by_digest
from ledger.evidence.offline import Checked
from ledger.evidence.shape import OPERATION, EvidenceOperation


class EventReader(ChainReader, Protocol):
    """A chain that can also be asked for the events of a subject."""

    def logs(
        self,
        addresses: Sequence[bytes],
        first: int,
        last: int,
        *,
        topics: Sequence[Sequence[bytes] | None] = (),
    ) -> list[Log]:
        """Logs of these contracts in blocks `first` to `last`, in chain order.

        `topics[i]` lists what the i-th topic may be; None, or beyond the list, means anything.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class OnChain:
    """What the node says about evidence that it confirms."""

    head: Block
    #: the highest block that the node calls finalized; None when it names none
    finalized: int | None
    #: Unix seconds of every block that the file names, by height
    times: Mapping[int, int]
    #: what the node says happened later: what ended something that the file rests on, erasures,
    #: and what others say of the subject
    later: Sequence[Event]


def verify_on_chain(checked: Checked, deployment: Deployment, chain: EventReader) -> OnChain:
    """Compare with the chain; raises VerificationFailed, and ChainUnavailable without an answer."""
    _require_identity(deployment, chain)
    head = chain.block("latest")
    if head is None:
        raise VerificationFailed("the chain has no blocks")
    blocks = _read_blocks(checked, head, chain)
    for entry in checked.ordered:
        if integer(entry.message, "signedAt") > blocks[entry.place.block].timestamp + SKEW_SECONDS:
            raise VerificationFailed(f"{entry} was signed after it was mined")
    asking = _Asking(chain=chain, deployment=deployment, last=head.number)
    announced = _require_announced(checked, blocks, asking)
    if deployment.is_authority_a_contract:
        _require_as_mined(checked.ordered, announced, chain)
    later = _require_nothing_left_out(checked, asking)
    finalized = chain.block("finalized")
    return OnChain(
        head=head,
        finalized=None if finalized is None else finalized.number,
        times={number: block.timestamp for number, block in blocks.items()},
        later=later,
    )


def require_nothing_about(
    subject: bytes, until: int, deployment: Deployment, chain: EventReader
) -> None:
    """Raise VerificationFailed where the chain has something about a subject, up to a block."""
    asking = _Asking(chain=chain, deployment=deployment, last=until)
    found = asking.events_about([subject])
    if found:
        raise VerificationFailed(
            f"the chain has {len(found)} operations about {to_hex(subject)}, and the file none",
            field="evidence",
            rule="what is judged by is in the file",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """The chain's events by their topics."""

    chain: EventReader
    deployment: Deployment
    #: height of the head
    last: int

    def events_named(self, digests: Iterable[bytes]) -> list[Event]:
        """The events that announce operations of these digests."""
        return self._events([None, sorted(digests)])

    def events_about(self, subjects: Iterable[bytes]) -> list[Event]:
        """The events about these subjects."""
        return self._events([None, None, sorted(subjects)])

    def _events(self, topics: Sequence[Sequence[bytes] | None]) -> list[Event]:
        contracts = self.deployment.recording_contracts()
        first = min(self.deployment.deployed_at, self.last)
        logs = self.chain.logs(list(contracts), first, self.last, topics=topics)
        asked = [log for log in logs if _has_topics(log, topics)]
        try:
            return [parse_event(log, contracts) for log in asked]
        except InvalidInput as error:
            raise VerificationFailed(
                f"the chain holds an event that is none of ours: {error}"
            ) from None


def _has_topics(log: Log, topics: Sequence[Sequence[bytes] | None]) -> bool:
    """Whether a log was asked for: a node may give more."""
    pairs = zip(log.topics, topics, strict=False)
    return len(log.topics) >= len(topics) and all(w is None or t in w for t, w in pairs)


# ---------------------------------------------------------------- which chain


def _require_identity(deployment: Deployment, chain: ChainReader) -> None:
    number, genesis = chain.chain_id(), chain.genesis_hash()
    if number != deployment.chain_id or genesis != deployment.genesis_hash:
        raise VerificationFailed(
            f"the chain that was asked is chain {number} with the first block {to_hex(genesis)}, "
            f"not chain {deployment.chain_id} with {to_hex(deployment.genesis_hash)}",
            field="deployment",
            remedy="ask a node of the chain that the deployment names",
        )
    for role, contract in deployment.contracts.items():
        if keccak256(chain.code(contract.address)) != contract.code_hash:
            raise VerificationFailed(
                f"the code at {to_hex(contract.address)} is not that of {role.value}",
                field=f"deployment.contracts.{role.value}",
            )


def _read_blocks(checked: Checked, head: Block, chain: ChainReader) -> dict[int, Block]:
    """The blocks that the file names, of the history of which it names the last one's hash."""
    as_of = checked.evidence.as_of
    blocks: dict[int, Block] = {}
    for number in (*(entry.place.block for entry in checked.ordered), as_of.number):
        block = blocks.get(number) or (chain.block(number) if number <= head.number else None)
        if block is None:
            raise VerificationFailed(
                f"the chain that was asked ends at block {head.number} and does not have block "
                f"{number}",
                remedy="ask a node that has followed the chain further",
            )
        blocks[number] = block
    if blocks[as_of.number].hash != as_of.hash:
        raise VerificationFailed(
            f"block {as_of.number} of the chain is {to_hex(blocks[as_of.number].hash)}, but the "
            f"file names {to_hex(as_of.hash)}",
            field="asOf",
            rule="the file is of the one history that the chain has",
        )
    return blocks


# ---------------------------------------------------------------- each operation


def _require_announced(
    checked: Checked, blocks: Mapping[int, Block], asking: _Asking
) -> Mapping[bytes, Event]:
    """Each operation was announced once, as it is in the file, where the file says."""
    subject = checked.evidence.subject
    digests = {entry.digest for entry in checked.ordered}
    found: dict[bytes, Event] = {}
    for event in asking.events_named({*digests, subject.id}):
        if event.act is None:
            continue
        if event.digest in found:
            raise VerificationFailed(f"the chain announces {to_hex(event.digest)} twice")
        found[event.digest] = event
    for entry in checked.ordered:
        if entry.digest not in found:
            raise VerificationFailed(f"the chain does not announce {entry}")
        event = found[entry.digest]
        if _position(event) != entry.position:
            raise VerificationFailed(
                f"the chain announces {entry} at another place, in block {event.log.block_number}"
            )
        if event.log.block_hash != blocks[entry.place.block].hash:
            raise VerificationFailed(f"the node announces {entry} in a block of another history")
        if (event.act, event.message) != (entry.act, entry.message):
            raise VerificationFailed(f"the chain announces {entry} otherwise than the file has it")
    if subject.id in found and subject.id not in digests:
        raise VerificationFailed(
            "the file leaves out the very operation that it is about", field="operations"
        )
    return found


def _require_as_mined(
    ordered: Sequence[EvidenceOperation], announced: Mapping[bytes, Event], chain: ChainReader
) -> None:
    """The signatures of a contract as authority are those that the transactions carried.

    Whether they hold is the registry's word when they were mined, and so the node's: a contract's
    opinion cannot be asked without one, and may have changed since.
    """
    for entry in ordered:
        if Party.AUTHORITY not in entry.signatures:
            continue
        transaction = chain.transaction(announced[entry.digest].log.transaction_hash)
        if transaction is None or entry.signatures[Party.AUTHORITY] not in transaction.data:
            raise VerificationFailed(
                f"the authority's signature of {entry} is not the one that was mined"
            )


# ---------------------------------------------------------------- nothing less, nothing later


def _require_nothing_left_out(checked: Checked, asking: _Asking) -> list[Event]:
    """What happened later and changes nothing of what the file says.

    An operation on the subject that the file lacks is left out, or makes the file out of date.  One
    on what the file rests on is left out when something later in the file read its state, and when
    it ended that, or erased it, before the file was made.
    """
    evidence, held = checked.evidence, by_digest(checked.ordered)
    _, own = belonging_to(evidence.subject.id, evidence.operations)
    end = checked.ordered[-1].position
    # of the supporting operations: their erasures, and what stops a recovery
    read = checked.references.subjects | dict.fromkeys(by_digest(evidence.support), end)
    later, completed = [], dict[bytes, Position]()
    for event in asking.events_about({*own, *read}):
        if event.act is None:
            completed[event.digest] = _position(event)
        elif event.digest in held:
            continue
        elif event.about in own:
            if not _is_told(event, event.act, checked):
                raise _left_out(event, event.act, checked)
            later.append(event)
        elif event.act.witness is None:
            is_end = bool(event.act.ends) or event.act.about == OPERATION
            is_early = is_end and event.log.block_number <= evidence.as_of.number
            if is_early or _position(event) < read[event.about]:
                raise _left_out(event, event.act, checked)
            if is_end:
                later.append(event)
    _require_completed(checked, completed)
    return later


def _is_told(event: Event, act: Act, checked: Checked) -> bool:
    """Whether something that the file lacks is only told: later, and no change of the subject.

    What anybody may say about anything does not end a file, nor does an erasure.
    """
    evidence = checked.evidence
    if event.log.block_number <= evidence.as_of.number:
        return False
    is_anybodys = act.witness is not None and act.witness.scope is WitnessScope.ANYBODY
    return is_anybodys or act.about == OPERATION or event.about != evidence.subject.id


def _left_out(event: Event, act: Act, checked: Checked) -> VerificationFailed:
    evidence = checked.evidence
    what = f"the {act.name} in block {event.log.block_number}"
    if event.log.block_number > evidence.as_of.number:
        return VerificationFailed(
            f"the file is out of date: the chain holds {what}, after the file was made",
            rule=f"the file tells its subject up to block {evidence.as_of.number}",
            remedy="ask for a new evidence file",
        )
    return VerificationFailed(
        f"the file leaves out {what}",
        field="operations" if event.about == evidence.subject.id else "support",
        rule="a file holds what is about its subject, and what that rests on",
    )


def _require_completed(checked: Checked, completed: Mapping[bytes, Position]) -> None:
    """A proposed administrator acts only after the recovery was completed."""
    held = by_digest(checked.ordered)
    for proposal, first_use in checked.replayed.recoveries.items():
        done = completed.get(proposal)
        if done is None or not held[proposal].position < done < first_use:
            raise VerificationFailed(
                f"{held[proposal]} was not completed before its key signed",
                rule="a proposed administrator acts after seven days without a veto",
            )


def _position(event: Event) -> Position:
    return event.log.block_number, event.log.log_index

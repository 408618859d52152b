"""Evidence that holds together → what the chain says to it: the same, not less, nothing later.

Every answer here is the word of one node.  A node may withhold; what it says makes nothing true
that the file's signatures do not say: docs/trust.md lists each answer and what a lie in it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from ledger.domain.chain.chain_reader import Block, ChainReader, Receipt
from ledger.domain.chain.deployment import Deployment
from ledger.domain.encoding.abi import word as abi_word
from ledger.domain.encoding.events import Event, Log, operation_from_events, parse_event
from ledger.domain.encoding.hashing import keccak256
from ledger.domain.encoding.identifiers import SignerId, to_hex
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.domain.operations import Contract, Party
from ledger.domain.rules import SKEW_SECONDS
from ledger.domain.subjects.accepted import integer
from ledger.evidence.facts import describe
from ledger.evidence.offline import Checked
from ledger.evidence.rights import signers_of
from ledger.evidence.shape import BlockReference, EvidenceOperation, in_chain_order


class EventReader(ChainReader, Protocol):
    """A chain that can also be asked for the events of one cycle or unit."""

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
class Later:
    """Something that the chain tells of after what the file is about."""

    block: int
    #: whether the file holds it with its signatures, or only the node says so
    is_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OnChain:
    """What the chain says about evidence that it confirms."""

    head: Block
    #: the highest block that the node calls finalized; None when it names none
    finalized: int | None
    #: Unix seconds of every block that the file names, by height
    times: Mapping[int, int]
    #: revocations after the last use, by signer
    revoked_later: Mapping[SignerId, Later]
    #: erasures, by the digest of what was erased
    erased: Mapping[bytes, Later]
    #: the block in which the unit was closed afterwards
    closed_later: int | None


def verify_on_chain(checked: Checked, deployment: Deployment, chain: EventReader) -> OnChain:
    """Compare with the chain; raises VerificationFailed, and ChainUnavailable without an answer."""
    evidence = checked.evidence
    ordered = in_chain_order(evidence)
    _verify_identity(deployment, chain)
    head = chain.block("latest")
    if head is None:
        raise VerificationFailed("the chain has no blocks")
    times = _verify_blocks([*(entry.place.block for entry in ordered), evidence.as_of], head, chain)
    for entry in ordered:
        _verify_time(entry, times[entry.place.block.number])
    _verify_announcements(ordered, deployment, chain)
    if deployment.is_authority_a_contract:
        _verify_as_mined(ordered, chain)
    _verify_nothing_left_out(checked, _cycle_events(checked, deployment, chain, head.number))
    registry = _unit_events(checked, deployment, chain, head.number)
    _verify_equipment_whole(checked, registry)
    _verify_recoveries(ordered, registry)
    finalized = chain.block("finalized")
    return OnChain(
        head=head,
        finalized=None if finalized is None else finalized.number,
        times=times,
        revoked_later=_later_revocations(ordered, registry),
        erased=_erasures(ordered, registry),
        closed_later=_later_closure(ordered, registry),
    )


# ---------------------------------------------------------------- which chain


def _verify_identity(deployment: Deployment, chain: ChainReader) -> None:
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


def _verify_blocks(
    references: Iterable[BlockReference], head: Block, chain: ChainReader
) -> dict[int, int]:
    times: dict[int, int] = {}
    hashes: dict[int, bytes] = {}
    for reference in references:
        number = reference.number
        if number not in hashes:
            block = chain.block(number) if number <= head.number else None
            if block is None:
                raise VerificationFailed(
                    f"the chain that was asked ends at block {head.number} and does not have "
                    f"block {number}",
                    remedy="ask a node that has followed the chain further",
                )
            hashes[number], times[number] = block.hash, block.timestamp
        if hashes[number] != reference.hash:
            raise VerificationFailed(
                f"block {number} of the chain is {to_hex(hashes[number])}, but the file names "
                f"{to_hex(reference.hash)}",
                rule="the file names blocks of the one history that the chain has",
            )
    return times


def _verify_time(entry: EvidenceOperation, mined_at: int) -> None:
    if integer(entry.operation.message, "signedAt") > mined_at + SKEW_SECONDS:
        raise VerificationFailed(f"{describe(entry)} was signed after it was mined")


# ---------------------------------------------------------------- each operation


def _verify_announcements(
    ordered: Sequence[EvidenceOperation], deployment: Deployment, chain: ChainReader
) -> None:
    receipts: dict[bytes, Receipt | None] = {}
    for entry in ordered:
        transaction = entry.place.transaction
        if transaction not in receipts:
            receipts[transaction] = chain.receipt(transaction)
        receipt = receipts[transaction]
        if receipt is None:
            raise VerificationFailed(
                f"the chain does not hold the transaction of {describe(entry)}"
            )
        _verify_announcement(entry, receipt, deployment)


def _verify_announcement(
    entry: EvidenceOperation, receipt: Receipt, deployment: Deployment
) -> None:
    where, block = describe(entry), entry.place.block
    if not receipt.succeeded:
        raise VerificationFailed(f"the transaction of {where} was refused by the contract")
    if (receipt.block_number, receipt.block_hash) != (block.number, block.hash):
        raise VerificationFailed(f"the transaction of {where} is in block {receipt.block_number}")
    kind = entry.operation.kind
    address = deployment.address_of(kind.contract)
    logs = [
        log
        for log in receipt.logs
        if log.address == address and len(log.topics) > 1 and log.topics[1] == entry.digest
    ]
    try:
        events = [parse_event(log, {address: kind.contract}) for log in logs]
        message = operation_from_events(kind, events)
    except InvalidInput as error:
        raise VerificationFailed(
            f"its transaction does not announce {where} as it is in the file: {error.what}"
        ) from None
    place = next(event.log.log_index for event in events if event.name == kind.event)
    if message != entry.operation.message or place != entry.place.log_index:
        raise VerificationFailed(f"the chain announced {where} otherwise than the file has it")


def _verify_as_mined(ordered: Sequence[EvidenceOperation], chain: ChainReader) -> None:
    """The signatures of a contract as authority are those that the transactions carried.

    Whether they hold is the registry's word when they were mined, and so the node's: a contract's
    opinion cannot be asked without one, and may have changed since.
    """
    for entry in ordered:
        if Party.AUTHORITY not in entry.signatures:
            continue
        transaction = chain.transaction(entry.place.transaction)
        if transaction is None or entry.signatures[Party.AUTHORITY] not in transaction.data:
            raise VerificationFailed(
                f"the authority's signature of {describe(entry)} is not the one that was mined"
            )


# ---------------------------------------------------------------- nothing less, nothing later


def _cycle_events(
    checked: Checked, deployment: Deployment, chain: EventReader, last: int
) -> list[Event]:
    """The cycle's events; none of them lies before its opening."""
    cycle, opening = checked.evidence.subject.cycle, checked.history.opening
    blocks = range(opening.place.block.number, last + 1)
    return _events(Contract.CYCLE_LEDGER, cycle, deployment, chain, blocks)


def _unit_events(
    checked: Checked, deployment: Deployment, chain: EventReader, last: int
) -> list[Event]:
    """The unit's events in the registry; none of them lies before its admission."""
    unit = integer(checked.history.opening.operation.message, "unit")
    admission = in_chain_order(checked.evidence)[0]
    blocks = range(admission.place.block.number, last + 1)
    topic = abi_word("uint32", unit, field="unit")
    return _events(Contract.UNIT_REGISTRY, topic, deployment, chain, blocks)


def _events(
    contract: Contract, topic: bytes, deployment: Deployment, chain: EventReader, blocks: range
) -> list[Event]:
    address = deployment.address_of(contract)
    logs = chain.logs([address], blocks[0], blocks[-1], topics=[None, None, [topic]])
    try:
        return [parse_event(log, {address: contract}) for log in logs]
    except InvalidInput as error:
        raise VerificationFailed(
            f"the chain holds an event that is none of ours: {error}"
        ) from None


def _verify_nothing_left_out(checked: Checked, events: Sequence[Event]) -> None:
    evidence = checked.evidence
    held = {entry.digest for entry in evidence.operations}
    announcing = [event for event in events if event.name in _ANNOUNCING]
    for event in announcing:
        if event.digest in held:
            continue
        what = f"{_ANNOUNCING[event.name]} in block {event.log.block_number}"
        if event.log.block_number > evidence.as_of.number:
            raise VerificationFailed(
                f"the file is out of date: the chain holds {what}, after the file was made",
                rule=f"the file tells the cycle up to block {evidence.as_of.number}",
                remedy="ask for a new evidence file",
            )
        raise VerificationFailed(f"the file leaves out {what}", field="operations")
    if held != {event.digest for event in announcing}:
        raise VerificationFailed("the chain's list of the cycle's events lacks one of the file's")


_ANNOUNCING: Mapping[str, str] = {
    "CycleOpened": "an opening",
    "CycleEnded": "an ending",
    "LoadDeclared": "a load declaration",
    "CycleDecided": "a decision",
}


def _verify_equipment_whole(checked: Checked, registry: Sequence[Event]) -> None:
    held = {entry.digest for entry in checked.evidence.support}
    opened = checked.history.opening.place.position
    for event in registry:
        if (
            event.name == "EquipmentChanged"
            and event.fields["equipment"] == checked.evidence.subject.equipment
            and _position(event) < opened
            and event.digest not in held
        ):
            raise VerificationFailed(
                f"the file leaves out a change of the machine in block {event.log.block_number}",
                field="support",
            )


def _verify_recoveries(ordered: Sequence[EvidenceOperation], registry: Sequence[Event]) -> None:
    """A proposed administrator acts only after the recovery was completed."""
    completed = {
        event.digest: _position(event) for event in registry if event.name == "RecoveryCompleted"
    }
    uses = _uses(ordered)
    for entry in ordered:
        if entry.operation.kind.name != "RecoveryProposal":
            continue
        done = completed.get(entry.digest)
        signer = signers_of(entry)[Party.NEW_KEY]
        if done is None or any(position < done for position in uses.get(signer, ())):
            raise VerificationFailed(
                f"{describe(entry)} was not completed before its key signed",
                rule="a proposed administrator acts after seven days without a veto",
            )


def _later_revocations(
    ordered: Sequence[EvidenceOperation], registry: Sequence[Event]
) -> dict[SignerId, Later]:
    uses = _uses(ordered)
    held = {entry.digest for entry in ordered}
    later = {}
    for event in registry:
        if event.name != "SignerRevoked":
            continue
        signer = SignerId(_word(event, "signer"))
        if any(position > _position(event) for position in uses.get(signer, ())):
            raise VerificationFailed(
                f"a key that signed was revoked before, in block {event.log.block_number}",
                rule="revocation is terminal, in the order of the chain",
            )
        if signer in uses:
            later[signer] = _later(event, held)
    return later


def _later_closure(ordered: Sequence[EvidenceOperation], registry: Sequence[Event]) -> int | None:
    for event in registry:
        if event.name == "UnitClosed":
            if any(entry.place.position > _position(event) for entry in ordered):
                raise VerificationFailed(
                    f"the unit was closed before, in block {event.log.block_number}"
                )
            return event.log.block_number
    return None


def _erasures(
    ordered: Sequence[EvidenceOperation], registry: Sequence[Event]
) -> dict[bytes, Later]:
    held = {entry.digest for entry in ordered}
    subjects = {
        _word(event, "subject"): _later(event, held)
        for event in registry
        if event.name == "RecordErased"
    }
    return {subject: later for subject, later in subjects.items() if subject in held}


def _later(event: Event, held: AbstractSet[bytes]) -> Later:
    return Later(block=event.log.block_number, is_signed=event.digest in held)


def _uses(ordered: Sequence[EvidenceOperation]) -> dict[SignerId, list[tuple[int, int]]]:
    """Where each key signed in its own right."""
    uses: dict[SignerId, list[tuple[int, int]]] = {}
    for entry in ordered:
        for party, signer in signers_of(entry).items():
            if party is not Party.NEW_KEY:
                uses.setdefault(signer, []).append(entry.place.position)
    return uses


def _position(event: Event) -> tuple[int, int]:
    return event.log.block_number, event.log.log_index


def _word(event: Event, name: str) -> bytes:
    value = event.fields[name]
    if not isinstance(value, bytes):
        raise VerificationFailed(f"{event.name}.{name} is not a word")
    return value

"""Owed operations → ordered groups that fit into transactions.

A group is one call of one contract function.  Groups keep every order that the chain's rules can
tell apart:

- an operation comes after the digests that it depends on;
- operations of one function keep the order of their acceptance;
- operations on one subject (a cycle, a machine, a unit) keep the order of their acceptance;
- nothing moves across an operation of the registry, which changes who may do what.

Everything else may be gathered, so that a hundred cycles need four transactions, not four hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.acts.vocabulary import items as items_of
from ledger.domain.acts.words import Contract
from ledger.domain.encoding.abi import WORD, Value
from ledger.domain.encoding.identifiers import Digest

#: gas of one transaction; networks from osaka on refuse more than 2²⁴
MAX_GAS = 12_000_000
#: calldata of one transaction, bytes
MAX_CALLDATA = 100_000
#: the contracts' own MAX_BATCH
MAX_OPERATIONS = 256

#: What a transaction needs beside its operations; what each of those needs, its act says.  What
#: needs more reverts, and the node estimates it.
_GAS_PER_TRANSACTION = 30_000
#: P-256 in Solidity, where the chain has no precompile; also what a contract as authority may need
_GAS_PER_VERIFIER_SIGNATURE = 420_000
_GAS_PER_BYTE = 16
#: of a plain signature: r, s, v
_SIGNATURE_LENGTH = 65
_ACCOUNT_LENGTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An owed operation as far as planning needs it."""

    digest: Digest
    act: Act
    #: what it acts on; operations on one subject stay in order
    subject: bytes
    #: digests that must be on the chain, or earlier in the plan
    predecessors: frozenset[Digest]
    #: digests that come earlier where they can go, and are not waited for where they cannot
    only_earlier: frozenset[Digest] = frozenset()
    #: estimated gas
    gas: int
    #: bytes that it adds to a call
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A key and its signature, as the contracts take them; an authority's has no key bytes."""

    #: ERC-7913
    signer: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one transaction may hold."""

    gas: int = MAX_GAS
    calldata: int = MAX_CALLDATA
    operations: int = MAX_OPERATIONS


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What can go now, and what cannot yet."""

    #: in sending order; every group holds operations of one function
    groups: tuple[tuple[Candidate, ...], ...]
    #: waits for a predecessor, or was left out
    held: tuple[Candidate, ...]


@dataclass(slots=True)
class _Group:
    act: Act
    members: list[Candidate] = field(default_factory=list)
    gas: int = _GAS_PER_TRANSACTION
    size: int = 0

    def has_room(self, candidate: Candidate, limits: Limits) -> bool:
        return (
            self.act.function == candidate.act.function
            and len(self.members) < limits.operations
            and self.gas + candidate.gas <= limits.gas
            and self.size + candidate.size <= limits.calldata
        )

    def add(self, candidate: Candidate) -> None:
        self.members.append(candidate)
        self.gas += candidate.gas
        self.size += candidate.size


class _Planner:
    """The groups so far, and how early the next operation may stand."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.groups: list[_Group] = []
        self.place: dict[Digest, int] = {}
        self.last_of_function: dict[str, int] = {}
        self.last_of_subject: dict[bytes, int] = {}
        self.barrier = 0

    def put(self, candidate: Candidate) -> None:
        """Into the earliest group that keeps every order, or a new one at the end."""
        start = self._earliest(candidate)
        for index in range(start, len(self.groups)):
            if self.groups[index].has_room(candidate, self.limits):
                return self._place(candidate, index)
        self.groups.append(_Group(act=candidate.act))
        return self._place(candidate, len(self.groups) - 1)

    def _earliest(self, candidate: Candidate) -> int:
        places = [self.barrier, self.last_of_function.get(candidate.act.function, 0)]
        places.append(self.last_of_subject.get(candidate.subject, 0))
        before = candidate.predecessors | candidate.only_earlier
        places += [self.place[p] for p in before if p in self.place]
        if _changes_rights(candidate.act):
            places.append(len(self.groups) - 1)
        return max(places)

    def _place(self, candidate: Candidate, index: int) -> None:
        self.groups[index].add(candidate)
        self.place[candidate.digest] = index
        self.last_of_function[candidate.act.function] = index
        self.last_of_subject[candidate.subject] = index
        if _changes_rights(candidate.act):
            self.barrier = index


def plan(
    candidates: Sequence[Candidate],
    *,
    recorded: AbstractSet[Digest],
    left_out: AbstractSet[Digest] = frozenset(),
    stalled: AbstractSet[Digest] = frozenset(),
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Groups in sending order from candidates in the order of their acceptance.

    `recorded` are the digests that the chain holds already, `left_out` those that shall not go now,
    `stalled` those that cannot go, for how long nobody knows.
    A candidate that is left out, or whose predecessor is neither recorded nor in the plan, is held
    back, and with it what names it as a predecessor; nothing else, since what it waits for may come
    later.  A candidate that is larger than the limits gets a group of its own: the node decides.
    """
    planner = _Planner(limits)
    held: list[Candidate] = []
    stuck = set(stalled)
    for candidate in candidates:
        missing = {
            p
            for p in candidate.predecessors | candidate.only_earlier
            if p not in recorded and p not in planner.place
        }
        waits = missing - (candidate.only_earlier & stuck)
        if not waits and candidate.digest not in left_out:
            planner.put(candidate)
            continue
        held.append(candidate)
        if waits & stuck:
            stuck.add(candidate.digest)
    return Plan(groups=tuple(tuple(group.members) for group in planner.groups), held=tuple(held))


def estimated_size(act: Act, message: Message, proofs: Sequence[Proof]) -> int:
    """Bytes that an operation adds to a call, never too few; ABI words and padded proofs."""
    words = 1 + sum(_words(message[member.name]) for member in act.struct.members)
    return WORD * words + sum(_proof_size(proof) for proof in proofs)


def estimated_gas(act: Act, message: Message, proofs: Sequence[Proof], *, size: int) -> int:
    """Gas that an operation may add to a transaction at most, as far as measured.

    `size` is what `estimated_size` says.
    """
    items = act.gas_per_item * sum(len(items_of(message, name)) for name in act.list_members)
    verifiers = sum(not _is_plain(proof) for proof in proofs)
    return act.gas + items + verifiers * _GAS_PER_VERIFIER_SIGNATURE + size * _GAS_PER_BYTE


def transaction_gas(group: Sequence[Candidate]) -> int:
    """The gas limit of one transaction of these operations."""
    return _GAS_PER_TRANSACTION + sum(candidate.gas for candidate in group)


def _is_plain(proof: Proof) -> bool:
    """Whether one recovery of an account proves it."""
    return len(proof.signer) <= _ACCOUNT_LENGTH and len(proof.signature) <= _SIGNATURE_LENGTH


def _words(value: Value) -> int:
    """ABI words of a member; a list adds an offset, a length, and its items."""
    if isinstance(value, int | bytes):
        return 1
    return 2 + sum(len(item) for item in value)


def _proof_size(proof: Proof) -> int:
    padded = [-(-len(part) // WORD) * WORD for part in (proof.signer, proof.signature)]
    # its own offset, the offsets of the two parts, and their lengths
    return 5 * WORD + sum(padded)


def _changes_rights(act: Act) -> bool:
    return act.contract is Contract.UNIT_REGISTRY

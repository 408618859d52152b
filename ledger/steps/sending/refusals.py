"""What the contract refuses → refused, stuck or tried again later, with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.chain.contract_errors import FOREIGN, ContractError, revert_error
from ledger.domain.chain.chain_reader import CallReverted
from ledger.domain.clocks import has_passed
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.sending.owed import Owed
from ledger.steps.sending.vacating import vacate
from ledger.storage.operations import get_operation, move_operation

#: how long an operation may wait for what the contract says is missing …
WAIT_LIMIT = timedelta(hours=1)
#: … and for the chain's clock, which a person has to set where it does not come by itself
CLOCK_LIMIT = timedelta(minutes=1)
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)

_S = OperationState
_REFUSABLE = frozenset({_S.OWED, _S.STUCK})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deferral:
    """The contract said "not yet"."""

    since: datetime
    #: the last time
    at: datetime
    #: until the next try
    pause: timedelta


@dataclass(slots=True)
class Deferrals:
    """Operations that wait for something, remembered by this process only."""

    _by_digest: dict[Digest, _Deferral] = field(default_factory=dict)

    def not_due(self, now: datetime) -> set[Digest]:
        """Those whose next try lies ahead."""
        return {
            digest
            for digest, each in self._by_digest.items()
            if not has_passed(each.pause, each.at, now)
        }

    def put_off(self, digest: Digest, now: datetime, *, limit: timedelta) -> bool:
        """Try again later, each time twice as late; False when it waited longer than the limit."""
        before = self._by_digest.get(digest)
        since = now if before is None else before.since
        pause = _FIRST_PAUSE if before is None else min(2 * before.pause, _LONGEST_PAUSE)
        self._by_digest[digest] = _Deferral(since=since, at=now, pause=pause)
        return not has_passed(limit, since, now)

    def keep(self, owed: AbstractSet[Digest]) -> None:
        """Forget those that are no longer owed."""
        for digest in set(self._by_digest) - owed:
            del self._by_digest[digest]


def find_culprit(
    group: Sequence[Owed],
    reverted: CallReverted,
    check: Callable[[Sequence[Owed]], object],
) -> Owed:
    """The operation that spoils a batch: the one that the error names, else found by halving.

    `check` raises CallReverted for a part of the group that the contract refuses.
    """
    named = revert_error(reverted.data).digest
    for owed in group:
        if owed.row.digest == named:
            return owed
    good, bad = 0, len(group)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            check(group[:middle])
            good = middle
        except CallReverted:
            bad = middle
    return group[good]


def refuse(tx: Connection, digest: Digest, reason: str, at: datetime) -> int:
    """Refuse an operation and all that need it, and take back what they entered; says how many."""
    refused, queue = 0, [(digest, reason)]
    while queue:
        current, why = queue.pop()
        if get_operation(tx, current).state not in _REFUSABLE:
            continue
        move_operation(tx, current, _S.REFUSED, at, expected=_REFUSABLE, reason=why)
        refused += 1
        queue += [(each, follows(current)) for each in vacate(tx, current)]
    return refused


def follows(predecessor: Digest) -> str:
    """Why an operation is refused whose predecessor was."""
    return f"it follows from {to_hex(predecessor)}, which was refused"


#: What is over for ever, by the numbers of docs/errors.md.
_ENDED: Mapping[tuple[str, str, object], str] = {
    ("NotAllowed", "unit", 2): "the unit is closed",
    ("NotAllowed", "signer", 1): "the key is revoked",
    ("NotAllowed", "equipment", 3): "the machine is retired",
    ("NotAllowed", "recovery", 2): "the proposal is vetoed",
    ("NotAllowed", "consignment", 3): "it is received",
    ("NotAllowed", "consignment", 4): "it is cancelled",
    ("NotAllowed", "consignment", 6): "it is with its giver again",
    ("NotAllowed", "asset", 5): "the asset is scrapped",
}


def in_words(error: ContractError) -> str:
    """A contract's error as a sentence: "cycle: not allowed (value 4)"."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", error.name).lower()
    if error.name == FOREIGN:
        return f"it reverted with {to_hex(error.data[:68]) if error.data else 'no reason'}"
    shown = [
        f"{key} {to_hex(value) if isinstance(value, bytes) else value}"
        for key, value in error.fields.items()
        if key not in {"digest", "what"}
    ]
    about = f"{error.what}: {name}" if error.what else name
    ended = _ENDED.get((error.name, error.what, error.fields.get("value")))
    if ended is not None:
        return f"{about}: {ended}"
    return f"{about} ({', '.join(shown)})" if shown else about

"""State + decision → next state: what may be decided about a cycle, and with which shares.

The same tables stand in contracts/CycleLedger.sol; tests/vectors/decisions.json is read by both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from itertools import pairwise

from ledger.domain.encoding.abi import Scalar, word
from ledger.domain.errors import InvalidInput, Refused

#: The most shares that one decision may carry; the contract's bound.
MAX_SHARES = 128


class DecisionKind(IntEnum):
    """What a person decides about a cycle; the numbers are the contract's own."""

    RELEASE = 1
    RELEASE_BIOLOGICAL_PENDING = 2
    EMERGENCY_RELEASE = 3
    REJECT = 4
    HOLD = 5
    LIFT = 6
    RECALL = 7
    CORRECT = 8

    @property
    def word(self) -> str:
        """As records and messages spell it: `release_biological_pending`."""
        return self.name.lower()


class DecisionState(IntEnum):
    """How a cycle stands after its last decision; the numbers are the contract's own."""

    UNDECIDED = 0
    RELEASED = 1
    RELEASED_BIOLOGICAL_PENDING = 2
    RELEASED_EMERGENCY = 3
    REJECTED = 4
    #: held before anything was released
    HELD = 5
    #: held after a release; lifting returns to that release
    RELEASED_HELD = 6
    PENDING_HELD = 7
    EMERGENCY_HELD = 8
    RECALLED = 9

    @property
    def word(self) -> str:
        """As records and messages spell it: `released_held`."""
        return self.name.lower()


RELEASES = frozenset(
    {
        DecisionKind.RELEASE,
        DecisionKind.RELEASE_BIOLOGICAL_PENDING,
        DecisionKind.EMERGENCY_RELEASE,
    }
)
#: The states in which packages may be used; the contract's LAST_RELEASED_STATE and below.
USABLE = frozenset(
    {
        DecisionState.RELEASED,
        DecisionState.RELEASED_BIOLOGICAL_PENDING,
        DecisionState.RELEASED_EMERGENCY,
    }
)


class ShareRule(Enum):
    """Which shares a decision carries."""

    #: at least one, each positive: this decision releases the packages
    FIRST = auto()
    #: none: the packages were released before, or are not released
    NONE = auto()
    #: any number, positive or negative: what was released is set right
    ANY = auto()


_KIND, _STATE = DecisionKind, DecisionState

#: From a state, by a decision, to the next state; what is not here is refused.
TRANSITIONS: Mapping[DecisionState, Mapping[DecisionKind, DecisionState]] = {
    _STATE.UNDECIDED: {
        _KIND.RELEASE: _STATE.RELEASED,
        _KIND.RELEASE_BIOLOGICAL_PENDING: _STATE.RELEASED_BIOLOGICAL_PENDING,
        _KIND.EMERGENCY_RELEASE: _STATE.RELEASED_EMERGENCY,
        _KIND.REJECT: _STATE.REJECTED,
        _KIND.HOLD: _STATE.HELD,
    },
    _STATE.RELEASED: {
        _KIND.HOLD: _STATE.RELEASED_HELD,
        _KIND.RECALL: _STATE.RECALLED,
        _KIND.CORRECT: _STATE.RELEASED,
    },
    _STATE.RELEASED_BIOLOGICAL_PENDING: {
        _KIND.RELEASE: _STATE.RELEASED,
        _KIND.HOLD: _STATE.PENDING_HELD,
        _KIND.RECALL: _STATE.RECALLED,
        _KIND.CORRECT: _STATE.RELEASED_BIOLOGICAL_PENDING,
    },
    _STATE.RELEASED_EMERGENCY: {
        _KIND.RELEASE: _STATE.RELEASED,
        _KIND.HOLD: _STATE.EMERGENCY_HELD,
        _KIND.RECALL: _STATE.RECALLED,
        _KIND.CORRECT: _STATE.RELEASED_EMERGENCY,
    },
    _STATE.REJECTED: {_KIND.CORRECT: _STATE.UNDECIDED},
    _STATE.HELD: {_KIND.LIFT: _STATE.UNDECIDED, _KIND.REJECT: _STATE.REJECTED},
    _STATE.RELEASED_HELD: {_KIND.LIFT: _STATE.RELEASED, _KIND.RECALL: _STATE.RECALLED},
    _STATE.PENDING_HELD: {
        _KIND.LIFT: _STATE.RELEASED_BIOLOGICAL_PENDING,
        _KIND.RECALL: _STATE.RECALLED,
    },
    _STATE.EMERGENCY_HELD: {
        _KIND.LIFT: _STATE.RELEASED_EMERGENCY,
        _KIND.RECALL: _STATE.RECALLED,
    },
    _STATE.RECALLED: {_KIND.CORRECT: _STATE.RECALLED},
}

#: Which shares a decision carries in a state; what is not here carries none.
SHARE_RULES: Mapping[DecisionState, Mapping[DecisionKind, ShareRule]] = {
    _STATE.UNDECIDED: {
        _KIND.RELEASE: ShareRule.FIRST,
        _KIND.RELEASE_BIOLOGICAL_PENDING: ShareRule.FIRST,
        _KIND.EMERGENCY_RELEASE: ShareRule.FIRST,
    },
    _STATE.RELEASED: {_KIND.RECALL: ShareRule.ANY, _KIND.CORRECT: ShareRule.ANY},
    _STATE.RELEASED_BIOLOGICAL_PENDING: {
        _KIND.RECALL: ShareRule.ANY,
        _KIND.CORRECT: ShareRule.ANY,
    },
    _STATE.RELEASED_EMERGENCY: {_KIND.RECALL: ShareRule.ANY, _KIND.CORRECT: ShareRule.ANY},
    _STATE.RELEASED_HELD: {_KIND.RECALL: ShareRule.ANY},
    _STATE.PENDING_HELD: {_KIND.RECALL: ShareRule.ANY},
    _STATE.EMERGENCY_HELD: {_KIND.RECALL: ShareRule.ANY},
    _STATE.RECALLED: {_KIND.CORRECT: ShareRule.ANY},
}


def next_state(state: DecisionState, kind: DecisionKind) -> DecisionState:
    """The state after a decision; raises Refused and says what would be allowed."""
    allowed = TRANSITIONS[state]
    if kind not in allowed:
        words = ", ".join(option.word for option in allowed)
        raise Refused(
            f"{kind.word} does not follow {state.word}",
            field="kind",
            rule=f"a cycle that is {state.word} can take: {words}",
            remedy="read the cycle's present state, then choose one of these",
        )
    return allowed[kind]


def share_rule(state: DecisionState, kind: DecisionKind) -> ShareRule:
    """Which shares a decision carries in a state; raises Refused where it is not allowed at all."""
    next_state(state, kind)
    return SHARE_RULES.get(state, {}).get(kind, ShareRule.NONE)


def require_shares(
    state: DecisionState,
    kind: DecisionKind,
    shares: Sequence[Mapping[str, Scalar]],
    declared: Mapping[int, int],
    released: Mapping[int, int],
) -> None:
    """Raise unless a decision may carry these shares, given as in its message.

    `declared` is packages by class of the load that is judged, `released` packages by class so far
    (a class that is not in it: 0).  As in the contract, what is taken back is applied first, then
    what is added, each in the order given, and the sum may leave 0 to declared at no step.
    InvalidInput: the list itself is wrong.  Refused: the list does not fit the cycle.  Both name
    `shares[i]` and the numbers.
    """
    rule = share_rule(state, kind)
    lines = [_parse_share(share, field=f"shares[{i}]") for i, share in enumerate(shares)]
    _require_rule(rule, lines, deed=f"{kind.word} from {state.word}")
    _require_ascending(lines)
    _require_within(lines, declared, released)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    owner: int
    payer: int
    package_class: int
    #: packages, never 0
    delta: int


def _parse_share(share: Mapping[str, Scalar], *, field: str) -> _Share:
    names = {"owner": "uint32", "payer": "uint32", "packageClass": "uint16", "delta": "int32"}
    if set(share) != set(names):
        raise InvalidInput(
            "has missing or unknown members", field=field, rule=f"a share has {', '.join(names)}"
        )
    owner, payer, package_class, delta = (
        _integer(type_, share[name], field=f"{field}.{name}") for name, type_ in names.items()
    )
    if delta == 0:
        raise InvalidInput("the delta is 0", field=field, rule="a share changes something")
    return _Share(owner=owner, payer=payer, package_class=package_class, delta=delta)


def _integer(type_: str, value: Scalar, *, field: str) -> int:
    if not isinstance(value, int):
        raise InvalidInput("is not an integer", field=field, rule=type_)
    word(type_, value, field=field)
    return value


def _require_rule(rule: ShareRule, shares: Sequence[_Share], *, deed: str) -> None:
    if len(shares) > MAX_SHARES:
        raise InvalidInput(
            f"has {len(shares)} shares", field="shares", rule=f"at most {MAX_SHARES} in a decision"
        )
    if rule is ShareRule.NONE and shares:
        raise Refused(
            f"{deed} carries {len(shares)} shares", field="shares[0]", rule=f"{deed} has no shares"
        )
    if rule is ShareRule.FIRST:
        _require_additions(shares, deed=deed)


def _require_additions(shares: Sequence[_Share], *, deed: str) -> None:
    if not shares:
        raise Refused(f"{deed} carries no share", field="shares", rule=f"{deed} has at least one")
    for index, share in enumerate(shares):
        if share.delta < 0:
            raise Refused(
                f"the delta is {share.delta}",
                field=f"shares[{index}]",
                rule=f"{deed} has only positive deltas",
            )


def _require_ascending(shares: Sequence[_Share]) -> None:
    keys = [(share.owner, share.payer, share.package_class) for share in shares]
    for index, (before, after) in enumerate(pairwise(keys), start=1):
        if not before < after:
            raise InvalidInput(
                f"(owner, payer, class) {after} follows {before}",
                field=f"shares[{index}]",
                rule="shares ascend by owner, payer and class, each once",
            )


def _require_within(
    shares: Sequence[_Share], declared: Mapping[int, int], released: Mapping[int, int]
) -> None:
    totals = dict(released)
    # What is taken back goes first: packages then move between the owners of a fully released load.
    for index, share in sorted(enumerate(shares), key=lambda line: line[1].delta > 0):
        field, number = f"shares[{index}]", share.package_class
        if number not in declared:
            raise Refused(
                f"class {number} was not declared", field=field, rule="the load declares each class"
            )
        before = totals.get(number, 0)
        after = before + share.delta
        if not 0 <= after <= declared[number]:
            raise Refused(
                f"{before} released and {share.delta:+d} make {after} of class {number}",
                field=field,
                rule=f"0 to the {declared[number]} that the load declares",
            )
        totals[number] = after

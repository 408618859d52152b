"""A package's lines → how it stands: one table of (state, deed) → state, with overlays.

Only the present holder's report moves the state.  What another unit reports is the overlay
*contradicted*: both are asked, and nothing is blocked.  What happened is never refused: a deed that
does not follow from the state moves it all the same, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from ledger.domain.custody.lines import SEEN, Deed, PackageLine


class Stage(StrEnum):
    """How far a package is."""

    #: named by somebody; nothing says that it was assembled
    NAMED = "named"
    ASSEMBLED = "assembled"
    LOADED = "loaded"
    STORED = "stored"
    ISSUED = "issued"
    #: dispatched or handed over, and nobody took it yet
    OFFERED = "offered"
    CARRIED = "carried"
    LOST = "lost"
    OPENED = "opened"
    USED = "used"
    NOT_USED = "not_used"
    SOILED = "soiled"
    WASHED = "washed"
    INSPECTED = "inspected"
    DISCARDED = "discarded"
    MISSING = "missing"


class Overlay(StrEnum):
    """What is true of a package beside its state."""

    HELD = "held"
    #: for ever: a recalled package is reprocessed
    RECALLED = "recalled"
    #: left out of the release of its load, or excluded since
    EXCLUDED = "excluded"
    #: left for a later decision
    WAITING = "waiting"
    WET = "wet"
    DAMAGED = "damaged"
    #: its receiver would not have it, and sends it back
    REFUSED = "refused"
    CONTRADICTED = "contradicted"
    #: something was done that does not follow from what was known
    OUT_OF_ORDER = "out_of_order"


S, D = Stage, Deed

#: Deeds after which it is as it was before it left: the state in which it travelled or was missed.
_RESUMES = frozenset({D.RECEIVED, D.RETURNED, D.CANCELLED, D.FOUND, D.FOUND_AGAIN})
#: Done with what goes into a package, before anything is packed.
_PREPARING = frozenset({D.WASHED, D.INSPECTED})
_TRAVELLING = frozenset({S.OFFERED, S.CARRIED, S.LOST})
_AWAY = _TRAVELLING | {S.MISSING}
#: A package that was received is stored, whatever was last done with it where it came from.
_ARRIVES_AS: Mapping[Stage, Stage] = {S.LOADED: S.STORED, S.ISSUED: S.STORED, S.NAMED: S.STORED}

#: (state, deed) → state: what ordinarily follows.
TABLE: Mapping[Stage, Mapping[Deed, Stage]] = {
    S.NAMED: {
        D.ASSEMBLED: S.ASSEMBLED,
        D.LOADED: S.LOADED,
        D.STORED: S.STORED,
        D.RECEIVED_SOILED: S.SOILED,
    },
    S.ASSEMBLED: {D.LOADED: S.LOADED, D.DISPATCHED: S.OFFERED, D.OPENED: S.OPENED},
    S.LOADED: {
        D.LOADED: S.LOADED,
        D.STORED: S.STORED,
        D.ISSUED: S.ISSUED,
        D.DISPATCHED: S.OFFERED,
        D.OPENED: S.OPENED,
    },
    S.STORED: {
        D.STORED: S.STORED,
        D.ISSUED: S.ISSUED,
        D.DISPATCHED: S.OFFERED,
        D.OPENED: S.OPENED,
        D.USED: S.USED,
    },
    S.ISSUED: {
        D.STORED: S.STORED,
        D.DISPATCHED: S.OFFERED,
        D.OPENED: S.OPENED,
        D.USED: S.USED,
        D.NOT_USED: S.NOT_USED,
    },
    S.OFFERED: {D.CARRIED: S.CARRIED, D.HANDED_OVER: S.OFFERED, D.REFUSED: S.CARRIED},
    S.CARRIED: {D.HANDED_OVER: S.OFFERED},
    S.LOST: {},
    S.OPENED: {D.USED: S.USED, D.NOT_USED: S.NOT_USED, D.RECEIVED_SOILED: S.SOILED},
    S.USED: {
        D.DISPATCHED: S.OFFERED,
        D.RECEIVED_SOILED: S.SOILED,
        D.WASHED: S.WASHED,
    },
    S.NOT_USED: {
        D.DISPATCHED: S.OFFERED,
        D.RECEIVED_SOILED: S.SOILED,
        D.WASHED: S.WASHED,
    },
    S.SOILED: {D.DISPATCHED: S.OFFERED, D.RECEIVED_SOILED: S.SOILED, D.WASHED: S.WASHED},
    S.WASHED: {D.WASHED: S.WASHED, D.INSPECTED: S.INSPECTED},
    S.INSPECTED: {D.INSPECTED: S.INSPECTED, D.WASHED: S.WASHED},
    S.DISCARDED: {},
    S.MISSING: {},
}
#: Where a deed leads that does not follow from the state.
LEADS: dict[Deed, Stage] = {
    deed: stage for row in TABLE.values() for deed, stage in row.items() if deed != D.REFUSED
}
LEADS |= {D.DISCARDED: S.DISCARDED, D.MISSING: S.MISSING, D.SHORT: S.MISSING, D.LOST: S.LOST}
#: From every state that is not the end.
_ALWAYS = frozenset({D.DISCARDED, D.MISSING, D.SHORT, D.LOST})

#: What a person decides of the packages of a load.
_DECIDED = frozenset(
    {
        D.HELD,
        D.LIFTED,
        D.EXCLUDED,
        D.RECALLED,
        D.REPROCESS,
        D.LEFT_OUT,
        D.WAITING,
        D.ADDED,
    }
)
#: What says something of a package without moving it.
_ON: Mapping[Deed, Overlay] = {
    D.HELD: Overlay.HELD,
    D.RECALLED: Overlay.RECALLED,
    D.LEFT_OUT: Overlay.EXCLUDED,
    D.EXCLUDED: Overlay.EXCLUDED,
    D.REPROCESS: Overlay.EXCLUDED,
    D.WAITING: Overlay.WAITING,
    D.WET: Overlay.WET,
    D.DAMAGED: Overlay.DAMAGED,
}
_OFF: Mapping[Deed, frozenset[Overlay]] = {
    D.LIFTED: frozenset({Overlay.HELD}),
    D.ADDED: frozenset({Overlay.WAITING, Overlay.EXCLUDED}),
}
#: Reported of what somebody has in their hands, so that it is asked who has it.
_OBSERVED = frozenset(
    {D.WET, D.DAMAGED, D.LABELLED, D.LABEL_VOIDED, D.PUT_IN, D.TAKEN_OUT, D.SEALED}
)
#: Afterwards it lies in no basket.
_LEAVES_BASKET = frozenset(
    {D.TAKEN_OUT, D.OPENED, D.USED, D.NOT_USED, D.DISCARDED, D.MISSING, D.SHORT}
)
#: Soiled things lie where a package of these lies.
DIRTY = frozenset({S.OPENED, S.USED, S.NOT_USED, S.SOILED})
#: Said of a package by whoever it concerns, wherever that is.
_SAID = frozenset({D.NOT_SO, D.ASKED_BACK, D.ANSWERED})
#: Said of what nobody had before their eyes, whatever the line's basis.
_OF_ABSENT = frozenset({D.MISSING, D.SHORT, D.NOT_SO, D.LABEL_VOIDED, D.LOST})
#: Steps of a consignment, which both sides sign: they move the package whoever had it.
STEPS = frozenset(
    {
        D.DISPATCHED,
        D.HANDED_OVER,
        D.CARRIED,
        D.RECEIVED,
        D.SHORT,
        D.REFUSED,
        D.RETURNED,
        D.CANCELLED,
        D.REROUTED,
        D.LOST,
        D.FOUND_AGAIN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """That one unit had a package for a while."""

    unit: int
    #: Unix seconds
    since: int
    #: Unix seconds; None while it has it
    until: int | None
    #: how it is known that it came there
    basis: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What a unit reports of a package that another unit has, as far as anybody knows."""

    unit: int
    deed: Deed
    #: Unix seconds
    at: int


@dataclass(slots=True, kw_only=True)
class Package:
    """How a package stands."""

    name: str
    stage: Stage = Stage.NAMED
    #: the unit that has it; None where nobody says so
    holder: int | None = None
    #: Unix seconds: since when it is there, and how that is known
    since: int | None = None
    basis: str | None = None
    #: the unit that takes it next, and the one that it is meant for; None unless it travels
    next_unit: int | None = None
    destination: int | None = None
    #: the consignment in which it travels
    consignment: bytes | None = None
    owner: int | None = None
    package_class: int | None = None
    set_name: str | None = None
    material: str | None = None
    expires: str | None = None
    #: the cycle in which it was sterilised last
    cycle: bytes | None = None
    #: every cycle in which whoever had it put it
    loads: set[bytes] = field(default_factory=set)
    #: cycles whose load names it, declared by a unit that did not have it
    claimed: set[bytes] = field(default_factory=set)
    overlays: set[Overlay] = field(default_factory=set)
    contradictions: list[Contradiction] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    #: every deed that did not follow, with the state in which it was done
    out_of_order: list[tuple[Deed, Stage]] = field(default_factory=list)
    #: the basket or container in which it lies, by its code
    basket: str | None = None
    codes: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    #: who last had it before their eyes, and when (Unix seconds)
    seen_by: int | None = None
    seen_at: int | None = None
    #: of its last use
    used_by: int | None = None
    used_at: int | None = None
    case: str | None = None
    is_assembled: bool = False
    #: in which state it was when it went on its way or was missed
    before: Stage = Stage.NAMED
    #: sequence of the newest line
    sequence: int = 0

    @property
    def is_travelling(self) -> bool:
        """Whether it is on its way."""
        return self.stage in _TRAVELLING

    @property
    def is_over(self) -> bool:
        """Whether this processing of it is used up."""
        return self.stage in _OVER


_OVER = frozenset({S.USED, S.NOT_USED, S.OPENED, S.SOILED, S.WASHED, S.INSPECTED, S.DISCARDED})


# ---------------------------------------------------------------- order


def ordered(lines: Iterable[PackageLine]) -> list[tuple[int, PackageLine]]:
    """The lines in the order in which they happened, each with its moment (Unix seconds).

    A moment is the later of what was said and of all that came before it: the step before in the
    same consignment, and what the same unit did earlier by its own clock.  So clocks that are apart
    put nothing before what it follows from.  Then the order of acceptance decides.
    """
    rows = sorted(lines, key=lambda each: each.place)
    moments = [row.signed_at if row.happened is None else row.happened for row in rows]
    depths = [0] * len(rows)
    chains = [*_chains(rows, moments)]
    for _ in rows:
        if not _pushed(chains, moments, depths):
            break
    order = sorted(range(len(rows)), key=lambda at: (moments[at], depths[at], rows[at].place))
    return [(moments[at], rows[at]) for at in order]


def _chains(rows: Sequence[PackageLine], moments: Sequence[int]) -> Iterable[tuple[list[int], int]]:
    """Places of lines of which each comes after the one before, and what a step adds."""
    threads: dict[bytes, list[int]] = {}
    units: dict[int, list[int]] = {}
    for at, row in enumerate(rows):
        if row.deed in STEPS and row.thread is not None:
            threads.setdefault(row.thread, []).append(at)
        units.setdefault(row.unit, []).append(at)
    for places in threads.values():
        yield sorted(places, key=lambda at: (rows[at].step, rows[at].place)), 1
    for places in units.values():
        yield sorted(places, key=lambda at: (moments[at], rows[at].place)), 0


def _pushed(chains: Iterable[tuple[list[int], int]], moments: list[int], depths: list[int]) -> bool:
    is_changed = False
    for chain, adds in chains:
        for before, after in pairwise(chain):
            if moments[before] > moments[after]:
                moments[after], is_changed = moments[before], True
            if moments[before] == moments[after] and depths[before] + adds > depths[after]:
                depths[after], is_changed = depths[before] + adds, True
    return is_changed


# ---------------------------------------------------------------- fold


def fold(
    name: str,
    lines: Iterable[PackageLine],
    *,
    at: int | None = None,
    known: int | None = None,
) -> Package:
    """How a package stands; `at` (Unix seconds): how it stood then; `known`: as known then.

    `known` is the sequence of the last operation that counts.
    """
    package = Package(name=name)
    decided = []
    for moment, line in ordered(standing(lines, known=known)):
        if at is None or moment <= at:
            _apply(package, line, moment)
            if line.deed in _DECIDED:
                decided.append(line)
    # A load that was amended is told anew after what was decided of it; so this comes last.
    for line in decided:
        if line.thread in package.loads:
            _say(package, line.deed)
    return package


def standing(lines: Iterable[PackageLine], *, known: int | None = None) -> list[PackageLine]:
    """The lines that count: nobody took them back, as far as that was known."""
    if known is None:
        return [line for line in lines if line.ended is None]
    return [
        line
        for line in lines
        if line.sequence <= known and (line.ended is None or line.ended > known)
    ]


def _apply(package: Package, line: PackageLine, moment: int) -> None:
    package.sequence = max(package.sequence, line.sequence)
    deed = line.deed
    if deed not in _DECIDED and deed not in _SAID:
        if _may(package, line):
            _describe(package, line)
            (_step if deed in STEPS else _do)(package, line, moment)
        else:
            _contradict(package, line, moment)
    is_seen = line.basis in SEEN and deed not in _OF_ABSENT
    if is_seen and line.unit == package.holder and _is_there(line):
        package.seen_by, package.seen_at = line.unit, moment


def _is_there(line: PackageLine) -> bool:
    return line.deed is not D.ANSWERED or line.outcome == "found"


def _may(package: Package, line: PackageLine) -> bool:
    """Whether it counts: whoever has it says so, or it is a step of what it travels in."""
    if line.deed not in STEPS:
        return package.holder in {None, line.unit}
    if line.deed is D.DISPATCHED:
        has_it = package.holder in {None, line.unit}
        return has_it and package.consignment in {None, line.thread}
    if package.consignment == line.thread:
        return True
    # A box does not hold what somebody else had when it was sent; but who took a package out of it
    # with their own hands has it, and who has it says nothing new by taking it once more.
    is_taken = line.deed in {D.RECEIVED, D.RETURNED}
    return is_taken and (line.basis in SEEN or package.holder == line.unit)


def _contradict(package: Package, line: PackageLine, moment: int) -> None:
    package.contradictions.append(Contradiction(unit=line.unit, deed=line.deed, at=moment))
    package.overlays.add(Overlay.CONTRADICTED)
    if line.deed is D.LOADED and line.thread is not None:
        package.claimed.add(line.thread)


def _describe(package: Package, line: PackageLine) -> None:
    for name in ("owner", "package_class", "set_name", "material", "expires"):
        said = getattr(line, name)
        if said is not None:
            setattr(package, name, said)
    if line.deed is D.LOADED and line.thread is not None:
        package.cycle = line.thread
        package.loads.add(line.thread)
    if line.deed is D.ASSEMBLED:
        package.is_assembled = True
    if line.deed is D.PUT_IN:
        if package.basket not in {None, line.code}:
            # nobody took it out of the other
            _note(package, line.deed)
        package.basket = line.code
    if line.deed in _LEAVES_BASKET:
        package.basket = None
    if line.code is not None and line.deed is D.LABELLED:
        package.codes.add(line.code)
    if line.code is not None and line.deed is D.LABEL_VOIDED:
        package.codes.discard(line.code)
        package.voided.add(line.code)


def _say(package: Package, deed: Deed) -> None:
    if deed in _ON:
        package.overlays.add(_ON[deed])
    package.overlays -= _OFF.get(deed, frozenset())


def _do(package: Package, line: PackageLine, moment: int) -> None:
    """What whoever has it did with it."""
    deed = line.deed
    if package.holder is None:
        _hold(package, line.unit, moment, line.basis)
    if deed in _OBSERVED:
        _say(package, deed)
        return
    if deed is D.USED:
        package.used_by, package.used_at, package.case = line.unit, moment, line.case
    _move(package, deed)


def _move(package: Package, deed: Deed) -> None:
    stage = package.stage
    if deed in _RESUMES:
        if stage is S.DISCARDED:
            _note(package, deed)
        if stage not in _AWAY or (deed is D.FOUND and stage in {S.OFFERED, S.CARRIED}):
            # whoever has it finds it where it is
            return
        is_found = deed in {D.FOUND, D.FOUND_AGAIN}
        was = S.CARRIED if is_found and package.consignment is not None else package.before
        package.stage = _ARRIVES_AS.get(was, was) if deed is D.RECEIVED else was
        return
    if stage is S.NAMED and deed in _PREPARING:
        return
    following = TABLE[stage].get(deed)
    if following is None and not (deed in _ALWAYS and stage is not S.DISCARDED):
        _note(package, deed)
    arrives = LEADS.get(deed, stage) if following is None else following
    if arrives in _AWAY and stage not in _AWAY:
        package.before = stage
    package.stage = arrives


def _note(package: Package, deed: Deed) -> None:
    """What was done does not follow from what was known."""
    package.overlays.add(Overlay.OUT_OF_ORDER)
    package.out_of_order.append((deed, package.stage))


def _step(package: Package, line: PackageLine, moment: int) -> None:
    """A step of a consignment: signed by its own side, and checked where it was signed."""
    deed = line.deed
    if deed is D.DISPATCHED:
        package.consignment = line.thread
        package.overlays.discard(Overlay.REFUSED)
        _hold(package, line.unit, moment, line.basis)
    if deed in {D.DISPATCHED, D.REROUTED}:
        package.destination = line.destination
    if deed in {D.DISPATCHED, D.HANDED_OVER}:
        package.next_unit = line.to_unit
    if deed in _LEAVES_TAKER:
        package.next_unit = None
    if deed in {D.CARRIED, D.RECEIVED, D.RETURNED}:
        _hold(package, line.unit, moment, line.basis)
    if line.outcome == "refused":
        package.overlays.add(Overlay.REFUSED)
    if deed is not D.REROUTED:
        _move(package, deed)
    if deed in _ENDS:
        package.consignment = package.destination = package.next_unit = None


#: After these it is offered to nobody.
_LEAVES_TAKER = frozenset({D.CARRIED, D.RECEIVED, D.RETURNED, D.REFUSED, D.LOST, D.FOUND_AGAIN})
_ENDS = frozenset({D.RECEIVED, D.RETURNED, D.CANCELLED, D.SHORT})


def _hold(package: Package, unit: int, moment: int, basis: str | None) -> None:
    if package.holder == unit:
        return
    if package.holdings:
        last = package.holdings[-1]
        package.holdings[-1] = Holding(
            unit=last.unit, since=last.since, until=moment, basis=last.basis
        )
    package.holdings.append(Holding(unit=unit, since=moment, until=None, basis=basis))
    package.holder, package.since, package.basis = unit, moment, basis
    # Who said that they had it now has it: what they said is contradicted no more.
    package.contradictions = [each for each in package.contradictions if each.unit != unit]
    if not package.contradictions:
        package.overlays.discard(Overlay.CONTRADICTED)

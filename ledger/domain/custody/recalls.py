"""A recall's reach: each package of a machine's range, where it is, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ledger.domain.custody.fold import Package, Stage
from ledger.domain.custody.lines import Deed, PackageLine


class Found(StrEnum):
    """What became of a package that is asked back."""

    #: at a unit, as far as anybody knows
    TO_FIND = "to_find"
    IN_TRANSIT = "in_transit"
    USED = "used"
    #: back in processing, or discarded: it is no longer what was sterilised
    REPROCESSED = "reprocessed"
    MISSING = "missing"


_BY_STAGE: Mapping[Stage, Found] = {
    Stage.OFFERED: Found.IN_TRANSIT,
    Stage.CARRIED: Found.IN_TRANSIT,
    Stage.LOST: Found.MISSING,
    Stage.MISSING: Found.MISSING,
    Stage.OPENED: Found.USED,
    Stage.USED: Found.USED,
    Stage.SOILED: Found.REPROCESSED,
    Stage.WASHED: Found.REPROCESSED,
    Stage.INSPECTED: Found.REPROCESSED,
    Stage.DISCARDED: Found.REPROCESSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """One package in a recall's range."""

    package: str
    #: the unit that has it, or takes it next
    holder: int | None
    found: Found
    #: how it is known where it is
    basis: str | None
    #: the unit that used it, and the random token of the case
    used_by: int | None
    case: str | None
    #: who last had it before their eyes, and when (Unix seconds)
    seen_by: int | None
    seen_at: int | None
    #: nobody saw it since it came to whoever has it: that it was used cannot be excluded
    is_unseen: bool
    #: every unit that has to be told: who has it, who takes it next, who used it
    concerns: tuple[int, ...] = ()
    #: what the unit that was asked answered, and which that was; None while none did
    answer: str | None = None
    answered_by: int | None = None

    @property
    def cannot_be_excluded(self) -> bool:
        """Whether it may have been used unrecorded: not seen since, and not found when asked."""
        if self.found in {Found.USED, Found.REPROCESSED}:
            return False
        if self.answer == "sent_on":
            # until it is known where to, and somebody saw it there
            return self.is_unseen or self.answered_by == self.holder
        return self.answer == "not_found" or (self.answer is None and self.is_unseen)


#: Of several answers about one package that says most which comes first: it was used, it is in
#: somebody's hands, and so on to what nobody found.
_SAYS_MOST = ("used", "found", "reprocessed", "sent_on", "not_found")


def answer_of(
    package: Package, lines: Iterable[PackageLine], order: bytes, noticed: Collection[int]
) -> PackageLine | None:
    """What was answered about a package in a recall, by whoever has it or was told; or None.

    `lines`: those that stand.  Nobody else's word counts: they were not asked, and never had it.
    """
    asked = {*_concerned(package), *noticed}
    answers = [
        line
        for line in lines
        if line.deed is Deed.ANSWERED and line.thread == order and line.unit in asked
    ]
    return min(answers, key=lambda line: _SAYS_MOST.index(str(line.outcome)), default=None)


def _concerned(package: Package) -> tuple[int, ...]:
    taker = package.next_unit if package.stage is Stage.OFFERED else None
    named = (package.holder, taker, package.used_by)
    return tuple(sorted({unit for unit in named if unit is not None}))


def reach(
    package: Package, answer: str | None = None, *, answered_by: int | None = None
) -> Reached:
    """A package as a recall lists it."""
    was_used = package.used_at is not None or answer == "used"
    stage = package.before if package.stage is Stage.MISSING and was_used else package.stage
    found = Found.USED if was_used else _BY_STAGE.get(stage, Found.TO_FIND)
    is_unseen = package.since is not None and (
        package.seen_at is None
        or package.seen_at < package.since
        or package.seen_by != package.holder
    )
    return Reached(
        package=package.name,
        holder=package.next_unit if package.stage is Stage.OFFERED else package.holder,
        found=found,
        basis=package.basis,
        used_by=answered_by if package.used_at is None and answer == "used" else package.used_by,
        case=package.case,
        seen_by=package.seen_by,
        seen_at=package.seen_at,
        is_unseen=is_unseen,
        concerns=_concerned(package),
        answer=answer,
        answered_by=answered_by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A recall's range, counted."""

    #: packages in the range
    packages: int
    used: int
    #: all that were neither used nor reprocessed before the recall
    to_find: int
    found: int
    #: packages of which nobody can say that they were not used
    cannot_be_excluded: tuple[str, ...]
    by_holder: Mapping[int, Mapping[str, int]]


def count(reached: Iterable[Reached]) -> Reach:
    """The range counted, whole and by holder."""
    rows = list(reached)
    holders: dict[int, Counter[str]] = {}
    for each in rows:
        unit = each.used_by if each.found is Found.USED else each.holder
        counter = holders.setdefault(unit or 0, Counter())
        counter[each.found.value] += 1
        counter["found"] += each.answer == "found"
    used = sum(each.found is Found.USED for each in rows)
    over = sum(each.found is Found.REPROCESSED and each.answer is None for each in rows)
    return Reach(
        packages=len(rows),
        used=used,
        to_find=len(rows) - used - over,
        found=sum(each.answer == "found" for each in rows),
        cannot_be_excluded=tuple(sorted(each.package for each in rows if each.cannot_be_excluded)),
        by_holder={unit: dict(counts) for unit, counts in sorted(holders.items())},
    )

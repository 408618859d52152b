"""Contests and refusals → what is disputed, and how much of what was given back still counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ledger.domain.statement.agreement import Agreement, Group, rounded
from ledger.domain.statement.claims import Claims, Resolution
from ledger.domain.statement.lines import Key, Line, Lines, What
from ledger.domain.statement.month import Contest, Dispute, Disputed, Month, Refusal
from ledger.domain.statement.periods import Period


class Disputing:
    """What is disputed of the lines as they are by now."""

    def __init__(
        self,
        lines: Lines,
        claims: Claims,
        months: Mapping[Period, Month],
        versions: list[Agreement],
    ) -> None:
        """Each is the books' own, and goes on with them."""
        self._lines, self._claims, self._months = lines, claims, months
        self._versions = versions

    def limit(self, given: Iterable[tuple[Resolution, Key]]) -> None:
        """What is given back of lines is at most what they come to by now, whatever changed."""
        left: dict[Key, int] = {}
        for resolution, key in given:
            keys = self._contested_keys(resolution)
            if not keys:
                continue
            for each in keys:
                left.setdefault(each, max(self._lines.charged(each, self._versions), 0))
            rest = resolution.used
            for each in keys:
                taken = min(rest, left[each])
                left[each] -= taken
                rest -= taken
            if rest != resolution.beyond:
                change = resolution.beyond - rest
                self._lines.add(self._lines.of(key), resolution.digest, quantity=change)
                resolution.beyond = rest

    def _contested_keys(self, resolution: Resolution) -> list[Key]:
        """The lines that it gives back of; none where who contested is paid for them."""
        answer = self._claims.answer_named(resolution.answer)
        month = self._months.get(resolution.period)
        own = [] if month is None else month.lines_of(resolution.contested_by)
        numbers = () if answer is None else answer.lines
        keys = [own[n - 1].key for n in numbers if n <= len(own)]
        keys = [each for each in keys if resolution.unit in (each.provider, each.consumer)]
        is_paid = any(each.provider == resolution.contested_by for each in keys)
        return [] if is_paid else list(dict.fromkeys(keys))

    def list_all(
        self,
        contests: Sequence[Contest],
        refusals: Sequence[Refusal],
        services: Iterable[tuple[bytes, Key, int]],
    ) -> list[Dispute]:
        """What is held back by now, and never more than a line comes to.

        `services` are those that their consumers disagree with: digest, line and quantity.
        """
        found = self._each(contests, refusals, services)
        return [each for each in found if each.amount]

    def _each(
        self,
        contests: Sequence[Contest],
        refusals: Sequence[Refusal],
        services: Iterable[tuple[bytes, Key, int]],
    ) -> Iterator[Dispute]:
        held = dict(self._contested(contests))
        for key, (amount, event) in held.items():
            yield _dispute(Disputed.CONTESTED, key, self._still(key, amount), event)
        yield from self._of_services(held, services)
        yield from self._of_packages(held, refusals)

    def _still(self, key: Key, amount: int) -> int:
        """As much of a contested amount as its line still comes to."""
        charged = self._lines.charged(key, self._versions)
        return min(amount, max(charged, 0)) if amount > 0 else max(amount, min(charged, 0))

    def _contested(self, contests: Sequence[Contest]) -> dict[Key, tuple[int, bytes]]:
        """By line, its contested months' amounts; a line counts once, also where both contest."""
        lines: dict[int, tuple[Line, bytes]] = {}
        for contest in contests:
            own = self._months[contest.period].lines_of(contest.unit) if contest.open_lines else []
            for number in contest.open_lines:
                line = own[number - 1]
                lines.setdefault(id(line), (line, contest.answer))
        found: dict[Key, tuple[int, bytes]] = {}
        for line, answer in lines.values():
            before, event = found.get(line.key, (0, answer))
            found[line.key] = before + line.amount, event
        return found

    def _of_services(
        self, held: Mapping[Key, object], services: Iterable[tuple[bytes, Key, int]]
    ) -> Iterator[Dispute]:
        """What services come to that their consumers disagree with; those of a line together."""
        without = Counter[Key]()
        for digest, key, quantity in services:
            before = without[key]
            without[key] += quantity
            amount = sum(
                self._lines.charged(each, self._versions, without=before)
                - self._lines.charged(each, self._versions, without=without[key])
                for each in (key, key._replace(what=What.TAX))
                if each not in held
            )
            yield _dispute(Disputed.SERVICE, key, amount, digest)

    def _of_packages(
        self, held: Mapping[Key, object], refusals: Sequence[Refusal]
    ) -> Iterator[Dispute]:
        """What refused packages come to: the mean of what their giver charged their receiver.

        The chain does not say of which class they are, so that what is held back is the mean of
        that month and the one before; what is due in the end follows from the giver's correction.
        A month that two refusals draw on is held back once: two units' refusals come to no more
        than the lines of all months that they draw on.
        """
        told: Counter[tuple[int, int, Period]] = Counter()
        taken: Counter[tuple[int, int]] = Counter()
        reached: defaultdict[tuple[int, int], set[Period]] = defaultdict(set)
        for each in refusals:
            if not each.is_clean or each.state not in {"disagreed", "disputed"}:
                continue
            months = each.period, each.period.plus(-1)
            pair = each.giver, each.receiver
            reached[pair].update(months)
            of = {
                key: self._lines.charged(key, self._versions)
                for key in self._lines.list_keys(*pair, Group.STERILISATION)
                if key.of in reached[pair] and key not in held
            }
            keys = [key for key in of if key.of in months]
            count = sum(self._lines.quantity(key) for key in keys)
            charged = sum(of[key] for key in keys)
            before = min(told[*pair, each.period], count)
            told[*pair, each.period] += each.packages
            now = min(told[*pair, each.period], count)
            if count > 0:
                amount = rounded(charged * now, count) - rounded(charged * before, count)
                amount = min(amount, max(sum(of.values()) - taken[pair], 0))
                taken[pair] += amount
                yield Dispute(
                    why=Disputed.PACKAGES,
                    provider=each.giver,
                    consumer=each.receiver,
                    amount=amount,
                    event=each.digest,
                )


def _dispute(why: Disputed, key: Key, amount: int, event: bytes) -> Dispute:
    return Dispute(
        why=why, provider=key.provider, consumer=key.consumer, amount=amount, event=event
    )


def by_pair(disputes: Sequence[Dispute]) -> dict[tuple[int, int], int]:
    """What is disputed between two units: owed to the first when positive."""
    found: dict[tuple[int, int], int] = {}
    for each in disputes:
        low, high = sorted((each.provider, each.consumer))
        change = each.amount if each.provider == low else -each.amount
        found[low, high] = found.get((low, high), 0) + change
    return {pair: amount for pair, amount in sorted(found.items()) if amount}

"""A load's lines, and what decisions leave out of them → what the shares have to count.

Only where the lines name packages: what is only counted has a count and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from ledger.domain.custody.lines import Deed, rows_of
from ledger.domain.errors import InvalidInput
from ledger.domain.records.commitments import Fields

#: What a decision says of a package, and what that is: not in the shares, not yet, or now.
LINE_DEEDS: Mapping[str, Deed] = {
    "wet": Deed.LEFT_OUT,
    "torn": Deed.LEFT_OUT,
    "failed_indicator": Deed.LEFT_OUT,
    "left_out": Deed.LEFT_OUT,
    "waiting": Deed.WAITING,
    "added": Deed.ADDED,
}
_SPOILT = frozenset({"wet", "torn", "failed_indicator"})
#: decisions on packages after which one counts no longer
_TAKES_OUT = frozenset({"exclude", "recall", "reprocess"})

_KEY = ("owner", "payer", "package_class")


def require_lines_of_load(load: Fields, facts: Fields) -> None:
    """Raise InvalidInput where a decision names a package that is not in the load, or one twice."""
    there = {line["package"] for _, line in rows_of(load)} - {None}
    named: set[object] = set()
    for number, line in rows_of(facts):
        package = line["package"]
        if package not in there or package in named:
            how = "is not in the declared load" if package not in there else "is named twice"
            raise InvalidInput(
                f"{package} {how}",
                field=f"lines.{number}.package",
                rule="a decision names packages of its own load, each once",
            )
        named.add(package)


def require_added_sound(told: Iterable[Fields]) -> None:
    """Raise InvalidInput where the last of some decisions adds what an earlier one found spoilt.

    What waited, or was left out of an early release, is added; what is spoilt is reprocessed.
    """
    before: dict[object, object] = {}
    for facts in told:
        rows = [row for row in rows_of(facts) if "outcome" in row[1]]
        spoilt = [
            (number, line["package"])
            for number, line in rows
            if line["outcome"] == "added" and before.get(line["package"]) in _SPOILT
        ]
        before |= {line["package"]: line["outcome"] for _, line in rows}
    for number, package in spoilt:
        raise InvalidInput(
            f"{package} was found spoilt before",
            field=f"lines.{number}.outcome",
            rule="what waited or was left out is added; what is wet, torn or failed is reprocessed",
        )


def require_shares_counted(
    load: Fields, told: Iterable[Fields], *, is_recalled: bool = False
) -> None:
    """Raise InvalidInput where shares differ from what the lines say.

    `told`: the facts of the cycle's decisions and of those on its packages, oldest first, the new
    one last.  After a recall every share is taken back, used or not.
    """
    expected, actual = counted(load, told)
    for key, count in expected.items():
        right = 0 if is_recalled else count
        if actual[key] != right:
            owner, payer, package_class = key
            raise InvalidInput(
                f"come to {actual[key]} packages of class {package_class} for owner {owner} and "
                f"payer {payer}, but the lines say {right}",
                field="shares",
                rule="shares are the load's lines, without what is left out, waits or is recalled",
            )


def counted(
    load: Fields, told: Iterable[Fields]
) -> tuple[dict[tuple[int, int, int], int], Counter[tuple[int, int, int]]]:
    """By owner, payer and class: what the lines say, where they name packages; and the shares.

    What whoever is in no line has a share of is compared with none.
    """
    actual: Counter[tuple[int, int, int]] = Counter()
    out: set[str] = set()
    for facts in told:
        for _, share in rows_of(facts, "shares"):
            actual[_key(share)] += int(str(share["delta"]))
        of_packages = facts["record.schema"] == "package-decision/1"
        for _, line in rows_of(facts):
            package = str(line["package"])
            if of_packages:
                is_out = facts["decision"] in _TAKES_OUT or package in out
            else:
                is_out = LINE_DEEDS[str(line["outcome"])] is not Deed.ADDED
            (out.add if is_out else out.discard)(package)
    expected: Counter[tuple[int, int, int]] = Counter()
    named: set[tuple[int, int, int]] = set()
    counted_only: set[tuple[int, int, int]] = set()
    for _, line in rows_of(load):
        (counted_only if line["package"] is None else named).add(_key(line))
        if str(line["package"]) not in out:
            expected[_key(line)] += int(str(line["quantity"]))
    # Whoever is in no line has no share, unless it comes out of what is only counted.
    classes = {package_class for _, _, package_class in counted_only}
    strangers = {key for key in actual.keys() - counted_only if key[2] not in classes}
    return {key: expected[key] for key in named | strangers}, actual


def _key(row: Mapping[str, object]) -> tuple[int, int, int]:
    owner, payer, package_class = (int(str(row[name])) for name in _KEY)
    return owner, payer, package_class

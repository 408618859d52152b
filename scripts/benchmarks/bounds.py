"""The figures that are promised, as one table, and what was measured against it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from scripts.benchmarks.turns import percentile

#: How often the two sides of a ratio take turns at least.
LEAST_REPEATS = 5
USUAL_REPEATS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One promised figure."""

    #: `benchmark/figure`
    name: str
    #: what is compared with what
    what: str
    #: `×` for a ratio within one run, else a unit
    unit: str
    #: the figure is at least, or at most, this; one of the two
    at_least: float | None = None
    at_most: float | None = None
    #: what is wished for beyond the bound
    goal: float | None = None

    @property
    def value(self) -> float:
        """The bound itself."""
        bound = self.at_most if self.at_least is None else self.at_least
        if bound is None:
            raise ValueError(f"{self.name} has no bound")
        return bound

    def holds(self, measured: float) -> bool:
        """Whether a measured value keeps the bound."""
        return measured <= self.value if self.at_least is None else measured >= self.value


def at_least(name: str, least: float, unit: str, what: str, *, goal: float | None = None) -> Bound:
    """A figure that is never less."""
    return Bound(name=name, what=what, unit=unit, at_least=least, goal=goal)


def at_most(name: str, most: float, unit: str, what: str, *, goal: float | None = None) -> Bound:
    """A figure that is never more."""
    return Bound(name=name, what=what, unit=unit, at_most=most, goal=goal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of everything a run does."""

    #: 1 for the published figures; less to try a benchmark out
    scale: float = 1.0
    #: how often the two sides of a ratio take turns
    repeats: int = USUAL_REPEATS

    def of(self, whole: int, *, least: int = 1) -> int:
        """A number of things at this scale."""
        return max(least, round(whole * self.scale))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value, and how often it was measured."""

    value: float
    #: how many turns, or other measurements, it is made of; 1 for what was taken once
    repeats: int
    #: the least and the greatest of them
    least: float
    most: float

    @classmethod
    def once(cls, value: float) -> Figure:
        """What was counted or measured one time."""
        return cls(value=value, repeats=1, least=value, most=value)

    @classmethod
    def median(cls, values: Sequence[float]) -> Figure:
        """The median of some measurements; raises StatisticsError when there is none."""
        return cls.of(statistics.median(values), values)

    @classmethod
    def percentile(cls, turns: Sequence[Sequence[float]], share: float) -> Figure:
        """Of what all turns measured together; least and most are those of the turns."""
        together = [each for turn in turns for each in turn]
        return cls.of(percentile(together, share), [percentile(turn, share) for turn in turns])

    @classmethod
    def of(cls, value: float, turns: Sequence[float]) -> Figure:
        """A value made of several turns, each with a value of its own."""
        return cls(value=value, repeats=len(turns), least=min(turns), most=max(turns))


#: Figures by `benchmark/figure`; those without a bound are printed and kept beside the others.
Figures = Mapping[str, Figure]
Measure = Callable[[Size], Figures]

_EAS = "Ethereum Attestation Service 1.9.0 with the same fields, on the same node"

_DATABASES = (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))

BOUNDS: tuple[Bound, ...] = (
    at_least(
        "outbox/of_bare",
        0.7,
        "×",
        "owed records sent and seen mined, against a bare script sending the same calldata",
        goal=0.9,
    ),
    at_least(
        "outbox/of_attest",
        10,
        "×",
        f"owed records sent and seen mined, against `attest` of {_EAS}, through web3.py",
    ),
    at_least(
        "outbox/of_multi_attest",
        3,
        "×",
        f"owed records sent and seen mined, against `multiAttest` ×50 of {_EAS}",
    ),
    *(
        at_most(f"gas/{act}_{many}", 1 / 3, "×", f"gas of {text}, {how}, against {_EAS}", goal=0.25)
        for act, text in (
            ("open", "an opening"),
            ("load", "a load of three lines"),
            ("end", "an ending"),
            ("release", "a release with three shares"),
            ("cycle", "a whole cycle, every signature and permission checked"),
        )
        for many, how in (("single", "each alone"), ("fifty", "fifty in each transaction"))
    ),
    *(
        at_least(
            f"follower/{database}",
            5,
            "×",
            f"events checked and indexed into {title}, against web3.py decoding the same logs",
        )
        for database, title in _DATABASES
    ),
    at_least(
        "audit/of_bare_hashing",
        0.2,
        "×",
        "records audited, against a bare loop that hashes the same bytes",
        goal=0.5,
    ),
    at_most(
        "audit/memory_growth",
        1.25,
        "×",
        "peak memory of the audit, against that of a tenth of the records",
    ),
    at_most("evidence/verify", 20, "ms", "one evidence file verified, the chain's answers at hand"),
    at_most(
        "evidence/size",
        16,
        "KiB",
        "the evidence of a whole cycle, every fact and personal field shown",
    ),
    *(
        at_most(
            f"api/{database}_{clients}",
            3,
            "×",
            f"one cycle recorded over HTTP, {clients} at once on {title}, p50, against the "
            "same rows inserted without our code",
        )
        for database, title in _DATABASES
        for clients in (1, 16)
    ),
    at_most(
        "up/first_start",
        5,
        "s",
        "`steriledger up` on a new home until it is ready: keys, chain, contracts, API",
    ),
    at_most("up/start", 5, "s", "`steriledger up` again on that home"),
    at_most("up/memory", 350, "MiB", "resident memory of all its processes after 10,000 records"),
    at_most("up/help", 0.5, "s", "`steriledger --help`"),
    at_most(
        "custody/trace", 20, "ms", "the trace of one package among 10⁷ lines on PostgreSQL, p99"
    ),
    at_most(
        "custody/trace_of_few",
        1.5,
        "×",
        "p99 of traces among 10⁷ lines, against that among 10⁵ on the same server",
    ),
    at_most(
        "custody/code",
        20,
        "ms",
        "where the package is whose label was scanned, one code of 10⁶, p99",
    ),
    at_most(
        "custody/holdings",
        50,
        "ms",
        "what a member had at a past moment, the count and the first 100, p99",
    ),
    at_most(
        "custody/findings",
        50,
        "ms",
        "every duty about one package with its whole history, among 10⁷ lines, p99",
    ),
    *(
        at_most(f"custody/sqlite_{name}", most, "ms", f"{text} among 10⁶ lines on SQLite, p99")
        for name, text, most in (
            ("trace", "the trace of one package", 20),
            ("code", "where the package of a scanned label is", 20),
            ("holdings", "what a member had at a past moment", 50),
        )
    ),
    at_most(
        "carrying/alone",
        260_000,
        "gas",
        "gas of 20 packages dispatched, taken along and received, account keys",
    ),
    at_most(
        "carrying/five",
        175_000,
        "gas",
        "the same of each of five consignments, one transaction for each step",
    ),
    at_most(
        "carrying/scans",
        160,
        "gas",
        "gas of a line of scans, twenty lists of 240 in one transaction",
    ),
    at_most(
        "carrying/life",
        15_000,
        "gas",
        "gas of a package's life: its part of a cycle and a consignment, and ten scans",
    ),
    *(
        at_least(f"handling/{database}_{name}", least, "1/s", f"{text} on {title}")
        for database, title in _DATABASES
        for name, text, least in (
            ("scans", "lines of scans accepted in lists of 240", 2_000),
            ("hand_overs", "hand-overs of 20 packages accepted and committed one by one", 60),
        )
    ),
    at_most(
        "recall/order", 10, "s", "10,000 packages called back, from the call to the list by holder"
    ),
    at_most("recall/exposure", 10, "s", "who has, used or cannot find each of these packages"),
    at_most(
        "recall/verify_answer",
        100,
        "ms",
        "an answer of some 30 findings come to anew from its file, without a chain",
    ),
    at_least(
        "network/of_bare",
        0.7,
        "×",
        "owed records sent and seen mined by four validators, against a bare sender of the "
        "same calldata",
    ),
    at_least(
        "network/soak_per_second",
        50,
        "1/s",
        "records final a second while a validator is killed and started every minute",
    ),
    at_most(
        "statement/account_seconds",
        30,
        "s",
        "the account of a month of a million contribution events, from the index",
    ),
    at_most("statement/account_memory", 350, "MiB", "peak memory of the process that computes it"),
    at_most(
        "statement/of_ledger",
        1,
        "×",
        "a process that computes the account of 200,000 events, against `ledger bal` of their "
        "journal",
    ),
    at_least(
        "statement/recompute", 3_000, "1/s", "events checked and accounted from a chain alone"
    ),
    at_most("statement/pdf_unit", 1, "s", "one unit's PDF, warm"),
    at_most("statement/pdf_group", 3, "s", "the group's PDF, warm"),
    at_most(
        "pages/receive_twenty",
        60,
        "s",
        "a box of twenty taken in by scans, one package wet and one missing",
    ),
    at_most("pages/receive_sealed", 5, "s", "a sealed box taken in by a scan and a tap"),
    at_most("pages/scan_p95", 20, "ms", "a scan answered over HTTP, p95, with a million packages"),
    at_most("pages/weight", 150, "KiB", "the heaviest page with all that it loads"),
    at_most("pages/first_paint", 1, "s", "the slowest page's first paint"),
)


def find_bound(name: str) -> Bound | None:
    """The bound of a figure, when it has one."""
    return next((bound for bound in BOUNDS if bound.name == name), None)

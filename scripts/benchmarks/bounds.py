"""The figures that are promised, as one table, and what was measured against it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
    def of(cls, value: float, turns: Sequence[float]) -> Figure:
        """A value made of several turns, each with a value of its own."""
        return cls(value=value, repeats=len(turns), least=min(turns), most=max(turns))


#: Figures by `benchmark/figure`; those without a bound are printed and kept beside the others.
Figures = Mapping[str, Figure]
Measure = Callable[[Size], Figures]

_EAS = "Ethereum Attestation Service 1.9.0 with the same fields, on the same node"

BOUNDS: tuple[Bound, ...] = (
    Bound(
        name="outbox/of_bare",
        what="owed records sent and seen mined, against a bare script sending the same calldata",
        unit="×",
        at_least=0.7,
        goal=0.9,
    ),
    Bound(
        name="outbox/of_attest",
        what=f"owed records sent and seen mined, against `attest` of {_EAS}, through web3.py",
        unit="×",
        at_least=10,
    ),
    Bound(
        name="outbox/of_multi_attest",
        what=f"owed records sent and seen mined, against `multiAttest` ×50 of {_EAS}",
        unit="×",
        at_least=3,
    ),
    *(
        Bound(
            name=f"gas/{act}_{many}",
            what=f"gas of {text}, {how}, against {_EAS}",
            unit="×",
            at_most=1 / 3,
            goal=0.25,
        )
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
        Bound(
            name=f"follower/{database}",
            what=f"events checked and indexed into {title}, against web3.py decoding the same logs",
            unit="×",
            at_least=5,
        )
        for database, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
    ),
    Bound(
        name="audit/of_bare_hashing",
        what="records audited, against a bare loop that hashes the same bytes",
        unit="×",
        at_least=0.2,
        goal=0.5,
    ),
    Bound(
        name="audit/memory_growth",
        what="peak memory of the audit, against that of a tenth of the records",
        unit="×",
        at_most=1.25,
    ),
    Bound(
        name="evidence/verify",
        what="one evidence file verified, the chain's answers at hand",
        unit="ms",
        at_most=20,
    ),
    Bound(
        name="evidence/size",
        what="the evidence of a whole cycle, every fact and personal field shown",
        unit="KiB",
        at_most=16,
    ),
    *(
        Bound(
            name=f"api/{database}_{clients}",
            what=f"one cycle recorded over HTTP, {clients} at once on {title}, p50, against the "
            "same rows inserted without our code",
            unit="×",
            at_most=3,
        )
        for database, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
        for clients in (1, 16)
    ),
    Bound(
        name="up/first_start",
        what="`steriledger up` on a new home until it is ready: keys, chain, contracts, API",
        unit="s",
        at_most=5,
    ),
    Bound(name="up/start", what="`steriledger up` again on that home", unit="s", at_most=5),
    Bound(
        name="up/memory",
        what="resident memory of all its processes after 10,000 records",
        unit="MiB",
        at_most=350,
    ),
    Bound(name="up/help", what="`steriledger --help`", unit="s", at_most=0.5),
    Bound(
        name="custody/trace",
        what="the trace of one package among 10⁷ lines on PostgreSQL, p99",
        unit="ms",
        at_most=20,
    ),
    Bound(
        name="custody/trace_of_few",
        what="p99 of traces among 10⁷ lines, against that among 10⁵ on the same server",
        unit="×",
        at_most=1.5,
    ),
    Bound(
        name="custody/code",
        what="where the package is whose label was scanned, one code of 10⁶, p99",
        unit="ms",
        at_most=20,
    ),
    Bound(
        name="custody/holdings",
        what="what a member had at a past moment, the count and the first 100, p99",
        unit="ms",
        at_most=50,
    ),
    Bound(
        name="custody/findings",
        what="every duty about one package with its whole history, among 10⁷ lines, p99",
        unit="ms",
        at_most=50,
    ),
    *(
        Bound(
            name=f"custody/sqlite_{name}",
            what=f"{text} among 10⁶ lines on SQLite, p99",
            unit="ms",
            at_most=most,
        )
        for name, text, most in (
            ("trace", "the trace of one package", 20),
            ("code", "where the package of a scanned label is", 20),
            ("holdings", "what a member had at a past moment", 50),
        )
    ),
    Bound(
        name="carrying/alone",
        what="gas of 20 packages dispatched, taken along and received, account keys",
        unit="gas",
        at_most=260_000,
    ),
    Bound(
        name="carrying/five",
        what="the same of each of five consignments, one transaction for each step",
        unit="gas",
        at_most=175_000,
    ),
    Bound(
        name="carrying/scans",
        what="gas of a line of scans, twenty lists of 240 in one transaction",
        unit="gas",
        at_most=160,
    ),
    Bound(
        name="carrying/life",
        what="gas of a package's life: its part of a cycle and a consignment, and ten scans",
        unit="gas",
        at_most=15_000,
    ),
    *(
        Bound(
            name=f"handling/{database}_{name}",
            what=f"{text} on {title}",
            unit="1/s",
            at_least=least,
        )
        for database, title in (("sqlite", "SQLite"), ("postgresql", "PostgreSQL"))
        for name, text, least in (
            ("scans", "lines of scans accepted in lists of 240", 2_000),
            ("hand_overs", "hand-overs of 20 packages accepted and committed one by one", 60),
        )
    ),
    Bound(
        name="recall/order",
        what="10,000 packages called back, from the call to the list by holder",
        unit="s",
        at_most=10,
    ),
    Bound(
        name="recall/exposure",
        what="who has, used or cannot find each of these packages",
        unit="s",
        at_most=10,
    ),
    Bound(
        name="recall/verify_answer",
        what="an answer of some 30 findings come to anew from its file, without a chain",
        unit="ms",
        at_most=100,
    ),
    Bound(
        name="network/of_bare",
        what="owed records sent and seen mined by four validators, against a bare sender of the "
        "same calldata",
        unit="×",
        at_least=0.7,
    ),
    Bound(
        name="network/soak_per_second",
        what="records final a second while a validator is killed and started every minute",
        unit="1/s",
        at_least=50,
    ),
    Bound(
        name="statement/account_seconds",
        what="the account of a month of a million contribution events, from the index",
        unit="s",
        at_most=30,
    ),
    Bound(
        name="statement/account_memory",
        what="peak memory of the process that computes it",
        unit="MiB",
        at_most=350,
    ),
    Bound(
        name="statement/of_ledger",
        what="a process that computes the account of 200,000 events, against `ledger bal` of their "
        "journal",
        unit="×",
        at_most=1,
    ),
    Bound(
        name="statement/recompute",
        what="events checked and accounted from a chain alone",
        unit="1/s",
        at_least=3_000,
    ),
    Bound(name="statement/pdf_unit", what="one unit's PDF, warm", unit="s", at_most=1),
    Bound(name="statement/pdf_group", what="the group's PDF, warm", unit="s", at_most=3),
    Bound(
        name="pages/receive_twenty",
        what="a box of twenty taken in by scans, one package wet and one missing",
        unit="s",
        at_most=60,
    ),
    Bound(
        name="pages/receive_sealed",
        what="a sealed box taken in by a scan and a tap",
        unit="s",
        at_most=5,
    ),
    Bound(
        name="pages/scan_p95",
        what="a scan answered over HTTP, p95, with a million packages",
        unit="ms",
        at_most=20,
    ),
    Bound(
        name="pages/weight",
        what="the heaviest page with all that it loads",
        unit="KiB",
        at_most=150,
    ),
    Bound(name="pages/first_paint", what="the slowest page's first paint", unit="s", at_most=1),
)


def find_bound(name: str) -> Bound | None:
    """The bound of a figure, when it has one."""
    return next((bound for bound in BOUNDS if bound.name == name), None)

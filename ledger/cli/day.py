"""A day of the group, Tuesday 3 November 2026, and what follows from it: who said what, and when.

Made up; no real hospital, person or patient.  What is said are ordinary acts; `playing` says them.
Times are the group's, +08:00, as `MM-DD HH:MM`.  Packages are those of unit 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias

from ledger.domain.duties.terms import default_terms

CHINA = timezone(timedelta(hours=8))
LEAD, M1, M2, M3, M4, M5, DRONE = 1, 2, 3, 4, 5, 6, 10
#: a line of a price list is a class: by the band of item count, and plasma apart
B1, B2, PLASMA = 1, 2, 3

MACHINES = [
    {"serial": serial, "name": name, "kind": "sterilizer", "clock_zone": "Asia/Shanghai", **more}
    for serial, name, more in (
        ("S1", "Steam 1", {"profile": "en-285-134"}),
        ("S2", "Steam 2", {"profile": "en-285-134"}),
        ("P1", "Plasma 1", {}),
    )
]
#: what a desk's key may sign; of each unit but the lead, whose people have keys of their own
DESK = ["scan", "answer", "dispatch", "carry", "receive", "settle", "report"]
DESKS = {**{number + 1: f"M{number}" for number in range(1, 9)}, DRONE: "D"}
CODES = {LEAD: "L", **DESKS}

#: the kind of an act, and its values; or one of `playing`'s own words
Said: TypeAlias = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is said at one time, and how it is told to a reader."""

    at: str
    words: str
    said: tuple[Said, ...]


def moment(text: str) -> datetime:
    """`11-03 09:20`, of 2026."""
    return datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=CHINA)


def names(letter: str, first: int, last: int) -> tuple[str, ...]:
    """`Q01` to `Q24`."""
    return tuple(f"{letter}{number:02d}" for number in range(first, last + 1))


Q1, Q2, Q3 = names("Q", 1, 8), names("Q", 9, 16), names("Q", 17, 24)
Q, R, W, X, A = (
    Q1 + Q2 + Q3,
    names("R", 1, 6),
    names("W", 1, 20),
    names("X", 1, 4),
    names("A", 1, 4),
)
#: what Friday's cycle makes of what came back, by owner
AGAIN = {M1: (*names("Y", 1, 5), "T07-2"), M2: names("Y", 6, 12),
         M3: (*names("Y", 13, 17), "Q20-2"), LEAD: names("Y", 18, 31)}  # fmt: skip


# ---------------------------------------------------------------- what is said, in few words


def act(kind: str, /, **values: Any) -> Said:  # noqa: ANN401 - an act's values, by their fields
    """One thing that is said."""
    return kind, values


def scans(unit: int, did: str, packages: Iterable[str], **more: str) -> Said:
    """What was done with packages, line by line; a gate is asked where one is."""
    lines = [
        {"act": did, "said": f"{LEAD}/{name}", "basis": "scanned", **more} for name in packages
    ]
    return act("scan", unit=unit, lines=lines)


def prepared(
    packages: Iterable[str], expires: str = "2027-05-01", *, washed: bool = True
) -> list[Said]:
    """Washed, then assembled and counted by two, in a bag whose seal was tested."""
    counted = "10/10; second person; seal test pass"
    return [
        *([scans(LEAD, "washed", packages, outcome="a0 met")] if washed else []),
        scans(LEAD, "assembled", packages, outcome=counted, expires=expires),
    ]


def result(cycle: str, name: str, word: str, **moments: str) -> Said:
    """A monitoring result; moments as `incubated_at`, `read_at`, when its vial's lot is said."""
    told: dict[str, Any] = {each: moment(text) for each, text in moments.items()}
    if "incubated_at" in told:
        told["indicator"] = f"{'VH2O2' if cycle[0] == 'P' else 'steam'} vial, lot 2610"
    return act("ResultEntry", cycle=cycle, result=name, word=word, **told)


def begun(cycle: str, **more: Any) -> Said:  # noqa: ANN401 - further values of an opening
    """A cycle begins: `S1/5103`."""
    machine, number = cycle.split("/")
    programme = {"programme": "134 porous"} | more
    return act("CycleOpening", equipment=machine, number=int(number), **programme)


def loaded(cycle: str, package_class: int, owners: dict[int, tuple[str, ...]]) -> Said:
    """Packages of a class lie in the chamber, by owner."""
    lines = [
        {"owner": owner, "package_class": package_class, "quantity": 1, "package": f"{LEAD}/{name}"}
        for owner, packages in owners.items() for name in packages
    ]  # fmt: skip
    return act("LoadDeclaration", cycle=cycle, lines=lines)


def released(
    cycle: str,
    package_class: int,
    counts: dict[int, int],
    word: str = "release",
    **more: Any,  # noqa: ANN401
) -> Said:
    """A decision, with how many packages of a class it gives each owner."""
    shares = [{"owner": o, "package_class": package_class, "delta": n} for o, n in counts.items()]
    return act("CycleDecision", cycle=cycle, decision=word, shares=shares, **more)


EARLY = "release_biological_pending"
GOOD = {"physical": "pass", "chemical_external": "pass", "chemical_internal": "pass"}
PENDING = {**GOOD, "biological": "pending"}


def ended(cycle: str, low: str = "134.2", high: str = "135.6", hold: int = 300) -> Said:
    """The machine printed what it has to, and a person typed it: °C, and seconds that it held."""
    return act("CycleEnding", cycle=cycle, outcome="completed", hold_seconds=hold,
               minimum_celsius=low, maximum_celsius=high)  # fmt: skip


def bowie_dick(cycle: str) -> list[Said]:
    """A cycle of the day's first test, which passes."""
    return [
        begun(cycle, programme="Bowie-Dick", biological_indicator=False),
        ended(cycle),
        result(cycle, "bowie_dick", "pass"),
    ]


def sent(
    slip: str, unit: int, receiver: int, packages: Iterable[str], purpose: str = "clean",
    taker: int = LEAD, **more: Any,  # noqa: ANN401
) -> Said:  # fmt: skip
    """A sealed box under a slip number; the lead's van takes it unless another does."""
    lines = [{"assembler": LEAD, "package": name, "basis": "scanned"} for name in packages]
    told = {"lines": lines, "seals": f"70{slip[1:]:0>2}", "boxes": 1, **more}
    return act(
        "Dispatch", unit=unit, slip=slip, receiver=receiver, purpose=purpose, taker=taker, **told
    )


def carried(box: str, trip: str, unit: int = LEAD) -> Said:
    """A carrier takes a box along, on a trip."""
    return act("TakeOver", unit=unit, consignment=box, outcome="carried", trip=trip, seals="intact",
               boxes=1)  # fmt: skip


def kept(box: str, unit: int, basis: str = "scanned", **more: Any) -> Said:  # noqa: ANN401
    """The receiver takes a box in, and how its packages are known."""
    return act("TakeOver", unit=unit, consignment=box, outcome="kept", rest=basis, seals="intact",
               boxes=1, **more)  # fmt: skip


def logged(box: str, begun: str, ended: str, unit: int = LEAD) -> Said:
    """What the loggers of a leg of Tuesday's showed; a van keeps none."""
    lies = "within" if unit == DRONE else "none"
    return act("TransportLog", unit=unit, consignment=box, begun_at=moment(f"11-03 {begun}"),
               ended_at=moment(f"11-03 {ended}"), temperature=lies, shock=lies)  # fmt: skip


def seen(unit: int) -> Said:
    """The unit opened the notice of the recall."""
    signer = {"signer": "Operator Li"} if unit == LEAD else {}
    return act("comment", unit=unit, about=f"notice to {unit}", stance="seen", **signer)


def answered(unit: int, found: int, asked: int, *missing: str) -> Said:
    """What a unit found of what it was asked for; the missing by name."""
    return act("answer", unit=unit, found=found, asked=asked, missing=missing)


# ---------------------------------------------------------------- the terms


def terms() -> dict[str, Any]:
    """Version 1: the defaults' deadlines, and prices in fen."""
    document = dict(default_terms().document)
    packages = [("B1", "一号包", B1, 1_400, 2_000), ("B2", "二号包", B2, 2_100, 3_000),
                ("plasma", "等离子包", PLASMA, 4_200, 6_000)]  # fmt: skip
    prices = {
        "currency": "CNY",
        "smallest_unit": "fen",
        "smallest_in_one": 100,
        "packages": [
            {"class": number, "name": {"en": en, "zh": zh}, "internal": internal, "market": market}
            for en, zh, number, internal, market in packages
        ],
        "trips": [
            {"carrier": LEAD, "per_trip": 12_000},
            {"carrier": DRONE, "yearly_fee": 3_600_000, "cap": 20_000, "holder": LEAD},
        ],
        "services": [],
        "recalled": "credited",
        "catalogue": [
            {
                "kind": 99,
                "group": "resolution",
                "unit": "fen",
                "name": {"en": "given back", "zh": "退还"},
            },
        ],
        "formula": {"weights": {"sterilisation": 100, "transport": 80}},
        "settlement": {"rule": "none", "contest_days": 15, "refusal_days": 10},
    }
    return document | {
        "version": 1,
        "holds_from": "2026-11-01T00:00:00+08:00",
        "unit_classes": {str(DRONE): "drone_carrier"},
        "prices": prices,
    }


# ---------------------------------------------------------------- the day

PAPER = """paper,time,act,package,performer,outcome,case
17,13:30,opened,1/E05,Nurse Li,10/10; intact; indicator pass,
17,13:30,used,1/E05,Nurse Li,label legible,k-m5
"""


def _before() -> Iterator[Moment]:
    """October, and Monday."""
    yield Moment("10-24 09:00", "the machines of the day, and a key for each unit's desk", (
        *(act("EquipmentRegistration", unit=LEAD, **each) for each in MACHINES),
        act("SignerEnrolment", unit=LEAD, name="Desk L", rights=["answer", "settle"]),
        *(act("SignerEnrolment", unit=unit, name=f"Desk {code}", rights=DESK)
          for unit, code in DESKS.items()),
    ))  # fmt: skip
    yield Moment("10-25 06:10", "Bowie-Dick on S1", (*bowie_dick("S1/5098"),))
    yield Moment(
        "10-25 08:00",
        "E05 and T07 are packed; nobody records how E05 was washed",
        (
            *prepared(["E05"], "2026-11-01", washed=False),
            *prepared(["T07"]),
            begun("S1/5099", biological_indicator=True),
            loaded("S1/5099", B1, {M5: ("E05",), M1: ("T07",)}),
        ),
    )
    yield Moment(
        "10-25 09:30",
        "they are dry, and released",
        (
            ended("S1/5099"),
            result("S1/5099", "biological", "pending", incubated_at="10-25 09:30"),
            scans(LEAD, "stored", ["E05", "T07"], outcome="dry"),
            released("S1/5099", B1, {M5: 1, M1: 1}, EARLY, results=PENDING),
        ),
    )
    yield Moment(
        "10-25 11:00",
        "and go to M5 and M1",
        (
            sent("K98", LEAD, M5, ["E05"]), carried("1/K98", "V98"), kept("1/K98", M5),
            sent("K99", LEAD, M1, ["T07"]), carried("1/K99", "V98"), kept("1/K99", M1),
        ),
    )  # fmt: skip
    yield Moment("10-27 09:30", "their biological result is read",
                 (result("S1/5099", "biological", "pass", read_at="10-27 09:30"),
                  act("CycleDecision", cycle="S1/5099", decision="release")))  # fmt: skip
    yield Moment(
        "10-31 17:00", "the authority publishes the terms, for November on", (act("terms"),)
    )
    yield Moment("11-02 06:10", "Bowie-Dick on S1 and S2",
                 (*bowie_dick("S1/5100"), *bowie_dick("S2/2238")))  # fmt: skip
    yield Moment("11-02 08:00", "X01 to X04 of M5 in S1 5101",
                 (*prepared(X), begun("S1/5101", biological_indicator=False),
                  loaded("S1/5101", B1, {M5: X})))  # fmt: skip
    yield Moment("11-02 09:00", "dry, and released",
                 (ended("S1/5101"), scans(LEAD, "stored", X, outcome="dry"),
                  released("S1/5101", B1, {M5: 4}, results=GOOD)))  # fmt: skip
    yield Moment("11-02 14:10", "M1 opens T07: complete", (
        scans(M1, "opened", ["T07"], outcome="10/10; intact; indicator pass"),
        scans(M1, "used", ["T07"], outcome="label legible; pretreated; special infection none",
              case="k-t07"),
    ))  # fmt: skip
    yield Moment("11-02 16:00", "S2 2239, with an indicator: its result will be the last pass", (
        begun("S2/2239", biological_indicator=True), ended("S2/2239"),
        result("S2/2239", "biological", "pending", incubated_at="11-02 16:00"),
    ))  # fmt: skip


def _tuesday() -> Iterator[Moment]:
    yield Moment("11-03 06:10", "Bowie-Dick on S1 and S2 passes",
                 (*bowie_dick("S1/5102"), *bowie_dick("S2/2240")))  # fmt: skip
    yield Moment("11-03 07:00", "packed: A of L (A01 an implant), Q of M1, M2, M3, R of M4", (
        *prepared(A), *prepared(Q), *prepared(R),
        begun("S1/5103", biological_indicator=True, holds_implant=True),
        loaded("S1/5103", B2, {LEAD: A}),
        begun("S2/2241", biological_indicator=True),
        loaded("S2/2241", B2, {M1: Q1, M2: Q2, M3: Q3}),
        begun("P1/871", programme="plasma 55", biological_indicator=True),
        loaded("P1/871", PLASMA, {M4: R}),
    ))  # fmt: skip
    yield Moment("11-03 08:20", "trauma: A01 is released early, by class 5; A02-A04 wait", (
        ended("S1/5103"),
        result("S1/5103", "biological", "pending", incubated_at="11-03 08:10"),
        result("S1/5103", "lumen_pcd", "pass"),
        scans(LEAD, "stored", A, outcome="dry"),
        released("S1/5103", B2, {LEAD: 1}, "emergency_release", results=GOOD,
                 reason="class 5 in the PCD passed; trauma, asked by the theatre",
                 lines=[{"package": f"{LEAD}/{name}", "outcome": "waiting"} for name in A[1:]]),
    ))  # fmt: skip
    yield Moment("11-03 08:40", "the theatre uses A01, and asks for A02 as well", (
        scans(LEAD, "opened", A[:1], outcome="10/10; intact; indicator pass"),
        scans(LEAD, "used", A[:1], outcome="label legible", case="k-l1"),
        act("gate", of="issue", package="A02", unit=LEAD),
    ))  # fmt: skip
    yield Moment("11-03 08:55", "Q and R are out; their indicators go into the incubator", (
        ended("S2/2241"), result("S2/2241", "biological", "pending", incubated_at="11-03 08:55"),
        ended("P1/871", "48.6", "54.1", 1440),
        result("P1/871", "biological", "pending", incubated_at="11-03 08:55"),
    ))  # fmt: skip
    yield Moment(
        "11-03 09:15", "all of them are dry", (scans(LEAD, "stored", Q + R, outcome="dry"),)
    )
    yield Moment("11-03 09:20", "released with the biological result pending", (
        released("S2/2241", B2, {M1: 8, M2: 8, M3: 8}, EARLY, results=PENDING),
        released("P1/871", PLASMA, {M4: 6}, EARLY, results=PENDING),
        act("gate", of="dispatch", package="Q20", unit=LEAD),
    ))  # fmt: skip
    yield Moment("11-03 10:00", "boxes are sealed: K1 for M1, K2 for M2, K3 for M3, K6 for M5", (
        sent("K1", LEAD, M1, Q1), sent("K2", LEAD, M2, Q2, taker=DRONE), sent("K3", LEAD, M3, Q3),
        sent("K6", LEAD, M5, X),
    ))  # fmt: skip
    yield Moment("11-03 10:05", "drone D1 takes K2", (carried("1/K2", "D1", DRONE),))
    yield Moment("11-03 10:15", "van V1 takes K1, K3 and K6",
                 (carried("1/K1", "V1"), carried("1/K3", "V1"), carried("1/K6", "V1")))  # fmt: skip
    yield Moment("11-03 10:22", "wind: D1 came down at M5 at 10:20, and leaves K2 to the van", (
        act("HandOver", unit=DRONE, consignment="1/K2", taker=LEAD, leg="diverted", seals="7002",
            boxes=1, reason="wind / 大风", happened={"utc": moment("11-03 10:20")}),
    ))  # fmt: skip
    yield Moment("11-03 10:40", "drone D2 takes R to M4",
                 (sent("K4", LEAD, M4, R, taker=DRONE), carried("1/K4", "D2", DRONE)))  # fmt: skip
    yield Moment("11-03 10:50", "M1 checks K1, and gives the van the soiled T07", (
        kept("1/K1", M1), sent("K7", M1, LEAD, ["T07"], "soiled"), carried("M1/K7", "V1"),
    ))  # fmt: skip
    yield Moment("11-03 11:10", "M4 has R; the drone takes soiled instruments back",
                 (kept("1/K4", M4),
                  sent("K5", M4, LEAD, (), "soiled", DRONE,
                       lines=[{"set": "plasma scope set", "basis": "counted"}]),
                  carried("M4/K5", "D3", DRONE)))  # fmt: skip
    yield Moment("11-03 11:25", "M3 checks K3; K5 is back", (kept("1/K3", M3), kept("M4/K5", LEAD)))
    yield Moment("11-03 11:40", "M3 finds Q20 torn, and sends it back with the van", (
        scans(M3, "damaged", ["Q20"], outcome="torn"),
        act("gate", of="use", package="Q20", unit=M3),
        sent("K8", M3, LEAD, ["Q20"], "return", reason="torn / 破损"),
    ))  # fmt: skip
    yield Moment("11-03 11:45", "the van takes it", (carried("M3/K8", "V1"),))
    yield Moment("11-03 13:05", "no power at M5; the van leaves K6 on paper, and takes K2",
                 (carried("1/K2", "V1"),))  # fmt: skip
    yield Moment("11-03 14:10", "the van is at M2, by its driver's time",
                 (act("HandOver", unit=LEAD, consignment="1/K2", taker=M2, boxes=1),))  # fmt: skip
    yield Moment("11-03 14:50", "M2 signs for a box not opened yet; it says it came 14:45", (
        kept("1/K2", M2, "inferred"),
        act("comment", unit=M2, about="HandOver", stance="disagrees", text="it came at 14:45"),
    ))  # fmt: skip
    yield Moment("11-03 15:00", "M1 uses Q01 to Q03, M3 Q17 and Q18", (
        scans(M1, "opened", Q1[:3], outcome="10/10; intact; indicator pass"),
        scans(M1, "used", Q1[:3], outcome="label legible", case="k-m1"),
        scans(M3, "opened", Q3[:2], outcome="10/10; intact; indicator pass"),
        scans(M3, "used", Q3[:2], outcome="label legible", case="k-m3"),
    ))  # fmt: skip
    yield Moment("11-03 15:12", "M5 has power again, and declares the outage", (
        act("Outage", unit=M5, begun_at=moment("11-03 12:50"), ended_at=moment("11-03 15:10"),
            what="power"),
    ))  # fmt: skip
    yield Moment("11-03 15:30", "M2 stores what is in K2; nobody scans Q13. The van is back", (
        scans(M2, "stored", [name for name in Q2 if name != "Q13"]),
        kept("M1/K7", LEAD), kept("M3/K8", LEAD),
    ))  # fmt: skip
    yield Moment("11-03 15:40", "T07 is counted by two: 9 of 10",
                 (scans(LEAD, "received_soiled", ["T07"],
                        outcome="9/10; second person; closed"),))  # fmt: skip
    yield Moment("11-03 16:00", "M5's paper is imported: K6 came 13:05, E05 was used 13:30", (
        kept("1/K6", M5, happened={"utc": moment("11-03 13:05")}, authenticated_by="paper"),
        act("paper", unit=M5, form=PAPER, day="2026-11-03"),
    ))  # fmt: skip
    yield Moment("11-03 17:00", "the drone firm brings its flights' logs; the van keeps none", (
        logged("1/K2", "10:05", "10:22", DRONE), logged("1/K4", "10:40", "11:10", DRONE),
        logged("M4/K5", "11:10", "11:25", DRONE),
        *(logged(box, "10:15", "15:30")
          for box in ("1/K1", "1/K2", "1/K3", "1/K6", "M1/K7", "M3/K8")),
    ))  # fmt: skip
    yield Moment(
        "11-03 18:00", "M3 asks which duties were done for Q20", (act("ask", package="Q20"),)
    )


def _after() -> Iterator[Moment]:
    yield Moment("11-04 06:10", "Bowie-Dick on S2", (*bowie_dick("S2/2242"),))
    yield Moment("11-04 08:00", "W01 to W20 of the lead, in S2 2243",
                 (*prepared(W), begun("S2/2243", biological_indicator=False),
                  loaded("S2/2243", B2, {LEAD: W})))  # fmt: skip
    yield Moment("11-04 09:00", "M1 found T07's tenth instrument in the linen; a guest brings it",
                 (scans(M1, "found", ["T07"], note="in the linen"),))  # fmt: skip
    yield Moment("11-04 09:20", "W are dry, and released",
                 (ended("S2/2243"), scans(LEAD, "stored", W, outcome="dry"),
                  released("S2/2243", B2, {LEAD: 20}, results=GOOD)))  # fmt: skip
    yield Moment("11-04 16:00", "2239's indicator and R's pass; the lead uses W01 to W06", (
        result("S2/2239", "biological", "pass", read_at="11-04 16:00"),
        result("P1/871", "biological", "pass", read_at="11-04 16:00"),
        act("CycleDecision", cycle="P1/871", decision="release"),
        scans(LEAD, "used", W[:6], outcome="label legible", case="k-l2"),
    ))  # fmt: skip
    yield Moment("11-05 06:10", "Bowie-Dick on S2", (*bowie_dick("S2/2244"),))
    yield Moment("11-05 08:05", "5103's indicator passes: A02-A04 are added by a correction", (
        result("S1/5103", "biological", "pass", read_at="11-05 08:05"),
        act("CycleDecision", cycle="S1/5103", decision="release"),
        released("S1/5103", B2, {LEAD: 3}, "correct", reason="the biological result is here",
                 lines=[{"package": f"{LEAD}/{name}", "outcome": "added"} for name in A[1:]]),
        act("gate", of="use", package="A02", unit=LEAD),
    ))  # fmt: skip
    yield Moment("11-05 08:20", "the theatre is told, since A01 was released early", (
        act("comment", unit=LEAD, about="ResultEntry", stance="seen", text="told the theatre",
            signer="Operator Li"),
    ))  # fmt: skip
    yield Moment("11-05 09:00", "2241's biological indicator FAILS", (
        result("S2/2241", "biological", "fail", read_at="11-05 09:00"),
        act("gate", of="use", package="Q04", unit=M1),
    ))  # fmt: skip
    yield Moment("11-05 09:10", "everything since the last pass is recalled: S2 2240 to 2244",
                 (act("recall", equipment="S2", first=2240, last=2244),))  # fmt: skip
    yield Moment("11-05 09:12", "each holder is told", (act("notices"),))
    for at, unit in (("09:15", LEAD), ("09:25", M1), ("09:40", M3), ("10:05", M2)):
        yield Moment(f"11-05 {at}", "", (seen(unit),))
    yield Moment("11-05 11:00", "the lead found all of 15", (answered(LEAD, 15, 15),))
    yield Moment("11-05 12:00", "M1 found all of 5", (answered(M1, 5, 5),))
    yield Moment("11-05 16:00", "M2 found 7 of 8: not Q13", (answered(M2, 7, 8, "Q13"),))
    yield Moment(
        "11-06 10:00", "M3 found all of 5, after the agreed day", (answered(M3, 5, 5), act("found"))
    )
    back = {M1: Q1[3:], M2: tuple(n for n in Q2 if n != "Q13"), M3: ("Q19", *Q3[4:])}
    yield Moment("11-06 14:00", "what was recalled comes back with van V2", tuple(
        said for unit, packages in back.items() for said in (
            sent(f"K2{unit}", unit, LEAD, packages, "recall", reason="recalled / 召回"),
            carried(f"{unit}/K2{unit}", "V2"), kept(f"{unit}/K2{unit}", LEAD),
        )
    ))  # fmt: skip
    yield Moment("11-06 15:00", "and is processed again, in S1 5109", (
        *bowie_dick("S1/5108"), *prepared([n for own in AGAIN.values() for n in own]),
        begun("S1/5109", biological_indicator=True), loaded("S1/5109", B2, AGAIN),
        ended("S1/5109"), result("S1/5109", "biological", "pending", incubated_at="11-06 15:00"),
    ))  # fmt: skip
    yield Moment("11-06 18:00", "M5 asks the same for E05", (act("ask", package="E05"),))
    yield Moment("11-08 15:00", "its indicator passes: released", (
        result("S1/5109", "biological", "pass", read_at="11-08 15:00"),
        released("S1/5109", B2, {unit: len(own) for unit, own in AGAIN.items()}, results=GOOD),
    ))  # fmt: skip


def _flights() -> Iterator[Moment]:
    """78 further flights, four a day, bring empty boxes back."""
    for day in range(20):
        said: list[Said] = []
        for flight in range(4 * day, min(4 * day + 4, 78)):
            unit, slip = M1 + flight % 4, f"F{flight + 1:02d}"
            empty = [{"set": "transport boxes", "basis": "counted"}]
            said += [
                sent(slip, unit, LEAD, (), "return", DRONE, lines=empty),
                carried(f"{unit}/{slip}", f"F{flight + 1}", DRONE), kept(f"{unit}/{slip}", LEAD),
            ]  # fmt: skip
        yield Moment(f"11-{9 + day:02d} 17:00", "", tuple(said))
    yield Moment("12-01 06:10", "December begins: Bowie-Dick on S1", (*bowie_dick("S1/5110"),))


#: when the clock begins, in the month before the day's; and when that month's account is published
BEGINS, ENDS = moment("10-24 08:00"), moment("12-01 09:00")
#: the number of the last cycle: the day was played to its end
LAST = 5110
#: what is played, under headings
PARTS = {
    "October, and Monday: what the day begins with": tuple(_before()),
    "Tuesday, 3 November 2026": tuple(_tuesday()),
    "What follows from it": tuple(_after()),
    "78 further flights of November, four a day": tuple(_flights()),
}

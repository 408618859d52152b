"""The bench: what comes in soiled, is washed, and is stored; packages, baskets, sets and boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import accept, once
from api.pages.asking import Asking, go_to, package_page
from api.pages.boxes import coming, previous_of
from api.pages.custody import dispatch_of
from api.pages.screens import screen
from api.pages.shots import Run, Seen, is_over, on_page, own_unit, run_of
from api.pages.using import SCANS, reported, scans_of
from api.pages.words import N_, Words
from ledger.domain.acts import package_lines
from ledger.domain.custody.lines import Deed
from ledger.domain.errors import InvalidInput, NotFound
from ledger.steps.accepting.scanning import Look, Scan, chosen
from ledger.steps.answering.custody import ConsignmentLine, show_consignment

#: by how addresses spell it: what is recorded there, how it is called, and what may be said of it
STATIONS = {
    "soiled": (
        Deed.RECEIVED_SOILED,
        N_("Soiled in"),
        (N_("special infection none"), N_("pretreated")),
    ),
    "washed": (Deed.WASHED, N_("Washed"), (N_("a0 met"), N_("a0 not met"))),
    "stored": (Deed.STORED, N_("Stored"), (N_("conditions within"), N_("conditions outside"))),
}


@dataclass(slots=True, kw_only=True)
class Bench:
    """A run at a station, as it would be recorded."""

    #: the boxes that it takes in whole
    boxes: list[ConsignmentLine]
    scans: list[Scan]
    #: of each, the package that it is said of; None: of none, or of several
    names: list[str | None]
    seen: list[Seen]
    #: packages between which a person chooses
    candidates: list[str]


def looked(
    tx: Connection, asking: Asking, run: Run, each: Scan, boxes: Mapping[str, ConsignmentLine]
) -> Bench:
    """What each shot of a run will do: boxes by their slips, else packages, baskets and sets."""
    words, by_slip = asking.words, {}
    for shot in run.shots:
        box = boxes.get(shot.said.partition(">")[0].casefold())
        if box is not None:
            by_slip[shot.said] = box
    rest = Run(tuple(said for said in run.said if said not in by_slip))
    scans, looks = chosen(asking.instance, tx, own_unit(asking), scans_of(asking, rest, each))
    seen, names = list[Seen](), list[str | None]()
    for at, scan in enumerate(scans, 1):
        those = [look for look in looks if look.line == at]
        names.append(those[0].package if len(those) == 1 else None)
        seen.append(_seen(scan, those, words))
    for at, shot in enumerate(run.shots):
        if shot.said in by_slip:
            box = by_slip[shot.said]
            told = words.say("a box, {} packages: taken in whole").format(box.packages)
            link = f"/consignments/{box.id}"
            seen.insert(at, Seen(name=shot.said, tone="good", told=told, link=link))
    named = {look.package for look in looks}
    candidates = [c for look in looks for c in look.candidates if c not in named]
    return Bench(
        boxes=list(by_slip.values()),
        scans=scans,
        names=names,
        seen=seen,
        candidates=list(dict.fromkeys(candidates)),
    )


def _seen(scan: Scan, looks: Sequence[Look], words: Words) -> Seen:
    """What one shot will do, in the reader's words; a basket's packages together."""
    questions = [
        words.say("may be {}").format(" · ".join(each.candidates))
        if each.candidates
        else words.sentence(each.question)
        for each in looks
        if each.question
    ]
    troubles = [words.sentence(text) for each in looks for text in each.troubles]
    names = list(dict.fromkeys(each.package for each in looks if each.package))
    name = scan.set or scan.said or "?"
    if questions:
        return Seen(name=name, tone="bad", told="; ".join(questions))
    is_unknown = not names and scan.set is None
    told = [words.say(scan.act.value.replace("_", " "))]
    if is_unknown:
        told.append(words.say("a code that is on nothing known here: kept as it is"))
    elif scan.set is not None and not names:
        told.append(words.say("no package of this set is known: recorded of the set"))
    elif names != [scan.said]:
        told.append(", ".join(names))
    told += dict.fromkeys(troubles)
    return Seen(
        name=name,
        tone="warn" if is_unknown or troubles else "good",
        told="; ".join(told),
        link=package_page(names[0]) if len(names) == 1 else "",
    )


# ---------------------------------------------------------------- a station


def _station(asking: Asking) -> tuple[Deed, str, tuple[str, ...]]:
    found = STATIONS.get(asking.path("station"))
    if found is None:
        raise NotFound("there is nothing at this address", field="path")
    return found


def _bench(tx: Connection, asking: Asking) -> Bench:
    deed, _, outcomes = _station(asking)
    outcome = asking.filled.get("outcome")
    scan = Scan(act=deed, basis="scanned", outcome=outcome if outcome in outcomes else None)
    boxes = coming(tx, asking) if deed is Deed.RECEIVED_SOILED else {}
    return looked(tx, asking, run_of(asking), scan, boxes)


def show_bench(_asking: Asking) -> Mapping[str, object]:
    """The stations of the bench."""
    return {"stations": {name: text for name, (_, text, _) in STATIONS.items()}}


def show_station(asking: Asking) -> Mapping[str, object]:
    """What was scanned at a station, and what of it will be recorded."""
    _, title, outcomes = _station(asking)
    with asking.instance.database.reading() as tx:
        bench = _bench(tx, asking)
    return {
        **on_page(asking, run_of(asking)),
        "title": asking.words.say(title),
        "bench": bench,
        "outcomes": outcomes,
        "station": asking.path("station"),
    }


def do_station(asking: Asking) -> Mapping[str, object] | Response:
    """A shot more, or all that was scanned recorded, boxes among it taken in."""
    if not is_over(asking):
        return show_station(asking)
    with asking.instance.database.reading() as tx:
        bench = _bench(tx, asking)
    if not bench.scans and not bench.boxes:
        raise InvalidInput("is missing", field="scan", rule="a package, a set, a basket or a box")

    def work(tx: Connection) -> str:
        digests = [_taken_in(tx, asking, box) for box in bench.boxes]
        if bench.scans:
            digests.append(reported(tx, asking, bench.scans))
        return digests[-1]

    said = [asdict(each) for each in bench.scans], [each.id for each in bench.boxes]
    return go_to(f"/bench/{asking.path('station')}?done={once(asking, said, work)}")


def _taken_in(tx: Connection, asking: Asking, box: ConsignmentLine) -> str:
    """A box by its slip: what its list names is received on the list's word, and soiled."""
    values = {"consignment": box.id, "outcome": "kept", "rest": "inferred"}
    digest = accept(tx, asking, "TakeOver", **values, **previous_of(asking, box.latest))
    sent = package_lines.lines_in(dispatch_of(show_consignment(tx, asking.caller, box.id)))
    names = [f"{each['assembler']}/{each['package']}" for each in sent if each.get("package")]
    soiled = Scan(act=Deed.RECEIVED_SOILED, basis="inferred")
    scans = scans_of(asking, Run(tuple(names)), soiled)
    return reported(tx, asking, scans) if scans else digest


SCREENS = (
    screen("/bench", N_("Bench"), "bench.html", show_bench, menu=N_("Centre"), scopes=SCANS),
    screen(
        "/bench/{station}", N_("Bench"), "station.html", show_station, do_station, scopes=SCANS,
        is_scanned=True,
    ),
)  # fmt: skip

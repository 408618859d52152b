"""What a unit sends back: a soiled box, a loaner with its condition and count; by a guest, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import choices_for, record
from api.pages.asking import Asking, Filled
from api.pages.bench import looked
from api.pages.boxes import MOVES, open_ones, under_slip
from api.pages.custody import codes_of
from api.pages.screens import READS, screen
from api.pages.shots import Run, Seen, is_over, on_page, own_unit, run_of
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.moving import CONDITIONS
from ledger.domain.acts.words import Purpose
from ledger.domain.custody.codes import read_shot
from ledger.domain.custody.lines import Deed
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import InvalidInput, NotFound
from ledger.steps.accepting.scanning import Scan
from ledger.steps.answering.custody import AssetView, show_asset

_PURPOSES = tuple(each.name.lower() for each in (Purpose.SOILED, Purpose.RETURN, Purpose.LOAN))
_SAID = (
    "slip", "receiver", "purpose", "boxes", "seals", "guest", "condition_is", "condition",
    "instruments", "reason", "key",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Load:
    """What was scanned, as the dispatch names it."""

    seen: list[Seen]
    #: the columns of each line
    lines: list[dict[str, str]]
    #: packages between which a person chooses
    candidates: list[str]
    asset: AssetView | None
    #: how many were counted in it when it was taken over last; None: nobody said
    counted: object


def _load(tx: Connection, asking: Asking, run: Run) -> _Load:
    """The asset among the shots, and packages, sets and baskets beside it."""
    asset, shot_of, words = None, "", asking.words
    for shot in run.shots:
        found = _asset(tx, asking, shot.said)
        if found is not None:
            if asset is not None:
                raise InvalidInput(
                    f"{asset.name} and {found.name} are two assets",
                    field="scan",
                    rule="one asset travels in a box",
                    remedy="undo it, and send the second under another slip",
                )
            asset, shot_of = found, shot.said
    rest = Run(tuple(said for said in run.said if said != shot_of))
    scan = Scan(act=Deed.RECEIVED_SOILED, basis="scanned")
    bench = looked(tx, asking, rest, scan, {})
    seen = [replace(each, told=words.say(N_("in the box"))) if each.tone == "good" else each
            for each in bench.seen]  # fmt: skip
    if asset is not None:
        seen.append(Seen(name=asset.name, tone="good", told=words.say(asset.kind.replace("_", " ")),
                         link=f"/assets/{asset.id}"))  # fmt: skip
    return _Load(
        seen=seen,
        lines=[
            _line(each, look_up) for each, look_up in zip(bench.scans, bench.names, strict=True)
        ],
        candidates=bench.candidates,
        asset=asset,
        counted=None if asset is None else _last_count(asset),
    )


def _asset(tx: Connection, asking: Asking, said: str) -> AssetView | None:
    if not asking.may(*READS):
        return None
    try:
        return show_asset(tx, asking.caller, said)
    except (NotFound, InvalidInput):
        return None


def _last_count(asset: AssetView) -> object:
    counts = [step.entry.facts.get("instruments") for step in asset.steps]
    return next((each for each in reversed(counts) if each is not None), None)


def _line(scan: Scan, name: str | None) -> dict[str, str]:
    """A basket by its code, a package by its name, and else the set."""
    code = None if scan.said is None else read_shot(scan.said).basket
    if code is not None:
        return {"basket": code}
    if name is not None:
        assembler, _, serial = name.partition("/")
        basis = {"basis": "inferred"} if scan.said is None else {}
        return {"assembler": assembler, "package": serial, **basis}
    if scan.set is None:
        raise InvalidInput(
            f"{(scan.said or '')[:60]} names no package",
            field="scan",
            rule="what is sent is named",
            remedy="undo it, and name the set or the package",
        )
    return {"set": scan.set, "basis": "counted"}


def show_return(asking: Asking) -> Mapping[str, object]:
    """What is in the box, and what was sent back before that nobody has taken over yet."""
    unit, run = own_unit(asking), run_of(asking)
    with asking.instance.database.reading() as tx:
        load = _load(tx, asking, run) if not asking.error else None
        units = choices_for(tx, asking)["unit"]
        codes = codes_of(tx)
        outstanding = [e for e in open_ones(tx, asking) if e.giver == unit]
    return {
        **on_page(asking, run),
        "load": load,
        "others": [each for each in units if each[0] != str(unit)],
        "units": units,
        "purposes": _PURPOSES,
        "conditions": CONDITIONS,
        "outstanding": outstanding,
        "codes": codes,
        "now": instant_text(asking.instance.clock()),
    }


def do_return(asking: Asking) -> Mapping[str, object] | Response:
    """A scan more, or the box sealed and handed over; a guest is witnessed by who gives it."""
    if not is_over(asking):
        return show_return(asking)
    unit, filled = own_unit(asking), asking.filled
    with asking.instance.database.reading() as tx:
        load = _load(tx, asking, run_of(asking))
    if load.candidates:
        raise InvalidInput(
            f"may be {' or '.join(load.candidates)}", field="scan", rule="one package a line",
            remedy="look, and choose",
        )  # fmt: skip
    slip = under_slip(asking, unit)
    pairs: list[tuple[str, object]] = [(name, filled.get(name)) for name in _SAID]
    # nobody else takes it first: it goes straight to who receives it
    pairs.append(("taker", filled.get("taker") or filled.get("receiver")))
    if asking.captured is not None and not filled.get("reason"):
        pairs.append(("reason", asking.captured.reason))
    if load.asset is not None:
        pairs.append(("asset", load.asset.id))
    pairs += [("basis", "scanned"), ("next", f"/consignments/{slip.hex()}/slip")]
    for at, line in enumerate(load.lines):
        pairs += [(f"lines.{at}.{name}", text) for name, text in line.items()]
    return record(replace(asking, filled=Filled(pairs)), ACTS["Dispatch"])


SCREENS = (
    screen(
        "/return", N_("Return and loan"), "return.html", show_return, do_return,
        menu=N_("Custody"), scopes=MOVES, is_scanned=True,
    ),
)  # fmt: skip

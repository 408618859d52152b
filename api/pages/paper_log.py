"""A paper log brought in after an outage: what each line will do, doubtful ones asked, recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import circumstances, door_of, once
from api.pages.asking import Asking, go_to
from api.pages.screens import screen
from api.pages.shots import own_unit
from api.pages.using import SCANS
from api.pages.words import N_
from ledger.domain.custody.codes import is_basket
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput
from ledger.readings import zone_named
from ledger.steps.accepting.scanning import Look, Scan, look, report
from ledger.steps.reading.scan_lists import parse_list, text_of


def show_log(asking: Asking) -> Mapping[str, object]:
    """Where a log is brought; `lines` are none before it was looked at."""
    return {"lines": None, "csv": "", "zone": asking.words.zone, "done": asking.recorded}


def _brought(asking: Asking) -> tuple[str, list[Scan]]:
    """The log's text and its lines, with what was answered to the doubtful ones."""
    _, data = asking.filled.files.get("file", ("", b""))
    data = data or asking.filled.raw("csv").encode()
    if not data:
        raise InvalidInput("is missing", field="file", rule="the CSV that the paper was typed into")
    zone = asking.filled.get("zone") or asking.words.zone
    zone_named(zone, field="zone")
    day = asking.filled.get("day") or None
    scans = parse_list(data, zone=zone, basis="imported", day=day)
    return text_of(data), scans


def _answered(asking: Asking, scans: Sequence[Scan]) -> list[tuple[int, Scan]]:
    """The lines that are not left out, each with its number on the paper, from 1."""
    filled, found = asking.filled, []
    for scan in scans:
        at = scan.line or 0
        said = filled.get(f"answer.{at}")
        if filled.get(f"leave.{at}") != "yes":
            found.append((at, replace(scan, said=said) if said else scan))
    return found


def do_log(asking: Asking) -> Mapping[str, object] | Response:
    """A log looked at line by line; and once nothing of it is doubtful, recorded."""
    unit = own_unit(asking)
    text, scans = _brought(asking)
    lines = _answered(asking, scans)
    with asking.instance.database.reading() as tx:
        looks = look(asking.instance, tx, unit, [scan for _, scan in lines])
    doubtful = [each for each in looks if _is_doubtful(asking, each)]
    if asking.filled.get("step") != "record" or doubtful or not lines:
        return _preview(asking, text, scans, lines, looks)
    told = {**circumstances(asking), "authenticated_by": "paper"}

    def work(tx: Connection) -> str:
        receipts, _ = report(
            asking.instance, tx, asking.caller, unit, [scan for _, scan in lines], door_of(asking),
            told,
        )  # fmt: skip
        # of a log that was brought before, each line was reported
        return to_hex(receipts[0].digest) if receipts else ""

    digest = once(asking, [asdict(scan) for _, scan in lines], work)
    return go_to(f"/paper/log?done={digest}")


def _is_doubtful(asking: Asking, each: Look) -> bool:
    """Whether a person has to look at a line: a question, or a code that is on nothing known.

    What is on nothing known may be kept as it is.
    """
    is_named = each.set is not None and each.said is None
    is_unknown = each.package is None and not is_named and not is_basket(each.code)
    is_kept = asking.filled.get(f"keep.{each.line}") == "yes"
    return each.question is not None or (is_unknown and not is_kept)


def _preview(
    asking: Asking,
    text: str,
    scans: Sequence[Scan],
    lines: Sequence[tuple[int, Scan]],
    looks: Sequence[Look],
) -> Mapping[str, object]:
    """Each line as it stands on the paper, and what it will do."""
    told: dict[int, list[Look]] = {}
    for each in looks:
        told.setdefault(each.line, []).append(each)
    shown = [(scan.line, scan, told.get(scan.line or 0, [])) for scan in scans]
    doubtful = [each for each in looks if _is_doubtful(asking, each)]
    return {
        **show_log(asking),
        "lines": shown,
        "csv": text,
        "zone": asking.filled.get("zone") or asking.words.zone,
        "new": sum(not each.is_repeated for each in looks) - len(doubtful),
        "repeated": sum(each.is_repeated for each in looks),
        "doubtful": len(doubtful),
        "asks": doubtful,
        "left_out": len(scans) - len(lines),
    }


SCREENS = (
    screen("/paper/log", N_("Bring in a paper log"), "paper_log.html", show_log, do_log,
           menu=N_("Centre"), scopes=SCANS),
)  # fmt: skip

"""What offices, auditors and whoever runs the instance ask: start, ask, inspect, health."""

from __future__ import annotations

import calendar as calendars
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import title_of
from api.pages.asking import Asking, go_to, package_page
from api.pages.cycles import load_of, machine_of, results_of
from api.pages.papers import pdf_answer, record_sheet
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.outage import WHAT
from ledger.domain.acts.words import RESULT_NAMES
from ledger.domain.callers import Scope
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.accepting.resolving import (
    is_id,
    resolve_asset,
    resolve_consignment,
    resolve_cycle,
    resolve_machine,
)
from ledger.steps.answering.declared import list_declared
from ledger.steps.answering.exporting import export_evidence, resolve_subject
from ledger.steps.answering.packages import find_package
from ledger.steps.answering.showing import show_cycle
from ledger.steps.answering.status import WorkerState, status
from ledger.steps.answering.surveying import calendar, gaps_of, survey
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.steps.keeping.backup import last_backup
from ledger.storage import directory, operations
from ledger.storage.operations import count_by_state

_DECEMBER = 12
_MOST_OUTAGES = 20
_WELL = frozenset({WorkerState.RUNS, WorkerState.STARTS})


# ---------------------------------------------------------------- start


def show_start(asking: Asking) -> Mapping[str, object]:
    """What waits for whoever signed in, and all that they may record."""
    asking.caller  # noqa: B018 - raises NotSignedIn
    values: dict[str, object] = {"due": [], "undecided": [], "gaps": []}
    if asking.may(*READS):
        with asking.instance.database.reading() as tx:
            cycles = survey(tx, asking.caller)
        values = {
            "due": [each for each in cycles if each.is_due],
            "undecided": [each for each in cycles if each.waits],
            "gaps": gaps_of(cycles),
        }
    acts = [
        (act.spelled, title_of(act), act.doc)
        for act in ACTS.values()
        if act.scope in asking.caller.scopes
    ]
    return {**values, "acts": acts, "may_decide": asking.may(Scope.DECIDE)}


# ---------------------------------------------------------------- ask


def show_ask(asking: Asking) -> Mapping[str, object] | Response:
    """One field for whatever code somebody holds; it leads to the page of what is meant."""
    text = asking.filled.get("q")[:200]
    if not text:
        return {"q": "", "found": None}
    with asking.instance.database.reading() as tx:
        looks = (_cycle, _machine, _unit, _package, _consignment, _asset, _operation)
        found = [path for look in looks if (path := look(tx, asking, text))]
    return go_to(found[0]) if len(found) == 1 else {"q": text, "found": found}


def _cycle(tx: Connection, asking: Asking, text: str) -> str:
    if not is_id(text) and "/" not in text:
        return ""
    try:
        return f"/cycles/{resolve_cycle(tx, asking.caller, text).id.hex()}"
    except (NotFound, InvalidInput):
        return ""


def _machine(tx: Connection, asking: Asking, text: str) -> str:
    try:
        row = resolve_machine(tx, asking.caller, text)
        return f"/machines/{machine_of(tx, asking, row.id.hex()).id.hex()}"
    except (NotFound, InvalidInput):
        return ""


def _unit(tx: Connection, asking: Asking, text: str) -> str:  # noqa: ARG001 - every unit is known
    row = directory.find_unit_by_code(tx, text)
    return "" if row is None else f"/units/{row.number}"


def _package(tx: Connection, asking: Asking, text: str) -> str:
    try:
        return package_page(find_package(tx, asking.caller, text).package.name)
    except (NotFound, InvalidInput):
        return ""


def _consignment(tx: Connection, asking: Asking, text: str) -> str:
    try:
        # whom it is for stands behind its name on a slip of ours
        named = resolve_consignment(tx, asking.caller, text.partition(">")[0])
    except (NotFound, InvalidInput):
        return ""
    return f"/consignments/{named.id.hex()}"


def _asset(tx: Connection, asking: Asking, text: str) -> str:
    try:
        row = resolve_asset(tx, asking.caller, text, unit=asking.caller.unit)
    except (NotFound, InvalidInput):
        return ""
    return f"/assets/{row.id.hex()}"


def _operation(tx: Connection, asking: Asking, text: str) -> str:
    if not is_id(text):
        return ""
    digest = parse_hex32(text, field="q")
    row = operations.find_operation(tx, digest, unit=asking.caller.readable_unit)
    return "" if row is None else f"/operations/{to_hex(row.digest)}"


# ---------------------------------------------------------------- inspection


def show_inspection(asking: Asking) -> Mapping[str, object]:
    """A month of each machine, the numbers never opened, and what proves it to somebody else."""
    zone = asking.words.zone
    today = asking.instance.clock().astimezone(ZoneInfo(zone))
    year, month = _month(asking.filled.get("month"), today)
    with asking.instance.database.reading() as tx:
        cycles = survey(tx, asking.caller)
        fingerprint = to_hex(asking.instance.known_deployment(tx).fingerprint())
    machines = {each.machine.id: each.machine for each in cycles}
    return {
        "month": f"{year:04}-{month:02}",
        "before": _other_month(year, month, -1),
        "after": _other_month(year, month, 1),
        "days": range(1, calendars.monthrange(year, month)[1] + 1),
        "machines": machines,
        "calendar": calendar(cycles, zone=zone, year=year, month=month),
        "gaps": gaps_of(cycles),
        "fingerprint": fingerprint,
        "link": "",
    }


def do_inspection(asking: Asking) -> Mapping[str, object]:
    """A link with which an auditor reads this unit's records for a day."""
    asking.caller.require_scope(Scope.ADMINISTER)
    if asking.caller.unit is None:
        raise InvalidInput("names none", field="unit", rule="a link is about one unit's records")
    with asking.instance.database.transaction() as tx:
        path = make_link(asking.instance, tx, LinkPurpose.INSPECTION, unit=asking.caller.unit)
    return {**show_inspection(asking), "link": asking.site.origin + path}


def _month(text: str, today: datetime) -> tuple[int, int]:
    if not text:
        return today.year, today.month
    try:
        found = datetime.strptime(text, "%Y-%m")  # noqa: DTZ007 - a month has no zone
    except ValueError:
        raise InvalidInput("is no month", field="month", rule="such as 2026-11") from None
    return found.year, found.month


def _other_month(year: int, month: int, step: int) -> str:
    number = year * _DECEMBER + month - 1 + step
    return f"{number // _DECEMBER:04}-{number % _DECEMBER + 1:02}"


def show_sheet(asking: Asking) -> Mapping[str, object] | Response:
    """One cycle on one sheet of paper, as WS 310.3-2016 wants the record of a sterilisation."""
    with asking.instance.database.reading() as tx:
        view = show_cycle(tx, asking.caller, asking.path("cycle"))
        unit = directory.get_unit(tx, view.unit)
        codes = {each.number: each.code for each in directory.list_units(tx, limit=1000)}
        fingerprint = to_hex(asking.instance.known_deployment(tx).fingerprint())
    by_digest = {each.digest: each for each in view.timeline}
    name = f"{view.machine_serial}/{view.number}"
    found = {
        "title": name,
        "view": view,
        "unit": unit,
        "codes": codes,
        "results": results_of(view),
        "result_names": RESULT_NAMES,
        "load": load_of(view),
        "opening": by_digest.get(view.current.opening),
        "ending": by_digest.get(view.current.ending or ""),
        "decision": by_digest.get(view.current.decision or ""),
        "is_final": all(each.state is OperationState.FINAL for each in view.timeline),
        "fingerprint": fingerprint,
    }
    sheet = record_sheet(asking.words, found)
    if asking.filled.get("format") == "pdf":
        return pdf_answer(asking, sheet, f"record-{name}")
    return {"title": name, "view": view, "sheet": sheet}


def take_evidence(asking: Asking) -> Response:
    """The file that proves it to somebody who does not trust this server."""
    with asking.instance.database.reading() as tx:
        about = resolve_subject(tx, asking.caller, asking.path("type"), asking.path("subject"))
        file = export_evidence(asking.instance, tx, asking.caller, about)
    name = f"{about.type}-{about.id.hex()[:16]}.evidence.json"
    return Response(
        content=file,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# ---------------------------------------------------------------- health


def show_health(asking: Asking) -> Mapping[str, object]:
    """What is owed to the chain, what is stuck and why, the clock, and the last backup."""
    stands = status(asking.instance)
    with asking.instance.database.reading() as tx:
        counts = count_by_state(tx, unit=asking.caller.readable_unit)
        backed_up_at = last_backup(tx)
        outages = list_declared(tx, asking.caller, "Outage", limit=_MOST_OUTAGES)
        codes = {each.number: each.code for each in directory.list_units(tx, limit=1000)}
        own = {
            row.digest
            for row in operations.list_operations(
                tx,
                unit=asking.caller.readable_unit,
                states=[OperationState.STUCK],
                limit=len(stands.stuck) or 1,
            )
        }
    return {
        "stands": stands,
        "is_well": stands.worker in _WELL and not stands.stuck and stands.clock is None,
        "counts": {state.value: count for state, count in counts.items()},
        "stuck": [each for each in stands.stuck if each.digest in own],
        "fingerprint": None if stands.fingerprint is None else to_hex(stands.fingerprint),
        "backed_up_at": backed_up_at,
        "outages": outages,
        "codes": codes,
        "what_was_down": WHAT,
        "done": asking.recorded,
        "zone": asking.words.zone,
    }


SCREENS = (
    Screen(path="/", template="start.html", title=N_("Start"), show=show_start),
    Screen(
        path="/ask",
        template="ask.html",
        title=N_("Ask"),
        show=show_ask,
        menu=N_("Offices"),
        scopes=READS,
    ),
    Screen(
        path="/inspection",
        template="inspection.html",
        title=N_("Inspection"),
        show=show_inspection,
        do=do_inspection,
        menu=N_("Offices"),
        scopes=READS,
    ),
    Screen(
        path="/inspection/{cycle}",
        template="sheet.html",
        title=N_("Sterilisation record"),
        show=show_sheet,
        scopes=READS,
    ),
    Screen(
        path="/evidence/{type}/{subject}",
        template="problem.html",
        title=N_("Evidence"),
        show=take_evidence,
        scopes=READS,
    ),
    Screen(
        path="/state",
        template="health.html",
        title=N_("Health"),
        show=show_health,
        menu=N_("Administration"),
        scopes=READS,
    ),
)

"""Incidents: what went wrong, what was found, who said what, and until when somebody may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import record
from api.pages.asking import Asking, Filled, number_of
from api.pages.directory import codes_of
from api.pages.lists import Column, listing
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.incident import SUBJECTS, WHAT
from ledger.domain.callers import Scope
from ledger.domain.duties.reading import ASKED
from ledger.domain.duties.rules import ENGINE, rules_sha256
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused
from ledger.steps.answering.duties import find_duties, last_block, trace_of
from ledger.steps.answering.incidents import (
    IncidentView,
    list_incidents,
    show_incident,
)
from ledger.steps.answering.published_terms import terms_now

_COLUMNS = (
    Column(name="what", label="what", kind="word", link="link"),
    Column(name="subject", label="subject"),
    Column(name="unit", label="unit"),
    Column(name="signed_at", label="signed", kind="moment"),
    Column(name="stands", label="state", kind="state"),
)
_HEADS = tuple(each for each in WHAT if each != "withdrawn")
_STANCES = ("statement", "seen", "agrees", "disagrees")
Values = Mapping[str, object]


def show_incidents(asking: Asking) -> Values | Response:
    """The incidents that the reader may know."""
    with asking.instance.database.reading() as tx:
        codes = codes_of(tx)
        views, older = list_incidents(
            tx, asking.caller, before=number_of(asking.filled.get("before"))
        )
        rows = [
            {
                "what": each.told.facts["what"],
                "subject": each.told.facts["subject"],
                "unit": codes.get(each.told.unit, str(each.told.unit)),
                "signed_at": each.told.signed_at,
                "stands": stands(each),
                "link": f"/incidents/{each.told.digest}",
            }
            for each in views
        ]
    found = listing(asking, _COLUMNS, rows, keeps=("before",))
    if isinstance(found, Response):
        return found
    return {"listing": found, "older": older}


def stands(view: IncidentView) -> str:
    """Where an incident is, in a word."""
    if view.is_withdrawn:
        return "withdrawn"
    if view.published is not None:
        return "published"
    return "open" if view.heard is None else "heard"


# ---------------------------------------------------------------- open one


def show_open(asking: Asking) -> Values:
    """The head and the subject; the rest can come later."""
    return {"heads": _HEADS, "subjects": SUBJECTS, "filled": asking.filled}


def do_open(asking: Asking) -> Response:
    """Record it, and hold every record that its trace names."""
    filled = asking.filled
    kind, subject = filled.get("subject_kind"), filled.get("subject")
    name, held = subject, list[str]()
    with asking.instance.database.reading() as tx:
        try:
            name, held = trace_of(tx, asking.caller, kind, subject)
        except (NotFound, InvalidInput):
            # what this home does not know may all the same have gone wrong
            _require_unknown(tx, asking, kind, subject)
    told = {each: filled.get(each) for each in ("what", "seen_at", "text", "case_token", "key")}
    told |= {"subject_kind": kind, "subject": name, "next": "/incidents"}
    asking.filled = Filled(
        [*told.items(), *((f"lines.{n}.subject", each) for n, each in enumerate(held))]
    )
    return record(asking, ACTS["Incident"])


def _require_unknown(tx: Connection, asking: Asking, kind: str, subject: str) -> None:
    """Raise InvalidInput for what is no such thing, and has that name as another one."""
    for other in (each for each in SUBJECTS if kind in ASKED and each != kind):
        try:
            trace_of(tx, asking.caller, other, subject)
        except (NotFound, InvalidInput):
            continue
        raise InvalidInput(
            f"{subject[:60]} names a {other}, not a {kind}",
            field="subject_kind",
            rule="an incident holds the trace of what it is about",
            remedy="choose what it is, or name another subject",
        )


# ---------------------------------------------------------------- one incident


def show_one(asking: Asking) -> Values:
    """What is known of it now, beside what was found, sent to be heard, and published."""
    with asking.instance.database.reading() as tx:
        view = show_incident(tx, asking.caller, asking.path("incident"))
        codes = codes_of(tx)
        answer, missing, computed = None, None, None
        try:
            kind, subject = _subject(view)
            if asking.filled.get("compute") and view.heard is None and _is_opener(asking, view):
                computed = find_duties(
                    asking.instance, tx, asking.caller, kind, subject,
                    block=last_block(tx), is_proven=True,
                )  # fmt: skip
                answer = computed.answer
            else:
                answer = find_duties(asking.instance, tx, asking.caller, kind, subject).answer
        except (NotFound, InvalidInput, Refused) as error:
            missing = error.what
    due = [] if answer is None else [f for f in answer["findings"] if f["is_open"] and f["due"]]
    heard = view.heard
    now = asking.instance.clock()
    is_heard = (
        heard is not None and datetime.fromisoformat(str(heard.facts["hearing_until"])) <= now
    )
    return {
        "title": asking.words.label(str(view.told.facts["what"])),
        "view": view,
        "stands": stands(view),
        "answer": answer,
        "computed": computed,
        "missing": missing,
        "due": due,
        "codes": codes,
        "is_heard": is_heard,
        "is_opener": _is_opener(asking, view),
        "stances": _STANCES,
        "done": asking.recorded,
        "waits": view.told.state.value != "final",
    }


def _subject(view: IncidentView) -> tuple[str, str]:
    return str(view.told.facts["subject_kind"]), str(view.told.facts["subject"])


def _is_opener(asking: Asking, view: IncidentView) -> bool:
    return asking.caller.unit in {None, view.told.unit}


def do_one(asking: Asking) -> Response:
    """What was found goes to its holders to be heard; when their time is over, it is published."""
    now = asking.instance.clock().replace(microsecond=0)
    facts: dict[str, object]
    with asking.instance.database.reading() as tx:
        view = show_incident(tx, asking.caller, asking.path("incident"))
        if not _is_opener(asking, view):
            raise Refused(
                "this incident is another unit's",
                field="incident",
                rule="whoever opened it sends the answer to be heard, and publishes it",
                remedy="say something to it",
            )
        if view.heard is None:
            facts = _computed(asking, tx, view)
            facts["hearing_until"] = (now + terms_now(tx, now).duration("hearing")).isoformat()
        else:
            same = ("answer", "hearing_until", "as_of", "block", "engine", "rules_sha256")
            facts = {name: view.heard.facts.get(name) for name in same}
            facts |= {"stage": "published", "replaces": view.heard.digest}
    facts |= {"incident": view.told.digest, "key": asking.filled.get("key")}
    asking.filled = Filled([*facts.items(), ("next", f"/incidents/{view.told.digest}")])
    return record(asking, ACTS["Findings"])


def _computed(asking: Asking, tx: Connection, view: IncidentView) -> dict[str, object]:
    """What was computed and is sent back by its hash, which has to follow from the records again.

    Raises InvalidInput where it was not computed before, and Conflict where it does not follow.
    """
    sent, as_of, block = (asking.filled.get(name) for name in ("answer", "as_of", "block"))
    number = number_of(block)
    if not sent or not as_of or number is None:
        raise InvalidInput(
            "is not entered",
            field="answer",
            rule="an answer is computed first, and sent by its hash",
            remedy="compute it, read it, then send it",
        )
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError:
        raise InvalidInput("is no moment", field="as_of", rule="as it was computed") from None
    if moment.tzinfo is None or moment > asking.instance.clock():
        raise InvalidInput("is not over", field="as_of", rule="what was known by now")
    kind, subject = _subject(view)
    found = find_duties(
        asking.instance, tx, asking.caller, kind, subject,
        as_of=moment, block=number, is_proven=True,
    )  # fmt: skip
    if found.sha256 != sent:
        raise Conflict(
            "does not follow from the records any more",
            field="answer",
            rule="what is sent is what was computed",
            remedy="compute it again, and read it",
        )
    return {
        "answer": sent,
        "stage": "heard",
        "as_of": moment.isoformat(),
        "block": number,
        "engine": ENGINE,
        "rules_sha256": rules_sha256(),
    }


_REPORTS = frozenset({Scope.REPORT})
SCREENS = (
    Screen(
        path="/incidents",
        template="incidents.html",
        title=N_("Incidents"),
        show=show_incidents,
        menu=N_("Offices"),
        scopes=READS,
    ),
    Screen(
        path="/incidents/open",
        template="incident_open.html",
        title=N_("Open an incident"),
        show=show_open,
        do=do_open,
        scopes=_REPORTS,
    ),
    Screen(
        path="/incidents/{incident}",
        template="incident.html",
        title=N_("Incident"),
        show=show_one,
        do=do_one,
        scopes=READS,
    ),
)

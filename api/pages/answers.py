"""Questions about duties, and their answers: who held which, whether it was met, and what shows it.

Never a word of fault: what stands here is the answer's own, which is computed from the rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone, tzinfo
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import title_of
from api.pages.asking import Asking, number_of
from api.pages.directory import codes_of
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.duties.rules import RULES
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.encoding.moments import require_moment
from ledger.domain.errors import InvalidInput, NotFound
from ledger.forms.recourse import WORDS, Asked, Language, groups_of, legend, recourse_pdf
from ledger.steps.accepting.resolving import (
    is_id,
    resolve_asset,
    resolve_consignment,
    resolve_cycle,
)
from ledger.steps.answering.duties import find_duties
from ledger.steps.answering.incidents import find_incident
from ledger.steps.answering.packages import find_package
from ledger.steps.answering.published_terms import terms_now
from ledger.steps.answering.signed import list_signed
from ledger.storage import directory, operations

_RULES = {rule.id: rule for rule in RULES}
#: on whose word something rests
_GROUND = {
    "machine": N_("a machine's reading"),
    "own": N_("the holder's own record"),
    "chain": N_("the order on the chain"),
    "agreed": N_("what the holder agreed with"),
    "other": N_("another's statement"),
}
Values = Mapping[str, object]


# ---------------------------------------------------------------- questions


def show_questions(asking: Asking) -> Values:
    """Whatever code somebody holds → what may be asked about it."""
    _ = asking.caller.readable_unit
    text = asking.filled.get("q")[:200]
    with asking.instance.database.reading() as tx:
        meant = list(_meant(tx, asking, text)) if text else []
    return {"q": text, "meant": meant, "quote": quote}


def _meant(tx: Connection, asking: Asking, text: str) -> Iterator[dict[str, str]]:
    """What a code may mean, as far as the reader may read it."""
    caller = asking.caller
    with suppress(NotFound, InvalidInput):
        package = find_package(tx, caller, text).package
        cycle = package.cycle or bytes(32)
        is_readable = directory.find_cycle(tx, cycle, unit=caller.readable_unit) is not None
        page = f"/cycles/{cycle.hex()}" if is_readable else ""
        yield {"kind": "package", "subject": package.name, "called": package.name, "page": page}
    with suppress(NotFound, InvalidInput):
        row = resolve_cycle(tx, caller, text)
        serial = directory.get_equipment(tx, row.equipment).serial
        yield {
            "kind": "cycle",
            "subject": to_hex(row.id),
            "called": f"{serial}/{row.number}",
            "page": f"/cycles/{row.id.hex()}",
        }
    with suppress(NotFound, InvalidInput):
        found = resolve_consignment(tx, caller, text)
        called = f"{found.giver}/{found.slip}" if found.slip else to_hex(found.id)[:18]
        yield {"kind": "consignment", "subject": to_hex(found.id), "called": called, "page": ""}
    with suppress(NotFound, InvalidInput):
        asset = resolve_asset(tx, caller, text, unit=caller.unit, had=True)
        yield {"kind": "asset", "subject": to_hex(asset.id), "called": asset.name, "page": ""}
    if is_id(text):
        digest = parse_hex32(text, field="q")
        order = operations.find_operation(tx, digest, unit=caller.readable_unit)
        if order is not None and order.kind == "RecallOrder":
            yield {"kind": "recall", "subject": to_hex(digest), "called": text[:18], "page": ""}
        if find_incident(tx, caller, text) is not None:
            page = f"/incidents/{to_hex(digest)}"
            yield {"kind": "incident", "subject": "", "called": text[:18], "page": page}


# ---------------------------------------------------------------- an answer


def show_answer(asking: Asking) -> Values | Response:
    """Every duty that applied, who held it, and whether it was met; or the same as a file."""
    kind, subject, words = asking.path("kind"), asking.path("subject"), asking.words
    form = asking.filled.get("format")
    with asking.instance.database.reading() as tx:
        # sentences of an answer say times by the group's clock, and so does all beside them
        zone = timezone(terms_now(tx, asking.instance.clock()).offset)
        as_of, then = (_moment(asking, name, zone) for name in ("as_of", "then"))
        found = find_duties(
            asking.instance, tx, asking.caller, kind, subject,
            as_of=as_of, then=then, block=_whole(asking, "block"),
            is_proven=form in {"json", "pdf"},
        )  # fmt: skip
        units = codes_of(tx)
    answer = found.answer
    zone = timezone(timedelta(minutes=answer["offset_minutes"]))
    if form == "json":
        return _file(found.file, "application/json", f"{kind}.findings.json")
    if form == "pdf":
        language: Language = "zh" if words.language == "zh" else "en"
        asked = Asked(by=units.get(asking.caller.unit or 0), at=asking.instance.clock())
        page = recourse_pdf(answer, canonical(dict(answer)), language, asked)
        return _file(page, "application/pdf", f"{kind}.findings.pdf")
    groups = groups_of(answer)
    return {
        "title": answer["subject"]["name"],
        "answer": answer,
        "kind": kind,
        "subject": subject,
        "open": groups["open"],
        "done_duties": groups["done"],
        "unreadable": groups["unreadable"],
        "others": groups["not_applying"],
        "rules": _RULES,
        "ground": _GROUND,
        "said": WORDS,
        "legend": legend(answer, words.language, on_page=True),
        "titles": {name: title_of(act) for name, act in ACTS.items()},
        "units": units,
        "kinds": {each["digest"]: each for each in answer["operations"]},
        "clock": lambda text: f"{datetime.fromisoformat(text).astimezone(zone):%Y-%m-%d %H:%M}",
        "zone": zone,
        "unseen": N_("not seen to apply"),
        "pending": found.pending,
        "as_of": asking.filled.get("as_of"),
        "block": asking.filled.get("block"),
        "then": asking.filled.get("then"),
        "here_file": f"/answers/{kind}/{quote(subject)}",
    }


def _file(content: bytes, media: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content=content, media_type=media, headers=headers)


def _whole(asking: Asking, name: str) -> int | None:
    """A whole number that a link names; None for nothing."""
    text = asking.filled.get(name)
    found = number_of(text)
    if text and found is None:
        raise InvalidInput("is no number", field=name, rule="a whole number")
    return found


def _moment(asking: Asking, name: str, zone: tzinfo) -> datetime | None:
    """What was typed for a moment, by a clock; None for nothing."""
    text = asking.filled.get(name)
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput("is no moment", field=name, rule="2026-11-03T09:00") from None
    if found is None:
        return None
    return require_moment(found if found.tzinfo else found.replace(tzinfo=zone), field=name)


# ---------------------------------------------------------------- what a key signed


def show_signed(asking: Asking) -> Values:
    """What a key signed in a window, and how sure it is who that was."""
    now = asking.instance.clock()
    zone = ZoneInfo(asking.words.zone)
    until, since = _moment(asking, "until", zone) or now, _moment(asking, "since", zone)
    since = since or until - timedelta(days=1)
    with asking.instance.database.reading() as tx:
        row = directory.find_signer(
            tx, parse_hex32(asking.path("signer"), field="signer"), unit=asking.caller.readable_unit
        )
        if row is None:
            raise NotFound("there is no such signer", field="signer")
        lines = list_signed(tx, asking.caller, to_hex(row.id), since=since, until=until)
    is_own = asking.caller.unit in {None, row.unit}
    return {
        "called": (row.name if is_own else None) or row.id.hex()[:12],
        "lines": lines,
        "since": asking.words.typed(since),
        "until": asking.words.typed(until),
    }


SCREENS = (
    Screen(
        path="/questions",
        template="questions.html",
        title=N_("Questions about duties"),
        show=show_questions,
        menu=N_("Offices"),
        scopes=READS,
    ),
    Screen(
        path="/answers/{kind}/{subject:path}",
        template="answer.html",
        title=N_("Which duties were done"),
        show=show_answer,
        scopes=READS,
    ),
    Screen(
        path="/signed/{signer}",
        template="signed.html",
        title=N_("What a key signed"),
        show=show_signed,
        scopes=READS,
    ),
)

"""What a device kept while nobody answered → the steps of its forms, each once; what it may keep.

A device keeps forms as they were filled in, numbers them, and sends them here when somebody is
signed in again.  Each goes through the step of its own page, as if it were sent from there; what is
refused is told to the device, which goes on keeping it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import compile_path

from api import problems
from api.pages import assembly, bench, boxes, opening, recalls, returns, using
from api.pages.acting import choices_for
from api.pages.asking import Asking, Captured, Filled
from api.pages.custody import codes_of
from api.pages.screens import MOST_FIELDS, READS, Screen
from api.pages.shots import own_unit
from api.pages.words import N_
from ledger.domain.acts.moving import CONDITIONS
from ledger.domain.acts.vocabulary import Words as Text
from ledger.domain.acts.words import Purpose
from ledger.domain.callers import Scope
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.moments import instant_text
from ledger.domain.encoding.nesting import require_nesting
from ledger.domain.errors import InvalidInput, NotFound, Refused, SteriLedgerError
from ledger.steps.answering.packages import shelf
from ledger.steps.answering.recalls import list_recalls
from ledger.steps.asking.tokens import MAX_PERSON
from ledger.storage import packages

#: pages whose forms a device keeps while nobody answers
KEPT = tuple(
    (compile_path(each.path)[0], each)
    for module in (assembly, bench, boxes, opening, returns, using, recalls)
    for each in module.SCREENS
    if each.do is not None and each.is_scanned
)
#: a box is named by its slip where its page could not be opened
_BOX = next(each for _, each in KEPT if each.path == "/consignments/{consignment}/receive")
_MOST_PACKAGES, _MOST_RECALLS = 2000, 20
#: clocks that are no further apart are called the same
_SAME_CLOCK = timedelta(seconds=5)
#: what may be right later: the other half is not told yet, or we are at fault
_LATER = frozenset({problems.INTERNAL, problems.UNAVAILABLE})
#: of one sending: a device sends no more
_MOST_ITEMS = 20
#: a list of captures, each with a list of pairs
_DEEPEST = 4
#: of what a record says of a device, with the capture's number
_LONGEST_DEVICE = Text().longest


class Kept(BaseModel):
    """One form as a device kept it."""

    model_config = ConfigDict(extra="forbid")

    #: the device's own
    number: Annotated[int, Field(ge=1, lt=2**53)]
    path: Annotated[str, Field(max_length=200)]
    #: by name, in the order of the form
    fields: Annotated[list[tuple[str, str]], Field(max_length=MOST_FIELDS)]
    #: when each shot came, by its text
    moments: Annotated[dict[str, AwareDatetime], Field(max_length=MOST_FIELDS)] = {}
    captured: AwareDatetime
    device: Annotated[str, Field(max_length=_LONGEST_DEVICE)]
    #: the account, None: nobody was signed in
    who: str | None
    person: Annotated[str, Field(max_length=MAX_PERSON)]
    unit: int | None
    #: sent at once, while the server answered
    is_live: bool = False


#: each is looked at by itself
_ITEMS = TypeAdapter(Annotated[list[dict[str, Any]], Field(max_length=_MOST_ITEMS)])


# ---------------------------------------------------------------- what was kept


def do_offline(asking: Asking) -> Response:
    """What a device kept → what became of each, in its order; nothing of one spoils another."""
    asking.require_person()
    try:
        text = asking.filled.raw("items")
        require_nesting(text.encode(), deepest=_DEEPEST, field="items")
        items = _ITEMS.validate_python(json.loads(text))
        sent = TypeAdapter(AwareDatetime).validate_python(asking.filled.get("sent"))
    except ValidationError as error:
        raise _invalid(error, "items") from None
    except ValueError:
        raise InvalidInput("is not JSON", field="items", rule="a list of what was kept") from None
    ahead = sent - asking.instance.clock()
    is_for_others = asking.filled.get("for_others") == "yes"
    return JSONResponse(
        {
            str(each["number"]): _answer(asking, each, ahead, is_for_others)
            for each in items
            # what has no number is no capture of a device's, and nobody can be told of it
            if type(each.get("number")) is int
        }
    )


def _invalid(error: ValidationError, field: str | None = None) -> InvalidInput:
    first = problems.field_error(error.errors(include_url=False)[0])
    return InvalidInput(first["what"], field=field or first["field"], rule=first["rule"])


def _answer(
    asking: Asking,
    item: Mapping[str, Any],
    ahead: timedelta,
    is_for_others: bool,  # noqa: FBT001
) -> dict[str, object]:
    try:
        link = _recorded(asking, item, ahead, is_for_others)
    except SteriLedgerError as error:
        kind, words = problems.kind_of(error), asking.words
        if kind is problems.INTERNAL:
            problems.log_failure("failed", error)
        told = [error.what, error.rule, error.remedy] if kind is not problems.INTERNAL else []
        is_later = kind in _LATER or (isinstance(error, NotFound) and error.field == "consignment")
        return {
            "state": "waiting" if is_later else "refused",
            "told": "; ".join(words.sentence(each) for each in told if each),
        }
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours, and of this one alone
        problems.log_failure("failed", error)
        return {"state": "waiting", "told": ""}
    # what a passkey signs is recorded once it is signed
    return {"state": "prepared" if link.startswith("/sign/") else "recorded", "link": link}


def _recorded(
    asking: Asking,
    item: Mapping[str, Any],
    ahead: timedelta,
    is_for_others: bool,  # noqa: FBT001
) -> str:
    """Where the step of its page leads to."""
    try:
        kept = Kept.model_validate(item)
    except ValidationError as error:
        raise _invalid(error) from None
    if kept.who != asking.account:
        _require_same_unit(asking, kept, is_for_others)
    screen, request = _page(asking, kept)
    screen.require_for(asking.session)
    inner = replace(asking, request=request, filled=Filled(_fields(kept)), same=_hash(kept))
    if not kept.is_live:
        inner.captured = _captured(asking, kept, ahead)
    found = screen.do(inner) if screen.do is not None else None
    return found.headers["location"] if isinstance(found, Response) else ""


def _require_same_unit(asking: Asking, kept: Kept, is_for_others: bool) -> None:  # noqa: FBT001
    if not is_for_others or kept.unit != own_unit(asking):
        raise Refused(
            "somebody else captured it",
            field="who",
            rule="whoever captured it sends it, or somebody of the same unit who says so",
            remedy="sign in as who captured it",
        )


def _page(asking: Asking, kept: Kept) -> tuple[Screen, Request]:
    """The page whose form it is, and a request for it."""
    for pattern, screen in KEPT:
        match = pattern.fullmatch(kept.path)
        if match is not None:
            return screen, _request(asking, kept.path, match.groupdict())
    box = Filled(kept.fields).get("slip_code").partition(">")[0]
    if kept.path == "/receive" and box:
        return _BOX, _request(asking, kept.path, {"consignment": box})
    raise NotFound("no page of this address keeps anything", field="path")


def _request(asking: Asking, path: str, params: Mapping[str, str]) -> Request:
    scope = {**asking.request.scope, "path": path, "path_params": dict(params)}
    return Request(scope)


def _fields(kept: Kept) -> list[tuple[str, object]]:
    """As they were filled in; nobody signs with a passkey what they do not have before them."""
    return [(name, text) for name, text in kept.fields if name not in {"form", "by"}]


def _hash(kept: Kept) -> bytes:
    """What makes it this capture, at once or later: its page and what was filled in."""
    return sha256(json.dumps([kept.path, _fields(kept)]).encode())


def _captured(asking: Asking, kept: Kept, ahead: timedelta) -> Captured:
    """When it was done, by our clock: a device's may stand elsewhere, and what is done is past."""
    now = asking.instance.clock()
    seconds = round(ahead.total_seconds())
    source = "clock of the device"
    if abs(ahead) > _SAME_CLOCK:
        source += f", {abs(seconds)} s {'ahead' if seconds > 0 else 'behind'}, set right"
    else:
        ahead = timedelta()

    def ours(moment: datetime) -> datetime:
        try:
            return min((moment - ahead).astimezone(UTC), now).replace(microsecond=0)
        except OverflowError:
            raise InvalidInput(
                "is no moment", field="captured", rule="by a clock of this century"
            ) from None

    end = f", capture {kept.number}"
    return Captured(
        at=ours(kept.captured),
        moments={said: ours(moment) for said, moment in kept.moments.items()},
        source=source,
        device=kept.device[: _LONGEST_DEVICE - len(end)] + end,
        performer=None if kept.who == asking.account else kept.person or None,
    )


# ---------------------------------------------------------------- what a device may keep


def show_known(asking: Asking) -> Response:
    """Who is signed in, and what answers gates while nobody else does: a list with its age."""
    unit, session, now = own_unit(asking), asking.session, asking.instance.clock()
    with asking.instance.database.reading() as tx:
        against, expires = _packages(tx, asking, unit)
        names = sorted(expires.keys() | against.keys())
        known = {
            "at": instant_text(now),
            "who": asking.account,
            "person": asking.caller.person,
            "unit": unit,
            "code": codes_of(tx).get(unit, str(unit)),
            "station": session.station if session is not None else None,
            "form": session.forms if session is not None else "",
            "units": choices_for(tx, asking)["unit"],
            "codes": {row.code: row.package for row in packages.list_codes_on(tx, names)},
            "packages": {name: [expires.get(name), against.get(name, "")] for name in names},
            "numbers": {code: number for number, code in codes_of(tx).items()},
        }
    return JSONResponse(known)


def _packages(
    tx: Connection, asking: Asking, unit: int
) -> tuple[dict[str, str], dict[str, str | None]]:
    """What speaks against each package of the unit, in words; and its last day of use."""
    words, caller = asking.words, asking.caller
    against: dict[str, str] = {}
    if not asking.may(*READS):
        return {}, {}
    lying = shelf(tx, caller, unit, limit=_MOST_PACKAGES)
    for each in lying:
        if each.overlays:
            told = (words.say(word.replace("_", " ")) for word in each.overlays)
            against[each.package] = ", ".join(told)
    for view in list_recalls(tx, caller, limit=_MOST_RECALLS):
        for reached in view.reached:
            against.setdefault(reached.package, words.say("recalled"))
    return against, {each.package: each.expires for each in lying}


def show_offline(_asking: Asking) -> Mapping[str, object]:
    """The pages that a device shows while nobody answers: without a word of anybody."""
    return {
        "session": None,
        "menu": {},
        "inside": using.INSIDE,
        "stations": bench.STATIONS,
        "conditions": CONDITIONS,
        "purposes": [each.name.lower() for each in Purpose],
    }


SCREENS = (
    Screen(
        path="/offline", template="offline.html", title=N_("Without the server"),
        show=show_offline, do=do_offline, is_public=True, is_scanned=True,
    ),
    Screen(
        path="/offline/known", template="offline.html", title=N_("Without the server"),
        show=show_known, scopes=frozenset({Scope.CUSTODY, Scope.SCAN, Scope.ANSWER}),
    ),
)  # fmt: skip

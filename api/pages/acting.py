"""The form of an act, and what becomes of it: draft, rules and receipt as at every door."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlencode

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.responses import Response

from api.bodies import body_of
from api.bodies import values_of as said_by
from api.pages.asking import Asking, Filled, go_to, inside
from api.pages.forms import (
    Control,
    Desk,
    Form,
    Option,
    form_of,
    place_of,
    shown,
    values_of,
)
from api.pages.screens import Screen
from api.pages.words import N_
from api.problems import field_error
from ledger.domain.acts.asking import Door, signs
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act, CycleNamed, Given, MachineNamed, Named
from ledger.domain.acts.words import Party
from ledger.domain.encoding.identifiers import parse_hex32, to_hex
from ledger.domain.errors import Conflict, InvalidInput, NotFound, SteriLedgerError
from ledger.domain.machines.profiles import default_profiles
from ledger.steps.accepting.drafting import make_draft, spelled, what_stands
from ledger.steps.accepting.prepare import prepare
from ledger.steps.accepting.submit import record_with_held_keys
from ledger.steps.asking.idempotency import (
    HEADER,
    Answer,
    NamedRequest,
    answer_once,
    find_in_unit,
    require_key,
)
from ledger.storage import directory
from ledger.storage.drafts import delete_draft, find_draft
from ledger.storage.operations import find_operation
from ledger.storage.tokens import find_request, find_request_of_unit

_SPELLED: Mapping[str, Act] = {act.spelled: act for act in ACTS.values()}
_MOST = 1000
#: what a form's answer is kept as, until it is signed: HTTP's *accepted*
_PREPARED = 202


def act_named(name: str) -> Act:
    """The act by how addresses spell it; raises NotFound."""
    act = _SPELLED.get(name)
    if act is None:
        raise NotFound(f"{name[:60]!r} is no act", field="path")
    return act


@cache
def _body(act: Act) -> TypeAdapter[Any]:
    return TypeAdapter(body_of(act))


def door_of(asking: Asking) -> Door:
    """The pages' door: the session says how a person was known, the form what they judged.

    What was captured while nobody answered has happened, and follows what stands by now.
    """
    way = "none" if asking.session is None else asking.session.way
    return Door(authenticated_by=way, takes_what_stands=asking.captured is not None)


def choices_for(tx: Connection, asking: Asking) -> dict[str, list[Option]]:
    """What there is to choose from, as far as whoever asks may act for it."""
    unit = asking.caller.unit
    units = [(str(u.number), f"{u.code} – {u.name}") for u in directory.list_units(tx, limit=_MOST)]
    machines = [
        (each.id.hex(), f"{each.name or each.serial} – {each.serial}")
        for each in directory.list_equipment(tx, unit=unit, limit=_MOST)
    ]
    codes = {} if unit is not None else dict(units)
    signers = [
        (
            each.id.hex(),
            " – ".join(filter(None, (each.name or each.id.hex()[:8], codes.get(str(each.unit))))),
        )
        for each in directory.list_signers(tx, unit=unit, limit=_MOST)
    ]
    profiles = [(each.name, f"{each.name} – {each.title}") for each in default_profiles()]
    return {"unit": units, "equipment": machines, "signer": signers, "profile": profiles}


def form_for(tx: Connection, asking: Asking, act: Act) -> Form:
    """The form as it was filled, with what stands where nobody filled it yet."""
    filled = asking.filled
    if asking.request.method == "GET":
        filled = _with_standing(tx, asking, act)
    desk = Desk(
        filled=filled,
        choices=choices_for(tx, asking),
        words=asking.words,
        errors=asking.errors,
        asks_unit=asking.caller.unit is None,
    )
    return form_of(act, desk)


def _with_standing(tx: Connection, asking: Asking, act: Act) -> Filled:
    """What the address fills in, and how what it names stands."""
    said = values_of(act, asking.filled, asking.words)
    subject = {
        each.name: said[each.name]
        for each in act.fields
        if each.name in said and _is_subject(each.of)
    }
    stands = {}
    if subject:
        stands = what_stands(asking.instance, tx, asking.caller, act, subject, door_of(asking))
    pairs: list[tuple[str, object]] = [
        (name, shown(value, asking.words))
        for name, value in stands.items()
        if not asking.filled.has(name)
    ]
    query = asking.request.query_params.multi_items()
    return Filled([*query, *pairs])


def _is_subject(sort: object) -> bool:
    return isinstance(sort, CycleNamed | MachineNamed) or sort == Named("equipment")


def needs_subject(act: Act, filled: Filled) -> str:
    """The field that has to be filled first, since others follow from it; empty when none has."""
    follows = any(each.given in {Given.JUDGED, Given.STANDING} for each in act.fields)
    subject = next((each for each in act.fields if _is_subject(each.of)), None)
    is_missing = follows and subject is not None and not filled.get(subject.name)
    return subject.name if is_missing and subject is not None else ""


def show(asking: Asking) -> Mapping[str, object]:
    """The form of the act that the address names."""
    act = act_named(asking.path("act"))
    asking.caller.require_scope(act.scope)
    first = needs_subject(act, asking.filled) if asking.request.method == "GET" else ""
    with asking.instance.database.reading() as tx:
        if first:
            form = form_of(
                act, Desk(filled=asking.filled, choices=choices_for(tx, asking), words=asking.words)
            )
            only = tuple(c for c in form.controls if c.name == first)
            form = Form(act=act, controls=only, beside=())
        else:
            form = form_for(tx, asking, act)
    # whoever goes back to a form that was recorded sends it under the same key, and once
    key = asking.filled.get("key")
    return {
        "title": title_of(act),
        "form": form,
        "is_first_step": bool(first),
        "key": key or secrets.token_hex(16),
        "unplaced": _unplaced(asking, form),
        "signs_itself": Party.SIGNER in act.parties,
    }


def _unplaced(asking: Asking, form: Form) -> bool:
    """Whether what is wrong is about no control that is shown."""
    error = asking.error
    if not isinstance(error, SteriLedgerError):
        return False
    shown_names = {name for c in (*form.controls, *form.beside) for name in _names(c)}
    return not set(asking.errors) & shown_names


def _names(control: Control) -> list[str]:
    """A control's own name, and those of what is within it, where they are seen."""
    if control.kind == "hidden" and not control.error:
        return []
    lines = [each for line in control.lines for each in line]
    return [control.name, *(n for each in (*control.parts, *lines) for n in _names(each))]


def do(asking: Asking) -> Response | Mapping[str, object]:
    """A filled form → recorded; the same form sent twice is recorded once."""
    if asking.filled.get("more"):
        return show(asking)
    return record(asking, act_named(asking.path("act")))


def record(asking: Asking, act: Act) -> Response:
    """What was filled in → recorded, and on to where the form wants; errors name its controls."""
    asking.caller.require_scope(act.scope)
    try:
        if asking.by:
            path = asking.filled.get("next")
            return to_be_signed(asking, act.name, path, **_said(asking, act))
        return go_to(after(asking, _record(asking, act)))
    except SteriLedgerError as error:
        name = place_of(act, asking.filled, error.field or "")
        asking.errors = {name: asking.words.sentence(error.what), **asking.errors}
        raise


def _record(asking: Asking, act: Act) -> str:
    """The digest of what was recorded."""
    said = _said(asking, act)
    with spelled(act):
        return once(
            asking,
            (act.name, sorted(values_of(act, asking.filled, asking.words).items())),
            lambda tx: accept(tx, asking, act.name, **said),
        )


def _said(asking: Asking, act: Act) -> dict[str, Any]:
    """What was filled in, as the act's body reads it; raises InvalidInput."""
    values = values_of(act, asking.filled, asking.words)
    try:
        return said_by(_body(act).validate_python(values))
    except ValidationError as error:
        raise _invalid(asking, act, error) from None


def to_be_signed(asking: Asking, kind: str, /, path: str, **values: Any) -> Response:  # noqa: ANN401 - in plain form
    """One act prepared, and on to the page where the person's own passkey signs it.

    `path` is where it goes on from there.  Raises NotFound for what is no passkey of theirs.
    """
    act, chosen, instance, caller = ACTS[kind], asking.by, asking.instance, asking.caller
    found = [each for each in asking.passkeys if each.passkey.id.hex() == chosen]
    if not found or found[0].key is None or Party.SIGNER not in act.parties:
        raise NotFound(
            "this passkey does not sign here", field="by", remedy="choose what it is signed with"
        )
    told = {**circumstances(asking), **values, **seconded(asking)}
    told[signs(act)[Party.SIGNER].name] = "0x" + found[0].key.hex()

    def work(tx: Connection) -> str:
        draft = make_draft(instance, tx, caller, act, told, door_of(asking))
        return to_hex(prepare(instance, tx, caller, draft).operation.digest)

    with spelled(act):
        digest = once(asking, (kind, sorted(values.items()), chosen), work, status=_PREPARED)
    with instance.database.reading() as tx:
        if _is_recorded(tx, asking, digest):
            return go_to(after(asking, digest, path))
    return go_to(f"/sign/{digest}?{urlencode({'next': inside(path)} if path else {})}")


def _is_recorded(tx: Connection, asking: Asking, digest: str) -> bool:
    named = parse_hex32(digest, field="digest")
    return find_operation(tx, named, unit=asking.caller.unit) is not None


def _unless_given_up(tx: Connection, asking: Asking, named: NamedRequest) -> NamedRequest:
    """The request under the key that counts: what waits unsigned gives way to what is sent now.

    A draft that is over, is another session's or says another thing is replaced, and the next one
    has its digest for a key; so one form has one draft, and one record.
    """
    while True:
        row = find_request(tx, named.key, named.token_id)
        if row is None and asking.same:
            row = find_request_of_unit(tx, named.key, asking.caller.unit)
        if row is None or row.response is None or row.status != _PREPARED:
            return named
        digest = row.response.decode()
        if _is_recorded(tx, asking, digest):
            return named
        draft = find_draft(tx, parse_hex32(digest, field="digest"), unit=asking.caller.unit)
        if draft is not None:
            is_alive = draft.expires_at > asking.instance.clock()
            is_own = draft.token_id == asking.caller.token_id
            if is_alive and is_own and row.request_hash == named.request_hash:
                return named
            delete_draft(tx, draft.digest)
        named = replace(named, key=digest)


def once(
    asking: Asking, said: object, work: Callable[[Connection], str], *, status: int = 201
) -> str:
    """What a form says → done in one transaction, however often it is sent; what `work` told."""
    instance, caller, _ = asking.instance, asking.caller, asking.second
    key = require_key(asking.filled.get("key") or secrets.token_hex(16))
    hashed = asking.same or hashlib.sha256(repr(said).encode()).digest()
    named = NamedRequest(key=key, token_id=str(caller.token_id), request_hash=hashed)
    try:
        with instance.database.transaction() as tx:
            named = _unless_given_up(tx, asking, named)
            # a device sends again what it kept, and by then somebody may have signed in anew
            answer = find_in_unit(tx, named, caller.unit) if asking.same else None
            answer = answer or answer_once(
                instance, tx, named, lambda: Answer(status=status, body=work(tx).encode())
            )
    except Conflict as error:
        if error.field != HEADER:
            raise
        raise Conflict(
            "this form was recorded already, with something else in it",
            field="key",
            rule="a form is recorded once",
            remedy="look at what was recorded; for another record open the form again",
        ) from None
    return answer.body.decode()


def accept(tx: Connection, asking: Asking, kind: str, /, **values: Any) -> str:  # noqa: ANN401 - in plain form
    """One act accepted, by the names of its fields; its digest."""
    instance, caller, act = asking.instance, asking.caller, ACTS[kind]
    told = {**circumstances(asking), **values, **seconded(asking)}
    draft = make_draft(instance, tx, caller, act, told, door_of(asking))
    return to_hex(record_with_held_keys(instance, tx, caller, draft).digest)


def circumstances(asking: Asking) -> dict[str, Any]:
    """What the session says of how a record came about: the tablet, where it is a station.

    Of what a device kept, also when it was done, and by whom where that is not who sends it.
    """
    session, captured = asking.session, asking.captured
    if captured is not None:
        told = {
            "device": captured.device,
            "happened": {"utc": captured.at, "source": captured.source},
            "performer": captured.performer,
        }
        return {name: value for name, value in told.items() if value is not None}
    return {"device": session.station} if session is not None and session.station else {}


def seconded(asking: Asking) -> dict[str, Any]:
    """Who confirmed it with a second badge, which counts for more than a name that is typed."""
    return {"checker": asking.second, "authenticated_by": "two PINs"} if asking.second else {}


def _invalid(asking: Asking, act: Act, error: ValidationError) -> InvalidInput:
    """The first complaint about the body, all of them beside their controls."""
    found = [field_error(each) for each in error.errors(include_url=False)]
    asking.errors = {
        place_of(act, asking.filled, each["field"]): asking.words.sentence(each["what"])
        + " – "
        + asking.words.sentence(each["rule"])
        for each in found
    }
    first = found[0]
    return InvalidInput(first["what"], field=first["field"], rule=first["rule"])


def after(asking: Asking, digest: str, path: str = "") -> str:
    """Where to go on: to what it was about, with what was recorded."""
    path = inside(path or asking.filled.get("next") or f"/operations/{digest}")
    mark = "&" if "?" in path else "?"
    return f"{path}{mark}done={digest}"


def title_of(act: Act) -> str:
    """An act's name as words: `CycleOpening` → cycle opening."""
    return act.spelled.replace("-", " ")


SCREENS = (
    Screen(
        path="/acts/{act}",
        template="act.html",
        title=N_("Record"),
        show=show,
        do=do,
        takes_photos=True,
    ),
)

"""What waits for a person's own passkey → shown in words, signed by it, recorded."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages.acting import after, title_of
from api.pages.asking import Asking, go_to
from api.pages.directory import codes_of
from api.pages.screens import Screen
from api.pages.words import N_
from ledger.domain.acts.vocabulary import Act, Lines, Named
from ledger.domain.encoding.identifiers import Digest, parse_hex32, to_hex
from ledger.domain.errors import NotFound
from ledger.domain.records.commitments import FieldValue
from ledger.steps.accepting.prepare import Prepared
from ledger.steps.accepting.with_passkeys import ask_for_signature, find_asked, sign_with_passkey
from ledger.storage import directory
from ledger.storage.operations import find_operation

#: what every record says of itself, and nobody judges
_OF_ITSELF = ("record", "retention_class", "legal_hold")
_ID_DIGITS = 64


def show_sign(asking: Asking) -> Mapping[str, object] | Response:
    """What is signed, in words, and the question to the device."""
    digest = Digest(parse_hex32(asking.path("digest"), field="digest"))
    with asking.instance.database.reading() as tx:
        if find_operation(tx, digest, unit=asking.caller.unit) is not None:
            return go_to(f"/operations/{to_hex(digest)}")
        asked = find_asked(asking.instance, tx, asking.caller, asking.account, digest)
        rows = in_words(tx, asking, asked.prepared)
        codes = codes_of(tx)
    act = asked.prepared.operation.act
    return {
        "title": title_of(act),
        "act": act,
        "subject": subject_of(asked.prepared),
        "unit_code": codes.get(asked.prepared.record.unit, "–"),
        "rows": rows,
        "digest": to_hex(digest),
        "options": ask_for_signature(asking.site, asked),
        "expires_at": asked.prepared.expires_at,
        "next": asking.filled.get("next"),
    }


def subject_of(prepared: Prepared) -> str:
    """What it is about, as people call it; empty where its fields say all."""
    facts = prepared.record.facts
    parts = [facts.get(f"machine.{name}") for name in ("serial", "epoch", "number")]
    return "/".join(str(each) for each in parts if each is not None)


def in_words(tx: Connection, asking: Asking, prepared: Prepared) -> dict[str, FieldValue]:
    """What the record says: the act's own fields first, then people and how it came about.

    Units are called by their codes, machines by their names.  All of it is under the digest.
    """
    act, record = prepared.operation.act, prepared.record
    codes, units = codes_of(tx), _named(act, "unit")

    def said(path: str, value: FieldValue) -> FieldValue:
        if path.rpartition(".")[2] in units and isinstance(value, int):
            return codes.get(value, str(value))
        is_id = isinstance(value, str) and len(value) == _ID_DIGITS
        if is_id and path == "equipment":
            row = directory.find_equipment(tx, bytes.fromhex(str(value)), unit=asking.caller.unit)
            return value if row is None else f"{row.name or row.serial} – {row.serial}"
        return f"{str(value)[:12]}…" if is_id else value

    own = {root for each in act.fields if (root := each.record_root)}
    facts = {p: v for p, v in record.facts.items() if p.partition(".")[0] not in _OF_ITSELF}
    ordered = sorted(facts, key=lambda path: path.partition(".")[0] not in own)
    told = {path: facts[path] for path in ordered} | dict(record.personal or {})
    return {path: said(path, value) for path, value in told.items() if value is not None}


def _named(act: Act, what: str) -> set[str]:
    """The fields, and columns of lines, that name a unit."""
    fields = {each.recorded_as or each.name: each.of for each in act.fields}
    columns = [each.of.columns for each in act.fields if isinstance(each.of, Lines)]
    whole = [*fields.items(), *(pair for each in columns for pair in each.items())]
    return {name for name, sort in whole if sort == Named(what)}


def do_sign(asking: Asking) -> Response:
    """The device's answer → recorded, and on to where the form wanted."""
    instance = asking.instance
    digest = Digest(parse_hex32(asking.path("digest"), field="digest"))
    if asking.session is None:
        raise NotFound("nothing waits here", field="digest")
    with instance.database.transaction() as tx:
        sign_with_passkey(
            instance,
            tx,
            asking.caller,
            asking.account,
            asking.site,
            digest,
            asking.filled.get("answer"),
        )
    return go_to(after(asking, to_hex(digest)))


SCREENS = (
    Screen(
        path="/sign/{digest}",
        template="sign.html",
        title=N_("Sign with my passkey"),
        show=show_sign,
        do=do_sign,
    ),
)

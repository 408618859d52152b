"""The group's terms: its versions, what differs between two, prices; published from a date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

from starlette.responses import Response

from api.pages.acting import record
from api.pages.asking import Asking, Filled
from api.pages.directory import codes_of
from api.pages.screens import READS, Screen
from api.pages.words import N_, Words
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.terms import parts_of
from ledger.domain.callers import Scope
from ledger.domain.duties.terms import (
    Terms,
    default_terms,
    parse_terms,
    require_successor,
    source_in,
)
from ledger.domain.errors import InvalidInput, NotFound
from ledger.forms.sheets import money_text
from ledger.forms.words import Language, say
from ledger.steps.answering.published_terms import list_versions, terms_now
from ledger.steps.settling.computing import read_terms

Values = Mapping[str, object]
#: the tables of a price list, and what their columns are called
_TABLES = ("packages", "services", "trips", "catalogue", "capacities")
_LABELS = {
    "packages": N_("Packages, by class"), "services": N_("Services, by kind"),
    "trips": N_("Trips, by carrier"), "catalogue": N_("Catalogue of services"),
    "capacities": N_("Capacities"), "class": N_("class"), "name": N_("name"),
    "internal": N_("internal price"), "market": N_("market reference"), "per": N_("for so many"),
    "carrier": N_("carrier"), "per_trip": N_("for each trip"), "yearly_fee": N_("yearly fee"),
    "cap": N_("at most for a trip"), "holder": N_("holder of the contract"),
    "within_seconds": N_("within (s)"), "kind": N_("kind"), "group": N_("group"),
    "unit": N_("counted in"), "machine": N_("machine"),
    "packages_a_month": N_("packages a month"),
}  # fmt: skip
#: of the highest version
_DIGITS = 9
_MONEY = frozenset({"internal", "market", "per_trip", "yearly_fee", "cap"})
_UNITS = frozenset({"carrier", "holder"})
#: seconds of each unit of time, the longest first
_LENGTHS = ((86400, N_("{} days")), (3600, N_("{} h")), (60, N_("{} min")), (1, N_("{} s")))


def show_terms(asking: Asking) -> Values:
    """One version, the one that holds unless the address names another, beside a second one."""
    _ = asking.caller.readable_unit
    with asking.instance.database.reading() as tx:
        versions = {each.version: each for each in (default_terms(), *list_versions(tx))}
        now = terms_now(tx, asking.instance.clock())
        codes = codes_of(tx)
    shown = _chosen(versions, asking.filled.get("version"), now)
    before = [each for number, each in sorted(versions.items()) if number < shown.version]
    other = _chosen(versions, asking.filled.get("against"), before[-1] if before else shown)
    prices = shown.document["prices"]
    return {
        "versions": list(reversed(versions.values())),
        "now": now,
        "shown": shown,
        "other": other,
        "changes": list(differences(other.document, shown.document)),
        "length": lambda seconds: _length(asking.words, seconds),
        "source_in": source_in,
        "tables": [
            _table(asking.words, name, prices, codes) for name in _TABLES if prices.get(name)
        ],
        "prices": prices,
        "codes": codes,
        "preview": None,
        "done": asking.recorded,
    }


def _chosen(versions: Mapping[int, Terms], text: str, usual: Terms) -> Terms:
    if not text:
        return usual
    is_number = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    found = versions.get(int(text)) if is_number else None
    if found is None:
        raise NotFound(f"there is no version {text[:20]} of the terms", field="version")
    return found


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    """Each place in two documents where they differ, with what stands there; None: nothing."""
    pair = [_members(each) for each in (before, after)]
    if before == after:
        return
    if None in pair and not ((before is None and pair[1]) or (after is None and pair[0])):
        yield path, before, after
        return
    old, new = (each or {} for each in pair)
    for name in dict.fromkeys((*old, *new)):
        yield from differences(old.get(name), new.get(name), f"{path}.{name}" if path else name)


def _members(value: Any) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    """What a document holds by name, or by number from 1; None for what holds nothing."""
    if isinstance(value, Mapping):
        return dict(value)
    return {str(n): e for n, e in enumerate(value, 1)} if isinstance(value, list) else None


def _length(words: Words, seconds: int) -> str:
    """A deadline in the longest unit of time that it is a whole number of."""
    size, text = next((n, t) for n, t in _LENGTHS if seconds % n == 0)
    return words.say(text).format(seconds // size)


def _table(words: Words, name: str, prices: Mapping[str, Any], codes: Mapping[int, str]) -> Values:
    """One list of the prices: the columns that any of its rows has."""
    rows: Sequence[Mapping[str, Any]] = prices[name]
    columns = [each for each in _LABELS if any(each in row for row in rows)]

    def cell(column: str, value: Any) -> str:  # noqa: ANN401 - JSON
        if value is None:
            return "–"
        if column in _MONEY:
            return money_text(value, {"terms": prices}, thousands=",")
        if isinstance(value, Mapping):
            return str(value.get(words.language) or next(iter(value.values())))
        if column == "group":
            return say(str(value), Language(words.language))
        return codes.get(value, str(value)) if column in _UNITS else str(value)

    return {
        "title": _LABELS[name],
        "columns": [_LABELS[each] for each in columns],
        "rows": [[cell(each, row.get(each)) for each in columns] for row in rows],
    }


def do_terms(asking: Asking) -> Values | Response:
    """What a document would change; and once its hash was seen, its publication."""
    asking.caller.require_scope(Scope.AUTHORITY)
    terms = _told(asking)
    with asking.instance.database.reading() as tx:
        require_successor(list_versions(tx), terms)
    if asking.filled.get("sha256") != terms.sha256:
        values: dict[str, Any] = dict(show_terms(asking))
        newest = max(values["versions"], key=lambda each: each.version)
        changes = list(differences(newest.document, terms.document))
        text = json.dumps(dict(terms.document), ensure_ascii=False)
        return {**values, "preview": terms, "changes": changes, "document": text}
    lines = [(f"lines.{n}.part", each["part"]) for n, each in enumerate(parts_of(terms))]
    told = [(name, asking.filled.get(name)) for name in ("key", "replaces")]
    told += [("document", "0x" + terms.sha256), ("next", "/terms")]
    asking.filled = Filled([*told, *lines])
    return record(asking, ACTS["Terms"])


def _told(asking: Asking) -> Terms:
    """The document that was brought, as the next version, from the date that was typed."""
    _, data = asking.filled.files.get("file", ("", b""))
    text: bytes = data or asking.filled.raw("document").encode()
    since, version = asking.filled.get("holds_from"), asking.filled.get("version_number")
    try:
        document = json.loads(text)
        if since:
            document["holds_from"] = asking.words.local(since).astimezone(UTC).isoformat()
        document["version"] = int(version or document["version"])
    except (ValueError, RecursionError, TypeError, KeyError, OverflowError):
        raise InvalidInput(
            "cannot be read",
            field="document",
            rule="a file of terms as JSON, a version that is a whole number, a moment",
        ) from None
    whole = json.dumps(document).encode()
    terms = parse_terms(whole)
    # what an account reads of it has to be whole as well
    read_terms(whole, name="document")
    return terms


SCREENS = (
    Screen(
        path="/terms",
        template="terms.html",
        title=N_("Terms and prices"),
        show=show_terms,
        do=do_terms,
        menu=N_("Group"),
        scopes=READS,
    ),
)

"""The inbox: what waits for a unit, by deadline, each with its answers of one or two taps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from api.pages.asking import Asking, package_page
from api.pages.directory import codes_of
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.callers import Scope
from ledger.forms.sheets import money_text
from ledger.steps.answering.inbox import MOST_LOOKED, Look, Waiting, list_waiting
from ledger.steps.answering.published_terms import terms_now

#: kinds with numbers of operations, as an address has them
_OLDER = re.compile(r"\b([A-Za-z]{1,40}):([0-9]{1,15})\b", re.ASCII)
#: what a unit may say to what another one says; none is about responsibility
_STANCES = {"agrees": N_("Agree"), "disagrees": N_("Disagree"), "seen": N_("Seen")}
_STANCES_TO = {
    "notice": ("seen",),
    "incident": ("seen",),
    **dict.fromkeys(("difference", "report", "findings"), tuple(_STANCES)),
}
#: what each kind is called, with holes for who said it and what there is to know
_TITLES = {
    "notice": N_("{unit} recalls packages: {asked} are asked for"),
    "recall": N_("{unit} waits for what you found of {asked} packages"),
    "difference": N_("{unit} differs about {consignment}"),
    "report": N_("{unit} reports package {package}"),
    "statement": N_("Your statement of {period} is published"),
    "contest": N_("{unit} contests of its statement of {period}: line {lines}"),
    "payment": N_("{unit} says that it paid you, for {period}"),
    "incident": N_("{unit} opened an incident about {subject}"),
    "findings": N_("{unit} sent you what was found about {subject}"),
    "request": N_("{unit} asks you for something"),
}
#: of what is told: what is shown beside the title, in words
_BESIDE = ("refused", "missing", "extra", "seals", "deed", "what", "text")
_CALLED = {"deed": N_("what was found")}


def show_inbox(asking: Asking) -> Mapping[str, object]:
    """What waits for whoever's unit it is."""
    look = Look(before=_before(asking.filled.get("before")))
    with asking.instance.database.reading() as tx:
        found = list_waiting(asking.instance, tx, asking.caller, look)
        codes = codes_of(tx)
        prices = terms_now(tx, asking.instance.clock()).document["prices"]
    rows = [
        {
            "waiting": each,
            "title": asking.words.say(_TITLES[each.kind]).format(
                **{**each.told, "unit": codes.get(each.unit, each.unit)}
            ),
            "beside": {
                _CALLED.get(name, name): each.told[name] for name in _BESIDE if name in each.told
            },
            "amount": _money(each.told.get("amount"), prices),
            "link": _page(asking, each),
            "buttons": _buttons(asking, each),
        }
        for each in found
    ]
    now = int(asking.instance.clock().timestamp())
    older = " ".join(f"{kind}:{number}" for kind, number in look.older.items())
    return {
        "rows": rows, "now": now, "done": asking.recorded, "looked": MOST_LOOKED, "older": older,
        "is_older": look.before is not None,
    }  # fmt: skip


def _before(text: str) -> dict[str, int] | None:
    """`KIND:NUMBER …` of an address → how far back it goes on; None from the newest."""
    found = {kind: int(number) for kind, number in _OLDER.findall(text)}
    return found or None


def _money(amount: object, prices: Mapping[str, Any]) -> str:
    """An amount in the currency of the terms; as smallest units where they name none."""
    if not isinstance(amount, int) or "smallest_in_one" not in prices:
        return "" if amount is None else str(amount)
    return f"{money_text(amount, {'terms': prices}, thousands=',')} {prices['currency']}"


def _page(asking: Asking, each: Waiting) -> str:
    """Where there is more to see, or to fill in."""
    told, unit = each.told, asking.caller.unit
    back = "/inbox"
    if each.kind in {"notice", "recall"}:
        return f"/recalls/{told['order']}{'/answer' if asking.may(Scope.ANSWER) else ''}"
    if each.kind == "contest":
        theirs = f"/statements/{told['period']}/{each.unit}"
        query = urlencode({"answer": each.about, "next": back})
        return f"/acts/resolution?{query}" if asking.may(Scope.SETTLE) else theirs
    if each.kind == "request":
        query = urlencode(
            {"to": each.unit, "what": told["what"], "answers": each.about, "next": back}
        )
        return f"/acts/request?{query}" if asking.may(Scope.REPORT) else ""
    return {
        "difference": f"/consignments/{told.get('id')}",
        "report": package_page(str(told.get("package"))),
        "statement": f"/statements/{told.get('period')}/{unit}",
        "payment": f"/statements/{told.get('period')}/{unit}",
    }.get(each.kind, f"/incidents/{told.get('incident')}")


def _buttons(asking: Asking, each: Waiting) -> list[tuple[str, str, Mapping[str, object]]]:
    """What a tap records: its label, the act, and the fields of its form."""
    unit, about = asking.caller.unit, each.about
    if each.kind == "statement" and asking.may(Scope.SETTLE):
        values = {"publication": about, "unit": unit, "replaces": ""}
        return [(N_("Acknowledge"), "statement-answer", values)]
    if each.kind == "payment" and asking.may(Scope.SETTLE):
        values = {"publication": about, "unit": unit, "side": "received"}
        values |= {"other": each.unit, "amount": each.told["amount"]}
        return [(N_("We received it"), "payment", values)]
    words = _STANCES_TO.get(each.kind, ()) if asking.may(Scope.REPORT) else ()
    return [(_STANCES[word], "comment", {"about": about, "stance": word}) for word in words]


SCREENS = (
    Screen(
        path="/inbox",
        template="inbox.html",
        title=N_("Inbox"),
        show=show_inbox,
        menu=N_("Offices"),
        scopes=READS,
    ),
)

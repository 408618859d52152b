"""Statements: what was published, each line down to its events, and what a unit answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from api.pages import bars
from api.pages.acting import record, title_of
from api.pages.asking import Asking, Filled
from api.pages.screens import READS, Screen
from api.pages.words import N_
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.resolution import ContestOutcome
from ledger.domain.callers import Scope
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.statement.month import Entry
from ledger.domain.statement.periods import parse_period, period_at
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.forms.all_forms import FORMS, Account
from ledger.forms.document import form_of
from ledger.forms.sheets import Reader, money_text, numbered_lines, service_text, unit_in
from ledger.forms.words import Language
from ledger.steps.accepting.resolving import sees_asset
from ledger.steps.settling.computing import Computed, compute_here, events_here
from ledger.steps.settling.published import (
    Published,
    compute_published,
    get_published,
    list_published,
    open_contests,
    said_since,
)
from ledger.storage import directory, index, operations

_MOST = 1000
_GROUP = "group"
_LINK = "/statements/{}/{}"
#: the forms that are taken away as they are; the PDF is in a language
_FILES = {
    "json": "JSON", "indicators": N_("Indicators (JSON)"), "lines": N_("Lines (CSV)"),
    "units": N_("Units (CSV)"), "review": N_("Review (CSV)"), "xlsx": "XLSX",
    "journal": N_("Journal for hledger"),
}  # fmt: skip
Plain = Mapping[str, Any]
Values = Mapping[str, object]


def show_statements(asking: Asking) -> Values:
    """The months that are published, and what the reader's unit said to each."""
    unit = asking.caller.readable_unit or asking.caller.unit
    with asking.instance.database.reading() as tx:
        found = [(each, said_since(tx, each)["answers"]) for each in reversed(list_published(tx))]
    rows = [(each, _answer_of(answers, unit)) for each, answers in found]
    return {"rows": rows, "unit": unit, "word": _word}


def _answer_of(answers: list[dict[str, Any]], unit: int | None) -> Plain | None:
    return next((each for each in answers if each["unit"] == unit), None)


def _word(answer: Plain | None) -> str:
    if answer is None:
        return N_("not answered")
    return N_("contested") if answer["contested"] else N_("acknowledged")


# ---------------------------------------------------------------- one statement


def show_statement(asking: Asking) -> Values:
    """The group's account, or a unit's part of it, with what was said about it since."""
    published, computed, reader = _read(asking)
    with asking.instance.database.reading() as tx:
        said = said_since(tx, published)
        mined = index.find(tx, IndexedOperation, published.publication)
    days = computed.books.terms_of(published.period).contest_days
    since = None if mined is None else datetime.fromtimestamp(mined.timestamp, UTC)
    unit = reader.unit
    contested = dict(open_contests(computed.account, said))
    return {
        **_shown(computed, reader),
        "publication": to_hex(published.publication),
        "is_same": published.account == computed.hash,
        "until": None if since is None else since + timedelta(days=days),
        "contested": contested,
        "resolvable": {
            answer["event"]
            for place, answer in contested.items()
            if asking.may(Scope.SETTLE) and asking.caller.unit in _sides(computed.account, place)
        },
        "answers": said["answers"],
        "answer": _answer_of(said["answers"], unit),
        "word": _word,
        "resolutions": said["resolutions"],
        "outcome": lambda number: ContestOutcome(number).name.lower(),
        "payments": said["payments"],
        "paid": PaymentSide.PAID,
        "may_settle": asking.may(Scope.SETTLE) and asking.caller.unit in {None, unit},
        "done": asking.recorded,
    }


def do_contest(asking: Asking) -> Response:
    """Lines contested; without any, the same answer would acknowledge the statement."""
    if not asking.filled.all("lines"):
        raise InvalidInput(
            "names none",
            field="lines",
            rule="a contest says which lines it is about",
            remedy="tick them, and send it again",
        )
    return record(asking, ACTS["StatementAnswer"])


def _sides(account: Plain, place: int) -> set[int | None]:
    """Who may say what became of a contest of a line; None: who administers every unit."""
    line = account["lines"][place]
    return {None, line["provider"], line["consumer"]}


def _read(asking: Asking) -> tuple[Published, Computed, Reader]:
    """A published account computed again, for the unit that the address names; raises NotFound."""
    _ = asking.caller.readable_unit
    who = asking.path("who")
    with asking.instance.database.reading() as tx:
        published = get_published(tx, parse_period(asking.path("period")))
        computed = compute_published(asking.instance, tx, published)
        reader = _reader(asking, tx, computed)
    found = {_GROUP: None} | {str(number): number for number in reader.names}
    if who not in found:
        raise NotFound(f"unit {who[:20]} is in no account of {published.period}", field="unit")
    return published, computed, _for(reader, found[who])


def _for(reader: Reader, unit: int | None) -> Reader:
    return replace(reader, unit=unit)


def _reader(asking: Asking, tx: Connection, computed: Computed) -> Reader:
    numbers = {each["unit"] for each in computed.account["units"]}
    rows = directory.list_numbered_units(tx, numbers)
    unit = asking.caller.readable_unit
    machines = directory.list_equipment(tx, unit=unit, limit=_MOST)
    things = {to_hex(each.id): each.name or each.serial for each in machines}
    things |= {
        to_hex(each.id): each.name
        for each in directory.list_assets(tx, limit=_MOST)
        if sees_asset(tx, asking.caller, each.id)
    }
    names = dict.fromkeys(numbers, "") | {row.number: row.code for row in rows}
    return Reader(
        language=Language(asking.words.language),
        names={number: code or str(number) for number, code in names.items()},
        full_names={row.number: row.name for row in rows},
        things=things,
    )


def _shown(computed: Computed, reader: Reader) -> dict[str, object]:
    """What an account shows whether or not it is published yet."""
    account, unit = computed.account, reader.unit
    form = form_of(account, computed.indicators, computed.data, reader)

    def money(amount: int) -> str:
        return money_text(amount, account, thousands=",")

    trend = [
        {**each, "given_text": money(each["contributed"]), "used_text": money(each["used"])}
        for each in form["trend"]
    ]
    words = form["words"]
    return {
        "title": f"{form['title']} {account['period']}",
        "form": form,
        "account": account,
        "unit": unit,
        "who": _GROUP if unit is None else unit,
        "names": reader.names,
        "numbers": {code: number for number, code in reader.names.items()},
        "money": money,
        "hash": computed.hash.hex(),
        "files": _FILES,
        "titles": {name: title_of(act) for name, act in ACTS.items()},
        "chart": bars.both_sides(form["bars"], form["bars_left"], form["bars_right"]),
        "trend": bars.months(trend, words["contributed"], words["used"]) if len(trend) > 1 else "",
        "unpriced": [
            (number, service_text(line, account, reader))
            for number, line in numbered_lines(account, unit)
            if not line["is_priced"]
        ],
        "places": _places(account, unit),
    }


def _places(account: Plain, unit: int | None) -> dict[int, int]:
    """The place in the account of each line by its number."""
    places = range(len(account["lines"])) if unit is None else unit_in(account, unit)["lines"]
    return dict(enumerate(places, start=1))


def take_form(asking: Asking) -> Response:
    """The statement as a file, in any of its forms."""
    published, computed, reader = _read(asking)
    form = FORMS.get(asking.path("form"))
    if form is None:
        raise NotFound("there is nothing at this address", field="path")
    chosen = asking.filled.get("language")
    if chosen in list(Language):
        reader = replace(reader, language=Language(chosen))
    made = Account(account=computed.account, indicators=computed.indicators, data=computed.data)
    name = f"{published.period}-{asking.path('who')}.{form.ending}"
    return Response(
        content=form.make(made, reader),
        media_type=form.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


# ---------------------------------------------------------------- what is behind a line


def show_line(asking: Asking) -> Values:
    """One line, and the events of the chain that it sums up."""
    published, computed, reader = _read(asking)
    lines = {str(number): line for number, line in numbered_lines(computed.account, reader.unit)}
    line = lines.get(asking.path("line"))
    if line is None:
        raise NotFound(f"there is no such line in {published.period}", field="line")
    place = _places(computed.account, reader.unit)[int(asking.path("line"))]
    found = events_here(asking.instance, computed, place)
    with asking.instance.database.reading() as tx:
        rows = [_event(tx, asking, reader, each) for each in found]
    account = computed.account
    return {
        "title": f"{published.period} · {asking.path('line')}",
        "line": line,
        "service": service_text(line, account, reader),
        "amount": money_text(line["amount"], account, thousands=","),
        "currency": account["terms"]["currency"],
        "price": None if line["price"] is None else money_text(line["price"]["internal"], account),
        "names": reader.names,
        "back": _LINK.format(published.period, asking.path("who")),
        "rows": rows,
    }


def _event(tx: Connection, asking: Asking, reader: Reader, entry: Entry) -> Values:
    """An event, with the pages that this reader may open."""
    unit = asking.caller.readable_unit
    row = operations.find_operation(tx, entry.digest, unit=unit)
    cycle = directory.find_cycle(tx, entry.about, unit=unit)
    return {
        "what": title_of(ACTS[entry.kind]),
        "unit": reader.name(entry.unit),
        "at": entry.time,
        "block": entry.block,
        "digest": to_hex(entry.digest),
        "link": "" if row is None else f"/operations/{to_hex(entry.digest)}",
        "about": "" if cycle is None else f"/cycles/{cycle.id.hex()}",
    }


# ---------------------------------------------------------------- publishing


def show_publish(asking: Asking) -> Values:
    """Which month: at first the newest that is over."""
    last = period_at(int(asking.instance.clock().timestamp()), 0).plus(-1)
    return {"period": asking.filled.get("period") or str(last), "form": None}


def do_publish(asking: Asking) -> Values | Response:
    """The account as it would be published; and once its hash was seen, the publication."""
    # loads the library of the chain, which no other page needs
    from ledger.steps.starting.chains import reading_chain  # noqa: PLC0415

    asking.caller.require_scope(Scope.AUTHORITY)
    period = parse_period(asking.filled.get("period"))
    with reading_chain(asking.instance) as node:
        computed = compute_here(asking.instance, node, period)
    if asking.filled.get("account") != computed.hash.hex():
        with asking.instance.database.reading() as tx:
            reader = _reader(asking, tx, computed)
        return {
            **show_publish(asking),
            **_shown(computed, reader),
            "title": N_("Publish an account"),
        }
    closing = computed.closing
    values = {
        "period": str(period),
        "account": computed.hash.hex(),
        "indicators": sha256(canonical(computed.indicators)).hex(),
        "closing_block": closing.block,
        "closing_hash": closing.hash.hex(),
        "closing_time": datetime.fromtimestamp(closing.time, UTC).isoformat(),
        "key": asking.filled.get("key"),
        "next": _LINK.format(period, _GROUP),
    }
    asking.filled = Filled(values.items())
    return record(asking, ACTS["Publication"])


SCREENS = (
    Screen(
        path="/statements",
        template="statements.html",
        title=N_("Statements"),
        show=show_statements,
        menu=N_("Offices"),
        scopes=READS,
    ),
    Screen(
        path="/statements/publish",
        template="publish.html",
        title=N_("Publish an account"),
        show=show_publish,
        do=do_publish,
        scopes=frozenset({Scope.AUTHORITY}),
    ),
    Screen(
        path="/statements/{period}/{who}",
        template="statement.html",
        title=N_("Statement"),
        show=show_statement,
        do=do_contest,
        scopes=READS,
    ),
    Screen(
        path="/statements/{period}/{who}/lines/{line}",
        template="statement_line.html",
        title=N_("Line of a statement"),
        show=show_line,
        scopes=READS,
    ),
    Screen(
        path="/statements/{period}/{who}/files/{form}",
        template="problem.html",
        title=N_("Statement"),
        show=take_form,
        scopes=READS,
    ),
)

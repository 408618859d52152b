"""Accepted records → what waits for a unit's answer, by deadline: nothing is decided here.

An answer is a comment, an answer to a recall or to a statement, or a payment's other half; once it
is recorded, it waits no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from ledger.domain.acts.custody import TakeOutcome
from ledger.domain.acts.payment import PaymentSide
from ledger.domain.acts.recall_order import RecallStage
from ledger.domain.acts.take_over import COUNTS
from ledger.domain.acts.vocabulary import integer, word
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.callers import Caller
from ledger.domain.custody.fold import fold, ordered
from ledger.domain.custody.lines import Deed, rows_of
from ledger.domain.custody.reading import readable
from ledger.domain.duties.terms import Terms
from ledger.domain.encoding.identifiers import ConsignmentId, Digest, parse_hex32, to_hex
from ledger.domain.outbox.operation_states import GIVEN_UP
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.domain.subjects.states import ConsignmentState
from ledger.steps.accepting.reading_back import read_facts, read_operation
from ledger.steps.accepting.resolving import parties_of
from ledger.steps.accepting.standing import Accepted
from ledger.steps.answering.incidents import list_incidents
from ledger.steps.answering.packages import reader_of
from ledger.steps.answering.published_terms import terms_now
from ledger.steps.instance import Instance
from ledger.steps.settling.published import (
    Published,
    compute_published,
    list_published,
    open_contests,
    said_since,
)
from ledger.storage import directory, index, operations, packages

#: how far back it is looked at once, in operations of a kind
MOST_LOOKED = 300
_DAY = 86400
_WRONG = frozenset({Deed.WET, Deed.DAMAGED, Deed.MISSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that waits for a unit."""

    #: notice, recall, difference, report, statement, contest, payment, incident, findings, request
    kind: str
    #: 0x and digits: what an answer is about
    about: str
    #: who said it; 0: the authority
    unit: int
    #: Unix seconds
    since: int
    #: until when an answer is wanted, Unix seconds; None: no rule says
    due: int | None = None
    #: what there is to know of it, by name
    told: Mapping[str, str | int]


@dataclass(slots=True, kw_only=True)
class Look:
    """How far back it was looked, kind by kind, so that it goes on from there."""

    #: sequence numbers by kind: what is before them was not looked at; None: nothing was
    before: Mapping[str, int] | None = None
    #: the same for what this look left out; kinds that it saw to their end are not in it
    older: dict[str, int] = field(default_factory=dict)

    def starts(self, kind: str) -> int | None:
        """Before which operation of a kind it looks; None: from the newest."""
        return None if self.before is None else self.before.get(kind)

    def is_over(self, kind: str) -> bool:
        """Whether all of a kind was looked at already."""
        return self.before is not None and kind not in self.before


def list_waiting(
    instance: Instance, tx: Connection, caller: Caller, look: Look | None = None
) -> list[Waiting]:
    """What waits for the caller's unit, the nearest deadline first; `look` says how far back."""
    look = look or Look()
    unit = caller.unit
    _ = caller.readable_unit
    if unit is None:
        return []
    terms = terms_now(tx, instance.clock())
    found = [
        *_notices(tx, unit, terms, look),
        *_differences(tx, unit, terms, look),
        *_reports(tx, caller, unit, terms, look),
        *(_statements(instance, tx, unit, terms) if look.before is None else ()),
        *_incidents(tx, caller, unit, look),
        *_requests(tx, unit, look),
    ]
    standing = [each for each in found if not _is_replaced(tx, each)]
    return sorted(standing, key=lambda each: (each.due is None, each.due or 0, each.since))


def _rows(tx: Connection, kind: str, look: Look) -> Iterator[operations.OperationRow]:
    if look.is_over(kind):
        return
    before = look.starts(kind)
    rows = operations.list_latest_operations(tx, kind=kind, before=before, limit=MOST_LOOKED)
    if len(rows) == MOST_LOOKED:
        look.older[kind] = rows[-1].sequence
    for row in rows:
        if row.state not in GIVEN_UP:
            yield row


def _is_replaced(tx: Connection, each: Waiting) -> bool:
    return bool(operations.list_replacing(tx, Digest(parse_hex32(each.about, field="about"))))


def _said(tx: Connection, about: bytes, unit: int, kind: str = "Comment") -> bool:
    """Whether a unit said something to it that stands."""
    rows = operations.list_by_subject(tx, about, standing=True)
    return any(row.kind == kind and row.unit == unit for row in rows)


def _seconds(terms: Terms, name: str) -> int:
    return int(terms.duration(name).total_seconds())


# ---------------------------------------------------------------- recalls


def _notices(tx: Connection, unit: int, terms: Terms, look: Look) -> Iterator[Waiting]:
    """A notice that nobody opened yet, and one whose search nobody reported."""
    for row in _rows(tx, "RecallNotice", look):
        facts = read_facts(tx, row)
        order = word(read_operation(row).message, "content")
        if (
            int(str(facts["to"])) != unit
            or _said(tx, order, unit, "RecallAnswer")
            or _has_ended(tx, order)
        ):
            continue
        told: dict[str, str | int] = {"asked": len(list(rows_of(facts))), "order": to_hex(order)}
        is_open = facts["reached_by"] != "sent" or _said(tx, row.digest, unit)
        yield Waiting(
            kind="recall" if is_open else "notice",
            about=to_hex(row.digest),
            unit=row.unit,
            since=row.signed_at,
            due=row.signed_at + _seconds(terms, "search_report" if is_open else "notice_opened"),
            told=told,
        )


def _has_ended(tx: Connection, order: bytes) -> bool:
    ends = operations.list_replacing(tx, order)
    return any(packed_numbers(read_operation(e).message)[3] == RecallStage.ENDED for e in ends)


# ---------------------------------------------------------------- what differs


def _differences(tx: Connection, unit: int, terms: Terms, look: Look) -> Iterator[Waiting]:
    """Receipts and reservations of others that differ from what was sent, while we had a part."""
    for row in _rows(tx, "TakeOver", look):
        message = read_operation(row).message
        state = None
        if row.unit != unit:
            state = Accepted(tx).find(ConsignmentState, ConsignmentId(row.subject))
        if state is None:
            continue
        counts = {name: integer(message, name) for name in COUNTS}
        keeps = TakeOutcome(integer(message, "outcome")) is not TakeOutcome.CARRIED
        told: dict[str, str | int] = {name: counts[name] for name in ("refused", "extra")}
        told["missing"] = state.packages - sum(counts.values()) + counts["extra"] if keeps else 0
        told = {name: count for name, count in told.items() if count}
        seals = read_facts(tx, row).get("seals")
        if seals not in {None, "intact"}:
            told["seals"] = str(seals)
        steps = map(read_operation, operations.list_messages(tx, [row.subject]))
        if told and unit in parties_of(state, steps) and not _said(tx, row.digest, unit):
            told["id"] = state.id.hex()
            named = directory.find_consignment(tx, state.id)
            told["consignment"] = state.id.hex() if named is None else f"{named.unit}/{named.slip}"
            yield Waiting(
                kind="difference",
                about=to_hex(row.digest),
                unit=row.unit,
                since=row.signed_at,
                due=row.signed_at + _seconds(terms, "differences_told"),
                told=told,
            )


def _reports(
    tx: Connection, caller: Caller, unit: int, terms: Terms, look: Look
) -> Iterator[Waiting]:
    """What others report wet, damaged or missing of packages whose trace we read."""
    reader = reader_of(tx, caller)
    rows = {row.digest: row for row in _rows(tx, "ScanReport", look) if row.unit != unit}
    for line in packages.list_lines_by_digests(tx, rows):
        if line.deed not in _WRONG or _said(tx, line.digest, unit):
            continue
        lines = packages.list_lines(tx, line.package)
        story = fold(line.package, lines)
        read = {(r.digest, r.line) for _, r in readable(reader, story, ordered(lines))}
        had = any(each.unit == unit and each.since <= line.signed_at for each in story.holdings)
        if had and (line.digest, line.line) in read:
            yield Waiting(
                kind="report",
                about=to_hex(line.digest),
                unit=line.unit,
                since=line.signed_at,
                due=line.signed_at + _seconds(terms, "differences_told"),
                told={"package": line.package, "deed": line.deed.value},
            )


# ---------------------------------------------------------------- statements


def _statements(instance: Instance, tx: Connection, unit: int, terms: Terms) -> Iterator[Waiting]:
    """A statement that nobody answered, contests of lines that are ours too, payments to us."""
    settlement = terms.document["prices"].get("settlement", {})
    for each in list_published(tx):
        said = said_since(tx, each)
        mined = index.get(tx, IndexedOperation, each.publication)
        about, told = to_hex(each.publication), {"period": str(each.period)}
        if not any(answer["unit"] == unit for answer in said["answers"]):
            days = settlement.get("contest_days")
            due = None if days is None else mined.timestamp + days * _DAY
            yield Waiting(
                kind="statement", about=about, unit=0, since=mined.timestamp, due=due, told=told
            )
        if any(answer["contested"] for answer in said["answers"]):
            yield from _contests(instance, tx, unit, each, mined.timestamp)
        received = {row["about"] for row in said["payments"]}
        for row in said["payments"]:
            to_us = row["side"] == PaymentSide.PAID and row["other"] == unit
            if to_us and row["event"] not in received:
                yield Waiting(
                    kind="payment",
                    about=row["event"],
                    unit=row["unit"],
                    since=mined.timestamp,
                    told={**told, "amount": row["amount"]},
                )


def _contests(
    instance: Instance, tx: Connection, unit: int, published: Published, since: int
) -> Iterator[Waiting]:
    account = compute_published(instance, tx, published).account
    lines: dict[str, list[int]] = {}
    units: dict[str, int] = {}
    for place, answer in open_contests(account, said_since(tx, published)):
        sides = {account["lines"][place]["provider"], account["lines"][place]["consumer"]}
        if unit in sides and answer["unit"] != unit:
            # by the number that the line has on the statement of whoever contests it
            own = next(each["lines"] for each in account["units"] if each["unit"] == answer["unit"])
            lines.setdefault(answer["event"], []).append(own.index(place) + 1)
            units[answer["event"]] = answer["unit"]
    for event, numbers in lines.items():
        told: dict[str, str | int] = {
            "period": str(published.period),
            "lines": ", ".join(map(str, numbers)),
        }
        yield Waiting(kind="contest", about=event, unit=units[event], since=since, told=told)


# ---------------------------------------------------------------- incidents and requests


def _incidents(tx: Connection, caller: Caller, unit: int, look: Look) -> Iterator[Waiting]:
    if look.is_over("Incident"):
        return
    views, older = list_incidents(tx, caller, before=look.starts("Incident"))
    if older is not None:
        look.older["Incident"] = older
    for each in views:
        if each.is_withdrawn or each.published is not None:
            continue
        told: dict[str, str | int] = {
            "what": str(each.told.facts["what"]),
            "subject": str(each.told.facts["subject"]),
            "incident": each.told.digest,
        }
        heard = each.heard
        asked = each.told if heard is None else heard
        has_said = any(s.unit == unit and s.signed_at >= asked.signed_at for s in each.said)
        if has_said or (heard is None and each.told.unit == unit):
            continue
        until = None
        if heard is not None:
            until = int(datetime.fromisoformat(str(heard.facts["hearing_until"])).timestamp())
        yield Waiting(
            kind="incident" if heard is None else "findings",
            about=asked.digest,
            unit=asked.unit,
            since=asked.signed_at,
            due=until,
            told=told,
        )


def _requests(tx: Connection, unit: int, look: Look) -> Iterator[Waiting]:
    rows = [(row, read_facts(tx, row)) for row in _rows(tx, "Request", look)]
    # an answer is newer than what it answers
    newer: list[operations.OperationRow] = []
    if look.before is not None:
        newer = operations.list_latest_operations(tx, kind="Request", limit=None)
    answers = (read_facts(tx, row) for row in newer if row.state not in GIVEN_UP)
    told = (*answers, *(facts for _, facts in rows))
    answered = {str(facts["answers"]).removeprefix("0x") for facts in told if facts["answers"]}
    for row, facts in rows:
        if (
            int(str(facts["to"])) == unit
            and not facts["answers"]
            and row.digest.hex() not in answered
        ):
            wanted = facts["wanted_by"]
            due = None if wanted is None else datetime.fromisoformat(str(wanted)).timestamp()
            yield Waiting(
                kind="request",
                about=to_hex(row.digest),
                unit=row.unit,
                since=row.signed_at,
                due=None if due is None else int(due),
                told={"what": str(facts["what"]), "text": str(facts["text"])},
            )

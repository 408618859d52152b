"""What was published, and what was said about it since: a published account never changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ledger.domain.acts import payment, publication, resolution, statement_answer
from ledger.domain.acts.statement_answer import LINES
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.witnessing import packed_numbers
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, to_hex
from ledger.domain.errors import NotFound
from ledger.domain.statement.account import Closing
from ledger.domain.statement.periods import Period, parse_word
from ledger.domain.subjects.states import WitnessState, Word32
from ledger.steps.accepting.reading_back import read_facts
from ledger.steps.instance import Instance
from ledger.steps.settling.computing import Computed, compute_in, kept_terms
from ledger.storage import index, operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The account of a month as it was published."""

    period: Period
    publication: Digest
    #: SHA-256 of the account's canonical bytes
    account: bytes


def list_published(tx: Connection) -> list[Published]:
    """The publication that counts of each month, oldest month first."""
    found: dict[Period, Published] = {}
    for state in _standing(tx, publication.ACT):
        period = parse_word(state.about)
        if period is not None and period not in found:
            found[period] = Published(
                period=period, publication=state.digest, account=state.content
            )
    return [found[period] for period in sorted(found)]


def get_published(tx: Connection, period: Period) -> Published:
    """The publication of a month; raises NotFound."""
    for each in list_published(tx):
        if each.period == period:
            return each
    raise NotFound(
        f"the account of {period} is not published",
        field="period",
        remedy="have the authority publish it: steriledger statement publish",
    )


def compute_published(instance: Instance, tx: Connection, published: Published) -> Computed:
    """The account again, up to the block that its publication names; raises NotFound."""
    closing = _closing(tx, published.publication)

    def compute() -> Computed:
        return compute_in(instance, tx, published.period, closing, kept_terms(tx))

    # an index that another chain was read into has other events below that block
    last = index.find_last_operation(tx, below=closing.block)
    place = () if last is None else (last.digest.hex(), last.height, last.position, last.timestamp)
    return instance.recent(f"account {published.publication.hex()} {place}", compute)


def _closing(tx: Connection, digest: Digest) -> Closing:
    row = operations.find_operation(tx, digest)
    facts = {} if row is None else read_facts(tx, row)
    block, hash_, time = (facts.get(f"closing_{n}") for n in ("block", "hash", "time"))
    if not (isinstance(block, int) and isinstance(hash_, str) and isinstance(time, str)):
        raise NotFound(
            "this home does not hold the record of the publication",
            field="period",
            remedy="compute the account from the chain: steriledger statement recompute",
        )
    moment = int(datetime.fromisoformat(time).timestamp())
    return Closing(block=block, hash=bytes.fromhex(hash_), time=moment)


def said_since(tx: Connection, published: Published) -> dict[str, list[dict[str, Any]]]:
    """Answers, what became of contests, and payments, as they stand on the chain now."""
    digest = Word32(published.publication)
    answers = [s for s in _standing(tx, statement_answer.ACT) if s.about == digest]
    contests = {Word32(each.digest) for each in answers}
    payments = [each for each in _standing(tx, payment.ACT) if each.about == digest]
    paid = {Word32(each.digest) for each in payments}
    return {
        "answers": [
            {
                "event": to_hex(each.digest),
                "unit": each.unit,
                "contested": list(LINES.read(each.content)),
            }
            for each in answers
        ],
        "resolutions": [
            _numbers(each, ("outcome", "amount"))
            for each in _standing(tx, resolution.ACT)
            if each.about in contests
        ],
        "payments": [_numbers(each, ("side", "other", "amount")) for each in payments]
        + [
            _numbers(each, ("side", "other", "amount"))
            for each in _standing(tx, payment.ACT)
            if each.about in paid
        ],
    }


def open_contests(
    account: Mapping[str, Any], said: Mapping[str, list[dict[str, Any]]]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The place in the account of each contested line, and the answer, while nothing became of it.

    Only a side of the line says what became of it.
    """
    lines = {each["unit"]: each["lines"] for each in account["units"]}
    for answer in said["answers"]:
        told = {each["unit"] for each in said["resolutions"] if each["about"] == answer["event"]}
        own = lines.get(answer["unit"], [])
        for number in answer["contested"]:
            if number <= len(own):
                line = account["lines"][own[number - 1]]
                if told.isdisjoint({line["provider"], line["consumer"]}):
                    yield own[number - 1], answer


def _numbers(state: WitnessState, names: tuple[str, ...]) -> dict[str, Any]:
    numbers = packed_numbers({"content": state.content})
    return {
        "event": to_hex(state.digest),
        "about": to_hex(state.about),
        "unit": state.unit,
        **dict(zip(names, numbers, strict=False)),
    }


def _standing(tx: Connection, act: Act) -> list[WitnessState]:
    """The statements of a kind that nothing replaced, in the chain's order."""
    kind = 0 if act.witness is None else act.witness.kind
    rows = index.list_rows(tx, WitnessState, kind=kind, replaced_by=ZERO_DIGEST)
    places = {row.digest: index.place_of(tx, row.digest) for row in rows}
    return sorted(rows, key=lambda row: places[row.digest])

"""An account from this home's index, from the chain alone, published and answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.node import Node
from ledger.domain.chain.chain_reader import BlockTag
from ledger.domain.encoding.canonical import canonical
from ledger.domain.encoding.events import Log
from ledger.domain.encoding.hashing import sha256
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.errors import (
    ChainUnavailable,
    Inconsistent,
    InvalidInput,
    NotFound,
    Refused,
    VerificationFailed,
)
from ledger.steps.following.rebuild import rebuild
from ledger.steps.settling import reading
from ledger.steps.settling.computing import compute
from ledger.steps.settling.published import compute_published, get_published, said_since
from ledger.steps.settling.reading import entries_of_index, find_closing
from ledger.steps.settling.recomputing import compare, published_on, recompute
from ledger.storage.index import IndexedOperation, find_last_operation, remove
from tests.steps.november_group import DECEMBER, NOVEMBER, Group, november_group


@pytest.fixture
def group(tmp_path: Path, database_address: str) -> Iterator[Group]:
    with november_group(tmp_path / "home", database_address) as made:
        yield made


def unit(account: Any, number: int) -> Any:
    return next(each for each in account["units"] if each["unit"] == number)


def test_the_index_and_the_chain_alone_make_the_same_bytes_also_after_a_rebuild(
    group: Group,
) -> None:
    computed = group.compute()
    assert unit(computed.account, 3)["net"] == -round((90 + 91) * 5_000 / 60)
    assert sum(each["net"] for each in computed.account["units"]) == 0
    assert [line["group"] for line in computed.account["lines"]].count("transport") == 1
    assert group.recompute().data == computed.data
    group.clock.advance(minutes=11)
    rebuild(group.hospital.instance, group.node)
    group.hospital.follow()
    assert group.compute().data == computed.data


def test_what_records_say_stands_among_the_indicators_with_their_commitments(group: Group) -> None:
    rows = group.compute().indicators["indicators"]
    (row,) = [each for each in rows if each["name"] == "availability"]
    assert (row["of"], row["numerator"], row["denominator"]) == ("unit 2", 43_140, 43_200)
    assert (row["reader"], row["entered_by"], len(row["sources"])) == ("Outage", "unit 2", 1)
    # a chain alone holds no record
    names = {each["name"] for each in group.recompute().indicators["indicators"]}
    assert "availability" not in names


def test_a_month_that_is_not_over_has_no_account(group: Group) -> None:
    with pytest.raises(Refused, match="2026-12 is not closed"):
        group.compute(DECEMBER)
    with pytest.raises(Refused, match="2026-12 is not closed"):
        group.recompute(DECEMBER)
    # what a chain may still replace closes no month
    with pytest.raises(Refused, match="2026-11 is not closed"):
        recompute(group.node, group.deployment, group.documents, NOVEMBER, finality="depth:9")


class Misdelivering:
    """A node that gives the events of a range in another way."""

    def __init__(self, node: Node, deliver: Callable[[list[Log]], list[Log]]) -> None:
        self._node, self._deliver = node, deliver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def logs(self, addresses: Sequence[bytes], first: int, last: int) -> list[Log]:
        return self._deliver(self._node.logs(addresses, first, last))


class Forgetful:
    """A node that keeps the state of its newest block alone."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def call(self, to: bytes, data: bytes, tag: BlockTag = "latest") -> bytes:
        newest = self._node.block("latest")
        if newest is None or tag not in {"latest", newest.number}:
            raise ChainUnavailable(f"there is no state of block {tag}")
        return self._node.call(to, data, tag)


def test_however_events_are_delivered_the_bytes_are_the_same_or_it_is_refused(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, documents = group.deployment, group.documents
    whole = group.recompute().data

    def again(deliver: Callable[[list[Log]], list[Log]]) -> bytes:
        node = Misdelivering(group.node, deliver)
        return recompute(node, deployment, documents, NOVEMBER, finality="instant").data

    monkeypatch.setattr(reading, "RANGE", 1)
    assert again(list) == whole
    for deliver in (lambda logs: logs[::-1], lambda logs: [*logs, *logs[-1:]]):
        with pytest.raises(ChainUnavailable, match="contradicts itself"):
            again(deliver)
    with pytest.raises(Inconsistent):
        again(lambda logs: logs[:-1])


def test_what_was_published_is_found_on_the_chain_and_stays_as_it_was(group: Group) -> None:
    computed = group.compute()
    assert published_on(group.node, group.deployment, NOVEMBER) is None
    publication = group.publish(computed)
    assert published_on(group.node, group.deployment, NOVEMBER) == computed.hash
    acknowledged = group.say(
        "StatementAnswer", unit=2, publication=publication.hex(), replaces=None
    )
    lines = [1]
    contested = group.say(
        "StatementAnswer", unit=3, publication=publication.hex(), lines=lines, replaces=None,
    )  # fmt: skip
    paid = group.say(
        "Payment", unit=2, publication=publication.hex(), side="paid", other=1, amount=5_083
    )
    group.say("Payment", unit=1, publication=paid.hex(), side="received", other=2, amount=5_083)
    instance = group.hospital.instance
    with instance.database.reading() as tx:
        published = get_published(tx, NOVEMBER)
        again = compute_published(instance, tx, published)
        said = said_since(tx, published)
    assert again.data == computed.data
    assert [(each["unit"], each["contested"]) for each in said["answers"]] == [(2, []), (3, lines)]
    assert [each["event"] for each in said["answers"]] == [
        to_hex(acknowledged), to_hex(contested),
    ]  # fmt: skip
    assert [each["amount"] for each in said["payments"]] == [5_083, 5_083]
    group.clock.advance(days=30)
    group.say("Service", unit=1, consumer=2, kind=20, quantity=1)
    december = group.compute(DECEMBER)
    assert group.recompute(DECEMBER).data == december.data
    assert unit(december.account, 2)["paid"] == 5_083
    (contest,) = december.account["contests"]
    assert (contest["unit"], contest["open_lines"]) == (3, lines)
    assert unit(december.account, 3)["disputed"] < 0
    # the correction came in December, and names November
    credit = [line for line in december.account["lines"] if line["is_adjustment"]]
    assert [(line["of"], line["amount"]) for line in credit] == [("2026-11", -7_500)]
    assert credit[0]["original"] == to_hex(publication)
    # an old account asks for no state of then, which most nodes no longer have
    forgetful, documents = Forgetful(group.node), group.documents
    november = recompute(forgetful, group.deployment, documents, NOVEMBER, finality="instant")
    assert november.data == computed.data
    given = json.loads(december.data) | {"period": "2026-13"}
    found = compare(group.node, group.deployment, documents, december, canonical(given))
    assert found is not None
    assert found.difference.path == "period"


def test_only_the_last_few_published_accounts_are_kept_and_none_of_another_index(
    group: Group,
) -> None:
    group.publish(group.compute())
    instance = group.hospital.instance
    with instance.database.reading() as tx:
        published = get_published(tx, NOVEMBER)
        first = compute_published(instance, tx, published)
        assert compute_published(instance, tx, published) is first
        for number in range(9):
            instance.recent(f"another {number}", object)
        assert len(instance._recent) < 9
        again = compute_published(instance, tx, published)
    assert again is not first
    assert again.data == first.data
    with instance.database.transaction() as tx:
        last = find_last_operation(tx, below=first.closing.block)
        assert last is not None
        remove(tx, IndexedOperation, digest=last.digest)
        assert compute_published(instance, tx, published) is not again


def test_where_a_given_account_lacks_an_event_that_event_is_named(group: Group) -> None:
    computed = group.compute()
    instance = group.hospital.instance
    documents = group.documents
    with instance.database.reading() as tx:
        entries = list(entries_of_index(tx, computed.closing.block))
    left = [each for each in entries if each.digest != group.services[2]]
    shorter = compute(left, documents, NOVEMBER, computed.closing, deployment=group.deployment)
    found = compare(group.node, group.deployment, documents, computed, shorter.data)
    assert found is not None
    assert found.difference.path.startswith("lines[")
    assert (found.missing, found.missing in found.behind) == (group.services[2], True)
    same = compare(group.node, group.deployment, documents, computed, computed.data)
    assert same is None
    pretty = json.dumps(computed.account, indent=1).encode()
    with pytest.raises(InvalidInput, match="other bytes"):
        compare(group.node, group.deployment, documents, computed, pretty)


def test_another_deployment_or_terms_that_are_not_on_the_chain_are_refused(group: Group) -> None:
    documents = group.documents
    other = replace(group.deployment, genesis_hash=b"\1" * 32)
    with pytest.raises(VerificationFailed, match="genesis"):
        recompute(group.node, other, documents, NOVEMBER, finality="instant")
    mine = replace(documents[0], document=sha256(b"other"))
    with pytest.raises(NotFound, match="were not given"):
        recompute(group.node, group.deployment, [mine], NOVEMBER, finality="instant")


def test_the_closing_block_is_the_first_at_or_after_the_month_s_end(group: Group) -> None:
    newest = group.node.block("latest")
    assert newest is not None
    closing = find_closing(group.node, NOVEMBER, 8 * 3600, newest.number)
    before = group.node.block(closing.block - 1)
    assert before is not None
    assert before.timestamp < NOVEMBER.ends(8 * 3600) <= closing.time

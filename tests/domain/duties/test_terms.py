"""Terms: one document, its schema, and which version held."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.duties import terms as module
from ledger.domain.duties.terms import (
    Terms,
    default_terms,
    parse_terms,
    published,
    require_successor,
    source_in,
    terms_at,
)
from ledger.domain.errors import Conflict, InvalidInput, SteriLedgerError

FOLDER = Path(module.__file__).parent / "data"
SCHEMA = json.loads((FOLDER / "terms.schema.json").read_text("utf-8"))
START = datetime(2026, 11, 1, tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((FOLDER / "terms.json").read_text("utf-8"))
    return {**plain, "version": 1, "holds_from": "2026-11-01T00:00:00Z", **changes}


def version(number: int, start: datetime, known: datetime | None = None) -> Terms:
    plain = document(version=number, holds_from=start.isoformat())
    terms = parse_terms(json.dumps(plain).encode())
    return terms if known is None else published(terms, known=known, operation="0x01")


def test_the_defaults_obey_the_published_schema() -> None:
    jsonschema.validate(document(), SCHEMA)
    assert default_terms().version == 0


def test_every_default_has_a_source() -> None:
    for table in ("durations", "thresholds"):
        for name, each in document()[table].items():
            assert each["source"], name
            assert default_terms().source(name) == each["source"]
            assert source_in(each, "zh") == each["source_zh"] != source_in(each, "en")
    plain = lacking("durations", "receipt", "source_zh")
    jsonschema.validate(plain, SCHEMA)
    terms = parse_terms(json.dumps(plain).encode())
    assert source_in(terms.document["durations"]["receipt"], "zh") == "group rule"


def lacking(*path: str) -> dict[str, Any]:
    plain = document()
    inner = plain
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return plain


def changed(value: Any, *path: str) -> dict[str, Any]:
    plain = document()
    inner = plain
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return plain


@pytest.mark.parametrize(
    "plain,field",
    [
        (lacking("durations", "receipt"), "durations.receipt"),
        (lacking("prices"), "terms.prices"),
        (lacking("durations", "receipt", "source"), "durations.receipt.source"),
        (changed(" ", "durations", "receipt", "source_zh"), "durations.receipt.source_zh"),
        (changed(-1, "durations", "receipt", "seconds"), "durations.receipt.seconds"),
        (changed(True, "durations", "receipt", "seconds"), "durations.receipt.seconds"),
        (changed("25:00", "opening_hours", "opens"), "opening_hours.opens"),
        (changed("24:00", "opening_hours", "opens"), "opening_hours"),
        (changed("tomorrow", "holds_from"), "holds_from"),
        (changed("2026-11-01T00:00:00", "holds_from"), "holds_from"),
        (changed({}, "durations", "tea"), "durations.tea"),
        (changed("steriledger-terms/2", "format"), "format"),
        (changed([1], "one_person_classes"), "one_person_classes[0]"),
    ],
)
def test_terms_that_lack_or_bend_something_are_refused_by_name(
    plain: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_terms(json.dumps(plain).encode())
    assert caught.value.field == field


def test_terms_that_overlap_or_go_back_are_refused() -> None:
    first = version(2, START)
    require_successor([first], version(3, START + timedelta(days=1)))
    with pytest.raises(Conflict, match="does not follow"):
        require_successor([first], version(2, START + timedelta(days=1)))
    with pytest.raises(Conflict, match="not earlier"):
        require_successor([first], version(3, START))


def test_a_version_holds_from_its_date_and_never_before_the_chain_had_it() -> None:
    early = version(1, START, known=START - timedelta(days=1))
    late = version(2, START + timedelta(days=5), known=START + timedelta(days=9))
    versions = (early, late)
    assert terms_at(versions, START - timedelta(seconds=1)).version == 0
    assert terms_at(versions, START).version == 1
    assert terms_at(versions, START + timedelta(days=9) - timedelta(seconds=1)).version == 1
    assert terms_at(versions, START + timedelta(days=9)).version == 2


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
)


@given(anything, st.sampled_from(sorted(document())))
def test_no_document_crashes_the_parser(value: Any, name: str) -> None:
    with suppress(SteriLedgerError):
        parse_terms(json.dumps(document(**{name: value})).encode())


def test_opening_hours_know_before_within_and_after() -> None:
    terms = parse_terms(json.dumps(changed(
        {"opens": "08:00", "closes": "18:00", "source": "group rule"}, "opening_hours"
    )).encode())  # fmt: skip

    def local(day: int, hour: int) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=UTC) - terms.offset

    for asked, opened in ((7, (3, 8)), (12, (3, 12)), (18, (4, 8))):
        assert terms.open_from(2, local(3, asked)) == local(*opened)

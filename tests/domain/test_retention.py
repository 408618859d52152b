from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import Act
from ledger.domain.errors import InvalidInput
from ledger.domain.records.retention import RETENTION, retention_end

CAPTURED = datetime(2024, 2, 29, 12, tzinfo=UTC)


def test_every_schema_has_a_retention_class_with_a_source() -> None:
    for act in ACTS.values():
        assert RETENTION[act.retention].source


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_nothing_is_erased_before_three_years_are_over(act: Act) -> None:
    end = retention_end(act.retention, CAPTURED)
    assert end >= CAPTURED.replace(year=2027, month=3, day=1)
    assert end - CAPTURED < timedelta(days=4 * 365)


def test_an_unknown_class_is_invalid_and_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match="sterilisation") as caught:
        retention_end("for ever", CAPTURED)
    assert caught.value.field == "retention_class"

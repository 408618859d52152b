"""Facts about when a block counts as final."""

from __future__ import annotations

import pytest

from ledger.domain.chain.finality import NOTHING, parse_finality
from ledger.domain.errors import InvalidInput


@pytest.mark.parametrize("policy", ["journal", "instant"])
def test_the_latest_block_is_final_at_once(policy: str) -> None:
    assert parse_finality(policy).height(latest=7, finalized=None) == 7


def test_a_depth_keeps_that_many_blocks_back() -> None:
    rule = parse_finality("depth:12")
    assert rule.height(latest=20, finalized=None) == 8
    assert rule.height(latest=12, finalized=None) == 0
    assert rule.height(latest=11, finalized=None) == NOTHING


def test_the_finalized_tag_is_the_nodes_word() -> None:
    rule = parse_finality("finalized")
    assert rule.height(latest=20, finalized=9) == 9
    assert rule.height(latest=20, finalized=None) == NOTHING


@pytest.mark.parametrize("policy", ["", "depth", "depth:", "depth:-1", "depth:x", "latest"])
def test_an_unknown_policy_is_refused(policy: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_finality(policy)
    assert caught.value.field == "finality"

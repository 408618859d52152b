"""What an error tells the person who reads it."""

from __future__ import annotations

import pytest

from ledger.domain import errors
from ledger.domain.errors import Conflict, InvalidInput, NotFound, Refused, SteriLedgerError

TREE = sorted(SteriLedgerError.__subclasses__(), key=lambda kind: kind.__name__)


def test_an_error_reads_as_sentences_with_field_rule_and_remedy() -> None:
    error = InvalidInput("is empty", field="serial", rule="a machine has one", remedy="enter it!")
    assert str(error) == "serial: is empty. Rule: a machine has one. What to do: enter it!"


def test_what_is_not_known_is_left_out() -> None:
    assert str(Refused("the cycle is closed")) == "the cycle is closed."


def test_a_sentence_that_ends_is_not_ended_twice() -> None:
    assert str(NotFound("who is that?", rule="A rule.")) == "who is that? Rule: A rule."


def test_an_error_keeps_its_parts() -> None:
    error = Conflict("exists", field="id", rule="once", remedy="read it")
    assert (error.what, error.field, error.rule, error.remedy) == (
        "exists",
        "id",
        "once",
        "read it",
    )


@pytest.mark.parametrize("kind", TREE)
def test_every_error_is_drawn_in_the_tree_and_lives_in_its_module(
    kind: type[SteriLedgerError],
) -> None:
    assert kind.__module__ == errors.__name__
    assert errors.__doc__ is not None
    assert f"── {kind.__name__} " in errors.__doc__

"""Both doors ask the same of every act, each in its own spelling, and hear the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, singledispatch
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from api.bodies import body_of, values_of
from ledger.cli import commands
from ledger.domain.acts import asking
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import (
    Act,
    Choice,
    ConsignmentNamed,
    CycleNamed,
    Each,
    Field,
    Flags,
    Given,
    Hash,
    Lines,
    MachineNamed,
    Measured,
    Moment,
    Named,
    NewKey,
    Numbers,
    OneOf,
    Parts,
    Profile,
    ReadingPart,
    Serial,
    SetNamed,
    Signing,
    Sort,
    Switch,
    Whole,
    Words,
    Zone,
)

EVERY_ACT = pytest.mark.parametrize("act", ACTS.values(), ids=lambda act: act.spelled)
#: options that are about the command line itself
ITS_OWN = {"prepare_to", "home", "as_json", "wait"}


@cache
def command(act: Act) -> Any:
    return commands.command_of(act, act.command.split()[-1])


def typed_names(field: Field) -> list[str]:
    """The parameters of a command in which a field is typed."""
    parts = field.of.parts if isinstance(field.of, Parts) else ()
    return [f"{field.name}_{each.name}" for each in parts] or [field.name]


# ------------------------------------------------------------------------- the same questions


@EVERY_ACT
def test_both_doors_ask_the_same_fields(act: Act) -> None:
    asked = asking.asked(act)
    assert len({each.name for each in asked}) == len(asked)
    assert set(body_of(act).model_fields) == {each.name for each in asked}
    typed = {each.name for each in command(act).params} - ITS_OWN
    assert typed == {name for each in asked for name in typed_names(each)}


@EVERY_ACT
def test_a_program_names_what_it_judged_and_a_person_need_not(act: Act) -> None:
    body = {name for name, each in body_of(act).model_fields.items() if each.is_required()}
    typed = {each.name for each in command(act).params if each.required}
    judged = {each.name for each in act.fields if each.given is Given.JUDGED}
    assert body - typed == judged
    # A token belongs to a unit; whoever is at the keyboard may act for all of them.
    assert typed - body == (set() if asking.names_its_unit(act) else {"unit"})


@EVERY_ACT
def test_a_reason_is_asked_where_the_act_always_states_it(act: Act) -> None:
    assert body_of(act).model_fields["reason"].is_required() is act.needs_reason


@EVERY_ACT
def test_every_place_that_a_rule_names_is_spelled_as_it_was_asked(act: Act) -> None:
    for each in asking.asked(act):
        for place in (each.name, each.signed_as, each.record_root):
            if place:
                assert asking.name_of(act, place) in {f.name for f in asking.asked(act)}
        assert asking.name_of(act, each.name) == each.name
        option = commands.spell(act, each.name)
        assert option == each.name.upper() if each.is_argument else option.startswith("--")


def test_a_place_within_a_field_keeps_what_is_within() -> None:
    decision = ACTS["CycleDecision"]
    assert asking.name_of(decision, "shares[0].owner") == "shares.0.owner"
    assert asking.name_of(decision, "kind") == "decision"
    assert asking.name_of(decision, "judged_ending") == "ending"
    assert asking.name_of(decision, "signedBy") == "signer"
    assert asking.name_of(decision, "token") == "token"
    assert asking.name_of(ACTS["SignerRevocation"], "signedBy") == "administrator"
    assert asking.name_of(ACTS["CycleEnding"], "machine.maximum_celsius") == "maximum_celsius"
    assert commands.spell(decision, "shares.0.owner") == "--share 1 owner"
    assert commands.spell(decision, "results.biological") == "--result biological"
    assert commands.spell(decision, "happened.zone") == "--happened-zone"
    assert commands.spell(ACTS["CycleEnding"], "reading.sha256") == "--reading"


def test_the_circumstances_are_those_of_every_record() -> None:
    schema = ACTS["CycleOpening"].record_schema
    common = {**schema.facts, **schema.personal}
    for each in asking.CIRCUMSTANCES:
        if each.name != "signed_at":
            for path, rule in each.of.rules(each.name, required=False).items():
                assert rule.text == common[path].text, path


# ------------------------------------------------------------------------- the same answers

words = st.text(st.characters(codec="ascii", min_codepoint=48, max_codepoint=122), min_size=1,
                max_size=20)  # fmt: skip
hexadecimal = st.binary(min_size=32, max_size=32).map(bytes.hex)
moments = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3))]),
)


@singledispatch
def plain(sort: Sort) -> st.SearchStrategy[Any]:
    """What a program may send as a value of that sort."""
    raise NotImplementedError(sort)


@plain.register
def _(sort: Choice | OneOf) -> st.SearchStrategy[Any]:
    return st.sampled_from(sort.words)


@plain.register
def _(sort: Flags) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(sort.words), min_size=1, max_size=len(sort.words), unique=True)


@plain.register
def _(sort: Whole) -> st.SearchStrategy[Any]:
    return st.integers(sort.low, sort.high)


@plain.register
def _(sort: Numbers) -> st.SearchStrategy[Any]:
    return st.lists(st.integers(1, sort.most), min_size=1, max_size=4)


@plain.register
def _(sort: Words) -> st.SearchStrategy[Any]:
    return words.map(lambda text: text[: sort.longest])


@plain.register
def _(
    sort: Zone
    | Profile
    | Serial
    | Signing
    | MachineNamed
    | CycleNamed
    | ConsignmentNamed
    | SetNamed,
) -> Any:
    return words


@plain.register
def _(sort: Hash) -> st.SearchStrategy[Any]:
    return hexadecimal


@plain.register
def _(sort: Switch) -> st.SearchStrategy[Any]:
    return st.booleans()


@plain.register
def _(sort: Measured) -> st.SearchStrategy[Any]:
    return st.decimals(-40, 300, places=1).map(lambda value: f"{value:f}").filter(
        lambda text: not text.startswith("-0")
    )  # fmt: skip


@plain.register
def _(sort: Moment) -> st.SearchStrategy[Any]:
    return moments.map(datetime.isoformat)


@plain.register
def _(sort: Named) -> st.SearchStrategy[Any]:
    return hexadecimal if sort.what in {"operation", "service", "hash"} else words


@plain.register
def _(sort: NewKey) -> st.SearchStrategy[Any]:
    return st.binary(min_size=20, max_size=20).map(lambda key: "0x" + key.hex())


@plain.register
def _(sort: ReadingPart) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"sha256": hexadecimal, "ordinal": st.integers(1, 99)})


@plain.register
def _(sort: Lines) -> st.SearchStrategy[Any]:
    columns = {name: plain(column) for name, column in sort.columns.items()}
    # a colon ends a column on the command line, where a unit may be named by its number
    for name, of in sort.columns.items():
        if isinstance(of, Words | SetNamed) or of == Named("unit"):
            columns[name] = columns[name].filter(lambda text: ":" not in text)
    return st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=3)


@plain.register
def _(sort: Each) -> st.SearchStrategy[Any]:
    word = st.sampled_from(sort.words)
    return st.dictionaries(st.sampled_from(sort.names), word, min_size=1)


@plain.register
def _(sort: Parts) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional={each.name: plain(each.of) for each in sort.parts})


def bodies(act: Act) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies of an act, with everything that must be said, and some of what may be."""
    fields = {each.name: plain(each.of) for each in asking.asked(act)}
    needed = {n for n, each in body_of(act).model_fields.items() if each.is_required()} | {"unit"}
    return st.fixed_dictionaries(
        {name: of for name, of in fields.items() if name in needed},
        optional={name: of for name, of in fields.items() if name not in needed},
    )


def typed(act: Act, body: dict[str, Any]) -> Iterator[str]:
    """The same as it is typed."""
    for each in asking.asked(act):
        if each.name in body and not each.is_argument:
            yield from options(act, each, body[each.name])
    yield "--"
    yield from (str(body[each.name]) for each in asking.asked(act) if each.is_argument)


def options(act: Act, field: Field, value: Any) -> Iterator[str]:
    option = commands.spell(act, field.name)
    if isinstance(field.of, Parts):
        for name, said in value.items():
            yield from (commands.spell(act, f"{field.name}.{name}"), str(said))
    elif isinstance(field.of, Switch):
        yield option if value else f"--no-{option[2:]}"
    elif isinstance(field.of, Lines):
        for line in value:
            columns = field.of.columns.items()
            # a colon ends a column, and ISO 8601 writes a time without any as well
            said = [str(line[n]).replace(":", "") if isinstance(of, Moment) else str(line[n])
                    for n, of in columns]  # fmt: skip
            yield from (option, ":".join(said))
    elif isinstance(field.of, Each | Flags | Numbers):
        said = [f"{n}={word}" for n, word in value.items()] if isinstance(value, dict) else value
        yield from (part for word in said for part in (option, str(word)))
    elif isinstance(field.of, ReadingPart):
        yield from (option, f"{value['sha256']}:{value['ordinal']}")
    else:
        yield from (option, str(value))


@EVERY_ACT
@settings(max_examples=20, phases=[Phase.generate])
@given(data=st.data())
def test_both_doors_hear_the_same(act: Act, data: st.DataObject) -> None:
    body = data.draw(bodies(act))
    sent = values_of(body_of(act).model_validate(json.loads(json.dumps(body))))
    context = command(act).make_context(act.spelled, list(typed(act, body)))
    said = commands.values_of(act, context.params)
    for values in (sent, said):
        # an empty object says nothing
        values.pop("happened", None) if not values.get("happened") else None
    assert said == sent


@EVERY_ACT
def test_what_a_person_did_not_judge_is_said_as_none(act: Act) -> None:
    for each in act.fields:
        if each.given is Given.JUDGED:
            option = commands._Option(each)
            assert option.read({each.name: commands.NONE}) is None
            assert option.is_said({each.name: commands.NONE})
            assert not option.is_said({each.name: None})


@pytest.mark.parametrize("kind", ["LoadDeclaration", "CycleDecision"])
def test_who_pays_may_be_left_out_of_a_line(kind: str) -> None:
    act = ACTS[kind]
    field = next(each for each in act.fields if isinstance(each.of, Lines) and each.option)
    (line,) = commands.read(field.of, ["EAST::1:4"], "--line", field)
    assert (line["owner"], line["payer"], line["package_class"]) == ("EAST", None, 1)

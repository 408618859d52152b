"""Profiles are data: complete, named, and honest about what is unconfirmed."""

import json
from decimal import Decimal
from importlib import resources

import pytest

from ledger.domain.errors import Conflict, InvalidInput
from ledger.domain.machines.profiles import (
    HoldProfile,
    Profile,
    SelfTestProfile,
    WasherProfile,
    added_to,
    default_profiles,
    get_profile,
    parse_profiles,
    self_test_named,
)

TEXT = resources.files("ledger.domain.machines.data").joinpath("profiles.json").read_text("utf-8")


@pytest.mark.parametrize(
    "name,low,high,hold",
    [
        ("en-285-134", 134, 137, 180),
        ("en-285-126", 126, 129, 600),
        ("en-285-121", 121, 124, 900),
        ("ws-310.2-134", 134, 137, 240),
        ("ws-310.2-132", 132, 135, 240),
        ("ws-310.2-121-instruments", 121, 124, 1200),
        ("ws-310.2-121-dressings", 121, 124, 1800),
        ("dac-universal-134", 134, 137, 180),
    ],
)
def test_steam_profiles_hold_the_known_values(name: str, low: int, high: int, hold: int) -> None:
    profile = get_profile(name)
    assert isinstance(profile, HoldProfile)
    assert profile.band_low_celsius == low
    assert profile.band_high_celsius == high
    assert profile.hold_required_seconds == hold
    assert profile.source


@pytest.mark.parametrize("a0", [60, 600, 3000])
def test_washer_profiles_hold_the_known_values(a0: int) -> None:
    profile = get_profile(f"washer-a0-{a0}")
    assert isinstance(profile, WasherProfile)
    assert profile.a0_required_seconds == a0
    assert profile.a0_counted_from_celsius == 65


def test_what_was_not_read_in_the_standard_is_flagged() -> None:
    for profile in default_profiles():
        if isinstance(profile, SelfTestProfile):
            continue
        assert "max_sample_interval_seconds" in profile.unconfirmed
        if isinstance(profile, HoldProfile) and profile.equilibration_max_seconds is not None:
            assert "equilibration_max_seconds" in profile.unconfirmed


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as caught:
        get_profile("en-286")
    assert caught.value.field == "profile"
    assert caught.value.rule is not None
    assert all(each.name in caught.value.rule for each in default_profiles())


def test_a_group_brings_its_own_profiles() -> None:
    document = json.loads(TEXT)
    entry = document["profiles"][0] | {"name": "own", "hold_required_seconds": "210.5"}
    own = parse_profiles(json.dumps({"version": "1", "profiles": [entry]}))
    profile = get_profile("own", profiles=own)
    assert isinstance(profile, HoldProfile)
    assert profile.hold_required_seconds == Decimal("210.5")


@pytest.mark.parametrize(
    "change,field",
    [
        ({"hold_required_seconds": 180}, "hold_required_seconds"),
        ({"hold_required_seconds": "-1"}, "hold_required_seconds"),
        ({"hold_required_seconds": "NaN"}, "hold_required_seconds"),
        ({"hold_required_seconds": None}, "hold_required_seconds"),
        ({"band_high_celsius": "120"}, "band_high_celsius"),
        ({"kind": "oven"}, "kind"),
        ({"extra": "1"}, "profile"),
        ({"source": " "}, "source"),
        ({"unconfirmed": ["nothing"]}, "unconfirmed"),
        ({"unconfirmed": "all"}, "unconfirmed"),
    ],
)
def test_a_malformed_profile_is_refused(change: dict[str, object], field: str) -> None:
    entry = json.loads(TEXT)["profiles"][0] | change
    with pytest.raises(InvalidInput) as caught:
        parse_profiles(json.dumps({"profiles": [entry]}))
    assert caught.value.field == field


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"profiles": {}}', "[" * 100_000])
def test_a_malformed_document_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_profiles(text)
    assert caught.value.field == "document"


# ------------------------------------------------------------------ added, named, hashed


def own(**changes: object) -> Profile:
    entry = json.loads(TEXT)["profiles"][0] | {"name": "own"} | changes
    (profile,) = parse_profiles(json.dumps({"profiles": [entry]}))
    return profile


def test_a_profile_s_hash_changes_with_any_of_its_values() -> None:
    assert own().sha256 == own().sha256
    assert own().sha256 != own(hold_required_seconds="181").sha256
    assert own().sha256 != own(source="our own validation").sha256


def test_a_known_name_keeps_its_meaning() -> None:
    known = added_to(default_profiles(), [own()])
    assert added_to(known, [own()]) == known
    with pytest.raises(Conflict) as caught:
        added_to(known, [own(hold_required_seconds="181")])
    assert caught.value.field == "name"
    with pytest.raises(Conflict):
        added_to(default_profiles(), [own(name="en-285-134", title="softer")])


@pytest.mark.parametrize(
    "programme,name",
    [("5: Bowie Dick Test", "bowie-dick"), ("Vakuumtest", "leak-test"), ("LEAK RATE", "leak-test"),
     ("B&D", "bowie-dick"), ("真空测试", "leak-test"), ("1: Instrumente", None), (None, None)],
)  # fmt: skip
def test_a_self_test_is_known_by_its_programme_s_name(
    programme: str | None, name: str | None
) -> None:
    found = self_test_named(programme, default_profiles())
    assert (None if found is None else found.name) == name


@pytest.mark.parametrize("name", ["Own", "own profile", "", "x" * 81, "../x"])
def test_a_name_that_no_command_line_takes_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        own(name=name)
    assert caught.value.field == "name"

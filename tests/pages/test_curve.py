"""A cycle's curve, drawn from what its reading holds today."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from api.pages.curve import drawing
from api.pages.words import Words
from ledger.domain.machines.profiles import HoldProfile, get_profile
from ledger.steps.answering.curves import Curve, curves_of
from ledger.steps.answering.showing import CycleView, show_cycle
from tests.house import CENTRE, SERIAL
from tests.pages.conftest import Site, fill

WORDS = Words("en", "UTC")


@pytest.fixture
def view(site: Site) -> CycleView:
    """A real cycle that passed."""
    fill(site)
    with site.api.house.instance.database.reading() as tx:
        return show_cycle(tx, site.api.house.caller, f"{SERIAL}/13")


@pytest.fixture
def curve(site: Site, view: CycleView) -> Curve:
    """Its curve."""
    with site.api.house.instance.database.reading() as tx:
        (found,) = curves_of(tx, bytes.fromhex(view.id), unit=CENTRE, verdict=view.computed_verdict)
    return found


def test_a_curve_has_the_profiles_band_and_the_hold_that_the_verdict_names(
    curve: Curve, view: CycleView
) -> None:
    profile = get_profile("en-285-134")
    assert isinstance(profile, HoldProfile)
    assert curve.band == (float(profile.band_low_celsius), float(profile.band_high_celsius))
    assert view.computed_verdict is not None
    assert curve.hold is not None
    assert f"{curve.hold[1] - curve.hold[0]:g}" == view.computed_verdict["hold_seconds"]
    assert curve.required_seconds == float(profile.hold_required_seconds)


def test_a_profile_that_changed_meanwhile_draws_no_band(site: Site, view: CycleView) -> None:
    verdict = {**(view.computed_verdict or {}), "profile_sha256": "00" * 32}
    with site.api.house.instance.database.reading() as tx:
        (found,) = curves_of(tx, bytes.fromhex(view.id), unit=CENTRE, verdict=verdict)
    assert (found.band, found.hold, found.profile) == (None, None, None)


def test_a_drawing_is_whole_names_what_it_shows_and_holds_every_value(curve: Curve) -> None:
    text = str(drawing(curve, WORDS))
    root = ET.fromstring(text)  # noqa: S314 - we drew it
    assert "proven hold 182 s, required 180 s" in root.attrib["aria-label"]
    lines = [each for each in root if each.attrib.get("class", "").startswith("probe probe-0")]
    points = next(each.attrib["points"] for each in lines if "points" in each.attrib).split()
    assert len(points) == len(curve.series[0])
    across = [float(point.split(",")[0]) for point in points]
    assert across == sorted(across)
    numbers = [float(each) for each in re.findall(r'[ "](-?\d+\.\d)[",]', text)]
    assert all(0 <= each <= 720 for each in numbers)
    assert "style=" not in text
    assert "held 182 s" in text


def test_what_a_machine_calls_its_probe_is_text(curve: Curve) -> None:
    hostile = replace(curve, probes=("<script>alert(1)</script>",))
    assert "<script>" not in str(drawing(hostile, WORDS))

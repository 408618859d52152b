"""Custody over HTTP: two units and a carrier, each with a token of their own, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.domain.acts.words import Right, UnitRole
from ledger.domain.callers import Scope
from tests.api.kit import CENTRE, MEMBER, Api

VAN = 7
BOX = "centre/4711"
LINES = [
    {"assembler": "centre", "package": "P-1"},
    {"package_class": 3, "quantity": 4, "cycle": "601362/13", "basis": "counted"},
]


@pytest.fixture
def staffed(api: Api) -> dict[int, str]:
    """A token of one worker of each unit."""
    api.house.admit(VAN, "van", UnitRole.CARRIER)
    tokens = {}
    for unit in (CENTRE, MEMBER, VAN):
        rights = Right.DISPATCH | Right.CARRY | Right.RECEIVE
        key = api.house.enrol(unit, f"Worker {unit}", rights)
        tokens[unit] = api.token(unit, Scope.CUSTODY, Scope.READ_UNIT, signer=key)
    return tokens


def dispatch(api: Api, token: str, **more: Any) -> str:
    body = {"slip": "4711", "receiver": "member", "taker": VAN, "purpose": "clean",
            "basis": "scanned", "lines": LINES, **more}  # fmt: skip
    return str(api.record("dispatch", token, **body)["digest"])


def latest(api: Api, token: str) -> str:
    return str(api.get(f"/v1/consignments/{BOX}", token).json()["latest"])


def test_a_consignment_goes_its_way_and_each_reads_what_is_theirs(
    api: Api, staffed: dict[int, str]
) -> None:
    sent = dispatch(api, staffed[CENTRE])
    api.record(
        "take-over", staffed[VAN], consignment=BOX, outcome="carried", previous=sent, trip="T-9"
    )
    api.record("take-over", staffed[MEMBER], consignment=BOX, outcome="kept", previous=None,
               rest="inferred", seals="intact")  # fmt: skip
    view = api.get(f"/v1/consignments/{BOX}", staffed[MEMBER]).json()
    assert (view["status"], view["holder"], view["slip"]) == ("received", MEMBER, "4711")
    assert view["counts"]["accepted_inferred"] == 5
    assert [line["basis"] for line in view["lines"]] == ["inferred", "inferred"]
    carriers = api.get(f"/v1/consignments/{BOX}", staffed[VAN]).json()
    assert carriers["lines"] is None
    assert "lines" not in str([list(step["entry"]["facts"]) for step in carriers["steps"]])
    for unit in (CENTRE, MEMBER, VAN):
        (line,) = api.get("/v1/consignments", staffed[unit]).json()["consignments"]
        assert line["status"] == "received"
    assert api.get("/v1/consignments?open_only=true", staffed[VAN]).json()["consignments"] == []


def test_a_program_names_the_step_that_it_saw_and_hears_when_another_came(
    api: Api, staffed: dict[int, str]
) -> None:
    sent = dispatch(api, staffed[CENTRE])
    missing = api.refused("hand-over", staffed[CENTRE], consignment=BOX, taker=MEMBER)
    assert (missing["status"], missing["field"]) == (422, "previous")
    api.record("hand-over", staffed[CENTRE], consignment=BOX, taker=MEMBER, previous=sent)
    late = api.refused(
        "take-over", staffed[MEMBER], consignment=BOX, outcome="carried", previous=sent
    )
    assert (late["status"], late["field"]) == (409, "previous")
    assert "report it" in late["remedy"]
    again = latest(api, staffed[MEMBER])
    api.record("take-over", staffed[MEMBER], consignment=BOX, outcome="carried", previous=again)


def test_a_receipt_that_does_not_fit_is_told_how_to_be_kept(
    api: Api, staffed: dict[int, str]
) -> None:
    early = api.refused(
        "take-over", staffed[MEMBER], consignment=BOX, outcome="kept", previous=None, rest="typed"
    )
    assert (early["status"], early["field"]) == (404, "consignment")
    assert "report it" in early["remedy"]
    dispatch(api, staffed[CENTRE])
    empty = api.refused(
        "take-over", staffed[MEMBER], consignment=BOX, outcome="kept", previous=None
    )
    assert (empty["status"], empty["field"]) == (422, "lines")
    wrong = api.refused(
        "take-over", staffed[MEMBER], consignment=BOX, outcome="kept", previous=None,
        basis="scanned", lines=[{"outcome": "accepted", "package": "P-1"}],
    )  # fmt: skip
    assert (wrong["status"], wrong["field"]) == (422, "lines.0.assembler")


def test_an_asset_is_registered_lent_and_shown(api: Api, staffed: dict[int, str]) -> None:
    asset = api.record(
        "asset-registration", api.administrator, name="Hip set", code="L-1", kind="loaner_set"
    )
    assert asset["kind"] == "asset-registration"
    dispatch(api, staffed[CENTRE], asset="L-1", lines=[])
    view = api.get("/v1/assets/L-1", staffed[CENTRE]).json()
    assert (view["custodian"], view["travels_in"]) == (CENTRE, "1/4711")
    api.record("take-over", staffed[MEMBER], consignment=BOX, outcome="kept", previous=None)
    (line,) = api.get("/v1/assets", staffed[MEMBER]).json()["assets"]
    assert (line["custodian"], line["owner"], line["travels_in"]) == (MEMBER, CENTRE, None)
    assert api.get("/v1/assets", staffed[VAN]).json()["assets"] == []
    assert api.get("/v1/assets/L-1", staffed[VAN]).status_code == 404

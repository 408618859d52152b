"""Printouts over HTTP: what is kept, what is recorded, and what is refused."""

from __future__ import annotations

import httpx2 as httpx
import pytest

from tests.api.kit import CENTRE, DAC_LOG, MEMBER, SERIAL, Api, Plain

CSV = (DAC_LOG.parent.parent / "csv" / "example.csv").read_bytes()
ONE_CYCLE = (DAC_LOG.parent / "DACLogOK.TXT").read_bytes()
TEXT = {"Content-Type": "text/plain"}


def upload(
    api: Api, data: bytes, query: str = "", token: str | None = None, **headers: str
) -> httpx.Response:
    return api.post(
        f"/v1/readings{query}",
        token or api.operator,
        content=data,
        headers={**TEXT, **headers},
    )


def test_a_printout_is_kept_and_its_cycles_are_recorded(api: Api) -> None:
    data = DAC_LOG.read_bytes()
    answer = upload(api, data, "?filename=DAC.Log&performer=Anna")
    assert answer.status_code == 200
    report = answer.json()
    assert (report["filename"], report["is_new"]) == ("DAC.Log", True)
    assert report["format"].startswith("dac-universal-printout-de/")
    recorded = [cycle for cycle in report["cycles"] if cycle["what"] == "recorded"]
    assert recorded
    listed = api.get("/v1/cycles", api.operator).json()["cycles"]
    assert {line["number"] for line in listed} == {cycle["number"] for cycle in recorded}
    view = api.get(f"/v1/cycles/{SERIAL}/{recorded[0]['number']}", api.operator).json()
    assert view["readings"] == [report["sha256"]]
    assert view["computed_verdict"]["profile"] == "en-285-134"
    assert view["timeline"][1]["people"] == {"performer": "Anna", "enterer": "Operator"}
    assert view["timeline"][0]["facts"]["timing"] == "after_outcome"
    assert len(recorded[0]["operations"]) == 2

    raw = api.get(f"/v1/readings/{report['sha256']}/raw", api.operator)
    assert raw.content == data
    assert raw.headers["Content-Disposition"] == "attachment; filename*=UTF-8''DAC.Log"
    kept = api.get(f"/v1/readings/{report['sha256']}", api.operator).json()
    assert (kept["bytes"], kept["unit"], kept["source"]) == (len(data), CENTRE, "uploaded")
    assert [cycle["ordinal"] for cycle in kept["cycles"]] == [
        cycle["ordinal"] for cycle in report["cycles"]
    ]
    assert [
        line["sha256"] for line in api.get("/v1/readings", api.operator).json()["readings"]
    ] == [report["sha256"]]


def test_the_same_printout_again_makes_nothing_new(api: Api) -> None:
    first = upload(api, ONE_CYCLE).json()
    with api.nothing_stored():
        again = upload(api, ONE_CYCLE).json()
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert {cycle["what"] for cycle in again["cycles"]} <= {"already recorded", "not matched"}


def test_a_printout_kept_first_ends_its_cycle_later(api: Api) -> None:
    report = upload(api, DAC_LOG.read_bytes(), "?record=false").json()
    assert {cycle["what"] for cycle in report["cycles"]} == {"kept"}
    assert api.get("/v1/cycles", api.operator).json() == {"cycles": []}
    part = next(
        cycle
        for cycle in report["cycles"]
        if cycle["serial"] == SERIAL and cycle["outcome"] == "completed"
    )
    api.open_cycle(part["number"])
    reading = {"sha256": report["sha256"], "ordinal": part["ordinal"]}
    ending: Plain = {"cycle": f"{SERIAL}/{part['number']}", "reading": reading}
    for field, value in (("outcome", "completed"), ("happened", {"text": "now"})):
        problem = api.refused("cycle-ending", api.operator, **ending, **{field: value})
        assert (problem["status"], problem["field"]) == (422, field)
    api.record("cycle-ending", api.operator, **ending, profile="en-285-134", zone="Europe/Berlin")
    view = api.get(f"/v1/cycles/{ending['cycle']}", api.operator).json()
    assert view["machine_verdict"]["outcome"] == "completed"
    assert view["computed_verdict"]["profile"] == "en-285-134"
    assert view["readings"] == [report["sha256"]]
    kept = api.get(f"/v1/readings/{report['sha256']}", api.operator).json()["cycles"]
    assert [cycle["cycle"] for cycle in kept if cycle["ordinal"] == part["ordinal"]] == [view["id"]]


def test_a_reading_ends_only_the_cycle_that_it_reports(lite: Api) -> None:
    report = upload(lite, DAC_LOG.read_bytes(), "?record=false").json()
    part = next(cycle for cycle in report["cycles"] if cycle["serial"] == SERIAL)
    other = part["number"] + 1000
    lite.open_cycle(other)
    ending: Plain = {"cycle": f"{SERIAL}/{other}"}
    reading = {"sha256": report["sha256"], "ordinal": part["ordinal"]}
    problem = lite.refused("cycle-ending", lite.operator, **ending, reading=reading)
    assert (problem["status"], problem["field"]) == (422, "reading")
    problem = lite.refused(
        "cycle-ending", lite.operator, **ending, reading={**reading, "ordinal": 9999}
    )
    assert (problem["status"], problem["field"]) == (404, "reading.ordinal")


def test_a_reading_that_names_no_machine_ends_the_cycle_that_a_person_names(lite: Api) -> None:
    silent = b"".join(
        line for line in ONE_CYCLE.splitlines(keepends=True) if not line.startswith(b"Serien Nr")
    )
    report = upload(lite, silent, "?record=false").json()
    (part,) = report["cycles"]
    assert (part["serial"], part["number"]) == (None, 13)
    lite.open_cycle(13)
    ending: Plain = {"cycle": f"{SERIAL}/13", "reading": {"sha256": report["sha256"]}}
    lite.record("cycle-ending", lite.operator, **ending)
    view = lite.get(f"/v1/cycles/{SERIAL}/13", lite.operator).json()
    assert view["readings"] == [report["sha256"]]


BAD_UPLOADS: list[tuple[bytes, str, dict[str, str], int, str]] = [
    (b"", "", {}, 422, "file"),
    (b"hello\n", "", {}, 422, "file"),
    (CSV, "?profile=best", {}, 422, "profile"),
    (CSV, "?zone=Mars/Olympus", {}, 422, "zone"),
    (CSV, "?filename=" + "x" * 201, {}, 422, "filename"),
    (CSV, "?filename=a%00b", {}, 422, "filename"),
    (CSV, "?filename=", {}, 422, "filename"),
    (CSV, "?record=perhaps", {}, 422, "record"),
    (CSV, "", {"X-Filename": "%00"}, 422, "filename"),
    (CSV, "", {"Content-Type": "application/json"}, 415, "Content-Type"),
    (CSV, "", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "Content-Type"),
    (b"x" * (1024 * 1024 + 1), "", {}, 413, "body"),
]


@pytest.mark.parametrize("data,query,headers,status,field", BAD_UPLOADS)
def test_a_bad_upload_names_its_field_and_stores_nothing(  # noqa: PLR0917 - a row's columns
    still: Api, data: bytes, query: str, headers: dict[str, str], status: int, field: str
) -> None:
    with still.nothing_stored():
        answer = upload(still, data, query, **headers)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


def test_a_printout_may_have_the_whole_mebibyte(lite: Api) -> None:
    padded = CSV + b" " * (1024 * 1024 - len(CSV))
    assert upload(lite, padded, "?record=false").status_code == 200


def test_a_file_name_comes_in_a_header_too(lite: Api) -> None:
    report = upload(lite, CSV, "?record=false", **{"X-Filename": "Ausdruck%20%C3%BC.csv"}).json()
    assert report["filename"] == "Ausdruck ü.csv"
    raw = lite.get(f"/v1/readings/{report['sha256']}/raw", lite.operator)
    assert raw.headers["Content-Disposition"].endswith("''Ausdruck%20%C3%BC.csv")


def test_a_unit_that_brings_the_same_file_learns_nothing_of_the_first(lite: Api) -> None:
    first = upload(lite, CSV, "?record=false&filename=ours.csv").json()
    theirs = f"/v1/readings/{first['sha256']}"
    assert lite.get(theirs, lite.member).status_code == 404
    second = upload(lite, CSV, "?record=false&filename=theirs.csv", token=lite.member).json()
    assert second == {**first, "filename": "theirs.csv"}
    assert second["is_new"]
    for token, unit, name in ((lite.operator, CENTRE, "ours"), (lite.member, MEMBER, "theirs")):
        kept = lite.get(theirs, token).json()
        assert (kept["unit"], kept["filename"]) == (unit, f"{name}.csv")
        lines = lite.get("/v1/readings", token).json()["readings"]
        assert [line["unit"] for line in lines] == [unit]
        assert lite.get(f"{theirs}/raw", token).content == CSV
    lines = lite.get("/v1/readings?limit=1", lite.auditor).json()["readings"]
    assert [(line["unit"], line["filename"]) for line in lines] == [
        (CENTRE, None), (MEMBER, "theirs.csv"),
    ]  # fmt: skip
    own = lite.get(theirs, lite.auditor).json()
    assert (own["unit"], own["filename"]) == (MEMBER, "theirs.csv")
    assert lite.get(f"{theirs}/raw", lite.auditor).content == CSV


def test_who_reads_everything_gets_no_printout_of_another_unit_and_no_name_of_its_file(
    lite: Api,
) -> None:
    """Whoever ran the machine may stand in either."""
    sha256 = upload(lite, CSV, "?record=false&filename=Zhang%20Wei.csv").json()["sha256"]
    one = lite.get(f"/v1/readings/{sha256}", lite.auditor).json()
    (line,) = lite.get("/v1/readings", lite.auditor).json()["readings"]
    assert (one["filename"], line["filename"]) == (None, None)
    assert one["cycles"]
    raw = lite.get(f"/v1/readings/{sha256}/raw", lite.auditor)
    assert (raw.status_code, raw.json()["detail"]) == (
        403, "only a unit itself gives its printouts out",
    )  # fmt: skip
    assert "content-disposition" not in raw.headers
    lite.open_cycle(17)
    cycle = lite.get("/v1/cycles", lite.auditor).json()["cycles"][0]["id"]
    path = f"/v1/evidence/cycle/{cycle}?readings=true"
    assert lite.get(path, lite.auditor).status_code == 403
    assert lite.get(path, lite.operator).status_code == 422  # not final: this house has no chain

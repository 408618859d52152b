"""Prepare, sign where the key is, submit: with accounts, with P-256 keys, and with held keys."""

from __future__ import annotations

import base64

import httpx2 as httpx
import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from sqlalchemy import select

from ledger.domain.acts.words import Right
from ledger.domain.callers import Scope
from ledger.domain.records.records import Record, Secrets, commit
from ledger.keys.accounts import account_address, create_account, sign_with_account
from ledger.keys.p256 import create_p256_key, p256_signer, sign_with_p256
from ledger.steps.accepting import prepare as preparing_step
from ledger.storage.directory import list_signers
from ledger.storage.drafts import drafts
from tests.api.kit import ACTING, CENTRE, MEMBER, SERIAL, Api, Plain

OPENING: Plain = {"equipment": SERIAL, "number": 17, "performer": "Anna"}


def prepare(api: Api, kind: str, token: str, **body: object) -> Plain:
    answer = api.post(f"/v1/operations/{kind}/prepare", token, json=body)
    assert answer.status_code == 200, answer.text
    made: Plain = answer.json()
    return made


def submit(api: Api, digest: str, token: str, **body: object) -> httpx.Response:
    return api.post(f"/v1/operations/{digest}/submit", token, json=body)


def enrol(api: Api, key: bytes, private: bytes, name: str, **more: object) -> Plain:
    """Enrol a key that a device made: the administrator signs here, the new key there."""
    prepared = prepare(
        api,
        "signer-enrolment",
        api.administrator,
        **{
            "name": name,
            "rights": ["open", "load", "result", "decide"],
            "custody": "device",
            "key": "0x" + key.hex(),
            **more,
        },
    )
    digest = bytes.fromhex(prepared["digest"][2:])
    sign = sign_with_account if len(key) == 20 else sign_with_p256
    answer = submit(
        api,
        prepared["digest"],
        api.administrator,
        signatures={"new_key": "0x" + sign(private, digest).hex()},
        held=["signer"],
    )
    assert answer.status_code == 200, answer.text
    receipt: Plain = answer.json()
    return receipt


def test_a_wallet_signs_the_typed_data_and_the_operation_is_accepted(api: Api) -> None:
    private = create_account()
    key = account_address(private)
    enrol(api, key, private, "Anna's phone")
    token = api.token(CENTRE, *ACTING, person="Anna")
    prepared = prepare(api, "cycle-opening", token, **OPENING, signer="Anna's phone")
    assert prepared["parties"] == [
        {
            "party": "signer",
            "signer": "0x" + key.hex(),
            "signer_id": prepared["typed_data"]["message"]["signedBy"],
            "held_here": False,
        }
    ]
    signable = encode_typed_data(full_message=prepared["typed_data"])
    signed = Account.sign_message(signable, private)
    assert signed.message_hash.hex().removeprefix("0x") == prepared["digest"][2:]
    signature = "0x" + signed.signature.hex().removeprefix("0x")
    answer = submit(api, prepared["digest"], token, signatures={"signer": signature})
    assert answer.status_code == 200
    assert answer.json()["digest"] == prepared["digest"]
    assert api.get(f"/v1/cycles/{SERIAL}/17", token).json()["number"] == 17
    with api.nothing_stored():
        again = submit(api, prepared["digest"], token, signatures={"signer": signature})
    assert again.content == answer.content


def test_a_device_recomputes_the_commitment_from_what_it_displays(lite: Api) -> None:
    prepared = prepare(lite, "cycle-opening", lite.operator, **OPENING)
    record, secrets = prepared["record"], prepared["secrets"]
    shown = Record(
        id=record["id"],
        schema=record["schema"],
        unit=record["unit"],
        facts=record["facts"],
        personal=record["personal"],
    )
    root = commit(
        shown,
        Secrets(
            facts=base64.b64decode(secrets["facts"]),
            personal=base64.b64decode(secrets["personal"]),
        ),
    ).root
    assert prepared["typed_data"]["message"]["record"] == "0x" + root.hex()
    assert record["personal"]["performer"] == "Anna"
    assert prepared["kind"] == "cycle-opening"


def test_preparing_stores_a_draft_and_nothing_else(lite: Api) -> None:
    before = lite.rows()
    prepared = prepare(lite, "cycle-opening", lite.operator, **OPENING)
    after = lite.rows()
    assert after == {**before, "drafts": before["drafts"] + 1}
    assert lite.get(f"/v1/operations/{prepared['digest']}", lite.operator).status_code == 404


def test_a_p256_key_signs_and_a_key_is_named_by_its_bytes(api: Api) -> None:
    private = create_p256_key()
    verifiers = api.house.instance.deployment().verifiers
    verifier = next(a for a, name in verifiers.items() if "P256" in name)
    key = p256_signer(private, verifier)
    enrol(api, key, private, "Station 1", custody="station")
    token = api.token(CENTRE, *ACTING, person="Station")
    prepared = prepare(api, "cycle-opening", token, **OPENING, signer="0x" + key.hex())
    signature = sign_with_p256(private, bytes.fromhex(prepared["digest"][2:]))
    answer = submit(api, prepared["digest"], token, signatures={"signer": "0x" + signature.hex()})
    assert answer.status_code == 200
    signers = api.get("/v1/signers", token).json()["signers"]
    assert {each["custody"] for each in signers if each["name"] == "Station 1"} == {"station"}


def test_a_signature_by_another_key_is_refused_and_the_draft_stays(api: Api) -> None:
    prepared = prepare(api, "cycle-opening", api.operator, **OPENING)
    digest = bytes.fromhex(prepared["digest"][2:])
    stranger = sign_with_account(create_account(), digest)
    with api.nothing_stored():
        answer = submit(
            api, prepared["digest"], api.operator, signatures={"signer": "0x" + stranger.hex()}
        )
    problem = answer.json()
    assert (problem["status"], problem["type"]) == (
        422,
        "urn:steriledger:problem:verification-failed",
    )
    held = submit(api, prepared["digest"], api.operator, held=["signer"])
    assert held.status_code == 200


@pytest.mark.parametrize(
    "body,field",
    [
        ({}, "signatures"),
        ({"held": ["new_key"]}, "held"),
        ({"held": ["somebody"]}, "held.0"),
        ({"signatures": {"signer": "0x"}}, "signatures.signer"),
        ({"signatures": {"signer": "zz"}}, "signatures.signer"),
        ({"signatures": {"king": "0x00"}}, "signatures.king.[key]"),
        ({"signatures": {"signer": "0x00"}}, "signature"),
        ({"signatures": {"signer": "0x00"}, "held": ["signer"]}, "held"),
        ({"signatures": {"signer": "0x00", "new_key": "0x00"}}, "signatures"),
        ({"signatures": ["0x00"]}, "signatures"),
        ({"extra": 1}, "extra"),
    ],
)
def test_signatures_that_do_not_fit_store_nothing(still: Api, body: Plain, field: str) -> None:
    prepared = prepare(still, "cycle-opening", still.operator, equipment=SERIAL, number=30)
    with still.nothing_stored():
        answer = submit(still, prepared["digest"], still.operator, **body)
    assert answer.status_code == 422
    assert answer.json()["field"] == field


def test_a_prepared_operation_expires(lite: Api) -> None:
    prepared = prepare(lite, "cycle-opening", lite.operator, **OPENING)
    lite.house.clock.advance(minutes=15)
    with lite.nothing_stored():
        answer = submit(lite, prepared["digest"], lite.operator, held=["signer"])
    assert answer.json()["detail"] == "the prepared operation expired"
    unknown = submit(lite, "0x" + "00" * 32, lite.operator, held=["signer"])
    assert (unknown.status_code, unknown.json()["field"]) == (404, "digest")
    assert submit(lite, "0x1234", lite.operator).status_code == 422


def preparing(api: Api, token: str, number: int) -> httpx.Response:
    body = {**OPENING, "number": number}
    return api.post("/v1/operations/cycle-opening/prepare", token, json=body)


def test_so_many_prepared_operations_of_a_token_wait_at_once(
    lite: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing_step, "MOST_OF_TOKEN", 3)
    first = [preparing(lite, lite.operator, number) for number in (20, 21, 22)]
    assert {answer.status_code for answer in first} == {200}
    with lite.nothing_stored():
        answer = preparing(lite, lite.operator, 23)
    problem = answer.json()
    assert (answer.status_code, problem["detail"]) == (
        409, "3 prepared operations of your token wait for their signatures",
    )  # fmt: skip
    assert preparing(lite, lite.token(CENTRE, *ACTING), 24).status_code == 200
    submit(lite, first[0].json()["digest"], lite.operator, held=["signer"])
    assert preparing(lite, lite.operator, 25).status_code == 200
    lite.house.clock.advance(minutes=15)
    assert preparing(lite, lite.operator, 26).status_code == 200
    with lite.house.instance.database.reading() as tx:
        assert len(tx.execute(select(drafts)).all()) == 1  # the expired ones are gone


def test_so_many_prepared_operations_of_a_unit_wait_at_once(
    lite: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing_step, "MOST_OF_UNIT", 2)
    for number in (20, 21):
        token = lite.token(CENTRE, *ACTING)
        assert preparing(lite, token, number).status_code == 200
    another = lite.token(CENTRE, *ACTING)
    with lite.nothing_stored():
        answer = preparing(lite, another, 22)
    assert (answer.status_code, answer.json()["rule"]) == (409, "at most 2 wait at once")


def test_an_operation_is_placed_again_when_it_is_submitted(api: Api) -> None:
    prepared = prepare(api, "cycle-opening", api.operator, **OPENING)
    api.open_cycle(17)
    with api.nothing_stored():
        answer = submit(api, prepared["digest"], api.operator, held=["signer"])
    assert (answer.status_code, answer.json()["field"]) == (409, "number")


@pytest.mark.parametrize("way", ["", "/prepare"])
@pytest.mark.parametrize("body", [[], "text", 1], ids=repr)
def test_a_body_that_is_no_object_is_refused_in_words_of_json(
    lite: Api, way: str, body: object
) -> None:
    answer = lite.post(f"/v1/operations/cycle-opening{way}", lite.operator, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, "body")
    assert "CycleOpening" not in answer.text
    assert problem["rule"] == "a JSON object"


def test_the_authority_admits_a_unit_whose_administrator_brings_a_key(api: Api) -> None:
    private = create_account()
    admission: Plain = {
        "unit": 3,
        "code": "clinic",
        "name": "Clinic",
        "roles": ["user", "auditor"],
        "custody": "hardware",
        "key": "0x" + account_address(private).hex(),
        "administrator_name": "Chief",
    }
    problem = api.refused("unit-admission", api.administrator, **admission)
    assert problem["status"] == 403
    with api.nothing_stored():
        answer = api.post("/v1/operations/unit-admission", api.authority, json=admission)
    assert answer.json()["detail"] == "this instance does not hold the key"
    prepared = prepare(api, "unit-admission", api.authority, **admission)
    assert {each["party"]: each["held_here"] for each in prepared["parties"]} == {
        "authority": True,
        "new_key": False,
    }
    signature = sign_with_account(private, bytes.fromhex(prepared["digest"][2:]))
    answer = submit(
        api,
        prepared["digest"],
        api.authority,
        signatures={"new_key": "0x" + signature.hex()},
        held=["authority"],
    )
    assert answer.status_code == 200, answer.text
    units = api.get("/v1/units", api.member).json()["units"]
    assert [unit["code"] for unit in units] == ["centre", "member", "clinic"]


def test_a_server_held_unit_signer_and_machine_are_made_in_one_call_each(api: Api) -> None:
    api.record(
        "unit-admission",
        api.authority,
        unit=3,
        code="clinic",
        name="Clinic",
        roles=["processor"],
        custody="server",
        administrator_name="Chief",
    )
    problem = api.refused(
        "unit-admission",
        api.authority,
        unit=3,
        code="other",
        name="Other",
        roles=["user"],
        custody="server",
    )
    assert problem["status"] == 409
    with api.house.instance.database.reading() as tx:
        chief = list_signers(tx, unit=3)[0]
    token = api.token(3, Scope.ADMINISTER, Scope.READ_UNIT, signer=chief.signer)
    api.record("signer-enrolment", token, name="Opener", rights=["open"], custody="server")
    api.record(
        "equipment-registration",
        token,
        name="Washer",
        serial="W-1",
        kind="washer_disinfector",
        clock_zone="Europe/Berlin",
        profile="washer-a0-600",
    )
    machine = api.get("/v1/equipment", token).json()["equipment"][0]
    change: Plain = {
        "equipment": "Washer",
        "state": "out_of_service",
        "reason": "the door does not close",
    }
    problem = api.refused("equipment-change", token, **change, replaces="00" * 32)
    assert problem["status"] == 409
    api.record("equipment-change", token, **change, replaces=machine["current"])
    machine = api.get("/v1/equipment", token).json()["equipment"][0]
    assert machine["state"] == "out_of_service"
    api.record("signer-revocation", token, signer="Opener", reason="left")
    signers = api.get("/v1/signers", token).json()["signers"]
    assert {each["name"]: each["is_revoked"] for each in signers} == {
        "Chief": False,
        "Opener": True,
    }
    proposal = api.record(
        "recovery-proposal",
        api.authority,
        unit="clinic",
        name="New chief",
        custody="server",
        reason="the key was lost",
    )
    api.record("recovery-veto", token, proposal=proposal["digest"])
    api.record("unit-closure", api.authority, unit=3, reason="moved away")
    problem = api.refused("signer-enrolment", token, name="Late", rights=["open"], custody="server")
    assert (problem["status"], problem["detail"]) == (422, "unit 3 is closed")


BAD_REGISTRY: list[tuple[str, Plain, int, str]] = [
    ("signer-enrolment", {"rights": ["rule"]}, 422, "rights.0"),
    ("signer-enrolment", {"rights": []}, 422, "rights"),
    ("signer-enrolment", {"custody": "device"}, 422, "key"),
    ("signer-enrolment", {"key": "0x" + "11" * 20}, 422, "key"),
    ("signer-enrolment", {"custody": "device", "key": "0x1234"}, 422, "key"),
    ("signer-enrolment", {"custody": "device", "key": "0x" + "11" * 84}, 422, "key"),
    ("signer-enrolment", {"valid_until": "2020-01-01T00:00:00Z"}, 422, "valid_until"),
    ("signer-enrolment", {"administrator": "Nobody"}, 404, "administrator"),
    ("signer-enrolment", {"unit": MEMBER}, 404, "unit"),
    ("signer-revocation", {"signer": "Nobody"}, 404, "signer"),
    ("signer-revocation", {"reason": None}, 422, "reason"),
    ("equipment-registration", {"profile": "best"}, 422, "profile"),
    ("equipment-registration", {"clock_zone": "../etc/passwd"}, 422, "clock_zone"),
    ("equipment-registration", {"kind": "oven"}, 422, "kind"),
    ("equipment-registration", {"epoch": 0}, 422, "epoch"),
    ("equipment-registration", {"serial": SERIAL}, 409, "serial"),
    ("equipment-change", {"equipment": "nowhere"}, 404, "equipment"),
    ("equipment-change", {"replaces": "zz"}, 422, "replaces"),
    ("recovery-veto", {"proposal": "11" * 32}, 404, "proposal"),
    ("record-erasure", {"subject": "00" * 32}, 404, "subject"),
]
FINE: dict[str, Plain] = {
    "signer-enrolment": {"name": "N", "rights": ["open"], "custody": "server"},
    "signer-revocation": {"signer": "Operator", "reason": "r"},
    "equipment-registration": {"name": "N", "serial": "1", "kind": "sterilizer"},
    "equipment-change": {
        "equipment": SERIAL,
        "state": "retired",
        "replaces": "00" * 32,
        "reason": "r",
    },
    "recovery-veto": {"proposal": "00" * 32},
    "record-erasure": {
        "subject": "00" * 32,
        "signer": "Operator",
        "countersigner": "Administrator centre",
        "reason": "r",
    },
}


@pytest.mark.parametrize("kind,change,status,field", BAD_REGISTRY)
def test_a_bad_act_of_the_registry_names_its_field_and_stores_nothing(
    still: Api, kind: str, change: Plain, status: int, field: str
) -> None:
    problem = still.refused(kind, still.administrator, **{**FINE[kind], **change})
    assert (problem["status"], problem["field"]) == (status, field)


def test_a_key_without_the_right_is_refused_when_it_is_named_for_an_act(still: Api) -> None:
    answer = still.post(
        "/v1/operations/signer-enrolment/prepare",
        still.administrator,
        json={**FINE["signer-enrolment"], "administrator": "Operator"},
    )
    problem = answer.json()
    assert (problem["status"], problem["field"]) == (422, "administrator")
    assert "administer" in problem["detail"]


def test_a_record_is_not_erased_while_its_retention_runs(lite: Api) -> None:
    digest = lite.open_cycle(17)["digest"]
    for name in ("First", "Second"):
        lite.house.enrol(CENTRE, name, Right.ERASE)
    erasure: Plain = {"subject": digest, "countersigner": "Second", "reason": "it is over"}
    prepared = "/v1/operations/record-erasure/prepare"
    problem = lite.post(prepared, lite.administrator, json={**erasure, "signer": "First"}).json()
    assert (problem["status"], problem["field"]) == (422, "subject")
    assert "retained until" in problem["detail"]

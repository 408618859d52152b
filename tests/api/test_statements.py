"""Statements over HTTP: as they were published, in every form, with what was said since."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from api.app import create_app
from ledger.domain.callers import Scope
from ledger.forms.all_forms import FORMS
from ledger.steps.asking.tokens import create_token
from tests.steps.november_group import Group, november_group


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Group, TestClient]]:
    """November, published; nobody changes it."""
    with november_group(tmp_path_factory.mktemp("group") / "home", "") as group:
        group.publish(group.compute())
        instance = group.hospital.instance
        with instance.database.transaction() as tx:
            _, token = create_token(
                instance,
                tx,
                person="Reader",
                unit=2,
                scopes=[Scope.READ_UNIT],
                lifetime=timedelta(days=90),
            )
        client = TestClient(create_app(instance), raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {token}"
        yield group, client


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_given(published: tuple[Group, TestClient], form: str) -> None:
    _, client = published
    answer = client.get(f"/v1/statements/2026-11?form={form}&unit=2&language=en")
    assert answer.status_code == 200, answer.text
    assert answer.headers["X-Account-Published"] == "true"
    assert len(answer.content) > 10


def test_the_account_is_given_byte_for_byte(published: tuple[Group, TestClient]) -> None:
    group, client = published
    assert client.get("/v1/statements/2026-11").content == group.compute().data
    pdf = client.get("/v1/statements/2026-11?form=pdf").content
    (attached,) = PdfReader(io.BytesIO(pdf)).attachments["account-2026-11.json"]
    assert attached == group.compute().data
    (line,) = client.get("/v1/statements").json()["statements"]
    assert line["account"] == group.compute().hash.hex()
    assert client.get("/v1/statements/2026-11/said").json()["answers"] == []


@pytest.mark.parametrize(
    "path, status",
    [
        ("/v1/statements/2026-10", 404),
        ("/v1/statements/2026-13", 422),
        ("/v1/statements/november", 422),
        ("/v1/statements/2026-11?form=word", 422),
        ("/v1/statements/2026-11?unit=77", 404),
        ("/v1/statements/2026-11?language=fr", 422),
    ],
)
def test_what_there_is_not_is_said(
    published: tuple[Group, TestClient], path: str, status: int
) -> None:
    _, client = published
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_nobody_reads_without_a_token(published: tuple[Group, TestClient], tmp_path: Path) -> None:
    _, client = published
    answer = client.get("/v1/statements/2026-11", headers={"Authorization": ""})
    assert answer.status_code == 401

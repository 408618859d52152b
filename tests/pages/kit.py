"""Clients that read the pages of any instance without a browser, as people of its units."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from ledger.domain.callers import Scope, local_administrator
from ledger.domain.encoding.identifiers import signer_id
from ledger.steps.asking.accounts import create_account
from ledger.steps.asking.links import LinkPurpose, make_link
from ledger.steps.instance import Instance


@dataclass
class Door:
    """The pages of an instance."""

    instance: Instance
    app: FastAPI

    @classmethod
    def of(cls, instance: Instance) -> Door:
        return cls(instance, create_app(instance))

    def link(self, login: str, unit: int | None, *scopes: Scope, key: bytes | None = None) -> str:
        """The path that signs in a new person, whose key the instance holds."""
        with self.instance.database.transaction() as tx:
            account, _ = create_account(
                self.instance, tx, local_administrator("tester"), login=login,
                person=f"{login.title()} Zhang", unit=unit, scopes=scopes,
                signer=None if key is None else signer_id(key),
            )  # fmt: skip
            return make_link(self.instance, tx, LinkPurpose.SESSION, account=account)

    def enter(
        self, login: str, unit: int | None, *scopes: Scope, key: bytes | None = None
    ) -> TestClient:
        """A client in which a new person is signed in."""
        client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        client.headers["accept-language"] = "en"
        assert client.post(self.link(login, unit, *scopes, key=key)).status_code == 303
        return client


def read(client: TestClient, path: str, status: int = 200) -> str:
    """The text of a page, without its tags' escapes."""
    answer = client.get(path)
    assert answer.status_code == status, (
        answer.status_code, answer.text.partition("<main")[2][:1500],
    )  # fmt: skip
    return html.unescape(answer.text)


def press(client: TestClient, page: str, label: str, at: str = "", **more: object) -> str:
    """Send the form whose button says so, with what else is filled in; where it leads to.

    `at` is the page's own address, which a form without another one is sent to.
    """
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        if re.search(rf"<button[^>]*>{re.escape(label)}</button>", form):
            action = re.search(r'action="([^"]+)"', form[: form.index(">")])
            filled: dict[str, object] = dict(
                re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
            )
            answer = client.post(action[1] if action else at, data={**filled, **more})
            told = re.findall(r'role="alert".*?</div>|wrong-text.*?</p>', answer.text, re.DOTALL)
            assert answer.status_code == 303, told
            return answer.headers["location"]
    raise AssertionError(label)

"""An administrator who lost the key is replaced: after seven days that everybody sees, or never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ledger.cli.app import app
from ledger.domain.acts.words import Custody, Right
from ledger.domain.callers import local_administrator
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import ChainUnavailable, NotFound, Refused, SteriLedgerError
from ledger.domain.outbox.operation_states import OperationState
from ledger.steps.accepting.resolving import resolve_signer
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.auditing.audit import audit
from ledger.steps.sending.recovering import (
    AGAIN,
    EVERY,
    Completer,
    Recovery,
    Standing,
    list_recoveries,
)
from ledger.steps.sending.underway import UnderWay
from ledger.steps.starting.deploy import get_held_key
from ledger.storage.keys import KeyPurpose
from ledger.storage.transactions import TransactionState, list_transactions
from tests import making
from tests.steps.hospital import PEOPLE, Hospital, opened_hospital

WEEK = timedelta(days=7)


class Scene:
    """A unit whose head lost the key, and a clock that a test sets forward."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.ahead = timedelta()
        hospital.instance = replace(hospital.instance, clock=self.now)
        hospital.admit(1)
        self.writer = hospital.writer()
        self.completer = Completer(writer=self.writer)
        self.key = self.make_key()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def make_key(self) -> bytes:
        with self.hospital.instance.database.transaction() as tx:
            return make_held_key(self.hospital.instance, tx, label="new head")

    def propose(self) -> Digest:
        """The authority proposes, and the chain has it."""
        with self.hospital.instance.database.reading() as tx:
            authority = get_held_key(tx, KeyPurpose.AUTHORITY).signer
        draft = making.proposal(1, key=self.key, authority=authority, circumstances=PEOPLE)
        proposal = self.hospital.accept(draft)
        self.hospital.settle(self.writer)
        return proposal

    def veto(self, proposal: Digest) -> Digest:
        administrator = self.hospital.administrators[1]
        return self.hospital.accept(
            making.veto(1, proposed=proposal, administrator=administrator, circumstances=PEOPLE)
        )

    def later(self, wait: timedelta) -> int:
        """Time passes, and the worker looks."""
        self.ahead += wait
        done = self.completer.step()
        self.hospital.follow()
        return done

    def pass_time(self, wait: timedelta) -> None:
        """Time passes on the chain too, by a block of nobody's."""
        self.ahead += wait
        self.hospital.link.deliver([], int(self.now().timestamp()))
        self.hospital.follow()

    def transactions(self) -> int:
        with self.hospital.instance.database.reading() as tx:
            return len(list_transactions(tx, limit=1000))

    def recovery(self) -> Recovery:
        with self.hospital.instance.database.reading() as tx:
            (found,) = list_recoveries(tx, now=int(self.now().timestamp()))
        return found

    def act_as_new_head(self) -> Digest:
        """The new head enrols an operator."""
        self.hospital.administrators[1] = self.key
        return self.hospital.enrol(1, self.make_key())


@pytest.fixture
def scene(tmp_path: Path, sqlite_address: str) -> Iterator[Scene]:
    """A running chain."""
    with opened_hospital(tmp_path / "home", sqlite_address) as hospital:
        yield Scene(hospital)


def test_a_recovery_waits_seven_days_and_is_completed_without_being_asked(scene: Scene) -> None:
    proposal = scene.propose()
    assert scene.later(WEEK - timedelta(minutes=5)) == 0
    assert scene.recovery().standing is Standing.WAITING
    with pytest.raises(SteriLedgerError):
        scene.act_as_new_head()
    assert scene.later(timedelta(minutes=10)) == 1
    assert scene.recovery().standing is Standing.COMPLETED
    assert (scene.recovery().proposal, scene.recovery().signer) == (proposal, signer_id(scene.key))
    assert scene.later(EVERY) == 0
    enrolled = scene.act_as_new_head()
    scene.hospital.settle(scene.writer)
    assert scene.hospital.state(enrolled) is OperationState.FINAL
    report = audit(scene.hospital.instance, scene.hospital.link.node)
    assert [str(each) for each in report.differences] == []


def test_a_recovered_administrator_is_called_by_name(scene: Scene) -> None:
    scene.propose()
    scene.later(WEEK + EVERY)
    caller = local_administrator("tester")
    database = scene.hospital.instance.database
    with database.reading() as tx, pytest.raises(NotFound):
        resolve_signer(tx, caller, 1, Right.ADMINISTER, "New head")
    scene.later(EVERY)
    scene.later(EVERY)
    with database.reading() as tx:
        row = resolve_signer(tx, caller, 1, Right.ADMINISTER, "New head")
    assert (row.signer, row.rights, row.custody) == (scene.key, Right.ADMINISTER, Custody.SERVER)


def test_a_vetoed_recovery_is_never_completed(scene: Scene) -> None:
    proposal = scene.propose()
    scene.pass_time(WEEK - timedelta(hours=1))
    scene.veto(proposal)
    scene.hospital.settle(scene.writer)
    assert scene.recovery().standing is Standing.VETOED
    before = scene.transactions()
    assert scene.later(WEEK) == 0
    assert scene.transactions() == before
    with pytest.raises(SteriLedgerError):
        scene.act_as_new_head()


def test_a_veto_after_seven_days_is_refused(scene: Scene) -> None:
    proposal = scene.propose()
    scene.ahead += WEEK + timedelta(minutes=1)
    with pytest.raises(Refused) as refused:
        scene.veto(proposal)
    assert refused.value.rule == "a veto comes within seven days"


def test_a_completion_that_was_only_stored_is_sent_by_the_next_worker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise ChainUnavailable("the power went")

    scene.propose()
    with monkeypatch.context() as patched:
        patched.setattr(UnderWay, "hand_over", die)
        with pytest.raises(ChainUnavailable):
            scene.later(WEEK + EVERY)
    with scene.hospital.instance.database.reading() as tx:
        (waiting,) = list_transactions(tx, states=[TransactionState.SIGNED])
    assert waiting.kind == "completeRecovery"
    scene.hospital.settle(scene.writer)
    assert scene.recovery().standing is Standing.COMPLETED
    assert scene.later(AGAIN) == 0


def test_a_recovery_that_the_contract_refuses_costs_no_transaction(scene: Scene) -> None:
    scene.propose()
    scene.hospital.enrol(1, scene.key)  # the unit took the key itself meanwhile
    scene.hospital.settle(scene.writer)
    scene.pass_time(WEEK + EVERY)
    before = scene.transactions()
    assert (scene.later(EVERY), scene.later(AGAIN)) == (0, 0)
    assert scene.recovery().standing is Standing.DUE
    assert scene.transactions() == before


def test_the_command_line_proposes_shows_and_vetoes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("STERILEDGER_HOME", str(home))

    def run(*arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.output)

    with opened_hospital(home, f"sqlite:///{home / 'steriledger.db'}") as hospital:
        hospital.admit(1)
        writer = hospital.writer()
        hospital.settle(writer)
        reason = ["--reason", "the key is lost"]
        proposed = run("unit", "recover", "1", "--name", "New head", *reason)
        hospital.settle(writer)
        (line,) = run("unit", "recoveries")
        assert (line["unit"], line["proposal"], line["state"]) == (1, proposed["digest"], "waiting")
        run("unit", "veto", line["proposal"], *reason)
        hospital.settle(writer)
        (line,) = run("unit", "recoveries")
        assert line["state"] == "vetoed"

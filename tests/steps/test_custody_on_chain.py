"""Three units with keys in files of their own move a loaner, from words to verified evidence.

The service holds none of their keys: each step is prepared here, signed where the key is, and
submitted; then a real chain has it, and somebody with the deployment alone checks the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.custody import ConsignmentStatus
from ledger.domain.acts.words import Party, Right
from ledger.domain.encoding.identifiers import Digest, signer_id, to_hex
from ledger.domain.errors import VerificationFailed
from ledger.domain.outbox.operation_states import OperationState
from ledger.domain.subjects.states import AssetState, ConsignmentState
from ledger.evidence.format import parse_evidence
from ledger.evidence.report import Report
from ledger.evidence.verify import verify_evidence
from ledger.keys.accounts import account_address, create_account, sign_with_account
from ledger.keys.signers import verify_signature
from ledger.steps.accepting.cosigning import submit_with
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.handing import handed
from ledger.steps.accepting.prepare import prepare
from ledger.steps.answering.custody import NOT_ON_CHAIN, show_asset, show_consignment
from ledger.steps.answering.exporting import export_evidence, resolve_subject
from ledger.steps.auditing.audit import audit
from ledger.steps.following.rebuild import rebuild
from ledger.steps.sending.writer import Writer
from ledger.steps.starting.leasing import LEASE
from ledger.storage import index
from ledger.storage.leases import release_lease
from tests import making
from tests.steps.hospital import PEOPLE, Hospital, opened_hospital

CENTRE, VAN, EAST = 1, 2, 3
CUSTODY = Right.DISPATCH | Right.CARRY | Right.RECEIVE
DEVICE = Door(authenticated_by="none", takes_what_stands=True)


@dataclass(frozen=True, kw_only=True)
class Group:
    """An instance on a real chain, and a folder of each unit with its key file."""

    hospital: Hospital
    writer: Writer
    folder: Path
    #: what went out without being placed, so that the audit names it
    unplaced: set[str] = field(default_factory=set)

    def key_file(self, name: str) -> Path:
        """The private key of a worker, made at first; nobody else reads it."""
        file = self.folder / f"{name}.key"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(create_account().hex())
        return file

    def public(self, name: str) -> str:
        return "0x" + account_address(self.private(name)).hex()

    def private(self, name: str) -> bytes:
        return bytes.fromhex(self.key_file(name).read_text())

    def enrol(self, unit: int, name: str) -> None:
        words = [str(right.name).lower() for right in Right if right in CUSTODY]
        self.sign(
            "SignerEnrolment", name, Party.NEW_KEY, held=(Party.SIGNER,), unit=unit, name=name,
            rights=words, custody="device", key=self.public(name),
        )  # fmt: skip

    def say(self, kind: str, name: str, /, **values: Any) -> Digest:
        """What a worker says on their own device, in two steps."""
        return self.sign(kind, name, Party.SIGNER, signer=self.public(name), **values)

    def sign(
        self, kind: str, worker: str, party: Party, /, held: tuple[Party, ...] = (), **values: Any
    ) -> Digest:
        hospital = self.hospital
        instance, caller = hospital.instance, hospital.caller
        with instance.database.transaction() as tx:
            draft = make_draft(instance, tx, caller, ACTS[kind], values, DEVICE)
            plain = json.loads(json.dumps(handed(tx, prepare(instance, tx, caller, draft))))
        (mine,) = [each for each in plain["parties"] if each["party"] == party.value]
        assert mine["held_here"] is False
        digest = Digest(bytes.fromhex(plain["digest"][2:]))
        signature = sign_with_account(self.private(worker), digest)
        with instance.database.transaction() as tx:
            submit_with(instance, tx, caller, digest, {party: signature}, held=held)
        return digest

    def settle(self) -> None:
        self.hospital.settle(self.writer)

    def export(self, of: str, name: str) -> bytes:
        hospital = self.hospital
        with hospital.instance.database.reading() as tx:
            subject = resolve_subject(tx, hospital.caller, of, name)
            return export_evidence(hospital.instance, tx, hospital.caller, subject)

    def verify(self, data: bytes) -> Report:
        with self.hospital.instance.database.reading() as tx:
            deployment = self.hospital.instance.deployment_in(tx)
        return verify_evidence(
            data, self.hospital.link.node, deployment, verify_signature=verify_signature,
            now=datetime.now(UTC),
        )  # fmt: skip

    def states(self) -> tuple[list[ConsignmentState], list[AssetState]]:
        with self.hospital.instance.database.reading() as tx:
            return index.list_rows(tx, ConsignmentState), index.list_rows(tx, AssetState)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    home = tmp_path_factory.mktemp("custody")
    with opened_hospital(home, f"sqlite:///{home / 'ledger.db'}") as hospital:
        for unit in (CENTRE, VAN, EAST):
            hospital.admit(unit)
        made = Group(hospital=hospital, writer=hospital.writer(), folder=home)
        for unit, name in ((CENTRE, "li"), (VAN, "ma"), (EAST, "wu")):
            made.enrol(unit, name)
        hospital.say("AssetRegistration", unit=CENTRE, name="Hip", code="L-1", kind="loaner_set")
        yield made


LINES = [
    {"assembler": CENTRE, "package": "P-1", "basis": "scanned"},
    {"assembler": CENTRE, "package": "P-2", "basis": "scanned"},
]


def a_loaner_and_two_packages_go_from_one_unit_to_another(group: Group) -> None:
    group.say(
        "Dispatch", "li", unit=CENTRE, slip="4711", receiver=EAST, taker=VAN, purpose="loan",
        asset="L-1", lines=LINES, seals="S-1", performer="Li Na",
    )  # fmt: skip
    group.say("TakeOver", "ma", unit=VAN, consignment="U1/4711", outcome="carried", boxes=1)
    group.say("HandOver", "ma", unit=VAN, consignment="U1/4711", taker=EAST)
    # written on the ward without asking: it names no step
    group.say(
        "TakeOver", "wu", unit=EAST, consignment="U1/4711", outcome="kept", previous=None,
        lines=[{"assembler": CENTRE, "package": "P-1", "outcome": "accepted", "basis": "scanned"}],
        rest="inferred", seals="intact",
    )  # fmt: skip
    group.settle()
    ((consignment,), (asset,)) = group.states()
    assert (consignment.status, consignment.holder) == (ConsignmentStatus.RECEIVED, EAST)
    assert (asset.custodian, asset.is_travelling) == (EAST, False)

    data = group.export("consignment", "U1/4711")
    report = group.verify(data)
    assert report.verified
    assert [each.kind for each in report.timeline if each.is_own] == [
        "Dispatch", "TakeOver", "HandOver", "TakeOver",
    ]  # fmt: skip
    said = [each.what for each in report.timeline if each.is_own]
    assert said[-1] == "unit 3 keeps it: 1 accepted, 1 accepted unseen"
    shown = [e for e in parse_evidence(data).operations if e.act.name == "Dispatch"]
    assert shown[0].facts["lines.1.package"] == "P-2"
    assert shown[0].facts["slip"] == "4711"
    assert shown[0].people == {}  # nobody's name is in it unless somebody chose so
    signers = {e.signers[Party.SIGNER] for e in parse_evidence(data).operations}
    own = {signer_id(bytes.fromhex(group.public(n)[2:])) for n in ("li", "ma", "wu")}
    assert signers == own

    of_asset = group.verify(group.export("asset", "L-1"))
    assert of_asset.verified
    assert [each.kind for each in of_asset.timeline if each.is_own] == [
        "AssetRegistration", "Dispatch", "TakeOver", "HandOver", "TakeOver",
    ]  # fmt: skip


def evidence_of_a_consignment_that_was_changed_is_refused(group: Group) -> None:
    data = group.export("consignment", "U1/4711")
    assert b'"seen":1' in data
    with pytest.raises(VerificationFailed):
        group.verify(data.replace(b'"seen":1', b'"seen":2'))


def a_step_whose_signer_was_revoked_meanwhile_is_told_and_told_again_by_another(
    group: Group,
) -> None:
    hospital = group.hospital
    gone = hospital.new_signer(VAN, Right.CARRY)
    group.say(
        "Dispatch", "li", unit=CENTRE, slip="4712", receiver=EAST, taker=VAN, purpose="clean",
        lines=LINES, reason="a second box of the same names",
    )  # fmt: skip
    hospital.accept(
        making.revocation(
            VAN,
            signer=signer_id(gone),
            administrator=hospital.administrators[VAN],
            circumstances=PEOPLE,
        )
    )
    group.settle()
    # it signed before it knew, and what it signed goes out as if nobody here had known either
    values = {"unit": VAN, "consignment": "U1/4712", "outcome": "carried", "boxes": 3}
    with hospital.instance.database.transaction() as tx:
        draft = make_draft(
            hospital.instance, tx, hospital.caller, ACTS["TakeOver"],
            {**values, "signer": to_hex(gone)}, DEVICE,
        )  # fmt: skip
    taken = hospital.accept_unchecked(draft)
    group.unplaced.add(to_hex(taken))
    group.settle()
    assert hospital.state(taken) is OperationState.REFUSED
    with hospital.instance.database.reading() as tx:
        view = show_consignment(tx, hospital.caller, "U1/4712")
    assert (view.holder, view.taker) == (CENTRE, VAN)
    step = view.steps[-1]
    assert step.standing is not None
    assert step.standing.startswith(NOT_ON_CHAIN)
    assert step.entry.facts["boxes"] == 3
    group.say("TakeOver", "ma", retells=taken.hex(), **values)
    group.say("TakeOver", "wu", unit=EAST, consignment="U1/4712", outcome="kept", rest="scanned")
    group.settle()
    assert group.verify(group.export("consignment", "U1/4712")).verified


def what_the_chain_says_is_found_again_from_nothing(group: Group) -> None:
    before = group.states()
    with group.hospital.instance.database.transaction() as tx:
        release_lease(tx, LEASE, group.writer.lease.holder, group.writer.lease.epoch)
    rebuild(group.hospital.instance, group.hospital.link.node)
    group.hospital.follow()
    assert group.states() == before
    report = audit(group.hospital.instance, group.hospital.link.node)
    named = {str(each).split()[1].strip(",") for each in report.differences}
    assert named == group.unplaced
    with group.hospital.instance.database.reading() as tx:
        assert show_asset(tx, group.hospital.caller, "L-1").custodian == EAST


def test_what_three_units_signed_on_their_own_devices_holds_on_the_chain(group: Group) -> None:
    """One story on one chain, whose parts follow each other."""
    a_loaner_and_two_packages_go_from_one_unit_to_another(group)
    evidence_of_a_consignment_that_was_changed_is_refused(group)
    a_step_whose_signer_was_revoked_meanwhile_is_told_and_told_again_by_another(group)
    what_the_chain_says_is_found_again_from_nothing(group)

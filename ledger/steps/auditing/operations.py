"""Stored operations, their signers and dated states → recomputed, and compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise

from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.rules import signers_of
from ledger.domain.acts.vocabulary import Act, Message
from ledger.domain.acts.words import Party
from ledger.domain.clocks import age_seconds
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import InvalidInput
from ledger.domain.operations import digest, message_from_json, message_from_plain
from ledger.domain.outbox.operation_states import OperationState, verify_move
from ledger.domain.subjects.indexed import IndexedOperation
from ledger.steps.auditing.beside import Beside, load_beside
from ledger.steps.auditing.evidence import Evidence, OwedOperation
from ledger.steps.auditing.paging import check_page
from ledger.steps.auditing.places import check_place
from ledger.steps.auditing.readings import check_named_readings
from ledger.steps.auditing.transactions import check_state_rows
from ledger.storage.operations import OperationRow, SignatureRow, StateRow, list_operations
from ledger.storage.pages import Heading

_PAGE = 200
_WAITING = (
    OperationState.OWED,
    OperationState.SENT,
    OperationState.MINED,
    OperationState.STUCK,
)


def check_operations(evidence: Evidence) -> None:
    """Every operation is what was signed and recorded."""
    after = 0
    while True:
        page = list_operations(evidence.ours, after=after, limit=_PAGE)
        check_page(
            page,
            load=lambda rows: load_beside(evidence, rows),
            check=lambda row, beside: _check_operation(evidence, row, beside),
        )
        if len(page) < _PAGE:
            return
        after = page[-1].sequence


def _check_operation(evidence: Evidence, row: OperationRow, beside: Beside) -> None:
    findings = evidence.findings
    findings.checked["operations"] += 1
    act = ACTS.get(row.kind)
    if act is None:
        findings.note("operations", row.digest, "kind", expected="a known kind", found=row.kind)
        return
    findings.compare(
        "operations", row.digest, "contract", expected=act.contract, found=row.contract
    )
    record = beside.records.get(row.record_id)
    recorded = beside.recorded.get(row.digest)
    message = _check_message(evidence, row, act, recorded)
    if message is not None:
        _check_columns(evidence, row, act, message, record)
        check_place(evidence, row, act, message, beside)
        _check_signatures(evidence, row, act, message, beside.signatures.get(row.digest, []))
    states = beside.states.get(row.digest, [])
    _check_history(evidence, row, states)
    check_state_rows(
        findings,
        row,
        states,
        carrying=set(beside.carriers.get(row.digest, ())),
        recorded=None if recorded is None else recorded.tx_hash,
    )
    check_named_readings(evidence, row, beside.facts.get(row.record_id))
    _check_chain(evidence, row, recorded)


def _check_message(
    evidence: Evidence, row: OperationRow, act: Act, recorded: IndexedOperation | None
) -> Message | None:
    """The message, if it can be read; its digest is computed unless the chain's index has done so.

    An operation of the second index was named by the digest of its events.  Where ours has the same
    digest, kind and bytes, it is that message.
    """
    try:
        if recorded is not None and recorded.message == row.message and recorded.kind == act.name:
            return message_from_plain(act, json.loads(row.message))
        message = message_from_json(act, row.message)
        computed = digest(act, message, evidence.deployment.domain_of(act.contract))
    except InvalidInput as error:
        evidence.findings.note(
            "operations", row.digest, "message", expected=f"a {act.name}", found=str(error)
        )
        return None
    evidence.findings.compare(
        "operations", row.digest, "message", expected=row.digest, found=computed
    )
    return message


def _check_columns(
    evidence: Evidence,
    row: OperationRow,
    act: Act,
    message: Message,
    record: Heading | None,
) -> None:
    findings = evidence.findings
    for column, name, value in (
        ("unit", "unit", row.unit),
        ("signed_at", "signedAt", row.signed_at),
    ):
        if name in message:
            findings.compare("operations", row.digest, column, expected=message[name], found=value)
    if record is None:
        findings.note(
            "operations", row.digest, "record_id", expected="a record", found=row.record_id
        )
        return
    for column, expected, stored in (
        ("root", message["record"], record.root),
        ("schema", act.schema, record.schema),
        ("unit", row.unit, record.unit),
    ):
        findings.compare("records", row.record_id, column, expected=expected, found=stored)


def _check_signatures(
    evidence: Evidence,
    row: OperationRow,
    act: Act,
    message: Message,
    signatures: Sequence[SignatureRow],
) -> None:
    """They are of the parties that it needs, and their keys are those that it names."""
    evidence.findings.compare(
        "operation_signatures",
        row.digest,
        "party",
        expected=tuple(sorted(act.parties)),
        found=tuple(sorted(signature.party for signature in signatures)),
    )
    for signature in signatures:
        named = signers_of(act, message).get(signature.party)
        _check_signer(evidence, (row.digest, signature.party), named, signature)


def _check_signer(
    evidence: Evidence,
    place: tuple[Digest, Party],
    named: bytes | None,
    signature: SignatureRow,
) -> None:
    """The key is the one that the message names, or the deployment's authority."""
    expected: bytes | None
    if signature.party is Party.AUTHORITY:
        expected, found = evidence.deployment.authority, signature.signer
    else:
        expected = named
        try:
            found = signer_id(signature.signer)
        except InvalidInput:
            found = signature.signer
    evidence.findings.compare(
        "operation_signatures", place, "signer", expected=expected, found=found
    )


def _check_history(evidence: Evidence, row: OperationRow, states: Sequence[StateRow]) -> None:
    """The dated states begin with acceptance, follow the moves, and end where it stands.

    A clock that was set back dates a state before the one that it follows: the dates are told as
    they were, and their order is that of the rows.
    """
    findings = evidence.findings
    if not states:
        findings.note("operation_states", row.digest, "row", expected="rows", found=None)
        return
    findings.checked["operation_states"] += len(states)
    first, last = states[0], states[-1]
    findings.compare(
        "operation_states", first.id, "state", expected=OperationState.OWED, found=first.state
    )
    findings.compare("operation_states", first.id, "at", expected=row.accepted_at, found=first.at)
    for before, after in pairwise(states):
        findings.hold(
            "operation_states",
            after.id,
            "state",
            expected=f"what may follow {before.state}",
            check=lambda a=before.state, b=after.state: verify_move(a, b),  # type: ignore[misc]
        )
        evidence.set_back += after.at < before.at
    findings.compare("operations", row.digest, "state", expected=last.state, found=row.state)


def _check_chain(evidence: Evidence, row: OperationRow, recorded: IndexedOperation | None) -> None:
    """What we say of it is what the chain says of it."""
    findings = evidence.findings
    if row.state in _WAITING:
        _tell_owed(evidence, row)
    if evidence.chain is None:
        return
    if recorded is None:
        if row.state is OperationState.FINAL:
            findings.note(
                "operations", row.digest, "state", expected="not on the chain", found=row.state
            )
        return
    if evidence.height < recorded.height and row.state is OperationState.FINAL:
        evidence.behind = max(evidence.behind, recorded.height)
    if recorded.height <= evidence.height:
        findings.compare(
            "operations", row.digest, "state", expected=OperationState.FINAL, found=row.state
        )
    for column, expected, found in (
        ("message", recorded.message, row.message),
        ("kind", recorded.kind, row.kind),
        ("unit", recorded.unit, row.unit),
        ("subject", recorded.subject, row.subject),
    ):
        findings.compare("operations", row.digest, column, expected=expected, found=found)


def _tell_owed(evidence: Evidence, row: OperationRow) -> None:
    evidence.owed_total += 1
    if len(evidence.owed) < _PAGE:
        evidence.owed.append(
            OwedOperation(
                digest=row.digest,
                kind=row.kind,
                state=row.state,
                age_seconds=age_seconds(evidence.instance.clock(), row.accepted_at),
            )
        )

"""Held keys and what the home knows of itself → recomputed, and compared with the chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from ledger.chain.deploy import verify_deployment
from ledger.chain.embedded import RELAYER_BALANCE
from ledger.domain.encoding.identifiers import signer_id
from ledger.domain.errors import NotFound, SteriLedgerError
from ledger.keys.accounts import account_address
from ledger.keys.p256 import VERIFIER_BYTES, p256_signer
from ledger.keys.receipts import receipt_public_key
from ledger.keys.signers import Algorithm
from ledger.keys.vault import KEY_PURPOSE
from ledger.steps.auditing.evidence import Evidence
from ledger.steps.starting.creating import list_missing, parse_terms, plan_of
from ledger.steps.starting.deploy import PLAN_SETTING, get_held_key, open_relayer
from ledger.steps.starting.link import GENESIS_SETTING, parse_genesis
from ledger.storage.keys import KeyPurpose, KeyRow, find_key, list_keys
from ledger.storage.settings import find_setting
from ledger.storage.transactions import list_transactions

_PAGE = 200
#: a home has exactly one of each
_SINGLE = (KeyPurpose.AUTHORITY, KeyPurpose.RELAYER, KeyPurpose.RECEIPT)


# ---------------------------------------------------------------- keys


def check_keys(evidence: Evidence) -> None:
    """Every held key opens, is the one that its row names, and is there for what it is."""
    after: bytes | None = None
    purposes: Counter[KeyPurpose] = Counter()
    while True:
        page = list_keys(evidence.ours, after=after, limit=_PAGE)
        for row in page:
            evidence.findings.checked["keys"] += 1
            purposes[row.purpose] += 1
            _check_key(evidence, row)
        if len(page) < _PAGE:
            break
        after = page[-1].signer_id
    for purpose in _SINGLE:
        evidence.findings.compare(
            "keys", purpose, "purpose", expected="1 key", found=f"{purposes[purpose]} key"
        )
    _check_purposes(evidence)


def _check_key(evidence: Evidence, row: KeyRow) -> None:
    findings = evidence.findings
    findings.compare(
        "keys", row.signer_id, "signer_id", expected=signer_id(row.signer), found=row.signer_id
    )
    is_receipt = row.purpose is KeyPurpose.RECEIPT
    if is_receipt != (row.algorithm == Algorithm.ED25519):
        findings.note("keys", row.signer_id, "purpose", expected=row.algorithm, found=row.purpose)
    vault = evidence.instance.vault
    try:
        secret = vault.decrypt(row.private_key, purpose=KEY_PURPOSE, row=row.signer_id.hex())
        made = _PUBLIC[Algorithm(row.algorithm)](secret, row)
    except (SteriLedgerError, ValueError, KeyError) as error:
        # Never the value: an error of ours names the rule, any other only its kind.
        said = str(error) if isinstance(error, SteriLedgerError) else type(error).__name__
        findings.note("keys", row.signer_id, "private_key", expected="a key that opens", found=said)
        return
    findings.compare("keys", row.signer_id, "signer", expected=made, found=row.signer)


_PUBLIC: Mapping[Algorithm, Callable[[bytes, KeyRow], bytes]] = {
    Algorithm.SECP256K1: lambda secret, _row: account_address(secret),
    Algorithm.P256: lambda secret, row: p256_signer(secret, row.signer[:VERIFIER_BYTES]),
    Algorithm.ED25519: lambda secret, _row: receipt_public_key(secret),
}


def _check_purposes(evidence: Evidence) -> None:
    """The deployment's authority and the account that paid serve as nothing else."""
    expected = {evidence.deployment.authority: KeyPurpose.AUTHORITY}
    paid = list_transactions(evidence.ours, limit=1)
    if paid:
        expected[paid[0].account] = KeyPurpose.RELAYER
    for signer, purpose in expected.items():
        row = find_key(evidence.ours, signer_id(signer))
        if row is not None:
            evidence.findings.compare(
                "keys", row.signer_id, "purpose", expected=purpose, found=row.purpose
            )


# ---------------------------------------------------------------- settings


def check_settings(evidence: Evidence) -> None:
    """Deployment, genesis and plan are those of the chain at hand."""
    findings, source = evidence.findings, evidence.source
    findings.checked["settings"] += 1
    findings.hold(
        "settings",
        "deployment",
        "value",
        expected="the contracts on this chain",
        check=lambda: verify_deployment(source, evidence.deployment),
    )
    if evidence.instance.settings.is_embedded:
        findings.checked["settings"] += 1
        _hold_setting(evidence, GENESIS_SETTING, _genesis)
    try:
        ours = get_held_key(evidence.ours, KeyPurpose.RECEIPT).signer
    except NotFound:
        return  # which is told of the keys
    if ours == evidence.deployment.receipt_key:  # the home that made the contracts
        findings.checked["settings"] += 1
        _hold_setting(evidence, PLAN_SETTING, _plan)


def _hold_setting(
    evidence: Evidence, name: str, problem: Callable[[Evidence, bytes], str | None]
) -> None:
    body = find_setting(evidence.ours, name)
    if body is None:
        evidence.findings.note("settings", name, "row", expected="a row", found=None)
        return
    try:
        found = problem(evidence, body)
    except (SteriLedgerError, ValueError, KeyError, TypeError) as error:
        found = f"it cannot be read ({type(error).__name__})"
    if found is not None:
        evidence.findings.note(
            "settings", name, "value", expected="what the chain began with", found=found
        )


def _genesis(evidence: Evidence, body: bytes) -> str | None:
    genesis, first = parse_genesis(body), evidence.source.block(0)
    relayer = get_held_key(evidence.ours, KeyPurpose.RELAYER).signer
    if genesis.chain_id != evidence.deployment.chain_id:
        return f"chain id {genesis.chain_id}"
    if first is not None and genesis.timestamp != first.timestamp:
        return f"time {genesis.timestamp}"
    if genesis.balances != {relayer: RELAYER_BALANCE}:
        return "other balances than the relayer's"
    return None


def _plan(evidence: Evidence, body: bytes) -> str | None:
    authority = get_held_key(evidence.ours, KeyPurpose.AUTHORITY).signer
    plan = plan_of(open_relayer(evidence.instance), authority, parse_terms(body))
    missing = len(list_missing(evidence.source, plan))
    return f"{missing} creations that are not on the chain" if missing else None

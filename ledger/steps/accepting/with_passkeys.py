"""Prepared operation → accepted, a person's own passkey signing where the person is (WebAuthn).

A passkey of an account becomes a signer of its unit once an administrator and the passkey itself
signed its enrolment; then it signs operations, and the server cannot.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from webauthn import generate_authentication_options, options_to_json
from webauthn.helpers import base64url_to_bytes, decode_credential_public_key
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

from ledger.domain.acts.asking import Door
from ledger.domain.acts.catalogue import ACTS
from ledger.domain.acts.vocabulary import flag_words
from ledger.domain.acts.words import Custody, Party, Right
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import Digest, signer_id
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.subjects.states import SignerState
from ledger.keys.assertions import assertion_signature
from ledger.keys.p256 import KEY_BYTES
from ledger.keys.signers import WEBAUTHN_VERIFIER
from ledger.steps.accepting.cosigning import submit_with
from ledger.steps.accepting.drafting import make_draft
from ledger.steps.accepting.prepare import Prepared, prepare, read_draft
from ledger.steps.accepting.standing import Accepted
from ledger.steps.accepting.submit import Receipt, complete
from ledger.steps.asking.passkeys import Site, answered, verified
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored
from ledger.storage.drafts import find_draft, list_drafts
from ledger.storage.operations import find_operation, get_receipt

ENROLMENT = "SignerEnrolment"


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeySigner:
    """A passkey of a person, as a signer."""

    passkey: stored.PasskeyRow
    #: ERC-7913 bytes: the verifier of passkeys and the public key; None: no P-256, which signs none
    key: bytes | None
    #: as it was accepted; None: it is no signer
    state: SignerState | None

    @property
    def is_valid(self) -> bool:
        """Whether it may sign: enrolled, and not revoked."""
        return self.state is not None and not self.state.is_revoked

    @property
    def rights(self) -> Sequence[str]:
        """What it may do, in words."""
        return [] if self.state is None else flag_words(Right, self.state.rights).split(", ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person is asked to sign."""

    prepared: Prepared
    passkey: stored.PasskeyRow
    #: as which party it signs
    party: Party


def list_passkey_signers(instance: Instance, tx: Connection, account: str) -> list[PasskeySigner]:
    """A person's passkeys, the oldest first."""
    return [_signer(instance, tx, row) for row in stored.list_passkeys(tx, account)]


def _signer(instance: Instance, tx: Connection, row: stored.PasskeyRow) -> PasskeySigner:
    found = decode_credential_public_key(row.public_key)
    key = None
    if isinstance(found, DecodedEC2PublicKey) and len(found.x + found.y) == KEY_BYTES:
        names = instance.known_deployment(tx).verifiers
        verifier = next(each for each, name in names.items() if name == WEBAUTHN_VERIFIER)
        key = verifier + found.x + found.y
    state = None if key is None else Accepted(tx).find(SignerState, signer_id(key))
    return PasskeySigner(passkey=row, key=key, state=state)


# ---------------------------------------------------------------- a passkey becomes a signer


def propose_passkey(  # noqa: PLR0913 - who enrols which passkey of whom, for what
    instance: Instance,
    tx: Connection,
    caller: Caller,
    account: str,
    passkey: bytes,
    *,
    rights: Collection[str],
    door: Door,
) -> Digest:
    """An administrator's half of an enrolment, signed by their key here; its digest.

    It waits a quarter of an hour for the person to sign the other half with the passkey.  Raises
    NotFound, and Refused or InvalidInput as an enrolment at every door.
    """
    person = stored.get_account(tx, account, unit=caller.unit)
    row = stored.find_passkey(tx, passkey)
    if row is None or row.account != person.id:
        raise NotFound("the person has no such passkey", field="passkey")
    found = _signer(instance, tx, row)
    if found.key is None:
        raise InvalidInput(
            "cannot sign operations",
            field="passkey",
            rule="a passkey over P-256",
            remedy="let the person forget it and add another one",
        )
    values = {
        "unit": person.unit,
        "name": person.person,
        "key": "0x" + found.key.hex(),
        "rights": sorted(rights),
        "custody": Custody.DEVICE.name.lower(),
    }
    draft = make_draft(instance, tx, caller, ACTS[ENROLMENT], values, door)
    return prepare(instance, tx, caller, draft, held=(Party.SIGNER,)).operation.digest


def list_proposed(instance: Instance, tx: Connection, account: str) -> list[Prepared]:
    """The enrolments that wait for one of a person's passkeys."""
    person = stored.get_account(tx, account)
    if person.unit is None:
        return []
    keys = {each.key for each in list_passkey_signers(instance, tx, account)}
    return [
        prepared
        for row in list_drafts(tx, ENROLMENT, unit=person.unit)
        if row.expires_at > instance.clock()
        for prepared in (read_draft(instance, instance.known_deployment(tx), row),)
        if prepared.keys[Party.NEW_KEY] in keys
    ]


# ---------------------------------------------------------------- a passkey signs


def find_asked(
    instance: Instance, tx: Connection, caller: Caller, account: str, digest: Digest
) -> Asked:
    """What a person prepared in this session, or the enrolment of a passkey of theirs.

    Raises NotFound for what is over, or is somebody else's.
    """
    row = find_draft(tx, digest, unit=caller.unit)
    if row is not None and row.expires_at > instance.clock():
        prepared = read_draft(instance, instance.known_deployment(tx), row)
        is_own = row.token_id == caller.token_id
        for each in list_passkey_signers(instance, tx, account):
            for party, key in prepared.keys.items():
                if key == each.key and (is_own or party is Party.NEW_KEY):
                    return Asked(prepared=prepared, passkey=each.passkey, party=party)
    raise NotFound(
        "nothing waits for your passkey here",
        field="digest",
        rule="what is prepared waits a quarter of an hour, for whoever prepared it",
        remedy="fill in the form again",
    )


def ask_for_signature(site: Site, asked: Asked) -> str:
    """What the device is asked, as JSON: to sign the digest after it verified its person."""
    options = generate_authentication_options(
        rp_id=site.name,
        challenge=asked.prepared.operation.digest,
        allow_credentials=[PublicKeyCredentialDescriptor(id=asked.passkey.id)],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def sign_with_passkey(  # noqa: PLR0913, PLR0917 - who signs what, where, with which answer
    instance: Instance,
    tx: Connection,
    caller: Caller,
    account: str,
    site: Site,
    digest: Digest,
    answer: str,
) -> Receipt:
    """A device's answer → accepted; the same again returns the receipt that it got before.

    The other parties sign with the caller's keys here, or did so when it was prepared.
    """
    if find_operation(tx, digest, unit=caller.unit) is not None:
        row = get_receipt(tx, digest)
        return Receipt(digest=row.digest, payload=row.payload, signature=row.signature, key=row.key)
    asked = find_asked(instance, tx, caller, account, digest)
    plain = answered(answer)
    found = verified(site, asked.passkey, digest, plain)
    stored.count_passkey(tx, asked.passkey.id, found.new_sign_count)
    signatures = {asked.party: _signature(plain)}
    if asked.prepared.signatures:
        return complete(instance, tx, caller.unit, digest, signatures)
    held = [each for each in asked.prepared.keys if each is not asked.party]
    return submit_with(instance, tx, caller, digest, signatures, held=held)


def _signature(plain: Mapping[str, Any]) -> bytes:
    """As `verified` read it already."""
    names = ("authenticatorData", "clientDataJSON", "signature")
    return assertion_signature(*(base64url_to_bytes(plain["response"][name]) for name in names))

"""A passkey of a person: enrolled while they are signed in, and then a way to sign in (WebAuthn).

The device keeps the private key, and asks for a finger, a face or a PIN before each use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import InvalidInput, VerificationFailed
from ledger.steps.asking.sessions import NotSignedIn, open_session
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored

#: how long a question to a device holds
CHALLENGE_LIFETIME = timedelta(minutes=5)
_PURPOSE = "passkey challenge"
_CHALLENGE_BYTES = 32
_LONGEST_ANSWER = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Under which name people reach the pages: a passkey is good there alone."""

    #: the host's name
    name: str
    #: scheme, name and port
    origin: str


def offer_enrolment(instance: Instance, site: Site, account: str) -> tuple[str, str]:
    """What the device is asked, as JSON, and the sealed question that its answer belongs to."""
    with instance.database.asking() as tx:
        row = stored.get_account(tx, account)
        known = stored.list_passkeys(tx, account)
    challenge = instance.randomness(_CHALLENGE_BYTES)
    options = generate_registration_options(
        rp_id=site.name,
        rp_name="SteriLedger",
        user_id=row.id.encode(),
        user_name=row.login,
        user_display_name=row.person,
        challenge=challenge,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each.id) for each in known],
        # what the contracts check comes first; a device may take the first that it has
        supported_pub_key_algs=[
            COSEAlgorithmIdentifier.ECDSA_SHA_256,
            COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
        ],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
    )
    return options_to_json(options), _sealed(instance, challenge, account)


def enrol(instance: Instance, site: Site, account: str, *, question: str, answer: str) -> None:
    """A device's answer → a passkey of the person; raises InvalidInput when it does not hold."""
    challenge = _opened(instance, question, account)
    try:
        found = verify_registration_response(
            credential=answered(answer),
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except WebAuthnException as error:
        raise InvalidInput(
            f"the passkey does not hold: {error}", field="passkey", remedy="try once more"
        ) from None
    with instance.database.transaction() as tx:
        stored.insert_passkey(
            tx,
            stored.PasskeyRow(
                id=found.credential_id,
                account=account,
                public_key=found.credential_public_key,
                sign_count=found.sign_count,
                created_at=instance.clock(),
            ),
        )


def offer_sign_in(instance: Instance, site: Site) -> tuple[str, str]:
    """The same for somebody who is not known yet: the device says who it is."""
    challenge = instance.randomness(_CHALLENGE_BYTES)
    options = generate_authentication_options(
        rp_id=site.name,
        challenge=challenge,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options), _sealed(instance, challenge, "")


def sign_in_with_passkey(instance: Instance, site: Site, *, question: str, answer: str) -> str:
    """A device's answer → a session's text; raises NotSignedIn."""
    challenge, plain = _opened(instance, question, ""), answered(answer)
    try:
        identifier = base64url_to_bytes(str(plain.get("rawId", "")))
    except ValueError:
        raise _unknown("the passkey does not hold") from None
    with instance.database.asking() as tx:
        row = stored.find_passkey(tx, identifier)
    if row is None:
        raise _unknown("this passkey is not known here")
    try:
        found = verified(site, row, challenge, plain)
    except VerificationFailed:
        raise _unknown("the passkey does not hold") from None
    with instance.database.transaction() as tx:
        _use_once(instance, tx, challenge)
        stored.count_passkey(tx, identifier, found.new_sign_count)
        return open_session(instance, tx, row.account, way="passkey")


def _sealed(instance: Instance, challenge: bytes, account: str) -> str:
    """The question and when it was asked, so that nothing is kept of who only looks."""
    asked = int(instance.clock().timestamp()).to_bytes(8, "big")
    return instance.vault.encrypt(challenge + asked, purpose=_PURPOSE, row=account).hex()


def _opened(instance: Instance, question: str, account: str) -> bytes:
    # a forged question does not open, which says of this home only that somebody tried
    try:
        plain = instance.vault.decrypt(bytes.fromhex(question), purpose=_PURPOSE, row=account)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not one of ours
        raise _unknown("the question is none of ours") from None
    challenge, asked = plain[:_CHALLENGE_BYTES], int.from_bytes(plain[_CHALLENGE_BYTES:], "big")
    if instance.clock().timestamp() - asked > CHALLENGE_LIFETIME.total_seconds():
        raise _unknown("the question is too old")
    return challenge


def _use_once(instance: Instance, tx: Connection, challenge: bytes) -> None:
    """An answer signs in once; raises Conflict for the second time."""
    used = instance.clock()
    row = stored.LinkRow(
        text_hash=sha256(challenge), purpose=_PURPOSE, expires_at=used + CHALLENGE_LIFETIME
    )
    stored.insert_link(tx, row)


def verified(
    site: Site, row: stored.PasskeyRow, challenge: bytes, plain: dict[str, Any]
) -> VerifiedAuthentication:
    """A device's answer to a challenge, checked; raises VerificationFailed."""
    try:
        return verify_authentication_response(
            credential=plain,
            expected_challenge=challenge,
            expected_rp_id=site.name,
            expected_origin=site.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
    except WebAuthnException:
        raise VerificationFailed(
            "the passkey does not hold", field="passkey", remedy="try once more"
        ) from None


def answered(answer: str) -> dict[str, Any]:
    """What a device answered, as JSON; raises InvalidInput for what is no answer."""
    try:
        plain = json.loads(answer) if len(answer) <= _LONGEST_ANSWER else None
    except (ValueError, RecursionError):
        plain = None
    if not isinstance(plain, dict):
        raise InvalidInput("is no answer of a passkey", field="passkey", rule="WebAuthn §5.8")
    return plain


def _unknown(what: str) -> NotSignedIn:
    return NotSignedIn(what, field="passkey", remedy="sign in with your password and a code")

"""A person whom the group's provider names → a session, or an account that is theirs from then on.

Whose account it is says `sub` alone, which an administrator or an invitation bound to it: an e-mail
address is given to somebody else one day.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import Connection

from ledger.domain.callers import Caller
from ledger.domain.encoding.hashing import sha256
from ledger.domain.errors import Conflict, InvalidInput, Refused
from ledger.steps.asking.accounts import administered
from ledger.steps.asking.links import LinkPurpose, find_link, use_link
from ledger.steps.asking.provider import Flow, Provider, find_provider, is_subject
from ledger.steps.asking.sessions import NotSignedIn, open_session
from ledger.steps.asking.tokens import secret_text
from ledger.steps.instance import Instance
from ledger.storage import accounts as stored

#: how long somebody may take at the provider
LIFETIME = timedelta(minutes=10)
_PURPOSE = "provider flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Who came back from the provider."""

    #: the session's text
    session: str
    #: where they wanted to go
    path: str


def begin(
    instance: Instance, provider: Provider, *, back: str, path: str, link: str = ""
) -> tuple[str, str]:
    """Where the browser goes, and what it keeps until it comes back; raises NotSignedIn.

    `link` is that of an invitation, which then binds the account.
    """
    state, nonce, verifier = (secret_text(instance) for _ in range(3))
    flow = Flow(state=state, nonce=nonce, verifier=verifier)
    address = provider.begin(flow, back=back)
    said = {**asdict(flow), "path": path, "link": link, "at": int(instance.clock().timestamp())}
    sealed = instance.vault.encrypt(json.dumps(said).encode(), purpose=_PURPOSE, row="browser")
    return address, base64.urlsafe_b64encode(sealed).decode()


def arrive(  # noqa: PLR0913 - what a browser brings back
    instance: Instance,
    provider: Provider,
    *,
    kept: str,
    state: str,
    code: str,
    error: str,
    issuer: str,
    back: str,
) -> Arrived:
    """What a browser brings back from the provider → a session, once.

    Raises NotSignedIn: for an answer that this browser did not ask for, one that came before, one
    that does not hold, and for somebody who is nobody here.
    """
    said = _opened(instance, kept)
    if not hmac.compare_digest(str(said["state"]).encode(), state.encode()):
        raise _wrong("the answer belongs to another question")
    if issuer and issuer != provider.issuer:  # RFC 9207
        raise _wrong("another provider answered")
    with instance.database.transaction() as tx:
        _use_once(instance, tx, state)
    if error or not code:
        raise _wrong("the provider did not sign you in")
    flow = Flow(state=state, nonce=str(said["nonce"]), verifier=str(said["verifier"]))
    subject = provider.finish(flow, code, back=back)
    with instance.database.transaction() as tx:
        if said["link"]:
            account = _bind_by_link(instance, tx, provider, str(said["link"]), subject)
        else:
            found = stored.find_identity(tx, provider.issuer, subject)
            if found is None:
                raise NotSignedIn(
                    f"nobody here is {subject} at {provider.name}",
                    field="provider",
                    rule="an administrator or an invitation says whose account it is",
                    remedy="tell your administrator that name, or use the link that you were given",
                )
            account = found.account
        text = open_session(instance, tx, account, way="oidc")
    return Arrived(session=text, path=str(said["path"]))


def bind(instance: Instance, tx: Connection, caller: Caller, account: str, subject: str) -> None:
    """An administrator says who an account is at the provider; an empty `sub`: nobody any more.

    Raises Refused where no provider is set, InvalidInput, and Conflict for somebody else's.
    """
    provider = find_provider(instance)
    if provider is None:
        raise Refused("no provider is set", field="subject", remedy="set STERILEDGER_OIDC_ISSUER")
    row = administered(tx, caller, account, gives_way_in=True)
    stored.drop_identities(tx, account=row.id)
    # whoever came in as the one before is not known as theirs any more
    stored.end_sessions(tx, row.id, instance.clock(), way="oidc")
    if not subject:
        return
    if not is_subject(subject):
        raise InvalidInput("is no sub", field="subject", rule="as the provider tells it")
    _insert(instance, tx, provider, row.id, subject)


def _bind_by_link(
    instance: Instance, tx: Connection, provider: Provider, link: str, subject: str
) -> str:
    """An invitation that came back with whom the provider names; what there was before is over."""
    row = find_link(instance, tx, LinkPurpose.ACCOUNT, link)
    account = stored.get_account(tx, str(row.account))
    use_link(instance, tx, row)
    stored.end_ways_in(tx, account.id, instance.clock())
    _insert(instance, tx, provider, account.id, subject)
    return account.id


def _insert(
    instance: Instance, tx: Connection, provider: Provider, account: str, subject: str
) -> None:
    if stored.find_identity(tx, provider.issuer, subject) is not None:
        raise Conflict("is somebody else's", field="subject", remedy="end their account first")
    stored.insert_identity(
        tx,
        stored.IdentityRow(
            issuer=provider.issuer, subject=subject, account=account, created_at=instance.clock()
        ),
    )


def _opened(instance: Instance, kept: str) -> dict[str, object]:
    # a forged one does not open, which says of this home only that somebody tried
    try:
        sealed = base64.urlsafe_b64decode(kept)
        plain = json.loads(instance.vault.decrypt(sealed, purpose=_PURPOSE, row="browser"))
        said: dict[str, object] = dict(plain)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is not one of ours
        raise _wrong("this browser asked for nothing") from None
    if instance.clock().timestamp() - int(str(said["at"])) > LIFETIME.total_seconds():
        raise _wrong("the answer came too late")
    return said


def _use_once(instance: Instance, tx: Connection, state: str) -> None:
    row = stored.LinkRow(
        text_hash=sha256(b"steriledger.state\0" + state.encode()),
        purpose=_PURPOSE,
        expires_at=instance.clock() + LIFETIME,
    )
    try:
        stored.insert_link(tx, row)
    except Conflict:
        raise _wrong("the answer came before") from None


def _wrong(what: str) -> NotSignedIn:
    return NotSignedIn(what, field="provider", remedy="begin again; nothing was stored")

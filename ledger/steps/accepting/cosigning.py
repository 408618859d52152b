"""Prepared operation → accepted, some parties signing where their keys are, others by held keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection

from ledger.domain.acts.catalogue import find_act
from ledger.domain.acts.vocabulary import Act
from ledger.domain.acts.words import Party
from ledger.domain.callers import Caller
from ledger.domain.encoding.identifiers import Digest, to_hex
from ledger.domain.errors import InvalidInput, NotFound
from ledger.steps.accepting.drafting import spelled
from ledger.steps.accepting.prepare import read_draft
from ledger.steps.accepting.signing import sign_with_held_key
from ledger.steps.accepting.submit import Receipt, submit
from ledger.steps.instance import Instance
from ledger.storage.drafts import DraftRow, find_draft
from ledger.storage.engine.database import lock_subjects
from ledger.storage.operations import OperationRow, find_operation


def submit_with(  # noqa: PLR0913 - who asks, for what, with which signatures
    instance: Instance,
    tx: Connection,
    caller: Caller,
    digest: Digest,
    signatures: Mapping[Party, bytes],
    *,
    held: Collection[Party] = (),
) -> Receipt:
    """The parties' signatures, and those of the `held` ones made here → accepted.

    An authority that is held here admits a unit whose administrator's key is on a device: one
    signature comes from each side.  Raises Refused when a held party's key is not here or not the
    caller's, InvalidInput when a party signs twice, and whatever `submit` raises.
    """
    both = sorted(set(signatures) & set(held))
    if both:
        raise InvalidInput(
            f"{', '.join(both)} signs twice",
            field="held",
            rule="a party's signature is sent, or made here",
        )
    # Sent twice at once, the second waits here and then finds the first one's receipt.
    lock_subjects(tx, [digest])
    accepted = find_operation(tx, digest, unit=caller.unit)
    waiting = find_draft(tx, digest, unit=caller.unit) if accepted is None else None
    act = _known_act(caller, digest, accepted or waiting)
    if accepted is None and held:
        signatures = {**signatures, **_held_signatures(instance, tx, caller, digest, held)}
    with spelled(act):
        return submit(instance, tx, caller, digest, signatures)


def _known_act(caller: Caller, digest: Digest, row: OperationRow | DraftRow | None) -> Act:
    """What the caller may not submit is refused within their unit, and unknown beyond it."""
    act = None if row is None else find_act(row.kind)
    if act is None or (caller.unit is None and act.scope not in caller.scopes):
        raise NotFound(
            f"nothing is prepared under {to_hex(digest)}",
            field="digest",
            remedy="prepare it first; a prepared operation waits a quarter of an hour",
        )
    caller.require_scope(act.scope)
    return act


def _held_signatures(
    instance: Instance,
    tx: Connection,
    caller: Caller,
    digest: Digest,
    held: Collection[Party],
) -> dict[Party, bytes]:
    row = find_draft(tx, digest, unit=caller.unit)
    if row is None or row.expires_at <= instance.clock():
        return {}  # submit says so
    keys = read_draft(instance, instance.deployment_in(tx), row).keys
    strangers = sorted(set(held) - set(keys))
    if strangers:
        raise InvalidInput(
            f"{', '.join(strangers)} does not sign this operation",
            field="held",
            rule=f"it is signed by {', '.join(keys)}",
        )
    return {
        party: sign_with_held_key(instance, tx, caller, party, keys[party], digest)
        for party in held
    }

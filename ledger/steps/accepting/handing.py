"""Prepared operation → what a device is handed: it shows the record, and signs what follows."""

from __future__ import annotations

import base64
from typing import Any

from sqlalchemy import Connection

from ledger.domain.encoding.identifiers import signer_id, to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.operations import typed_data
from ledger.steps.accepting.prepare import Prepared
from ledger.storage.keys import find_key


def handed(tx: Connection, prepared: Prepared) -> dict[str, Any]:
    """In plain JSON: from record and secrets follows the commitment, from typed data the digest.

    Of each party it says whose key signs, and whether this instance holds it.
    """
    operation, record, secrets = prepared.operation, prepared.record, prepared.secrets
    return {
        "digest": to_hex(operation.digest),
        "kind": operation.act.spelled,
        "expires_at": instant_text(prepared.expires_at),
        "typed_data": typed_data(operation),
        "record": {
            "id": record.id,
            "schema": record.schema,
            "suite": str(record.facts["record.suite"]),
            "unit": record.unit,
            "facts": dict(record.facts),
            "personal": dict(record.personal or {}),
        },
        "secrets": {
            "facts": base64.b64encode(secrets.facts).decode("ascii"),
            "personal": base64.b64encode(secrets.personal or b"").decode("ascii"),
        },
        "parties": [
            {
                "party": party.value,
                "signer": to_hex(prepared.keys[party]),
                "signer_id": to_hex(signer_id(prepared.keys[party])),
                "held_here": find_key(tx, signer_id(prepared.keys[party])) is not None,
            }
            for party in operation.act.parties
        ],
    }

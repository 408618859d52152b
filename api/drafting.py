"""Bodies → drafts: what people call things becomes what operations call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from api import bodies
from api.access import Asked
from ledger.domain.callers import Caller
from ledger.domain.drafts import Circumstances, People
from ledger.domain.encoding.identifiers import ZERO_DIGEST, Digest, SignerId, parse_hex32, signer_id
from ledger.domain.errors import InvalidInput, NotFound
from ledger.domain.operations import Duty
from ledger.domain.records.records import instant_text
from ledger.keys.accounts import ADDRESS_BYTES
from ledger.readings import zone_named
from ledger.steps.accepting.resolving import find_numbers, resolve_signer, resolve_unit
from ledger.steps.accepting.signing import make_held_key
from ledger.steps.instance import Instance
from ledger.storage.keys import find_key

_ACCOUNT_DIGITS = 2 + 2 * 20
_ID_DIGITS = 2 + 2 * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where one body becomes one draft."""

    instance: Instance
    tx: Connection
    caller: Caller

    def own_unit(self, named: int | str | None) -> int:
        """The unit that the caller acts for; raises NotFound when the body names another."""
        if self.caller.unit is None:
            raise InvalidInput(
                "the authority acts for no unit", field="unit", rule="a unit's own token"
            )
        if named is not None and self.number_of(named, field="unit") != self.caller.unit:
            raise NotFound(
                f"{named} is not your unit", field="unit", rule="you act for your own unit"
            )
        return self.caller.unit

    def number_of(self, named: int | str, *, field: str) -> int:
        """A unit's number; raises NotFound naming the field."""
        try:
            return resolve_unit(self.tx, str(named)).number
        except NotFound as error:
            raise NotFound(error.what, field=field, remedy="see GET /v1/units") from None

    def parties_of(
        self, named: Sequence[bodies.Line | bodies.Share], *, field: str
    ) -> list[tuple[int, int]]:
        """Owner and payer of each, the owner where no payer is named; raises as `number_of`."""
        names = {str(name) for each in named for name in (each.owner, each.payer)}
        known = find_numbers(self.tx, names)

        def number(name: int | str, place: str) -> int:
            found = known.get(str(name))
            return self.number_of(name, field=place) if found is None else found

        parties = []
        for index, each in enumerate(named):
            owner = number(each.owner, f"{field}.{index}.owner")
            payer = owner
            if each.payer is not None:
                payer = number(each.payer, f"{field}.{index}.payer")
            parties.append((owner, payer))
        return parties

    def signer_key(self, unit: int, duty: Duty, named: str | None) -> bytes:
        """The ERC-7913 bytes of the key that signs for a unit."""
        if named is None and self.caller.signer_key is not None and unit == self.caller.unit:
            return self.caller.signer_key
        if named is not None and _is_key(named):
            return bytes.fromhex(named[2:])
        return resolve_signer(self.tx, self.caller, unit, duty, named).signer

    def signer_id(self, unit: int, named: str) -> SignerId:
        """The id of a unit's signer, whatever its duties."""
        return resolve_signer(self.tx, self.caller, unit, Duty(0), named).id

    def new_key(self, body: bodies.NewKeyAct, *, label: str) -> bytes:
        """The key that the act brings, or one that this instance makes and holds."""
        if body.custody == "server":
            if body.key is not None:
                raise InvalidInput(
                    "is given", field="key", rule="a key held by the server is made by the server"
                )
            return make_held_key(self.instance, self.tx, label=label)
        if body.key is None:
            raise InvalidInput(
                "is missing",
                field="key",
                rule=f"a key in the custody {body.custody} is made there and brought",
            )
        key = bytes.fromhex(body.key[2:])
        if find_key(self.tx, signer_id(key)) is not None:
            raise InvalidInput(
                "is held by this instance",
                field="key",
                rule=f"a key in the custody {body.custody} is held there and nowhere else",
            )
        verifiers = self.instance.deployment_in(self.tx).verifiers
        if len(key) > ADDRESS_BYTES and key[:ADDRESS_BYTES] not in verifiers:
            raise InvalidInput(
                "begins with no verifier of this deployment",
                field="key",
                rule="an account of 20 bytes, or an allowed verifier and its key",
                remedy="see GET /v1/deployment",
            )
        return key

    def circumstances(self, body: bodies.Act) -> Circumstances:
        """How the act came to be."""
        happened = body.happened
        if happened.zone is not None:
            zone_named(happened.zone, field="happened.zone")
        return Circumstances(
            people=self.people(body),
            happened_text=happened.text,
            happened_zone=happened.zone,
            happened_utc=None if happened.utc is None else instant_text(happened.utc),
            happened_source=happened.source,
            device=body.device,
            authenticated_by=body.authenticated_by,
            reason=body.reason,
            legal_hold=body.legal_hold,
            signed_at=None if body.signed_at is None else seconds(body.signed_at),
        )

    def people(self, body: bodies.Act) -> People:
        """Who did it; it was entered by whoever holds the token unless somebody else is named."""
        return People(
            performer=body.performer,
            checker=body.checker,
            enterer=body.enterer or self.caller.person,
            on_behalf_of=body.on_behalf_of,
        )


def desk_of(asked: Asked, tx: Connection) -> Desk:
    """The desk of one request."""
    return Desk(instance=asked.instance, tx=tx, caller=asked.caller)


def seconds(moment: datetime | None) -> int:
    """Unix seconds; 0 where nothing is said."""
    return 0 if moment is None else int(moment.timestamp())


def digest_of(text: str | None, *, field: str) -> Digest:
    """A digest; zero where there is none."""
    return ZERO_DIGEST if text is None else Digest(parse_hex32(text, field=field))


def _is_key(text: str) -> bool:
    """Whether a text can only be the bytes of a key: an account, or longer than an id."""
    if not text.startswith("0x") or len(text) % 2 or len(text) == _ID_DIGITS:
        return False
    digits = text[2:]
    return len(text) >= _ACCOUNT_DIGITS and all(c in "0123456789abcdefABCDEF" for c in digits)

"""An administrator says which office of a unit is called, and under which number."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from ledger.domain.callers import Caller, Scope
from ledger.domain.errors import InvalidInput
from ledger.steps.instance import Instance
from ledger.storage import directory
from ledger.storage.contacts import ContactRow, put_contact, remove_contact

_LONGEST = 80
#: ITU-T E.123 with an extension after it
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()/.#*x-]{1,38}[0-9]")


def set_contact(  # noqa: PLR0913, PLR0917 - who says what of which unit
    instance: Instance, tx: Connection, caller: Caller, unit: int, office: str, telephone: str
) -> None:
    """Say whom to call at a unit; both empty: nobody.

    Raises Refused without the scope, NotFound for another's unit or none, InvalidInput.
    """
    caller.require_scope(Scope.ADMINISTER)
    caller.require_unit(unit)
    directory.get_unit(tx, unit)
    if not office and not telephone:
        remove_contact(tx, unit)
        return
    if not office or not telephone:
        raise InvalidInput(
            "is not entered",
            field="telephone" if office else "office",
            rule="an office goes with its number; both left out: nobody is called",
        )
    if not (len(office) <= _LONGEST and office.isprintable()):
        raise InvalidInput(
            "is no name of an office", field="office", rule=f"1 to {_LONGEST} printable characters"
        )
    if _TELEPHONE.fullmatch(telephone) is None:
        raise InvalidInput(
            "is no telephone number",
            field="telephone",
            rule="digits, + before them, blanks, brackets and dashes between them, # or x before "
            "an extension",
        )
    row = ContactRow(
        unit=unit,
        office=office,
        telephone=telephone,
        changed_at=instance.clock(),
        changed_by=caller.person,
    )
    put_contact(tx, row)

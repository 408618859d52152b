"""New name → one that nobody takes for another's that is in use."""

from __future__ import annotations

from sqlalchemy import Connection

from ledger.domain.errors import Conflict
from ledger.domain.names import find_lookalike
from ledger.domain.subjects.states import SignerState
from ledger.steps.accepting.standing import Accepted
from ledger.storage import directory
from ledger.storage.engine.database import lock_subjects

#: What whoever brings a code or a serial number holds; nobody takes another subject after it.
_CODES = b"codes of units"
_SERIALS = b"serial numbers of unit %d"
#: Most units, and signers or machines of one unit, that a name is compared with.
_MOST = 10_000


def require_own_code(tx: Connection, code: str) -> None:
    """Raise Conflict when another unit has this code, or one that looks like it."""
    # Another may be admitted at this moment: who waited finds its code.
    lock_subjects(tx, [_CODES])
    codes = [unit.code for unit in directory.list_units(tx, limit=_MOST)]
    taken = code if code in codes else find_lookalike(code, codes)
    if taken is not None:
        raise Conflict(
            f"another unit has the code {taken!r}",
            field="code",
            rule="a code names one unit of the group, and looks like no other",
            remedy="choose another short name",
        )


def require_own_serial(tx: Connection, unit: int, serial: str) -> None:
    """Raise Conflict when another machine of the unit has a serial number that looks like this."""
    lock_subjects(tx, [_SERIALS % unit])
    serials = [each.serial for each in directory.list_equipment(tx, unit=unit, limit=_MOST)]
    taken = find_lookalike(serial, serials)
    if taken is not None:
        raise Conflict(
            f"looks like {taken!r}, another machine of this unit",
            field="serial",
            rule="two machines of a unit are told apart by their serial numbers",
            remedy="if it is that machine, use it; if two makers gave the same number, write this "
            "one as MAKER:NUMBER",
        )


def require_own_look(tx: Connection, unit: int, name: str | None) -> None:
    """Raise Conflict when a valid signer of the unit has a name that only looks like this one.

    The very same name may come again: one person may have several keys.
    """
    if name is None:
        return
    named = [each for each in directory.list_signers(tx, unit=unit, limit=_MOST) if each.name]
    for signer in named:
        if find_lookalike(name, [signer.name or ""]) is None:
            continue
        state = Accepted(tx).find(SignerState, signer.id)
        if state is not None and not state.is_revoked:
            raise Conflict(
                f"looks like {signer.name!r}, who signs for this unit",
                field="name",
                rule="two people are told apart by their names",
                remedy="write the name as it is enrolled, or add what tells them apart",
            )

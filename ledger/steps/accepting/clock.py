"""This machine's clock, beside what was accepted and mined before → right, or wrong in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import rfc8785
from sqlalchemy import Connection

from ledger.domain.acts.vocabulary import Act
from ledger.domain.clocks import Confirmation, require_right
from ledger.domain.encoding.identifiers import to_hex
from ledger.domain.encoding.moments import instant_text
from ledger.domain.errors import ClockWrong
from ledger.steps.instance import Instance
from ledger.storage.index import find_newest_block_time
from ledger.storage.operations import find_newest_standing
from ledger.storage.settings import find_setting, put_setting

#: Names a person's word on the clock among the settings.
CONFIRMED_SETTING = "clock_confirmed"
#: They end a right, and the chain's order judges them, not their date: none waits for a clock.
_NEVER_WAIT = frozenset({"SignerRevocation", "UnitClosure", "RecoveryVeto"})


def require_clock(instance: Instance, tx: Connection, act: Act, now: datetime) -> None:
    """Raise ClockWrong when nothing may be accepted by this clock."""
    if act.name not in _NEVER_WAIT:
        _require(tx, _dates(instance, tx), now)


def find_doubt(instance: Instance, tx: Connection) -> ClockWrong | None:
    """Why nothing is accepted by this clock, or None."""
    try:
        _require(tx, _dates(instance, tx), instance.clock())
    except ClockWrong as error:
        return error
    return None


def confirm_clock(instance: Instance, tx: Connection, *, person: str) -> Confirmation:
    """A person says that this clock is right, whatever was dated by another one before."""
    now = instance.clock()
    given = Confirmation(at=now, newest=max(now, *_dates(instance, tx).values()))
    plain = {
        "at": instant_text(given.at),
        "newest": instant_text(given.newest),
        "person": person,
    }
    put_setting(tx, CONFIRMED_SETTING, rfc8785.dumps(plain))
    return given


def _require(tx: Connection, dates: Mapping[str, datetime], now: datetime) -> None:
    try:
        require_right(now, dates, None)
    except ClockWrong:
        require_right(now, dates, _find_confirmation(tx))


def _find_confirmation(tx: Connection) -> Confirmation | None:
    body = find_setting(tx, CONFIRMED_SETTING)
    if body is None:
        return None
    plain = json.loads(body)
    return Confirmation(
        at=datetime.fromisoformat(plain["at"]), newest=datetime.fromisoformat(plain["newest"])
    )


def _dates(instance: Instance, tx: Connection) -> dict[str, datetime]:
    """What was dated last, by whom.

    The embedded chain's blocks are dated by our own worker, or a second after the one before where
    that is later: they know no more than what was accepted.
    """
    dates: dict[str, datetime] = {}
    act = find_newest_standing(tx)
    if act is not None:
        dates[f"operation {to_hex(act[0])[:14]}, the last that was accepted"] = act[1]
    if not instance.settings.is_embedded:
        mined = find_newest_block_time(tx)
        if mined is not None:
            dates["the chain's last block with an operation"] = datetime.fromtimestamp(mined, UTC)
    return dates

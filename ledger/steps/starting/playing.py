"""A new home → one with a played clock: a demonstration sets it; a home in use keeps its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger.domain.errors import Refused
from ledger.steps.instance import DEPLOYMENT_SETTING, PLAYED_SETTING, Instance, system_clock
from ledger.storage.operations import find_newest_standing
from ledger.storage.settings import find_setting, put_setting

#: shorter than what makes a clock doubtful
_SILENCE = timedelta(days=30)


def begin_played(instance: Instance, moment: datetime) -> None:
    """Give a new home a played clock that shows `moment` now.

    One that has it already goes on; after a long silence right behind what was accepted last.
    Raises Refused for a home with contracts and a real clock, or on a chain of others.
    """
    with instance.database.reading() as tx:
        is_new = find_setting(tx, DEPLOYMENT_SETTING) is None
        newest = find_newest_standing(tx)
    if not (instance.settings.is_embedded and (is_new or instance.is_played)):
        raise Refused(
            "this home has a real clock",
            field="home",
            rule="a clock is played from the first start on, on the embedded chain alone",
            remedy="choose a new folder: --home",
        )
    if newest is None:
        set_played(instance, moment)
    elif instance.clock() - newest[1] > _SILENCE:
        set_played(instance, newest[1])


def set_played(instance: Instance, moment: datetime) -> None:
    """Let the clock of a home that has a played one go on from `moment`."""
    ahead = round((moment - system_clock()).total_seconds())
    with instance.database.transaction() as tx:
        put_setting(tx, PLAYED_SETTING, str(ahead).encode())

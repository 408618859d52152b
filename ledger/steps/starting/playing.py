"""A new home → one with a played clock: a demonstration sets it; a home in use keeps its own."""

from __future__ import annotations

from datetime import datetime

from ledger.domain.errors import Refused
from ledger.steps.instance import DEPLOYMENT_SETTING, PLAYED_SETTING, Instance, system_clock
from ledger.storage.operations import find_newest_standing
from ledger.storage.settings import find_setting, put_setting


def begin_played(instance: Instance, moment: datetime) -> None:
    """Give a new home a played clock that shows `moment` now.

    One that has it already goes on behind the last that was accepted.  Raises Refused for a home
    with contracts and a real clock, or on a chain of others.
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
    set_played(instance, moment if newest is None else newest[1])


def set_played(instance: Instance, moment: datetime) -> None:
    """Let the clock of a home that has a played one go on from `moment`."""
    ahead = round((moment - system_clock()).total_seconds())
    with instance.database.transaction() as tx:
        put_setting(tx, PLAYED_SETTING, str(ahead).encode())

"""The profiles that cycles are judged against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.answering import Answer, Here, reads
from ledger.cli.incoming import read_bytes, require_file
from ledger.cli.options import DEFAULT_HOME, HomeOption, JsonOption, opened
from ledger.cli.printing import print_table

if TYPE_CHECKING:
    from ledger.domain.machines.profiles import Profile

profile = typer.Typer(no_args_is_help=True, help="Profiles that cycles are judged against.")


@profile.command("list")
@reads
def list_profiles(here: Here) -> Answer:
    """List the known profiles with their sources: the program's own, and those that were added."""
    from ledger.steps.accepting.profiles import known_profiles

    return _shown(known_profiles(here.tx))


@profile.command("add")
def add_profile(
    file: Annotated[Path, typer.Argument(help="A JSON document; see docs/readings.md.")],
    *,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Add a group's own profiles; each verdict names the hash of the one it rests on.

    A name that is known with another content is refused: a changed profile has a new name.
    """
    from ledger.steps.accepting.profiles import add_profiles

    require_file(file)
    document = read_bytes(file)
    with opened(home) as instance, instance.database.transaction() as tx:
        added = add_profiles(tx, document)
    _shown(added).give(as_json=as_json)


def _shown(profiles: Sequence[Profile]) -> Answer:
    return Answer(
        [asdict(each) for each in profiles],
        lambda: print_table(
            ["name", "title", "source", "not confirmed in the standard's own text", "hash"],
            [
                [p.name, p.title, p.source, ", ".join(p.unconfirmed), p.sha256[:12] + "…"]
                for p in profiles
            ],
            empty="All of them were known.",
        ),
    )

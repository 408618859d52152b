"""The profiles that cycles are judged against."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ledger.cli.options import JsonOption
from ledger.cli.printing import answer, print_table

profile = typer.Typer(no_args_is_help=True, help="Profiles that cycles are judged against.")


@profile.command("list")
def list_profiles(*, as_json: JsonOption = False) -> None:
    """List the known profiles with their sources."""
    from ledger.domain.machines.profiles import default_profiles

    profiles = default_profiles()
    answer(
        [asdict(each) for each in profiles],
        as_json=as_json,
        human=lambda: print_table(
            ["name", "title", "source", "not confirmed in the standard's own text"],
            [[p.name, p.title, p.source, ", ".join(p.unconfirmed)] for p in profiles],
        ),
    )

"""The commands that record: derived from the acts, and not before somebody asks for one.

The words of a command stand in its act: `cycle open`.  An act of one word is a command of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typer.core import TyperGroup

if TYPE_CHECKING:
    from ledger.domain.acts.vocabulary import Act


def acts_of(group: str) -> dict[str, Act]:
    """The acts whose commands stand in a group, by their names in it; of no group for ''."""
    from ledger.domain.acts.catalogue import ACTS

    words = [act.command.rpartition(" ") for act in ACTS.values()]
    named = zip(words, ACTS.values(), strict=True)
    return {name: act for (within, _, name), act in named if within == group}


class ActGroup(TyperGroup):
    """Commands by hand, and before them those of the acts."""

    #: the word before its commands
    group = property(lambda self: self.name or "")

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own context
        """The acts' names, then those by hand."""
        return list(dict.fromkeys([*acts_of(self.group), *super().list_commands(ctx)]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own classes
        """The command of that name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in (acts := acts_of(self.group)):
            from ledger.cli.commands import command_of

            found = self.commands[cmd_name] = command_of(acts[cmd_name], cmd_name)
        return found


class RootGroup(ActGroup):
    """The whole command line: acts of one word, and groups that hold nothing but acts."""

    group = property(lambda _self: "")

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own context
        """Groups of acts beside all others."""
        return list(dict.fromkeys([*super().list_commands(ctx), *_groups()]))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own classes
        """The command or group of that name, or None."""
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in _groups():
            docs = " ".join(act.doc for act in acts_of(cmd_name).values())
            found = ActGroup(name=cmd_name, help=docs, no_args_is_help=True, rich_markup_mode=None)
            self.commands[cmd_name] = found
        return found


def _groups() -> list[str]:
    from ledger.domain.acts.catalogue import ACTS

    words = [act.command.split() for act in ACTS.values()]
    return [group for group, *name in words if name]

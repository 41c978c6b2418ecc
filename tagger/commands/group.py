"""How commands fail: an error that a caller can act on is one sentence on standard error, with exit status 1.

And where they are: one that lies elsewhere is imported for who asks for it, so that `tagger serve` begins at once.
"""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

import click

from tagger.errors import TaggerError


class CommandGroup(click.Group):
    """Commands that let such errors pass up to here. elsewhere: by name, the `module:command` of those not imported yet."""

    def __init__(self, *arguments: Any, elsewhere: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), *self._elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None where there is none of this name."""
        if cmd_name not in self._elsewhere:
            return super().get_command(ctx, cmd_name)
        command: click.Command = resolve_name(self._elsewhere[cmd_name])
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that hangs up (`| head`) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (TaggerError, OSError) as error:
            raise click.ClickException(str(error)) from error

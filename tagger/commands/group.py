"""How commands fail: an error that a caller can act on is one sentence on standard error, with exit status 1."""

import click

from tagger.errors import TaggerError


class CommandGroup(click.Group):
    """Commands that let such errors pass up to here."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that hangs up (`| head`) is no error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (TaggerError, OSError) as error:
            raise click.ClickException(str(error)) from error

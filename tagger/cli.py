"""The `tagger` command: thin; each verb reads, calls one function of the layers below, and prints. Knows where they are."""

import os
import sys
from pathlib import Path

import click

from tagger.commands.group import CommandGroup
from tagger.settings import ROOT, Settings, read_one, read_settings, with_value

_VERBS = {
    "tag": "tagger.commands.tag:tag",
    "topics": "tagger.commands.topics:topics",
    "keys": "tagger.commands.keys:keys",
    "drift": "tagger.commands.drift:drift_command",
    "check": "tagger.commands.check:check",
    "releases": "tagger.commands.releases:releases",
    "promote": "tagger.commands.releases:promote_command",
    "rollback": "tagger.commands.releases:rollback_command",
    "verify": "tagger.commands.releases:verify",
    "prune": "tagger.commands.releases:prune_command",
}


@click.group(
    cls=CommandGroup,
    elsewhere=_VERBS,
    epilog="""\b
Examples:
  tagger tag page.txt
  tagger tag page.html
  tagger tag --jsonl archive.jsonl > tags.jsonl
  tagger topics
  tagger check
  tagger serve""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="tagger")
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the releases.  [default: TAGGER_MODELS, or models/ of the checkout]",
)
@click.pass_context
def main(context: click.Context, models: Path | None) -> None:
    """Tag French news pages with topics, and say which words earned each tag."""
    context.obj = models or read_one(os.environ, "models") or Settings().models


@main.command()
@click.pass_obj
def serve(models: Path) -> None:
    """Serve over HTTP with gunicorn, in the foreground.

    PORT (default 8000) and TAGGER_HOST (default 127.0.0.1) say where, WEB_CONCURRENCY how many workers. `tagger check` prints
    these and all other settings, and finds what is wrong with them.
    """
    configuration = ROOT / "gunicorn.conf.py"
    if not configuration.is_file():
        raise click.ClickException(f"{configuration} is missing: run from a checkout, or call gunicorn yourself.")
    environment = with_value(os.environ, "models", str(models))
    # gunicorn reads WEB_CONCURRENCY before our configuration, and would answer one that is no number with a traceback.
    environment = with_value(environment, "workers", str(read_settings(environment).workers))
    os.execve(sys.executable, [sys.executable, "-m", "gunicorn", "-c", str(configuration)], environment)  # noqa: S606


if __name__ == "__main__":
    main()

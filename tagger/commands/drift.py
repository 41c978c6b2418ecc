"""`tagger drift`: what editors and readers send against what was usual when the release was made."""

import os
import sys
from pathlib import Path

import click

from tagger.drift import plot, table
from tagger.promotions import load_champion
from tagger.reviews.store import ReviewStore
from tagger.settings import default_url, read_one
from tagger.watching import measure_drift


@click.command("drift")
@click.option("--reviews", "url", help="The store of answers and reviews.  [default: TAGGER_REVIEWS]")
@click.option("--since", help="Count documents answered from this time on, ISO 8601 with its zone.")
@click.pass_obj
def drift_command(models: Path, url: str | None, since: str | None) -> None:
    """Compare what the champion answered lately with what was usual when it was made: a table and a plot.

    Exit status: 0 stable or too early to tell, 3 something has changed, 1 failed.
    """
    store = ReviewStore(url or read_one(os.environ, "reviews") or default_url(models))
    store.migrate()
    measured = measure_drift(load_champion(models), store, since)
    if measured.silent:
        click.echo(measured.sentence)
        return
    click.echo(table(measured))
    click.echo()
    click.echo(plot(measured, colour=sys.stdout.isatty()))
    sys.exit(3 if any(line.verdict == "changed" for line in measured.lines) else 0)

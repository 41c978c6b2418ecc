"""The `tagger` verbs of ops: which release serves, which others there are, and how to change that."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tagger.errors import TaggerError
from tagger.promotions import Standing, promote, prune, read_log, release_names, rollback, standing
from tagger.registry import load_release

why_option = click.option("--why", required=True, help="The reason, for the promotions log.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print releases and log as JSON.")
@click.option("--log", "with_log", is_flag=True, help="Print the promotions log as well.")
@click.pass_obj
def releases(models: Path, *, as_json: bool, with_log: bool) -> None:
    """List the releases, the newest last: role, texts learnt from, scores on their held-out texts, size."""
    stands = standing(models)
    rows = [_row(models, name, stands) for name in release_names(models)]
    log = [asdict(event) for event in read_log(models)]
    if as_json:
        click.echo(json.dumps({"releases": rows, "log": log}, ensure_ascii=False, indent=1))
        return
    click.echo(f"{'release':27} {'role':11} {'texts':>6} {'macro-F1':>8} {'false tags':>10} {'MB':>5}")
    for row in rows:
        metrics = row["metrics"]
        scores = f"{metrics['macro_f1']:8.3f} {metrics['false_tag_rate']:10.1%}" if metrics else f"{'–':>8} {'–':>10}"
        click.echo(f"{row['release']:27} {row['role']:11} {row['texts']:6} {scores} {row['bytes'] / 1e6:5.1f}")
    if with_log:
        for event in log:
            click.echo(f"{event['time']}  {event['kind']:11} {event['release']}  by {event['by']}: {event['why']}")


def _row(models: Path, name: str, stands: Standing) -> dict[str, Any]:
    roles = {stands.challenger: "challenger", stands.previous: "previous", stands.champion: "champion"}
    try:
        manifest = json.loads((models / name / "manifest.json").read_bytes())
    except (OSError, ValueError):
        manifest = {}
    corpus = manifest.get("corpus", {})
    return {
        "release": name,
        "role": roles.get(name, ""),
        "texts": corpus.get("train", 0) + corpus.get("test", 0),
        "metrics": manifest.get("metrics", {}),
        "bytes": sum(path.stat().st_size for path in (models / name).iterdir()),
    }


@click.command("promote")
@click.argument("name")
@why_option
@click.pass_obj
def promote_command(models: Path, name: str, why: str) -> None:
    """Make the release NAME the champion, once it has been checked. Running services take it up within seconds."""
    done = promote(models, name, why=why)
    click.echo(f"{name} is the champion." if done else f"{name} is the champion already.")


@click.command("rollback")
@why_option
@click.pass_obj
def rollback_command(models: Path, why: str) -> None:
    """Make the previous champion serve again. Running services take it up within seconds."""
    click.echo(f"{rollback(models, why=why)} is the champion.")


@click.command()
@click.argument("names", nargs=-1)
@click.pass_obj
def verify(models: Path, names: tuple[str, ...]) -> None:
    """Check releases as the service does before it answers: every digest, then the golden documents. Default: all."""
    bad = 0
    for name in names or release_names(models):
        try:
            load_release(models, name)
            click.echo(f"{name} is whole and answers as when it was made.")
        except TaggerError as error:
            click.echo(str(error), err=True)
            bad += 1
    sys.exit(1 if bad else 0)


@click.command("prune")
@click.option("--keep", type=click.IntRange(0), required=True, help="How many of the newest releases to keep.")
@click.pass_obj
def prune_command(models: Path, keep: int) -> None:
    """Remove old releases, never the champion, the one before it, or the challenger."""
    removed = prune(models, keep)
    click.echo("\n".join(f"{name} removed." for name in removed) or "Nothing to remove.")

"""`tagger topics`: what the champion knows, and a newsroom's own topics: added with examples, renamed, removed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from tagger.answers.page import topics_object
from tagger.errors import InvalidDocumentError
from tagger.extract.parts import read_record
from tagger.ledger import now
from tagger.promotions import load_champion, user
from tagger.registry import Release
from tagger.reviews.review import PARTS, Review, document_id
from tagger.reviews.store import ReviewStore
from tagger.settings import ROOT, default_url, read_one, with_value
from tagger.topics import Change, TopicError, add_topic, read_changes, remove_topic, rename_topic

# What a topic needs to be learnt at all; with twice as many it is useful.
LEAST_EXAMPLES = 12


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def topics(context: click.Context, *, as_json: bool) -> None:
    """List the topics that the champion knows, and add, rename or remove one."""
    if context.invoked_subcommand is not None:
        return
    models: Path = context.obj
    release = load_champion(models)
    if as_json:
        click.echo(json.dumps(topics_object(release.taxonomy.topics, release), ensure_ascii=False, indent=1))
        return
    learnt = release.manifest.get("topics", {})
    for topic in release.taxonomy.topics:
        click.echo(f"{click.style(f'{topic.id:20}', bold=True)} {topic.label}")
        threshold = f"Tagged from a score of {release.policy.thresholds[topic.id]:.2f}."
        click.echo(f"{'':20} {' '.join(filter(None, [topic.description, threshold, _confidence(learnt.get(topic.id))]))}")
    for change in _waiting(models, release):
        click.echo(f"{click.style(f'{change.topic:20}', bold=True)} {change.label}: {change.kind}, from the next training on")


def _confidence(learnt: dict[str, Any] | None) -> str:
    if not learnt:
        return ""
    low, high = learnt["f1_interval"]
    return f"Learnt from {learnt['texts']} texts: F1 {learnt['f1']:.2f} [{low:.2f}, {high:.2f}] on texts it had not seen."


def _waiting(models: Path, release: Release) -> list[Change]:
    known = set(release.taxonomy.ids)
    return [c for c in read_changes(models) if (c.kind == "added") != (c.topic in known) and c.kind != "renamed"]


@topics.command("add")
@click.argument("slug")
@click.option("--label", required=True, help="What editors read.")
@click.option("--description", default="", help="A sentence: what a text of this topic is about.")
@click.option(
    "--examples",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Texts of the topic, at least 12 and better 20 or more: JSON lines (title?, lead?, body), or a text a line. Without, "
    "reviews must name the topic before a training can learn it.",
)
@click.option("--train/--no-train", default=True, help="Train at once; without, the next training takes it up.")
@click.pass_obj
def add(models: Path, slug: str, label: str, description: str, file: Path | None, *, train: bool) -> None:
    """Add the topic SLUG with example texts, which are kept as reviews, and train a release that knows it."""
    release = load_champion(models)
    reviews = _read_examples(file, slug, release.name) if file else []
    store = ReviewStore(_url(models))
    store.migrate()
    add_topic(models, release.taxonomy, slug, label, description)
    store.add_all(reviews)
    click.echo(f"{slug} is added with {len(reviews)} examples.")
    if train and reviews:
        _train(models, f"topic {slug} added")


@topics.command("rename")
@click.argument("slug")
@click.option("--label", required=True, help="What editors shall read from the next training on.")
@click.option("--train/--no-train", default=True, help="Train at once; without, the next training takes it up.")
@click.pass_obj
def rename(models: Path, slug: str, label: str, *, train: bool) -> None:
    """Give the topic SLUG another label. Its id and its history stay."""
    rename_topic(models, load_champion(models).taxonomy, slug, label)
    click.echo(f"{slug} is called {label!r} from the next training on.")
    if train:
        _train(models, f"topic {slug} renamed")


@topics.command("remove")
@click.argument("slug")
@click.option("--train/--no-train", default=True, help="Train at once; without, the next training takes it up.")
@click.pass_obj
def remove(models: Path, slug: str, *, train: bool) -> None:
    """Remove the topic SLUG from those of the next release. What editors said of it is kept."""
    remove_topic(models, load_champion(models).taxonomy, slug)
    click.echo(f"{slug} is removed from the next training on.")
    if train:
        _train(models, f"topic {slug} removed")


def _read_examples(file: Path, slug: str, release: str) -> list[Review]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    reviews = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line) if file.suffix in {".json", ".jsonl"} else {"body": line}
            record.setdefault("body", record.pop("text", ""))
            parts = {key: record[key] for key in PARTS if record.get(key)}
            read_record(json.dumps(parts))
        except (ValueError, AttributeError, InvalidDocumentError) as error:
            raise TopicError(f"{file}, line {number}: {error}") from error
        identity = document_id(parts)
        reviews[identity] = Review(f"{slug}-{identity[:32]}", parts, release, (), (), (slug,), user(), now())
    if len(reviews) < LEAST_EXAMPLES:
        raise TopicError(f"{file} holds {len(reviews)} different texts: a topic needs {LEAST_EXAMPLES}, and better 20 or more.")
    return list(reviews.values())


def _train(models: Path, why: str) -> None:
    command = [sys.executable, "-m", "training", "run", "--models", str(models), "--why", why]
    # Not as an argument: every user of the machine may read those, and the URL may hold a password.
    environment = with_value(os.environ, "reviews", _url(models))
    sys.exit(subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode)  # noqa: S603 - our own trainer with fixed arguments


def _url(models: Path) -> str:
    return read_one(os.environ, "reviews") or default_url(models)

"""`python -m training.speed all`: measure how fast the tagger is, beside what it is compared with, and write a page."""

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from tagger.commands.group import CommandGroup
from tagger.promotions import load_champion
from tagger.registry import Release
from training.__main__ import ROOT, TAXONOMY, concept_files, shipped_corpus
from training.corpus import Example, read_examples
from training.release import split
from training.speed.archive import archive
from training.speed.fitting import SIZES, Sources, fitting
from training.speed.page import Section, write
from training.speed.profile import profile, repeat
from training.speed.service import in_process, service
from training.speed.tagging import tagging
from training.speed.vocabulary import vocabulary

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Measured:
    """What is measured with which texts, and where the sections go."""

    models: Path
    corpus: tuple[Path, ...]
    taxonomy: Path
    report: Path
    documents: int
    rounds: int

    @cached_property
    def release(self) -> Release:
        """The champion."""
        return load_champion(self.models)

    @cached_property
    def texts(self) -> tuple[list[Example], list[Example]]:
        """The texts to learn from and the held-out ones; of a small corpus, which has none, the same texts twice."""
        train, test = split(read_examples(self.corpus, self.release.taxonomy))
        return train, test or train

    def keep(self, section: Section) -> None:
        """Print a section, and write it."""
        click.echo(section.markdown)
        click.echo(f"The page with the pictures: {write(section, self.report)}", err=True)


@click.group(cls=CommandGroup, context_settings={"max_content_width": 110})
@click.option("--models", type=_PATH, default=ROOT / "models", help="Folder of the releases; the champion is measured.")
@click.option("--corpus", multiple=True, type=_PATH, help="Labelled JSON lines.  [default: training/corpus/*.jsonl]")
@click.option("--taxonomy", type=_PATH, default=TAXONOMY, help="The topics of the corpus, as JSON.")
@click.option("--report", type=_PATH, default=ROOT / ".reports/speed", help="Folder for speed.md, speed.html and the pictures.")
@click.option("--documents", default=400, show_default=True, help="How many articles of about 5 kB.")
@click.option("--rounds", default=15, show_default=True, help="How often each is timed; the best counts.")
@click.pass_context
def main(context: click.Context, /, *, corpus: tuple[Path, ...], **options: Any) -> None:
    """Measure how fast the tagger is: each part alone, or all of them.

    Each part prints its tables and writes its section, and a page of all sections measured so far, into the report's folder.
    """
    context.obj = Measured(corpus=corpus or tuple(shipped_corpus()), **options)


@main.command("tagging")
@click.option("--buckets", default=2_000_000, show_default=True, help="Rows that fastText has for 2-grams.")
@click.pass_obj
def tagging_command(measured: Measured, buckets: int) -> None:
    """Milliseconds a document beside scikit-learn, fastText and the limit, with quality."""
    train, test = measured.texts
    measured.keep(
        tagging(
            measured.release,
            measured.models,
            train,
            test,
            documents=measured.documents,
            rounds=measured.rounds,
            buckets=buckets,
        )
    )


@main.command("vocabulary")
@click.pass_obj
def vocabulary_command(measured: Measured) -> None:
    """Quality and speed with fewer and fewer terms."""
    train, test = measured.texts
    measured.keep(vocabulary(measured.release, train, test, documents=measured.documents, rounds=measured.rounds))


@main.command("training")
@click.option(
    "--size", "sizes", multiple=True, type=int, default=SIZES, show_default=True, help="How many texts to learn from."
)
@click.pass_obj
def training_command(measured: Measured, sizes: tuple[int, ...]) -> None:
    """Time and memory of counting and fitting ever more texts; a million take two minutes and 2 GiB."""
    names = tuple(concept_files(measured.taxonomy))
    measured.keep(fitting(Sources(measured.corpus, measured.taxonomy, names), sizes))


@main.command("archive")
@click.option("--texts", default=1_000_000, show_default=True, help="How many short texts.")
@click.argument("options", nargs=-1)
@click.pass_obj
def archive_command(measured: Measured, texts: int, options: tuple[str, ...]) -> None:
    """An archive through `tagger tag --jsonl`, with its memory over time; OPTIONS after `--` go to that command."""
    measured.keep(archive(measured.texts[0], measured.models, documents=texts, options=options))


@main.command("profile")
@click.option("--perf/--no-perf", default=True, help="Count cache misses, where `perf` is installed and may.")
@click.pass_obj
def profile_command(measured: Measured, *, perf: bool) -> None:
    """Where the time of one article goes in the service, without HTTP, and what its bytes cost at the least."""
    measured.keep(
        profile(
            measured.release,
            measured.models,
            measured.texts[0],
            documents=measured.documents,
            rounds=measured.rounds,
            misses=perf,
        )
    )


@main.command("service")
@click.option("--seconds", default=3.0, show_default=True, help="How long a round is.")
@click.option("--turns", default=5, show_default=True, help="How many rounds each side has.")
@click.option("--connections", default=8, show_default=True, help="How many the client holds.")
@click.option("--functions", metavar="ORDER", help="Only print where our app's time goes, by tottime or cumtime.")
@click.pass_obj
def service_command(measured: Measured, seconds: float, turns: int, connections: int, functions: str | None) -> None:
    """The HTTP service beside a bare Flask app under the same gunicorn: requests a second, latency, start, memory."""
    if functions:
        click.echo(str(in_process(order=functions)))
    else:
        measured.keep(service(seconds=seconds, rounds=turns, connections=connections))


@main.command("repeat", hidden=True)
@click.argument("rounds", type=int)
@click.pass_obj
def repeat_command(measured: Measured, rounds: int) -> None:
    """Tag the articles again and again, for `perf`."""
    repeat(measured.release, measured.texts[0], rounds)


@main.command("all")
@click.pass_context
def all_command(context: click.Context) -> None:
    """Measure everything, one after another: about twenty minutes."""
    for part in (tagging_command, vocabulary_command, profile_command, archive_command, training_command, service_command):
        context.invoke(part)


if __name__ == "__main__":
    sys.exit(main())

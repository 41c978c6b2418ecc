"""`python -m training run` makes and promotes a release; `evaluate`, `check` and `ablate` measure releases and the corpus."""

import os
import signal
import sys
from contextlib import closing
from pathlib import Path

import click
from threadpoolctl import threadpool_limits

from tagger.commands.group import CommandGroup
from tagger.gazetteer import read_gazetteer
from tagger.promotions import BusyError, champion_name, load_champion
from tagger.registry import load_release
from tagger.reviews.store import ReviewStore
from tagger.settings import read_one
from tagger.taxonomy import read_taxonomy
from tagger.topics import read_changes
from training.ablate import VARIANTS, ablate, table
from training.baselines import read_keywords
from training.benchmark import benchmark
from training.check import problems, statistics_of
from training.corpus import CorpusError, read_examples
from training.evaluate import ask, measure
from training.floors import reached, read_floors, write_floors
from training.release import others, progress, split
from training.report import evaluated
from training.retrain import gather, read_syllabus, retrain, with_reviews

ROOT = Path(__file__).resolve().parent.parent
TAXONOMY = ROOT / "training/taxonomy.json"
LEXICON = ROOT / "training/lexicon.tsv"
# Exit codes, told apart from 1 (failed) and 2 (wrong usage).
REFUSED, BUSY = 3, 4
_PATH = click.Path(path_type=Path)

corpus_option = click.option(
    "--corpus",
    multiple=True,
    type=_PATH,
    help="Labelled JSON lines; may be given several times. Default: training/corpus/*.jsonl.",
)
models_option = click.option("--models", type=_PATH, default=ROOT / "models", help="Folder of the releases.")
keywords_option = click.option(
    "--keywords",
    type=_PATH,
    default=ROOT / "training/keywords.tsv",
    help="The keyword list to compare with, `topic<TAB>expression` a line; used if it has every topic.",
)


def shipped_corpus() -> list[Path]:
    """Return the files of the corpus in the repository."""
    return sorted((ROOT / "training/corpus").glob("*.jsonl"))


def concept_files(taxonomy_path: Path) -> list[Path]:
    """Return the lexicon of French themes, and the gazetteer beside the taxonomy, if there is one."""
    return [path for path in (LEXICON, taxonomy_path.parent / "gazetteer.tsv") if path.is_file()]


class Busy(click.ClickException):
    """Another training is running."""

    exit_code = BUSY


class Group(CommandGroup):
    """Commands that tell a training that must wait from one that failed."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if isinstance(error.__cause__, BusyError):
                raise Busy(error.message) from error
            raise


@click.group(cls=Group)
def main() -> None:
    """Train and measure releases of the topic tagger."""


@main.command("run")
@corpus_option
@click.option("--taxonomy", "taxonomy_path", type=_PATH, default=TAXONOMY, help="The topics, as JSON.")
@click.option(
    "--gazetteer",
    "names",
    multiple=True,
    type=_PATH,
    help="Names that count as concepts, `concept<TAB>name` a line; may be given several times. Default: the lexicon of French "
    "themes, training/lexicon.tsv, and gazetteer.tsv beside the taxonomy, if it is there.",
)
@models_option
@keywords_option
@click.option("--reviews", "url", help="The store of editors' reviews to learn from.  [default: TAGGER_REVIEWS, if it is set]")
@click.option("--since", help="Leave out reviews before this date, ISO 8601.")
@click.option("--dry-run", is_flag=True, help="Train and judge, but write and promote nothing.")
@click.option("--utc", default="20261121T000000Z", help="Date of the newest text, YYYYMMDDTHHMMSSZ; part of the name.")
@click.option("--why", default="trained", help="The reason, for the promotions log.")
def run(  # noqa: PLR0913, PLR0917 - an argument for each option
    corpus: tuple[Path, ...],
    taxonomy_path: Path,
    names: tuple[Path, ...],
    models: Path,
    keywords: Path,
    url: str | None,
    since: str | None,
    utc: str,
    why: str,
    *,
    dry_run: bool,
) -> None:
    """Fit, calibrate and evaluate on labelled texts and reviews, write a release, and promote it if the gate lets it pass.

    The gate: floors.json and golden.jsonl beside the taxonomy, and the champion on the same held-out texts. Topics that were
    added, removed or renamed with `tagger topics` count. The same texts and the same lock file give the same release, byte for
    byte. Exit status: 0 promoted (or passed, in a dry run), 3 refused by the gate, 4 another training is running, 1 failed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    syllabus = read_syllabus(taxonomy_path, read_changes(models), names or concept_files(taxonomy_path), keywords)
    sources = gather(list(corpus) or shipped_corpus(), syllabus)
    url = url or read_one(os.environ, "reviews")
    if url:
        with closing(ReviewStore(url)) as store:
            store.migrate()
            sources = with_reviews(sources, store, syllabus.taxonomy, since)
        click.echo(f"{sources.reviewed} reviewed documents to learn from", err=True)
        for conflict in sources.conflicts:
            click.echo(f"reviews contradict each other: {conflict}", err=True)
    # Two threads share sums of a few thousand numbers at ten times the cost of adding them.
    with threadpool_limits(1):
        outcome = retrain(sources, syllabus, models=models, utc=utc, why=why, dry_run=dry_run)
    click.echo(outcome.report.markdown)
    if outcome.verdict is None:
        click.echo("Too few texts to hold some out: the release is not compared with the one before it.")
    else:
        click.echo(outcome.verdict.markdown())
    if dry_run:
        click.echo(f"Dry run: {outcome.name} is not written.")
    elif outcome.champion:
        click.echo(f"The champion is {outcome.name}; its card and pictures are in {models / outcome.name}")
    if outcome.verdict and not outcome.verdict.promoted:
        sys.exit(REFUSED)


@main.command("evaluate")
@click.option("--gold", type=_PATH, help="Labelled JSON lines. Default: the held-out split of the corpus.")
@corpus_option
@models_option
@keywords_option
@click.option("--release", "name", help="A release of that folder. Default: the champion.")
@click.option("--report", "page", type=_PATH, default=ROOT / ".reports/evaluation.html", help="Where to write the page.")
def evaluate_command(
    gold: Path | None, corpus: tuple[Path, ...], models: Path, keywords: Path, name: str | None, page: Path
) -> None:
    """Score a release on labelled texts beside two baselines: print the tables, write a page with pictures.

    A line of the texts is `topics, title?, lead?, body?` (`text` is taken for `body`). The baseline classifier learns from
    the corpus, which must be about the release's topics.
    """
    release = load_release(models, name or champion_name(models))
    train, test = split(read_examples(list(corpus) or shipped_corpus(), release.taxonomy))
    examples = read_examples([gold], release.taxonomy) if gold else test
    if not examples:
        raise CorpusError("The corpus is small and has no held-out split: give labelled texts with --gold.")
    baselines = others(train, examples, release.taxonomy, read_keywords(keywords))
    report = evaluated(release, list(progress(examples, "evaluating")), baselines)
    title = f"Release {release.name} on {gold.name if gold else 'its held-out split'}"
    click.echo(f"# {title}\n\n{report.markdown}")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(report.html(title), encoding="utf-8")
    click.echo(f"The page with the pictures: {page}")


@main.command("check")
@corpus_option
@click.option("--taxonomy", "taxonomy_path", type=_PATH, default=TAXONOMY, help="The topics, as JSON.")
def check_command(corpus: tuple[Path, ...], taxonomy_path: Path) -> None:
    """Print what labelled texts hold, and refuse copies, templates, unknown topics and leaks (exit code 1)."""
    paths = list(corpus) or shipped_corpus()
    taxonomy = read_taxonomy(taxonomy_path.read_text(encoding="utf-8"))
    click.echo(statistics_of(read_examples(paths, taxonomy), taxonomy))
    found = problems(paths, taxonomy)
    for sentence in found:
        click.echo(sentence, err=True)
    if found:
        raise CorpusError(f"{len(found)} problems in {len(paths)} files.")
    click.echo("No copies, no leaks between the splits, no templates.")


@main.command("floors")
@models_option
@click.option("--lower", is_flag=True, help="Allow floors to ask less than they do; commit it on its own, with the reason.")
def floors_command(models: Path, *, lower: bool) -> None:
    """Set the floors of the gate to what the champion reaches for certain: the worse ends of its intervals, held-out texts."""
    release = load_champion(models)
    _, test = split(read_examples(shipped_corpus(), release.taxonomy))
    result = measure(test, ask(release, list(progress(test, "evaluating"))), release)
    path = TAXONOMY.parent / "floors.json"
    write_floors(path, reached(result, read_floors(path)), lower=lower)
    click.echo(path.read_text(encoding="utf-8"))


@main.command("ablate")
@click.option("--gold", type=_PATH, help="Labelled JSON lines to measure on as well; those noted borderline are left out.")
@corpus_option
def ablate_command(gold: Path | None, corpus: tuple[Path, ...]) -> None:
    """Change one choice at a time and print what it costs, as a table: how training/ablation.md was made."""
    taxonomy = read_taxonomy(TAXONOMY.read_text(encoding="utf-8"))
    names = read_gazetteer("".join(path.read_text(encoding="utf-8") for path in concept_files(TAXONOMY)))
    train, _ = split(read_examples(list(corpus) or shipped_corpus(), taxonomy))
    real = [example for example in read_examples([gold], taxonomy) if not example.borderline] if gold else []
    rows = [ablate(variant, train, real, taxonomy, names) for variant in progress(VARIANTS, "ablation")]
    click.echo(table(rows))


@main.command("benchmark")
@click.argument("folders", nargs=-1, required=True, type=_PATH)
def benchmark_command(folders: tuple[Path, ...]) -> None:
    """Train and score on public data with one topic a text: folders that hold train*.tsv and dev.tsv."""
    lexicon = read_gazetteer(LEXICON.read_text(encoding="utf-8"))
    scores = [benchmark(folder, lexicon) for folder in folders]
    click.echo("| data | texts to learn from | texts scored | accuracy |\n|---|---:|---:|---:|")
    for score in scores:
        click.echo(f"| {score.name} | {score.train} | {score.dev} | {score.accuracy:.3f} |")


if __name__ == "__main__":
    sys.exit(main())

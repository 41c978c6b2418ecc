"""`python -m training run` makes and promotes a release; `python -m training evaluate` scores one on labelled texts."""

import io
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import joblib

from tagger.errors import TaggerError
from tagger.gazetteer import Gazetteer, read_gazetteer
from tagger.registry import Release, load_release, promote, save_release
from tagger.taxonomy import Taxonomy, read_taxonomy
from training import calibrate
from training.corpus import CorpusError, Example, corpus_digest, read_examples
from training.evaluate import evaluate, report
from training.fit import fit, topic_matrix, topic_model

ROOT = Path(__file__).resolve().parent.parent
GOLDEN_PER_TOPIC = 4
# A topic with fewer training texts than this cannot be calibrated out of fold.
LEAST_EXAMPLES = 10


@click.group()
def main() -> None:
    """Train and measure releases of the topic tagger."""


@main.command("run")
@click.option(
    "--corpus",
    "corpus",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Labelled JSON lines; may be given several times. Default: training/corpus/*.jsonl.",
)
@click.option("--taxonomy", "taxonomy_path", type=click.Path(path_type=Path), default=ROOT / "training/taxonomy.json")
@click.option(
    "--gazetteer",
    "gazetteer_path",
    type=click.Path(path_type=Path),
    default=ROOT / "training/gazetteer.tsv",
    help="Names that count as concepts, `concept<TAB>name` a line.",
)
@click.option("--models", type=click.Path(path_type=Path), default=ROOT / "models", help="Folder of the releases.")
@click.option("--utc", default="20261121T000000Z", help="Date of the newest text, YYYYMMDDTHHMMSSZ; part of the name.")
def run(corpus: tuple[Path, ...], taxonomy_path: Path, gazetteer_path: Path, models: Path, utc: str) -> None:
    """Fit, calibrate and evaluate on labelled texts, write a release and make it the current one.

    The same texts and the same lock file give the same release, byte for byte.
    """
    paths = list(corpus) or sorted((ROOT / "training/corpus").glob("*.jsonl"))
    try:
        taxonomy = read_taxonomy(taxonomy_path.read_text(encoding="utf-8"))
        gazetteer = read_gazetteer(gazetteer_path.read_text(encoding="utf-8"))
        examples = read_examples(paths, taxonomy)
        name = make_release(examples, taxonomy, gazetteer, models=models, utc=utc, digest=corpus_digest(paths))
        promote(models, name)
    except (TaggerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"models/current is {name}")


def make_release(
    examples: list[Example], taxonomy: Taxonomy, gazetteer: Gazetteer, *, models: Path, utc: str, digest: str
) -> str:
    """Fit on the train split, calibrate out of fold, evaluate on the test split, save; return the release's name."""
    train = [example for example in examples if example.split == "train"]
    test = [example for example in examples if example.split == "test"]
    _require_enough(train, taxonomy)
    gold = topic_matrix(train, taxonomy)
    _progress(f"{len(train)} texts to learn from, {len(test)} held out")
    texts = calibrate.prepared(train, gazetteer)
    values, log_lengths = calibrate.out_of_fold(texts, gold, _progress), calibrate.lengths(texts)
    factors = calibrate.calibration(values, log_lengths, gold)
    policy = calibrate.policy(calibrate.calibrated(values, log_lengths, factors), gold, taxonomy)
    _progress("fitting on all folds")
    pipeline = fit(train, taxonomy, gazetteer)
    release = Release("unsaved", topic_model(pipeline, factors, gazetteer), policy, taxonomy, {})
    evaluation = evaluate(release, test)
    table = report(evaluation, release)
    click.echo(table)
    facts: dict[str, Any] = {
        "taxonomy": taxonomy.version,
        "corpus": {"sha256": digest, "train": len(train), "test": len(test)},
        "seed": calibrate.SEED,
        # What reading pipeline.joblib depends on. NumPy is left out: its version differs by Python in the lock file, and the
        # release is otherwise the same bytes with each (2.4 on Python 3.11, 2.5 on 3.13).
        "versions": {package: version(package) for package in ("scikit-learn", "joblib")},
        "metrics": {
            "macro_f1": round(evaluation.macro_f1, 4),
            "false_tag_rate": round(evaluation.false_tag_rate, 4),
            "f1": {topic: round(result.f1, 4) for topic, result in evaluation.topics.items()},
        },
    }
    pickled = io.BytesIO()
    joblib.dump(pipeline, pickled)
    card = _card(train, taxonomy, table, digest)
    other_files = {"pipeline.joblib": pickled.getvalue(), "card.md": card.encode()}
    release = replace(release, manifest=facts)
    return save_release(
        models,
        release.model,
        policy,
        taxonomy,
        golden=_golden(test, taxonomy),
        facts=facts,
        other_files=other_files,
        utc=utc,
    )


def _require_enough(train: Sequence[Example], taxonomy: Taxonomy) -> None:
    counts = Counter(topic for example in train for topic in example.topics)
    if lacking := [topic for topic in taxonomy.ids if counts[topic] < LEAST_EXAMPLES]:
        raise CorpusError(
            f"Too few texts to learn {', '.join(lacking)}: each topic needs {LEAST_EXAMPLES} in the train split, "
            f"which holds about five sixths of the corpus."
        )
    if all(example.topics for example in train):
        raise CorpusError("Every text has a topic: add texts about other things, or the tagger will tag everything.")


def _golden(test: Sequence[Example], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Choose held-out texts to replay: the first few of each topic, and of those without."""
    groups = [[e for e in test if topic in e.topics] for topic in taxonomy.ids] + [[e for e in test if not e.topics]]
    chosen = {example.id: example.record for group in groups for example in group[:GOLDEN_PER_TOPIC]}
    return list(chosen.values())


def _card(train: Sequence[Example], taxonomy: Taxonomy, table: str, digest: str) -> str:
    counts = Counter(topic for example in train for topic in example.topics)
    learnt = "\n".join(f"- {topic.label} (`{topic.id}`): {counts[topic.id]} texts" for topic in taxonomy.topics)
    untagged = sum(not example.topics for example in train)
    return (
        "# Model card\n\nTF-IDF over words, pairs and the concepts that names stand for; one logistic regression per topic, "
        "calibrated out of fold.\n\n"
        f"## Learnt from {len(train)} texts\n\n{learnt}\n- no topic: {untagged} texts\n\nCorpus digest: `{digest}`.\n\n"
        f"## On the held-out test split\n\n{table}\n\n"
        "Threshold: the lowest, in hundredths from "
        f"{calibrate.LOWEST_THRESHOLD:.2f}, at which {calibrate.TARGET_PRECISION:.0%} of all tags are right out of fold.\n"
    )


def _progress(message: str) -> None:
    click.echo(f"training: {message}", err=True)


@main.command("evaluate")
@click.option("--gold", type=click.Path(path_type=Path), help="Labelled JSON lines. Default: the corpus's test split.")
@click.option("--models", type=click.Path(path_type=Path), default=ROOT / "models", help="Folder of the releases.")
@click.option("--release", "name", help="A release of that folder. Default: the current one.")
def evaluate_command(gold: Path | None, models: Path, name: str | None) -> None:
    """Score a release on labelled texts: `id, topics, title?, lead?, body?` a line (`text` is taken for `body`)."""
    try:
        release = load_release(models, name)
        if gold is not None:
            examples = read_examples([gold], release.taxonomy)
        else:
            paths = sorted((ROOT / "training/corpus").glob("*.jsonl"))
            examples = [e for e in read_examples(paths, release.taxonomy) if e.split == "test"]
    except TaggerError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Release {release.name} on {len(examples)} texts\n")
    click.echo(report(evaluate(release, examples), release))


if __name__ == "__main__":
    sys.exit(main())

"""Examples -> a release: fit, calibrate out of fold, evaluate on texts that were held out, write a card, save."""

import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import click
import joblib
import numpy as np

from tagger.drift import Observation, reference, write_reference
from tagger.gazetteer import Gazetteer
from tagger.registry import Release, save_release
from tagger.tags import tag_document
from tagger.taxonomy import Taxonomy
from training import calibrate
from training.baselines import Keywords, by_default_classifier, by_keywords
from training.corpus import CorpusError, Example
from training.evaluate import Answers, TopicResult, calibration_error, measure, reliability
from training.fit import SMALL_CORPUS, fit, prepared, topic_matrix, topic_model
from training.report import Report, evaluated, make_report

GOLDEN_PER_TOPIC = 4
_GOLDEN_PARTS = ("id", "title", "lead", "body", "rubric")
# A topic with fewer training texts than this cannot be calibrated out of fold.
LEAST_EXAMPLES = 10

T = TypeVar("T")


def progress(items: Iterable[T], label: str) -> Iterator[T]:
    """Yield items, drawing a bar on the terminal's stderr; elsewhere the label alone."""
    with click.progressbar(items, label=f"{label:24}", file=sys.stderr) as bar:
        yield from bar


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return the texts to learn from and those held out: none of a small corpus, which is evaluated out of fold instead."""
    if len(examples) < SMALL_CORPUS:
        return list(examples), []
    return [e for e in examples if e.split == "train"], [e for e in examples if e.split == "test"]


def make_release(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    gazetteer: Gazetteer,
    *,
    models: Path,
    utc: str,
    digest: str,
    keywords: Keywords | None = None,
) -> tuple[str, Report]:
    """Make a release and save it; return its name and its evaluation.

    digest: of the corpus, for the manifest. keywords: of the baseline to show beside it.

    Raises:
        CorpusError: a topic has too few texts, or none is about anything else.
    """
    train, test = split(examples)
    _require_enough(train, taxonomy)
    gold = topic_matrix(train, taxonomy)
    texts = prepared(progress(train, "reading texts"), gazetteer)
    values = calibrate.out_of_fold(texts, gold, progress(range(calibrate.FOLDS), "fitting out of fold"))
    log_lengths = calibrate.lengths(texts)
    factors = calibrate.calibration(values, log_lengths, gold)
    scores = calibrate.calibrated(values, log_lengths, factors)
    policy = calibrate.policy(scores, gold, taxonomy)
    pipeline = fit(texts, gold)
    release = Release("unsaved", topic_model(pipeline, factors, gazetteer), policy, taxonomy, {})

    unseen = Answers("this release, out of fold", np.zeros(gold.shape, dtype=bool), scores)
    for row, text_scores in enumerate(scores.tolist()):
        unseen.tags[row, policy.chosen(text_scores, taxonomy)] = True
    report = (
        evaluated(release, list(progress(test, "evaluating")), others(train, test, taxonomy, keywords))
        if test
        else make_report(release, train, unseen, [])
    )
    facts: dict[str, Any] = {
        "taxonomy": taxonomy.version,
        "corpus": {"sha256": digest, "train": len(train), "test": len(test)},
        "seed": calibrate.SEED,
        # What reading pipeline.joblib depends on. NumPy is left out: its version differs by Python in the lock file, and the
        # release is otherwise the same bytes with each (2.4 on Python 3.11, 2.5 on 3.13).
        "versions": {package: version(package) for package in ("scikit-learn", "joblib")},
        # Of texts it has not seen; they are ours, harder than a day's news, so that the first weeks will show a difference.
        "reference": json.loads(write_reference(reference(_observations(release, test)))) if test else None,
        "topics": {topic: _confidence(result) for topic, result in measure(train, unseen, release).topics.items()},
        "metrics": {
            "macro_f1": round(report.result.macro_f1.value, 4),
            "false_tag_rate": round(report.result.false_tag_rate.value, 4),
            "f1": {topic: round(result.f1.value, 4) for topic, result in report.result.topics.items()},
        },
    }
    pickled = io.BytesIO()
    joblib.dump(pipeline, pickled)
    card = _card(train, unseen, release, report, digest)
    name = save_release(
        models,
        release.model,
        policy,
        taxonomy,
        golden=_golden(test or train, taxonomy),
        facts=facts,
        other_files={
            "pipeline.joblib": pickled.getvalue(),
            "card.md": card.encode(),
            **{picture: svg.encode() for picture, svg in report.pictures.items()},
        },
        utc=utc,
    )
    return name, report


def _observations(release: Release, examples: Sequence[Example]) -> list[Observation]:
    answered = [tag_document(e.document, release.model, release.taxonomy, release.policy) for e in examples]
    return [
        Observation(
            dict(zip(release.taxonomy.ids, tagged.scores, strict=True)) if tagged.scores else {},
            tuple(tag.topic.id for tag in tagged.tags),
            tagged.abstained,
            tagged.unknown_share,
        )
        for tagged in answered
    ]


def _confidence(result: TopicResult) -> dict[str, Any]:
    """Return what is known of a topic from texts it was not fitted on: few texts show in a wide interval."""
    interval = [round(result.f1.low, 3), round(result.f1.high, 3)]
    return {"texts": result.texts, "f1": round(result.f1.value, 3), "f1_interval": interval}


def others(
    train: Sequence[Example], examples: Sequence[Example], taxonomy: Taxonomy, keywords: Keywords | None
) -> list[Answers]:
    """Return what the baselines answer to examples: the keyword list, if there is one for these topics, and the defaults."""
    listed = [by_keywords(examples, taxonomy, keywords)] if keywords and set(keywords) >= set(taxonomy.ids) else []
    return [*listed, by_default_classifier(train, examples, taxonomy)]


def _require_enough(train: Sequence[Example], taxonomy: Taxonomy) -> None:
    counts = Counter(topic for example in train for topic in example.topics)
    if lacking := [topic for topic in taxonomy.ids if counts[topic] < LEAST_EXAMPLES]:
        raise CorpusError(
            f"Too few texts to learn {', '.join(lacking)}: each topic needs {LEAST_EXAMPLES} to learn from "
            f"(of {SMALL_CORPUS:,} texts and more, about a sixth is held out)."
        )
    if full := [topic for topic in taxonomy.ids if counts[topic] > len(train) - LEAST_EXAMPLES]:
        raise CorpusError(
            f"Nearly every text is about {', '.join(full)}: add at least {LEAST_EXAMPLES} texts about other things, "
            "or there is nothing to tell the topic from."
        )


def _golden(examples: Sequence[Example], taxonomy: Taxonomy) -> list[dict[str, Any]]:
    """Choose texts to replay: the first few of each topic, and of those without."""
    groups = [[e for e in examples if topic in e.topics] for topic in taxonomy.ids] + [[e for e in examples if not e.topics]]
    chosen = {example.id: example for group in groups for example in group[:GOLDEN_PER_TOPIC]}
    return [{key: value for key, value in e.record.items() if key in _GOLDEN_PARTS} for e in chosen.values()]


def _card(train: Sequence[Example], unseen: Answers, release: Release, report: Report, digest: str) -> str:
    heading = "Out of fold, text by text" if report.result.texts == len(train) else "On the held-out test split"
    taxonomy = release.taxonomy
    counts = Counter(topic for example in train for topic in example.topics)
    learnt = "\n".join(f"- {topic.label} (`{topic.id}`): {counts[topic.id]} texts" for topic in taxonomy.topics)
    result = measure(train, unseen, release)
    ece = calibration_error(reliability(unseen.scores, topic_matrix(train, taxonomy).astype(bool)))
    threshold = (
        "Every text has exactly one topic, so each text gets its best one."
        if release.policy.exclusive
        else f"Threshold: the lowest, in hundredths from {calibrate.LOWEST_THRESHOLD:.2f}, at which, out of fold, "
        f"{calibrate.TARGET_PRECISION:.0%} of all tags are right and at most {calibrate.HIGHEST_FALSE_TAG_RATE:.0%} of the "
        "texts without topic get one."
    )
    return (
        "# Model card\n\nTF-IDF over words and the concepts that names stand for, one logistic regression per topic, "
        "calibrated out of fold.\n\n"
        f"## Learnt from {len(train)} texts\n\n{learnt}\n- no topic: {sum(not e.topics for e in train)} texts\n\n"
        f"Corpus digest: `{digest}`. {threshold}\n\n"
        f"Out of fold on these texts: macro-F1 {result.macro_f1.value:.3f}, "
        f"{result.falsely_tagged} of {result.without_topic} no-topic texts tagged, ECE {ece:.3f}.\n\n"
        f"## {heading}\n\n{report.markdown}"
    )

"""Labelled examples and what a system answered -> how right it is. Tags come from the function that the service calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tagger.documents import Document, joined
from tagger.encoded import Floats
from tagger.registry import Release
from tagger.tags import tag_document
from tagger.text import words
from training.corpus import Example
from training.fit import topic_matrix

Bools = NDArray[np.bool_]
Form = Literal["headline", "snippet", "article"]
FORMS: tuple[Form, ...] = ("headline", "snippet", "article")
# A text with more than a title is a snippet up to this many words: cards, posts and passages; nearly all articles are longer.
LONGEST_SNIPPET = 120
RESAMPLES = 1000
SEED = 20260101
RELIABILITY_BINS = 10


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured share and its 95 % bootstrap interval: what other texts of the same kind could have given."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TopicResult:
    """One topic: how many texts are about it, and how right the tags were. 1 where there was nothing to get wrong."""

    texts: int
    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True, slots=True)
class Result:
    """Results by topic id; macro-F1 over the topics with texts; the share of texts without topic that got a tag."""

    texts: int
    topics: dict[str, TopicResult]
    macro_f1: Interval
    without_topic: int
    falsely_tagged: int
    false_tag_rate: Interval
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a system says of examples: `tags` and `scores`, shape (n_examples, n_topics); scores in [0, 1]."""

    system: str
    tags: Bools
    scores: Floats


def ask(release: Release, examples: Sequence[Example], system: str = "this release") -> Answers:
    """Tag every example as the service does. An abstained text scores 0 for every topic."""
    ids = release.taxonomy.ids
    tags, scores = np.zeros((len(examples), len(ids)), dtype=bool), np.zeros((len(examples), len(ids)))
    for row, example in enumerate(examples):
        tagged = tag_document(example.document, release.model, release.taxonomy, release.policy)
        if tagged.scores:
            scores[row] = tagged.scores
        for tag in tagged.tags:
            tags[row, ids.index(tag.topic.id)] = True
    return Answers(system, tags, scores)


def measure(examples: Sequence[Example], answers: Answers, release: Release) -> Result:
    """Compare answers with the gold topics; intervals from 1,000 resamples of the texts, the same in every run."""
    gold = topic_matrix(examples, release.taxonomy).astype(bool)
    tags, untagged = answers.tags, ~gold.any(axis=1)
    weights = resamples(len(examples))
    right, found, asked = (weights @ cells.astype(float) for cells in (gold & tags, tags, gold))
    precision, recall, f1 = _share(right, found), _share(right, asked), resampled_f1(weights, gold, tags)
    with_texts = gold.any(axis=0)
    macro = f1[:, with_texts].mean(axis=1) if with_texts.any() else np.ones(len(f1))
    falsely = tags.any(axis=1) & untagged
    rate = 1.0 - _share(weights @ (untagged & ~falsely).astype(float), weights @ untagged.astype(float))
    single = bool((gold.sum(axis=1) == 1).all())
    return Result(
        texts=len(examples),
        topics={
            topic: TopicResult(int(gold[:, k].sum()), interval(precision[:, k]), interval(recall[:, k]), interval(f1[:, k]))
            for k, topic in enumerate(release.taxonomy.ids)
        },
        macro_f1=interval(macro),
        without_topic=int(untagged.sum()),
        falsely_tagged=int(falsely.sum()),
        false_tag_rate=interval(rate),
        accuracy=float(gold[np.arange(len(gold)), answers.scores.argmax(axis=1)].mean()) if single else None,
    )


def resampled_f1(weights: Floats, gold: Bools, tags: Bools) -> Floats:
    """Return F1 in each of `resamples`, 1 where there was nothing to get wrong: one value a topic, or one for (n_texts,)."""
    right, found, asked = (weights @ cells.astype(float) for cells in (gold & tags, tags, gold))
    return _share(2 * right, found + asked)


def resamples(n: int) -> Floats:
    """Return how often each of n texts counts, shape (1 + RESAMPLES, n); the first row is the texts as they are."""
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return np.vstack([np.ones(n), drawn])


def _share(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.ones_like(part), where=whole > 0)
    return shares


def interval(values: Floats) -> Interval:
    """Return the value on the texts as they are and its interval, from values by resample, shape (1 + RESAMPLES,)."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Interval(float(values[0]), float(low), float(high))


def form(document: Document) -> Form:
    """Return what there is to read: a bare headline, a snippet of at most `LONGEST_SNIPPET` words, or an article."""
    if not document.lead and not document.body:
        return "headline"
    length = sum(len(words(joined(text))) for _, text in document.fields())
    return "snippet" if length <= LONGEST_SNIPPET else "article"


def subset(examples: Sequence[Example], answers: Answers, keep: Callable[[Example], bool]) -> tuple[list[Example], Answers]:
    """Return the examples to keep and the answers to them."""
    rows = [row for row, example in enumerate(examples) if keep(example)]
    return [examples[row] for row in rows], Answers(answers.system, answers.tags[rows], answers.scores[rows])


@dataclass(frozen=True, slots=True)
class Bin:
    """Scores that lie in one tenth of [0, 1]: how many, their mean, and the share of them that are right."""

    texts: int
    score: float
    right: float


def reliability(scores: Floats, gold: Bools) -> list[Bin]:
    """Return the bins that hold scores, lowest first; any shape, `gold` of the same shape."""
    places = np.minimum((scores * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    return [
        Bin(int(held.sum()), float(scores[held].mean()), float(gold[held].mean()))
        for place in range(RELIABILITY_BINS)
        if (held := places == place).any()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error (ECE): the mean distance of score and share right, each bin by its size."""
    return sum(b.texts * abs(b.score - b.right) for b in bins) / sum(b.texts for b in bins)

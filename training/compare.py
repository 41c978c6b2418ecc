"""Two releases on the same texts -> what the later one gains or loses by topic, which texts it tags otherwise, how fast it is.

It measures and does not judge: what is bad enough to refuse a release, the gate knows.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tagger.documents import Document
from tagger.registry import Release
from tagger.tags import TaggedDocument, tag_document
from training.corpus import Example
from training.evaluate import Answers, Bools, Interval, interval, resampled_f1, resamples
from training.report import excerpt

Effect = Literal["worse", "neither", "better"]
EFFECTS: tuple[Effect, ...] = ("worse", "neither", "better")
# The texts of the corpus that are timed, spread over it, and how often after a first round that fills the caches.
TIMED_TEXTS = 48
TIMED_ROUNDS = 3

# By topic id: which of the texts got the tag, shape (n_texts,).
Tags = Mapping[str, Bools]


@dataclass(frozen=True, slots=True)
class Difference:
    """F1 of a topic before and after; `change`: after less before, its interval from the same resamples of both."""

    topic: str
    before: float
    after: float
    change: Interval


@dataclass(frozen=True, slots=True)
class Flip:
    """A text whose tags changed. `evidence`: the words of each new tag; `effect`: better means fewer wrong and missing tags."""

    id: str
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    gold: tuple[str, ...]
    evidence: Mapping[str, tuple[str, ...]]
    effect: Effect


def by_topic(release: Release, answers: Answers) -> Tags:
    """Return the answers' tags by topic id, so that releases with other topics or another order can be compared."""
    return dict(zip(release.taxonomy.ids, answers.tags.T, strict=True))


def differences(examples: Sequence[Example], before: Tags, after: Tags) -> list[Difference]:
    """Compare F1 topic by topic, for the topics that both know, in the order of `after`."""
    weights = resamples(len(examples))
    found = []
    for topic in (topic for topic in after if topic in before):
        gold = np.array([topic in example.topics for example in examples])
        old, new = (resampled_f1(weights, gold, tags[topic]) for tags in (before, after))
        found.append(Difference(topic, float(old[0]), float(new[0]), interval(new - old)))
    return found


def flips(examples: Sequence[Example], before: Tags, after: Tags, release: Release) -> list[Flip]:
    """Return the texts whose tags changed, the worse ones first; release: the one that gave the tags of `after`."""
    found = []
    for row, example in enumerate(examples):
        old, new = ({topic for topic, column in tags.items() if column[row]} for tags in (before, after))
        if old != new:
            found.append(_flip(example, old, new, release))
    return sorted(found, key=lambda flip: EFFECTS.index(flip.effect))


def _flip(example: Example, old: set[str], new: set[str], release: Release) -> Flip:
    tags = _tagged(release, example.document).tags
    evidence = {t.topic.id: tuple(piece.text for piece in t.evidence) for t in tags if t.topic.id not in old}
    fewer = len(old ^ example.topics) - len(new ^ example.topics)
    return Flip(
        example.id,
        excerpt(example.document),
        tuple(sorted(old)),
        tuple(sorted(new)),
        tuple(sorted(example.topics)),
        evidence,
        "better" if fewer > 0 else "worse" if fewer < 0 else "neither",
    )


def milliseconds(before: Release, after: Release, examples: Sequence[Example]) -> tuple[float, float]:
    """Return the median milliseconds that each release takes to tag one text, measured in alternation."""
    documents = [example.document for example in examples[:: max(1, len(examples) // TIMED_TEXTS)]][:TIMED_TEXTS]
    times: dict[bool, list[float]] = {False: [], True: []}
    for round_ in range(1 + TIMED_ROUNDS):
        for place, document in enumerate(documents):
            # Neither is always the second to read a text.
            for later in (False, True) if (place + round_) % 2 else (True, False):
                started = time.perf_counter()
                _tagged(after if later else before, document)
                if round_:
                    times[later].append(1000 * (time.perf_counter() - started))
    return statistics.median(times[False]), statistics.median(times[True])


def _tagged(release: Release, document: Document) -> TaggedDocument:
    return tag_document(document, release.model, release.taxonomy, release.policy)

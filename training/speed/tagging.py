"""Milliseconds a document on one core, in a batch and alone, and how right the answers are: this release beside its peers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tagger.documents import Document
from tagger.registry import Release
from training.corpus import Example
from training.evaluate import Answers, measure, resampled_f1
from training.fit import topic_matrix
from training.speed import fasttext_peer, systems
from training.speed.clock import best_each, best_of, machine, one_core
from training.speed.curves import dots
from training.speed.page import Section, picture, table
from training.speed.systems import System
from training.speed.texts import articles, plain

PICTURE = "tagging-milliseconds.svg"
# Documents that a slow system is timed on alone.
_FEW = 40


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds a document, in a batch and alone, until the answer that a caller gets."""

    batch: float
    alone: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Macro-F1 on the held-out texts at the system's own threshold, and at the one that suits it best there."""

    own: float
    best: float


@dataclass(frozen=True, slots=True)
class Aim:
    """What this release must reach: so many times a system's speed."""

    system: str
    times: float
    alone: bool = False


AIMS = (
    Aim(systems.DEFAULT, 20),
    Aim(systems.DEFAULT, 30, alone=True),
    Aim(fasttext_peer.TOKENS, 5),
    Aim(systems.LIMIT, 0.5),
)


def tagging(
    release: Release,
    models: Path,
    train: Sequence[Example],
    test: Sequence[Example],
    *,
    documents: int,
    rounds: int,
    buckets: int,
) -> Section:
    """Time every system on so many articles of about 5 kB, and measure its answers on the held-out texts.

    buckets: of fastText, for its 2-grams.
    """
    with one_core():
        compared = [
            systems.ours(release),
            systems.with_evidence(release),
            systems.limit(release),
            systems.reference(release),
            systems.default(train, release),
            systems.pipeline(release, models),
        ]
        if fasttext_peer.installed():
            compared += fasttext_peer.fasttext_systems(train, release, buckets)
        read = articles([*train, *test], documents)
        speeds = times(compared, read, rounds)
        qualities = {system.name: quality(system, test, release) for system in compared if system.scores}
    size = np.mean([len(plain(document).encode()) for document in read])
    lines = [
        "## Tagging\n",
        f"{len(read)} articles of {size:,.0f} bytes on average, {machine()}; one core, one thread, the best of "
        f"{rounds} rounds.\n",
        table(["system", "batch, ms", "alone, ms", "macro-F1", "at its best threshold"], _rows(speeds, qualities)),
        f"\nMacro-F1 on the {len(test)} held-out texts of the corpus. What is compared gives scores.\n",
        table(["this release is faster than", "times", "asked", ""], aims(speeds)),
        *([] if fasttext_peer.installed() else ["\nfastText is left out: the package `fasttext` is not installed here.\n"]),
        "\nAnnif is left out: to be trained it needs tokenizer data of NLTK, which installing it does not bring.\n",
        picture(PICTURE),
    ]
    drawn = dots({name: speed.batch for name, speed in speeds.items()}, "milliseconds a document, in a batch")
    return Section("tagging", "\n".join(lines), {PICTURE: drawn})


def times(compared: Sequence[System], documents: Sequence[Document], rounds: int) -> dict[str, Speed]:
    """Return how long each system takes for a document, in milliseconds: all take turns in each round."""
    inputs = {system.name: system.prepare(documents) for system in compared}
    batch: dict[str, float] = {}
    alone: dict[str, float] = {}
    for slow, turns, most in ((False, rounds, len(documents)), (True, max(1, rounds // 10), _FEW)):
        same = {system.name: (system, inputs[system.name][:most]) for system in compared if system.slow == slow}
        seconds = best_of({name: partial(system.batch, items) for name, (system, items) in same.items()}, turns)
        batch |= {name: seconds[name] / len(items) for name, (_, items) in same.items()}
        alone |= best_each({name: (system.alone, items) for name, (system, items) in same.items()}, turns)
    return {system.name: Speed(1000 * batch[system.name], 1000 * alone[system.name]) for system in compared}


def quality(system: System, test: Sequence[Example], release: Release) -> Quality:
    """Measure a system on held-out texts; the threshold that suits it best there is a favour to it."""
    scores = np.asarray(system.batch(system.prepare([example.document for example in test])))
    gold = topic_matrix(test, release.taxonomy).astype(bool)
    whole = np.ones((1, len(test)))
    own = measure(test, Answers(system.name, scores >= system.threshold, scores), release).macro_f1.value
    best = max(float(resampled_f1(whole, gold, scores >= t / 100).mean()) for t in range(5, 100))
    return Quality(own, best)


def aims(speeds: Mapping[str, Speed]) -> list[list[str]]:
    """Return a row for each aim whose system was timed: its name, how many times its speed this release has, what is asked."""
    rows = []
    for aim in AIMS:
        if other := speeds.get(aim.system):
            ours = speeds[systems.OURS]
            ratio = other.alone / ours.alone if aim.alone else other.batch / ours.batch
            name = f"{aim.system}, {'alone' if aim.alone else 'in a batch'}"
            rows.append([name, f"{ratio:.2f}", f"≥ {aim.times:g}", "reached" if ratio >= aim.times else "missed"])
    return rows


def _rows(speeds: Mapping[str, Speed], qualities: Mapping[str, Quality]) -> list[list[str]]:
    rows = []
    for name, speed in speeds.items():
        right = qualities.get(name)
        f1 = [f"{right.own:.3f}", f"{right.best:.3f}"] if right else ["–", "–"]
        rows.append([name, f"{speed.batch:.4f}", f"{speed.alone:.4f}", *f1])
    return rows

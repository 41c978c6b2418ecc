"""How many terms the release needs: those that change answers least are left out, and the rest measured."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tagger.model import TopicModel
from tagger.registry import Release
from training.corpus import Example
from training.evaluate import ask, measure
from training.speed.clock import best_of, one_core
from training.speed.curves import saturation
from training.speed.page import Section, picture, table
from training.speed.texts import articles

PICTURES = ("vocabulary-quality.svg", "vocabulary-speed.svg")
SIZES = (500, 1000, 2000, 4000, 8000, 12_000)


def kept(model: TopicModel, count: int) -> TopicModel:
    """Return the model with the terms that can move a decision value most: the largest weight for any topic times idf."""
    order = np.argsort(-np.abs(model.weights).max(axis=1) * model.idf, kind="stable")
    rows = np.sort(order[:count])
    listed = "".join(f"{model.terms[row]}\n" for row in rows.tolist())
    return replace(model, listed=listed, idf=model.idf[rows], weights=model.weights[rows], kept="")


def vocabulary(release: Release, train: Sequence[Example], test: Sequence[Example], *, documents: int, rounds: int) -> Section:
    """Measure the release with fewer and fewer terms on the held-out texts, and time it on articles."""
    every = len(release.model.terms)
    smaller = {n: replace(release, model=kept(release.model, n)) for n in (*(n for n in SIZES if n < every), every)}
    read = articles([*train, *test], documents)
    with one_core():
        for pruned in smaller.values():
            pruned.model.scores(read)
        seconds = best_of({str(n): partial(pruned.model.scores, read) for n, pruned in smaller.items()}, rounds)
    whole = ask(release, test).tags
    rows = []
    for n, pruned in smaller.items():
        answers = ask(pruned, test)
        f1 = measure(test, answers, release).macro_f1
        same = float((answers.tags == whole).all(axis=1).mean())
        rows.append((n, f1.value, f1.low, f1.high, same, 1000 * seconds[str(n)] / len(read)))
    written = [[f"{n:,}", f"{v:.3f} [{a:.3f}, {b:.3f}]", f"{same:.1%}", f"{ms:.4f}"] for n, v, a, b, same, ms in rows]
    terms = [float(row[0]) for row in rows]
    drawn = (
        saturation({"": (terms, [row[1] for row in rows])}, "terms kept", "macro-F1, held-out texts"),
        saturation({"": (terms, [row[5] for row in rows])}, "terms kept", "milliseconds a document, in a batch"),
    )
    markdown = (
        "## Vocabulary\n\nThe release with the terms alone that can move a decision value most (largest weight times idf), "
        f"not fitted anew; the {len(test)} held-out texts, and {len(read)} articles on one core.\n\n"
        + table(["terms", "macro-F1 [95 %]", "texts with the same tags", "batch, ms"], written)
        + "".join(map(picture, PICTURES))
    )
    return Section("vocabulary", markdown, dict(zip(PICTURES, drawn, strict=True)))

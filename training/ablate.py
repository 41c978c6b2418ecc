"""What each choice of the features and the classifier is worth: one changed at a time, out of fold and on labelled texts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from tagger.documents import Document, Field
from tagger.encoded import Floats
from tagger.features import FIELD_WEIGHTS, LETTERS, occurrences
from tagger.gazetteer import MARK, Gazetteer
from tagger.taxonomy import Taxonomy
from tagger.text import Term, fold, terms
from training import calibrate
from training.corpus import Example
from training.evaluate import FORMS, Bools, Form, form
from training.fit import Gold, to_the_last_digit, topic_matrix, unfitted

_THEME = f"{MARK}theme:"
Words = Callable[[Document, Gazetteer], Iterator[tuple[Field, str]]]


def shipped(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    """Yield the terms that the release counts, with their fields."""
    return ((place, term.name) for place, term in occurrences(document, gazetteer))


@dataclass(frozen=True)
class Variant:
    """One choice made otherwise.

    chosen_on: what decided for the shipped one, `gold` where the labelled real texts did. threshold: what has one of its own.
    """

    name: str
    chosen_on: str = "out of fold"
    words: Words = shipped
    weights: Mapping[Field, int] = field(default_factory=lambda: FIELD_WEIGHTS)
    vectorizer: Mapping[str, Any] = field(default_factory=dict)
    classifier: ClassifierMixin | None = None
    threshold: Literal["all", "topic", "form"] = "all"


def _without(drop: Callable[[str], bool]) -> Words:
    def words(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
        return ((place, name) for place, name in shipped(document, gazetteer) if not drop(name))

    return words


def _cut(letters: int) -> Words:
    def words(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
        yield from ((place, name) for place, name in shipped(document, gazetteer) if name.startswith(MARK))
        for place, term, _ in _stems(document):
            yield place, term.name[:letters]

    return words


def _stems(document: Document) -> Iterator[tuple[Field, Term, str]]:
    for place, passages in document.fields():
        for passage in passages:
            yield from ((place, term, passage.text[term.start : term.end]) for term in terms(passage.text))


def _with_pairs(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    yield from shipped(document, gazetteer)
    for (place, one, _), (same, other, _) in pairwise(_stems(document)):
        if place == same:
            yield place, f"{one.name[:LETTERS]}_{other.name[:LETTERS]}"


def _with_concept_pairs(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    yield from shipped(document, gazetteer)
    named = sorted({name for _, name in shipped(document, gazetteer) if name.startswith(MARK) and _THEME not in name})
    yield from (("body", f"{one}&{other}") for at, one in enumerate(named) for other in named[at + 1 :])


def _with_characters(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    yield from shipped(document, gazetteer)
    for place, _, written in _stems(document):
        padded = f"_{fold(written)}_"
        for length in (3, 4, 5):
            yield from ((place, f"#{padded[at : at + length]}") for at in range(len(padded) - length + 1))


def _as_written(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    """Yield scikit-learn's default tokens: lower case, accents kept, `l'Ukraine` in two, no stems, no stop words; concepts."""
    yield from ((place, name) for place, name in shipped(document, gazetteer) if name.startswith(MARK))
    for place, passages in document.fields():
        for passage in passages:
            yield from ((place, token) for token in re.findall(r"(?u)\b\w\w+\b", passage.text.lower()))


def _first_words_double(document: Document, gazetteer: Gazetteer) -> Iterator[tuple[Field, str]]:
    """Yield the first 60 words outside the title twice: the news comes first."""
    read = 0
    for place, name in shipped(document, gazetteer):
        read += place != "title" and not name.startswith(MARK)
        yield place, name
        if place != "title" and read <= 60:
            yield place, name


VARIANTS = (
    Variant("as shipped"),
    Variant("no names (gazetteer)", words=_without(lambda name: name.startswith(MARK) and _THEME not in name)),
    Variant("no themes (lexicon)", "other corpora", words=_without(lambda name: _THEME in name)),
    Variant("no concepts at all", words=_without(lambda name: name.startswith(MARK))),
    Variant("concepts alone, no words", words=_without(lambda name: not name.startswith(MARK))),
    Variant("words as written: no elisions, stems, folding", words=_as_written),
    Variant("whole stems", "gold", words=_cut(99)),
    Variant("stems cut at 5 letters", "gold", words=_cut(5)),
    Variant("stems cut at 7 letters", "gold", words=_cut(7)),
    Variant("pairs of words too", "other corpora", words=_with_pairs),
    Variant("pairs of concepts too", words=_with_concept_pairs),
    Variant("character 3- to 5-grams too", words=_with_characters),
    Variant("title counts once", weights={**FIELD_WEIGHTS, "title": 1}),
    Variant("title counts three times", weights={**FIELD_WEIGHTS, "title": 3}),
    Variant("lead counts double", weights={**FIELD_WEIGHTS, "lead": 2}),
    Variant("first 60 words count double", words=_first_words_double),
    Variant("tf not sublinear", vectorizer={"sublinear_tf": False}),
    Variant("terms that stand in 2 texts", vectorizer={"min_df": 2}),
    Variant("terms that stand in 3 texts", vectorizer={"min_df": 3}),
    Variant("C = 3", "gold", classifier=LogisticRegression(C=3, class_weight="balanced", max_iter=1000)),
    Variant("C = 100", "gold", classifier=LogisticRegression(C=100, class_weight="balanced", max_iter=1000)),
    Variant("classes not balanced", classifier=LogisticRegression(C=30, max_iter=1000)),
    Variant("a threshold for each topic", "gold", threshold="topic"),
    Variant("a threshold for each form", "gold", threshold="form"),
    Variant("linear SVM", classifier=LinearSVC(class_weight="balanced")),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What a variant reaches: mean average precision, macro-F1 and share of no-topic texts tagged, out of fold and on gold."""

    variant: Variant
    out_of_fold: tuple[float, float, float]
    gold: tuple[float, float, float] | None


def ablate(
    variant: Variant, train: Sequence[Example], gold: Sequence[Example], taxonomy: Taxonomy, gazetteer: Gazetteer
) -> Row:
    """Fit a variant out of fold, calibrate it and choose its threshold as for a release, and measure it.

    gold: labelled texts to measure on as well, or none.
    """
    texts, labels = _prepared(variant, train, gazetteer), topic_matrix(train, taxonomy)
    values = np.zeros(labels.shape)
    for fitted_on, held_out in calibrate.folds(labels):
        with to_the_last_digit():
            fitted = _pipeline(variant).fit([texts[i] for i in fitted_on], labels[fitted_on])
        values[held_out] = fitted.decision_function([texts[i] for i in held_out])
    lengths = _lengths(texts)
    factors = calibrate.calibration(values, lengths, labels)
    scores = calibrate.calibrated(values, lengths, factors)
    thresholds = _thresholds(variant, scores, labels, [form(e.document) for e in train], taxonomy)
    measured = _measured(scores, labels, _tags(scores, train, thresholds))
    if not gold:
        return Row(variant, measured, None)
    real = _prepared(variant, gold, gazetteer)
    with to_the_last_digit():
        pipeline = _pipeline(variant).fit(texts, labels)
    real_scores = calibrate.calibrated(pipeline.decision_function(real), _lengths(real), factors)
    return Row(variant, measured, _measured(real_scores, topic_matrix(gold, taxonomy), _tags(real_scores, gold, thresholds)))


def _lengths(texts: Sequence[str]) -> Floats:
    """Return what `calibrate.lengths` does, of texts."""
    return np.asarray(np.log1p([len(set(text.split())) for text in texts]))


def _thresholds(
    variant: Variant, scores: Floats, labels: Gold, forms: Sequence[Form], taxonomy: Taxonomy
) -> Mapping[Form, tuple[float, ...]]:
    """Return the thresholds by form, one for each topic, chosen as those of a release on what shares a threshold."""

    def shared(scores: Floats, labels: Gold) -> tuple[float, ...]:
        return tuple(calibrate.policy(scores, labels, taxonomy).thresholds.values())

    if variant.threshold == "form":
        rows = {name: [row for row, other in enumerate(forms) if other == name] for name in FORMS}
        return {name: shared(scores[rows[name]], labels[rows[name]]) for name in FORMS}
    if variant.threshold == "topic":
        columns = [[column] for column in range(len(taxonomy.ids))]
        return dict.fromkeys(FORMS, tuple(shared(scores[:, column], labels[:, column])[0] for column in columns))
    return dict.fromkeys(FORMS, shared(scores, labels))


def _tags(scores: Floats, examples: Sequence[Example], thresholds: Mapping[Form, tuple[float, ...]]) -> Bools:
    tags: Bools = scores >= np.array([thresholds[form(example.document)] for example in examples])
    return tags


def _prepared(variant: Variant, examples: Sequence[Example], gazetteer: Gazetteer) -> list[str]:
    return [
        " ".join(name for place, name in variant.words(e.document, gazetteer) for _ in range(variant.weights[place]))
        for e in examples
    ]


def _pipeline(variant: Variant) -> Pipeline:
    pipeline = unfitted()
    pipeline["tfidf"].set_params(**variant.vectorizer)
    if variant.classifier is not None:
        pipeline["topics"].set_params(estimator=variant.classifier)
    return pipeline


def _measured(scores: Floats, labels: Gold, tags: Bools) -> tuple[float, float, float]:
    """Return mean average precision and macro-F1 over the topics that have texts, and the share of the others tagged."""
    right = labels.astype(bool)
    present = np.flatnonzero(right.any(axis=0))
    precision = np.mean([average_precision_score(right[:, k], scores[:, k]) for k in present])
    f1 = np.mean([2 * (right & tags)[:, k].sum() / (right[:, k].sum() + tags[:, k].sum()) for k in present])
    untagged = ~right.any(axis=1)
    return float(precision), float(f1), float(tags[untagged].any(axis=1).mean()) if untagged.any() else 0.0


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown: the shipped one in full, the others as differences from it."""
    head = "| changed | average precision | macro-F1 | no-topic texts tagged |"
    with_gold = rows[0].gold is not None
    lines = [
        head
        + (" average precision, gold | macro-F1, gold | no-topic texts tagged, gold |" if with_gold else "")
        + " chosen on |",
        "|---|" + "---:|" * (6 if with_gold else 3) + "---|",
    ]
    for row in rows:
        cells = _cells(row.out_of_fold, rows[0].out_of_fold, row is rows[0])
        if row.gold is not None and rows[0].gold is not None:
            cells += _cells(row.gold, rows[0].gold, row is rows[0])
        lines.append(f"| {row.variant.name} | {' | '.join(cells)} | {row.variant.chosen_on if row is not rows[0] else ''} |")
    return "\n".join(lines)


def _cells(figures: Sequence[float], shipped_figures: Sequence[float], first: bool) -> list[str]:
    if first:
        return [f"{figures[0]:.3f}", f"{figures[1]:.3f}", f"{figures[2]:.1%}"]
    differences = [one - other for one, other in zip(figures, shipped_figures, strict=True)]
    return [f"{differences[0]:+.3f}", f"{differences[1]:+.3f}", f"{differences[2] * 100:+.1f} pt"]

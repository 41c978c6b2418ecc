"""Examples -> a scikit-learn pipeline, and the pipeline -> the arrays that the service reads."""

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline

from tagger.encoded import Floats
from tagger.gazetteer import Gazetteer
from tagger.kernel.reading import count
from tagger.model import TopicModel
from tagger.taxonomy import Taxonomy
from training.corpus import Example

# Numbers are put on a grid coarser than what processors disagree about (the order of additions in BLAS), so that the same
# corpus gives the same bytes everywhere, and fine enough to move no score by 0.001. Both grids are exact in float32.
_WEIGHT_STEP = 2.0**-13
_IDF_STEP = 2.0**-16
# Below this many texts none is held out for the test: 15 % of so few would cost recall and say little.
SMALL_CORPUS = 1000

Gold = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Counted:
    """How often each term counts in texts, shape (n_texts, n_terms), and the terms, in the order of the alphabet."""

    counts: csr_matrix
    terms: list[str]


def prepared(examples: Iterable[Example], gazetteer: Gazetteer) -> Counted:
    """Count the terms of examples, as the service does."""
    found = count((example.document for example in examples), gazetteer)
    order = sorted(range(len(found.names)), key=found.names.__getitem__)
    columns = np.argsort(order).astype(np.int32)[np.asarray(found.terms)]
    counts = csr_matrix((np.asarray(found.counts), columns, np.asarray(found.ends)), shape=(len(found.ends) - 1, len(order)))
    counts.sort_indices()
    return Counted(counts, [found.names[place] for place in order])


def topic_matrix(examples: Sequence[Example], taxonomy: Taxonomy) -> Gold:
    """Return the gold topics, shape (n_examples, n_topics), 0 or 1, columns in taxonomy order."""
    return np.array([[topic in example.topics for topic in taxonomy.ids] for example in examples], dtype=np.int8)


def unfitted() -> Pipeline:
    """Return the pipeline: TF-IDF over prepared terms, one logistic regression per topic.

    Terms that stand in one text are kept: in a small corpus they are half of a topic's words (on 701 sentences of SIB-200,
    accuracy .72 with them, .69 without). Sublinear tf keeps a name repeated ten times from outvoting nine others. The classes
    are balanced because a topic is rare among all texts. What each choice is worth: training/ablation.md. newton-cg at
    this tolerance ends within 3e-13 of the same weights whatever the order of additions (1e-10: 1e-7, and one weight in
    72,496 was rounded otherwise with two threads; lbfgs: 2e-5, and ten times as long).
    """
    vectorizer = TfidfVectorizer(analyzer=str.split, sublinear_tf=True, min_df=1)
    classifier = LogisticRegression(C=30.0, class_weight="balanced", solver="newton-cg", tol=1e-15, max_iter=1000)
    return Pipeline([("tfidf", vectorizer), ("topics", OneVsRestClassifier(classifier))])


@contextlib.contextmanager
def to_the_last_digit() -> Iterator[None]:
    """Fit without the warnings that newton-cg gives where no step brings it closer to the optimum: there we want it to be."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="(The line search algorithm did not converge|Line Search failed)")
        yield


def learnt(counts: csr_matrix, gold: Gold) -> Pipeline:
    """Fit the pipeline on counted texts, whose terms it knows by their columns."""
    pipeline = unfitted()
    pipeline.steps[0] = ("tfidf", TfidfTransformer(sublinear_tf=pipeline["tfidf"].sublinear_tf))
    with to_the_last_digit():
        return pipeline.fit(counts, gold)


def fit(texts: Counted, gold: Gold) -> Pipeline:
    """Fit the pipeline on counted texts, gold of shape (n_texts, n_topics); its numbers are put on the grid of the release."""
    found = learnt(texts.counts, gold)
    pipeline = unfitted()
    tfidf: TfidfVectorizer = pipeline["tfidf"].fit([" ".join(texts.terms)])
    tfidf.vocabulary_ = {term: row for row, term in enumerate(texts.terms)}
    tfidf.idf_ = _on_grid(found["tfidf"].idf_, _IDF_STEP)
    pipeline.steps[1] = ("topics", found["topics"])
    for classifier in pipeline["topics"].estimators_:
        classifier.coef_ = _on_grid(classifier.coef_, _WEIGHT_STEP)
        classifier.intercept_ = _on_grid(classifier.intercept_, _WEIGHT_STEP)
        classifier.n_iter_ = np.zeros_like(classifier.n_iter_)  # how many steps it took depends on the processor too
    return pipeline


def topic_model(pipeline: Pipeline, calibration: Floats, gazetteer: Gazetteer) -> TopicModel:
    """Return the arrays of a fitted pipeline and its calibration, shape (3, n_topics), as the service reads them."""
    estimators = pipeline["topics"].estimators_
    return TopicModel(
        listed="".join(f"{term}\n" for term in pipeline["tfidf"].vocabulary_),
        idf=np.asarray(pipeline["tfidf"].idf_, dtype=np.float64),
        weights=np.column_stack([classifier.coef_[0] for classifier in estimators]),
        intercepts=np.array([classifier.intercept_[0] for classifier in estimators]),
        calibration=_on_grid(calibration, _WEIGHT_STEP),
        gazetteer=gazetteer,
    )


def _on_grid(numbers: Floats, step: float) -> Floats:
    rounded: Floats = np.round(np.asarray(numbers, dtype=np.float64) / step) * step
    return rounded

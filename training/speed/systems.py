"""What is compared: this release, read in three ways, and what a newsroom would use instead, taught the same texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from tagger.documents import Document
from tagger.encoded import Floats
from tagger.features import as_training_text
from tagger.kernel.reading import counted
from tagger.registry import Release
from tagger.tags import tag_document, tag_documents
from training.corpus import Example
from training.fit import topic_matrix
from training.speed.limit import limiting_reader
from training.speed.texts import plain

OURS, EVIDENCE, REFERENCE = "this release", "this release, tags and evidence", "its readable reference"
PIPELINE, DEFAULT = "its pipeline.joblib, our terms", "scikit-learn"
LIMIT = "the limit: read, fold, split, hash"
# As many terms as the comparison in the design was made with.
_PEER_TERMS = 48_000


@dataclass(frozen=True, slots=True)
class System:
    """Something that scores texts.

    prepare: documents -> what is handed to it; not timed. batch: all of that at once -> scores, shape (n_documents, n_topics),
    in [0, 1]. alone: one of it, as far as the answer to a caller. scores: whether what `batch` returns are scores.
    threshold: from which score on it gives a tag. slow: it is timed in fewer rounds, on fewer documents.
    """

    name: str
    prepare: Callable[[Sequence[Document]], Sequence[Any]]
    batch: Callable[[Sequence[Any]], Any]
    alone: Callable[[Any], object]
    scores: bool = True
    threshold: float = 0.5
    slow: bool = False


def ours(release: Release) -> System:
    """Return the release, asked for what the others give: scores."""
    model, threshold = release.model, max(release.policy.thresholds.values())
    return System(OURS, list, model.scores, lambda document: model.scores((document,)), threshold=threshold)


def with_evidence(release: Release) -> System:
    """Return the release as it serves: a document gets its tags, and each of these its evidence."""
    given = release.model, release.taxonomy, release.policy
    return System(
        EVIDENCE, list, lambda read: list(tag_documents(read, *given)), lambda one: tag_document(one, *given), scores=False
    )


def reference(release: Release) -> System:
    """Return the release as its reference reads: plain Python, which says what the compiled pass must find."""
    model, threshold = release.model, max(release.policy.thresholds.values())

    def alone(document: Document) -> Floats:
        return model.score(model.encode_plainly(document))

    return System(REFERENCE, list, lambda documents: np.array([*map(alone, documents)]), alone, threshold=threshold, slow=True)


def limit(release: Release) -> System:
    """Return the pass without what it is for."""
    reader = limiting_reader(release.model)
    return System(LIMIT, list, reader.decisions, lambda document: reader.decisions((document,)), scores=False)


def pipeline(release: Release, models: Path) -> System:
    """Return the release's own scikit-learn pipeline, fed with the terms that our pass counted; its scores are uncalibrated."""
    fitted = joblib.load(models / release.name / "pipeline.joblib")  # ours: its digest was checked with the release
    gazetteer = release.model.gazetteer
    return System(
        PIPELINE, lambda documents: [as_training_text(counts) for counts in counted(documents, gazetteer)], *_calls(fitted)
    )


def default(train: Sequence[Example], release: Release) -> System:
    """Return what one writes first: 1- and 2-grams, sublinear, without accents, and a logistic regression for each topic."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, strip_accents="unicode", max_features=_PEER_TERMS)
    fitted = make_pipeline(vectorizer, OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    fitted.fit([plain(example.document) for example in train], topic_matrix(train, release.taxonomy))
    return System(DEFAULT, lambda documents: [*map(plain, documents)], *_calls(fitted))


def _calls(fitted: Pipeline) -> tuple[Callable[[Sequence[Any]], Any], Callable[[Any], object]]:
    return fitted.predict_proba, lambda text: fitted.predict_proba([text])

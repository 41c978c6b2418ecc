"""Documents -> one calibrated score per topic, and what each term contributed. Arrays in, arrays out; no thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagger.documents import Document, Field
from tagger.features import FIELD_WEIGHTS, occurrences
from tagger.gazetteer import Gazetteer
from tagger.text import Term

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document as the model sees it.

    `indices` and `values`, shape (n_known,): its known terms and their L2-normalised TF-IDF. `length`: how many different
    terms it has, known or not. `terms`: every occurrence of a known term, in reading order.
    """

    indices: NDArray[np.intp]
    values: Floats
    length: int
    terms: tuple[tuple[Field, Term], ...]


@dataclass(frozen=True)
class TopicModel:
    """TF-IDF and one linear classifier per topic, calibrated.

    vocabulary: term -> row. idf: (n_terms,). weights: (n_terms, n_topics), columns in taxonomy order. intercepts:
    (n_topics,). calibration: (3, n_topics), the factors of decision value, log(1 + length) and 1 in the logit of the score;
    length is in it because the same evidence moves a long text's decision value less than a headline's. gazetteer: the
    names that count as concepts.
    """

    vocabulary: dict[str, int]
    idf: Floats
    weights: Floats
    intercepts: Floats
    calibration: Floats
    gazetteer: Gazetteer

    def encode(self, document: Document) -> Encoded:
        """Count and weigh the terms of a document: sublinear tf times idf, L2 norm 1, as scikit-learn's TfidfVectorizer."""
        counts: dict[str, int] = {}
        known: list[tuple[Field, Term]] = []
        for field, term in occurrences(document, self.gazetteer):
            counts[term.name] = counts.get(term.name, 0) + FIELD_WEIGHTS[field]
            if term.name in self.vocabulary:
                known.append((field, term))
        indices = np.array(sorted(self.vocabulary[name] for name in counts if name in self.vocabulary), dtype=np.intp)
        by_row = {self.vocabulary[name]: count for name, count in counts.items() if name in self.vocabulary}
        tf = np.array([by_row[int(row)] for row in indices], dtype=np.float64)
        values = (1.0 + np.log(tf)) * self.idf[indices]
        norm = float(np.sqrt(values @ values))
        return Encoded(indices, values / norm if norm else values, len(counts), tuple(known))

    def decision_values(self, encoded: Encoded) -> Floats:
        """Return the raw linear decision values, shape (n_topics,), any real number."""
        decisions: Floats = encoded.values @ self.weights[encoded.indices] + self.intercepts
        return decisions

    def score(self, encoded: Encoded) -> Floats:
        """Return the calibrated scores, shape (n_topics,), in [0, 1], columns in taxonomy order."""
        by_value, by_length, constant = self.calibration
        logit = by_value * self.decision_values(encoded) + by_length * np.log1p(encoded.length) + constant
        scores: Floats = 1.0 / (1.0 + np.exp(-np.clip(logit, -500.0, 500.0)))
        return scores

    def scores(self, documents: Sequence[Document]) -> Floats:
        """Return the calibrated scores of documents, shape (n_documents, n_topics), in [0, 1]."""
        rows = [self.score(self.encode(document)) for document in documents]
        return np.array(rows).reshape(len(documents), len(self.intercepts))

    def contributions(self, encoded: Encoded, topic: int) -> dict[str, float]:
        """Return what each known term of the document adds to the decision value of the topic in this column."""
        added = encoded.values * self.weights[encoded.indices, topic]
        by_row = dict(zip(encoded.indices.tolist(), added.tolist(), strict=True))
        return {term.name: by_row[self.vocabulary[term.name]] for _, term in encoded.terms}

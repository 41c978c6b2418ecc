"""Documents -> one calibrated score per topic, and what each term contributed. Arrays in, arrays out; no thresholds.

Texts are read by the compiled pass where there is one; `encode_plainly` is the reference, which says what it must find.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import log1p

import numpy as np

from tagger.documents import Document
from tagger.encoded import Encoded, Floats, Integers
from tagger.features import FIELD_WEIGHTS, passage_terms, placed
from tagger.gazetteer import Gazetteer
from tagger.kernel.compiled import Kernel, kernel
from tagger.kernel.lexicon import Lexicon, kept_lexicon, make_lexicon, ranks
from tagger.kernel.reading import Reader
from tagger.text import count_words, words


@dataclass(frozen=True)
class TopicModel:
    """TF-IDF and one linear classifier per topic, calibrated.

    listed: the terms of the vocabulary, a line each, by row. idf: (n_terms,). weights: (n_terms, n_topics), columns in taxonomy
    order. intercepts: (n_topics,). calibration: (3, n_topics), the factors of decision value, log(1 + length) and 1 in the
    logit of the score; length is in it because the same evidence moves a long text's decision value less than a headline's.
    gazetteer: the names that count as concepts. kept: the name of the release, if what texts are read with is to be kept under
    it in a file, which processes share.
    """

    listed: str
    idf: Floats
    weights: Floats
    intercepts: Floats
    calibration: Floats
    gazetteer: Gazetteer
    kept: str = ""

    # Made for who asks: the compiled pass needs neither terms nor names, once its lexicon is kept.
    @cached_property
    def terms(self) -> list[str]:
        """The vocabulary by row."""
        return self.listed.split("\n")[:-1]

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        """The row of each term."""
        return {term: row for row, term in enumerate(self.terms)}

    @cached_property
    def _ranks(self) -> Integers:
        return ranks(self.terms)

    @cached_property
    def _lexicon(self) -> Lexicon | None:
        compiled = kernel()
        if compiled is None:
            return None
        make = partial(self._made_lexicon, compiled)
        return kept_lexicon(self.kept, make) if self.kept else make()

    def _made_lexicon(self, compiled: Kernel) -> Lexicon:
        # A twin reads terms and names, or this process would hold all of them for as long as the release serves.
        twin = replace(self, gazetteer=Gazetteer(self.gazetteer.text))
        return make_lexicon(compiled, twin.gazetteer, twin.terms, self.idf, self.weights, self.intercepts)

    @cached_property
    def _reader(self) -> Reader | None:
        compiled = kernel()
        return Reader(compiled, self._lexicon) if compiled and self._lexicon else None

    def encode(self, document: Document) -> Encoded:
        """Count and weigh the terms of a document: sublinear tf times idf, L2 norm 1, as scikit-learn's TfidfVectorizer."""
        return self.encode_plainly(document) if self._reader is None else self._reader.encode(document)

    def encode_all(self, documents: Iterable[Document]) -> list[Encoded]:
        """Do what `encode` does for documents, in a few calls: for short ones, many times quicker."""
        return list(map(self.encode_plainly, documents) if self._reader is None else self._reader.encode_all(documents))

    def encode_plainly(self, document: Document) -> Encoded:
        """Do what `encode` does, in plain Python."""
        counts: dict[str, int] = {}
        occurrences: list[tuple[str, int, int]] = []
        for at, field, passage in placed(document):
            for term in passage_terms(passage.text, self.gazetteer):
                counts[term.name] = counts.get(term.name, 0) + FIELD_WEIGHTS[field]
                occurrences.append((term.name, term.start + at, term.end + at))
        places = {name: place for place, name in enumerate(counts)}
        firsts = {name: number for number, (name, _, _) in reversed(list(enumerate(occurrences)))}
        rows = np.array([self.vocabulary.get(name, -1) for name in counts], dtype=np.int32)
        known = rows >= 0
        values = np.zeros(len(rows))
        tf = np.array(list(counts.values()), dtype=np.float64)[known]
        values[known] = (1.0 + np.log(tf)) * self.idf[rows[known]]
        norm = float(np.sqrt(values @ values))
        values = values / norm if norm else values
        return Encoded(
            count_words([word for _, _, passage in placed(document) for word in words(passage.text)]),
            rows,
            values,
            int(known.sum()),
            np.array([(places[name], start, end) for name, start, end in occurrences], dtype=np.int32).reshape(-1, 3),
            np.array([firsts[name] for name in counts], dtype=np.int32),
            values[known] @ self.weights[rows[known]] + self.intercepts,
        )

    def score(self, encoded: Encoded) -> Floats:
        """Return the calibrated scores, shape (n_topics,), in [0, 1], columns in taxonomy order."""
        return self._calibrated(encoded.decisions, log1p(encoded.length))

    def score_all(self, encoded: Sequence[Encoded]) -> Floats:
        """Return the calibrated scores of documents that were read, shape (n_documents, n_topics), in [0, 1]."""
        decisions = np.array([one.decisions for one in encoded]).reshape(len(encoded), len(self.intercepts))
        return self._calibrated(decisions, _logs(one.length for one in encoded))

    def scores(self, documents: Sequence[Document]) -> Floats:
        """Return the calibrated scores of documents, shape (n_documents, n_topics), in [0, 1]."""
        if self._reader is None:
            rows = [self.score(self.encode_plainly(document)) for document in documents]
            return np.array(rows).reshape(len(documents), len(self.intercepts))
        decisions, lengths = self._reader.decisions(documents)
        return self._calibrated(decisions, _logs(lengths.tolist()))

    def _calibrated(self, decisions: Floats, log_lengths: Floats | float) -> Floats:
        by_value, by_length, constant = self.calibration
        logit = by_value * decisions + by_length * log_lengths + constant
        # Beyond that the exponential overflows.
        scores: Floats = 1.0 / (1.0 + np.exp(-np.maximum(logit, -500.0)))
        return scores

    def contributions(self, encoded: Encoded, topic: int) -> dict[str, float]:
        """Return what each known term of the document adds to the decision value of the topic in this column."""
        known = encoded.rows >= 0
        added = encoded.values[known] * self.weights[encoded.rows[known], topic]
        return {self.terms[row]: value for row, value in zip(encoded.rows[known].tolist(), added.tolist(), strict=True)}

    def strongest(self, encoded: Encoded, topic: int, most: int) -> Iterator[tuple[int, float]]:
        """Yield the terms that add to the decision value of a topic, by their places, with what they add; the most first.

        Of those that add the same, the first by name comes first. At most so many.
        """
        if self._reader is not None:
            return self._reader.strongest(encoded, topic, most)
        # An unknown term has the value 0, and so adds nothing, whichever row -1 names.
        added = encoded.values * self.weights[encoded.rows, topic]
        above = np.flatnonzero(added > 0)
        best = above[np.lexsort((self._ranks[encoded.rows[above]], -added[above]))][:most]
        return zip(best.tolist(), added[best].tolist(), strict=True)


def _logs(lengths: Iterable[int]) -> Floats:
    """Return a column. NumPy's logarithm may differ in the last bit; a document must score the same however it comes."""
    return np.array([log1p(length) for length in lengths])[:, np.newaxis]

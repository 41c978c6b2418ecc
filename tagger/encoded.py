"""What reading a document finds, the same from the reference (`model`) and from the compiled pass (`kernel`)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagger.text import WordCounts

Floats = NDArray[np.float64]
Integers = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document as the model sees it.

    rows, values: of each different term, in the order they first occur: its row in the vocabulary, -1 for an unknown one, and
    its L2-normalised TF-IDF, 0 for an unknown one. known: how many are known. occurrences, shape (n, 3): the place of a term
    in `rows`, start and end in the document's passages with one character between them (`features.placed`). firsts: where
    among them each term is first. decisions: the raw linear decision values, shape (n_topics,), any real number.
    """

    words: WordCounts
    rows: Integers
    values: Floats
    known: int
    occurrences: Integers
    firsts: Integers
    decisions: Floats

    @property
    def length(self) -> int:
        """How many different terms the document has, known or not."""
        return len(self.rows)

    def first(self, term: int) -> tuple[int, int]:
        """Return where a term, given by its place in `rows`, occurs first: start and end."""
        occurrence = self.firsts.item(term)
        return self.occurrences.item(occurrence, 1), self.occurrences.item(occurrence, 2)

    def others(self, term: int) -> Iterator[tuple[int, int]]:
        """Yield where else a term occurs."""
        later = self.occurrences[self.firsts.item(term) + 1 :]
        yield from later[later[:, 0] == term, 1:].tolist()

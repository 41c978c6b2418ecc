"""What reading a document finds, the same from the reference (`model`) and from the compiled pass (`kernel`)."""

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
    in `rows`, start and end in the document's passages with one character between them (`features.placed`). decisions: the
    raw linear decision values, shape (n_topics,), any real number.
    """

    words: WordCounts
    rows: Integers
    values: Floats
    known: int
    occurrences: Integers
    decisions: Floats

    @property
    def length(self) -> int:
        """How many different terms the document has, known or not."""
        return len(self.rows)

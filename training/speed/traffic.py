"""Documents -> how many bytes the compiled pass moves for them, and how long the caches take to copy as many.

Counted from what `layout.Job` and `layout.Tables` say, as no counter of the processor may be there. Not counted: what few
words need, as those met for the first time.
"""

from collections.abc import Sequence

import numpy as np

from tagger.encoded import Encoded
from tagger.kernel.layout import LOOK, MEANING
from training.speed.clock import best_of

# Of each character: 32 bits read, and its folded letter, a byte, written and read.
_CHARACTER = 4 + 1 + 1
# Of each word: where it begins and ends and what is sent for early, written and read; and what it means, read.
_WORD = 2 * (4 + 4 + 8 * LOOK) + 8 * MEANING
# Of each occurrence of a term: its stem and beginning, written and read; it, written; its count, read and written.
_OCCURRENCE = 2 * (4 + 4) + 12 + 2 * 8
# Of each different term: its place, set, read and unset; row, first place, value, written.
_TERM = 3 * 4 + 4 + 4 + 8
# And a line of the cache, read, where the vocabulary has it.
_RECORD = 64
_COPIES = 100


def moved(characters: int, encoded: Encoded) -> int:
    """Return the bytes that the pass reads and writes for a document of so many characters."""
    words, occurrences = encoded.words.words, len(encoded.occurrences)
    return (
        _CHARACTER * characters + _WORD * words + _OCCURRENCE * occurrences + _TERM * encoded.length + _RECORD * encoded.known
    )


def copying(sizes: Sequence[int], rounds: int) -> float:
    """Return the mean seconds in which NumPy reads and writes so many bytes, half of them each, again and again."""
    half = int(np.mean(sizes)) // 2
    source, target = np.ones(half, dtype=np.uint8), np.empty(half, dtype=np.uint8)

    def copy() -> None:
        for _ in range(_COPIES):
            np.copyto(target, source)

    return best_of({"copy": copy}, rounds)["copy"] / _COPIES

"""What the compiled pass and Python hand each other: records of addresses and numbers, the same bytes on both sides."""

import ctypes
from typing import Any, Final

# What the table of code points says of each, in one number of 32 bits. The low 21 bits give the folded letter: the code point
# itself XOR these, so that all letters that fold to themselves share one row of the table; with EXPANDS, the place of its
# letters (how many, then which) in `expansions`.
CODE: Final = (1 << 21) - 1
WORD: Final = 1 << 21  # stands in words
INVISIBLE: Final = 1 << 22  # is left out, within words too
EXPANDS: Final = 1 << 23  # folds to none or several letters
SPECIAL: Final = 1 << 24  # text that holds it may have another canonical form
SOME_ALPHA: Final = 1 << 25  # a letter that it folds to is alphabetic
NOT_ALPHA: Final = 1 << 26  # a letter that it folds to is not
UPPER: Final = 1 << 27  # a capital
ALPHA: Final = 1 << 28  # itself alphabetic
CASED: Final = 1 << 29  # stands before or after a sigma that is not, or is, final
IGNORABLE: Final = 1 << 30  # is passed over when that is asked

CAPITAL_SIGMA: Final = 0x3A3
LATIN_END: Final = 0x24F
BLOCK: Final = 7  # code points share rows of 2 ** BLOCK

# A term as a key of two numbers: its letters, 21 bits each, the first in the lowest bits; or a concept's number, marked.
LETTER_BITS: Final = 21
CONCEPT: Final = 1 << 63
STEP: Final = 1  # the second number of the key of a step from a name to a longer one: no key is 0, which stands for none
# Letters of a listed function word, 8 bits each, the last in the lowest bits of the second number.
# A record of a term of the vocabulary: key, idf, and nothing, so that two are a cache line.
RECORD: Final = 4
# The key of a stem: that of its first letters, changed by its last eight, those, and how many it has.
STEM: Final = 4
LONGEST_LISTED: Final = 16
LANGUAGES: Final = 8  # French first

# Counts of which the logarithm is a table.
LOGARITHMS: Final = 1024


def _fields(names: str, kind: type[Any]) -> list[tuple[str, type[Any]]]:
    return [(name, kind) for name in names.split()]


class Tables(ctypes.Structure):
    """What a text is read with: addresses of arrays and whole numbers.

    A mask is that of a hash table, which holds places in its keys: its size, a power of two, less one.
    """

    _fields_ = _fields(
        """
        rows codes expansions
        endings endings_of ending_masks ending_letters ending_parts
        listed listed_mask listed_keys listed_languages longest_listed
        logarithms
        entries entries_mask records weights n_topics intercepts
        stems stems_mask stem_keys stem_starts stem_letters longest
        steps steps_mask step_keys step_nodes
        nodes concepts
        """,
        ctypes.c_int64,
    )


class Job(ctypes.Structure):
    """Documents to read, and room for what is found in them.

    text: code points, 32 bits each; a character stands between two passages. origins, original: of canonical text that was
    made from another, where each character comes from, and that other. passages: pairs, where it ends, what its terms weigh.
    documents: how many passages there are up to the end of each. terms: four numbers each, count, row, slot and nothing.
    """

    _fields_ = (
        *_fields("text origins original passages documents", ctypes.c_char_p),
        *_fields("n_documents word slots slots_mask stems keys terms values occurrences answers decisions", ctypes.c_int64),
    )


class Answer(ctypes.Structure):
    """What was found in one document. `terms_end` and `occurrences_end` say where its part of those arrays ends."""

    _fields_ = (
        *_fields("status words other_script n_known terms_end occurrences_end", ctypes.c_int32),
        ("function_words", ctypes.c_int32 * LANGUAGES),
    )


READ: Final = 0
NOT_CANONICAL: Final = 1

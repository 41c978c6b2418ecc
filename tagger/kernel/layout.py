"""What the compiled pass and Python hand each other: records of addresses and numbers, the same bytes on both sides."""

import ctypes
import sys
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

# And in a byte: the folded letter of Latin-1 (digits too, 48 and more), or one of these.
OUTSIDE: Final = 0  # stands in no word
OUTSIDE_SPECIAL: Final = 1  # stands in no word, and is special
INSIDE: Final = 48  # from here on, it stands in a word
ODD: Final = 255  # is left out, or folds to several letters, or to one beyond

CAPITAL_SIGMA: Final = 0x3A3
LATIN_END: Final = 0x24F
BLOCK: Final = 7  # code points share rows of 2 ** BLOCK

# A term as a key of two numbers: its letters, 21 bits each, the first in the lowest bits; or a concept's number, marked.
LETTER_BITS: Final = 21
CONCEPT: Final = 1 << 63
STEP: Final = 1  # the second number of the key of a step from a name to a longer one: no key is 0, which stands for none
# A record of a term of the vocabulary: key, idf, and its weights; with five topics or fewer it is one line of the cache.
IDF: Final = 2
WEIGHTS: Final = 3
# The key of a stem: that of its first letters, changed by its last eight, those, and how many it has.
STEM: Final = 4
# French first. A listed word says, in a byte each, whether it is one of theirs: French in the lowest.
LANGUAGES: Final = 8

# A word of at most so many letters of Latin-1 is remembered with what it means: its letters, the first in the lowest byte;
# languages; the id of its term (32 bits, -1 for none) and its stem (32 bits, 0 for one in no name, else its number after these
# flags, counted from 1).
REMEMBERED: Final = 16
MEANING: Final = 4
BEGINS: Final = 1  # a name begins with it
BEGINS_SMALL: Final = 2  # one that need not have a capital
GOES_ON: Final = 4  # a name goes on with it
FLAGS: Final = 3
# What so many words mean is sent for before their terms are counted: of each the letters, and where its meaning may stand, 0
# for a word that is not remembered.
AHEAD: Final = 64
LOOK: Final = 3

# Counts of which the logarithm is a table.
LOGARITHMS: Final = 1024


_UTF_32 = f"utf-32-{'le' if sys.byteorder == 'little' else 'be'}"


def code_points(text: str) -> bytes:
    """Return the code points of a text, 32 bits each, and a line break, which stands in no word."""
    return f"{text}\n".encode(_UTF_32, "surrogatepass")


def _fields(names: str, kind: type[Any]) -> list[tuple[str, type[Any]]]:
    return [(name, kind) for name in names.split()]


class Tables(ctypes.Structure):
    """What a text is read with: addresses of arrays and whole numbers.

    A mask is that of a hash table, which holds places in its keys: its size, a power of two, less one.
    """

    _fields_ = _fields(
        """
        rows codes expansions letters masks
        endings endings_of ending_masks ending_letters ending_parts
        listed listed_mask listed_keys listed_languages longest_listed
        logarithms
        entries entries_mask records record_size n_entries n_topics intercepts ranks
        stems stems_mask stem_keys stem_starts stem_letters stem_parts longest
        steps steps_mask step_keys step_nodes
        nodes concepts concept_ids n_concepts
        """,
        ctypes.c_int64,
    )


class Job(ctypes.Structure):
    """Documents to read, and room for what is found in them.

    text: code points, 32 bits each; a character that stands in no word follows each passage. origins, original: of canonical
    text that was made from another, where each character comes from, and that other. passages: pairs, where it ends, what its
    terms weigh. documents: how many passages there are up to the end of each. terms: pairs, count and id. firsts: where among
    the occurrences each term is first.

    A term's id is its row; for a concept without one, its number after all rows; for another term, the place of its key in
    `unknown_keys` after all concepts. meanings, unknown: what was met so far, in any document, until there is no more room for
    unknown terms. letters, starts, ends: the text in bytes, and its words. ahead: of some of them, what `AHEAD` says. stems: of
    the words that are terms; beginnings: which of these a name may begin with. keys: of the terms, where they are asked for.
    """

    _fields_ = (
        *_fields("text origins original passages documents", ctypes.c_char_p),
        *_fields(
            """
            n_documents word meanings meanings_mask unknown unknown_mask unknown_keys n_unknown most_unknown places
            letters starts ends ahead stems beginnings terms rows firsts keys values occurrences answers decisions
            """,
            ctypes.c_int64,
        ),
    )


class Answer(ctypes.Structure):
    """What was found in one document. `terms_end` and `occurrences_end` say where its part of those arrays ends."""

    _fields_ = (
        *_fields("status words other_script n_known terms_end occurrences_end", ctypes.c_int32),
        ("function_words", ctypes.c_int32 * LANGUAGES),
    )


READ: Final = 0
NOT_CANONICAL: Final = 1

# Kinds of characters, by which an automaton that looks for phrases steps from state to state. The last ones stand in words: two
# between other letters only, then figures and other letters, then small ones. Characters from `WIDEST` on are all of one kind.
KIND_BITS: Final = 6
SPACE: Final = 0
JOINING: Final = 28
INSIDE_WORDS: Final = 30
LETTER: Final = 32
WIDEST: Final = 0x2100
# Its first states: a row has ended in which no phrase was found, or one was; then up to `LAST_ANNOUNCED` those where a phrase
# ends that counts in short rows only. What a row holds is told by bits.
ROW_ENDS: Final = 1
LAST_ANNOUNCED: Final = 15
HELD: Final = 1
ANNOUNCED: Final = 2


class Rows(ctypes.Structure):
    """A text to divide into rows: code points of 32 bits; the kind of each character; the next state by state and kind.

    found: of each of the n rows that are not blank, its first character, the one after its last, what it holds, and how many
    words; a row has two characters at least, its break and another.
    """

    _fields_ = (("text", ctypes.c_char_p), *_fields("length kinds steps found n", ctypes.c_int64))

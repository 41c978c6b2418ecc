"""What a text is read with -> arrays for the compiled pass: those of the language, the same for every release."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tagger.errors import TaggerError
from tagger.kernel import layout
from tagger.text import ENDINGS, FUNCTION_WORDS, INVISIBLE, MARKS, ONE_TO_ONE, STOP_WORDS, fold

_CODE_POINTS = 0x110000
_INVISIBLE, _MARK = re.compile(f"[{INVISIBLE}]"), re.compile(f"[{MARKS}]")
# Unassigned, for private use, or half of a pair: they stand in no word and combine with nothing.
_WITHOUT_MEANING = ("Cn", "Co", "Cs")
# Hangul vowels and final consonants: they combine with the one before them by a rule, not by a table.
_COMBINING_JAMO = (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))

Arrays = dict[str, NDArray[np.generic]]


class WordListError(TaggerError):
    """The word lists of the language hold what the compiled pass has no room for."""


def language_tables() -> Arrays:
    """Return the arrays of the language, by their names in `layout.Tables`; takes about half a second."""
    return {**_code_points(), **_endings(), **_listed_words(), "logarithms": _logarithms(), "masks": _masks()}


def _logarithms() -> NDArray[np.float64]:
    return np.log(np.maximum(np.arange(layout.LOGARITHMS, dtype=np.float64), 1.0))


def _masks() -> NDArray[np.uint64]:
    """Return, for each length of a word, which of sixteen bytes to keep: the first half, the second; none of a longer one."""
    whole = [(1 << 8 * n) - 1 for n in range(layout.REMEMBERED + 1)]
    return _halves([(bits & (1 << 64) - 1) << 64 | bits >> 64 for bits in (*whole, 0)])


def _code_points() -> Arrays:
    """Say of each code point how it folds and what it is, in rows of which equal ones are kept once."""
    codes = np.zeros(_CODE_POINTS, dtype=np.uint32)
    expansions = [0]
    seconds = _that_combine_with_one_before()
    for code in range(_CODE_POINTS):
        character = chr(code)
        if unicodedata.category(character) not in _WITHOUT_MEANING:
            codes[code] = _about(character, expansions) | (layout.SPECIAL if _is_special(character, seconds) else 0)
    # Letters are told apart too: two blocks that fold alike to others, each to its own, hold the same codes.
    blocks = np.stack([codes, _in_a_byte(codes)], axis=1).reshape(-1, 2 << layout.BLOCK)
    kept, rows = np.unique(blocks, axis=0, return_inverse=True)
    return {
        "rows": rows.ravel().astype(np.uint16),
        "codes": kept[:, ::2].ravel(),
        "letters": kept[:, 1::2].ravel().astype(np.uint8),
        "expansions": np.array(expansions, dtype=np.uint32),
    }


def _in_a_byte(codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return what `layout` says of a code point in a byte, for all."""
    letters = np.arange(_CODE_POINTS, dtype=np.uint32) ^ (codes & layout.CODE)
    inside, odd = codes & (layout.WORD | layout.INVISIBLE) != 0, codes & (layout.EXPANDS | layout.SPECIAL) != 0
    outside = np.where(codes & layout.SPECIAL, layout.OUTSIDE_SPECIAL, layout.OUTSIDE)
    return np.where(
        inside, np.where(odd | (letters >= layout.ODD) | (letters < layout.INSIDE), layout.ODD, letters), outside
    ).astype(np.uint32)


def _about(character: str, expansions: list[int]) -> int:
    own = (layout.UPPER if character.isupper() else 0) | (layout.ALPHA if character.isalpha() else 0)
    if _INVISIBLE.match(character):
        return own | layout.INVISIBLE | _expanding("", expansions)
    if not ONE_TO_ONE.get(character, character).isalnum():
        return own
    folded = fold.__wrapped__(character)
    some = layout.SOME_ALPHA if any(letter.isalpha() for letter in folded) else 0
    others = layout.NOT_ALPHA if any(not letter.isalpha() for letter in folded) else 0
    same_length = len(folded) == 1 and ord(character) != layout.CAPITAL_SIGMA
    letters = ord(character) ^ ord(folded) if same_length else _expanding(folded, expansions)
    return own | layout.WORD | some | others | letters | _beside_sigma(character)


def _expanding(letters: str, expansions: list[int]) -> int:
    expansions.extend((len(letters), *map(ord, letters)))
    return layout.EXPANDS | (len(expansions) - len(letters) - 1)


def _beside_sigma(character: str) -> int:
    """Find out what `str.lower` asks of the letters around a capital sigma, which `unicodedata` does not tell."""
    last, before_letter = (f"AΣ{character}{after}".lower()[1] == "σ" for after in ("", "A"))
    return layout.CASED if last else layout.IGNORABLE if before_letter else 0


def _that_combine_with_one_before() -> frozenset[str]:
    decompositions = (unicodedata.decomposition(chr(code)).split() for code in range(_CODE_POINTS))
    pairs = (parts for parts in decompositions if len(parts) == 2 and not parts[0].startswith("<"))
    return frozenset(chr(int(second, 16)) for _, second in pairs) | frozenset(map(chr, _COMBINING_JAMO))


def _is_special(character: str, seconds: frozenset[str]) -> bool:
    """Tell whether text with this character may be rewritten by `text.align` otherwise than letter by letter."""
    return (
        character == "&"
        or character in seconds
        or unicodedata.combining(character) != 0
        or _MARK.match(character) is not None
        or not unicodedata.is_normalized("NFC", character)
    )


def _endings() -> Arrays:
    """Return the endings as masks, as letters, and as (cut, added, added letters).

    `endings_of` lists them, in their order, by the last two letters of a word, of which five bits each tell enough; `endings`
    says where each list begins and where the last ends.
    """
    lists = [
        [number for number, (ending, _) in enumerate(ENDINGS) if _may_end(ending, last, before)]
        for before in range(32)
        for last in range(32)
    ]
    parts = np.zeros((len(ENDINGS), 8), dtype=np.int32)
    for row, (ending, replacement) in enumerate(ENDINGS):
        parts[row, : 2 + len(replacement)] = len(ending), len(replacement), *map(ord, replacement)
    return {
        "endings": np.cumsum([0, *map(len, lists)]).astype(np.int32),
        "endings_of": np.array([number for numbers in lists for number in numbers], dtype=np.int32),
        "ending_masks": np.array([(1 << 8 * len(ending)) - 1 for ending, _ in ENDINGS], dtype=np.uint64),
        "ending_letters": np.array([_packed(ending) for ending, _ in ENDINGS], dtype=np.uint64),
        "ending_parts": parts,
    }


def _may_end(ending: str, last: int, before: int) -> bool:
    return ord(ending[-1]) & 31 == last and (len(ending) == 1 or ord(ending[-2]) & 31 == before)


def _listed_words() -> Arrays:
    """Return the function words as keys, and for each the languages that have it, French first."""
    lists = (STOP_WORDS, *FUNCTION_WORDS.values())
    listed = sorted(frozenset[str]().union(*lists))
    if len(lists) > layout.LANGUAGES or any(len(word) > layout.REMEMBERED or not word.isascii() for word in listed):
        raise WordListError(f"At most {layout.LANGUAGES} languages, words of {layout.REMEMBERED} unaccented letters.")
    languages = [sum((word in words) << 8 * place for place, words in enumerate(lists)) for word in listed]
    return {
        "listed_keys": _halves([_packed(word) for word in listed]),
        "listed_languages": np.array(languages, dtype=np.uint64),
    }


def _packed(letters: str) -> int:
    return int.from_bytes(letters.encode("ascii"), "big")


def _halves(numbers: Sequence[int]) -> NDArray[np.uint64]:
    return np.array([(number >> 64, number & (1 << 64) - 1) for number in numbers], dtype=np.uint64)

"""A gazetteer and a vocabulary with its weights -> arrays for the compiled pass, kept; and keys -> terms, the way back."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tagger.encoded import Floats, Integers
from tagger.features import LETTERS
from tagger.gazetteer import MARK, Concept, Gazetteer
from tagger.kernel import layout
from tagger.kernel.cache import Arrays, keep, kept, read
from tagger.kernel.compiled import Kernel

Keys = NDArray[np.uint64]
Names = Mapping[tuple[str, ...], Sequence[Concept]]
_HALF = LETTERS // 2
_LETTER = (1 << layout.LETTER_BITS) - 1


@dataclass(frozen=True)
class Lexicon:
    """What the pass looks up.

    arrays: by their names in `layout.Tables`. longest: the letters of the longest stem in names. concepts: the ids that keys
    of concepts number. concepts_a_name: of the name that has most.
    """

    arrays: Arrays
    longest: int
    concepts: Sequence[str]
    concepts_a_name: int


def make_lexicon(
    compiled: Kernel, gazetteer: Gazetteer, terms: Sequence[str], idf: Floats, weights: Floats, intercepts: Floats
) -> Lexicon:
    """Pack a vocabulary, in the order of its rows, with idf, shape (n_terms,), weights, (n_terms, n_topics), and names."""
    names = {name: concepts for same in gazetteer.names.values() for name, concepts in same.items()}
    stems = sorted(set(chain.from_iterable(names)))
    concepts = list(dict.fromkeys(concept.id for named in names.values() for concept in named))
    rows = {term: row for row, term in enumerate(terms)}
    concept_rows = [rows.get(MARK + concept, -1) for concept in concepts]
    arrays = {
        "records": _records(terms, idf, weights, concept_rows),
        "intercepts": np.ascontiguousarray(intercepts, dtype=np.float64),
        "ranks": ranks(terms),
        "concept_ids": np.array([len(terms) + k if row < 0 else row for k, row in enumerate(concept_rows)], dtype=np.int32),
        **_stem_arrays(stems),
        **_name_arrays(names, stems, concepts),
    }
    for slots, keys in (("entries", "records"), ("stems", "stem_keys"), ("steps", "step_keys")):
        arrays[slots] = hash_table(compiled, arrays[keys])
    longest, concepts_a_name = max(map(len, stems), default=0), max(map(len, names.values()), default=0)
    return Lexicon(arrays, longest, concepts, concepts_a_name)


def kept_lexicon(release: str, make: Callable[[], Lexicon]) -> Lexicon:
    """Return the lexicon of the release of this name: what is kept in a file for all processes, or else what `make` makes."""
    arrays = dict(kept("lexicon", release, partial(_keep, release, make)))
    longest, concepts_a_name = arrays.pop("sizes").tolist()
    concepts = arrays.pop("names_of_concepts").tobytes().decode().splitlines()
    return Lexicon(arrays, longest, concepts, concepts_a_name)


def _keep(release: str, make: Callable[[], Lexicon]) -> Arrays:
    """Return what `kept_lexicon` reads; where no file can be written, this process has it for itself."""
    made = make()
    names = "".join(f"{concept}\n" for concept in made.concepts)
    arrays = {
        **made.arrays,
        "sizes": np.array([made.longest, made.concepts_a_name]),
        "names_of_concepts": np.frombuffer(names.encode(), dtype=np.uint8),
    }
    with suppress(OSError):
        return read(keep("lexicon", release, arrays))
    return arrays


def ranks(terms: Sequence[str]) -> Integers:
    """Return the place of each term among all, by name."""
    return np.argsort(np.argsort(np.array(terms, dtype=str))).astype(np.int32)


def hash_table(compiled: Kernel, keys: NDArray[np.generic]) -> Integers:
    """Return the places of keys, by their hashes."""
    slots = np.zeros(1 << (2 * len(keys) + 1).bit_length(), dtype=np.int32)
    compiled.place(slots.ctypes.data, len(slots) - 1, keys.ctypes.data, keys.shape[1], len(keys))
    return slots


def decoded(first: int, second: int, concepts: Sequence[str]) -> str:
    """Return the term of a key."""
    if first & layout.CONCEPT:
        return MARK + concepts[first ^ layout.CONCEPT]
    letters = (number >> place * layout.LETTER_BITS & _LETTER for number in (first, second) for place in range(_HALF))
    return "".join(chr(letter) for letter in letters if letter)


def _letter_keys(terms: Sequence[str]) -> Keys:
    """Return the keys of terms of at most six letters, shape (n_terms, 2)."""
    letters = np.array(terms, dtype=f"<U{LETTERS}").reshape(-1, 1).view(np.uint32).astype(np.uint64).reshape(-1, 2, _HALF)
    keys: Keys = np.bitwise_or.reduce(letters << np.arange(_HALF, dtype=np.uint64) * np.uint64(layout.LETTER_BITS), axis=2)
    return keys


def _records(terms: Sequence[str], idf: Floats, weights: Floats, concept_rows: Sequence[int]) -> NDArray[np.generic]:
    """Return the records of the vocabulary; a term that no text can hold keeps the key 0, which stands for none."""
    n_topics = weights.shape[1]
    records = cache_aligned(len(terms), -(-(layout.WEIGHTS + -(-n_topics // 4) * 4) // 8) * 8)
    records[:, :2] = _letter_keys([term if len(term) <= LETTERS else "" for term in terms])
    for number, row in enumerate(concept_rows):
        if row >= 0:
            records[row, :2] = layout.CONCEPT | number, 0
    numbers = records.view(np.float64)
    numbers[:, layout.IDF] = idf
    numbers[:, layout.WEIGHTS : layout.WEIGHTS + n_topics] = weights
    return records


def cache_aligned(rows: int, columns: int) -> NDArray[np.uint64]:
    """Return zeros that begin with a cache line: it then holds two records or keys."""
    room = np.zeros(rows * columns + 8, dtype=np.uint64)
    skipped = -room.ctypes.data % 64 // 8
    return room[skipped : skipped + rows * columns].reshape(rows, columns)


def _stem_arrays(stems: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Return stems by keys that tell nearly all apart; and all letters, to be sure."""
    tails = np.array([_tail(stem) for stem in stems], dtype=np.uint64)
    keys = cache_aligned(len(stems), layout.STEM)
    keys[:, :2] = _letter_keys([stem[:LETTERS] for stem in stems])
    keys[:, 1] ^= tails
    keys[:, 2] = tails
    keys[:, 3] = [len(stem) for stem in stems]
    return {
        "stem_keys": keys,
        "stem_starts": np.cumsum([0, *map(len, stems)]).astype(np.int32),
        "stem_letters": np.array([*map(ord, "".join(stems))], dtype=np.uint32),
    }


def _tail(letters: str) -> int:
    """Pack the last eight letters, 8 bits each, as the pass does."""
    return int.from_bytes(bytes(min(ord(letter), 255) for letter in letters[-8:]), "big")


def _name_arrays(names: Names, stems: Sequence[str], concepts: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Return names as a tree: a node for each beginning of a name, and steps (node, stem) -> node.

    The node of a first word is the number of its stem. Of each node: where its concepts begin, and twice where they end, and
    one more where steps go on from it.
    """
    stem_numbers = {stem: number for number, stem in enumerate(stems)}
    concept_numbers = {concept: number for number, concept in enumerate(concepts)}
    steps: dict[tuple[int, int], int] = {}
    named: dict[int, Sequence[Concept]] = {}
    for first, *rest in names:
        node = stem_numbers[first]
        for stem in rest:
            node = steps.setdefault((node, stem_numbers[stem]), len(stems) + len(steps))
        named[node] = names[first, *rest]
    by_node = [named.get(node, ()) for node in range(len(stems) + len(steps))]
    ends = np.cumsum([0, *map(len, by_node)])
    nodes = np.stack([ends[:-1], 2 * ends[1:]], axis=1).astype(np.int32)
    nodes[[node for node, _ in steps], 1] |= 1
    parts = np.zeros(len(stems), dtype=np.int32)
    for (first, *rest), meant in names.items():
        parts[stem_numbers[first]] |= layout.BEGINS
        if not all(concept.proper for concept in meant):
            parts[stem_numbers[first]] |= layout.BEGINS_SMALL
        parts[[stem_numbers[stem] for stem in rest]] |= layout.GOES_ON
    return {
        "stem_parts": parts,
        "nodes": nodes,
        "step_keys": np.array([(node << 32 | number, layout.STEP) for node, number in steps], dtype=np.uint64).reshape(-1, 2),
        "step_nodes": np.array(list(steps.values()), dtype=np.int32),
        "concepts": np.array([concept_numbers[c.id] << 1 | c.proper for meant in by_node for c in meant], dtype=np.int32),
    }

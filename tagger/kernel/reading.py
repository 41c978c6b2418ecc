"""Documents -> what the compiled pass finds in them: lays out the text and room for the answers, and calls it."""

import ctypes
import struct
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count as numbered
from itertools import islice, pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tagger.documents import Document
from tagger.encoded import Encoded, Floats
from tagger.features import FIELD_WEIGHTS, placed, term_counts
from tagger.gazetteer import Gazetteer
from tagger.kernel.compiled import Kernel, kernel
from tagger.kernel.layout import AHEAD, LOOK, MEANING, READ, Answer, Job, Tables, code_points
from tagger.kernel.lexicon import Lexicon, cache_aligned, decoded, hash_table, make_lexicon
from tagger.text import ENDINGS, FUNCTION_WORDS, STOP_WORDS, WordCounts, align

# A word longer than names and endings are is in no name, and its first letters are its term: the rest need not be kept.
_LEAST_LETTERS, _LONGEST_ENDING = 24, max(len(ending) for ending, _ in ENDINGS)
_LONGEST_LISTED = max(map(len, STOP_WORDS.union(*FUNCTION_WORDS.values())))
_TERMS_END = Answer.terms_end.offset // 4
# Documents read in one call: enough to share its cost, few enough to stay in the processor's cache.
_AT_ONCE = 32
# Room for an ordinary article at least, so that it is not made anew for each longer one; that for longer texts, in characters,
# is given back after use.
_LEAST_ROOM, _KEPT_ROOM = 1 << 13, 1 << 18
# Rooms kept for the next texts: more are taken only where more processors read at once.
_ROOMS = 2
# Words remembered with what they mean: 4 MB where all are met. With a fourth of it, articles of 5 kB took a fifth longer.
_MEANINGS = 1 << 17
# Terms remembered that the vocabulary does not know.
_UNKNOWN = 1 << 15

_T = TypeVar("_T")


@dataclass(slots=True)
class _Layout:
    """Documents end to end, as `layout.Job` says; `starts`: where each begins; `longest`: the characters of the longest."""

    texts: list[str] = field(default_factory=list)
    passages: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    size: int = 0
    longest: int = 0

    def add(self, document: Document) -> None:
        end = -1
        for at, name, passage in placed(document):
            end = at + len(passage.text)
            self.texts.append(passage.text)
            self.passages += (self.size + end, FIELD_WEIGHTS[name])
        self.documents.append(len(self.texts))
        self.starts.append(self.size)
        self.size += end + 1
        self.longest = max(self.longest, end)


class _Room:
    """Room for texts of `size` characters together, and for what the pass remembers from one to the next."""

    def __init__(self, reader: "Reader") -> None:
        # Its numbers, not itself: a circle would outlive a swap, as a worker never looks for garbage in its first release.
        self._letters, self._known, self._concepts_a_name = reader.letters, reader.known, reader.concepts_a_name
        self.job = Job(meanings_mask=_MEANINGS // 2 - 1)
        self._remembered: dict[str, NDArray[Any]] = {}
        self._words: dict[str, NDArray[Any]] = {}
        self.answers = np.empty((_AT_ONCE, ctypes.sizeof(Answer) // 4), dtype=np.int32)
        self.decisions = np.empty((_AT_ONCE, reader.n_topics))
        self._show({"answers": self.answers, "decisions": self.decisions})
        self.address = ctypes.addressof(self.job)
        self.make(_LEAST_ROOM)

    def make(self, size: int) -> None:
        """Make room for texts of so many characters together; what is remembered stays, if they cannot hold too many terms."""
        words = size // 2 + 1
        terms = words * (1 + self._concepts_a_name)
        self.size = size
        self.rows, self.firsts = np.empty(terms, dtype=np.int32), np.empty(terms, dtype=np.int32)
        self.values, self.occurrences = np.empty(terms), np.empty((terms, 3), dtype=np.int32)
        self.terms, self.keys = np.empty((terms, 2), dtype=np.int32), np.empty((terms, 2), dtype=np.uint64)
        self._show({name: getattr(self, name) for name in ("rows", "firsts", "values", "occurrences", "terms")})
        self._words = {
            # Sixteen letters are taken at a time, from wherever a word begins.
            "letters": np.empty(size + 32, dtype=np.uint8),
            **{name: np.empty(words, dtype=np.int32) for name in ("starts", "ends", "stems", "beginnings")},
        }
        self._show(self._words)
        if words > self.job.most_unknown:
            self._remember(max(_UNKNOWN, words))

    def _remember(self, unknown: int) -> None:
        """Begin to remember, so many unknown terms."""
        self._remembered = {
            "word": np.empty(self._letters + 8, dtype=np.uint32),
            "ahead": np.empty((AHEAD, LOOK), dtype=np.uint64),
            "meanings": cache_aligned(_MEANINGS + 1, MEANING),
            "unknown": np.zeros(_power_of_two(2 * unknown), dtype=np.int32),
            "unknown_keys": np.empty((unknown, 2), dtype=np.uint64),
            "places": np.zeros(self._known + unknown, dtype=np.int32),
        }
        self._show(self._remembered)
        self.job.unknown_mask = len(self._remembered["unknown"]) - 1
        self.job.n_unknown, self.job.most_unknown = 0, unknown

    def _show(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, values in arrays.items():
            setattr(self.job, name, values.ctypes.data)


class _Found(NamedTuple):
    """What one call of the pass found: lies in the room until that is used again. starts: where documents begin in the text."""

    room: _Room
    starts: list[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often terms count in documents: those of document i stand at `ends[i]` to `ends[i + 1]`, as they first occur.

    terms: places in `names`, each of which stands in a document.
    """

    ends: "array[int]"
    terms: "array[int]"
    counts: "array[int]"
    names: list[str]


class Reader:
    """Reads documents with a vocabulary, a gazetteer and the weights of topics; several threads may do so at once.

    known: how many terms and concepts have an id from the start. letters: how many of a word are kept. concepts_a_name: what a
    name may mean at most.
    """

    def __init__(self, compiled: Kernel, lexicon: Lexicon) -> None:
        self._kernel, self._rooms = compiled, list[_Room]()
        self.concepts, self.concepts_a_name = lexicon.concepts, lexicon.concepts_a_name
        n_entries, self.n_topics = len(lexicon.arrays["records"]), len(lexicon.arrays["intercepts"])
        self.known = n_entries + len(self.concepts)
        self.letters = max(lexicon.longest + _LONGEST_ENDING, _LEAST_LETTERS)
        self._arrays = {**compiled.language, **lexicon.arrays}
        self._arrays["listed"] = hash_table(compiled, self._arrays["listed_keys"])
        self._tables = Tables(
            **{name: values.ctypes.data for name, values in self._arrays.items()},
            **{f"{slots}_mask": len(self._arrays[slots]) - 1 for slots in ("listed", "entries", "stems", "steps")},
            longest_listed=_LONGEST_LISTED,
            record_size=lexicon.arrays["records"].shape[1],
            n_entries=n_entries,
            n_concepts=len(self.concepts),
            n_topics=self.n_topics,
            longest=self.letters,
        )
        self._address = ctypes.addressof(self._tables)

    def encode(self, document: Document) -> Encoded:
        """Read one document."""
        return self._read((document,), _encoded)[0] or _only(self._read((document,), _encoded, canonical=True))

    def encode_all(self, documents: Iterable[Document]) -> Iterator[Encoded]:
        """Read documents, some dozens in one call."""
        for some in _chunks(documents):
            for document, encoded in zip(some, self._read(some, _encoded), strict=True):
                yield encoded or _only(self._read((document,), _encoded, canonical=True))

    def decisions(self, documents: Iterable[Document]) -> tuple[Floats, NDArray[np.int32]]:
        """Return the decision values of documents, shape (n_documents, n_topics), and how many different terms each has."""
        values, lengths = [np.zeros((0, self.n_topics))], [np.zeros(0, dtype=np.int32)]
        for some in _chunks(documents):
            rows, length, statuses = self._read(some, _decided)
            for row in np.flatnonzero(statuses != READ).tolist():
                (again,), (terms,), _ = self._read((some[row],), _decided, canonical=True)
                rows[row], length[row] = again, terms
            values.append(rows)
            lengths.append(length)
        return np.concatenate(values), np.concatenate(lengths)

    def counts(self, documents: Sequence[Document]) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
        """Yield the keys of the terms of each document, known and unknown, as they first occur, and how often they count."""
        for document, found in zip(documents, self._read(documents, _counted, keys=True), strict=True):
            yield found or _only(self._read((document,), _counted, canonical=True, keys=True))

    def strongest(self, encoded: Encoded, topic: int, most: int) -> Iterator[tuple[int, float]]:
        """Do what `TopicModel.strongest` does."""
        if not encoded.known:
            return
        found = np.empty((2, most))
        rows, values = _address(encoded.rows), _address(encoded.values)
        self._kernel.strongest(self._address, rows, values, encoded.length, topic, most, _address(found))
        for place, added in zip(found.view(np.int64)[0].tolist(), found[1].tolist(), strict=True):
            if place < 0:
                break
            yield place, added

    def _read(
        self, documents: Sequence[Document], use: Callable[[_Found], _T], *, canonical: bool = False, keys: bool = False
    ) -> _T:
        """Read documents as they are, or rewritten as canonical text, which the pass asks for where it may differ.

        use: takes out of the room what was found; then it is free for others. keys: find the keys of the terms too.
        """
        laid = _Layout()
        for document in documents:
            laid.add(document)
        original = "\n".join(laid.texts)
        origins, text = _aligned(laid) if canonical else (None, original)
        room = self._room(max(len(text), laid.size))
        job = room.job
        job.text = code_points(text)
        job.origins = origins
        job.original = code_points(original) if canonical else None
        job.passages = array("i", laid.passages).tobytes()
        job.documents = array("i", laid.documents).tobytes()
        job.n_documents, job.keys = len(documents), room.keys.ctypes.data if keys else 0
        try:
            self._kernel.read(self._address, room.address)
            return use(_Found(room, laid.starts))
        finally:
            if room.size <= _KEPT_ROOM and len(self._rooms) < _ROOMS:
                self._rooms.append(room)

    def _room(self, size: int) -> _Room:
        """Return a room that nobody else is in, the last used first: its memory is near."""
        try:
            room = self._rooms.pop()
        except IndexError:
            room = _Room(self)
        if size > room.size:
            room.make(_power_of_two(size))
        return room


def _only(items: Sequence[_T | None]) -> _T:
    """Return the one thing that was found: canonical text can always be read."""
    (found,) = (item for item in items if item is not None)
    return found


def _encoded(found: _Found) -> list[Encoded | None]:
    """Copy what was found out of the room, and count terms and places from the beginning of each document."""
    room, starts = found
    numbers = room.answers[: len(starts)].tolist()
    _, _, _, _, last_term, last_occurrence, *_ = numbers[-1]
    rows, values, firsts = room.rows[:last_term].copy(), room.values[:last_term].copy(), room.firsts[:last_term].copy()
    occurrences, decisions = room.occurrences[:last_occurrence].copy(), room.decisions[: len(starts)].copy()
    documents: list[Encoded | None] = []
    term = occurrence = 0
    for answer, decision, start in zip(numbers, decisions, starts, strict=True):
        status, words, other_script, known, terms_end, occurrences_end, french, *others = answer
        if start:
            occurrences[occurrence:occurrences_end] -= (term, start, start)
            firsts[term:terms_end] -= occurrence
        read = Encoded(
            WordCounts(words, other_script, french, max(others)),
            rows[term:terms_end],
            values[term:terms_end],
            known,
            occurrences[occurrence:occurrences_end],
            firsts[term:terms_end],
            decision,
        )
        documents.append(read if status == READ else None)
        term, occurrence = terms_end, occurrences_end
    return documents


def _decided(found: _Found) -> tuple[Floats, NDArray[np.int32], NDArray[np.int32]]:
    """Copy the decision values, how many different terms each document has, and whether it could be read."""
    room, starts = found
    answers = room.answers[: len(starts)]
    return room.decisions[: len(starts)].copy(), np.diff(answers[:, _TERMS_END], prepend=0), answers[:, 0].copy()


def _counted(found: _Found) -> list[tuple[NDArray[np.uint64], NDArray[np.int32]] | None]:
    """Copy the keys and counts of the terms of each document."""
    room, starts = found
    answers = room.answers[: len(starts)]
    last = int(answers[-1, _TERMS_END])
    keys, counts = room.keys[:last].copy(), room.terms[:last, 0].copy()
    documents, start = [], 0
    for status, end in zip(answers[:, 0].tolist(), answers[:, _TERMS_END].tolist(), strict=True):
        documents.append((keys[start:end], counts[start:end]) if status == READ else None)
        start = end
    return documents


def counted(documents: Iterable[Document], gazetteer: Gazetteer) -> Iterator[dict[str, int]]:
    """Yield for each document what `features.term_counts` returns, in the same order."""
    found = count(documents, gazetteer)
    for start, end in pairwise(found.ends):
        names = map(found.names.__getitem__, found.terms[start:end])
        yield dict(zip(names, found.counts[start:end], strict=True))


def count(documents: Iterable[Document], gazetteer: Gazetteer) -> Counts:
    """Return what `features.term_counts` does, of many documents."""
    compiled = kernel()
    if compiled is None:
        return _count_by_reference(documents, gazetteer)
    reader = Reader(compiled, make_lexicon(compiled, gazetteer, [], np.zeros(0), np.zeros((0, 1)), np.zeros(1)))
    # Keys as bytes: found twice as fast as pairs of numbers.
    numbers: defaultdict[bytes, int] = defaultdict(numbered().__next__)
    ends, terms, counts = array("q", [0]), array("i"), array("i")
    for some in _chunks(documents):
        for keys, found in reader.counts(some):
            terms.extend(map(numbers.__getitem__, keys.view("V16").ravel().tolist()))
            counts.frombytes(found.tobytes())
            ends.append(len(terms))
    pairs = struct.iter_unpack("=QQ", b"".join(numbers))
    return Counts(ends, terms, counts, [decoded(first, second, reader.concepts) for first, second in pairs])


def _count_by_reference(documents: Iterable[Document], gazetteer: Gazetteer) -> Counts:
    numbers: defaultdict[str, int] = defaultdict(numbered().__next__)
    ends, terms, counts = array("q", [0]), array("i"), array("i")
    for document in documents:
        found = term_counts(document, gazetteer)
        terms.extend(map(numbers.__getitem__, found))
        counts.extend(found.values())
        ends.append(len(terms))
    return Counts(ends, terms, counts, list(numbers))


def _aligned(laid: _Layout) -> tuple[bytes, str]:
    """Rewrite the passages as canonical text; return where its characters come from, and it. The ends of passages move."""
    origins, texts, start, size = array("i"), [], 0, 0
    for number, text in enumerate(laid.texts):
        aligned = align(text)
        places = range(len(text) + 1) if aligned.origins is None else aligned.origins
        origins.extend(start + place for place in places)
        texts.append(aligned.text)
        start += len(text) + 1
        laid.passages[2 * number] = size + len(aligned.text)
        size += len(aligned.text) + 1
    return origins.tobytes(), "\n".join(texts)


def _address(values: NDArray[np.generic]) -> int:
    """Return where the numbers of an array stand; it must have some. NumPy's own way takes four times as long."""
    return ctypes.addressof(ctypes.c_char.from_buffer(values.data))


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _chunks(documents: Iterable[Document]) -> Iterator[tuple[Document, ...]]:
    rest = iter(documents)
    while some := tuple(islice(rest, _AT_ONCE)):
        yield some

"""Documents -> what the compiled pass finds in them: lays out the text and room for the answers, and calls it."""

import ctypes
import sys
import threading
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tagger.documents import Document
from tagger.encoded import Encoded, Floats
from tagger.features import FIELD_WEIGHTS, placed, term_counts
from tagger.gazetteer import Gazetteer
from tagger.kernel.compiled import Kernel, kernel
from tagger.kernel.layout import READ, Answer, Job, Tables
from tagger.kernel.lexicon import decoded, make_lexicon
from tagger.text import ENDINGS, FUNCTION_WORDS, STOP_WORDS, WordCounts, align

_UTF_32 = f"utf-32-{'le' if sys.byteorder == 'little' else 'be'}"
_ANSWER: np.dtype[np.generic] = np.dtype(Answer)
# A word longer than names and endings are is in no name, and its first letters are its term: the rest need not be kept.
_LEAST_LETTERS, _LONGEST_ENDING = 24, max(len(ending) for ending, _ in ENDINGS)
_LONGEST_LISTED = max(map(len, STOP_WORDS.union(*FUNCTION_WORDS.values())))
# Documents read in one call: enough to share its cost, few enough to stay in the processor's cache.
_AT_ONCE = 32
# Room for longer texts, in characters, is given back after use.
_KEPT_ROOM = 1 << 18


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
    """Room for texts of `size` characters; `slots` for the terms of one document."""

    def __init__(self, size: int, slots: int, letters: int, concepts_a_name: int) -> None:
        self.size, self.slots = size, slots
        words = size // 2 + 1
        terms = words * (1 + concepts_a_name)
        self.terms = np.empty((terms, 4), dtype=np.int32)
        self.keys = np.empty((terms, 2), dtype=np.uint64)
        self.values = np.empty(terms)
        self.occurrences = np.empty((terms, 3), dtype=np.int32)
        self._others = np.empty(letters + 8, dtype=np.uint32), np.zeros(slots, dtype=np.int32), np.empty(words, dtype=np.int32)
        word, slots_, stems = self._others
        self.job = Job(
            word=word.ctypes.data,
            slots=slots_.ctypes.data,
            stems=stems.ctypes.data,
            keys=self.keys.ctypes.data,
            terms=self.terms.ctypes.data,
            values=self.values.ctypes.data,
            occurrences=self.occurrences.ctypes.data,
        )


class _Found(NamedTuple):
    """What one call of the pass found, and where in the text of the job its documents begin."""

    room: _Room
    answers: "ctypes.Array[Answer]"
    decisions: "ctypes.Array[ctypes.c_double]"
    starts: list[int]


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each term counts in documents, by keys: those of document i are rows `ends[i - 1]` to `ends[i]`."""

    ends: NDArray[np.intp]
    keys: NDArray[np.uint64]
    counts: NDArray[np.int32]


class Reader:
    """Reads documents with a vocabulary, a gazetteer and the weights of topics; several threads may do so at once."""

    def __init__(
        self, compiled: Kernel, gazetteer: Gazetteer, terms: Sequence[str], idf: Floats, weights: Floats, intercepts: Floats
    ) -> None:
        lexicon = make_lexicon(terms, idf, gazetteer)
        self._kernel, self._local = compiled, threading.local()
        self.concepts, self._n_topics = lexicon.concepts, weights.shape[1]
        self._concepts_a_name = max((len(c) for same in gazetteer.names.values() for c in same.values()), default=0)
        self._letters = max(lexicon.longest + _LONGEST_ENDING, _LEAST_LETTERS)
        self._arrays = {
            **compiled.language,
            **lexicon.arrays,
            "weights": np.ascontiguousarray(weights, dtype=np.float64),
            "intercepts": np.ascontiguousarray(intercepts, dtype=np.float64),
        }
        for slots, keys in (("listed", "listed_keys"), ("entries", "records"), ("stems", "stem_keys"), ("steps", "step_keys")):
            self._arrays[slots] = _hash_table(compiled, self._arrays[keys])
        self._tables = Tables(
            **{name: values.ctypes.data for name, values in self._arrays.items()},
            **{f"{slots}_mask": len(self._arrays[slots]) - 1 for slots in ("listed", "entries", "stems", "steps")},
            longest_listed=_LONGEST_LISTED,
            n_topics=self._n_topics,
            longest=self._letters,
        )

    def encode(self, document: Document) -> Encoded:
        """Read one document."""
        found = self._read((document,))
        if found.answers[0].status != READ:
            found = self._read((document,), canonical=True)
        return self._encoded(found)[0]

    def encode_all(self, documents: Iterable[Document]) -> Iterator[Encoded]:
        """Read documents, some dozens in one call."""
        for some in _chunks(documents):
            found = self._read(some)
            for document, answer, encoded in zip(some, found.answers, self._encoded(found), strict=True):
                yield encoded if answer.status == READ else self.encode(document)

    def _encoded(self, found: _Found) -> list[Encoded]:
        """Copy what was found out of the room, and count terms and places from the beginning of each document."""
        room, answers, decisions, starts = found
        numbers = np.frombuffer(memoryview(answers), dtype=np.int32).reshape(len(answers), -1).tolist()
        _, _, _, _, last_term, last_occurrence, *_ = numbers[-1]
        rows, values = room.terms[:last_term, 1].copy(), room.values[:last_term].copy()
        occurrences = room.occurrences[:last_occurrence].copy()
        decided = np.frombuffer(memoryview(decisions)).reshape(-1, self._n_topics)
        documents: list[Encoded] = []
        term = occurrence = 0
        for answer, decision, start in zip(numbers, decided, starts, strict=True):
            _, words, other_script, known, terms_end, occurrences_end, french, *others = answer
            if start:
                occurrences[occurrence:occurrences_end] -= (term, start, start)
            documents.append(
                Encoded(
                    WordCounts(words, other_script, french, max(others)),
                    rows[term:terms_end],
                    values[term:terms_end],
                    known,
                    occurrences[occurrence:occurrences_end],
                    decision,
                )
            )
            term, occurrence = terms_end, occurrences_end
        return documents

    def decisions(self, documents: Iterable[Document]) -> tuple[Floats, NDArray[np.int32]]:
        """Return the decision values of documents, shape (n_documents, n_topics), and how many different terms each has."""
        values, lengths = [np.zeros((0, self._n_topics))], [np.zeros(0, dtype=np.int32)]
        for some in _chunks(documents):
            _, answers, decisions, _ = self._read(some)
            found = np.frombuffer(memoryview(answers), dtype=_ANSWER)
            rows, length = np.frombuffer(memoryview(decisions)).reshape(len(some), -1), np.diff(found["terms_end"], prepend=0)
            for row in np.flatnonzero(found["status"] != READ):
                _, (answer,), again, _ = self._read((some[row],), canonical=True)
                rows[row], length[row] = again, answer.terms_end
            values.append(rows)
            lengths.append(length)
        return np.concatenate(values), np.concatenate(lengths)

    def counts(self, documents: Iterable[Document]) -> Counts:
        """Return the weighted counts of the terms of documents, known and unknown, in the order they first occur."""
        ends = [0]
        keys: list[NDArray[np.uint64]] = [np.zeros((0, 2), dtype=np.uint64)]
        counts: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        for some in _chunks(documents):
            room, answers, *_ = self._read(some)
            found = [(answer.status, answer.terms_end) for answer in answers]
            kept_keys, kept_counts = room.keys[: found[-1][1]].copy(), room.terms[: found[-1][1], 0].copy()
            start = 0
            for document, (status, end) in zip(some, found, strict=True):
                if status == READ:
                    keys.append(kept_keys[start:end])
                    counts.append(kept_counts[start:end])
                else:
                    room, (answer,), *_ = self._read((document,), canonical=True)
                    keys.append(room.keys[: answer.terms_end].copy())
                    counts.append(room.terms[: answer.terms_end, 0].copy())
                ends.append(ends[-1] + len(counts[-1]))
                start = end
        return Counts(np.array(ends[1:], dtype=np.intp), np.concatenate(keys), np.concatenate(counts))

    def _read(self, documents: Sequence[Document], *, canonical: bool = False) -> _Found:
        """Read documents as they are, or one rewritten as canonical text, which the pass asks for where it may differ."""
        laid = _Layout()
        for document in documents:
            laid.add(document)
        original = "\n".join(laid.texts)
        origins, text = _aligned(laid) if canonical else (None, original)
        longest = max(len(text), laid.longest) if canonical else laid.longest
        # A document has no more terms than every other character, and the concepts: a quarter of the slots stays empty.
        slots = _power_of_two((longest // 2 + 1 + len(self.concepts)) * 4 // 3 + 1)
        room = self._room(max(len(text), laid.size), slots)
        answers = (Answer * len(documents))()
        decisions = (ctypes.c_double * (len(documents) * self._n_topics))()
        job = room.job
        job.text = text.encode(_UTF_32, "surrogatepass")
        job.origins = origins
        job.original = original.encode(_UTF_32, "surrogatepass") if canonical else None
        job.passages = array("i", laid.passages).tobytes()
        job.documents = array("i", laid.documents).tobytes()
        job.slots_mask = slots - 1
        job.n_documents = len(documents)
        job.answers, job.decisions = ctypes.addressof(answers), ctypes.addressof(decisions)
        self._kernel.read(ctypes.addressof(self._tables), ctypes.addressof(job))
        return _Found(room, answers, decisions, laid.starts)

    def _room(self, size: int, slots: int) -> _Room:
        room: _Room | None = getattr(self._local, "room", None)
        if room is None or size > room.size or slots > room.slots:
            # At least room for an ordinary article, so that it is not made anew for each longer one.
            room = _Room(_power_of_two(max(size, 1 << 13)), max(slots, 1 << 13), self._letters, self._concepts_a_name)
            if size <= _KEPT_ROOM:
                self._local.room = room
        return room


def counted(documents: Iterable[Document], gazetteer: Gazetteer) -> Iterator[dict[str, int]]:
    """Yield for each document what `features.term_counts` returns, in the same order, some dozens of documents at once."""
    compiled = kernel()
    if compiled is None:
        yield from (term_counts(document, gazetteer) for document in documents)
        return
    reader = Reader(compiled, gazetteer, [], np.zeros(0), np.zeros((0, 1)), np.zeros(1))
    names = _Names(reader.concepts)
    for some in _chunks(documents):
        found = reader.counts(some)
        terms = [
            (names[first, second], count)
            for (first, second), count in zip(found.keys.tolist(), found.counts.tolist(), strict=True)
        ]
        for start, end in pairwise([0, *found.ends.tolist()]):
            yield dict(terms[start:end])


class _Names(dict[tuple[int, int], str]):
    """The terms of keys, each decoded once."""

    def __init__(self, concepts: Sequence[str]) -> None:
        self._concepts = concepts

    def __missing__(self, key: tuple[int, int]) -> str:
        self[key] = name = decoded(*key, self._concepts)
        return name


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


def _hash_table(compiled: Kernel, keys: NDArray[np.generic]) -> NDArray[np.int32]:
    slots = np.zeros(_power_of_two(2 * len(keys) + 2), dtype=np.int32)
    compiled.place(slots.ctypes.data, len(slots) - 1, keys.ctypes.data, keys.shape[1], len(keys))
    return slots


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _chunks(documents: Iterable[Document]) -> Iterator[tuple[Document, ...]]:
    rest = iter(documents)
    while some := tuple(islice(rest, _AT_ONCE)):
        yield some

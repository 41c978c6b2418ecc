"""A passage -> its terms, counted, and where they occur: words first, then the concepts that names in them stand for."""

import numpy as np

from tagger.gazetteer import WIDEST_GAP
from tagger.kernel.characters import about_of, is_canonical, scan
from tagger.kernel.hashing import find
from tagger.kernel.layout import (
    AHEAD,
    BEGINS,
    BEGINS_SMALL,
    CONCEPT,
    FLAGS,
    GOES_ON,
    LANGUAGES,
    LOOK,
    NOT_CANONICAL,
    READ,
    STEP,
    UPPER,
)
from tagger.kernel.meanings import look_ahead, meaning_of
from tagger.kernel.memory import compiled, i32, set_i32, set_u64, u32, u64

_U = np.uint64
_NONE, _STEP, _CONCEPT, _HALF = _U(0), _U(STEP), _U(CONCEPT), _U(32)


@compiled
def _count(term, weight, n_terms, n, job, tables):
    """Count a term by its id; return its place among those of the job, which is n_terms where it is new in the document.

    Without a branch: whether a word is new is what the processor guesses worst.
    """
    place = i32(job.places, term) - 1
    is_new = place < 0
    place = n_terms if is_new else place
    set_i32(job.places, term, place + 1)
    set_i32(job.terms, 2 * place, (0 if is_new else i32(job.terms, 2 * place)) + weight)
    set_i32(job.terms, 2 * place + 1, term)
    set_i32(job.rows, place, term if term < tables.n_entries else -1)
    set_i32(job.firsts, place, n if is_new else i32(job.firsts, place))
    return place


@compiled
def _occurs(n, place, start, end, job):
    set_i32(job.occurrences, 3 * n, place)
    set_i32(job.occurrences, 3 * n + 1, start)
    set_i32(job.occurrences, 3 * n + 2, end)


@compiled
def _longest_name(p, stop, node, capital, job, tables):
    """Return how many words the longest name at word p has, and its node; 0 where there is none. node: of its first word."""
    length, best = 0, 0
    q = p
    while True:
        meant = i32(tables.nodes, 2 * node + 1)
        for k in range(i32(tables.nodes, 2 * node), meant >> 1):
            if capital or not i32(tables.concepts, k) & 1:
                length, best = q + 1 - p, node
                break
        q += 1
        if not meant & 1 or q >= stop:
            return length, best
        stem = i32(job.stems, q)
        if not stem & GOES_ON:
            return length, best
        if i32(job.occurrences, 3 * q + 1) - i32(job.occurrences, 3 * q - 1) > WIDEST_GAP:
            return length, best
        step = _U(node) << _HALF | _U((stem >> FLAGS) - 1)
        place = find(tables.steps, tables.steps_mask, tables.step_keys, 2, step, _STEP)
        if place < 0:
            return length, best
        node = i32(tables.step_nodes, place)


@compiled
def _name_concepts(n_beginnings, stop, n_terms, weight, original, code_points, job, tables):
    """Count the concepts that names in the words up to `stop` stand for; they follow these among the occurrences.

    Names may begin at so many of these words, the beginnings of the job.
    """
    n, free = stop, 0
    for beginning in range(n_beginnings):
        p = i32(job.beginnings, beginning)
        stem, start = i32(job.stems, p), i32(job.occurrences, 3 * p + 1)
        capital = about_of(u32(original, start), code_points) & UPPER != 0
        if p < free or not stem & (BEGINS if capital else BEGINS_SMALL):
            continue
        length, node = _longest_name(p, stop, (stem >> FLAGS) - 1, capital, job, tables)
        if length:
            free = p + length
            end = i32(job.occurrences, 3 * free - 1)
            for k in range(i32(tables.nodes, 2 * node), i32(tables.nodes, 2 * node + 1) >> 1):
                concept = i32(tables.concepts, k)
                if capital or not concept & 1:
                    place = _count(i32(tables.concept_ids, concept >> 1), weight, n_terms, n, job, tables)
                    n_terms = max(n_terms, place + 1)
                    _occurs(n, place, start, end, job)
                    n += 1
    return n_terms, n


@compiled
def _words_that_are_terms(first, stop, text, origins, function_words, code_points, answer, job, tables):
    """Find what the words [first, stop) mean, and add up their languages; return how many are terms, and if all is canonical.

    The beginning of `job.ahead` says of each of these which word it is, its term and its stem.
    """
    languages, n = _NONE, 0
    for k in range(first, stop):
        meaning = meaning_of(k, job.ahead + 8 * LOOK * (k - first), text, origins, code_points, answer, job, tables)
        if meaning <= 1:
            if meaning:
                return n, False
            continue
        answer.words += 1
        languages += u64(meaning, 2)
        # Written over what was looked at already; half of all words are no terms, and a branch would be guessed badly.
        kept, term = job.ahead + 8 * LOOK * n, i32(meaning, 6)
        set_i32(kept, 0, k)
        set_i32(kept, 1, term)
        set_i32(kept, 2, i32(meaning, 7))
        n += term >= 0
    _add_languages(languages, function_words)
    return n, True


@compiled
def _add_languages(packed, function_words):
    for k in range(LANGUAGES):
        set_i32(function_words, k, i32(function_words, k) + np.int64(packed >> _U(8 * k) & _U(255)))


@compiled
def count_passage(start, end, weight, n_terms, n, answer, function_words, code_points, job, tables):
    """Count the terms of one passage; return how many terms and occurrences there are then, and whether it could be read."""
    text, origins, n_beginnings = job.text, job.origins, 0
    n_words, is_plain = scan(text, start, end, code_points, job)
    if not is_plain and not origins and not is_canonical(text, start, end, code_points):
        return n_terms, n, NOT_CANONICAL
    for first in range(0, n_words, AHEAD):
        stop = min(first + AHEAD, n_words)
        look_ahead(first, stop, job, tables)
        n_kept, all_canonical = _words_that_are_terms(
            first, stop, text, origins, function_words, code_points, answer, job, tables
        )
        if not all_canonical:
            return n_terms, n, NOT_CANONICAL
        for kept in range(job.ahead, job.ahead + 8 * LOOK * n_kept, 8 * LOOK):
            word, term, stem = i32(kept, 0), i32(kept, 1), i32(kept, 2)
            place = _count(term, weight, n_terms, n, job, tables)
            n_terms = max(n_terms, place + 1)
            set_i32(job.stems, n, stem)
            set_i32(job.beginnings, n_beginnings, n)
            n_beginnings += stem & BEGINS
            began, ended = i32(job.starts, word), i32(job.ends, word)
            _occurs(n, place, i32(origins, began) if origins else began, i32(origins, ended) if origins else ended, job)
            n += 1
    n_terms, n = _name_concepts(n_beginnings, n, n_terms, weight, job.original if origins else text, code_points, job, tables)
    return n_terms, n, READ


@compiled
def finish(first, stop, job, tables):
    """Forget the terms [first, stop) of a document; give their keys, where they are asked for."""
    first_concept, first_unknown = tables.n_entries, tables.n_entries + tables.n_concepts
    for term in range(first, stop):
        number = i32(job.terms, 2 * term + 1)
        set_i32(job.places, number, 0)
        if job.keys:
            if number >= first_unknown:
                a = u64(job.unknown_keys, 2 * (number - first_unknown))
                b = u64(job.unknown_keys, 2 * (number - first_unknown) + 1)
            elif number >= first_concept:
                a, b = _U(number - first_concept) | _CONCEPT, _NONE
            else:
                a = u64(tables.records, tables.record_size * number)
                b = u64(tables.records, tables.record_size * number + 1)
            set_u64(job.keys, 2 * term, a)
            set_u64(job.keys, 2 * term + 1, b)

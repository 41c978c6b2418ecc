"""A word -> what it means: its languages, the term it counts as, its stem in names. What was found is remembered."""

import numpy as np

from tagger.features import LETTERS
from tagger.kernel.characters import about_of, fold, is_any_full
from tagger.kernel.hashing import find, hash_of
from tagger.kernel.layout import (
    ALPHA,
    FLAGS,
    LATIN_END,
    LETTER_BITS,
    LOOK,
    MEANING,
    NOT_ALPHA,
    REMEMBERED,
    SOME_ALPHA,
    SPECIAL,
    STEM,
    WORD,
)
from tagger.kernel.memory import compiled, fetch_early, i32, set_i32, set_u32, set_u64, u32, u64, u64_at

_U = np.uint64
_NONE, _FRENCH = _U(0), _U(1)
_BYTE = _U(8)
_LAST_LETTER, _SECOND_LAST, _LETTER_BEFORE = _U(31), _U(3), _U(31 << 5)
_SECOND, _THIRD = _U(LETTER_BITS), _U(2 * LETTER_BITS)


@compiled
def _stem(folded, word, tables):
    """Take the ending of gender and number off `word`; return how many letters it has then, and the last eight of them."""
    n, tail = folded.n, folded.tail
    if n < 4 or n > tables.longest or folded.seen & NOT_ALPHA:
        return n, tail
    last_two = np.int64(tail & _LAST_LETTER | tail >> _SECOND_LAST & _LETTER_BEFORE)
    for place in range(i32(tables.endings, last_two), i32(tables.endings, last_two + 1)):
        ending = i32(tables.endings_of, place)
        if tail & u64(tables.ending_masks, ending) == u64(tables.ending_letters, ending):
            parts = ending * 8
            cut, grown = i32(tables.ending_parts, parts), i32(tables.ending_parts, parts + 1)
            if n - cut + grown >= 3:
                n -= cut
                tail = tail >> _U(8 * cut) | folded.before << _U(64 - 8 * cut)
                for k in range(grown):
                    letter = i32(tables.ending_parts, parts + 2 + k)
                    set_u32(word, n, letter)
                    tail = tail << _BYTE | _U(letter)
                    n += 1
                return n, tail
    return n, tail


@compiled
def _key(word, n):
    """Return the key of the term that a stem of n letters counts as: its first six."""
    for k in range(n, LETTERS):
        set_u32(word, k, 0)
    a = _U(u32(word, 0)) | _U(u32(word, 1)) << _SECOND | _U(u32(word, 2)) << _THIRD
    b = _U(u32(word, 3)) | _U(u32(word, 4)) << _SECOND | _U(u32(word, 5)) << _THIRD
    return a, b


@compiled
def _is_stem(number, word, n, tail, tables):
    """Tell whether a stem with the key of a word is that word: where the key has no room for all its letters, they tell."""
    if n <= LETTERS + 8 and not is_any_full(tail):
        return True
    letters, k = tables.stem_letters + 4 * i32(tables.stem_starts, number), 0
    while k < n and u32(letters, k) == u32(word, k):
        k += 1
    return k == n


@compiled
def _stem_number(word, n, a, b, tail, tables):
    """Return the number of a stem that names are made of, -1 for any other; a, b: the key of its term."""
    at = hash_of(a, b ^ tail) & tables.stems_mask
    while True:
        number = i32(tables.stems, at) - 1
        if number < 0:
            return -1
        key = tables.stem_keys + 8 * STEM * number
        same = u64(key, 0) == a and u64(key, 1) == b ^ tail and u64(key, 2) == tail and u64(key, 3) == _U(n)
        if same and _is_stem(number, word, n, tail, tables):
            return number
        at = (at + 1) & tables.stems_mask


@compiled
def _term_id(a, b, job, tables):
    """Return the id of a term, which is remembered if the vocabulary does not know it."""
    row = find(tables.entries, tables.entries_mask, tables.records, tables.record_size, a, b)
    if row >= 0:
        return row
    first = tables.n_entries + tables.n_concepts
    at = hash_of(a, b) & job.unknown_mask
    while True:
        place = i32(job.unknown, at) - 1
        if place < 0:
            place = job.n_unknown
            job.n_unknown = place + 1
            set_i32(job.unknown, at, place + 1)
            set_u64(job.unknown_keys, 2 * place, a)
            set_u64(job.unknown_keys, 2 * place + 1, b)
            return first + place
        if u64(job.unknown_keys, 2 * place) == a and u64(job.unknown_keys, 2 * place + 1) == b:
            return first + place
        at = (at + 1) & job.unknown_mask


@compiled
def forget(size, job):
    """Make sure that a document of so many characters, whose terms are half as many at most, finds room for the unknown."""
    if job.n_unknown + size // 2 + 1 > job.most_unknown:
        for at in range(job.unknown_mask + 1):
            set_i32(job.unknown, at, 0)
        for at in range(2 * MEANING * (job.meanings_mask + 1)):
            set_u64(job.meanings, at, _NONE)
        job.n_unknown = 0


@compiled
def _learn(k, meaning, text, origins, code_points, answer, job, tables):
    """Find out what a word means, and write it to `meaning`; return that, or what `_meaning` says."""
    start, end, word = i32(job.starts, k), i32(job.ends, k), job.word
    while start < end and not about_of(u32(text, start), code_points) & WORD:
        start += 1
    if start == end:
        return 0
    set_i32(job.starts, k, start)
    folded = fold(text, start, end, code_points, word, tables.longest)
    if folded.seen & SPECIAL and not origins:
        return 1
    if folded.n and u32(word, 0) > LATIN_END and about_of(u32(word, 0), code_points) & ALPHA:
        answer.other_script += 1
    languages, term, stem, place = _NONE, -1, 0, -1
    if folded.n <= tables.longest_listed:
        place = find(tables.listed, tables.listed_mask, tables.listed_keys, 2, folded.before, folded.tail)
    if place >= 0:
        languages = u64(tables.listed_languages, place)
    if not languages & _FRENCH and folded.seen & SOME_ALPHA:
        letters, tail = _stem(folded, word, tables)
        a, b = _key(word, letters)
        term = _term_id(a, b, job, tables)
        number = _stem_number(word, letters, a, b, tail, tables) if letters <= tables.longest else -1
        if number >= 0:
            stem = (number + 1) << FLAGS | i32(tables.stem_parts, number)
    set_u64(meaning, 2, languages)
    set_i32(meaning, 6, term)
    set_i32(meaning, 7, stem)
    return meaning


@compiled
def letters_of(k, job, tables):
    """Return the letters of a word, the first in the lowest byte; of a longer one than is remembered, nothing that it is."""
    start = i32(job.starts, k)
    n = min(i32(job.ends, k) - start, REMEMBERED + 1)
    low = u64_at(job.letters + start) & u64(tables.masks, 2 * n)
    high = u64_at(job.letters + start + 8) & u64(tables.masks, 2 * n + 1)
    return low, high


@compiled
def look_ahead(first, stop, job, tables):
    """Take the letters of the words [first, stop), and have what they mean loaded."""
    for k in range(first, stop):
        look = job.ahead + 8 * LOOK * (k - first)
        low, high = letters_of(k, job, tables)
        line = 0
        if low and not is_any_full(low) and not is_any_full(high):
            line = job.meanings + 2 * 8 * MEANING * (hash_of(low, high) & job.meanings_mask)
            fetch_early(line)
        set_u64(look, 0, low)
        set_u64(look, 1, high)
        set_u64(look, 2, _U(line))


@compiled
def meaning_of(k, look, text, origins, code_points, answer, job, tables):
    """Return where the meaning of a word stands, learnt if need be; 0 for what is no word, 1 for one that is not canonical."""
    low, high, line = u64(look, 0), u64(look, 1), np.int64(u64(look, 2))
    if line:
        # Two words share a line of the cache: the one that came last is the first.
        other = line + 8 * MEANING
        if u64(line, 0) == low and u64(line, 1) == high:
            return line
        if u64(other, 0) == low and u64(other, 1) == high:
            return other
        for part in range(MEANING):
            set_u64(other, part, u64(line, part))
        set_u64(line, 0, low)
        set_u64(line, 1, high)
    else:
        line = job.meanings + 2 * 8 * MEANING * (job.meanings_mask + 1)
    return _learn(k, line, text, origins, code_points, answer, job, tables)

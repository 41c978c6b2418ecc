"""One pass from text to decision values, in the part of Python that numba compiles. Only who builds the object code imports
this: the service must not import numba. It says again what `tagger.text`, `features`, `gazetteer` and `model` say; where they
differ, those are right.
"""

import ctypes
from collections import namedtuple

import llvmlite.binding as llvm
import numpy as np
from numba import cfunc, njit, types
from numpy.typing import NDArray

from tagger.features import LETTERS
from tagger.gazetteer import WIDEST_GAP
from tagger.kernel import layout
from tagger.kernel.compiled import FUNCTIONS
from tagger.kernel.layout import (
    AHEAD,
    ALPHA,
    BEGINS,
    BEGINS_SMALL,
    BLOCK,
    CAPITAL_SIGMA,
    CASED,
    CODE,
    EXPANDS,
    FLAGS,
    GOES_ON,
    IDF,
    IGNORABLE,
    INSIDE,
    INVISIBLE,
    LANGUAGES,
    LATIN_END,
    LETTER_BITS,
    LOGARITHMS,
    LOOK,
    MEANING,
    NOT_ALPHA,
    NOT_CANONICAL,
    OUTSIDE_SPECIAL,
    READ,
    REMEMBERED,
    SOME_ALPHA,
    SPECIAL,
    STEM,
    UPPER,
    WEIGHTS,
    WORD,
)
from tagger.kernel.memory import (
    f64,
    fetch_early,
    i32,
    lowest_bit,
    record_at,
    set_f64,
    set_i32,
    set_u8,
    set_u32,
    set_u64,
    square_root,
    u8,
    u16,
    u32,
    u64,
    u64_at,
)
from tagger.kernel.rows import divide

_U = np.uint64
_NONE, _STEP, _CONCEPT, _FRENCH = _U(0), _U(layout.STEP), _U(layout.CONCEPT), _U(1)
_NOWHERE, _ONE, _LAST_BIT = ~_NONE, _U(1), _U(63)
_BYTE, _TOP_BYTE, _HALF = _U(8), _U(56), _U(32)
_LAST_LETTER, _SECOND_LAST, _LETTER_BEFORE = _U(31), _U(3), _U(31 << 5)
_SECOND, _THIRD = _U(LETTER_BITS), _U(2 * LETTER_BITS)
_EACH_BYTE, _EACH_TOP_BIT = _U(0x0101010101010101), _U(0x8080808080808080)  # to find a byte of 255
_MIX_A, _MIX_B, _POSITIVE = _U(0x9E3779B97F4A7C15), _U(0xC2B2AE3D27D4EB4F), _U(0x7FFFFFFF)

_AMPERSAND, _NUMBER_SIGN, _SEMICOLON, _X, _A, _F, _Z, _ZERO, _NINE = map(ord, "&#;xafz09")

_ANSWER_SIZE, _FUNCTION_WORDS = ctypes.sizeof(layout.Answer), layout.Answer.function_words.offset
_tables = record_at(layout.Tables)
_job = record_at(layout.Job)
_answer = record_at(layout.Answer)
_compiled = njit(error_model="numpy")

CodePoints = namedtuple("CodePoints", "rows codes letters expansions")
# A word: where it ends in the text, how many letters, its last 16 (8 bits each, 255 for those that have no room), and all that
# the table of code points says of them.
Folded = namedtuple("Folded", "end n before tail seen")


@_compiled
def _about(c, code_points):
    return u32(code_points.codes, u16(code_points.rows, c >> BLOCK) << BLOCK | c & ((1 << BLOCK) - 1))


@_compiled
def _sigma(text, i, start, end, code_points):
    """Return the small form of the capital sigma at i, which differs at the end of a word: as `str.lower` does."""
    about = 0
    before = i - 1
    while before >= start:
        about = _about(u32(text, before), code_points)
        if not about & (IGNORABLE | INVISIBLE):
            break
        before -= 1
    if before < start or not about & CASED:
        return 0x3C3
    for after in range(i + 1, end):
        about = _about(u32(text, after), code_points)
        if not about & (WORD | INVISIBLE):
            return 0x3C2
        if not about & (IGNORABLE | INVISIBLE):
            return 0x3C3 if about & CASED else 0x3C2
    return 0x3C2


@_compiled
def _append(letter, n, before, tail, word, longest):
    """Append a letter to a word of n letters, of which the first `longest` are kept, and one place more is written to."""
    set_u32(word, min(n, longest), letter)
    return n + 1, before << _BYTE | tail >> _TOP_BYTE, tail << _BYTE | _U(min(letter, 255))


@_compiled
def _fold(text, start, end, code_points, word, longest):
    """Fold the word at `start` into `word`."""
    i, n, seen, before, tail = start, 0, 0, _NONE, _NONE
    while i < end:
        c = u32(text, i)
        about = _about(c, code_points)
        if not about & (WORD | INVISIBLE):
            break
        seen |= about
        i += 1
        if not about & EXPANDS:
            n, before, tail = _append(c ^ (about & CODE), n, before, tail, word, longest)
        elif c == CAPITAL_SIGMA:
            letter = _sigma(text, i - 1, start, end, code_points)
            n, before, tail = _append(letter, n, before, tail, word, longest)
        else:
            letters = code_points.expansions + 4 * (about & CODE)
            for k in range(1, u32(letters, 0) + 1):
                n, before, tail = _append(u32(letters, k), n, before, tail, word, longest)
    return Folded(i, n, before, tail, seen)


@_compiled
def _hash(a, b):
    return np.int64(((a * _MIX_A ^ b * _MIX_B) * _MIX_A) >> _HALF & _POSITIVE)


@_compiled
def _find(slots, mask, keys, size, a, b):
    """Return the place of a key, -1 where it is not. keys: `size` numbers a place, of which the first two are the key."""
    at = _hash(a, b) & mask
    while True:
        place = i32(slots, at) - 1
        if place < 0 or (u64(keys, place * size) == a and u64(keys, place * size + 1) == b):
            return place
        at = (at + 1) & mask


@_compiled
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


@_compiled
def _key(word, n):
    """Return the key of the term that a stem of n letters counts as: its first six."""
    for k in range(n, LETTERS):
        set_u32(word, k, 0)
    a = _U(u32(word, 0)) | _U(u32(word, 1)) << _SECOND | _U(u32(word, 2)) << _THIRD
    b = _U(u32(word, 3)) | _U(u32(word, 4)) << _SECOND | _U(u32(word, 5)) << _THIRD
    return a, b


@_compiled
def _is_any_full(letters):
    """Tell whether one of eight letters has no room in its byte, which is 255 then."""
    return (~letters - _EACH_BYTE) & letters & _EACH_TOP_BIT != _NONE


@_compiled
def _is_stem(number, word, n, tail, tables):
    """Tell whether a stem with the key of a word is that word: where the key has no room for all its letters, they tell."""
    if n <= LETTERS + 8 and not _is_any_full(tail):
        return True
    letters, k = tables.stem_letters + 4 * i32(tables.stem_starts, number), 0
    while k < n and u32(letters, k) == u32(word, k):
        k += 1
    return k == n


@_compiled
def _stem_number(word, n, a, b, tail, tables):
    """Return the number of a stem that names are made of, -1 for any other; a, b: the key of its term."""
    at = _hash(a, b ^ tail) & tables.stems_mask
    while True:
        number = i32(tables.stems, at) - 1
        if number < 0:
            return -1
        key = tables.stem_keys + 8 * STEM * number
        same = u64(key, 0) == a and u64(key, 1) == b ^ tail and u64(key, 2) == tail and u64(key, 3) == _U(n)
        if same and _is_stem(number, word, n, tail, tables):
            return number
        at = (at + 1) & tables.stems_mask


@_compiled
def _term_id(a, b, job, tables):
    """Return the id of a term, which is remembered if the vocabulary does not know it."""
    row = _find(tables.entries, tables.entries_mask, tables.records, _record_size(tables), a, b)
    if row >= 0:
        return row
    first = tables.n_entries + tables.n_concepts
    at = _hash(a, b) & job.unknown_mask
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


@_compiled
def _record_size(tables):
    """Return how many numbers a record has: the weights by fours, the whole in lines of the cache."""
    return (WEIGHTS + ((tables.n_topics + 3) & ~3) + 7) & ~7


@_compiled
def _forget(size, job):
    """Make sure that a document of so many characters, whose terms are half as many at most, finds room for the unknown."""
    if job.n_unknown + size // 2 + 1 > job.most_unknown:
        for at in range(job.unknown_mask + 1):
            set_i32(job.unknown, at, 0)
        for at in range(2 * MEANING * (job.meanings_mask + 1)):
            set_u64(job.meanings, at, _NONE)
        job.n_unknown = 0


@_compiled
def _learn(k, meaning, text, origins, code_points, answer, job, tables):
    """Find out what a word means, and write it to `meaning`; return that, or what `_meaning` says."""
    start, end, word = i32(job.starts, k), i32(job.ends, k), job.word
    while start < end and not _about(u32(text, start), code_points) & WORD:
        start += 1
    if start == end:
        return 0
    set_i32(job.starts, k, start)
    folded = _fold(text, start, end, code_points, word, tables.longest)
    if folded.seen & SPECIAL and not origins:
        return 1
    if folded.n and u32(word, 0) > LATIN_END and _about(u32(word, 0), code_points) & ALPHA:
        answer.other_script += 1
    languages, term, stem, place = _NONE, -1, 0, -1
    if folded.n <= tables.longest_listed:
        place = _find(tables.listed, tables.listed_mask, tables.listed_keys, 2, folded.before, folded.tail)
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


@_compiled
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


@_compiled
def _occurs(n, place, start, end, job):
    set_i32(job.occurrences, 3 * n, place)
    set_i32(job.occurrences, 3 * n + 1, start)
    set_i32(job.occurrences, 3 * n + 2, end)


@_compiled
def _is_entity(text, i, end):
    """Tell whether an HTML entity begins at the ampersand at i: what `text` decodes."""
    number = i + 1 < end and u32(text, i + 1) == _NUMBER_SIGN
    hexadecimal = number and i + 2 < end and u32(text, i + 2) | 32 == _X
    start = i + 1 + number + hexadecimal
    longest = 6 if hexadecimal else 7 if number else 31
    for at in range(start, min(end, start + longest + 1)):
        c = u32(text, at)
        if c == _SEMICOLON:
            return at - start >= (1 if number else 2)
        digit = _ZERO <= c <= _NINE
        letter = _A <= c | 32 <= (_F if hexadecimal else _Z)
        if not (digit and (number or at > start)) and not (letter and (hexadecimal or not number)):
            return False
    return False


@_compiled
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
        place = _find(tables.steps, tables.steps_mask, tables.step_keys, 2, step, _STEP)
        if place < 0:
            return length, best
        node = i32(tables.step_nodes, place)


@_compiled
def _name_concepts(n_beginnings, stop, n_terms, weight, original, code_points, job, tables):
    """Count the concepts that names in the words up to `stop` stand for; they follow these among the occurrences.

    Names may begin at so many of these words, the beginnings of the job.
    """
    n, free = stop, 0
    for beginning in range(n_beginnings):
        p = i32(job.beginnings, beginning)
        stem, start = i32(job.stems, p), i32(job.occurrences, 3 * p + 1)
        capital = _about(u32(original, start), code_points) & UPPER != 0
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


@_compiled
def _scan(text, start, end, code_points, job):
    """Fold the letters of Latin-1, and find where words begin and end; return how many, and whether all is canonical.

    Which of 64 characters stand in words are the bits of one number: no letter needs a branch, which halves the time.
    """
    letters, n_starts, n_ends, before, special = job.letters, 0, 0, _NONE, 0
    for block in range(start, end + 1, 64):
        inside = _NONE
        for k in range(min(64, end + 1 - block)):
            c = u32(text, block + k)
            letter = u8(code_points.letters, u16(code_points.rows, c >> BLOCK) << BLOCK | c & ((1 << BLOCK) - 1))
            set_u8(letters, block + k, letter)
            inside |= _U(letter >= INSIDE) << _U(k)
            special |= letter == OUTSIDE_SPECIAL
        after = inside << _ONE | before
        before = inside >> _LAST_BIT
        starts, ends = inside & ~after, ~inside & after
        while starts:
            set_i32(job.starts, n_starts, block + lowest_bit(starts))
            starts &= starts - _ONE
            n_starts += 1
        while ends:
            set_i32(job.ends, n_ends, block + lowest_bit(ends))
            ends &= ends - _ONE
            n_ends += 1
    return n_ends, not special


@_compiled
def _is_canonical(text, start, end, code_points):
    """Tell whether no character of a text may be written otherwise in canonical text."""
    for i in range(start, end):
        c = u32(text, i)
        if _about(c, code_points) & SPECIAL and (c != _AMPERSAND or _is_entity(text, i, end)):
            return False
    return True


@_compiled
def _letters(k, job, tables):
    """Return the letters of a word, the first in the lowest byte; of a longer one than is remembered, nothing that it is."""
    start = i32(job.starts, k)
    n = min(i32(job.ends, k) - start, REMEMBERED + 1)
    low = u64_at(job.letters + start) & u64(tables.masks, 2 * n)
    high = u64_at(job.letters + start + 8) & u64(tables.masks, 2 * n + 1)
    return low, high


@_compiled
def _look_ahead(first, stop, job, tables):
    """Take the letters of the words [first, stop), and have what they mean loaded."""
    for k in range(first, stop):
        look = job.ahead + 8 * LOOK * (k - first)
        low, high = _letters(k, job, tables)
        line = 0
        if low and not _is_any_full(low) and not _is_any_full(high):
            line = job.meanings + 2 * 8 * MEANING * (_hash(low, high) & job.meanings_mask)
            fetch_early(line)
        set_u64(look, 0, low)
        set_u64(look, 1, high)
        set_u64(look, 2, _U(line))


@_compiled
def _meaning(k, look, text, origins, code_points, answer, job, tables):
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


@_compiled
def _words_that_are_terms(first, stop, text, origins, function_words, code_points, answer, job, tables):
    """Find what the words [first, stop) mean, and add up their languages; return how many are terms, and if all is canonical.

    The beginning of `job.ahead` says of each of these which word it is, its term and its stem.
    """
    languages, n = _NONE, 0
    for k in range(first, stop):
        meaning = _meaning(k, job.ahead + 8 * LOOK * (k - first), text, origins, code_points, answer, job, tables)
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


@_compiled
def _read_passage(start, end, weight, n_terms, n, answer, function_words, code_points, job, tables):
    """Count the terms of one passage; return how many terms and occurrences there are then, and whether it could be read."""
    text, origins, n_beginnings = job.text, job.origins, 0
    n_words, is_canonical = _scan(text, start, end, code_points, job)
    if not is_canonical and not origins and not _is_canonical(text, start, end, code_points):
        return n_terms, n, NOT_CANONICAL
    for first in range(0, n_words, AHEAD):
        stop = min(first + AHEAD, n_words)
        _look_ahead(first, stop, job, tables)
        n_kept, is_canonical = _words_that_are_terms(
            first, stop, text, origins, function_words, code_points, answer, job, tables
        )
        if not is_canonical:
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


@_compiled
def _add_languages(packed, function_words):
    for k in range(LANGUAGES):
        set_i32(function_words, k, i32(function_words, k) + np.int64(packed >> _U(8 * k) & _U(255)))


@_compiled
def _log(count, logarithms):
    """Return the natural logarithm of a whole number, at least 1: of a small one times a power of two, and of the rest."""
    if count < LOGARITHMS:
        return f64(logarithms, count)
    small, doubled = count, 0
    while small >= LOGARITHMS:
        small >>= 1
        doubled += 1
    rest = (count - (small << doubled)) / np.float64(small << doubled)  # below 2 / LOGARITHMS: six powers are enough
    series = rest * (1 - rest * (1 / 2 - rest * (1 / 3 - rest * (1 / 4 - rest * (1 / 5 - rest / 6)))))
    return f64(logarithms, small) + doubled * f64(logarithms, 2) + series


@_compiled
def _decide(first, stop, decisions, job, tables):
    """Weigh the known ones of the terms [first, stop) and add up what they decide; return how many are known."""
    size, known, squares = _record_size(tables), 0, 0.0
    for term in range(first, stop):
        row = i32(job.rows, term)
        value = 0.0
        if row >= 0:
            value = (1.0 + _log(i32(job.terms, 2 * term), tables.logarithms)) * f64(tables.records, size * row + IDF)
            known += 1
            squares += value * value
        set_f64(job.values, term, value)
    scale = 1.0 / square_root(squares) if squares > 0.0 else 1.0
    # Four topics at a time: their sums then stay in registers.
    for k in range(0, tables.n_topics, 4):
        one, two, three, four = 0.0, 0.0, 0.0, 0.0
        for term in range(first, stop):
            row = i32(job.rows, term)
            if row >= 0:
                value, weights = f64(job.values, term), size * row + WEIGHTS + k
                one += value * f64(tables.records, weights)
                two += value * f64(tables.records, weights + 1)
                three += value * f64(tables.records, weights + 2)
                four += value * f64(tables.records, weights + 3)
        _set_decision(decisions, k, one * scale, tables)
        _set_decision(decisions, k + 1, two * scale, tables)
        _set_decision(decisions, k + 2, three * scale, tables)
        _set_decision(decisions, k + 3, four * scale, tables)
    for term in range(first, stop):
        set_f64(job.values, term, f64(job.values, term) * scale)
    return known


@_compiled
def _set_decision(decisions, k, number, tables):
    if k < tables.n_topics:
        set_f64(decisions, k, number + f64(tables.intercepts, k))


@_compiled
def _finish(first, stop, job, tables):
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
                a = u64(tables.records, _record_size(tables) * number)
                b = u64(tables.records, _record_size(tables) * number + 1)
            set_u64(job.keys, 2 * term, a)
            set_u64(job.keys, 2 * term + 1, b)


def read(tables_address, job_address):
    """Read the documents of a job, one after another."""
    tables, job = _tables(tables_address), _job(job_address)
    code_points = CodePoints(tables.rows, tables.codes, tables.letters, tables.expansions)
    passage, start, n_terms, n = 0, 0, 0, 0
    for document in range(job.n_documents):
        answer = _answer(job.answers + document * _ANSWER_SIZE)
        function_words = job.answers + document * _ANSWER_SIZE + _FUNCTION_WORDS
        first, status, after = n_terms, READ, i32(job.documents, document)
        answer.words, answer.other_script, answer.n_known = 0, 0, 0
        for k in range(LANGUAGES):
            set_i32(function_words, k, 0)
        if passage < after:
            _forget(i32(job.passages, 2 * (after - 1)) - start, job)
        while passage < after:
            end = i32(job.passages, 2 * passage)
            if status == READ:
                weight = i32(job.passages, 2 * passage + 1)
                n_terms, n, status = _read_passage(
                    start, end, weight, n_terms, n, answer, function_words, code_points, job, tables
                )
            start = end + 1
            passage += 1
        if status == READ:
            answer.n_known = _decide(first, n_terms, job.decisions + 8 * document * tables.n_topics, job, tables)
        _finish(first, n_terms, job, tables)
        answer.status = status
        answer.terms_end = n_terms
        answer.occurrences_end = n


def strongest(tables_address, rows, values, n, topic, most, places):
    """Write the places of the terms that add most to what decides on a topic, the most first, and how much after all places.

    rows, values: of n terms of a document. Of those that add the same, the first by name comes first; -1 stands for none.
    """
    tables = _tables(tables_address)
    size, found, added = _record_size(tables), 0, places + 8 * most
    for term in range(n):
        row = i32(rows, term)
        if row >= 0:
            value = f64(values, term) * f64(tables.records, size * row + WEIGHTS + topic)
            if value > 0.0 and (found < most or not _is_before(most - 1, value, row, rows, places, added, tables)):
                k = min(found, most - 1)
                while k > 0 and not _is_before(k - 1, value, row, rows, places, added, tables):
                    set_f64(added, k, f64(added, k - 1))
                    set_u64(places, k, u64(places, k - 1))
                    k -= 1
                set_f64(added, k, value)
                set_u64(places, k, _U(term))
                found = min(found + 1, most)
    for k in range(found, most):
        set_u64(places, k, _NOWHERE)


@_compiled
def _is_before(k, value, row, rows, places, added, tables):
    """Tell whether the term at place k of the strongest stays before one of this row that adds this value."""
    if f64(added, k) != value:
        return f64(added, k) > value
    return i32(tables.ranks, i32(rows, np.int64(u64(places, k)))) < i32(tables.ranks, row)


def place(slots, mask, keys, size, n):
    """Fill an empty hash table with n keys, `size` numbers from one to the next; those that are all 0 are left out."""
    for k in range(n):
        a, b = u64(keys, k * size), u64(keys, k * size + 1)
        if a | b:
            at = _hash(a, b) & mask
            while i32(slots, at):
                at = (at + 1) & mask
            set_i32(slots, at, k + 1)


def object_code(functions=(read, strongest, place, divide)) -> NDArray[np.uint8]:
    """Return the machine code of functions of numbers, for any processor of this machine's kind; it refers to nothing else."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=3, reloc="pic", codemodel="default")
    module, *others = (_module(function, types.void(*[types.int64] * FUNCTIONS[function.__name__])) for function in functions)
    for other in others:
        module.link_in(other)
    passes = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    return np.frombuffer(machine.emit_object(module), dtype=np.uint8)


def _module(function, signature):
    """Compile a function and hide everything else, so that what handles errors, of which there are none, is left out."""
    callback = cfunc(signature, error_model="numpy")(function)
    module = llvm.parse_assembly(callback.inspect_llvm())
    for defined in (*module.functions, *module.global_variables):
        if defined.name == callback.native_name:
            defined.name = function.__name__
        elif not defined.is_declaration:
            defined.linkage = "internal"
    return module

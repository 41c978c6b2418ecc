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
from tagger.kernel.layout import (
    ALPHA,
    BLOCK,
    CAPITAL_SIGMA,
    CASED,
    CODE,
    EXPANDS,
    IGNORABLE,
    INVISIBLE,
    LANGUAGES,
    LATIN_END,
    LETTER_BITS,
    LOGARITHMS,
    NOT_ALPHA,
    NOT_CANONICAL,
    READ,
    RECORD,
    SOME_ALPHA,
    SPECIAL,
    STEM,
    UPPER,
    WORD,
)
from tagger.kernel.memory import f64, i32, record_at, set_f64, set_i32, set_u32, set_u64, square_root, u16, u32, u64

_U = np.uint64
_NONE, _STEP, _CONCEPT = _U(0), _U(layout.STEP), _U(layout.CONCEPT)
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

CodePoints = namedtuple("CodePoints", "rows codes expansions")
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
def _is_stem(number, word, n, tail, tables):
    """Tell whether a stem with the key of a word is that word: where the key has no room for all its letters, they tell."""
    if n <= LETTERS + 8 and not (~tail - _EACH_BYTE) & tail & _EACH_TOP_BIT:
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
def _count(a, b, weight, n_terms, job):
    """Count a term; return its place among those of the job, which is n_terms where it is new in the document."""
    at = _hash(a, b) & job.slots_mask
    while True:
        place = i32(job.slots, at) - 1
        if place < 0:
            set_i32(job.slots, at, n_terms + 1)
            set_u64(job.keys, 2 * n_terms, a)
            set_u64(job.keys, 2 * n_terms + 1, b)
            set_i32(job.terms, 4 * n_terms, weight)
            set_i32(job.terms, 4 * n_terms + 2, at)
            return n_terms
        if u64(job.keys, 2 * place) == a and u64(job.keys, 2 * place + 1) == b:
            set_i32(job.terms, 4 * place, i32(job.terms, 4 * place) + weight)
            return place
        at = (at + 1) & job.slots_mask


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
    """Return how many words the longest name at word p has, and its node; 0 where there is none. node: of its
    first word."""
    length, best = 0, 0
    q = p
    while True:
        meant = i32(tables.nodes, 2 * node + 1)
        for k in range(i32(tables.nodes, 2 * node), meant >> 1):
            if capital or not i32(tables.concepts, k) & 1:
                length, best = q + 1 - p, node
                break
        q += 1
        if not meant & 1 or q >= stop or i32(job.stems, q) < 0:
            return length, best
        if i32(job.occurrences, 3 * q + 1) - i32(job.occurrences, 3 * q - 1) > WIDEST_GAP:
            return length, best
        step = _U(node) << _HALF | _U(i32(job.stems, q))
        place = _find(tables.steps, tables.steps_mask, tables.step_keys, 2, step, _STEP)
        if place < 0:
            return length, best
        node = i32(tables.step_nodes, place)


@_compiled
def _name_concepts(first, stop, n_terms, weight, original, code_points, job, tables):
    """Count the concepts that the words [first, stop) of a passage name; they follow its words among the occurrences."""
    n, p = stop, first
    while p < stop:
        stem = i32(job.stems, p)
        length = 0
        if stem >= 0:
            start = i32(job.occurrences, 3 * p + 1)
            capital = _about(u32(original, start), code_points) & UPPER != 0
            length, node = _longest_name(p, stop, stem, capital, job, tables)
        if length:
            end = i32(job.occurrences, 3 * (p + length) - 1)
            for k in range(i32(tables.nodes, 2 * node), i32(tables.nodes, 2 * node + 1) >> 1):
                concept = i32(tables.concepts, k)
                if capital or not concept & 1:
                    place = _count(_U(concept >> 1) | _CONCEPT, _NONE, weight, n_terms, job)
                    n_terms = max(n_terms, place + 1)
                    _occurs(n, place, start, end, job)
                    n += 1
        p += max(length, 1)
    return n_terms, n


@_compiled
def _read_passage(start, end, weight, n_terms, n, answer, function_words, code_points, job, tables):
    """Count the terms of one passage; return how many terms and occurrences there are then, and whether it could be read."""
    text, origins, word, longest = job.text, job.origins, job.word, tables.longest
    first = n
    i = start
    while i < end:
        c = u32(text, i)
        about = _about(c, code_points)
        if not about & WORD:
            if about & SPECIAL and not origins and (c != _AMPERSAND or _is_entity(text, i, end)):
                return n_terms, n, NOT_CANONICAL
            i += 1
            continue
        began = i
        folded = _fold(text, began, end, code_points, word, longest)
        i = folded.end
        if folded.seen & SPECIAL and not origins:
            return n_terms, n, NOT_CANONICAL
        answer.words += 1
        if folded.n and u32(word, 0) > LATIN_END and _about(u32(word, 0), code_points) & ALPHA:
            answer.other_script += 1
        if folded.n <= tables.longest_listed:
            place = _find(tables.listed, tables.listed_mask, tables.listed_keys, 2, folded.before, folded.tail)
            if place >= 0:
                languages = tables.listed_languages + 4 * LANGUAGES * place
                for k in range(LANGUAGES):
                    set_i32(function_words, k, i32(function_words, k) + i32(languages, k))
                if i32(languages, 0):
                    continue
        if not folded.seen & SOME_ALPHA:
            continue
        letters, tail = _stem(folded, word, tables)
        a, b = _key(word, letters)
        place = _count(a, b, weight, n_terms, job)
        n_terms = max(n_terms, place + 1)
        set_i32(job.stems, n, _stem_number(word, letters, a, b, tail, tables) if letters <= longest else -1)
        _occurs(n, place, i32(origins, began) if origins else began, i32(origins, i) if origins else i, job)
        n += 1
    n_terms, n = _name_concepts(first, n, n_terms, weight, job.original if origins else text, code_points, job, tables)
    return n_terms, n, READ


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
    n_topics = tables.n_topics
    for k in range(n_topics):
        set_f64(decisions, k, 0.0)
    known, squares = 0, 0.0
    for term in range(first, stop):
        a, b = u64(job.keys, 2 * term), u64(job.keys, 2 * term + 1)
        entry = _find(tables.entries, tables.entries_mask, tables.records, RECORD, a, b)
        set_i32(job.terms, 4 * term + 1, entry)
        value = 0.0
        if entry >= 0:
            value = (1.0 + _log(i32(job.terms, 4 * term), tables.logarithms)) * f64(tables.records, RECORD * entry + 2)
            known += 1
            squares += value * value
            for k in range(n_topics):
                set_f64(decisions, k, f64(decisions, k) + value * f64(tables.weights, n_topics * entry + k))
        set_f64(job.values, term, value)
    scale = 1.0 / square_root(squares) if squares > 0.0 else 1.0
    for term in range(first, stop):
        set_f64(job.values, term, f64(job.values, term) * scale)
    for k in range(n_topics):
        set_f64(decisions, k, f64(decisions, k) * scale + f64(tables.intercepts, k))
    return known


@_compiled
def _clear(first, stop, job):
    for term in range(first, stop):
        set_i32(job.slots, i32(job.terms, 4 * term + 2), 0)


def read(tables_address, job_address):
    """Read the documents of a job, one after another."""
    tables, job = _tables(tables_address), _job(job_address)
    code_points = CodePoints(tables.rows, tables.codes, tables.expansions)
    passage, start, n_terms, n = 0, 0, 0, 0
    for document in range(job.n_documents):
        answer = _answer(job.answers + document * _ANSWER_SIZE)
        function_words = job.answers + document * _ANSWER_SIZE + _FUNCTION_WORDS
        first, status = n_terms, READ
        while passage < i32(job.documents, document):
            end = i32(job.passages, 2 * passage)
            if status == READ:
                weight = i32(job.passages, 2 * passage + 1)
                n_terms, n, status = _read_passage(
                    start, end, weight, n_terms, n, answer, function_words, code_points, job, tables
                )
            start = end + 1
            passage += 1
        _clear(first, n_terms, job)
        if status == READ:
            answer.n_known = _decide(first, n_terms, job.decisions + 8 * document * tables.n_topics, job, tables)
        answer.status = status
        answer.terms_end = n_terms
        answer.occurrences_end = n


def place(slots, mask, keys, size, n):
    """Fill an empty hash table with n keys, `size` numbers from one to the next; those that are all 0 are left out."""
    for k in range(n):
        a, b = u64(keys, k * size), u64(keys, k * size + 1)
        if a | b:
            at = _hash(a, b) & mask
            while i32(slots, at):
                at = (at + 1) & mask
            set_i32(slots, at, k + 1)


def object_code() -> NDArray[np.uint8]:
    """Return the machine code of `read` and `place`, for any processor of this machine's kind; it refers to nothing else."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(opt=3, reloc="pic", codemodel="default")
    number = types.int64
    module = _module(read, types.void(number, number))
    module.link_in(_module(place, types.void(number, number, number, number, number)))
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

"""Characters -> folded letters, and where words begin and end. Says again what `tagger.text` says; where they differ, that is
right.
"""

from collections import namedtuple

import numpy as np

from tagger.kernel.layout import (
    BLOCK,
    CAPITAL_SIGMA,
    CASED,
    CODE,
    EXPANDS,
    IGNORABLE,
    INSIDE,
    INVISIBLE,
    OUTSIDE_SPECIAL,
    SPECIAL,
    WORD,
)
from tagger.kernel.memory import compiled, lowest_bit, set_i32, set_u8, set_u32, u8, u16, u32

_U = np.uint64
_NONE, _ONE, _LAST_BIT = _U(0), _U(1), _U(63)
_BYTE, _TOP_BYTE = _U(8), _U(56)
_EACH_BYTE, _EACH_TOP_BIT = _U(0x0101010101010101), _U(0x8080808080808080)  # to find a byte of 255

_AMPERSAND, _NUMBER_SIGN, _SEMICOLON, _X, _A, _F, _Z, _ZERO, _NINE = map(ord, "&#;xafz09")

CodePoints = namedtuple("CodePoints", "rows codes letters expansions")
# A word: where it ends in the text, how many letters, its last 16 (8 bits each, 255 for those that have no room), and all that
# the table of code points says of them.
Folded = namedtuple("Folded", "end n before tail seen")


@compiled
def about_of(c, code_points):
    """Return what the table of code points says of one (`layout.CODE` and the next)."""
    return u32(code_points.codes, u16(code_points.rows, c >> BLOCK) << BLOCK | c & ((1 << BLOCK) - 1))


@compiled
def _sigma(text, i, start, end, code_points):
    """Return the small form of the capital sigma at i, which differs at the end of a word: as `str.lower` does."""
    about = 0
    before = i - 1
    while before >= start:
        about = about_of(u32(text, before), code_points)
        if not about & (IGNORABLE | INVISIBLE):
            break
        before -= 1
    if before < start or not about & CASED:
        return 0x3C3
    for after in range(i + 1, end):
        about = about_of(u32(text, after), code_points)
        if not about & (WORD | INVISIBLE):
            return 0x3C2
        if not about & (IGNORABLE | INVISIBLE):
            return 0x3C3 if about & CASED else 0x3C2
    return 0x3C2


@compiled
def _append(letter, n, before, tail, word, longest):
    """Append a letter to a word of n letters, of which the first `longest` are kept, and one place more is written to."""
    set_u32(word, min(n, longest), letter)
    return n + 1, before << _BYTE | tail >> _TOP_BYTE, tail << _BYTE | _U(min(letter, 255))


@compiled
def fold(text, start, end, code_points, word, longest):
    """Fold the word at `start` into `word`."""
    i, n, seen, before, tail = start, 0, 0, _NONE, _NONE
    while i < end:
        c = u32(text, i)
        about = about_of(c, code_points)
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


@compiled
def is_any_full(letters):
    """Tell whether one of eight letters has no room in its byte, which is 255 then."""
    return (~letters - _EACH_BYTE) & letters & _EACH_TOP_BIT != _NONE


@compiled
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


@compiled
def scan(text, start, end, code_points, job):
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


@compiled
def is_canonical(text, start, end, code_points):
    """Tell whether no character of a text may be written otherwise in canonical text."""
    for i in range(start, end):
        c = u32(text, i)
        if about_of(c, code_points) & SPECIAL and (c != _AMPERSAND or _is_entity(text, i, end)):
            return False
    return True

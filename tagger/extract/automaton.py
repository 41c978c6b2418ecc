"""The signs of furniture -> an automaton that finds them all in one walk over a text (Aho and Corasick's), as tables for the
compiled pass: the kind of each character, and the next state by state and kind.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from tagger.extract.signs import ANNOUNCING, ANYWHERE, FIRST, MARKS
from tagger.kernel.layout import INSIDE_WORDS, JOINING, KIND_BITS, LAST_ANNOUNCED, LETTER, ROW_ENDS, SPACE, WIDEST
from tagger.text import ONE_TO_ONE, fold_line

# Characters beyond Latin-1 that stand in most French texts, as ones of the same kind; any other is looked at.
_WIDE = {"’": "'", "œ": "ø", "–": "¬", "—": "¬", "…": ".", "“": "«", "”": "»", "\u202f": " ", "€": "¤"}
_LOOKED_AT = "&|>/·©`´\u00ad"
_BREAKS = "\n\r\x0b\x0c\x85\u2028\u2029"

_LATIN_END = 256
_BREAK, _LOOK, _OTHER, _OTHER_LETTER = SPACE + 1, SPACE + 2, SPACE + 3, INSIDE_WORDS + 1
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_SIGNS = sorted({*"".join((*FIRST, *ANYWHERE, MARKS))} - {*_ALPHABET, *" \n'-0"})
_KINDS: dict[str, int] = {" ": SPACE, "\n": _BREAK, "'": JOINING, "-": JOINING + 1, "0": INSIDE_WORDS}
_KINDS |= {sign: _OTHER + 1 + i for i, sign in enumerate(_SIGNS)} | {letter: LETTER + i for i, letter in enumerate(_ALPHABET)}

# States. A row has ended, in which no sign was found, or one was; an announcement was found, or another sign; nothing is known
# of what stands here, or that a row begins: with spaces, with marks, with a space behind marks.
_ENDED, _FOUND_ENDED, _ANNOUNCED = 0, ROW_ENDS, ROW_ENDS + 1
_FOUND, _ANY, _BLANK, _MARKED, _SPACED = range(LAST_ANNOUNCED + 1, LAST_ANNOUNCED + 6)


def _kind(character: str) -> int:
    """Return the kind of a character: as it is folded; to be looked at if normalizing and folding change more than this."""
    character = _WIDE.get(character, character)
    if character in _BREAKS:
        return _BREAK
    if character in " \u00a0":
        return SPACE
    folded = fold_line(character)
    kept = len(folded) == 1 and ord(folded) < _LATIN_END and not folded.isspace() and character not in ONE_TO_ONE
    if not kept or character in _LOOKED_AT:
        return _LOOK
    return _KINDS.get("0" if folded.isdigit() else folded, _OTHER_LETTER if folded.isalpha() else _OTHER)


def _kinds() -> NDArray[np.uint8]:
    kinds = np.full(WIDEST + 1, _LOOK, dtype=np.uint8)
    for character in (*map(chr, range(_LATIN_END)), *_WIDE, *_BREAKS):
        kinds[ord(character)] = _kind(character)
    return kinds


def make_automaton() -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return the kind of each character, and the next state by state and kind, as `layout.Rows` says."""
    reached = _reached()
    steps = np.full((len(reached), 1 << KIND_BITS), _ANY, dtype=np.uint16)
    steps[_ANY, _BREAK], steps[_ANY, _LOOK] = _ENDED, _FOUND
    # What stands here without its first character is a shorter state, which has its steps already.
    ahead = deque([(_ANY, _ANY), (_ENDED, _ANY)])
    while ahead:
        state, shorter = ahead.popleft()
        steps[state] = steps[shorter]
        for kind, longer in reached[state].items():
            before = int(steps[shorter, kind])
            if before == _FOUND:
                continue
            steps[state, kind] = longer
            if longer not in {_FOUND, _FOUND_ENDED}:
                ahead.append((longer, before))
    steps[_FOUND], steps[_FOUND, _BREAK] = _FOUND, _FOUND_ENDED
    _add_marks(steps)
    return _kinds(), steps


def _reached() -> list[dict[int, int]]:
    """Return by state which others are reached within a sign, by kind."""
    reached: list[dict[int, int]] = [{} for _ in range(_SPACED + 1)]
    for number, sign in enumerate(ANNOUNCING):
        _add(sign, _ANY, _ANNOUNCED + number, reached)
    for sign in sorted(FIRST, key=len):
        _add(sign, _ENDED, _FOUND, reached)
    for sign in sorted(ANYWHERE, key=len):
        _add(sign, _ANY, _FOUND, reached)
    return reached


def _add(sign: str, state: int, end: int, reached: list[dict[int, int]]) -> None:
    for character in sign[:-1]:
        kind = _KINDS[character]
        if kind not in reached[state]:
            reached[state][kind] = len(reached)
            reached.append({})
        state = reached[state][kind]
        if state == _FOUND:  # by a shorter sign
            return
    reached[state][_KINDS[sign[-1]]] = _FOUND_ENDED if sign.endswith("\n") else end


def _add_marks(steps: NDArray[np.uint16]) -> None:
    """Let a row begin with spaces and marks; two spaces behind a mark are found."""
    marks = [_KINDS[mark] for mark in MARKS]
    for state, spaced in ((_ENDED, _BLANK), (_BLANK, _BLANK), (_MARKED, _SPACED), (_SPACED, _FOUND)):
        steps[state] = steps[_ENDED]
        steps[state, SPACE], steps[state, marks] = spaced, _MARKED
    steps[_FOUND_ENDED] = steps[_ENDED]


KINDS, STEPS = make_automaton()

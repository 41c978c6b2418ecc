"""Text -> its rows, and which of them hold a phrase: one walk over the characters, whatever the phrases. What the
phrases are, the automaton says (`layout.Rows`).
"""

from tagger.kernel import layout
from tagger.kernel.layout import (
    ANNOUNCED,
    HELD,
    INSIDE_WORDS,
    JOINING,
    KIND_BITS,
    LAST_ANNOUNCED,
    LETTER,
    ROW_ENDS,
    SPACE,
    WIDEST,
)
from tagger.kernel.memory import compiled, record_at, set_u32, u8, u16, u32

_rows = record_at(layout.Rows)


@compiled
def _kind(i, rows):
    return u8(rows.kinds, min(u32(rows.text, i), WIDEST))


def divide(address):
    """Walk over a text that ends with a break; of each row that is not blank, tell where its text is and what it holds."""
    found = _rows(address)
    state = start = n = held = words = 0
    in_word = joined = False
    for i in range(found.length):
        kind = _kind(i, found)
        state = u16(found.steps, state << KIND_BITS | kind)
        inside = kind >= INSIDE_WORDS
        words += inside and not in_word and not joined
        in_word, joined = inside, in_word and kind >= JOINING
        if state <= LAST_ANNOUNCED:
            if state > ROW_ENDS:
                held |= ANNOUNCED
                continue
            n = _add(start, i, held | HELD * state, words, n, found)
            start, held, words = i + 1, 0, 0
    found.n = n


@compiled
def _add(start, end, held, words, n, rows):
    """Add a row without the spaces around it; one without a letter is none that may be passed over."""
    while start < end and _kind(start, rows) == SPACE:
        start += 1
    if start == end:
        return n
    while _kind(end - 1, rows) == SPACE:
        end -= 1
    letter = start
    while letter < end and _kind(letter, rows) < LETTER:
        letter += 1
    row = rows.found + 4 * 4 * n
    set_u32(row, 0, start)
    set_u32(row, 1, end)
    set_u32(row, 2, held | HELD * (letter == end))
    set_u32(row, 3, words)
    return n + 1

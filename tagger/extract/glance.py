"""Text -> its rows, and which are plain: hold no sign of furniture, and nothing that normalizing writes in a way of its own.

Where there is no compiled pass no row is plain: all are looked at, which finds the same.
"""

import ctypes
from collections.abc import Iterator

from tagger.extract.automaton import KINDS, STEPS
from tagger.kernel.compiled import Kernel, kernel
from tagger.kernel.layout import ANNOUNCED, Rows, code_points

_OTHER_BREAKS = "\r\x0b\x0c\x85\u2028\u2029"
# A row of more characters, or of more words, announces no date (`of_short_lines`, `is_furniture`).
_LONGEST, _MOST_WORDS = 300, 14

_KINDS, _STEPS = KINDS.ctypes.data, STEPS.ctypes.data

Row = tuple[int, int, bool, int]


def rows(text: str) -> list[Row]:
    """Return the rows that are not blank: offsets of the first character and past the last, whether the row is plain, and how
    many words it has then. Spaces around a plain row are left out, and some of those around others.
    """
    compiled = kernel()
    return list(_split(text)) if compiled is None else _divided(text, compiled)


def _split(text: str) -> Iterator[Row]:
    for other in _OTHER_BREAKS:
        text = text.replace(other, "\n")
    start = 0
    for row in text.split("\n"):
        if row:
            yield start, start + len(row), False, 0
        start += len(row) + 1


def _divided(text: str, compiled: Kernel) -> list[Row]:
    found = bytearray(ctypes.sizeof(ctypes.c_int32) * 4 * (len(text) // 2 + 1))
    job = Rows(
        text=code_points(text),
        length=len(text) + 1,
        kinds=_KINDS,
        steps=_STEPS,
        found=ctypes.addressof(ctypes.c_char.from_buffer(found)),
    )
    compiled.divide(ctypes.addressof(job))
    numbers = memoryview(found).cast("i")[: 4 * job.n].tolist()
    return [
        (start, end, not held or (held == ANNOUNCED and (words > _MOST_WORDS or end - start > _LONGEST)), words)
        for start, end, held, words in zip(numbers[::4], numbers[1::4], numbers[2::4], numbers[3::4], strict=True)
    ]

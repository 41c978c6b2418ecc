"""Raw page text -> lines with their offsets and shape. Shape is what a line looks like, never which words it holds."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from tagger.extract.glance import Row, rows
from tagger.text import normalize

_INVISIBLE_EDGES = " \t\x00\u00a0\u202f\u2007\u2009\u200b\u200e\u200f\ufeff\u00ad"
_BULLET = re.compile(r"(?:[-–—•·*▪■►➤‣◦]+|\d{1,2}[.)])(?:\s+|$)")
_SENTENCE_END = (".", "!", "?", "…")
_CLOSING = " \"'»”)]"
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")

_LONGEST_SHORT = 300
_UNKNOWN = object()

Found = TypeVar("Found")


def once(find: Callable[["Line"], Found]) -> Callable[["Line"], Found]:
    """Let a question about the wording of a line be answered once, for all lines of a text that read alike."""

    @wraps(find)
    def found(line: "Line") -> Found:
        answer = line.known.get(find, _UNKNOWN)
        if answer is _UNKNOWN:
            answer = line.known[find] = find(line)
        return answer  # type: ignore[no-any-return]

    return found


def of_short_lines(find: Callable[["Line"], Found]) -> Callable[["Line"], Found | None]:
    """Let a question be answered once, and with None for a line that is only text: longer than any button, byline or age.

    300 characters hold a long advert; no pattern can be made slow by a longer line.
    """

    @wraps(find)
    def found(line: "Line") -> Found | None:
        if len(line.raw) > _LONGEST_SHORT:
            return None
        answer = line.known.get(find, _UNKNOWN)
        if answer is _UNKNOWN:
            answer = line.known[find] = find(line)
        return answer  # type: ignore[no-any-return]

    return found


# Not frozen: that would double the time to make one, and a text is made of many. Nothing writes to a line.
@dataclass(slots=True)
class Line:
    """A line that is not blank, without the spaces around it; `gap` tells whether blank lines stand before it.

    `known` is what was found out about its wording so far (`once`); `plain` tells that it was glanced at, and neither is
    furniture nor holds any; `counted` are its words then.
    """

    raw: str
    start: int
    gap: bool = field(compare=False)
    known: dict[Callable[["Line"], Any], Any] = field(default_factory=dict, compare=False, repr=False)
    plain: bool = field(default=False, compare=False)
    counted: int = field(default=0, compare=False)

    @property
    def end(self) -> int:
        """Offset just past the line."""
        return self.start + len(self.raw)

    @property
    @once
    def text(self) -> str:
        """The line for comparison: normalized. A plain one has few characters that are written otherwise (`glance`)."""
        if self.plain:
            return self.raw.replace("’", "'").replace("\u00a0", " ").replace("\u202f", " ")
        return normalize(self.raw)

    @property
    def visible(self) -> bool:
        """Whether the line holds anything to read. Nearly every line begins with a letter, and need not be normalized."""
        return self.raw[:1].isalnum() or bool(self.text)

    @property
    def words(self) -> int:
        """Number of words; `l'État` and `porte-avions` count one."""
        return self.counted if self.plain else _words(self)

    @property
    def bullet(self) -> bool:
        """Whether the line is an item of a list, or only its mark."""
        return bool(_BULLET.match(self.text))

    @property
    @once
    def ended(self) -> bool:
        """Whether the line ends as a sentence does."""
        return self.text.rstrip(_CLOSING).endswith(_SENTENCE_END)

    @property
    @once
    def prose(self) -> bool:
        """Whether the line reads as running text: a sentence of six words or more, or too long for a headline."""
        return (self.ended and self.words >= 6) or self.words > 35

    @property
    @once
    def headline(self) -> bool:
        """Whether the line may be a title: not too long, and not closed by a full stop (`?`, `!` and quotes may)."""
        text = self.text
        closed = text.rstrip("\"'»” )")
        stop = closed.endswith(".") and not closed.endswith("...")
        return not stop and text[:1] not in ",;.)" and 1 <= self.words <= 35 and not self.bullet

    @property
    @once
    def label(self) -> bool:
        """Whether the line is a few words that begin like a name or a button, with no figure and no end of sentence."""
        if self.ended or self.continues or self.words > 8 or self.bullet:
            return False
        return not any(map(str.isdigit, self.text))

    @property
    def continues(self) -> bool:
        """Whether the line goes on with a sentence that a link broke: it begins with a small letter or a comma."""
        first = self.text[:1]
        return first.islower() or first in ",;:.)"

    def without_bullet(self) -> "Line":
        """Return the line without the mark of the list."""
        mark = _BULLET.match(self.raw.replace("\u00a0", " "))
        return self.part(mark.end() if mark else 0, len(self.raw))

    def part(self, start: int, end: int) -> "Line":
        """Return the slice [start, end) of the line as a line, without the spaces around it."""
        inner = self.raw[start:end]
        lead = len(inner) - len(inner.lstrip(_INVISIBLE_EDGES))
        return Line(inner.strip(_INVISIBLE_EDGES), self.start + start + lead, self.gap)


def split_lines(text: str) -> list[Line]:
    """Return the lines of a text that hold anything visible."""
    return lines_of(text, rows(text))


def lines_of(text: str, found: Iterable[Row]) -> list[Line]:
    """Return the rows of a text that hold anything visible, as lines."""
    lines: list[Line] = []
    known: dict[str, dict[Callable[[Line], Any], Any]] = {}
    end_of_previous = 0
    for start, end, plain, words in found:
        row = text[start:end]
        raw = row if plain else row.strip(_INVISIBLE_EDGES)
        at = start if plain else start + row.index(raw)
        breaks = text.count("\n", end_of_previous, at) or text.count("\r", end_of_previous, at)
        line = Line(raw, at, breaks > 1 or not lines, known.setdefault(raw, {}), plain, words)
        if plain or line.visible:
            lines.append(line)
            end_of_previous = at + len(raw)
    return lines


@once
def _words(line: Line) -> int:
    return len(_WORD.findall(line.text))

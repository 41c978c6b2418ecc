"""Raw page text -> lines with their offsets and shape. Shape is what a line looks like, never which words it holds."""

import re
from dataclasses import dataclass, field
from functools import cached_property

from tagger.text import normalize

_LINE = re.compile(r"[^\r\n\x0b\x0c\x85\u2028\u2029]+")
_INVISIBLE_EDGES = " \t\x00\u00a0\u202f\u2007\u2009\u200b\u200e\u200f\ufeff\u00ad"
_BULLET = re.compile(r"(?:[-–—•·*▪■►➤‣◦]+|\d{1,2}[.)])(?:\s+|$)")
_SENTENCE_END = re.compile(r"""[.!?…][\s"'»”’)\]]*$""")
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")


@dataclass(frozen=True)
class Line:
    """A line that is not blank, without the spaces around it; `gap` tells whether blank lines stand before it."""

    raw: str
    start: int
    gap: bool = field(compare=False)

    @property
    def end(self) -> int:
        """Offset just past the line."""
        return self.start + len(self.raw)

    @cached_property
    def text(self) -> str:
        """The line for comparison: normalized."""
        return normalize(self.raw)

    @cached_property
    def words(self) -> int:
        """Number of words; `l'État` and `porte-avions` count one."""
        return sum(1 for _ in _WORD.finditer(self.text))

    @property
    def short(self) -> bool:
        """Whether the line may be more than text: a button, a byline, an age. 300 characters hold a long advert."""
        return len(self.raw) <= 300

    @cached_property
    def bullet(self) -> bool:
        """Whether the line is an item of a list, or only its mark."""
        return bool(_BULLET.match(self.text))

    @cached_property
    def ended(self) -> bool:
        """Whether the line ends as a sentence does."""
        return bool(_SENTENCE_END.search(self.text))

    @cached_property
    def prose(self) -> bool:
        """Whether the line reads as running text: a sentence of six words or more, or too long for a headline."""
        return (self.ended and self.words >= 6) or self.words > 35

    @cached_property
    def headline(self) -> bool:
        """Whether the line may be a title: not too long, and not closed by a full stop (`?`, `!` and quotes may)."""
        closed = self.text.rstrip("\"'»” )")
        stop = closed.endswith(".") and not closed.endswith("...")
        return 1 <= self.words <= 35 and not stop and not self.bullet and self.text[:1] not in ",;.)"

    @cached_property
    def label(self) -> bool:
        """Whether the line is a few words that begin like a name or a button, with no figure and no end of sentence."""
        shape = self.words <= 8 and not self.ended and not self.bullet and not self.continues
        return shape and not any(c.isdigit() for c in self.text)

    @property
    def continues(self) -> bool:
        """Whether the line goes on with a sentence that a link broke: it begins with a small letter or a comma."""
        return self.text[:1].islower() or self.text[:1] in ",;:.)"

    def without_bullet(self) -> "Line":
        """Return the line without the mark of the list."""
        offset = len(self.raw) - len(_BULLET.sub("", self.raw.replace("\u00a0", " "), count=1))
        return self.part(offset, len(self.raw))

    def part(self, start: int, end: int) -> "Line":
        """Return the slice [start, end) of the line as a line, without the spaces around it."""
        inner = self.raw[start:end]
        lead = len(inner) - len(inner.lstrip(_INVISIBLE_EDGES))
        return Line(inner.strip(_INVISIBLE_EDGES), self.start + start + lead, self.gap)


def split_lines(text: str) -> list[Line]:
    """Return the lines of a text that hold anything visible."""
    lines: list[Line] = []
    end_of_previous = 0
    for match in _LINE.finditer(text):
        whole = Line(match.group(), match.start(), gap=False)
        inner = whole.part(0, len(whole.raw))
        if not inner.text:
            continue
        breaks = text.count("\n", end_of_previous, inner.start) or text.count("\r", end_of_previous, inner.start)
        lines.append(Line(inner.raw, inner.start, gap=breaks > 1 or not lines))
        end_of_previous = inner.end
    return lines

"""A run of lines that belong together -> title, lead, body of one document. Knows paragraphs, not page layouts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from tagger.documents import Document, Kind, Passage, Text
from tagger.extract import furniture
from tagger.extract.dates import published_in, stamp_of, time_of
from tagger.extract.glance import rows
from tagger.extract.lines import Line, lines_of

# A paragraph longer than this is the article itself, not its standfirst (the longest of the three real pages has 60).
_LONGEST_LEAD = 70
# Furniture may hold a sentence or two (an advert for the site's app), but not a quarter of what the article says.
_FURNITURE_SHARE = 0.25
_LONGEST_TRAILING_LABEL = 12


@dataclass(frozen=True, slots=True)
class Marked:
    """A line, and whether it is furniture."""

    line: Line
    furniture: bool


def mark(lines: list[Line]) -> list[Marked]:
    """Tell the furniture of a whole page from its text."""
    return [Marked(line, found) for line, found in zip(lines, _furniture(lines), strict=True)]


def _furniture(lines: list[Line]) -> list[bool]:
    if all(line.plain for line in lines):
        return [False] * len(lines)
    beside = furniture.captions_and_announced(lines)
    return [i in beside or (not line.plain and bool(furniture.is_furniture(line))) for i, line in enumerate(lines)]


def as_text(lines: Sequence[Line]) -> Text:
    """Return lines as passages, without the furniture inside them."""
    return tuple(furniture.passages(lines))


def prose(text: str) -> Text:
    """Return the lines of a part that was sent as such, without furniture; no trailing line is dropped from it."""
    found = rows(text)
    if all(plain for _, _, plain, _ in found):
        return tuple(Passage(text[start:end], start) for start, end, *_ in found)
    lines = lines_of(text, found)
    return as_text([line for line, found in zip(lines, _furniture(lines), strict=True) if not found])


def verbatim(line: Line) -> Text:
    """Return one line as it stands."""
    return (Passage(line.raw, line.start),)


def body_lines(marked: Sequence[Marked], title: str = "") -> list[Line]:
    """Return the lines of running text: without furniture, copies of the title, and what trails behind the article."""
    kept = [
        m.line
        for m in marked[: _end_of_article(marked)]
        if not m.furniture and m.line.text != title and not furniture.is_byline(m.line)
    ]
    kept = [line for i, line in enumerate(kept) if i == 0 or line.text != kept[i - 1].text]
    if any(line.prose for line in kept):
        while _trails(kept[-1]):
            kept.pop()
    return kept


def _trails(line: Line) -> bool:
    return not line.ended and not line.bullet and line.words <= _LONGEST_TRAILING_LABEL


def _end_of_article(marked: Sequence[Marked]) -> int:
    """Return where two labels in a row open the site's own matter: subheadings never come in pairs.

    What follows them must be little against what stands before, for an article may hold two lone names in a row.
    """
    pairs = [i for i, (label, below) in enumerate(pairwise(map(_is_label, marked))) if label and below]
    if not pairs:
        return len(marked)
    words = [m.line.words if m.line.prose and not m.furniture else 0 for m in marked]
    before = list(accumulate(words, initial=0))
    for i in pairs:
        little = before[i] and before[-1] - before[i] < _FURNITURE_SHARE * before[i]
        broken = i + 2 < len(marked) and marked[i + 2].line.continues
        if little and not broken:
            return i
    return len(marked)


def _is_label(m: Marked) -> bool:
    if not m.line.label or (m.furniture and m.line.prose):
        return False
    return not (furniture.is_teaser(m.line) or furniture.is_credit(m.line) or furniture.is_byline(m.line))


def read_article(marked: Sequence[Marked], kind: Kind = "article") -> Document | None:
    """Read lines as one article: rubric, title, source and date where they are, lead, body. None if nothing is text."""
    content = [m.line for m in marked if not m.furniture]
    if not content:
        return None
    title_at, text_at = _find_title(content)
    title = content[title_at] if title_at is not None else None
    document = Document(kind, title=verbatim(title) if title else (), published=_announced(marked, content[text_at:]))
    if title_at and title_at <= 2:  # more lines above the title are a menu
        document = _with_rubric(document, content[title_at - 1])
    below_title = 0 if title_at is None else title_at + 1
    for line in content[below_title:text_at]:
        document = _with_stamp(document, line)
    first_text = _first_text_line(content[below_title:], document, title)
    if first_text is not None:
        at = next(i for i, m in enumerate(marked) if m.line is first_text)
        document = _with_text(document, body_lines(marked[at:], title.text if title else ""))
    return spanning(document) if any(text for _, text in document.fields()) else None


def _find_title(content: Sequence[Line]) -> tuple[int | None, int]:
    """Return the index of the title (None: there is none) and of the first line of running text.

    The title is the line that stands twice, or the first of six words or more (a site's name and its menu are shorter), or
    the longest above the text.
    """
    text_at = len(content)
    candidates: list[int] = []
    for i, line in enumerate(content):
        headline = line.headline
        if headline and i + 1 < len(content) and content[i + 1].text == line.text:
            candidates = [i]
        elif headline and line.words >= 6 and not candidates and len(content) > 1 and stamp_of(line) is None:
            candidates.append(i)
        elif line.prose:
            text_at = i
            break
    if not candidates:
        candidates = sorted(range(text_at), key=lambda i: -content[i].words)
    if not candidates:
        return None, text_at
    return candidates[0], max(text_at, candidates[0] + 1)


def _announced(marked: Sequence[Marked], text: Sequence[Line]) -> str:
    """Return the date announced above the first line of running text (`Publié le …`), or an empty string."""
    for m in marked:
        if text and m.line is text[0]:
            break
        if announced := published_in(m.line):
            return announced
    return ""


def _with_rubric(document: Document, above: Line) -> Document:
    if above.label and above.words <= 4:
        return replace(document, rubric=verbatim(above))
    return document


def _with_stamp(document: Document, line: Line) -> Document:
    stamp = stamp_of(line)
    if stamp is None or len(stamp.before.split()) > 4 or document.source:
        return document
    return replace(document, source=stamp.before, published=stamp.published)


def _first_text_line(below: Sequence[Line], document: Document, title: Line | None) -> Line | None:
    """Return the first line below the title that is text: no copy of the title, no byline, not the line of its date."""
    for line in below:
        stamp = stamp_of(line)
        dated = stamp is not None and (stamp.before, stamp.published) == (document.source, document.published)
        if not dated and not furniture.is_byline(line) and (title is None or line.text != title.text):
            return line
    return None


def _with_text(document: Document, lines: list[Line]) -> Document:
    """Give the document its lead and body: the first paragraph is a lead if it is short and whole and more follows."""
    if len(lines) > 1 and document.title and lines[0].ended and lines[0].words <= _LONGEST_LEAD:
        return replace(document, lead=as_text(lines[:1]), body=as_text(lines[1:]))
    return replace(document, body=as_text(lines))


def spanning(document: Document, *headers: Line) -> Document:
    """Give the document its span: from its first to its last character, the lines of its header included."""
    passages = [p for _, text in document.fields() for p in text]
    starts = [p.start for p in passages] + [line.start for line in headers]
    ends = [p.end for p in passages] + [line.end for line in headers]
    return replace(document, span=(min(starts), max(ends)), time=document.time or time_of(document.published))

"""Raw text of a scraped or pasted page -> `Page`. Layouts are told by their structure:

cards      a title that stands twice beside a line that ends with an age (`Le Parisien5 days ago`)
live blog  two or more lines that are nothing but a time of day, each with something under it
headlines  two or more neighbouring pairs of a line that ends with an age and a headline
article    everything else; also what stands above the first card, post or headline
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tagger.documents import Document, Kind, Layout, Page
from tagger.errors import UnreadablePageError
from tagger.extract.article import Marked, as_text, body_lines, mark, read_article, spanning, verbatim
from tagger.extract.dates import Stamp, clock_time, split_glued, stamp_of
from tagger.extract.lines import Line, split_lines

_MARKUP = re.compile(
    r"\s*(?:<\?xml|<!doctype|<html|<head|<body|<(?:div|p|article|section|meta|script|span|table)[\s>])", re.IGNORECASE
)
# A card's header holds its title up to three times, source, age and some bullets; six lines reach all of it.
_HEADER_REACH = 6


@dataclass(frozen=True, slots=True)
class Anchor:
    """The header of a card, post or headline: marked lines [first, end), and what it says."""

    layout: Layout
    kind: Kind
    first: int
    end: int
    title: Line | None = None
    rubric: Line | None = None
    source: str = ""
    published: str = ""
    time: str | None = None
    header: tuple[Line, ...] = field(default=())


def read_page(text: str) -> Page:
    """Read the raw text of a page; whatever fits no layout is one article.

    A page on which nothing but furniture stands has no documents. Offsets are code points of `text`.

    Raises:
        UnreadablePageError: the text is empty, HTML source, or not text (more than one character in ten is NUL).
    """
    _refuse_what_is_no_text(text)
    lines = split_lines(text)
    if not lines:
        raise UnreadablePageError("The page is empty: send the text of the article, with its title.")
    marked = mark(lines)
    anchors = _cards(marked) or _posts(marked) or _headlines(marked)
    documents = [document for document in _documents(marked, anchors) if document is not None]
    return Page(anchors[0].layout if anchors else "article", tuple(documents))


def _refuse_what_is_no_text(text: str) -> None:
    if text.count("\x00") * 10 > len(text):
        raise UnreadablePageError("The page is not text: it is full of NUL characters. Is it UTF-16? Send UTF-8.")
    if _MARKUP.match(text):
        raise UnreadablePageError(
            "The page is HTML or XML source: say so (Content-Type: text/html or application/rss+xml; a file called *.html or "
            "*.rss), or send the text that a reader sees, without the tags."
        )


def _documents(marked: Sequence[Marked], anchors: Sequence[Anchor]) -> list[Document | None]:
    if not anchors:
        return [read_article(marked)]
    head = list(marked[: anchors[0].first])
    after_list: list[Marked] = []
    documents: list[Document | None] = []
    for anchor, following in zip(anchors, [*anchors[1:], None], strict=True):
        below = marked[anchor.end : following.first if following else len(marked)]
        if anchor.layout == "headlines":
            after_list += below
            below = []
        documents.append(_anchored(anchor, below))
    if any(m.line.prose and not m.furniture for m in after_list):  # the list stood in the middle of the article
        head += after_list
    article = read_article(head)
    if article is not None and (anchors[0].layout != "cards" or article.body):
        return [article, *documents]
    if anchors[0].layout == "cards" and documents[0] is not None:
        documents[0] = replace(documents[0], kind="article")
    return documents


def _anchored(anchor: Anchor, below: Sequence[Marked]) -> Document:
    """Return the document of an anchor, with the lines below its header as its body."""
    document = Document(
        anchor.kind,
        title=verbatim(anchor.title) if anchor.title else (),
        body=as_text(body_lines(below, anchor.title.text if anchor.title else "")),
        rubric=verbatim(anchor.rubric) if anchor.rubric else (),
        source=anchor.source,
        published=anchor.published,
        time=anchor.time,
    )
    return spanning(document, *anchor.header)


# --- cards ---


def _cards(marked: Sequence[Marked]) -> list[Anchor]:
    content = [i for i, m in enumerate(marked) if not m.furniture]
    anchors: list[Anchor] = []
    for position, i in enumerate(content):
        floor = anchors[-1].end if anchors else 0
        card = _card(marked, content, position, floor) if i >= floor and stamp_of(marked[i].line) else None
        if card:
            anchors.append(card)
    return anchors


def _card(marked: Sequence[Marked], content: Sequence[int], position: int, floor: int) -> Anchor | None:
    """Return the card whose age stands at this line, if a title stands twice around it."""
    age_line = marked[content[position]].line
    stamp = stamp_of(age_line)
    if stamp is None or _is_age(marked, content[position + 1 : position + 2]):  # the source `20 Minutes` over an age
        return None
    above = [i for i in content[max(0, position - _HEADER_REACH) : position] if i >= floor]
    title_at = _title_above(marked, above, content[position + 1 : position + 1 + _HEADER_REACH])
    if title_at is None:
        return None
    title = marked[title_at].line
    end = content[position] + 1
    bullets: list[Line] = []
    for i in content[position + 1 : position + 1 + _HEADER_REACH]:
        line = marked[i].line
        if line.bullet and line.words <= 6:
            bullets.append(line.without_bullet())
        elif line.text != title.text:
            break
        end = i + 1
    between = [marked[i].line for i in above if i > title_at and marked[i].line.text != title.text]
    source = stamp.before or (between[-1].raw if between else bullets[-1].raw if bullets else "")
    others = [line for line in bullets if line.raw and line.text != source]  # a mark alone says nothing
    header = (title, marked[end - 1].line)
    return Anchor(
        "cards", "related", title_at, end, title, others[0] if others else None, source, stamp.published, header=header
    )


def _is_age(marked: Sequence[Marked], below: Sequence[int]) -> bool:
    stamps = [stamp_of(marked[i].line) for i in below if not marked[i].line.bullet]
    return any(stamp is not None and not stamp.before for stamp in stamps)


def _title_above(marked: Sequence[Marked], above: Sequence[int], below: Sequence[int]) -> int | None:
    """Return the first copy of the line that stands twice above the age, or above and again below it."""
    texts_below = []
    for i in below:
        texts_below.append(marked[i].line.text)
        if not marked[i].line.bullet:
            break
    for distance, i in enumerate(reversed(above)):
        line = marked[i].line
        if line.words < 2 or line.bullet or _is_stamp(line):
            continue
        copies = [j for j in above if marked[j].line.text == line.text]
        if len(copies) > 1 or line.text in texts_below:
            return copies[0]
        if distance >= 1 or line.words > 6:  # only the source may stand between the title and the age
            return None
    return None


# --- live blog ---


def _posts(marked: Sequence[Marked]) -> list[Anchor]:
    clocks = [(i, time) for i, m in enumerate(marked) if (time := clock_time(m.line)) is not None]
    ends = [i for i, _ in clocks[1:]] + [len(marked)]
    filled = [
        (i, time, end)
        for (i, time), end in zip(clocks, ends, strict=False)
        if sum(m.line.words for m in marked[i + 1 : end] if not m.furniture) >= 2
    ]
    if len(filled) < 2:
        return []
    rubrics = {rubric.text.lower() for i, _, end in filled if (rubric := _rubric_and_title(marked, i + 1, end, frozenset())[0])}
    anchors = []
    for i, time, end in filled:
        rubric, title, body_at = _rubric_and_title(marked, i + 1, end, frozenset(rubrics))
        anchors.append(
            Anchor("live_blog", "live_post", i, body_at, title, rubric, "", marked[i].line.text, time, (marked[i].line,))
        )
    return anchors


def _rubric_and_title(
    marked: Sequence[Marked], first: int, end: int, rubrics: frozenset[str]
) -> tuple[Line | None, Line | None, int]:
    """Return the rubric and the title that open a post, and where its text begins.

    A short line over a headline is a rubric; a short line over running text is one where the page uses it elsewhere, or
    where it stands glued under the time while the text stands apart.
    """
    content = [i for i in range(first, end) if not marked[i].furniture]
    if not content:
        return None, None, first
    top = marked[content[0]].line
    under = marked[content[1]].line if len(content) > 1 else None
    below = content[1] if under else end
    if not top.headline or (top.prose and under is None):
        return None, None, content[0]
    short = top.words <= 6 and not top.ended
    if short and under is not None and under.headline and not (under.prose and under.words > 30):
        third = marked[content[2]].line if len(content) > 2 else None
        if not top.gap or third is None or third.prose or top.text.lower() in rubrics:
            return top, under, content[1] + 1
    if short and (top.text.lower() in rubrics or (not top.gap and under is not None and under.prose and under.gap)):
        return top, None, below
    return None, top, below


# --- headlines ---


@dataclass(frozen=True, slots=True)
class _Item:
    at: int
    headline_at: int
    stamp: Stamp


def _headlines(marked: Sequence[Marked]) -> list[Anchor]:
    content = [i for i, m in enumerate(marked) if not m.furniture]
    items: list[_Item] = []
    for position, i in enumerate(content[:-1]):
        below = content[position + 1]
        stamp = stamp_of(marked[i].line)
        if stamp is not None and len(stamp.before.split()) <= 6 and _is_item_headline(marked[below].line):
            items.append(_Item(i, below, stamp))
    items = _in_lists(items, content)
    anchors = []
    for item in items:
        line = marked[item.at].line
        before = split_glued(stamp.before) if (stamp := stamp_of(line)) else ""
        rubric = line.part(0, line.raw.find(before) + len(before)) if before and before in line.raw else None
        title = marked[item.headline_at].line
        anchors.append(
            Anchor(
                "headlines",
                "related",
                item.at,
                item.headline_at + 1,
                title,
                rubric,
                "",
                item.stamp.published,
                None,
                (line, title),
            )
        )
    return anchors


def _is_item_headline(line: Line) -> bool:
    return 3 <= line.words <= 40 and not line.bullet and not _is_stamp(line)


def _is_stamp(line: Line) -> bool:
    """Whether the line is a source or rubric with an age, not a headline that ends with a date."""
    stamp = stamp_of(line)
    return stamp is not None and len(stamp.before.split()) <= 3


def _in_lists(items: Sequence[_Item], content: Sequence[int]) -> list[_Item]:
    """Keep the items that have a neighbour: the next one begins right below the headline of the one before."""
    place = {i: position for position, i in enumerate(content)}
    linked = {k for k in range(len(items) - 1) if place[items[k + 1].at] == place[items[k].headline_at] + 1}
    return [item for k, item in enumerate(items) if k in linked or k - 1 in linked]

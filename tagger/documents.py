"""The nouns of a page: `Page` of `Document`s, each made of verbatim `Passage`s of the caller's own text."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["article", "related", "live_post"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Field = Literal["title", "lead", "body", "rubric"]
Layout = Literal["cards", "live_blog", "headlines", "article", "parts", "html", "feed", "ninjs"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A verbatim slice of the caller's text and the offset (code points) at which it begins there."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset just past the passage."""
        return self.start + len(self.text)


Text = tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One thing to tag: the article, a card or headline of a related one, or a post of a live blog.

    Offsets count in the page's text when the document was read from one (`span` is then its place there), and in the
    string of each part when the caller sent parts (`span` is then None). Of markup, whose text the caller only sees in the
    answer, they count in each part as answered. `time` is `published` as HH:MM where it says so.
    """

    kind: Kind
    title: Text = ()
    lead: Text = ()
    body: Text = ()
    rubric: Text = ()
    source: str = ""
    published: str = ""
    time: str | None = None
    span: tuple[int, int] | None = None
    id: str | int | None = None

    @property
    def has_text(self) -> bool:
        """Whether it has more than a rubric."""
        return bool(self.title or self.lead or self.body)

    def fields(self) -> Iterator[tuple[Field, Text]]:
        """Yield the fields whose words are classified, in reading order."""
        yield "rubric", self.rubric
        yield "title", self.title
        yield "lead", self.lead
        yield "body", self.body


@dataclass(frozen=True, slots=True)
class Page:
    """The documents of a page in reading order, and the layout they were found in.

    `parts`, `html`, `feed` and `ninjs` are what was sent; a live blog is one in text and in HTML.
    """

    layout: Layout
    documents: tuple[Document, ...]


def joined(passages: Text) -> str:
    """Return passages as one string, a line each."""
    return "\n".join(passage.text for passage in passages)


def placed(texts: Iterable[str]) -> Text:
    """Return lines as passages of the string that `joined` makes of them: its inverse."""
    passages: list[Passage] = []
    start = 0
    for text in texts:
        passages.append(Passage(text, start))
        start += len(text) + 1
    return tuple(passages)

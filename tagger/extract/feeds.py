"""An RSS 2.0 or Atom 1.0 feed -> `Page` of articles, and where each item ends in the bytes that were sent.

Read by expat, event by event: no document type is allowed, so there is no entity to expand and nothing to fetch.
"""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass, field, replace
from html import escape
from typing import Literal
from xml.parsers import expat

from tagger.documents import Page
from tagger.errors import UnreadablePageError
from tagger.extract.charset import declared
from tagger.extract.markup import one_line, plain
from tagger.extract.told import Told, document_of

Vocabulary = Literal["rss", "atom"]
_DEEPEST = 100
_ATOM = "http://www.w3.org/2005/Atom"
_DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
# The name of an item and how many elements deep it stands; then the names of its parts that are read, without the namespace of
# the feed itself: of several, the first with text is taken.
_ITEM = {"rss": "item", "atom": "entry"}
_LEVEL = {"rss": 3, "atom": 2}
_BODY = {"rss": (f"{_CONTENT} encoded",), "atom": ("content",)}
_LEAD = {"rss": ("description",), "atom": ("summary",)}
_DATE = {"rss": ("pubDate", f"{_DUBLIN_CORE} date"), "atom": ("published", "updated")}
_ID = {"rss": ("guid", "link"), "atom": ("id", "link")}


@dataclass(frozen=True, slots=True)
class Category:
    """A category of an item: in RSS its `domain` and text, in Atom its `scheme`, `term` and `label`."""

    scheme: str
    term: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item with text: what it says, its categories, and where its end tag stands (`end`, in bytes).

    prefix: that of its elements, with the colon.
    """

    told: Told
    categories: frozenset[Category]
    end: int
    prefix: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as read; `encoding` is the Python codec of its bytes."""

    vocabulary: Vocabulary
    entries: tuple[Entry, ...]
    encoding: str


def read_feed(content: bytes) -> Page:
    """Read a feed: an article for each item with text, whose `id` is its guid, Atom id or link.

    Raises:
        UnreadablePageError: it is no XML, has a document type, is nested too deep, or is neither RSS 2.0 nor Atom 1.0.
    """
    return Page("feed", tuple(document_of(entry.told, "article") for entry in scan(content).entries))


def scan(content: bytes) -> Feed:
    """Read a feed with the place of each item in `content`. Raises as `read_feed` does."""
    # Many feeds name their encoding `utf8`, which expat does not know.
    return _Scanner("utf-8" if declared(content) == "utf-8" else None).scanned(content)


@dataclass(slots=True)
class _Part:
    """An element below an item while it is read: its attributes, and its text, in which elements (XHTML) are markup."""

    attributes: dict[str, str]
    pieces: list[tuple[bool, str]] = field(default_factory=list)

    def text(self) -> str:
        holds_elements = any(markup for markup, _ in self.pieces)
        return "".join(piece if markup or not holds_elements else escape(piece, quote=False) for markup, piece in self.pieces)


class _Scanner:
    """What expat tells, in order. `_path` holds the names of the open elements, `_item` those of the open item's parts."""

    def __init__(self, encoding: str | None) -> None:
        self._parser = expat.ParserCreate(encoding, " ")
        self._parser.namespace_prefixes = True
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._data
        self._encoding = "utf-8"
        self._vocabulary: Vocabulary = "rss"
        self._namespace = ""
        self._path: list[str] = []
        self._item: dict[str, list[_Part]] | None = None
        self._part: _Part | None = None
        self._title = _Part({})
        self._entries: list[Entry] = []

    def scanned(self, content: bytes) -> Feed:
        try:
            self._parser.Parse(content, True)
        except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: an encoding that Python lacks
            raise UnreadablePageError(f"The feed is not well-formed XML: {error}.") from error
        source = one_line(self._title.text())
        entries = tuple(
            entry if entry.told.source else replace(entry, told=replace(entry.told, source=source)) for entry in self._entries
        )
        return Feed(self._vocabulary, entries, _codec(content) or self._encoding)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._encoding = encoding or "utf-8"

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path:
            self._begin(name)
        local = self._local(name)
        self._path.append(local)
        if len(self._path) > _DEEPEST:
            raise UnreadablePageError(f"The feed is nested deeper than {_DEEPEST} elements: send plain RSS 2.0 or Atom 1.0.")
        above = len(self._path) - _LEVEL[self._vocabulary]
        if above == 0 and local == _ITEM[self._vocabulary]:
            self._item = {}
        elif above == 0 and local == "title" and not self._title.pieces:
            self._part = self._title
        elif above == 1 and self._item is not None:
            self._part = _Part(attributes)
            self._item.setdefault(local, []).append(self._part)
        elif self._part is not None:
            self._part.pieces.append((True, f"<{_bare(name)}>"))

    def _begin(self, root: str) -> None:
        self._namespace = root.split(" ", 1)[0] if " " in root else ""
        if _bare(root) == "rss":
            self._vocabulary = "rss"
        elif root.startswith(f"{_ATOM} feed"):
            self._vocabulary = "atom"
        else:
            raise UnreadablePageError(f"The feed is a `{_bare(root)[:40]}`: send an RSS 2.0 `rss` or an Atom 1.0 `feed`.")

    def _local(self, name: str) -> str:
        """Return a name without the feed's own namespace, and another namespace without its prefix."""
        namespace, _, local = name.rpartition(" ") if name.count(" ") == 1 else ("", "", name)
        if name.count(" ") == 2:
            namespace, local, _ = name.split(" ")
        return local if namespace == self._namespace else f"{namespace} {local}"

    def _end(self, name: str) -> None:
        above = len(self._path) - _LEVEL[self._vocabulary]
        self._path.pop()
        if above <= 1:
            self._part = None
        elif self._part is not None:
            self._part.pieces.append((True, f"</{_bare(name)}>"))
        if above == 0 and self._item is not None:
            self._add(self._item, name)
            self._item = None

    def _add(self, item: dict[str, list[_Part]], name: str) -> None:
        told = _told(item, self._vocabulary)
        if told.has_text:
            prefix = f"{name.split(' ')[2]}:" if name.count(" ") == 2 else ""
            categories = frozenset(_category(part) for part in item.get("category", ()))
            self._entries.append(Entry(told, categories, self._parser.CurrentByteIndex, prefix))

    def _data(self, text: str) -> None:
        if self._part is not None:
            self._part.pieces.append((False, text))


def _refuse_doctype(*_: object) -> None:
    raise UnreadablePageError(
        "The feed has a document type (<!DOCTYPE>), which could hold entities without end: send it without."
    )


def _bare(name: str) -> str:
    """Return the local name of `name`, `namespace name` or `namespace name prefix`."""
    return name.split(" ")[1] if " " in name else name


def _told(item: dict[str, list[_Part]], vocabulary: Vocabulary) -> Told:
    def said(names: tuple[str, ...]) -> str:
        texts = (_said(part) for name in names for part in item.get(name, ()))
        return next((text for text in texts if text.strip()), "")

    return Told(
        title=one_line(said(("title",))),
        lead=plain(said(_LEAD[vocabulary])),
        body=plain(said(_BODY[vocabulary])),
        source=one_line(said(("source",))) if vocabulary == "rss" else "",
        published=said(_DATE[vocabulary]).strip(),
        id=said(_ID[vocabulary]).strip() or None,
    )


def _said(part: _Part) -> str:
    """Return the text of a part, or where an Atom link leads; an Atom `content` may also be a picture in base64."""
    kind = part.attributes.get("type", "text")
    if "/" in kind and not kind.startswith("text/") and not kind.endswith(("html", "xml")):
        return ""
    return part.text() or part.attributes.get("href", "")


def _category(part: _Part) -> Category:
    """Return a category of RSS (its text is the term) or of Atom."""
    attributes = part.attributes
    scheme = attributes.get("domain", attributes.get("scheme", ""))
    return Category(scheme, attributes.get("term", part.text().strip()), attributes.get("label", ""))


def _codec(content: bytes) -> str | None:
    """Return UTF-16 by what it begins with: its declaration does not say in which order the bytes stand."""
    if content.startswith((BOM_UTF16_LE, b"<\x00")):
        return "utf-16-le"
    return "utf-16-be" if content.startswith((BOM_UTF16_BE, b"\x00<")) else None

"""HTML source -> a tree without anything that makes a tree dangerous, and trees or snippets -> lines of text.

Knows HTML, not articles. libxml2 reads the source; the tree is built here, so that depth, elements and attributes have
bounds: its own takes 8 s for 100,000 attributes on one element, and drops whatever is deeper than 256.
"""

import re
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DEEPEST = 100
# Real pages have 100 bytes and more an element; the extractor takes up to 50 microseconds for each.
_MOST_ELEMENTS = 15_000
_LEAST_ELEMENTS = 300
_DENSEST = 60
_LONGEST_VALUE = 2000

_BLOCKS = frozenset(
    """address article aside blockquote body br caption dd details dialog div dl dt fieldset figcaption figure footer form h1 h2
    h3 h4 h5 h6 head header hgroup hr html li main nav ol option p pre section summary table tbody td tfoot th thead time title
    tr ul""".split()
)
_INLINE = frozenset(
    """a abbr b base bdi bdo big button center cite code data del dfn em font i img input ins kbd label legend link mark meta
    picture q s samp small source span strike strong sub sup tt u var video wbr""".split()
)
# What is inside is not text for a reader.
_UNSEEN = frozenset(
    "applet audio canvas datalist iframe map math noembed noframes noscript object script select style "
    "svg template textarea".split()
)
_ATTRIBUTES = frozenset(
    """aria-hidden class content data-component data-testid datetime hidden href id itemprop itemtype lang name property rel
    role style type""".split()
)
# Where a line breaks: in HTML a newline is but a space.
_BREAK = "\u2029"
# No tree may hold control characters and surrogates; no reader sees soft hyphens, zero-width and direction marks.
_READABLE: dict[int, str | None] = dict.fromkeys(
    (*range(9), 11, 12, *range(14, 32), 127, *range(0xD800, 0xE000), 65534, 65535), " "
)
_READABLE |= dict.fromkeys((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF))
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>")
_BREAKS = re.compile(r"<(?:p|br|div|li|h[1-6])[\s/>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Markup:
    """A page as read: its tree, the text of its JSON-LD scripts, and whether all of its elements are in the tree.

    A tree that is not whole holds all the text, and where lines break, but only the first elements.
    """

    tree: "HtmlElement"
    scripts: tuple[str, ...]
    whole: bool


def parse(source: str) -> Markup:
    """Read HTML of any quality. Nothing is fetched, no entity but HTML's own is known, no script's text is in the tree."""
    from lxml.html import HTMLParser  # noqa: PLC0415 - a service that never sees HTML need not hold its parser

    builder = _Builder(min(_MOST_ELEMENTS, _LEAST_ELEMENTS + len(source) // _DENSEST))
    parser = HTMLParser(target=builder, encoding="utf-8", no_network=True)
    parser.feed(f"<html>{source}".encode(errors="replace"))
    parser.close()
    return Markup(builder.tree(), tuple(builder.scripts), builder.whole)


class _Builder:
    """What the parser tells, in order. An element too many, too deep or unknown is not opened; its text stays."""

    def __init__(self, most: int) -> None:
        from lxml.etree import TreeBuilder  # noqa: PLC0415
        from lxml.html import HTMLParser  # noqa: PLC0415

        self._tree = TreeBuilder(parser=HTMLParser())
        self._left = most
        self._open: list[tuple[str, bool]] = []
        self._opened = 0
        self._unseen = 0
        self._script: list[str] | None = None
        self.scripts: list[str] = []
        self.whole = True
        self._begin("html", {})

    def start(self, tag: str, attributes: Any) -> None:
        if self._unseen or tag in _UNSEEN:
            self._unseen += 1
            if tag == "script" and "ld+json" in attributes.get("type", "").lower():
                self._script = []
            return
        if tag == "html":
            return
        opened = (tag in _BLOCKS or tag in _INLINE) and self._room()
        self._open.append((tag, opened))
        if opened:
            self._begin(tag, attributes)
        elif tag in _BLOCKS:
            self._tree.data(_BREAK)

    def _room(self) -> bool:
        if self._left and self._opened < _DEEPEST:
            return True
        self.whole = False
        return False

    def _begin(self, tag: str, attributes: Any) -> None:
        self._left -= 1
        self._opened += 1
        kept = {name: attributes[name] for name in _ATTRIBUTES.intersection(attributes)}
        self._tree.start(tag, {name: _readable(value[:_LONGEST_VALUE]) for name, value in kept.items()})

    def end(self, tag: str) -> None:
        if self._unseen:
            self._unseen -= 1
            if self._script is not None:
                self.scripts.append("".join(self._script))
                self._script = None
            return
        while self._open and self._open[-1][0] != tag and not self._open[-1][1]:
            self._open.pop()  # an element without an end, such as `embed`
        if self._open and self._open[-1][0] == tag:
            self._finish()

    def _finish(self) -> None:
        tag, opened = self._open.pop()
        if opened:
            self._tree.end(tag)
            self._opened -= 1
        elif tag in _BLOCKS:
            self._tree.data(_BREAK)

    def data(self, text: str) -> None:
        if self._script is not None:
            self._script.append(text)
        elif not self._unseen:
            self._tree.data(_readable(text))

    def comment(self, text: str) -> None:
        """Leave out comments."""

    def close(self) -> None:
        """Let the parser end without a word."""

    def tree(self) -> "HtmlElement":
        while self._open:
            self._finish()
        self._tree.end("html")
        return self._tree.close()


def _readable(text: str) -> str:
    return normalize("NFC", text.translate(_READABLE))


def lines(element: "HtmlElement") -> list[str]:
    """Return the text of an element as lines, broken where its blocks begin and end, each without needless spaces."""
    pieces: list[str] = []
    stack: list[Any] = [element]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        edge = _BREAK if item.tag in _BLOCKS else ""
        text = item.text or ""
        pieces += (edge, text.replace("\n", _BREAK) if item.tag == "pre" else text)
        stack.append(edge)
        for child in reversed(item):
            stack += (child.tail or "", child)
    return [line for piece in "".join(pieces).split(_BREAK) if (line := " ".join(piece.split()))]


def plain(text: str) -> str:
    """Return the lines of a snippet that may be text or HTML, even HTML written with entities; text keeps its own lines."""
    if not _TAG.search(text):
        text = _readable(unescape(text))
    if _TAG.search(text):
        broken = text if _BREAKS.search(text) else text.replace("\n", "<br>")
        text = "\n".join(lines(parse(broken).tree))
    return text


def one_line(text: str) -> str:
    """Return a snippet that may be text or HTML as one line: a title, a rubric, a name."""
    return " ".join(plain(text).split())

"""A page's tree -> its cards: headlines that link to other articles, told by structure alone, not by names of classes."""

from typing import TYPE_CHECKING

from tagger.extract.markup import lines
from tagger.extract.told import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SHORTEST_TITLE = 3


def take_cards(tree: "HtmlElement", title: str) -> list[Told]:
    """Return the cards of a page titled `title`, in reading order and each once, and take them out of the tree.

    A card is an `<article>` or an item of a list with one heading, which is a link to another page, and which stands outside
    the article of the page or, inside it, in an `<aside>` or an `<article>` of its own. Menus hold none.
    """
    main = _main_article(tree, title)
    found: dict[str, Told] = {}
    for element, heading, link in list(_candidates(tree)):
        card = _card(element, heading, link)
        if main is not None and (element is main or main in element.iterdescendants("article")):
            continue
        if card.title != title and len(card.title.split()) >= _SHORTEST_TITLE and _stands_apart(element, main):
            found.setdefault(card.title, card)
            element.drop_tree()
    return list(found.values())


def _main_article(tree: "HtmlElement", title: str) -> "HtmlElement | None":
    """Return the `<article>` that the page's title heads, else the one with the first `<h1>`."""
    headings = [heading for heading in tree.iter(*_HEADINGS) if _ancestor(heading, "article") is not None]
    titled = [heading for heading in headings if " ".join(lines(heading)) == title and _link(heading) is None]
    titled += [heading for heading in headings if heading.tag == "h1"]
    return _ancestor(titled[0], "article") if titled else None


def _candidates(tree: "HtmlElement") -> "Iterator[tuple[HtmlElement, HtmlElement, str]]":
    """Yield what may be a card, its heading and its link: the headings of one and the same element cancel each other."""
    owners: dict[HtmlElement, list[HtmlElement]] = {}
    for heading in tree.iter(*_HEADINGS):
        element = _ancestor(heading, "article", "li")
        if element is not None:
            owners.setdefault(element, []).append(heading)
    for element, headings in owners.items():
        link = _link(headings[0])
        if len(headings) == 1 and link is not None and "#" not in link:
            yield element, headings[0], link


def _card(element: "HtmlElement", heading: "HtmlElement", link: str) -> Told:
    paragraphs = [line for paragraph in element.iter("p") for line in lines(paragraph)]
    dates = [" ".join(lines(time)) or time.get("datetime", "") for time in element.iter("time")]
    return Told(" ".join(lines(heading)), lead="\n".join(paragraphs), published=dates[0] if dates else "", id=link)


def _link(heading: "HtmlElement") -> str | None:
    """Return where a heading leads: the link around it, else the first one in it."""
    around = _ancestor(heading, "a")
    anchors = [around] if around is not None else heading.iter("a")
    return next((anchor.get("href") for anchor in anchors if anchor.get("href")), None)


def _stands_apart(element: "HtmlElement", main: "HtmlElement | None") -> bool:
    """Whether an element is in no menu, and outside the main article or set apart inside it."""
    apart = str(element.tag) == "article"
    for ancestor in element.iterancestors():
        if ancestor is main:
            return apart
        if ancestor.tag == "nav":
            return False
        apart = apart or str(ancestor.tag) in {"aside", "article"}
    return True


def _ancestor(element: "HtmlElement", *tags: str) -> "HtmlElement | None":
    return next(element.iterancestors(*tags), None)

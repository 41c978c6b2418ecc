"""HTML of a news page -> `Page`: its article, the posts of its live blog, the cards around it.

What the page says of itself in JSON-LD comes first, then what trafilatura takes for the article, then all that can be read.
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from trafilatura import bare_extraction
from trafilatura.utils import line_processing, trim

from tagger.documents import Page
from tagger.errors import UnreadablePageError
from tagger.extract.article import body_lines, mark
from tagger.extract.cards import take_cards
from tagger.extract.charset import decoded
from tagger.extract.lines import split_lines
from tagger.extract.markup import Markup, lines, one_line, parse
from tagger.extract.schema_org import read_story
from tagger.extract.told import Told, document_of, in_paragraphs

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# A shorter `articleBody` may be a summary, or what a paywall leaves of an article.
_WHOLE_BODY = 400

# Otherwise Python prints what trafilatura logs (`empty HTML tree`) where no log is set up.
logging.getLogger("trafilatura").addHandler(logging.NullHandler())


def read_html(content: bytes, charset: str | None = None) -> Page:
    """Read an HTML page; `charset` is what HTTP says. Nothing is fetched, and no script of the page is run.

    Offsets count in the parts of each document as they are answered. Cards and posts have their link as `id`.

    Raises:
        UnreadablePageError: there is no text in it that a reader would see, or it is not text.
    """
    source = decoded(content, charset)
    if source.count("\x00") * 10 > len(source):
        raise UnreadablePageError("The page is not text: it is full of NUL characters. Is it UTF-16? Name its charset.")
    markup = parse(source.replace("\x00", " "))
    said, posts = _said(markup)
    cards = take_cards(markup.tree, said.title) if markup.whole else []
    article = document_of(said if posts else _with_body(said, markup), "article")
    documents = [article] if article.lead or article.body or posts else []
    documents += [document_of(post, "live_post") for post in posts if post.has_text]
    documents += [document_of(card, "related") for card in cards if card.title not in {post.title for post in posts}]
    if not documents and not lines(_body(markup.tree)):
        raise UnreadablePageError("The page has no text: send the HTML that a browser shows, after its scripts have run.")
    return Page("live_blog" if posts else "html", tuple(documents))


def _said(markup: Markup) -> tuple[Told, tuple[Told, ...]]:
    """Return what a page says of its article, in JSON-LD and else in its head, and the posts of its live blog."""
    title = _title(markup.tree)
    article, posts = read_story(markup.scripts, title) or (Told(), ())
    return replace(
        article,
        id=None,
        title=article.title or title,
        source=article.source or _meta(markup.tree, "og:site_name"),
        published=article.published or _meta(markup.tree, "article:published_time"),
    ), posts


def _with_body(said: Told, markup: Markup) -> Told:
    if len(said.body) >= _WHOLE_BODY:
        return said
    return replace(said, body=max(said.body, _article_text(markup, said.title), key=len))


def _title(tree: "HtmlElement") -> str:
    """Return the title of the article: its `<h1>`, else what the page gives to social networks, else any `<h1>` or title."""
    heads = [" ".join(lines(heading)) for heading in tree.iter("h1")]
    inside = [
        " ".join(lines(heading))
        for heading in tree.iter("h1")
        if next(heading.iterancestors("article", "main"), None) is not None
    ]
    named = [" ".join(lines(element)) for element in tree.iter("title")]
    return one_line(next((text for text in (*inside[:1], _meta(tree, "og:title"), *heads, *named) if text.strip()), ""))


def _meta(tree: "HtmlElement", name: str) -> str:
    """Return what the head of a page says of it to social networks, or an empty string."""
    said = (meta.get("content", "") for meta in tree.iter("meta") if meta.get("property", meta.get("name")) == name)
    return one_line(next(said, ""))


def _article_text(markup: Markup, title: str) -> str:
    """Return the running text of the article, a line a paragraph, without copies of the title and labels that trail."""
    text = _extracted(markup.tree) if markup.whole else ""
    marked = mark(split_lines(in_paragraphs(text or "\n".join(lines(_body(markup.tree))))))
    return "\n".join(line.raw for line in body_lines(marked, title))


def _extracted(tree: "HtmlElement") -> str:
    """Return what trafilatura takes for the article.

    Its fast mode, for the slow one reads a page three times, with other extractors. Nothing of a page may stay in the process:
    `deduplicate` would drop what another request has said, and two caches keep a thousand texts of any length (they held 320 MB
    after 60 pages of 1 MB).
    """
    try:
        found = bare_extraction(tree, fast=True, include_comments=False, deduplicate=False, with_metadata=False)
    except Exception:  # whatever it stumbles on in other people's markup, the page can still be read as it is
        return ""
    finally:
        line_processing.cache_clear()
        trim.cache_clear()
    return getattr(found, "text", None) or ""


def _body(tree: "HtmlElement") -> "HtmlElement":
    body = tree.find("body")
    return tree if body is None else body

"""The JSON-LD scripts of a page -> the article or live blog that they describe. Knows schema.org, not the page."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tagger.extract.markup import one_line, plain
from tagger.extract.told import Told

_LIVE = "LiveBlogPosting"
_TYPES = frozenset(
    f"""{_LIVE} BlogPosting SocialMediaPosting Article NewsArticle AnalysisNewsArticle AskPublicNewsArticle Report
    BackgroundNewsArticle OpinionNewsArticle ReportageNewsArticle ReviewNewsArticle ScholarlyArticle TechArticle""".split()
)
_HOLDERS = ("@graph", "mainEntity", "mainEntityOfPage")


def read_story(scripts: Iterable[str], title: str) -> tuple[Told, tuple[Told, ...]] | None:
    """Return the article of a page titled `title` and the posts of its live blog, or None: no script tells of an article.

    Of several articles it is the one with that title, else a live blog, else one with text.

    A script that is broken, or nested too deep to be read, is passed over.
    """
    nodes = [node for script in scripts for node in _nodes(_loaded(script))]
    if not nodes:
        return None
    node = max(
        nodes, key=lambda node: (_said(node, "headline") == title, _LIVE in _types(node), bool(_said(node, "articleBody")))
    )
    updates = _listed(node.get("liveBlogUpdate")) if _LIVE in _types(node) else []
    return (_told(node), tuple(_told(update) for update in updates if isinstance(update, dict)))


def _loaded(script: str) -> Any:
    """Return what a script holds. Raw newlines in strings are allowed: sites write them."""
    try:
        return json.loads(script.strip().removeprefix("<!--").removesuffix("-->"), strict=False)
    except (ValueError, RecursionError):
        return None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the articles in a script, in its order: at the top, in an array, in `@graph`, or as what a page is about."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += reversed(item)
        elif isinstance(item, dict):
            if _TYPES & _types(item):
                yield item
            waiting += [item[holder] for holder in reversed(_HOLDERS) if holder in item]


def _types(node: dict[str, Any]) -> set[str]:
    """Return the types of a node by their short names: `schema:NewsArticle` and `http://schema.org/NewsArticle` are one."""
    names = [name for name in _listed(node.get("@type")) if isinstance(name, str)]
    return {name.replace(":", "/").replace("#", "/").rsplit("/", 1)[-1] for name in names}


def _told(node: dict[str, Any]) -> Told:
    return Told(
        title=one_line(_said(node, "headline", "name", "alternativeHeadline")),
        lead=plain(_said(node, "description", "abstract")),
        body=plain(_said(node, "articleBody", "text")),
        rubric=one_line(_said(node, "articleSection")),
        source=one_line(_said(node, "publisher", "sourceOrganization")),
        published=one_line(_said(node, "datePublished", "dateCreated", "dateModified")),
        id=one_line(_said(node, "@id", "url")) or None,
    )


def _said(node: dict[str, Any], *names: str) -> str:
    """Return the first of these properties that says something."""
    return next((text for name in names if (text := _text(node.get(name)))), "")


def _text(value: Any) -> str:
    """Return a value as text: a string, the first of several, or what an object is called."""
    for item in _listed(value):
        called = item.get("@value", item.get("name")) if isinstance(item, dict) else item
        if isinstance(called, str) and called.strip():
            return called
    return ""


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

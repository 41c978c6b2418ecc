"""A feed and what was decided on its items -> the same bytes with a category for each tag in each item."""

from collections.abc import Iterator, Sequence
from html import escape

from tagger.extract.feeds import Category, Entry, Vocabulary, scan
from tagger.tags import Tag, TaggedDocument


def feed_with_categories(content: bytes, tagged: Sequence[TaggedDocument]) -> bytes:
    """Return the feed that was sent with a category for each tag, before the end of its item; all else is the same bytes.

    tagged: the documents of `read_feed(content)`, in its order. A category that an item already has is not written again.

    Raises:
        UnreadablePageError: as `read_feed` does.
    """
    feed = scan(content)
    pieces: list[bytes] = []
    position = 0
    for entry, document in zip(feed.entries, tagged, strict=True):
        pieces.append(content[position : entry.end])
        pieces += [
            written.encode(feed.encoding, "xmlcharrefreplace") for written in _written(entry, document.tags, feed.vocabulary)
        ]
        position = entry.end
    return b"".join([*pieces, content[position:]])


def _written(entry: Entry, tags: Sequence[Tag], vocabulary: Vocabulary) -> Iterator[str]:
    for tag in tags:
        category = _rss(tag) if vocabulary == "rss" else _atom(tag)
        if category not in entry.categories:
            yield _element(category, entry.prefix, vocabulary)


def _rss(tag: Tag) -> Category:
    """The label, in the domain of the topic's first URI."""
    return Category("".join(tag.topic.uris[:1]), tag.topic.label)


def _atom(tag: Tag) -> Category:
    """The code in the vocabulary of the topic's first URI (its scheme), or the topic's own id."""
    scheme, slash, code = "".join(tag.topic.uris[:1]).rpartition("/")
    return Category(scheme + slash, code or tag.topic.id, tag.topic.label)


def _element(category: Category, prefix: str, vocabulary: Vocabulary) -> str:
    if vocabulary == "rss":
        domain = f' domain="{escape(category.scheme)}"' if category.scheme else ""
        return f"<{prefix}category{domain}>{escape(category.term)}</{prefix}category>"
    scheme = f' scheme="{escape(category.scheme)}"' if category.scheme else ""
    return f'<{prefix}category term="{escape(category.term)}"{scheme} label="{escape(category.label)}"/>'

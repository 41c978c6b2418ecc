"""Feeds into pages and back with categories: golden feeds through the shipped release, bad and hostile input, any bytes."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.answers.feeds import feed_with_categories
from tagger.documents import Document, joined
from tagger.errors import UnreadablePageError
from tagger.extract.feeds import read_feed
from tagger.registry import Release
from tagger.tags import Tag, TaggedDocument, tag_page
from tagger.taxonomy import Topic
from tests.conftest import ROOT

FORMATS = ROOT / "tests/formats"
FEEDS = [FORMATS / "fanal.rss", FORMATS / "gazette.atom"]
ATOM = "{http://www.w3.org/2005/Atom}"
OURS = Topic("ponts", {"fr": "Ponts & bacs « d'ici »"}, "")
PIECES = [
    "<rss>",
    "<channel>",
    "<item>",
    "</item>",
    "</channel>",
    "</rss>",
    "<title>Un pont</title>",
    "<description><![CDATA[<p>",
]
PIECES += [
    "]]></description>",
    "<feed xmlns='http://www.w3.org/2005/Atom'>",
    "<entry>",
    "</entry>",
    "</feed>",
    "<a:b xmlns:a='c'>",
]
PIECES += [
    "<category/>",
    "<!DOCTYPE a>",
    "<?xml version='1.0' encoding='utf-16'?>",
    "&#1;",
    "&eacute;",
    "<content type='xhtml'>",
]


def rss(items: str, declaration: str = "") -> bytes:
    return f"{declaration}<rss><channel><title>Le Fanal</title>{items}</channel></rss>".encode()


def tagged(content: bytes, *topics: Topic) -> list[TaggedDocument]:
    """What a release that gives these topics to everything would decide."""
    tags = tuple(Tag(topic, 0.9, ()) for topic in topics)
    return [TaggedDocument(document, tags, None) for document in read_feed(content).documents]


def parts(document: Document) -> tuple[str, ...]:
    return tuple(joined(text) for text in (document.title, document.lead, document.body))


def test_rss_items_are_articles() -> None:
    ukraine, fair = read_feed(FEEDS[0].read_bytes()).documents

    assert ("article", "fanal-1", "Le Fanal de Varsanne & du Ruel") == (ukraine.kind, ukraine.id, ukraine.source)
    assert ("Sat, 03 May 2025 07:12:00 +0200", "07:12") == (ukraine.published, ukraine.time)
    assert (
        "Ukraine : Kharkiv visée par des drones russes",
        "Trois immeubles ont été touchés, selon l'armée ukrainienne.",
        "Les sirènes ont retenti peu après minuit à Kharkiv.\nL'armée russe n'a rien dit de cette attaque en Ukraine.",
    ) == parts(ukraine)
    assert ("https://fanal.example/local/foire", "18:30") == (fair.id, fair.time)
    assert ("", "La foire aux plants revient à Varsanne ce week-end, avec une trentaine de pépiniéristes.") == parts(fair)[1:]


def test_atom_entries_are_articles() -> None:
    moldova, station = read_feed(FEEDS[1].read_bytes()).documents

    assert ("urn:gazette:7", "La Gazette du Ruel", "22:15") == (moldova.id, moldova.source, moldova.time)
    assert (
        "Moldavie : les élections législatives dans l’impasse",
        "Le parti de la présidente est en tête, mais sans majorité.",
        "À Chisinau, le dépouillement des élections moldaves a duré jusqu’au cœur de la nuit.\n"
        "L’opposition prorusse obtient moins de 30 % des voix & conteste.",
    ) == parts(moldova)
    assert ("https://gazette.example/8", ("Un orchestre pour la gare", "", "")) == (station.id, parts(station))


@pytest.mark.release
@pytest.mark.parametrize(
    ("path", "topics"), [(FEEDS[0], [["ukraine-war"], []]), (FEEDS[1], [["moldova-elections"], []])], ids=["rss", "atom"]
)
def test_the_shipped_release_gives_each_item_its_topics(path: Path, topics: list[list[str]], shipped: Release) -> None:
    """And the feed that goes back has them as categories, once however often it is sent, and not a byte less."""
    content = path.read_bytes()
    documents = tag_page(read_feed(content), shipped.model, shipped.taxonomy, shipped.policy)

    answer = feed_with_categories(content, documents)

    assert topics == [[tag.topic.id for tag in document.tags] for document in documents]
    assert read_feed(content) == read_feed(answer)
    assert answer == feed_with_categories(answer, documents)
    assert content == b"".join(line for line in _without_ours(answer))


def _without_ours(answer: bytes) -> Iterator[bytes]:
    """Yield a feed without what stands between our category and the end of an item."""
    for line in answer.splitlines(keepends=True):
        start, end = line.find(b'<category domain="http://cv.iptc'), max(line.find(b"</item>"), line.find(b"</a:entry>"))
        start = max(start, line.find(b"<a:category"))
        yield line if start < 0 else line[:start] + line[end:]


def test_a_category_of_rss_has_the_uri_of_its_topic_as_domain(shipped: Release) -> None:
    content = rss("<item><title>Un pont</title></item><item><title>Un bac</title><category>Ville</category></item>")

    answer = feed_with_categories(content, tagged(content, shipped.taxonomy.topics[0], OURS))

    items = [item.findall("category") for item in ElementTree.fromstring(answer).iter("item")]  # noqa: S314
    ours = [("http://cv.iptc.org/newscodes/mediatopic/20000062", "Guerre en Ukraine"), (None, "Ponts & bacs « d'ici »")]
    assert [ours, [(None, "Ville"), *ours]] == [[(c.get("domain"), c.text) for c in item] for item in items]


def test_a_category_of_atom_has_scheme_term_and_label(shipped: Release) -> None:
    content = FEEDS[1].read_bytes()

    answer = feed_with_categories(content, tagged(content, shipped.taxonomy.topics[0], OURS))

    entry = ElementTree.fromstring(answer).findall(f"{ATOM}entry")[1]  # noqa: S314
    assert [
        {"term": "20000062", "scheme": "http://cv.iptc.org/newscodes/mediatopic/", "label": "Guerre en Ukraine"},
        {"term": "ponts", "label": "Ponts & bacs « d'ici »"},
    ] == [category.attrib for category in entry.findall(f"{ATOM}category")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252", "iso-8859-1", "utf-16", "utf-16-be"])
def test_a_feed_goes_back_in_its_encoding(encoding: str) -> None:
    declared = {"utf-8-sig": "utf-8", "utf-16-be": "utf-16"}.get(encoding, encoding)
    text = rss("<item><title>Un été à Varsanne</title></item>", f'<?xml version="1.0" encoding="{declared}"?>').decode()
    content = text.encode(encoding)

    answer = feed_with_categories(content, tagged(content, Topic("mer", {"fr": "Œuvre"}, "")))

    label = "&#338;uvre" if encoding == "iso-8859-1" else "Œuvre"
    assert text.replace("</item>", f"<category>{label}</category></item>") == answer.decode(encoding)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not well-formed XML: no element found"),
        (b"Le pont rouvre", "not well-formed XML"),
        (b"<html><body>", "The feed is a `html`"),
        (b"<feed><entry/></feed>", "The feed is a `feed`"),
        (b'<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss>&b;</rss>', "document type"),
        (b'<!DOCTYPE rss SYSTEM "http://fanal.example/rss.dtd"><rss/>', "document type"),
        (rss("<item><title>Un&nbsp;pont</title></item>"), "undefined entity"),
        (rss("<a>" * 100_000), "deeper than 100"),
        (rss("", '<?xml version="1.0" encoding="no-such"?>'), "not well-formed XML: unknown encoding"),
        (rss("", '<?xml version="1.0" encoding="punycode"?>'), "not well-formed XML"),
        (rss("<item><title>é</title></item>").replace(b"\xc3", b""), "not well-formed XML"),
    ],
)
def test_what_is_no_feed_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadablePageError, match=sentence):
        read_feed(content)


def test_a_feed_without_text_has_no_documents() -> None:
    assert read_feed(rss("<item/><item><title> </title><link>a</link></item>")).documents == ()


@given(
    st.one_of(
        st.binary(max_size=100), st.lists(st.sampled_from(PIECES), max_size=20).map(lambda pieces: "".join(pieces).encode())
    )
)
def test_any_bytes_are_read_or_refused_with_a_reason(content: bytes) -> None:
    try:
        documents = tagged(content, OURS)
    except UnreadablePageError:
        return
    assert read_feed(feed_with_categories(content, documents)) == read_feed(content)

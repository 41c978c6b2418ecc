"""HTML into pages: golden pages through the shipped release, where words are found, bad and hostile input, any bytes."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.documents import Document, Page, joined
from tagger.errors import TaggerError, UnreadablePageError
from tagger.extract.charset import decoded
from tagger.extract.html import read_html
from tagger.registry import Release
from tagger.tags import tag_page
from tests.conftest import ROOT

FORMATS = ROOT / "tests/formats"
PROSE = "Le pont de Varsanne a rouvert lundi matin à la circulation, après trois ans de travaux sur les deux voies. "
PIECES = [
    *(
        "<div>",
        "</div>",
        "<p>",
        "</p>",
        "<article>",
        "</article>",
        "<ul><li>",
        "</ul>",
        "<table><tr><td>",
        "<h1>",
        "<h3><a href=/a>",
    ),
    *("<a href=", "<p class='", "<!--", "-->", "<![CDATA[", "]]>", "<svg>", "<embed>", "<template>", "<x-y:z ", "<title>"),
    *("<?xml version='1.0' encoding='utf-16'?>", "<!DOCTYPE html [<!ENTITY a 'b'>]>", "<meta charset=utf-16>"),
    *("&eacute;", "&a;", "&#1;", "&#xd800;", "&#0;", "\x00", "\x0b", "\u2029", "Lire aussi : ", PROSE),
    *('<script type="application/ld+json">', "</script>", '{"@type": "NewsArticle", "headline": "', '"articleBody": "\\ud800'),
    *('{"@type": ["LiveBlogPosting"], "liveBlogUpdate": [{"headline": "Un deux', '"}', '"}, 3, null]}', "[[[{}"),
]
MARKUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=30).map("".join)
CHARSETS = [None, "utf-8", "utf-16", "windows-1252", "", "\x00", "idna"]


def page_of(body: str, head: str = "") -> Page:
    return read_html(f"<!doctype html><html><head>{head}</head><body>{body}</body></html>".encode())


def ld(record: Any) -> str:
    return f'<script type="application/ld+json">{json.dumps(record)}</script>'


def text_of(document: Document) -> str:
    return "\n".join(joined(text) for _, text in document.fields())


@pytest.mark.release
@pytest.mark.parametrize("path", sorted(FORMATS.glob("*.html")), ids=lambda path: path.stem)
def test_golden_page(path: Path, shipped: Release) -> None:
    """Every document is found with what the page says of it, gets its topics, and holds no furniture."""
    golden: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    page = read_html(path.read_bytes())

    assert golden["layout"] == page.layout
    keys = ("kind", "id", "source", "published", "time")
    assert [[d[key] for key in keys] for d in golden["documents"]] == [
        [getattr(d, key) for key in keys] for d in page.documents
    ]
    for wanted, tagged in zip(
        golden["documents"], tag_page(page, shipped.model, shipped.taxonomy, shipped.policy), strict=True
    ):
        document = tagged.document
        assert (wanted["title"], wanted["rubric"]) == (joined(document.title), joined(document.rubric))
        assert wanted["topics"] == [tag.topic.id for tag in tagged.tags]
        assert [] == [snippet for snippet in wanted["contains"] if snippet not in text_of(document)]
        assert [] == [furniture for furniture in golden["never"] if furniture in text_of(document)]


@pytest.mark.release
def test_evidence_stands_where_it_says_in_the_answered_part(shipped: Release) -> None:
    page = read_html((FORMATS / "news-article.html").read_bytes())
    pieces = [
        (joined(dict(tagged.document.fields())[piece.field])[piece.start : piece.end], piece.text)
        for tagged in tag_page(page, shipped.model, shipped.taxonomy, shipped.policy)
        for tag in tagged.tags
        for piece in tag.evidence
    ]

    assert len(pieces) >= 8
    assert all(found == told for found, told in pieces)


def test_an_article_stands_in_a_graph_beside_other_things() -> None:
    page = page_of("", ld({"@graph": [{"@type": "Organization"}, {"@type": "schema:NewsArticle", "articleBody": PROSE}]}))

    assert [PROSE.strip()] == [joined(document.body) for document in page.documents]


def test_of_several_articles_the_one_with_the_title_of_the_page_is_read() -> None:
    nodes = [{"@type": "NewsArticle", "headline": title, "articleBody": PROSE} for title in ("Un bac", "Un pont", "Un gué")]

    page = page_of("<h1>Un pont</h1>", ld(nodes))

    assert ["Un pont"] == [joined(document.title) for document in page.documents]


def test_a_long_text_on_the_page_wins_over_a_summary_in_json_ld() -> None:
    paragraphs = "".join(f"<p>{PROSE} Épisode {number}.</p>" for number in range(5))

    page = page_of(f"<article><h1>Le pont</h1>{paragraphs}</article>", ld({"@type": "NewsArticle", "articleBody": "Le pont."}))

    assert 5 == len(page.documents[0].body)


def test_a_lead_is_told_once() -> None:
    """Taken out of a body that begins with it; dropped if it is but the beginning cut short."""
    body = f"{PROSE}\n{PROSE}Fin."
    whole, cut = (
        page_of("", ld({"@type": "Article", "headline": "Le pont", "description": lead, "articleBody": body})).documents[0]
        for lead in (PROSE, PROSE[:60] + "…")
    )

    assert (PROSE.strip(), 1) == (joined(whole.lead), len(whole.body))
    assert ("", 2) == (joined(cut.lead), len(cut.body))


@pytest.mark.parametrize(
    ("markup", "titles"),
    [
        ("<ul><li><h3><a href='/a'>Le bac ne passe plus</a></h3></li></ul>", ["Le bac ne passe plus"]),
        ("<article><a href='/a'><h2>Le bac ne passe plus</h2></a></article>", ["Le bac ne passe plus"]),
        ("<nav><ul><li><h3><a href='/a'>Le bac ne passe plus</a></h3></li></ul></nav>", []),
        ("<ul><li><h3>Le bac ne passe plus</h3></li></ul>", []),
        ("<ul><li><h3><a href='#bac'>Le bac ne passe plus</a></h3></li></ul>", []),
        ("<ul><li><h3><a href='/a'>La une</a></h3></li></ul>", []),
        ("<div><h3><a href='/a'>Le bac ne passe plus</a></h3></div>", []),
        ("<ul><li><h3><a href='/a'>Un deux trois</a></h3><h3><a href='/b'>Quatre cinq six</a></h3></li></ul>", []),
    ],
)
def test_a_card_is_an_item_with_one_heading_that_leads_elsewhere(markup: str, titles: list[str]) -> None:
    page = page_of(f"<article><h1>Le pont de Varsanne</h1><p>{PROSE}</p><p>{PROSE}Fin.</p></article>{markup}")

    assert titles == [joined(document.title) for document in page.documents if document.kind == "related"]
    assert ["article"] == [document.kind for document in page.documents if document.kind != "related"]


def test_links_in_the_list_of_an_article_are_no_cards() -> None:
    items = "<ul><li><h3><a href='/a'>Le bac ne passe plus</a></h3></li></ul>"

    page = page_of(f"<article><h1>Le pont de Varsanne</h1><p>{PROSE}</p>{items}</article>")

    assert ["article"] == [document.kind for document in page.documents]


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("<p>Un été à l'œil".encode(), None),
        ("<p>Un été à l'œil".encode("windows-1252"), None),
        ("<p>Un été à l'œil".encode("windows-1252"), "iso-8859-1"),
        ("<p>Un été à l'œil".encode(), "ascii"),
        ("<p>Un été à l'œil".encode("utf-8-sig"), "windows-1252"),
        ("<p>Un été à l'œil".encode("utf-16"), "utf-8"),
        ("<p>Un été à l'œil".encode("utf-16-le"), "utf-16-le"),
        ("<meta charset=windows-1252><p>Un été à l'œil".encode("windows-1252"), None),
        ("<meta charset=utf-8><p>Un été à l'œil".encode("windows-1252"), "no-such-charset"),
        ("<meta charset='punycode'><p>Un été à l'œil".encode(), "base64"),
        ("<?xml version='1.0' encoding='iso-8859-15'?><p>Un été à l'œil".encode("iso-8859-15"), None),
    ],
)
def test_the_charset_is_found(content: bytes, charset: str | None) -> None:
    """By byte order mark, HTTP, the page itself; what is wrong or no encoding of text is passed over."""
    if charset == "ascii":
        assert "Un Ã©tÃ©" in decoded(content, charset)  # as browsers do: ASCII is windows-1252, and HTTP is believed
        return
    assert decoded(content, charset).endswith("<p>Un été à l'œil")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no text"),
        (
            b"<html><head><title>Le Fanal</title></head><body><div id=app></div><script>go()</script></body></html>",
            "has no text",
        ),
        (b"<p>\x00\x00\x00", "full of NUL"),
        ("<p>Le pont".encode("utf-32-le"), "full of NUL"),
        (b"</p></div>", "has no text"),
        (b"<svg><text>Le pont de Varsanne</text>", "has no text"),
    ],
)
def test_what_is_no_page_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadablePageError, match=sentence):
        read_html(content)


def test_a_page_of_furniture_has_no_documents() -> None:
    assert page_of("<p>Partager</p><p>© Le Fanal</p>").documents == ()


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000 + PROSE,
        "<b>" * 50_000 + PROSE + "</b>" * 50_000,
        "<p><a href=x>" * 20_000 + PROSE,
        f"<div {' '.join(f'a{number}=1' for number in range(100_000))}>{PROSE}",
        f'<div class="{"x" * 900_000}">{PROSE}',
        "<a href=/menu>menu</a> " * 40_000 + f"<p>{PROSE}</p>",
        "<p>x" * 200_000 + f"<p>{PROSE}</p>",
        "<script type=application/ld+json>" + '{"@graph":[' * 80_000 + f"</script><p>{PROSE}",
        "<script type=application/ld+json>" + "9" * 900_000 + f"</script><p>{PROSE}",
        "<script type=application/ld+json>" + ld([[[{"@type": "NewsArticle", "headline": {"@value": [3]}}]]]) + f"<p>{PROSE}",
        f"<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'><!ENTITY b '&a;&a;'>]><p>&b;{PROSE}",
        f"<embed src=x><p>{PROSE}",
        f"<p>\x01\x0b&#1;&#xd800;{PROSE}",
    ],
    ids=range(13),
)
def test_the_text_of_hostile_markup_is_read(markup: str) -> None:
    """However deep, wide or broken; no entity of the page's own is known, so none is fetched or multiplied."""
    found = "\n".join(text_of(document) for document in read_html(markup.encode()).documents)

    assert "Le pont de Varsanne a rouvert lundi matin" in found
    assert "root:" not in found


def test_a_page_is_read_alike_each_time_and_leaves_nothing_behind() -> None:
    """The extractor can keep the texts of other requests, to drop what they said or to save time."""
    pages = [f"<p>{f'mot{number} ' * 20_000}</p><p>{PROSE}</p>".encode() for number in range(20)]
    again = (FORMATS / "plain-article.html").read_bytes()
    first = read_html(again)
    tracemalloc.start()
    for page in pages:
        read_html(page)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 500_000
    assert all(first == read_html(again) for _ in range(6))


@given(st.one_of(st.binary(max_size=200), MARKUP.map(str.encode)), st.sampled_from(CHARSETS))
def test_any_bytes_are_read_or_refused_with_a_reason(content: bytes, charset: str | None) -> None:
    """Passages follow each other, a line each, in the string of their part."""
    try:
        page = read_html(content, charset)
    except TaggerError:
        return
    for document in page.documents:
        assert document.span is None
        f"{document.id}{document.source}{document.published}".encode()
        for _, text in document.fields():
            assert all(joined(text)[passage.start : passage.end] == passage.text for passage in text)
            joined(text).encode()


def test_who_reads_no_html_does_not_pay_for_it() -> None:
    """Neither the service nor the command line loads the parser or the extractor before the first page of HTML."""
    program = "import sys, tagger.app, tagger.commands.tag; print([m for m in ('lxml', 'trafilatura') if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"

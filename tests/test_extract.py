"""Pages into documents: golden pages of three layouts and of none, properties on any text, parts in JSON, bad input."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.documents import Document, Page, joined
from tagger.errors import InvalidDocumentError, UnreadablePageError
from tagger.extract.dates import clock_time, stamp_of, time_of
from tagger.extract.lines import Line, split_lines
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts, read_record
from tagger.text import normalize

PAGES = sorted((Path(__file__).parent / "pages").glob("*.txt"))
# Lines that pages are made of, so that random pages have headers, times and furniture in odd places.
PIECES = [
    "Le pont de Varsanne rouvre après trois ans de travaux",
    "Le Progrès2 hours ago",
    "time3 hours ago",
    "  • Le Progrès",
    "17H38",
    "9h05",
    "diplomatie",
    "CultureEn Ligne 2 semaines",
    "-",
    "Partager",
    "Image",
    "© Agence / Photographe",
    "Lire aussi : Un autre article",
    "Lire aussi : " * 30,
    "Publié le 3 mai 2025 à 17h04",
    "Les travaux ont duré trois ans, et la circulation a repris lundi matin sur les deux voies.",
    "« Nous n'y croyions plus », dit une riveraine. L'inauguration aura lieu samedi.",
    "",
    "   ",
    "\x00",
]
ANY_PAGE = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=20)), max_size=40).map("\n".join),
)


def line(text: str) -> Line:
    return Line(text, 0, gap=False)


def text_of(document: Document) -> str:
    return normalize(joined(document.title) + "\n" + joined(document.lead) + "\n" + joined(document.body))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_golden_page(path: Path) -> None:
    """Every document is found with what it says of itself and its text, and no furniture is in any."""
    text = path.read_bytes().decode()
    golden: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    page = read_page(text)

    assert golden["layout"] == page.layout
    assert [(d["kind"], normalize(d["title"])) for d in golden["documents"]] == [
        (d.kind, normalize(joined(d.title))) for d in page.documents
    ]
    for wanted, document in zip(golden["documents"], page.documents, strict=True):
        assert (normalize(wanted["rubric"]), wanted["source"]) == (normalize(joined(document.rubric)), document.source)
        if wanted["published"]:
            assert normalize(wanted["published"]) == normalize(document.published)
        if wanted["time"]:
            assert wanted["time"] == document.time
        for snippet in wanted["contains"]:
            assert normalize(snippet) in text_of(document)
        for furniture in golden["never"]:
            assert normalize(furniture) not in text_of(document)


def passages(page: Page) -> list[tuple[int, int, str]]:
    return [(p.start, p.end, p.text) for d in page.documents for _, text in d.fields() for p in text]


@given(ANY_PAGE)
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    """Passages are verbatim slices inside their document's span, and no two share a character."""
    try:
        page = read_page(text)
    except UnreadablePageError:
        return
    found = passages(page)
    assert all(text[start:end] == passage for start, end, passage in found)
    ordered = sorted((start, end) for start, end, _ in found)
    assert all(end <= start for (_, end), (start, _) in pairwise(ordered))
    for document in page.documents:
        assert document.span is not None
        assert all(document.span[0] <= p.start < p.end <= document.span[1] for _, text in document.fields() for p in text)


ANY_PARTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("title", "lead", "body", "rubric", "published", "time"), st.one_of(st.none(), ANY_PAGE)),
        "id": st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    },
)


@given(ANY_PARTS, st.lists(ANY_PARTS, max_size=2))
def test_any_parts_are_read_or_refused_with_a_reason(record: dict[str, Any], related: list[dict[str, Any]]) -> None:
    """Passages are verbatim slices of their own part."""
    try:
        page = read_parts({**record, "related": related})
    except InvalidDocumentError:
        return
    sent = [record, *related][len(related) + 1 - len(page.documents) :]
    for own, document in zip(sent, page.documents, strict=True):
        assert all(p.text and own[name][p.start : p.end] == p.text for name, text in document.fields() for p in text)


@given(
    st.one_of(
        ANY_PARTS, st.dictionaries(st.sampled_from(["title", "body", "related", "id", "kind"]), st.none() | st.integers())
    )
)
def test_any_record_is_read_or_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        document = read_record(json.dumps(record))
    except InvalidDocumentError:
        return
    assert all(record[name][p.start : p.end] == p.text for name, text in document.fields() for p in text)


@given(ANY_PAGE)
def test_lines_of_lines_are_the_same(text: str) -> None:
    lines = split_lines(text)

    assert all(text[line.start : line.end] == line.raw for line in lines)
    assert [line.raw for line in lines] == [line.raw for line in split_lines("\n".join(line.raw for line in lines))]


@given(ANY_PAGE)
def test_a_page_is_read_the_same_each_time(text: str) -> None:
    """What is found out about a line is kept with its page, not with the process."""
    try:
        page = read_page(text)
    except UnreadablePageError:
        return
    assert page == read_page(text)


@given(ANY_PAGE)
def test_line_ends_of_windows_change_nothing_but_offsets(text: str) -> None:
    plain = text.replace("\r", " ").replace("\x00", " ")
    if not plain.strip() or normalize(plain) == "":
        return
    try:
        unix, windows = read_page(plain), read_page(plain.replace("\n", "\r\n"))
    except UnreadablePageError:
        return
    assert [text_of(d) for d in unix.documents] == [text_of(d) for d in windows.documents]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The page is empty"),
        (" \n\u00a0\n", "The page is empty"),
        ("<!DOCTYPE html><html><p>Bonjour", "HTML or XML source"),
        ("<html>", "HTML or XML source"),
        ("B\x00o\x00n\x00j\x00", "full of NUL"),
    ],
)
def test_what_is_no_text_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(UnreadablePageError, match=sentence):
        read_page(text)


def test_a_page_of_furniture_has_no_documents() -> None:
    assert read_page("Partager\n\nTweet URL\n\n12\nCommentaires\n© AFP\nSe connecter").documents == ()


def test_a_lone_number_under_a_card_is_no_rubric() -> None:
    (card,) = read_page("Le pont rouvre\nLe pont rouvre\nLe Progrès2 hours ago\n1)").documents

    assert ("Le Progrès", ()) == (card.source, card.rubric)


def test_a_nul_between_words_is_a_space() -> None:
    assert "paix\x00durable" in joined(
        read_page("La paix\x00durable reste loin, dit le ministre aux journalistes.").documents[0].body
    )


@pytest.mark.parametrize(
    ("written", "time"),
    [("17H38", "17:38"), ("9h05", "09:05"), ("20 h 38", "20:38"), ("09:05", "09:05"), ("8h", "08:00"), ("17H38 TU", "17:38")],
)
def test_clock_times(written: str, time: str) -> None:
    assert time == clock_time(line(written))


@pytest.mark.parametrize("written", ["25H00", "12", "17h75", "17H38 : le ministre parle", "1938"])
def test_what_is_no_clock_time(written: str) -> None:
    assert clock_time(line(written)) is None


@pytest.mark.parametrize(
    ("written", "before", "published"),
    [
        ("Le Parisien5 days ago", "Le Parisien", "5 days ago"),
        ("time3 hours ago", "", "3 hours ago"),
        ("timea day ago", "", "a day ago"),
        ("L'Équipeil y a 3 heures", "L'Équipe", "il y a 3 heures"),
        ("20 Minutes3 hours ago", "20 Minutes", "3 hours ago"),
        ("France 242 hours ago", "France 24", "2 hours ago"),
        ("Le Figaro14-07-2025", "Le Figaro", "14-07-2025"),
        ("Le Monde · il y a 12 minutes", "Le Monde", "il y a 12 minutes"),
        ("SèteEn Ligne 1 semaine", "Sète", "1 semaine"),
        ("Le Progrès à l'instant", "Le Progrès", "à l'instant"),
        ("Le Progrès, il y a quelques secondes", "Le Progrès", "il y a quelques secondes"),
        ("Le Progrès depuis une minute", "Le Progrès", "depuis une minute"),
        ("Le Progrès3 mai 2025 à 7 h (heure de Paris)", "Le Progrès", "3 mai 2025 à 7 h (heure de Paris)"),
    ],
)
def test_source_and_age(written: str, before: str, published: str) -> None:
    stamp = stamp_of(line(written))

    assert stamp is not None
    assert (before, published) == (stamp.before, stamp.published)


@pytest.mark.parametrize(
    "furniture",
    [
        "Lire aussi : Le bac ferme.",
        "À lire également | Le bac ferme.",
        "VOIR AUSSI > Le bac ferme.",
        "Écouter aussi » Le bac ferme.",
        "Il vous reste 70,5 % de cet article à lire. La suite est réservée aux abonnés.",
        "Cet article est réservé à nos abonnés.",
        "La suite après cette publicité",
        "Publicité",
        "(Avec Reuters)",
        "Crédits photo : Jeanne Martin / MaxPPP.",
        "Photo : Jeanne Martin, AP",
    ],
)
def test_furniture_inside_a_paragraph_is_cut_out(furniture: str) -> None:
    page = read_parts({"body": f"Le pont rouvre lundi. {furniture} Les voitures y passent de nouveau."})

    assert ["Le pont rouvre lundi.", "Les voitures y passent de nouveau."] == [p.text for p in page.documents[0].body]


def test_lines_that_read_alike_keep_their_own_places() -> None:
    body = "Les voitures passent.\n\nLe maire salue.\n\nLes voitures passent."

    assert [(0, 21), (23, 38), (40, 61)] == [(p.start, p.end) for p in read_parts({"body": body}).documents[0].body]


def test_time_of_a_date() -> None:
    assert time_of("3 mai 2025 à 17h04") == "17:04"
    assert time_of("il y a 3 jours") is None


def test_parts_become_documents_with_offsets_in_their_own_string() -> None:
    page = read_parts(
        {
            "title": "Le pont rouvre",
            "body": "Lire aussi : Le bac\n\n  Les voitures passent.",
            "related": [{"title": "Le bac", "source": "Le Progrès"}],
            "posts": [{"title": "En direct", "published": "17H38", "rubric": "circulation"}],
        }
    )

    assert [d.kind for d in page.documents] == ["article", "related", "live_post"]
    assert [(p.text, p.start) for p in page.documents[0].body] == [("Les voitures passent.", 23)]
    assert (page.documents[2].published, page.documents[2].time) == ("17H38", "17:38")


def test_a_document_of_an_answer_can_be_sent_back() -> None:
    """What HTTP answers of a document is a page of parts: its kind and time are kept, its tags and span ignored."""
    answered = {
        "kind": "live_post",
        "title": "Le pont rouvre",
        "published": "17H38 TU",
        "time": "17:38",
        "span": None,
        "tags": [],
    }

    (document,) = read_parts(answered).documents

    assert ("live_post", "17H38 TU", "17:38") == (document.kind, document.published, document.time)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "The page has no text"),
        ({"title": " "}, "The page has no text"),
        ({"title": 3}, "`title`: input should be a valid string"),
        ({"title": "a", "related": {}}, "`related`: input should be a valid list"),
        ({"title": "a", "related": ["b"]}, r"`related\[0\]` must be a JSON object"),
        ({"title": "a", "posts": [{"body": ["b"]}]}, r"`posts\[0\].body`: input should be a valid string"),
    ],
)
def test_wrong_parts_are_named(record: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidDocumentError, match=sentence):
        read_parts(record)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"id": 1}', "The document has no text"),
        ('{"id": [], "body": "a"}', "`id`: input should be"),
        ('{"kind": "poem", "body": "a"}', "`kind`: input should be 'article', 'related' or 'live_post'"),
        ('{"body": "\\ud800"}', "not valid JSON"),
        (b'{"body": "caf\xe9"}', "not valid JSON"),
    ],
)
def test_wrong_records_are_refused(record: str | bytes, sentence: str) -> None:
    with pytest.raises(InvalidDocumentError, match=sentence):
        read_record(record)

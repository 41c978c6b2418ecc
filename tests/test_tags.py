"""Tags: thresholds, reasons for having none, evidence in the caller's own text."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.documents import joined
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts
from tagger.registry import Release
from tagger.tags import MAX_EVIDENCE, Policy, TaggedDocument, tag_document, tag_page
from tagger.text import fold, normalize

GRATIN = (
    "Le gratin du chef\n\nLe chef beurre le plat, épluche l’oignon et glisse la recette dans le four bien chaud du village."
)


def tagged(text: str, release: Release) -> TaggedDocument:
    (only,) = tag_page(read_page(text), release.model, release.taxonomy, release.policy)
    return only


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Le four", "too_short"),
        ("The chef said that the oven of the restaurant has not been used for a year", "not_french"),
        ("Zygomorphe xylophone abracadabrantesque", "no_known_terms"),
        ("Le pont de la gare rouvre après la fête du village.", "no_topic"),
    ],
)
def test_a_document_without_tags_says_why(text: str, reason: str, tiny_release: Release) -> None:
    assert ((), reason) == (tagged(text, tiny_release).tags, tagged(text, tiny_release).abstained)


def test_a_tag_names_its_topic_and_the_words_that_earned_it(tiny_release: Release) -> None:
    (tag,) = tagged(GRATIN, tiny_release).tags

    assert (tag.topic.id, tag.topic.label) == ("cuisine", "Cuisine")
    assert tiny_release.policy.thresholds["cuisine"] <= tag.score <= 1
    assert 1 <= len(tag.evidence) <= MAX_EVIDENCE
    weights = [piece.weight for piece in tag.evidence]
    assert weights == sorted(weights, reverse=True)
    assert all(weight > 0 for weight in weights)


@pytest.mark.parametrize(
    "written",
    [
        GRATIN,
        GRATIN.replace("\n", "\r\n"),
        unicodedata.normalize("NFD", GRATIN),
        GRATIN.replace("épluche l’oignon", "&eacute;pluche l&rsquo;oignon"),
    ],
    ids=["plain", "CRLF", "NFD", "entities"],
)
def test_evidence_lies_in_the_text_as_the_caller_wrote_it(written: str, tiny_release: Release) -> None:
    """The same words are evidence however the text is encoded, at offsets that count in that very text."""
    (tag,) = tagged(written, tiny_release).tags
    (plain,) = tagged(GRATIN, tiny_release).tags

    assert all(written[piece.start : piece.end] == piece.text for piece in tag.evidence)
    assert [fold(normalize(piece.text)) for piece in plain.evidence] == [fold(normalize(piece.text)) for piece in tag.evidence]


def test_evidence_of_parts_counts_in_its_field(tiny_release: Release) -> None:
    parts = {"title": "Le gratin du chef", "body": "Lire aussi : Le peloton\n\nLa recette demande un four chaud et un oignon."}
    (document,) = tag_page(read_parts(parts), tiny_release.model, tiny_release.taxonomy, tiny_release.policy)

    for piece in document.tags[0].evidence:
        assert piece.text == parts[piece.field][piece.start : piece.end]


@given(
    low=st.floats(0, 1),
    high=st.floats(0, 1),
    text=st.sampled_from(["four chef oignon", "peloton du col et four", "budget voté"]),
)
def test_a_higher_threshold_never_adds_a_tag(low: float, high: float, text: str, tiny_release: Release) -> None:
    low, high = min(low, high), max(low, high)
    (document,) = read_page(f"{text}, dit-on au village.").documents

    def topics(threshold: float) -> set[str]:
        policy = Policy(dict.fromkeys(tiny_release.taxonomy.ids, threshold))
        return {t.topic.id for t in tag_document(document, tiny_release.model, tiny_release.taxonomy, policy).tags}

    assert topics(high) <= topics(low)


def test_each_document_is_tagged_by_its_own_text_alone(tiny_release: Release) -> None:
    """A document gets the same tags alone and between others."""
    posts = [
        {"body": "Le peloton monte le col"},
        {"body": "Le chef sort le gratin du four"},
        {"body": "La pluie tombe sur la gare"},
    ]

    def answers(items: list[dict[str, str]]) -> list[tuple[str, list[float]]]:
        page = tag_page(read_parts({"posts": items}), tiny_release.model, tiny_release.taxonomy, tiny_release.policy)
        return [(joined(d.document.body), [t.score for t in d.tags]) for d in page]

    assert answers(posts) == [answers([post])[0] for post in posts]


def test_a_policy_needs_more_words_when_told(tiny_release: Release) -> None:
    stricter = replace(tiny_release.policy, min_words=10)
    (document,) = read_page("Le chef sort le gratin du four").documents

    assert tag_document(document, tiny_release.model, tiny_release.taxonomy, stricter).abstained == "too_short"

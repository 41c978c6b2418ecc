"""ninjs items into pages and back with subjects: three versions of the standard, its own schema, bad input, any JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from tagger.answers.ninjs import ninjs_item
from tagger.documents import joined
from tagger.errors import InvalidDocumentError
from tagger.extract.ninjs import is_ninjs, read_ninjs
from tagger.registry import Release
from tagger.tags import Tag, TaggedDocument, tag_page
from tagger.taxonomy import Topic
from tests.conftest import ROOT

MEDIA_TOPIC = "http://cv.iptc.org/newscodes/mediatopic/"
OURS = Topic("ponts", {"fr": "Ponts"}, "")
KEYS = [
    "uri",
    "type",
    "headline",
    "headlines",
    "bodies",
    "body_xhtml",
    "descriptions",
    "associations",
    "subjects",
    "value",
    "role",
]
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("<p>Le pont")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=12,
)

Answer = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def item() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((ROOT / "tests/formats/item.json").read_text(encoding="utf-8"))
    return record


@pytest.fixture
def answer(shipped: Release) -> Answer:
    def answered(record: dict[str, Any]) -> dict[str, Any]:
        page = read_ninjs(record)
        return ninjs_item(record, tag_page(page, shipped.model, shipped.taxonomy, shipped.policy), shipped)

    return answered


def with_topics(record: dict[str, Any], release: Release, *topics: Topic) -> dict[str, Any]:
    """The item as a release that gives these topics to everything would answer it."""
    tags = tuple(Tag(topic, 0.876, ()) for topic in topics)
    return ninjs_item(record, [TaggedDocument(document, tags, None) for document in read_ninjs(record).documents], release)


def test_an_item_and_the_texts_associated_with_it_are_documents(item: dict[str, Any]) -> None:
    """Main headline, text of the markup without furniture; no caption of a picture is an article."""
    page = read_ninjs(item)

    article, related = page.documents
    assert ("ninjs", "article", "related") == (page.layout, article.kind, related.kind)
    assert "Défense : le Sénat vote une hausse du budget des armées" == joined(article.title)
    assert "Trois milliards d'euros de plus pour la défense française." == joined(article.lead)
    assert 2 == len(article.body)
    assert "Notre enquête" not in joined(article.body)
    assert ("https://fanal.example/items/42", "17:04", "Le Fanal de Varsanne") == (article.id, article.time, article.source)
    assert "https://fanal.example/items/44" == related.id


@pytest.mark.parametrize(
    "record",
    [
        {
            "uri": "a",
            "headline": "Un pont",
            "description_text": "Il rouvre.",
            "body_text": "Lundi.",
            "versioncreated": "2025-05-03",
        },
        {
            "uri": "a",
            "headline_main": "Un pont",
            "description_summary": "Il rouvre.",
            "body_xhtml": "<p>Lundi.</p>",
            "versioncreated": "2025-05-03",
        },
        {
            "uri": "a",
            "headlines": [{"value": "A bridge", "language": "en"}, {"value": "Un pont", "lang": "fr-FR"}],
            "descriptions": [{"value": "Il rouvre."}],
            "bodies": [{"contenttype": "application/xhtml+xml", "value": "<p>Lundi.</p>"}],
            "contentcreated": "2025-05-03",
        },
        {
            "uri": "a",
            "headlines": [{"role": "main", "value": " "}, {"role": "short", "value": "Un pont"}],
            "descriptions": [{"role": "x", "value": "Non."}, {"role": "main", "value": "Il rouvre."}],
            "bodies": [{"contentType": "text/html", "value": "<p>Non</p>"}, {"contentType": "text/plain", "value": "Lundi."}],
            "versionCreated": "2025-05-03",
            "contentCreated": "2024-05-03",
        },
    ],
    ids=["1.5", "1 with roles", "2", "3"],
)
def test_each_version_of_the_standard_is_read(record: dict[str, Any]) -> None:
    (document,) = read_ninjs(record).documents

    assert ("Un pont", "Il rouvre.", "Lundi.") == (joined(document.title), joined(document.lead), joined(document.body))
    assert ("a", "2025-05-03") == (document.id, document.published)


def test_version_1_names_what_is_associated() -> None:
    record = {"uri": "a", "headline": "Un pont", "associations": {"lire": {"uri": "b", "headline": "Un bac"}}}

    assert ["a", "b"] == [document.id for document in read_ninjs(record).documents]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"standard": {"name": "ninjs", "version": "3.1"}}, True),
        ({"standard": {"schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.0.json#"}}, True),
        ({"$schema": "http://www.iptc.org/std/ninjs/ninjs-schema_2.1.json#"}, True),
        ({"uri": "a", "headlines": []}, False),
        ({"standard": {"name": "rnews"}}, False),
        ({"standard": ["ninjs"], "$schema": 3}, False),
    ],
)
def test_an_item_is_known_by_what_it_says_it_is(record: dict[str, Any], told: bool) -> None:
    assert told == is_ninjs(record)


@pytest.mark.release
def test_the_shipped_release_adds_its_subjects(item: dict[str, Any], shipped: Release, answer: Answer) -> None:
    """After those of others, one for each URI; one that stands there already is not said twice. All else is as it was."""
    answered = answer(item)

    foreign, ours = answered["subjects"][:2], answered["subjects"][2:]
    creator = f"urn:tagger:release:{shipped.name}"
    assert item["subjects"] == foreign
    assert [f"{MEDIA_TOPIC}20000598", "http://www.wikidata.org/entity/Q142"] == [subject["uri"] for subject in ours]
    assert {("Politique de défense française", "about", "french-defence", creator)} == {
        (subject["name"], subject["rel"], subject["literal"], subject["creator"]) for subject in ours
    }
    assert {"korea"} == {subject["literal"] for subject in answered["associations"][1]["subjects"]}
    assert item["associations"][0] == answered["associations"][0]
    assert {**item, "subjects": 0, "associations": 0} == {**answered, "subjects": 0, "associations": 0}


@pytest.mark.release
def test_an_item_that_comes_back_is_answered_alike(item: dict[str, Any], answer: Answer) -> None:
    """Our subjects are no text to classify, and those of an earlier release are replaced."""
    answered = answer(item)
    earlier = {**item, "subjects": [*item["subjects"], {"name": "Corée", "creator": "urn:tagger:release:an-older-one"}]}

    assert answered == answer(answered) == answer(earlier)


def test_confidence_is_a_whole_number_of_percent(tiny_release: Release) -> None:
    answered = with_topics({"uri": "a", "headline": "Un pont"}, tiny_release, OURS)

    assert [88] == [subject["confidence"] for subject in answered["subjects"]]


def test_a_topic_of_the_newsrooms_own_is_a_subject_without_uri(tiny_release: Release) -> None:
    (subject,) = with_topics({"uri": "a", "headline": "Un pont"}, tiny_release, OURS)["subjects"]

    assert ("Ponts", "ponts") == (subject["name"], subject["literal"])
    assert "uri" not in subject


def test_an_item_without_tags_goes_back_as_it_came(tiny_release: Release) -> None:
    record = {"uri": "a", "headline": "Un pont", "associations": {"photo": {"type": "picture", "headline": "Le pont"}}}

    assert record == with_topics(record, tiny_release)


@pytest.mark.release
def test_answers_are_valid_ninjs(item: dict[str, Any], shared: Path, shipped: Release, answer: Answer) -> None:
    """By the schema of the IPTC: its examples, our item, and topics with and without URIs."""
    schema = json.loads((shared / "standards/ninjs-schema_3.1.json").read_text(encoding="utf-8"))
    geojson = Resource.from_contents({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"})
    registry: Registry[Any] = Registry().with_resource("https://geojson.org/schema/GeoJSON.json", geojson)
    validator = Draft202012Validator(schema, registry=registry)
    examples = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted((shared / "standards/ninjs-examples").glob("*.json"))
    ]

    assert 3 == len(examples)
    for record in (*examples, item):
        validator.validate(answer(record))
        validator.validate(with_topics(record, shipped, *shipped.taxonomy.topics, OURS))


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({}, "The ninjs item has no text"),
        ({"headlines": [{"value": " "}]}, "The ninjs item has no text"),
        ({"associations": [{"type": "picture", "headline": "Le pont"}]}, "The ninjs item has no text"),
        ({"headlines": "Un pont"}, "`headlines`: input should be a valid list"),
        ({"headline": 3}, r"`headlines\[0\].value`: input should be a valid string"),
        ({"headline": "Un pont", "headlines": 3}, "`headlines`: input should be a valid list"),
        ({"bodies": [{"role": "main"}]}, r"`bodies\[0\].value`: field required"),
        ({"headline": "Un pont", "uri": 3}, "`uri`: input should be a valid string"),
        ({"headline": "Un pont", "subjects": ["a"]}, r"`subjects\[0\]`"),
        ({"headline": "Un pont", "associations": [3]}, "`associations"),
    ],
)
def test_what_is_no_item_is_refused(record: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidDocumentError, match=sentence):
        read_ninjs(record)


@given(st.dictionaries(st.sampled_from(KEYS), ANY_JSON, max_size=5))
def test_any_json_is_read_or_refused_with_a_reason(record: dict[str, Any]) -> None:
    try:
        documents = read_ninjs(record).documents
    except InvalidDocumentError:
        return
    for document in documents:
        assert all(
            joined(text)[passage.start : passage.end] == passage.text for _, text in document.fields() for passage in text
        )

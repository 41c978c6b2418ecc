"""Tagged documents -> the JSON objects that HTTP and the command line answer; one shape for both."""

from collections.abc import Iterable, Sequence
from typing import Any

from tagger.documents import Page, joined
from tagger.registry import Release
from tagger.tags import Evidence, Tag, TaggedDocument, tag_page
from tagger.taxonomy import Topic


def answer_page(page: Page, release: Release, *, evidence: bool = True) -> dict[str, Any]:
    """Tag a page with a release and return the page object."""
    tagged = tag_page(page, release.model, release.taxonomy, release.policy)
    return page_object(page, tagged, release, evidence=evidence)


def page_object(page: Page, tagged: Sequence[TaggedDocument], release: Release, *, evidence: bool = True) -> dict[str, Any]:
    """Return a tagged page; `abstained` tells one on which only furniture stands."""
    return {
        "release": release.name,
        "layout": page.layout,
        "documents": [document_object(document, evidence=evidence) for document in tagged],
        "abstained": None if tagged else "no_document",
    }


def document_object(tagged: TaggedDocument, *, evidence: bool = True) -> dict[str, Any]:
    """Return a document with its parts, its place in the page and its tags."""
    document = tagged.document
    span = document.span
    return {
        **({} if document.id is None else {"id": document.id}),
        "kind": document.kind,
        "title": joined(document.title),
        "lead": joined(document.lead),
        "body": joined(document.body),
        "rubric": joined(document.rubric),
        "source": document.source,
        "published": document.published,
        "time": document.time,
        "span": None if span is None else {"start": span[0], "end": span[1]},
        **tags_object(tagged, evidence=evidence),
    }


def tags_object(tagged: TaggedDocument, *, evidence: bool = True) -> dict[str, Any]:
    """Return only what was decided: the tags, and why there is none."""
    return {"tags": [_tag(tag, evidence=evidence) for tag in tagged.tags], "abstained": tagged.abstained}


def topics_object(topics: Iterable[Topic], release: Release) -> dict[str, Any]:
    """Return the topics a release knows, with their thresholds."""
    return {
        "release": release.name,
        "taxonomy": release.taxonomy.version,
        "topics": [
            {
                "id": topic.id,
                "label": topic.label,
                "labels": topic.labels,
                "description": topic.description,
                "mediatopic": list(topic.mediatopic),
                "wikidata": list(topic.wikidata),
                "threshold": release.policy.thresholds[topic.id],
            }
            for topic in topics
        ],
    }


def _tag(tag: Tag, *, evidence: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"topic": tag.topic.id, "label": tag.topic.label, "score": round(tag.score, 4)}
    if evidence:
        answer["evidence"] = [_evidence(piece) for piece in tag.evidence]
    return answer


def _evidence(piece: Evidence) -> dict[str, Any]:
    return {
        "text": piece.text,
        "field": piece.field,
        "start": piece.start,
        "end": piece.end,
        "weight": round(piece.weight, 4),
    }

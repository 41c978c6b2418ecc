"""Tagged documents -> the JSON objects that HTTP and the command line answer; one shape for both, and its schema."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Annotated, NotRequired

from pydantic import Field as Constraint
from typing_extensions import TypedDict

from tagger.documents import Document, Field, Kind, Layout, Page, joined
from tagger.errors import TaggerError
from tagger.extract.parts import read_record
from tagger.registry import Release
from tagger.tags import Abstained, Evidence, Tag, TaggedDocument, tag_documents, tag_page
from tagger.taxonomy import Topic

_LINES_AT_ONCE = 32

Share = Annotated[float, Constraint(ge=0, le=1)]
Offset = Annotated[int, Constraint(ge=0, description="In code points.")]


class SpanObject(TypedDict):
    """A place in the text that was sent: [start, end)."""

    start: Offset
    end: Offset


class EvidenceObject(TypedDict):
    """Words of the text that counted for a tag, where they stand, and what they added to the decision value."""

    text: str
    field: Field
    start: Offset
    end: Offset
    weight: Annotated[float, Constraint(ge=0)]


class TagObject(TypedDict):
    """A topic that passed its threshold."""

    topic: str
    label: str
    score: Share
    evidence: NotRequired[list[EvidenceObject]]


class DecisionObject(TypedDict):
    """What was decided on a document: its tags, best first, or why it has none."""

    tags: list[TagObject]
    abstained: Abstained | None


class DocumentObject(DecisionObject):
    """A document with its parts, its place in the page and its tags. Without a `span` its offsets count in each part."""

    id: NotRequired[str | int]
    kind: Kind
    title: str
    lead: str
    body: str
    rubric: str
    source: str
    published: str
    time: str | None
    span: SpanObject | None


class PageObject(TypedDict):
    """A tagged page; `abstained` tells one on which only furniture stands."""

    release: str
    layout: Layout
    documents: list[DocumentObject]
    abstained: Annotated[str | None, Constraint(json_schema_extra={"enum": ["no_document", None]})]


class LineObject(DecisionObject):
    """The answer to one line of documents."""

    id: str | int | None
    release: str


class LineErrorObject(TypedDict):
    """Why a line has no answer; `line` counts from 1, blank ones included."""

    id: None
    line: Annotated[int, Constraint(ge=1)]
    error: str


class TopicObject(TypedDict):
    """A topic that a release knows, with the score from which it is given."""

    id: str
    label: str
    labels: dict[str, str]
    description: str
    mediatopic: list[str]
    wikidata: list[str]
    threshold: Share


class TopicsObject(TypedDict):
    """The topics of a release, in the order of its score columns."""

    release: str
    taxonomy: str
    topics: list[TopicObject]


def answer_page(page: Page, release: Release, *, evidence: bool = True) -> PageObject:
    """Tag a page with a release and return the page object."""
    tagged = tag_page(page, release.model, release.taxonomy, release.policy)
    return page_object(page, tagged, release, evidence=evidence)


def page_object(page: Page, tagged: Sequence[TaggedDocument], release: Release, *, evidence: bool = True) -> PageObject:
    """Return a tagged page."""
    return {
        "release": release.name,
        "layout": page.layout,
        "documents": [document_object(document, evidence=evidence) for document in tagged],
        "abstained": None if tagged else "no_document",
    }


def document_object(tagged: TaggedDocument, *, evidence: bool = True) -> DocumentObject:
    """Return a document with its parts, its place in the page and its tags."""
    document = tagged.document
    span = document.span
    answer: DocumentObject = {
        "kind": document.kind,
        "title": joined(document.title),
        "lead": joined(document.lead),
        "body": joined(document.body),
        "rubric": joined(document.rubric),
        "source": document.source,
        "published": document.published,
        "time": document.time,
        "span": None if span is None else {"start": span[0], "end": span[1]},
        "tags": [_tag(tag, evidence=evidence) for tag in tagged.tags],
        "abstained": tagged.abstained,
    }
    return answer if document.id is None else {"id": document.id, **answer}


def answer_lines(
    lines: Iterable[tuple[int, bytes]], release: Release, *, evidence: bool
) -> Iterator[tuple[LineObject | LineErrorObject, TaggedDocument | None]]:
    """Tag the documents on numbered lines of JSON, in order, some dozens at a time.

    A line that cannot be read gets an error in its place, and no document.
    """
    rest = iter(lines)
    while read := [_read_line(number, line) for number, line in islice(rest, _LINES_AT_ONCE)]:
        documents = (document for document in read if isinstance(document, Document))
        tagged = tag_documents(documents, release.model, release.taxonomy, release.policy, evidence=evidence)
        for document in read:
            yield _answered(next(tagged), release, evidence=evidence) if isinstance(document, Document) else (document, None)


def _read_line(number: int, line: bytes) -> Document | LineErrorObject:
    try:
        return read_record(line)
    except TaggerError as error:
        return {"id": None, "line": number, "error": str(error)}


def _answered(tagged: TaggedDocument, release: Release, *, evidence: bool) -> tuple[LineObject, TaggedDocument]:
    tags = [_tag(tag, evidence=evidence) for tag in tagged.tags]
    return {"id": tagged.document.id, "release": release.name, "tags": tags, "abstained": tagged.abstained}, tagged


def topics_object(topics: Iterable[Topic], release: Release) -> TopicsObject:
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


def _tag(tag: Tag, *, evidence: bool) -> TagObject:
    answer: TagObject = {"topic": tag.topic.id, "label": tag.topic.label, "score": round(tag.score, 4)}
    if evidence:
        answer["evidence"] = [_evidence(piece) for piece in tag.evidence]
    return answer


def _evidence(piece: Evidence) -> EvidenceObject:
    return {
        "text": piece.text,
        "field": piece.field,
        "start": piece.start,
        "end": piece.end,
        "weight": round(piece.weight, 4),
    }

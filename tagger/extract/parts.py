"""JSON that already holds the parts of a page -> `Page` or `Document`; the shapes a caller may send, checked."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tagger.documents import Document, Kind, Page, Passage, Text
from tagger.errors import InvalidDocumentError
from tagger.extract.article import prose
from tagger.extract.dates import time_of
from tagger.extract.page import read_page


class Parts(BaseModel):
    """The parts of one document. Unknown keys are ignored, so that a CMS can send its own record."""

    model_config = ConfigDict(strict=True, extra="ignore")

    id: str | int | None = None
    kind: Kind | None = None
    title: str | None = None
    lead: str | None = None
    body: str | None = None
    rubric: str | None = None
    source: str | None = None
    published: str | None = None
    time: str | None = None


class PageParts(Parts):
    """A page: the parts of its article, its related articles and the posts of its live blog."""

    related: list[Parts] = Field(default_factory=list)
    posts: list[Parts] = Field(default_factory=list)


class RawPage(BaseModel):
    """A page as raw text in JSON, for who can send nothing else."""

    model_config = ConfigDict(strict=True, extra="ignore")

    page: str


def read_raw(record: Mapping[str, Any]) -> Page:
    """Read a JSON page that holds its raw text: `{"page": "…"}`.

    Raises:
        InvalidDocumentError: `page` is no text.
        UnreadablePageError: the text cannot be read as a page.
    """
    try:
        return read_page(RawPage.model_validate(record).page)
    except ValidationError as error:
        raise InvalidDocumentError(first_problem(error)) from error


def read_parts(record: Mapping[str, Any]) -> Page:
    """Read a JSON page: `title, lead, body, related[], posts[]`; an article without text is left out.

    Raises:
        InvalidDocumentError: a part has the wrong type, or no document has any text.
    """
    try:
        parts = PageParts.model_validate(record)
    except ValidationError as error:
        raise InvalidDocumentError(first_problem(error)) from error
    if not any(_has_text(part) for part in (parts, *parts.related, *parts.posts)):
        raise InvalidDocumentError("The page has no text: give a `title`, `lead` or `body`, or items in `related` or `posts`.")
    documents = [_document(parts, parts.kind or "article")] if _has_text(parts) else []
    documents += [_document(part, part.kind or "related") for part in parts.related]
    documents += [_document(part, part.kind or "live_post") for part in parts.posts]
    return Page("parts", tuple(documents))


def read_record(line: bytes | str) -> Document:
    """Read one JSON document: `id, kind?, title?, lead?, body?` with some text in it.

    Raises:
        InvalidDocumentError: it is no JSON object, a part has the wrong type, or there is no text.
    """
    try:
        parts = Parts.model_validate_json(line)
    except ValidationError as error:
        raise InvalidDocumentError(first_problem(error)) from error
    if not _has_text(parts):
        raise InvalidDocumentError("The document has no text: give a `body`, `lead` or `title`.")
    return _document(parts, parts.kind or "article")


def _has_text(parts: Parts) -> bool:
    return bool(
        (parts.title and parts.title.strip()) or (parts.lead and parts.lead.strip()) or (parts.body and parts.body.strip())
    )


def _document(parts: Parts, kind: Kind) -> Document:
    published = parts.published or ""
    return Document(
        kind,
        title=_whole(parts.title),
        lead=prose(parts.lead) if parts.lead else (),
        body=prose(parts.body) if parts.body else (),
        rubric=_whole(parts.rubric),
        source=parts.source or "",
        published=published,
        time=time_of(when) if (when := parts.time or published) else None,
        id=parts.id,
    )


def _whole(text: str | None) -> Text:
    return (Passage(text, 0),) if text and text.strip() else ()


def first_problem(error: ValidationError) -> str:
    """Say in one sentence what is wrong with the first part that is."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"]).lstrip(".")
    if problem["type"] == "json_invalid":
        return f"This is not valid JSON: {problem['ctx']['error']}."
    if problem["type"] in {"model_type", "model_attributes_type", "dict_type"}:
        return f"{f'`{where}`' if where else 'The document'} must be a JSON object with text in `title`, `lead` or `body`."
    # A union (`id`) reports a branch's name as the last step of the path; the caller only knows the key.
    return f"`{where.removesuffix('.str').removesuffix('.int')}`: {problem['msg'][0].lower()}{problem['msg'][1:]}."

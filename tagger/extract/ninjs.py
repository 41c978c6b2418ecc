"""A ninjs item (IPTC News in JSON 3.x, 2.x or 1.x) -> `Page`: the item, then the texts that are associated with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from tagger.documents import Page
from tagger.errors import InvalidDocumentError
from tagger.extract.markup import one_line, plain
from tagger.extract.parts import first_problem
from tagger.extract.told import Told, document_of

# What is associated is mostly pictures: their captions are no articles.
_TEXTS = {None, "text", "composite"}
# Version 1 has the role in the name of the part: `headline`, `headline_main`, `body_xhtml`.
_FIRST_NAMES = {"headline": "headlines", "description": "descriptions", "body": "bodies"}


class _Value(BaseModel):
    """One of several headlines, descriptions or bodies. Version 3 writes `contentType`, version 2 `contenttype`."""

    model_config = ConfigDict(strict=True, extra="ignore")

    value: str
    role: str | None = None
    content_type: str | None = Field(None, validation_alias=AliasChoices("contentType", "contenttype"))
    language: str | None = Field(None, validation_alias=AliasChoices("language", "lang"))


class NinjsItem(BaseModel):
    """What is read of an item. Its `subjects` are checked, for ours go among them, but they are no text to classify."""

    model_config = ConfigDict(strict=True, extra="ignore")

    uri: str | None = None
    type: str | None = None
    headlines: list[_Value] = Field(default_factory=list)
    descriptions: list[_Value] = Field(default_factory=list)
    bodies: list[_Value] = Field(default_factory=list)
    subjects: list[dict[str, Any]] = Field(default_factory=list)
    associations: list[dict[str, Any]] | dict[str, dict[str, Any]] = Field(default_factory=list)
    copyright_holder: str | None = Field(None, validation_alias=AliasChoices("copyrightHolder", "copyrightholder"))
    version_created: str | None = Field(None, validation_alias=AliasChoices("versionCreated", "versioncreated"))
    content_created: str | None = Field(None, validation_alias=AliasChoices("contentCreated", "contentcreated"))


def is_ninjs(record: Mapping[str, Any]) -> bool:
    """Whether a JSON object says that it is a ninjs item: in `standard` or in `$schema`. Nothing else is guessed from."""
    standard = record.get("standard")
    said = [standard.get("name"), standard.get("schema")] if isinstance(standard, dict) else [standard]
    return any(isinstance(text, str) and "ninjs" in text.lower() for text in (*said, record.get("$schema")))


def read_ninjs(record: Mapping[str, Any]) -> Page:
    """Read a ninjs item: an article, and a related document for each associated item of text. Their `uri` is their `id`.

    Raises:
        InvalidDocumentError: a part has the wrong type, or there is no text in the item or in those associated with it.
    """
    told = [(item is record, _told(_checked(item))) for item in texts(record)]
    if not told:
        raise InvalidDocumentError("The ninjs item has no text: give a `value` in `headlines`, `descriptions` or `bodies`.")
    return Page("ninjs", tuple(document_of(part, "article" if main else "related") for main, part in told))


def texts(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the items that `read_ninjs` makes documents of, in its order, as they stand in the record.

    Raises:
        InvalidDocumentError: a part has the wrong type.
    """
    if _told(_checked(record)).has_text:
        yield record
    associations = record.get("associations", [])
    for item in associations.values() if isinstance(associations, dict) else associations:
        checked = _checked(item)
        if checked.type in _TEXTS and _told(checked).has_text:
            yield item


def _checked(record: Mapping[str, Any]) -> NinjsItem:
    try:
        return NinjsItem.model_validate(_in_lists(record))
    except ValidationError as error:
        raise InvalidDocumentError(first_problem(error)) from error


def _in_lists(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item with the parts of version 1 under the names that later versions have."""
    item = dict(record)
    for name, text in record.items():
        first, _, role = name.partition("_")
        later = _FIRST_NAMES.get(first, "")
        values = item.get(later, [])
        if later and (role or first == "headline") and isinstance(values, list):
            content_type = "text/html" if "html" in role else None
            item[later] = [*values, {"value": text, "role": role or "main", "contenttype": content_type}]
    return item


def _told(item: NinjsItem) -> Told:
    return Told(
        title=one_line(_best(item.headlines)),
        lead=plain(_best(item.descriptions)),
        body=plain(_best(item.bodies)),
        source=item.copyright_holder or "",
        published=item.version_created or item.content_created or "",
        id=item.uri,
    )


def _best(values: list[_Value]) -> str:
    """Return the value to read: in French, else in no said language; plain text before markup; the main one."""

    def rank(value: _Value) -> tuple[int, int, int]:
        language = 1 if value.language is None else 0 if value.language.lower().startswith("fr") else 2
        kind = 0 if value.content_type in {None, "text/plain"} else 1 if "html" in value.content_type else 2
        return language, kind, 0 if value.role == "main" else 1

    said = sorted((value for value in values if value.value.strip()), key=rank)
    return said[0].value if said else ""

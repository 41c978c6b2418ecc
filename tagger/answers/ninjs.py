"""A ninjs item and what was decided on it -> the same item with our subjects among its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from tagger.extract.ninjs import texts
from tagger.registry import Release
from tagger.tags import Tag, TaggedDocument

# By this we know our own subjects when an item comes back.
_CREATOR = "urn:tagger:release:"


def ninjs_item(record: Mapping[str, Any], tagged: Sequence[TaggedDocument], release: Release) -> dict[str, Any]:
    """Return the item that was sent with a subject for each URI of each topic, in the associated items too.

    tagged: the documents of `read_ninjs(record)`, in its order. Subjects of others stay as they are, and one that has the same
    URI keeps ours out; those of an earlier answer of ours are replaced.
    """
    decided = {id(item): document for item, document in zip(texts(record), tagged, strict=True)}

    def answered(item: Mapping[str, Any]) -> dict[str, Any]:
        document = decided.get(id(item))
        return dict(item) if document is None else _with_subjects(item, document, _CREATOR + release.name)

    item, associations = answered(record), record.get("associations")
    if isinstance(associations, list):
        item["associations"] = [answered(associated) for associated in associations]
    elif isinstance(associations, dict):
        item["associations"] = {name: answered(associated) for name, associated in associations.items()}
    return item


def _with_subjects(item: Mapping[str, Any], document: TaggedDocument, creator: str) -> dict[str, Any]:
    foreign = [subject for subject in item.get("subjects", ()) if not str(subject.get("creator", "")).startswith(_CREATOR)]
    known = {subject["uri"] for subject in foreign if isinstance(subject.get("uri"), str)}
    ours: list[dict[str, Any]] = []
    for tag in document.tags:
        for subject in _subjects(tag, creator):
            if subject.get("uri") not in known:
                ours.append(subject)
                known.update([subject["uri"]] if "uri" in subject else [])
    subjects = foreign + ours
    return {**item, "subjects": subjects} if subjects or "subjects" in item else dict(item)


def _subjects(tag: Tag, creator: str) -> list[dict[str, Any]]:
    """Return a subject for each URI of a topic; a topic of the newsroom's own has one, known by its id alone."""
    common = {
        "name": tag.topic.label,
        "rel": "about",
        "literal": tag.topic.id,
        "creator": creator,
        "confidence": round(tag.score * 100),
    }
    return [{**common, "uri": uri} for uri in tag.topic.uris] or [common]

"""The topics that a newsroom added, removed or renamed: a ledger beside the releases, applied to the taxonomy at training."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal

from tagger.errors import TaggerError
from tagger.ledger import append_line, now, read_lines
from tagger.promotions import locked, user
from tagger.taxonomy import Taxonomy, Topic

LEDGER = "topics.jsonl"
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_SLUG = 60


class TopicError(TaggerError):
    """A topic cannot be added, removed or renamed; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to a topic, when and by whom; label and description as they are from then on."""

    kind: Literal["added", "removed", "renamed"]
    topic: str
    label: str
    description: str
    time: str
    by: str


def read_changes(models: Path) -> list[Change]:
    """Return the changes that can be read, oldest first."""
    names = [field.name for field in fields(Change)]
    return [
        Change(**{name: record[name] for name in names})
        for record in read_lines(models / LEDGER)
        if all(isinstance(record.get(name), str) for name in names) and record["kind"] in {"added", "removed", "renamed"}
    ]


def changed(taxonomy: Taxonomy, changes: Iterable[Change]) -> Taxonomy:
    """Return a taxonomy with a newsroom's changes; its version counts them."""
    topics = {topic.id: topic for topic in taxonomy.topics}
    count = 0
    for change in changes:
        count += 1
        if change.kind == "removed":
            topics.pop(change.topic, None)
        elif change.kind == "added":
            topics.setdefault(change.topic, Topic(change.topic, {"fr": change.label}, change.description))
        elif change.topic in topics:
            known = topics[change.topic]
            topics[change.topic] = replace(known, labels={**known.labels, "fr": change.label})
    return Taxonomy(f"{taxonomy.version}+{count}" if count else taxonomy.version, tuple(topics.values()))


def known_topics(models: Path, taxonomy: Taxonomy) -> frozenset[str]:
    """Return the ids that a review may name: those of the release that serves, and of the next training."""
    return frozenset(taxonomy.ids) | frozenset(changed(taxonomy, read_changes(models)).ids)


def removed_topics(changes: Iterable[Change]) -> frozenset[str]:
    """Return the ids of topics that were removed and not added again: texts may still be labelled with them."""
    gone: set[str] = set()
    for change in changes:
        if change.kind == "removed":
            gone.add(change.topic)
        else:
            gone.discard(change.topic)
    return frozenset(gone)


def add_topic(models: Path, taxonomy: Taxonomy, slug: str, label: str, description: str = "") -> Change:
    """Add a topic to those of the next training.

    Raises:
        TopicError: the slug is no slug, or is there already; the label is empty.
    """
    if not _SLUG.fullmatch(slug) or len(slug) > _LONGEST_SLUG:
        raise TopicError(f"{slug!r} is no slug: small letters, digits and hyphens, at most {_LONGEST_SLUG}: reforme-retraites.")
    return _write(models, taxonomy, "added", slug, label, description)


def remove_topic(models: Path, taxonomy: Taxonomy, slug: str) -> Change:
    """Remove a topic from those of the next training; what editors said of it stays in the reviews.

    Raises:
        TopicError: there is no such topic, or it is the last one.
    """
    return _write(models, taxonomy, "removed", slug, slug, "")


def rename_topic(models: Path, taxonomy: Taxonomy, slug: str, label: str) -> Change:
    """Give a topic another label; its id stays.

    Raises:
        TopicError: there is no such topic; the label is empty.
    """
    return _write(models, taxonomy, "renamed", slug, label, "")


def _write(
    models: Path, taxonomy: Taxonomy, kind: Literal["added", "removed", "renamed"], slug: str, label: str, description: str
) -> Change:
    """Check against the taxonomy as it is under the lock, so that two changes at once cannot contradict each other."""
    change = Change(kind, slug, label.strip(), description.strip(), now(), user())
    if not change.label:
        raise TopicError(f"The label of {slug} is empty: give what editors shall read.")
    with locked(models):
        known = changed(taxonomy, read_changes(models)).ids
        if kind == "added" and slug in known:
            raise TopicError(f"There is a topic {slug} already: rename it, or choose another slug.")
        if kind != "added" and slug not in known:
            raise TopicError(f"There is no topic {slug}; there are {', '.join(known)}.")
        if kind == "removed" and len(known) == 1:
            raise TopicError(f"{slug} is the last topic: add another one first.")
        append_line(models / LEDGER, asdict(change))
    return change

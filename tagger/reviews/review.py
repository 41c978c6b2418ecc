"""What editors say of documents and what the tagger said of them: the nouns, what is refused, and how verdicts become labels.

Knows nothing of databases, HTTP, releases or training.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from tagger.documents import Field
from tagger.errors import InvalidReviewError

PARTS = ("kind", *get_args(Field))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Review:
    """What an editor said of a document: topic ids that are right, wrong, and missing among the tags of `release`.

    key: chosen by the caller, so that sending a review twice stores it once. document: some of `PARTS`. time: ISO 8601
    with its zone; empty: the store's, when it is stored.
    """

    key: str
    document: Mapping[str, str]
    release: str
    accepted: tuple[str, ...]
    rejected: tuple[str, ...]
    added: tuple[str, ...]
    reviewer: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A review, its place in the order of storing (from 1, without gaps), and why its document had been handed out."""

    number: int
    review: Review
    sample: str | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a review stands in the store, and whether it was put there just now."""

    number: int
    key: str
    new: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the tagger said of a document: scores and unknown_share (of its terms, to the model) in [0, 1]."""

    document: Mapping[str, str]
    release: str
    scores: Mapping[str, float]
    tags: tuple[str, ...]
    abstained: str | None
    unknown_share: float
    time: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who said it, in which review."""

    reviewer: str
    number: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two reviews that contradict each other on a topic of a document."""

    document_id: str
    topic: str
    earlier: Verdict
    later: Verdict


@dataclass(frozen=True, slots=True)
class Labelled:
    """A document and the topics it is about, as its reviewers had it in the end."""

    document: Mapping[str, str]
    topics: frozenset[str]
    sample: str | None


def document_id(document: Mapping[str, str]) -> str:
    """Return the SHA-256, in hexadecimal, of the parts as canonical JSON: the same parts always have the same id."""
    return hashlib.sha256(canonical_json(dict(document)).encode()).hexdigest()


def utc(time: str) -> str:
    """Return a time as ISO 8601 in UTC, ending in `Z`.

    Raises:
        InvalidReviewError: it is no ISO 8601, or does not say its zone.
    """
    return _moment(time).isoformat().replace("+00:00", "Z")


def check_review(review: Review) -> None:
    """Refuse what no store should hold.

    Raises:
        InvalidReviewError: no verdict, two on one topic, no text, another part than `PARTS`, or a name or time that is none.
    """
    for name, value in (("key", review.key), ("reviewer", review.reviewer), ("release", review.release)):
        check_name(name, value)
    check_document(review.document)
    verdicts = Counter((*review.accepted, *review.rejected, *review.added))
    if not verdicts:
        raise InvalidReviewError("The review says nothing: give a topic in `accepted`, `rejected` or `added`.")
    if twice := [topic for topic, times in verdicts.items() if times > 1]:
        raise InvalidReviewError(f"The topic {twice[0]!r} stands twice: give it in one of `accepted`, `rejected`, `added`.")
    if review.time:
        _moment(review.time)


def topics_by_document(reviews: Iterable[StoredReview]) -> tuple[dict[str, Labelled], list[Conflict]]:
    """Merge reviews into labels by document id: on each topic the review with the highest number has the last word.

    Accepted and added say that the document is about the topic, rejected that it is not. Each contradiction is told.
    """
    documents: dict[str, StoredReview] = {}
    last: dict[str, dict[str, tuple[bool, Verdict]]] = {}
    conflicts: list[Conflict] = []
    for stored in sorted(reviews, key=lambda stored: stored.number):
        identity = document_id(stored.review.document)
        documents.setdefault(identity, stored)
        known = last.setdefault(identity, {})
        verdict = Verdict(stored.review.reviewer, stored.number)
        for topic, about in _words(stored.review):
            if topic in known and known[topic][0] != about:
                conflicts.append(Conflict(identity, topic, known[topic][1], verdict))
            known[topic] = (about, verdict)
    labels = {
        identity: Labelled(
            stored.review.document, frozenset(topic for topic, (about, _) in last[identity].items() if about), stored.sample
        )
        for identity, stored in documents.items()
    }
    return labels, conflicts


def canonical_json(value: object) -> str:
    """Write JSON one way only, in ASCII: PostgreSQL refuses a NUL in a text, and neither database a broken surrogate pair."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _words(review: Review) -> Iterator[tuple[str, bool]]:
    yield from ((topic, True) for topic in (*review.accepted, *review.added))
    yield from ((topic, False) for topic in review.rejected)


def check_name(name: str, value: str) -> None:
    """Refuse a name that is missing, too long or not printable."""
    if not value.strip():
        raise InvalidReviewError(f"The `{name}` is missing: say it in 1 to {_LONGEST_NAME} characters.")
    if len(value) > _LONGEST_NAME or not value.isprintable():
        raise InvalidReviewError(f"The `{name}` {value[:40]!r} must be 1 to {_LONGEST_NAME} printable characters.")


def check_document(document: Mapping[str, str]) -> None:
    """Refuse a document that has no text, or another part than `PARTS`."""
    for part, text in document.items():
        if part not in PARTS or not isinstance(text, str):
            raise InvalidReviewError(f"The part {part!r} of the document is none: give text in {', '.join(PARTS)}.")
    if not any(document.get(part, "").strip() for part in ("title", "lead", "body")):
        raise InvalidReviewError("The document has no text: give a `body`, `lead` or `title`.")


def _moment(time: str) -> datetime:
    try:
        moment = datetime.fromisoformat(time)
        if moment.tzinfo is not None and time.isprintable():
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidReviewError(f"The time {time[:40]!r} is no ISO 8601 with its zone: write it as 2026-01-31T08:15:00Z.")


def instant(time: str) -> int:
    """Return the microseconds since 1970 of a time as `utc` reads it."""
    return (_moment(time) - _EPOCH) // timedelta(microseconds=1)


def now_utc() -> str:
    """Return the time now as ISO 8601 in UTC, to the second."""
    return utc(datetime.now(UTC).isoformat(timespec="seconds"))

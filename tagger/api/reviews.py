"""HTTP for reviews: what editors say of tags comes in, stored reviews and documents to review go out. Decides no merging."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import TypedDict
from werkzeug.exceptions import UnsupportedMediaType

from tagger.api.bodies import read_body, read_json
from tagger.api.operations import JSON, Operation, Parameter
from tagger.api.queries import number
from tagger.errors import InvalidReviewError
from tagger.metrics import Metrics
from tagger.registry import Release, is_release_name
from tagger.reviews.queue import Reason
from tagger.reviews.review import Place, Review, StoredReview, check_review, utc
from tagger.reviews.store import ReviewStore

MOST_AT_ONCE = 1000
_LARGEST_NUMBER = 2**63 - 1


def _whole(default: int, least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "default": default, "minimum": least, "maximum": most}


class DocumentParts(BaseModel):
    """The parts of a reviewed document. Unknown keys are ignored, so that a CMS can send its own record."""

    model_config = ConfigDict(strict=True, extra="ignore")

    kind: str | None = None
    title: str | None = None
    lead: str | None = None
    body: str | None = None
    rubric: str | None = None


class SentReview(BaseModel):
    """A review as it is sent. A misspelt key is refused: it would lose a verdict without a word."""

    model_config = ConfigDict(strict=True, extra="forbid")

    key: str | None = None
    document: DocumentParts
    release: str
    accepted: list[str] = Field(default_factory=list)
    rejected: list[str] = Field(default_factory=list)
    added: list[str] = Field(default_factory=list)
    reviewer: str
    time: str | None = None


class PlaceObject(TypedDict):
    """Where a review stands in the store."""

    number: int
    key: str


class PlacesObject(TypedDict):
    """Where the reviews of an array stand, in its order; `stored` counts those that were not there before."""

    reviews: list[PlaceObject]
    stored: int


class ReviewObject(TypedDict):
    """A stored review; `sample` says why its document had been handed out for review, if it had."""

    number: int
    key: str
    document: dict[str, str]
    release: str
    accepted: list[str]
    rejected: list[str]
    added: list[str]
    reviewer: str
    time: str
    sample: str | None


class ReviewsObject(TypedDict):
    """A page of reviews; `next` is the `after` of the next page, null on the last one."""

    reviews: list[ReviewObject]
    next: int | None


class QueueItemObject(TypedDict):
    """A document to review, what was said of it, and why it was chosen."""

    document_id: str
    document: dict[str, str]
    release: str
    scores: dict[str, float]
    tags: list[str]
    reason: Reason


class QueueObject(TypedDict):
    """Documents to review next; none of them is handed out again."""

    documents: list[QueueItemObject]


_KEY = Parameter(
    "Idempotency-Key", "header", "The key of one review: sent twice, it is stored once.", {"type": "string", "maxLength": 200}
)
OPERATIONS = (
    Operation(
        "POST",
        "/v1/reviews",
        "Say what is right",
        f"What an editor says of the tags of a document: a review, or an array of up to {MOST_AT_ONCE}, stored whole or not at "
        "all. 201 when something new was stored, 200 when all of it had been stored before.",
        "review",
        {JSON: PlaceObject | PlacesObject},
        "curl -s http://127.0.0.1:8000/v1/reviews -H 'Content-Type: application/json' --data @review.json",
        takes={JSON: SentReview | list[SentReview]},
        parameters=(_KEY,),
        statuses=(200, 201),
        problems=(400, 409, 413, 415, 422, 503),
    ),
    Operation(
        "GET",
        "/v1/reviews",
        "What was said",
        "The stored reviews, in the order of storing.",
        "review",
        {JSON: ReviewsObject},
        "curl -s 'http://127.0.0.1:8000/v1/reviews?after=0&limit=10'",
        parameters=(
            Parameter("after", "query", "The number of the last review seen.", _whole(0, 0, _LARGEST_NUMBER)),
            Parameter("limit", "query", "How many at most.", _whole(100, 1, 1000)),
        ),
        problems=(400, 503),
    ),
    Operation(
        "GET",
        "/v1/reviews/queue",
        "What to review next",
        "Of the documents answered lately: 70 % closest to a threshold, 10 % of rare topics, 20 % drawn by chance. None comes "
        "twice.",
        "review",
        {JSON: QueueObject},
        "curl -s 'http://127.0.0.1:8000/v1/reviews/queue?limit=5'",
        parameters=(Parameter("limit", "query", "How many at most.", _whole(20, 1, 1000)),),
        problems=(400, 503),
    ),
)


def review_routes(
    store: ReviewStore,
    release: Callable[[], Release],
    known_topics: Callable[[], frozenset[str]],
    metrics: Metrics,
    max_bytes: int,
) -> Blueprint:
    """Return the routes of a store; `release` has the thresholds of the queue, `known_topics` what a review may name."""
    blueprint = Blueprint("reviews", __name__)

    @blueprint.post("/v1/reviews")
    def add() -> tuple[Response, HTTPStatus]:
        record = _sent(max_bytes)
        if isinstance(record, list):
            places = store.place(_reviews(record, known_topics()))
            new = sum(place.new for place in places)
            metrics.reviews_stored(new)
            return jsonify({"reviews": [_place(place) for place in places], "stored": new}), _status(new)
        (place,) = store.place([_review(record, known_topics(), request.headers.get("Idempotency-Key"))])
        metrics.reviews_stored(int(place.new))
        return jsonify(_place(place)), _status(place.new)

    @blueprint.get("/v1/reviews")
    def page() -> Response:
        after, limit = number("after", 0, 0, _LARGEST_NUMBER), number("limit", 100, 1, 1000)
        stored = store.reviews(after, limit + 1)
        shown = stored[:limit]
        return jsonify(
            {"reviews": [_record(each) for each in shown], "next": shown[-1].number if len(stored) > limit else None}
        )

    @blueprint.get("/v1/reviews/queue")
    def queue() -> Response:
        limit = number("limit", 20, 1, 1000)
        # Which documents are drawn must not be the same in every process and after every start.
        items = store.queue(release().policy.thresholds, limit, secrets.randbits(32))
        answer = jsonify({"documents": [asdict(item) for item in items]})
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return blueprint


def _sent(max_bytes: int) -> Any:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(
            f"The Content-Type is {request.mimetype or 'missing'!r}: send a review, or an array of them, as `application/json`."
        )
    return read_json(read_body(max_bytes))


def _reviews(records: list[Any], known: frozenset[str]) -> list[Review]:
    if not 1 <= len(records) <= MOST_AT_ONCE:
        raise InvalidReviewError(f"The array holds {len(records)} reviews: send 1 to {MOST_AT_ONCE} at once.")
    if "Idempotency-Key" in request.headers:
        raise InvalidReviewError("An Idempotency-Key is for one review: in an array, give each review its `key`.")
    reviews = []
    for index, record in enumerate(records):
        try:
            reviews.append(_review(record, known))
        except InvalidReviewError as error:
            raise InvalidReviewError(f"[{index}]: {error}") from error
    return reviews


def _review(record: Any, known: frozenset[str], header: str | None = None) -> Review:
    """Check one review. Its key is its own, the header's, or else a new one: the same words twice may be meant twice."""
    sent = _read(record)
    if header is not None and sent.key not in (None, header):
        raise InvalidReviewError(f"The `key` {sent.key!r} and the Idempotency-Key {header!r} differ: send one of them.")
    key = next((key for key in (sent.key, header) if key is not None), uuid4().hex)
    review = Review(
        key,
        {part: text for part, text in sent.document.model_dump().items() if text},
        sent.release,
        tuple(sent.accepted),
        tuple(sent.rejected),
        tuple(sent.added),
        sent.reviewer,
        "" if sent.time is None else utc(sent.time),
    )
    check_review(review)
    _check_names(review, known)
    return review


def _read(record: Any) -> SentReview:
    if not isinstance(record, dict):
        raise InvalidReviewError("A review must be a JSON object: `document`, `release`, `reviewer`, and verdicts on topics.")
    try:
        return SentReview.model_validate(record)
    except ValidationError as error:
        raise InvalidReviewError(_first_problem(error)) from error


def _check_names(review: Review, known: frozenset[str]) -> None:
    if not is_release_name(review.release):
        raise InvalidReviewError(
            f"The release {review.release!r} is no name of one: give the `release` of the answer, as 20260131T000000Z-0a1b2c3d."
        )
    topics = (*review.accepted, *review.rejected, *review.added)
    if unknown := [topic for topic in topics if topic not in known]:
        raise InvalidReviewError(f"The topic {unknown[0]!r} is unknown: the topics are {', '.join(sorted(known))}.")


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in problem["loc"]).lstrip(".")
    if problem["type"] == "missing":
        return f"The `{where}` is missing."
    if problem["type"] == "extra_forbidden":
        return f"`{where}` is no part of a review: its parts are {', '.join(SentReview.model_fields)}."
    if problem["type"] in {"model_type", "dict_type"}:
        return f"`{where}` must be a JSON object with text in `title`, `lead` or `body`."
    return f"`{where}`: {problem['msg'][0].lower()}{problem['msg'][1:]}."


def _status(new: int) -> HTTPStatus:
    return HTTPStatus.CREATED if new else HTTPStatus.OK


def _place(place: Place) -> Mapping[str, Any]:
    return {"number": place.number, "key": place.key}


def _record(stored: StoredReview) -> Mapping[str, Any]:
    return {"number": stored.number, **asdict(stored.review), "sample": stored.sample}

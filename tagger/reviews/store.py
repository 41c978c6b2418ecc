"""The review store: reviews, answers and what was handed out, as tables that only grow.

Numbers follow the order of storing, so that a reader who pages by number misses nothing. Knows nothing of HTTP, releases or
training.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from tagger.errors import ReviewConflictError
from tagger.reviews.database import Database, State
from tagger.reviews.queue import Candidate, Order, QueueItem, Reason, choose, is_kept_for_random, shares_due
from tagger.reviews.review import (
    Answer,
    Place,
    Review,
    StoredReview,
    canonical_json,
    check_document,
    check_name,
    check_review,
    document_id,
    instant,
    now_utc,
)

_CHUNK = 1000  # values in one IN (...): SQLite takes 32,766, PostgreSQL 65,535

TABLES = sa.MetaData()
_documents = sa.Table(
    "documents", TABLES, sa.Column("id", sa.String(64), primary_key=True), sa.Column("parts", sa.Text, nullable=False)
)
_reviews = sa.Table(
    "reviews",
    TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("document", sa.ForeignKey("documents.id"), nullable=False, index=True),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("accepted", sa.Text, nullable=False),
    sa.Column("rejected", sa.Text, nullable=False),
    sa.Column("added", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("instant", sa.BigInteger, nullable=False, index=True),
    sa.UniqueConstraint("key", name="reviews_key"),
)
_answers = sa.Table(
    "answers",
    TABLES,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("document", sa.ForeignKey("documents.id"), nullable=False, index=True),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("scores", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("abstained", sa.Text),
    sa.Column("unknown_share", sa.Float, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
    sa.Column("instant", sa.BigInteger, nullable=False, index=True),
)
# No foreign key: the text of a document that nobody reviewed may be pruned, that it was handed out is remembered.
_samples = sa.Table(
    "samples",
    TABLES,
    sa.Column("document", sa.String(64), primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("time", sa.Text, nullable=False),
)


class ReviewStore:
    """Reviews, answers and what was handed out, in the database at `url`; may be used by any number of threads.

    url: `sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/DATABASE`. wait_seconds: how long to wait for another
    writer, or for a connection, before giving up. Every method that asks the database raises `StoreUnavailableError`
    when it does not answer.
    """

    def __init__(self, url: str, *, wait_seconds: float = 5.0) -> None:
        self.database = Database(url, wait_seconds)

    def migrate(self) -> None:
        """Bring the tables up to date; processes that do so at once wait for each other."""
        self.database.migrate()

    def state(self) -> State:
        """Tell whether the tables are there and up to date, without changing any."""
        return self.database.state()

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def add(self, review: Review) -> bool:
        """Store a review, and return True once the disk has it; False where the very same one was there under its key.

        Raises:
            InvalidReviewError: as `check_review`.
            ReviewConflictError: the key holds another review.
        """
        return self.place([review])[0].new

    def add_all(self, reviews: Sequence[Review]) -> int:
        """Store all reviews or none, and return how many are new. Raises as `add`."""
        return sum(place.new for place in self.place(reviews))

    def place(self, reviews: Sequence[Review]) -> list[Place]:
        """Store all reviews or none, and return where each one stands. Raises as `add`."""
        for review in reviews:
            check_review(review)
        with self.database.writing() as connection:
            held = _held(connection, [review.key for review in reviews])
            number = _last_number(connection, _reviews)
            new: list[StoredReview] = []
            places = []
            for index, review in enumerate(reviews):
                stored = held.get(review.key)
                if stored is None:
                    new.append(StoredReview(number + len(new) + 1, _timed(review), None))
                    held[review.key] = new[-1]
                elif not _same(stored.review, review):
                    _refuse(stored, index if len(reviews) > 1 else None)
                places.append(Place(held[review.key].number, review.key, stored is None))
            _insert_documents(connection, [stored.review.document for stored in new])
            _insert(connection, _reviews, [_review_row(stored) for stored in new])
        return places

    def reviews(self, after: int = 0, limit: int = 100, since: str | None = None) -> list[StoredReview]:
        """Return reviews in number order: those with a higher number than `after`, made at the time `since` or later."""
        query = _stored_reviews().where(_reviews.c.number > after).order_by(_reviews.c.number).limit(limit)
        if since is not None:
            query = query.where(_reviews.c.instant >= instant(since))
        with self.database.reading() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def count(self) -> int:
        """Return how many reviews there are."""
        with self.database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(_reviews)).scalar_one()

    def add_answers(self, answers: Sequence[Answer]) -> None:
        """Store all answers or none.

        Raises:
            InvalidReviewError: a document has no text or another part than `PARTS`, or a time is none.
        """
        for answer in answers:
            check_document(answer.document)
            check_name("release", answer.release)
        with self.database.writing() as connection:
            first = _last_number(connection, _answers) + 1
            _insert_documents(connection, [answer.document for answer in answers])
            _insert(connection, _answers, [_answer_row(number, answer) for number, answer in enumerate(answers, first)])

    def answers(
        self, since: str | None = None, limit: int = 100, *, release: str | None = None, texts: bool = True
    ) -> list[Answer]:
        """Return the answers stored last, newest first, given at the time `since` or later.

        release: only those of this one. texts: False leaves `document` empty, which reads a hundredth of the bytes.
        """
        parts = _documents.c.parts if texts else sa.literal("{}").label("parts")
        query = sa.select(_answers, parts).order_by(_answers.c.number.desc()).limit(limit)
        query = query.join(_documents) if texts else query
        query = query.where(_answers.c.release == release) if release is not None else query
        if since is not None:
            query = query.where(_answers.c.instant >= instant(since))
        with self.database.reading() as connection:
            return [_answer(row) for row in connection.execute(query)]

    def prune_answers(self, keep: int) -> int:
        """Remove all but the newest `keep` answers (0 or more), and documents that then have neither answer nor review.

        Returns how many answers are gone. Reviews, and what was handed out, stay for ever.
        """
        if keep < 0:
            raise ValueError(f"keep must not be negative: {keep}")
        removed = 0
        while batch := self._prune_some(keep):
            removed += batch
        return removed

    def _prune_some(self, keep: int) -> int:
        """Remove a few: 90,000 answers in one transaction took seven seconds, and other writers give up after five."""
        beyond = sa.select(_answers.c.number, _answers.c.document).order_by(_answers.c.number.desc()).offset(keep).limit(_CHUNK)
        with self.database.writing() as connection:
            rows = connection.execute(beyond).all()
            connection.execute(sa.delete(_answers).where(_answers.c.number.in_([row.number for row in rows])))
            named = (sa.exists().where(table.c.document == _documents.c.id) for table in (_reviews, _answers))
            unnamed = [_documents.c.id.in_({row.document for row in rows}), *(~exists for exists in named)]
            connection.execute(sa.delete(_documents).where(*unnamed))
        return len(rows)

    def queue(self, thresholds: Mapping[str, float], limit: int, seed: int) -> list[QueueItem]:
        """Hand out at most `limit` documents that nobody reviewed and that were not handed out before, each with its reason.

        thresholds: of each topic, in [0, 1]. Reasons keep to `SHARES` over all calls, as far as there are documents for
        each. A document without scores (too short, not French) is only ever handed out at random.
        """
        while True:
            chosen = self._chosen(thresholds, limit, seed)
            now = now_utc()
            with self.database.writing() as connection:
                # Choosing among 100,000 answers takes a second: too long to keep others from writing.
                if _are_free(connection, [candidate.document for candidate, _ in chosen]):
                    _insert(connection, _samples, [{"document": c.document, "reason": r, "time": now} for c, r in chosen])
                    return _queue_items(connection, chosen)

    def _chosen(self, thresholds: Mapping[str, float], limit: int, seed: int) -> list[tuple[Candidate, Reason]]:
        with self.database.reading() as connection:
            candidates = _candidates(connection, thresholds)
            handed_out, reviewed = _handed_out(connection), _reviewed_topics(connection)
        quotas = shares_due(min(limit, len(candidates)), handed_out)
        return choose(candidates, quotas, Order(thresholds, reviewed, seed))


def _candidates(connection: Connection, thresholds: Mapping[str, float]) -> list[Candidate]:
    """Return the newest answer on each document that may be handed out, with its scores on the topics of `thresholds`."""
    newest = sa.select(sa.func.max(_answers.c.number)).group_by(_answers.c.document)
    query = sa.select(_answers).where(_answers.c.number.in_(newest), *_untouched(_answers.c.document))
    rows = connection.execute(query.order_by(_answers.c.number))
    candidates = (
        Candidate(
            row.document,
            row.release,
            {topic: score for topic, score in json.loads(row.scores).items() if topic in thresholds},
            row.tags,
        )
        for row in rows
    )
    return [candidate for candidate in candidates if candidate.scores or is_kept_for_random(candidate.document)]


def _untouched(document: sa.Column[str]) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a document has no review and was not handed out."""
    return [~sa.exists().where(table.c.document == document) for table in (_reviews, _samples)]


def _are_free(connection: Connection, identities: Sequence[str]) -> bool:
    """Tell whether the documents are still there, and nobody reviewed or got one since they were chosen."""
    free = 0
    for chunk in _chunks(identities):
        query = sa.select(sa.func.count()).where(_documents.c.id.in_(chunk), *_untouched(_documents.c.id))
        free += connection.execute(query).scalar_one()
    return free == len(identities)


def _handed_out(connection: Connection) -> dict[str, int]:
    query = sa.select(_samples.c.reason, sa.func.count().label("documents")).group_by(_samples.c.reason)
    return {row.reason: row.documents for row in connection.execute(query)}


def _reviewed_topics(connection: Connection) -> Counter[str]:
    rows = connection.execute(sa.select(_reviews.c.accepted, _reviews.c.added))
    return Counter(topic for row in rows for topics in row for topic in json.loads(topics))


def _queue_items(connection: Connection, chosen: Sequence[tuple[Candidate, Reason]]) -> list[QueueItem]:
    parts: dict[str, str] = {}
    for identities in _chunks([candidate.document for candidate, _ in chosen]):
        query = sa.select(_documents.c.id, _documents.c.parts).where(_documents.c.id.in_(identities))
        parts |= {row.id: row.parts for row in connection.execute(query)}
    return [
        QueueItem(c.document, json.loads(parts[c.document]), c.release, c.scores, tuple(json.loads(c.tags)), reason)
        for c, reason in chosen
    ]


def _held(connection: Connection, keys: Sequence[str]) -> dict[str, StoredReview]:
    held: dict[str, StoredReview] = {}
    for chunk in _chunks(keys):
        rows = connection.execute(_stored_reviews().where(_reviews.c.key.in_(chunk)))
        held |= {row.key: _stored(row) for row in rows}
    return held


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _last_number(connection: Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.max(table.c.number))).scalar() or 0


def _insert(connection: Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(table), rows)


def _insert_documents(connection: Connection, documents: Iterable[Mapping[str, str]]) -> None:
    rows = {document_id(document): canonical_json(dict(document)) for document in documents}
    if rows:
        statement = _inserting(connection)(_documents).on_conflict_do_nothing()
        connection.execute(statement, [{"id": identity, "parts": parts} for identity, parts in rows.items()])


def _inserting(connection: Connection) -> Any:
    if connection.dialect.name != "postgresql":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 25 ms at each start, for those who have SQLite

    return postgresql.insert


def _stored_reviews() -> sa.Select[Any]:
    return (
        sa.select(_reviews, _documents.c.parts, _samples.c.reason)
        .join(_documents, _documents.c.id == _reviews.c.document)
        .outerjoin(_samples, _samples.c.document == _reviews.c.document)
    )


def _stored(row: sa.Row[Any]) -> StoredReview:
    accepted, rejected, added = (tuple(json.loads(topics)) for topics in (row.accepted, row.rejected, row.added))
    review = Review(row.key, json.loads(row.parts), row.release, accepted, rejected, added, row.reviewer, row.time)
    return StoredReview(row.number, review, row.reason)


def _review_row(stored: StoredReview) -> dict[str, Any]:
    review = stored.review
    return {
        "number": stored.number,
        "key": review.key,
        "document": document_id(review.document),
        "release": review.release,
        "accepted": canonical_json(review.accepted),
        "rejected": canonical_json(review.rejected),
        "added": canonical_json(review.added),
        "reviewer": review.reviewer,
        "time": review.time,
        "instant": instant(review.time),
    }


def _answer(row: sa.Row[Any]) -> Answer:
    scores, tags = json.loads(row.scores), tuple(json.loads(row.tags))
    return Answer(json.loads(row.parts), row.release, scores, tags, row.abstained, row.unknown_share, row.time)


def _answer_row(number: int, answer: Answer) -> dict[str, Any]:
    time = answer.time or now_utc()
    return {
        "number": number,
        "document": document_id(answer.document),
        "release": answer.release,
        "scores": canonical_json(dict(answer.scores)),
        "tags": canonical_json(answer.tags),
        "abstained": answer.abstained,
        "unknown_share": answer.unknown_share,
        "time": time,
        "instant": instant(time),
    }


def _timed(review: Review) -> Review:
    return review if review.time else replace(review, time=now_utc())


def _same(stored: Review, review: Review) -> bool:
    """Tell whether a review is the stored one sent again; one that came without a time was given the store's."""
    return stored == replace(review, document=dict(review.document), time=review.time or stored.time)


def _refuse(stored: StoredReview, index: int | None) -> NoReturn:
    where = "" if index is None else f"[{index}]: "
    key, number = stored.review.key, stored.number
    raise ReviewConflictError(f"{where}The key {key!r} already holds another review, number {number}: choose a new key.")

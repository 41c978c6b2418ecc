"""The review store, on SQLite and PostgreSQL alike: nothing acknowledged is lost, nothing is stored twice."""

import os
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from tagger.errors import InvalidReviewError, ReviewConflictError, StoreUnavailableError
from tagger.reviews.review import Answer, Conflict, Review, StoredReview, Verdict, document_id, topics_by_document, utc
from tagger.reviews.store import TABLES, ReviewStore
from tests.postgres import Server

NOON = "2026-01-31T12:00:00Z"
RELEASE = "20260101T000000Z-0a1b2c3d"
THRESHOLDS = {"cuisine": 0.5, "velo": 0.5}


def review(key: str = "k", **changes: object) -> Review:
    plain = Review(key, {"title": f"Le chef épluche l’oignon ({key})"}, RELEASE, ("cuisine",), (), ("velo",), "ana", NOON)
    return replace(plain, **changes)  # type: ignore[arg-type]


def answer(title: str, cuisine: float = 0.9, velo: float = 0.1, time: str = NOON) -> Answer:
    return Answer({"title": title}, RELEASE, {"cuisine": cuisine, "velo": velo}, ("cuisine",), None, 0.25, time)


def run(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)


def test_a_review_is_read_as_it_was_stored(store: ReviewStore) -> None:
    given_review = review(document={"kind": "article", "title": "«\u00a0Œuf\u00a0» 🥚", "body": "nul \x00, demi \ud83e"})

    assert store.add(given_review)
    assert [StoredReview(1, given_review, None)] == store.reviews()
    assert store.count() == 1


def test_the_same_review_again_is_stored_once(store: ReviewStore) -> None:
    assert store.add(review())
    assert not store.add(review())
    assert store.count() == 1


def test_without_a_time_it_gets_the_stores_and_may_be_sent_again(store: ReviewStore) -> None:
    assert store.add(review(time=""))
    assert not store.add(review(time=""))

    (stored,) = store.reviews()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stored.review.time)


@pytest.mark.parametrize(
    "change",
    [
        {"document": {"title": "Autre"}},
        {"release": "20260102T000000Z-0a1b2c3d"},
        {"accepted": ()},
        {"rejected": ("rubrique",)},
        {"added": ()},
        {"reviewer": "bob"},
        {"time": "2026-01-31T12:00:01Z"},
    ],
)
def test_a_key_that_holds_another_review(store: ReviewStore, change: dict[str, object]) -> None:
    store.add(review())

    with pytest.raises(ReviewConflictError, match="'k' already holds another review, number 1: choose a new key"):
        store.add(review(**change))
    assert [StoredReview(1, review(), None)] == store.reviews()


def test_all_or_none(store: ReviewStore) -> None:
    store.add(review("b"))

    with pytest.raises(ReviewConflictError, match=r"^\[2\]: The key 'b'"):
        store.add_all([review("a"), review("c"), review("b", reviewer="bob")])
    assert store.count() == 1
    assert 2 == store.add_all([review("a"), review("b"), review("c"), review("a")])
    assert [1, 2, 3] == [stored.number for stored in store.reviews()]


def test_no_reviews_at_all(store: ReviewStore) -> None:
    assert (0, [], 0) == (store.add_all([]), store.reviews(), store.count())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accepted": (), "added": ()}, "says nothing"),
        ({"rejected": ("cuisine",)}, "'cuisine' stands twice"),
        ({"accepted": ("a", "a")}, "'a' stands twice"),
        ({"document": {}}, "has no text"),
        ({"document": {"title": " \n", "rubric": "Sport"}}, "has no text"),
        ({"document": {"title": "a", "url": "b"}}, "part 'url'"),
        ({"document": {"title": 3}}, "part 'title'"),
        ({"key": ""}, "`key` is missing"),
        ({"key": "k" * 201}, "`key` 'kkk.*1 to 200 printable"),
        ({"key": "a\x00b"}, "`key` .*printable"),
        ({"reviewer": " "}, "`reviewer` is missing"),
        ({"reviewer": "\ud83e"}, "`reviewer` .*printable"),
        ({"release": "a\nb"}, "`release` .*printable"),
        ({"time": "yesterday"}, "'yesterday' is no ISO 8601"),
        ({"time": "2026-01-31T12:00:00"}, "with its zone"),
        ({"time": "2026-02-30T12:00:00Z"}, "no ISO 8601"),
        ({"time": "2026-01-31\x0012:00:00Z"}, "no ISO 8601"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "no ISO 8601"),
    ],
)
def test_a_review_that_is_none(store: ReviewStore, change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InvalidReviewError, match=sentence):
        store.add(review(**change))
    assert store.count() == 0


def test_pages_hold_every_review_once(store: ReviewStore) -> None:
    store.add_all([review(str(n)) for n in range(25)])

    pages, after = [], 0
    while page := store.reviews(after, limit=10):
        pages.append(len(page))
        after = page[-1].number
    assert ([10, 10, 5], 25) == (pages, after)


def test_a_clock_that_goes_back_loses_nothing(store: ReviewStore) -> None:
    store.add(review("a", time="2026-01-31T12:00:00Z"))
    store.add(review("b", time="2026-01-31T11:00:00Z"))

    assert ["b"] == [stored.review.key for stored in store.reviews(after=1)]


def test_since_compares_times_not_their_spelling(store: ReviewStore) -> None:
    times = ["2026-01-31T11:59:59Z", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.5Z"]
    store.add_all([review(time, time=time) for time in times])

    assert times[1:] == [stored.review.time for stored in store.reviews(since="2026-01-31T12:00:00Z")]
    with pytest.raises(InvalidReviewError, match="no ISO 8601"):
        store.reviews(since="lundi")


def test_ten_thousand_at_once(store: ReviewStore) -> None:
    reviews = [review(str(n)) for n in range(10_000)]

    assert 10_000 == store.add_all(reviews)
    assert 0 == store.add_all(reviews)
    assert reviews == [stored.review for stored in store.reviews(limit=20_000)]


def test_writers_at_once_lose_nothing(store: ReviewStore) -> None:
    start = threading.Barrier(8)

    def write(writer: int) -> list[bool]:
        start.wait()
        return [store.add(review(f"{writer}-{n}")) for n in range(20)] + [store.add(review("shared"))]

    with ThreadPoolExecutor(8) as threads:
        stored = [new for news in threads.map(write, range(8)) for new in news]

    assert {True: 161, False: 7} == Counter(stored)
    assert list(range(1, 162)) == [each.number for each in store.reviews(limit=1000)]


def test_a_reader_that_pages_while_others_write_misses_nothing(store: ReviewStore) -> None:
    seen: list[int] = []
    with ThreadPoolExecutor(4) as threads:
        writes = [threads.submit(store.add, review(f"{n}")) for n in range(80)]
        while len(seen) < 80:
            done = all(write.done() for write in writes)
            seen += [stored.number for stored in store.reviews(after=seen[-1] if seen else 0)]
            assert not done or len(seen) == 80

    assert list(range(1, 81)) == seen


def test_processes_that_migrate_at_once(database: str) -> None:
    script = "import sys; from tagger.reviews import store; s = store.ReviewStore(sys.argv[1]); input(); s.migrate(); s.close()"
    command = [sys.executable, "-c", script, database]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()

    assert [(0, "")] * 4 == [(process.wait(), process.communicate()[1]) for process in processes]


def test_migrations_make_the_tables_that_the_store_uses(store: ReviewStore, database: str) -> None:
    store.migrate()
    engine = sa.create_engine(database)
    with engine.connect() as connection:
        assert [] == compare_metadata(MigrationContext.configure(connection), TABLES)
    engine.dispose()


def test_sqlite_has_the_settings_that_durability_needs(tmp_path: Path) -> None:
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    with store.database.engine.connect() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    store.close()

    assert ["wal", 2, 1, 5000] == values


def test_a_store_of_a_newer_tagger(store: ReviewStore, database: str) -> None:
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StoreUnavailableError, match="made by a newer tagger"):
        store.migrate()


def test_a_store_that_was_not_migrated(database: str) -> None:
    store = ReviewStore(database)
    with pytest.raises(StoreUnavailableError, match=r"does not answer .*reviews"):
        store.count()
    store.close()


def test_a_server_that_goes_away_and_comes_back(postgres_server: Server) -> None:
    store = ReviewStore(postgres_server.new_database("restarted"))
    store.migrate()
    store.add(review("before"))
    postgres_server.stop()
    try:
        with pytest.raises(StoreUnavailableError, match="does not answer"):
            store.add(review("lost"))
    finally:
        postgres_server.start()

    assert store.add(review("after"))
    assert ["before", "after"] == [stored.review.key for stored in store.reviews()]
    store.close()


def test_a_server_that_restarts_between_two_reviews_is_not_noticed(postgres_server: Server) -> None:
    store = ReviewStore(postgres_server.new_database("unnoticed"))
    store.migrate()
    postgres_server.stop()
    postgres_server.start()

    assert store.add(review())
    store.close()


def test_a_locked_file_is_given_up_and_works_again(tmp_path: Path) -> None:
    path = tmp_path / "reviews.db"
    store = ReviewStore(f"sqlite:///{path}", wait_seconds=0.05)
    store.migrate()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="database is locked"):
        store.add(review())
    other.execute("ROLLBACK")
    other.close()

    assert store.add(review())
    store.close()


def test_a_locked_server_is_given_up_and_works_again(postgres_server: Server) -> None:
    url = postgres_server.new_database("locked")
    store, other = ReviewStore(url, wait_seconds=0.05), ReviewStore(url)
    store.migrate()
    with other.database.writing(), pytest.raises(StoreUnavailableError, match="lock timeout"):
        store.add(review())

    assert store.add(review())
    store.close()
    other.close()


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 300 kB, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path: Path, small_disk: None) -> None:  # noqa: ARG001
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    store.migrate()
    store.add(review("before"))
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        store.add(review("large", document={"body": "a" * 400_000}))

    assert store.add(review("after"))
    assert ["before", "after"] == [stored.review.key for stored in store.reviews()]
    store.close()


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    store = ReviewStore(f"sqlite:///{tmp_path / 'none' / 'reviews.db'}")
    with pytest.raises(StoreUnavailableError, match="unable to open database file"):
        store.migrate()
    (tmp_path / "none").mkdir()
    store.migrate()
    assert store.add(review())
    store.close()


@pytest.mark.parametrize("query", ["sslpassword=hunter3", "host=/none/hunter2"])
def test_no_password_is_told(query: str) -> None:
    """Not even where the driver's own words repeat it, as those on a socket that is named like it do."""
    store = ReviewStore(f"postgresql+psycopg://tagger:hunter2@127.0.0.1:1/tagger?{query}")
    with pytest.raises(StoreUnavailableError) as caught:
        store.count()
    store.close()

    assert "hunter" not in str(caught.value)
    assert "tagger:***@127.0.0.1:1/tagger" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["", "reviews.db", "sqlite://", "sqlite:///:memory:", "mysql://u:hunter2@h/d", "postgresql+psycopg://u:hunter2@h:x/d"],
)
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(StoreUnavailableError, match=r"^The URL of the review store cannot be used") as caught:
        ReviewStore(url)
    assert "hunter2" not in str(caught.value)


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'reviews.db'}"
    script = """
import itertools, sys
from tagger.reviews.review import Review
from tagger.reviews.store import ReviewStore
store = ReviewStore(sys.argv[1])
store.migrate()
for n in itertools.count():
    store.add(Review(str(n), {"title": f"a {n}"}, "r", ("cuisine",), (), (), "ana"))
    print(n, flush=True)
"""
    with run(script, url) as process:
        assert process.stdout is not None
        for _ in range(50):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        last = 49 + len(process.stdout.readlines())

    store = ReviewStore(url)
    kept = [stored.review.key for stored in store.reviews(limit=100_000)]
    assert [str(n) for n in range(len(kept))] == kept
    assert len(kept) in {last, last + 1, last + 2}
    assert store.add(review("next"))
    store.close()


def test_answers_come_newest_first(store: ReviewStore) -> None:
    given_answers = [answer("a", time="2026-01-31T11:00:00Z"), answer("b"), answer("a", time="2026-01-31T13:00:00+00:00")]
    store.add_answers(given_answers[:2])
    store.add_answers(given_answers[2:])
    store.add_answers([])

    assert given_answers[::-1] == store.answers()
    assert given_answers[:0:-1] == store.answers(since=NOON)
    assert given_answers[2:] == store.answers(limit=1)


def test_an_answer_without_text_or_time(store: ReviewStore) -> None:
    with pytest.raises(InvalidReviewError, match="has no text"):
        store.add_answers([answer("a"), answer("")])
    assert [] == store.answers()
    store.add_answers([answer("a", time="")])
    assert store.answers()[0].time.endswith("Z")


def test_a_document_is_told_by_its_parts_in_any_order() -> None:
    assert document_id({"title": "é", "body": "b"}) == document_id({"body": "b", "title": "é"})
    assert document_id({"title": "é"}) != document_id({"lead": "é"})


def spread(store: ReviewStore, documents: int) -> None:
    """Answers with cuisine's score from 0 to 1, and velo always a little under its threshold's half."""
    store.add_answers([answer(f"t{n}", cuisine=n / documents) for n in range(documents)])


def test_the_queue_keeps_its_shares(store: ReviewStore) -> None:
    spread(store, 200)

    items = store.queue(THRESHOLDS, 20, seed=1)

    assert {"near_threshold": 14, "rare_topic": 2, "random": 4} == Counter(item.reason for item in items)
    near = [abs(item.scores["cuisine"] - 0.5) for item in items if item.reason == "near_threshold"]
    assert max(near) < 0.1
    assert all(document_id(item.document) == item.document_id for item in items)


def test_the_queue_keeps_its_shares_one_by_one(store: ReviewStore) -> None:
    spread(store, 200)

    items = [item for seed in range(20) for item in store.queue(THRESHOLDS, 1, seed)]

    assert {"near_threshold": 14, "rare_topic": 2, "random": 4} == Counter(item.reason for item in items)


def test_the_queue_hands_out_each_document_once_until_none_is_left(store: ReviewStore) -> None:
    spread(store, 50)
    handed = []
    while items := store.queue(THRESHOLDS, 7, seed=len(handed)):
        handed += [item.document["title"] for item in items]

    assert sorted(f"t{n}" for n in range(50)) == sorted(handed)


def test_the_queue_hands_out_each_document_once_to_many_at_once(store: ReviewStore) -> None:
    spread(store, 80)
    with ThreadPoolExecutor(8) as threads:
        queues = list(threads.map(lambda seed: store.queue(THRESHOLDS, 10, seed), range(8)))

    assert 80 == len({item.document_id for items in queues for item in items})


@pytest.mark.parametrize("documents", range(4))
def test_the_queue_of_a_few_documents(store: ReviewStore, documents: int) -> None:
    spread(store, documents)
    assert documents == len(store.queue(THRESHOLDS, 20, seed=1))


def test_the_queue_leaves_out_what_was_reviewed_and_tells_the_last_answer(store: ReviewStore) -> None:
    store.add_answers([answer("a"), answer("b", cuisine=0.2), answer("b", cuisine=0.4)])
    store.add(review(document={"title": "a"}))

    (item,) = store.queue(THRESHOLDS, 20, seed=1)

    assert ({"title": "b"}, 0.4) == (item.document, item.scores["cuisine"])


def test_rare_topics_are_those_least_reviewed(store: ReviewStore) -> None:
    store.add_answers([answer(f"c{n}", cuisine=0.99, velo=0.2) for n in range(50)])
    store.add_answers([answer(f"v{n}", cuisine=0.2, velo=0.99) for n in range(50)])
    store.add_all([review(str(n), accepted=("velo",), added=()) for n in range(3)])

    rare = [item for item in store.queue(THRESHOLDS, 50, seed=1) if item.reason == "rare_topic"]

    assert 5 == len(rare)
    assert all(item.scores["cuisine"] == 0.99 for item in rare)


def test_reviews_tell_why_their_document_was_handed_out(store: ReviewStore) -> None:
    spread(store, 40)
    items = store.queue(THRESHOLDS, 10, seed=1)
    store.add_all([review(item.document_id, document=item.document) for item in items])
    store.add(review("own"))

    assert [*(item.reason for item in items), None] == [stored.sample for stored in store.reviews()]


def test_the_random_sample_is_no_poorer_in_what_is_near_a_threshold(tmp_path: Path) -> None:
    """However much the other reasons take first, the random documents look like the stream: unbiased, for evaluation."""
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    store.migrate()
    spread(store, 2000)
    items = [item for seed in range(16) for item in store.queue(THRESHOLDS, 100, seed)]
    scores = [item.scores["cuisine"] for item in items if item.reason == "random"]
    store.close()

    near = sum(abs(score - 0.5) < 0.2 for score in scores) / len(scores)
    assert 300 <= len(scores)
    assert near == pytest.approx(0.4, abs=0.07)


def test_what_abstained_is_handed_out_at_random_alone(store: ReviewStore) -> None:
    short = [replace(answer(f"s{n}"), scores={}, tags=(), abstained="too_short") for n in range(100)]
    store.add_answers(short)

    items = store.queue(THRESHOLDS, 100, seed=1)

    assert {"random"} == {item.reason for item in items}
    assert 10 <= len(items) <= 30


def test_pruning_keeps_the_newest_answers_and_all_reviews(store: ReviewStore) -> None:
    spread(store, 20)
    store.add(review(document={"title": "t3"}))

    assert 15 == store.prune_answers(5)
    assert ["t19", "t18", "t17", "t16", "t15"] == [kept.document["title"] for kept in store.answers()]
    assert [{"title": "t3"}] == [stored.review.document for stored in store.reviews()]
    assert 0 == store.prune_answers(5)
    assert 5 == store.prune_answers(0)
    spread(store, 2)
    assert 2 == len(store.answers())


def test_pruning_beside_writers(store: ReviewStore) -> None:
    """Documents that are answered, reviewed and pruned at once are never pulled from under a review."""
    titles = [f"t{n}" for n in range(30)]
    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(store.add_answers, [answer(title) for title in titles]) for _ in range(8)]
        work += [threads.submit(store.prune_answers, 3) for _ in range(8)]
        work += [threads.submit(store.add, review(title, document={"title": title})) for title in titles]
        for each in work:
            each.result()

    assert sorted(titles) == sorted(stored.review.document["title"] for stored in store.reviews())


def test_pruning_less_than_none(store: ReviewStore) -> None:
    with pytest.raises(ValueError, match="negative: -1"):
        store.prune_answers(-1)


def stored_review(number: int, title: str = "a", **changes: object) -> StoredReview:
    plain = {"document": {"title": title}, "accepted": (), "added": ()}
    return StoredReview(number, review(str(number), **{**plain, **changes}), None)


def test_the_last_word_wins_and_contradictions_are_told() -> None:
    first = stored_review(1, accepted=("cuisine", "velo"), reviewer="ana")
    second = stored_review(2, rejected=("cuisine",), added=("velo", "mer"), reviewer="bob")

    labels, conflicts = topics_by_document([second, first])

    identity = document_id({"title": "a"})
    assert {identity: frozenset({"velo", "mer"})} == {key: labelled.topics for key, labelled in labels.items()}
    assert [Conflict(identity, "cuisine", Verdict("ana", 1), Verdict("bob", 2))] == conflicts


@st.composite
def verdicts(draw: st.DrawFn) -> dict[str, str]:
    return draw(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["accepted", "rejected", "added"]), min_size=1))


@given(said=st.lists(st.tuples(st.sampled_from(["x", "y"]), verdicts()), max_size=8), order=st.randoms(use_true_random=False))
def test_merging_is_replaying_in_order_of_numbers(said: list[tuple[str, dict[str, str]]], order: Random) -> None:
    reviews = [
        stored_review(
            n, title, **{name: tuple(t for t in words if words[t] == name) for name in ("accepted", "rejected", "added")}
        )
        for n, (title, words) in enumerate(said, 1)
    ]
    about: dict[str, dict[str, bool]] = {}
    turns = 0
    for title, words in said:
        known = about.setdefault(document_id({"title": title}), {})
        for topic, word in words.items():
            turns += topic in known and known[topic] != (word != "rejected")
            known[topic] = word != "rejected"
    order.shuffle(reviews)

    labels, conflicts = topics_by_document(iter(reviews))

    expected = {identity: {topic for topic, yes in topics.items() if yes} for identity, topics in about.items()}
    assert expected == {identity: set(labelled.topics) for identity, labelled in labels.items()}
    assert turns == len(conflicts)
    assert all(conflict.earlier.number < conflict.later.number for conflict in conflicts)


@pytest.mark.parametrize(
    ("time", "expected"),
    [("2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00Z"), ("20260131T120000.5Z", "2026-01-31T12:00:00.500000Z")],
)
def test_times_are_told_in_utc(time: str, expected: str) -> None:
    assert expected == utc(time)

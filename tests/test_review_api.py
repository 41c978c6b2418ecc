"""HTTP for reviews: stored once, paged by number, refused with a sentence that says what to change."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tagger.api.observation import observe
from tagger.api.problems import register_errors
from tagger.api.reviews import review_routes
from tagger.metrics import Metrics
from tagger.registry import Release
from tagger.reviews.review import Answer
from tagger.reviews.store import ReviewStore
from tests.test_api import problem

NAME = "20260101T000000Z-0a1b2c3d"
TOPICS = frozenset({"cuisine", "velo"})
REVIEW = {
    "key": "k",
    "document": {"title": "Le chef épluche l’oignon", "url": "https://example.org/1", "lead": None, "rubric": ""},
    "release": NAME,
    "accepted": ["cuisine"],
    "rejected": ["velo"],
    "reviewer": "ana",
    "time": "2026-01-31T13:00:00+01:00",
}


def make_client(store: ReviewStore, release: Release) -> FlaskClient:
    app = Flask("reviews")
    metrics = Metrics()
    observe(app, metrics)
    app.register_blueprint(review_routes(store, lambda: release, lambda: TOPICS, metrics, 1_000_000))
    register_errors(app)
    return app.test_client()


@pytest.fixture
def reviewing(store: ReviewStore, tiny_release: Release) -> FlaskClient:
    return make_client(store, tiny_release)


def send(client: FlaskClient, record: object, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/reviews", data=json.dumps(record), content_type="application/json", headers=named)


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in REVIEW.items() if name not in names}


def test_a_review_is_stored_once(reviewing: FlaskClient) -> None:
    first, second = send(reviewing, REVIEW), send(reviewing, REVIEW)

    assert (201, {"number": 1, "key": "k"}) == (first.status_code, first.get_json())
    assert (200, {"number": 1, "key": "k"}) == (second.status_code, second.get_json())


def test_a_stored_review_is_read_with_its_parts_alone_and_its_time_in_utc(reviewing: FlaskClient) -> None:
    send(reviewing, REVIEW)

    expected = REVIEW | {
        "number": 1,
        "document": {"title": "Le chef épluche l’oignon"},
        "added": [],
        "time": "2026-01-31T12:00:00Z",
        "sample": None,
    }
    assert {"reviews": [expected], "next": None} == reviewing.get("/v1/reviews").get_json()


def test_the_key_may_be_a_header(reviewing: FlaskClient) -> None:
    assert "h" == send(reviewing, without("key"), Idempotency_Key="h").get_json()["key"]
    assert 200 == send(reviewing, without("key", "time"), Idempotency_Key="h").status_code
    assert "differ" in problem(send(reviewing, REVIEW, Idempotency_Key="h"), 422)


def test_without_a_key_each_review_is_a_new_one(reviewing: FlaskClient) -> None:
    keys = {send(reviewing, without("key")).get_json()["key"] for _ in range(2)}

    assert 2 == len(keys)


def test_the_same_key_with_another_content(reviewing: FlaskClient) -> None:
    send(reviewing, REVIEW)

    assert "already holds another review, number 1" in problem(send(reviewing, REVIEW | {"reviewer": "bob"}), 409)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accepted": ["football"]}, "The topic 'football' is unknown: the topics are cuisine, velo."),
        ({"added": ["cuisine"]}, "The topic 'cuisine' stands twice"),
        ({"accepted": [], "rejected": []}, "The review says nothing"),
        ({"document": {}}, "The document has no text"),
        ({"document": {"body": " ", "rubric": "Sport"}}, "The document has no text"),
        ({"document": "text"}, "`document` must be a JSON object"),
        ({"document": {"title": 3}}, "`document.title`: input should be a valid string"),
        ({"release": "latest"}, "The release 'latest' is no name of one"),
        ({"release": None}, "`release`: input should be a valid string"),
        ({"reviewer": ""}, "The `reviewer` is missing"),
        ({"reviewer": "a\x00"}, "printable characters"),
        ({"key": ""}, "The `key` is missing"),
        ({"key": "k" * 201}, "1 to 200 printable characters"),
        ({"time": "hier"}, "The time 'hier' is no ISO 8601"),
        ({"time": ""}, "The time '' is no ISO 8601"),
        ({"time": "2026-01-31T12:00:00"}, "with its zone"),
        ({"accepted": "cuisine"}, "`accepted`: input should be a valid list"),
        ({"accepted": [1]}, "`accepted[0]`: input should be a valid string"),
        ({"acepted": ["cuisine"]}, "`acepted` is no part of a review"),
    ],
)
def test_a_review_that_is_refused(reviewing: FlaskClient, change: dict[str, object], sentence: str) -> None:
    assert sentence in problem(send(reviewing, REVIEW | change), 422)
    assert sentence in problem(send(reviewing, [REVIEW, REVIEW | change]), 422)
    assert [] == reviewing.get("/v1/reviews").get_json()["reviews"]


@pytest.mark.parametrize("name", ["document", "release", "reviewer"])
def test_a_part_that_is_missing(reviewing: FlaskClient, name: str) -> None:
    assert f"The `{name}` is missing" in problem(send(reviewing, without(name)), 422)


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "sentence"),
    [
        ("{", "application/json", 400, "not valid JSON"),
        (b'"\xe9"', "application/json", 400, "not valid JSON"),
        (r'{"key": "\ud83e"}', "application/json", 400, "not valid JSON"),
        ("{}", "text/plain", 415, "as `application/json`"),
        ("3", "application/json", 422, "A review must be a JSON object"),
        ("[[]]", "application/json", 422, "[0]: A review must be a JSON object"),
        ("[]", "application/json", 422, "The array holds 0 reviews: send 1 to 1000"),
        (json.dumps([{}] * 1001), "application/json", 422, "The array holds 1001 reviews"),
        ("a" * 1_000_001, "application/json", 413, "larger than 1000000 bytes: send less"),
    ],
)
def test_a_body_that_is_refused(reviewing: FlaskClient, body: str | bytes, mimetype: str, status: int, sentence: str) -> None:
    assert sentence in problem(reviewing.post("/v1/reviews", data=body, content_type=mimetype), status)


def test_an_array_is_stored_whole(reviewing: FlaskClient) -> None:
    reviews = [REVIEW | {"key": str(n)} for n in range(1000)]

    answer = send(reviewing, reviews)

    assert (201, 1000) == (answer.status_code, answer.get_json()["stored"])
    assert {"number": 1000, "key": "999"} == answer.get_json()["reviews"][-1]
    again = send(reviewing, reviews)
    assert (200, 0) == (again.status_code, again.get_json()["stored"])


def test_of_an_array_with_one_that_is_wrong_nothing_is_stored(reviewing: FlaskClient) -> None:
    send(reviewing, REVIEW)
    new, conflicting, wrong = REVIEW | {"key": "new"}, REVIEW | {"reviewer": "bob"}, REVIEW | {"reviewer": ""}

    assert "[1]: The key 'k' already holds" in problem(send(reviewing, [new, conflicting]), 409)
    assert "[1]: The `reviewer` is missing" in problem(send(reviewing, [new, wrong]), 422)
    assert "An Idempotency-Key is for one review" in problem(send(reviewing, [new], Idempotency_Key="h"), 422)
    assert 1 == len(reviewing.get("/v1/reviews").get_json()["reviews"])


def test_pages(reviewing: FlaskClient) -> None:
    send(reviewing, [REVIEW | {"key": str(n)} for n in range(4)])

    pages = [reviewing.get(f"/v1/reviews?limit=2&after={after}").get_json() for after in (0, 2, 4)]

    assert [(["0", "1"], 2), (["2", "3"], None), ([], None)] == [
        ([review["key"] for review in page["reviews"]], page["next"]) for page in pages
    ]


@pytest.mark.parametrize("path", ["/v1/reviews", "/v1/reviews/queue"])
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "", "1.5", "²", "9" * 5000])
def test_a_limit_that_is_none(reviewing: FlaskClient, path: str, limit: str) -> None:
    assert "`limit` must be a whole number from 1 to 1000" in problem(reviewing.get(f"{path}?limit={limit}"), 400)


@pytest.mark.parametrize(("after", "status"), [(2**63 - 1, 200), (2**63, 400), (-1, 400)])
def test_a_number_to_page_from(reviewing: FlaskClient, after: int, status: int) -> None:
    assert status == reviewing.get(f"/v1/reviews?after={after}").status_code


def test_a_document_of_the_queue_can_be_reviewed(reviewing: FlaskClient, store: ReviewStore) -> None:
    scores = {"cuisine": 0.6, "velo": 0.1}
    store.add_answers([Answer({"kind": "article", "title": f"t{n}"}, NAME, scores, ("cuisine",), None, 0.0) for n in range(30)])

    answer = reviewing.get("/v1/reviews/queue?limit=10")

    documents = answer.get_json()["documents"]
    assert (10, "no-store") == (len(documents), answer.headers["Cache-Control"])
    assert {"document_id", "document", "release", "scores", "tags", "reason"} == set(documents[0])
    for document in documents:
        send(reviewing, without("key") | {"document": document["document"], "release": document["release"]})
    stored = reviewing.get("/v1/reviews").get_json()["reviews"]
    assert [document["reason"] for document in documents] == [review["sample"] for review in stored]
    assert 20 == len(reviewing.get("/v1/reviews/queue?limit=1000").get_json()["documents"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: send(client, REVIEW),
        lambda client: send(client, [REVIEW]),
        lambda client: client.get("/v1/reviews"),
        lambda client: client.get("/v1/reviews/queue"),
    ],
)
def test_a_store_that_is_away(tiny_release: Release, ask: Callable[[FlaskClient], Any]) -> None:
    store = ReviewStore("postgresql+psycopg://tagger:hunter2@127.0.0.1:1/tagger")
    answer = ask(make_client(store, tiny_release))
    store.close()

    detail = problem(answer, 503)
    assert "5" == answer.headers["Retry-After"]
    assert "does not answer" in detail
    assert "hunter2" not in detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["cuisine", "velo", NAME]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*REVIEW, "added", "title", "body", "kind"]), inner, max_size=8)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, tiny_release: Release) -> Iterator[FlaskClient]:
    """A client that many examples share."""
    store = ReviewStore(f"sqlite:///{tmp_path_factory.mktemp('reviews') / 'reviews.db'}")
    store.migrate()
    yield make_client(store, tiny_release)
    store.close()


@given(record=JSON, change=st.sampled_from(list(REVIEW)))
def test_no_json_makes_it_fail(refusing: FlaskClient, record: object, change: str) -> None:
    for sent in (record, REVIEW | {change: record}, [REVIEW | {change: record}]):
        assert send(refusing, sent).status_code in {200, 201, 400, 409, 422}

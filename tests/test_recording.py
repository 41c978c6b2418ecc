"""What is answered is kept for review and drift, and the store never stands in the way of tagging."""

import time
from collections.abc import Callable
from math import inf
from pathlib import Path

from flask.testing import FlaskClient

from tagger.app import Settings, create_app
from tagger.extract.page import read_page
from tagger.metrics import Metrics
from tagger.recording import CAPACITY, Recorder
from tagger.registry import Release
from tagger.reviews.store import ReviewStore
from tagger.tags import tag_page

NEWS = "Le chef sort le gratin du four, la recette demande un oignon."


def until(true: Callable[[], object]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ask(client: FlaskClient) -> int:
    return client.post("/v1/tags", data=NEWS.encode(), content_type="text/plain").status_code


def test_answers_are_kept_with_scores_and_handed_out_for_review(
    tiny_models: Path, tiny_release: Release, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'reviews.db'}"
    client = create_app(Settings(models=tiny_models, reviews=url)).test_client()
    store = ReviewStore(url)
    until(lambda: "ok" == client.get("/readyz").get_json()["checks"]["reviews"]["status"])

    assert 200 == ask(client)
    until(store.answers)

    (answer,) = store.answers()
    assert ({"kind": "article", "body": NEWS}, tiny_release.name) == (answer.document, answer.release)
    assert set(tiny_release.taxonomy.ids) == set(answer.scores)
    assert 0 <= answer.unknown_share < 1
    (item,) = client.get("/v1/reviews/queue").get_json()["documents"]
    assert NEWS == item["document"]["body"]


def test_tagging_goes_on_while_the_store_is_down_and_the_store_is_taken_up_when_it_is_back(
    tiny_models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mounted later"
    url = f"sqlite:///{folder / 'reviews.db'}"
    client = create_app(Settings(models=tiny_models, reviews=url)).test_client()
    review = {"document": {"body": NEWS}, "release": "20250101T000000Z-00000000", "accepted": ["cuisine"], "reviewer": "ada"}

    until(lambda: "does not answer" in client.get("/readyz").get_json()["checks"]["reviews"].get("problem", ""))
    assert 200 == ask(client)
    refused = client.post("/v1/reviews", json=review)
    assert (503, "application/problem+json") == (refused.status_code, refused.mimetype)
    assert "tagger_review_store_up 0.0" in client.get("/metrics").get_data(as_text=True)

    folder.mkdir()

    until(lambda: "ok" == client.get("/readyz").get_json()["checks"]["reviews"]["status"])
    assert 201 == client.post("/v1/reviews", json=review).status_code
    assert "tagger_review_store_up 1.0" in client.get("/metrics").get_data(as_text=True)


def test_more_answers_than_can_wait_are_lost_and_counted(tiny_release: Release, tmp_path: Path) -> None:
    """Nobody writes them here: a request must not wait for a store that hangs."""
    recorder = Recorder(ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}"), burst=inf)
    tagged = tag_page(read_page(NEWS), tiny_release.model, tiny_release.taxonomy, tiny_release.policy)

    for _ in range(CAPACITY + 3):
        recorder.put(tagged, tiny_release)

    assert 3 == recorder.lost


def test_each_loss_is_told(tiny_release: Release, tmp_path: Path) -> None:
    told: list[int] = []
    recorder = Recorder(
        ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}"), lambda changed: told.append(changed.lost), burst=inf
    )
    tagged = tag_page(read_page(NEWS), tiny_release.model, tiny_release.taxonomy, tiny_release.policy)

    recorder.put(tagged * (CAPACITY + 3), tiny_release)
    recorder.put(tagged, tiny_release)

    assert [3, 4] == told


def test_metrics_name_the_release_that_serves(client: FlaskClient, tiny_release: Release) -> None:
    metrics = client.get("/metrics")

    assert metrics.mimetype == "text/plain"
    assert f'tagger_release_info{{release="{tiny_release.name}"}} 1.0' in metrics.get_data(as_text=True)


def test_what_cannot_be_kept_stops_nothing_that_comes_after(tiny_models: Path, tmp_path: Path) -> None:
    """A document of nothing but a rubric is nothing to review; the others of its page, and the next page, are kept."""
    url = f"sqlite:///{tmp_path / 'reviews.db'}"
    client = create_app(Settings(models=tiny_models, reviews=url)).test_client()
    until(lambda: "ok" == client.get("/readyz").get_json()["checks"]["reviews"]["status"])

    client.post("/v1/tags", json={"title": "Le four", "posts": [{"rubric": "recette au four du chef", "body": "."}]})
    assert 200 == ask(client)

    store = ReviewStore(url)
    until(lambda: any(answer.document.get("body") == NEWS for answer in store.answers()))


def test_beyond_a_burst_answers_are_passed_over_page_by_page(tiny_release: Release, tmp_path: Path) -> None:
    recorder = Recorder(ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}"), burst=3)
    page = tag_page(read_page(NEWS), tiny_release.model, tiny_release.taxonomy, tiny_release.policy) * 2

    for _ in range(5):
        recorder.put(page, tiny_release)

    assert (0, 6) == (recorder.lost, recorder.passed_over)


def test_what_is_passed_over_is_counted_in_the_metrics(tiny_release: Release, tmp_path: Path) -> None:
    metrics = Metrics()
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    recorder = Recorder(store, metrics.recorder_changed, burst=0)
    tagged = tag_page(read_page(NEWS), tiny_release.model, tiny_release.taxonomy, tiny_release.policy)

    recorder.put(tagged, tiny_release)
    recorder.start()

    until(lambda: b"tagger_answers_passed_over_total 1.0" in metrics.exposition())

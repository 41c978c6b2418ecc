"""What is exposed is what happened: in one process, and added up over the workers of a gunicorn that die, reload and swap."""

import math
import os
import random
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path
from typing import Any, get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tagger.app import Settings, create_app
from tagger.documents import KINDS, Document, Layout, Passage
from tagger.drift import Drift, Line, Measure
from tagger.metrics import AUTHENTICATION_FAILURES, METHODS, OTHER, Metrics
from tagger.promotions import champion_name, promote
from tagger.recording import CAPACITY, Recorder
from tagger.registry import Release, save_release
from tagger.reviews.store import ReviewStore
from tagger.serving import State
from tagger.tags import Abstained, Policy, Tag, TaggedDocument
from tests.scraping import Sample, samples, value
from tests.servers import PATIENCE_SECONDS, Served, served

NEWS = "Le chef sort le gratin du four, la recette demande un oignon."
ANSWERED = {"route": "/v1/tags", "method": "POST", "status": "200"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def told(kind: Any, topics: tuple[str, ...], release: Release, abstained: Abstained | None = None) -> TaggedDocument:
    known = {topic.id: topic for topic in release.taxonomy.topics}
    return TaggedDocument(Document(kind, body=(Passage("a", 0),)), tuple(Tag(known[t], 0.9, ()) for t in topics), abstained)


# --- one process ---


def test_what_alerts_wait_for_is_there_at_zero(metrics: Metrics, tiny_release: Release) -> None:
    metrics.offer("/v1/tags", ["POST"])
    metrics.release_changed(State(tiny_release))

    read = metrics.exposition()

    for status in ("200", "500", "503"):
        assert 0 == value(read, "tagger_http_requests_total", route="/v1/tags", method="POST", status=status)
    for reason in AUTHENTICATION_FAILURES:
        assert 0 == value(read, "tagger_authentication_failures_total", reason=reason)
    for kind in KINDS:
        assert 0 == value(read, "tagger_documents_total", kind=kind)
        assert all(0 == value(read, "tagger_tags_total", kind=kind, topic=topic) for topic in tiny_release.taxonomy.ids)
        assert all(0 == value(read, "tagger_abstentions_total", kind=kind, reason=reason) for reason in get_args(Abstained))
    assert all(0 == value(read, "tagger_pages_total", layout=layout) for layout in get_args(Layout))
    assert 0 == value(read, "tagger_release_refused", release="none")


def test_a_request_is_counted_in_and_out(metrics: Metrics) -> None:
    metrics.offer("/v1/tags", ["POST"])
    metrics.began()
    metrics.began()

    metrics.request("/v1/tags", "POST", 200, 0.02)

    read = metrics.exposition()
    assert 1 == value(read, "tagger_http_requests_total", **ANSWERED)
    assert 0.02 == value(read, "tagger_http_request_duration_seconds_sum", route="/v1/tags")
    assert 0 == value(read, "tagger_http_request_duration_seconds_bucket", route="/v1/tags", le="0.01")
    assert 1 == value(read, "tagger_http_request_duration_seconds_bucket", route="/v1/tags", le="0.025")
    assert 1 == value(read, "tagger_http_requests_in_progress")


def test_what_was_tagged_is_counted_by_kind_topic_and_reason(metrics: Metrics, tiny_release: Release) -> None:
    documents = [
        told("article", ("cuisine", "velo"), tiny_release),
        told("related", ("velo",), tiny_release),
        told("related", ("velo",), tiny_release),
        told("related", (), tiny_release, "too_short"),
    ]

    metrics.tagged("cards", documents, 1234)

    read = metrics.exposition()
    assert 3 == value(read, "tagger_documents_total", kind="related")
    assert 1 == value(read, "tagger_tags_total", kind="article", topic="velo")
    assert 2 == value(read, "tagger_tags_total", kind="related", topic="velo")
    assert 1 == value(read, "tagger_abstentions_total", kind="related", reason="too_short")
    assert 1 == value(read, "tagger_pages_total", layout="cards")
    assert 1234 == value(read, "tagger_text_bytes_total")


def test_a_page_without_a_document_abstains_and_documents_without_a_page_are_no_page(metrics: Metrics) -> None:
    metrics.tagged("article", [], 20)
    metrics.tagged(None, [], 20)

    read = metrics.exposition()
    assert 1 == value(read, "tagger_abstentions_total", kind="page", reason="no_document")
    assert 1 == value(read, "tagger_pages_total", layout="article")
    assert 40 == value(read, "tagger_text_bytes_total")


def test_refusals_and_reviews_are_counted(metrics: Metrics) -> None:
    metrics.rate_limited()
    metrics.authentication_failed("unknown")
    metrics.authentication_failed("whatever a colleague thinks of next")
    metrics.reviews_stored(3)

    read = metrics.exposition()
    assert 1 == value(read, "tagger_rate_limited_total")
    assert 1 == value(read, "tagger_authentication_failures_total", reason="unknown")
    assert 1 == value(read, "tagger_authentication_failures_total", reason=OTHER)
    assert 3 == value(read, "tagger_reviews_stored_total")


def test_one_release_is_shown_at_a_time(metrics: Metrics, tiny_release: Release) -> None:
    metrics.release_changed(State(None, "there is none"))
    read = metrics.exposition()
    assert 1 == value(read, "tagger_release_info", release="none") == value(read, "tagger_release_refused", release="none")

    metrics.release_changed(State(tiny_release, "weights.npy is damaged", "20260101T000000Z-00000000", refusals=2))
    read = metrics.exposition()
    assert 1 == value(read, "tagger_release_info", release=tiny_release.name)
    assert 0 == value(read, "tagger_release_info", release="none")
    assert 1 == value(read, "tagger_release_refused", release="20260101T000000Z-00000000")
    assert 2 == value(read, "tagger_release_load_failures_total")

    metrics.release_changed(State(tiny_release, swaps=1, refusals=2))
    read = metrics.exposition()
    assert 0 == value(read, "tagger_release_refused", release="20260101T000000Z-00000000")
    assert (1, 2) == (value(read, "tagger_release_swaps_total"), value(read, "tagger_release_load_failures_total"))


def test_the_reason_of_a_refusal_is_no_label(metrics: Metrics) -> None:
    metrics.release_changed(State(None, "weights.npy is damaged", "20260101T000000Z-00000000"))

    assert b"damaged" not in metrics.exposition()


def test_lost_answers_are_shown_when_they_are_lost(metrics: Metrics, tiny_release: Release, tmp_path: Path) -> None:
    recorder = Recorder(ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}"), metrics.recorder_changed, burst=inf)

    recorder.put([told("article", (), tiny_release, "no_topic")] * (CAPACITY + 3), tiny_release)
    recorder.put([told("article", (), tiny_release, "no_topic")] * 2, tiny_release)

    assert 5 == value(metrics.exposition(), "tagger_answers_lost_total")


def test_drift_that_is_not_told_any_more_is_no_number(metrics: Metrics, tmp_path: Path) -> None:
    """The next release may not have the topic: what was true of the one before must not go on alarming."""
    recorder = Recorder(ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}"))
    lines = tuple(Line(measure, "velo", 0.1, 0.2, "changed") for measure in get_args(Measure) if "rate" not in measure)
    recorder.drift = Drift(500, silent=False, sentence="", lines=(*lines, Line("untagged rate", "", 0.1, 0.3, "look")))
    metrics.recorder_changed(recorder)
    read = metrics.exposition()
    assert 0.3 == value(read, "tagger_drift_untagged_ratio", when="now")
    assert 1 == value(read, "tagger_drift_verdict", measure="untagged rate", topic="")
    assert 2 == value(read, "tagger_drift_verdict", measure="score PSI", topic="velo")

    recorder.drift = Drift(20, silent=True, sentence="Too early.", lines=())
    metrics.recorder_changed(recorder)

    read = metrics.exposition()
    assert 20 == value(read, "tagger_drift_observed_documents")
    assert math.isnan(value(read, "tagger_drift_verdict", measure="score PSI", topic="velo"))


def test_labels_stay_bounded_whatever_is_asked(app: Flask) -> None:
    client, chance = app.test_client(), random.Random(7)  # noqa: S311 - the same paths in every run
    routes = {rule.rule for rule in app.url_map.iter_rules()}

    for _ in range(1000):
        path = "/" + "".join(chance.choices(string.ascii_letters + string.digits + '/-_.%"', k=chance.randint(0, 30)))
        method = chance.choice([*METHODS, "".join(chance.choices(string.ascii_uppercase, k=6))])
        client.open(path, method=method, buffered=True)

    seen = [dict(labels) for name, labels in samples(client.get("/metrics").data) if name == "tagger_http_requests_total"]
    assert {OTHER} < {labels["route"] for labels in seen} <= {OTHER, *routes}
    assert {OTHER} < {labels["method"] for labels in seen} <= {OTHER, *METHODS}
    assert 200 > len(seen)


def test_every_app_counts_for_itself(client: FlaskClient, tiny_models: Path) -> None:
    client.post("/v1/tags", data=NEWS.encode(), content_type="text/plain", buffered=True)
    other = create_app(Settings(models=tiny_models, follow=False)).test_client()

    assert 1 == value(client.get("/metrics").data, "tagger_http_requests_total", **ANSWERED)
    assert 0 == value(other.get("/metrics").data, "tagger_http_requests_total", **ANSWERED)


# --- two workers ---


@pytest.fixture(scope="module")
def releases(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder for a service: the tiny release is its champion."""
    return Path(shutil.copytree(tiny_models, tmp_path_factory.mktemp("served") / "models"))


@pytest.fixture(scope="module")
def server(releases: Path) -> Iterator[Served]:
    reviews = f"sqlite:///{releases.parent / 'reviews.db'}"
    with served(releases, releases.parent, workers=2, TAGGER_REVIEWS=reviews) as running:
        until(running, lambda read: both_up(read) and 1 == value(read, "tagger_review_store_up"))
        yield running
        shared = running.shared()
        assert shared.is_dir()
    assert not shared.exists()


def until(server: Served, true: Callable[[bytes], object]) -> None:
    """Scrape until something shows."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true(read := server.get("/metrics")):
        assert time.monotonic() < deadline, read.decode()
        time.sleep(0.05)


def both_up(exposition: bytes) -> bool:
    """Tell whether two workers had made their files when this was read: ask it of what was read after the old ones went."""
    return 2 == value(exposition, "tagger_workers")


def counted(exposition: bytes) -> dict[Sample, float]:
    """Return what is counted of everything but scrapes, which count themselves."""
    counts = ("_total", "_bucket", "_count", "_sum")
    return {
        (name, labels): number
        for (name, labels), number in samples(exposition).items()
        if name.endswith(counts) and ("route", "/metrics") not in labels
    }


def another_release(releases: Path, release: Release, utc: str) -> str:
    golden: list[dict[str, Any]] = [{"id": "g", "body": "Le four du chef"}]
    policy = Policy(dict.fromkeys(release.taxonomy.ids, 0.0))
    return save_release(releases, release.model, policy, release.taxonomy, golden=golden, facts={}, other_files={}, utc=utc)


def requests(exposition: bytes) -> float:
    """Return how many pages were tagged."""
    return value(exposition, "tagger_http_requests_total", **ANSWERED)


def tag(server: Served, times: int, worker: int) -> None:
    """Have pages tagged by one of the workers, and wait until it has counted them: it does so after the answer."""
    with server.only(worker):
        before = requests(server.get("/metrics"))
        for _ in range(times):
            server.tag(NEWS)
        until(server, lambda read: before + times == requests(read))


def test_whichever_worker_is_asked_answers_the_sum(server: Served) -> None:
    first, second = sorted(server.workers())
    before = requests(server.get("/metrics"))
    tag(server, 5, first)
    tag(server, 7, second)

    read = [server.get("/metrics") for _ in range(20)]
    for worker in (first, second):
        with server.only(worker):
            read.append(server.get("/metrics"))

    assert before + 12 == requests(read[0])
    assert all(counted(read[0]) == counted(each) for each in read)
    assert all(1 <= value(each, "tagger_http_requests_in_progress") for each in read)
    assert {2.0} == {value(each, "tagger_workers") for each in read}


def test_a_killed_worker_takes_nothing_along(server: Served) -> None:
    killed, shared = min(server.workers()), server.shared()
    tag(server, 10, killed)
    before = counted(server.get("/metrics"))
    os.kill(killed, signal.SIGKILL)

    def forgotten(read: bytes) -> bool:
        assert before == counted(read)
        return not list(shared.glob(f"metrics/gauge_*_{killed}.db"))

    until(server, forgotten)
    until(server, both_up)
    assert before == counted(server.get("/metrics"))


def test_a_reload_takes_nothing_along(server: Served) -> None:
    old = server.workers()
    tag(server, 3, min(old))
    before = counted(server.get("/metrics"))
    os.kill(server.process.pid, signal.SIGHUP)

    until(server, lambda _: not set(old) & set(server.workers()))
    until(server, both_up)

    assert before == counted(server.get("/metrics"))


def test_a_new_champion_shows_from_every_worker_and_so_does_a_refused_one(
    server: Served, releases: Path, tiny_release: Release
) -> None:
    first, second = champion_name(releases), another_release(releases, tiny_release, "20250102T000000Z")
    promote(releases, second, why="better")
    until(server, lambda read: 2 == samples(read).get(("tagger_release_info", frozenset({("release", second)}))))
    read = server.get("/metrics")
    assert 0 == value(read, "tagger_release_info", release=first)
    assert 2 == value(read, "tagger_release_swaps_total")

    third = another_release(releases, tiny_release, "20250103T000000Z")
    promote(releases, third, why="better still")
    (releases / third / "weights.npy").write_bytes(b"")

    until(server, lambda read: 1 == samples(read).get(("tagger_release_refused", frozenset({("release", third)}))))
    until(server, lambda read: 2 <= value(read, "tagger_release_load_failures_total"))
    assert 2 == value(server.get("/metrics"), "tagger_release_info", release=second)


def test_promtool_finds_no_fault(server: Served, promtool: str) -> None:
    server.tag(NEWS)

    done = subprocess.run([promtool, "check", "metrics"], input=server.get("/metrics"), capture_output=True, check=False)

    assert (0, b"", b"") == (done.returncode, done.stdout, done.stderr)

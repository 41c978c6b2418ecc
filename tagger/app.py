"""Environment -> frozen `Settings` -> the Flask app, serving the champion of its models folder."""

import os
from functools import partial

from flask import Flask
from flask_cors import CORS

from tagger.access.keyring import Keyring
from tagger.api import contract, health, reviews, tags
from tagger.api.guard import Guard
from tagger.api.observation import observe
from tagger.api.problems import register_errors
from tagger.metrics import Metrics
from tagger.recording import Recorder
from tagger.reviews.store import ReviewStore
from tagger.serving import Serving
from tagger.settings import Settings, read_settings
from tagger.topics import known_topics
from tagger.tracing import instrument

OPERATIONS = (*tags.OPERATIONS, *reviews.OPERATIONS, *health.OPERATIONS, *contract.OPERATIONS)
# What a page of another origin may send and read, where it is allowed to ask at all.
_HEADERS_IN = ["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-API-Key", "X-Request-Id", "traceparent"]
_HEADERS_OUT = ["ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id", "traceparent"]


def create_app(settings: Settings | None = None) -> Flask:
    """Return the service. Without a usable release it still starts, says so on `/readyz`, and answers 503 to pages."""
    settings = settings or read_settings(os.environ)
    app = Flask("tagger", static_folder=None)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # French in the answer as people read it
    app.json.sort_keys = False  # type: ignore[attr-defined]
    instrument(app, os.environ)
    metrics = Metrics()
    observe(app, metrics)
    keyring = Keyring(settings.keys)
    Guard(OPERATIONS, keyring, settings, metrics).stand_before(app)
    _add_routes(app, settings, keyring, metrics)
    register_errors(app)
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins), allow_headers=_HEADERS_IN, expose_headers=_HEADERS_OUT, max_age=600)
    for rule in app.url_map.iter_rules():
        metrics.offer(rule.rule, (rule.methods or set()) - {"HEAD", "OPTIONS"})
    return app


def _add_routes(app: Flask, settings: Settings, keyring: Keyring, metrics: Metrics) -> None:
    serving = Serving(settings.models, on_change=metrics.release_changed)
    store = ReviewStore(settings.reviews)
    recorder = Recorder(store, on_change=metrics.recorder_changed)
    if settings.follow:
        serving.watch()
        recorder.start()
    known = partial(_known_topics, serving)
    app.register_blueprint(tags.TagRoutes(serving, recorder, metrics, settings).blueprint())
    app.register_blueprint(reviews.review_routes(store, serving.release, known, metrics, settings.max_page_bytes))
    app.register_blueprint(health.health_routes(serving, recorder, keyring, metrics))
    app.register_blueprint(contract.contract_routes(OPERATIONS))


def _known_topics(serving: Serving) -> frozenset[str]:
    return known_topics(serving.models, serving.release().taxonomy)

"""Environment -> frozen `Settings` -> the Flask app, serving the champion of its models folder."""

import os
from functools import partial

from flask import Flask

from tagger.access.keyring import Keyring
from tagger.api import contract, health, reviews, tags
from tagger.api.guard import Guard
from tagger.api.observation import observe
from tagger.api.problems import register_errors
from tagger.api.shortcut import Shortcut
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
    traced = instrument(app, os.environ)
    metrics = Metrics()
    keyring = Keyring(settings.keys)
    guard = Guard(OPERATIONS, keyring, settings, metrics)
    tagging = _add_routes(app, settings, keyring, metrics)
    if not traced and not settings.cors_origins:  # which both stand before Flask's routes
        app.wsgi_app = Shortcut(app.wsgi_app, tagging, guard)  # type: ignore[method-assign]
    observe(app, metrics)
    guard.stand_before(app)
    register_errors(app)
    if settings.cors_origins:
        from flask_cors import CORS  # noqa: PLC0415 - 3 ms of every start, and few services are asked by pages of others

        CORS(app, origins=list(settings.cors_origins), allow_headers=_HEADERS_IN, expose_headers=_HEADERS_OUT, max_age=600)
    for rule in app.url_map.iter_rules():
        metrics.offer(rule.rule, (rule.methods or set()) - {"HEAD", "OPTIONS"})
    if settings.follow:  # last, for their threads take turns with this one
        tagging.serving.watch()
        tagging.recorder.start()
    return app


def _add_routes(app: Flask, settings: Settings, keyring: Keyring, metrics: Metrics) -> tags.TagRoutes:
    serving = Serving(settings.models, on_change=metrics.release_changed)
    store = ReviewStore(settings.reviews)
    recorder = Recorder(store, on_change=metrics.recorder_changed)
    known = partial(_known_topics, serving)
    tagging = tags.TagRoutes(serving, recorder, metrics, settings)
    app.register_blueprint(tagging.blueprint())
    app.register_blueprint(reviews.review_routes(store, serving.release, known, metrics, settings.max_page_bytes))
    app.register_blueprint(health.health_routes(serving, recorder, keyring, metrics))
    app.register_blueprint(contract.contract_routes(OPERATIONS))
    return tagging


def _known_topics(serving: Serving) -> frozenset[str]:
    return known_topics(serving.models, serving.release().taxonomy)

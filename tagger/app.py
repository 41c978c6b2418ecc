"""Environment -> frozen `Settings` -> the Flask app, serving the champion of its models folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flask import Flask

from tagger.api import register_errors, routes
from tagger.errors import TaggerError
from tagger.recording import Recorder
from tagger.review_api import review_routes
from tagger.review_store import ReviewStore, default_url
from tagger.serving import Serving
from tagger.topics import known_topics

ROOT = Path(__file__).resolve().parent.parent


class SettingError(TaggerError):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set from outside: the folder of releases, the largest body of a request in bytes, the review store's URL.

    reviews: empty for a SQLite file beside the releases. follow: take up each new champion, and keep answers, while serving.
    """

    models: Path = ROOT / "models"
    max_body_bytes: int = 1_048_576
    reviews: str = ""
    follow: bool = True


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read `TAGGER_MODELS`, `TAGGER_MAX_BODY_BYTES` and `TAGGER_REVIEWS`.

    Raises:
        SettingError: a value is no positive whole number.
    """
    default = Settings()
    limit = environment.get("TAGGER_MAX_BODY_BYTES", str(default.max_body_bytes))
    if not limit.isascii() or not limit.isdigit() or int(limit) == 0:
        raise SettingError(f"TAGGER_MAX_BODY_BYTES must be a positive whole number of bytes, not {limit!r}.")
    models = Path(environment.get("TAGGER_MODELS") or default.models)
    return Settings(models, int(limit), environment.get("TAGGER_REVIEWS", default.reviews))


def create_app(settings: Settings | None = None) -> Flask:
    """Return the service. Without a usable release it still starts, says so on `/readyz`, and answers 503 to pages."""
    settings = settings or read_settings(os.environ)
    app = Flask("tagger", static_folder=None)
    app.config["MAX_BODY_BYTES"] = settings.max_body_bytes
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1  # one more, so that a body cut there is seen to be too long
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # French in the answer as people read it
    app.json.sort_keys = False  # type: ignore[attr-defined]
    serving = Serving(settings.models)
    store = ReviewStore(settings.reviews or default_url(settings.models))
    recorder = Recorder(store)
    if settings.follow:
        serving.watch()
        recorder.start()
    app.register_blueprint(routes(serving, recorder))
    known = partial(_known_topics, serving)
    app.register_blueprint(review_routes(store, serving.release, known))
    register_errors(app)
    return app


def _known_topics(serving: Serving) -> frozenset[str]:
    return known_topics(serving.models, serving.release().taxonomy)

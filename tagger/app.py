"""Environment -> frozen `Settings` -> the Flask app, serving the champion of its models folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import Flask

from tagger.api import register_errors, routes
from tagger.errors import TaggerError
from tagger.serving import Serving

ROOT = Path(__file__).resolve().parent.parent


class SettingError(TaggerError):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set from outside: the folder of releases, and the largest body of a request in bytes.

    follow: take up each new champion while serving.
    """

    models: Path = ROOT / "models"
    max_body_bytes: int = 1_048_576
    follow: bool = True


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read `TAGGER_MODELS` and `TAGGER_MAX_BODY_BYTES`.

    Raises:
        SettingError: a value is no positive whole number.
    """
    default = Settings()
    limit = environment.get("TAGGER_MAX_BODY_BYTES", str(default.max_body_bytes))
    if not limit.isascii() or not limit.isdigit() or int(limit) == 0:
        raise SettingError(f"TAGGER_MAX_BODY_BYTES must be a positive whole number of bytes, not {limit!r}.")
    return Settings(Path(environment.get("TAGGER_MODELS") or default.models), int(limit))


def create_app(settings: Settings | None = None) -> Flask:
    """Return the service. Without a usable release it still starts, says so on `/readyz`, and answers 503 to pages."""
    settings = settings or read_settings(os.environ)
    app = Flask("tagger", static_folder=None)
    app.config["MAX_BODY_BYTES"] = settings.max_body_bytes
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1  # one more, so that a body cut there is seen to be too long
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # French in the answer as people read it
    app.json.sort_keys = False  # type: ignore[attr-defined]
    serving = Serving(settings.models)
    if settings.follow:
        serving.watch()
    app.register_blueprint(routes(serving))
    register_errors(app)
    return app

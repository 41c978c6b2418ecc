"""What several tests share: a tiny release fitted on invented sentences, the app on it, the shipped release, databases."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings

from tagger.app import Settings, create_app
from tagger.gazetteer import read_gazetteer
from tagger.promotions import load_champion, promote
from tagger.registry import Release
from tagger.reviews.store import ReviewStore
from tagger.taxonomy import Taxonomy, read_taxonomy
from tests import postgres
from training.corpus import read_examples
from training.release import make_release

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests/data"
GAZETTEER = read_gazetteer((DATA / "toy-gazetteer.tsv").read_text(encoding="utf-8"))
SHARED = ROOT.parent / "shared"

# Examples are the same in every run and none is timed: a red test is red for everybody.
settings.register_profile("same", derandomize=True, deadline=None, max_examples=200)
settings.load_profile("same")


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return read_taxonomy((DATA / "toy-taxonomy.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """A models folder with one release, the champion, fitted on the toy sentences."""
    models = tmp_path_factory.mktemp("models")
    examples = read_examples([DATA / "toy.jsonl"], taxonomy)
    name, _ = make_release(examples, taxonomy, GAZETTEER, models=models, utc="20250101T000000Z", digest="0" * 64)
    promote(models, name, why="the first")
    return models


@pytest.fixture
def models(tiny_models: Path, tmp_path: Path) -> Path:
    """A copy of that folder, which a test may change."""
    shutil.copytree(tiny_models, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture(scope="session")
def tiny_release(tiny_models: Path) -> Release:
    return load_champion(tiny_models)


@pytest.fixture(scope="session")
def shipped() -> Release:
    """The release that a clone serves."""
    return load_champion(ROOT / "models")


@pytest.fixture
def app(tiny_models: Path) -> Flask:
    return create_app(Settings(models=tiny_models, max_page_bytes=100_000, follow=False))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real pages beside the checkout: it may lack on a user's machine, never in CI."""
    if SHARED.is_dir():
        return SHARED
    if os.environ.get("CI"):
        pytest.fail(f"{SHARED} is missing: the acceptance tests must run in CI")
    pytest.skip("the real pages are not beside this checkout")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server: it may lack on a user's machine, never in CI."""
    binaries = postgres.find_binaries()
    if binaries is None and os.environ.get("CI"):
        pytest.fail("PostgreSQL is missing: the review store must be tested on it in CI")
    if binaries is None:
        pytest.skip("PostgreSQL (initdb) is not on this machine")
    running = postgres.Server(binaries, postgres.temporary_folder())
    try:
        running.initialise()
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(running.folder)


@pytest.fixture(scope="session")
def promtool() -> str:
    """The checker of Prometheus (Debian's package prometheus): it may lack on a user's machine, never in CI."""
    found = shutil.which("promtool")
    if found is None and os.environ.get("CI"):
        pytest.fail("promtool is missing: alerts and metrics must be checked in CI")
    if found is None:
        pytest.skip("promtool (of Prometheus) is not on this machine")
    return found


_DATABASES = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'reviews.db'}"
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.new_database(f"reviews{next(_DATABASES)}")


@pytest.fixture
def store(database: str) -> Iterator[ReviewStore]:
    """A review store, migrated and empty."""
    opened = ReviewStore(database)
    opened.migrate()
    yield opened
    opened.close()

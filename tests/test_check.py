"""`tagger check`: what is in effect, where it is from, and what is wrong, before a service finds out."""

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tagger.access.keys import add_key
from tagger.cli import main
from tagger.commands.checks import findings
from tagger.reviews.store import ReviewStore
from tagger.settings import VARIABLES, Settings

ROOTS_OWN = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(models: Path, *arguments: str, **environment: str) -> Result:
    ours = {name: None for name in os.environ if name.startswith("TAGGER_")}
    return CliRunner(env={**ours, **environment}).invoke(main, ["--models", str(models), "check", *arguments])


def checked(models: Path, **environment: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(run(models, "--json", **environment).stdout)
    return record


def verdicts(settings: Settings) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in findings(settings)}


def sentence(settings: Settings, check: str) -> str:
    return next(finding.sentence for finding in findings(settings) if finding.check == check)


def test_all_is_well(models: Path, free_port: int) -> None:
    done = run(models, PORT=str(free_port))

    assert 0 == done.exit_code, done.output
    assert f"PORT                    {free_port}" in done.stdout
    assert "problem" not in done.stdout
    assert "warning" not in done.stdout


def test_every_setting_is_printed_with_where_it_is_from(models: Path, tmp_path: Path, free_port: int) -> None:
    (tmp_path / "level").write_text("debug\n")

    rows = checked(models, PORT=str(free_port), TAGGER_LOG_LEVEL_FILE=str(tmp_path / "level"))["settings"]

    found = {row["variable"]: (row["value"], row["source"]) for row in rows}
    assert {variable.name for variable in VARIABLES.values() if not variable.internal} == set(found)
    assert (str(free_port), "environment") == found["PORT"]
    assert ("debug", "file") == found["TAGGER_LOG_LEVEL"]
    assert ("127.0.0.1", "default") == found["TAGGER_HOST"]
    assert (str(models), "environment") == found["TAGGER_MODELS"]


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_password_is_masked(models: Path, arguments: list[str]) -> None:
    done = run(models, *arguments, TAGGER_REVIEWS="postgresql+psycopg://ada:hush@127.0.0.1:1/d")

    assert 1 == done.exit_code
    assert "postgresql+psycopg://ada:***@127.0.0.1:1/d" in done.stdout
    assert "hush" not in done.output


def test_wrong_settings_are_a_problem_each(models: Path) -> None:
    done = run(models, PORT="x", TAGGER_RATE_LIMIT="y", TAGGER_COLOUR="z")

    assert 1 == done.exit_code
    assert 2 == done.stdout.count("cannot be used")
    for said in ("PORT is 'x'", "TAGGER_RATE_LIMIT is 'y'", "TAGGER_COLOUR is no setting"):
        assert said in done.stdout


def test_an_unknown_variable_is_a_warning(models: Path, free_port: int) -> None:
    record = checked(models, PORT=str(free_port), TAGGER_RATE_LIMT="5")

    assert "warning" == record["verdict"]
    assert "did you mean TAGGER_RATE_LIMIT?" in record["checks"][0]["sentence"]


def test_a_folder_of_releases_that_is_none(tmp_path: Path) -> None:
    found = verdicts(Settings(models=tmp_path / "nowhere"))

    assert ("problem", "problem", "problem") == (found["models"], found["champion"], found["reviews"])


def test_a_damaged_champion_is_a_problem(models: Path) -> None:
    (release,) = [path for path in models.iterdir() if path.is_dir()]
    (release / "taxonomy.json").write_text("{}")

    assert "problem" == verdicts(Settings(models=models))["champion"]


@ROOTS_OWN
def test_a_folder_that_cannot_be_written_is_a_warning(models: Path) -> None:
    models.chmod(0o500)

    assert "warning" == verdicts(Settings(models=models))["models"]


def test_looking_at_the_store_makes_nothing(models: Path) -> None:
    assert "is empty" in sentence(Settings(models=models), "reviews")
    assert not list(models.glob("reviews.db*"))


def test_the_state_of_a_store(database: str, models: Path) -> None:
    store = ReviewStore(database)
    assert "new" == store.state()
    store.migrate()
    assert "current" == store.state()
    store.close()

    assert "up to date" in sentence(Settings(models=models, reviews=database), "reviews")


def test_a_store_of_a_newer_tagger_is_a_problem(models: Path) -> None:
    settings = Settings(models=models)
    ReviewStore(settings.reviews).migrate()
    with sqlite3.connect(models / "reviews.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    assert "made by a newer tagger?" in sentence(settings, "reviews")


def test_a_file_that_is_no_store_is_a_problem(models: Path) -> None:
    (models / "reviews.db").write_bytes(b"not a database at all" * 100)

    assert "problem" == verdicts(Settings(models=models))["reviews"]


@pytest.fixture
def keyed(models: Path) -> Settings:
    """The settings of a folder with one live key."""
    settings = Settings(models=models)
    add_key(settings.keys, "cms", ["tag"])
    settings.keys.chmod(0o600)
    return settings


def test_live_keys_are_counted(keyed: Settings) -> None:
    assert "1 of 1 keys are live." == sentence(keyed, "keys")


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "ok"), (0o644, "warning"), (0o620, "problem"), (0o602, "problem")])
def test_keys_that_others_can_reach(keyed: Settings, mode: int, verdict: str) -> None:
    keyed.keys.chmod(mode)

    assert verdict == next(finding.verdict for finding in findings(keyed) if finding.check == "keys")


def test_keys_that_cannot_be_read_are_a_problem(keyed: Settings) -> None:
    keyed.keys.write_text("nonsense\n")

    assert "problem" == verdicts(keyed)["keys"]


def test_a_public_address_needs_a_key(keyed: Settings) -> None:
    models = keyed.models
    bare = models.parent / "bare"
    shutil.copytree(models, bare, ignore=shutil.ignore_patterns("keys.jsonl"))

    assert "problem" == verdicts(Settings(models=bare, host="0.0.0.0"))["address"]  # noqa: S104
    assert "warning" == verdicts(Settings(models=bare, host="0.0.0.0", keyless=True))["address"]  # noqa: S104
    assert "ok" == verdicts(Settings(models=models, host="0.0.0.0"))["address"]  # noqa: S104


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_a_port_that_is_taken_is_a_warning(models: Path, taken_port: int) -> None:
    assert "warning" == verdicts(Settings(models=models, port=taken_port))["port"]


def test_an_address_of_another_machine_is_a_problem(models: Path, free_port: int) -> None:
    assert "problem" == verdicts(Settings(models=models, host="192.0.2.1", port=free_port, keyless=True))["port"]


def test_a_folder_in_memory_that_is_none_is_a_problem(models: Path, tmp_path: Path) -> None:
    assert "problem" == verdicts(Settings(models=models, shared=tmp_path / "nowhere"))["memory"]


def test_a_clock_that_is_behind_is_a_warning(models: Path) -> None:
    log = models / "promotions.jsonl"
    log.write_text(log.read_text().replace('"time": "2', '"time": "9'))

    assert "hours behind" in sentence(Settings(models=models), "clock")


def test_the_help_teaches_by_example(models: Path) -> None:
    assert "TAGGER_HOST=0.0.0.0 PORT=80 tagger check" in run(models, "--help").stdout

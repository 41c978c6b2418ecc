"""Hot swap: a new champion is taken up while requests go on; a bad one is refused and the good one goes on."""

import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.app import Settings, create_app
from tagger.promotions import LOG, champion_name, promote
from tagger.registry import Release, save_release
from tagger.serving import Serving, State
from tagger.tags import Policy

NEWS = "Le pont de la gare rouvre après la fête du village."


@pytest.fixture
def other(models: Path, tiny_release: Release) -> str:
    """A second release, not promoted, that tags at a score of 0 and so answers otherwise."""
    return save_release(
        models,
        tiny_release.model,
        Policy(dict.fromkeys(tiny_release.taxonomy.ids, 0.0)),
        tiny_release.taxonomy,
        golden=[{"id": "g", "body": "Le four du chef"}],
        facts={},
        other_files={},
        utc="20250102T000000Z",
    )


def test_a_new_champion_is_taken_up(models: Path, other: str) -> None:
    serving = Serving(models)
    first = serving.release().name
    promote(models, other, why="better")

    serving.look()

    assert (champion_name(models), 1) == (serving.release().name, serving.state.swaps)
    assert first != other == serving.release().name


def test_looking_without_news_changes_nothing(models: Path) -> None:
    serving = Serving(models)
    state = serving.state

    serving.look()

    assert state is serving.state


def test_every_new_state_is_told_once(models: Path, other: str) -> None:
    told: list[State] = []
    serving = Serving(models, told.append)
    first = serving.state
    promote(models, other, why="better")

    serving.look()
    serving.look()

    assert [first, serving.state] == told


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda folder: (folder / "weights.npy").write_bytes(b""), r"weights\.npy is not the file"),
        (lambda folder: (folder / "policy.json").unlink(), r"policy\.json cannot be read"),
        (lambda folder: (folder / "manifest.json").write_bytes(b"{}"), r"manifest\.json is not the one"),
        (shutil.rmtree, "there is no"),
    ],
    ids=["truncated", "missing", "tampered", "removed"],
)
def test_a_bad_champion_is_refused_once_and_the_old_one_goes_on(
    damage: Callable[[Path], object], reason: str, models: Path, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    serving = Serving(models)
    first = serving.release()
    promote(models, other, why="better")
    damage(models / other)

    serving.look()
    serving.look()

    assert first is serving.release()
    assert (other, 1) == (serving.state.refused, serving.state.refusals)
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert f"Release {first.name} goes on serving" in record.getMessage()
    assert re.search(reason, serving.state.problem or "")


def test_a_mended_champion_is_taken_up(models: Path, other: str) -> None:
    serving = Serving(models)
    promote(models, other, why="better")
    whole = (models / other / "weights.npy").read_bytes()
    (models / other / "weights.npy").write_bytes(b"")
    serving.look()
    (models / other / "weights.npy").write_bytes(whole)

    serving.look()

    assert (other, None) == (serving.release().name, serving.state.problem)


def test_a_rollback_ends_the_problem(models: Path, other: str) -> None:
    serving = Serving(models)
    first = serving.release().name
    promote(models, other, why="better")
    (models / other / "weights.npy").write_bytes(b"")
    serving.look()
    promote(models, first, why="the other one is damaged")

    serving.look()

    assert (first, None, 0) == (serving.release().name, serving.state.problem, serving.state.swaps)


def test_a_process_that_starts_with_a_bad_champion_serves_the_one_before(models: Path, other: str) -> None:
    first = champion_name(models)
    promote(models, other, why="better")
    (models / other / "weights.npy").write_bytes(b"")

    serving = Serving(models)

    assert first == serving.release().name
    assert other == serving.state.refused
    assert "weights.npy" in (serving.state.problem or "")


def test_a_first_champion_is_taken_up_by_a_service_that_had_none(models: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    client = create_app(replace(Settings(models=empty), follow=False))
    serving = Serving(empty)
    assert client.test_client().get("/readyz").status_code == 503
    name = champion_name(models)
    shutil.copytree(models / name, empty / name)
    shutil.copy(models / LOG, empty / LOG)

    serving.look()

    assert name == serving.release().name
    assert 0 == serving.state.swaps


def test_no_request_fails_and_each_names_the_release_that_answered_it(models: Path, other: str) -> None:
    """Clients ask without a pause while champions change under them: the policy of the release named is the one that tagged."""
    app = create_app(Settings(models=models))
    first = champion_name(models)
    seen: list[tuple[int, str, bool]] = []
    stop = threading.Event()

    def ask() -> None:
        client = app.test_client()
        while not stop.is_set():
            answer = client.post("/v1/tags", data=NEWS.encode(), content_type="text/plain")
            record = answer.get_json()
            seen.append((answer.status_code, record["release"], bool(record["documents"][0]["tags"])))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    for name in (other, first, other):
        promote(models, name, why="change")
        deadline = time.monotonic() + 20
        while seen[-1:] == [] or seen[-1][1] != name:
            assert time.monotonic() < deadline, f"{name} was not taken up"
            time.sleep(0.02)
    stop.set()
    for client in clients:
        client.join()

    assert {200} == {status for status, _, _ in seen}
    assert {(other, True), (first, False)} == {(name, tagged) for _, name, tagged in seen}

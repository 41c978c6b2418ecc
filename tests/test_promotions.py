"""Which release serves: one log, whole lines only, in the order they were written, whoever writes and whenever it stops."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tagger import promotions
from tagger.errors import DamagedReleaseError, NoReleaseError
from tagger.promotions import (
    LOG,
    BusyError,
    NoPreviousReleaseError,
    Standing,
    champion_name,
    locked,
    promote,
    prune,
    read_log,
    reject,
    release_names,
    rollback,
    standing,
)
from tagger.registry import Release, save_release


def save(models: Path, release: Release, n: int) -> str:
    """Save a release that differs from the others in its golden text."""
    return save_release(
        models,
        release.model,
        release.policy,
        release.taxonomy,
        golden=[{"id": "g", "body": f"Le four du chef, {'très ' * n}chaud"}],
        facts={"corpus": {"sha256": str(n) * 64}},
        other_files={},
        utc=f"2025010{n}T000000Z",
    )


@pytest.fixture
def saved(tiny_release: Release, tmp_path: Path) -> list[str]:
    """Four releases in tmp_path, none promoted."""
    return [save(tmp_path, tiny_release, n) for n in range(1, 5)]


def test_the_last_promotion_tells_who_serves(saved: Sequence[str], tmp_path: Path) -> None:
    assert promote(tmp_path, saved[0], why="first", by="ada")
    assert promote(tmp_path, saved[1], why="second", by="ada")

    assert Standing(saved[1], saved[0]) == standing(tmp_path)
    assert [("promoted", "first"), ("promoted", "second")] == [(e.kind, e.why) for e in read_log(tmp_path)]
    assert ["1" * 64, "2" * 64] == [e.corpus for e in read_log(tmp_path)]
    assert {"ada"} == {e.by for e in read_log(tmp_path)}


def test_promoting_the_champion_again_changes_nothing(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="first")
    before = (tmp_path / LOG).read_bytes()

    assert not promote(tmp_path, saved[0], why="again")
    assert before == (tmp_path / LOG).read_bytes()


def test_a_rollback_returns_to_the_champion_before_and_another_one_returns_from_it(
    saved: Sequence[str], tmp_path: Path
) -> None:
    promote(tmp_path, saved[0], why="first")
    promote(tmp_path, saved[1], why="second")

    assert saved[0] == rollback(tmp_path, why="wrong tags")
    assert Standing(saved[0], saved[1]) == standing(tmp_path)
    assert saved[1] == rollback(tmp_path, why="they were right")
    assert 4 == len(read_log(tmp_path))


def test_there_is_nothing_to_go_back_to(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="first")
    with pytest.raises(NoPreviousReleaseError, match="no other release has served before it"):
        rollback(tmp_path, why="x")

    promote(tmp_path, saved[1], why="second")
    shutil.rmtree(tmp_path / saved[0])
    with pytest.raises(NoPreviousReleaseError, match=f"{saved[0]} was pruned"):
        rollback(tmp_path, why="x")
    assert saved[1] == champion_name(tmp_path)


def test_a_refused_release_stands_as_challenger_until_the_next_promotion(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="first")
    reject(tmp_path, saved[1], why="korea fell")

    assert Standing(saved[0], None, saved[1]) == standing(tmp_path)
    promote(tmp_path, saved[2], why="better")
    assert Standing(saved[2], saved[0]) == standing(tmp_path)


def test_a_damaged_release_is_not_promoted(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="first")
    (tmp_path / saved[1] / "weights.npy").write_bytes(b"")

    with pytest.raises(DamagedReleaseError, match=r"weights\.npy"):
        promote(tmp_path, saved[1], why="second")
    assert saved[0] == champion_name(tmp_path)


def test_without_a_promotion_there_is_no_champion(saved: Sequence[str], tmp_path: Path) -> None:
    assert saved
    with pytest.raises(NoReleaseError, match="make train"):
        champion_name(tmp_path)


def test_a_line_cut_anywhere_counts_as_not_written_and_the_next_one_is_whole(saved: Sequence[str], tmp_path: Path) -> None:
    """A process killed while it appends leaves part of a line, of any length."""
    promote(tmp_path, saved[0], why="first")
    promote(tmp_path, saved[1], why="second")
    whole = (tmp_path / LOG).read_bytes()
    first = whole.index(b"\n") + 1

    for cut in range(first, len(whole)):
        (tmp_path / LOG).write_bytes(whole[:cut])
        assert saved[0] == champion_name(tmp_path)
    promote(tmp_path, saved[2], why="third")
    assert [saved[0], saved[2]] == [event.release for event in read_log(tmp_path)]


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"{}", b"[1]", b"null", b'{"kind": "promoted", "release": "../../etc"}', b'{"kind": "sacked"}']
)
def test_a_line_that_cannot_be_read_is_passed_over(line: bytes, saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="first")
    with (tmp_path / LOG).open("ab") as log:
        log.write(line + b"\n")

    assert saved[0] == champion_name(tmp_path)


def test_a_clock_that_goes_back_changes_no_order(saved: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    promote(tmp_path, saved[0], why="first")
    monkeypatch.setattr(promotions, "now", lambda: "1999-01-01T00:00:00Z")
    promote(tmp_path, saved[1], why="second")

    assert Standing(saved[1], saved[0]) == standing(tmp_path)


def test_promotions_at_once_are_all_written_each_after_another(saved: Sequence[str], tmp_path: Path) -> None:
    threads = [threading.Thread(target=promote, args=(tmp_path, name), kwargs={"why": "race"}) for name in saved * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    log = read_log(tmp_path)
    assert [None, *(event.release for event in log[:-1])] == [event.previous for event in log]
    assert len(log) == len((tmp_path / LOG).read_bytes().splitlines())


def test_pruning_spares_who_serves_served_or_waits(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[1], why="first")
    promote(tmp_path, saved[0], why="second")
    reject(tmp_path, saved[2], why="worse")
    (tmp_path / ".new-killed").mkdir()

    assert [] == prune(tmp_path, keep=1)
    assert [saved[3]] == prune(tmp_path, keep=0)
    assert list(saved[:3]) == release_names(tmp_path)
    assert not (tmp_path / ".new-killed").exists()


def test_a_held_lock_is_named(tmp_path: Path) -> None:
    with (
        locked(tmp_path, "training"),
        pytest.raises(BusyError, match=f"held by process {os.getpid()}"),
        locked(tmp_path, "training", wait=False),
    ):
        pass


def test_a_killed_process_lets_go_of_its_lock(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys, time\nfrom tagger.promotions import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()

    with locked(tmp_path, wait=False):
        pass


def test_the_log_is_readable_by_people_and_machines(saved: Sequence[str], tmp_path: Path) -> None:
    promote(tmp_path, saved[0], why="première", by="ops")

    (event,) = read_log(tmp_path)
    record = json.loads((tmp_path / LOG).read_text(encoding="utf-8"))

    assert event == replace(event, **record)
    assert "première" in (tmp_path / LOG).read_text(encoding="utf-8")

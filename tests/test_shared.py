"""The folder that workers share: new at each start, and none is left for ever."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tagger.shared import make_shared


def age(folder: Path) -> None:
    """Let a folder look as if it had been made an hour ago."""
    os.utime(folder, (time.time() - 3600,) * 2)


def made_by_a_process_that_ended(room: Path) -> Path:
    code = "import sys, pathlib, tagger.shared; print(tagger.shared.make_shared(pathlib.Path(sys.argv[1])))"
    return Path(subprocess.run([sys.executable, "-c", code, room], capture_output=True, check=True, text=True).stdout.strip())


def test_it_is_new_and_closed_to_others(tmp_path: Path) -> None:
    first, second = make_shared(tmp_path), make_shared(tmp_path)

    assert first != second
    assert [] == list(first.iterdir())
    assert 0o700 == first.stat().st_mode & 0o777


def test_one_whose_processes_have_all_ended_is_removed_by_the_next(tmp_path: Path) -> None:
    left = made_by_a_process_that_ended(tmp_path)
    (left / "counter_1.db").touch()
    age(left)

    new = make_shared(tmp_path)

    assert [new] == list(tmp_path.iterdir())


def test_one_that_is_in_use_stays(tmp_path: Path) -> None:
    used = make_shared(tmp_path)
    age(used)

    new = make_shared(tmp_path)

    assert {used, new} == set(tmp_path.iterdir())


def test_one_that_may_not_be_locked_yet_stays(tmp_path: Path) -> None:
    young = made_by_a_process_that_ended(tmp_path)

    new = make_shared(tmp_path)

    assert {young, new} == set(tmp_path.iterdir())


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    (tmp_path / "something else").mkdir()
    age(tmp_path / "something else")

    make_shared(tmp_path)

    assert (tmp_path / "something else").is_dir()

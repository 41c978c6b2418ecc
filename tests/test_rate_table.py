"""Numbers that processes share: found again, in bounds, whole after a kill, and forgotten in the right order."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tagger.access.rate_table import SLOTS, RateTable


def put(table: RateTable, subject: str, number: int) -> None:
    hashed = table.hashed(subject)
    slot, _ = table.find(hashed)
    table.write(slot, hashed, number)


def got(table: RateTable, subject: str) -> int:
    return table.find(table.hashed(subject))[1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "default.rates"


@pytest.mark.parametrize("private", [True, False])
def test_numbers_are_found_again(private: bool, path: Path) -> None:
    table = RateTable(None if private else path)
    with table:
        for n in range(1, 1001):
            put(table, f"subject {n}", n)

        assert list(range(1, 1001)) == [got(table, f"subject {n}") for n in range(1, 1001)]
        assert 0 == got(table, "somebody else")


def test_another_process_of_the_folder_finds_them_and_nobody_else_can(path: Path) -> None:
    put(RateTable(path), "agence", 7)

    assert 7 == got(RateTable(path), "agence")
    assert 0o600 == path.stat().st_mode & 0o777


def test_each_folder_has_places_that_nobody_can_foresee(tmp_path: Path) -> None:
    assert RateTable(tmp_path / "a").hashed("agence") != RateTable(tmp_path / "b").hashed("agence")


def test_a_full_table_forgets_those_who_owe_least(path: Path) -> None:
    table = RateTable(path)
    put(table, "debtor", 2**63)
    for n in range(1, 4 * SLOTS):
        put(table, f"subject {n}", n)

    assert 2**63 == got(table, "debtor")
    assert 4 * SLOTS - 1 == got(table, f"subject {4 * SLOTS - 1}")
    assert 0 == got(table, "subject 1")
    assert 16 + SLOTS * 16 == path.stat().st_size


def test_a_process_killed_with_the_lock_lets_go_of_it(path: Path) -> None:
    script = (
        "import pathlib, sys, time\nfrom tagger.access.rate_table import RateTable\n"
        "with RateTable(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    table = RateTable(path)
    put(table, "agence", 7)
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()

    with table:
        assert 7 == got(table, "agence")


@pytest.mark.parametrize("size", [0, 1, 16, 1000, 16 + SLOTS * 16 - 1])
def test_a_file_that_was_not_written_whole_is_written_anew(size: int, path: Path) -> None:
    path.write_bytes(b"\xff" * size)

    table = RateTable(path)

    put(table, "agence", 7)
    assert 7 == got(table, "agence")
    assert 16 + SLOTS * 16 == path.stat().st_size


def test_a_link_that_somebody_laid_is_not_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))

    with pytest.raises(OSError, match="symbolic links"):
        RateTable(path)
    assert not path.with_name("elsewhere").exists()


def test_a_table_that_is_done_with_closes_its_file(path: Path) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        put(RateTable(path), "agence", 7)

    assert before >= len(list(Path("/dev/fd").iterdir()))

"""What workers counted: the sum is right whoever lives, and the files are few however many have died."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from tagger.errors import MetricsBusyError
from tagger.metric_files import bury, making_files, read_sum
from tests.conftest import ROOT
from tests.scraping import value

# A hundred workers, one after the other: each counts a request and ends; then the number of files, and the sum.
GENERATIONS = """
import os, sys
from pathlib import Path
from tagger.metric_files import bury, read_sum
from tagger.metrics import Metrics

folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
for _ in range(100):
    worker = os.fork()
    if not worker:
        metrics = Metrics()
        metrics.offer("/v1/tags", ["POST"])
        metrics.began()
        metrics.request("/v1/tags", "POST", 200, 0.004)
        os._exit(0)
    os.waitpid(worker, 0)
    bury(folder, living=[])
print(len(list(folder.iterdir())))
sys.stdout.buffer.write(read_sum(folder))
"""


def count(folder: Path, worker: int, number: float) -> None:
    """Write a counter as a worker does."""
    _write(folder / f"counter_{worker}.db", mmap_key("seen", "seen_total", ["by"], ["ada"], "Help."), number)


def measure(folder: Path, worker: int, number: float) -> None:
    """Write a gauge as a worker does."""
    _write(folder / f"gauge_livesum_{worker}.db", mmap_key("held", "held", [], [], "Help."), number)


def _write(path: Path, key: str, number: float) -> None:
    file = MmapedDict(str(path))
    file.write_value(key, number, 0.0)
    file.close()


def seen(folder: Path) -> float:
    return value(read_sum(folder), "seen_total", by="ada")


def test_counts_of_the_dead_stay_and_their_measures_do_not(tmp_path: Path) -> None:
    for worker in (1, 2, 3):
        count(tmp_path, worker, 10 * worker)
        measure(tmp_path, worker, worker)

    bury(tmp_path, living=[2])

    assert 60 == seen(tmp_path)
    assert 2 == value(read_sum(tmp_path), "held")
    assert {"counter_2.db", "counter_dead.db", "gauge_livesum_2.db"} == {path.name for path in tmp_path.iterdir()}


def test_workers_that_die_later_are_added(tmp_path: Path) -> None:
    for worker in (1, 2):
        count(tmp_path, worker, worker)
        bury(tmp_path, living=[])

    assert 3 == seen(tmp_path)
    assert ["counter_dead.db"] == [path.name for path in tmp_path.iterdir()]


def test_a_file_that_its_worker_did_not_begin_is_no_obstacle(tmp_path: Path) -> None:
    count(tmp_path, 1, 5)
    (tmp_path / "counter_2.db").touch()

    bury(tmp_path, living=[])

    assert 5 == seen(tmp_path)


def test_while_somebody_reads_nothing_is_merged_and_nobody_waits(tmp_path: Path) -> None:
    count(tmp_path, 1, 5)

    with making_files(tmp_path):
        bury(tmp_path, living=[])
        assert ["counter_1.db"] == [path.name for path in tmp_path.iterdir()]
    bury(tmp_path, living=[])

    assert ["counter_dead.db"] == [path.name for path in tmp_path.iterdir()]


def test_a_worker_that_hangs_amid_its_files_does_not_hold_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagger.metric_files.READ_SECONDS", 0.05)
    count(tmp_path, 1, 5)

    with making_files(tmp_path), pytest.raises(MetricsBusyError, match="try again"):
        read_sum(tmp_path)

    assert 5 == seen(tmp_path)


def test_a_reader_sees_the_same_sum_all_the_time(tmp_path: Path) -> None:
    """Between a merge and the removal of what was merged, it would read everything twice."""
    for worker in range(60):
        count(tmp_path, worker, 1)
    read: list[float] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            read.append(seen(tmp_path))

    reader = threading.Thread(target=watch)
    reader.start()
    for worker in range(60):
        while (tmp_path / f"counter_{worker}.db").exists():
            bury(tmp_path, living=range(worker + 1, 60))
    done.set()
    reader.join()

    assert {60} == {*read, seen(tmp_path)}


def test_a_hundred_restarts_leave_two_files_and_lose_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", GENERATIONS], env=environment, cwd=ROOT, capture_output=True, check=True, text=True
    )

    files, _, exposition = done.stdout.partition("\n")
    assert "2" == files
    assert 100 == value(exposition, "tagger_http_requests_total", route="/v1/tags", method="POST", status="200")
    assert 100 == value(exposition, "tagger_http_request_duration_seconds_count", route="/v1/tags")
    assert 0 == value(exposition, "tagger_http_request_duration_seconds_bucket", route="/v1/tags", le="0.0025")
    assert 100 == value(exposition, "tagger_http_request_duration_seconds_bucket", route="/v1/tags", le="0.005")
    assert "tagger_workers" not in exposition

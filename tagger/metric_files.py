"""The files in which workers keep what they count -> one sum over all of them, the dead included, that never goes down.

prometheus_client keeps a file for each worker and type of metric. Files come and go only under a lock that readers share.
"""

import fcntl
import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from tagger.errors import MetricsBusyError

# A worker makes its files in some 10 ms. One that is frozen meanwhile must not take a thread of the others with each scrape.
READ_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 0.01
# What is counted outlives its worker; what is measured does not.
_COUNTED = ("counter", "histogram")
# Stands where a living worker's file has its process id.
_DEAD = "dead"


@contextmanager
def making_files(folder: Path) -> Iterator[None]:
    """Keep readers out while a worker makes its files: prometheus_client fails on one that is empty still."""
    with _locked(folder, fcntl.LOCK_EX):
        yield


def read_sum(folder: Path) -> bytes:
    """Return the text exposition of all workers.

    Raises:
        MetricsBusyError: the files were not whole within `READ_SECONDS`.
    """
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    deadline = time.monotonic() + READ_SECONDS
    while True:
        try:
            with _locked(folder, fcntl.LOCK_SH | fcntl.LOCK_NB):
                return generate_latest(registry)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise MetricsBusyError("A worker hangs as it makes its metrics; gunicorn will end it: try again.") from None
        time.sleep(_ASK_AGAIN_SECONDS)


def bury(folder: Path, living: Collection[int]) -> None:
    """Forget what dead workers measured, and merge what they counted into one file of each type.

    Without that, each worker that ever lived would make every scrape slower. A merge that would have to wait for a reader
    is left to the next call: the master calls this, and must not hang with a worker that does.
    """
    for process in _processes(folder) - set(living):
        mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for kind in _COUNTED:
                _merge(folder, kind, living)
    except BlockingIOError:
        return


def _merge(folder: Path, kind: str, living: Collection[int]) -> None:
    merged = folder / f"{kind}_{_DEAD}.db"
    dead = [path for path in folder.glob(f"{kind}_*.db") if path != merged and _process(path) not in living]
    if not dead:
        return
    sums = _sums([*dead, merged] if merged.exists() else dead)
    new = folder / f"{kind}_{_DEAD}.new"
    new.unlink(missing_ok=True)
    file = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        file.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]
    new.replace(merged)
    for path in dead:
        path.unlink()


def _sums(paths: Iterable[Path]) -> dict[str, float]:
    """Add up the samples of some files by key: metric, labels and bucket. Equal metrics have equal keys in every worker."""
    sums: dict[str, float] = defaultdict(float)
    for path in paths:
        if not path.stat().st_size:  # its worker was killed as it made it
            continue
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            sums[key] += value
    return sums


def _processes(folder: Path) -> set[int]:
    return {process for path in folder.glob("*.db") if (process := _process(path)) is not None}


def _process(path: Path) -> int | None:
    """Return the process that a file belongs to: `gauge_livesum_123.db`; None for the merged files."""
    owner = path.stem.rpartition("_")[2]
    return int(owner) if owner.isdigit() else None


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, how)
        yield
    finally:
        os.close(opened)

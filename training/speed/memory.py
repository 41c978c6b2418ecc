"""Processes -> the memory they hold, from /proc: at their worst, or over time with all that they started."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

_PAGE = os.sysconf("SC_PAGE_SIZE")


def peak() -> int:
    """Return the most memory that this process has held so far, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM: this needs Linux.")


def of_tree(root: int) -> int:
    """Return what a process and all below it hold, in bytes; pages that several share are counted for each."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            children.setdefault(_parent(stat), []).append(int(stat.parent.name))
    total, left = 0, [root]
    while left:
        process = left.pop()
        left += children.get(process, [])
        with suppress(OSError):
            total += int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1]) * _PAGE
    return total


def _parent(stat: Path) -> int:
    """Read the parent's id: behind the name, which stands in parentheses and may hold any."""
    return int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])


@contextmanager
def sampled(root: int, every: float) -> Iterator[list[tuple[float, int]]]:
    """Yield a list that grows by (seconds since the start, bytes of the tree) while the block runs."""
    samples: list[tuple[float, int]] = []
    start, over = monotonic(), threading.Event()

    def sample() -> None:
        while not over.wait(every):
            samples.append((monotonic() - start, of_tree(root)))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()

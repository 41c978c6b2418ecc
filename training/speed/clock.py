"""Callables -> seconds, best of several rounds: the sides of a comparison take turns, on one core, with one thread.

The processor's time of this process is counted. On a quiet machine it is the time on the wall; on a busy one it leaves out
what others took.
"""

import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")


@contextmanager
def one_core() -> Iterator[None]:
    """Hold this process on one core, and linear algebra in one thread."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        with threadpool_limits(1):
            yield
    finally:
        os.sched_setaffinity(0, before)


def best_of(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest time of each side, in seconds."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, side in sides.items():
            best[name] = min(best[name], _seconds(side))
    return best


def best_each(sides: Mapping[str, tuple[Callable[[Any], object], Sequence[Any]]], rounds: int) -> dict[str, float]:
    """Return the mean over its items of each item's shortest time, in seconds; a side: what to call, and with what."""
    best = {name: [float("inf")] * len(items) for name, (_, items) in sides.items()}
    for _ in range(rounds):
        for name, (call, items) in sides.items():
            for place, item in enumerate(items):
                start = process_time()
                call(item)
                best[name][place] = min(best[name][place], process_time() - start)
    return {name: sum(times) / len(times) for name, times in best.items()}


def _seconds(side: Callable[[], object]) -> float:
    start = process_time()
    side()
    return process_time() - start


def machine() -> str:
    """Say what measured: the processor, its number of cores, and Python."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}"

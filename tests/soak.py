"""A soak: a served copy of the champion under a steady load while workers are told to stop, killed, and releases change.

python -m tests.soak [--minutes 10] [--share 0.8]

It finds the peak first, holds a share of it, compares every answer with what its release says of that page, and prints what
went wrong and how much memory the workers have. Exit status 1: a wrong answer, a failed request that was not in flight on the
killed worker, or memory that grew by more than 5 % since minute two.
"""

import http.client
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tagger.answers.page import answer_page
from tagger.extract.page import read_page
from tagger.gazetteer import read_gazetteer
from tagger.promotions import champion_name, promote
from tagger.registry import load_release
from tagger.taxonomy import read_taxonomy
from tests.servers import Served, served
from training.corpus import read_examples
from training.release import make_release

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 8
# By release and number of the page: the page object.
Expected = Mapping[str, Mapping[int, Any]]
PAGES = tuple(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests/pages").glob("*.txt")))


@dataclass
class Tally:
    """What the clients saw. `reset`: requests whose connection broke, with the time; none is sent again."""

    answered: int = 0
    wrong: list[str] = field(default_factory=list)
    reset: list[tuple[float, str]] = field(default_factory=list)
    releases: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)


def memory(server: Served) -> float:
    """Return the memory of master and workers, each shared page counted once, in MB."""
    return sum(_pss(pid) for pid in (server.process.pid, *server.workers())) / 1024


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


class Client(threading.Thread):
    """Asks on one connection for as long as it lasts, as often as told."""

    def __init__(self, port: int, first: int, expected: Expected, pause: Callable[[], float], stop: threading.Event) -> None:
        super().__init__()
        self.port, self.at, self.expected, self.pause, self.stop = port, first, expected, pause, stop
        self.tally = Tally()
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Ask until told to stop."""
        due = time.monotonic()
        while not self.stop.is_set():
            self.at += 1
            started = time.monotonic()
            self._ask(self.at % len(PAGES))
            self.tally.milliseconds.append((time.monotonic() - started) * 1000)
            due = max(due + self.pause(), time.monotonic() - 1)
            self.stop.wait(max(0.0, due - time.monotonic()))

    def _ask(self, number: int) -> None:
        try:
            answer = self._answer(number)
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            self.tally.reset.append((time.time(), repr(error)))
            return
        self.tally.answered += 1
        page = json.loads(answer)
        release = page.get("release", "no release")
        self.tally.releases[release] += 1
        if page != self.expected.get(release, {}).get(number):
            self.tally.wrong.append(answer[:300].decode(errors="replace"))

    def _answer(self, number: int) -> bytes:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self.connection.request("POST", "/v1/tags", PAGES[number].encode(), {"Content-Type": "text/plain; charset=utf-8"})
        response = self.connection.getresponse()
        content = response.read()
        if response.will_close:
            self.connection.close()
            self.connection = None
        return content


def run(port: int, expected: Expected, seconds: float, rate: float | None, beside: Callable[[float], None]) -> Tally:
    """Have all clients ask for so many seconds, at a rate for all together (None: as fast as they can)."""
    stop = threading.Event()
    clients = [Client(port, n * 7, expected, lambda: CLIENTS / rate if rate else 0.0, stop) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        beside(passed)
        time.sleep(0.2)
    stop.set()
    total = Tally()
    for client in clients:
        client.join()
        for name in ("answered", "wrong", "reset", "releases", "milliseconds"):
            setattr(total, name, getattr(total, name) + getattr(client.tally, name))
    return total


def second_release(models: Path) -> str:
    """Make a release that scores otherwise: learnt from every second text."""
    taxonomy = read_taxonomy((ROOT / "training/taxonomy.json").read_text(encoding="utf-8"))
    gazetteer = read_gazetteer((ROOT / "training/gazetteer.tsv").read_text(encoding="utf-8"))
    examples = read_examples(sorted((ROOT / "training/corpus").glob("*.jsonl")), taxonomy)[::2]
    name, _ = make_release(examples, taxonomy, gazetteer, models=models, utc="20260101T000000Z", digest="0" * 64)
    return name


@click.command()
@click.option("--minutes", default=10.0, show_default=True, help="How long to hold the load.")
@click.option("--share", default=0.8, show_default=True, help="The share of the peak to hold.")
def main(minutes: float, share: float) -> None:
    """Soak a served copy of the champion."""
    models = Path(tempfile.mkdtemp()) / "models"
    shutil.copytree(ROOT / "models", models, ignore=shutil.ignore_patterns("reviews.db*"))
    first, second = champion_name(models), second_release(models)
    expected = {}
    for name in (first, second):
        release = load_release(models, name)
        expected[name] = {
            number: json.loads(json.dumps(answer_page(read_page(page), release))) for number, page in enumerate(PAGES)
        }
    with served(models, models.parent, workers=2) as server:
        run(server.port, expected, 5, None, lambda _: None)
        peak = run(server.port, expected, 10, None, lambda _: None).answered / 10
        click.echo(
            f"peak: {peak:.0f} answers/s of {len(PAGES)} pages to {CLIENTS} clients; holding {share:.0%} for {minutes:g} min"
        )
        right = soak(server, models, expected, minutes, peak * share, (first, second))
    shutil.rmtree(models.parent)
    sys.exit(0 if right else 1)


def soak(server: Served, models: Path, expected: Expected, minutes: float, rate: float, releases: tuple[str, str]) -> bool:
    """Hold the load, let things happen, and say what the clients saw; tell whether nothing went wrong."""
    swaps = iter([releases[1], releases[0]] * 5)
    used: dict[float, float] = {}
    killed: list[float] = []

    def swap() -> None:
        promote(models, next(swaps), why="soak")

    def kill() -> None:
        killed.append(time.time())
        os.kill(server.workers()[0], signal.SIGKILL)

    events: list[tuple[float, str, Callable[[], object]]] = [
        (0.05, "HUP", lambda: server.process.send_signal(signal.SIGHUP)),
        # Before memory is looked at: a worker's first swap costs it 7 MB, once, for two releases are there at a time.
        (0.10, "hot swap", swap),
        (0.25, "hot swap", swap),
        (0.35, "TERM of a worker", lambda: os.kill(server.workers()[0], signal.SIGTERM)),
        (0.45, "hot swap", swap),
        (0.55, "kill -9 of a worker", kill),
        (0.65, "hot swap", swap),
        (0.75, "hot swap", swap),
    ]

    def beside(passed: float) -> None:
        minute = passed / 60
        if int(minute * 2) / 2 not in used:
            used[int(minute * 2) / 2] = memory(server)
            click.echo(f"{minute:5.1f} min  {used[int(minute * 2) / 2]:6.1f} MB  workers {server.workers()}")
        while events and minute >= events[0][0] * minutes:
            _, name, act = events.pop(0)
            click.echo(f"{minute:5.1f} min  {name}")
            act()

    tally = run(server.port, expected, minutes * 60, rate, beside)
    at_end = memory(server)
    early = used[min(used, key=lambda minute: abs(minute - 0.2 * minutes))]
    lost = [each for each in tally.reset if not any(0 <= each[0] - at < 1 for at in killed)]
    times = sorted(tally.milliseconds)
    click.echo(
        f"{tally.answered} answers ({tally.answered / minutes / 60:.0f}/s), {len(tally.wrong)} wrong\n"
        f"by release: {dict(tally.releases)}\n"
        f"failed: {len(tally.reset)}, of them {len(tally.reset) - len(lost)} within a second of the kill -9\n"
        f"p50 {times[len(times) // 2]:.1f} ms, p99 {times[len(times) * 99 // 100]:.1f} ms, longest {times[-1]:.0f} ms\n"
        f"memory: {early:.1f} MB after a fifth of the time, {at_end:.1f} MB at the end ({at_end / early - 1:+.1%})"
    )
    for what in (*tally.wrong[:3], *(error for _, error in lost[:3])):
        click.echo(f"  {what}")
    return not tally.wrong and not lost and at_end <= 1.05 * early


if __name__ == "__main__":
    main()

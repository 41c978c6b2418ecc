"""The HTTP service beside a bare Flask app under the same gunicorn: requests a second, latency, start, memory.

Sides take turns in short rounds, so that a busy machine is busy for all, and the median of the rounds is told; the processor
time of a request tells them apart best where others use the machine. The client is one process that knows nothing but
sockets, and holds as many connections to each worker. "bare, gthread" is Flask as gunicorn serves it; "bare" has our worker.
"""

import cProfile
import io
import json
import os
import pstats
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from training.speed.clock import machine
from training.speed.load import load
from training.speed.page import Section, table

ROOT = Path(__file__).resolve().parent.parent.parent
_CORPUS = ROOT / "training" / "corpus"
_BODY_BYTES = 4600
_ARTICLES = 64
_WORKERS, _THREADS = 2, 4
_CLOCK = os.sysconf("SC_CLK_TCK")
_OURS = ("-c", "gunicorn.conf.py")
# Without `-c` gunicorn reads the file of ours that lies in the folder, with all that it imports.
_BARE = (
    *("-c", os.devnull, "--workers", str(_WORKERS), "--threads", str(_THREADS), "--worker-tmp-dir", "/dev/shm"),  # noqa: S108
    *("--log-level", "warning", "training.speed.bare:app"),
)
# The bare app under gunicorn's own worker is what anybody would begin with; under ours it shows what our app itself takes.
SIDES: Mapping[str, tuple[str, ...]] = {
    "tagger": _OURS,
    "bare": ("--worker-class", "gthread", *_BARE),
    "bare, our worker": ("--worker-class", "tagger.worker.Worker", *_BARE),
}


def service(*, seconds: float, rounds: int, connections: int) -> Section:
    """Load the sides in so many rounds of so many seconds, with so many connections to each worker, and report."""
    with tempfile.TemporaryDirectory() as folder:
        ready = _ready_times(Path(folder), rounds)
        sides = _table(ready, _measured(Path(folder), seconds, rounds, connections))
    within = " and ".join(f"{value:,.0f} µs ({name})" for name, value in in_process().items())
    return Section(
        "service",
        f"## Service\n\n`POST /v1/tags` with articles of some 5 kB, {_WORKERS} workers of {_THREADS} threads, {connections} "
        f"connections, {rounds} rounds of {seconds:g} s in turns; {machine()}, shared with the client. The others: a Flask app "
        f"that reads the JSON and answers how long it is, under gunicorn.\n\n{sides}\n"
        f"Without sockets, in one process, a request takes {within}.\n",
    )


def articles(count: int = _ARTICLES) -> list[dict[str, str]]:
    """Return different articles of some 5 kB of JSON, their paragraphs from the corpus."""
    lines = (line for path in sorted(_CORPUS.glob("*.jsonl")) for line in path.read_text(encoding="utf-8").splitlines())
    records = [record for record in map(json.loads, lines) if len(record.get("body") or "") > 200]
    paragraphs = cycle(part for record in records for part in record["body"].split("\n") if len(part) > 80)
    made = []
    for record in islice(cycle(records), 0, 7 * count, 7):
        body = ""
        while len(body.encode()) < _BODY_BYTES:
            # A paragraph of some 480 bytes, as agencies write them: ten an article.
            paragraph = ""
            while len(paragraph.encode()) < 460:
                paragraph += f" {next(paragraphs).strip()}"
            body += f"{paragraph[1:461]}.\n\n"
        made.append({"title": record.get("title") or "Séoul accuse Pyongyang", "lead": record["body"][:200], "body": body})
    return made


def http_request(article: Mapping[str, str], path: str = "/v1/tags") -> bytes:
    """Return the bytes of a request with an article."""
    body = json.dumps(article, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Server:
    """A gunicorn that is ready; `ready`: the seconds that took."""

    process: "subprocess.Popen[bytes]"
    port: int
    ready: float
    rates: list[float] = field(default_factory=list)
    unique: list[int] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    answered: int = 0
    processor: float = 0.0

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def busy(self) -> float:
        """Return the seconds of processor time that the workers have used."""
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.workers()]
        return sum(int(each[11]) + int(each[12]) for each in fields) / _CLOCK

    def unique_bytes(self) -> list[int]:
        """Return the memory that each worker has for itself: what would come free if it ended (USS)."""
        return [_unique(Path(f"/proc/{pid}/smaps_rollup").read_text()) for pid in self.workers()]


def _unique(rollup: str) -> int:
    lines = (line.split() for line in rollup.splitlines())
    return sum(int(words[1]) for words in lines if words[0] in {"Private_Clean:", "Private_Dirty:"}) * 1024


@contextmanager
def started(options: Sequence[str], folder: Path) -> Iterator[Server]:
    """Start a side and wait until it is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PORT": str(port),
        "WEB_CONCURRENCY": str(_WORKERS),
        "TAGGER_LOG": "json",
        "TAGGER_REVIEWS": f"sqlite:///{folder / 'reviews.db'}",
        "PYTHONPATH": str(ROOT),
    }
    bind = [] if options == _OURS else ["--bind", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "gunicorn", *bind, *options]
    begun = time.perf_counter()
    with (folder / f"log-{port}").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)  # noqa: S603 - ours
    try:
        _wait(port, process)
        yield Server(process, port, time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait(60)


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.005)
    raise SystemExit("The service ended before it was ready: run its command by hand.")


def _ready_times(folder: Path, rounds: int) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in SIDES}
    for turn in range(rounds + 1):
        for name, options in SIDES.items():
            with started(options, folder) as server:
                if turn:  # the first start fills caches
                    taken[name].append(server.ready)
    return taken


def _measured(folder: Path, seconds: float, rounds: int, connections: int) -> dict[str, Server]:
    requests = [http_request(article) for article in articles()]
    with ExitStack() as stack, ProcessPoolExecutor(1) as client:
        servers = {name: stack.enter_context(started(options, folder)) for name, options in SIDES.items()}
        for turn in range(rounds + 1):
            for server in servers.values():
                busy = server.busy()
                taken = client.submit(load, server.port, server.workers(), requests, seconds, connections).result()
                if turn:  # the first round warms up
                    server.rates.append(len(taken) / seconds)
                    quantiles = statistics.quantiles(taken, n=100)
                    server.p50.append(quantiles[49])
                    server.p99.append(quantiles[98])
                    server.answered += len(taken)
                    server.processor += server.busy() - busy
        for server in servers.values():
            server.unique = server.unique_bytes()
    return servers


def _table(ready: Mapping[str, Sequence[float]], servers: Mapping[str, Server]) -> str:
    """Return a row for each side, and below them what we need of what each other side needs."""
    rows = {name: _row(server, ready[name]) for name, server in servers.items()}
    ours, *others = rows
    rows |= {f"{ours} / {name}": [a / b for a, b in zip(rows[ours], rows[name], strict=True)] for name in others}
    heads = ("", "best, requests/s", "median", "processor, µs a request", "p50, ms", "p99, ms", "ready, s", "own memory, MB")
    return table(heads, [[name, *(f"{value:,.2f}" for value in row)] for name, row in rows.items()])


def _row(server: Server, ready: Sequence[float]) -> list[float]:
    p50, p99 = (statistics.median(rounds) * 1000 for rounds in (server.p50, server.p99))
    per_request = server.processor / server.answered * 1e6
    unique = statistics.mean(server.unique) / 1e6
    return [max(server.rates), statistics.median(server.rates), per_request, p50, p99, min(ready), unique]


def in_process(count: int = 32, order: str | None = None) -> dict[str, float]:
    """Return the microseconds of a request in this process, without sockets; print where they go, if an order is given."""
    from tagger.app import create_app  # noqa: PLC0415 - not for who only starts servers
    from tagger.logs import configure_logging  # noqa: PLC0415
    from tagger.settings import Settings  # noqa: PLC0415
    from training.speed.bare import app as bare  # noqa: PLC0415

    settings = Settings(follow=False, log="json")
    configure_logging(settings)
    bodies = [json.dumps(article, ensure_ascii=False).encode() for article in articles()]
    ours = create_app(settings)
    printed, sys.stdout = sys.stdout, Path(os.devnull).open("w")  # noqa: SIM115 - the log of each request
    try:
        best = {"tagger": float("inf"), "bare": float("inf")}
        for _ in range(30):
            for name, app in (("tagger", ours), ("bare", bare)):
                best[name] = min(best[name], _call(app, bodies, count))
        if order:
            profile = cProfile.Profile()
            profile.runcall(_call, ours, bodies, 20 * count)
    finally:
        sys.stdout = printed
    if order:
        pstats.Stats(profile).sort_stats(order).print_stats(r"(?!.*<frozen)", 50)
    return best


def _call(app: Any, bodies: Sequence[bytes], count: int) -> float:
    begun = time.thread_time()
    for body in islice(cycle(bodies), count):
        answer = app(_environment(body), lambda *_: None)
        b"".join(answer)
        answer.close()
    return (time.thread_time() - begun) / count * 1e6


def _environment(body: bytes) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/v1/tags",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.url_scheme": "http",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.errors": sys.stderr,
    }

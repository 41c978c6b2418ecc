"""A real server for tests: `tagger serve` as ops start it, on a free port of the loopback, ready when a test gets it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Served:
    """A running service: its address, its process (the master) and the file that its output goes to."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Send a request on a connection of its own; return status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def send(self, *pieces: bytes, timeout: float = 20) -> bytes:
        """Send raw bytes and return all that comes back until the server closes or `timeout` seconds pass."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as client:
            answer = b""
            try:
                for piece in pieces:
                    client.sendall(piece)
                while arrived := client.recv(65536):
                    answer += arrived
            except OSError:
                pass
            return answer

    def workers(self) -> list[int]:
        """Return the process ids of the workers, the oldest first."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return sorted(int(pid) for pid in children.read_text().split())

    def get(self, path: str) -> bytes:
        """Return the body of an answer, which must be a 200."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def tag(self, text: str) -> bytes:
        """Have a text tagged."""
        status, _, body = self.ask("POST", "/v1/tags", text.encode(), Content_Type="text/plain; charset=utf-8")
        assert status == 200, body
        return body

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """Stop all other workers, so that this one answers."""
        others = set(self.workers()) - {worker}
        for other in others:
            os.kill(other, signal.SIGSTOP)
        try:
            for other in others:
                _until_stopped(other)
            yield
        finally:
            for other in others:
                os.kill(other, signal.SIGCONT)

    def shared(self) -> Path:
        """Return the folder that the workers share, as one of them has it open."""
        maps = Path(f"/proc/{min(self.workers())}/maps").read_text()
        found = re.search(r"(/\S*/tagger-shared-[^/]+)/", maps)
        assert found, maps
        return Path(found[1])

    def lines(self) -> list[dict[str, Any]]:
        """Return what it logged as JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]


@contextmanager
def served(models: Path, folder: Path, workers: int = 1, **environment: str) -> Iterator[Served]:
    """Serve a models folder until the block ends; `environment` adds to ours. Its log lies in `folder`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {**os.environ, "PORT": str(port), "WEB_CONCURRENCY": str(workers), "TAGGER_MODELS": str(models), **environment}
    log = folder / "serve.log"
    command = [sys.executable, "-m", "tagger.cli", "serve"]
    with log.open("wb") as output, subprocess.Popen(command, env=variables, cwd=ROOT, stdout=output, stderr=output) as process:
        running = Served(port, process, log)
        try:
            _wait(running)
            yield running
        finally:
            process.terminate()
            process.wait(60)


def _until_stopped(process: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _wait(running: Served) -> None:
    for _ in range(600):
        try:
            if running.ask("GET", "/readyz")[0] == 200:
                return
        except OSError:
            pass
        if running.process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(running.log.read_text(encoding="utf-8", errors="replace"))

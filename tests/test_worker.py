"""The gunicorn worker before slow and hostile clients: threads go to whole requests alone, and health is always answered."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

APP = """
import time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        time.sleep(3)
    body = environ["wsgi.input"].read()
    answer = f"{environ['PATH_INFO']} {len(body)}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer))), ("Content-Type", "text/plain")])
    return [answer]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """One worker with two threads, on a free port."""
    folder = tmp_path_factory.mktemp("waiting")
    (folder / "waiting.py").write_text(APP)
    log = (folder / "log").open("w+")
    address = free_address()
    command = [sys.executable, "-m", "gunicorn", "waiting:app", "--chdir", str(folder), "--bind", f"{address[0]}:{address[1]}"]
    command += ["--worker-class", "tagger.worker.Worker", "--threads", "2", "--timeout", "4", "--no-control-socket"]
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}, cwd=ROOT, stdout=log, stderr=log) as process:
        for _ in range(200):
            try:
                ask(address, "/")
                break
            except OSError:
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.05)
        yield address
        process.terminate()
        assert process.wait(20) == 0
    log.seek(0)
    assert "Traceback" not in log.read()
    log.close()


def free_address() -> tuple[str, int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()


def request(path: str, body: bytes = b"", more: str = "Connection: close\r\n") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def read_all(client: socket.socket) -> bytes:
    answer = b""
    while piece := client.recv(65536):
        answer += piece
    return answer


def ask(address: tuple[str, int], path: str, body: bytes = b"") -> bytes:
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(request(path, body))
        return read_all(client).rpartition(b"\r\n\r\n")[2]


def test_a_whole_request(server: tuple[str, int]) -> None:
    assert b"/a 300000" == ask(server, "/a", b"x" * 300_000)


def test_a_request_in_pieces(server: tuple[str, int]) -> None:
    whole = request("/pieces", b"hello")
    with socket.create_connection(server, timeout=20) as client:
        for piece in (whole[:3], whole[3:40], whole[40:-2], whole[-2:]):
            client.sendall(piece)
            time.sleep(0.05)

        assert read_all(client).endswith(b"/pieces 5")


def test_requests_on_one_connection_sent_at_once(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(request("/1", b"a", "") + request("/2", b"ab", "") + request("/3", b"abc"))

        answers = read_all(client)

    assert [b"/1 1", b"/2 2", b"/3 3"] == [
        line for line in answers.replace(b"HTTP/1.1", b"\r\n").split(b"\r\n") if line[:1] == b"/"
    ]


def test_heads_that_never_end_hold_no_thread(server: tuple[str, int]) -> None:
    """Twenty clients send half a head each; a gthread worker with two threads would answer nobody."""
    clients = [socket.create_connection(server, timeout=20) for _ in range(20)]
    for client in clients:
        client.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\n")
    time.sleep(0.2)

    assert b"/quick 2" == ask(server, "/quick", b"ab")
    for client in clients:
        client.close()


def test_health_is_answered_while_every_thread_is_busy(server: tuple[str, int]) -> None:
    busy = [socket.create_connection(server, timeout=20) for _ in range(4)]
    for client in busy:
        client.sendall(request("/wait"))
    time.sleep(0.2)
    with socket.create_connection(server, timeout=2) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert read_all(client).endswith(b"/livez 0")
    for client in busy:
        assert read_all(client).endswith(b"/wait 0")
        client.close()


def test_a_body_that_never_comes_is_given_up(server: tuple[str, int]) -> None:
    """The connection ends after gunicorn's `timeout` (4 s here), which a byte now and then does not prolong."""
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        answered = b""
        for _ in range(40):
            try:
                client.sendall(b"x")
                client.settimeout(0.2)
                answered = client.recv(1000)
                break
            except TimeoutError:
                continue
            except OSError:
                break

        assert b"/body 1000" not in answered


def test_a_client_that_does_not_hang_up_holds_nobody(server: tuple[str, int]) -> None:
    clients = [socket.create_connection(server, timeout=20) for _ in range(10)]
    for client in clients:
        client.sendall(request("/stays"))
    with socket.create_connection(server, timeout=1.5) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert read_all(client).endswith(b"/livez 0")
    for client in clients:
        client.close()


def test_a_head_without_end_is_refused(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000)

        assert b" 431 " in read_all(client)

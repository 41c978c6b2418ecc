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
    if environ["QUERY_STRING"] == "fails":
        raise RuntimeError("it fails, as it is meant to")
    if environ["QUERY_STRING"] == "much":
        start_response("200 OK", [("Content-Length", "20000000")])
        return [b"x" * 20_000_000]
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
    told = log.read()
    assert told.count("Traceback") == told.count("RuntimeError: it fails, as it is meant to")
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


def plain(body: bytes, query: str = "", more: str = "") -> bytes:
    """Return a request that the loop answers."""
    return request(f"/v1/tags{query}", body, f"Content-Type: text/plain\r\n{more}")


def read_answer(client: socket.socket) -> bytes:
    """Read one answer on a connection that is kept; return its body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += client.recv(65536)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += client.recv(65536)
    return body


def test_plain_requests_one_after_another_and_others_between_them(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        for sent, expected in [
            (plain(b"a"), b"/v1/tags 1"),
            (plain(b"ab"), b"/v1/tags 2"),
            (request("/other", b"abc", ""), b"/other 3"),
            (plain(b"abcd"), b"/v1/tags 4"),
            (plain(b"abcde", more="X-Forwarded-Proto: https\r\n"), b"/v1/tags 5"),
            (plain(b"", more="Connection: close\r\n"), b"/v1/tags 0"),
        ]:
            client.sendall(sent)
            assert expected == read_answer(client)
        assert b"" == client.recv(1)


def test_a_plain_request_in_pieces(server: tuple[str, int]) -> None:
    whole = plain(b"hello" * 1000)
    with socket.create_connection(server, timeout=20) as client:
        for piece in (whole[:3], whole[3:70], whole[70:-2000], whole[-2000:-1], whole[-1:]):
            client.sendall(piece)
            time.sleep(0.05)

        assert b"/v1/tags 5000" == read_answer(client)


def test_each_request_of_a_connection_has_its_own_time(server: tuple[str, int]) -> None:
    whole = plain(b"hello")
    with socket.create_connection(server, timeout=20) as client:
        for _ in range(4):  # 4.8 s; `timeout` is 4 s here
            client.sendall(whole[:-1])
            time.sleep(1.2)
            client.sendall(whole[-1:])
            assert b"/v1/tags 5" == read_answer(client)


def test_plain_requests_sent_at_once(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(plain(b"a") + plain(b"ab" * 4000) + plain(b"abc", more="Connection: close\r\n"))

        answers = read_all(client)

    assert [b"/v1/tags 1", b"/v1/tags 8000", b"/v1/tags 3"] == [
        line for line in answers.replace(b"HTTP/1.1", b"\r\n").split(b"\r\n") if line[:1] == b"/"
    ]


def test_a_client_that_shuts_its_side_gets_its_answer(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(plain(b"ab"))
        client.shutdown(socket.SHUT_WR)

        assert read_all(client).endswith(b"/v1/tags 2")


def test_plain_bodies_that_never_come_hold_nobody_and_are_given_up(server: tuple[str, int]) -> None:
    """After `timeout`, 4 s here, though a head came before them, which has longer."""
    slow = socket.create_connection(server, timeout=20)
    slow.sendall(b"POST /slow HTTP/1.1\r\nHost: a\r\n")
    clients = [socket.create_connection(server, timeout=6) for _ in range(20)]
    for client in clients:
        client.sendall(plain(b"x" * 1000)[:-1])

    assert b"/quick 2" == ask(server, "/quick", b"ab")
    for client in clients:
        assert b"" == client.recv(1)
        client.close()
    slow.close()


def test_a_large_answer_that_nobody_reads_holds_nobody(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(plain(b"a", "?much"))
        time.sleep(0.2)
        assert b"/quick 2" == ask(server, "/quick", b"ab")

        assert 20_000_000 == len(read_answer(client))
        client.sendall(plain(b"ab"))
        assert b"/v1/tags 2" == read_answer(client)


def test_an_application_that_fails_fails_alone(server: tuple[str, int]) -> None:
    with socket.create_connection(server, timeout=20) as client:
        client.sendall(plain(b"a", "?fails"))

        assert read_all(client).startswith(b"HTTP/1.1 500 ")
    assert b"/v1/tags 1" == ask(server, "/v1/tags", b"a")

"""The threats of SECURITY.md, each tried on a real server of ours: what it says there happens, happens."""

import gzip
import hashlib
import json
import os
import pickle
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.access.keys import add_key
from tagger.promotions import champion_name
from tests.conftest import ROOT
from tests.servers import Served, served

PAGE = "Le gratin du chef\n\nLe chef épluche l’oignon et glisse la recette dans le four.".encode()


@pytest.fixture(scope="module")
def server(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("threats")
    with served(tiny_models, folder, TAGGER_REVIEWS=f"sqlite:///{folder / 'reviews.db'}", TAGGER_LOG="json") as running:
        yield running


def statuses(answer: bytes) -> list[int]:
    return [int(line.split()[1]) for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def head(*fields: str, method: str = "POST", path: str = "/v1/tags") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", "Content-Type: text/plain", *fields, "", ""]).encode()


SMUGGLED = b"GET /v1/topics HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "fields",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: +5",),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding : chunked",),
        ("Content_Length: 5", "Content-Length: 0x5"),
    ],
    ids=" ".join,
)
def test_a_request_with_two_lengths_is_refused_and_what_follows_it_never_read(server: Served, fields: tuple[str, ...]) -> None:
    answer = server.send(head(*fields) + b"0\r\n\r\n" + SMUGGLED, timeout=5)

    assert [400] == statuses(answer) or [501] == statuses(answer)


def test_a_bare_newline_ends_no_field(server: Served) -> None:
    answer = server.send(
        b"POST /v1/tags HTTP/1.1\r\nHost: a\r\nX: a\nContent-Length: 30\r\nContent-Length: 0\r\n\r\n" + SMUGGLED, timeout=5
    )

    assert [400] == statuses(answer)


def test_a_compressed_body_is_not_unpacked(server: Served) -> None:
    bomb = gzip.compress(b"a" * 50_000_000)

    status, _, answer = server.ask("POST", "/v1/tags", bomb, Content_Type="text/plain", Content_Encoding="gzip")

    assert (415, True) == (status, b"compressed" in answer)


@pytest.mark.parametrize(
    ("mimetype", "body"),
    [
        ("text/html", b"<div>" * 200_000),
        ("text/html", b"<a href=x>" * 90_000 + b"a"),
        ("text/html", b"<p " + b"a=b " * 200_000 + b">le chef cuisine"),
        ("text/html", b"<script type='application/ld+json'>" + b"[" * 500_000 + b"</script><p>Le chef"),
        ("application/json", b"[" * 1_000_000),
        ("application/json", b'{"related": [' + b"{}," * 300_000 + b"{}]}"),
        ("text/plain", b"&" * 1_000_000),
        ("text/plain", b"a\n" * 500_000),
        ("text/plain", "e\u0301".encode() * 300_000),
        (
            "application/rss+xml",
            b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><rss>&b;</rss>',
        ),
        (
            "application/rss+xml",
            b'<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&a;</title></item></channel></rss>',
        ),
        ("application/rss+xml", b"<rss>" + b"<a>" * 300_000),
    ],
    ids=lambda value: value if isinstance(value, str) else value[:24].decode(),
)
def test_a_bomb_is_answered_and_the_service_goes_on(server: Served, mimetype: str, body: bytes) -> None:
    status, _, answer = server.ask("POST", "/v1/tags", body, Content_Type=mimetype)

    assert status in {200, 400, 413, 422}
    assert b"root:" not in answer
    assert server.ask("GET", "/livez")[0] == 200


def test_a_flood_of_fields_is_refused(server: Served) -> None:
    assert [431] == statuses(server.send(head(*[f"X-{n}: a" for n in range(500)], "Content-Length: 0"), timeout=5))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../metrics",
        "/v1/%2e%2e/metrics",
        "/livez/../v1/topics",
        "/livez%00",
        "/etc/passwd",
        "/.git/config",
        "/docs/../../pyproject.toml",
    ],
)
def test_paths_are_names_not_places(server: Served, path: str) -> None:
    assert server.ask("GET", path)[0] == 404


def test_a_pickle_in_a_release_is_never_read(models: Path, tmp_path: Path) -> None:
    """Not even one whose digest is right: nothing that serves or checks a release opens it."""
    mark = tmp_path / "owned"

    class Evil:
        def __reduce__(self) -> object:
            return os.mkdir, (str(mark),)

    old = models / champion_name(models)
    manifest = json.loads((old / "manifest.json").read_text())
    (old / "pipeline.joblib").write_bytes(pickle.dumps(Evil()))
    manifest["files"]["pipeline.joblib"] = hashlib.sha256((old / "pipeline.joblib").read_bytes()).hexdigest()
    content = json.dumps(manifest).encode()
    (old / "manifest.json").write_bytes(content)
    new = old.with_name(f"{old.name.split('-')[0]}-{hashlib.sha256(content).hexdigest()[:8]}")
    old.rename(new)
    log = models / "promotions.jsonl"
    log.write_text(log.read_text().replace(old.name, new.name))

    with served(models, tmp_path, TAGGER_REVIEWS=f"sqlite:///{tmp_path / 'reviews.db'}") as running:
        assert running.ask("POST", "/v1/tags", PAGE, Content_Type="text/plain")[0] == 200

    assert not mark.exists()


def test_who_guesses_keys_is_slowed_down_and_a_good_key_is_not(tiny_models: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.jsonl"
    token = add_key(keys, "cms", ["tag"], by="ada").token
    environment = {"TAGGER_KEYS": str(keys), "TAGGER_REVIEWS": f"sqlite:///{tmp_path / 'reviews.db'}"}
    with served(tiny_models, tmp_path, workers=2, **environment) as running:
        assert running.ask("POST", "/v1/tags", PAGE, Content_Type="text/plain", Authorization=f"Bearer {token}")[0] == 200
        assert running.ask("GET", "/v1/reviews", Authorization=f"Bearer {token}")[0] == 403
        assert running.ask("POST", "/v1/tags", PAGE)[0] == 401
        guessed = [running.ask("POST", "/v1/tags", PAGE, Authorization=f"Bearer {token[:-4]}{n:04}")[0] for n in range(30)]
        assert running.ask("GET", "/livez")[0] == 200

    assert {401, 429} == set(guessed)
    assert guessed.count(401) <= 11
    assert token not in (tmp_path / "serve.log").read_text()


def test_a_log_line_cannot_be_made_up(server: Served) -> None:
    forged = 'x"}\\n{"event":"forged"}'
    server.ask("GET", "/%0a%7b%22event%22:%22forged%22%7d", X_Request_Id=forged, User_Agent="a\x1b[2J")
    server.send(b'GET /a HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\x0b{"event":"forged"}\r\nConnection: close\r\n\r\n', timeout=5)
    server.ask("POST", "/v1/tags", PAGE, Content_Type="text/plain")
    time.sleep(0.2)

    lines = server.lines()

    assert "request" in {line["event"] for line in lines}
    assert "forged" not in {line["event"] for line in lines}
    assert "oignon" not in server.log.read_text()


def test_slow_clients_hold_nobody(server: Served) -> None:
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
    for client in clients:
        client.sendall(b"POST /v1/tags HTTP/1.1\r\nHost: a\r\n")

    assert server.ask("POST", "/v1/tags", PAGE, Content_Type="text/plain")[0] == 200
    for client in clients:
        client.close()


def test_nothing_of_ours_is_framed_sniffed_or_run(server: Served) -> None:
    for path in ("/", "/docs", "/openapi.json", "/livez"):
        _, headers, _ = server.ask("GET", path)
        assert "nosniff" == headers["X-Content-Type-Options"]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers


def test_security_says_what_was_tried() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8").lower()

    for threat in ("smuggling", "slow loris", "zip", "html", "header", "path", "pickle", "guess", "log injection"):
        assert threat in text

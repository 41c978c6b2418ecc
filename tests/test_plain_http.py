"""Plain requests are read as gunicorn reads them, and whatever is not plain is left to it."""

from collections.abc import Iterable
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.wsgi import base_environ, create

from tagger.plain_http import LARGEST_BODY, answer, read_plain

BODY = b'{"body": "Le chef"}'


def sent(*fields: str, line: str = "POST /v1/tags HTTP/1.1", body: bytes = BODY) -> bytes:
    usual = ["Host: tags.example:8000", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([line, *usual, *fields, "", ""]).encode("latin-1") + body


@pytest.mark.parametrize(
    "request_",
    [
        sent(),
        sent("Accept: */*", "User-Agent: curl/8.5.0", "Connection: keep-alive"),
        sent(
            "X-Request-Id:  a b ".replace("  ", " "), "Authorization: Bearer tagger_1_2", "X-Forwarded-For: 10.0.0.1, 10.0.0.2"
        ),
        sent(line="POST /v1/tags?evidence=false&a=%20 HTTP/1.1"),
        sent(line="POST /v1/tags? HTTP/1.1"),
        sent("Content-Encoding: gzip", "X-Empty:"),
    ],
)
def test_a_plain_request_is_read_as_gunicorn_reads_it(request_: bytes) -> None:
    plain = read_plain(request_ + b"POST /what-follows")
    config = Config()
    parser = get_parser(config, iter([request_]), ("10.0.0.9", 4000))
    _, theirs = create(next(parser), None, ("10.0.0.9", 4000), ("10.0.0.1", 8000), config)
    elsewhere = {*base_environ(config), "wsgi.input", "wsgi.url_scheme", "wsgi.early_hints", "gunicorn.socket"}
    elsewhere |= {"REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT"}

    assert plain is not None
    assert {name: value for name, value in theirs.items() if name not in elsewhere} == plain.environment
    assert request_ == (request_ + b"POST /what-follows")[: plain.size]
    assert BODY == request_[plain.start : plain.size]


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"POST /v1/tags HTTP/1.1\r\nHost: a\r\n",
        sent(line="GET /v1/tags HTTP/1.1"),
        sent(line="POST /v1/tags HTTP/1.0"),
        sent(line="POST  /v1/tags HTTP/1.1"),
        sent(line="POST /v1/tags/batch HTTP/1.1"),
        sent(line="POST /v1/tags#a HTTP/1.1"),
        sent(line="POST http://a/v1/tags HTTP/1.1"),
        sent("Transfer-Encoding: chunked"),
        sent("Expect: 100-continue"),
        sent("Connection: close"),
        sent("Connection: upgrade", "Upgrade: h2c"),
        sent("Content-Length: 19"),
        sent("Content-Length: 20"),
        sent("Host: b"),
        sent("Accept: a", "accept: b"),
        sent("Content_Length: 5"),
        sent("X : a"),
        sent("X: a", " folded"),
        sent("X: a\nTransfer-Encoding: chunked"),
        sent("X: a\rb"),
        sent("X: a\x00"),
        sent("X: é"),
        sent("X-Forwarded-Ssl: on"),
        sent("X: " + "a" * 5000),
        sent(*(f"X-{n}: a" for n in range(60))),
        sent().replace(b"19", b"+19"),
        sent().replace(b"19", b"019"),
        sent().replace(b"19", b"1_9"),
        sent().replace(b": 19", b": 19, 19"),
        sent().replace(b": 19", b":"),
        sent().replace(b"Content-Length: 19\r\n", b""),
        sent().replace(b"Host: tags.example:8000\r\n", b""),
        sent().replace(b"tags.example", b"a b"),
        sent().replace(b"tags.example", b"me@tags.example"),
        sent().replace(b"application/json", b"text/html"),
        sent().replace(b"\r\n", b"\n"),
        sent(body=b"a" * (LARGEST_BODY + 1)),
    ],
    ids=lambda request_: repr(request_[:90]),
)
def test_what_is_not_plain_is_left_to_gunicorn(request_: bytes) -> None:
    assert read_plain(request_) is None


def test_an_answer_goes_over_the_wire_and_is_closed() -> None:
    class Pieces(list[bytes]):
        closed = False

        def close(self) -> None:
            self.closed = True

    pieces = Pieces([b"ab", b"c"])

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert b"body" == environ["wsgi.input"].read()
        start_response("201 CREATED", [("X-A", "é")])
        return pieces

    head, _, content = answer(app, {}, b"body").partition(b"\r\n\r\n")

    assert (b"abc", True) == (content, pieces.closed)
    assert head.startswith(b"HTTP/1.1 201 CREATED\r\nServer: gunicorn\r\nDate: ")
    assert head.endswith(b" GMT\r\nConnection: keep-alive\r\nX-A: \xe9\r\nContent-Length: 3")


def test_an_answer_without_a_body_tells_no_length() -> None:
    def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("304 NOT MODIFIED", [])
        return []

    assert b"Length" not in answer(app, {}, b"")


@pytest.mark.parametrize(
    "field", [("X-A", "a\r\nX-B: b"), ("X-A", "a\nb"), ("X-A", "a\x00"), ("X A", "a"), ("X-A: b\r\nX-C", "a")]
)
def test_no_field_of_an_answer_makes_another(field: tuple[str, str]) -> None:
    def app(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [field])
        return []

    with pytest.raises(ValueError, match="line break"):
        answer(app, {}, b"")

"""The log: a line a call, whatever a request puts into it, for machines or for people; no secret in any."""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.logs import configure_logging, requested, tell
from tagger.masking import mask
from tagger.settings import Settings
from tests.conftest import ROOT

TOKEN = f"tagger_0123456789ab_{'c0ffee42' * 8}"
SECRETS = [
    (f"the key {TOKEN}.", "the key tagger_0123456789ab_***."),
    ("Authorization: Bearer abc.def", "Authorization: ***"),
    ("{'Authorization': 'Basic dTpw'}", "{'Authorization': '***'}"),
    ("sent Bearer 0123456789", "sent Bearer ***"),
    ("postgresql+psycopg://ada:hush@h/d is down", "postgresql+psycopg://ada:***@h/d is down"),
    ("postgresql+psycopg://ada:h@us/h@h/d", "postgresql+psycopg://ada:***@h/d"),
    ("host=h password=hush dbname=d", "host=h password=*** dbname=d"),
    ("GET /?api_key=hush&x=1", "GET /?api_key=***&x=1"),
]
INJECTIONS = [
    "a\n2026-01-01 error forged",
    "a\r\nforged",
    "\x1b[2J\x1b[1;1H\x1b]0;title\x07",
    "a\u2028b\u2029c\x85d\x0be\x0cf",
    "\u202egnidaer\u200b",
    "\x00\x08\x7f\x9b",
    "\ud800",
    '", "level": "error',
]
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\u202e\ud800]")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the logging of the process as it was."""
    root = logging.getLogger()
    names = [root.name, "tagger", "gunicorn"]
    before = root.handlers[:], {name: logging.getLogger(name).level for name in names}
    requested.set(None)
    yield
    root.handlers = before[0]
    for name, level in before[1].items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)
    requested.set(None)


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_a_request_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="json"))

    tell("tagger.http", "request", method="POST", route="/v1/tags", status=200, milliseconds=12.5)

    (record,) = records(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(record.pop("time")))
    assert {
        "level": "info",
        "event": "request",
        "logger": "tagger.http",
        "method": "POST",
        "route": "/v1/tags",
        "status": 200,
        "milliseconds": 12.5,
    } == record


def test_a_request_is_read_at_a_glance_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="console"))

    tell("tagger.request", "request", method="POST", route="/v1/tags", status=200, milliseconds=12.51, documents=3)

    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} info     POST /v1/tags 200 12.5 ms  documents=3\n", capsys.readouterr().out)


def test_auto_is_json_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings())

    tell("tagger.request", "x")

    assert ["x"] == [record["event"] for record in records(capsys)]


def test_loggers_of_the_standard_library_go_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="json"))

    logging.getLogger("tagger.serving").info("serving %s", "r1")
    logging.getLogger("gunicorn.error").info("Booting worker")
    logging.getLogger("sqlalchemy.engine").info("SELECT body FROM documents")
    logging.getLogger("alembic.runtime.migration").warning("odd")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", stacklevel=1)

    found = [(record["logger"], record["event"]) for record in records(capsys)]
    assert [
        ("tagger.serving", "serving r1"),
        ("gunicorn.error", "Booting worker"),
        ("alembic.runtime.migration", "odd"),
    ] == found[:3]
    assert "py.warnings" == found[3][0]


def test_configuring_again_changes_and_doubles_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="console"))
    tell("tagger.request", "a")
    configure_logging(Settings(log="json"))
    capsys.readouterr()

    tell("tagger.request", "b")
    logging.getLogger("tagger").info("c")

    assert ["b", "c"] == [record["event"] for record in records(capsys)]


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="json", log_level="error"))

    tell("tagger.request", "a")
    logging.getLogger("tagger").warning("b")
    logging.getLogger("other").warning("c")
    logging.getLogger("tagger").error("d")

    assert ["d"] == [record["event"] for record in records(capsys)]


def test_what_is_bound_to_a_request_is_in_all_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="json"))
    requested.set({"request_id": "r-1"})

    tell("tagger.request", "a")
    logging.getLogger("tagger.recording").warning("b")

    assert ["r-1", "r-1"] == [record["request_id"] for record in records(capsys)]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("mode", ["json", "console"])
def test_no_request_writes_a_line(mode: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log=mode))

    tell("tagger.request", "request", method="GET", route=text, request_id=text, status=200)
    tell("tagger.request", text)
    logging.getLogger("tagger").warning("path %s", text)

    lines = capsys.readouterr().out.split("\n")
    assert 4 == len(lines)
    assert not CONTROL.search("".join(lines))
    if mode == "json":
        assert text == json.loads(lines[0])["request_id"]


@pytest.mark.parametrize("mode", ["json", "console"])
def test_the_text_of_an_exception_writes_no_line(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log=mode))

    try:
        fail("a\n12:00:00.000 error    forged\x1b[2J")
    except ValueError:
        logging.getLogger("tagger").exception("failed")

    lines = capsys.readouterr().out.rstrip("\n").split("\n")
    assert 1 == sum(not line.startswith("    ") for line in lines)
    assert not CONTROL.search("".join(lines))
    assert sum("ValueError: a" in line for line in lines) == 1


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.none() | st.lists(st.text())))
def test_any_values_are_a_line_of_json(event: str, values: dict[str, object]) -> None:
    from tagger.logs import _json

    line = _json({"time": "t", "level": "info", "event": event, **{f"x{k}": v for k, v in values.items()}})

    assert line.isascii()
    assert event == json.loads(line)["event"]


@pytest.mark.parametrize("value", [{1: object()}, {("a", 1): 2}, b"x", Path("/x"), float("nan"), ValueError("x")])
def test_a_value_that_is_no_json_fails_no_request(value: object, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log="json"))

    tell("tagger.request", "x", value=value)

    assert 1 == len(records(capsys))


def test_a_log_that_nobody_reads_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdout", Closed())
    configure_logging(Settings())

    tell("tagger.request", "x")
    logging.getLogger("tagger").warning("y")


@pytest.mark.parametrize(("text", "masked"), SECRETS)
def test_secrets_are_masked(text: str, masked: str) -> None:
    assert masked == mask(text)


@pytest.mark.parametrize(
    "text", ["tagger_requests_total", "https://a.example:8000/v1/tags", "password authentication failed", "2 tokens", "é\n"]
)
def test_other_text_stays(text: str) -> None:
    assert text == mask(text)


@pytest.mark.parametrize("mode", ["json", "console"])
def test_no_secret_is_in_any_line(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Settings(log=mode))
    for text, _ in SECRETS:
        tell("tagger.request", text, a=text, b=[text, {"c": text}], d=ValueError(text))
        logging.getLogger("tagger").warning("x %s", text)
        try:
            fail(text)
        except ValueError:
            logging.getLogger("tagger").exception("failed")
    tell("tagger.request", "x", authorization="hush", headers={"Cookie": "hush", "X": ["Bearer c0ffee42c0ffee42"]})
    tell("tagger.request", "x", token="hush")  # noqa: S106

    out = capsys.readouterr().out
    assert not re.search(r"hush|c0ffee|dTpw|abc\.def|0123456789\b|h@us", out)


@pytest.fixture
def serving(tiny_models: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`tagger serve` that has become ready, with one worker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    own = {"PORT": port, "WEB_CONCURRENCY": "1", "TAGGER_RATE_LIMT": "1", "TAGGER_REVIEWS": f"sqlite:///{tmp_path}/r.db"}
    command = [sys.executable, "-m", "tagger.cli", "--models", str(tiny_models), "serve"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/livez").close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        yield process, port
        process.kill()


def test_all_of_a_service_is_json_on_standard_output(serving: tuple[subprocess.Popen[str], str]) -> None:
    process, port = serving
    opened = [file.readlink() for file in Path(f"/proc/{process.pid}/fd").iterdir()]
    shared = [path for path in opened if path.name.startswith("tagger-shared-")]

    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)

    events = [str(json.loads(line)["event"]) for line in out.splitlines()]
    assert (0, "") == (process.returncode, err)
    for said in (
        "Starting gunicorn",
        "Booting worker",
        "TAGGER_RATE_LIMT is no setting",
        f"answers on http://127.0.0.1:{port}",
    ):
        assert any(said in event for event in events), said
    assert 1 == len(shared)
    assert not shared[0].exists()

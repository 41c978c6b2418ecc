"""Trace context and request ids, read strictly; a span continues the trace of its request."""

import subprocess
import sys

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tagger.tracing import TraceContext, child, instrument, parse_traceparent, request_id, request_trace, trace_requests

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (HEADER, 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-ff", 3),
        (f"cc-{TRACE}-{SPAN}-01", 1),
        (f"01-{TRACE}-{SPAN}-01-what-the-future-brings", 1),
    ],
)
def test_a_header_is_read(header: str, flags: int) -> None:
    assert TraceContext(TRACE, SPAN, flags) == parse_traceparent(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
        f"01-{TRACE}-{SPAN}-01more",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}{SPAN}-01",
        f" {HEADER}",
        f"{HEADER}\n",
        f"01-{TRACE}-{SPAN}-01-\n",
        HEADER.replace("0af", "٠af"),
    ],
)
def test_what_is_no_header_is_ignored(header: str | None) -> None:
    assert parse_traceparent(header) is None


def test_what_is_written_is_read_again() -> None:
    assert HEADER == TraceContext(TRACE, SPAN, 1).header()
    context = child(None)
    assert context == parse_traceparent(context.header())


def test_a_child_is_another_span_of_the_same_trace() -> None:
    parent = TraceContext(TRACE, SPAN, 1)

    assert (TRACE, 1) == (child(parent).trace_id, child(parent).flags)
    assert len({SPAN, child(parent).span_id, child(parent).span_id}) == 3


@given(st.text())
def test_any_header_gives_a_trace(header: str) -> None:
    context = request_trace(header)

    assert context == parse_traceparent(context.header())


@pytest.mark.parametrize("header", ["abc", "!" * 128, "7f3e:1/2"])
def test_the_id_of_a_caller_is_taken_up(header: str) -> None:
    assert header == request_id(header)


@pytest.mark.parametrize("header", [None, "", "a b", "a\nb", "é", "x" * 129, "\x1b[2J", "a\u2028b", "a\n"])
def test_another_id_is_made_for_what_is_none(header: str | None) -> None:
    made = request_id(header)

    assert made == request_id(made) != header
    assert made != request_id(header)


def test_a_span_continues_the_trace_of_its_request(app: Flask) -> None:
    exporter, seen = InMemorySpanExporter(), []
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace_requests(app, provider)
    app.before_request(lambda: seen.append(request_trace("ignored: the span knows")))
    client = app.test_client()

    client.get("/v1/topics", headers={"traceparent": HEADER})
    client.get("/livez", headers={"traceparent": HEADER})
    provider.shutdown()

    (span,) = exporter.get_finished_spans()
    assert "GET /v1/topics" == span.name
    assert (int(TRACE, 16), int(SPAN, 16)) == (span.context.trace_id, span.parent.span_id)
    assert TraceContext(TRACE, f"{span.context.span_id:016x}", 1) == seen[0]


def test_without_an_endpoint_nothing_is_sent(app: Flask) -> None:
    assert not instrument(app, {"OTEL_SERVICE_NAME": "tagger"})
    assert not instrument(app, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"})


def test_without_the_extra_a_line_says_what_to_install(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    assert not instrument(app, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    assert "pip install 'tagger[otel]'" in caplog.text


def test_without_an_endpoint_opentelemetry_is_not_imported() -> None:
    script = (
        "import sys; from tagger.tracing import instrument, request_trace; instrument(None, {}); request_trace(None); "
        "print('opentelemetry' in sys.modules)"
    )

    assert b"False\n" == subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout

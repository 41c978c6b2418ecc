"""Headers of a request -> which trace and request it belongs to (W3C Trace Context); spans, where OpenTelemetry is installed.

Knows nothing of Flask: what is instrumented is handed over.
"""

import logging
import re
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SAMPLED, _RANDOM = 0b01, 0b10
_TRACEPARENT = re.compile(
    r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>.*)"
)
_REQUEST_ID = re.compile(r"[!-~]{1,128}")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# Asked every few seconds by machines, and of no interest to anybody who looks for a slow request.
_UNTRACED = "livez,readyz,metrics"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A place in a trace: ids in small hexadecimal digits, 32 and 16 of them; flags as in the header."""

    trace_id: str
    span_id: str
    flags: int = 0

    def header(self) -> str:
        """Return the traceparent header, in version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


def parse_traceparent(header: str | None) -> TraceContext | None:
    """Read the header as the specification says; None is a request without a trace, or with one that must be ignored.

    Later versions are read by what they share with version 00.
    """
    found = _TRACEPARENT.fullmatch(header or "")
    if not found or found["version"] == "ff" or not found["trace"].strip("0") or not found["span"].strip("0"):
        return None
    if found["more"] and (found["version"] == "00" or not found["more"].startswith("-")):
        return None
    return TraceContext(found["trace"], found["span"], int(found["flags"], 16) & (_SAMPLED | _RANDOM))


def child(context: TraceContext | None) -> TraceContext:
    """Return a new span of the trace, or of a new trace where there is none."""
    if context is None:
        drawn = secrets.token_hex(24)
        return TraceContext(drawn[:32], drawn[32:])
    return TraceContext(context.trace_id, secrets.token_hex(8), context.flags)


def request_trace(header: str | None) -> TraceContext:
    """Return where a request stands: in the span that OpenTelemetry began for it, else in a new one of the header's trace."""
    recording = sys.modules.get("opentelemetry.trace")
    span = recording.get_current_span().get_span_context() if recording else None
    if span is None or not span.is_valid:
        return child(parse_traceparent(header))
    return TraceContext(f"{span.trace_id:032x}", f"{span.span_id:016x}", int(span.trace_flags))


def request_id(header: str | None) -> str:
    """Return the id that the caller gave, if it is at most 128 visible ASCII characters, else a new one."""
    return header if header and _REQUEST_ID.fullmatch(header) else secrets.token_hex(16)


def instrument(app: Any, environment: Mapping[str, str]) -> bool:
    """Send a span for each request of a Flask app to the OTLP endpoint of the environment; return whether there is one.

    To be called in each worker process, before anything else is registered with the app: what is registered earlier runs
    outside of the span. The OTEL_* variables of the specification say where to, how, how many, and under which name.
    """
    if not any(environment.get(name) for name in _ENDPOINTS) or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    try:
        provider = _provider(environment)
        trace_requests(app, provider, environment.get("OTEL_PYTHON_FLASK_EXCLUDED_URLS", _UNTRACED))
    except ImportError:
        _log.warning("an OTLP endpoint is set, and OpenTelemetry is not installed: run pip install 'tagger[otel]', or unset it")
        return False
    return True


def trace_requests(app: Any, provider: Any, untraced: str = _UNTRACED) -> None:
    """Have each request of a Flask app make a span with an OpenTelemetry provider, in the trace of its traceparent header."""
    from opentelemetry.instrumentation.flask import FlaskInstrumentor  # noqa: PLC0415 - an extra

    instrument_app: Any = FlaskInstrumentor.instrument_app  # which has no types
    instrument_app(app, tracer_provider=provider, excluded_urls=untraced)


def _provider(environment: Mapping[str, str]) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    named = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "tagger"}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider

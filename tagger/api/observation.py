"""What is kept of a request: one line in the log, its counts, and the ids that tie it to its caller's own. Never its text."""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

from flask import Flask, request

from tagger.logs import requested, tell
from tagger.metrics import OTHER, Metrics
from tagger.tracing import request_id, request_trace

# Nothing of ours is framed, sniffed or run; only /docs has a style, and says so itself.
_POLICY = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
_SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
_KEY = "tagger.observation"


class _Observation:
    """What is known of a request so far. Headers are put into the finished list: Werkzeug's own take 9 µs for six."""

    __slots__ = ("facts", "headers", "method", "route", "started", "status")

    def __init__(self, method: str) -> None:
        self.started = perf_counter()
        self.method = method
        self.status = 500
        self.route = OTHER
        self.facts: dict[str, Any] = {}
        self.headers: tuple[tuple[str, str], ...] = _SECURITY


class _Answer:
    """The body of an answer, which tells when its last byte was sent."""

    __slots__ = ("_body", "_closed")

    def __init__(self, body: Iterable[bytes], closed: Callable[[], None]) -> None:
        self._body, self._closed = body, closed

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            if hasattr(self._body, "close"):
                self._body.close()
        finally:
            self._closed()


def observe(app: Flask, metrics: Metrics) -> None:
    """Observe every request of an app: the ids first of all, the line and the counts when the last byte was answered."""
    answer: Callable[..., Iterable[bytes]] = app.wsgi_app

    def observed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen = environ[_KEY] = _Observation(environ["REQUEST_METHOD"])
        metrics.began()

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            seen.status = int(status[:3])
            own = () if any(name == _POLICY[0] for name, _ in headers) else (_POLICY,)
            return start_response(status, [*headers, *seen.headers, *own], *error)

        def closed() -> None:
            seconds = perf_counter() - seen.started
            metrics.request(seen.route, seen.method, seen.status, seconds)
            line = {"method": seen.method, "route": seen.route, "status": seen.status}
            tell("tagger.request", "request", **line, milliseconds=round(seconds * 1000, 2), **seen.facts)
            requested.set(None)

        return _Answer(answer(environ, start), closed)

    app.before_request(_recognise)
    app.wsgi_app = observed  # type: ignore[method-assign]


def _recognise() -> None:
    recognise(request.environ, request.url_rule.rule if request.url_rule else OTHER)


def recognise(environ: dict[str, Any], route: str) -> None:
    """Give a request to a route its ids, where OpenTelemetry has begun its span, which it does before a request too."""
    seen: _Observation = environ[_KEY]
    seen.route = route
    identity = request_id(environ.get("HTTP_X_REQUEST_ID"))
    trace = request_trace(environ.get("HTTP_TRACEPARENT"))
    seen.headers = (("X-Request-Id", identity), ("traceparent", trace.header()), *_SECURITY)
    requested.set({"request_id": identity, "trace_id": trace.trace_id})


def facts_of(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that the line of a request will tell: numbers and names, never what a reader wrote."""
    seen: _Observation = environ[_KEY]
    return seen.facts


def facts() -> dict[str, Any]:
    """Return the `facts_of` the request that Flask answers."""
    return facts_of(request.environ)


def note(**told: Any) -> None:
    """Add to the `facts` of the request."""
    facts().update(told)

"""What happens in the service -> Prometheus text, the same from whichever worker is asked. It counts; it decides nothing.

Every label has a bounded set of values, and those that an alert waits for are there from the start, at 0: the first failure
would otherwise be no increase. Several workers count in the files of tagger.metric_files.
"""

import math
import os
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import product
from pathlib import Path
from typing import Generic, TypeVar, get_args

from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.metrics import MetricWrapperBase

from tagger.documents import KINDS, Layout
from tagger.drift import Drift
from tagger.drift import metrics as drift_gauges
from tagger.metric_files import making_files, read_sum
from tagger.recording import Recorder
from tagger.serving import State
from tagger.tags import Abstained, TaggedDocument

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
# No key, one that nobody has, one without the scope, and an address that tried too many.
AUTHENTICATION_FAILURES = ("missing", "unknown", "scope", "guessing")
# From a health check to the longest request that is allowed; a page takes a few milliseconds.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STATUSES_FROM_THE_START = ("200", "500", "503")
_NO_DOCUMENT = ("page", "no_document")
_NO_RELEASE = "none"
_DRIFT_DOCUMENTS = "tagger_drift_observed_documents"
_DRIFT: dict[str, tuple[str, tuple[str, ...]]] = {
    _DRIFT_DOCUMENTS: ("Answered documents that drift was last measured on.", ()),
    "tagger_drift_tag_ratio": ("Share of documents with a tag, at the release and now.", ("topic", "when")),
    "tagger_drift_score_psi": ("How far the scores of a topic moved since the release (PSI).", ("topic",)),
    "tagger_drift_override_ratio": ("Share of reviewed tags that editors overrode.", ("topic",)),
    "tagger_drift_untagged_ratio": ("Share of documents without a tag, at the release and now.", ("when",)),
    "tagger_drift_unknown_words_ratio": ("Mean share of unknown terms, at the release and now.", ("when",)),
    "tagger_drift_language_mismatch_ratio": ("Share of documents not in French, at the release and now.", ("when",)),
    "tagger_drift_verdict": ("Whether a measure drifted: 0 stable, 1 look, 2 changed.", ("measure", "topic")),
}
_MEMORY = Path("/proc/self/statm")
_MEMORY_SECONDS = 5.0

# When a counter began is nothing that the files of several workers hold: without this, one worker would show more than two.
disable_created_metrics()  # type: ignore[no-untyped-call]

_Metric = TypeVar("_Metric", bound=MetricWrapperBase)


class _Children(dict[tuple[str, ...], _Metric], Generic[_Metric]):
    """The children of a metric by label values, each looked up once: prometheus_client does so under a lock."""

    def __init__(self, metric: _Metric) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, values: tuple[str, ...]) -> _Metric:
        child = self[values] = self._metric.labels(*values) if values else self._metric
        return child


class Metrics:
    """The metrics of one app. With PROMETHEUS_MULTIPROC_DIR set, they are those of all workers that share the folder."""

    def __init__(self) -> None:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._folder = Path(folder) if folder else None
        self._registry = CollectorRegistry()
        self._routes: set[str] = set()
        self._state = State()
        self._changing = threading.Lock()
        self._lost = 0
        self._passed = 0
        self._drift: Drift | None = None
        self._memory_read = -math.inf
        with making_files(self._folder) if self._folder else nullcontext():
            self._define_requests()
            self._define_answers()
            self._define_state()
        self._begin()

    def _define_requests(self) -> None:
        counter, gauge = partial(Counter, registry=self._registry), partial(Gauge, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry, buckets=_BUCKETS)
        self._requests = _Children(
            counter("tagger_http_requests_total", "Requests answered, by route template.", ["route", "method", "status"])
        )
        self._durations = _Children(
            histogram(
                "tagger_http_request_duration_seconds", "From the start of a request to the end of its answer.", ["route"]
            )
        )
        self._in_progress = gauge(
            "tagger_http_requests_in_progress", "Requests that are being answered.", multiprocess_mode="livesum"
        )
        self._rate_limited = counter("tagger_rate_limited_total", "Requests refused because too many came before them.")
        self._unauthenticated = _Children(
            counter("tagger_authentication_failures_total", "Requests refused for their key.", ["reason"])
        )

    def _define_answers(self) -> None:
        counter = partial(Counter, registry=self._registry)
        self._pages = _Children(counter("tagger_pages_total", "Pages tagged, by the layout they were read as.", ["layout"]))
        self._documents = _Children(counter("tagger_documents_total", "Documents tagged.", ["kind"]))
        self._tags = _Children(counter("tagger_tags_total", "Tags given.", ["kind", "topic"]))
        self._abstentions = _Children(
            counter("tagger_abstentions_total", "Documents without a tag, and pages without a document.", ["kind", "reason"])
        )
        self._text = counter("tagger_text_bytes_total", "Bytes of text read to be tagged.")
        self._answers_lost = counter("tagger_answers_lost_total", "Answers that could not be kept for review and drift.")
        self._passed_over = counter(
            "tagger_answers_passed_over_total", "Answers that were not kept for review and drift, as a sample is enough."
        )
        self._reviews = counter("tagger_reviews_stored_total", "Reviews stored.")

    def _define_state(self) -> None:
        """Define what is measured: a worker that is dead measures nothing (live…)."""
        counter, gauge = partial(Counter, registry=self._registry), partial(Gauge, registry=self._registry)
        total, newest = partial(gauge, multiprocess_mode="livesum"), partial(gauge, multiprocess_mode="livemostrecent")
        highest, lowest = partial(gauge, multiprocess_mode="livemax"), partial(gauge, multiprocess_mode="livemin")
        self._workers = total("tagger_workers", "Workers that serve.")
        self._memory = total("tagger_worker_resident_bytes", "Memory that all workers hold, as each saw when last asked.")
        self._started = highest("tagger_worker_start_time_seconds", "When the newest worker started, since the epoch.")
        self._releases = _Children(
            total("tagger_release_info", "Workers that answer with a release; none: without one.", ["release"])
        )
        self._refused = _Children(
            highest("tagger_release_refused", "Whether a champion is refused; none: there is none.", ["release"])
        )
        self._swaps = counter("tagger_release_swaps_total", "Champions taken up while serving, counted by each worker.")
        self._load_failures = counter("tagger_release_load_failures_total", "Champions refused, counted by each worker.")
        self._store_up = lowest("tagger_review_store_up", "Whether every worker can use the review store.")
        self._drift_gauges = {name: _Children(newest(name, meaning, labels)) for name, (meaning, labels) in _DRIFT.items()}

    def _begin(self) -> None:
        """Let everything that can be told beforehand be there at 0, and this worker at 1."""
        for reason in AUTHENTICATION_FAILURES:
            _ = self._unauthenticated[(reason,)]
        for layout in get_args(Layout):
            _ = self._pages[(layout,)]
        for kind in KINDS:
            _ = self._documents[(kind,)]
        for about in (*product(KINDS, get_args(Abstained)), _NO_DOCUMENT):
            _ = self._abstentions[about]
        _ = self._refused[(_NO_RELEASE,)], self._releases[(_NO_RELEASE,)]
        self.offer(OTHER, ())
        self._workers.set(1)
        self._started.set(time.time())
        self._see_memory()

    def offer(self, route: str, methods: Iterable[str]) -> None:
        """Tell a route that the app has, as its template; what is asked of routes not offered counts as `other`."""
        self._routes.add(route)
        _ = self._durations[(route,)]
        for method, status in product(METHODS.intersection(methods), _STATUSES_FROM_THE_START):
            _ = self._requests[route, method, status]

    def began(self) -> None:
        """Count a request in."""
        self._in_progress.inc()

    def request(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count out a request that `began`; `route` is its template, None or `other` where none was found."""
        route = route if route in self._routes else OTHER
        self._requests[route, method if method in METHODS else OTHER, str(status)].inc()
        self._durations[(route,)].observe(seconds)
        self._in_progress.dec()
        if time.monotonic() - self._memory_read > _MEMORY_SECONDS:
            self._see_memory()

    def rate_limited(self) -> None:
        """Count a request that was refused because too many came before it."""
        self._rate_limited.inc()

    def authentication_failed(self, reason: str) -> None:
        """Count a request that was refused for its key; a reason not in `AUTHENTICATION_FAILURES` counts as `other`."""
        self._unauthenticated[(reason if reason in AUTHENTICATION_FAILURES else OTHER,)].inc()

    def tagged(self, layout: Layout | None, documents: Sequence[TaggedDocument], text_bytes: int) -> None:
        """Count what was tagged: the documents of a page, or with None for a layout, documents that came on none."""
        if layout is not None:
            self._pages[(layout,)].inc()
            if not documents:
                self._abstentions[_NO_DOCUMENT].inc()
        self._text.inc(text_bytes)
        _add(self._documents, ((one.document.kind,) for one in documents))
        _add(self._tags, ((one.document.kind, tag.topic.id) for one in documents for tag in one.tags))
        _add(self._abstentions, ((one.document.kind, one.abstained) for one in documents if one.abstained))

    def reviews_stored(self, count: int) -> None:
        """Count reviews that were not in the store before."""
        self._reviews.inc(count)

    def release_changed(self, state: State) -> None:
        """Show which release this worker answers with, and which champion it refuses; for `Serving`."""
        _show_only(self._releases, state.release.name if state.release else _NO_RELEASE)
        _show_only(self._refused, (state.refused or _NO_RELEASE) if state.problem else None)
        self._swaps.inc(state.swaps - self._state.swaps)
        self._load_failures.inc(state.refusals - self._state.refusals)
        for kind, topic in product(KINDS, state.release.taxonomy.ids if state.release else ()):
            _ = self._tags[kind, topic]
        self._state = state

    def recorder_changed(self, recorder: Recorder) -> None:
        """Show whether the store can be used, what was lost or passed over, and drift; for `Recorder`, from any thread."""
        with self._changing:
            self._store_up.set(recorder.problem is None)
            lost, drift = recorder.lost, recorder.drift
            self._answers_lost.inc(lost - self._lost)
            self._lost = lost
            passed_over = recorder.passed_over
            self._passed_over.inc(passed_over - self._passed)
            self._passed = passed_over
            if drift is not self._drift:
                self._show_drift(drift)
            self._drift = drift

    def exposition(self) -> bytes:
        """Return all metrics in the text format, of `CONTENT_TYPE`."""
        return read_sum(self._folder) if self._folder else generate_latest(self._registry)

    def _show_drift(self, drift: Drift | None) -> None:
        """Show a new measure of drift; what it does not tell, as of topics of the release before, is no number any more."""
        now = {}
        if drift is not None:
            told = drift_gauges(drift) or [(_DRIFT_DOCUMENTS, {}, float(drift.documents))]
            now = {(name, tuple(labels.get(label, "") for label in _DRIFT[name][1])): value for name, labels, value in told}
        before = {(name, values) for name, children in self._drift_gauges.items() for values in children}
        for name, values in before | set(now):
            self._drift_gauges[name][values].set(now.get((name, values), math.nan))

    def _see_memory(self) -> None:
        """Look how much memory this worker holds, once in a while: it takes as long as the rest of a request's metrics."""
        self._memory_read = time.monotonic()
        if _MEMORY.exists():
            self._memory.set(int(_MEMORY.read_text().split()[1]) * resource.getpagesize())


def _add(counters: _Children[Counter], events: Iterable[tuple[str, ...]]) -> None:
    """Count events by label values, each counter once: a page may have hundreds of documents."""
    tally: dict[tuple[str, ...], int] = defaultdict(int)  # a Counter takes 1 µs to begin, and most pages have one document
    for values in events:
        tally[values] += 1
    for values, count in tally.items():
        counters[values].inc(count)


def _show_only(gauges: _Children[Gauge], value: str | None) -> None:
    """Set the gauge of a label value to 1 and the others to 0: in several workers none can be removed."""
    if value is not None:
        _ = gauges[(value,)]
    for (other,), gauge in gauges.items():
        gauge.set(other == value)

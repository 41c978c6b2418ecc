"""What was answered -> the store, from a thread of its own: no request waits for the store, none fails with it."""

import logging
import queue
import threading
import time
from collections.abc import Iterable

from tagger.documents import joined
from tagger.drift import Drift
from tagger.errors import StoreUnavailableError
from tagger.promotions import now
from tagger.registry import Release
from tagger.review import Answer
from tagger.review_store import ReviewStore
from tagger.tags import TaggedDocument
from tagger.watching import measure_drift

# Answers wait here for at most a few seconds; when the store hangs, those that come later are lost, and counted.
CAPACITY = 5000
_BATCH = 500
# The newest answers are kept for the review queue and for drift; reviews are kept for ever.
KEPT_ANSWERS = 50_000
_PAUSE_SECONDS = 1.0
DRIFT_SECONDS = 300.0

_log = logging.getLogger(__name__)


class Recorder:
    """Takes answers from requests and writes them in batches.

    problem: why the store cannot be used, if it cannot. lost: answers that could not be kept. drift: as last measured.
    """

    def __init__(self, store: ReviewStore) -> None:
        self.store = store
        self.problem: str | None = "The review store has not been opened yet."
        self.lost = 0
        self.drift: Drift | None = None
        self._release: Release | None = None
        self._measured = 0.0
        self._waiting: queue.Queue[Answer] = queue.Queue(CAPACITY)
        self._written = 0

    def start(self) -> None:
        """Open the store and write, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="answers", daemon=True).start()

    def put(self, tagged: Iterable[TaggedDocument], release: Release) -> None:
        """Take the answers of a request, without waiting."""
        self._release = release
        for document in tagged:
            try:
                self._waiting.put_nowait(_answer(document, release))
            except queue.Full:
                self.lost += 1

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                if self.problem is not None:
                    self.store.migrate()
                    self.problem = None
                    _log.warning("the review store is open")
                self._write()
                self._measure()
            except StoreUnavailableError as error:
                if self.problem != str(error):
                    _log.error("%s", error)
                self.problem = str(error)
                pause.wait(_PAUSE_SECONDS)
            except Exception:
                # The thread must outlive whatever it meets, or nothing would be kept from then on.
                _log.exception("keeping answers failed")

    def _write(self) -> None:
        """Wait for answers and write those that are there; those of a batch that cannot be written are lost, and counted."""
        try:
            batch = [self._waiting.get(timeout=_PAUSE_SECONDS)]
        except queue.Empty:
            return
        while len(batch) < _BATCH and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        try:
            self.store.add_answers(batch)
        except Exception:
            self.lost += len(batch)
            raise
        self._written += len(batch)
        if self._written >= KEPT_ANSWERS // 10:
            self.store.prune_answers(KEPT_ANSWERS)
            self._written = 0

    def _measure(self) -> None:
        """Measure drift once in a while: it reads thousands of answers, and each worker does."""
        if self._release is None or time.monotonic() - self._measured < DRIFT_SECONDS:
            return
        self._measured = time.monotonic()
        self.drift = measure_drift(self._release, self.store) if self._release.manifest.get("reference") else None


def _answer(tagged: TaggedDocument, release: Release) -> Answer:
    document = tagged.document
    parts: dict[str, str] = {name: joined(text) for name, text in document.fields() if text}
    return Answer(
        {"kind": document.kind, **parts},
        release.name,
        dict(zip(release.taxonomy.ids, tagged.scores, strict=True)) if tagged.scores else {},
        tuple(tag.topic.id for tag in tagged.tags),
        tagged.abstained,
        tagged.unknown_share,
        now(),
    )

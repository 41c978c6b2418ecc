"""What was answered -> the store, from a thread of its own: no request waits for the store, none fails with it.

Under load it is a sample: keeping one answer takes as long as giving one, and only the newest are kept anyway.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from tagger.documents import joined
from tagger.drift import Drift
from tagger.errors import StoreUnavailableError
from tagger.ledger import now
from tagger.registry import Release
from tagger.reviews.review import Answer
from tagger.reviews.store import ReviewStore
from tagger.tags import TaggedDocument
from tagger.watching import measure_drift

# Answers wait here for at most a few seconds; when the store hangs, those that come later are lost, and counted.
CAPACITY = 5000
# Written a few at a time, with a rest: while the writer holds the interpreter, for 0.1 ms an answer, no request goes on. A
# burst is written in four seconds, for 3 % of a processor.
_BATCH = 50
_REST_SECONDS = 0.2
# The newest answers are kept for the review queue and for drift; reviews are kept for ever.
KEPT_ANSWERS = 50_000
# A worker keeps so many answers at once, and so many a second from then on. Which ones depends on when they come, never on
# what they say: a page is kept whole or passed over whole, so that no kind of document is rarer in the store than it was;
# those of a quiet hour are likelier to be kept than those of a busy one. With all kept, in batches of 500 without a rest, a
# request took 1.9 ms of processor time instead of 1.1, and 620 a second were answered instead of 720 to 870.
BURST = 1000
STEADY_A_SECOND = 20.0
_PAUSE_SECONDS = 1.0
DRIFT_SECONDS = 300.0

_log = logging.getLogger(__name__)


def _nobody(recorder: "Recorder") -> None:
    """Watch no change."""


class Recorder:
    """Takes answers from requests and writes them in batches.

    problem: why the store cannot be used, if it cannot. lost: answers that could not be kept. passed_over: those that were not
    in the sample; `burst` says how many are kept at once. drift: as last measured. When one of them changes, `on_change` is
    called with the recorder, from whichever thread changed it; for those passed over, when the writer looks again.
    """

    def __init__(self, store: ReviewStore, on_change: Callable[["Recorder"], None] = _nobody, *, burst: float = BURST) -> None:
        self.store = store
        self._on_change = on_change
        self.problem: str | None = "The review store has not been opened yet."
        self.lost = 0
        self.passed_over = 0
        self.drift: Drift | None = None
        self._release: Release | None = None
        self._measured = 0.0
        self._waiting: deque[tuple[TaggedDocument, Release, str]] = deque()
        self._written = 0
        self._counting = threading.Lock()
        self._burst = self._allowed = burst
        self._filled = time.monotonic()
        self._told = 0

    def start(self) -> None:
        """Open the store and write, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="answers", daemon=True).start()

    def put(self, tagged: Iterable[TaggedDocument], release: Release) -> None:
        """Take the answers of a request, without waiting."""
        self._release = release
        # A rubric alone is nothing to review.
        documents = [each for each in tagged if each.document.has_text]
        with self._counting:  # requests lose answers at once, and none may go uncounted
            kept = self._take(len(documents))
            lost = max(0, len(documents) - (CAPACITY - len(self._waiting))) if kept else 0
            if kept:
                moment = now()
                self._waiting.extend((each, release, moment) for each in documents[: len(documents) - lost])
            self.lost += lost
        if lost:
            self._on_change(self)

    def _take(self, count: int) -> bool:
        """Tell whether the next answers are in the sample. A page larger than what is left is, and those after it pay."""
        moment = time.monotonic()
        self._allowed = min(self._burst, self._allowed + (moment - self._filled) * STEADY_A_SECOND)
        self._filled = moment
        if self._allowed < 1:
            self.passed_over += count
            return False
        self._allowed -= count
        return True

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                if self.problem is not None:
                    self.store.migrate()
                    self._become(None)
                    _log.info("the review store is open")
                self._write()
                self._measure()
                self._tell()
                pause.wait(_REST_SECONDS)
            except StoreUnavailableError as error:
                if self.problem != str(error):
                    _log.error("%s", error)
                self._become(str(error))
                pause.wait(_PAUSE_SECONDS)
            except Exception:
                # The thread must outlive whatever it meets, or nothing would be kept from then on.
                _log.exception("keeping answers failed")

    def _write(self) -> None:
        """Write the answers that wait; those of a batch that cannot be written are lost, and counted."""
        batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        if not batch:
            return
        try:
            self.store.add_answers([_answer(*each) for each in batch])
        except Exception:
            self._lose(len(batch))
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
        self._on_change(self)

    def _tell(self) -> None:
        """Tell how many were passed over, at most ten times a second: a request does not stop for it."""
        if self.passed_over != self._told:
            self._told = self.passed_over
            self._on_change(self)

    def _become(self, problem: str | None) -> None:
        if problem != self.problem:
            self.problem = problem
            self._on_change(self)

    def _lose(self, count: int) -> None:
        with self._counting:
            self.lost += count
        self._on_change(self)


def _answer(tagged: TaggedDocument, release: Release, moment: str) -> Answer:
    document = tagged.document
    parts: dict[str, str] = {name: joined(text) for name, text in document.fields() if text}
    return Answer(
        {"kind": document.kind, **parts},
        release.name,
        dict(zip(release.taxonomy.ids, tagged.scores, strict=True)) if tagged.scores else {},
        tuple(tag.topic.id for tag in tagged.tags),
        tagged.abstained,
        tagged.unknown_share,
        moment,
    )

"""The release that a process answers with: follows the champion, and never gives up a good release for a bad one.

A new champion is loaded and checked beside the old one, then takes its place in one assignment; a request that has begun
ends with the release it began with.
"""

import ctypes
import gc
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tagger.errors import DamagedReleaseError, NoReleaseError
from tagger.promotions import LOG, Standing, champion_name, standing
from tagger.registry import Release, load_release

# A promotion is noticed within this; loading and checking adds about a second. Looking costs some twenty calls of stat.
POLL_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class State:
    """What is served, and why the champion is not, where it is another one; `swaps` and `refusals` count since the start."""

    release: Release | None = None
    problem: str | None = None
    refused: str | None = None
    swaps: int = 0
    refusals: int = 0


def _nobody(state: State) -> None:
    """Watch no change."""


class Serving:
    """Holds the release of a models folder; `look` takes up a new champion, `watch` does so in a thread of its own.

    `state` may be read from any thread; `look` is called by one thread at a time, which calls `on_change` with each new state.
    """

    def __init__(self, models: Path, on_change: Callable[[State], None] = _nobody) -> None:
        self.models = models
        self.state = State()
        self._on_change = on_change
        self._seen: object = None
        self.look()
        if self.state.release is None:
            self._fall_back()

    def release(self) -> Release:
        """Return the release to answer with.

        Raises:
            NoReleaseError: none can be used; the sentence says why.
        """
        release = self.state.release
        if release is None:
            raise NoReleaseError(self.state.problem or f"No release: there is none in {self.models}.")
        return release

    def look(self) -> None:
        """Take up the champion if it is not the release that serves; a bad one is refused once, until its files change."""
        seen = self._signature()
        if seen == self._seen:
            return
        self._seen = seen
        served = self.state.release
        name = standing(self.models).champion
        if served is not None and served.name == name:
            self._become(State(served, swaps=self.state.swaps, refusals=self.state.refusals))
            return
        try:
            release = load_release(self.models, champion_name(self.models))
        except (NoReleaseError, DamagedReleaseError, OSError) as error:
            self._refuse(name, str(error))
            return
        self._become(State(release, swaps=self.state.swaps + (served is not None), refusals=self.state.refusals))
        _log.info("serving release %s%s", release.name, f" instead of {served.name}" if served else "")

    def watch(self, seconds: float = POLL_SECONDS) -> None:
        """Look every `seconds`, in a thread that ends with the process."""
        threading.Thread(target=self._watch, args=(seconds,), name="champion", daemon=True).start()

    def _watch(self, seconds: float) -> None:
        pause, swaps = threading.Event(), 0
        while not pause.wait(seconds):
            try:
                self.look()
                if self.state.swaps != swaps:
                    swaps = self.state.swaps
                    _give_back_memory()
            except Exception:
                # The thread must outlive whatever it meets, or the process would serve an old release for ever.
                _log.exception("looking for a new champion failed")

    def _become(self, state: State) -> None:
        self.state = state
        self._on_change(state)

    def _refuse(self, name: str | None, problem: str) -> None:
        served = self.state.release
        self._become(State(served, problem, name, self.state.swaps, self.state.refusals + 1))
        _log.error("%s%s", problem, f" Release {served.name} goes on serving." if served else "")

    def _fall_back(self) -> None:
        """Start with the previous champion where the champion cannot be used: an old answer is better than none."""
        previous = standing(self.models).previous
        if previous is None:
            return
        try:
            release = load_release(self.models, previous)
        except (NoReleaseError, DamagedReleaseError, OSError) as error:
            _log.error("%s", error)
            return
        self._become(State(release, self.state.problem, self.state.refused, refusals=self.state.refusals))
        _log.error("Release %s, the champion before it, serves instead.", previous)

    def _signature(self) -> tuple[Standing, object]:
        """Return what changes when the champion may have: the log, and the champion's files."""
        stands = standing(self.models)
        folder = self.models / (stands.champion or LOG)
        try:
            files = sorted((path.name, path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir())
        except OSError:
            files = []
        return stands, tuple(files)


def _give_back_memory() -> None:
    """Give the memory of the release before back to the system: 2 of the 3 to 6 MB that a swap takes more stayed otherwise."""
    gc.collect()
    with suppress(OSError, AttributeError):  # a C library of another kind
        ctypes.CDLL(None).malloc_trim(0)

"""Whose token this is: the keys as a running service knows them, which takes up a changed file within a second.

In: a token, as a request brought it. Out: its key. Knows nothing of requests, and keeps no secret.
"""

import hmac
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tagger.access.keys import TOKEN, Key, parse_keys, secret_digest
from tagger.errors import DamagedKeysError, MissingKeyError, UnknownKeyError

LOOK_SECONDS = 1.0
# What a token with an unknown id is compared with, so that the time it takes tells nobody which ids there are.
_NOBODY = Key("", "", (), "", "", os.urandom(32))


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of the file, replaced as a whole. `content` ends with a whole line; `stamp` tells one file from another."""

    content: bytes = field(default=b"", repr=False)
    live: Mapping[str, Key] = field(default_factory=dict)
    stamp: tuple[int, int, int] | None = None
    problem: str | None = None


class Keyring:
    """The keys of a file. It may be used from several threads; whoever asks first in a second looks at the file."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._known = _Known()
        self._lock = threading.Lock()
        self._due = clock()
        self._look()

    @property
    def required(self) -> bool:
        """Whether a request must bring a key: as soon as one was ever added, or where nobody can tell."""
        known = self._look()
        return bool(known.content or known.problem)

    @property
    def problem(self) -> str | None:
        """What is wrong with the file, in a sentence; the keys read before stay in force meanwhile."""
        return self._look().problem

    def identify(self, token: str | None) -> Key:
        """Return the live key whose token this is.

        Raises:
            MissingKeyError: there is no token.
            UnknownKeyError: it is no token of a live key.
            DamagedKeysError: the file could not be read since the service started, so that nobody can be let in.
        """
        known = self._look()
        if not token:
            raise MissingKeyError("This needs an API key: send it as `Authorization: Bearer tagger_…`.")
        if known.problem and not known.content:
            raise DamagedKeysError(known.problem)
        parts = TOKEN.fullmatch(token)
        key = known.live.get(parts[1], _NOBODY) if parts else _NOBODY
        same = hmac.compare_digest(key.digest, secret_digest(parts[2] if parts else ""))
        if not same or key is _NOBODY:
            raise UnknownKeyError("This API key is unknown, or it was revoked: ask whoever runs the service for another one.")
        return key

    def _look(self) -> _Known:
        if self._clock() >= self._due:
            with self._lock:
                began = self._clock()
                if began >= self._due:
                    self._known = self._looked()
                    self._due = began + LOOK_SECONDS
        return self._known

    def _looked(self) -> _Known:
        known = self._known
        try:
            stat = self._path.stat()
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            return known if stamp == known.stamp else self._read(stamp)
        except FileNotFoundError:
            if not known.content and not known.problem:
                return known
            return replace(
                known, stamp=None, problem=f"{self._path} is gone: put it back, or restart the service without keys."
            )
        except OSError as error:
            return replace(known, stamp=None, problem=f"{self._path} cannot be read: {error.strerror}.")
        except DamagedKeysError as error:
            return replace(known, stamp=None, problem=str(error))

    def _read(self, stamp: tuple[int, int, int]) -> _Known:
        """Read a file that has grown. One that changed elsewhere may have lost revocations: it can only take keys away."""
        content = self._path.read_bytes()
        content = content[: content.rfind(b"\n") + 1]
        keys = parse_keys(content, self._path)
        if content.startswith(self._known.content):
            return _Known(content, {key.id: key for key in keys if key.live}, stamp)
        revoked = {key.id for key in keys if not key.live}
        kept = {key_id: key for key_id, key in self._known.live.items() if key_id not in revoked}
        problem = f"{self._path} has lost lines that it had: put them back, or restart the service if that was meant."
        return replace(self._known, live=kept, stamp=None, problem=problem)

"""A number of nanoseconds for each of many subjects, in memory that the threads of all processes share, behind one lock.

In: a path that only they can write to, or None for this process alone. Knows nothing of what the numbers mean.
"""

import fcntl
import hashlib
import mmap
import os
import threading
import weakref
from pathlib import Path

SLOTS = 8192
# A subject has its place in one of so many slots, 256 bytes in a row: looking through all of them takes 2 us.
PROBES = 16
_SALT_BYTES = 16
_BYTES = _SALT_BYTES + SLOTS * 16


class RateTable:
    """Slots of two numbers, the hash of a subject and its time, behind a lock: `with` it, `find`, then `write`.

    The lock is the kernel's, on the open file, and ends with the process however it ends; a second one is for the threads, who
    have the file in common. A process killed between the two numbers of a slot leaves the time that stood there before: one
    request is not counted, and has got no answer.
    """

    def __init__(self, path: Path | None) -> None:
        self._threads = threading.Lock()
        self._file = None if path is None else _opened(path)
        if self._file is not None:
            weakref.finalize(self, os.close, self._file).atexit = False
        with self:
            self._map = mmap.mmap(-1, _BYTES) if self._file is None else _mapped(self._file)
            if self._file is None:
                self._map[:_SALT_BYTES] = os.urandom(_SALT_BYTES)
        self._salt = self._map[:_SALT_BYTES]
        self._cells = memoryview(self._map)[_SALT_BYTES:].cast("Q")

    def __enter__(self) -> None:
        self._threads.acquire()
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
            except BaseException:
                self._threads.release()
                raise

    def __exit__(self, *_: object) -> None:
        try:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            self._threads.release()

    def hashed(self, subject: str) -> int:
        """Return 64 bits that stand for a subject; nobody can choose one that shares them, because of the salt."""
        digest = hashlib.blake2b(subject.encode(errors="surrogatepass"), digest_size=8, key=self._salt).digest()
        return int.from_bytes(digest, "little") or 1

    def find(self, hashed: int) -> tuple[int, int]:
        """Return the slot of a subject and its time; for a new one 0 and an empty slot, or the one with the earliest time."""
        cells = self._cells
        oldest, oldest_time = 0, 1 << 64
        for probe in range(hashed, hashed + PROBES):
            slot = probe % SLOTS * 2
            if cells[slot] == hashed:
                return slot, cells[slot + 1]
            if not cells[slot]:
                return slot, 0
            if cells[slot + 1] < oldest_time:
                oldest, oldest_time = slot, cells[slot + 1]
        return oldest, 0

    def write(self, slot: int, hashed: int, paid_off: int) -> None:
        """Keep the time of a subject."""
        self._cells[slot] = hashed
        self._cells[slot + 1] = paid_off


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _mapped(file: int) -> mmap.mmap:
    """Map the table. The first process writes it whole: a page without room on the disk would kill who touches it later."""
    if os.fstat(file).st_size < _BYTES:
        empty, done = os.urandom(_SALT_BYTES) + bytes(SLOTS * 16), 0
        while done < _BYTES:
            done += os.pwrite(file, empty[done:], done)
    return mmap.mmap(file, _BYTES)

"""A folder in memory that the workers of one gunicorn share: its master makes it at its start and removes it at its end.

It stays locked for as long as a process of that gunicorn lives, so that one left by a master that was killed can be told.
"""

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "tagger-shared-"
MEMORY = Path("/dev/shm")  # noqa: S108 - made by mkdtemp, which nobody else can guess or read
# A folder younger than this may have been made by a master that has not locked it yet.
_YOUNG_SECONDS = 60.0


def memory() -> Path:
    """Return a folder that is kept in memory, or the one for temporary files where the machine has none that can be used."""
    usable = MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)
    return MEMORY if usable else Path(tempfile.gettempdir())


def make_shared(room: Path | None = None) -> Path:
    """Return a new, empty folder, locked by this process and the children it will fork; remove those that nobody holds.

    room: where; `memory` where it is not said.
    """
    room = room or memory()
    for left in room.glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=room))
    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)  # never closed: the lock ends with the last process that has it
    return folder


def _remove_if_left(folder: Path) -> None:
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:  # another user's, or already gone
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if time.time() - os.fstat(opened).st_mtime > _YOUNG_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:  # in use
        pass
    finally:
        os.close(opened)

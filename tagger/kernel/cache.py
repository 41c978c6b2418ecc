"""Arrays in files that all processes map, so that they share the pages: written whole or not at all, checked, and pruned.

The digest in each file is against accidents. Who may write to these folders could as well change our sources, or Python's own
cache beside them.
"""

import fcntl
import hashlib
import json
import logging
import mmap
import os
import platform
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

_PACKAGE = Path(__file__).resolve().parent
_SOURCES = (*sorted(_PACKAGE.glob("*.py")), *(_PACKAGE.parent / name for name in ("text.py", "features.py", "gazetteer.py")))
_DIGEST, _LENGTH = 32, 8  # bytes, of SHA-256 and of a number
_CACHE_LINE = 64
# Of a kind and in a folder: those of the releases and sources used last.
_KEPT = 4

_log = logging.getLogger(__name__)


def kept(kind: str, of: str, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays of a kind that were made `of` what has this name; where none are kept, what `make` gives.

    Of processes that find none at the same time one makes them, and the others wait for it.
    """
    name = file_name(kind, of)
    found = _found(name)
    if found is None:
        with _alone():
            found = _found(name)
            found = make() if found is None else found
    return found


def keep(kind: str, of: str, arrays: Arrays) -> Path:
    """Write arrays into the first folder that can be written to, and remove those of their kind that are oldest.

    Raises:
        OSError: there is no such folder.
    """
    name, content = file_name(kind, of), _packed(arrays)
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{kind}-", delete=False) as file:
                file.write(content)
            Path(file.name).chmod(0o644)
            written = Path(file.name).replace(folder / name)
        except OSError as error:
            problem = error
            continue
        _prune(folder, kind)
        return written
    raise OSError(f"There is no folder to keep {name} in: {problem}.")


def read(path: Path) -> Arrays:
    """Map a file and return its arrays, which cannot be written to.

    Raises:
        OSError, ValueError: it cannot be read, or is damaged.
    """
    with path.open("rb") as file:
        whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    content, digest = whole[:-_DIGEST], whole[-_DIGEST:]
    if hashlib.sha256(content).digest() != digest:
        raise ValueError("it is not what was written")
    end = len(content) - _LENGTH
    listed = json.loads(bytes(content[end - int.from_bytes(content[end:], "big") : end]))
    return {name: np.ndarray(shape, kind, buffer=whole, offset=start) for name, kind, shape, start in listed}


def file_name(kind: str, of: str) -> str:
    """Return the name of a file, which says what it was made of: that, our sources, and what compiles and reads them."""
    return f"{kind}-{hashlib.sha256(f'{_sources()} {of}'.encode()).hexdigest()[:16]}.arrays"


@lru_cache(maxsize=1)
def _sources() -> str:
    digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in _SOURCES))
    digest.update(f"{unicodedata.unidata_version} {llvmlite.__version__} {platform.machine()} {sys.platform}".encode())
    return digest.hexdigest()


def _folders() -> tuple[Path, ...]:
    """Return where files may be: beside the sources, as Python keeps its own; of the user; of the workers of this service."""
    personal = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folders = _PACKAGE / "__pycache__", Path(personal) / "tagger"
    shared = os.environ.get("TAGGER_SHARED")
    return (*folders, Path(shared)) if shared else folders


def _packed(arrays: Arrays) -> bytes:
    """Return arrays, each from the beginning of a cache line on; a list of them; its length; and the digest of all that."""
    content, listed = bytearray(), []
    for name, array in arrays.items():
        content += bytes(-len(content) % _CACHE_LINE)
        listed.append((name, array.dtype.str, array.shape, len(content)))
        content += array.tobytes()
    names = json.dumps(listed).encode()
    content += names + len(names).to_bytes(_LENGTH, "big")
    return bytes(content + hashlib.sha256(content).digest())


def _found(name: str) -> Arrays | None:
    for path in (folder / name for folder in _folders()):
        if path.is_file():
            try:
                return read(path)
            except (OSError, ValueError) as error:
                _log.warning("%s cannot be used and is made anew: %s", path, error)
    return None


@contextmanager
def _alone() -> Iterator[None]:
    """Keep out other processes that would make the same; the lock ends with the process that has it."""
    with ExitStack() as stack:
        with suppress(OSError):  # a file system without locks: then each makes its own
            opened = os.open(_PACKAGE, os.O_RDONLY)
            stack.callback(os.close, opened)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _prune(folder: Path, kind: str) -> None:
    with suppress(OSError):  # another process prunes too
        for path in sorted(folder.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]:
            path.unlink()

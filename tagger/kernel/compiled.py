"""The compiled pass as object code: built once by whoever has numba, kept in a cache, loaded by the service without numba.

One file holds the code and the tables of the language, so that all processes share its pages. Its name says what it was made
from: our sources, the versions of Python's Unicode data and of LLVM, and the kind of processor.
"""

import ctypes
import hashlib
import logging
import os
import platform
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np
from numpy.typing import NDArray

from tagger.errors import TaggerError

_PACKAGE = Path(__file__).resolve().parent
_SOURCES = (*sorted(_PACKAGE.glob("*.py")), *(_PACKAGE.parent / name for name in ("text.py", "features.py", "gazetteer.py")))
FUNCTIONS = {"read": 2, "place": 5}  # and how many numbers they take
# Importing numba and compiling takes some 6 s on one core.
_BUILD_SECONDS = 120

_log = logging.getLogger(__name__)


class NoKernelError(TaggerError):
    """The compiled pass can be neither loaded nor built."""


@dataclass(frozen=True)
class Kernel:
    """The compiled functions, which take addresses and numbers, and the tables of the language."""

    read: Callable[..., None]
    place: Callable[..., None]
    language: Mapping[str, NDArray[Any]]
    keeper: object  # the code lives as long as this


@lru_cache(maxsize=1)
def kernel() -> Kernel | None:
    """Return the compiled pass, built if need be; None, and a line in the log, where there is none and the reference reads."""
    if os.environ.get("TAGGER_KERNEL") == "reference":
        return None
    try:
        return _cached() or load(_built_elsewhere())
    except (NoKernelError, OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        _log.warning("Texts are read by the reference, many times slower than the compiled pass: %s", error)
        return None


def load(path: Path) -> Kernel:
    """Load what `save` wrote."""
    saved = np.load(path, mmap_mode="r", allow_pickle=False)
    code = saved["code"].tobytes()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    library = llvm.JITLibraryBuilder().add_object_img(code)
    for name in FUNCTIONS:
        library.export_symbol(name)
    jit = llvm.create_lljit_compiler(machine)
    tracker = library.link(jit, "tagger")
    functions = {
        name: ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * numbers)(tracker[name]) for name, numbers in FUNCTIONS.items()
    }
    language = {name: saved[name] for name in saved.dtype.names or () if name != "code"}
    return Kernel(**functions, language=language, keeper=(jit, tracker))


def save(arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write the code and the tables into the first folder that can be written to; the file appears whole or not at all."""
    kept = np.zeros((), dtype=np.dtype([(name, a.dtype, a.shape) for name, a in arrays.items()], align=True))
    for name, array in arrays.items():
        kept[name] = array
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                np.save(file, kept, allow_pickle=False)
            Path(file.name).chmod(0o644)
            return Path(file.name).replace(folder / _file_name())
        except OSError as error:
            problem = error
    raise NoKernelError(f"There is no folder to keep the compiled pass in: {problem}.")


def _cached() -> Kernel | None:
    for path in (folder / _file_name() for folder in _folders()):
        if path.is_file():
            try:
                return load(path)
            except (OSError, ValueError, RuntimeError) as error:
                _log.warning("%s cannot be used and is built anew: %s", path, error)
    return None


def _folders() -> tuple[Path, ...]:
    """Return where the code may be: beside the sources, as Python keeps its own; or, where those are read-only, of the user."""
    personal = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return _PACKAGE / "__pycache__", Path(personal) / "tagger"


@lru_cache(maxsize=1)
def _file_name() -> str:
    digest = hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in _SOURCES))
    digest.update(f"{unicodedata.unidata_version} {llvmlite.__version__} {platform.machine()} {sys.platform}".encode())
    return f"kernel-{digest.hexdigest()[:16]}.npy"


def _built_elsewhere() -> Path:
    """Build in another process, whose memory is then given back."""
    command = [sys.executable, "-m", "tagger.kernel"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise NoKernelError((done.stderr.strip() or "no reason given").splitlines()[-1])
    return Path(done.stdout.strip())

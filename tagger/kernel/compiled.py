"""The compiled pass as object code: built once by whoever has numba, kept in a cache, loaded by the service without numba.

One file holds the code and the tables of the language, so that all processes share its pages.
"""

import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numpy.typing import NDArray

from tagger.errors import TaggerError
from tagger.kernel.cache import Arrays, keep, kept, read

FUNCTIONS = {"read": 2, "strongest": 7, "place": 5, "divide": 1}  # and how many numbers they take
# Importing numba and compiling takes some 6 s on one core.
_BUILD_SECONDS = 120

_log = logging.getLogger(__name__)


class NoKernelError(TaggerError):
    """The compiled pass can be neither loaded nor built."""


@dataclass(frozen=True)
class Kernel:
    """The compiled functions, which take addresses and numbers, and the tables of the language."""

    read: Callable[..., None]
    strongest: Callable[..., None]
    place: Callable[..., None]
    divide: Callable[..., None]
    language: Mapping[str, NDArray[Any]]
    keeper: object  # the code lives as long as this


@lru_cache(maxsize=1)
def kernel() -> Kernel | None:
    """Return the compiled pass, built if need be; None, and a line in the log, where there is none and the reference reads."""
    if os.environ.get("TAGGER_KERNEL") == "reference":
        return None
    try:
        return load(kept("kernel", "", _built_elsewhere))
    except (NoKernelError, OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
        _log.warning("Texts are read by the reference, many times slower than the compiled pass: %s", error)
        _log.warning("To see why, and to build it: %s -m tagger.kernel", sys.executable)
        return None


def load(arrays: Arrays) -> Kernel:
    """Load what `save` was given."""
    functions, keeper = link(arrays["code"].tobytes(), FUNCTIONS)
    language = {name: array for name, array in arrays.items() if name != "code"}
    return Kernel(**functions, language=language, keeper=keeper)


def link(code: bytes, functions: Mapping[str, int]) -> tuple[dict[str, Callable[..., None]], object]:
    """Return functions of object code, which take so many numbers each, and what they live as long as."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    library = llvm.JITLibraryBuilder().add_object_img(code)
    for name in functions:
        library.export_symbol(name)
    jit = llvm.create_lljit_compiler(machine)
    tracker = library.link(jit, "tagger")
    linked = {name: ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * numbers)(tracker[name]) for name, numbers in functions.items()}
    return dict(linked), (jit, tracker)


def save(arrays: Arrays) -> Path:
    """Keep the code and the tables, and return the file."""
    return keep("kernel", "", arrays)


def _built_elsewhere() -> Arrays:
    """Build in another process, whose memory is then given back."""
    command = [sys.executable, "-m", "tagger.kernel"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_SECONDS, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise NoKernelError((done.stderr.strip() or "no reason given").splitlines()[-1])
    return read(Path(done.stdout.strip()))

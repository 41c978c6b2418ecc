"""The least that a pass over text can do: read, fold, split into words and hash them; nothing is looked up, counted or summed.

The compiled pass's own folding and hashing, compiled by the same compiler for this very processor. Needs numba.
"""

import ctypes
from dataclasses import replace
from functools import lru_cache
from typing import Any

from numba import cfunc, types

from tagger.kernel.compiled import Kernel, NoKernelError, kernel
from tagger.kernel.layout import WORD
from tagger.kernel.memory import i32, u32
from tagger.kernel.passes import _ANSWER_SIZE, CodePoints, _about, _answer, _fold, _hash, _job, _key, _tables
from tagger.kernel.reading import Reader
from tagger.model import TopicModel


def _hash_words(tables_address, job_address):  # type: ignore[no-untyped-def]
    tables, job = _tables(tables_address), _job(job_address)
    code_points = CodePoints(tables.rows, tables.codes, tables.expansions)
    passage, i = 0, 0
    for document in range(job.n_documents):
        hashed = 0
        while passage < i32(job.documents, document):
            end = i32(job.passages, 2 * passage)
            while i < end:
                if not _about(u32(job.text, i), code_points) & WORD:
                    i += 1
                    continue
                folded = _fold(job.text, i, end, code_points, job.word, tables.longest)
                i = folded.end
                a, b = _key(job.word, min(folded.n, tables.longest))
                hashed ^= _hash(a, b)
            i = end + 1
            passage += 1
        # Kept, or the compiler would leave all of it out.
        _answer(job.answers + document * _ANSWER_SIZE).words = hashed


@lru_cache(maxsize=1)
def _hashing() -> Any:
    return cfunc(types.void(types.int64, types.int64), error_model="numpy")(_hash_words)


def _limiting(compiled: Kernel) -> Kernel:
    callback = _hashing()
    function = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)(callback.address)
    return replace(compiled, read=function, keeper=callback)


def limiting_reader(model: TopicModel) -> Reader:
    """Return a reader that is handed texts as the model's is, and finds nothing in them.

    Raises:
        NoKernelError: there is no compiled pass here to compare with.
    """
    compiled = kernel()
    if compiled is None:
        raise NoKernelError("There is no compiled pass here: unset TAGGER_KERNEL, and see what the log says.")
    return Reader(_limiting(compiled), model.gazetteer, model.terms, model.idf, model.weights, model.intercepts)

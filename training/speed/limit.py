"""The least that a pass over text can do: read, fold, split into words and hash them; nothing is looked up, counted or summed.

The compiled pass's own folding and hashing, compiled in the same way. Needs numba.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache

from tagger.kernel.characters import CodePoints, scan
from tagger.kernel.compiled import FUNCTIONS, NoKernelError, kernel, link
from tagger.kernel.hashing import hash_of
from tagger.kernel.layout import READ
from tagger.kernel.lexicon import make_lexicon
from tagger.kernel.meanings import letters_of
from tagger.kernel.memory import i32, set_f64
from tagger.kernel.object_code import object_code
from tagger.kernel.passes import _ANSWER_SIZE, _answer, _job, _tables
from tagger.kernel.reading import Reader
from tagger.model import TopicModel


def read(tables_address, job_address):  # type: ignore[no-untyped-def]
    """Do what the pass does first with the documents of a job."""
    tables, job = _tables(tables_address), _job(job_address)
    code_points = CodePoints(tables.rows, tables.codes, tables.letters, tables.expansions)
    passage, start = 0, 0
    for document in range(job.n_documents):
        hashed = 0
        while passage < i32(job.documents, document):
            end = i32(job.passages, 2 * passage)
            n_words, _ = scan(job.text, start, end, code_points, job)
            for k in range(n_words):
                low, high = letters_of(k, job, tables)
                hashed ^= hash_of(low, high)
            start = end + 1
            passage += 1
        answer = _answer(job.answers + document * _ANSWER_SIZE)
        answer.status, answer.terms_end = READ, 0
        for k in range(tables.n_topics):
            set_f64(job.decisions, document * tables.n_topics + k, 0.0)
        # Kept, or the compiler would leave all of it out.
        answer.words = hashed


@lru_cache(maxsize=1)
def _linked() -> tuple[Mapping[str, Callable[..., None]], object]:
    return link(object_code((read,)).tobytes(), {"read": FUNCTIONS["read"]})


def limiting_reader(model: TopicModel) -> Reader:
    """Return a reader that is handed texts as the model's is, and finds nothing in them.

    Raises:
        NoKernelError: there is no compiled pass here to compare with.
    """
    compiled = kernel()
    if compiled is None:
        raise NoKernelError("There is no compiled pass here: unset TAGGER_KERNEL, and see what the log says.")
    functions, keeper = _linked()
    lexicon = make_lexicon(compiled, model.gazetteer, model.terms, model.idf, model.weights, model.intercepts)
    return Reader(replace(compiled, read=functions["read"], keeper=keeper), lexicon)

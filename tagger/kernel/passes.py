"""One pass over documents: text -> terms, occurrences, decision values. What it calls (`characters`, `hashing`, `meanings`,
`counting`, `deciding`) is in the part of Python that numba compiles too. Only who builds the object code imports all this: the
service must not import numba.
"""

import ctypes

from tagger.kernel.characters import CodePoints
from tagger.kernel.counting import count_passage, finish
from tagger.kernel.deciding import decide
from tagger.kernel.layout import LANGUAGES, READ, Answer, Job, Tables
from tagger.kernel.meanings import forget
from tagger.kernel.memory import i32, record_at, set_i32

_ANSWER_SIZE, _FUNCTION_WORDS = ctypes.sizeof(Answer), Answer.function_words.offset
_tables = record_at(Tables)
_job = record_at(Job)
_answer = record_at(Answer)


def read(tables_address, job_address):
    """Read the documents of a job, one after another."""
    tables, job = _tables(tables_address), _job(job_address)
    code_points = CodePoints(tables.rows, tables.codes, tables.letters, tables.expansions)
    passage, start, n_terms, n = 0, 0, 0, 0
    for document in range(job.n_documents):
        answer = _answer(job.answers + document * _ANSWER_SIZE)
        function_words = job.answers + document * _ANSWER_SIZE + _FUNCTION_WORDS
        first, status, after = n_terms, READ, i32(job.documents, document)
        answer.words, answer.other_script, answer.n_known = 0, 0, 0
        for k in range(LANGUAGES):
            set_i32(function_words, k, 0)
        if passage < after:
            forget(i32(job.passages, 2 * (after - 1)) - start, job)
        while passage < after:
            end = i32(job.passages, 2 * passage)
            if status == READ:
                weight = i32(job.passages, 2 * passage + 1)
                n_terms, n, status = count_passage(
                    start, end, weight, n_terms, n, answer, function_words, code_points, job, tables
                )
            start = end + 1
            passage += 1
        if status == READ:
            answer.n_known = decide(first, n_terms, job.decisions + 8 * document * tables.n_topics, job, tables)
        finish(first, n_terms, job, tables)
        answer.status = status
        answer.terms_end = n_terms
        answer.occurrences_end = n

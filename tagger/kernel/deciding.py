"""Counted terms -> decision values, and which terms decided most. Says again what `tagger.model` says."""

import numpy as np

from tagger.kernel.layout import IDF, LOGARITHMS, WEIGHTS, Tables
from tagger.kernel.memory import compiled, f64, i32, record_at, set_f64, set_u64, square_root, u64

_U = np.uint64
_NOWHERE = ~_U(0)
_tables = record_at(Tables)


@compiled
def _log(count, logarithms):
    """Return the natural logarithm of a whole number, at least 1: of a small one times a power of two, and of the rest."""
    if count < LOGARITHMS:
        return f64(logarithms, count)
    small, doubled = count, 0
    while small >= LOGARITHMS:
        small >>= 1
        doubled += 1
    rest = (count - (small << doubled)) / np.float64(small << doubled)  # below 2 / LOGARITHMS: six powers are enough
    series = rest * (1 - rest * (1 / 2 - rest * (1 / 3 - rest * (1 / 4 - rest * (1 / 5 - rest / 6)))))
    return f64(logarithms, small) + doubled * f64(logarithms, 2) + series


@compiled
def decide(first, stop, decisions, job, tables):
    """Weigh the known ones of the terms [first, stop) and add up what they decide; return how many are known."""
    size, known, squares = tables.record_size, 0, 0.0
    for term in range(first, stop):
        row = i32(job.rows, term)
        value = 0.0
        if row >= 0:
            value = (1.0 + _log(i32(job.terms, 2 * term), tables.logarithms)) * f64(tables.records, size * row + IDF)
            known += 1
            squares += value * value
        set_f64(job.values, term, value)
    scale = 1.0 / square_root(squares) if squares > 0.0 else 1.0
    # Four topics at a time: their sums then stay in registers.
    for k in range(0, tables.n_topics, 4):
        one, two, three, four = 0.0, 0.0, 0.0, 0.0
        for term in range(first, stop):
            row = i32(job.rows, term)
            if row >= 0:
                value, weights = f64(job.values, term), size * row + WEIGHTS + k
                one += value * f64(tables.records, weights)
                two += value * f64(tables.records, weights + 1)
                three += value * f64(tables.records, weights + 2)
                four += value * f64(tables.records, weights + 3)
        _set_decision(decisions, k, one * scale, tables)
        _set_decision(decisions, k + 1, two * scale, tables)
        _set_decision(decisions, k + 2, three * scale, tables)
        _set_decision(decisions, k + 3, four * scale, tables)
    for term in range(first, stop):
        set_f64(job.values, term, f64(job.values, term) * scale)
    return known


@compiled
def _set_decision(decisions, k, number, tables):
    if k < tables.n_topics:
        set_f64(decisions, k, number + f64(tables.intercepts, k))


def strongest(tables_address, rows, values, n, topic, most, places):
    """Write the places of the terms that add most to what decides on a topic, the most first, and how much after all places.

    rows, values: of n terms of a document. Of those that add the same, the first by name comes first; -1 stands for none.
    """
    tables = _tables(tables_address)
    size, found, added = tables.record_size, 0, places + 8 * most
    for term in range(n):
        row = i32(rows, term)
        if row >= 0:
            value = f64(values, term) * f64(tables.records, size * row + WEIGHTS + topic)
            if value > 0.0 and (found < most or not _is_before(most - 1, value, row, rows, places, added, tables)):
                k = min(found, most - 1)
                while k > 0 and not _is_before(k - 1, value, row, rows, places, added, tables):
                    set_f64(added, k, f64(added, k - 1))
                    set_u64(places, k, u64(places, k - 1))
                    k -= 1
                set_f64(added, k, value)
                set_u64(places, k, _U(term))
                found = min(found + 1, most)
    for k in range(found, most):
        set_u64(places, k, _NOWHERE)


@compiled
def _is_before(k, value, row, rows, places, added, tables):
    """Tell whether the term at place k of the strongest stays before one of this row that adds this value."""
    if f64(added, k) != value:
        return f64(added, k) > value
    return i32(tables.ranks, i32(rows, np.int64(u64(places, k)))) < i32(tables.ranks, row)

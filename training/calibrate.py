"""Out-of-fold decision values -> calibration and policy. No text is scored by a model that has seen it."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from tagger.encoded import Floats
from tagger.tags import Policy
from tagger.taxonomy import Taxonomy
from training.fit import Counted, Gold, learnt, to_the_last_digit

FOLDS = 5
SEED = 20260101
# Wrong tags cost an editor more than missing ones: this share of the tags must be right, and of the texts without topic no more
# may get one. Measured out of fold on our corpus, where most untagged texts were written to fool the tagger.
TARGET_PRECISION = 0.96
HIGHEST_FALSE_TAG_RATE = 0.02
LOWEST_THRESHOLD = 0.5


def folds(gold: Gold) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return (fitted on, held out) rows of each fold, every set of topics spread evenly where it has a text for each fold."""
    labels = ["".join(map(str, row)) for row in gold.tolist()]
    counts = Counter(labels)
    strata = [label if counts[label] >= FOLDS else "rare" for label in labels]
    if Counter(strata)["rare"] in range(1, FOLDS):
        return list(KFold(FOLDS, shuffle=True, random_state=SEED).split(strata))
    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(strata, strata))


def out_of_fold(texts: Counted, gold: Gold, progress: Iterable[int]) -> Floats:
    """Return decision values, shape of `gold` (n_texts, n_topics), each learnt from the other folds.

    progress: yields 0 to FOLDS - 1, and may draw a bar while doing so.
    """
    values = np.zeros(gold.shape)
    by_fold = folds(gold)
    for fold in progress:
        fitted_on, held_out = by_fold[fold]
        # A term of held-out texts alone is unknown.
        counts = texts.counts[:, np.unique(texts.counts[fitted_on].indices)]
        pipeline = learnt(counts[fitted_on], gold[fitted_on])
        values[held_out] = pipeline.decision_function(counts[held_out]).reshape(len(held_out), -1)
    return values


def lengths(texts: Counted) -> Floats:
    """Return log(1 + number of different terms) of each text, shape (n_texts,)."""
    return np.asarray(np.log1p(np.diff(texts.counts.indptr)))


def calibration(values: Floats, log_lengths: Floats, gold: Gold) -> Floats:
    """Return Platt's logistic calibration with the text's length beside the decision value, shape (3, n_topics)."""
    columns = []
    for column in range(gold.shape[1]):
        inputs = np.column_stack([values[:, column], log_lengths])
        with to_the_last_digit():
            fitted = LogisticRegression(C=100.0, solver="newton-cg", tol=1e-15, max_iter=1000).fit(inputs, gold[:, column])
        columns.append([*fitted.coef_[0], fitted.intercept_[0]])
    return np.array(columns).T


def calibrated(values: Floats, log_lengths: Floats, factors: Floats) -> Floats:
    """Return the scores in [0, 1] of decision values, same shape; the formula of `TopicModel.score`."""
    scores: Floats = 1.0 / (1.0 + np.exp(-(factors[0] * values + factors[1] * log_lengths[:, None] + factors[2])))
    return scores


def policy(scores: Floats, gold: Gold, taxonomy: Taxonomy) -> Policy:
    """Choose how scores become tags.

    Where every text has exactly one topic, the topics are taken to exclude each other: each text gets its best one, as the
    labels say, for nothing tells which texts should get none. Otherwise one threshold serves all topics: the lowest, in
    hundredths, at which the tags of all topics together reach the target precision and texts without topic are left alone
    as asked; where none does, the one with the best precision among those that still tag a fifth of what is to be tagged.

    One threshold, because scores are calibrated for each topic, and a threshold for each, set on the few dozen texts near it,
    was worse on the real texts that the choice was made on (macro-F1 .878, not .909; out of fold it was better, .834 to .787).
    """
    if bool((gold.sum(axis=1) == 1).all()):
        return Policy(dict.fromkeys(taxonomy.ids, 0.0), exclusive=True)
    right = gold.astype(bool)
    candidates = np.arange(int(LOWEST_THRESHOLD * 100), 100) / 100
    precision = np.array([_precision(scores >= t, right) for t in candidates])
    recall = np.array([float((scores[right] >= t).mean()) for t in candidates])
    untagged = scores[~right.any(axis=1)].max(axis=1)
    falsely = np.array([float((untagged >= t).mean()) if len(untagged) else 0.0 for t in candidates])
    reached = np.flatnonzero((precision >= TARGET_PRECISION) & (falsely <= HIGHEST_FALSE_TAG_RATE))
    best = int(reached[0]) if len(reached) else int(np.argmax(np.where(recall >= 0.2, precision, -1.0)))
    return Policy(dict.fromkeys(taxonomy.ids, float(candidates[best])))


def _precision(tagged: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    return float(right[tagged].mean()) if tagged.any() else 0.0

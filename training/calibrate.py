"""Out-of-fold decision values -> calibration and thresholds. No text is scored by a model that has seen it."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from tagger.features import as_training_text
from tagger.gazetteer import Gazetteer
from tagger.model import Floats
from tagger.tags import Policy
from tagger.taxonomy import Taxonomy
from training.corpus import Example
from training.fit import unfitted

FOLDS = 5
SEED = 20260101
# Wrong tags cost an editor more than missing ones. Out of fold on our corpus, where most untagged texts were written to
# fool the tagger, this precision is stricter than the same figure on a day's news.
TARGET_PRECISION = 0.96
LOWEST_THRESHOLD = 0.5


def prepared(examples: Sequence[Example], gazetteer: Gazetteer) -> list[str]:
    """Return the examples as the pipeline reads them."""
    return [as_training_text(example.document, gazetteer) for example in examples]


def out_of_fold(texts: Sequence[str], gold: NDArray[np.int8], progress: Callable[[str], None]) -> Floats:
    """Return decision values, shape of `gold` (n_texts, n_topics), each from a pipeline fitted on the other folds."""
    values = np.zeros(gold.shape)
    for fold, (fitted_on, held_out) in enumerate(KFold(FOLDS, shuffle=True, random_state=SEED).split(texts), start=1):
        progress(f"fold {fold} of {FOLDS}")
        pipeline = unfitted().fit([texts[i] for i in fitted_on], gold[fitted_on])
        values[held_out] = pipeline.decision_function([texts[i] for i in held_out]).reshape(len(held_out), -1)
    return values


def lengths(texts: Sequence[str]) -> Floats:
    """Return log(1 + number of different terms) of each prepared text, shape (n_texts,)."""
    return np.log1p([len(set(text.split())) for text in texts])


def calibration(values: Floats, log_lengths: Floats, gold: NDArray[np.int8]) -> Floats:
    """Return Platt's logistic calibration with the text's length beside the decision value, shape (3, n_topics)."""
    columns = []
    for column in range(gold.shape[1]):
        inputs = np.column_stack([values[:, column], log_lengths])
        fitted = LogisticRegression(C=100.0, solver="newton-cg", tol=1e-10, max_iter=1000).fit(inputs, gold[:, column])
        columns.append([*fitted.coef_[0], fitted.intercept_[0]])
    return np.array(columns).T


def calibrated(values: Floats, log_lengths: Floats, factors: Floats) -> Floats:
    """Return the scores in [0, 1] of decision values, same shape; the formula of `TopicModel.score`."""
    scores: Floats = 1.0 / (1.0 + np.exp(-(factors[0] * values + factors[1] * log_lengths[:, None] + factors[2])))
    return scores


def policy(scores: Floats, gold: NDArray[np.int8], taxonomy: Taxonomy) -> Policy:
    """Choose the lowest threshold, in hundredths, at which the tags of all topics together reach the target precision.

    One threshold serves all topics: scores are calibrated for each, and a threshold for each, set on the few dozen texts
    near it, was worse on the real texts that the choice was made on (macro-F1 .878 against .909; out of fold it was
    better, .834 to .787). Where no threshold reaches the target, the one with the best precision among those that still
    tag a fifth of what is to be tagged.
    """
    right = gold.astype(bool)
    candidates = np.arange(int(LOWEST_THRESHOLD * 100), 100) / 100
    precision = np.array([_precision(scores >= t, right) for t in candidates])
    recall = np.array([float((scores[right] >= t).mean()) for t in candidates])
    reached = np.flatnonzero(precision >= TARGET_PRECISION)
    best = int(reached[0]) if len(reached) else int(np.argmax(np.where(recall >= 0.2, precision, -1.0)))
    return Policy(dict.fromkeys(taxonomy.ids, float(candidates[best])))


def _precision(tagged: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    return float(right[tagged].mean()) if tagged.any() else 0.0

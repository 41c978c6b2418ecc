"""What a newsroom would use instead: a keyword list, and scikit-learn's default text classifier on the same corpus."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from tagger.documents import Document, joined
from tagger.errors import TaggerError
from tagger.taxonomy import Taxonomy
from tagger.text import words
from training.corpus import Example
from training.evaluate import Answers
from training.fit import topic_matrix

Keywords = Mapping[str, "re.Pattern[str]"]


class InvalidKeywordsError(TaggerError):
    """A line of the keyword list is not `topic<TAB>expression`."""


def read_keywords(path: Path) -> Keywords:
    """Read lines of `topic<TAB>expression`, `*` for any ending; blank lines and those that begin with `#` are notes.

    Raises:
        InvalidKeywordsError: the file cannot be read, or a line has another form.
    """
    expressions: dict[str, list[str]] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidKeywordsError(f"{path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, start=1):
        topic, tab, expression = line.partition("\t")
        parts = [" ".join(words(part)) for part in expression.split("*")]
        if not line.strip() or line.startswith("#"):
            continue
        if not tab or not any(parts):
            raise InvalidKeywordsError(f"{path}, line {number} is not `topic<TAB>expression`: {line!r}.")
        expressions.setdefault(topic, []).append(r"\w*".join(map(re.escape, parts)))
    return {topic: re.compile(rf"\b(?:{'|'.join(listed)})\b") for topic, listed in expressions.items()}


def by_keywords(examples: Sequence[Example], taxonomy: Taxonomy, keywords: Keywords) -> Answers:
    """Tag a text where one of the topic's keywords stands in its title, or two stand anywhere: the rule of many a CMS."""
    counts = np.array([[_found(example.document, keywords.get(topic)) for topic in taxonomy.ids] for example in examples])
    return Answers("keyword list", counts >= 2, np.minimum(counts, 10) / 10)


def _found(document: Document, pattern: "re.Pattern[str] | None") -> int:
    if pattern is None:
        return 0
    in_title = bool(pattern.search(" ".join(words(joined(document.title)))))
    text = " ".join(word for _, passages in document.fields() for word in words(joined(passages)))
    return len(pattern.findall(text)) + in_title


def by_default_classifier(train: Sequence[Example], examples: Sequence[Example], taxonomy: Taxonomy) -> Answers:
    """Tag with scikit-learn's defaults, `TfidfVectorizer()` and `LogisticRegression()` per topic, where the odds are even."""
    pipeline = make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression()))
    pipeline.fit([_plain(example.document) for example in train], topic_matrix(train, taxonomy))
    scores = pipeline.predict_proba([_plain(example.document) for example in examples])
    return Answers("scikit-learn defaults", scores >= 0.5, scores)


def _plain(document: Document) -> str:
    return "\n".join(joined(passages) for _, passages in document.fields())

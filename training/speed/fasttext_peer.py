"""fastText, where it is installed: a package that this project does not need."""

import re
import tempfile
import unicodedata
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from tagger.documents import Document
from tagger.encoded import Floats
from tagger.registry import Release
from training.corpus import Example
from training.speed.systems import System
from training.speed.texts import plain

TOKENS, NORMALISING = "fastText, ready-made tokens", "fastText, with its normalisation"
_LABEL, _NONE = "__label__", "none"
_WORD, _ACCENT = re.compile(r"\w+"), re.compile("[\u0300-\u036f]")


def installed() -> bool:
    """Tell whether there is fastText to compare with."""
    return find_spec("fasttext") is not None


def fasttext_systems(train: Sequence[Example], release: Release, buckets: int) -> list[System]:
    """Train fastText (2-grams, 100 dimensions, one against all) and return it on tokens and on text.

    buckets: rows for 2-grams, 400 bytes each; its own default is 2,000,000.
    """
    topics = release.taxonomy.ids
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for example in train:
            labels = " ".join(_LABEL + topic for topic in sorted(example.topics) or [_NONE])
            file.write(f"{labels} {_tokens(example.document)}\n")
        file.flush()
        model = import_module("fasttext").train_supervised(
            file.name, wordNgrams=2, dim=100, bucket=buckets, epoch=25, lr=0.5, loss="ova", thread=1, seed=1, verbose=0
        )

    def batch(texts: Sequence[str]) -> Floats:
        labels, scores = model.predict(list(texts), k=-1)
        return np.array([_row(*answer, topics) for answer in zip(labels, scores, strict=True)])

    def alone(text: str) -> Any:
        return model.predict(text, k=-1)

    def prepared(documents: Sequence[Document]) -> list[str]:
        return [*map(_tokens, documents)]

    return [
        System(TOKENS, prepared, batch, alone),
        System(
            NORMALISING,
            lambda documents: [*map(plain, documents)],
            lambda texts: batch([*map(_normalised, texts)]),
            lambda text: alone(_normalised(text)),
        ),
    ]


def _row(labels: Sequence[str], scores: Sequence[float], topics: Sequence[str]) -> list[float]:
    by_label = dict(zip(labels, scores, strict=True))
    return [min(float(by_label[_LABEL + topic]), 1.0) for topic in topics]


def _tokens(document: Document) -> str:
    return _normalised(plain(document))


def _normalised(text: str) -> str:
    """Return the words in small letters without accents: what users of fastText write before they call it."""
    return " ".join(_WORD.findall(_ACCENT.sub("", unicodedata.normalize("NFKD", text.lower()))))

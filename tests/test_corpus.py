"""The shipped corpus: enough of everything, each text its own, nothing on both sides of the split."""

import re
from collections import Counter

import pytest

from tagger.documents import joined
from tagger.registry import load_release
from tagger.taxonomy import read_taxonomy
from tests.conftest import ROOT
from training.corpus import Example, corpus_digest, read_examples

PATHS = sorted((ROOT / "training/corpus").glob("*.jsonl"))
# Stock phrases of the press ("le secrétaire général de l'ONU Antonio Guterres") run to ten words; a copy runs on.
LONGEST_SHARED_RUN = 12


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return read_examples(PATHS, read_taxonomy((ROOT / "training/taxonomy.json").read_text(encoding="utf-8")))


def test_there_is_enough_of_every_topic_and_of_none(examples: list[Example]) -> None:
    counts = Counter(topic for example in examples for topic in example.topics)

    assert len(examples) >= 300
    assert min(counts.values()) >= 100
    assert sum(not example.topics for example in examples) >= 0.3 * len(examples)


def test_no_text_copies_another(examples: list[Example]) -> None:
    owners: dict[tuple[str, ...], str] = {}
    copies = set()
    for example in examples:
        text = " . ".join(joined(passages) for _, passages in example.document.fields())
        words = re.findall(r"\w+", text.lower())
        for start in range(len(words) - LONGEST_SHARED_RUN + 1):
            run = tuple(words[start : start + LONGEST_SHARED_RUN])
            if owners.setdefault(run, example.id) != example.id:
                copies.add((owners[run], example.id, " ".join(run)))

    assert set() == copies


def test_the_shipped_release_was_made_from_the_shipped_corpus() -> None:
    manifest = load_release(ROOT / "models").manifest

    assert corpus_digest(PATHS) == manifest["corpus"]["sha256"]

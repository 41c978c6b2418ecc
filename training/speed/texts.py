"""The labelled corpus -> texts to measure with: articles of one length, any number of texts like ours. Seeded; not timed."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np

from tagger.documents import Document, Passage, joined
from training.corpus import Example

SEED = 20260101
ARTICLE_BYTES = 5000
_SENTENCE = re.compile(r"(?<=[.!?…»])\s+")
# A sentence is left out with this probability, so that no two texts are the same.
_DROPPED = 0.2

T = TypeVar("T")


def articles(examples: Sequence[Example], most: int) -> list[Document]:
    """Return articles of about 5 kB: the bodies of texts about the same topics, joined; at most so many."""
    by_topics: dict[tuple[str, ...], list[Example]] = defaultdict(list)
    for example in examples:
        by_topics[tuple(sorted(example.topics))].append(example)
    random = np.random.default_rng(SEED)
    made = [article for _, same in sorted(by_topics.items()) for article in _joined(shuffled(same, random))]
    return shuffled(made, random)[:most]


def shuffled(items: Sequence[T], random: np.random.Generator) -> list[T]:
    """Return items in another order."""
    return [items[place] for place in random.permutation(len(items)).tolist()]


def _joined(examples: Sequence[Example]) -> Iterator[Document]:
    """Yield articles of one length; a shorter one where all texts together are."""
    bodies: list[str] = []
    title, made = "", False
    for example in examples:
        title = title if bodies else joined(example.document.title)
        bodies.append(joined(example.document.body))
        if sum(len(body.encode()) + 1 for body in bodies) >= ARTICLE_BYTES:
            yield article(title, "\n".join(bodies).encode()[:ARTICLE_BYTES].decode(errors="ignore"))
            bodies, made = [], True
    if not made:
        yield article(title, "\n".join(bodies))


def article(title: str, body: str) -> Document:
    """Return an article of one passage."""
    return Document("article", title=(Passage(title, 0),) if title else (), body=(Passage(body, 0),))


def plain(document: Document) -> str:
    """Return the text of a document."""
    return "\n".join(joined(passages) for _, passages in document.fields() if passages)


def perturbed(examples: Sequence[Example], count: int) -> Iterator[Example]:
    """Yield so many texts, each one of ours with sentences left out and in another order."""
    random = np.random.default_rng(SEED)
    sentences = [_SENTENCE.split(joined(example.document.body)) for example in examples]
    for number in range(count):
        chosen = int(random.integers(len(examples)))
        whole = sentences[chosen]
        kept = [sentence for sentence, drawn in zip(whole, random.random(len(whole)), strict=True) if drawn > _DROPPED]
        body = " ".join(shuffled(kept or whole, random))
        text = article(joined(examples[chosen].document.title), body)
        yield Example(str(number), text, examples[chosen].topics, "train", {})

"""Scores -> tags: the one decision rule. Command line, HTTP and evaluation all call one of the `tag_` functions."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import Literal

from tagger.documents import Document, Field, Page
from tagger.encoded import Encoded
from tagger.features import placed
from tagger.model import TopicModel
from tagger.taxonomy import Taxonomy, Topic
from tagger.text import terms

Abstained = Literal["too_short", "not_french", "no_known_terms", "no_topic"]
MAX_EVIDENCE = 5
# Of the terms that added most, so many are looked at: those that tell no new word are passed over.
_CONSIDERED = 16
# Enough to share the cost of a call, few enough for what is found in long texts to stay small.
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Policy:
    """When a score becomes a tag: a threshold in [0, 1] for each topic id, and the least number of words to judge by.

    exclusive: the topics exclude each other, as rubrics do, and only the best of those that pass is given.
    """

    thresholds: Mapping[str, float]
    min_words: int = 3
    exclusive: bool = False

    def chosen(self, scores: Sequence[float], taxonomy: Taxonomy) -> list[int]:
        """Return the columns, in taxonomy order, of the topics that a text with these scores gets, best first."""
        passed = [column for column, topic in enumerate(taxonomy.ids) if scores[column] >= self.thresholds[topic]]
        passed.sort(key=lambda column: -scores[column])
        return passed[:1] if self.exclusive else passed


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of the caller's text at [start, end) of the page or, for JSON parts, of `field`, and what it added.

    `weight` is in units of the decision value, above 0.
    """

    field: Field
    text: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic that passed its threshold, its calibrated score in [0, 1], and the words that counted most, best first."""

    topic: Topic
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class TaggedDocument:
    """A document with its tags, best first; without any, `abstained` says why.

    scores: of every topic, in taxonomy order, in [0, 1]; empty where the text was not scored. unknown_share: of its different
    terms, those that the model does not know, in [0, 1].
    """

    document: Document
    tags: tuple[Tag, ...]
    abstained: Abstained | None
    scores: tuple[float, ...] = ()
    unknown_share: float = 0.0


def tag_page(page: Page, model: TopicModel, taxonomy: Taxonomy, policy: Policy) -> tuple[TaggedDocument, ...]:
    """Tag every document of a page, in page order, each by its own text alone."""
    if len(page.documents) == 1:  # what a CMS sends: a tenth sooner than as one of some dozens
        return (tag_document(page.documents[0], model, taxonomy, policy),)
    return tuple(tag_documents(page.documents, model, taxonomy, policy))


def tag_document(document: Document, model: TopicModel, taxonomy: Taxonomy, policy: Policy) -> TaggedDocument:
    """Tag one document."""
    encoded = model.encode(document)
    return _tagged(document, encoded, model.score(encoded).tolist(), model, taxonomy, policy)


def tag_documents(
    documents: Iterable[Document], model: TopicModel, taxonomy: Taxonomy, policy: Policy, *, evidence: bool = True
) -> Iterator[TaggedDocument]:
    """Tag documents as `tag_document` does each, some dozens at a time; evidence: say which words earned the tags."""
    rest = iter(documents)
    while some := tuple(islice(rest, _AT_ONCE)):
        read = model.encode_all(some)
        for document, encoded, scores in zip(some, read, model.score_all(read).tolist(), strict=True):
            yield _tagged(document, encoded, scores, model, taxonomy, policy, evidence=evidence)


def _tagged(
    document: Document,
    encoded: Encoded,
    scores: list[float],
    model: TopicModel,
    taxonomy: Taxonomy,
    policy: Policy,
    *,
    evidence: bool = True,
) -> TaggedDocument:
    if encoded.words.words < policy.min_words:
        return TaggedDocument(document, (), "too_short")
    if not encoded.words.may_be_french():
        return TaggedDocument(document, (), "not_french")
    if not encoded.known:
        return TaggedDocument(document, (), "no_known_terms", unknown_share=1.0)
    tags = tuple(
        Tag(
            taxonomy.topics[column],
            scores[column],
            _evidence(document, encoded, model.strongest(encoded, column, _CONSIDERED)) if evidence else (),
        )
        for column in policy.chosen(scores, taxonomy)
    )
    unknown_share = 1 - encoded.known / encoded.length
    return TaggedDocument(document, tags, None if tags else "no_topic", tuple(scores), unknown_share)


def _evidence(document: Document, encoded: Encoded, strongest: Iterable[tuple[int, float]]) -> tuple[Evidence, ...]:
    """Choose the terms that added most, each where it first tells a new word: no `Corée` beside `Corée du Nord`."""
    passages = list(placed(document))
    starts = [at for at, _, _ in passages]
    chosen: list[Evidence] = []
    told: set[str] = set()
    for term, weight in strongest:
        # Nearly always the first place is enough: the others are looked for only where it is not.
        for start, end in chain([encoded.first(term)], encoded.others(term)):
            at, field, passage = passages[bisect_right(starts, start) - 1]
            text = passage.text[start - at : end - at]
            stems = _stems(text)
            if told.isdisjoint(stems):
                told |= stems
                chosen.append(Evidence(field, text, start - at + passage.start, end - at + passage.start, weight))
                break
        if len(chosen) == MAX_EVIDENCE:
            break
    return tuple(chosen)


@lru_cache(maxsize=1 << 12)
def _stems(text: str) -> frozenset[str]:
    """Return the stems of a piece of evidence, a few words; the news of a day repeats them."""
    return frozenset(term.name for term in terms(text))

"""Scores -> tags: the one decision rule. Command line, HTTP and evaluation all call `tag_page` or `tag_document`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tagger.documents import Document, Field, Page
from tagger.model import Encoded, TopicModel
from tagger.taxonomy import Taxonomy, Topic
from tagger.text import Term, is_french, terms, words

Abstained = Literal["too_short", "not_french", "no_known_terms", "no_topic"]
MAX_EVIDENCE = 5


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
    return tuple(tag_document(document, model, taxonomy, policy) for document in page.documents)


def tag_document(document: Document, model: TopicModel, taxonomy: Taxonomy, policy: Policy) -> TaggedDocument:
    """Tag one document."""
    read = [word for _, passages in document.fields() for passage in passages for word in words(passage.text)]
    if len(read) < policy.min_words:
        return TaggedDocument(document, (), "too_short")
    if not is_french(read):
        return TaggedDocument(document, (), "not_french")
    encoded = model.encode(document)
    if not len(encoded.indices):
        return TaggedDocument(document, (), "no_known_terms", unknown_share=1.0)
    scores = model.score(encoded).tolist()
    tags = tuple(
        Tag(taxonomy.topics[column], scores[column], _evidence(document, encoded, model.contributions(encoded, column)))
        for column in policy.chosen(scores, taxonomy)
    )
    unknown_share = 1 - len(encoded.indices) / encoded.length
    return TaggedDocument(document, tags, None if tags else "no_topic", tuple(scores), unknown_share)


def _evidence(document: Document, encoded: Encoded, contributions: Mapping[str, float]) -> tuple[Evidence, ...]:
    """Choose the terms that added most, each where it first tells a new word: no `Corée` beside `Corée du Nord`."""
    seen: dict[str, list[tuple[Field, Term]]] = {}
    for field, term in encoded.terms:
        seen.setdefault(term.name, []).append((field, term))
    chosen: list[Evidence] = []
    told: set[str] = set()
    for name, weight in sorted(contributions.items(), key=lambda item: (-item[1], item[0])):
        if weight <= 0 or len(chosen) == MAX_EVIDENCE:
            break
        for field, term in seen[name]:
            text = _slice(document, field, term)
            stems = {part.name for part in terms(text)}
            if not stems & told:
                told |= stems
                chosen.append(Evidence(field, text, term.start, term.end, weight))
                break
    return tuple(chosen)


def _slice(document: Document, field: Field, term: Term) -> str:
    passages: Iterable[tuple[str, int]] = ((p.text, p.start) for name, text in document.fields() if name == field for p in text)
    for text, start in passages:
        if start <= term.start and term.end <= start + len(text):
            return text[term.start - start : term.end - start]
    raise AssertionError(f"{term} lies in no passage of {field}")

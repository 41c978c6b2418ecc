"""What markup says of one document, as text without markup -> `Document`. Knows no format."""

from dataclasses import dataclass

from tagger.documents import Document, Kind, Text, placed
from tagger.extract.article import prose
from tagger.extract.dates import time_of
from tagger.text import normalize

_SHORTEST_PARAGRAPH = 20
_SHORT_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Told:
    """The parts of a document as strings; `title`, `rubric`, `source` and `published` are one line each."""

    title: str = ""
    lead: str = ""
    body: str = ""
    rubric: str = ""
    source: str = ""
    published: str = ""
    id: str | None = None

    @property
    def has_text(self) -> bool:
        """Whether there are words to classify."""
        return any(text.strip() for text in (self.title, self.lead, self.body))


def document_of(told: Told, kind: Kind) -> Document:
    """Return a document whose offsets count in each part as it is answered: the caller sees no other string.

    Furniture is left out. A lead that is but the beginning of the body is told once.
    """
    lead, body = _once(_lines(told.lead), _lines(told.body))
    return Document(
        kind,
        title=_line(told.title),
        lead=placed(lead),
        body=placed(body),
        rubric=_line(told.rubric),
        source=told.source,
        published=told.published,
        time=time_of(told.published),
        id=told.id,
    )


def in_paragraphs(text: str) -> str:
    """Return a text as it is, or as one line where its lines are too many and too short to be paragraphs.

    Each line is judged by itself, in 10 to 30 microseconds, whether it holds a paragraph or a letter.
    """
    return " ".join(text.split()) if text.count("\n") * _SHORTEST_PARAGRAPH > len(text) + _SHORT_TEXT else text


def _line(text: str) -> Text:
    return placed([text] if text.strip() else [])


def _lines(text: str) -> list[str]:
    return [passage.text for passage in prose(in_paragraphs(text))]


def _once(lead: list[str], body: list[str]) -> tuple[list[str], list[str]]:
    """Take a lead out of the body that begins with it; drop one that is the body cut short (`Le pont rouv…`)."""
    if lead and body[: len(lead)] == lead:
        return lead, body[len(lead) :]
    beginning = normalize(" ".join(lead)).rstrip(" .…[]")
    start = normalize(" ".join(body)[: len(beginning) + 100])
    return ([], body) if beginning and start.startswith(beginning) else (lead, body)

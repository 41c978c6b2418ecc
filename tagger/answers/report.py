"""Tagged documents -> a report for a person at a terminal: tags, scores, and the text with its evidence highlighted."""

from collections.abc import Iterator, Sequence

import click

from tagger.documents import Document, Field, Passage, joined
from tagger.tags import Abstained, Evidence, Tag, TaggedDocument

_KINDS = {"article": "ARTICLE", "related": "RELATED", "live_post": "LIVE POST"}
_REASONS: dict[Abstained, str] = {
    "no_topic": "no topic: it is about something else",
    "too_short": "too short to tell",
    "not_french": "not French",
    "no_known_terms": "no word that the tagger knows",
}
_EXCERPT = 220


def report(documents: Sequence[TaggedDocument], *, colour: bool) -> Iterator[str]:
    """Yield the lines of a report; without colour, evidence stands between asterisks."""
    for number, tagged in enumerate(documents, start=1):
        document = tagged.document
        pieces = [piece for tag in tagged.tags for piece in tag.evidence]
        about = " · ".join(part for part in (document.source, document.published, joined(document.rubric)) if part)
        yield ""
        yield click.style(f"{number}  {_KINDS[document.kind]}", bold=True) + (f"  {about}" if about else "")
        if document.title:
            yield "   " + _highlighted(document.title[0], "title", pieces, colour=colour)
        for tag in tagged.tags:
            yield "   " + _tag_line(tag)
        if tagged.abstained:
            yield click.style(f"   — {_REASONS[tagged.abstained]} ({tagged.abstained})", dim=True)
        if excerpt := _excerpt(document, pieces, colour=colour):
            yield "   " + excerpt


def _tag_line(tag: Tag) -> str:
    bar = "█" * round(tag.score * 10)
    told = " · ".join(f"{piece.text} {piece.weight:+.2f}" for piece in tag.evidence)
    return f"{click.style(f'{tag.topic.label:30}', fg='green', bold=True)} {tag.score:.2f} {bar:10}  {' '.join(told.split())}"


def _excerpt(document: Document, pieces: Sequence[Evidence], *, colour: bool) -> str:
    """Return the part of the lead or body that holds the most evidence, or the beginning of the text."""
    fields: list[tuple[Field, Passage]] = [("lead", p) for p in document.lead] + [("body", p) for p in document.body]
    if not fields:
        return ""

    def held(field: Field, passage: Passage) -> list[Evidence]:
        return [e for e in pieces if e.field == field and passage.start <= e.start and e.end <= passage.end]

    field, passage = max(fields, key=lambda item: len(held(*item)))
    found = held(field, passage)
    start = max(0, min((piece.start for piece in found), default=passage.start) - passage.start - 60)
    start = passage.text.find(" ", start) + 1 if start else 0
    end = min(len(passage.text), start + _EXCERPT)
    cut = Passage(passage.text[start:end], passage.start + start)
    before, after = "… " if start else "", " …" if end < len(passage.text) else ""
    return click.style(before, dim=True) + _highlighted(cut, field, found, colour=colour) + click.style(after, dim=True)


def _highlighted(passage: Passage, field: Field, pieces: Sequence[Evidence], *, colour: bool) -> str:
    shown: list[str] = []
    position = passage.start
    for piece in sorted(pieces, key=lambda piece: piece.start):
        if piece.field != field or piece.start < position or piece.end > passage.end:
            continue
        shown.append(passage.text[position - passage.start : piece.start - passage.start])
        word = passage.text[piece.start - passage.start : piece.end - passage.start]
        shown.append(click.style(word, fg="yellow", bold=True) if colour else f"*{word}*")
        position = piece.end
    shown.append(passage.text[position - passage.start :])
    return " ".join("".join(shown).split())

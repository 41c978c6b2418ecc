"""An evaluation -> what a person reads and looks at: Markdown with two pictures, or one HTML page that holds them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

import jinja2
import numpy as np
from markdown_it import MarkdownIt

from tagger.documents import Document, joined
from tagger.registry import Release
from tagger.tags import tag_document
from training import plots
from training.corpus import Example
from training.evaluate import (
    FORMS,
    Answers,
    Interval,
    Result,
    ask,
    calibration_error,
    form,
    measure,
    reliability,
    subset,
)
from training.fit import topic_matrix

WORST = 12
PICTURES = ("precision-recall.svg", "reliability.svg")
_EXCERPT = 110
_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|#&~"})


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong or missing tag: its score, the text it stands on, and the words that spoke loudest."""

    kind: Literal["wrong", "missed"]
    topic: str
    score: float
    id: str
    text: str
    told: tuple[str, ...]
    against: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """An evaluation as Markdown, and its pictures by file name."""

    markdown: str
    pictures: Mapping[str, str]
    result: Result

    def html(self, title: str) -> str:
        """Return one page that needs nothing else."""
        return html_page(title, self.markdown, self.pictures)


def html_page(title: str, markdown: str, pictures: Mapping[str, str]) -> str:
    """Return Markdown as a page that needs nothing else; pictures: SVG by the file name that the Markdown has."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    for name, picture in pictures.items():
        body = body.replace(f'<img src="{name}" alt="{name}" />', picture)
    style = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")
    heading = escape(title)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{heading}</title>\n'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style>\n<h1>{heading}</h1>\n{body}</html>\n'
    )


def make_report(release: Release, examples: Sequence[Example], answers: Answers, others: Sequence[Answers]) -> Report:
    """Measure answers and those of other systems on examples, and write it up, the worst mistakes last."""
    gold = topic_matrix(examples, release.taxonomy).astype(bool)
    result = measure(examples, answers, release)
    unsure = answers.scores > 0.05
    bins = reliability(answers.scores, gold)
    template = _environment().get_template("report.md.jinja")
    markdown = template.render(
        systems=_systems(release, examples, [answers, *others]),
        result=result,
        accuracy=result.accuracy,
        thresholds=release.policy.thresholds,
        ece={
            topic: calibration_error(reliability(answers.scores[:, k], gold[:, k]))
            for k, topic in enumerate(release.taxonomy.ids)
        },
        forms={
            name: measure(*kept, release)
            for name in FORMS
            if (kept := subset(examples, answers, lambda example: form(example.document) == name))[0]  # noqa: B023
        },
        ece_all=calibration_error(bins),
        ece_unsure=calibration_error(reliability(answers.scores[unsure], gold[unsure])) if unsure.any() else None,
        unsure=int(unsure.sum()),
        pictures=PICTURES,
        mistakes=mistakes(release, examples, answers)[:WORST],
    )
    drawn = (
        plots.precision_recall(gold, answers, others, release.taxonomy),
        plots.reliability_curve(gold, answers),
    )
    return Report(markdown, dict(zip(PICTURES, drawn, strict=True)), result)


def _systems(release: Release, examples: Sequence[Example], systems: Sequence[Answers]) -> list[dict[str, Any]]:
    """Measure every system on all texts and, where labellers noted them, without borderline ones and on the sure ones."""
    kept: list[tuple[str, Callable[[Example], bool]]] = [("all {n}", lambda _: True)]
    if any(example.borderline for example in examples):
        kept.append(("{n} not borderline", lambda example: not example.borderline))
    if any(example.sure for example in examples):
        kept.append(("{n} sure", lambda example: example.sure is True))
    rows = []
    for label, keep in kept:
        for answers in systems:
            texts, said = subset(examples, answers, keep)
            rows.append({"texts": label.format(n=len(texts)), "system": said.system, "result": measure(texts, said, release)})
    return rows


def mistakes(release: Release, examples: Sequence[Example], answers: Answers) -> list[Mistake]:
    """Return the wrong and the missing tags, those first whose score is furthest from what it should have been."""
    gold = topic_matrix(examples, release.taxonomy).astype(bool)
    scores = answers.scores
    found = sorted(np.argwhere(gold != answers.tags).tolist(), key=lambda cell: -abs(scores[*cell] - gold[*cell]))
    return [_mistake(release, examples[row], column, float(scores[row, column])) for row, column in found]


def _mistake(release: Release, example: Example, column: int, score: float) -> Mistake:
    document, topic = example.document, release.taxonomy.ids[column]
    text = excerpt(document)
    if topic not in example.topics:
        tags = tag_document(document, release.model, release.taxonomy, release.policy).tags
        told = tuple(piece.text for tag in tags if tag.topic.id == topic for piece in tag.evidence)
        return Mistake("wrong", topic, score, example.id, text, told)
    added = release.model.contributions(release.model.encode(document), column)
    by_weight = sorted(added.items(), key=lambda item: item[1])
    told = tuple(term for term, weight in reversed(by_weight[-3:]) if weight > 0)
    against = tuple(term for term, weight in by_weight[:3] if weight < 0)
    return Mistake("missed", topic, score, example.id, text, told, against)


def excerpt(document: Document) -> str:
    """Return the title of a document or, without one, its first words, on one line."""
    text = joined(document.title) or joined(document.lead) or joined(document.body)
    return " ".join((text if len(text) <= _EXCERPT else text[:_EXCERPT].rsplit(" ", 1)[0] + " …").split())


def plain(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return text.translate(_MARKDOWN)


def evaluated(release: Release, examples: Sequence[Example], others: Sequence[Answers]) -> Report:
    """Ask a release about examples and report, beside other systems' answers."""
    return make_report(release, examples, ask(release, examples), others)


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(  # noqa: S701 - Markdown, not HTML: texts are escaped for Markdown, HTML in it is shown
        loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    environment.filters |= {"interval": _interval, "share": _share, "mean": _mean, "plain": plain}
    return environment


def _interval(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _share(interval: Interval) -> str:
    return f"{interval.value:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def _mean(result: Result, what: Literal["precision", "recall"]) -> str:
    found = [getattr(topic, what).value for topic in result.topics.values() if topic.texts]
    return f"{np.mean(found):.3f}" if found else "–"

"""The promotion gate: a new release (the challenger), the one that serves (the champion), floors -> a verdict with its reasons.

A challenger serves only when it reaches the floors, tags the golden texts right and is no worse than the champion.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tagger.registry import Release
from tagger.tags import tag_document
from training.compare import EFFECTS, Difference, Flip, by_topic, differences, flips, milliseconds
from training.corpus import CorpusError, Example
from training.evaluate import Answers, ask, calibration_error, measure, reliability
from training.fit import topic_matrix
from training.floors import Floors
from training.report import plain

Check = Literal["f1", "macro_f1", "false_tags", "ece", "size", "golden", "loss", "speed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that failed, the topic where it is about one, and a sentence with the figures."""

    check: Check
    topic: str | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a challenger is refused, if it is, and what it changes: no `flips` and no `differences` without a champion."""

    failures: tuple[Failure, ...]
    flips: tuple[Flip, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def promoted(self) -> bool:
        """Tell whether the challenger may serve."""
        return not self.failures

    def markdown(self) -> str:
        """Return it for a log: the decision, the failures, a table of topics, the texts that are tagged otherwise."""
        parts = [_decision(self), _table(self.differences), _changed(self.flips) if self.differences else ""]
        return "\n\n".join(part for part in parts if part) + "\n"


def judge(
    challenger: Release,
    champion: Release | None,
    test: Sequence[Example],
    golden: Sequence[Example],
    floors: Floors,
    *,
    release_bytes: int,
) -> Verdict:
    """Decide whether the challenger may serve; without a champion by floors, golden texts and size alone.

    test: texts that neither release has learnt from; gold topics that a release does not know are not asked of it. golden:
    texts that must get exactly their topics. release_bytes: of all files of the challenger.

    Raises:
        CorpusError: there are no test texts.
    """
    if not test:
        raise CorpusError("There are no held-out texts to judge a release on: give labelled texts that it has not learnt from.")
    answers = ask(challenger, test)
    failures = [
        *below_floors(challenger, test, answers, floors),
        *golden_mistakes(challenger, golden),
        *too_big(release_bytes, floors),
    ]
    if champion is None:
        return Verdict(tuple(failures))
    before, after = by_topic(champion, ask(champion, test)), by_topic(challenger, answers)
    compared = differences(test, before, after)
    failures += [*losses(compared), *too_slow(*milliseconds(champion, challenger, test), floors)]
    return Verdict(tuple(failures), tuple(flips(test, before, after, challenger)), tuple(compared))


def below_floors(release: Release, test: Sequence[Example], answers: Answers, floors: Floors) -> Iterator[Failure]:
    """Yield what the answers of a release to the test texts do not reach."""
    result = measure(test, answers, release)
    for topic, floor in floors.topics.items():
        if topic not in result.topics:
            sentence = f"{topic}: the release does not know the topic, which has a floor of {floor:.3f}."
            yield Failure("f1", topic, sentence)
        elif (value := result.topics[topic].f1.value) < floor:
            yield Failure("f1", topic, f"{topic}: F1 {value:.3f} is below the floor of {floor:.3f}.")
    # A newsroom's new topic, learnt from twenty texts and tested on three, must not pull the mean of the others down.
    held = [result.topics[topic].f1.value for topic in floors.topics if topic in result.topics and result.topics[topic].texts]
    macro, rate = float(np.mean(held)) if held else result.macro_f1.value, result.false_tag_rate.value
    if macro < floors.macro_f1:
        yield Failure("macro_f1", None, f"Macro-F1 {macro:.3f} is below the floor of {floors.macro_f1:.3f}.")
    if rate > floors.highest_false_tag_rate:
        yield Failure(
            "false_tags",
            None,
            f"{result.falsely_tagged} of {result.without_topic} texts without topic get a tag, {rate:.1%}; "
            f"{floors.highest_false_tag_rate:.1%} may.",
        )
    error = calibration_error(reliability(answers.scores, topic_matrix(test, release.taxonomy).astype(bool)))
    if error > floors.highest_ece:
        yield Failure("ece", None, f"The calibration error (ECE) is {error:.3f}; it may be {floors.highest_ece:.3f}.")


def golden_mistakes(release: Release, golden: Sequence[Example]) -> Iterator[Failure]:
    """Yield the golden texts that do not get exactly their topics, of those that golden texts are about and the release knows.

    A newsroom's own topic may well be in a golden text too, and is not asked about.
    """
    asked = {topic for example in golden for topic in example.topics} & set(release.taxonomy.ids)
    for example in golden:
        tags = tag_document(example.document, release.model, release.taxonomy, release.policy).tags
        got, right = {tag.topic.id for tag in tags} & asked, example.topics & asked
        if got != right:
            yield Failure("golden", None, f"The golden text {example.id} gets {_named(got)}, not {_named(right)}.")


def too_big(release_bytes: int, floors: Floors) -> Iterator[Failure]:
    """Yield the failure of a release whose files take more bytes than they may."""
    if release_bytes > floors.largest_release_bytes:
        yield Failure("size", None, f"The release takes {release_bytes:,} bytes; it may take {floors.largest_release_bytes:,}.")


def losses(compared: Sequence[Difference]) -> Iterator[Failure]:
    """Yield the topics whose whole interval of the change in F1 lies below 0."""
    for difference in compared:
        change = difference.change
        if change.high < 0:
            yield Failure(
                "loss",
                difference.topic,
                f"{difference.topic}: F1 {difference.after:.3f} against the champion's {difference.before:.3f}, "
                f"a loss of {-change.value:.3f} [{-change.high:.3f}, {-change.low:.3f}].",
            )


def too_slow(champion_milliseconds: float, challenger_milliseconds: float, floors: Floors) -> Iterator[Failure]:
    """Yield the failure of a challenger whose median time a document is too many times the champion's."""
    ratio = challenger_milliseconds / champion_milliseconds
    if ratio > floors.slowest_against_champion:
        yield Failure(
            "speed",
            None,
            f"A document takes {challenger_milliseconds:.2f} ms, {ratio:.1f} times the champion's "
            f"{champion_milliseconds:.2f} ms; it may take {floors.slowest_against_champion:.1f} times.",
        )


def _decision(verdict: Verdict) -> str:
    if verdict.promoted:
        return "**Promoted**: the challenger passes every check."
    return "\n".join(["**Refused**:", "", *(f"- {failure.sentence}" for failure in verdict.failures)])


def _table(compared: Sequence[Difference]) -> str:
    if not compared:
        return ""
    rows = [
        f"| {d.topic} | {d.before:.3f} | {d.after:.3f} | {d.change.value:+.3f} [{d.change.low:+.3f}, {d.change.high:+.3f}] |"
        for d in compared
    ]
    return "\n".join(["| topic | F1 before | F1 after | change [95 %] |", "|---|---:|---:|---:|", *rows])


def _changed(changed: Sequence[Flip]) -> str:
    if not changed:
        return "No test text is tagged otherwise."
    counts = Counter(flip.effect for flip in changed)
    heading = (
        f"{len(changed)} test texts are tagged otherwise: {', '.join(f'{counts[effect]} {effect}' for effect in EFFECTS)}."
    )
    return "\n".join([heading, "", *map(_line, changed)])


def _line(flip: Flip) -> str:
    told = "".join(f"; `{topic}` for {plain(' · '.join(words))}" for topic, words in flip.evidence.items())
    tags = f"{_named(flip.before)} → {_named(flip.after)}, gold {_named(flip.gold)}"
    return f"- **{flip.effect}** {plain(flip.text)} ({plain(flip.id)}): {tags}{told}"


def _named(topics: Collection[str]) -> str:
    return ", ".join(sorted(topics)) or "no tag"

"""Answered documents and what was usual at the release -> what has moved since, line by line, each with a verdict.

It knows documents only by what was answered: no text, no model, no store. An abstained document counts as scoring 0.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import click
import numpy as np

from tagger.errors import TaggerError

Verdict = Literal["stable", "look", "changed"]
Measure = Literal["tag rate", "score PSI", "override rate", "untagged rate", "unknown-word rate", "language mismatch rate"]

# Fewer documents say too little: of 200, a topic of one in ten has 12 to 28 by chance alone.
LEAST_DOCUMENTS = 200
# The usual reading of the PSI, a convention and not a test: Siddiqi, Credit Risk Scorecards, Wiley 2006, on monitoring.
PSI_LOOK, PSI_CHANGED = 0.1, 0.25
# Two sides of a normal distribution beyond this hold one in a thousand: a report has about 15 lines, so an unchanged stream
# raises an alarm in about one report of a hundred. News comes in runs of one story, so a laxer limit would cry wolf.
SIGNIFICANT = 3.29
# A rate that moved for certain has changed when its odds are this much higher or lower; less is worth a look. Odds, because
# they treat a rate of 5 % and one of 95 % alike, and a rate that doubles at least doubles them.
ODDS_CHANGED = 1.5
# Nothing is known from before about overrides, so they are held against what an editor would bear: our choice.
OVERRIDES_LOOK, OVERRIDES_CHANGED = 0.1, 0.25
# Steps of the score's odds, not tenths: over nine in ten scores of the corpus lie below 0.1 or above 0.9, so that tenths would
# be two full bins and eight nearly empty ones. Below 0.01 no difference changes an answer; from 0.99 down certainty goes first.
SCORE_EDGES = (0.01, 0.1, 0.5, 0.9, 0.99)

_LEVELS: dict[Verdict, int] = {"stable": 0, "look": 1, "changed": 2}
_COLOURS: dict[Verdict, str] = {"stable": "green", "look": "yellow", "changed": "red"}
_METRICS: dict[Measure, str] = {
    "tag rate": "tagger_drift_tag_ratio",
    "score PSI": "tagger_drift_score_psi",
    "override rate": "tagger_drift_override_ratio",
    "untagged rate": "tagger_drift_untagged_ratio",
    "unknown-word rate": "tagger_drift_unknown_words_ratio",
    "language mismatch rate": "tagger_drift_language_mismatch_ratio",
}
_BAR = 40


class InvalidReferenceError(TaggerError):
    """A reference cannot be read, contradicts itself, or would rest on no document."""


class OtherTopicsError(TaggerError):
    """Documents or overrides name other topics than what they are compared with: another release answered."""


class InvalidOverridesError(TaggerError):
    """Overrides are no counts: below 0, or more than the tags reviewed."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known of an answered document: calibrated scores by topic (empty when it abstained before scoring), tags, why
    it abstained, and the share of its terms that the model does not know, in [0, 1].
    """

    scores: Mapping[str, float]
    tags: tuple[str, ...]
    abstained: str | None
    unknown_share: float


@dataclass(frozen=True, slots=True)
class Reference:
    """What was usual. Rates are shares of all documents, in [0, 1]; `unknown_rate` is the mean share of unknown
    terms, `unknown_spread` its standard deviation over documents.

    score_edges: inner edges of a topic's score bins, rising in (0, 1); score_shares: the share of documents in each bin, one
    more than edges; a score on an edge belongs above it.
    """

    documents: int
    tag_rates: Mapping[str, float]
    untagged_rate: float
    score_edges: Mapping[str, tuple[float, ...]]
    score_shares: Mapping[str, tuple[float, ...]]
    unknown_rate: float
    unknown_spread: float
    foreign_rate: float


@dataclass(frozen=True, slots=True)
class Line:
    """One thing measured, of a topic or ("") of the whole stream; `before` is None where there is nothing to compare with."""

    measure: Measure
    topic: str
    before: float | None
    now: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Drift:
    """What has moved, in one sentence and line by line; silent, without lines, when the documents are too few to tell."""

    documents: int
    silent: bool
    sentence: str
    lines: tuple[Line, ...]


def reference(observations: Sequence[Observation]) -> Reference:
    """Record what is usual, from documents that one release answered.

    Raises:
        InvalidReferenceError: there is no document.
        OtherTopicsError: the documents were scored for different topics.
    """
    if not observations:
        raise InvalidReferenceError("A reference needs documents: there are 0 observations.")
    topics = next((observation.scores for observation in observations if observation.scores), {})
    return _usual(observations, dict.fromkeys(topics, SCORE_EDGES))


def write_reference(reference: Reference) -> str:
    """Write a reference as JSON, one way only, so that equal references are equal bytes."""
    return json.dumps(asdict(reference), ensure_ascii=False, indent=1) + "\n"


def read_reference(text: str) -> Reference:
    """Read a reference from JSON; inverse of `write_reference`.

    Raises:
        InvalidReferenceError: the text is no JSON, lacks a part, or its numbers cannot be rates, edges and shares.
    """
    try:
        record = json.loads(text)
        read = Reference(
            documents=int(record["documents"]),
            tag_rates=_numbers(record["tag_rates"]),
            untagged_rate=float(record["untagged_rate"]),
            score_edges={topic: tuple(map(float, edges)) for topic, edges in record["score_edges"].items()},
            score_shares={topic: tuple(map(float, shares)) for topic, shares in record["score_shares"].items()},
            unknown_rate=float(record["unknown_rate"]),
            unknown_spread=float(record["unknown_spread"]),
            foreign_rate=float(record["foreign_rate"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidReferenceError(f"The drift reference cannot be read: {error!r}. Make the release again.") from error
    for fault in _faults(read):
        raise InvalidReferenceError(f"The drift reference contradicts itself: {fault}. Make the release again.")
    return read


def drift(reference: Reference, observations: Sequence[Observation], overrides: Mapping[str, tuple[int, int]]) -> Drift:
    """Compare answered documents with what was usual; silent under `LEAST_DOCUMENTS`.

    overrides: by topic, how many tags editors rejected or had to add, of how many reviewed (added ones included).

    Raises:
        OtherTopicsError: a document or an override names other topics than the reference.
        InvalidOverridesError: more overrides than reviews, or fewer than none.
    """
    _check_overrides(overrides, reference)
    if (count := len(observations)) < LEAST_DOCUMENTS:
        documents = "document" if count == 1 else "documents"
        told = (
            f"Too early to tell drift: there {'is' if count == 1 else 'are'} {count} {documents}, {LEAST_DOCUMENTS} are needed."
        )
        return Drift(count, silent=True, sentence=told, lines=())
    now = _usual(observations, reference.score_edges)
    lines = (*_topic_lines(reference, now, overrides), *_stream_lines(reference, now))
    return Drift(count, silent=False, sentence=_sentence(lines), lines=lines)


def population_stability_index(before: Sequence[float], now: Sequence[float], documents: int) -> float:
    """Return how far two distributions over the same bins lie apart: 0 when equal, symmetric, never negative.

    The sum of (now - before) * ln(now / before) (Yurdakul, Statistical Properties of Population Stability Index, Western
    Michigan University 2018, https://scholarworks.wmich.edu/dissertations/3208). An empty bin would make it infinite: to each
    bin of both goes half a document of the smaller sample, which has `documents`, so that equal shares stay equal.
    """
    smoothed = (np.array([before, now], dtype=np.float64) * documents + 0.5) / (documents + 0.5 * len(before))
    return float(np.sum((smoothed[1] - smoothed[0]) * np.log(smoothed[1] / smoothed[0])))


def table(drift: Drift) -> str:
    """Return the lines as an aligned table for a terminal, under the sentence that sums them up."""
    if drift.silent:
        return drift.sentence
    rows = [("measure", "topic", "before", "now", "verdict")]
    rows += [
        (line.measure, line.topic, _shown(line, line.before), _shown(line, line.now), line.verdict) for line in drift.lines
    ]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = (f"{m:{wide[0]}}  {t:{wide[1]}}  {b:>{wide[2]}}  {n:>{wide[3]}}  {v}" for m, t, b, n, v in rows)
    return "\n".join([f"{drift.sentence} ({drift.documents} documents)", "", *aligned])


def plot(drift: Drift, *, colour: bool) -> str:
    """Return bars for a terminal: tag rates before (light) and now (full) by topic, then the PSI of the scores."""
    if drift.silent:
        return drift.sentence
    rates, shifts = ([line for line in drift.lines if line.measure == measure] for measure in ("tag rate", "score PSI"))
    width = max((len(line.topic) for line in drift.lines), default=0)
    most = max((share for line in rates for share in (line.before or 0.0, line.now)), default=0.0)
    furthest = max([PSI_CHANGED, *(line.now for line in shifts)])
    drawn = [f"tag rate, share of documents (░ before, █ now; a full bar is {most:.1%})"]
    for line in rates:
        drawn.append(f"{line.topic:{width}}  {_bar(line.before or 0.0, most, '░')}  {_shown(line, line.before):>6}")
        drawn.append(f"{'':{width}}  {_bar(line.now, most, '█')}  {_shown(line, line.now):>6}  {_judged(line, colour=colour)}")
    drawn += ["", f"score PSI (look from {PSI_LOOK}, changed above {PSI_CHANGED}; a full bar is {furthest:.2f})"]
    for line in shifts:
        drawn.append(f"{line.topic:{width}}  {_bar(line.now, furthest, '█')}  {line.now:6.3f}  {_judged(line, colour=colour)}")
    return "\n".join(drawn)


def metrics(drift: Drift) -> list[tuple[str, dict[str, str], float]]:
    """Return gauges as name, labels and value, none when silent; `tagger_drift_verdict` is 0 stable, 1 look, 2 changed."""
    if drift.silent:
        return []
    gauges: list[tuple[str, dict[str, str], float]] = [("tagger_drift_observed_documents", {}, float(drift.documents))]
    for line in drift.lines:
        labels = {"topic": line.topic} if line.topic else {}
        if line.before is None:
            gauges.append((_METRICS[line.measure], labels, line.now))
        else:
            gauges.append((_METRICS[line.measure], {**labels, "when": "before"}, line.before))
            gauges.append((_METRICS[line.measure], {**labels, "when": "now"}, line.now))
        gauges.append(("tagger_drift_verdict", {"measure": line.measure, **labels}, float(_LEVELS[line.verdict])))
    return sorted(gauges, key=lambda gauge: gauge[0])  # an exposition keeps the samples of a name together


def _usual(observations: Sequence[Observation], edges: Mapping[str, tuple[float, ...]]) -> Reference:
    for observation in observations:
        _check_topics(observation, edges)
    count = len(observations)
    unknown = [observation.unknown_share for observation in observations]
    return Reference(
        documents=count,
        tag_rates={topic: sum(topic in observation.tags for observation in observations) / count for topic in edges},
        untagged_rate=sum(not observation.tags for observation in observations) / count,
        score_edges=dict(edges),
        score_shares={
            topic: _shares([observation.scores.get(topic, 0.0) for observation in observations], inner)
            for topic, inner in edges.items()
        },
        unknown_rate=float(np.mean(unknown)),
        unknown_spread=float(np.std(unknown)),
        foreign_rate=sum(observation.abstained == "not_french" for observation in observations) / count,
    )


def _shares(scores: Sequence[float], edges: tuple[float, ...]) -> tuple[float, ...]:
    counts = np.bincount(np.searchsorted(edges, scores, side="right"), minlength=len(edges) + 1)
    return tuple((counts / len(scores)).tolist())


def _check_topics(observation: Observation, known: Mapping[str, object]) -> None:
    scored, tags = set(observation.scores), set(observation.tags)
    if odd := (scored ^ set(known) if scored else set()) | (tags - scored):
        raise OtherTopicsError(
            f"A document was not scored for the topics of the reference, they differ in {', '.join(sorted(odd))}: "
            "compare documents only with the reference of the release that answered them."
        )


def _check_overrides(overrides: Mapping[str, tuple[int, int]], reference: Reference) -> None:
    if unknown := sorted(set(overrides) - set(reference.tag_rates)):
        raise OtherTopicsError(f"Overrides name topics that the reference does not have, {', '.join(unknown)}: leave them out.")
    for topic, (overridden, reviewed) in overrides.items():
        if not 0 <= overridden <= reviewed:
            raise InvalidOverridesError(
                f"{overridden} overrides of {reviewed} reviewed tags of {topic} are no share: count added tags as reviewed."
            )


def _topic_lines(before: Reference, now: Reference, overrides: Mapping[str, tuple[int, int]]) -> Iterator[Line]:
    for topic, rate in before.tag_rates.items():
        yield _share_line("tag rate", topic, rate, now.tag_rates[topic], (before.documents, now.documents))
        yield _psi_line(topic, before, now)
        overridden, reviewed = overrides.get(topic, (0, 0))
        if reviewed:
            yield _override_line(topic, overridden, reviewed)


def _stream_lines(before: Reference, now: Reference) -> Iterator[Line]:
    sizes = (before.documents, now.documents)
    yield _share_line("untagged rate", "", before.untagged_rate, now.untagged_rate, sizes)
    # A mean of shares is no proportion: its spread is measured, on both sides, because a few foreign texts make most of it and
    # 200 documents may hold none: with the spread of now alone, an unchanged stream alarmed in one report of 60, not of 1,000.
    variance = (before.unknown_spread**2 * sizes[0] + now.unknown_spread**2 * sizes[1]) / sum(sizes)
    verdict = _moved(before.unknown_rate, now.unknown_rate, variance, sizes)
    yield Line("unknown-word rate", "", before.unknown_rate, now.unknown_rate, verdict)
    yield _share_line("language mismatch rate", "", before.foreign_rate, now.foreign_rate, sizes)


def _share_line(measure: Measure, topic: str, before: float, now: float, sizes: tuple[int, int]) -> Line:
    pooled = (before * sizes[0] + now * sizes[1]) / sum(sizes)
    return Line(measure, topic, before, now, _moved(before, now, pooled * (1 - pooled), sizes))


def _moved(before: float, now: float, variance: float, sizes: tuple[int, int]) -> Verdict:
    """Judge by the two-proportion z-test, because both rates come from samples: overlapping Wilson intervals would miss more.

    Half a document is taken off the gap (Yates): without it, three foreign texts of 200 where there were 6 of 3,000 would
    alarm, eight times as often as `SIGNIFICANT` promises.
    """
    spread = sum(1 / size for size in sizes)
    if abs(now - before) - spread / 2 <= SIGNIFICANT * math.sqrt(variance * spread):
        return "stable"
    low, high = sorted((now * (1 - before), before * (1 - now)))
    return "changed" if high >= ODDS_CHANGED * low else "look"


def _psi_line(topic: str, before: Reference, now: Reference) -> Line:
    """Judge by the usual limits, and only what chance does not explain: with 200 documents it alone can give 0.1."""
    psi = population_stability_index(
        before.score_shares[topic], now.score_shares[topic], documents=min(before.documents, now.documents)
    )
    by_chance = _psi_by_chance(len(before.score_shares[topic]), 1 / before.documents + 1 / now.documents)
    if psi < PSI_LOOK or psi <= by_chance:
        return Line("score PSI", topic, None, psi, "stable")
    return Line("score PSI", topic, None, psi, "changed" if psi > PSI_CHANGED else "look")


def _psi_by_chance(bins: int, spread: float) -> float:
    """Return what the PSI of an unchanged stream stays under: it is `spread` times a chi-square of bins - 1 degrees (Yurdakul).

    Quantile by Wilson and Hilferty, The Distribution of Chi-Square, PNAS 17 (1931): within 2 % here.
    """
    free = bins - 1
    if not free:
        return 0.0
    term = 2 / (9 * free)
    return float(spread * free * (1 - term + SIGNIFICANT * math.sqrt(term)) ** 3)


def _override_line(topic: str, overridden: int, reviewed: int) -> Line:
    """Judge by the lower end of a Wilson interval: one small sample against a fixed limit, where the plain interval fails."""
    rate, square = overridden / reviewed, SIGNIFICANT**2
    half = SIGNIFICANT * math.sqrt(rate * (1 - rate) / reviewed + square / (4 * reviewed**2))
    surely = (rate + square / (2 * reviewed) - half) / (1 + square / reviewed)
    verdict: Verdict = "changed" if surely > OVERRIDES_CHANGED else "look" if surely > OVERRIDES_LOOK else "stable"
    return Line("override rate", topic, None, rate, verdict)


def _sentence(lines: Sequence[Line]) -> str:
    moved = [
        f"{line.measure}{f' of {line.topic}' if line.topic else ''} ({line.verdict})" for line in lines if _LEVELS[line.verdict]
    ]
    return f"{len(moved)} of {len(lines)} lines moved: {', '.join(moved)}." if moved else f"All {len(lines)} lines are stable."


def _numbers(record: Mapping[str, Any]) -> dict[str, float]:
    return {topic: float(number) for topic, number in record.items()}


def _faults(read: Reference) -> Iterator[str]:
    """Yield what cannot be. Comparisons are written so that NaN fails them."""
    if read.documents < 1:
        yield f"it rests on {read.documents} documents"
    rates = {**read.tag_rates, "untagged": read.untagged_rate, "foreign": read.foreign_rate}
    rates |= {"unknown words": read.unknown_rate, "their spread": read.unknown_spread}
    yield from (f"the rate of {name} is {rate}, not in [0, 1]" for name, rate in rates.items() if not 0 <= rate <= 1)
    if not set(read.tag_rates) == set(read.score_edges) == set(read.score_shares):
        yield "its rates, edges and shares name different topics"
        return
    for topic, edges in read.score_edges.items():
        shares = read.score_shares[topic]
        if not all(low < high for low, high in zip((0.0, *edges), (*edges, 1.0), strict=True)):
            yield f"the score edges of {topic} do not rise between 0 and 1"
        if len(shares) != len(edges) + 1 or not all(share >= 0 for share in shares) or not abs(sum(shares) - 1) < 1e-6:
            yield f"the score shares of {topic} are not {len(edges) + 1} shares of a whole"


def _shown(line: Line, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if line.measure == "score PSI" else f"{value:.1%}"


def _bar(value: float, full: float, block: str) -> str:
    return f"{block * (round(_BAR * value / full) if full else 0):{_BAR}}"


def _judged(line: Line, *, colour: bool) -> str:
    return click.style(line.verdict, fg=_COLOURS[line.verdict]) if colour else line.verdict

"""Drift: what moved is told, what did not is left alone, and too little is not judged."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.drift import (
    LEAST_DOCUMENTS,
    SCORE_EDGES,
    Drift,
    InvalidOverridesError,
    InvalidReferenceError,
    Line,
    Measure,
    Observation,
    OtherTopicsError,
    Reference,
    drift,
    metrics,
    plot,
    population_stability_index,
    read_reference,
    reference,
    table,
    write_reference,
)

USUAL = {"ukraine-war": 0.22, "korea": 0.08, "moldova-elections": 0.05, "french-defence": 0.12}
THRESHOLD = 0.9


def simulated(seed: int, count: int, rates: dict[str, float] = USUAL, *, foreign: float = 0.02) -> list[Observation]:
    """A stream of documents: surely about a topic at its rate, surely not otherwise, with some doubt, as the release scores."""
    random = np.random.default_rng(seed)
    about = random.random((count, len(rates))) < np.array(list(rates.values()))
    logits = np.where(about, random.normal(5.5, 1.5, about.shape), random.normal(-6.0, 2.0, about.shape))
    scores = 1 / (1 + np.exp(-logits))
    unknown = random.beta(4, 36, count)
    return [
        observed(dict(zip(rates, row.tolist(), strict=True)), share) if french else Observation({}, (), "not_french", 0.9)
        for row, share, french in zip(scores, unknown.tolist(), random.random(count) >= foreign, strict=True)
    ]


def observed(scores: dict[str, float], unknown_share: float = 0.1) -> Observation:
    tags = tuple(topic for topic, score in scores.items() if score >= THRESHOLD)
    return Observation(scores, tags, None if tags else "no_topic", unknown_share)


BEFORE = reference(simulated(1, 3000))
DOUBLED = USUAL | {"korea": 0.16}


def line(told: Drift, measure: Measure, topic: str = "") -> Line:
    (found,) = (line for line in told.lines if (line.measure, line.topic) == (measure, topic))
    return found


def alarms(told: Drift) -> list[str]:
    return [f"{line.measure} {line.topic}".strip() for line in told.lines if line.verdict != "stable"]


def shares(bins: int) -> st.SearchStrategy[list[float]]:
    counts = st.lists(st.integers(0, 1000), min_size=bins, max_size=bins).filter(any)
    return counts.map(lambda numbers: [number / sum(numbers) for number in numbers])


@given(shares(6), shares(6), st.integers(1, 10_000))
def test_the_index_is_finite_never_negative_and_the_same_both_ways(a: list[float], b: list[float], documents: int) -> None:
    index = population_stability_index(a, b, documents)

    assert math.isfinite(index)
    assert index >= 0
    assert index == pytest.approx(population_stability_index(b, a, documents), abs=1e-12)


@given(shares(6), st.integers(1, 10_000))
def test_the_index_of_equal_distributions_is_zero(same: list[float], documents: int) -> None:
    assert population_stability_index(same, same, documents) == 0


def test_the_index_is_that_of_the_formula() -> None:
    by_hand = (0.4 - 0.5) * math.log(0.4 / 0.5) + (0.6 - 0.5) * math.log(0.6 / 0.5)

    assert by_hand == pytest.approx(population_stability_index([0.5, 0.5], [0.4, 0.6], 10**9))


def test_a_reference_counts_what_was_answered() -> None:
    made = reference(
        [
            observed({"a": 0.95, "b": 0.005}, 0.2),
            observed({"a": 0.9, "b": 0.995}, 0.0),
            observed({"a": 0.3, "b": 0.05}, 0.4),
            Observation({}, (), "not_french", 1.0),
        ]
    )

    assert made == Reference(
        documents=4,
        tag_rates={"a": 0.5, "b": 0.25},
        untagged_rate=0.5,
        score_edges={"a": SCORE_EDGES, "b": SCORE_EDGES},
        score_shares={"a": (0.25, 0, 0.25, 0, 0.5, 0), "b": (0.5, 0.25, 0, 0, 0, 0.25)},
        unknown_rate=pytest.approx(0.4),
        unknown_spread=pytest.approx(0.14**0.5),
        foreign_rate=0.25,
    )


def test_a_reference_needs_a_document() -> None:
    with pytest.raises(InvalidReferenceError, match="0 observations"):
        reference([])


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_a_reference_is_read_as_it_was_written(rows: list[tuple[float, float, float]]) -> None:
    made = reference([observed({"z": z, "é": e}, unknown) for z, e, unknown in rows])

    assert made == read_reference(write_reference(made))
    assert ["z", "é"] == list(read_reference(write_reference(made)).tag_rates)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"documents": "many"}', "[" * 100_000])
def test_a_text_that_is_no_reference(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match="cannot be read"):
        read_reference(text)


@pytest.mark.parametrize(
    ("part", "value", "fault"),
    [
        ("documents", 0, "rests on 0 documents"),
        ("untagged_rate", 1.2, r"untagged is 1\.2"),
        ("unknown_rate", math.nan, "unknown words is nan"),
        ("unknown_spread", 2, r"their spread is 2\.0"),
        ("foreign_rate", -0.1, r"foreign is -0\.1"),
        ("tag_rates", {"korea": 0.1}, "different topics"),
        ("score_edges", dict.fromkeys(USUAL, (0.5, 0.1, 0.6, 0.7, 0.8)), "do not rise"),
        ("score_edges", dict.fromkeys(USUAL, (0.5,)), "not 2 shares"),
        ("score_shares", dict.fromkeys(USUAL, (0.5,) * 6), "not 6 shares of a whole"),
        ("score_shares", dict.fromkeys(USUAL, (math.nan,) * 6), "not 6 shares of a whole"),
    ],
)
def test_a_reference_that_contradicts_itself(part: str, value: object, fault: str) -> None:
    with pytest.raises(InvalidReferenceError, match=fault):
        read_reference(json.dumps(asdict(BEFORE) | {part: value}))


@pytest.mark.parametrize(("count", "told"), [(0, "are 0 documents"), (1, "is 1 document,"), (199, "are 199 documents")])
def test_too_few_documents_are_not_judged(count: int, told: str) -> None:
    silent = drift(BEFORE, simulated(2, count, DOUBLED), {})

    assert silent.silent
    assert told in silent.sentence
    assert "200 are needed" in silent.sentence
    assert (silent.sentence, silent.sentence) == (table(silent), plot(silent, colour=False))
    assert [] == metrics(silent)


def test_enough_documents_are_judged() -> None:
    assert not drift(BEFORE, simulated(2, LEAST_DOCUMENTS), {}).silent


def test_the_same_documents_have_not_moved() -> None:
    told = drift(BEFORE, simulated(1, 3000), {})

    assert [] == alarms(told)
    assert "All 11 lines are stable." == told.sentence
    assert {0.0} == {line.now for line in told.lines if line.measure == "score PSI"}


def test_a_topic_that_doubled_is_flagged_and_no_other() -> None:
    told = drift(BEFORE, simulated(2, 2000, DOUBLED), {})

    doubled = line(told, "tag rate", "korea")
    assert "changed" == doubled.verdict
    assert 2 == pytest.approx(doubled.now / (doubled.before or 1), rel=0.25)
    assert {"korea", ""} >= {line.topic for line in told.lines if line.verdict != "stable"}
    assert "tag rate of korea (changed)" in told.sentence


def test_a_doubled_topic_is_seldom_missed() -> None:
    flagged = sum("tag rate korea" in alarms(drift(BEFORE, simulated(seed, 1000, DOUBLED), {})) for seed in range(100, 150))

    assert flagged >= 48


@pytest.mark.parametrize("count", [200, 1000])
def test_an_unchanged_stream_seldom_alarms(count: int) -> None:
    """200 streams each, 11 lines a report, and a reference that is itself a sample, drawn anew each time."""
    alarmed = sum(
        bool(alarms(drift(reference(simulated(10_000 + seed, 1500)), simulated(seed, count), {}))) for seed in range(200)
    )

    assert alarmed <= 6


def test_a_change_of_language_is_told() -> None:
    told = drift(BEFORE, simulated(2, 1000, foreign=0.1), {})

    assert "changed" == line(told, "language mismatch rate").verdict


def test_new_words_are_told() -> None:
    stream = [
        replace(observation, unknown_share=min(1.0, observation.unknown_share + 0.1)) for observation in simulated(2, 500)
    ]

    assert ["unknown-word rate"] == alarms(drift(BEFORE, stream, {}))


def test_scores_that_lose_certainty_are_told_before_the_tags_go() -> None:
    def less_sure(observation: Observation) -> Observation:
        return replace(observation, scores={topic: min(score, 0.95) for topic, score in observation.scores.items()})

    told = drift(BEFORE, [less_sure(observation) for observation in simulated(2, 1000)], {})

    assert "changed" == line(told, "score PSI", "ukraine-war").verdict
    assert "stable" == line(told, "tag rate", "ukraine-war").verdict


def test_a_small_move_that_is_certain_is_worth_a_look() -> None:
    many = reference([observed({"a": float(n % 10 < 3)}) for n in range(50_000)])

    told = drift(many, [observed({"a": float(n % 100 < 33)}) for n in range(50_000)], {})

    assert "look" == line(told, "tag rate", "a").verdict


@pytest.mark.parametrize(
    ("overrides", "verdict"), [((0, 50), "stable"), ((2, 3), "stable"), ((15, 50), "look"), ((30, 50), "changed")]
)
def test_overrides_are_judged_by_what_is_certain(overrides: tuple[int, int], verdict: str) -> None:
    found = line(drift(BEFORE, simulated(2, 200), {"korea": overrides}), "override rate", "korea")

    assert (None, overrides[0] / overrides[1], verdict) == (found.before, found.now, found.verdict)


def test_a_topic_that_nobody_reviewed_has_no_override_rate() -> None:
    told = drift(BEFORE, simulated(2, 200), {"korea": (0, 0)})

    assert "override rate" not in {line.measure for line in told.lines}


@pytest.mark.parametrize("overrides", [(2, 1), (-1, 3)])
def test_overrides_that_are_no_share(overrides: tuple[int, int]) -> None:
    with pytest.raises(InvalidOverridesError, match="of korea are no share"):
        drift(BEFORE, simulated(2, 200), {"korea": overrides})


def test_overrides_of_a_topic_that_the_reference_lacks() -> None:
    with pytest.raises(OtherTopicsError, match="cuisine"):
        drift(BEFORE, simulated(2, 200), {"cuisine": (1, 2)})


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        (observed(dict.fromkeys(USUAL, 0.1) | {"cuisine": 0.2}), "cuisine"),
        (observed({"korea": 0.1, "ukraine-war": 0.1}), "french-defence, moldova-elections"),
        (Observation({}, ("cuisine",), None, 0.1), "cuisine"),
    ],
)
def test_documents_of_another_release_are_refused(odd: Observation, named: str) -> None:
    with pytest.raises(OtherTopicsError, match=named):
        drift(BEFORE, [*simulated(2, 300), odd], {})


def test_a_topic_that_no_document_has() -> None:
    never = reference(simulated(1, 3000, USUAL | {"moldova-elections": 0.0}))

    assert [] == alarms(drift(never, simulated(2, 1000, USUAL | {"moldova-elections": 0.0}), {}))
    assert "tag rate moldova-elections" in alarms(drift(never, simulated(2, 1000), {}))


def test_all_abstained() -> None:
    told = drift(BEFORE, [Observation({}, (), "not_french", 1.0)] * 300, {})

    assert (1.0, 1.0) == (line(told, "untagged rate").now, line(told, "language mismatch rate").now)
    assert {"changed"} == {found.verdict for found in told.lines if found.measure != "score PSI"}
    assert all(math.isfinite(found.now) for found in told.lines)
    assert table(told)
    assert plot(told, colour=False)


def test_a_reference_whose_documents_all_abstained_has_no_topics() -> None:
    nothing = [Observation({}, (), "too_short", 0.0)] * 300

    told = drift(reference(nothing), nothing, {})

    assert ["untagged rate", "unknown-word rate", "language mismatch rate"] == [found.measure for found in told.lines]
    assert [] == alarms(told)
    assert plot(told, colour=False)


@pytest.fixture(scope="module")
def told() -> Drift:
    return drift(BEFORE, simulated(2, 2000, DOUBLED), {"korea": (12, 40)})


def test_the_table_is_aligned_and_says_every_line(told: Drift) -> None:
    sentence, empty, *rows = table(told).splitlines()

    assert sentence.startswith(told.sentence)
    assert "" == empty
    assert 1 + len(told.lines) == len(rows)
    assert 1 == len({row.rindex(row.split()[-1]) for row in rows})
    assert [found.verdict for found in told.lines] == [row.split()[-1] for row in rows[1:]]


def bars(picture: str, block: str) -> Sequence[int]:
    return [row.count(block) for row in picture.splitlines() if row.count(block) > 1]


def test_the_plot_shows_before_and_now(told: Drift) -> None:
    picture = plot(told, colour=False)

    before, now = bars(picture, "░"), bars(picture, "█")
    assert 4 == len(before)
    assert 2 == pytest.approx(now[1] / before[1], rel=0.25)
    assert all(topic in picture for topic in USUAL)
    assert "\x1b" not in picture


def test_colour_adds_nothing_but_colour(told: Drift) -> None:
    assert plot(told, colour=False) == click.unstyle(plot(told, colour=True))
    assert plot(told, colour=False) != plot(told, colour=True)


def test_metrics_are_gauges_of_what_the_lines_say(told: Drift) -> None:
    gauges = {(name, *sorted(labels.items())): value for name, labels, value in metrics(told)}

    assert len(metrics(told)) == len(gauges)
    assert all(name.startswith("tagger_drift_") for name, _, _ in metrics(told))
    assert 2000 == gauges[("tagger_drift_observed_documents",)]
    assert BEFORE.tag_rates["korea"] == gauges["tagger_drift_tag_ratio", ("topic", "korea"), ("when", "before")]
    assert 0.3 == gauges["tagger_drift_override_ratio", ("topic", "korea")]
    assert 2 == gauges["tagger_drift_verdict", ("measure", "tag rate"), ("topic", "korea")]
    assert BEFORE.foreign_rate == gauges["tagger_drift_language_mismatch_ratio", ("when", "before")]

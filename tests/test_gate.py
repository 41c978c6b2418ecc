"""The promotion gate: what is worse is refused and named with its figures, what is no worse passes."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagger.registry import Release, load_release
from tagger.taxonomy import Taxonomy, Topic
from tests.conftest import DATA, GAZETTEER, ROOT
from training.compare import differences, milliseconds
from training.corpus import CorpusError, Example, read_examples
from training.floors import NO_FLOORS, Floors, read_floors
from training.gate import Verdict, judge, too_slow
from training.release import make_release, split


@pytest.fixture(scope="module")
def toy(taxonomy: Taxonomy) -> list[Example]:
    return read_examples([DATA / "toy.jsonl"], taxonomy)


def with_thresholds(release: Release, **thresholds: float) -> Release:
    return replace(release, policy=replace(release.policy, thresholds={**release.policy.thresholds, **thresholds}))


@pytest.fixture(scope="module")
def hungry(tiny_release: Release) -> Release:
    """The tiny release, to which everything is cooking and nothing cycling."""
    return with_thresholds(tiny_release, cuisine=0.0, velo=1.1)


def told(verdict: Verdict) -> list[tuple[str, str | None]]:
    return [(failure.check, failure.topic) for failure in verdict.failures]


def about(examples: Sequence[Example], topic: str) -> list[Example]:
    return [example for example in examples if topic in example.topics]


def fitted(examples: Sequence[Example], taxonomy: Taxonomy, models: Path) -> Release:
    name, _ = make_release(examples, taxonomy, GAZETTEER, models=models, utc="20250102T000000Z", digest="0" * 64)
    return load_release(models, name)


def test_a_release_is_no_worse_than_itself(tiny_release: Release, toy: list[Example]) -> None:
    verdict = judge(tiny_release, tiny_release, toy, [], NO_FLOORS, release_bytes=1)

    assert verdict.promoted
    assert () == verdict.flips
    assert ["cuisine", "velo"] == [difference.topic for difference in verdict.differences]
    assert all(d.before == d.after and (0, 0, 0) == (d.change.value, d.change.low, d.change.high) for d in verdict.differences)
    assert verdict.markdown().startswith("**Promoted**")
    assert "No test text is tagged otherwise." in verdict.markdown()


def test_a_loss_is_refused_with_its_topic_and_figures(tiny_release: Release, toy: list[Example]) -> None:
    """It was right about cycling every time; now it never is."""
    deaf = with_thresholds(tiny_release, velo=1.1)

    verdict = judge(deaf, tiny_release, toy, [], NO_FLOORS, release_bytes=1)

    assert [("loss", "velo")] == told(verdict)
    assert "velo: F1 0.000 against the champion's 1.000, a loss of 1.000 [1.000, 1.000]." == verdict.failures[0].sentence
    assert judge(tiny_release, deaf, toy, [], NO_FLOORS, release_bytes=1).promoted


def test_a_loss_within_chance_is_none(toy: list[Example]) -> None:
    """One text of fourteen: other texts of the same kind could as well have shown no loss."""
    gold = np.array(["velo" in example.topics for example in toy])
    missed = gold.copy()
    missed[np.flatnonzero(gold)[0]] = False

    (difference,) = differences(toy, {"velo": gold}, {"velo": missed})

    assert (1.0, 26 / 27) == (difference.before, difference.after)
    assert difference.change.low < difference.change.value < 0
    assert 0 == difference.change.high


def test_texts_that_are_tagged_otherwise_are_shown_with_the_words(
    tiny_release: Release, hungry: Release, toy: list[Example]
) -> None:
    verdict = judge(tiny_release, hungry, toy, [], NO_FLOORS, release_bytes=1)
    flips = {flip.id: flip for flip in verdict.flips}

    flip = flips[about(toy, "velo")[0].id]
    assert (("cuisine",), ("velo",), ("velo",), "better") == (flip.before, flip.after, flip.gold, flip.effect)
    assert ["velo"] == list(flip.evidence)
    assert flip.evidence["velo"]
    assert f"- **better** {flip.text} ({flip.id}): cuisine → velo, gold velo; `velo` for " in verdict.markdown()


def test_the_texts_that_are_worse_come_first(tiny_release: Release, hungry: Release, toy: list[Example]) -> None:
    verdict = judge(hungry, tiny_release, toy, [], NO_FLOORS, release_bytes=1)

    assert {"worse"} == {flip.effect for flip in verdict.flips}
    swapped = with_thresholds(hungry, cuisine=1.1, velo=0.0)
    both = judge(swapped, hungry, toy, [], NO_FLOORS, release_bytes=1)
    assert ["worse", "neither", "better"] == list(dict.fromkeys(flip.effect for flip in both.flips))


@pytest.mark.parametrize(
    ("change", "check", "sentence"),
    [
        ({"topics": {"velo": 0.5}}, ("f1", "velo"), "velo: F1 0.000 is below the floor of 0.500."),
        (
            {"topics": {"opera": 0.5}},
            ("f1", "opera"),
            "opera: the release does not know the topic, which has a floor of 0.500.",
        ),
        ({"macro_f1": 0.9}, ("macro_f1", None), "Macro-F1 0.233 is below the floor of 0.900."),
        (
            {"highest_false_tag_rate": 0.1},
            ("false_tags", None),
            "18 of 18 texts without topic get a tag, 100.0%; 10.0% may.",
        ),
        ({"highest_ece": 0.0}, ("ece", None), "The calibration error (ECE) is 0.0"),
        ({"largest_release_bytes": 999}, ("size", None), "The release takes 1,000 bytes; it may take 999."),
    ],
)
def test_what_is_not_reached_is_named(
    change: dict[str, object], check: tuple[str, str | None], sentence: str, hungry: Release, toy: list[Example]
) -> None:
    floors = replace(NO_FLOORS, **change)  # type: ignore[arg-type]

    verdict = judge(hungry, None, toy, [], floors, release_bytes=1000)

    assert [check] == told(verdict)
    assert verdict.failures[0].sentence.startswith(sentence)
    assert f"**Refused**:\n\n- {sentence}" in verdict.markdown()


def test_without_a_champion_there_is_nothing_to_compare(tiny_release: Release, toy: list[Example]) -> None:
    floors = Floors({"velo": 0.9}, 0.9, 0.1, 0.5, 1000, 0.000001)

    assert Verdict(()) == judge(tiny_release, None, toy, toy[:1], floors, release_bytes=1000)


def test_a_golden_text_must_get_exactly_its_topics(tiny_release: Release, hungry: Release, toy: list[Example]) -> None:
    golden = [about(toy, "velo")[0], about(toy, "cuisine")[0]]

    verdict = judge(hungry, None, toy, golden, NO_FLOORS, release_bytes=1)

    assert judge(tiny_release, None, toy, golden, NO_FLOORS, release_bytes=1).promoted
    assert [("golden", None)] == told(verdict)
    assert f"The golden text {golden[0].id} gets cuisine, not velo." == verdict.failures[0].sentence


def test_golden_topics_that_the_release_does_not_know_are_not_asked(tiny_release: Release, toy: list[Example]) -> None:
    wider = [replace(example, topics=example.topics | {"opera"}) for example in toy[:1]]

    assert judge(tiny_release, None, toy, wider, NO_FLOORS, release_bytes=1).promoted


def test_a_topic_that_only_the_challenger_knows_is_no_loss(
    tiny_release: Release, toy: list[Example], taxonomy: Taxonomy, tmp_path: Path
) -> None:
    new = Topic("ville", {"fr": "Ville"}, "")
    wider = Taxonomy("wider", (new, *taxonomy.topics))
    towns = {example.id for example in [example for example in toy if not example.topics][:12]}
    relabelled = [replace(e, topics=e.topics | {"ville"}) if e.id in towns else e for e in toy]
    challenger = fitted(relabelled, wider, tmp_path)

    verdict = judge(challenger, tiny_release, relabelled, [], NO_FLOORS, release_bytes=1)

    assert verdict.promoted
    assert ["cuisine", "velo"] == [difference.topic for difference in verdict.differences]
    gained = [flip for flip in verdict.flips if flip.id in towns]
    assert gained
    assert {"better"} == {flip.effect for flip in gained}


@pytest.mark.parametrize(("challenger", "refused"), [(1.9, False), (2.0, False), (2.2, True), (0.1, False)])
def test_too_slow_is_measured_against_the_champion(challenger: float, refused: bool) -> None:
    failures = list(too_slow(1.0, challenger, replace(NO_FLOORS, slowest_against_champion=2.0)))

    assert refused == bool(failures)
    assert not failures or "2.20 ms, 2.2 times the champion's 1.00 ms; it may take 2.0 times" in failures[0].sentence


def test_both_releases_are_timed(tiny_release: Release, hungry: Release, toy: list[Example]) -> None:
    assert all(median > 0 for median in milliseconds(tiny_release, hungry, toy[:3]))


def test_a_release_cannot_be_judged_on_nothing(tiny_release: Release) -> None:
    with pytest.raises(CorpusError, match="no held-out texts to judge"):
        judge(tiny_release, None, [], [], NO_FLOORS, release_bytes=1)


@pytest.fixture(scope="module")
def floors() -> Floors:
    """The committed floors, without the clock."""
    return replace(read_floors(ROOT / "training/floors.json"), slowest_against_champion=NO_FLOORS.slowest_against_champion)


@pytest.fixture(scope="module")
def corpus(shipped: Release) -> list[Example]:
    return read_examples(sorted((ROOT / "training/corpus").glob("*.jsonl")), shipped.taxonomy)


@pytest.fixture(scope="module")
def golden(shipped: Release) -> list[Example]:
    return read_examples([ROOT / "training/golden.jsonl"], shipped.taxonomy)


@pytest.mark.release
def test_the_shipped_release_reaches_the_floors(
    shipped: Release, corpus: list[Example], golden: list[Example], floors: Floors
) -> None:
    release_bytes = sum(path.stat().st_size for path in (ROOT / "models" / shipped.name).iterdir())
    _, test = split(corpus)

    verdict = judge(shipped, shipped, test, golden, floors, release_bytes=release_bytes)

    assert ((), ()) == (verdict.failures, verdict.flips)
    assert set(shipped.taxonomy.ids) == set(floors.topics)


@pytest.mark.release
def test_a_topic_learnt_from_shuffled_labels_is_refused_and_no_other(
    shipped: Release, corpus: list[Example], golden: list[Example], floors: Floors, tmp_path: Path
) -> None:
    train, test = split(corpus)
    labels = ["korea" in example.topics for example in train]
    random.Random(1).shuffle(labels)  # noqa: S311 - a draw that is the same in every run
    shuffled = [
        replace(example, topics=example.topics - {"korea"} | ({"korea"} if label else set()))
        for example, label in zip(train, labels, strict=True)
    ]
    name, _ = make_release(
        [*shuffled, *test], shipped.taxonomy, shipped.model.gazetteer, models=tmp_path, utc="20250102T000000Z", digest="0" * 64
    )

    verdict = judge(load_release(tmp_path, name), shipped, test, golden, floors, release_bytes=1)

    assert not verdict.promoted
    assert {("f1", "korea"), ("loss", "korea")} == {(check, topic) for check, topic in told(verdict) if topic}
    (loss,) = (failure for failure in verdict.failures if failure.check == "loss")
    (korea,) = (difference for difference in verdict.differences if difference.topic == "korea")
    assert korea.change.high < -0.8
    assert f"a loss of {-korea.change.value:.3f}" in loss.sentence
    golden_ids = [failure.sentence for failure in verdict.failures if failure.check == "golden"]
    assert all("korea" in sentence for sentence in golden_ids)

"""Training: reproducible, honest about its splits, clear about a corpus that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tagger.registry import Release
from tagger.taxonomy import Taxonomy
from tests.conftest import GAZETTEER
from training import calibrate
from training.__main__ import make_release
from training.corpus import CorpusError, read_examples, split_of
from training.evaluate import TopicResult, evaluate, report
from training.fit import topic_matrix

DATA = Path(__file__).parent / "data"


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_the_same_corpus_gives_the_same_release(taxonomy: Taxonomy, tiny_release: Release, tmp_path: Path) -> None:
    examples = read_examples([DATA / "toy.jsonl"], taxonomy)

    assert tiny_release.name == make_release(
        examples, taxonomy, GAZETTEER, models=tmp_path, utc="20250101T000000Z", digest="0" * 64
    )


def test_training_from_the_command_line(tmp_path: Path) -> None:
    """In another process, with another hash seed, the release is the same and `current` names it."""
    names = set()
    for seed in ("1", "2"):
        models = tmp_path / seed
        command = [sys.executable, "-m", "training", "run", "--corpus", str(DATA / "toy.jsonl")]
        command += ["--taxonomy", str(DATA / "toy-taxonomy.json"), "--models", str(models)]
        command += ["--gazetteer", str(DATA / "toy-gazetteer.tsv")]
        done = subprocess.run(command, env={"PYTHONHASHSEED": seed}, cwd=DATA.parent.parent, capture_output=True, check=True)
        names.add((models / "current").read_text())
        assert b"fold 5 of 5" in done.stderr
        assert b"| cuisine |" in done.stdout
    assert len(names) == 1


def test_it_learns(taxonomy: Taxonomy, tiny_release: Release) -> None:
    """What it was taught it knows: a model that cannot fit its own texts is broken."""
    train = [example for example in read_examples([DATA / "toy.jsonl"], taxonomy) if example.split == "train"]

    scores = tiny_release.model.scores([example.document for example in train])

    gold = topic_matrix(train, taxonomy).astype(bool)
    for column in range(2):
        assert scores[gold[:, column], column].mean() > 2 * scores[~gold[:, column], column].mean()


def test_a_split_depends_on_the_id_alone() -> None:
    splits = [split_of(f"text-{number}") for number in range(2000)]

    assert splits == [split_of(f"text-{number}") for number in range(2000)]
    assert 0.12 < splits.count("test") / len(splits) < 0.18


def test_thresholds_reach_the_target_precision_where_they_can(taxonomy: Taxonomy) -> None:
    scores = np.array([[0.9, 0.6], [0.8, 0.7], [0.7, 0.8], [0.6, 0.9]])
    gold = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.int8)

    thresholds = calibrate.policy(scores, gold, taxonomy).thresholds

    assert {"cuisine": 0.71, "velo": 0.71} == thresholds


def test_the_formula_of_calibration_is_the_one_that_serves(taxonomy: Taxonomy, tiny_release: Release) -> None:
    examples = read_examples([DATA / "toy.jsonl"], taxonomy)
    model = tiny_release.model
    values = np.array([model.decision_values(model.encode(example.document)) for example in examples])

    ours = calibrate.calibrated(values, calibrate.lengths(calibrate.prepared(examples, GAZETTEER)), model.calibration)

    np.testing.assert_allclose(ours, model.scores([example.document for example in examples]), rtol=0, atol=1e-12)


def test_results_count_what_they_say() -> None:
    result = TopicResult(right=6, wrong=2, missed=4)

    assert (0.75, 0.6) == (result.precision, result.recall)
    assert abs(result.f1 - 2 / 3) < 1e-12
    assert (1.0, 1.0, 1.0) == (TopicResult(0, 0, 0).precision, TopicResult(0, 0, 0).recall, TopicResult(0, 0, 0).f1)


def test_evaluation_counts_false_tags(taxonomy: Taxonomy, tiny_release: Release, tmp_path: Path) -> None:
    recipe = "Le chef épluche les légumes, beurre le plat et glisse la recette du gratin dans le four."
    gold = write(
        tmp_path / "gold.jsonl",
        {"id": 1, "topics": ["cuisine"], "text": recipe},
        {"id": 2, "topics": [], "kind": "snippet", "text": recipe},
        {"id": 3, "topics": [], "text": "Le pont de la gare rouvre après la fête du village."},
    )

    evaluation = evaluate(tiny_release, read_examples([gold], taxonomy))

    assert TopicResult(right=1, wrong=1, missed=0) == evaluation.topics["cuisine"]
    assert (2, 1) == (evaluation.without_topic, evaluation.falsely_tagged)
    assert "1 of 2 (50.0%)" in report(evaluation, tiny_release)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "no labelled texts"),
        ([{"id": 1, "topics": []}], "line 1: The document has no text"),
        ([{"id": 1, "topics": ["poesie"], "body": "a"}], "line 1: unknown topic poesie; the taxonomy has cuisine, velo"),
        ([{"id": 1, "topics": [], "body": "a"}, {"id": 1, "topics": [], "body": "b"}], "line 2: the id '1' stands twice"),
        ([[1]], "line 1: "),
    ],
)
def test_a_corpus_that_cannot_be_used(records: list[object], sentence: str, taxonomy: Taxonomy, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=sentence):
        read_examples([write(tmp_path / "bad.jsonl", *records)], taxonomy)


def test_too_few_texts_are_refused(taxonomy: Taxonomy, tmp_path: Path) -> None:
    few = [{"id": n, "topics": ["cuisine", "velo"][n % 2 : n % 2 + 1], "body": f"Le texte {n}"} for n in range(12)]
    examples = read_examples([write(tmp_path / "few.jsonl", *few)], taxonomy)

    with pytest.raises(CorpusError, match="Too few texts to learn cuisine, velo"):
        make_release(examples, taxonomy, GAZETTEER, models=tmp_path, utc="20250101T000000Z", digest="0" * 64)

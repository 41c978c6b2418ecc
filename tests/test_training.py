"""Training: reproducible, honest about its splits, clear about a corpus that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tagger.extract.page import read_page
from tagger.promotions import champion_name, load_champion
from tagger.registry import Release
from tagger.tags import tag_page
from tagger.taxonomy import Taxonomy
from tests.conftest import GAZETTEER
from training import calibrate
from training.corpus import CorpusError, read_examples, split_of
from training.fit import SMALL_CORPUS, prepared, topic_matrix
from training.release import make_release, split

DATA = Path(__file__).parent / "data"


def write(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_the_same_corpus_gives_the_same_release(taxonomy: Taxonomy, tiny_release: Release, tmp_path: Path) -> None:
    examples = read_examples([DATA / "toy.jsonl"], taxonomy)

    name, _ = make_release(examples, taxonomy, GAZETTEER, models=tmp_path, utc="20250101T000000Z", digest="0" * 64)

    assert tiny_release.name == name


def test_training_from_the_command_line(tmp_path: Path) -> None:
    """In another process, with another hash seed, the release is the same and is the champion."""
    names = set()
    for seed in ("1", "2"):
        models = tmp_path / seed
        command = [sys.executable, "-m", "training", "run", "--corpus", str(DATA / "toy.jsonl")]
        command += ["--taxonomy", str(DATA / "toy-taxonomy.json"), "--models", str(models)]
        command += ["--gazetteer", str(DATA / "toy-gazetteer.tsv")]
        done = subprocess.run(command, env={"PYTHONHASHSEED": seed}, cwd=DATA.parent.parent, capture_output=True, check=True)
        names.add(champion_name(models))
        assert b"fitting out of fold" in done.stderr
        assert b"| cuisine |" in done.stdout
    assert len(names) == 1


def test_it_learns(taxonomy: Taxonomy, tiny_release: Release) -> None:
    """What it was taught it knows: a model that cannot fit its own texts is broken."""
    train = read_examples([DATA / "toy.jsonl"], taxonomy)

    scores = tiny_release.model.scores([example.document for example in train])

    gold = topic_matrix(train, taxonomy).astype(bool)
    for column in range(2):
        assert scores[gold[:, column], column].mean() > 2 * scores[~gold[:, column], column].mean()


def test_a_split_depends_on_the_id_alone() -> None:
    splits = [split_of(f"text-{number}") for number in range(2000)]

    assert splits == [split_of(f"text-{number}") for number in range(2000)]
    assert 0.12 < splits.count("test") / len(splits) < 0.18


def test_thresholds_reach_the_target_precision_where_they_can(taxonomy: Taxonomy) -> None:
    scores = np.array([[0.9, 0.6], [0.8, 0.7], [0.7, 0.8], [0.6, 0.9], [0.1, 0.1]])
    gold = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], dtype=np.int8)

    policy = calibrate.policy(scores, gold, taxonomy)

    assert ({"cuisine": 0.71, "velo": 0.71}, False) == (policy.thresholds, policy.exclusive)


def test_thresholds_keep_texts_without_topic_untagged(taxonomy: Taxonomy) -> None:
    """A false tag among a hundred right ones passes the target precision; among ten texts without topic it is too many."""
    scores = np.array([[0.9, 0.1]] * 100 + [[0.8, 0.1]] + [[0.1, 0.1]] * 9)
    gold = np.array([[1, 0]] * 100 + [[0, 0]] * 10, dtype=np.int8)

    assert 0.81 == calibrate.policy(scores, gold, taxonomy).thresholds["cuisine"]


def test_the_formula_of_calibration_is_the_one_that_serves(taxonomy: Taxonomy, tiny_release: Release) -> None:
    examples = read_examples([DATA / "toy.jsonl"], taxonomy)
    model = tiny_release.model
    values = np.array([model.encode(example.document).decisions for example in examples])

    ours = calibrate.calibrated(values, calibrate.lengths(prepared(examples, GAZETTEER)), model.calibration)

    np.testing.assert_allclose(ours, model.scores([example.document for example in examples]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        ([], "no labelled texts"),
        ([{"id": 1, "topics": []}], "line 1: The document has no text"),
        ([{"id": 1, "topics": ["poesie"], "body": "a"}], "line 1: unknown topic poesie; the taxonomy has cuisine, velo"),
        ([{"id": 1, "topics": "cuisine", "body": "a"}], "line 1: topics must be a list of ids, not 'cuisine'"),
        ([{"id": 1, "body": "a"}], "line 1: it has no 'topics'"),
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


def test_a_topic_of_every_text_is_refused(taxonomy: Taxonomy, tmp_path: Path) -> None:
    full = [{"id": n, "topics": ["cuisine", "velo"][: 1 + n % 2], "body": f"Le texte {n}"} for n in range(24)]
    examples = read_examples([write(tmp_path / "full.jsonl", *full)], taxonomy)

    with pytest.raises(CorpusError, match="Nearly every text is about cuisine: add at least 10 texts about other things"):
        make_release(examples, taxonomy, GAZETTEER, models=tmp_path, utc="20250101T000000Z", digest="0" * 64)


def test_a_text_without_id_is_known_by_its_digest(taxonomy: Taxonomy, tmp_path: Path) -> None:
    records = [{"topics": [], "body": "Le pont rouvre"}, {"topics": [], "body": "Le marché ferme"}]

    examples = read_examples([write(tmp_path / "texts.jsonl", *records)], taxonomy)

    assert 2 == len({example.id for example in examples})
    assert [e.id for e in examples] == [e.id for e in read_examples([tmp_path / "texts.jsonl"], taxonomy)]


def test_a_small_corpus_is_used_whole(taxonomy: Taxonomy, tmp_path: Path) -> None:
    records = [{"topics": [], "body": f"Le texte {n}"} for n in range(SMALL_CORPUS)]
    examples = read_examples([write(tmp_path / "texts.jsonl", *records)], taxonomy)

    assert (SMALL_CORPUS - 1, 0) == tuple(map(len, split(examples[1:])))
    assert [True, True] == [len(part) > 0 for part in split(examples)]


def test_one_topic_a_text_makes_topics_that_exclude_each_other(tmp_path: Path) -> None:
    """Where the labels are rubrics, every text gets its best one, and none gets two."""
    rubrics = {"mer": "le bateau quitte le port et la mer", "bois": "la hache du bûcheron et la forêt de chênes"}
    records = [
        {"topics": [topic], "body": f"{words} numéro {'abcdefghijkl'[n]}{n}"}
        for topic, words in rubrics.items()
        for n in range(12)
    ]
    write(tmp_path / "texts.jsonl", *records)
    (tmp_path / "taxonomy.json").write_text('{"version": "1", "topics": [{"id": "mer"}, {"id": "bois"}]}')
    command = [sys.executable, "-m", "training", "run", "--corpus", str(tmp_path / "texts.jsonl")]
    command += ["--taxonomy", str(tmp_path / "taxonomy.json"), "--models", str(tmp_path / "models")]

    done = subprocess.run(command, cwd=DATA.parent.parent, capture_output=True, check=True, text=True)
    release = load_champion(tmp_path / "models")

    assert release.policy.exclusive
    assert "accuracy 1.000" in done.stdout
    for text, topic in (("Un bateau en forêt, la mer et le port", "mer"), ("La hache et le bateau en forêt de chênes", "bois")):
        (document,) = tag_page(read_page(text), release.model, release.taxonomy, release.policy)
        assert [topic] == [tag.topic.id for tag in document.tags]

"""Retraining: reviews are learnt from, a worse release is refused and says why, one at a time, nothing half-written."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tagger.promotions import champion_name, locked, read_log, release_names, standing
from tagger.registry import Release
from tagger.reviews.review import Review, document_id
from tagger.reviews.store import ReviewStore
from tagger.taxonomy import Taxonomy
from tagger.topics import add_topic, remove_topic
from tests.conftest import DATA, GAZETTEER, ROOT
from training.fit import SMALL_CORPUS
from training.retrain import Sources, Syllabus, gather, with_reviews

TOY = [json.loads(line) for line in (DATA / "toy.jsonl").read_text(encoding="utf-8").splitlines()]
WORDS = "hier demain lundi mardi ici enfin surtout jamais souvent parfois".split()


def write_corpus(path: Path, *, shuffled: str | None = None) -> Path:
    """Write the toy texts many times over, each a little longer, so that some are held out.

    shuffled: a topic that is given at random.
    """
    chance = random.Random(1)  # noqa: S311 - chance, not secrets
    records = []
    for turn in range(SMALL_CORPUS // len(TOY) + 2):
        for record in TOY:
            more = " ".join(chance.choices(WORDS, k=4))
            records.append({**record, "id": f"{record['id']}-{turn}", "body": f"{record.get('body', '')} {more} {turn}"})
    if shuffled:
        labels = [shuffled in record["topics"] for record in records]
        chance.shuffle(labels)
        for record, label in zip(records, labels, strict=True):
            record["topics"] = [t for t in record["topics"] if t != shuffled] + [shuffled] * label
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def run(models: Path, corpus: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "training", "run", "--corpus", str(corpus), "--models", str(models)]
    command += ["--taxonomy", str(DATA / "toy-taxonomy.json"), "--gazetteer", str(DATA / "toy-gazetteer.tsv"), *more]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose champion was trained on texts of which some are held out."""
    folder = tmp_path_factory.mktemp("trained")
    done = run(folder / "models", write_corpus(folder / "good.jsonl"))
    assert done.returncode == 0, done.stderr
    return folder


def test_the_first_release_is_promoted(trained: Path) -> None:
    (event,) = read_log(trained / "models")

    assert ("promoted", None, "trained") == (event.kind, event.previous, event.why)


def test_a_release_with_one_topic_shuffled_is_refused_by_name_and_figure(trained: Path) -> None:
    """The exit status tells refused from failed; the champion stays, the refused one is there to look at."""
    before = champion_name(trained / "models")

    done = run(trained / "models", write_corpus(trained / "bad.jsonl", shuffled="velo"), "--why", "nightly")

    assert 3 == done.returncode, done.stderr
    assert "**Refused**" in done.stdout
    assert "velo: F1 0." in done.stdout
    assert "a loss of " in done.stdout
    assert "test texts are tagged otherwise" in done.stdout
    now = standing(trained / "models")
    assert before == now.champion
    assert "velo: F1 " in read_log(trained / "models")[-1].why
    assert now.challenger in release_names(trained / "models")


def test_the_same_texts_again_change_nothing(trained: Path) -> None:
    log = len(read_log(trained / "models"))

    done = run(trained / "models", trained / "good.jsonl")

    assert 0 == done.returncode, done.stderr
    assert "No test text is tagged otherwise" in done.stdout
    assert log == len(read_log(trained / "models"))


def test_a_dry_run_judges_and_leaves_nothing(trained: Path) -> None:
    before = sorted(path.name for path in (trained / "models").iterdir())

    done = run(trained / "models", write_corpus(trained / "bad2.jsonl", shuffled="cuisine"), "--dry-run")

    assert 3 == done.returncode
    assert "cuisine: F1" in done.stdout
    assert before == sorted(path.name for path in (trained / "models").iterdir())


def test_one_training_at_a_time(trained: Path) -> None:
    with locked(trained / "models", ".training"):
        done = run(trained / "models", trained / "good.jsonl")

    assert 4 == done.returncode
    assert f"is held by process {os.getpid()}" in done.stderr


def test_a_corpus_that_cannot_be_used_fails_and_is_not_called_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n", encoding="utf-8")

    done = run(trained / "models", tmp_path / "bad.jsonl")

    assert 1 == done.returncode
    assert "line 1: it has no 'topics'" in done.stderr


@pytest.mark.parametrize("line", ["reading texts", "fitting out of fold"])
def test_a_terminated_training_leaves_nothing_half_written(line: str, trained: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-u",
        "-m",
        "training",
        "run",
        "--corpus",
        str(trained / "good.jsonl"),
        "--models",
        str(tmp_path),
    ]
    command += ["--taxonomy", str(DATA / "toy-taxonomy.json")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        while line not in process.stderr.readline().decode():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.wait()

    assert 128 + signal.SIGTERM == process.returncode
    assert [] == release_names(tmp_path)
    assert [] == list(tmp_path.glob(".new-*"))
    with locked(tmp_path, ".training", wait=False):
        pass


def test_a_full_disk_fails_the_training_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """No file may grow beyond 5 kB, as on a disk that is full: the operating system refuses the next byte."""
    command = [sys.executable, "-m", "training", "run", "--corpus", str(DATA / "toy.jsonl"), "--models", str(tmp_path)]
    command += ["--taxonomy", str(DATA / "toy-taxonomy.json"), "--gazetteer", str(DATA / "toy-gazetteer.tsv")]
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)); "
    limit += "import runpy; sys.argv = sys.argv[1:]; runpy.run_module('training', run_name='__main__')"

    done = subprocess.run([sys.executable, "-c", limit, *command[2:]], cwd=ROOT, capture_output=True, check=False, text=True)

    assert 1 == done.returncode
    assert "File too large" in done.stderr
    assert [] == release_names(tmp_path)
    assert [] == list(tmp_path.glob(".new-*"))


@pytest.fixture
def newsroom_store(tmp_path: Path) -> ReviewStore:
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    store.migrate()
    return store


def review(key: str, body: str, *, release: str, **verdicts: Sequence[str]) -> Review:
    accepted, rejected, added = (tuple(verdicts.get(name, ())) for name in ("accepted", "rejected", "added"))
    return Review(key, {"body": body}, release, accepted, rejected, added, f"editor {key}", f"2026-01-0{len(key)}T00:00:00Z")


def test_reviews_are_learnt_from_with_the_latest_word(
    newsroom_store: ReviewStore, taxonomy: Taxonomy, tiny_release: Release
) -> None:
    name = tiny_release.name
    newsroom_store.add(review("a", "Le col du Galibier", release=name, accepted=["velo"], added=["cuisine"]))
    newsroom_store.add(review("bb", "Le col du Galibier", release=name, rejected=["cuisine"]))
    newsroom_store.add(review("ccc", "La soupe au four", release=name, rejected=["velo"], added=["danse"]))
    corpus = gather([DATA / "toy.jsonl"], Syllabus(taxonomy, GAZETTEER))

    sources = with_reviews(corpus, newsroom_store, taxonomy, since=None)

    learnt = {example.record["body"]: example.topics for example in sources.examples[len(corpus.examples) :]}
    assert {"Le col du Galibier": frozenset({"velo"}), "La soupe au four": frozenset()} == learnt
    (conflict,) = sources.conflicts
    assert ("cuisine", "editor a", "editor bb") == (conflict.topic, conflict.earlier.reviewer, conflict.later.reviewer)
    assert corpus.digest != sources.digest
    assert 1 == with_reviews(corpus, newsroom_store, taxonomy, since="2026-01-03T00:00:00Z").reviewed


def test_without_reviews_the_corpus_is_what_it_was(newsroom_store: ReviewStore, taxonomy: Taxonomy) -> None:
    corpus = gather([DATA / "toy.jsonl"], Syllabus(taxonomy, GAZETTEER))

    assert Sources(corpus.examples, corpus.digest) == with_reviews(corpus, newsroom_store, taxonomy, since=None)


def test_what_was_drawn_at_random_is_kept_for_the_test(
    newsroom_store: ReviewStore, taxonomy: Taxonomy, tiny_release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the only unbiased sample of the stream: learning from it would spoil it as a measure."""
    stored = review("a", "Le col", release=tiny_release.name, accepted=["velo"])
    newsroom_store.add(stored)
    whole = newsroom_store.reviews
    monkeypatch.setattr(
        newsroom_store, "reviews", lambda **asked: [replace(found, sample="random") for found in whole(**asked)]
    )

    (example,) = with_reviews(Sources([], ""), newsroom_store, taxonomy, since=None).examples

    assert ("test", document_id(stored.document)) == (example.split, example.id)


def test_topics_of_a_newsroom_are_trained_and_removed_ones_passed_over(
    trained: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    """`danse` is learnt from reviews, `velo` goes though texts are labelled with it; nothing says so but the ledger."""
    store = ReviewStore(f"sqlite:///{tmp_path / 'reviews.db'}")
    store.migrate()
    name = champion_name(trained / "models")
    for n in range(14):
        body = f"La ballerine répète le ballet de Giselle à l'opéra, tableau {WORDS[n % 10]} {n}"
        store.add(review(f"d{n}", body, release=name, added=["danse"]))
    add_topic(tmp_path, taxonomy, "danse", "Danse")
    remove_topic(tmp_path, taxonomy, "velo")

    done = run(tmp_path, trained / "good.jsonl", "--reviews", f"sqlite:///{tmp_path / 'reviews.db'}")

    assert 0 == done.returncode, done.stderr
    assert "14 reviewed documents to learn from" in done.stderr
    assert "| danse |" in done.stdout
    assert "| velo |" not in done.stdout

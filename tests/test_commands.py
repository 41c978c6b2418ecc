"""The verbs of ops and of a newsroom's topics, from the command line."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tagger.cli import main
from tagger.promotions import champion_name, promote
from tagger.registry import Release, save_release
from tagger.reviews.review import Answer
from tagger.reviews.store import ReviewStore
from tagger.settings import default_url
from tagger.topics import read_changes
from tests.conftest import ROOT

CYCLING = Path(__file__).parent / "data/cyclisme.jsonl"


@pytest.fixture
def other(models: Path, tiny_release: Release) -> str:
    """A second release, not promoted."""
    return save_release(
        models,
        tiny_release.model,
        tiny_release.policy,
        tiny_release.taxonomy,
        golden=[{"id": "g", "body": "Le four du chef"}],
        facts={"corpus": {"sha256": "1" * 64, "train": 30, "test": 4}, "metrics": {"macro_f1": 0.5, "false_tag_rate": 0.25}},
        other_files={},
        utc="20250102T000000Z",
    )


def tagger(models: Path, *arguments: str) -> Result:
    return CliRunner(env={"TAGGER_REVIEWS": ""}).invoke(main, ["--models", str(models), *arguments])


def test_releases_are_listed_with_role_and_scores(models: Path, other: str) -> None:
    first = champion_name(models)

    listed = tagger(models, "releases", "--log").output.splitlines()

    assert [first, "champion"] == listed[1].split()[:2]
    assert [other, "34", "0.500", "25.0%"] == listed[2].split()[:4]
    assert "promoted" in listed[3]
    record = json.loads(tagger(models, "releases", "--json").output)
    assert [first, other] == [row["release"] for row in record["releases"]]


def test_promote_then_roll_back(models: Path, other: str) -> None:
    first = champion_name(models)

    assert f"{other} is the champion." in tagger(models, "promote", other, "--why", "better").output
    assert "already" in tagger(models, "promote", other, "--why", "again").output
    assert f"{first} is the champion." in tagger(models, "rollback", "--why", "worse").output
    assert first == champion_name(models)


def test_what_cannot_be_done_is_said_in_a_sentence(models: Path, other: str) -> None:
    (models / other / "weights.npy").write_bytes(b"")

    for arguments, sentence in (
        (("promote", other, "--why", "x"), "weights.npy is not the file"),
        (("promote", "latest", "--why", "x"), "there is no 'latest'"),
        (("rollback", "--why", "x"), "nothing to go back to"),
        (("verify",), "weights.npy is not the file"),
        (("topics", "rename", "danse", "--label", "Danse"), "There is no topic danse"),
    ):
        done = tagger(models, *arguments)
        assert (1, True) == (done.exit_code, sentence in done.output), done.output


def test_verify_and_prune(models: Path, other: str) -> None:
    first = champion_name(models)

    assert 0 == tagger(models, "verify").exit_code
    assert f"{other} removed." in tagger(models, "prune", "--keep", "0").output
    assert "Nothing to remove." in tagger(models, "prune", "--keep", "0").output
    assert first == champion_name(models)


def test_a_topic_is_added_with_examples_that_are_kept_as_reviews(models: Path) -> None:
    done = tagger(models, "topics", "add", "cyclisme", "--label", "Cyclisme", "--examples", str(CYCLING), "--no-train")

    assert "cyclisme is added with 42 examples." in done.output
    stored = ReviewStore(default_url(models)).reviews(limit=100)
    assert {("cyclisme",)} == {found.review.added for found in stored}
    assert 42 == len(stored)
    assert "cyclisme             Cyclisme: added, from the next training on" in tagger(models, "topics").output


def test_too_few_examples_add_nothing(models: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.txt"
    few.write_text("Le peloton\n" * 30, encoding="utf-8")

    done = tagger(models, "topics", "add", "cyclisme", "--label", "Cyclisme", "--examples", str(few), "--no-train")

    assert 1 == done.exit_code
    assert "holds 1 different texts: a topic needs 12" in done.output
    assert [] == read_changes(models)


def test_topics_are_renamed_and_removed_from_the_next_training_on(models: Path) -> None:
    assert "from the next training on" in tagger(models, "topics", "rename", "velo", "--label", "Vélo", "--no-train").output
    assert "from the next training on" in tagger(models, "topics", "remove", "cuisine", "--no-train").output

    assert ["renamed", "removed"] == [change.kind for change in read_changes(models)]
    assert "cuisine              cuisine: removed, from the next training on" in tagger(models, "topics").output


def test_drift_is_silent_before_there_is_enough_to_tell(models: Path, other: str, tiny_release: Release) -> None:
    """And a release without a reference says so instead of guessing."""
    store = ReviewStore(default_url(models))
    store.migrate()
    store.add_answers([Answer({"body": "Le col"}, tiny_release.name, {"cuisine": 0.1, "velo": 0.2}, (), "no_topic", 0.5)])

    done = tagger(models, "drift")

    assert 1 == done.exit_code
    assert "reference" in done.output
    promote(models, other, why="x")


def test_drift_of_a_stream_is_a_table_and_a_plot(shipped: Release, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "models" / shipped.name, tmp_path / shipped.name)
    shutil.copy(ROOT / "models/promotions.jsonl", tmp_path)
    store = ReviewStore(default_url(tmp_path))
    store.migrate()
    scores = dict.fromkeys(shipped.taxonomy.ids, 0.001)

    def answers(count: int, topic: str | None) -> list[Answer]:
        said = scores | ({topic: 0.999} if topic else {})
        return [
            Answer(
                {"body": f"Texte {topic} {n}"},
                shipped.name,
                said,
                (topic,) if topic else (),
                None if topic else "no_topic",
                0.1,
            )
            for n in range(count)
        ]

    store.add_answers(answers(100, None))
    early = tagger(tmp_path, "drift")
    store.add_answers([*answers(150, None)[100:], *answers(100, "korea")])
    late = tagger(tmp_path, "drift")

    assert (0, True) == (early.exit_code, "200 are needed" in early.output)
    assert 3 == late.exit_code
    (line,) = (line for line in late.output.splitlines() if line.startswith("tag rate") and " korea " in line)
    assert "40.0%" in line
    assert line.endswith("changed")

"""Floors: read as they were written, refused where they cannot be meant, and never lowered by accident."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tagger.taxonomy import read_taxonomy
from tests.conftest import ROOT
from training.evaluate import Interval, Result, TopicResult
from training.floors import NO_FLOORS, Floors, FloorsError, reached, read_floors, write_floors

SHIPPED = ROOT / "training/floors.json"


@pytest.fixture
def floors() -> Floors:
    topics = {"ukraine-war": 0.78, "korea": 0.84, "moldova-elections": 0.79, "french-defence": 0.82}
    return Floors(topics, 0.84, 0.06, 0.02, 4_000_000, 2.0)


@pytest.fixture
def path(floors: Floors, tmp_path: Path) -> Path:
    write_floors(tmp_path / "floors.json", floors, lower=False)
    return tmp_path / "floors.json"


def test_floors_are_read_as_they_were_written(floors: Floors, path: Path) -> None:
    assert floors == read_floors(path)


def test_the_shipped_floors_are_read() -> None:
    assert set(read_taxonomy((SHIPPED.parent / "taxonomy.json").read_text(encoding="utf-8")).ids) == set(
        read_floors(SHIPPED).topics
    )


def test_floors_are_set_to_the_worse_ends_of_what_was_measured(floors: Floors) -> None:
    certain = Interval(0.9, 0.876, 0.95)
    topic = TopicResult(40, certain, certain, certain)
    result = Result(100, {"korea": topic}, Interval(0.9, 0.891, 0.92), 50, 1, Interval(0.02, 0.0, 0.043), None)

    assert replace(floors, topics={"korea": 0.87}, macro_f1=0.89, highest_false_tag_rate=0.05) == reached(result, floors)


def test_no_floors_can_be_written_too(tmp_path: Path) -> None:
    write_floors(tmp_path / "floors.json", NO_FLOORS, lower=False)

    assert NO_FLOORS == read_floors(tmp_path / "floors.json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"macro_f1": 1.5}, "macro_f1: Input should be less than or equal to 1"),
        ({"topics": {"korea": "high"}}, "topics.korea: Input should be a valid number"),
        ({"macro_fl": 0.5}, "macro_fl: Unexpected keyword argument"),
        ({"largest_release_bytes": 0}, "largest_release_bytes: Input should be greater than 0"),
    ],
)
def test_floors_that_cannot_be_meant(change: dict[str, object], sentence: str, floors: Floors, tmp_path: Path) -> None:
    (tmp_path / "floors.json").write_text(json.dumps(asdict(floors) | change), encoding="utf-8")

    with pytest.raises(FloorsError, match=rf"floors\.json cannot be used: {sentence}"):
        read_floors(tmp_path / "floors.json")


@pytest.mark.parametrize(("content", "sentence"), [("{}", "topics: Field required"), ("", "the file: Invalid JSON")])
def test_a_file_without_floors(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "floors.json").write_text(content, encoding="utf-8")

    with pytest.raises(FloorsError, match=sentence):
        read_floors(tmp_path / "floors.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FloorsError, match="cannot be read: No such file"):
        read_floors(tmp_path / "floors.json")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"topics": {"ukraine-war": 0.9, "korea": 0.5, "moldova-elections": 0.9, "french-defence": 0.9}},
            "korea from 0.84 to 0.5",
        ),
        ({"topics": {"ukraine-war": 0.9, "korea": 0.9, "moldova-elections": 0.9}}, "french-defence from 0.82 to none"),
        ({"macro_f1": 0.83}, "macro_f1 from 0.84 to 0.83"),
        ({"highest_false_tag_rate": 0.07}, "highest_false_tag_rate from 0.06 to 0.07"),
        ({"highest_ece": 0.5}, "highest_ece from 0.02 to 0.5"),
        ({"largest_release_bytes": 4_000_001}, "largest_release_bytes from 4000000 to 4000001"),
        ({"slowest_against_champion": 3.0}, "slowest_against_champion from 2.0 to 3.0"),
    ],
)
def test_no_floor_is_lowered_by_accident(change: dict[str, object], sentence: str, floors: Floors, path: Path) -> None:
    lower = replace(floors, **change)  # type: ignore[arg-type]

    with pytest.raises(FloorsError, match=rf"would be lowered: {sentence}\."):
        write_floors(path, lower, lower=False)
    assert floors == read_floors(path)

    write_floors(path, lower, lower=True)
    assert lower == read_floors(path)


def test_floors_may_always_be_raised(floors: Floors, path: Path) -> None:
    higher = replace(floors, topics={**floors.topics, "korea": 0.9, "climate": 0.5}, highest_ece=0.01)

    write_floors(path, higher, lower=False)

    assert higher == read_floors(path)

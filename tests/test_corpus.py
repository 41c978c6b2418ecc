"""The corpus checks find what they look for, and the shipped corpus passes them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tagger.promotions import load_champion
from tagger.taxonomy import Taxonomy, read_taxonomy
from tests.conftest import ROOT
from training.check import problems, statistics_of
from training.corpus import Example, corpus_digest, read_examples, split_of

PATHS = sorted((ROOT / "training/corpus").glob("*.jsonl"))
OURS = read_taxonomy((ROOT / "training/taxonomy.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return read_examples(PATHS, OURS)


def test_there_is_enough_of_every_topic_and_of_none(examples: list[Example]) -> None:
    counts = Counter(topic for example in examples for topic in example.topics)

    assert len(examples) >= 2000
    assert min(counts[topic] for topic in OURS.ids) >= 200
    assert sum(not example.topics for example in examples) >= 0.4 * len(examples)
    assert min(sum(topic in e.topics for e in examples if e.split == "test") for topic in OURS.ids) >= 25


def test_the_shipped_corpus_has_no_problems() -> None:
    assert [] == problems(PATHS, OURS)


def test_its_readme_says_what_it_holds(examples: list[Example]) -> None:
    """The tables are those that `python -m training check` prints."""
    assert statistics_of(examples, OURS) in (ROOT / "training/corpus/README.md").read_text(encoding="utf-8")


def test_the_shipped_release_was_made_from_the_shipped_corpus() -> None:
    manifest = load_champion(ROOT / "models").manifest

    assert corpus_digest(PATHS) == manifest["corpus"]["sha256"]


def corpus(path: Path, bodies: dict[str, str]) -> list[Path]:
    lines = [json.dumps({"id": name, "topics": [], "body": body}) for name, body in bodies.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return [path]


def test_a_copy_is_found_and_called_a_leak_across_the_splits(taxonomy: Taxonomy, tmp_path: Path) -> None:
    said = "la mairie a décidé de fermer le pont pendant trois semaines pour refaire les trottoirs et la chaussée"
    names = [f"texte-{n}" for n in range(40)]
    train = next(name for name in names if split_of(name) == "train")
    test = next(name for name in names if split_of(name) == "test")

    (found,) = problems(
        corpus(tmp_path / "c.jsonl", {train: f"Lundi, {said}.", test: f"Selon nos confrères, {said} !"}), taxonomy
    )

    assert f"{train} and {test} share 'la mairie" in found
    assert "both sides of the split" in found


def test_a_stock_phrase_in_long_texts_is_no_copy(taxonomy: Taxonomy, tmp_path: Path) -> None:
    phrase = "le secrétaire général des Nations unies Antonio Guterres"
    one = (
        f"À New York, {phrase} a parlé du climat devant une assemblée clairsemée, puis il est reparti sans répondre aux "
        "journalistes. Les délégués des îles, venus demander un calendrier, ont quitté la salle avant la fin, et la séance a "
        "repris sans eux une heure plus tard, sous la présidence d'un diplomate finlandais."
    )
    other = (
        f"Dans un rapport remis hier soir, {phrase} chiffre les besoins en blé du prochain hiver et demande aux donateurs "
        "d'ouvrir leurs bourses avant la saison des pluies, faute de quoi trois provinces manqueront de pain. Les camions "
        "attendent à la frontière depuis dix jours, moteurs éteints, et les chauffeurs dorment sous les bâches."
    )

    assert [] == problems(corpus(tmp_path / "c.jsonl", {"a": one, "b": other}), taxonomy)


def test_a_template_filled_with_names_is_found(taxonomy: Taxonomy, tmp_path: Path) -> None:
    towns = [f"{first}{second}" for first in "BCDFGLMNPR" for second in ("ayeux", "oulogne", "ernay", "uret")]
    filled = {
        town: f"{town} : le conseil de {town} vote {n} euros pour rénover la piscine, annonce le maire {town}"
        for n, town in enumerate(towns)
    }

    found = problems(corpus(tmp_path / "c.jsonl", filled), taxonomy)

    assert any("c.jsonl looks like a template filled with names" in sentence for sentence in found)

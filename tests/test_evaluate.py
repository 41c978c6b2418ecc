"""Evaluation: counts, intervals, calibration and baselines that say what they mean, and a page that shows them."""

import json
from pathlib import Path

import numpy as np
import pytest

from tagger.documents import Document, Passage
from tagger.registry import Release
from tagger.taxonomy import Taxonomy
from tests.conftest import DATA, GAZETTEER
from training.ablate import VARIANTS, ablate, table
from training.baselines import InvalidKeywordsError, by_default_classifier, by_keywords, read_keywords
from training.corpus import Example, read_examples
from training.evaluate import Answers, ask, calibration_error, form, measure, reliability
from training.report import evaluated, mistakes

RECIPE = "Le chef épluche les légumes, beurre le plat et glisse la recette du gratin dans le four."
TOWN = "Le pont de la gare rouvre après la fête du village."


@pytest.fixture
def gold(taxonomy: Taxonomy, tmp_path: Path) -> list[Example]:
    """A right tag, a false one, a missed one, and a text rightly left alone."""
    records = [
        {"id": 1, "topics": ["cuisine"], "text": RECIPE},
        {"id": 2, "topics": [], "kind": "snippet", "text": RECIPE, "note": "borderline: <a joke> | *really*"},
        {"id": 3, "topics": ["velo"], "text": TOWN},
        {"id": 4, "topics": [], "title": TOWN, "sure": True},
    ]
    path = tmp_path / "gold.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return read_examples([path], taxonomy)


def test_results_count_what_they_say(tiny_release: Release, gold: list[Example]) -> None:
    result = measure(gold, ask(tiny_release, gold), tiny_release)

    cuisine, velo = result.topics["cuisine"], result.topics["velo"]
    assert (0.5, 1.0, 2 / 3) == (cuisine.precision.value, cuisine.recall.value, cuisine.f1.value)
    assert (1.0, 0.0, 0.0) == (velo.precision.value, velo.recall.value, velo.f1.value)
    assert abs(result.macro_f1.value - 1 / 3) < 1e-12
    assert (2, 1, 0.5) == (result.without_topic, result.falsely_tagged, result.false_tag_rate.value)
    assert result.accuracy is None


def test_an_interval_holds_its_value_and_narrows_with_more_texts(tiny_release: Release, gold: list[Example]) -> None:
    few = measure(gold, ask(tiny_release, gold), tiny_release).false_tag_rate
    many = measure(gold * 50, ask(tiny_release, gold * 50), tiny_release).false_tag_rate

    assert few.low <= few.value <= few.high
    assert many.high - many.low < (few.high - few.low) / 3
    assert many == measure(gold * 50, ask(tiny_release, gold * 50), tiny_release).false_tag_rate


def test_scores_that_mean_what_they_say_have_no_calibration_error() -> None:
    scores = np.array([0.25] * 4 + [0.75] * 4)
    right = np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool)

    assert 0.0 == calibration_error(reliability(scores, right))
    assert 0.5 == calibration_error(reliability(scores, ~right))


@pytest.mark.parametrize(
    ("body", "expected"), [("", "headline"), ("Un mot de plus", "snippet"), ("mot " * 130, "article")], ids=lambda v: v[:8]
)
def test_the_form_is_what_there_is_to_read(body: str, expected: str) -> None:
    document = Document("article", title=(Passage("Un titre", 0),), body=(Passage(body, 0),) if body else ())

    assert expected == form(document)


def test_keywords_count_in_the_title_or_twice(taxonomy: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "keywords.tsv").write_text("# notes\ncuisine\tgratin*\nvelo\tTour de France\n", encoding="utf-8")
    texts = [
        {"id": 1, "topics": [], "title": "Gratins d'hiver"},
        {"id": 2, "topics": [], "body": "Un gratin."},
        {"id": 3, "topics": [], "body": "Le Tour de France : l'histoire du tour de France."},
        {"id": 4, "topics": [], "body": "Migratin, migratin, migratin."},
    ]
    path = tmp_path / "texts.jsonl"
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), encoding="utf-8")

    answers = by_keywords(read_examples([path], taxonomy), taxonomy, read_keywords(tmp_path / "keywords.tsv"))

    assert [[True, False], [False, False], [False, True], [False, False]] == answers.tags.tolist()


def test_a_keyword_list_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keywords.tsv").write_text("cuisine gratin\n", encoding="utf-8")

    with pytest.raises(InvalidKeywordsError, match="line 1 is not `topic<TAB>expression`"):
        read_keywords(tmp_path / "keywords.tsv")


def test_the_report_compares_explains_and_draws(tiny_release: Release, taxonomy: Taxonomy, gold: list[Example]) -> None:
    train = read_examples([DATA / "toy.jsonl"], taxonomy)

    report = evaluated(tiny_release, gold, [by_default_classifier(train, gold, taxonomy)])
    page = report.html("Gratin & co")

    assert "| all 4 | this release | 0.333" in report.markdown
    assert "| all 4 | scikit-learn defaults |" in report.markdown
    assert "| 3 not borderline | this release |" in report.markdown
    assert "| 1 sure | this release |" in report.markdown
    assert "1 of 2 = 50.0%" in report.markdown
    assert "| headline | 1 |" in report.markdown
    assert "<title>Gratin &amp; co</title>" in page
    assert 2 == page.count("<svg")
    assert report.pictures == evaluated(tiny_release, gold, [by_default_classifier(train, gold, taxonomy)]).pictures


def test_the_worst_mistakes_come_first_with_their_words(tiny_release: Release, gold: list[Example]) -> None:
    found = mistakes(tiny_release, gold, ask(tiny_release, gold))

    assert {("wrong", "cuisine", "2"), ("missed", "velo", "3")} == {(m.kind, m.topic, m.id) for m in found}
    (wrong,) = (mistake for mistake in found if mistake.kind == "wrong")
    assert "recette" in wrong.told


def test_a_text_cannot_write_into_the_page(tiny_release: Release, taxonomy: Taxonomy, tmp_path: Path) -> None:
    record = {"id": "<b>x</b>", "topics": ["velo"], "title": "<script>alert(1)</script> | **gras** du village de la gare"}
    (tmp_path / "gold.jsonl").write_text(json.dumps(record), encoding="utf-8")

    page = evaluated(tiny_release, read_examples([tmp_path / "gold.jsonl"], taxonomy), []).html("x")

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | **gras**" in page


def test_an_ablation_measures_the_shipped_choice_and_what_others_would_change(taxonomy: Taxonomy) -> None:
    train = read_examples([DATA / "toy.jsonl"], taxonomy)
    chosen = [v for v in VARIANTS if v.name in {"as shipped", "pairs of words too", "linear SVM", "stems cut at 5 letters"}]

    rows = [ablate(variant, train, train, taxonomy, GAZETTEER) for variant in chosen]
    lines = table(rows).splitlines()

    assert 4 == len(rows) == len(lines) - 2
    assert all(0 <= figure <= 1 for row in rows for figure in (*row.out_of_fold, *(row.gold or ())))
    assert rows[0].gold is not None
    assert rows[0].gold[0] > rows[0].out_of_fold[0]  # texts it has learnt from are easier


def test_answers_of_the_release_are_its_tags(tiny_release: Release, gold: list[Example]) -> None:
    answers = ask(tiny_release, gold)

    assert isinstance(answers, Answers)
    thresholds = [tiny_release.policy.thresholds[topic] for topic in tiny_release.taxonomy.ids]
    np.testing.assert_array_equal(answers.tags, answers.scores >= thresholds)

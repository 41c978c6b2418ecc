"""Scores: what serving computes is what scikit-learn computes, whatever the text."""

from pathlib import Path

import joblib
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tagger.documents import Document, Passage
from tagger.extract.parts import read_parts
from tagger.features import as_training_text, term_counts
from tagger.registry import Release
from tests.conftest import GAZETTEER

WORDS = st.lists(
    st.sampled_from(
        [
            "four",
            "peloton",
            "crème",
            "col",
            "vélos",
            "recette",
            "étape",
            "le",
            "Alpe d'Huez",
            "budget",
            "l'oignon",
            "2024",
            "\n",
            ".",
        ]
    ),
    max_size=40,
).map(" ".join)


def document(title: str = "", body: str = "") -> Document:
    return Document("article", title=(Passage(title, 0),), body=(Passage(body, 0),))


@given(title=WORDS, body=st.one_of(WORDS, st.text(max_size=60)))
def test_decision_values_equal_the_pipeline_of_the_release(
    title: str, body: str, tiny_models: Path, tiny_release: Release
) -> None:
    """The arrays that the service reads and the pipeline kept for audit agree to 1e-9."""
    pipeline = joblib.load(tiny_models / tiny_release.name / "pipeline.joblib")
    read = document(title, body)

    ours = tiny_release.model.encode(read).decisions

    np.testing.assert_allclose(
        ours, pipeline.decision_function([as_training_text(term_counts(read, GAZETTEER))])[0], rtol=0, atol=1e-9
    )


@given(bodies=st.lists(WORDS, max_size=5))
def test_scores_lie_between_0_and_1_whatever_the_order(bodies: list[str], tiny_release: Release) -> None:
    documents = [document(body=body) for body in bodies]

    scores = tiny_release.model.scores(documents)

    assert (len(bodies), 2) == scores.shape
    assert ((scores >= 0) & (scores <= 1)).all()
    np.testing.assert_array_equal(scores[::-1], tiny_release.model.scores(documents[::-1]))


def test_contributions_add_up_to_the_decision_value(tiny_release: Release) -> None:
    model = tiny_release.model
    encoded = model.encode(document("Le gratin du chef", "Le four et le peloton"))

    for column in range(2):
        total = sum(model.contributions(encoded, column).values()) + model.intercepts[column]
        assert abs(total - encoded.decisions[column]) < 1e-9


def test_words_of_the_title_count_double() -> None:
    page = read_parts({"title": "Le gratin", "body": "Un gratin de courges"})

    counts = term_counts(page.documents[0], GAZETTEER)

    assert (counts["gratin"], counts["courge"]) == (3, 1)

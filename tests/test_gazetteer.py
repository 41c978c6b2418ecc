"""Names as concepts: whatever their spelling, the longest first, and nothing else."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.gazetteer import Gazetteer, InvalidGazetteerError, read_gazetteer
from tagger.text import terms

NAMES = "# notes\n\nua:place\tKiev\nkp\tCorée du Nord\nkr\tCorée\nkp\tKim Jong-un\n"


def concepts(text: str) -> list[tuple[str, str]]:
    words = list(terms(text))
    return [(term.name, text[term.start : term.end]) for term in read_gazetteer(NAMES).concepts(words, text)]


def test_the_longest_name_wins_and_keeps_its_place() -> None:
    assert [("@kp", "Corée du Nord"), ("@kr", "Corée"), ("@ua:place", "KIEV")] == concepts("La Corée du Nord, la Corée et KIEV")


@pytest.mark.parametrize("written", ["Kim Jong-un", "Kim Jong Un", "KIM JONG-UN"])
def test_spellings_of_a_name_are_one(written: str) -> None:
    assert [("@kp", written[:8])] == concepts(f"L'arsenal de {written} grandit")  # "un" is a function word


def test_a_proper_name_has_a_capital() -> None:
    gazetteer = read_gazetteer("fr:force\tRafale\nmilitary\tfrégate\n")
    text = "Les rafales de vent et un Rafale, une Frégate et une frégate"
    words = list(terms(text))

    found = [text[term.start : term.end] for term in gazetteer.concepts(words, text)]

    assert ["Rafale", "Frégate", "frégate"] == found


def test_part_of_a_name_is_no_name() -> None:
    assert [] == concepts("Kim dit que Jong viendra, au nord du pays")


@given(st.lists(st.sampled_from(["Kiev", "Corée", "du", "Nord", "Kim", "Jong-un", "et", "."]), max_size=20).map(" ".join))
def test_concepts_never_overlap(text: str) -> None:
    words = list(terms(text))
    found = list(read_gazetteer(NAMES).concepts(words, text))

    assert all(before.end <= after.start for before, after in pairwise(found))


@pytest.mark.parametrize("line", ["Kiev", "\tKiev", "ua:place\t", "ua:place\tle la", "kp\tBureau 39"])
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(InvalidGazetteerError, match="Line 2 of the gazetteer"):
        read_gazetteer(f"# notes\n{line}")


def test_names_are_read_for_who_asks_first() -> None:
    unread = Gazetteer("Kiev")

    with pytest.raises(InvalidGazetteerError, match="Line 1 of the gazetteer"):
        _ = unread.names

"""French text: normalization, words, stems, terms and their offsets, language."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.text import align, count_words, fold, normalize, stem, terms, words

FRENCH = "L’état d'urgence à Besançon : « l'Élysée » s'inquiète aujourd’hui des cœurs."
# Text as the web holds it: accents alone and combined, entities, apostrophes, invisible characters, control characters.
WILD = st.text(
    st.one_of(
        st.sampled_from("aeéÉçœ'’ʼ &;#x20eacutmpqs\u0301\u0327\u00ad\u200b\u00a0\u202f\x00\n\r\t-_.!?«»"),
        st.characters(codec="utf-8"),
    ),
    max_size=80,
)


def names(text: str) -> list[str]:
    return [term.name for term in terms(text)]


@given(WILD)
@example("&amp;eacute;")
@example("&am&#112;;")
@example("e&#x301;")
@example("&eacute&#x37e;")
@example("e" + "\u0301\u0327" * 40)
def test_normalize_is_idempotent(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@pytest.mark.parametrize(
    "written",
    [
        unicodedata.normalize("NFD", FRENCH),
        FRENCH.replace("’", "'"),
        FRENCH.replace("'", "ʼ"),
        FRENCH.replace("é", "&eacute;").replace("’", "&rsquo;"),
        FRENCH.replace(" ", "\u00a0"),
        FRENCH.replace("urgence", "ur\u00adgen\u200bce"),
        FRENCH.upper().replace("CŒURS", "COEURS"),
    ],
    ids=["NFD", "straight", "modifier", "entities", "no-break", "invisible", "capitals"],
)
def test_one_sentence_written_in_seven_ways_has_the_same_terms(written: str) -> None:
    assert names(FRENCH) == names(written)


def test_elisions_and_hyphens_separate_words() -> None:
    assert words("L’Ukraine et la Corée-du-Nord qu'on isole") == [
        "l",
        "ukraine",
        "et",
        "la",
        "coree",
        "du",
        "nord",
        "qu",
        "on",
        "isole",
    ]


def test_function_words_and_numbers_are_no_terms() -> None:
    assert names("Les élections de 2024 en Moldavie") == ["election", "moldavie"]


@pytest.mark.parametrize(
    ("singular", "others"),
    [
        ("coréen", ["coréens", "coréenne", "coréennes"]),
        ("ukrainien", ["ukrainiens", "ukrainienne", "ukrainiennes"]),
        ("naval", ["navals", "navale", "navales", "navaux"]),
        ("offensif", ["offensive", "offensives"]),
        ("drapeau", ["drapeaux"]),
        ("français", ["française", "françaises"]),
    ],
)
def test_gender_and_number_share_a_stem(singular: str, others: list[str]) -> None:
    assert {stem(fold(singular))} == {stem(fold(other)) for other in others}


def test_different_words_keep_different_stems() -> None:
    kept = ["armée", "arme", "général", "génération", "mine", "ministre", "char", "charte"]
    assert len(kept) == len({stem(fold(word)) for word in kept})


@given(WILD)
def test_offsets_of_terms_point_at_their_words(text: str) -> None:
    for term in terms(text):
        assert 0 <= term.start < term.end <= len(text)
        assert term.name == stem(words(text[term.start : term.end])[0])


def test_a_letter_that_a_mark_does_not_combine_with_keeps_its_place_beside_an_entity() -> None:
    assert [(term.name, term.start, term.end) for term in terms("q\u0301 &amp; b")] == [("q", 0, 2), ("b", 9, 10)]


@given(WILD)
def test_aligned_text_has_an_origin_for_every_character(text: str) -> None:
    aligned = align(text)
    if aligned.origins is not None:
        assert len(aligned.text) + 1 == len(aligned.origins)
        assert aligned.origins == sorted(aligned.origins)
    else:
        assert len(aligned.text) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Kiev : drones russes abattus",
        "Le président a reçu la délégation à l'Élysée",
        "Cyclisme : Van der Poel remporte de Ronde van Vlaanderen",
        "« Make America Great Again » : le slogan qui divise",
        "L'artiste coréen 박찬욱 expose à Lyon",
    ],
)
def test_french_is_french_even_with_foreign_names(text: str) -> None:
    assert count_words(words(text)).may_be_french()


def test_a_word_may_fold_to_nothing() -> None:
    """A half-width sound mark alone, as Japanese pages have it."""
    assert count_words(words("\uff9e \uff9e")).may_be_french()


@pytest.mark.parametrize(
    "text",
    [
        "The Russian army said that it has taken two villages in the east of the country",
        "Der Präsident hat die Verhandlungen mit der Regierung in Kiew nicht beendet",
        "El presidente de Ucrania ha llegado a la capital con una delegación de los ministros",
        "Il presidente della Repubblica è arrivato nella capitale con gli altri ministri",
        "O presidente da Ucrânia disse que não vai aceitar uma trégua com os russos",
        "De regering heeft het besluit van de president niet aan het parlement voorgelegd",
        "Președintele a spus că alegerile din țară nu au fost influențate de cei din afară și că sunt libere",
        "Президент заявил, что переговоры продолжатся в понедельник",
        "북한이 러시아에 병력을 파견했다",
    ],
)
def test_other_languages_are_not(text: str) -> None:
    assert not count_words(words(text)).may_be_french()

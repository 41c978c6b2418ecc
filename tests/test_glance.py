"""The glance over a text: no line that it passes over is furniture, holds any, or is written otherwise when normalized."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.extract import dates, furniture, glance
from tagger.extract.furniture import captions_and_announced, is_credit, is_furniture, passages
from tagger.extract.lines import Line, split_lines
from tagger.extract.signs import ANNOUNCING, ANYWHERE, FIRST
from tests.fuzz_inputs import DATES, FURNITURE, a_text, page_lines

CLEAN = (
    "Le maire d’Arzel a inauguré mardi le pont sur l’Orlevain.\n\n« Il était temps », a dit une habitante de l’île – émue.\n"
)
PHRASES = [
    "share this", "12 / 3.", "loading...", "Chargement…", "3 réactions", "soyez le premier à réagir", "read more", "sms",
    "nos articles similaires", "S’abonner", "les plus lus", "Contact", "qui anime ce direct ?", "Le match est direct en cours",
    "sign up for our e-mail",
    "download now the app", "ce site utilise des cookies", "disponible sur Android",
    "ÉCOUTER L’ARTICLE",
    "vous pouvez vous désinscrire", "en vous inscrivant, vous acceptez", "play store notre appli préférée", "app store préféré",
    "Jean Martin / AFP", "afp via getty", "Reuters - Jean", "Le pont (archives)", "ph. : Jean", "Photo d’archive", "(c) Jean",
    "lireaussi le dossier", "Relire L’été", "> le pont", "mis à jour hier", "écrit depuis une heure", "publiée 3 mai",
    "→ Partager", "— Menu —", "Partager  sur  X", "Parta\u00adger", "Publicit&eacute;", "Publicite\u0301", "***",
]  # fmt: skip
INSIDE = [
    "Lire aussi : Le bac.", "À voir également » Le bac.", "(Avec Reuters)", "Crédit photo : Jean Martin AFP",
    "Oui. Publicité Non.", "Il vous reste 7 % de cet article à lire.", "La suite après cette publicité",
    "Article réservé à nos abonnés",
]  # fmt: skip


def again(line: Line) -> Line:
    """Return a line at which nobody has glanced."""
    return Line(line.raw, line.start, line.gap)


@pytest.mark.parametrize("phrase", [*FURNITURE, *PHRASES])
def test_what_is_furniture_is_looked_at(phrase: str) -> None:
    lines = split_lines(f"{CLEAN}{phrase}\n{CLEAN}")

    assert [True] * 2 == [line.plain for line in lines[:2]]
    assert not any(line.plain and is_furniture(again(line)) for line in lines)


@pytest.mark.parametrize("phrase", INSIDE)
def test_furniture_inside_a_paragraph_of_any_length_is_looked_at(phrase: str) -> None:
    text = CLEAN.replace("\n", " ") * 9

    assert [False] == [line.plain for line in split_lines(f"{text.rstrip()} {phrase} {text}")]


def test_clean_paragraphs_are_plain() -> None:
    assert [True] * 6 == [line.plain for line in split_lines(CLEAN * 3)]


def assert_plain_lines_are_text(text: str) -> None:
    for line in (line for line in split_lines(text) if line.plain):
        fresh = again(line)
        assert (fresh.text, fresh.words) == (line.text, line.words)
        assert not is_furniture(fresh)
        assert not is_credit(fresh)
        assert [(line.raw, line.start)] == [(passage.text, passage.start) for passage in passages([fresh])]


PATTERNS = [
    furniture._BUTTONS, furniture._INVITATION, furniture._CREDIT, furniture._AGENCY_CREDIT, furniture._TEASER,
    furniture._BARE_TEASER, furniture._ANNOUNCES, furniture._INLINE, dates._PUBLISHED,
]  # fmt: skip
# What is looked at for its own sake would hide what is not.
UNSUSPECTED = st.characters(max_codepoint=255, exclude_categories=["Cc"], exclude_characters="©`´\u00ad&>")


@given(
    st.data(), st.sampled_from(PATTERNS), st.sampled_from(["", "- ", "* # ", "« ", "Le pont. "]), st.sampled_from(["", " -"])
)
def test_whatever_the_patterns_find_is_looked_at(
    data: st.DataObject, pattern: re.Pattern[str], before: str, after: str
) -> None:
    found = data.draw(st.from_regex(pattern, fullmatch=data.draw(st.booleans()), alphabet=UNSUSPECTED))

    assert_plain_lines_are_text(f"{before}{found}{after}")


def test_a_plain_line_has_no_character_that_is_written_otherwise() -> None:
    assert_plain_lines_are_text("\n".join(f"pont{chr(code)}bac" for code in range(0x3000)))


def test_no_sign_hides_an_announcement_within_it() -> None:
    assert not [sign for sign in (*FIRST, *ANYWHERE, *ANNOUNCING) if any(word in sign[:-1] for word in ANNOUNCING)]


@given(st.text(st.sampled_from("aé0 \n\r\x0b\u2028\u00a0\u202f\u200b\t-«’—Ω\U0001f1eb\ud800"), max_size=40))
def test_lines_are_the_same_where_nothing_is_compiled(text: str) -> None:
    compiled = split_lines(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glance, "kernel", lambda: None)

        assert compiled == split_lines(text)
        assert not any(line.plain for line in split_lines(text))


def test_a_row_of_many_words_announces_no_date() -> None:
    words = "Le rapport publié le 3 mai 2025"

    assert [False, True] == [
        line.plain for line in split_lines(f"{words}\n{words} sur le pont d’Arzel ne dit rien du bac de Varsanne")
    ]


@pytest.mark.parametrize("seed", range(40))
def test_a_plain_line_is_none_of_what_is_left_out(seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - chance, not secrets
    text = "\n".join([a_text(chance)[:5000], *chance.choices([*FURNITURE, *PHRASES, *INSIDE, *DATES, *page_lines()], k=60)])

    assert_plain_lines_are_text(text)


def test_a_headline_announced_needs_no_place() -> None:
    lines = split_lines("À lire aussi\nUn nouveau pont pour Arzel\nLe bac de Varsanne part à la casse\n" + CLEAN)

    assert {1, 2} <= captions_and_announced(lines)

"""The shipped release as an editor would try it: what must not change its tags, and what must."""

import json
import unicodedata
from typing import Any

import pytest

from tagger.extract.page import read_page
from tagger.extract.parts import read_parts
from tagger.registry import Release
from tagger.tags import tag_page
from tests.conftest import ROOT

pytestmark = pytest.mark.release

# Plain news: an article, a card and a headline of each topic, and articles about none of them.
GOLDEN = [json.loads(line) for line in (ROOT / "training/golden.jsonl").read_text(encoding="utf-8").splitlines()]
PLAIN = {text["id"]: {key: text[key] for key in ("title", "lead", "body") if key in text} for text in GOLDEN}
CASES = [pytest.param(topic, PLAIN[text["id"]], id=text["id"]) for text in GOLDEN for topic in text["topics"]]
OTHER_NEWS = [pytest.param(PLAIN[text["id"]], id=text["id"]) for text in GOLDEN if not text["topics"]]
# Another town or minister of the same kind for those of each text.
SWAPS = {
    "ukraine-war-article": {"Kharkiv": "Soumy"},
    "ukraine-war-card": {"Marioupol": "Mykolaïv"},
    "ukraine-war-headline": {"Kherson": "Zaporijia"},
    "korea-article": {"Séoul": "La Corée du Sud"},
    "korea-card": {"Busan": "Daegu"},
    "korea-headline": {"Wonsan": "Hamhung"},
    "moldova-elections-article": {"Chisinau": "Cahul"},
    "moldova-elections-card": {"Balti": "Soroca"},
    "moldova-elections-headline": {"Orhei": "Ungheni"},
    "french-defence-article": {"Toulon": "Lorient", "Sébastien Lecornu": "Jean-Yves Le Drian"},
    "french-defence-card": {"Florence Parly": "Catherine Vautrin"},
    "french-defence-headline": {"Brest": "Colmar"},
}


def swapped(parts: dict[str, str], swaps: dict[str, str]) -> dict[str, str]:
    for name, other in swaps.items():
        assert any(name in text for text in parts.values()), name
        parts = {key: text.replace(name, other) for key, text in parts.items()}
    return parts


def topics(parts: dict[str, str], release: Release) -> set[str]:
    (document,) = tag_page(read_parts(parts), release.model, release.taxonomy, release.policy)
    return {tag.topic.id for tag in document.tags}


@pytest.mark.parametrize(("topic", "parts"), CASES)
def test_plain_news_gets_its_topic(topic: str, parts: dict[str, str], shipped: Release) -> None:
    assert {topic} == topics(parts, shipped)


WRITINGS = {
    "no accents": lambda text: "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)),
    "combining accents": lambda text: unicodedata.normalize("NFD", text),
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "capitals": str.upper,
    "no-break spaces": lambda text: text.replace(" :", "\u00a0:").replace(" ", "\u202f", 1),
    "missing space after a full stop": lambda text: text.replace(". ", "."),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize(("topic", "parts"), CASES)
def test_spelling_does_not_change_the_tags(topic: str, parts: dict[str, str], writing: str, shipped: Release) -> None:
    written = {key: WRITINGS[writing](text) for key, text in parts.items()}

    assert {topic} == topics(written, shipped)


@pytest.mark.parametrize("text", [text for text in GOLDEN if text["topics"]], ids=lambda text: text["id"])
def test_another_town_or_minister_does_not_change_the_tags(text: dict[str, Any], shipped: Release) -> None:
    assert set(text["topics"]) == topics(swapped(PLAIN[text["id"]], SWAPS[text["id"]]), shipped)


@pytest.mark.parametrize("news", OTHER_NEWS)
@pytest.mark.parametrize(
    "line",
    [
        "Lire aussi : Guerre en Ukraine : Kharkiv sous les drones russes",
        "Lire aussi Article réservé à nos abonnés Corée du Nord : Kim Jong-un menace Séoul",
        "À lire aussi : Législatives en Moldavie, le parti de Maia Sandu en tête",
        "LIRE AUSSI - L'armée française commande des Rafale",
    ],
)
def test_a_teaser_adds_no_tag(news: dict[str, str], line: str, shipped: Release) -> None:
    first, rest = news["body"].split("\n\n")

    assert set() == topics({**news, "body": f"{first}\n\n{line}\n\n{rest}"}, shipped)
    page = f"{news['title']}\n\n{first}\n\n{line}\n\n{rest}\n"
    for document in tag_page(read_page(page), shipped.model, shipped.taxonomy, shipped.policy):
        assert () == document.tags


@pytest.mark.parametrize("news", OTHER_NEWS)
def test_one_passing_mention_is_no_subject(news: dict[str, str], shipped: Release) -> None:
    passing = " Le prix de l'énergie, en hausse depuis la guerre en Ukraine, pèse sur le budget."

    assert set() == topics({**news, "body": news["body"] + passing}, shipped)


@pytest.mark.parametrize(
    "title",
    ["Guerre en Ukraine : deux morts dans l'explosion d'un missile russe à Soumy", "Le Parlement sud-coréen siège à Séoul"],
)
def test_evidence_is_what_the_tag_stands_on(title: str, shipped: Release) -> None:
    """Without the words given as evidence the tag goes: they were the reason, not an ornament."""
    (document,) = tag_page(read_parts({"title": title}), shipped.model, shipped.taxonomy, shipped.policy)
    (tag,) = document.tags
    for piece in sorted(tag.evidence, key=lambda piece: -piece.start):
        title = title[: piece.start] + title[piece.end :]

    assert set() == topics({"title": title, "body": "Le maire a parlé devant la presse."}, shipped)


def test_removing_the_only_mention_removes_the_tag(shipped: Release) -> None:
    article = (
        "Le ministre a reçu la délégation pendant deux heures. {} Une nouvelle réunion est prévue le mois prochain, et les deux "
        "parties ont promis d'avancer sur le calendrier."
    )
    mention = (
        "La Corée du Nord devra renoncer à ses missiles balistiques, a répété le négociateur de Séoul à celui de Pyongyang."
    )

    assert {"korea"} == topics({"body": article.format(mention)}, shipped)
    assert set() == topics({"body": article.format("")}, shipped)

"""The shipped release as an editor would try it: what must not change its tags, and what must."""

import unicodedata

import pytest

from tagger.extract.page import read_page
from tagger.extract.parts import read_parts
from tagger.registry import Release
from tagger.tags import tag_page

pytestmark = pytest.mark.release

# One plain article, card and headline a topic; what stands in braces is swapped for another of its kind.
TEXTS = {
    "ukraine-war": [
        {
            "title": "À {Kharkiv}, une nuit sous les drones russes",
            "body": "L'armée russe a lancé une cinquantaine de drones sur {Kharkiv} dans la nuit de mardi à mercredi, selon les "
            "autorités ukrainiennes. Trois immeubles d'habitation ont brûlé et onze habitants ont été blessés. Le front passe à "
            "moins de trente kilomètres de la ville, que l'artillerie russe vise depuis le début de l'invasion.\n\n"
            "Le président Volodymyr Zelensky a demandé à ses alliés davantage de systèmes de défense antiaérienne.",
        },
        {
            "title": "Guerre en Ukraine : {Marioupol} encerclée",
            "lead": "Les forces russes resserrent leur étau autour du port de {Marioupol}, où les civils manquent d'eau.",
        },
        {"title": "Guerre en Ukraine : les forces russes bombardent {Kherson}, quatre morts"},
    ],
    "korea": [
        {
            "title": "{Séoul} propose à Pyongyang de rouvrir la ligne militaire",
            "body": "Le gouvernement sud-coréen a proposé lundi à la Corée du Nord de rétablir la ligne de communication entre les "
            "deux armées, coupée depuis l'an dernier. Pyongyang n'a pas répondu. Le régime de Kim Jong-un a tiré la semaine passée "
            "deux missiles balistiques à courte portée vers la mer du Japon, et la présidence sud-coréenne dit vouloir éviter un "
            "incident le long de la zone démilitarisée.",
        },
        {
            "title": "Corée du Sud : grève dans les hôpitaux de {Busan}",
            "lead": "Les internes sud-coréens ont cessé le travail contre la réforme du gouvernement de Séoul.",
        },
        {"title": "Corée du Nord : Pyongyang tire un missile balistique au large de {Wonsan}"},
    ],
    "moldova-elections": [
        {
            "title": "Moldavie : les bureaux de vote ont ouvert à {Chisinau}",
            "body": "Les Moldaves élisent dimanche leur Parlement, dans un scrutin que la présidente Maia Sandu dit menacé par "
            "Moscou. À {Chisinau}, des files se sont formées dès sept heures devant les bureaux de vote. Le parti pro-européen au "
            "pouvoir affronte un bloc prorusse, et la commission électorale compte sur les voix de la diaspora.",
        },
        {
            "title": "Présidentielle en Moldavie : second tour serré",
            "lead": "Maia Sandu et son rival prorusse se disputent les électeurs de {Balti} avant le vote de dimanche.",
        },
        {"title": "Législatives en Moldavie : le parti de Maia Sandu en tête à {Orhei}"},
    ],
    "french-defence": [
        {
            "title": "À {Toulon}, la Marine nationale reçoit sa nouvelle frégate",
            "body": "Le ministre des Armées, {Sébastien Lecornu}, a assisté jeudi à {Toulon} à l'admission au service actif d'une "
            "frégate de défense et d'intervention. Le bâtiment, construit par Naval Group, renforcera la Marine nationale, dont la "
            "loi de programmation militaire prévoit d'augmenter les équipages. L'état-major des armées veut aussi constituer des "
            "stocks de missiles plus importants.",
        },
        {
            "title": "Budget des armées : {Florence Parly} défend la hausse des crédits",
            "lead": "La ministre des Armées promet deux milliards d'euros de plus à l'armée française dès l'an prochain.",
        },
        {"title": "L'armée de Terre recrute 700 soldats pour le régiment de {Brest}"},
    ],
}
# Another of the same kind for each.
SWAPS = {
    "Kharkiv": "Soumy",
    "Marioupol": "Mykolaïv",
    "Kherson": "Zaporijia",
    "Séoul": "La Corée du Sud",
    "Busan": "Daegu",
    "Wonsan": "Hamhung",
    "Chisinau": "Cahul",
    "Balti": "Soroca",
    "Orhei": "Ungheni",
    "Toulon": "Lorient",
    "Sébastien Lecornu": "Jean-Yves Le Drian",
    "Florence Parly": "Catherine Vautrin",
    "Brest": "Colmar",
}
CASES = [(topic, parts) for topic, listed in TEXTS.items() for parts in listed]


def filled(parts: dict[str, str], swaps: dict[str, str]) -> dict[str, str]:
    for name, other in ({name: name for name in SWAPS} | swaps).items():
        parts = {key: text.replace(f"{{{name}}}", other) for key, text in parts.items()}
    return parts


def topics(parts: dict[str, str], release: Release) -> set[str]:
    (document,) = tag_page(read_parts(parts), release.model, release.taxonomy, release.policy)
    return {tag.topic.id for tag in document.tags}


@pytest.mark.parametrize(("topic", "parts"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_plain_news_gets_its_topic(topic: str, parts: dict[str, str], shipped: Release) -> None:
    assert {topic} == topics(filled(parts, {}), shipped)


WRITINGS = {
    "no accents": lambda text: "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)),
    "combining accents": lambda text: unicodedata.normalize("NFD", text),
    "curly apostrophes": lambda text: text.replace("'", "’"),
    "capitals": str.upper,
    "no-break spaces": lambda text: text.replace(" :", "\u00a0:").replace(" ", "\u202f", 1),
    "missing space after a full stop": lambda text: text.replace(". ", "."),
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize(("topic", "parts"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_spelling_does_not_change_the_tags(topic: str, parts: dict[str, str], writing: str, shipped: Release) -> None:
    written = {key: WRITINGS[writing](text) for key, text in filled(parts, {}).items()}

    assert {topic} == topics(written, shipped)


@pytest.mark.parametrize(("topic", "parts"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_another_town_or_minister_does_not_change_the_tags(topic: str, parts: dict[str, str], shipped: Release) -> None:
    assert filled(parts, SWAPS) != filled(parts, {})
    assert {topic} == topics(filled(parts, SWAPS), shipped)


OTHER_NEWS = [
    {
        "title": "Le marché couvert de Limoges rouvre après deux ans de travaux",
        "body": "Les commerçants ont retrouvé samedi leurs étals sous la halle rénovée. La mairie a refait le toit, les réseaux et "
        "la chambre froide commune, pour neuf millions d'euros.\n\nLes clients attendaient depuis sept heures. La boucherie "
        "familiale, la plus ancienne, a distribué du café. Une fresque de porcelaine orne désormais l'entrée nord.",
    },
    {
        "title": "Rugby : Clermont arrache la victoire dans les arrêts de jeu",
        "body": "Menés pendant une heure, les Auvergnats ont gagné à la dernière seconde sur une pénalité de cinquante mètres. "
        "La défense adverse avait tenu jusque-là.\n\nLe club remonte à la cinquième place du Top 14 avant de recevoir Toulouse.",
    },
]


@pytest.mark.parametrize("news", OTHER_NEWS, ids=lambda news: news["title"][:20])
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


@pytest.mark.parametrize("news", OTHER_NEWS, ids=lambda news: news["title"][:20])
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

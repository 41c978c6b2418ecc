"""French text: raw characters -> words with offsets -> folded, stemmed terms. Pure; knows nothing of pages or topics."""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import filterfalse

# Typographic variants of the apostrophe found in French pages: ’ ‘ ʼ ′ ´ ` and the full-width one.
_APOSTROPHES = "\u2019\u2018\u02bc\u2032\u00b4\u0060\uff07\u02b9"
# Characters that carry no text: soft hyphen, zero-width and direction marks, byte order mark, variation selectors.
INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufe0e\ufe0f"
# Marks that combine with the letter before them.
MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff"
_ENTITY = r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
_SPACES = (*range(32), *range(127, 161), 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288)
ONE_TO_ONE = dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(map(chr, _SPACES), " ")
_TYPOGRAPHIC = re.compile(f"[{''.join(ONE_TO_ONE)}]")
# Where the length of the text changes: a quick look that spares nearly every text the slow path.
_CHANGES_LENGTH = re.compile(f"{_ENTITY}|[{INVISIBLE}]")
# A run that is rewritten as a whole: letters up to Latin Extended (composed as they stand), an entity, an invisible
# character, or any other with the marks that may combine with it: 30, as in Unicode's stream-safe format, because putting
# n marks into their order takes n² steps.
_RUN = re.compile(
    rf"(?P<plain>[\x00-%'-\u00ac\u00ae-\u02ff]+(?![{MARKS}]))|(?P<entity>{_ENTITY})|(?P<invisible>[{INVISIBLE}])"
    f"|.[{MARKS}]{{0,30}}",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Aligned:
    """Canonical text and the way back to the text it was made from.

    `origins[i]` is the offset in the original of canonical character i, with one entry more for the end;
    None where every character kept its place.
    """

    text: str
    origins: list[int] | None

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Return the span in the original text of canonical characters [start, end), end > start."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end]


def _with_plain_marks(text: str) -> str:
    """Write apostrophes and spaces in one way. Of the hundred kinds few stand in a text: replacing these is quick."""
    for character in set(_TYPOGRAPHIC.findall(text)):
        text = text.replace(character, ONE_TO_ONE[character])
    return text


def _composed(text: str) -> str:
    return _with_plain_marks(unicodedata.normalize("NFC", text))


@lru_cache(maxsize=1 << 10)
def _decode_entity(entity: str) -> str:
    """Decode one HTML entity, leaving those that could form another one (`&amp;`, ASCII letters) as a space."""
    decoded = _composed(html.unescape(entity))
    plain = decoded.isascii() and (decoded.isalnum() or decoded in "&#;")
    return " " if plain or decoded == entity or re.search(f"[{INVISIBLE}]", decoded) else decoded


def _rewritten(run: re.Match[str]) -> str:
    if run.lastgroup == "entity":
        return _decode_entity(run.group())
    return "" if run.lastgroup == "invisible" else _composed(run.group())


def _keeps_places(text: str) -> bool:
    return not _CHANGES_LENGTH.search(text) and unicodedata.is_normalized("NFC", text)


def align(text: str) -> Aligned:
    """Rewrite any text as NFC with one kind of apostrophe and space, decoded entities and no invisible characters.

    Offsets are code points. Line breaks and control characters become spaces, one for one; runs are kept.
    """
    if _keeps_places(text):
        return Aligned(_with_plain_marks(text), None)
    pieces: list[str] = []
    origins: list[int] = []
    for run in _RUN.finditer(text):
        piece = _rewritten(run)
        pieces.append(piece)
        start, end = run.span()
        # A letter that a mark did not combine with ends behind the mark, not where it begins.
        origins.extend(range(start, end) if run.lastgroup == "plain" else [start, *[end] * (len(piece) - 1)][: len(piece)])
    origins.append(len(text))
    return Aligned("".join(pieces), origins)


def normalize(text: str) -> str:
    """Return the text for comparison: as `align` writes it, each run of spaces one space, none at the ends. Idempotent."""
    # Decoding may bring letters beside a mark they combine with; a text whose characters keep their places needs no more.
    while not _keeps_places(text) and (canonical := align(text).text) != text:
        text = canonical
    text = _with_plain_marks(text)
    return " ".join(text.split()) if "  " in text else text.strip()


def fold_line(text: str) -> str:
    """Return a line in lower case without accents or ligatures, as `fold` does words, which are few enough to remember."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    lowered = lowered.replace("œ", "oe").replace("æ", "ae").replace("ß", "ss")
    return "".join(filterfalse(unicodedata.combining, unicodedata.normalize("NFKD", lowered)))


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word in lower case without accents or ligatures: `Élysée` -> `elysee`, `cœur` -> `coeur`."""
    return fold_line(word)


# Endings that only mark gender or number, longest first, with what replaces them; the stem keeps at least 3 letters.
# Verb endings stay: on news texts "bombardé" and "bombardement" are rarely the only clue, and a bold stemmer makes
# false friends ("général" and "génération" share their Snowball stem).
ENDINGS = (
    ("eaux", "eau"), ("iennes", "ien"), ("ienne", "ien"), ("euses", "eur"), ("euse", "eur"), ("trices", "teur"),
    ("trice", "teur"), ("ennes", "en"), ("enne", "en"), ("elles", "el"), ("elle", "el"), ("onnes", "on"),
    ("onne", "on"), ("aises", "ai"), ("aise", "ai"), ("ives", "if"), ("ive", "if"), ("ieres", "ier"),
    ("iere", "ier"), ("ales", "al"), ("ale", "al"), ("eurs", "eur"), ("eux", "eur"), ("aux", "al"), ("s", ""), ("x", ""),
)  # fmt: skip


@lru_cache(maxsize=1 << 16)
def stem(folded: str) -> str:
    """Return a folded word without the ending of its gender and number: `coreennes` -> `coreen`, `navals` -> `naval`."""
    if len(folded) < 4 or not folded.isalpha():
        return folded
    for ending, replacement in ENDINGS:
        if folded.endswith(ending) and len(folded) - len(ending) + len(replacement) >= 3:
            return folded[: -len(ending)] + replacement
    return folded


# Words that say nothing of the subject. Elided forms (l, d, qu) are here because the apostrophe separates words.
STOP_WORDS = frozenset(
    """
    a ai ainsi ais alors apres as au aucun aucune aujourd aupres auquel aura auraient aurait aussi autant autre autres aux
    avaient avait avant avec avoir avons ayant bien c ca car ce ceci cela celle celles celui cependant ces cet cette ceux
    chaque chez ci comme comment d dans de deja depuis des desormais deux dit dont du durant e elle elles en encore entre
    es est et etaient etait etant ete etre eu eux faire fait faut font furent fut hui ici il ils j je jusqu jusque l la
    laquelle le lequel les lesquels leur leurs lors lorsqu lorsque lui m ma mais me meme memes mes moi moins mon n ne ni
    nos notre nous on ont or ou par parce parmi pas pendant peu peut peuvent plus plusieurs plutot pour pourquoi pourrait
    pres puis puisqu puisque qu quand que quel quelle quelles quelque quelques quels qui quoi s sa sans se selon sera
    seraient serait seront ses si sien soi soit sommes son sont sous sur t ta tandis tant te tel telle telles tels tes toi
    ton toujours tous tout toute toutes tres trois trop tu un une va vers voici voila vont vos votre vous y
    """.split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """One occurrence of a term, a stemmed word or a concept, at [start, end) of the original text."""

    name: str
    start: int
    end: int


# A word is a run of letters and digits; apostrophes and hyphens separate (`l'Ukraine`, `Kim Jong-un`, `nord-coréen`).
_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the words of a text, folded, in order, function words and numbers included."""
    return [fold(match.group()) for match in _WORD.finditer(align(text).text)]


def terms(text: str) -> Iterator[Term]:
    """Yield the terms of a text: every word stemmed, in reading order, function words and bare numbers left out."""
    aligned = align(text)
    for match in _WORD.finditer(aligned.text):
        folded = fold(match.group())
        if folded in STOP_WORDS or not any(c.isalpha() for c in folded):
            continue
        yield Term(stem(folded), *aligned.original_span(*match.span()))


# The commonest function words of languages that reach a French newsroom, folded; a word may stand in several lists. Those
# that are parts of names (van, der, von, di, dos, el) are left out: a French headline may hold two riders of the peloton.
FUNCTION_WORDS = {
    language: frozenset(listed.split())
    for language, listed in {
        "en": """
            the of and to in is that for on with was as by at from are has have it be an this will his were which not
            said its he she they their after who but been would about more when one or had we you than over into new
        """,
        "de": """
            die das und in mit sich des auf fur ist im dem nicht ein eine als auch es an werden aus er hat dass sie
            nach wird bei einer um am sind noch wie einem uber einen so zum war haben nur oder aber vor zur bis mehr
            durch
        """,
        "es": """
            de la que en y a se del un por con no una su para es lo como mas o pero sus le ha me si sin sobre este ya
            entre cuando todo esta ser son dos tambien fue habia era muy anos hasta desde han
        """,
        "it": """
            e il la che in a per un non con i una le si sono nel alla lo dei gli piu ha come anche dal ma delle nella
            su ci o stato ai questo dopo essere suo ed alle anni hanno tra degli sul dalla era
        """,
        "pt": """
            de a o que e do em um para com nao uma os no se na por mais as como mas ao ele seu sua ou quando muito
            nos ja eu tambem pelo pela ate isso ela entre depois sem mesmo aos foi sao tem
        """,
        "nl": """
            de het een en in is dat op te zijn met voor niet aan er die om als ook maar dan bij nog uit naar door
            over heeft hij worden werd was ze tot hebben meer wordt wel geen deze dit zich
        """,
        "ro": """
            de si in a la cu pe din nu pentru ca este o sa care au mai fost se un al prin ale sunt dupa ce sau ar lui
            fi iar doar cand cele acest despre fara intre
        """,
    }.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WordCounts:
    """How many words a text has: all, in other than Latin script, French function words, and the most of another language."""

    words: int
    other_script: int
    french: int
    other: int

    def may_be_french(self) -> bool:
        """Tell whether the text may be French; one with no function word of any language may be.

        Not French: most words are in another script, or another language's function words are at least three, a sixth of the
        text, and more than the French ones.
        """
        if self.other_script * 2 > self.words:
            return False
        return not (self.other >= 3 and self.other > self.french and self.other * 6 >= self.words)


def count_words(folded_words: list[str]) -> WordCounts:
    """Count words, folded: a half-width sound mark folds to none, and stands in no script."""
    return WordCounts(
        words=len(folded_words),
        other_script=sum(1 for word in folded_words if word[:1].isalpha() and ord(word[0]) > 0x24F),
        french=sum(1 for word in folded_words if word in STOP_WORDS),
        other=max(sum(1 for word in folded_words if word in listed) for listed in FUNCTION_WORDS.values()),
    )

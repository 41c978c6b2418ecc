"""French text: raw characters -> words with offsets -> folded, stemmed terms. Pure; knows nothing of pages or topics."""

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# Typographic variants of the apostrophe found in French pages: ’ ‘ ʼ ′ ´ ` and the full-width one.
_APOSTROPHES = "\u2019\u2018\u02bc\u2032\u00b4\u0060\uff07\u02b9"
# Characters that carry no text: soft hyphen, zero-width and direction marks, byte order mark, variation selectors.
_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufe0e\ufe0f"
_ENTITY = r"&(?:[a-zA-Z][a-zA-Z0-9]{1,30}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
_ONE_TO_ONE = {ord(c): "'" for c in _APOSTROPHES} | dict.fromkeys(range(32), " ") | dict.fromkeys(range(127, 161), " ")
_ONE_TO_ONE |= dict.fromkeys((5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288), " ")
# Where the length of the text changes: a quick look that spares nearly every text the slow path.
_CHANGES_LENGTH = re.compile(f"&|[{_INVISIBLE}]")
# A run that is rewritten as a whole: an entity or invisible character, alone or after letters that may combine with it.
_CLUSTER = re.compile(f"{_ENTITY}|[{_INVISIBLE}]|.[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+|.", re.DOTALL)


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


def _decode_entity(entity: str) -> str:
    """Decode one HTML entity, leaving those that could form another one (`&amp;`, ASCII letters) as a space."""
    decoded = unicodedata.normalize("NFC", html.unescape(entity)).translate(_ONE_TO_ONE)
    plain = decoded.isascii() and (decoded.isalnum() or decoded in "&#;")
    return " " if plain or decoded == entity or re.search(f"[{_INVISIBLE}]", decoded) else decoded


def _canonical_cluster(cluster: str) -> str:
    if len(cluster) > 1 and cluster[0] == "&" and cluster[-1] == ";":
        return _decode_entity(cluster)
    if re.fullmatch(f"[{_INVISIBLE}]", cluster):
        return ""
    return unicodedata.normalize("NFC", cluster).translate(_ONE_TO_ONE)


def align(text: str) -> Aligned:
    """Rewrite any text as NFC with one kind of apostrophe and space, decoded entities and no invisible characters.

    Offsets are code points. Line breaks and control characters become spaces, one for one; runs are kept.
    """
    if not _CHANGES_LENGTH.search(text) and unicodedata.is_normalized("NFC", text):
        return Aligned(text.translate(_ONE_TO_ONE), None)
    pieces: list[str] = []
    origins: list[int] = []
    for match in _CLUSTER.finditer(text):
        piece = _canonical_cluster(match.group())
        pieces.append(piece)
        origins.extend([match.start()] * len(piece))
    origins.append(len(text))
    return Aligned("".join(pieces), origins)


def normalize(text: str) -> str:
    """Return the text for comparison: as `align` writes it, each run of spaces one space, none at the ends. Idempotent."""
    aligned = align(text)
    canonical = aligned.text
    # Decoding may bring letters beside a mark they combine with; without it, once is enough.
    while aligned.origins is not None and (again := align(canonical).text) != canonical:
        canonical = again
    return " ".join(canonical.split())


@lru_cache(maxsize=1 << 16)
def fold(word: str) -> str:
    """Return a word in lower case without accents or ligatures: `Élysée` -> `elysee`, `cœur` -> `coeur`."""
    lowered = word.lower().replace("œ", "oe").replace("æ", "ae").replace("ß", "ss")
    return "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))


# Endings that only mark gender or number, longest first, with what replaces them; the stem keeps at least 3 letters.
# Verb endings stay: on news texts "bombardé" and "bombardement" are rarely the only clue, and a bold stemmer makes
# false friends ("général" and "génération" share their Snowball stem).
_ENDINGS = (
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
    for ending, replacement in _ENDINGS:
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
_FUNCTION_WORDS = {
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


def is_french(folded_words: list[str]) -> bool:
    """Tell whether words (folded, in order) may be French; a text with no function word of any language may be.

    Not French: most words are in another script, or another language's function words are at least three, a sixth of the
    text, and more than the French ones.
    """
    if not folded_words:
        return True
    other_script = sum(1 for word in folded_words if word[0].isalpha() and ord(word[0]) > 0x24F)
    if other_script * 2 > len(folded_words):
        return False
    french = sum(1 for word in folded_words if word in STOP_WORDS)
    other = max(sum(1 for word in folded_words if word in listed) for listed in _FUNCTION_WORDS.values())
    return not (other >= 3 and other > french and other * 6 >= len(folded_words))

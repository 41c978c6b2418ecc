"""Names -> concepts: a town, minister or illness never seen in training still counts as what it is (`@ua:place`).

Data, not code: lines of `concept<TAB>name`, kept in each release. A topic's names are facts that a newsroom adds to by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tagger.errors import TaggerError
from tagger.text import Term, terms, words

MARK = "@"
# Characters that may stand between two words of a name: a hyphen, ` du `, ` de la `. Not ` dit que `.
WIDEST_GAP = 8


class InvalidGazetteerError(TaggerError):
    """A gazetteer line is not `concept<TAB>name`, or its name holds no word that counts, or a number."""


@dataclass(frozen=True, slots=True)
class Concept:
    """What a name stands for; a proper name (written with a capital in the gazetteer) must have one in the text too."""

    id: str
    proper: bool


Names = dict[str, dict[tuple[str, ...], tuple[Concept, ...]]]


@dataclass(frozen=True)
class Gazetteer:
    """Lines of `concept<TAB>name`; blank lines and those that begin with `#` are notes. A name may have several concepts.

    They are read when names are first asked for: the compiled pass asks for none, once what it looks up is kept.
    """

    text: str = ""

    @cached_property
    def names(self) -> Names:
        """The names as sequences of stems, with their concepts, by their first stem.

        Raises:
            InvalidGazetteerError: a line has another form.
        """
        return _names(self.text)

    def concepts(self, words: Sequence[Term], text: str) -> Iterator[Term]:
        """Yield the concepts named by the words of a text (its stems in order): names do not overlap, the longest counts.

        A name of several concepts yields each, at the same place.
        """
        position = 0
        while position < len(words):
            length = 1
            known = self.names.get(words[position].name)
            if known:
                capital = text[words[position].start].isupper()
                length, named = _longest(known, words, position, capital=capital)
                for concept in named:
                    yield Term(MARK + concept.id, words[position].start, words[position + length - 1].end)
            position += length


def _longest(
    known: Mapping[tuple[str, ...], tuple[Concept, ...]], words: Sequence[Term], position: int, *, capital: bool
) -> tuple[int, list[Concept]]:
    """Return how many words the longest name here has, and its concepts; 1 and none where there is no name."""
    for length in range(min(max(map(len, known)), len(words) - position), 0, -1):
        named = words[position : position + length]
        close = all(after.start - before.end <= WIDEST_GAP for before, after in pairwise(named))
        concepts = known.get(tuple(word.name for word in named), ()) if close else ()
        if allowed := [concept for concept in concepts if capital or not concept.proper]:
            return length, allowed
    return 1, []


def _has_number(name: str) -> bool:
    """Tell whether a word of a name is a number; few names have a figure, and only those are cut into words once more."""
    return any(map(str.isdigit, name)) and any(word.isdigit() for word in words(name))


def read_gazetteer(text: str) -> Gazetteer:
    """Return a gazetteer that was looked through, as is due where people wrote it.

    Raises:
        InvalidGazetteerError: a line has another form.
    """
    gazetteer = Gazetteer(text)
    _ = gazetteer.names
    return gazetteer


def _names(text: str) -> Names:
    names: Names = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        concept, tab, name = line.partition("\t")
        stems = tuple(term.name for term in terms(name))
        if not tab or not concept.strip() or not stems or _has_number(name):
            raise InvalidGazetteerError(
                f"Line {number} of the gazetteer is not `concept<TAB>name`, or has a number (numbers do not count): {line!r}."
            )
        same = names.setdefault(stems[0], {})
        known = same.get(stems, ())
        if concept.strip() not in {other.id for other in known}:
            same[stems] = (*known, Concept(concept.strip(), name.strip()[0].isupper()))
    return names

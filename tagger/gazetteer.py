"""Names -> concepts: a town, minister or missile never seen in training still counts as what it is (`@ua:place`).

Data, not code: lines of `concept<TAB>name`, kept in each release. A topic's names are facts that a newsroom adds to by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tagger.errors import TaggerError
from tagger.text import Term, terms, words

MARK = "@"
# Characters that may stand between two words of a name: a hyphen, ` du `, ` de la `. Not ` dit que `.
_WIDEST_GAP = 8


class InvalidGazetteerError(TaggerError):
    """A gazetteer line is not `concept<TAB>name`, or its name holds no word that counts, or a number."""


@dataclass(frozen=True, slots=True)
class Concept:
    """What a name stands for; a proper name (written with a capital in the gazetteer) must have one in the text too."""

    id: str
    proper: bool


@dataclass(frozen=True)
class Gazetteer:
    """Names as sequences of stems, by their first stem; `text` is what they were read from."""

    text: str = ""
    names: dict[str, dict[tuple[str, ...], Concept]] = field(default_factory=dict, repr=False)

    def concepts(self, words: Sequence[Term], text: str) -> Iterator[Term]:
        """Yield the concepts named by the words of a text (its stems in order), the longest name first, none overlapping."""
        position = 0
        while position < len(words):
            length = 1
            known = self.names.get(words[position].name)
            if known:
                name = _longest(known, words, position, capital=text[words[position].start].isupper())
                if name:
                    length = len(name)
                    yield Term(MARK + known[name].id, words[position].start, words[position + length - 1].end)
            position += length


def _longest(
    known: Mapping[tuple[str, ...], Concept], words: Sequence[Term], position: int, *, capital: bool
) -> tuple[str, ...]:
    for length in range(min(max(map(len, known)), len(words) - position), 0, -1):
        named = words[position : position + length]
        concept = known.get(name := tuple(word.name for word in named))
        close = all(after.start - before.end <= _WIDEST_GAP for before, after in pairwise(named))
        if concept and close and (capital or not concept.proper):
            return name
    return ()


def read_gazetteer(text: str) -> Gazetteer:
    """Read lines of `concept<TAB>name`; blank lines and those that begin with `#` are notes. The first concept of a name wins.

    Raises:
        InvalidGazetteerError: a line has another form.
    """
    names: dict[str, dict[tuple[str, ...], Concept]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        concept, tab, name = line.partition("\t")
        stems = tuple(term.name for term in terms(name) if "_" not in term.name)
        if not tab or not concept.strip() or not stems or any(word.isdigit() for word in words(name)):
            raise InvalidGazetteerError(
                f"Line {number} of the gazetteer is not `concept<TAB>name`, or has a number (numbers do not count): {line!r}."
            )
        names.setdefault(stems[0], {}).setdefault(stems, Concept(concept.strip(), name.strip()[0].isupper()))
    return Gazetteer(text, names)

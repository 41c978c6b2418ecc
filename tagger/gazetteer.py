"""Names -> concepts: a town, minister or missile never seen in training still counts as what it is (`@ua:place`).

Data, not code: lines of `concept<TAB>name`, kept in each release. A topic's names are facts that a newsroom adds to by hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tagger.errors import TaggerError
from tagger.text import Term, terms

MARK = "@"
# Characters that may stand between two words of a name: a hyphen, ` du `, ` de la `. Not ` dit que `.
_WIDEST_GAP = 8


class InvalidGazetteerError(TaggerError):
    """A gazetteer line is not `concept<TAB>name`, or the name holds no word."""


@dataclass(frozen=True)
class Gazetteer:
    """Names as sequences of stems, by their first stem; `text` is what they were read from."""

    text: str = ""
    names: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict, repr=False)

    def concepts(self, words: Sequence[Term]) -> Iterator[Term]:
        """Yield the concepts named in a sequence of words (stems in order), the longest name first, none overlapping."""
        position = 0
        while position < len(words):
            length = 1
            known = self.names.get(words[position].name)
            if known:
                name = self._longest(known, words, position)
                if name:
                    length = len(name)
                    yield Term(MARK + known[name], words[position].start, words[position + length - 1].end)
            position += length

    @staticmethod
    def _longest(known: dict[tuple[str, ...], str], words: Sequence[Term], position: int) -> tuple[str, ...]:
        for length in range(min(max(map(len, known)), len(words) - position), 0, -1):
            named = words[position : position + length]
            name = tuple(word.name for word in named)
            if name in known and all(b.start - a.end <= _WIDEST_GAP for a, b in pairwise(named)):
                return name
        return ()


def read_gazetteer(text: str) -> Gazetteer:
    """Read lines of `concept<TAB>name`; blank lines and those that begin with `#` are notes. The first concept of a name wins.

    Raises:
        InvalidGazetteerError: a line has another form.
    """
    names: dict[str, dict[tuple[str, ...], str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        concept, tab, name = line.partition("\t")
        stems = tuple(term.name for term in terms(name) if "_" not in term.name)
        if not tab or not concept.strip() or not stems:
            raise InvalidGazetteerError(f"Line {number} of the gazetteer is not `concept<TAB>name`: {line!r}.")
        names.setdefault(stems[0], {}).setdefault(stems, concept.strip())
    return Gazetteer(text, names)

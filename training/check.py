"""The corpus -> what is wrong with it (copies, templates, leaks) and what it holds, in counts."""

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tagger.documents import joined
from tagger.taxonomy import Taxonomy
from tagger.text import words
from training.corpus import Example, read_examples
from training.evaluate import FORMS, form

# Two texts share a run of this many words by chance where it is a stock phrase ("le secrétaire général de l'ONU Antonio
# Guterres"); they are copies where shared runs cover more words than a stock phrase has, or more than a fifth of the shorter.
COPIED_RUN = 8
LONGEST_PHRASE = 12
COPIED_SHARE = 0.2
# Share of different word triples among all, names and numbers masked: prose written text by text has above 0.8, a template
# filled with names below a half.
TRIPLE = 3
LEAST_DISTINCT = 0.7
LEAST_TRIPLES = 300


def problems(paths: Sequence[Path], taxonomy: Taxonomy) -> list[str]:
    """Return what is wrong with the corpus, a sentence each: copies, leaks between the splits, files made from templates.

    Raises:
        CorpusError: a file cannot be read, a topic is unknown, or an id stands twice.
    """
    examples = read_examples(paths, taxonomy)
    found = list(_copies(examples))
    for path in paths:
        ratio = distinct_ratio([_masked(example) for example in read_examples([path], taxonomy)])
        if ratio < LEAST_DISTINCT:
            found.append(
                f"{path.name} looks like a template filled with names: {ratio:.0%} of its word triples differ, "
                f"{LEAST_DISTINCT:.0%} are asked."
            )
    return found


def _text(example: Example) -> str:
    return "\n".join(joined(passages) for _, passages in example.document.fields() if passages)


def _copies(examples: Sequence[Example]) -> Iterator[str]:
    """Yield the pairs of texts that share too much; across the splits it is a leak as well."""
    read = {example.id: [word for word in words(_text(example)) if len(word) > 1] for example in examples}
    splits = {example.id: example.split for example in examples}
    owners: dict[tuple[str, ...], str] = {}
    shared: dict[tuple[str, str], set[int]] = defaultdict(set)
    for name, text in read.items():
        for start in range(len(text) - COPIED_RUN + 1):
            owner = owners.setdefault(tuple(text[start : start + COPIED_RUN]), name)
            if owner != name:
                shared[owner, name].update(range(start, start + COPIED_RUN))
    for (one, other), places in shared.items():
        if len(places) > LONGEST_PHRASE or len(places) > COPIED_SHARE * min(len(read[one]), len(read[other])):
            leak = " and stand on both sides of the split" if splits[one] != splits[other] else ""
            yield f"{one} and {other} share {' '.join(read[other][place] for place in sorted(places))!r}{leak}."


def _masked(example: Example) -> list[str]:
    """Return the words of a text with names and numbers as `_`: what is left of a template when it has been filled."""
    return ["_" if word[0].isupper() or word[0].isdigit() else word for word in re.findall(r"\w+", _text(example))]


def distinct_ratio(texts: Sequence[Sequence[str]]) -> float:
    """Return the share of different word triples among all of several texts, in (0, 1]; 1 for too little text to tell."""
    triples = [tuple(text[start : start + TRIPLE]) for text in texts for start in range(len(text) - TRIPLE + 1)]
    telling = [triple for triple in triples if triple.count("_") < TRIPLE - 1]
    return len(set(telling)) / len(telling) if len(telling) >= LEAST_TRIPLES else 1.0


def statistics_of(examples: Sequence[Example], taxonomy: Taxonomy) -> str:
    """Return what the corpus holds as Markdown tables."""
    lengths = [len(words(_text(example))) for example in examples]
    topics = Counter(topic for example in examples for topic in (example.topics or {"no topic"}))
    lines = [
        f"{len(examples):,} texts, {sum(lengths):,} words; {min(lengths)} to {max(lengths)} words a text, median "
        f"{statistics.median(lengths):.0f}. {sum(len(e.topics) > 1 for e in examples)} texts have two topics, "
        f"{sum(e.split == 'test' for e in examples)} are held out for the test.",
        "",
        *_table("topic", [(topic, topics[topic]) for topic in (*taxonomy.ids, "no topic")], len(examples)),
        "",
        *_table("form", [(name, sum(form(e.document) == name for e in examples)) for name in FORMS], len(examples)),
        "",
    ]
    for key in ("period", "style"):
        values = Counter(_group(key, str(example.record.get(key, ""))) for example in examples)
        lines += [*_table(key, sorted(values.items(), key=lambda item: (-item[1], item[0])), len(examples)), ""]
    return "\n".join(lines)


def _group(key: str, value: str) -> str:
    year = re.match(r"\d{4}", value)
    return (year.group() if year else "other") if key == "period" else value or "not noted"


def _table(head: str, rows: Sequence[tuple[str, int]], total: int) -> list[str]:
    return [f"| {head} | texts | share |", "|---|---:|---:|", *(f"| {k} | {n:,} | {n / total:.1%} |" for k, n in rows)]

"""What learning costs as texts grow many: the time and the most memory of counting and fitting, each size in a new process."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from tagger.gazetteer import read_gazetteer
from tagger.taxonomy import read_taxonomy
from training.corpus import Example, read_examples
from training.fit import fit, prepared
from training.release import split
from training.speed.clock import machine
from training.speed.curves import lines
from training.speed.memory import peak
from training.speed.page import Section, picture, table
from training.speed.texts import perturbed

PICTURES = ("training-time.svg", "training-memory.svg")
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the texts, the topics and the names are."""

    corpus: tuple[Path, ...]
    taxonomy: Path
    names: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of so many texts: seconds of the processor for counting and fitting, terms learnt, and the most memory, in bytes.

    before: the most memory before any text was read.
    """

    texts: int
    counting: float
    fitting: float
    terms: int
    peak: int
    before: int

    @property
    def seconds(self) -> float:
        """Counting and fitting."""
        return self.counting + self.fitting


def fitting(sources: Sources, sizes: Sequence[int]) -> Section:
    """Learn from ever more texts, made of ours, and report."""
    costs = [apart(sources, size) for size in sizes]
    rows = [
        [
            f"{cost.texts:,}",
            f"{cost.counting:.1f}",
            f"{cost.fitting:.1f}",
            f"{1e6 * cost.seconds / cost.texts:.0f}",
            f"{cost.terms:,}",
            f"{cost.peak / _MEGABYTE:,.0f}",
            f"{(cost.peak - cost.before) / cost.texts / 1024:.1f}",
        ]
        for cost in costs
    ]
    texts = [float(cost.texts) for cost in costs]
    counted = {"counting": (texts, [c.counting for c in costs]), "fitting": (texts, [c.fitting for c in costs])}
    drawn = (
        lines(counted, "texts", "seconds", "log"),
        lines({"": (texts, [cost.peak / _MEGABYTE for cost in costs])}, "texts", "most memory, MiB"),
    )
    markdown = (
        f"## Training\n\nTexts of the corpus with sentences left out and in another order, made as they are counted, "
        f"which is not timed; {machine()}; one core. Counting is reading and counting terms in the compiled pass that serves; "
        "fitting TF-IDF and one logistic regression per topic (`training/fit.py`); calibration repeats the fit five times. A "
        "pass costs each text the same, but the more texts there are, the less the penalty weighs beside them, and the more "
        "passes the fit takes: 130 over 10,000 texts, 270 over 300,000. "
        "Each size ran in a new process.\n\n"
        + table(["texts", "counting, s", "fitting, s", "µs a text", "terms", "most memory, MiB", "KiB a text"], rows)
        + f"\n{linearity(costs)}\n"
        + "".join(map(picture, PICTURES))
    )
    return Section("training", markdown, dict(zip(PICTURES, drawn, strict=True)))


def linearity(costs: Sequence[Cost]) -> str:
    """Say with which power of the number of texts time and memory grow, by least squares over the logarithms; 1 is linear."""
    if len(costs) < 2:
        return "One size tells nothing about growth."
    sizes = np.log([cost.texts for cost in costs])
    time, memory = (
        float(np.polyfit(sizes, np.log(values), 1)[0])
        for values in ([cost.seconds for cost in costs], [max(cost.peak - cost.before, 1) for cost in costs])
    )
    return f"Time grows with the number of texts to the power of {time:.2f}, memory with {memory:.2f}; 1 is linear."


def apart(sources: Sources, size: int) -> Cost:
    """Measure in a process of its own, whose memory is given back."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(cost_of, sources, size).result()


def cost_of(sources: Sources, size: int) -> Cost:
    """Count and fit so many texts, and say what it cost."""
    taxonomy = read_taxonomy(sources.taxonomy.read_text(encoding="utf-8"))
    gazetteer = read_gazetteer("".join(path.read_text(encoding="utf-8") for path in sources.names))
    train, _ = split(read_examples(sources.corpus, taxonomy))
    gold = np.zeros((size, len(taxonomy.ids)), dtype=np.int8)
    # Loads what is compiled.
    fit(prepared(train[:2], gazetteer), np.outer([0, 1], np.ones(len(taxonomy.ids), dtype=np.int8)))
    before = peak()
    made = perturbed(train, size)
    making = 0.0

    def texts() -> Iterator[Example]:
        nonlocal making
        for row in range(size):
            start = process_time()
            example = next(made)
            gold[row] = [topic in example.topics for topic in taxonomy.ids]
            making += process_time() - start
            yield example

    with threadpool_limits(1):
        start = process_time()
        counted = prepared(texts(), gazetteer)
        between = process_time()
        pipeline = fit(counted, gold)
        end = process_time()
    return Cost(size, between - start - making, end - between, len(pipeline["tfidf"].vocabulary_), peak(), before)

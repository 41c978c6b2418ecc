"""Public data with one topic a text -> accuracy of our trainer on topics that are not ours, as any user would run it."""

import csv
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tagger.gazetteer import Gazetteer
from tagger.registry import load_release
from tagger.taxonomy import Taxonomy, Topic
from training.corpus import CorpusError, Example, read_examples
from training.evaluate import ask, measure
from training.release import make_release


@dataclass(frozen=True, slots=True)
class Score:
    """A data set, its numbers of texts, and the share of `dev` texts whose tag is the right one."""

    name: str
    train: int
    dev: int
    accuracy: float


def benchmark(folder: Path, gazetteer: Gazetteer) -> Score:
    """Train on the folder's `train*.tsv` and tag its `dev.tsv`: columns `category`, `text` and perhaps `headline`.

    Raises:
        CorpusError: a file lacks, or has other columns.
    """
    tables = sorted(folder.glob("train*.tsv"))
    if not tables:
        raise CorpusError(f"{folder} holds no train*.tsv.")
    train, dev = _records(tables[0]), _records(folder / "dev.tsv")
    taxonomy = Taxonomy(folder.name, tuple(Topic(t, {"fr": t}, "") for t in sorted({r["topics"][0] for r in train})))
    with tempfile.TemporaryDirectory() as temporary:
        learnt, held_out = (_examples(records, Path(temporary) / "texts.jsonl", taxonomy) for records in (train, dev))
        name, _ = make_release(learnt, taxonomy, gazetteer, models=Path(temporary), utc="20200101T000000Z", digest="")
        release = load_release(Path(temporary), name)
    accuracy = measure(held_out, ask(release, held_out), release).accuracy
    return Score(folder.name, len(train), len(dev), accuracy or 0.0)


def _records(path: Path) -> list[dict[str, list[str] | str]]:
    csv.field_size_limit(10_000_000)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        return [
            {"id": f"{path.stem}-{n}", "topics": [row["category"]], "title": row.get("headline", ""), "body": row["text"]}
            for n, row in enumerate(rows)
        ]
    except (OSError, KeyError) as error:
        raise CorpusError(f"{path} cannot be read as a table with the columns category and text: {error}.") from error


def _examples(records: Sequence[dict[str, list[str] | str]], path: Path, taxonomy: Taxonomy) -> list[Example]:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return read_examples([path], taxonomy)

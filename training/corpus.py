"""Labelled texts on disk -> `Example`s with a split. The corpus is JSON lines, one text each."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tagger.documents import Document
from tagger.errors import InvalidDocumentError, TaggerError
from tagger.extract.parts import read_record
from tagger.taxonomy import Taxonomy

Split = Literal["train", "test"]
TEST_SHARE = 0.15


class CorpusError(TaggerError):
    """A labelled file cannot be used; the message names the file, the line and what to change."""


@dataclass(frozen=True, slots=True)
class Example:
    """A document and the ids of the topics it is about (none: a good answer too).

    record: what the JSON line holds. borderline: a labeller called the label arguable. sure: two labellers
    agreed (None: only one looked).
    """

    id: str
    document: Document
    topics: frozenset[str]
    split: Split
    record: dict[str, Any]
    borderline: bool = False
    sure: bool | None = None


def split_of(example_id: str) -> Split:
    """Return the split of an id: decided by its hash, so that adding texts moves none from one side to the other."""
    share = int.from_bytes(hashlib.sha256(example_id.encode()).digest()[:4]) / 2**32
    return "test" if share < TEST_SHARE else "train"


def read_examples(paths: Iterable[Path], taxonomy: Taxonomy, removed: frozenset[str] = frozenset()) -> list[Example]:
    """Read labelled JSON lines, in file and line order.

    A line holds `topics` (a list of ids) and some of `title, lead, body` (`text` is taken for `body`); `id` (without one, the
    digest of the line), `kind` (`snippet` is taken for `related`), `note` and `sure` where they are known. A removed topic
    among the labels is passed over.

    Raises:
        CorpusError: a file cannot be read, a line is no document, a topic is unknown, or an id stands twice.
    """
    examples: list[Example] = []
    seen: set[str] = set()
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise CorpusError(f"{path} cannot be read: {error}.") from error
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    example = _example(line, taxonomy, removed)
                except (ValueError, KeyError, TypeError, AttributeError, InvalidDocumentError) as error:
                    reason = f"it has no {error}." if isinstance(error, KeyError) else error
                    raise CorpusError(f"{path}, line {number}: {reason}") from error
                if example.id in seen:
                    raise CorpusError(f"{path}, line {number}: the id {example.id!r} stands twice.")
                seen.add(example.id)
                examples.append(example)
    if not examples:
        raise CorpusError("There are no labelled texts to read.")
    return examples


def _example(line: str, taxonomy: Taxonomy, removed: frozenset[str]) -> Example:
    record = json.loads(line)
    topics = record["topics"]
    if not isinstance(topics, list):
        raise TypeError(f"topics must be a list of ids, not {topics!r}.")
    topics = [topic for topic in topics if topic not in removed]
    if unknown := set(topics) - set(taxonomy.ids):
        raise ValueError(f"unknown topic {', '.join(map(str, sorted(unknown)))}; the taxonomy has {', '.join(taxonomy.ids)}.")
    parts: dict[str, Any] = {key: record[key] for key in ("title", "lead", "body", "rubric") if key in record}
    parts = {"id": str(record.get("id", hashlib.sha256(line.encode()).hexdigest()[:16])), **parts}
    parts.setdefault("body", record.get("text"))
    kind = {"snippet": "related"}.get(record.get("kind", ""), record.get("kind"))
    document = read_record(json.dumps({**parts, "kind": kind}))
    borderline = str(record.get("note") or "").startswith("borderline")
    return Example(
        parts["id"], document, frozenset(topics), split_of(parts["id"]), record | parts, borderline, record.get("sure")
    )


def corpus_digest(paths: Sequence[Path]) -> str:
    """Return the SHA-256 of the files' names and content, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()

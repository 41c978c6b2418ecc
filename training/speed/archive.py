"""A whole archive through `tagger tag --jsonl`: how long it takes, and whether its memory stays flat."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import monotonic

import numpy as np

from tagger.documents import joined
from tagger.errors import TaggerError
from training.corpus import Example
from training.speed.clock import machine
from training.speed.curves import lines
from training.speed.memory import sampled
from training.speed.page import Section, picture
from training.speed.texts import perturbed

PICTURE = "archive-memory.svg"
_MEGABYTE = 1 << 20
_EVERY = 0.25
# Sentences of the body: cards and posts are as short.
_SENTENCES = 2
_POINTS = 400


class ArchiveError(TaggerError):
    """The command failed, or did not answer every line."""


def archive(train: Sequence[Example], models: Path, *, documents: int, options: Sequence[str] = ()) -> Section:
    """Tag so many short texts as a user would, and sample the memory of the command and of all that it starts.

    options: more of `tagger tag`.

    Raises:
        ArchiveError: it failed, or there are not as many answers as texts.
    """
    with tempfile.TemporaryDirectory() as folder:
        texts, answers = Path(folder) / "archive.jsonl", Path(folder) / "tags.jsonl"
        with texts.open("w", encoding="utf-8") as file:
            file.writelines(records(train, documents))
        size = texts.stat().st_size
        start, worked_before = monotonic(), _worked()
        samples = tag_all(texts, answers, models, options)
        seconds, worked = monotonic() - start, _worked() - worked_before
        with answers.open("rb") as file:
            answered = sum(1 for _ in file)
    if answered != documents:
        raise ArchiveError(f"`tagger tag --jsonl` answered {answered:,} of {documents:,} lines.")
    command = " ".join(["tagger tag --jsonl", *options])
    return _section(
        samples,
        f"`{command}`: {documents:,} short texts, {size / documents:,.0f} bytes a line, {machine()}.\n\n"
        f"{seconds:,.1f} s: {documents / seconds:,.0f} documents/s, {size / seconds / 1e6:.1f} MB/s. "
        f"Processors worked for {worked:,.1f} s: {documents / worked:,.0f} documents for each.",
    )


def _worked() -> float:
    """Return the seconds that processors have worked for processes that this one started and that have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def records(train: Sequence[Example], count: int) -> Iterator[str]:
    """Yield so many lines of JSON: a title and a few sentences, as a card or a post has."""
    for number, example in enumerate(perturbed(train, count)):
        body = joined(example.document.body)
        short = ". ".join(islice(body.split(". "), _SENTENCES))
        record = {"id": number, "kind": "related", "title": joined(example.document.title), "body": short}
        yield json.dumps(record, ensure_ascii=False) + "\n"


def tag_all(texts: Path, answers: Path, models: Path, options: Sequence[str]) -> list[tuple[float, int]]:
    """Run the command; return its memory over time: seconds and bytes."""
    command = [sys.executable, "-m", "tagger.cli", "--models", str(models), "tag", "--jsonl", *options, str(texts)]
    with answers.open("wb") as output, tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdout=output, stderr=complaints)  # noqa: S603 - our own command
        with sampled(process.pid, _EVERY) as samples:
            status = process.wait()
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
    if status:
        raise ArchiveError(
            f"`tagger tag --jsonl` failed with status {status}: {said.splitlines()[-1] if said else 'no reason'}."
        )
    return samples


def growth(samples: Sequence[tuple[float, int]]) -> float:
    """Return how much more memory the last quarter of the time held than the second, as a share: 0 is flat."""
    held = np.array([memory for _, memory in samples], dtype=float)
    quarter = max(len(held) // 4, 1)
    second, last = held[quarter : 2 * quarter], held[-quarter:]
    return float(last.mean() / second.mean() - 1) if len(second) else 0.0


def _section(samples: Sequence[tuple[float, int]], work: str) -> Section:
    shown = samples[:: max(len(samples) // _POINTS, 1)]
    most = max((memory for _, memory in samples), default=0)
    drawn = lines(
        {"": ([at for at, _ in shown], [memory / _MEGABYTE for _, memory in shown])}, "seconds", "memory of all processes, MiB"
    )
    markdown = (
        f"## Archive\n\n{work}\n\nThe most memory of all its processes is {most / _MEGABYTE:,.0f} MiB; in the last quarter of "
        f"the time it held {growth(samples):+.1%} compared with the second.\n{picture(PICTURE)}"
    )
    return Section("archive", markdown, {PICTURE: drawn})

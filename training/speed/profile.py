"""Where the time of one tagged article goes in the service, step by step, against what its bytes cost at the least."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from tagger.answers.page import page_object
from tagger.documents import Document
from tagger.extract.parts import read_parts
from tagger.registry import Release
from tagger.tags import tag_document, tag_page
from training.corpus import Example
from training.speed.clock import best_each, machine, one_core
from training.speed.limit import limiting_reader
from training.speed.page import Section, table
from training.speed.texts import articles, plain
from training.speed.traffic import copying, moved

_EVENTS = "cycles,instructions,cache-references,cache-misses"
Side = tuple[Callable[[Any], object], Sequence[Any]]


def profile(release: Release, models: Path, train: Sequence[Example], *, documents: int, rounds: int, misses: bool) -> Section:
    """Time each step of `POST /v1/tags` on articles of about 5 kB, without HTTP.

    misses: count what the caches of the processor miss too, with `perf`, which takes a quarter of a minute.
    """
    read = articles(train, documents)
    bodies = [json.dumps({"title": "", "body": plain(document)}, ensure_ascii=False).encode() for document in read]
    with one_core():
        microseconds = {name: 1e6 * seconds for name, seconds in best_each(_steps(release, bodies), rounds).items()}
    size = sum(map(len, bodies)) / len(bodies)
    whole, limit, tagging = microseconds.pop("whole"), microseconds.pop("limit"), microseconds.pop("tags")
    microseconds["tags and evidence"] = max(tagging - microseconds["pass"], 0.0)
    microseconds["between them"] = max(whole - sum(microseconds.values()), 0.0)
    rows = [[step, f"{spent:.1f}", f"{spent / whole:.0%}"] for step, spent in microseconds.items()]
    rows.append(["all of it", f"{whole:.1f}", "100%"])
    markdown = (
        f"## Profile\n\nOne article of {size:,.0f} bytes as JSON through the steps of `POST /v1/tags`, without HTTP; the mean "
        f"of {len(read)}, the best of {rounds} rounds each; {machine()}, one core.\n\n"
        + table(["step", "µs", "share"], rows)
        + f"\nAll of it reads {size / whole:,.1f} MB/s, the pass {size / microseconds['pass']:,.1f} MB/s, the limit (read, "
        f"fold, split, hash, called the same way) {size / limit:,.1f} MB/s: {limit:.1f} µs.\n"
        + _memory(release, read, microseconds["pass"], rounds)
        + (_cache_misses(models) if misses else "")
    )
    return Section("profile", markdown)


def _steps(release: Release, bodies: Sequence[bytes]) -> dict[str, Side]:
    """Return each step with what the one before it gives."""
    model, taxonomy, policy = release.model, release.taxonomy, release.policy
    records = [from_json(body) for body in bodies]
    pages = [read_parts(record) for record in records]
    documents = [page.documents[0] for page in pages]
    tagged = [tag_page(page, model, taxonomy, policy) for page in pages]
    pairs = list(zip(pages, tagged, strict=True))
    answers = [page_object(page, done, release) for page, done in pairs]
    limiting = limiting_reader(model)

    def whole(body: bytes) -> bytes:
        page = read_parts(from_json(body))
        return to_json(page_object(page, tag_page(page, model, taxonomy, policy), release))

    return {
        "read JSON": (from_json, bodies),
        "read parts": (read_parts, records),
        "pass": (model.encode, documents),
        "answer": (lambda pair: page_object(pair[0], pair[1], release), pairs),
        "answer as JSON": (to_json, answers),
        "tags": (lambda document: tag_document(document, model, taxonomy, policy), documents),
        "whole": (whole, bodies),
        "limit": (lambda document: limiting.decisions((document,)), documents),
    }


def repeat(release: Release, train: Sequence[Example], rounds: int) -> None:
    """Read articles again and again, for a counter that watches this process."""
    read = articles(train, 400)
    for _ in range(rounds):
        release.model.scores(read)


def _memory(release: Release, documents: Sequence[Document], spent: float, rounds: int) -> str:
    """Say what the pass moves, and how long as much takes if it is only copied: how far it is from the limit of the caches."""
    encoded = list(release.model.encode_all(documents))
    sizes = [moved(len(plain(document)), each) for document, each in zip(documents, encoded, strict=True)]
    with one_core():
        copied = 1e6 * copying(sizes, rounds)
    words = sum(each.words.words for each in encoded) / len(encoded)
    return (
        f"\nThe pass reads and writes {sum(sizes) / len(sizes) / 1024:,.0f} KiB for an article: its text, what each of its "
        f"{words:,.0f} words means, and the weights of its terms. NumPy copies as much within the cache in {copied:.1f} µs, "
        f"{copied / spent:.0%} of what the pass takes: the rest is work with words, {1000 * (spent - copied) / words:.0f} ns "
        "each.\n"
    )


def _cache_misses(models: Path) -> str:
    """Count the events of the pass, less those of starting, with `perf`; a sentence, which says where it cannot."""
    perf = shutil.which("perf")
    if perf is None:
        return "\n`perf` is not installed here: cache misses were not counted, and what is moved was reckoned.\n"
    few, many = (_events(perf, models, rounds) for rounds in (1, 41))
    if not few or not many:
        return (
            "\n`perf` may not count the processor's events here: cache misses were not counted, what is moved was reckoned.\n"
        )
    per = {name: (many[name] - few[name]) / (40 * 400) for name in many if name in few}
    counted = ", ".join(f"{count:,.0f} {name}" for name, count in per.items())
    return f"\nA document in a batch costs {counted} (`perf stat`).\n"


def _events(perf: str, models: Path, rounds: int) -> dict[str, float]:
    command = [perf, "stat", "-x", ",", "-e", f"{_EVENTS}:u".replace(",", ":u,"), sys.executable, "-m", "training.speed"]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--models", str(models), "repeat", str(rounds)], capture_output=True, text=True, check=False
    )
    fields = [line.split(",") for line in done.stderr.splitlines() if line.count(",") > 2]
    return {field[2].removesuffix(":u"): float(field[0]) for field in fields if field[0].replace(".", "").isdigit()}

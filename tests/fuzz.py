"""Feed random inputs to the readers until one is read wrongly, and say which: kept in a file, and made as small as it can be.

    python -m tests.fuzz --minutes 20 --seed 1 --reader all

Wrong is: any exception but a TaggerError, a passage that is no slice of the caller's text, more than 50 ms for 10 kB.
"""

import importlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import click

from tagger.documents import Document, Field, Page, Passage, joined
from tagger.errors import TaggerError
from tests.fuzz_inputs import a_feed, a_ninjs, a_record, a_text, an_html_page

# What an input may take: in proportion to its bytes, a short one as much as one of 10 kB.
ALLOWED_SECONDS, ALLOWED_BYTES = 0.050, 10_000
# An input that takes longer than this would never end: the longest, of a megabyte, may take 5 seconds.
HANGS_SECONDS = 60
MINIMISING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Reader:
    """A function by its full name, what makes its inputs, and the string in which the offsets of a field count."""

    function: str
    make: Callable[[Random], Any]
    text_of: Callable[[Any, Page, int, Field], str]

    @property
    def exists(self) -> bool:
        """Whether there is code that reads the format."""
        return find_spec(self.function.rpartition(".")[0]) is not None

    def read(self, content: Any) -> Page:
        """Read an input; a tuple holds several arguments."""
        return _named(self.function)(*(content if isinstance(content, tuple) else (content,)))


@cache
def _named(function: str) -> Callable[..., Page]:
    module, _, name = function.rpartition(".")
    found: Callable[..., Page] = getattr(importlib.import_module(module), name)
    return found


def _whole_page(content: str, page: Page, number: int, name: Field) -> str:  # noqa: ARG001
    return content


def _own_part(content: Mapping[str, Any], page: Page, number: int, name: Field) -> str:
    """Return the string of the record that a field was read from: its article is left out where it has no text."""
    others = [*content.get("related", []), *content.get("posts", [])]
    records = [content, *others][len(others) + 1 - len(page.documents) :]
    return str(records[number].get(name) or "")


def _answered_part(content: object, page: Page, number: int, name: Field) -> str:  # noqa: ARG001
    return joined(dict(page.documents[number].fields())[name])


READERS: dict[str, Reader] = {
    "page": Reader("tagger.extract.page.read_page", a_text, _whole_page),
    "parts": Reader("tagger.extract.parts.read_parts", a_record, _own_part),
    "html": Reader("tagger.extract.html.read_html", an_html_page, _answered_part),
    "feed": Reader("tagger.extract.feeds.read_feed", a_feed, _answered_part),
    "ninjs": Reader("tagger.extract.ninjs.read_ninjs", a_ninjs, _answered_part),
}


class HangsError(BaseException):
    """Reading does not end; no `except Exception` of a reader may catch it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an input was read: what is wrong (None: nothing), and the time taken as a share of what is allowed."""

    problem: str | None
    share: float = 0.0


def judge(reader: Reader, content: Any, *, timed: bool) -> Verdict:
    """Read an input and say what is wrong. One that is slow is read twice more, and its best time counts."""
    problem, seconds = _read(reader, content, timed=timed)
    if problem or not timed or seconds < ALLOWED_SECONDS / 10:
        return Verdict(problem)
    allowed = ALLOWED_SECONDS * max(1, size_of(content) / ALLOWED_BYTES)
    if seconds > allowed:
        seconds = min(seconds, *(_read(reader, content, timed=True)[1] for _ in range(2)))
    slow = f"slow: {seconds * 1000:.0f} ms for {size_of(content):,} bytes" if seconds > allowed else None
    return Verdict(slow, seconds / allowed)


def _read(reader: Reader, content: Any, *, timed: bool) -> tuple[str | None, float]:
    """Return what is wrong with the answer to an input, and the seconds of this thread that it took."""
    started = time.thread_time()
    signal.alarm(HANGS_SECONDS if timed else 0)
    try:
        page = reader.read(content)
    except TaggerError:
        return None, time.thread_time() - started
    except HangsError:
        return f"hangs: no answer within {HANGS_SECONDS} s", HANGS_SECONDS
    except Exception as error:  # whatever it is, it is what we look for
        return f"{type(error).__name__}: {error}", 0.0
    finally:
        signal.alarm(0)
    seconds = time.thread_time() - started
    return next(_misplaced(reader, content, page), None), seconds


def _misplaced(reader: Reader, content: Any, page: Page) -> Iterator[str]:
    for number, document in enumerate(page.documents):
        for name, passages in document.fields():
            text = reader.text_of(content, page, number, name) if passages else ""
            for passage in passages:
                there = text[passage.start : passage.end]
                if not passage.text or there != passage.text:
                    yield f"offset: {name} of document {number} has {passage} where {there!r} stands"
            if any(after.start < before.end for before, after in pairwise(passages)):
                yield f"overlap: {name} of document {number} has a character twice"
        yield from _outside(document)


def _outside(document: Document) -> Iterator[str]:
    passages: list[Passage] = [passage for _, text in document.fields() for passage in text]
    if document.span and not all(document.span[0] <= p.start and p.end <= document.span[1] for p in passages):
        yield f"span: {document.span} does not hold every passage"


def size_of(content: Any) -> int:
    """Return the bytes of an input as a caller would send it."""
    if isinstance(content, tuple):
        return size_of(content[0])
    if isinstance(content, bytes):
        return len(content)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass"))


def smaller(content: Any) -> Iterator[Any]:
    """Yield an input with less in it: without a half, without a quarter, … without one character, item or key."""
    if isinstance(content, tuple):
        yield from ((less, *content[1:]) for less in smaller(content[0]))
    elif isinstance(content, dict):
        yield from ({key: content[key] for key in content if key != left_out} for left_out in content)
        yield from ({**content, key: less} for key in content for less in smaller(content[key]))
    elif isinstance(content, str | bytes | list):
        for length in _halves(len(content)):
            yield from (content[:at] + content[at + length :] for at in range(0, len(content), length))
    if isinstance(content, list):
        yield from ([*content[:n], less, *content[n + 1 :]] for n, item in enumerate(content) for less in smaller(item))


def _halves(length: int) -> Iterator[int]:
    while length > 1:
        length = (length + 1) // 2
        yield length
    yield 1


def minimised(content: Any, fails: Callable[[Any], bool], seconds: float = MINIMISING_SECONDS) -> Any:
    """Return an input that still fails though nothing can be left out, or as far as it came in the time."""
    end = time.monotonic() + seconds
    found: Any = content
    while found is not None and time.monotonic() < end:
        content = found
        found = next((less for less in smaller(content) if time.monotonic() > end or fails(less)), None)
    return content


def an_input(reader: Reader, seed: int, number: int) -> Any:
    """Return the input of this number: always the same for the same seed."""
    return reader.make(Random(seed * 1_000_000_000 + number))  # noqa: S311 - chance, not secrets


def _kind(problem: str | None) -> str:
    return (problem or "").split(":")[0]


def _keep(content: Any, path: Path) -> Path:
    data = content[0] if isinstance(content, tuple) else content
    path = path.with_suffix(".bin" if isinstance(data, bytes) else ".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    return path


def report(name: str, content: Any, problem: str, path: Path) -> str:
    """Keep an input that is read wrongly and the least of it that is, and return what to tell."""
    kept = _keep(content, path)
    least = minimised(content, lambda less: _kind(judge(READERS[name], less, timed=True).problem) == _kind(problem))
    small = _keep(least, path.with_name(f"{path.name}-small"))
    return f"{name}: {problem[:500]}\n  kept in {kept}\n  least in {small}: {least!r:.500}"


def _hangs(*_: object) -> None:
    raise HangsError


def _search(names: Sequence[str], seed: int, seconds: float, folder: Path) -> str | None:
    """Try inputs for a time and print how many; return what went wrong with the first that is read wrongly, if any is."""
    started, worst, number = time.monotonic(), 0.0, 0
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=int(seconds), file=sys.stderr, item_show_func=lambda told: told, hidden=hidden) as bar:
        for number in count():
            name = names[number % len(names)]
            content = an_input(READERS[name], seed, number)
            verdict = judge(READERS[name], content, timed=True)
            worst = max(worst, verdict.share)
            if verdict.problem:
                return report(name, content, verdict.problem, folder / f"{name}-{seed}-{number}")
            passed = time.monotonic() - started
            if passed > bar.pos + 1:
                bar.update(int(passed) - bar.pos, f"{number / passed:,.0f}/s, the slowest took {worst:.0%} of what is allowed")
            if passed > seconds:
                break
    click.echo(
        f"{number + 1:,} inputs ({number / passed:,.0f}/s) of {', '.join(names)}; the slowest took {worst:.0%} of its time"
    )
    return None


@click.command(help=__doc__)
@click.option("--minutes", default=1.0, help="How long to look.")
@click.option("--seed", default=1, help="The same seed gives the same inputs.")
@click.option("--reader", type=click.Choice([*READERS, "all"]), default="all", help="Which format, of those there are.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(".reports/fuzz"), help="Where to keep what is found.")
def main(minutes: float, seed: int, reader: str, folder: Path) -> None:
    """Look for an input that is read wrongly; exit status 1 if there is one."""
    names = [name for name, known in READERS.items() if known.exists and reader in {name, "all"}]
    if not names:
        raise click.ClickException(f"There is no reader for {reader} yet.")
    signal.signal(signal.SIGALRM, _hangs)
    problem = _search(names, seed, minutes * 60, folder)
    if problem:
        click.echo(problem)
        sys.exit(1)


if __name__ == "__main__":
    main()

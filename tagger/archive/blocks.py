"""A stream of JSON lines -> blocks of whole lines -> blocks of answers, and how both cross a pipe between processes.

A block is what is tagged at a time: large enough to share costs, small enough to be answered in some ten milliseconds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from select import select
from typing import IO, Any

from pydantic_core import from_json, to_json

from tagger.answers.page import answer_lines
from tagger.registry import Release

SIZE = 1 << 17
# Fewer bytes than this are a person or a program that waits for its answer; more are waited for, in seconds, to fill a block.
SMALL = 1 << 14
_PATIENCE = 0.01


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as they came; `first` is the number of the first of them."""

    first: int
    lines: bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to a block, a line of JSON each, and the errors among them: number of the line, sentence.

    read: how many bytes they answer.
    """

    lines: bytes
    count: int
    errors: tuple[tuple[int, str], ...]
    read: int


def read_blocks(stream: FileIO) -> Iterator[Block]:
    """Read the lines of a raw stream as they come: a block is full, or ends where there is nothing more to read yet."""
    first, parts, size, whole = 1, list[bytes](), 0, False
    while piece := stream.read(SIZE):
        parts.append(piece)
        size += len(piece)
        whole = whole or b"\n" in piece
        if whole and (size >= SIZE or not is_ready(stream, _PATIENCE if size >= SMALL else 0)):
            text = b"".join(parts)
            end = text.rindex(b"\n") + 1
            yield Block(first, text[:end])
            first += text.count(b"\n")
            parts, size, whole = [text[end:]], len(text) - end, False
    if size:
        yield Block(first, b"".join(parts))


def is_ready(stream: FileIO, seconds: float = 0) -> bool:
    """Tell whether a stream has something to read, or its end, within some time."""
    return bool(select([stream], [], [], seconds)[0])


def answer_block(block: Block, release: Release, *, evidence: bool) -> Answers:
    """Tag the documents of a block; blank lines are passed over, a bad line gets its error in its place."""
    numbered = ((number, line) for number, line in enumerate(block.lines.split(b"\n"), start=block.first) if line.strip())
    lines: list[bytes] = []
    errors: list[tuple[int, str]] = []
    for answer, document in answer_lines(numbered, release, evidence=evidence):
        lines.append(to_json(answer))
        if document is None:
            errors.append((answer["line"], answer["error"]))  # type: ignore[typeddict-item]
    return Answers(b"".join(line + b"\n" for line in lines), len(lines), tuple(errors), len(block.lines))


def send(stream: IO[bytes], facts: Mapping[str, Any], content: bytes) -> None:
    """Write facts, on a line of JSON, and so many bytes."""
    stream.write(to_json({**facts, "size": len(content)}) + b"\n")
    stream.write(content)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    """Read what `send` wrote.

    Raises:
        EOFError: the other side is gone, perhaps in the middle.
    """
    header = stream.readline()
    if not header.endswith(b"\n"):
        raise EOFError
    facts = from_json(header)
    size = facts.pop("size")
    content = stream.read(size)
    if len(content) < size:
        raise EOFError
    return facts, content

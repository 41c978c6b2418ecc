"""Append-only files of JSON lines: what was written whole stays, a line that a crash cut off counts as not written."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tagger.registry import sync_folder


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records that can be read, oldest first; none where there is no file. Others are passed over."""
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield record


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Write one line and have the disk confirm it; what a crash left of another line is cut off first.

    The caller holds a lock: two writers at once would cut off each other's lines.
    """
    new = not path.exists()
    with path.open("ab+") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write((json.dumps(record, ensure_ascii=False) + "\n").encode())
        file.flush()
        os.fsync(file.fileno())
    if new:
        sync_folder(path.parent)


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

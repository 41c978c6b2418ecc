"""How far an archive is: a bar on the terminal's standard error, with lines a second and the time that remains."""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import count
from time import monotonic
from typing import Any

import click

from tagger.archive.blocks import Answers


class Progress:
    """Told of answers, draws; where nobody looks, or the answers themselves go to the terminal, it draws nothing."""

    def __init__(self, size: int | None) -> None:
        """size: how many bytes are to be answered, where that is known."""
        self.hidden = not sys.stderr.isatty() or sys.stdout.isatty()
        steps: Iterable[Any] = count() if size is None else range(size)
        self.bar = click.progressbar(
            steps,
            file=sys.stderr,
            hidden=self.hidden,
            show_percent=size is not None,
            item_show_func=lambda shown: shown,
        )
        self._started = monotonic()
        self._lines = 0

    def add(self, answers: Answers) -> None:
        """Draw what was done."""
        self._lines += answers.count
        self.bar.update(answers.read, f"{self._lines / max(monotonic() - self._started, 1e-9):,.0f} lines/s")

    def clear(self) -> None:
        """Make room for a sentence on standard error."""
        if not self.hidden:
            click.echo("\r\x1b[2K", nl=False, err=True)


@contextmanager
def progress(stream: FileIO) -> Iterator[Progress]:
    """Show how much of a stream is answered."""
    about = os.fstat(stream.fileno())
    shown = Progress(about.st_size if stat.S_ISREG(about.st_mode) else None)
    with shown.bar:
        yield shown

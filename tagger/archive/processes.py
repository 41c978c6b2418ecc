"""Archives of JSON lines -> their answers, in order, in constant memory, from as many processes as there are cores.

What is small or comes slowly is answered by this process alone, at once. Knows neither the command line nor HTTP.
"""

import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import FileIO
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import IO

from tagger.archive.blocks import SMALL, Answers, Block, answer_block, is_ready, read_blocks, receive, send
from tagger.errors import TaggerError
from tagger.registry import Release
from tagger.settings import ROOT

# So many bytes, some thousand headlines, are tagged sooner than other processes are there (0.7 s, most of it imports).
ALONE = 1 << 20
# Blocks for each process: one that it tags, one that waits, so that it need not.
IN_FLIGHT = 2


class WorkerDiedError(TaggerError):
    """A process that tags ended before it had answered."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class Archive:
    """Answers streams of lines with a release, which other processes load from `models`; to be closed, as a context.

    jobs: how many processes tag, at least 1. Each other process has a thread here, which hands it blocks and waits for it.
    """

    def __init__(self, release: Release, models: Path, *, evidence: bool = True, jobs: int | None = None) -> None:
        self._release = release
        self._models = models
        self._evidence = evidence
        self._jobs = jobs or cores()
        self._alone = 0
        self._threads = ThreadPoolExecutor(self._jobs, "archive")
        self._workers: list[_Worker] = []
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._starting: list[Future[None]] = []

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def pids(self) -> tuple[int, ...]:
        """The other processes; none are started for little."""
        return tuple(worker.process.pid for worker in self._workers)

    @property
    def ready(self) -> int:
        """How many other processes can be asked now; they start while this one tags.

        Raises:
            WorkerDiedError: one could not start.
        """
        started = [future for future in self._starting if future.done()]
        for future in started:
            future.result()
        return len(started)

    def answers(self, stream: FileIO) -> Iterator[Answers]:
        """Yield the answers to the lines of a raw stream, in order, each before this waits for more lines.

        Raises:
            WorkerDiedError: a process was killed, or could not start; all that was yielded is right.
        """
        pending: deque[Future[Answers]] = deque()
        for block in read_blocks(stream):
            ready = self.ready
            if not ready or (not pending and len(block.lines) < SMALL):
                yield self._answer_here(block)
            else:
                pending.append(self._threads.submit(self._ask, block))
            while pending and (len(pending) >= IN_FLIGHT * ready or not is_ready(stream)):
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def close(self) -> None:
        """End the other processes, whatever they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.process.kill()
        self._threads.shutdown()
        for worker in self._workers:
            worker.end()

    def _answer_here(self, block: Block) -> Answers:
        self._alone += len(block.lines)
        if self._alone > ALONE and self._jobs > 1 and not self._workers:
            self._start()
        return answer_block(block, self._release, evidence=self._evidence)

    def _start(self) -> None:
        for _ in range(self._jobs):
            worker = _Worker(self._models, self._release.name, evidence=self._evidence)
            self._workers.append(worker)
            self._starting.append(self._threads.submit(self._greet, worker))

    def _greet(self, worker: "_Worker") -> None:
        worker.greet()
        self._idle.put(worker)

    def _ask(self, block: Block) -> Answers:
        worker = self._idle.get()
        try:
            return worker.ask(block)
        finally:
            self._idle.put(worker)  # a dead one too: whoever asks it hears of it, and nobody waits for ever


class _Worker:
    """Another process, `worker`. A group of its own keeps Ctrl-C from it: this process hears that, and ends it."""

    def __init__(self, models: Path, release: str, *, evidence: bool) -> None:
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        # -P: nothing in the folder where the caller stands is taken for a module.
        command = [sys.executable, "-P", "-m", "tagger.archive.worker", str(models), release, str(evidence)]
        self.process = subprocess.Popen(  # noqa: S603 - ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            process_group=0,
        )
        self._in: IO[bytes] = self.process.stdin  # type: ignore[assignment]
        self._out: IO[bytes] = self.process.stdout  # type: ignore[assignment]

    def greet(self) -> None:
        """Wait until it can be asked."""
        try:
            receive(self._out)
        except EOFError as error:
            raise self._died("before it could tag") from error

    def ask(self, block: Block) -> Answers:
        """Have it answer a block."""
        try:
            send(self._in, {"first": block.first}, block.lines)
            facts, lines = receive(self._out)
        except (EOFError, BrokenPipeError) as error:
            raise self._died(f"at line {block.first} or one of the next") from error
        return Answers(lines, facts["count"], tuple((number, said) for number, said in facts["errors"]), len(block.lines))

    def end(self) -> None:
        """Wait for its end, after it was killed."""
        self.process.wait()
        self._out.close()
        with suppress(BrokenPipeError):  # of what it did not read any more
            self._in.close()

    def _died(self, when: str) -> WorkerDiedError:
        status = self.process.wait()
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return WorkerDiedError(
            f"A process that tags {how}, {when}: the answers stop there. Where memory is short, ask for fewer with --jobs."
        )

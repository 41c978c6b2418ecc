"""A process that tags blocks for `processes`: they come on standard input, their answers go to standard output.

    python -m tagger.archive.worker MODELS RELEASE EVIDENCE

It ends when whoever started it does: its standard input is closed then.
"""

import gc
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tagger.archive.blocks import Block, answer_block, receive, send
from tagger.registry import load_release


def work(models: Path, name: str, *, evidence: bool) -> None:
    """Load a release, say so, and answer until there is nothing more."""
    release = load_release(models, name)
    gc.freeze()  # what is loaded stays: it need not be walked again and again
    send(sys.stdout.buffer, {}, b"")
    with suppress(EOFError):
        while True:
            facts, lines = receive(sys.stdin.buffer)
            answers = answer_block(Block(facts["first"], lines), release, evidence=evidence)
            send(sys.stdout.buffer, {"count": answers.count, "errors": answers.errors}, answers.lines)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # nobody is there to hear that nobody listens
    work(Path(sys.argv[1]), sys.argv[2], evidence=sys.argv[3] == "True")

"""Kill -9 a process at random points of its work, many times, and check after each what it left: run by test_faults.py.

    python -m tests.killing training|promotion|reviews|keys FOLDER TIMES SEED

The work runs in a forked child, so that what takes long to import is imported once. The child says in a pipe what it was told
is done (acknowledged); the parent kills it at a random moment and looks at the folder as another process does. Prints a count.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tagger.access.keyring import Keyring
from tagger.access.keys import add_key, read_keys
from tagger.gazetteer import read_gazetteer
from tagger.promotions import champion_name, locked, promote, prune, read_log, release_names, standing
from tagger.registry import load_release
from tagger.reviews.review import Review
from tagger.reviews.store import ReviewStore
from tagger.taxonomy import read_taxonomy
from training.corpus import read_examples
from training.release import make_release
from training.retrain import Sources, Syllabus, retrain

DATA = Path(__file__).parent / "data"
Say = Callable[[str], None]


def killed(work: Callable[[Say], None], seconds: float | None) -> Iterator[str]:
    """Fork, work, kill after `seconds` (None: never; or when it ends before), and yield what was acknowledged."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            work(lambda line: os.write(writer, f"{line}\n".encode()) and None)
        finally:
            os._exit(0)
    os.close(writer)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as said:
        yield from (line.decode().strip() for line in said.read().split(b"\n")[:-1])


def syllabus() -> Syllabus:
    """Return the toy topics and names."""
    taxonomy = read_taxonomy((DATA / "toy-taxonomy.json").read_text(encoding="utf-8"))
    return Syllabus(taxonomy, read_gazetteer((DATA / "toy-gazetteer.tsv").read_text(encoding="utf-8")))


def check_models(models: Path) -> None:
    """The champion can be served, what is half-written has no name of a release, and nobody is locked out."""
    for name in release_names(models):
        load_release(models, name)
    if standing(models).champion:
        load_release(models, champion_name(models))
    with locked(models, wait=False), locked(models, ".training", wait=False):
        pass


def training(models: Path, times: int, chance: random.Random) -> None:
    """Each training has data of another day, so that each writes a release of its own."""
    asked = syllabus()
    sources = Sources(read_examples([DATA / "toy.jsonl"], asked.taxonomy), "0" * 64)

    def train(day: int) -> Callable[[Say], None]:
        def work(say: Say) -> None:
            outcome = retrain(sources, asked, models=models, utc=f"20250101T{day:06}Z", why="killed", dry_run=False)
            say(outcome.name)

        return work

    started = time.monotonic()
    assert list(killed(train(0), None)), "a training that nobody kills ends well"
    whole = time.monotonic() - started
    finished = 0
    for day in range(1, times + 1):
        said = list(killed(train(day), chance.uniform(0, 1.15 * whole)))
        check_models(models)
        if said:
            finished += 1
            assert standing(models).champion == said[0], "an acknowledged release is not the champion"
        prune(models, keep=1)
        assert not list(models.glob(".new-*")), "half-written folders stay"
    print(json.dumps({"kills": times, "finished before": finished}))


def promotion(models: Path, times: int, chance: random.Random) -> None:
    """Promote two releases in turn as fast as it goes."""
    asked = syllabus()
    examples = read_examples([DATA / "toy.jsonl"], asked.taxonomy)
    names = [
        make_release(examples, asked.taxonomy, asked.gazetteer, models=models, utc=f"2025010{n}T000000Z", digest="")[0]
        for n in (1, 2)
    ]
    promote(models, names[0], why="first")

    def work(say: Say) -> None:
        while True:
            for name in names:
                if promote(models, name, why="turn"):
                    say(name)

    acknowledged = 0
    for _ in range(times):
        before = len(read_log(models))
        said = list(killed(work, chance.uniform(0, 0.3)))
        check_models(models)
        written = [event.release for event in read_log(models)[before:]]
        assert written[: len(said)] == said, "an acknowledged promotion is lost"
        assert len(written) <= len(said) + 1, "promotions that nobody asked for"
        acknowledged += len(said)
    print(json.dumps({"kills": times, "acknowledged": acknowledged}))


def reviews(folder: Path, times: int, chance: random.Random) -> None:
    """Store reviews one by one and in batches."""
    url = f"sqlite:///{folder / 'reviews.db'}"
    ReviewStore(url).migrate()

    def review(key: str) -> Review:
        return Review(
            key, {"body": f"Texte {key}"}, "20250101T000000Z-00000000", ("velo",), (), (), "ada", "2025-01-01T00:00:00Z"
        )

    def work(turn: int) -> Callable[[Say], None]:
        def write(say: Say) -> None:
            store = ReviewStore(url)
            for n in range(1_000_000):
                if n % 3:
                    store.add(review(f"{turn}-{n}"))
                    say(f"{turn}-{n}")
                else:
                    batch = [f"{turn}-{n}-{part}" for part in range(5)]
                    store.add_all([review(key) for key in batch])
                    for key in batch:
                        say(key)

        return write

    acknowledged: set[str] = set()
    for turn in range(times):
        acknowledged |= set(killed(work(turn), chance.uniform(0, 0.35)))
        store = ReviewStore(url)
        stored, after = set(), 0
        while page := store.reviews(after=after, limit=1000):
            stored |= {found.review.key for found in page}
            after = page[-1].number
        store.close()
        assert acknowledged <= stored, f"lost: {sorted(acknowledged - stored)[:5]}"
    print(json.dumps({"kills": times, "acknowledged": len(acknowledged), "lost": 0}))


def keys(folder: Path, times: int, chance: random.Random) -> None:
    """Add keys one by one."""
    path = folder / "keys.jsonl"
    acknowledged: list[str] = []

    def work(turn: int) -> Callable[[Say], None]:
        def add(say: Say) -> None:
            for n in range(1_000_000):
                say(add_key(path, f"client {turn}-{n}", ["tag"]).token)

        return add

    for turn in range(times):
        before = len(read_keys(path))
        said = list(killed(work(turn), chance.uniform(0, 0.1)))
        acknowledged += said
        assert len(said) <= len(read_keys(path)) - before <= len(said) + 1, "keys are lost, or half there"
        keyring = Keyring(path)
        for token in acknowledged:
            keyring.identify(token)
        assert keyring.problem is None
        with locked(folder, ".keys.jsonl.lock", wait=False):
            pass
    assert path.stat().st_mode & 0o777 == 0o600
    print(json.dumps({"kills": times, "acknowledged": len(acknowledged)}))


if __name__ == "__main__":
    kind, folder, number, seed = sys.argv[1:]
    chance = random.Random(int(seed))  # noqa: S311 - chance, not secrets
    {"training": training, "promotion": promotion, "reviews": reviews, "keys": keys}[kind](Path(folder), int(number), chance)

"""Which release serves, and how that came about: one append-only log, `models/promotions.jsonl`, is the only truth.

A line is an event: what, which release, which one before it, when, by whom, why, learnt from what. The champion is the release
of the last promotion or rollback.
"""

import contextlib
import fcntl
import getpass
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from tagger.errors import NoReleaseError, TaggerError
from tagger.ledger import append_line, now, read_lines
from tagger.registry import Release, is_release_name, load_release

LOG = "promotions.jsonl"
_LOCK = ".lock"
Kind = Literal["promoted", "rolled back", "rejected"]


class BusyError(TaggerError):
    """Another process holds the lock of the models folder."""


class NoPreviousReleaseError(TaggerError):
    """There is no release to go back to."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a release; `previous` is the champion before it, `corpus` the digest of what it learnt from."""

    kind: Kind
    release: str
    previous: str | None
    time: str
    by: str
    why: str
    corpus: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who serves, who did before, and the newest release that was refused since."""

    champion: str | None = None
    previous: str | None = None
    challenger: str | None = None


def read_log(models: Path) -> list[Event]:
    """Return the events that can be read, oldest first; none where there is no log."""
    return [event for record in read_lines(models / LOG) if (event := _event(record))]


def _event(record: Mapping[str, Any]) -> Event | None:
    try:
        event = Event(**{field.name: record[field.name] for field in fields(Event)})
    except KeyError:
        return None
    previous = event.previous is None or is_release_name(event.previous)
    return event if event.kind in get_args(Kind) and previous and is_release_name(event.release) else None


def standing(models: Path) -> Standing:
    """Return who serves, as the log tells."""
    now = Standing()
    for event in read_log(models):
        if event.kind == "rejected":
            now = Standing(now.champion, now.previous, event.release)
        else:
            now = Standing(event.release, event.previous)
    return now


def champion_name(models: Path) -> str:
    """Return the name of the release to serve.

    Raises:
        NoReleaseError: none was ever promoted in this folder.
    """
    name = standing(models).champion
    if name is None:
        raise NoReleaseError(f"No release: {models / LOG} names none. Run `make train`, or set TAGGER_MODELS.")
    return name


def load_champion(models: Path) -> Release:
    """Load and check the release to serve.

    Raises:
        NoReleaseError, DamagedReleaseError: as `champion_name` and `load_release`.
    """
    return load_release(models, champion_name(models))


def promote(models: Path, name: str, *, why: str, by: str | None = None) -> bool:
    """Make a release the champion, after loading it as the service will; return False where it is already.

    Raises:
        NoReleaseError, DamagedReleaseError: as `load_release`; nothing has changed then.
    """
    with locked(models):
        release = load_release(models, name)
        champion = standing(models).champion
        if champion == name:
            return False
        _append(models, Event("promoted", name, champion, now(), by or user(), why, release.corpus))
    return True


def reject(models: Path, name: str, *, why: str, by: str | None = None) -> None:
    """Note that a release was refused: it stands as challenger until the next promotion."""
    with locked(models):
        _append(models, Event("rejected", name, standing(models).champion, now(), by or user(), why))


def rollback(models: Path, *, why: str, by: str | None = None) -> str:
    """Make the previous champion serve again, and return its name. Rolling back twice returns to where one was.

    Raises:
        NoPreviousReleaseError: the champion is the first one, or the one before it is no longer there.
        DamagedReleaseError: the previous release cannot be used.
    """
    with locked(models):
        now_serving = standing(models)
        if now_serving.previous is None or not (models / now_serving.previous).is_dir():
            gone = f"{now_serving.previous} was pruned" if now_serving.previous else "no other release has served before it"
            raise NoPreviousReleaseError(f"There is nothing to go back to from {now_serving.champion}: {gone}.")
        release = load_release(models, now_serving.previous)
        event = Event("rolled back", release.name, now_serving.champion, now(), by or user(), why, release.corpus)
        _append(models, event)
    return release.name


def release_names(models: Path) -> list[str]:
    """Return the names of the release folders, oldest first."""
    return sorted(path.name for path in models.iterdir() if is_release_name(path.name)) if models.is_dir() else []


def prune(models: Path, keep: int) -> list[str]:
    """Remove all but the newest `keep` releases, sparing champion, previous and challenger; return what was removed.

    Folders that a killed training or pruning left half-written go as well.
    """
    with locked(models):
        stands, names = standing(models), release_names(models)
        spared = {stands.champion, stands.previous, stands.challenger, *names[len(names) - min(keep, len(names)) :]}
        removed = [name for name in names if name not in spared]
        for name in removed:
            (models / name).rename(models / f".old-{name}")
        for leftover in [*models.glob(".old-*"), *models.glob(".new-*")]:
            shutil.rmtree(leftover, ignore_errors=True)
    return removed


@contextlib.contextmanager
def locked(models: Path, name: str = _LOCK, *, wait: bool = True) -> Iterator[None]:
    """Hold the folder's lock; the kernel lets go of it when the process ends, however it ends.

    Raises:
        BusyError: another process holds it and `wait` is False.
    """
    models.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(models / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip()
            raise BusyError(f"{models / name} is held by {holder or 'another process'}: wait until it has ended.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} of {user()} since {now()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _append(models: Path, event: Event) -> None:
    append_line(models / LOG, asdict(event))


def user() -> str:
    """Return who runs this process; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

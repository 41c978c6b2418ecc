"""Settings -> what a service with them would meet on this machine: its releases, store, keys, port, memory and clock.

Looks, and changes nothing. Prints nothing.
"""

import errno
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from tagger.access.keyring import Keyring
from tagger.access.keys import read_keys
from tagger.errors import DamagedKeysError, StoreUnavailableError, TaggerError
from tagger.promotions import load_champion, read_log
from tagger.reviews.store import ReviewStore
from tagger.setting_values import is_public
from tagger.settings import Settings, problems
from tagger.shared import MEMORY, memory

Verdict = Literal["ok", "warning", "problem"]

_STATES = {
    "new": "is empty: its tables are made when the service starts",
    "older": "is from an older tagger: it is migrated when the service starts",
    "current": "answers, and its tables are up to date",
}
_LEAST_MEMORY = 16 * 2**20
_CLOCK_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in a sentence; with a `problem` the service will not do its work."""

    check: str
    verdict: Verdict
    sentence: str


def findings(settings: Settings) -> list[Finding]:
    """Run every check, in the order in which somebody would mend what they find."""
    checks = (_models, _champion, _reviews, _keys, _public, _memory, _port, _clock)
    return [finding for check in checks for finding in check(settings)]


def _models(settings: Settings) -> Iterator[Finding]:
    folder = settings.models
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        yield Finding(
            "models", "problem", f"{folder} is no folder that can be read: set TAGGER_MODELS to that of the releases."
        )
    elif not os.access(folder, os.W_OK):
        yield Finding(
            "models", "warning", f"{folder} cannot be written to: nothing can be trained, promoted or rolled back in it."
        )
    else:
        yield Finding("models", "ok", f"{folder} can be read and written.")


def _champion(settings: Settings) -> Iterator[Finding]:
    try:
        release = load_champion(settings.models)
    except (TaggerError, OSError) as error:
        yield Finding("champion", "problem", str(error))
    else:
        yield Finding("champion", "ok", f"{release.name} is whole and answers as when it was made.")


def _reviews(settings: Settings) -> Iterator[Finding]:
    try:
        with closing(ReviewStore(settings.reviews, wait_seconds=2)) as store:
            yield Finding("reviews", "ok", f"The review store {_STATES[store.state()]}.")
    except StoreUnavailableError as error:
        yield Finding("reviews", "problem", str(error))


def _keys(settings: Settings) -> Iterator[Finding]:
    file = settings.keys
    try:
        keys, mode = read_keys(file), file.stat().st_mode if file.exists() else 0
    except (DamagedKeysError, OSError) as error:
        yield Finding("keys", "problem", f"{error} Until then nobody is let in.")
        return
    if mode & 0o022:
        yield Finding("keys", "problem", f"Others may write to {file}, and so let themselves in: run chmod 600 {file}.")
    elif mode & 0o004:
        yield Finding("keys", "warning", f"Everybody on this machine may read {file}: run chmod 600 {file}.")
    live = sum(key.live for key in keys)
    if keys and not live:
        yield Finding(
            "keys", "warning", "Every key is revoked, and no request is let in: run `tagger keys add NAME --scope tag`."
        )
    else:
        said = f"{live} of {len(keys)} keys are live." if keys else "There is no API key, so that requests need none."
        yield Finding("keys", "ok", said)


def _public(settings: Settings) -> Iterator[Finding]:
    required = Keyring(settings.keys).required
    refused = problems(settings, keys_required=required)
    yield from (Finding("address", "problem", sentence) for sentence in refused)
    if not refused and is_public(settings.host) and not required:
        sentence = f"Whoever reaches {settings.bind} may use the service, without a key: TAGGER_KEYLESS says so."
        yield Finding("address", "warning", sentence)
    elif not refused:
        reach = "Other machines can reach it, with a key." if is_public(settings.host) else "Only this machine can reach it."
        yield Finding("address", "ok", f"The service listens on {settings.bind}. {reach}")


def _memory(settings: Settings) -> Iterator[Finding]:
    folder = settings.shared or memory()
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Finding(
            "memory", "problem", f"The workers cannot share anything in {folder} ({error.strerror}): make it writable."
        )
        return
    if free < _LEAST_MEMORY:
        yield Finding(
            "memory", "warning", f"{folder} has only {free // 2**20} MiB left: free some, or give the container more."
        )
    elif settings.shared is None and folder != MEMORY:
        sentence = f"{MEMORY} cannot be used: the workers share through {folder}, which may be on a disk."
        yield Finding("memory", "warning", sentence)
    else:
        yield Finding("memory", "ok", f"The workers can share what they count in {folder}.")


def _port(settings: Settings) -> Iterator[Finding]:
    where = settings.bind
    try:
        _bind(settings.host, settings.port)
    except socket.gaierror:
        yield Finding(
            "port", "problem", f"Nobody knows the name {settings.host}: set TAGGER_HOST to an address of this machine."
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield Finding("port", "warning", f"{where} is taken, which is right if the service runs: else choose another PORT.")
        else:
            advice = "choose another PORT, or set TAGGER_HOST to an address of this machine"
            yield Finding("port", "problem", f"The service cannot listen on {where} ({error.strerror}): {advice}.")
    else:
        yield Finding("port", "ok", f"{where} is free.")


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        probe.bind(address)


def _clock(settings: Settings) -> Iterator[Finding]:
    """Compare with what must have been earlier: this file, and the newest line of the promotions log."""
    earlier = [Path(__file__).stat().st_mtime, *_promotion_times(settings.models)]
    behind = max(earlier) - time.time()
    if behind > _CLOCK_SECONDS:
        said = f"The clock is at least {behind / 3600:.1f} hours behind: set it, or reviews and logs get wrong times."
        yield Finding("clock", "warning", said)
    else:
        yield Finding("clock", "ok", "The clock is later than all that was done here before.")


def _promotion_times(models: Path) -> Iterator[float]:
    for event in read_log(models):
        try:
            yield datetime.fromisoformat(event.time).timestamp()
        except ValueError:
            continue

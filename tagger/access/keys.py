"""Who may use the service: API keys in an append-only file of JSON lines, added and revoked; in: events, out: keys.

A token is shown once, when its key is added; the file keeps the SHA-256 of its secret. Knows nothing of requests.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, TypeAdapter

from tagger.errors import DamagedKeysError, MissingScopeError, TaggerError
from tagger.ledger import append_line, now
from tagger.promotions import locked, user
from tagger.registry import sync_folder

FILE = "keys.jsonl"
Scope = Literal["tag", "review", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
# One in use and one that replaces it: enough to rotate without a pause, and a forgotten key is noticed at the next rotation.
MOST_LIVE = 2
# Fixed prefix, fixed lengths, hexadecimal digits: a secret scanner finds it, a double click takes the whole of it.
TOKEN = re.compile(r"tagger_([0-9a-f]{12})_([0-9a-f]{64})")
_ID = re.compile(r"[0-9a-f]{12}")
_LONGEST_NAME, _LONGEST_REASON = 60, 200


class KeyRefusedError(TaggerError):
    """A key cannot be added or revoked; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Key:
    """A client's key and what became of it; times are ISO 8601 in UTC, `digest` is the SHA-256 of its secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    added: str
    by: str
    digest: bytes = field(repr=False)
    revoked: str | None = None
    revoked_by: str | None = None
    why: str = ""

    @property
    def live(self) -> bool:
        """Whether it still opens the service."""
        return self.revoked is None

    def allows(self, scope: Scope) -> bool:
        """Tell whether the key may do this: `admin` (metrics, what others sent) includes the other scopes."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Let pass only what the key may do.

        Raises:
            MissingScopeError: the key has not been given this scope.
        """
        if not self.allows(scope):
            given = ", ".join(self.scopes)
            raise MissingScopeError(
                f"The key {self.id} may {given}, and this needs the scope {scope}: ask for a key that has it."
            )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just added, with the one copy of its token."""

    key: Key
    token: str = field(repr=False)


def _printable(text: str) -> str:
    """Refuse what could forge a line of a log or of a terminal: line breaks, escapes, marks that turn the reading order."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("not printable")
    return text


_Id = Annotated[str, StringConstraints(pattern=f"^{_ID.pattern}$")]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=_LONGEST_NAME), AfterValidator(_printable)]
_Reason = Annotated[str, StringConstraints(max_length=_LONGEST_REASON), AfterValidator(_printable)]


class _Added(BaseModel):
    kind: Literal["added"] = "added"
    id: _Id
    name: _Word
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    time: _Word
    by: _Word


class _Revoked(BaseModel):
    kind: Literal["revoked"] = "revoked"
    id: _Id
    name: _Word
    time: _Word
    by: _Word
    why: _Reason


_EVENT: TypeAdapter[_Added | _Revoked] = TypeAdapter(Annotated[_Added | _Revoked, Field(discriminator="kind")])


def default_path(models: Path) -> Path:
    """Return where keys are kept if nobody says otherwise: beside the releases."""
    return models / FILE


def secret_digest(secret: str) -> bytes:
    """Return what the file keeps of a secret.

    A plain digest is right: the secret is 256 random bits, so nobody can try them all, however fast a digest is. Slow ones
    (scrypt, Argon2) are for passwords that people think up, and would cost every request the time they cost a guesser.
    """
    return hashlib.sha256(secret.encode()).digest()


def read_keys(path: Path) -> list[Key]:
    """Return every key that was ever added, oldest first; none where there is no file.

    Raises:
        DamagedKeysError: as `parse_keys`.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return parse_keys(content, path)


def parse_keys(content: bytes, path: Path) -> list[Key]:
    """Return the keys that the bytes of a file tell of; what follows the last line break was not written whole.

    Raises:
        DamagedKeysError: a line cannot be read. Other ledgers pass over it; here it might be a revocation.
    """
    keys: dict[str, Key] = {}
    for number, line in enumerate(content.split(b"\n")[:-1], start=1):
        try:
            key = _after(keys, _EVENT.validate_json(line))
        except ValueError:
            raise DamagedKeysError(
                f"{path}, line {number} tells of no key: put back a copy of the file, or remove the line and revoke the keys "
                "that nobody should have."
            ) from None
        keys[key.id] = key
    return list(keys.values())


def _after(keys: dict[str, Key], event: _Added | _Revoked) -> Key:
    known = keys.get(event.id)
    if isinstance(event, _Added) and not known:
        return Key(event.id, event.name, event.scopes, event.time, event.by, bytes.fromhex(event.sha256))
    if isinstance(event, _Revoked) and known:
        return replace(known, revoked=event.time, revoked_by=event.by, why=event.why)
    raise ValueError("added twice, or revoked before it was added")


def add_key(path: Path, name: str, scopes: Iterable[str], *, by: str | None = None) -> NewKey:
    """Add a key for a client, and return it with its token, which is kept nowhere.

    Raises:
        KeyRefusedError: the name or a scope is none, or the client has two live keys already.
        DamagedKeysError: as `parse_keys`; nothing was written then.
    """
    by = _checked("Who adds a key", by or user())
    name, allowed, secret = _checked("The name of a key", name), _scopes(scopes), secrets.token_hex(32)
    with locked(path.parent, f".{path.name}.lock"):
        keys = read_keys(path)
        _refuse_a_third(name, [key for key in keys if key.live and key.name == name])
        key = Key(_new_id(keys), name, allowed, now(), by, secret_digest(secret))
        _append(path, _Added(id=key.id, name=name, scopes=allowed, sha256=key.digest.hex(), time=key.added, by=by))
    return NewKey(key, f"tagger_{key.id}_{secret}")


def revoke_key(path: Path, key_id: str, *, why: str = "", by: str | None = None) -> Key:
    """Revoke a key, named by its id or by its whole token, and return what it is now.

    Raises:
        KeyRefusedError: there is no such key, or it is revoked already; the reason cannot be kept.
        DamagedKeysError: as `parse_keys`; nothing was written then.
    """
    by = _checked("Who revokes a key", by or user())
    why = _checked("The reason", why, longest=_LONGEST_REASON) if why else ""
    key_id = _named(key_id)
    with locked(path.parent, f".{path.name}.lock"):
        key = next((key for key in read_keys(path) if key.id == key_id), None)
        if key is None:
            raise KeyRefusedError(f"There is no key {key_id} in {path}: `tagger keys list` names them.")
        if key.revoked:
            raise KeyRefusedError(f"The key {key_id} of {key.name} was revoked on {key.revoked} by {key.revoked_by} already.")
        event = _Revoked(id=key_id, name=key.name, time=now(), by=by, why=why)
        _append(path, event)
    return _after({key.id: key}, event)


def _checked(what: str, text: str, longest: int = _LONGEST_NAME) -> str:
    try:
        _printable(text)
    except ValueError:
        text = text[: 2 * longest]
        raise KeyRefusedError(f"{what} is {text!r}: use printable characters, without blanks at the ends.") from None
    if not 0 < len(text) <= longest:
        raise KeyRefusedError(f"{what} has {len(text)} characters: use 1 to {longest}.")
    return text


def _scopes(asked: Iterable[str]) -> tuple[Scope, ...]:
    wanted = set(asked)
    if not wanted or wanted - set(SCOPES):
        unknown = ", ".join(repr(scope) for scope in sorted(wanted - set(SCOPES)))
        raise KeyRefusedError(f"The scopes of a key are some of {', '.join(SCOPES)}, not {unknown or 'none of them'}.")
    return tuple(scope for scope in SCOPES if scope in wanted)


def _named(key_id: str) -> str:
    """Take a token for the id in it, and never repeat what may be part of a token."""
    if token := TOKEN.fullmatch(key_id):
        return token[1]
    if not _ID.fullmatch(key_id):
        raise KeyRefusedError("A key is named by its id, 12 digits and letters from a to f: `tagger keys list` shows it.")
    return key_id


def _refuse_a_third(name: str, live: list[Key]) -> None:
    if len(live) >= MOST_LIVE:
        which = " and ".join(f"{key.id} (added {key.added} by {key.by})" for key in live)
        raise KeyRefusedError(f"{name} has {len(live)} live keys already: {which}. Revoke one of them first.")


def _new_id(keys: Iterable[Key]) -> str:
    taken = {key.id for key in keys}
    while (key_id := secrets.token_hex(6)) in taken:
        pass
    return key_id


def _append(path: Path, event: _Added | _Revoked) -> None:
    """Write one event; the file is made first, so that nobody but its owner can read it at any time."""
    if not path.exists():
        path.touch(mode=0o600)
        sync_folder(path.parent)
    append_line(path, event.model_dump())

"""Tokens as a running service sees them: who they are, when a change counts, and what a damaged file may not do."""

import hmac
import shutil
import threading
from pathlib import Path

import pytest

from tagger.access.keyring import Keyring
from tagger.access.keys import NewKey, add_key, revoke_key
from tagger.errors import DamagedKeysError, MissingKeyError, TaggerError, UnknownKeyError


class Clock:
    """Seconds that pass when a test says so."""

    seconds = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


@pytest.fixture
def new(path: Path) -> NewKey:
    return add_key(path, "agence", ["tag", "review"])


@pytest.fixture
def keyring(path: Path, new: NewKey, clock: Clock) -> Keyring:
    """It has read the key `new`."""
    assert new.key.live
    return Keyring(path, clock=clock)


def refused(keyring: Keyring, token: str) -> bool:
    try:
        keyring.identify(token)
    except UnknownKeyError:
        return True
    return False


def test_a_token_tells_its_key(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    other = add_key(path, "autre", ["tag"])
    clock.seconds += 1

    assert new.key == keyring.identify(new.token)
    assert other.key == keyring.identify(other.token)


@pytest.mark.parametrize("token", [None, ""])
def test_no_token_is_missed(token: str | None, keyring: Keyring) -> None:
    with pytest.raises(MissingKeyError, match="Authorization: Bearer tagger_"):
        keyring.identify(token)


def wrong_tokens(new: NewKey) -> list[str]:
    prefix, key_id, secret = new.token.split("_")
    return [
        f"{prefix}_{key_id}_{'0' * 64}",
        f"{prefix}_{'0' * 12}_{secret}",
        f"{prefix}_{key_id}_{secret[:-1]}",
        f"{prefix}_{key_id}_{secret}0",
        new.token.upper(),
        f" {new.token}",
        f"{new.token}\n",
        key_id,
        new.key.digest.hex(),
        f"{prefix}_{key_id}_{new.key.digest.hex()}",
        f"{prefix}__",
        "é" * 84,
        "\udcff\x00",
        "a" * 1_000_000,
    ]


def test_any_other_token_is_unknown_and_is_not_repeated(keyring: Keyring, new: NewKey) -> None:
    said = set()
    for token in wrong_tokens(new):
        with pytest.raises(UnknownKeyError, match="unknown, or it was revoked") as caught:
            keyring.identify(token)
        said.add(str(caught.value))

    assert 1 == len(said)


def test_every_token_costs_one_comparison_in_constant_time(
    keyring: Keyring, path: Path, new: NewKey, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the time that a refusal takes would tell which ids there are."""
    revoked = add_key(path, "autre", ["tag"])
    revoke_key(path, revoked.key.id)
    clock.seconds += 1
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counted)
    tokens = [new.token, revoked.token, *wrong_tokens(new)]
    assert [False] + [True] * (len(tokens) - 1) == [refused(keyring, token) for token in tokens]

    assert [(32, 32)] * len(tokens) == compared


def test_no_secret_is_kept(keyring: Keyring, new: NewKey) -> None:
    keyring.identify(new.token)
    secret = new.token.rpartition("_")[2]

    known = vars(keyring)["_known"]

    assert secret.encode() not in known.content
    assert secret not in repr(vars(keyring))
    assert secret not in repr(keyring)
    assert new.key.digest.hex() not in repr(vars(keyring))


def test_a_revoked_key_stops_within_a_second(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    revoke_key(path, new.key.id)

    clock.seconds += 0.99
    assert not refused(keyring, new.token)
    clock.seconds += 0.01
    assert refused(keyring, new.token)
    assert keyring.required


def test_a_client_rotates_without_a_pause(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    replacement = add_key(path, "agence", ["tag"])
    clock.seconds += 1
    assert [False, False] == [refused(keyring, token) for token in (new.token, replacement.token)]

    revoke_key(path, new.key.id)
    clock.seconds += 1
    assert [True, False] == [refused(keyring, token) for token in (new.token, replacement.token)]


def test_keys_are_required_from_the_first_one_on(path: Path, clock: Clock) -> None:
    keyring = Keyring(path, clock=clock)
    assert (False, None) == (keyring.required, keyring.problem)

    new = add_key(path, "agence", ["tag"])
    clock.seconds += 1
    assert keyring.required
    revoke_key(path, new.key.id)
    clock.seconds += 1
    assert keyring.required
    assert Keyring(path).required


def test_part_of_a_line_is_no_key_yet(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    other = add_key(path, "autre", ["tag"])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])

    clock.seconds += 1
    assert (False, True, None) == (refused(keyring, new.token), refused(keyring, other.token), keyring.problem)
    path.write_bytes(whole)
    clock.seconds += 1
    assert not refused(keyring, other.token)


def test_a_damaged_file_keeps_the_keys_and_says_so_until_it_is_mended(
    keyring: Keyring, path: Path, new: NewKey, clock: Clock
) -> None:
    other = add_key(path, "autre", ["tag"])
    whole = path.read_bytes()
    path.write_bytes(whole + b"{\n")

    clock.seconds += 1
    assert "line 3 tells of no key" in str(keyring.problem)
    assert [False, True] == [refused(keyring, token) for token in (new.token, other.token)]

    path.write_bytes(whole)
    clock.seconds += 1
    assert keyring.problem is None
    assert [False, False] == [refused(keyring, token) for token in (new.token, other.token)]


def test_a_file_that_is_gone_opens_nothing(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    path.rename(path.with_suffix(".old"))

    clock.seconds += 1
    assert keyring.required
    assert "is gone" in str(keyring.problem)
    assert not refused(keyring, new.token)


def test_a_file_that_lost_lines_revives_no_key(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    shutil.copy(path, path.with_suffix(".copy"))
    revoke_key(path, new.key.id)
    clock.seconds += 1
    assert refused(keyring, new.token)

    shutil.copy(path.with_suffix(".copy"), path)
    clock.seconds += 1
    assert refused(keyring, new.token)
    assert "lost lines" in str(keyring.problem)


def test_a_file_that_lost_lines_takes_keys_away_and_gives_none(keyring: Keyring, path: Path, new: NewKey, clock: Clock) -> None:
    """Who puts an old copy in its place and then revokes a key must not be told that it is revoked while it is not."""
    shutil.copy(path, path.with_suffix(".copy"))
    lost = add_key(path, "autre", ["tag"])
    clock.seconds += 1
    assert not refused(keyring, lost.token)
    shutil.copy(path.with_suffix(".copy"), path)
    revoke_key(path, new.key.id)
    late = add_key(path, "tierce", ["tag"])

    clock.seconds += 1

    assert [True, False, True] == [refused(keyring, token) for token in (new.token, lost.token, late.token)]


def make_damaged(path: Path) -> None:
    path.write_bytes(b"garbage\n")


def make_unreadable(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("damage", [make_damaged, make_unreadable])
def test_a_service_that_starts_on_a_damaged_file_lets_nobody_in(damage: object, path: Path, clock: Clock) -> None:
    assert callable(damage)
    damage(path)
    keyring = Keyring(path, clock=clock)

    assert keyring.required
    assert str(path) in str(keyring.problem)
    with pytest.raises(DamagedKeysError, match=r"keys\.jsonl"):
        keyring.identify(f"tagger_{'0' * 12}_{'0' * 64}")

    path.rmdir() if path.is_dir() else path.unlink()
    new = add_key(path, "agence", ["tag"])
    clock.seconds += 1
    assert new.key == keyring.identify(new.token)
    assert keyring.problem is None


def test_threads_see_a_key_from_when_it_is_added_to_when_it_is_revoked(path: Path) -> None:
    """A clock that runs fast: every look is due, while another thread writes."""
    ticks = iter(range(10**9))
    first = add_key(path, "agence", ["tag"])
    keyring = Keyring(path, clock=lambda: float(next(ticks)))
    failures: list[TaggerError] = []
    written = threading.Event()

    def ask() -> None:
        while not written.is_set():
            try:
                keyring.identify(first.token)
            except TaggerError as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(20):
        revoke_key(path, add_key(path, f"client {n}", ["tag"]).key.id)
    written.set()
    for thread in threads:
        thread.join()

    assert [] == failures
    assert keyring.problem is None

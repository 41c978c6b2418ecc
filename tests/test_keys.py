"""API keys: what is kept of them, who may have how many, and that a secret is nowhere but in the hand of its owner."""

import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagger.access.keys import SCOPES, TOKEN, KeyRefusedError, NewKey, Scope, add_key, parse_keys, read_keys, revoke_key
from tagger.errors import DamagedKeysError, MissingScopeError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.jsonl"


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns after every few instructions, so that what they can do to each other they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def secret(new: NewKey) -> str:
    return new.token.rpartition("_")[2]


def test_a_token_names_its_key_and_has_256_bits_of_secret(path: Path) -> None:
    new = add_key(path, "agence", ["tag"], by="ada")

    found = TOKEN.fullmatch(new.token)
    assert found is not None
    assert (new.key.id, 32) == (found[1], len(bytes.fromhex(found[2])))
    assert 84 == len(new.token)


def test_every_token_is_another(path: Path) -> None:
    assert 20 == len({secret(add_key(path, f"client {n}", ["tag"])) for n in range(20)})


def test_a_key_is_kept_with_who_when_and_the_digest_of_its_secret(path: Path) -> None:
    new = add_key(path, "agence", ["review", "tag", "tag"], by="ada")

    record = json.loads(path.read_text(encoding="utf-8"))

    assert [new.key] == read_keys(path)
    assert ("agence", ("tag", "review"), "ada", True) == (new.key.name, new.key.scopes, new.key.by, new.key.live)
    assert hashlib.sha256(secret(new).encode()).hexdigest() == record["sha256"]
    assert {"kind", "id", "name", "scopes", "sha256", "time", "by"} == set(record)


def test_a_revoked_key_says_who_when_and_why(path: Path) -> None:
    new = add_key(path, "agence", ["tag"])

    revoked = revoke_key(path, new.key.id, why="fuite", by="grace")

    assert [revoked] == read_keys(path)
    assert (False, "grace", "fuite") == (revoked.live, revoked.revoked_by, revoked.why)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_can_read_the_file(path: Path) -> None:
    add_key(path, "agence", ["tag"])

    assert 0o600 == path.stat().st_mode & 0o777


def test_a_secret_is_in_no_file_and_in_no_text(path: Path) -> None:
    new = add_key(path, "agence", ["tag"])
    add_key(path, "agence", ["tag"])
    texts = [repr(new), str(new), repr(new.key), str(new.key), repr(read_keys(path))]
    for refused in (lambda: add_key(path, "agence", ["tag"]), lambda: revoke_key(path, new.token[:-1])):
        with pytest.raises(KeyRefusedError) as caught:
            refused()
        texts.append(repr(caught.value))

    texts += [file.read_text(encoding="utf-8") for file in path.parent.iterdir()]

    assert [] == [text for text in texts if secret(new)[:16] in text or new.token in text]


@pytest.mark.parametrize(
    ("given_scopes", "allowed"),
    [(["tag"], {"tag"}), (["review"], {"review"}), (["tag", "review"], {"tag", "review"}), (["admin"], set(SCOPES))],
)
def test_what_a_key_may_do(given_scopes: list[str], allowed: set[str], path: Path) -> None:
    key = add_key(path, "agence", given_scopes).key

    assert allowed == {scope for scope in SCOPES if key.allows(scope)}


def test_a_scope_that_lacks_is_named(path: Path) -> None:
    key = add_key(path, "agence", ["tag"]).key
    needed: Scope = "review"

    key.require("tag")
    with pytest.raises(MissingScopeError, match=f"{key.id} may tag, and this needs the scope review"):
        key.require(needed)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "has 0 characters"),
        ("a" * 61, "has 61 characters"),
        (" agence", "printable"),
        ("agence\n2026-01-01 admin logged in", r"agence\\n2026"),
        ("agence\x1b[2J", "printable"),
        ("agence\u202eecnega", "printable"),
        ("agence\u2028", "printable"),
    ],
)
def test_a_name_that_could_forge_a_line_is_refused(name: str, sentence: str, path: Path) -> None:
    with pytest.raises(KeyRefusedError, match=sentence) as refused:
        add_key(path, name, ["tag"])
    assert str(refused.value).isprintable()
    assert not path.exists()


@pytest.mark.parametrize("scopes", [[], ["write"], ["tag", "Admin"], ["tag\n"]])
def test_an_unknown_scope_is_refused(scopes: list[str], path: Path) -> None:
    with pytest.raises(KeyRefusedError, match="some of tag, review, admin"):
        add_key(path, "agence", scopes)
    assert not path.exists()


def test_who_adds_or_why_somebody_revokes_is_checked_as_well(path: Path) -> None:
    key = add_key(path, "agence", ["tag"]).key

    with pytest.raises(KeyRefusedError, match="Who adds a key"):
        add_key(path, "agence", ["tag"], by="ada\nroot")
    with pytest.raises(KeyRefusedError, match="Who revokes a key"):
        revoke_key(path, key.id, by="ada\rroot")
    with pytest.raises(KeyRefusedError, match="The reason"):
        revoke_key(path, key.id, why="fuite\n{}")
    with pytest.raises(KeyRefusedError, match="201 characters"):
        revoke_key(path, key.id, why="x" * 201)
    assert [key] == read_keys(path)


def test_a_client_has_two_live_keys_at_most(path: Path) -> None:
    first, second = (add_key(path, "agence", ["tag"], by="ada").key for _ in range(2))
    add_key(path, "autre agence", ["tag"])

    with pytest.raises(KeyRefusedError, match=rf"agence has 2 live keys already: {first.id} \(added .* ada\) and {second.id}"):
        add_key(path, "agence", ["tag"])
    revoke_key(path, first.id)
    third = add_key(path, "agence", ["tag"]).key
    assert [second.id, third.id] == [key.id for key in read_keys(path) if key.live and key.name == "agence"]


@pytest.mark.usefixtures("quick_switches")
def test_those_who_add_at_once_are_held_to_two_keys(path: Path) -> None:
    ready = threading.Barrier(8)
    refused = []

    def add() -> None:
        ready.wait()
        try:
            add_key(path, "agence", ["tag"])
        except KeyRefusedError as error:
            refused.append(error)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (2, 6) == (len(read_keys(path)), len(refused))


def test_a_key_is_revoked_once(path: Path) -> None:
    key = add_key(path, "agence", ["tag"]).key
    revoke_key(path, key.id, by="ada")

    with pytest.raises(KeyRefusedError, match=f"{key.id} of agence was revoked on .* by ada already"):
        revoke_key(path, key.id)
    with pytest.raises(KeyRefusedError, match=r"no key 000000000000 in .*keys\.jsonl"):
        revoke_key(path, "000000000000")


def test_a_token_that_was_found_can_be_revoked_as_it_is(path: Path) -> None:
    new = add_key(path, "agence", ["tag"])

    assert new.key.id == revoke_key(path, new.token).id
    assert not read_keys(path)[0].live


def test_a_line_cut_anywhere_is_no_key_and_the_next_one_is_whole(path: Path) -> None:
    """A process killed while it appends leaves part of a line, of any length."""
    first = add_key(path, "agence", ["tag"]).key
    add_key(path, "autre", ["tag"])
    whole = path.read_bytes()

    for cut in range(whole.index(b"\n") + 1, len(whole)):
        path.write_bytes(whole[:cut])
        assert [first] == read_keys(path)
    third = add_key(path, "tierce", ["tag"]).key
    assert [first, third] == read_keys(path)


ADDED = {
    "kind": "added",
    "id": "0" * 12,
    "name": "agence",
    "scopes": ["tag"],
    "sha256": "0" * 64,
    "time": "2026-01-01T00:00:00Z",
    "by": "ada",
}
REVOKED = {"kind": "revoked", "id": "1" * 12, "name": "agence", "time": "2026-01-01T00:00:00Z", "by": "ada", "why": ""}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "{}",
        "\udcff",
        json.dumps(ADDED)[:-1],
        json.dumps(ADDED | {"kind": "opened"}),
        json.dumps(ADDED | {"scopes": ["root"]}),
        json.dumps(ADDED | {"scopes": []}),
        json.dumps(ADDED | {"sha256": "0" * 63}),
        json.dumps(ADDED | {"name": "agence\nadmin"}),
        json.dumps(ADDED) + "\n" + json.dumps(ADDED),
        json.dumps(REVOKED),
    ],
)
def test_a_file_that_cannot_be_understood_is_refused_and_left_as_it_is(line: str, path: Path) -> None:
    """Passing over a line, as other ledgers do, might pass over a revocation."""
    key = add_key(path, "autre", ["tag"]).key
    with path.open("ab") as file:
        file.write(f"{line}\n".encode(errors="surrogateescape"))
    before = path.read_bytes()

    for use in (lambda: read_keys(path), lambda: add_key(path, "agence", ["tag"]), lambda: revoke_key(path, key.id)):
        with pytest.raises(DamagedKeysError, match=r"keys\.jsonl, line [23] tells of no key") as refused:
            use()
        assert str(refused.value).isprintable()
        assert refused.value.__cause__ is None
    assert before == path.read_bytes()


@given(st.binary())
@example(json.dumps(ADDED).encode() + b"\n")
def test_any_bytes_are_keys_or_damage(content: bytes) -> None:
    try:
        keys = parse_keys(content, Path("keys.jsonl"))
    except DamagedKeysError:
        return
    assert content.count(b"\n") == len(keys)


NAMES = ("agence", "rédaction")
STEPS = st.lists(st.tuples(st.sampled_from(("add", "revoke")), st.sampled_from(NAMES)), max_size=12)


@given(STEPS)
def test_after_any_history_a_client_has_the_keys_that_were_added_and_not_revoked(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("keys") / "keys.jsonl"
    live: dict[str, list[str]] = {name: [] for name in NAMES}
    for step, name in steps:
        if step == "add" and len(live[name]) < 2:
            live[name].append(add_key(path, name, ["tag"]).key.id)
        elif step == "add":
            with pytest.raises(KeyRefusedError):
                add_key(path, name, ["tag"])
        elif live[name]:
            revoke_key(path, live[name].pop(0))

    keys = read_keys(path)
    assert live == {name: [key.id for key in keys if key.live and key.name == name] for name in NAMES}

"""`tagger keys` from the command line: a token to pipe, a table to read, and a sentence for what cannot be done."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tagger.access.keyring import Keyring
from tagger.access.keys import TOKEN, default_path
from tagger.cli import main


def tagger(models: Path, *arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"TAGGER_KEYS": "", **(environment or {})}).invoke(main, ["--models", str(models), "keys", *arguments])


def test_the_token_alone_is_on_standard_output(tmp_path: Path) -> None:
    done = tagger(tmp_path, "add", "agence", "--scope", "tag", "--scope", "review")

    key = Keyring(default_path(tmp_path)).identify(done.stdout.removesuffix("\n"))
    assert (0, "agence", ("tag", "review")) == (done.exit_code, key.name, key.scopes)
    assert f"{key.id} is added for agence, to tag, review." in done.stderr
    assert TOKEN.search(done.stderr) is None


def test_keys_are_listed_without_a_secret(tmp_path: Path) -> None:
    tokens = [tagger(tmp_path, "add", name, "--scope", "tag").stdout.strip() for name in ("agence", "presse régionale")]
    ids = [token.split("_")[1] for token in tokens]
    tagger(tmp_path, "revoke", ids[0], "--why", "fuite")

    listed, as_json = tagger(tmp_path, "list").output, tagger(tmp_path, "list", "--json").output

    head, first, second = listed.splitlines()
    assert ["id", "name", "scopes", "added", "by", "state"] == head.split()
    assert first.startswith(f"{ids[0]}  agence ")
    assert "revoked" in first
    assert first.endswith(": fuite")
    assert second.startswith(f"{ids[1]}  presse régionale  tag ")
    assert second.endswith("  live")
    assert [(ids[0], "fuite"), (ids[1], "")] == [(key["id"], key["why"]) for key in json.loads(as_json)["keys"]]
    assert [] == [token for token in tokens if token.split("_")[2][:8] in listed + as_json]


def test_no_key_is_said_where_a_person_looks_and_is_an_empty_list_for_a_script(tmp_path: Path) -> None:
    assert "holds no key: the service asks for none" in tagger(tmp_path, "list").stderr
    assert {"keys": []} == json.loads(tagger(tmp_path, "list", "--json").stdout)


def test_a_revoked_key_opens_nothing(tmp_path: Path) -> None:
    token = tagger(tmp_path, "add", "agence", "--scope", "tag").stdout.strip()
    key_id = token.split("_")[1]

    done = tagger(tmp_path, "revoke", key_id)

    assert (0, f"{key_id} of agence is revoked.\n") == (done.exit_code, done.output)
    assert "live" not in tagger(tmp_path, "list").output


@pytest.mark.parametrize("said_by", ["option", "environment"])
def test_the_file_can_be_elsewhere(said_by: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "secrets" / "keys.jsonl"
    if said_by == "option":
        done = tagger(tmp_path, "add", "agence", "--scope", "tag", "--keys", str(elsewhere))
    else:
        done = tagger(tmp_path, "add", "agence", "--scope", "tag", environment={"TAGGER_KEYS": str(elsewhere)})

    assert 0 == done.exit_code, done.output
    assert "agence" == Keyring(elsewhere).identify(done.stdout.strip()).name
    assert not default_path(tmp_path).exists()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("add", "agence", "--scope", "tag"), 1, "agence has 2 live keys already"),
        (("add", "agence\n", "--scope", "tag"), 1, "printable characters"),
        (("add", "autre"), 2, "Missing option '--scope'"),
        (("add", "autre", "--scope", "root"), 2, "'root' is not one of"),
        (("revoke", "000000000000"), 1, "There is no key 000000000000"),
        (("revoke", "agence"), 1, "A key is named by its id"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    arguments: tuple[str, ...], status: int, sentence: str, tmp_path: Path
) -> None:
    for _ in range(2):
        tagger(tmp_path, "add", "agence", "--scope", "tag")

    done = tagger(tmp_path, *arguments)

    assert (status, "") == (done.exit_code, done.stdout)
    assert sentence in done.stderr


def test_a_damaged_file_is_said_and_left_as_it_is(tmp_path: Path) -> None:
    default_path(tmp_path).write_text("{}\n")

    for arguments in (("list",), ("add", "agence", "--scope", "tag"), ("revoke", "000000000000")):
        done = tagger(tmp_path, *arguments)
        assert (1, True) == (done.exit_code, "line 1 tells of no key" in done.stderr)
    assert "{}\n" == default_path(tmp_path).read_text()

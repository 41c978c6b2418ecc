"""`tagger keys`: who may use the service: add a key for a client, list keys, revoke one."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from tagger.access.keys import SCOPES, Key, add_key, default_path, read_keys, revoke_key
from tagger.settings import read_one

keys_option = click.option(
    "--keys",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of the keys.  [default: TAGGER_KEYS, or keys.jsonl beside the releases]",
)


def _file(models: Path, given: Path | None) -> Path:
    """Return the file that a service with this environment reads."""
    return given or read_one(os.environ, "keys") or default_path(models)


@click.group(
    epilog="""\b
Examples:
  tagger keys add agence --scope tag --scope review
  tagger keys list
  tagger keys revoke 3f0a9c51d2e7 --why "seen in a public repository"

\b
To rotate: add a second key of the same name, let the client change over, revoke the first."""
)
def keys() -> None:
    """Say who may use the service. Once a key was ever added, every request must bring one."""


@keys.command(
    epilog="""\b
Examples:
  tagger keys add agence --scope tag
  tagger keys add redaction --scope tag --scope review > redaction.token"""
)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    required=True,
    help="What it may do, once for each: tag pages; review tags; admin: all of it, and what only operators see.",
)
@keys_option
@click.pass_obj
def add(models: Path, name: str, scopes: tuple[str, ...], file: Path | None) -> None:
    """Add a key for the client NAME, and print its token: alone on standard output, this once.

    A client has two live keys at most: one in use, and the one that replaces it.
    """
    new = add_key(_file(models, file), name, scopes)
    click.echo(new.token)
    click.echo(
        f"{new.key.id} is added for {name}, to {', '.join(new.key.scopes)}. Its token was printed this once: keep it now. "
        "Running services know it within a second.",
        err=True,
    )


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@keys_option
@click.pass_obj
def list_keys(models: Path, file: Path | None, *, as_json: bool) -> None:
    """List the keys, the newest last: who has them, what they may do, who added and who revoked them. No token is shown."""
    path = _file(models, file)
    found = read_keys(path)
    if as_json:
        click.echo(json.dumps({"keys": [_object(key) for key in found]}, ensure_ascii=False, indent=1))
    elif found:
        click.echo("\n".join(_table(found)))
    else:
        click.echo(f"{path} holds no key: the service asks for none.", err=True)


def _object(key: Key) -> dict[str, Any]:
    named = {"id": key.id, "name": key.name, "scopes": key.scopes, "added": key.added, "by": key.by}
    return named | {"revoked": key.revoked, "revoked_by": key.revoked_by, "why": key.why}


def _table(found: Sequence[Key]) -> Iterator[str]:
    rows = [("id", "name", "scopes", "added", "by", "state")]
    rows += [(key.id, key.name, ",".join(key.scopes), key.added, key.by, _state(key)) for key in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _state(key: Key) -> str:
    return "live" if key.live else f"revoked {key.revoked} by {key.revoked_by}{key.why and ': '}{key.why}"


@keys.command(
    epilog="""\b
Example:
  tagger keys revoke 3f0a9c51d2e7 --why "replaced" """
)
@click.argument("key_id", metavar="ID")
@click.option("--why", default="", help="The reason, which the list shows.")
@keys_option
@click.pass_obj
def revoke(models: Path, key_id: str, why: str, file: Path | None) -> None:
    """Revoke the key ID for good. Running services refuse it within a second."""
    key = revoke_key(_file(models, file), key_id, why=why)
    click.echo(f"{key.id} of {key.name} is revoked.")

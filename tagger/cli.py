"""The `tagger` command: thin; every verb reads, calls one function of the layers below, and prints."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click

from tagger.answers import answer_page, tags_object
from tagger.command_group import CommandGroup
from tagger.documents import Page
from tagger.drift_command import drift_command
from tagger.errors import InvalidDocumentError, TaggerError, UnreadablePageError
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts, read_record
from tagger.promotions import load_champion
from tagger.registry import Release
from tagger.release_commands import COMMANDS
from tagger.report import report
from tagger.tags import tag_document, tag_page
from tagger.topic_commands import topics

ROOT = Path(__file__).resolve().parent.parent


@click.group(
    cls=CommandGroup,
    epilog="""\b
Examples:
  tagger tag page.txt
  tagger tag --jsonl archive.jsonl > tags.jsonl
  tagger topics
  tagger serve""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="tagger")
@click.option(
    "--models",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TAGGER_MODELS",
    default=ROOT / "models",
    show_envvar=True,
    help="Folder of the releases.  [default: models/ of the checkout]",
)
@click.pass_context
def main(context: click.Context, models: Path) -> None:
    """Tag French news pages with topics, and say which words earned each tag."""
    context.obj = models


@main.command(
    epilog="""\b
Examples:
  tagger tag page.txt                  a report for a person
  tagger tag --json page.txt           the page object that HTTP answers
  tagger tag --jsonl - < docs.jsonl    a document a line in, a line each out, in order

\b
Exit status: 0 all was tagged; 1 something could not be read, and standard error says what; 2 wrong usage."""
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the page object of each FILE as JSON.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Read JSON documents, one a line: id, kind?, title?, lead?, body.")
@click.option("--evidence/--no-evidence", default=True, help="With --json and --jsonl: give the words that counted most.")
@click.pass_obj
def tag(models: Path, files: tuple[str, ...], *, as_json: bool, as_jsonl: bool, evidence: bool) -> None:
    """Tag the pages in FILE... (`-`: standard input).

    A FILE is the raw text of a page as scraped or pasted, in UTF-8; one that is called *.json holds the parts of a page
    (title, lead, body, related[], posts[]).
    """
    if as_json and as_jsonl:
        raise click.UsageError("Choose one of --json and --jsonl.")
    release = load_champion(models)
    failed = False
    for file in files:
        try:
            if as_jsonl:
                failed |= _tag_lines(file, release, evidence=evidence)
            else:
                _tag_page(file, release, as_json=as_json, evidence=evidence, several=len(files) > 1)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            failed = _complain(file, f"cannot be read: {error.strerror}.")
        except (UnicodeDecodeError, TaggerError) as error:
            failed = _complain(file, _sentence(error))
    sys.exit(1 if failed else 0)


def _tag_page(file: str, release: Release, *, as_json: bool, evidence: bool, several: bool) -> None:
    with click.open_file(file, "rb") as stream:
        page = _page(stream.read(), is_json=file.endswith(".json"))
    if as_json:
        answer: dict[str, Any] = {"file": file} if several else {}
        answer |= answer_page(page, release, evidence=evidence)
        click.echo(json.dumps(answer, ensure_ascii=False, indent=None if several else 1))
        return
    tagged = tag_page(page, release.model, release.taxonomy, release.policy)
    found = f"{len(tagged)} document{'s' if len(tagged) != 1 else ''}" if tagged else "no document: only furniture stands on it"
    click.echo(click.style(f"{file} · {page.layout} · {found} · release {release.name}", dim=True))
    for line in report(tagged, colour=sys.stdout.isatty()):
        click.echo(line)


def _page(content: bytes, *, is_json: bool) -> Page:
    text = content.decode("utf-8-sig")
    if not is_json:
        return read_page(text)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidDocumentError(f"This is not valid JSON: {error}.") from error
    if not isinstance(record, dict):
        raise InvalidDocumentError("The file must hold a JSON object: title, lead, body, related[], posts[].")
    return read_parts(record)


def _tag_lines(file: str, release: Release, *, evidence: bool) -> bool:
    """Tag a document a line, each at once; a bad line gets an error in its place. Return whether there was one."""
    failed = False
    with click.open_file(file, "rb") as stream:
        for number, line in _lines(stream):
            try:
                document = read_record(line)
                tagged = tag_document(document, release.model, release.taxonomy, release.policy)
                answer = {"id": document.id, **tags_object(tagged, evidence=evidence)}
            except TaggerError as error:
                answer = {"id": None, "line": number, "error": str(error)}
                failed = _complain(file, f"line {number}: {error}")
            click.echo(json.dumps(answer, ensure_ascii=False))
    return failed


def _lines(stream: BinaryIO | Any) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(stream, start=1):
        if line.strip():
            yield number, line


def _complain(file: str, sentence: str) -> bool:
    click.echo(f"tagger: {'standard input' if file == '-' else file}: {sentence}", err=True)
    return True


def _sentence(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return (
            f"byte {error.start} is not UTF-8. Convert the file first, for example: "
            "iconv -f WINDOWS-1252 -t UTF-8 page.txt | tagger tag -"
        )
    hint = " With parts in JSON, name the file *.json or use --jsonl." if isinstance(error, UnreadablePageError) else ""
    return f"{error}{hint if 'JSON' in str(error) else ''}"


@main.command()
@click.pass_obj
def serve(models: Path) -> None:
    """Serve over HTTP with gunicorn, in the foreground.

    PORT (default 8000) and TAGGER_HOST (default 127.0.0.1) say where, WEB_CONCURRENCY how many workers.
    """
    configuration = ROOT / "gunicorn.conf.py"
    if not configuration.is_file():
        raise click.ClickException(f"{configuration} is missing: run from a checkout, or call gunicorn yourself.")
    environment = {**os.environ, "TAGGER_MODELS": str(models)}
    os.execve(sys.executable, [sys.executable, "-m", "gunicorn", "-c", str(configuration)], environment)  # noqa: S606


for _command in (topics, drift_command, *COMMANDS):
    main.add_command(_command)


if __name__ == "__main__":
    main()

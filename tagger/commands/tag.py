"""`tagger tag`: pages in files or on standard input -> a report, the page object, or a line for each document of an archive."""

import json
import sys
from io import FileIO
from pathlib import Path
from typing import Any

import click
from pydantic_core import from_json

from tagger.answers.page import answer_page
from tagger.answers.report import report
from tagger.archive.processes import Archive
from tagger.archive.progress import progress
from tagger.documents import Page
from tagger.errors import InvalidDocumentError, TaggerError, UnreadablePageError
from tagger.extract.feeds import read_feed
from tagger.extract.ninjs import is_ninjs, read_ninjs
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts
from tagger.promotions import load_champion
from tagger.registry import Release
from tagger.tags import tag_page


@click.command(
    epilog="""\b
Examples:
  tagger tag page.txt                  a report for a person
  tagger tag --json page.txt           the page object that HTTP answers
  tagger tag --jsonl - < docs.jsonl    a document a line in, a line each out, in order

\b
--jsonl takes archives of any size in the same memory and uses all cores; the answers are the same bytes with any --jobs.
Lines that come slowly, from a pipe, are answered as they come. A bar shows on a terminal when the answers go elsewhere.

\b
Exit status: 0 all was tagged; 1 something could not be read, and standard error says what; 2 wrong usage."""
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the page object of each FILE as JSON.")
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Read JSON documents, one a line: id, kind?, title?, lead?, body.")
@click.option("--evidence/--no-evidence", default=True, help="With --json and --jsonl: give the words that counted most.")
@click.option("--jobs", type=click.IntRange(min=1), help="With --jsonl: processes that tag.  [default: one for each core]")
@click.pass_obj
def tag(models: Path, files: tuple[str, ...], *, as_json: bool, as_jsonl: bool, evidence: bool, jobs: int | None) -> None:
    """Tag the pages in FILE... (`-`: standard input).

    A FILE is the raw text of a page as scraped or pasted, in UTF-8. Its name tells another format: *.html, *.htm, *.xhtml
    are HTML; *.rss, *.atom, *.xml a feed; *.json the parts of a page (title, lead, body, related[], posts[]) or a ninjs item.
    """
    if as_json and as_jsonl:
        raise click.UsageError("Choose one of --json and --jsonl.")
    release = load_champion(models)
    failed = False
    with Archive(release, models, evidence=evidence, jobs=jobs) as archive:
        for file in files:
            try:
                if as_jsonl:
                    failed |= _tag_lines(file, archive)
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
        page = _page(stream.read(), Path(file).suffix.lower())
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


def _page(content: bytes, suffix: str) -> Page:
    if suffix in {".html", ".htm", ".xhtml"}:
        from tagger.extract.html import read_html  # noqa: PLC0415 - 0.2 s and 12 MB that other formats need not pay

        return read_html(content)
    if suffix in {".rss", ".atom", ".xml"}:
        return read_feed(content)
    text = content.decode("utf-8-sig")
    return _json_page(text) if suffix == ".json" else read_page(text)


def _json_page(text: str) -> Page:
    try:
        record = from_json(text)
    except ValueError as error:
        raise InvalidDocumentError(f"This is not valid JSON: {error}.") from error
    if not isinstance(record, dict):
        raise InvalidDocumentError("The file must hold a JSON object: title, lead, body, related[], posts[], or a ninjs item.")
    return read_ninjs(record) if is_ninjs(record) else read_parts(record)


def _tag_lines(file: str, archive: Archive) -> bool:
    """Tag a document a line; a bad line gets an error in its place. Return whether there was one."""
    failed = False
    with FileIO(sys.stdin.fileno() if file == "-" else file, closefd=file != "-") as stream, progress(stream) as shown:
        for answers in archive.answers(stream):
            sys.stdout.buffer.write(answers.lines)
            sys.stdout.buffer.flush()
            for number, sentence in answers.errors:
                shown.clear()
                failed = _complain(file, f"line {number}: {sentence}")
            shown.add(answers)
    return failed


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

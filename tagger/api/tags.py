"""HTTP for tags: a page in, its tagged documents out; many documents, a line each; the topics. Decides nothing about tags."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from time import monotonic
from typing import Any

from flask import Blueprint, Response, request
from pydantic_core import to_json
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from tagger.answers.ninjs import ninjs_item
from tagger.answers.page import LineErrorObject, LineObject, PageObject, TopicsObject, answer_lines, page_object, topics_object
from tagger.api.bodies import FEEDS, NINJS, read_body, read_json, read_page_of
from tagger.api.observation import facts, note
from tagger.api.operations import EVIDENCE, JSON, NDJSON, Operation
from tagger.api.queries import flag
from tagger.documents import Page
from tagger.extract.ninjs import NinjsItem
from tagger.extract.parts import PageParts, RawPage
from tagger.metrics import Metrics
from tagger.recording import Recorder
from tagger.registry import Release
from tagger.serving import Serving
from tagger.settings import Settings
from tagger.tags import TaggedDocument, tag_page

# Looked up once: importlib.metadata reads and parses the package's metadata at each call, which takes 0.25 ms.
_VERSION = version("tagger")
# So many lines are answered at a time: one by one, writing to the socket costs more than tagging a headline.
_LINES_AT_ONCE = 32
# What an answer with an ETag says of itself.
CONDITIONAL = {"Cache-Control": "private, no-cache", "Vary": "Accept"}

OPERATIONS = (
    Operation(
        "POST",
        "/v1/tags",
        "Tag a page",
        "Every document of the page (the article, cards of related ones, posts of a live blog) gets its topics, each with a "
        "score and the words that earned it; a document without any says why. ninjs and feeds are answered as they came, with "
        "the tags in them, unless `Accept: application/json` asks for the page object. The answer depends on what was sent and "
        "on the release alone: send its `ETag` as `If-None-Match`, and 304 says that nothing has changed.",
        "tag",
        {JSON: PageObject, NINJS: NinjsItem, **dict.fromkeys(FEEDS, str)},
        "curl -s http://127.0.0.1:8000/v1/tags -H 'Content-Type: text/plain' --data-binary @page.txt",
        takes={
            JSON: PageParts | RawPage | NinjsItem,
            "text/plain": str,
            "text/html": str,
            NINJS: NinjsItem,
            **dict.fromkeys(FEEDS, str),
        },
        parameters=(EVIDENCE,),
        problems=(400, 413, 415, 422, 503),
        conditional=True,
    ),
    Operation(
        "POST",
        "/v1/tags/batch",
        "Tag many documents",
        "One JSON document a line in (`id, kind?, title?, lead?, body?`), one line out each, in order, streamed. A line that "
        "cannot be read gets an error with its number; the others are answered. When the time of a request is over, a last "
        "line says from which line on nothing was answered.",
        "tag",
        {NDJSON: LineObject | LineErrorObject},
        "curl -s http://127.0.0.1:8000/v1/tags/batch -H 'Content-Type: application/x-ndjson' --data-binary @documents.jsonl",
        takes={NDJSON: str},
        parameters=(EVIDENCE,),
        problems=(400, 413, 415, 503),
    ),
    Operation(
        "GET",
        "/v1/topics",
        "The topics",
        "The topics that the release knows, with labels, IPTC Media Topics, Wikidata items and thresholds.",
        "tag",
        {JSON: TopicsObject},
        "curl -s http://127.0.0.1:8000/v1/topics",
        problems=(503,),
        conditional=True,
    ),
)


class TagRoutes:
    """Answers with the release that `serving` holds when a request comes.

    What is answered goes to `recorder`, which keeps it for the review queue and for drift.
    """

    def __init__(self, serving: Serving, recorder: Recorder, metrics: Metrics, settings: Settings) -> None:
        self.serving = serving
        self.recorder = recorder
        self.metrics = metrics
        self.settings = settings

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("tags", __name__)
        blueprint.add_url_rule("/v1/tags", view_func=self.tags, methods=["POST"])
        blueprint.add_url_rule("/v1/tags/batch", view_func=self.batch, methods=["POST"])
        blueprint.add_url_rule("/v1/topics", view_func=self.topics, methods=["GET"])
        return blueprint

    def tags(self) -> Response:
        """Tag a page."""
        evidence, release, body = (
            flag("evidence", default=True),
            self.serving.release(),
            read_body(self.settings.max_page_bytes),
        )
        if unchanged := _unchanged(etag := _etag(release, body)):
            return unchanged
        page = read_page_of(body)
        tagged = self.tagged(page, release, len(body), facts())
        return _conditional(_answer(body, page, tagged, release, evidence=evidence), etag)

    def tagged(self, page: Page, release: Release, size: int, told: dict[str, Any]) -> tuple[TaggedDocument, ...]:
        """Tag a page that came in so many bytes; count it, keep the answer, and tell of it.

        Raises:
            RequestEntityTooLarge: it has too many documents.
        """
        if len(page.documents) > (most := self.settings.max_documents):
            raise RequestEntityTooLarge(f"The page has {len(page.documents)} documents: send at most {most} at a time.")
        tagged = tag_page(page, release.model, release.taxonomy, release.policy)
        self.recorder.put(tagged, release)
        self.metrics.tagged(page.layout, tagged, size)
        told.update(documents=len(tagged), tags=sum(len(document.tags) for document in tagged), release=release.name)
        return tagged

    def batch(self) -> Response:
        """Tag a document a line."""
        if request.mimetype != NDJSON:
            raise UnsupportedMediaType(f"The Content-Type is {request.mimetype or 'missing'!r}: send `{NDJSON}`.")
        deadline = monotonic() + self.settings.request_seconds
        evidence, release, body = (
            flag("evidence", default=True),
            self.serving.release(),
            read_body(self.settings.max_batch_bytes),
        )
        lines = [(number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
        if len(lines) > (most := self.settings.max_batch_lines):
            raise RequestEntityTooLarge(f"The batch has {len(lines)} lines: send at most {most} at a time.")
        note(release=release.name, documents=0, errors=0)
        return Response(self._lines(lines, release, deadline, facts(), evidence=evidence), content_type=NDJSON)

    def _lines(
        self, lines: list[tuple[int, bytes]], release: Release, deadline: float, told: dict[str, Any], *, evidence: bool
    ) -> Iterator[bytes]:
        for first in range(0, len(lines), _LINES_AT_ONCE):
            some = lines[first : first + _LINES_AT_ONCE]
            if monotonic() > deadline:
                sentence = f"The time of a request, {self.settings.request_seconds:g} s, is over: send from this line on again."
                yield _line({"id": None, "line": some[0][0], "error": sentence})
                return
            answered = list(answer_lines(some, release, evidence=evidence))
            tagged = [document for _, document in answered if document is not None]
            self.recorder.put(tagged, release)
            self.metrics.tagged(None, tagged, sum(len(line) for _, line in some))
            told["documents"] += len(tagged)
            told["errors"] += len(some) - len(tagged)
            yield b"".join(_line(answer) for answer, _ in answered)

    def topics(self) -> Response:
        """Say which topics there are."""
        release = self.serving.release()
        if unchanged := _unchanged(etag := _etag(release, b"")):
            return unchanged
        answer = Response(to_json(topics_object(release.taxonomy.topics, release)), content_type=JSON)
        return _conditional(answer, etag)


def _answer(body: bytes, page: Page, tagged: tuple[TaggedDocument, ...], release: Release, *, evidence: bool) -> Response:
    wanted = _answer_type()
    if wanted == NINJS:
        return Response(to_json(ninjs_item(read_json(body), tagged, release)), content_type=NINJS)
    if wanted in FEEDS:
        from tagger.answers.feeds import feed_with_categories  # noqa: PLC0415 - see bodies: only who sees feeds holds a reader

        return Response(feed_with_categories(body, tagged), content_type=wanted)
    return Response(to_json(page_object(page, tagged, release, evidence=evidence)), content_type=JSON)


def _answer_type() -> str:
    """Return the type to answer in: that of what was sent, where it can hold tags, or the page object."""
    own = request.mimetype if request.mimetype in (NINJS, *FEEDS) else JSON
    return request.accept_mimetypes.best_match([own, JSON]) or own


def _etag(release: Release, body: bytes) -> str:
    headers = request.headers
    return etag(
        release, body, request.query_string.decode("latin-1"), headers.get("Content-Type", ""), headers.get("Accept", "")
    )


def etag(release: Release, body: bytes, *asked: str) -> str:
    """Return the tag of an answer: a digest of all that it depends on; asked: the query, the Content-Type, what is accepted."""
    digest = sha256(body)
    digest.update("".join([f"\x00{part}" for part in (_VERSION, release.name, *asked)]).encode())
    return digest.hexdigest()[:32]


def _unchanged(etag: str) -> Response | None:
    """Return 304 where the caller has this answer already.

    RFC 9110 knows 304 for GET alone. A page does not fit into a URL, so that POST asks here; it changes nothing.
    """
    if etag not in request.if_none_match.as_set(include_weak=True):
        return None
    note(unchanged=True)
    return _conditional(Response(status=304), etag)


def _conditional(response: Response, etag: str) -> Response:
    response.set_etag(etag)
    response.headers.update(CONDITIONAL)
    return response


def _line(answer: LineObject | LineErrorObject | dict[str, Any]) -> bytes:
    return to_json(answer) + b"\n"

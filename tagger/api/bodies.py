"""The body of a request -> bytes within their limit -> JSON or a `Page`, by its Content-Type. Knows formats only by name."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import request
from pydantic_core import from_json
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from tagger.documents import Page
from tagger.errors import InvalidDocumentError
from tagger.extract.charset import codec_of
from tagger.extract.ninjs import is_ninjs, read_ninjs
from tagger.extract.page import read_page
from tagger.extract.parts import read_parts, read_raw

NINJS = "application/ninjs+json"
FEEDS = ("application/rss+xml", "application/atom+xml")


def read_body(limit: int) -> bytes:
    """Return the body, of at most `limit` bytes, or refuse it.

    Raises:
        RequestEntityTooLarge: it is longer, or says so.
        UnsupportedMediaType: it is compressed: what is small on the wire could be without end.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaType("The body is compressed: send it as it is, without a Content-Encoding.")
    if (request.content_length or 0) <= limit:
        # One more than allowed, so that a body sent in chunks is seen to be too long: Werkzeug cuts it without a word.
        request.max_content_length = limit + 1
        body = request.get_data()
        if len(body) <= limit:
            return body
    raise RequestEntityTooLarge(f"The body is larger than {limit} bytes: send less at a time.")


def read_json(body: bytes) -> Any:
    """Return the JSON of a body, of any shape.

    Raises:
        BadRequest: it is no JSON, or no UTF-8.
    """
    try:
        return from_json(body)
    except ValueError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error


def read_page_of(body: bytes) -> Page:
    """Read the page in a body by the Content-Type of the request.

    Raises:
        UnsupportedMediaType: it is none of those that hold a page.
        TaggerError: the page cannot be read; the sentence says why.
    """
    reader = _READERS.get(request.mimetype)
    if reader is None:
        raise UnsupportedMediaType(
            f"The Content-Type is {request.mimetype or 'missing'!r}: send one of {', '.join(_READERS)}. "
            "With curl: -H 'Content-Type: text/plain' --data-binary @page.txt"
        )
    return reader(body)


def _text_page(body: bytes) -> Page:
    charset = _charset() or "utf-8"
    try:
        return read_page(body.decode(charset))
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The body is not {charset.upper()}: byte {error.start} cannot be read. Send UTF-8, or name the charset of the "
            "text: Content-Type: text/plain; charset=windows-1252"
        ) from error


def _html_page(body: bytes) -> Page:
    from tagger.extract.html import read_html  # noqa: PLC0415 - a service that never sees HTML need not hold its readers

    return read_html(body, _charset())


def _feed_page(body: bytes) -> Page:
    from tagger.extract.feeds import read_feed  # noqa: PLC0415 - as above

    return read_feed(body)


def read_json_page(body: bytes) -> Page:
    """Read the page in JSON, in any of the shapes that are told apart by what they hold.

    Raises:
        BadRequest: it is no JSON.
        TaggerError: the page cannot be read; the sentence says why.
    """
    record = read_json(body)
    if not isinstance(record, dict):
        raise InvalidDocumentError('The body must be a JSON object: the parts of a page, or {"page": "its raw text"}.')
    if is_ninjs(record):
        return read_ninjs(record)
    return read_raw(record) if "page" in record else read_parts(record)


def _ninjs_page(body: bytes) -> Page:
    record = read_json(body)
    if not isinstance(record, dict):
        raise InvalidDocumentError("The body must be a JSON object: a ninjs item.")
    return read_ninjs(record)


def _charset() -> str | None:
    named = request.mimetype_params.get("charset")
    if named is not None and codec_of(named) is None:
        raise UnsupportedMediaType(f"The charset {named[:40]!r} is unknown: send UTF-8.")
    return codec_of(named)


_READERS: Mapping[str, Callable[[bytes], Page]] = {
    "text/plain": _text_page,
    "application/json": read_json_page,
    "text/html": _html_page,
    "application/xhtml+xml": _html_page,
    NINJS: _ninjs_page,
    **dict.fromkeys(FEEDS, _feed_page),
}
